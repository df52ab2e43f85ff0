//! An index on the disk that was damaged, is foreign or grew holes.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use lookalike::{index::store, pipeline::Cache};

use super::{Place, embeddings, request, run};

#[test]
fn what_an_earlier_version_embedded_is_left_to_it() {
    let place = Place::with(5);
    place.run();
    let listed = store::list(&place.cache()).unwrap().remove(0);
    let db = rusqlite::Connection::open(listed.folder.join("records.sqlite")).unwrap();
    db.execute_batch(
        "ALTER TABLE images DROP COLUMN changed; ALTER TABLE images DROP COLUMN checksum; PRAGMA user_version = 2;",
    )
    .unwrap();
    db.close().unwrap();
    // Its name said the other schema.
    let earlier = listed.folder.with_file_name("earlier");
    fs::rename(&listed.folder, &earlier).unwrap();
    let before = fs::read(earlier.join("records.sqlite")).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([5, 0, 0, 0, 0], 0), "{:?}", run.notes);
    assert_eq!(fs::read(earlier.join("records.sqlite")).unwrap(), before);
    let stores = store::list(&place.cache()).unwrap();
    let images: Vec<_> = stores.iter().map(|store| store.content.as_ref().unwrap().images).collect();
    assert_eq!(images, [5, 5]);
}

#[test]
fn a_damaged_embedding_is_not_taken_over() {
    let place = Place::with(5);
    place.run();
    // So little that nothing but the checksum shows it.
    change_vectors(&place, |rows, row| rows[row + 2] ^= 1);
    let moved = place.folder.path().canonicalize().unwrap().join("moved");
    fs::rename(place.root(), &moved).unwrap();
    assert_eq!(run_of(&moved, &place).counts(), [1, 0, 4, 0, 0]);
}

/// Damages the store of five images and tells what the next run makes of it: how many it embeds again, and what it says.
#[track_caller]
fn check_damage(words: &str, embedded_again: usize, damage: impl FnOnce(&Place)) {
    let place = Place::with(5);
    let before = embeddings(&place.run().outcome.index);
    damage(&place);
    let run = place.run();
    assert_eq!(run.counts(), [embedded_again, 5 - embedded_again, 0, 0, 0], "{:?}", run.notes);
    assert_eq!(run.notes.len(), 1, "{:?}", run.notes);
    assert!(run.notes[0].contains(words), "{:?}", run.notes);
    assert_eq!(embeddings(&run.outcome.index), before);
    let healed = place.run();
    assert_eq!((healed.counts(), healed.notes.len()), ([0, 5, 0, 0, 0], 0), "{:?}", healed.notes);
}

#[test]
fn damaged_and_foreign_files_are_set_aside_and_built_anew() {
    check_damage("set aside", 5, |place| fs::write(place.store_file(".sqlite"), "certainly no database").unwrap());
    check_damage("set aside", 5, |place| {
        let path = place.store_file(".sqlite");
        let mut bytes = fs::read(&path).unwrap();
        let len = bytes.len();
        bytes[1000..len].fill(0x5a);
        fs::write(path, bytes).unwrap();
    });
    check_damage("set aside", 5, |place| fs::write(place.store_file("vectors"), "no vectors").unwrap());
    check_damage("set aside", 5, |place| fs::remove_file(place.store_file("vectors")).unwrap());
    check_damage("moved to", 5, |place| {
        let folder = store::list(&place.cache()).unwrap().remove(0).folder;
        fs::remove_dir_all(&folder).unwrap();
        fs::write(folder, "a file where a folder should be").unwrap();
    });
}

/// Puts something that is no file in the place of one.
fn each_foreign(check: impl Fn(&dyn Fn(&Path))) {
    check(&|path| fs::create_dir(path).unwrap());
    check(&|path| symlink("/nowhere/at/all", path).unwrap());
    check(&|path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success()));
}

#[test]
fn what_is_no_file_beside_the_records_and_the_vectors_costs_a_sentence_and_nothing_else() {
    for name in ["records.sqlite-wal", "records.sqlite-shm", "records.sqlite-journal", "groups.json", "columns-7.bin"] {
        each_foreign(|put| {
            check_damage(&format!("{name} is not a file"), 0, |place| {
                let path = place.store_file(".sqlite").with_file_name(name);
                // Who only reads leaves an empty log behind.
                let _ = fs::remove_file(&path);
                put(&path);
            });
        });
    }
    // Who only reads cannot move it away.
    let place = Place::with(1);
    place.run();
    let log = place.store_file(".sqlite").with_file_name("records.sqlite-wal");
    let _ = fs::remove_file(&log);
    fs::create_dir(&log).unwrap();
    fs::write(log.join("theirs"), "theirs").unwrap();
    assert!(store::list(&place.cache()).unwrap()[0].content.is_err());
    place.run();
    let listed = store::list(&place.cache()).unwrap().remove(0);
    assert_eq!((listed.content.as_ref().unwrap().images, listed.set_aside), (1, 0));
    assert!(store::remove_set_aside(&listed).unwrap() && store::remove(&listed).unwrap());
    let theirs = listed.folder.join("records.sqlite-wal.set-aside-1/theirs");
    assert_eq!(fs::read(theirs).unwrap(), b"theirs", "a folder with something in it is nobody's to delete");
    assert!(store::list(&place.cache()).unwrap().is_empty());
}

#[test]
fn a_link_to_names_that_are_kept_elsewhere_stays_and_what_cannot_be_moved_ends_no_run() {
    let place = Place::with(5);
    place.run();
    let elsewhere = place.folder.path().join("names.json");
    fs::write(&elsewhere, r#"{"version": 1, "groups": []}"#).unwrap();
    let link = place.store_file(".sqlite").with_file_name("groups.json");
    symlink(&elsewhere, &link).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([0, 5, 0, 0, 0], 0), "{:?}", run.notes);
    assert!(link.is_symlink() && link.exists());
    // Under another name it would be too long.
    let stuck = link.with_file_name(format!("graph-{}.graph", "x".repeat(238)));
    fs::create_dir(&stuck).unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([0, 5, 0, 0, 0], 1), "{:?}", run.notes);
    assert!(run.notes[0].contains("is not a file") && stuck.is_dir(), "{:?}", run.notes);
}

#[test]
fn what_is_no_file_in_the_place_of_the_records_or_the_vectors_is_set_aside() {
    for part in [".sqlite", "vectors"] {
        each_foreign(|put| {
            check_damage("set aside", 5, |place| {
                let path = place.store_file(part);
                fs::remove_file(&path).unwrap();
                put(&path);
            });
        });
    }
}

#[test]
fn a_lock_that_is_no_file_is_named() {
    each_foreign(|put| {
        let place = Place::with(2);
        place.run();
        let path = place.store_file("lock");
        fs::remove_file(&path).unwrap();
        put(&path);
        let run = place.run();
        assert!(run.notes[0].contains("lock: it is not a file: delete it"), "{:?}", run.notes);
        assert_eq!(run.counts(), [0, 2, 0, 0, 0]);
    });
}

#[test]
fn a_vector_file_that_lost_its_end_costs_the_lost_rows_only() {
    check_damage("computed again", 2, |place| {
        let path = place.store_file("vectors");
        let file = fs::File::options().write(true).open(&path).unwrap();
        let len = file.metadata().unwrap().len();
        let row = (len - 64) / 5;
        file.set_len(len - row - 1).unwrap();
    });
}

#[test]
fn a_store_that_counts_its_pictures_wrongly_works_nevertheless() {
    let miscount = |place: &Place, and: &str| {
        let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
        db.execute_batch(&format!("UPDATE store SET live = 0; {and}")).unwrap();
        db.close().unwrap();
    };
    check_damage("computed again", 2, |place| {
        miscount(place, "");
        let file = fs::File::options().write(true).open(place.store_file("vectors")).unwrap();
        let len = file.metadata().unwrap().len();
        file.set_len(len - (len - 64) / 5 - 1).unwrap();
    });
    let place = Place::with(5);
    place.run();
    // Vanished so long ago that it is forgotten.
    miscount(&place, "UPDATE images SET gone = 1 WHERE row = 2");
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([1, 4, 0, 0, 0], 0), "{:?}", run.notes);
}

/// Changes bytes of the vector file, of which a row has so many.
fn change_vectors(place: &Place, change: impl FnOnce(&mut [u8], usize)) {
    let path = place.store_file("vectors");
    let mut bytes = fs::read(&path).unwrap();
    let row = (bytes.len() - 64) / 5;
    change(&mut bytes[64..], row);
    fs::write(path, bytes).unwrap();
}

#[test]
fn embeddings_that_rotted_on_the_disk_are_computed_again() {
    check_damage("1 embedding of", 1, |place| change_vectors(place, |rows, row| rows[2 * row + 7] ^= 0x10));
    check_damage("2 embeddings of", 2, |place| {
        change_vectors(place, |rows, row| (rows[0], rows[5 * row - 1]) = (!rows[0], !rows[5 * row - 1]));
    });
    check_damage("5 embeddings of", 5, |place| change_vectors(place, |rows, _| rows.fill(0x3c)));
    check_damage("1 embedding of", 1, |place| {
        let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
        assert_eq!(db.execute("UPDATE images SET norm = norm * 2 WHERE row = 3", []).unwrap(), 1);
    });
}

/// Runs statements on the records.
fn change_records(place: &Place, statements: &str) {
    let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
    db.execute_batch(statements).unwrap();
    db.close().unwrap();
}

#[test]
fn a_damaged_record_costs_its_picture_and_no_other() {
    for change in [
        "path = CAST('009.png' AS BLOB)",
        "width = width + 1",
        "height = height * 2",
        "format = 'TNG'",
        "norm = 'x'",
        "modified = 'x'",
        "width = -32",
        "checksum = checksum + 1",
    ] {
        check_damage("1 embedding of", 1, |place| {
            change_records(place, &format!("UPDATE images SET {change} WHERE row = 3"));
        });
    }
}

#[test]
fn a_flipped_bit_in_the_path_of_a_record_is_noticed_although_the_index_of_paths_has_the_right_one() {
    let mut found = 0;
    // In the record, and in the index of paths.
    for which in 0..2 {
        let place = Place::with(5);
        let before = embeddings(&place.run().outcome.index);
        let path = place.store_file(".sqlite");
        let mut bytes = fs::read(&path).unwrap();
        let at: Vec<_> = (0..bytes.len() - 7).filter(|at| bytes[*at..].starts_with(b"003.png")).collect();
        assert_eq!(at.len(), 2);
        bytes[at[which] + 1] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let run = place.run();
        assert_eq!(embeddings(&run.outcome.index), before, "{:?}", run.notes);
        let in_record = usize::from(run.counts() == [1, 4, 0, 0, 0]);
        assert_eq!((run.counts()[1] + in_record, run.notes.len()), (5, in_record), "{:?}", run.notes);
        assert!(run.notes.iter().all(|note| note.contains("1 embedding of")), "{:?}", run.notes);
        found += in_record;
        // A change of the picture that the index of paths does not find any more.
        place.draw("003.png", 77);
        let run = place.run();
        assert_eq!((run.counts(), run.notes.len()), ([1, 4, 0, 0, 0], 0), "{:?}", run.notes);
        let again = place.run();
        assert_eq!((again.counts(), again.notes.len()), ([0, 5, 0, 0, 0], 0), "{:?}", again.notes);
        assert_eq!(embeddings(&again.outcome.index), embeddings(&run.outcome.index));
        check_consistency(&place);
    }
    assert_eq!(found, 1);
}

/// Whether every path is on record once, and the indexes of the tables say what the tables say.
#[track_caller]
fn check_consistency(place: &Place) {
    let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
    let counts = db.query_row("SELECT count(*), count(DISTINCT path) FROM images NOT INDEXED", [], |row| {
        Ok([row.get::<_, u32>(0)?, row.get(1)?])
    });
    let integrity: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!((counts.unwrap(), integrity.as_str()), ([5, 5], "ok"));
}

#[test]
fn a_record_that_got_the_path_of_another_picture_costs_that_one_nothing() {
    // As the later record, and as the earlier one.
    for (name, bit, other) in [("003.png", 2, "001.png"), ("001.png", 2, "003.png"), ("000.png", 4, "004.png")] {
        let place = Place::with(5);
        let before = embeddings(&place.run().outcome.index);
        let path = place.store_file(".sqlite");
        let mut bytes = fs::read(&path).unwrap();
        let (name, other) = (name.as_bytes(), other.as_bytes());
        let in_index = {
            let db = rusqlite::Connection::open(&path).unwrap();
            let query = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_images_1'";
            let page: usize = db.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
            let size: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
            (page - 1) * size as usize..page * size as usize
        };
        let is_there = |at: &usize| bytes[*at..].starts_with(name) && !in_index.contains(at);
        let at: Vec<_> = (0..bytes.len() - 7).filter(is_there).collect();
        assert_eq!(at.len(), 1);
        bytes[at[0] + 2] ^= bit;
        assert!(bytes[at[0]..].starts_with(other));
        fs::write(&path, &bytes).unwrap();
        let run = place.run();
        assert_eq!((run.counts(), run.notes.len()), ([1, 4, 0, 0, 0], 1), "{:?}", run.notes);
        assert!(run.notes[0].contains("1 embedding of"), "{:?}", run.notes);
        assert_eq!(embeddings(&run.outcome.index), before);
        check_consistency(&place);
        for seed in 0..5 {
            place.draw(format!("{seed:03}.png"), 100 + seed);
        }
        let run = place.run();
        assert_eq!((run.counts(), run.notes.len()), ([5, 0, 0, 0, 0], 0), "{:?}", run.notes);
        check_consistency(&place);
        assert_eq!(place.run().counts(), [0, 5, 0, 0, 0]);
    }
}

#[test]
fn records_whose_checksum_is_of_the_embedding_alone_are_read() {
    let place = Place::with(5);
    place.run();
    let vectors = fs::read(place.store_file("vectors")).unwrap();
    let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
    for (at, row) in (0_u32..).zip(vectors[64..].chunks((vectors.len() - 64) / 5)) {
        let query = "SELECT scale, norm FROM images WHERE row = ?1";
        let of_row: [f32; 2] = db.query_row(query, [at], |row| Ok([row.get(0)?, row.get(1)?])).unwrap();
        let sum = crc32fast::hash(&[row, &of_row.map(f32::to_le_bytes).concat()].concat());
        let changed = db.execute("UPDATE images SET checksum = ?1 WHERE row = ?2 AND checksum <> ?1", (sum, at));
        assert_eq!(changed.unwrap(), 1);
    }
    db.close().unwrap();
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([0, 5, 0, 0, 0], 0), "{:?}", run.notes);
    // Also in the store of another folder.
    let moved = place.folder.path().canonicalize().unwrap().join("moved");
    fs::rename(place.root(), &moved).unwrap();
    let run = run_of(&moved, &place);
    assert_eq!(run.counts(), [0, 0, 5, 0, 0]);
}

fn run_of(root: &Path, place: &Place) -> super::Run {
    run(&request(&[root.to_owned()], Cache::Folder(place.cache()))).unwrap()
}

#[test]
fn records_that_cannot_be_read_as_a_whole_are_set_aside_and_built_anew_at_once() {
    check_damage("set aside", 5, |place| {
        // Nothing but reading all records shows that one does not stand in its order.
        let path = place.store_file(".sqlite");
        let db = rusqlite::Connection::open(&path).unwrap();
        let number = |query: &str| db.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap() as usize;
        let page = number("SELECT rootpage FROM sqlite_schema WHERE name = 'images'");
        let size = number("PRAGMA page_size");
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        db.close().unwrap();
        let mut bytes = fs::read(&path).unwrap();
        // The places of the cells follow the eight bytes of the page's header; a cell has two lengths before its row.
        let leaf = &mut bytes[(page - 1) * size..page * size];
        assert_eq!(leaf[0], 13, "all records are on one page");
        leaf.swap(8, 10);
        leaf.swap(9, 11);
        fs::write(&path, bytes).unwrap();
    });
}

#[test]
fn a_damaged_reason_is_found_out_again() {
    let place = Place::with(1);
    fs::write(place.path("text.png"), "hello there").unwrap();
    let reasons = |run: &super::Run| -> Vec<String> {
        run.outcome.skipped.iter().map(|skipped| skipped.reason.clone()).collect()
    };
    let before = reasons(&place.run());
    assert_eq!(before.len(), 1);
    let told = |change: &str| {
        change_records(&place, &format!("UPDATE failures SET {change}"));
        reasons(&place.run())
    };
    let of_other_digits = "program = replace(program, substr(program, -1), iif(program LIKE '%0', '1', '0'))";
    let rest = ["size = 'x'", "program = 'x'", of_other_digits, "path = CAST('x' AS BLOB)", "path = 'x'"];
    for damage in ["reason = 'nothing'", "reason = 7.5"].into_iter().chain(rest) {
        assert_eq!(told(damage), before, "{damage}");
        // It took the place of the damaged one.
        let db = rusqlite::Connection::open(place.store_file(".sqlite")).unwrap();
        let kept: Vec<(Vec<u8>, String)> = db
            .prepare("SELECT path, reason FROM failures")
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(kept, [(b"text.png".to_vec(), before[0].clone())], "{damage}");
    }
    // One that has no checksum, or says nothing of its kind, is older, and is found out anew as well.
    assert_eq!(told("program = substr(program, 1, instr(program, ' ') - 1)"), before);
    assert_eq!(told("program = replace(program, 'not-an-image ', '')"), before);
    assert_eq!(told("program = replace(program, 'not-an-image', 'damaged')"), before);
}

#[test]
fn names_of_groups_stay_where_the_records_are_damaged() {
    let names = r#"{"version": 1, "groups": [{"name": "sea", "size": 1, "pictures": ["000.png"]}]}"#;
    let place = Place::with(1);
    place.run();
    let kept = place.store_file(".sqlite").with_file_name("groups.json");
    fs::write(&kept, names).unwrap();
    fs::write(place.store_file("vectors"), "no vectors").unwrap();
    assert_eq!(place.run().notes.len(), 1);
    assert_eq!(fs::read_to_string(kept).unwrap(), names);
}

#[test]
fn a_database_of_another_program_is_not_touched() {
    let place = Place::with(1);
    place.run();
    let path = place.store_file(".sqlite");
    for file in fs::read_dir(path.parent().unwrap()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (42);").unwrap();
    db.close().unwrap();
    let run = place.run();
    assert!(run.notes[0].contains("not made by lookalike"), "{:?}", run.notes);
    let db = rusqlite::Connection::open(format!("{}.set-aside-1", path.display())).unwrap();
    assert_eq!(db.query_row("SELECT x FROM theirs", [], |row| row.get::<_, i64>(0)).unwrap(), 42);
}

#[test]
fn many_vacant_rows_are_compacted_away() {
    const COUNT: u32 = 700;
    let place = Place::with(COUNT);
    place.run();
    let size = |place: &Place| fs::metadata(place.store_file("vectors")).unwrap().len();
    let small = size(&place);
    for round in 1..=2 {
        for seed in 0..COUNT {
            place.draw(format!("{seed:03}.png"), seed + round * COUNT);
        }
        assert_eq!(place.run().counts(), [COUNT as usize, 0, 0, 0, 0]);
    }
    assert!(size(&place) > 2 * small);
    let before = embeddings(&place.run().outcome.index);
    assert_eq!(size(&place), small);
    assert_eq!(embeddings(&place.run().outcome.index), before);
}
