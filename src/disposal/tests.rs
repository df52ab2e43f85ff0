//! Nothing goes that is not as it was, nothing takes another's name, and all of it comes back.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

use super::*;
use crate::task::Undone;

/// Two files, the first of which is to go because the second stays.
struct Pair {
    folder: tempfile::TempDir,
    doomed: Doomed,
}

fn seen(path: &Path) -> FileFacts {
    let meta = fs::metadata(path).unwrap();
    let modified = meta.mtime() * 1_000_000_000 + meta.mtime_nsec();
    FileFacts { path: path.to_owned(), size: meta.len(), modified, hash: Some(hash_of(path).unwrap()) }
}

fn pair(name: &OsStr) -> Pair {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("a")).unwrap();
    let relative = Path::new("a").join(name);
    let (going, staying) = (folder.path().join(&relative), folder.path().join("kept.png"));
    fs::write(&going, b"picture").unwrap();
    fs::write(&staying, b"picture").unwrap();
    let doomed = Doomed { file: seen(&going), relative, kept: Some(seen(&staying)) };
    Pair { folder, doomed }
}

fn away(pair: &Pair) -> (PathBuf, Away) {
    let to = pair.folder.path().join("away");
    (to.clone(), Away::Folder(to))
}

#[track_caller]
fn move_away(pair: &Pair, protected: &[PathBuf]) -> Disposed {
    let (_, away) = away(pair);
    dispose(
        std::slice::from_ref(&pair.doomed),
        &away,
        protected,
        &pair.folder.path().join("lists"),
        &CancelToken::default(),
    )
    .unwrap()
}

#[test]
fn what_was_moved_comes_back_under_its_name_whatever_that_is() {
    for name in [OsStr::new("plain.png"), OsStr::new("100% \n odd.png"), OsStr::from_bytes(b"\xff\xfe.png")] {
        let pair = pair(name);
        let (to, _) = away(&pair);
        let done = move_away(&pair, &[]);
        assert_eq!((done.moved.len(), done.refused.len()), (1, 0), "{:?}", done.refused);
        assert!(!pair.doomed.file.path.exists());
        assert_eq!(fs::read(to.join("a").join(name)).unwrap(), b"picture");
        let lists = pair.folder.path().join("lists");
        let list = newest(&lists).unwrap();
        assert_eq!(done.list.as_ref(), Some(&list));
        let undone = undo(&list).unwrap();
        assert_eq!((undone.back, undone.refused), (vec![pair.doomed.file.path.clone()], vec![]));
        assert_eq!(fs::read(&pair.doomed.file.path).unwrap(), b"picture");
        assert_eq!(newest(&lists), None, "there is nothing left to undo");
    }
}

#[test]
fn no_name_is_ever_taken_from_another_file() {
    let pair = pair(OsStr::new("x.png"));
    let (to, _) = away(&pair);
    fs::create_dir_all(to.join("a")).unwrap();
    fs::write(to.join("a/x.png"), b"another").unwrap();
    assert_eq!(move_away(&pair, &[]).moved.len(), 1);
    assert_eq!(fs::read(to.join("a/x.png")).unwrap(), b"another");
    assert_eq!(fs::read(to.join("a/x-2.png")).unwrap(), b"picture");
    // On the way back as well.
    fs::write(&pair.doomed.file.path, b"a third").unwrap();
    let list = newest(&pair.folder.path().join("lists")).unwrap();
    let undone = undo(&list).unwrap();
    assert!(undone.back.is_empty());
    assert_eq!(undone.refused[0].1, "another file has its name now");
    assert_eq!(fs::read(&pair.doomed.file.path).unwrap(), b"a third");
    // The list is there until all of it is undone.
    fs::remove_file(&pair.doomed.file.path).unwrap();
    assert_eq!(undo(&list).unwrap().back.len(), 1);
    assert_eq!(
        moving::rename(&to.join("a/x.png"), &pair.doomed.file.path).unwrap_err().kind(),
        io::ErrorKind::AlreadyExists
    );
}

#[test]
fn what_is_not_as_it_was_stays() {
    #[track_caller]
    fn check(change: impl FnOnce(&Pair), why: &str) {
        let pair = pair(OsStr::new("x.png"));
        change(&pair);
        let done = move_away(&pair, &[]);
        assert!(done.moved.is_empty() && done.refused[0].1.contains(why), "{:?}", done.refused);
        assert_eq!(done.list, None, "nothing was moved, so nothing can be undone");
    }
    let touch = |path: &Path, bytes: &[u8]| {
        let time = fs::metadata(path).unwrap().modified().unwrap();
        fs::write(path, bytes).unwrap();
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    check(|pair| fs::remove_file(&pair.doomed.file.path).unwrap(), "not there any more");
    check(|pair| touch(&pair.doomed.file.path, b"a longer picture"), "has changed");
    // The same size and the same time.
    check(|pair| touch(&pair.doomed.file.path, b"picturE"), "has changed");
    // The one that was to stay counts as much.
    check(|pair| fs::remove_file(&pair.doomed.kept.as_ref().unwrap().path).unwrap(), "kept.png: it is not there");
    check(|pair| touch(&pair.doomed.kept.as_ref().unwrap().path, b"picturE"), "kept.png: it has changed");
}

#[test]
fn a_link_to_the_only_file_is_no_copy_of_it_and_protected_folders_are_left_alone() {
    let mut linked = pair(OsStr::new("x.png"));
    let link = linked.folder.path().join("link.png");
    std::os::unix::fs::symlink(&linked.doomed.file.path, &link).unwrap();
    linked.doomed.kept = Some(seen(&link));
    assert!(move_away(&linked, &[]).refused[0].1.contains("the same file"));
    let pair = pair(OsStr::new("x.png"));
    let protected = fs::canonicalize(pair.folder.path().join("a")).unwrap();
    assert!(move_away(&pair, &[protected]).refused[0].1.contains("protected"));
    assert!(pair.doomed.file.path.exists());
}

#[test]
fn a_list_names_whole_paths_and_is_done_with_when_the_rest_is_lost() {
    let pair = pair(OsStr::new("plain.png"));
    // As somebody types it: relative to the working folder.
    let up = "../".repeat(std::env::current_dir().unwrap().components().count());
    let relative = Path::new(&up).join(pair.folder.path().strip_prefix("/").unwrap()).join("away");
    let lists = pair.folder.path().join("lists");
    let done =
        dispose(std::slice::from_ref(&pair.doomed), &Away::Folder(relative), &[], &lists, &CancelToken::default())
            .unwrap();
    assert_eq!(done.moved.len(), 1, "{:?}", done.refused);
    let list = done.list.unwrap();
    let entry: serde_json::Value = serde_json::from_str(fs::read_to_string(&list).unwrap().trim()).unwrap();
    let to = PathBuf::from(entry["to"].as_str().unwrap());
    assert!(to.is_absolute(), "{}", to.display());
    fs::remove_file(to).unwrap();
    assert_eq!(undo(&list).unwrap().refused.len(), 1);
    assert_eq!(newest(&lists), None, "what is lost does not stand in the way of older lists");
}

#[test]
fn a_damaged_line_of_a_list_brings_no_file_back_under_another_name_and_is_said() {
    let pair = pair(OsStr::new("x.png"));
    assert_eq!(move_away(&pair, &[]).moved.len(), 1);
    let lists = pair.folder.path().join("lists");
    let list = newest(&lists).unwrap();
    let whole = fs::read(&list).unwrap();
    let moved = pair.folder.path().join("away/a/x.png");
    for at in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        fs::write(&list, bytes).unwrap();
        let undone = undo(&list).unwrap();
        assert!(undone.refused.is_empty(), "bit {at}");
        if undone.damaged.is_empty() {
            // The checksum by another name is none.
            assert_eq!(undone.back, std::slice::from_ref(&pair.doomed.file.path), "bit {at}");
            fs::rename(&pair.doomed.file.path, &moved).unwrap();
        } else {
            // A byte that became the end of a line makes two of it.
            assert!([&[1][..], &[2, 1]].contains(&&*undone.damaged), "bit {at}: {:?}", undone.damaged);
            let said = undone.damage().unwrap();
            assert!(said.contains("damaged") && said.contains("line 1"), "{said}");
        }
        assert!(moved.exists(), "bit {at}");
        // It is kept, and stands not in the way of older ones.
        assert_eq!(newest(&lists), None, "bit {at}");
        fs::rename(list.with_extension("undone"), &list).unwrap();
    }
    // Cut short as by a killed run: nothing had been moved then.
    fs::write(&list, &whole[..whole.len() / 2]).unwrap();
    let undone = undo(&list).unwrap();
    assert_eq!(undone, Undone::default());
    fs::rename(list.with_extension("undone"), &list).unwrap();
    // An older list has no checksums.
    let mut entry: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    assert!(entry.as_object_mut().unwrap().remove("sum").is_some());
    fs::write(&list, format!("{entry}\n")).unwrap();
    assert_eq!(undo(&list).unwrap().back, std::slice::from_ref(&pair.doomed.file.path));
}

#[test]
fn a_move_that_is_stopped_leaves_the_rest_and_says_how_many() {
    let pair = pair(OsStr::new("x.png"));
    let (stop, lists) = (CancelToken::default(), pair.folder.path().join("lists"));
    stop.cancel();
    let doomed = [pair.doomed.clone(), pair.doomed.clone()];
    let done = dispose(&doomed, &away(&pair).1, &[], &lists, &stop).unwrap();
    assert_eq!((done.moved.len(), done.refused.len(), done.left, done.list), (0, 0, 2, None));
    assert!(pair.doomed.file.path.exists());
}

#[test]
fn a_list_that_cannot_be_written_down_names_no_half_move_and_goes_when_it_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let lists = folder.path().join("lists");
    let count = || fs::read_dir(&lists).unwrap().count();
    let entry = Entry::new(Path::new("/a.png"), None);
    let mut list = List::create(&lists).unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let file = std::mem::replace(&mut list.file, full);
    let error = list.add(&entry).unwrap_err();
    assert!(matches!(&error, Error::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull), "{error}");
    assert_eq!((list.finish(), count()), (None, 0));
    // With a move on it, it stays.
    let mut list = List::create(&lists).unwrap();
    list.add(&entry).unwrap();
    assert_eq!((list.finish(), count()), (newest(&lists), 1));
    drop(file);
}
