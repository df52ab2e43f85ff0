//! Faces: found and embedded as the reference in PyTorch does it (`tests/faces/reference.py`), in heads that
//! `tests/faces/make.py` rendered.
//!
//! The weights are their publishers', and not in the project. Without them these tests say that they were skipped;
//! with `LOOKALIKE_TEST_FACES` set, as `.ci/run` does, they fail. `make faces` provides them.

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use image::{Rgb, RgbImage};
use lookalike::{
    embed::{self, Device, Embedder, Found, Model, ModelChoice, preprocess},
    face::Face,
};
use serde::Deserialize;
use tempfile::TempDir;

const CHOICE: ModelChoice = ModelChoice { name: None, weights: None, device: Device::Cpu, exact: true, threads: 1 };

/// The model, when its weights are there; whoever gets nothing has nothing to test.
pub fn faces() -> Option<Model> {
    match embed::choose(&ModelChoice { name: Some("faces".into()), ..CHOICE }) {
        Ok(model) => Some(model),
        Err(error) if std::env::var_os("LOOKALIKE_TEST_FACES").is_some() => panic!("{error}; or run `make faces`"),
        Err(error) => {
            eprintln!("skipped: {error}; or run `make faces`");
            None
        }
    }
}

/// The folder in which the weights lie.
pub fn weights_folder(model: &Model) -> PathBuf {
    model.weights.as_ref().unwrap().parent().unwrap().to_owned()
}

/// A picture of `tests/faces`.
pub fn picture_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faces").join(name)
}

fn picture(name: &str) -> RgbImage {
    image::open(picture_file(name)).unwrap().to_rgb8()
}

#[derive(Deserialize)]
struct Expected {
    pictures: HashMap<String, Vec<ExpectedFace>>,
    chips: Vec<Vec<f32>>,
}

/// In pixels, the largest face first.
#[derive(Deserialize)]
struct ExpectedFace {
    area: [f32; 4],
    points: [[f32; 2]; 5],
    score: f32,
    embedding: Vec<f32>,
}

fn expected() -> Expected {
    serde_json::from_str(include_str!("../faces/expected.json")).unwrap()
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

fn find(embedder: &mut dyn Embedder, picture: &RgbImage) -> Vec<Found> {
    let fitted = preprocess::fit(picture, &embedder.manifest().clone()).unwrap();
    embedder.find(&[fitted]).unwrap().remove(0)
}

/// How far boxes and points of two faces lie apart at most, in pixels.
fn pixels_apart(face: &Face, expected: &ExpectedFace, picture: &RgbImage) -> f32 {
    let sides = [picture.width() as f32, picture.height() as f32];
    let area = (0..4).map(|at| (face.area[at] * sides[at % 2] - expected.area[at]).abs());
    let points =
        (0..10).map(|at| (face.points[at / 2][at % 2] * sides[at % 2] - expected.points[at / 2][at % 2]).abs());
    area.chain(points).fold(0.0, f32::max)
}

#[test]
fn boxes_points_and_embeddings_are_the_references() {
    let Some(model) = faces() else { return };
    let mut embedder = embed::load(&model, &CHOICE).unwrap();
    let expected = expected();
    assert_eq!(expected.pictures.values().map(Vec::len).sum::<usize>(), 14);
    for (name, faces) in expected.pictures {
        let picture = picture(&name);
        let found = find(&mut *embedder, &picture);
        assert_eq!(found.len(), faces.len(), "{name}");
        for (Found { face, embedding }, expected) in found.iter().zip(&faces) {
            let face = face.unwrap();
            assert!(pixels_apart(&face, expected, &picture) < 0.05, "{name}: {face:?}");
            assert!((face.score - expected.score).abs() < 1e-3, "{name}: {face:?}");
            // A large face is shrunk in whole levels here, and in fractions there.
            assert!(distance(embedding, &expected.embedding) < 0.01, "{name}");
        }
    }
}

#[test]
fn embeddings_of_the_same_chips_are_the_references() {
    let Some(model) = faces() else { return };
    let chip = |index: u32| {
        RgbImage::from_fn(150, 150, |x, y| {
            Rgb([0, 1, 2].map(|c| ((x * (3 + index) + y * (5 + 2 * c) + x * y / 16) % 256) as u8))
        })
    };
    let chips = [chip(0), chip(1)];
    let embed = |exact| embed::load(&model, &ModelChoice { exact, ..CHOICE }).unwrap().embed(&chips).unwrap();
    for ((exact, quick), expected) in embed(true).iter().zip(embed(false)).zip(expected().chips) {
        let most = exact.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 1e-4, "{most}");
        // Two faces of one person are some 0.4 apart.
        assert!(distance(&quick, &expected) < 0.03, "{}", distance(&quick, &expected));
    }
}

#[test]
fn a_batch_and_a_shared_embedder_find_what_one_picture_at_a_time_does() {
    let Some(model) = faces() else { return };
    let mut embedder = embed::load(&model, &CHOICE).unwrap();
    let pictures: Vec<_> = ["two.png", "empty.png", "tight.png"].map(picture).into();
    let together = embedder.find(&pictures).unwrap();
    let mut other = embedder.share().unwrap();
    assert_eq!(together.iter().map(Vec::len).collect::<Vec<_>>(), [2, 0, 1]);
    for (picture, together) in pictures.iter().zip(&together) {
        let alone = find(&mut *other, picture);
        for (alone, together) in alone.iter().zip(together) {
            assert_eq!(alone.face, together.face);
            assert!(distance(&alone.embedding, &together.embedding) < 1e-4);
        }
    }
    assert!(embedder.find(&[]).unwrap().is_empty());
    let area = |found: &Found| found.face.map(|face| (face.area[2] - face.area[0]) * (face.area[3] - face.area[1]));
    assert!(area(&together[0][0]) > area(&together[0][1]), "the largest comes first");
}

#[test]
fn faces_are_told_apart_and_known_again_at_another_size_and_turn() {
    let Some(model) = faces() else { return };
    let mut embedder = embed::load(&model, &CHOICE).unwrap();
    let portrait = find(&mut *embedder, &picture("portrait.png")).remove(0).embedding;
    let two = find(&mut *embedder, &picture("two.png"));
    let [same, other] = [&two[0], &two[1]].map(|found| distance(&portrait, &found.embedding));
    assert!(same < other, "same {same}, other {other}");
    let half = image::imageops::thumbnail(&picture("portrait.png"), 240, 180);
    let small = find(&mut *embedder, &half).remove(0);
    assert!(distance(&portrait, &small.embedding) < 0.4);
    let whole = find(&mut *embedder, &picture("portrait.png")).remove(0).face.unwrap();
    for (a, b) in small.face.unwrap().area.into_iter().zip(whole.area) {
        assert!((a - b).abs() < 0.03, "a place is a share of the picture, whatever its size");
    }
}

#[test]
fn a_manifest_says_how_small_the_faces_are_that_are_looked_for() {
    let Some(mut model) = faces() else { return };
    let found = |model: &Model| find(&mut *embed::load(model, &CHOICE).unwrap(), &picture("portrait.png")).len();
    assert_eq!(found(&model), 1);
    // The face is 132 pixels wide.
    model.manifest.smallest_face = Some(400);
    assert_eq!(found(&model), 0);
}

#[test]
fn pictures_of_any_shape_are_looked_through() {
    let Some(model) = faces() else { return };
    let mut embedder = embed::load(&model, &CHOICE).unwrap();
    for (width, height) in [(1, 1), (1, 5000), (3000, 2), (11, 13), (4000, 3000)] {
        assert!(find(&mut *embedder, &RgbImage::from_pixel(width, height, Rgb([90, 120, 30]))).is_empty());
    }
    let error = embedder.embed(&[RgbImage::new(64, 64)]).unwrap_err().to_string();
    assert!(error.contains("150×150 pixels, not 64×64"), "{error}");
}

#[test]
fn weights_that_are_cut_short_changed_or_of_another_network_are_refused_in_one_sentence() {
    const DLIB: &str = "dlib_face_recognition_resnet_model_v1.dat";
    let Some(model) = faces() else { return };
    let (home, folder) = (TempDir::new().unwrap(), weights_folder(&model));
    let at = |name: &str| home.path().join(name);
    let names = [DLIB, "pnet.pt", "rnet.pt", "onet.pt"];
    for name in names {
        fs::copy(folder.join(name), at(name)).unwrap();
    }
    let model = Model { weights: Some(at(DLIB)), ..model };
    let refused = |name: &str, reason: &str| {
        let error = embed::load(&model, &CHOICE).map(drop).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(reason) && !error.contains('\n'), "{error}");
    };
    for name in names {
        let whole = fs::read(at(name)).unwrap();
        for share in [0.0, 0.0001, 0.01, 0.5, 0.999] {
            fs::write(at(name), &whole[..(whole.len() as f64 * share) as usize]).unwrap();
            refused(name, "");
        }
        fs::write(at(name), &whole).unwrap();
    }
    let whole = fs::read(at(DLIB)).unwrap();
    fs::write(at(DLIB), [&whole[..], b"!"].concat()).unwrap();
    refused(DLIB, "1 bytes follow the network");
    let mut broken = whole.clone();
    // In the middle of the last layer's values.
    let place = broken.len() - 4 * 9000;
    broken[place..place + 8].fill(0xFF);
    fs::write(at(DLIB), broken).unwrap();
    refused(DLIB, "not finite");
    fs::copy(at("pnet.pt"), at(DLIB)).unwrap();
    refused(DLIB, "another network");
    fs::write(at(DLIB), &whole).unwrap();
    fs::copy(at("onet.pt"), at("rnet.pt")).unwrap();
    refused("rnet.pt", "another network");
    fs::remove_file(at("rnet.pt")).unwrap();
    refused("rnet.pt", "");
    let choice = ModelChoice { name: Some("faces".into()), weights: Some(at(DLIB)), ..CHOICE };
    let error = embed::choose(&choice).unwrap_err().to_string();
    assert!(error.contains("no weights file") && error.contains("rnet.pt"), "{error}");
}

/// A gallery of two people with four pictures each, of somebody without a face, and of somebody in a crowd.
struct Gallery {
    home: TempDir,
    weights: PathBuf,
}

impl Gallery {
    fn new(model: &Model) -> Self {
        let home = TempDir::new().unwrap();
        let save = |name: &str, picture: &RgbImage| {
            let path = home.path().join("gallery").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            picture.save(path).unwrap();
        };
        for (name, file) in [("Ana", "portrait.png"), ("Bo", "tilted.png")] {
            let whole = picture(file);
            let (width, height) = whole.dimensions();
            save(&format!("{name}/1.png"), &whole);
            save(&format!("{name}/2.png"), &image::imageops::thumbnail(&whole, width * 3 / 4, height * 3 / 4));
            save(&format!("{name}/3.png"), &image::imageops::colorops::brighten(&whole, -30));
            save(&format!("{name}/4.png"), &image::imageops::flip_horizontal(&whole));
        }
        save("Nobody/1.png", &picture("empty.png"));
        save("Crowd/1.png", &picture("group.png"));
        Self { home, weights: weights_folder(model) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
        let models = self.home.path().join("data/lookalike/models");
        if !models.exists() {
            fs::create_dir_all(models.parent().unwrap()).unwrap();
            symlink(&self.weights, &models).unwrap();
        }
        command.args(arguments).args(["--faces", "--no-cache"]).current_dir(self.home.path());
        command.env("HOME", self.home.path()).env("XDG_DATA_HOME", self.home.path().join("data"));
        command.env_remove("LOOKALIKE_MODEL");
        command
    }

    fn live(&self, picture: &str) -> (Option<i32>, Vec<serde_json::Value>, String) {
        let source = picture_file(picture);
        let source = source.to_str().unwrap();
        let arguments = ["live", "--gallery", "gallery", "--once", "--json", "--threshold", "0.25", "--source", source];
        let output = self.command(&arguments).output().unwrap();
        let lines = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), said)
    }
}

#[test]
fn a_gallery_enrolls_the_face_of_each_picture_and_says_whom_it_cannot() {
    let Some(model) = faces() else { return };
    let gallery = Gallery::new(&model);
    let output = gallery.command(&["gallery", "gallery", "--json"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["metric"], &report["pictures"], &report["model"]),
        (&"euclidean".into(), &8.into(), &"faces".into())
    );
    let names: Vec<_> = report["names"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Ana", "Bo"]);
    for (list, sentence, file) in [
        ("without_face", "no face is found in it", "Nobody/1.png"),
        ("several_faces", "it has several faces", "Crowd/1.png"),
    ] {
        assert!(report[list][0].as_str().unwrap().ends_with(file), "{report}");
        assert!(said.lines().any(|line| line.contains(file) && line.contains(sentence)), "{said}");
    }
    assert!(said.contains("nobody is enrolled as Nobody") && said.contains("nobody is enrolled as Crowd"), "{said}");
    let text = gallery.command(&["gallery", "gallery"]).output().unwrap();
    assert!(String::from_utf8(text.stdout).unwrap().starts_with("2 names, 8 faces by euclidean distance"));
}

#[test]
fn live_answers_for_each_face_and_tells_by_its_exit_whether_anybody_is_known() {
    let Some(model) = faces() else { return };
    let gallery = Gallery::new(&model);
    // Ana stands at the left, somebody else at the right.
    let (code, lines, _) = gallery.live("two.png");
    assert_eq!((code, lines.len()), (Some(0), 2), "{lines:?}");
    assert_eq!((&lines[0]["name"], &lines[1]["name"]), (&"Ana".into(), &serde_json::Value::Null), "{lines:?}");
    let place = |line: &serde_json::Value| -> Vec<u32> { serde_json::from_value(line["box"].clone()).unwrap() };
    for (line, expected) in lines.iter().zip(&expected().pictures["two.png"]) {
        let [left, top, right, bottom] = expected.area;
        for (found, expected) in place(line).into_iter().zip([left, top, right - left, bottom - top]) {
            assert!((found as f32 - expected).abs() < 2.0, "{line}");
        }
    }
    let (code, lines, said) = gallery.live("empty.png");
    assert_eq!((code, lines.len()), (Some(4), 0));
    assert!(said.contains("there is no face in") && said.contains("empty.png"), "{said}");
    // Of nine people in one picture nobody has the name of another.
    let (_, lines, _) = gallery.live("group.png");
    assert_eq!(lines.len(), 9);
    for name in ["Ana", "Bo"] {
        assert!(lines.iter().filter(|line| line["name"] == name).count() <= 1, "{lines:?}");
    }
}
