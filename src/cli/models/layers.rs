//! `lookalike models --layers NAME`: the layers of a network at which an embedding can be taken. Needs no weights.

use std::io::Write;

use serde::Serialize;

use super::aligned;
use crate::{
    cli::{SCHEMA_VERSION, data::pretty_json, stdout_error},
    embed::{
        Manifest,
        layer::{Layer, Shape},
    },
    error::{Error, Result},
    printable::printable_str,
};

/// What scripts read.
#[derive(Serialize)]
struct Report<'a> {
    schema_version: u32,
    model: &'a str,
    input: u32,
    layers: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    stage: Option<&'a str>,
    /// The sides of its output for one picture, without that of the batch.
    output: Vec<i64>,
    dim: i64,
    /// Whether the embedding is taken here.
    taken: bool,
}

/// Prints the layers of a model's network.
///
/// # Errors
/// [`Error::Model`] when the program does not know the network.
pub(super) fn print(manifest: &Manifest, json: bool, out: &mut dyn Write) -> Result<()> {
    let layers = manifest.layers();
    let Some(taken) = manifest.taken(&layers) else {
        return Err(Error::model(&manifest.name, "its layers are not known: only a native network lists them"));
    };
    if json {
        let numbered = layers.iter().enumerate();
        let layers = numbered.map(|(at, layer)| Row {
            name: &layer.name,
            stage: layer.stage.as_deref(),
            output: layer.shape.sides(),
            dim: layer.shape.values(),
            taken: at == taken,
        });
        let layers = layers.collect();
        let report = Report { schema_version: SCHEMA_VERSION, model: &manifest.name, input: manifest.input, layers };
        return pretty_json(&report).and_then(|json| writeln!(out, "{json}")).map_err(stdout_error);
    }
    out.write_all(text(manifest, &layers, taken).as_bytes()).map_err(stdout_error)
}

fn text(manifest: &Manifest, layers: &[Layer], taken: usize) -> String {
    let mark = |here: bool| if here { "*" } else { "" }.to_owned();
    // Not every network has stages.
    let stage = |layer: &Layer| layer.stage.as_ref().map_or_else(String::new, |stage| format!("= {stage}"));
    let mut rows = vec![["", "LAYER", "", "OUTPUT", "DIM"].map(String::from)];
    rows.extend(layers.iter().enumerate().map(|(at, layer)| {
        let dim = layer.shape.values().to_string();
        [mark(at == taken), layer.name.clone(), stage(layer), by(layer.shape), dim]
    }));
    let has_tokens = layers.iter().any(|layer| matches!(layer.shape, Shape::Tokens { .. }));
    let outputs = match has_tokens {
        false => "OUTPUT is channels × height × width; an embedding is the mean over height and width.",
        true => "OUTPUT is tokens × values; an embedding is the class token, or the mean of the patches.",
    };
    let example = &layers[layers.len() / 2];
    format!(
        "{}, pictures of {side}×{side} pixels\n\n{table}\n* is where the embedding is taken.\n{outputs}\n\
         To take it elsewhere, write a manifest of your own, under another name, with\n  layer = \"{}\"\n  dim = {}\n",
        printable_str(&manifest.name),
        example.stage.as_ref().unwrap_or(&example.name),
        example.shape.values(),
        side = manifest.input,
        table = aligned(&rows),
    )
}

/// "64×56×56".
fn by(shape: Shape) -> String {
    let sides: Vec<_> = shape.sides().iter().map(i64::to_string).collect();
    sides.join("×")
}
