//! The cache folder as a whole: what the commands show and delete of it, and what they leave alone.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use lookalike::{
    index::store::{self, Opened, Unknown},
    pipeline::Cache,
};

use crate::indexing::{Place, place_key, request, run};

/// Runs `lookalike cache` with these arguments: exit code, standard output, standard error.
fn cache(place: &Place, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lookalike"));
    let output = command.arg("cache").args(args).arg("--cache-dir").arg(place.cache()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn stores(place: &Place) -> usize {
    store::list(&place.cache()).unwrap().len()
}

/// Changes the records of the store in the cache that was made for `root`.
fn alter(place: &Place, root: &Path, sql: &str) {
    let listed = store::list(&place.cache()).unwrap();
    let of_root = listed.iter().find(|store| store.content.as_ref().unwrap().root == root).unwrap();
    let db = rusqlite::Connection::open(of_root.folder.join("records.sqlite")).unwrap();
    db.execute_batch(sql).unwrap();
    db.close().map_err(|(_, error)| error).unwrap();
}

const UNUSED_FOR_40_DAYS: &str = "UPDATE store SET used = used - 40 * 24 * 3600";

#[test]
fn the_cache_is_shown_pruned_and_cleared() {
    let (kept, gone) = (Place::with(2), Place::with(1));
    let cache = |args: &[&str]| cache(&kept, args);
    assert_eq!(cache(&[]).1.lines().count(), 1);
    kept.run();
    run(&request(&[gone.root()], Cache::Folder(kept.cache()))).unwrap();
    let gone_root = gone.root();
    fs::remove_dir_all(&gone_root).unwrap();
    let (_, shown, _) = cache(&["show"]);
    assert!(shown.contains("2 images,") && shown.contains("1 image,"), "{shown}");
    assert!(shown.contains("(not there now)") && shown.contains("2 indexes"), "{shown}");
    // Its disk may come back: pictures that vanish are remembered for 30 days, and so is a folder.
    assert_eq!(cache(&["prune", "--yes"]).1, "nothing to delete\n");
    alter(&kept, &gone_root, UNUSED_FOR_40_DAYS);
    assert!(cache(&["prune", "--dry-run"]).1.contains("would delete"));
    let (code, _, complaint) = cache(&["prune"]);
    assert!(code == 2 && complaint.contains("1 index ("), "{complaint}");
    assert_eq!(stores(&kept), 2);
    let listed = store::list(&kept.cache()).unwrap();
    let of_kept = listed.iter().find(|store| store.content.as_ref().unwrap().root == kept.root()).unwrap();
    fs::write(of_kept.folder.join("index.set-aside-1.sqlite"), "damaged").unwrap();
    let pruned: serde_json::Value = serde_json::from_str(&cache(&["prune", "--json", "--yes"]).1).unwrap();
    let removals: Vec<_> =
        pruned["removals"].as_array().unwrap().iter().map(|one| (&one["part"], &one["fate"])).collect();
    let (index, set_aside, deleted) = ("index".into(), "set aside".into(), "deleted".into());
    assert_eq!(removals, [(&index, &deleted), (&set_aside, &deleted)], "{pruned}");
    let freed: u64 = pruned["removals"].as_array().unwrap().iter().map(|one| one["bytes"].as_u64().unwrap()).sum();
    assert_eq!(pruned["bytes_freed"], freed);
    assert_eq!(cache(&["prune"]).1, "nothing to delete\n");
    assert_eq!(stores(&kept), 1);
    assert_eq!(cache(&["clear"]).0, 2);
    assert_eq!(stores(&kept), 1);
    assert_eq!(cache(&["clear", "--yes"]).0, 0);
    assert_eq!(stores(&kept), 0);
}

#[test]
fn what_an_earlier_version_left_is_pruned_when_nobody_used_it_for_long() {
    let place = Place::with(1);
    place.run();
    let columns = "ALTER TABLE images DROP COLUMN changed; ALTER TABLE images DROP COLUMN checksum;";
    alter(&place, &place.root(), &format!("{columns} PRAGMA user_version = 2;"));
    assert!(cache(&place, &[]).1.contains("of an earlier lookalike"));
    assert_eq!(cache(&place, &["prune", "--all", "--yes"]).1, "nothing to delete\n");
    alter(&place, &place.root(), UNUSED_FOR_40_DAYS);
    assert_eq!(cache(&place, &["prune", "--yes"]).0, 0);
    assert_eq!(stores(&place), 0);
}

#[test]
fn pruning_all_does_not_wait_for_30_days() {
    let place = Place::with(1);
    place.run();
    fs::remove_dir_all(place.root()).unwrap();
    assert_eq!(cache(&place, &["prune", "--all"]).0, 2);
    assert_eq!(cache(&place, &["prune", "--all", "--yes"]).0, 0);
    assert_eq!(stores(&place), 0);
}

#[test]
fn what_cannot_be_looked_at_or_read_is_not_pruned() {
    let place = Place::with(1);
    place.run();
    alter(&place, &place.root(), UNUSED_FOR_40_DAYS);
    let root = place.root();
    fs::remove_dir_all(&root).unwrap();
    // Like a network folder whose server is away: whether it is there cannot be told.
    symlink(&root, &root).unwrap();
    assert_eq!(cache(&place, &["prune", "--all", "--yes"]).1, "nothing to delete\n");
    fs::remove_file(&root).unwrap();
    fs::write(place.store_file(".sqlite"), "certainly no database").unwrap();
    assert_eq!(cache(&place, &["prune", "--all", "--yes"]).1, "nothing to delete\n");
    assert_eq!(stores(&place), 1);
}

#[test]
fn a_store_whose_folder_seems_gone_because_its_name_is_damaged_is_not_pruned() {
    for damage in ["root = CAST('/nowhere/at/all' AS BLOB)", "model = 'color-grit'", "settings = settings || '1'"] {
        let place = Place::with(1);
        place.run();
        alter(&place, &place.root(), &format!("{UNUSED_FOR_40_DAYS}, {damage}"));
        let shown = cache(&place, &[]).1;
        assert!(shown.contains("unreadable") && !shown.contains("nowhere") && !shown.contains("grit"), "{shown}");
        assert_eq!(cache(&place, &["prune", "--all", "--yes"]).1, "nothing to delete\n");
        assert_eq!(stores(&place), 1);
    }
}

#[test]
fn a_store_of_a_newer_version_is_left_as_it_is() {
    let place = Place::with(2);
    place.run();
    alter(&place, &place.root(), "PRAGMA user_version = 99; UPDATE store SET used = 1");
    let files = || {
        let folder = store::list(&place.cache()).unwrap().remove(0).folder;
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        files.retain(|name| !name.to_str().unwrap().contains("-shm") && !name.to_str().unwrap().contains("-wal"));
        files.sort();
        files
    };
    let (before, records) = (files(), fs::read(place.store_file(".sqlite")).unwrap());
    let run = place.run();
    assert_eq!((run.counts(), run.notes.len()), ([2, 0, 0, 0, 0], 1), "{:?}", run.notes);
    assert!(run.notes[0].contains("another version of lookalike wrote it"), "{:?}", run.notes);
    assert_eq!(store::list(&place.cache()).unwrap()[0].content.as_ref().err(), Some(&Unknown::Newer));
    assert!(cache(&place, &[]).1.contains("of a newer lookalike"));
    fs::remove_dir_all(place.root()).unwrap();
    assert_eq!(cache(&place, &["prune", "--all", "--yes"]).1, "nothing to delete\n");
    assert_eq!((files(), fs::read(place.store_file(".sqlite")).unwrap()), (before, records));
}

#[test]
fn a_store_that_is_cleared_while_others_open_it_is_never_taken_from_its_writer() {
    const ROUNDS: usize = 40;
    let place = Place::with(1);
    let (key, cache) = (place_key(&place), place.cache());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for store in store::list(&cache).unwrap() {
                    // It may be gone already, which is as good.
                    let _ = store::remove(&store);
                }
            }
        });
        let mut written = 0;
        while written < ROUNDS {
            let Ok(Opened::Writer(writer)) = store::open(&cache, &key, &mut Vec::new()) else { continue };
            written += 1;
            // It holds the lock: whoever clears must let it be, whatever they had begun before.
            let files = store::list(&cache).unwrap();
            let taken = files.is_empty() || store::remove(&files[0]).unwrap_or(true);
            drop(writer);
            if taken {
                done.store(true, Ordering::Relaxed);
                panic!("round {written}: the store has another lock, or none");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
