//! The network alone: pictures that are already decoded and fitted, through the same pool of threads as when indexing.
//!
//! `cargo bench --bench network -- [--model NAME] [--weights FILE] [--threads N] [--seconds S] [--pictures FOLDER]` prints
//! images a second and, on Linux, the processor time that each took, which depends less on what else runs. Without
//! arguments: the default model, every core, and a picture of its own, which has no face in it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use image::RgbImage;
use lookalike::{
    cancel::CancelToken,
    embed::{self, ModelChoice, batcher, preprocess},
    error::{Error, Result},
};

fn main() -> Result<()> {
    let mut choice = ModelChoice::default();
    let (mut seconds, mut folder) = (3.0, None);
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(option) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match option.as_str() {
            "--model" => choice.name = Some(value),
            "--weights" => choice.weights = Some(value.into()),
            "--threads" => choice.threads = value.parse().unwrap_or(0),
            "--seconds" => seconds = value.parse().unwrap_or(seconds),
            "--pictures" => folder = Some(PathBuf::from(value)),
            // Another benchmark's, when all of them run.
            _ => return Ok(()),
        }
    }
    let model = embed::choose(&choice)?;
    let mut embedder = embed::load(&model, &choice)?;
    let threads = match choice.threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let (side, batch) = (model.manifest.input, embedder.batch_size());
    let mut pictures = vec![RgbImage::from_fn(side, side, |x, y| image::Rgb([x as u8, y as u8, (x * y) as u8]))];
    if let Some(folder) = folder {
        let listed = std::fs::read_dir(&folder).map_err(Error::io("read", &folder))?;
        let mut files: Vec<_> = listed.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let fitted = |file: PathBuf| preprocess::fit(&image::open(file).ok()?.to_rgb8(), &model.manifest).ok();
        pictures = files.into_iter().filter_map(fitted).collect();
    }
    let mut rate = |count: usize| -> Result<f64> {
        let start = Instant::now();
        let read = |at: &mut usize| Ok(pictures[*at % pictures.len()].clone());
        let items = (0..count).collect();
        batcher::run(items, read, threads, embedder.as_mut(), &CancelToken::default(), |_| Ok(()))?;
        Ok(count as f64 / start.elapsed().as_secs_f64())
    };
    // All of them equally often, so that it does not matter which come last; a single one in whole batches, because for each
    // other size of a batch the network's kernels are made anew. The first calls make the kernels, the next tell how many
    // pictures fit the time.
    let whole = if pictures.len() == 1 { batch * threads } else { pictures.len() };
    let rounds = |wanted: usize| wanted.div_ceil(whole).max(1) * whole;
    rate(rounds(4 * batch * threads))?;
    let warm = rate(rounds(4 * batch * threads))?;
    let pictures = rounds((warm * seconds) as usize);
    let (before, used_before) = (Instant::now(), processor_seconds());
    let measured = rate(pictures)?;
    let took = before.elapsed().max(Duration::from_millis(1));
    let used = processor_seconds().zip(used_before).map(|(after, before)| (after - before) / pictures as f64 * 1e3);
    println!(
        "{} {} {measured:.1} images/s ({pictures} in {:.1} s){}",
        model.manifest.name,
        embedder.device(),
        took.as_secs_f64(),
        used.map_or_else(String::new, |used| format!(", {used:.2} ms of processor time each"))
    );
    Ok(())
}

/// The processor time of all threads of this process so far, where Linux tells it, which counts hundredths of a second.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before it may have spaces and parentheses.
    let fields: Vec<_> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}
