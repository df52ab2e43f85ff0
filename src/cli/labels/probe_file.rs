//! A trained probe in a file: a safetensors file whose header says, in JSON, which labels it knows and which model made the
//! embeddings that it takes. The header holds a checksum too: a probe with one flipped bit would give other labels in silence.

use std::{
    collections::{BTreeMap, HashMap},
    io::Read,
    path::Path,
};

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};

use crate::{
    analysis::classifier::{Classification, Probe},
    decode,
    embed::{self, ModelChoice},
    error::{Error, Result},
    files,
    printable::printable_str,
    text,
};

/// The version of the file.
const VERSION: &str = "1";
/// A probe of the most labels and the largest embeddings is smaller.
const LARGEST: u64 = 1 << 28;
/// The entry of the header that [`sum`] gives.
const SUM: &str = "checksum";

/// A probe that was saved.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// The probe.
    pub probe: Probe,
    /// Its labels.
    pub names: Vec<String>,
    /// The name of the model whose embeddings it takes.
    pub model: String,
    /// Changes whenever that model's embeddings would.
    fingerprint: String,
}

/// Saves what was learned, in place of what has that name.
///
/// # Errors
/// [`Error::Io`] when the file cannot be written.
pub fn save(file: &Path, learned: &Classification, model: &ModelChoice) -> Result<()> {
    let chosen = embed::choose(model)?;
    let Classification { probe, names, strength, probe_confusion, .. } = learned;
    let bad = |error: &dyn ToString| Error::Probe { path: file.to_owned(), reason: error.to_string() };
    let metadata = HashMap::from([
        ("lookalike_probe".to_owned(), VERSION.to_owned()),
        ("labels".to_owned(), serde_json::to_string(names).map_err(|error| bad(&error))?),
        ("model".to_owned(), chosen.manifest.name),
        ("fingerprint".to_owned(), fingerprint(&chosen.fingerprint, model.exact)),
        ("strength".to_owned(), strength.to_string()),
        ("accuracy".to_owned(), probe_confusion.accuracy().to_string()),
        ("pictures".to_owned(), learned.labeled.len().to_string()),
    ]);
    let written = to_bytes(probe, metadata).map_err(|error| bad(&error))?;
    files::overwrite(file, &written).map_err(Error::io("write", file))
}

/// The file of a probe, whose header is given without the checksum.
fn to_bytes(probe: &Probe, mut metadata: HashMap<String, String>) -> Result<Vec<u8>, SafeTensorError> {
    let bytes = |values: &[f32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_le_bytes()).collect() };
    let (weights, biases) = (bytes(&probe.weights), bytes(&probe.biases));
    metadata.insert(SUM.to_owned(), sum(&metadata, [&weights, &biases]));
    let labels = probe.biases.len();
    let weights = TensorView::new(Dtype::F32, vec![labels, probe.dim], &weights)?;
    let biases = TensorView::new(Dtype::F32, vec![labels], &biases)?;
    safetensors::serialize([("weights", weights), ("biases", biases)], Some(metadata))
}

/// The CRC-32, in hexadecimal digits, of the header's other entries in the order of their names, and of the weights and the
/// biases. Where these lie in the file, and the order of the entries, is not ours to say.
fn sum(metadata: &HashMap<String, String>, tensors: [&[u8]; 2]) -> String {
    let mut sum = crc32fast::Hasher::new();
    for (name, value) in metadata.iter().filter(|(name, _)| *name != SUM).collect::<BTreeMap<_, _>>() {
        [name, "=", value, "\n"].iter().for_each(|part| sum.update(part.as_bytes()));
    }
    tensors.iter().for_each(|tensor| sum.update(tensor));
    text::digits(sum.finalize())
}

/// The model's fingerprint with everything else that changes embeddings.
fn fingerprint(of_model: &str, exact: bool) -> String {
    format!("{of_model} preprocessing={} exact={exact}", decode::VERSION)
}

/// Reads a saved probe.
///
/// # Errors
/// [`Error::Probe`] for what is no probe, or one of another version.
pub fn read(file: &Path) -> Result<Saved> {
    let bad = |reason: &str| Error::Probe { path: file.to_owned(), reason: reason.to_owned() };
    let mut bytes = Vec::new();
    let opened = files::open_regular(file).and_then(|opened| opened.take(LARGEST).read_to_end(&mut bytes));
    opened.map_err(Error::io("read", file))?;
    let none = || bad("it is no saved probe: --save-probe makes one");
    let tensors = SafeTensors::deserialize(&bytes).map_err(|_| none())?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|_| none())?;
    let metadata = header.metadata().clone().unwrap_or_default();
    match metadata.get("lookalike_probe").map(String::as_str) {
        None => return Err(none()),
        Some(VERSION) => {}
        Some(_) => return Err(bad("another version of lookalike made it: use that one, or make it anew")),
    }
    let broken = || bad("it is damaged: make it anew with --save-probe");
    let text = |name: &str| metadata.get(name).cloned().ok_or_else(broken);
    let names: Vec<String> = serde_json::from_str(&text("labels")?).map_err(|_| broken())?;
    let tensor = |name: &str| tensors.tensor(name).map_err(|_| broken());
    let (of_weights, of_biases) = (tensor("weights")?, tensor("biases")?);
    // Probes without one are older.
    let is_whole = |written: &String| *written == sum(&metadata, [of_weights.data(), of_biases.data()]);
    if !metadata.get(SUM).is_none_or(is_whole) {
        return Err(broken());
    }
    let values = |tensor: &TensorView<'_>| -> Result<(Vec<usize>, Vec<f32>)> {
        if tensor.dtype() != Dtype::F32 {
            return Err(broken());
        }
        let values = tensor.data().chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        Ok((tensor.shape().to_vec(), values.collect()))
    };
    let ((shape, weights), (also, biases)) = (values(&of_weights)?, values(&of_biases)?);
    let ([labels, dim], [also]) = (shape.as_slice(), also.as_slice()) else { return Err(broken()) };
    if *labels != names.len() || labels != also || names.is_empty() || weights.iter().any(|weight| !weight.is_finite())
    {
        return Err(broken());
    }
    let probe = Probe { weights, biases, dim: *dim };
    Ok(Saved { probe, names, model: text("model")?, fingerprint: text("fingerprint")? })
}

impl Saved {
    /// Makes sure that a model's embeddings are those that the probe takes.
    ///
    /// # Errors
    /// [`Error::Probe`] that says which model to use; [`Error::Model`] when the model is not there.
    pub fn fits(&self, file: &Path, choice: &ModelChoice) -> Result<()> {
        let bad = |reason: String| Err(Error::Probe { path: file.to_owned(), reason });
        let model = embed::choose(choice)?;
        let (its, asked) = (printable_str(&self.model), printable_str(&model.manifest.name));
        if self.model != model.manifest.name {
            return bad(format!("it takes embeddings of {its}, not of {asked}: leave --model out"));
        }
        if self.fingerprint != fingerprint(&model.fingerprint, choice.exact) {
            return bad(format!("it was made with another version of {its}, or with other settings: make it anew"));
        }
        if self.probe.dim != model.manifest.dim {
            return bad(format!("it takes embeddings of {} values", text::count(self.probe.dim)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn no_flipped_bit_passes_for_a_probe_and_probes_without_a_checksum_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("colors.probe");
        let probe = Probe { weights: vec![0.5, -1.25, 3.0, 0.0], biases: vec![0.125, -2.0], dim: 2 };
        let metadata = [
            ("lookalike_probe", VERSION),
            ("labels", r#"["cold", "warm"]"#),
            ("model", "color-grid"),
            ("fingerprint", "f"),
            ("accuracy", "0.75"),
        ];
        let metadata: HashMap<_, _> = metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let bytes = to_bytes(&probe, metadata.clone()).unwrap();
        let told = |bytes: &[u8]| {
            fs::write(&file, bytes).unwrap();
            read(&file)
        };
        let saved = told(&bytes).unwrap();
        assert_eq!(
            (&saved.probe, &saved.names, &*saved.model),
            (&probe, &vec!["cold".into(), "warm".into()], "color-grid")
        );
        for at in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            // The checksum by another name is none, and blanks behind the header are of any kind.
            match told(&flipped) {
                Ok(read) => assert_eq!(read, saved, "bit {at}"),
                Err(Error::Probe { .. }) => {}
                Err(error) => panic!("bit {at}: {error}"),
            }
        }
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let of_header = header.metadata().clone().unwrap();
        assert_eq!(of_header.len(), metadata.len() + 1);
        let older = String::from_utf8_lossy(&bytes[..]).find(SUM).unwrap();
        let mut without = bytes.clone();
        without[older] ^= 0x20;
        assert_eq!(told(&without).unwrap(), saved);
        *without.last_mut().unwrap() ^= 1;
        assert_ne!(told(&without).unwrap(), saved, "nothing tells that an older one is damaged");
    }
}
