//! Files that are renamed, moved, changed, excluded or away: what keeps its embedding, and what is embedded again.

use std::{fs, path::Path};

use image::{Rgb, RgbImage};
use lookalike::{
    pipeline::{Cache, Request},
    scan,
};

use super::{Place, embeddings, request, run};

#[test]
fn renamed_and_copied_files_keep_their_vectors() {
    let place = Place::with(4);
    let before = embeddings(&place.run().outcome.index);
    fs::create_dir(place.path("sub")).unwrap();
    fs::rename(place.path("001.png"), place.path("sub/moved.png")).unwrap();
    fs::copy(place.path("002.png"), place.path("copy.png")).unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [1, 3, 1, 0, 0]);
    assert!(!run.said.contains(&"model"), "{:?}", run.said);
    let after = embeddings(&run.outcome.index);
    assert_eq!(after.len(), 5);
    assert_eq!(after[Path::new("sub/moved.png")], before[Path::new("001.png")]);
    assert_eq!(after[Path::new("copy.png")], before[Path::new("002.png")]);
    assert_eq!(place.run().counts(), [0, 5, 0, 0, 0]);
}

#[test]
fn two_files_that_change_names_do_not_change_vectors() {
    let place = Place::with(2);
    let before = embeddings(&place.run().outcome.index);
    fs::rename(place.path("000.png"), place.path("x")).unwrap();
    fs::rename(place.path("001.png"), place.path("000.png")).unwrap();
    fs::rename(place.path("x"), place.path("001.png")).unwrap();
    for _ in 0..2 {
        let after = embeddings(&place.run().outcome.index);
        assert_eq!(after[Path::new("000.png")], before[Path::new("001.png")]);
        assert_eq!(after[Path::new("001.png")], before[Path::new("000.png")]);
    }
}

#[test]
fn changed_files_are_embedded_again_and_removed_files_leave() {
    let place = Place::with(4);
    let before = embeddings(&place.run().outcome.index);
    place.draw("000.png", 99);
    fs::remove_file(place.path("001.png")).unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [1, 2, 0, 1, 0]);
    let after = embeddings(&run.outcome.index);
    assert_ne!(after[Path::new("000.png")], before[Path::new("000.png")]);
    assert_eq!(after.keys().collect::<Vec<_>>(), ["000.png", "002.png", "003.png"].map(Path::new));
    assert_eq!(place.run().counts(), [0, 3, 0, 0, 0]);
}

#[test]
fn a_file_whose_time_alone_changed_is_not_embedded_again() {
    let place = Place::with(2);
    place.run();
    fs::File::options().write(true).open(place.path("000.png")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.said.contains(&"model")), ([0, 2, 0, 0, 0], false));
    assert_eq!(place.run().counts(), [0, 2, 0, 0, 0]);
}

/// Writes a picture whose file is as large as that of any other, and gives it the same time.
fn draw_bitmap(place: &Place, name: &str, level: u8) {
    let path = place.path(name);
    RgbImage::from_fn(24, 16, |x, y| Rgb([level, x as u8 * 9, y as u8 * 15])).save(&path).unwrap();
    age(&path);
}

fn age(path: &Path) {
    fs::File::options().write(true).open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
}

#[test]
fn files_that_change_places_are_noticed_though_size_and_time_are_equal() {
    let place = Place::new();
    for (name, level) in [("1.bmp", 10), ("2.bmp", 120), ("3.bmp", 230)] {
        draw_bitmap(&place, name, level);
    }
    let before = embeddings(&place.run().outcome.index);
    // Renumbered.
    fs::rename(place.path("1.bmp"), place.path("x")).unwrap();
    fs::rename(place.path("2.bmp"), place.path("1.bmp")).unwrap();
    fs::rename(place.path("x"), place.path("2.bmp")).unwrap();
    // Replaced.
    draw_bitmap(&place, "new.bmp", 60);
    fs::rename(place.path("new.bmp"), place.path("3.bmp")).unwrap();
    let run = place.run();
    assert_eq!(run.outcome.added, 3, "two of them without the model");
    for _ in 0..2 {
        let after = embeddings(&place.run().outcome.index);
        assert_eq!(after[Path::new("1.bmp")], before[Path::new("2.bmp")]);
        assert_eq!(after[Path::new("2.bmp")], before[Path::new("1.bmp")]);
        assert_ne!(after[Path::new("3.bmp")], before[Path::new("3.bmp")]);
    }
}

#[test]
fn a_folder_that_was_restored_from_a_copy_is_read_once_and_not_embedded_again() {
    let place = Place::new();
    for level in 0..4 {
        draw_bitmap(&place, &format!("{level}.bmp"), level * 50);
    }
    fs::write(place.path("bad.jpg"), "no picture").unwrap();
    age(&place.path("bad.jpg"));
    place.run();
    let copy = place.folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(place.root()).unwrap() {
        let (from, to) = (entry.as_ref().unwrap().path(), copy.join(entry.unwrap().file_name()));
        fs::copy(from, &to).unwrap();
        age(&to);
    }
    fs::remove_dir_all(place.root()).unwrap();
    fs::rename(copy, place.root()).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.said.contains(&"compare")), ([0, 4, 0, 0, 1], true));
    let again = place.run();
    assert_eq!((again.counts(), again.said.contains(&"compare")), ([0, 4, 0, 0, 1], false));
}

#[test]
fn a_folder_of_another_name_takes_its_embeddings_along() {
    let place = Place::with(5);
    let before = embeddings(&place.run().outcome.index);
    let moved = place.folder.path().canonicalize().unwrap().join("moved");
    fs::rename(place.root(), &moved).unwrap();
    let again = run(&request(std::slice::from_ref(&moved), Cache::Folder(place.cache()))).unwrap();
    assert_eq!((again.counts(), again.said.contains(&"model")), ([0, 0, 5, 0, 0], false));
    assert!(again.notes[0].starts_with("5 embeddings taken over from the index of "), "{:?}", again.notes);
    assert_eq!(embeddings(&again.outcome.index), before);
    let third = run(&request(&[moved], Cache::Folder(place.cache()))).unwrap();
    assert_eq!((third.counts(), third.notes.len()), ([0, 5, 0, 0, 0], 0));
}

#[test]
fn a_disk_that_was_away_brings_its_vectors_back() {
    let place = Place::with(3);
    place.run();
    // An unmounted disk leaves an empty folder behind.
    let away = place.folder.path().join("away");
    fs::rename(place.root(), &away).unwrap();
    fs::create_dir(place.root()).unwrap();
    let run = place.run();
    assert_eq!(run.counts(), [0, 0, 0, 3, 0]);
    assert!(run.notes[0].contains("should its disk come back"), "{:?}", run.notes);
    assert_eq!(place.run().counts(), [0, 0, 0, 0, 0]);
    fs::remove_dir(place.root()).unwrap();
    fs::rename(&away, place.root()).unwrap();
    let back = place.run();
    assert_eq!(back.counts(), [0, 3, 0, 0, 0]);
    assert_eq!((back.outcome.index.len(), place.run().snapshots[0]), (3, 3));
}

#[test]
fn excluded_files_leave_the_results_and_keep_their_vectors() {
    let place = Place::with(2);
    place.draw("raw/000.png", 10);
    place.draw(".hidden/000.png", 11);
    let everything = Request { scan: scan::Options::new(true, &[""; 0]).unwrap(), ..place.request() };
    assert_eq!(run(&everything).unwrap().counts(), [4, 0, 0, 0, 0]);
    for glob in ["raw", "raw/*", "raw/", "**/raw/**"] {
        let fewer = Request { scan: scan::Options::new(false, &[glob]).unwrap(), ..place.request() };
        let run = run(&fewer).unwrap();
        assert_eq!((run.counts(), run.snapshots[0]), ([0, 2, 0, 0, 0], 2), "{glob}");
    }
    assert_eq!(run(&everything).unwrap().counts(), [0, 4, 0, 0, 0]);
}
