//! A store on its own: what it remembers, with its columnar copy and without it, for its writer and for who follows.

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    thread,
    time::Instant,
};

use lookalike::{
    files,
    index::{
        Image, ImageId, Index, RowKind, Segment,
        store::{self, Change, Failure, Key, Loaded, Numbered, Opened, Present, RowState, Store},
    },
    scan::{ImageFile, SkippedKind},
};

use crate::session::GIVE_UP;

const DIM: usize = 4;

/// A cache folder with one store.
struct Place(tempfile::TempDir);

/// Everything that a store tells of a row.
type Told = (PathBuf, u64, i64, RowState, Vec<f32>);

impl Place {
    /// A store of so many rows, which is open.
    fn with(rows: u32) -> (Self, Store) {
        let place = Self(tempfile::tempdir().unwrap());
        let mut store = place.writer();
        add(&mut store, 0..rows, 0);
        (place, store)
    }

    fn key() -> Key {
        Key {
            root: "/p".into(),
            model: "model".into(),
            fingerprint: "fingerprint".into(),
            preprocessing: 1,
            exact: false,
            dim: DIM,
            rows: RowKind::Picture,
        }
    }

    fn open(&self) -> (Opened, Vec<String>) {
        let mut notes = Vec::new();
        (store::open(self.0.path(), &Self::key(), &mut notes).unwrap(), notes)
    }

    #[track_caller]
    fn writer(&self) -> Store {
        match self.open() {
            (Opened::Writer(store), notes) if notes.is_empty() => store,
            (_, notes) => panic!("not its writer, or not well: {notes:?}"),
        }
    }

    #[track_caller]
    fn follower(&self) -> Store {
        let (Opened::Reader(Some(store)), _) = self.open() else { panic!("there is nobody to follow") };
        store
    }

    /// The store's files whose names begin so.
    fn files(&self, name: &str) -> Vec<PathBuf> {
        let folder = store::list(self.0.path()).unwrap().remove(0).folder;
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(name)).collect()
    }

    fn copies(&self) -> Vec<PathBuf> {
        let folder = store::list(self.0.path()).unwrap().remove(0).folder;
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|kind| kind == "bin")).collect()
    }
}

fn file(number: u32) -> ImageFile {
    ImageFile {
        path: format!("/p/{number}.png").into(),
        size: 1000 + u64::from(number),
        modified: -i64::from(number),
        changed: 0,
    }
}

/// Commits pictures of these numbers, whose embeddings say their number and the version of their content.
fn add(store: &mut Store, numbers: std::ops::Range<u32>, version: u32) {
    let images = numbers.clone().map(|number| Image { file: file(number), pixels: (1, 2), format: "PNG", face: None });
    let embeddings: Vec<_> = numbers.clone().map(|number| embedding(number, version)).collect();
    let segment = Segment::pack(Path::new("/p").into(), images, &embeddings, DIM);
    let hashes: Vec<_> = numbers.map(|number| [number as u8; 32]).collect();
    store.commit(&Change { rows: Some((&segment, &hashes)), ..Change::default() }).unwrap();
}

fn embedding(number: u32, version: u32) -> Vec<f32> {
    vec![(number % 100) as f32, (number / 100) as f32, version as f32, 1.0]
}

fn write_columns(store: &mut Store) {
    let Loaded { segment, states, sums, .. } = store.load(0).unwrap();
    store.write_columns(&segment, &states, &sums).unwrap();
}

/// Everything that a store tells.
fn told(store: &mut Store) -> Vec<Told> {
    let Loaded { segment, states, .. } = store.load(0).unwrap();
    let mut index = Index::new(DIM);
    assert!(index.push(segment.into()));
    let ids = (0..states.len() as u32).map(ImageId);
    for id in ids.clone() {
        index.restore(id);
    }
    ids.zip(states)
        .map(|(id, state)| {
            let entry = index.get(id).unwrap();
            if state == RowState::Vacant {
                return (PathBuf::new(), 0, 0, state, Vec::new());
            }
            (entry.path(), entry.size(), entry.modified(), state, entry.embedding())
        })
        .collect()
}

/// Every kind of edit, to rows on both sides of 100.
fn edit(store: &mut Store) {
    let failed = Failure { file: file(21), kind: SkippedKind::NotAnImage, reason: "it is text, not an image".into() };
    store
        .commit(&Change {
            gone: &[3, 4, 103],
            deleted: &[5, 105],
            failed: &[failed],
            present: &[
                Present { row: 6, size: 1, modified: 2, changed: 9 },
                Present { row: 106, size: 3, modified: 4, changed: 9 },
            ],
            ..Change::default()
        })
        .unwrap();
    store
        .commit(&Change { present: &[Present { row: 4, size: 5, modified: 6, changed: 9 }], ..Change::default() })
        .unwrap();
    add(store, 30..33, 1);
}

#[test]
fn the_columnar_copy_tells_what_the_database_tells() {
    let (place, mut plain) = Place::with(120);
    edit(&mut plain);
    let (copied, mut store) = Place::with(100);
    write_columns(&mut store);
    add(&mut store, 100..120, 0);
    edit(&mut store);
    let expected = told(&mut plain);
    assert_eq!(told(&mut store), expected);
    assert_eq!(told(&mut copied.follower()), expected);
    drop(store);
    assert_eq!(told(&mut copied.writer()), expected);
    assert_eq!((place.copies().len(), copied.copies().len()), (0, 1));
    // Written anew, it holds what was edited.
    let mut store = copied.writer();
    write_columns(&mut store);
    assert_eq!(told(&mut store), expected);
    assert_eq!(copied.copies().len(), 1);
}

/// Does something to the columnar copy of a store that was edited since; the store must tell the same as before.
#[track_caller]
fn check_damage(damage: impl FnOnce(&Path)) {
    let (place, mut store) = Place::with(6_000);
    assert!(store.columns_are_stale().unwrap());
    write_columns(&mut store);
    assert!(!store.columns_are_stale().unwrap());
    edit(&mut store);
    let expected = told(&mut store);
    damage(&place.copies()[0]);
    assert_eq!(told(&mut place.follower()), expected, "a follower");
    drop(store);
    let mut store = place.writer();
    assert_eq!(told(&mut store), expected);
    assert!(store.columns_are_stale().unwrap(), "the damage is to be mended");
    // Should the file come back as it was, it is out of date.
    edit(&mut store);
    let expected = told(&mut store);
    drop(store);
    let mut store = place.writer();
    assert_eq!(told(&mut store), expected);
    write_columns(&mut store);
    assert!(!store.columns_are_stale().unwrap());
    assert_eq!(told(&mut store), expected);
}

#[test]
fn a_columnar_copy_that_is_damaged_or_lost_costs_time_and_nothing_else() {
    check_damage(|path| fs::remove_file(path).unwrap());
    check_damage(|path| fs::write(path, "").unwrap());
    check_damage(|path| {
        let mut bytes = fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(path, bytes).unwrap();
    });
}

#[test]
fn a_columnar_copy_that_the_database_never_came_to_name_is_not_used() {
    let (place, mut store) = Place::with(50);
    write_columns(&mut store);
    let first = place.copies().remove(0);
    let kept = fs::read(&first).unwrap();
    add(&mut store, 50..60, 0);
    write_columns(&mut store);
    let expected = told(&mut store);
    drop(store);
    // A run was killed after it wrote a copy and before it said so; and an old one has the new one's name.
    let unnamed = first.with_file_name("columns-9999999999.bin");
    fs::write(&unnamed, &kept).unwrap();
    let named = place.copies().into_iter().find(|path| *path != unnamed).unwrap();
    fs::write(&named, &kept).unwrap();
    assert_eq!(told(&mut place.writer()), expected);
    assert!(!unnamed.exists(), "leftovers are cleared away");
}

#[test]
fn so_many_edits_that_the_columnar_copy_is_worthless_are_in_the_database() {
    let (place, mut store) = Place::with(12_000);
    write_columns(&mut store);
    let gone: Vec<_> = (0..11_000).collect();
    store.commit(&Change { gone: &gone, ..Change::default() }).unwrap();
    assert!(store.columns_are_stale().unwrap());
    drop(store);
    let states: Vec<_> = told(&mut place.writer()).into_iter().map(|row| row.3).collect();
    assert!(states[..11_000].iter().all(|state| *state == RowState::Gone));
    assert!(states[11_000..].iter().all(|state| *state == RowState::Present));
}

#[test]
fn a_follower_reads_of_one_moment_although_the_store_is_compacted_meanwhile() {
    let (place, mut store) = Place::with(3_000);
    write_columns(&mut store);
    let deleted: Vec<_> = (0..2_000).collect();
    store.commit(&Change { deleted: &deleted, ..Change::default() }).unwrap();
    let mut follower = place.follower();
    drop(store);
    let mut compacted = place.writer();
    assert_ne!(compacted.generation(), follower.generation());
    let numbers = |told: Vec<Told>| {
        for (path, .., embedding) in told.iter().filter(|row| row.3 == RowState::Present) {
            let number: u32 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            assert_eq!(*embedding, crate::store::embedding(number, 0), "{number}");
        }
        told.len()
    };
    assert_eq!(numbers(told(&mut follower)), 3_000);
    assert_eq!(numbers(told(&mut compacted)), 1_000);
    write_columns(&mut compacted);
    assert_eq!(numbers(told(&mut place.follower())), 1_000);
}

#[test]
fn a_writer_gives_signs_of_life_whatever_it_is_busy_with() {
    let (place, store) = Place::with(1);
    let begun = Instant::now();
    for _ in 0..2 {
        let before = store::last_beat(place.0.path(), &Place::key());
        while store::last_beat(place.0.path(), &Place::key()) == before {
            assert!(begun.elapsed() < GIVE_UP, "it is taken to be stopped");
            thread::yield_now();
        }
    }
    drop(store);
}

#[test]
fn content_is_looked_up_by_size_and_hash_so_that_files_of_one_size_are_not_all_compared() {
    let (place, mut store) = Place::with(0);
    let images = (0..300).map(|number| Image {
        file: ImageFile { size: 7, ..file(number) },
        pixels: (1, 2),
        format: "PNG",
        face: None,
    });
    let embeddings: Vec<_> = (0..300).map(|number| embedding(number, 0)).collect();
    let segment = Segment::pack(Path::new("/p").into(), images, &embeddings, DIM);
    let hashes: Vec<_> = (0..300_u32).map(|number| [(number / 2) as u8; 32]).collect();
    store.commit(&Change { rows: Some((&segment, &hashes)), ..Change::default() }).unwrap();
    assert_eq!(store.rows_of_content(7, &[21; 32]).unwrap(), [42, 43]);
    assert!(store.rows_of_content(8, &[21; 32]).unwrap().is_empty());
    assert_eq!((store.knows_size(7).unwrap(), store.knows_size(8).unwrap()), (true, false));
    let folder = store::list(place.0.path()).unwrap().remove(0).folder;
    let db = rusqlite::Connection::open(folder.join("records.sqlite")).unwrap();
    let plan = "EXPLAIN QUERY PLAN SELECT row FROM images WHERE size = 7 AND hash = x'00'";
    let plan: String = db.query_row(plan, [], |row| row.get("detail")).unwrap();
    assert!(plan.contains("(size=? AND hash=?)"), "{plan}");
}

#[test]
fn a_graph_is_kept_with_the_numbers_of_the_rows_it_names() {
    let (place, mut store) = Place::with(4);
    let index = Index::new(DIM);
    let of = |store: &Store| {
        let rows = [Numbered { row: 0, id: ImageId(7), len: 2 }, Numbered { row: 2, id: ImageId(20), len: 2 }];
        store.graphs(&index, rows.to_vec())
    };
    let graphs = of(&store);
    assert!(graphs.are_of(&index) && !graphs.are_of(&Index::new(DIM)));
    for (row, id) in [(0, 7), (1, 8), (2, 20), (3, 21)] {
        assert_eq!((graphs.id_of(row), graphs.row_of(ImageId(id))), (Some(ImageId(id)), Some(row)));
    }
    assert_eq!(graphs.id_of(4), None);
    assert!([0, 6, 9, 19, 22].iter().all(|id| graphs.row_of(ImageId(*id)).is_none()));
    assert_eq!(graphs.read("cosine"), None);
    graphs.keep("cosine", b"first").unwrap();
    graphs.keep("cosine", b"second").unwrap();
    graphs.keep("euclidean", b"other").unwrap();
    assert_eq!(graphs.read("cosine").as_deref(), Some(&b"second"[..]));
    // Who follows reads it and writes none.
    let follower = place.follower();
    of(&follower).keep("cosine", b"third").unwrap();
    assert_eq!(of(&follower).read("cosine").as_deref(), Some(&b"second"[..]));
    drop((store, follower));
    // After the run it can still be kept, unless another one has begun.
    graphs.keep("cosine", b"third").unwrap();
    let (Opened::Writer(other), _) = place.open() else { panic!("not the writer") };
    graphs.keep("cosine", b"fourth").unwrap();
    assert_eq!(graphs.read("cosine").as_deref(), Some(&b"third"[..]));
    drop(other);
    // Rows that vanished from the vector file are computed again under their old numbers.
    let vectors = place.files("vectors-").remove(0);
    let file = fs::File::options().write(true).open(&vectors).unwrap();
    file.set_len(file.metadata().unwrap().len() - DIM as u64 * 2).unwrap();
    let (Opened::Writer(opened), _) = place.open() else { panic!("not the writer") };
    store = opened;
    assert_eq!((graphs.read("cosine"), graphs.read("euclidean")), (None, None));
    assert!(place.files("graph-").is_empty());
    of(&store).keep("cosine", b"again").unwrap();
    drop(store);
    // It goes with the store.
    let listed = store::list(place.0.path()).unwrap();
    assert!(store::remove(&listed[0]).unwrap());
    assert!(store::list(place.0.path()).unwrap().is_empty());
    // A store that is gone is not made again for a graph.
    graphs.keep("cosine", b"late").unwrap();
    assert!(store::list(place.0.path()).unwrap().is_empty());
}

#[test]
fn damaged_notes_are_moved_away_by_who_may_write_and_only_while_they_are_damaged() {
    let (place, writer) = Place::with(1);
    let graphs = place.follower().graphs(&Index::new(DIM), Vec::new());
    let is_damaged = |notes: &[u8]| notes == b"damaged";
    graphs.keep_notes(b"damaged", |_| true).unwrap();
    assert_eq!(graphs.set_notes_aside(is_damaged).unwrap(), None, "the writer may be mending them");
    drop(writer);
    // They are mended after they were looked at and before the lock was there.
    let looks = Cell::new(0);
    let mended_meanwhile = |notes: &[u8]| {
        let was_damaged = is_damaged(notes);
        if looks.replace(looks.get() + 1) == 0 {
            graphs.keep_notes(b"mended", |_| true).unwrap();
        }
        was_damaged
    };
    assert_eq!(graphs.set_notes_aside(mended_meanwhile).unwrap(), None);
    assert_eq!((graphs.read_notes().unwrap().as_deref(), looks.get()), (Some(&b"mended"[..]), 2));
    graphs.keep_notes(b"damaged", |_| true).unwrap();
    let aside = graphs.set_notes_aside(is_damaged).unwrap().expect("they are damaged, and nobody else writes");
    assert_eq!((fs::read(aside).unwrap().as_slice(), graphs.read_notes().unwrap()), (&b"damaged"[..], None));
    assert_eq!(graphs.set_notes_aside(is_damaged).unwrap(), None, "there are none");
}

#[test]
fn notes_that_another_version_wrote_stay_until_the_new_ones_are_whole() {
    let (place, _writer) = Place::with(1);
    let graphs = place.follower().graphs(&Index::new(DIM), Vec::new());
    graphs.keep_notes(b"of another", |_| true).unwrap();
    let notes = place.files("groups.json").remove(0);
    // Something lies where the new ones would be written, which is as good as a full disk.
    let in_the_way = files::part_of(&notes);
    fs::create_dir(&in_the_way).unwrap();
    let sentence = graphs.keep_notes(b"ours", |_| false).unwrap_err().to_string();
    assert!(sentence.contains("groups.json"), "{sentence}");
    assert_eq!(
        (graphs.read_notes().unwrap().as_deref(), place.files("groups")),
        (Some(&b"of another"[..]), vec![notes])
    );
    fs::remove_dir(in_the_way).unwrap();
    let aside = graphs.keep_notes(b"ours", |_| false).unwrap().expect("they are of another version");
    assert_eq!(fs::read(aside).unwrap(), b"of another");
    assert_eq!((graphs.read_notes().unwrap().as_deref(), place.files(".groups").len()), (Some(&b"ours"[..]), 0));
}

#[test]
fn a_store_that_has_no_room_to_be_compacted_is_opened_as_it_is() {
    const ROWS: u32 = 1100;
    let (place, mut store) = Place::with(ROWS);
    add(&mut store, 0..ROWS, 1);
    add(&mut store, 0..ROWS, 2);
    let before = store.generation();
    drop(store);
    let present = |store: &mut Store| told(store).into_iter().filter(|row| row.3 == RowState::Present).count() as u32;
    let vectors = place.files("vectors-").remove(0);
    let in_the_way = vectors.with_file_name(format!("vectors-{}.f16", before + 1));
    fs::create_dir(&in_the_way).unwrap();
    let mut store = place.writer();
    assert_eq!((store.generation(), present(&mut store)), (before, ROWS));
    drop(store);
    fs::remove_dir(in_the_way).unwrap();
    let mut store = place.writer();
    assert_eq!((store.generation(), present(&mut store), place.files("vectors-").len()), (before + 1, ROWS, 1));
}
