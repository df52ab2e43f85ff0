//! `lookalike why`: which regions of two pictures make them alike.

use std::{
    fs,
    io::{self, Cursor, Write},
    path::{Path, PathBuf},
};

use clap::Args;
use image::{ImageFormat, RgbImage};
use serde::Serialize;

use super::{
    ModelArgs, SCHEMA_VERSION,
    data::{path_text, pretty_json},
    picture, stdout_error,
};
use crate::{
    analysis::explanation::{Explanation, Shares},
    display::ColorMap,
    embed::{self, Manifest, preprocess},
    error::{Error, Exit, Result},
    printable::printable,
    worker::{drawn, explain},
};

/// Arguments of `lookalike why`.
#[derive(Debug, Clone, Args)]
pub struct WhyArgs {
    /// The two pictures.
    #[arg(value_name = "PICTURE", num_args = 2, required = true)]
    pub pictures: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
    /// Write both pictures side by side, the brighter the more a region counts.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub png: Option<PathBuf>,
    /// Replace the file of --png.
    #[arg(long, requires = "png")]
    pub force: bool,
    /// The model.
    #[command(flatten)]
    pub model: ModelArgs,
}

/// Embeds both pictures and prints what each region has of their likeness.
///
/// # Errors
/// [`Error::Image`] when one cannot be read, [`Error::Model`] when there is no such model.
pub fn run(args: &WhyArgs, ramp: ColorMap, out: &mut dyn Write) -> Result<Exit> {
    let [a, b] = &args.pictures[..] else { return Err(Error::Usage("two pictures are compared: name both".into())) };
    if let Some(file) = &args.png {
        picture::check(file, args.force)?;
    }
    let open = |path: &Path| fs::canonicalize(path).map_err(Error::io("open", path));
    let paths = [open(a)?, open(b)?];
    let choice = args.model.choice();
    let model = embed::choose(&choice)?;
    if model.manifest.finds_faces() {
        return Err(Error::Usage("which regions make a pair alike is known of whole pictures, not of faces".into()));
    }
    let mut embedder = embed::load(&model, &choice)?;
    let found = explain([&paths[0], &paths[1]], embedder.as_mut(), choice.exact)?;
    if let Some(file) = &args.png {
        picture::write(&png(&paths, &found, ramp, &model.manifest)?, file, args.force)?;
    }
    let written = if args.json { json(&paths, &found, &model.manifest, out) } else { table([a, b], &found, out) };
    written.map_err(stdout_error)?;
    Ok(Exit::Done)
}

/// Pixels between the two pictures of a drawing.
const GAP: u32 = 16;

/// Both pictures side by side, of one height.
fn png(paths: &[PathBuf; 2], found: &Explanation, ramp: ColorMap, manifest: &Manifest) -> Result<Vec<u8>> {
    let greatest = found.greatest();
    let covers = |pixels| preprocess::seen(pixels, manifest);
    let one = |at: usize| drawn(&paths[at], &found.shares[at], greatest, ramp, covers);
    let (left, right) = (one(0)?, one(1)?);
    let height = left.height().max(right.height());
    let mut both = RgbImage::from_pixel(left.width() + GAP + right.width(), height, image::Rgb([255; 3]));
    for (picture, x) in [(&left, 0), (&right, left.width() + GAP)] {
        image::imageops::replace(&mut both, picture, x.into(), ((height - picture.height()) / 2).into());
    }
    let mut bytes = Cursor::new(Vec::new());
    let failed = |error: image::ImageError| Error::Usage(format!("the pictures cannot be drawn: {error}"));
    both.write_to(&mut bytes, ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}

fn table(pictures: [&PathBuf; 2], found: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let how =
        if found.exact { "of which each region has" } else { "of which, roughly, by covering it, each region has" };
    writeln!(out, "cosine similarity {:.3}, {how}, in hundredths:", found.cosine)?;
    for (picture, shares) in pictures.into_iter().zip(&found.shares) {
        writeln!(out, "\n{}", printable(picture))?;
        for row in shares.values.chunks(shares.grid[1].max(1)) {
            let row: String = row.iter().map(|share| format!(" {:5.1}", 100.0 * share)).collect();
            writeln!(out, " {row}")?;
        }
        if let Some((place, share)) = shares.strongest() {
            writeln!(out, "  most: {place}, {:.1}", 100.0 * share)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Picture<'a> {
    path: String,
    rows: usize,
    columns: usize,
    /// Row by row; they sum to the cosine similarity.
    shares: &'a [f32],
}

fn json(paths: &[PathBuf; 2], found: &Explanation, manifest: &Manifest, out: &mut dyn Write) -> io::Result<()> {
    let of = |(path, shares): (&PathBuf, &Shares)| {
        serde_json::to_value(Picture {
            path: path_text(path).into_owned(),
            rows: shares.grid[0],
            columns: shares.grid[1],
            shares: &shares.values,
        })
    };
    let pictures = paths.iter().zip(&found.shares).map(of).collect::<Result<Vec<_>, _>>()?;
    let value = serde_json::json!({
        "schema_version": SCHEMA_VERSION,
        "model": manifest.name,
        "cosine": found.cosine,
        "exact": found.exact,
        "pictures": pictures,
    });
    writeln!(out, "{}", pretty_json(&value)?)
}
