//! Named tensors from safetensors files and PyTorch checkpoints (zip and legacy). No code in a pickle is ever run.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    path::Path,
};

use pytorch_reader::{DType, PytorchReader};
use safetensors::{
    Dtype,
    tensor::{Metadata, TensorInfo},
};
use tch::{Kind, TchError, Tensor};

use super::{checkpoint::Container, shown, torch_error};
use crate::{
    error::{Error, Result},
    files::open_regular,
    printable::{one_line, printable_str},
    text,
};

/// How many names one sentence lists before it says how many more there are.
const NAMES_LISTED: usize = 8;
/// Most columns of each.
const NAME_COLUMNS: usize = 160;

/// Bytes of a safetensors file's header: a tensor takes some 100.
const MOST_HEADER: u64 = 10_000_000;

/// A tensor that a network needs: its name and shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTensor {
    /// Name in the state dict.
    pub name: String,
    /// Shape.
    pub shape: Vec<i64>,
}

/// The tensors of a weights file as float32, by name.
#[derive(Debug)]
pub(super) struct Weights {
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    /// Reads the wanted tensors; `ignored` tells which others may be in the file (a classifier, counters).
    ///
    /// Only what stands under `prefix` counts. Without one, the prefix under which the network stands, as training
    /// scripts leave it (`state_dict.module.`), is found when there is only one.
    ///
    /// # Errors
    /// [`Error::Model`] that names the file and every tensor that is missing, misshapen, unexpected or not finite, or the
    /// prefixes of the networks when the file holds several.
    pub(super) fn read(
        model: &str,
        file: &Path,
        prefix: Option<&str>,
        wanted: &[WantedTensor],
        ignored: impl Fn(&str) -> bool,
    ) -> Result<Self> {
        let bad = |reason: String| Error::model(model, format!("{}: {reason}", shown(file)));
        let mut source = match Container::of(file).map_err(Error::io("read", file))? {
            Some(Container::Safetensors) => {
                let opened = open_regular(file).map_err(Error::io("read", file))?;
                Source::Safetensors(Safetensors::open(opened).map_err(|error| {
                    let reason = one_line(&error.to_string());
                    bad(format!("it is neither a safetensors file ({reason}) nor a PyTorch checkpoint"))
                })?)
            }
            Some(container) => {
                container.check(file).map_err(bad)?;
                let reader = PytorchReader::new(file).map_err(|error| bad(one_line(&error.to_string())))?;
                Source::Pytorch(reader.into_tensors())
            }
            None => return Err(bad("it is neither a safetensors file nor a PyTorch checkpoint".into())),
        };
        let prefix = match prefix {
            Some(prefix) => prefix.to_owned(),
            None => only_prefix(&source.shapes(), wanted).map_err(bad)?,
        };
        source.keep_under(&prefix);
        if let Some(mismatch) = mismatch(&source.shapes(), wanted, ignored) {
            return Err(bad(mismatch));
        }
        let mut tensors = HashMap::new();
        for WantedTensor { name, .. } in wanted {
            tensors.insert(name.clone(), source.tensor(name, model).map_err(|reason| bad(reason.to_string()))?);
        }
        Ok(Self { tensors })
    }

    /// Takes a tensor out.
    ///
    /// # Errors
    /// [`Error::Model`] when it was not among the wanted ones or is taken already.
    pub(super) fn take(&mut self, name: &str) -> Result<Tensor> {
        self.tensors.remove(name).ok_or_else(|| Error::model(name, "this tensor was not read"))
    }
}

/// Reads the wanted tensors without building a network, for the fuzz target.
///
/// # Errors
/// As when a network is built.
#[cfg(fuzzing)]
pub fn read_alone(file: &Path, wanted: &[WantedTensor]) -> Result<()> {
    Weights::read("small", file, None, wanted, |_| false).map(drop)
}

/// A file whose tensors are known and not yet converted.
enum Source {
    Pytorch(HashMap<String, pytorch_reader::Tensor>),
    Safetensors(Safetensors),
}

impl Source {
    fn shapes(&self) -> HashMap<&str, Vec<i64>> {
        let signed = |shape: &[usize]| shape.iter().map(|&side| side as i64).collect();
        match self {
            Self::Pytorch(tensors) => tensors.iter().map(|(name, tensor)| (&**name, signed(tensor.shape()))).collect(),
            Self::Safetensors(file) => {
                file.tensors.iter().map(|(name, tensor)| (&**name, signed(&tensor.shape))).collect()
            }
        }
    }

    /// Drops a prefix from all names, and everything that is not under it.
    fn keep_under(&mut self, prefix: &str) {
        fn strip<T>(tensors: &mut HashMap<String, T>, prefix: &str) {
            let all = std::mem::take(tensors);
            tensors.extend(
                all.into_iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor))),
            );
        }
        match self {
            Self::Pytorch(tensors) => strip(tensors, prefix),
            Self::Safetensors(file) => strip(&mut file.tensors, prefix),
        }
    }

    fn tensor(&self, name: &str, model: &str) -> Result<Tensor> {
        let (bytes, shape, kind);
        match self {
            Self::Pytorch(tensors) => {
                let tensor = tensors.get(name).ok_or_else(|| missing(name))?;
                kind = pytorch_kind(tensor.dtype());
                shape = tensor.shape().to_vec();
                bytes = tensor.read().map_err(|error| Error::model(name, one_line(&error.to_string())))?;
            }
            Self::Safetensors(file) => {
                let tensor = file.tensors.get(name).ok_or_else(|| missing(name))?;
                kind = safetensors_kind(tensor.dtype);
                shape = tensor.shape.clone();
                bytes = file.read(tensor).map_err(|error| Error::model(name, error))?;
            }
        }
        let kind = kind.ok_or_else(|| Error::model(name, "it does not hold floating-point numbers"))?;
        let shape: Vec<i64> = shape.into_iter().map(|side| side as i64).collect();
        let read = || -> Result<_, TchError> {
            let tensor = Tensor::f_from_data_size(&bytes, &shape, kind)?.f_to_kind(Kind::Float)?;
            let finite = tensor.f_isfinite()?.f_all()?.f_int64_value(&[])? == 1;
            Ok((tensor, finite))
        };
        match read().map_err(torch_error(model))? {
            (tensor, true) => Ok(tensor),
            _ => Err(Error::model(name, "it holds numbers that are not finite")),
        }
    }
}

/// A safetensors file whose header is read. The values are read one tensor after the other, so that a file that is for
/// another network takes no memory, however large it is.
struct Safetensors {
    file: File,
    tensors: HashMap<String, TensorInfo>,
    /// Where the values begin.
    values: u64,
}

impl Safetensors {
    fn open(mut file: File) -> Result<Self, Box<dyn std::error::Error>> {
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(ends_early)?;
        let length = u64::from_le_bytes(length);
        if length > MOST_HEADER {
            return Err("its header is too long".into());
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(ends_early)?;
        // This also checks that the tensors lie one behind the other and have the lengths of their shapes.
        let header: Metadata = serde_json::from_slice(&header)?;
        let values = 8 + length;
        if values.checked_add(header.data_len() as u64) != Some(file.metadata()?.len()) {
            return Err("it has another length than its header says".into());
        }
        let tensors = header.tensors().into_iter().map(|(name, tensor)| (name, tensor.clone())).collect();
        Ok(Self { file, tensors, values })
    }

    fn read(&self, tensor: &TensorInfo) -> io::Result<Vec<u8>> {
        let (from, to) = tensor.data_offsets;
        let mut bytes = vec![0; to - from];
        self.file.read_exact_at(&mut bytes, self.values + from as u64)?;
        Ok(bytes)
    }
}

fn ends_early(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { io::Error::other("it ends early") } else { error }
}

/// What stands before the names of the network that is in the file; nothing when there is none, which is said later.
fn only_prefix(there: &HashMap<&str, Vec<i64>>, wanted: &[WantedTensor]) -> Result<String, String> {
    let Some(first) = wanted.first() else { return Ok(String::new()) };
    if there.contains_key(&*first.name) {
        return Ok(String::new());
    }
    let suffix = format!(".{}", first.name);
    let prefixes: BTreeSet<_> =
        there.keys().filter(|name| name.ends_with(&suffix)).map(|name| &name[..=name.len() - suffix.len()]).collect();
    // A deeper layer may end alike ("layer1.0.conv1.weight"), so all of the network must be there; if in none its shapes
    // are right, the sentence about them is of more use than one about names.
    let whole = |shapes: bool| -> Vec<&str> {
        let there = |wanted: &WantedTensor, prefix: &str| {
            let found = there.get(&*format!("{prefix}{}", wanted.name));
            found.is_some_and(|shape| !shapes || *shape == wanted.shape)
        };
        prefixes.iter().copied().filter(|prefix| wanted.iter().all(|wanted| there(wanted, prefix))).collect()
    };
    let mut found = whole(true);
    if found.is_empty() {
        found = whole(false);
    }
    match found[..] {
        [] => Ok(String::new()),
        [only] => Ok(only.to_owned()),
        [one, ..] => {
            let names: Vec<_> = found.iter().map(|prefix| (*prefix).to_owned()).collect();
            Err(format!(
                "it holds {} networks, under {}: choose one in the manifest, with `prefix = \"{}\"` in `[weights]`",
                found.len(),
                listed(&names),
                short(one)
            ))
        }
    }
}

fn missing(name: &str) -> Error {
    Error::model(name, "it is missing")
}

fn pytorch_kind(dtype: DType) -> Option<Kind> {
    match dtype {
        DType::F64 => Some(Kind::Double),
        DType::F32 => Some(Kind::Float),
        DType::F16 => Some(Kind::Half),
        DType::BF16 => Some(Kind::BFloat16),
        _ => None,
    }
}

fn safetensors_kind(dtype: Dtype) -> Option<Kind> {
    match dtype {
        Dtype::F64 => Some(Kind::Double),
        Dtype::F32 => Some(Kind::Float),
        Dtype::F16 => Some(Kind::Half),
        Dtype::BF16 => Some(Kind::BFloat16),
        _ => None,
    }
}

/// One sentence about every difference between what is there and what is wanted; `None` when they agree.
fn mismatch(
    there: &HashMap<&str, Vec<i64>>,
    wanted: &[WantedTensor],
    ignored: impl Fn(&str) -> bool,
) -> Option<String> {
    let mut missing = Vec::new();
    let mut misshapen = Vec::new();
    for WantedTensor { name, shape } in wanted {
        match there.get(&**name) {
            None => missing.push(name.clone()),
            Some(found) if found != shape => misshapen.push(format!("{name} ({} instead of {})", by(found), by(shape))),
            Some(_) => {}
        }
    }
    // A set, because both may have many names.
    let known: HashSet<_> = wanted.iter().map(|wanted| &*wanted.name).collect();
    let mut extra: Vec<_> =
        there.keys().filter(|name| !known.contains(*name) && !ignored(name)).map(|&name| name.to_owned()).collect();
    extra.sort_unstable();
    let parts: Vec<_> = [("missing", missing), ("of another shape", misshapen), ("not expected", extra)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", listed(&names)))
        .collect();
    (!parts.is_empty()).then(|| format!("these weights are for another network; {}", parts.join("; ")))
}

fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMES_LISTED).map(|name| short(name)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(NAMES_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// A name, whatever a file has in its place.
fn short(name: &str) -> String {
    text::cut(&printable_str(name), NAME_COLUMNS)
}

fn by(shape: &[i64]) -> String {
    let sides: Vec<_> = shape.iter().map(i64::to_string).collect();
    if sides.is_empty() { "a single number".into() } else { sides.join("×") }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use safetensors::tensor::TensorView;

    use super::*;
    use crate::printable::is_hostile;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
    }

    fn wanted(tensors: &[(&str, &[i64])]) -> Vec<WantedTensor> {
        tensors.iter().map(|(name, shape)| WantedTensor { name: (*name).into(), shape: shape.to_vec() }).collect()
    }

    fn right() -> Vec<WantedTensor> {
        wanted(&[("conv1.weight", &[2, 3, 2, 1]), ("bn1.bias", &[2])])
    }

    fn read(name: &str, wanted: &[WantedTensor]) -> Result<Weights> {
        Weights::read("probe", &fixture(name), None, wanted, |name| {
            name.starts_with("fc.") || name.ends_with(".num_batches_tracked")
        })
    }

    #[track_caller]
    fn check_values(name: &str) {
        let mut weights = read(name, &right()).unwrap();
        let values = |tensor: Tensor| Vec::<f32>::try_from(tensor.f_view([-1]).unwrap()).unwrap();
        let expected: Vec<f32> = (0..12_u8).map(|i| f32::from(i) / 8.0).collect();
        assert_eq!(values(weights.take("conv1.weight").unwrap()), expected, "{name}");
        assert_eq!(values(weights.take("bn1.bias").unwrap()), [0.5, -2.0], "{name}");
        assert!(weights.take("bn1.bias").is_err());
    }

    #[test]
    fn every_container_and_precision_gives_the_same_values() {
        for name in ["zip.pth", "legacy.pth", "half.pth", "nested.pth", "float.safetensors", "bfloat16.safetensors"] {
            check_values(name);
        }
    }

    #[test]
    fn code_in_a_pickle_is_not_run() {
        let made = Path::new("a-pickle-ran-code");
        assert!(fs::read(fixture("code.pth")).unwrap().windows(17).any(|bytes| bytes == b"a-pickle-ran-code"));
        check_values("code.pth");
        assert!(!made.exists());
    }

    /// A file in which each name holds the two tensors of [`right`], with that first value.
    fn write(networks: &[(&str, f32)]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("net.safetensors");
        let bytes = |first: f32, count| [first].into_iter().chain([1.0; 12]).take(count).flat_map(f32::to_le_bytes);
        let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = networks
            .iter()
            .flat_map(|(prefix, first)| {
                [
                    (format!("{prefix}conv1.weight"), vec![2, 3, 2, 1], bytes(*first, 12).collect()),
                    (format!("{prefix}bn1.bias"), vec![2], bytes(*first, 2).collect()),
                ]
            })
            .collect();
        let view = |shape: &Vec<usize>, bytes| TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        let views = tensors.iter().map(|(name, shape, bytes)| (name, view(shape, bytes)));
        safetensors::serialize_to_file(views, None, &file).unwrap();
        (folder, file)
    }

    #[test]
    fn of_two_networks_the_manifests_prefix_chooses_and_without_one_both_are_named() {
        let (_folder, file) = write(&[("encoder_k.", 3.0), ("encoder_q.", 7.0)]);
        let read = |prefix| Weights::read("probe", &file, prefix, &right(), |_| false);
        // More than once, because the names lie in a hash map.
        for _ in 0..20 {
            let error = read(None).unwrap_err().to_string();
            assert!(error.contains("2 networks, under encoder_k., encoder_q.:") && error.contains("prefix"), "{error}");
        }
        for (prefix, first) in [("encoder_k.", 3.0), ("encoder_q.", 7.0)] {
            let bias = read(Some(prefix)).unwrap().take("bn1.bias").unwrap();
            assert_eq!(Vec::<f32>::try_from(bias).unwrap(), [first, 1.0]);
        }
        assert!(read(Some("encoder_x.")).unwrap_err().to_string().contains("missing: conv1.weight"));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_with_their_tensors_name() {
        for first in [f32::NAN, f32::INFINITY] {
            let (_folder, file) = write(&[("", first)]);
            let error = Weights::read("probe", &file, None, &right(), |_| false).unwrap_err().to_string();
            assert!(error.contains("conv1.weight") && error.contains("not finite"), "{error}");
        }
    }

    #[test]
    fn one_sentence_names_what_is_missing_misshapen_and_extra() {
        let wrong = wanted(&[("conv1.weight", &[2, 3, 7, 7]), ("bn1.bias", &[2]), ("conv2.weight", &[1])]);
        for name in ["zip.pth", "legacy.pth", "float.safetensors"] {
            let error = read(name, &wrong).unwrap_err().to_string();
            assert!(
                error.contains("missing: conv2.weight; of another shape: conv1.weight (2×3×2×1 instead of 2×3×7×7)"),
                "{error}"
            );
            let error = read(name, &wanted(&[("conv1.weight", &[2, 3, 2, 1])])).unwrap_err().to_string();
            assert!(error.ends_with("not expected: bn1.bias"), "{error}");
        }
    }

    #[test]
    fn a_file_for_another_network_is_refused_without_being_read_however_large_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.safetensors");
        // A terabyte of zeros, of which the file system keeps nothing.
        let header = br#"{"large":{"dtype":"F32","shape":[274877906944],"data_offsets":[0,1099511627776]}}"#;
        fs::write(&path, [&(header.len() as u64).to_le_bytes()[..], header].concat()).unwrap();
        let file = File::options().append(true).open(&path).unwrap();
        file.set_len(8 + header.len() as u64 + (1 << 40)).unwrap();
        let error = Weights::read("probe", &path, None, &right(), |_| false).unwrap_err().to_string();
        assert!(error.contains("missing: conv1.weight, bn1.bias; not expected: large"), "{error}");
    }

    #[test]
    fn long_lists_are_cut() {
        let many: Vec<_> = (0..20).map(|i| format!("layer{i:02}")).collect();
        assert_eq!(listed(&many).matches("layer").count(), NAMES_LISTED);
        assert!(listed(&many).ends_with("and 12 more"));
        let long = listed(&["\n".repeat(1000), "a".into()]);
        assert!(long.starts_with("\\u{a}\\u{a}") && long.ends_with("…, a") && long.len() < 200, "{long}");
    }

    #[test]
    fn other_files_are_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("empty.pth", &b""[..]),
            ("text.pth", b"hello, this is no pickle"),
            ("short.safetensors", b"\x05\0\0\0\0\0\0\0{\"a\""),
            ("long.safetensors", b"\0\0\0\x10\0\0\0\0{"),
            ("longer.safetensors", b"\x02\0\0\0\0\0\0\0{}and more"),
            ("whole.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
            // The name of a type, which messages quote.
            ("odd.safetensors", b"\x26\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F\\n\\u001b\",\"shape\":[]}}"),
            // A legacy checkpoint of a class with such a name.
            (
                "odd.pth",
                b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\
                  \x80\x02}X\x0d\0\0\0little_endian\x88s.\x80\x02c\x1b[2J\rtorch\nname\n.\x80\x02].",
            ),
        ] {
            let file = folder.path().join(name);
            std::fs::write(&file, content).unwrap();
            let error = Weights::read("probe", &file, None, &right(), |_| false).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains(is_hostile), "{error}");
        }
        assert!(read("no such file.pth", &right()).unwrap_err().to_string().contains("no such file.pth"));
    }
}
