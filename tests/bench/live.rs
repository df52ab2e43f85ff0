//! The live view's latency: a frame of 640×480 pixels → what is in it, among 100 enrolled names; and its memory. With
//! `--model faces` there is one face in it.
//!
//! `cargo bench --bench live -- [--model NAME] [--threads N] [--frames N]` prints milliseconds a frame (least, median and 95 %),
//! one core's share at one frame a second, and what the process grew by over all frames.

use std::{
    path::Path,
    sync::{Arc, LazyLock, mpsc},
    time::{Duration, Instant},
};

use image::{Rgb, RgbImage};
use lookalike::{
    analysis::gallery::{Criterion, Gallery},
    embed::{self, ModelChoice},
    live::{Finder, Inbox, Looker, Pace, RegionEmbedder},
    similarity::Metric,
};

const NAMES: usize = 100;
const PICTURES: usize = 5;

fn main() -> lookalike::error::Result<()> {
    let mut choice = ModelChoice { threads: 1, ..ModelChoice::default() };
    let mut frames = 200;
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(option) = arguments.next() {
        let value = arguments.next().unwrap_or_default();
        match option.as_str() {
            "--model" => choice.name = Some(value),
            "--threads" => choice.threads = value.parse().unwrap_or(1),
            "--frames" => frames = value.parse().unwrap_or(frames),
            // Another benchmark's, when all of them run.
            _ => return Ok(()),
        }
    }
    let model = embed::choose(&choice)?;
    let mut embedder = Finder(embed::load(&model, &choice)?);
    let frame = if model.manifest.finds_faces() { with_face } else { frame };
    let mut gallery = Gallery::default();
    for name in 0..NAMES {
        for picture in 0..PICTURES {
            // There is only one face to be shown: people are made of what is said of it.
            let number = if model.manifest.finds_faces() { 0 } else { name * PICTURES + picture };
            if number == 0 && name + picture > 0 {
                let mut embedding = gallery.samples()[0].embedding.clone();
                embedding
                    .iter_mut()
                    .zip(1..)
                    .for_each(|(value, at)| *value += ((name + 1) as f32 * at as f32).sin() / 20.0);
                gallery.enroll(&name.to_string(), Path::new(&picture.to_string()), embedding);
                continue;
            }
            for region in embedder.regions(&frame(number))? {
                gallery.enroll(&name.to_string(), Path::new(&picture.to_string()), region.embedding);
            }
        }
    }
    let criterion = Criterion { metric: Metric::Cosine, threshold: Some(0.5), margin: 0.0 };
    let inbox = Arc::new(Inbox::new(false));
    let putting = Arc::clone(&inbox);
    let mut looker = Looker::new(inbox, Box::new(embedder), Pace::Every(Duration::ZERO));
    // As a camera does: the frame is there, and the time runs until its name is known.
    let (next, wanted) = mpsc::sync_channel::<usize>(0);
    std::thread::spawn(move || {
        for number in wanted {
            putting.put(frame(number), "bench");
        }
    });
    let mut spent = Vec::with_capacity(frames);
    let (began, mut resident) = (processor_time(), None);
    for number in 0..frames {
        let _ = next.send(number);
        let Some(seen) = looker.next(&|| false)? else { break };
        let before = Instant::now();
        let named = gallery.identify(&seen.regions, &criterion);
        spent.push(seen.took + before.elapsed());
        assert!(named.len() == 1 && named[0].second.is_some(), "every frame is compared");
        // What is allocated once is there after some frames.
        if number == frames / 4 {
            resident = resident_kilobytes();
        }
    }
    spent.sort_unstable();
    let at = |share: f64| spent[((spent.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{} {} threads: {:.1} / {:.1} / {:.1} ms a frame (least, median, 95 %), {NAMES} names; {:.1} % of one core at one frame a second",
        model.manifest.name,
        choice.threads,
        at(0.0),
        at(0.5),
        at(0.95),
        100.0 * (processor_time() - began).as_secs_f64() / frames as f64
    );
    if let Some((before, after)) = resident.zip(resident_kilobytes()) {
        println!("memory: {after} kB, {:+} kB in the last {} frames", after as i64 - before as i64, frames * 3 / 4);
    }
    Ok(())
}

/// A picture with some structure, another for each number.
fn frame(number: usize) -> RgbImage {
    RgbImage::from_fn(640, 480, |x, y| {
        let wave = (x as usize * (number % 7 + 1) + y as usize * (number % 11 + 1)) / 8;
        Rgb([wave as u8, (wave / 2 + number * 5) as u8, (x + y) as u8])
    })
}

/// The same with a face in it, somewhere.
fn with_face(number: usize) -> RgbImage {
    static FACE: LazyLock<RgbImage> = LazyLock::new(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faces/portrait.png");
        image::open(file).expect("a picture of the tests").to_rgb8()
    });
    let mut whole = frame(number);
    image::imageops::overlay(&mut whole, &*FACE, (number * 37 % 160) as i64, (number * 23 % 120) as i64);
    whole
}

/// Of all threads of this process, from Linux; nothing elsewhere.
fn processor_time() -> Duration {
    let read = || {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let fields: Vec<u64> =
            stat.rsplit(')').next()?.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
        // In hundredths of a second.
        Some(Duration::from_millis(10 * fields.iter().sum::<u64>()))
    };
    read().unwrap_or_default()
}

fn resident_kilobytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
