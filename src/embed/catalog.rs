//! Which models there are and where their weights lie.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{
    fingerprint::sha256,
    manifest::{self, Manifest, WeightsSource},
    shown,
};
use crate::{
    error::{Error, Result},
    files::read_text,
    folders,
};

/// No manifest is longer: the built-in ones have less than a kilobyte.
const MANIFEST_BYTES: u64 = 64 * 1024;

/// Where manifests and weights are looked for.
#[derive(Debug, Clone, Default)]
pub struct Folders {
    /// See [`folders::manifests`].
    pub manifests: PathBuf,
    /// See [`folders::models`].
    pub models: PathBuf,
    /// `models` of the checkout that the program runs in or was built in.
    pub checkouts: Vec<PathBuf>,
    /// See [`folders::torch`].
    pub torch: PathBuf,
}

impl Folders {
    /// The folders of this user and process.
    ///
    /// # Errors
    /// [`Error::Usage`] when there is no home folder.
    pub fn from_env() -> Result<Self> {
        Ok(Self {
            manifests: folders::manifests()?,
            models: folders::models()?,
            checkouts: checkouts(),
            torch: folders::torch()?,
        })
    }

    /// Folders of weights, in the order in which they are searched.
    fn weights(&self) -> impl Iterator<Item = &Path> {
        [&*self.models].into_iter().chain(self.checkouts.iter().map(|folder| &**folder)).chain([&*self.torch])
    }
}

/// `models` of a checkout in which the program was built (`target/release/lookalike` and the like) or was started.
fn checkouts() -> Vec<PathBuf> {
    let program = env::current_exe().unwrap_or_default();
    let current = env::current_dir().unwrap_or_default();
    let mut found = Vec::new();
    for folder in program.ancestors().skip(1).take(5).chain([&*current]) {
        let models = folder.join("models");
        // The baseline's manifest tells our checkout from any other folder that happens to hold `models`.
        if models.join("color-grid.toml").is_file() && folder.join("Cargo.toml").is_file() && !found.contains(&models) {
            found.push(models);
        }
    }
    found
}

/// A model and where its weights are.
#[derive(Debug, Clone, Serialize)]
pub struct CatalogEntry {
    /// The model.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// The weights file, when it was found with all that belong beside it. The baseline has none and needs none.
    pub found: Option<PathBuf>,
}

impl CatalogEntry {
    /// Whether the model can be used right away.
    #[must_use]
    pub fn usable(&self) -> bool {
        self.found.is_some() || self.manifest.weights.is_none()
    }
}

/// All models that this user has.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The models, the best one first.
    pub entries: Vec<CatalogEntry>,
    /// One sentence for each manifest that could not be read.
    pub problems: Vec<String>,
}

/// Reads the built-in manifests and the user's (`*.toml` in the configuration folder or beside the weights) and looks
/// for their weights. A manifest of the user's replaces a built-in one of the same name.
#[must_use]
pub fn catalog(folders: &Folders) -> Catalog {
    let mut catalog = Catalog::default();
    for manifest in manifest::built_in() {
        match manifest {
            Ok(manifest) => catalog.add(manifest, None, folders),
            Err(reason) => catalog.problems.push(format!("a built-in model: {reason}")),
        }
    }
    for folder in [&folders.models, &folders.manifests] {
        for file in toml_files(folder) {
            match read(&file) {
                Ok(manifest) => catalog.add(manifest, Some(folder), folders),
                Err(error) => catalog.problems.push(error.to_string()),
            }
        }
    }
    catalog.entries.sort_by(|a, b| {
        let key = |entry: &CatalogEntry| (!entry.manifest.baseline, entry.manifest.rank);
        key(b).cmp(&key(a)).then_with(|| a.manifest.name.cmp(&b.manifest.name))
    });
    catalog
}

impl Catalog {
    fn add(&mut self, manifest: Manifest, beside: Option<&Path>, folders: &Folders) {
        let found = manifest.weights.as_ref().and_then(|source| {
            find(source, beside.into_iter().chain(folders.weights()).map(|folder| folder.join(&source.file)))
        });
        self.entries.retain(|entry| entry.manifest.name != manifest.name);
        self.entries.push(CatalogEntry { manifest, found });
    }

    /// The model of that name.
    ///
    /// # Errors
    /// [`Error::Model`] that lists the names there are, and the manifests that could not be read.
    pub fn named(&self, name: &str) -> Result<&CatalogEntry> {
        self.entries.iter().find(|entry| entry.manifest.name == name).ok_or_else(|| {
            let names: Vec<_> = self.entries.iter().map(|entry| &*entry.manifest.name).collect();
            let mut reason = format!("there is no such model; there are {}", names.join(", "));
            for problem in &self.problems {
                reason += &format!("; {problem}");
            }
            Error::model(crate::printable::printable_str(name), reason)
        })
    }

    /// The usable model of the highest rank that takes any picture; the baseline when there is nothing else.
    ///
    /// # Errors
    /// [`Error::Model`] when not even the baseline is left.
    pub fn best(&self) -> Result<&CatalogEntry> {
        self.entries
            .iter()
            .find(|entry| entry.usable() && !entry.manifest.finds_faces())
            .ok_or_else(|| Error::model("auto", "no model can be used: see `lookalike models`"))
    }

    /// The model a weights file belongs to: by the manifest beside it (same name, `.toml`), else by its file name.
    ///
    /// # Errors
    /// [`Error::Model`] when neither tells.
    pub fn of_weights_file(&self, file: &Path) -> Result<CatalogEntry> {
        let beside = file.with_extension("toml");
        if beside.is_file() {
            return Ok(CatalogEntry { manifest: read(&beside)?, found: Some(file.to_path_buf()) });
        }
        let named = |entry: &&CatalogEntry| {
            entry
                .manifest
                .weights
                .as_ref()
                .is_some_and(|source| Path::new(&source.file).file_name() == file.file_name())
        };
        self.entries.iter().find(named).cloned().ok_or_else(|| {
            let reason = format!(
                "nothing says which network these weights are for: name it with --model, or write the manifest {}",
                shown(&beside)
            );
            Error::model(shown(file), reason)
        })
    }
}

/// The first of the files that is there with all that belong beside it; of several, the first with the manifest's sum
/// where that is known in full, so that a copy installed long ago does not stand for the weights of a newer checkout.
fn find(source: &WeightsSource, files: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let is_whole = |file: &PathBuf| source.files().all(|part| file.with_file_name(&part.file).is_file());
    let mut files: Vec<_> = files.filter(is_whole).collect();
    files.dedup();
    let sum = source.sha256.as_deref().filter(|sum| sum.len() == 64 && files.len() > 1);
    let right = |sum: &str| files.iter().position(|file| sha256(file).is_ok_and(|of| of.eq_ignore_ascii_case(sum)));
    let first = sum.and_then(right).unwrap_or(0);
    (first < files.len()).then(|| files.swap_remove(first))
}

fn read(file: &Path) -> Result<Manifest> {
    let text = read_text(file, MANIFEST_BYTES).map_err(Error::io("read", file))?;
    Manifest::parse(&text).map_err(|reason| Error::model(shown(file), reason))
}

/// The `.toml` files of a folder by name; none when there is no such folder.
fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|kind| kind == "toml")).collect();
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn folders(home: &TempDir) -> Folders {
        let folder = |name: &str| {
            let path = home.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        };
        Folders {
            manifests: folder("config"),
            models: folder("data"),
            checkouts: vec![folder("checkout")],
            torch: folder("torch"),
        }
    }

    fn found(folders: &Folders, name: &str) -> Option<PathBuf> {
        catalog(folders).named(name).unwrap().found.clone()
    }

    #[test]
    fn without_weights_the_baseline_is_the_best() {
        let home = TempDir::new().unwrap();
        let catalog = catalog(&folders(&home));
        assert_eq!(catalog.problems, [""; 0]);
        assert_eq!(catalog.best().unwrap().manifest.name, "color-grid");
    }

    #[test]
    fn weights_are_found_in_the_users_folder_then_the_checkout_then_pytorchs_cache() {
        let home = TempDir::new().unwrap();
        let folders = folders(&home);
        for folder in [&folders.torch, &folders.checkouts[0], &folders.models] {
            let file = folder.join("resnet50-0676ba61.pth");
            fs::write(&file, "").unwrap();
            assert_eq!(found(&folders, "resnet50"), Some(file));
        }
        assert_eq!(catalog(&folders).best().unwrap().manifest.name, "resnet50");
        assert_eq!(found(&folders, "resnet18"), None);
    }

    #[test]
    fn the_clones_own_model_comes_before_what_was_downloaded() {
        let home = TempDir::new().unwrap();
        let folders = folders(&home);
        fs::write(folders.torch.join("resnet50-0676ba61.pth"), "").unwrap();
        fs::write(folders.checkouts[0].join("gaze.safetensors"), "").unwrap();
        assert_eq!(catalog(&folders).best().unwrap().manifest.name, "gaze");
    }

    #[test]
    fn a_model_of_several_files_is_there_when_one_folder_holds_them_all_and_never_chosen_by_itself() {
        let home = TempDir::new().unwrap();
        let folders = folders(&home);
        let files = ["pnet.pt", "rnet.pt", "onet.pt", "dlib_face_recognition_resnet_model_v1.dat"];
        for (at, name) in files.iter().enumerate() {
            assert_eq!(found(&folders, "faces"), None);
            fs::write([&folders.torch, &folders.models][at % 2].join(name), "").unwrap();
        }
        assert_eq!(found(&folders, "faces"), None, "they lie in two folders");
        for name in files {
            fs::write(folders.torch.join(name), "").unwrap();
        }
        assert_eq!(found(&folders, "faces"), Some(folders.torch.join(files[3])));
        assert_eq!(catalog(&folders).best().unwrap().manifest.name, "color-grid");
    }

    #[test]
    fn of_several_files_the_one_with_the_manifests_sum_is_taken() {
        let home = TempDir::new().unwrap();
        let folders = folders(&home);
        // SHA-256 of "new\n".
        let sum = "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c";
        let text =
            format!("name='mine'\narchitecture='torchscript'\ndim=8\n[weights]\nfile='mine.pt'\nsha256='{sum}'\n");
        fs::write(folders.manifests.join("mine.toml"), text).unwrap();
        let (old, new) = (folders.models.join("mine.pt"), folders.checkouts[0].join("mine.pt"));
        fs::write(&old, "old\n").unwrap();
        assert_eq!(found(&folders, "mine"), Some(old.clone()), "one file is taken as it is");
        fs::write(&new, "new\n").unwrap();
        assert_eq!(found(&folders, "mine"), Some(new.clone()));
        fs::write(&new, "newer\n").unwrap();
        assert_eq!(found(&folders, "mine"), Some(old), "without the right one it is the first");
    }

    #[test]
    fn the_users_manifest_adds_a_model_and_a_broken_one_is_reported() {
        let home = TempDir::new().unwrap();
        let folders = folders(&home);
        let text = "name='mine'\narchitecture='torchscript'\ndim=8\nrank=99\n[weights]\nfile='mine.pt'\n";
        fs::write(folders.models.join("mine.toml"), text).unwrap();
        fs::write(folders.models.join("mine.pt"), "").unwrap();
        fs::write(folders.manifests.join("broken.toml"), "name = ").unwrap();
        let catalog = catalog(&folders);
        assert_eq!(catalog.best().unwrap().manifest.name, "mine");
        assert_eq!(catalog.problems.len(), 1);
        assert!(catalog.problems[0].contains("broken.toml"), "{}", catalog.problems[0]);
        assert!(catalog.named("yours").unwrap_err().to_string().contains("mine"));
    }

    #[test]
    fn a_pipe_or_an_endless_device_among_the_manifests_is_a_problem_and_blocks_nothing() {
        let home = TempDir::new().unwrap();
        let folders = folders(&home);
        let pipe = folders.manifests.join("pipe.toml");
        assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/zero", folders.models.join("zero.toml")).unwrap();
        fs::write(folders.models.join("long.toml"), " ".repeat(100_000)).unwrap();
        let problems = catalog(&folders).problems;
        for (problem, (name, reason)) in problems.iter().zip([
            ("long.toml", "longer than 65536 bytes"),
            ("zero.toml", "not a regular file"),
            ("pipe.toml", "not a regular file"),
        ]) {
            assert!(problem.contains(name) && problem.contains(reason), "{problem}");
        }
        assert_eq!(problems.len(), 3);
    }

    #[test]
    fn a_weights_file_is_known_by_its_name_or_by_the_manifest_beside_it() {
        let home = TempDir::new().unwrap();
        let catalog = catalog(&folders(&home));
        let name = |file: &Path| catalog.of_weights_file(file).map(|entry| entry.manifest.name);
        assert_eq!(name(Path::new("elsewhere/resnet18-f37072fd.pth")).unwrap(), "resnet18");
        let file = home.path().join("net.pt");
        assert!(name(&file).unwrap_err().to_string().contains("net.toml"));
        let text = "name='net'\narchitecture='torchscript'\ndim=8\n[weights]\nfile='net.pt'\n";
        fs::write(home.path().join("net.toml"), text).unwrap();
        assert_eq!(name(&file).unwrap(), "net");
    }
}
