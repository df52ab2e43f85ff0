//! Rows that stand for faces: all faces of a picture come, go and move together, whatever happens to its file.
//!
//! No weights are needed: the finder of these tests takes every bright square of a strip for a face.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use image::{Rgb, RgbImage};
use lookalike::{
    cancel::CancelToken,
    embed::{Embedder, Found, Manifest, Model},
    error::{Error, Result},
    face::Face,
    index::{Index, RowKind, store},
    pipeline::{self, Cache, Report, Request, Summary},
    scan::{self, NO_FACE},
};

/// Pixels of a square's side.
const SIDE: u32 = 16;

/// Takes each square that is not black for a face; its color is the embedding.
struct Finder(Manifest);

impl Embedder for Finder {
    fn manifest(&self) -> &Manifest {
        &self.0
    }

    fn embed(&mut self, _: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        unreachable!("faces are found")
    }

    fn find(&mut self, batch: &[RgbImage]) -> Result<Vec<Vec<Found>>> {
        Ok(batch.iter().map(|picture| self.faces_of(picture)).collect())
    }

    fn batch_size(&self) -> usize {
        2
    }

    fn device(&self) -> String {
        "eyes".into()
    }
}

impl Finder {
    fn faces_of(&self, picture: &RgbImage) -> Vec<Found> {
        let squares = picture.width() / SIDE;
        let one = |at: u32| {
            let color = picture.get_pixel(at * SIDE + SIDE / 2, SIDE / 2).0;
            let share = |square: u32| square as f32 / squares as f32;
            let face = Face { area: [share(at), 0.0, share(at + 1), 1.0], points: [[0.5; 2]; 5], score: 0.75 };
            let embedding = (0..self.0.dim).map(|axis| f32::from(color[axis % 3])).collect();
            (color != [0; 3]).then_some(Found { face: Some(face), embedding })
        };
        (0..squares).filter_map(one).collect()
    }
}

fn model() -> Model {
    let manifest = Manifest::parse(include_str!("../../models/faces.toml")).unwrap();
    Model { manifest, weights: None, fingerprint: "finder".into() }
}

/// A folder with strips of squares, and a cache.
struct Album(tempfile::TempDir);

impl Album {
    /// Pictures with so many faces each.
    fn with(pictures: &[(&str, u8)]) -> Self {
        let album = Self(tempfile::tempdir().unwrap());
        fs::create_dir(album.root()).unwrap();
        for (at, (name, faces)) in pictures.iter().enumerate() {
            album.draw(name, *faces, at as u8);
        }
        album
    }

    fn root(&self) -> PathBuf {
        self.0.path().canonicalize().unwrap().join("pictures")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// A strip of so many faces, no two of which are alike, after a black square.
    fn draw(&self, name: &str, faces: u8, seed: u8) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        let color = |square: u32| {
            if square == 0 { [0; 3] } else { [100 + square as u8, seed.wrapping_add(20), 200_u8.wrapping_sub(seed)] }
        };
        let strip = RgbImage::from_fn(SIDE * (1 + u32::from(faces)), SIDE, |x, _| Rgb(color(x / SIDE)));
        strip.save(self.path(name)).unwrap();
    }

    fn request(&self) -> Request {
        self.request_of(&[self.root()])
    }

    fn request_of(&self, roots: &[PathBuf]) -> Request {
        let cache = Cache::Folder(self.0.path().join("cache"));
        Request { roots: roots.to_vec(), scan: scan::Options::default(), model: Default::default(), cache }
    }

    #[track_caller]
    fn run(&self) -> Run {
        run(&self.request(), &CancelToken::default(), &mut |_| {}).unwrap()
    }
}

/// What a run came to.
struct Run {
    summary: Summary,
    /// Whether the network was loaded.
    loaded: bool,
}

fn run(request: &Request, cancel: &CancelToken, report: &mut dyn FnMut(Report)) -> Result<Run> {
    let (model, loaded) = (model(), Cell::new(false));
    let load = || {
        loaded.set(true);
        Ok(Box::new(Finder(model.manifest.clone())) as Box<dyn Embedder>)
    };
    let summary = pipeline::run_with(&model, &load, request, cancel, report)?;
    Ok(Run { summary, loaded: loaded.get() })
}

impl Run {
    /// New, known, renamed, gone.
    fn counts(&self) -> [usize; 4] {
        let Summary { added, reused, renamed, removed, .. } = &self.summary;
        [*added, *reused, *renamed, *removed]
    }

    fn faces(&self) -> BTreeMap<String, Vec<f32>> {
        faces(&self.summary.index)
    }

    fn names(&self) -> Vec<String> {
        self.faces().into_keys().collect()
    }
}

/// The names of all rows with their embeddings. What holds of every index of faces is asserted.
fn faces(index: &Index) -> BTreeMap<String, Vec<f32>> {
    assert_eq!(index.kind(), RowKind::Face);
    let mut pictures = 0;
    for entry in index.iter() {
        let all: Vec<_> = index.of_one_picture(entry.id).collect();
        assert!(all.contains(&entry.id) && all.iter().all(|id| index.get(*id).unwrap().path() == entry.path()));
        assert_eq!(all[0].0 + entry.face_number().unwrap() - 1, entry.id.0);
        let squares = all.len() + 1;
        let left = entry.face_number().unwrap() as f32 / squares as f32;
        assert!((entry.face().unwrap().area[0] - left).abs() < 1e-6, "{}", entry.name());
        pictures += usize::from(entry.is_first_of_picture());
    }
    assert_eq!(index.pictures(), pictures);
    let faces: BTreeMap<_, _> = index.iter().map(|entry| (entry.name(), entry.embedding())).collect();
    assert_eq!(faces.len(), index.len(), "every row has a name of its own");
    faces
}

#[test]
fn a_picture_has_as_many_rows_as_faces_and_the_next_run_knows_them_all() {
    let album = Album::with(&[("a.png", 1), ("ana/b.png", 3), ("none.png", 0)]);
    let first = album.run();
    assert_eq!(first.counts(), [2, 0, 0, 0]);
    assert_eq!(first.names(), ["a.png", "ana/b.png", "ana/b.png #2", "ana/b.png #3"]);
    assert_eq!((first.summary.index.pictures(), &*first.summary.index.counted()), (2, "4 faces"));
    // A picture without a face is known as one, is no damaged file, and is not looked at again.
    let skipped =
        [scan::Skipped { path: album.path("none.png"), kind: scan::SkippedKind::NoFace, reason: NO_FACE.into() }];
    assert_eq!(*first.summary.skipped, skipped);
    let again = album.run();
    assert_eq!((again.counts(), again.loaded), ([0, 2, 0, 0], false));
    assert_eq!((again.faces(), &*again.summary.skipped), (first.faces(), &skipped[..]));
    let content = store::list(&album.0.path().join("cache")).unwrap().remove(0).content.unwrap();
    assert_eq!((content.images, content.faces, content.skipped, content.earlier), (2, Some(4), 0, false));
}

#[test]
fn faces_have_a_store_of_their_own_and_that_of_the_pictures_stays_as_it_is() {
    let album = Album::with(&[("a.png", 2), ("b.png", 1)]);
    let cache = album.0.path().join("cache");
    let pictures = crate::indexing::request(&[album.root()], Cache::Folder(cache.clone()));
    let counts = |request| crate::indexing::run(request).unwrap().counts();
    assert_eq!(counts(&pictures), [2, 0, 0, 0, 0]);
    album.run();
    // Nothing is embedded anew in either, whichever was made first.
    assert_eq!((counts(&pictures), album.run().counts()), ([0, 2, 0, 0, 0], [0, 2, 0, 0]));
    let mut versions: Vec<_> = store::list(&cache)
        .unwrap()
        .into_iter()
        .map(|store| {
            let content = store.content.unwrap();
            let db = rusqlite::Connection::open(store.folder.join("records.sqlite")).unwrap();
            let version: i32 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            (version, content.images, content.faces, content.earlier)
        })
        .collect();
    versions.sort_unstable();
    // Stores of pictures have the version that they had before there were any of faces.
    assert_eq!(versions, [(3, 2, None, false), (4, 2, Some(3), false)]);
}

#[test]
fn no_picture_and_pictures_without_any_face_are_ordinary() {
    for (pictures, skipped) in [(&[][..], 0), (&[("a.png", 0)], 1), (&[("a.png", 0), ("b.png", 0)], 2)] {
        let album = Album::with(pictures);
        for _ in 0..2 {
            let run = album.run();
            assert_eq!((run.counts(), run.summary.index.len()), ([0; 4], 0));
            assert_eq!((run.summary.skipped.len(), run.summary.index.kind()), (skipped, RowKind::Face));
        }
    }
}

#[test]
fn a_picture_that_is_replaced_by_one_with_more_or_fewer_faces_keeps_none_of_the_old_ones() {
    let album = Album::with(&[("a.png", 3), ("b.png", 2)]);
    album.run();
    for (faces, seed) in [(1, 77), (4, 78), (0, 79), (2, 80)] {
        album.draw("a.png", faces, seed);
        let run = album.run();
        assert_eq!(run.counts()[..2], [usize::from(faces > 0), 1]);
        assert_eq!(run.summary.index.len(), 2 + usize::from(faces));
        assert_eq!(run.summary.skipped.len(), usize::from(faces == 0));
        let again = album.run();
        assert_eq!((again.faces(), again.loaded), (run.faces(), false));
    }
}

#[test]
fn faces_go_and_come_back_with_their_picture() {
    let album = Album::with(&[("a.png", 2), ("b.png", 3)]);
    let all = album.run().faces();
    let aside = album.0.path().join("aside.png");
    fs::rename(album.path("b.png"), &aside).unwrap();
    let without = album.run();
    assert_eq!((without.counts(), without.names().len()), ([0, 1, 0, 1], 2));
    assert_eq!(album.run().counts(), [0, 1, 0, 0]);
    fs::rename(&aside, album.path("b.png")).unwrap();
    let back = album.run();
    assert_eq!((back.loaded, back.faces()), (false, all.clone()));
    assert_eq!(album.run().faces(), all);
}

#[test]
fn a_picture_that_is_renamed_copied_touched_or_moved_takes_all_its_faces_along() {
    let album = Album::with(&[("a.png", 3), ("b.png", 1)]);
    let before = album.run().faces();
    fs::rename(album.path("a.png"), album.path("c.png")).unwrap();
    let renamed = album.run();
    assert_eq!((renamed.counts(), renamed.loaded), ([0, 1, 1, 0], false));
    assert_eq!(renamed.names(), ["b.png", "c.png", "c.png #2", "c.png #3"]);
    assert_eq!(renamed.faces()["c.png #3"], before["a.png #3"]);
    fs::copy(album.path("c.png"), album.path("d.png")).unwrap();
    let copied = album.run();
    assert_eq!((copied.counts(), copied.loaded, copied.names().len()), ([1, 2, 0, 0], false, 7));
    let file = fs::File::options().append(true).open(album.path("d.png")).unwrap();
    file.set_modified(std::time::UNIX_EPOCH).unwrap();
    let touched = album.run();
    assert_eq!((touched.counts(), touched.loaded), ([0, 3, 0, 0], false));
    assert_eq!((touched.faces(), album.run().faces()), (copied.faces(), copied.faces()));
    let moved = album.0.path().canonicalize().unwrap().join("moved");
    fs::rename(album.root(), &moved).unwrap();
    let elsewhere = run(&album.request_of(&[moved]), &CancelToken::default(), &mut |_| {}).unwrap();
    assert_eq!((elsewhere.counts(), elsewhere.loaded), ([0, 0, 3, 0], false));
    assert_eq!(elsewhere.faces(), copied.faces());
}

#[test]
fn what_a_stopped_run_has_done_is_whole_pictures_and_is_not_done_again() {
    let names: Vec<_> = (0..40).map(|at| format!("{at:02}.png")).collect();
    let pictures: Vec<_> = names.iter().map(|name| (name.as_str(), 3)).collect();
    let album = Album::with(&pictures);
    let cancel = CancelToken::default();
    let stopped = run(&album.request(), &cancel, &mut |report| {
        if matches!(&report, Report::Snapshot(index) if !index.is_empty()) {
            cancel.cancel();
        }
    });
    assert!(matches!(stopped, Err(Error::Interrupted)));
    let finished = album.run();
    let [added, reused, ..] = finished.counts();
    assert!(reused > 0 && added + reused == 40, "{added} {reused}");
    assert_eq!(finished.names().len(), 120);
    assert_eq!(album.run().faces(), finished.faces());
}

#[test]
fn a_store_that_breaks_during_a_run_is_written_anew_with_all_that_was_in_it() {
    let names: Vec<_> = (0..20).map(|at| format!("{at:02}.png")).collect();
    let pictures: Vec<_> = names.iter().map(|name| (name.as_str(), 3)).collect();
    let album = Album::with(&pictures);
    let (mut notes, mut broken) = (Vec::new(), false);
    let first = run(&album.request(), &CancelToken::default(), &mut |report| match report {
        Report::Note(note) => notes.push(note),
        Report::Snapshot(index) if !index.is_empty() && !broken => {
            broken = true;
            let folder = store::list(&album.0.path().join("cache")).unwrap().remove(0).folder;
            let db = rusqlite::Connection::open(folder.join("records.sqlite")).unwrap();
            db.execute_batch("DROP TABLE failures").unwrap();
        }
        _ => {}
    });
    let first = first.unwrap();
    assert_eq!((first.counts(), first.names().len()), ([20, 0, 0, 0], 60));
    assert!(notes.len() == 1 && notes[0].contains("set aside") && notes[0].contains("a new one has"), "{notes:?}");
    let second = album.run();
    assert_eq!((second.faces(), second.counts()), (first.faces(), [0, 20, 0, 0]));
}

#[test]
fn faces_of_several_folders_stand_side_by_side() {
    let album = Album::with(&[("one/a.png", 2), ("two/a.png", 3), ("two/b.png", 0)]);
    let request = album.request_of(&[album.path("one"), album.path("two")]);
    for added in [2, 0] {
        let run = run(&request, &CancelToken::default(), &mut |_| {}).unwrap();
        assert_eq!((run.counts()[0], run.summary.index.len(), run.summary.index.pictures()), (added, 5, 2));
        let names: Vec<_> = run.summary.index.iter().map(|entry| entry.whole_name()).collect();
        assert!(names.iter().any(|name| Path::new(name).ends_with("two/a.png #3")), "{names:?}");
    }
}

#[test]
fn one_damaged_embedding_has_all_faces_of_its_picture_found_anew() {
    let album = Album::with(&[("a.png", 3), ("b.png", 2)]);
    let before = album.run().faces();
    let folder = store::list(&album.0.path().join("cache")).unwrap().remove(0).folder;
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let vectors = files.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "f16")).unwrap();
    let mut bytes = fs::read(&vectors).unwrap();
    // A value of the second row.
    bytes[64 + 128 * 2 + 7] ^= 0x11;
    fs::write(&vectors, bytes).unwrap();
    let mended = album.run();
    assert_eq!((mended.counts(), mended.faces()), ([1, 1, 0, 0], before.clone()));
    // Vectors that are lost take the faces of a picture with them that are not.
    let rows = 2;
    let file = fs::File::options().write(true).open(&vectors).unwrap();
    file.set_len(64 + 128 * 2 * rows).unwrap();
    let mended = album.run();
    assert_eq!(mended.faces(), before);
    assert_eq!(album.run().counts(), [0, 2, 0, 0]);
}

/// Gives all rows of a store the checksums that the first stores had, of the embeddings alone.
fn sum_up_embeddings_alone(folder: &Path, db: &rusqlite::Connection) {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let vectors = files.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "f16")).unwrap();
    let vectors = fs::read(vectors).unwrap();
    for (at, row) in (0_u32..).zip(vectors[64..].chunks(128 * 2)) {
        let query = "SELECT scale, norm FROM images WHERE row = ?1";
        let of_row: [f32; 2] = db.query_row(query, [at], |row| Ok([row.get(0)?, row.get(1)?])).unwrap();
        let sum = crc32fast::hash(&[row, &of_row.map(f32::to_le_bytes).concat()].concat());
        let changed = db.execute("UPDATE images SET checksum = ?1 WHERE row = ?2 AND checksum <> ?1", (sum, at));
        assert_eq!(changed.unwrap(), 1);
    }
}

/// Damages one record of a picture with three faces, of which nothing must be lost.
#[track_caller]
fn check_damaged_record(damage: &str, older: bool) {
    // One after the other, so that their rows are in this order.
    let album = Album::with(&[("a.png", 3)]);
    album.run();
    album.draw("b.png", 2, 1);
    let before = album.run().faces();
    let folder = store::list(&album.0.path().join("cache")).unwrap().remove(0).folder;
    let db = rusqlite::Connection::open(folder.join("records.sqlite")).unwrap();
    if older {
        sum_up_embeddings_alone(&folder, &db);
    }
    assert_eq!(db.execute(damage, []).unwrap(), 1);
    db.close().unwrap();
    let mut notes = 0;
    let mended = run(&album.request(), &CancelToken::default(), &mut |report| {
        notes += usize::from(matches!(report, Report::Note(_)));
    });
    let mended = mended.unwrap();
    assert_eq!((mended.counts(), mended.faces(), notes), ([1, 1, 0, 0], before, 1), "{damage} {older}");
    assert_eq!(album.run().counts(), [0, 2, 0, 0], "{damage} {older}");
}

#[test]
fn no_face_is_lost_with_a_damaged_record() {
    for damage in [
        "UPDATE images SET path = CAST('b.pn' AS BLOB) WHERE row = 0",
        "UPDATE images SET path = CAST('b.pn' AS BLOB) WHERE row = 1",
        "UPDATE images SET path = CAST('b.pn' AS BLOB) WHERE row = 2",
        "UPDATE images SET part = 7 WHERE row = 0",
        "UPDATE images SET part = 7 WHERE row = 1",
        "UPDATE images SET part = 7 WHERE row = 2",
        "UPDATE images SET part = -1 WHERE row = 2",
        "UPDATE images SET face = x'00' WHERE row = 0",
        "UPDATE images SET face = x'00' WHERE row = 1",
        "UPDATE images SET face = x'00' WHERE row = 2",
        "DELETE FROM images WHERE row = 0",
        "DELETE FROM images WHERE row = 1",
    ] {
        check_damaged_record(damage, false);
        check_damaged_record(damage, true);
    }
    // What the sum of an embedding alone cannot show.
    check_damaged_record("UPDATE images SET face = zeroblob(60) WHERE row = 2", false);
    check_damaged_record("DELETE FROM images WHERE row = 2", false);
}

#[test]
fn faces_whose_checksums_are_of_their_embeddings_alone_are_read() {
    let album = Album::with(&[("a.png", 3), ("b.png", 1), ("c.png", 2)]);
    let before = album.run().faces();
    let folder = store::list(&album.0.path().join("cache")).unwrap().remove(0).folder;
    let db = rusqlite::Connection::open(folder.join("records.sqlite")).unwrap();
    sum_up_embeddings_alone(&folder, &db);
    db.close().unwrap();
    let run = album.run();
    assert_eq!((run.counts(), run.faces()), ([0, 3, 0, 0], before));
}

#[test]
fn a_face_that_cannot_be_found_any_more_beside_a_columnar_copy_is_not_lost() {
    let names: Vec<_> = (0..100).map(|at| format!("{at:02}.png")).collect();
    let pictures: Vec<_> = names.iter().map(|name| (name.as_str(), 60)).collect();
    let album = Album::with(&pictures);
    let before = album.run().faces();
    let folder = store::list(&album.0.path().join("cache")).unwrap().remove(0).folder;
    for damage in ["UPDATE images SET modified = 'x' WHERE row = 61", "DELETE FROM images WHERE row = 121"] {
        let db = rusqlite::Connection::open(folder.join("records.sqlite")).unwrap();
        assert_eq!(db.execute(damage, []).unwrap(), 1);
        let row = &damage[damage.rfind(' ').unwrap()..];
        assert_eq!(db.execute(&format!("INSERT INTO edited VALUES ({row})"), []).unwrap(), 1);
        db.close().unwrap();
        let mended = album.run();
        assert_eq!((mended.counts(), mended.faces()), ([1, 99, 0, 0], before.clone()), "{damage}");
    }
}

#[test]
fn many_faces_are_read_from_the_columnar_copy_as_from_the_database() {
    let names: Vec<_> = (0..100).map(|at| format!("{at:02}.png")).collect();
    let pictures: Vec<_> = names.iter().map(|name| (name.as_str(), 60)).collect();
    let album = Album::with(&pictures);
    let first = album.run();
    assert_eq!(first.summary.index.len(), 6_000);
    let folder = store::list(&album.0.path().join("cache")).unwrap().remove(0).folder;
    let copies = || {
        let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|kind| kind == "bin")).collect::<Vec<_>>()
    };
    assert_eq!(copies().len(), 1, "so many rows are worth a copy");
    fs::remove_file(album.path("07.png")).unwrap();
    album.draw("11.png", 2, 201);
    let copied = album.run();
    assert_eq!(copied.counts(), [1, 98, 0, 1]);
    assert_eq!(copied.summary.index.len(), 98 * 60 + 2);
    copies().iter().for_each(|copy| fs::remove_file(copy).unwrap());
    assert_eq!(album.run().faces(), copied.faces());
}
