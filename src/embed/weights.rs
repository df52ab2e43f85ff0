//! Named tensors from safetensors files and PyTorch checkpoints (zip, legacy and tar). No code in a pickle is ever run.

use std::{collections::HashMap, fs::File, io::Read, path::Path};

use pytorch_reader::{DType, PytorchReader};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use tch::{Kind, Tensor};

use super::{shown, torch_error};
use crate::error::{Error, Result};

/// How many names one sentence lists before it says how many more there are.
const NAMES_LISTED: usize = 8;

/// A tensor that a network needs: its name and shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
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
    /// A prefix that all names share, as training scripts leave it (`state_dict.module.`), is dropped.
    ///
    /// # Errors
    /// [`Error::Model`] that names the file and every tensor that is missing, misshapen or unexpected.
    pub(super) fn read(model: &str, file: &Path, wanted: &[Wanted], ignored: impl Fn(&str) -> bool) -> Result<Self> {
        let bad = |reason: String| Error::model(model, format!("{}: {reason}", shown(file)));
        let bytes;
        let mut source = if is_pytorch(file)? {
            let reader = PytorchReader::new(file).map_err(|error| bad(first_line(&error)))?;
            Source::Pytorch(reader.into_tensors())
        } else {
            bytes = std::fs::read(file).map_err(Error::io("read", file))?;
            let tensors = SafeTensors::deserialize(&bytes)
                .map_err(|error| bad(format!("it is neither a safetensors file ({error}) nor a PyTorch checkpoint")))?;
            Source::Safetensors(tensors.tensors().into_iter().collect())
        };
        source.drop_prefix(wanted);
        if let Some(mismatch) = mismatch(&source.shapes(), wanted, ignored) {
            return Err(bad(mismatch));
        }
        let mut tensors = HashMap::new();
        for Wanted { name, .. } in wanted {
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

/// PyTorch files begin with a zip header, a pickle header or a tar name; safetensors with a length and `{`.
fn is_pytorch(file: &Path) -> Result<bool> {
    let mut start = [0; 9];
    let mut opened = File::open(file).map_err(Error::io("read", file))?;
    let mut filled = 0;
    while filled < start.len() {
        match opened.read(&mut start[filled..]).map_err(Error::io("read", file))? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(start[8] != b'{')
}

/// A file whose tensors are known and not yet converted.
enum Source<'a> {
    Pytorch(HashMap<String, pytorch_reader::Tensor>),
    Safetensors(HashMap<String, TensorView<'a>>),
}

impl Source<'_> {
    fn shapes(&self) -> HashMap<&str, Vec<i64>> {
        let signed = |shape: &[usize]| shape.iter().map(|&side| side as i64).collect();
        match self {
            Self::Pytorch(tensors) => tensors.iter().map(|(name, tensor)| (&**name, signed(tensor.shape()))).collect(),
            Self::Safetensors(tensors) => {
                tensors.iter().map(|(name, tensor)| (&**name, signed(tensor.shape()))).collect()
            }
        }
    }

    /// Drops what stands before the first wanted name, and everything that is not under it.
    fn drop_prefix(&mut self, wanted: &[Wanted]) {
        let Some(first) = wanted.first() else { return };
        let shapes = self.shapes();
        if shapes.contains_key(&*first.name) {
            return;
        }
        let suffix = format!(".{}", first.name);
        let prefixes =
            shapes.keys().filter(|name| name.ends_with(&suffix)).map(|name| &name[..=name.len() - suffix.len()]);
        // A deeper layer may end alike ("layer1.0.conv1.weight"); the shortest prefix is the network's own.
        let Some(prefix) = prefixes.min_by_key(|prefix| prefix.len()).map(str::to_owned) else { return };
        fn strip<T>(tensors: &mut HashMap<String, T>, prefix: &str) {
            let all = std::mem::take(tensors);
            tensors.extend(
                all.into_iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor))),
            );
        }
        if !wanted.iter().all(|wanted| shapes.contains_key(&*format!("{prefix}{}", wanted.name))) {
            return;
        }
        match self {
            Self::Pytorch(tensors) => strip(tensors, &prefix),
            Self::Safetensors(tensors) => strip(tensors, &prefix),
        }
    }

    fn tensor(&self, name: &str, model: &str) -> Result<Tensor> {
        let (bytes, shape, kind);
        match self {
            Self::Pytorch(tensors) => {
                let tensor = tensors.get(name).ok_or_else(|| missing(name))?;
                kind = pytorch_kind(tensor.dtype());
                shape = tensor.shape().to_vec();
                bytes = std::borrow::Cow::Owned(tensor.read().map_err(|error| Error::model(name, first_line(&error)))?);
            }
            Self::Safetensors(tensors) => {
                let tensor = tensors.get(name).ok_or_else(|| missing(name))?;
                kind = safetensors_kind(tensor.dtype());
                shape = tensor.shape().to_vec();
                bytes = std::borrow::Cow::Borrowed(tensor.data());
            }
        }
        let kind = kind.ok_or_else(|| Error::model(name, "it does not hold floating-point numbers"))?;
        let shape: Vec<i64> = shape.into_iter().map(|side| side as i64).collect();
        let tensor = Tensor::f_from_data_size(&bytes, &shape, kind).map_err(torch_error(model))?;
        tensor.f_to_kind(Kind::Float).map_err(torch_error(model))
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
fn mismatch(there: &HashMap<&str, Vec<i64>>, wanted: &[Wanted], ignored: impl Fn(&str) -> bool) -> Option<String> {
    let mut missing = Vec::new();
    let mut misshapen = Vec::new();
    for Wanted { name, shape } in wanted {
        match there.get(&**name) {
            None => missing.push(name.clone()),
            Some(found) if found != shape => misshapen.push(format!("{name} ({} instead of {})", by(found), by(shape))),
            Some(_) => {}
        }
    }
    let known = |name: &str| wanted.iter().any(|wanted| wanted.name == name);
    let mut extra: Vec<_> =
        there.keys().filter(|name| !known(name) && !ignored(name)).map(|&name| name.to_owned()).collect();
    extra.sort_unstable();
    let parts: Vec<_> = [("missing", missing), ("of another shape", misshapen), ("not expected", extra)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(what, names)| format!("{what}: {}", listed(&names)))
        .collect();
    (!parts.is_empty()).then(|| format!("these weights are for another network; {}", parts.join("; ")))
}

fn listed(names: &[String]) -> String {
    let shown = crate::printable::printable_str(&names[..names.len().min(NAMES_LISTED)].join(", "));
    match names.len().saturating_sub(NAMES_LISTED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn by(shape: &[i64]) -> String {
    let sides: Vec<_> = shape.iter().map(i64::to_string).collect();
    if sides.is_empty() { "a single number".into() } else { sides.join("×") }
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    crate::printable::printable_str(text.lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn fixture(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
    }

    fn wanted(tensors: &[(&str, &[i64])]) -> Vec<Wanted> {
        tensors.iter().map(|(name, shape)| Wanted { name: (*name).into(), shape: shape.to_vec() }).collect()
    }

    fn right() -> Vec<Wanted> {
        wanted(&[("conv1.weight", &[2, 3, 2, 1]), ("bn1.bias", &[2])])
    }

    fn read(name: &str, wanted: &[Wanted]) -> Result<Weights> {
        Weights::read("probe", &fixture(name), wanted, crate::embed::resnet::ignored)
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
        // Whether such a file is refused or only its tensors are read, nothing of it may happen.
        let _ = read("code.pth", &right());
        assert!(!made.exists());
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
    fn long_lists_are_cut() {
        let many: Vec<_> = (0..20).map(|i| format!("layer{i:02}")).collect();
        assert_eq!(listed(&many).matches("layer").count(), NAMES_LISTED);
        assert!(listed(&many).ends_with("and 12 more"));
    }

    #[test]
    fn other_files_are_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [
            ("empty.pth", &b""[..]),
            ("text.pth", b"hello, this is no pickle"),
            ("short.safetensors", b"\x05\0\0\0\0\0\0\0{\"a\""),
        ] {
            let file = folder.path().join(name);
            std::fs::write(&file, content).unwrap();
            let error = Weights::read("probe", &file, &right(), |_| false).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains('\n'), "{error}");
        }
        assert!(read("no such file.pth", &right()).unwrap_err().to_string().contains("no such file.pth"));
    }
}
