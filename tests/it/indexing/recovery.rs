//! Damage of the records that nothing shows before files are compared with them, and disks that are too full to keep more.

use std::{fs, path::Path, process::Command};

use lookalike::pipeline::Cache;

use super::{Place, embeddings, index_command, request, run};

/// Runs statements on the records.
fn change_records(place: &Place, statements: &str) {
    let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
    db.execute_batch(statements).unwrap();
    db.close().unwrap();
}

/// The first page of a table's index, in the bytes of the database.
fn page_of(place: &Place, index: &str) -> std::ops::Range<usize> {
    let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
    let number = |query: &str| db.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
    let page = number(&format!("SELECT rootpage FROM sqlite_schema WHERE name = '{index}'"));
    let size = number("PRAGMA page_size");
    (page - 1) * size..page * size
}

/// Damages the records of five pictures and of one that is gone, changes the folder, and tells what the next run makes of
/// it: its counts, and what it says. Whatever was known before is known after it.
#[track_caller]
fn check(damage: impl Fn(&Place), change: impl Fn(&Place), counts: [usize; 5], words: Option<&str>) {
    let place = Place::with(6);
    place.run();
    fs::remove_file(place.path("005.png")).unwrap();
    place.run();
    damage(&place);
    change(&place);
    let healed = place.run();
    assert_eq!(healed.counts(), counts, "{:?}", healed.notes);
    assert_eq!(healed.notes.len(), usize::from(words.is_some()), "{:?}", healed.notes);
    assert!(words.is_none_or(|words| healed.notes[0].contains(words)), "{:?}", healed.notes);
    let found = embeddings(&healed.outcome.index);
    assert_eq!(found, embeddings(&run(&request(&[place.root()], Cache::Off)).unwrap().outcome.index));
    let again = place.run();
    let skipped = counts[4];
    assert_eq!((again.counts(), again.notes.len()), ([0, found.len(), 0, 0, skipped], 0), "{:?}", again.notes);
    assert_eq!(embeddings(&again.outcome.index), found);
    // The one that was gone comes back, and one goes under another name: both are known by their content.
    place.draw("005.png", 5);
    fs::rename(place.path("004.png"), place.path("4.png")).unwrap();
    let known = place.run();
    assert_eq!((known.counts(), known.notes.len()), ([0, found.len(), 1, 0, skipped], 0), "{:?}", known.notes);
}

/// Has the database refuse a change of its tables, as it does where a table contradicts itself.
fn refuse(change: &str) -> impl Fn(&Place) {
    let trigger = format!("CREATE TRIGGER refused BEFORE {change} BEGIN SELECT raise(ABORT, 'no'); END");
    move |place| change_records(place, &trigger)
}

#[test]
fn whatever_is_refused_while_files_are_compared_the_records_are_written_anew_with_all_that_is_known() {
    let aside = Some("set aside");
    let rotten = |place: &Place| {
        change_records(place, "UPDATE images SET norm = norm * 2 WHERE path = CAST('001.png' AS BLOB)");
        refuse("DELETE ON images")(place);
    };
    check(rotten, |_| {}, [1, 4, 0, 0, 0], aside);
    let removed = |place: &Place| fs::remove_file(place.path("003.png")).unwrap();
    check(refuse("UPDATE OF gone ON images"), removed, [0, 4, 0, 1, 0], aside);
    let renamed = |place: &Place| fs::rename(place.path("003.png"), place.path("moved.png")).unwrap();
    check(refuse("INSERT ON images"), renamed, [0, 4, 1, 0, 0], aside);
    let touched = |place: &Place| place.draw("003.png", 3);
    check(refuse("UPDATE OF size ON images"), touched, [0, 5, 0, 0, 0], aside);
    let new = |place: &Place| place.draw("new.png", 30);
    check(refuse("INSERT ON images"), new, [1, 5, 0, 0, 0], aside);
    let broken = |place: &Place| fs::write(place.path("broken.png"), "no picture").unwrap();
    check(refuse("INSERT ON failures"), broken, [0, 5, 0, 0, 1], aside);
    check(refuse("UPDATE OF skipped ON store"), |_| {}, [0, 5, 0, 0, 0], aside);
}

#[test]
fn what_could_not_be_embedded_stays_on_record_when_the_records_are_written_anew() {
    let place = Place::with(6);
    fs::write(place.path("text.png"), "hello there").unwrap();
    place.run();
    let kept = || -> Vec<(Vec<u8>, i64)> {
        let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
        let mut rows = db.prepare("SELECT path, changed FROM failures").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let before = kept();
    assert_eq!(before.len(), 1);
    refuse("UPDATE OF gone ON images")(&place);
    fs::remove_file(place.path("003.png")).unwrap();
    let healed = place.run();
    assert!(healed.notes.len() == 1 && healed.notes[0].contains("set aside"), "{:?}", healed.notes);
    assert_eq!((healed.outcome.skipped.len(), kept()), (1, before));
}

/// Fills the first page of a table or of an index of one with what is none.
fn overwrite(name: &str) -> impl Fn(&Place) {
    move |place| {
        let page = page_of(place, name);
        let path = place.store_file(".sqlite");
        let mut bytes = fs::read(&path).unwrap();
        bytes[page].fill(0x5a);
        fs::write(path, bytes).unwrap();
    }
}

#[test]
fn an_index_of_contents_that_cannot_be_read_costs_no_picture_that_goes_under_another_name() {
    let renamed = |place: &Place| fs::rename(place.path("003.png"), place.path("moved.png")).unwrap();
    check(overwrite("images_by_content"), renamed, [0, 4, 1, 0, 0], Some("a new one has its 6 embeddings"));
}

#[test]
fn what_is_damaged_beside_the_records_costs_none_of_them_when_the_next_run_begins() {
    for name in ["images_gone", "failures"] {
        check(overwrite(name), |_| {}, [0, 5, 0, 0, 0], Some("a new one has its 6 embeddings"));
    }
    // Of so few pictures there is no columnar copy, to which edits are noted.
    check(overwrite("edited"), |_| {}, [0, 5, 0, 0, 0], None);
    // A damaged embedding is not carried over.
    let rotten = |place: &Place| {
        change_records(place, "UPDATE images SET norm = norm * 2 WHERE path = CAST('001.png' AS BLOB)");
        overwrite("failures")(place);
    };
    check(rotten, |_| {}, [1, 4, 0, 0, 0], Some("a new one has its 5 embeddings"));
}

#[test]
fn an_index_of_contents_that_lost_its_entries_is_made_anew_without_a_word() {
    let empty = |place: &Place| {
        change_records(
            place,
            "DROP INDEX images_by_content;
             CREATE INDEX images_by_content ON images (size, hash) WHERE 0;
             PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = replace(sql, ' WHERE 0', '') WHERE name = 'images_by_content';",
        );
    };
    // A new picture in its place: the record of the old one goes, which contradicts the index.
    let changed = |place: &Place| place.draw("003.png", 33);
    check(empty, changed, [1, 4, 0, 0, 0], None);
}

#[test]
fn a_flipped_bit_in_the_index_of_contents_gives_no_picture_the_embedding_of_another() {
    let mut wrong = 0;
    // In the store of the folder, and in that of another one.
    for elsewhere in [false, true] {
        let place = Place::with(6);
        let first = place.run();
        let page = page_of(&place, "images_by_content");
        let path = place.store_file(".sqlite");
        let mut bytes = fs::read(&path).unwrap();
        let db = rusqlite::Connection::open(&path).unwrap();
        let query = "SELECT CAST(path AS TEXT), hash FROM images WHERE row = 3";
        let (name, hash): (String, Vec<u8>) = db.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        db.close().unwrap();
        // The number of the row follows its hash.
        let at = page.clone().find(|at| bytes[*at..].starts_with(&hash)).unwrap() + hash.len();
        assert_eq!(bytes[at], 3);
        bytes[at] = 5;
        fs::write(&path, bytes).unwrap();
        let root = match elsewhere {
            true => place.folder.path().canonicalize().unwrap().join("moved"),
            false => place.root(),
        };
        fs::rename(place.root(), &root).unwrap();
        fs::rename(root.join(&name), root.join("moved.png")).unwrap();
        let found = run(&request(std::slice::from_ref(&root), Cache::Folder(place.cache()))).unwrap();
        let found = embeddings(&found.outcome.index);
        let before = embeddings(&first.outcome.index);
        wrong += usize::from(found[Path::new("moved.png")] != before[Path::new(&name)]);
    }
    assert_eq!(wrong, 0);
}

/// Runs the command where no file may become larger than so many blocks of 512 bytes, which is refused as a full disk refuses
/// it. Returns what it printed, and said.
#[track_caller]
fn with_room(blocks: u32, place: &Place) -> (String, String) {
    let index = index_command(place);
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -f {blocks}; exec \"$@\""), "sh"]);
    let output = limited.arg(index.get_program()).args(index.get_args()).output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{err}");
    (out, err)
}

#[test]
fn what_was_kept_before_the_disk_was_full_is_used() {
    let place = Place::with(5);
    place.run();
    place.draw("new.png", 50);
    let (out, err) = with_room(0, &place);
    assert!(out.contains("1 new or changed, 5 known"), "{out}{err}");
    assert!(err.contains("cannot be written: it is used"), "{err}");
    assert_eq!(place.run().counts(), [1, 5, 0, 0, 0]);
    assert_eq!(place.run().counts(), [0, 6, 0, 0, 0]);
}
