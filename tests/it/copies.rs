//! Copies from the command line: they are found in real files, listed, moved away only when that was said, and brought
//! back; and `why` says what a likeness is made of.

use std::{
    fs,
    path::{Path, PathBuf},
};

use assert_cmd::Command;
use image::{RgbImage, imageops};
use serde_json::Value;
use tempfile::TempDir;

/// A picture of soft blobs that no turn leaves as it is; each number gives another one.
fn scene(number: u32) -> RgbImage {
    let mut state = number.wrapping_mul(2_654_435_761);
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let blobs: Vec<_> = (0..70).map(|_| [random(), random(), 0.03 + 0.05 * random(), random() - 0.5]).collect();
    RgbImage::from_fn(120, 90, |x, y| {
        let (x, y) = (x as f32 / 120.0, y as f32 / 90.0);
        let height = |[left, top, size, height]: &[f32; 4]| {
            height * (-((x - left).powi(2) + (y - top).powi(2)) / (size * size)).exp()
        };
        let level = 128.0 + 150.0 * blobs.iter().map(height).sum::<f32>();
        image::Rgb([level, 0.7 * level + 30.0, 200.0 - 0.5 * level].map(|channel| channel.clamp(0.0, 255.0) as u8))
    })
}

struct Folder {
    home: TempDir,
    pictures: PathBuf,
}

impl Folder {
    /// Two scenes; of one of them an identical file, a mirrored one and a smaller one.
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let pictures = home.path().join("pictures");
        fs::create_dir_all(pictures.join("sub")).unwrap();
        let (one, other) = (scene(1), scene(4));
        one.save(pictures.join("one.png")).unwrap();
        fs::copy(pictures.join("one.png"), pictures.join("sub/same.png")).unwrap();
        imageops::flip_horizontal(&one).save(pictures.join("sub/mirrored.jpg")).unwrap();
        imageops::resize(&one, 60, 45, imageops::FilterType::Triangle).save(pictures.join("sub/small.png")).unwrap();
        other.save(pictures.join("other.png")).unwrap();
        Self { home, pictures: fs::canonicalize(pictures).unwrap() }
    }

    fn run(&self, arguments: &[&str]) -> (bool, String) {
        self.run_in("unlimited", arguments)
    }

    /// The same where no file may become larger than so many blocks of 512 bytes, which is refused as a full disk refuses it.
    fn run_in(&self, blocks: &str, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f $0; exec \"$@\"", blocks, env!("CARGO_BIN_EXE_lookalike")]);
        command.env("HOME", self.home.path()).env("XDG_DATA_HOME", self.home.path().join("data"));
        command.env("XDG_CACHE_HOME", self.home.path().join("cache")).current_dir(&self.pictures);
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), said)
    }

    #[track_caller]
    fn alike(&self, further: &[&str]) -> String {
        let arguments = [&["alike", ".", "--model", "color-grid", "--min", "0.99"][..], further].concat();
        let (done, said) = self.run(&arguments);
        assert!(done, "{said}");
        said
    }

    fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for folder in [self.pictures.clone(), self.pictures.join("sub")] {
            let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            files.extend(entries.filter(|path| path.is_file()).map(|path| self.name(&path)));
        }
        files.sort();
        files
    }

    fn name(&self, path: &Path) -> String {
        path.strip_prefix(&self.pictures).unwrap().display().to_string()
    }
}

const ALL: [&str; 5] = ["one.png", "other.png", "sub/mirrored.jpg", "sub/same.png", "sub/small.png"];

#[test]
fn copies_are_found_and_what_they_are_is_said() {
    let folder = Folder::new();
    let told: Value = serde_json::from_str(&folder.alike(&["--json"])).expect("JSON");
    let groups = told["groups"].as_array().unwrap();
    let of_kind = |kind: &str| groups.iter().filter(move |group| group["kind"] == kind).collect::<Vec<_>>();
    let copy = |group: &Value, name: &str| {
        let images = group["images"].as_array().unwrap();
        let image = images.iter().find(|image| image["path"].as_str().unwrap().ends_with(name));
        image.unwrap_or_else(|| panic!("{name} is not in {group}"))["copy"].clone()
    };
    let [identical] = of_kind("identical")[..] else { panic!("{told}") };
    assert_eq!(identical["images"].as_array().unwrap().len(), 2);
    assert_eq!((copy(identical, "one.png"), copy(identical, "same.png")), (Value::Null, "identical".into()));
    let [copies] = of_kind("copies")[..] else { panic!("{told}") };
    assert_eq!(copy(copies, "mirrored.jpg"), "mirrored");
    assert_eq!(copy(copies, "small.png"), "resized");
    assert!(!copies.to_string().contains("other.png"));
    // The same from what was kept of the files.
    assert_eq!(serde_json::from_str::<Value>(&folder.alike(&["--json"])).expect("JSON"), told);
    let paths = folder.alike(&["--paths"]);
    let named: Vec<_> = paths.lines().map(|path| folder.name(Path::new(path))).collect();
    assert_eq!(named.len(), 3, "{paths}");
    assert_eq!(folder.alike(&["-0"]), paths.replace('\n', "\0"));
    assert_eq!(folder.files(), ALL, "nothing was touched");
}

#[test]
fn nothing_is_moved_unless_that_is_said_and_all_of_it_comes_back() {
    let folder = Folder::new();
    let to = folder.home.path().join("away");
    let to = to.to_str().unwrap();
    let said = folder.alike(&["--move-to", to]);
    assert!(said.contains("3 pictures") && said.contains("add --yes"), "{said}");
    assert_eq!(folder.files(), ALL);
    let said = folder.alike(&["--move-to", to, "--yes"]);
    assert!(said.contains("3 pictures moved into") && said.contains("lookalike undo"), "{said}");
    assert_eq!(folder.files().len(), 2, "one of each is left");
    let (done, said) = folder.run(&["undo"]);
    assert!(done && said.contains("3 pictures brought back"), "{said}");
    assert_eq!(folder.files(), ALL);
    let (done, said) = folder.run(&["undo"]);
    assert!(!done && said.contains("nothing was moved away"), "{said}");
}

#[test]
fn a_damaged_line_of_a_list_is_said_to_be_that() {
    let folder = Folder::new();
    let to = folder.home.path().join("away");
    let said = folder.alike(&["--move-to", to.to_str().unwrap(), "--yes"]);
    let list = said.split("lookalike undo ").nth(1).unwrap().trim();
    let whole = fs::read_to_string(list).unwrap();
    fs::write(list, whole.replacen("from", "form", 1)).unwrap();
    let (done, said) = folder.run(&["undo", list]);
    let sentence =
        format!("! of the list {list} line 1 is damaged: the file that it was about stays where it was moved to");
    assert!(!done && said.contains(&sentence) && said.contains("2 pictures brought back"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_trash_gives_back_what_it_got() {
    let folder = Folder::new();
    let said = folder.alike(&["--trash", "--yes"]);
    assert!(said.contains("3 pictures moved into the trash"), "{said}");
    assert_eq!(folder.files().len(), 2);
    let (done, said) = folder.run(&["undo"]);
    assert!(done && said.contains("3 pictures brought back"), "{said}");
    assert_eq!(folder.files(), ALL);
}

#[test]
fn protected_folders_keep_their_pictures() {
    let folder = Folder::new();
    let sub = folder.pictures.join("sub");
    let said = folder.alike(&["--keep-in", sub.to_str().unwrap(), "--paths"]);
    let named: Vec<_> = said.lines().map(|path| folder.name(Path::new(path))).collect();
    assert_eq!(named, ["one.png"]);
    let (done, said) = folder.run(&["alike", ".", "--model", "color-grid", "--keep-in", "gone"]);
    assert!(!done && said.contains("gone"), "what should be protected must be there: {said}");
}

#[test]
fn the_shares_of_a_likeness_sum_to_it() {
    let folder = Folder::new();
    for model in ["color-grid", "gaze"] {
        let (done, said) = folder.run(&["why", "one.png", "other.png", "--json", "--model", model]);
        assert!(done, "{said}");
        let told: Value = serde_json::from_str(&said).expect("JSON");
        let cosine = told["cosine"].as_f64().unwrap();
        assert_eq!(told["exact"], true);
        for picture in told["pictures"].as_array().unwrap() {
            let shares = picture["shares"].as_array().unwrap();
            let sum: f64 = shares.iter().map(|share| share.as_f64().unwrap()).sum();
            assert!((sum - cosine).abs() < 1e-3, "{sum} for {cosine} by {model}");
            assert_eq!(shares.len() as u64, picture["rows"].as_u64().unwrap() * picture["columns"].as_u64().unwrap());
        }
        let (done, said) = folder.run(&["matrix", ".", "--csv", "--model", model]);
        assert!(done, "{said}");
        let rows: Vec<Vec<&str>> = said.lines().map(|line| line.split(',').collect()).collect();
        let column = rows[0].iter().position(|name| *name == "other.png").unwrap();
        let row = rows.iter().find(|row| row[0] == "one.png").unwrap();
        let expected: f64 = row[column].parse().unwrap();
        assert!((cosine - expected).abs() < 4e-3, "{cosine} is not {expected} by {model}");
    }
    let (done, said) = folder.run(&["why", "one.png", "other.png", "--model", "color-grid", "--png", "why.png"]);
    assert!(done, "{said}");
    assert!(image::open(folder.pictures.join("why.png")).unwrap().width() > 240);
    let (done, said) = folder.run(&["why", "one.png", "other.png", "--model", "color-grid", "--png", "why.png"]);
    assert!(!done && said.contains("--force"), "no file is replaced unasked: {said}");
}

#[test]
fn on_a_full_disk_nothing_is_moved_that_could_not_come_back() {
    let folder = Folder::new();
    let to = folder.home.path().join("x".repeat(120));
    let arguments =
        ["alike", ".", "--model", "color-grid", "--min", "0.99", "--yes", "--move-to", to.to_str().unwrap()];
    folder.alike(&[]);
    let (done, said) = folder.run_in("0", &arguments);
    assert!(!done && said.contains("0 pictures moved") && !said.contains("lookalike undo"), "{said}");
    assert_eq!(said.matches(" stays: cannot write ").count(), 3, "each that stays is said: {said}");
    assert_eq!(folder.files(), ALL);
    let (done, said) = folder.run(&["undo"]);
    assert!(!done && said.contains("nothing was moved away"), "{said}");
    // There is room for one move or two on the list.
    let (done, said) = folder.run_in("1", &arguments);
    let moved = ALL.len() - folder.files().len();
    assert!(!done && (1..3).contains(&moved), "{said}");
    assert_eq!(said.matches(" stays: cannot write ").count(), 3 - moved, "{said}");
    let (done, said) = folder.run(&["undo"]);
    assert!(done && said.contains(" brought back") && !said.contains("damaged"), "{said}");
    assert_eq!(folder.files(), ALL);
}
