//! Opening files that somebody else may have put there: only regular ones, so that a named pipe or a device can neither
//! block the program nor feed it without end. And files that are made: whole or not at all, under names that are free.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::{fs::OFlags, io::Errno};

use crate::{printable::printable, text};

/// Opens a regular file, or a link to one, for reading.
///
/// # Errors
/// What the system says, and [`io::ErrorKind::InvalidInput`] for everything that is not a regular file.
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_existing(path, false)
}

/// The same for a file that is there, also to write into it.
///
/// # Errors
/// As [`open_regular`].
pub fn open_existing(path: &Path, write: bool) -> io::Result<File> {
    // Looked at before it is opened, because opening a device can have effects; and after, because it may have changed.
    refuse_others(&fs::metadata(path)?)?;
    // Opening a named pipe would wait for its other end.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).write(write).custom_flags(flags).open(path)?;
    refuse_others(&file.metadata()?)?;
    Ok(file)
}

/// Opens a file of the program's own for reading and writing, and makes it when it is not there. A link is not followed.
///
/// # Errors
/// What the system says, and [`io::ErrorKind::InvalidInput`] for everything that is not a regular file.
pub fn open_own(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => io::Error::new(io::ErrorKind::InvalidInput, "it is a link: remove it"),
        _ => error,
    })?;
    refuse_others(&file.metadata()?)?;
    Ok(file)
}

/// Reads a regular text file of at most `limit` bytes.
///
/// # Errors
/// As [`open_regular`]; [`io::ErrorKind::InvalidData`] when the file is longer or not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    open_regular(path)?.take(limit + 1).read_to_string(&mut text)?;
    if text.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is longer than {limit} bytes")));
    }
    Ok(text)
}

fn refuse_others(meta: &fs::Metadata) -> io::Result<()> {
    if meta.is_file() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"))
}

/// Makes a new file, which is on the disk when this returns: one in the network may say only then that it is full. Where it
/// cannot be written nothing is left of it.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] when the name is taken.
pub fn write_new(file: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    make(file, |made| write(made).and_then(|()| made.sync_all()))
}

fn make(file: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut made = File::create_new(file)?;
    write(&mut made).inspect_err(|_| drop(fs::remove_file(file)))
}

/// Writes a file in one step: whoever reads it sees what was there before or all that is new, also on a full disk, and after
/// a crash if `write` has it on the disk. Until it is whole it is called `part`.
///
/// # Errors
/// What the system says; what was there before is still there.
pub fn replace(file: &Path, part: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    // A killed run may have left one, and opening what somebody else put there, a named pipe for example, could wait for ever.
    match fs::remove_file(part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    make(part, write)?;
    fs::rename(part, file).inspect_err(|_| drop(fs::remove_file(part)))
}

/// Writes bytes into what a path leads to. A file is replaced in one step, as by [`replace`], keeps its permissions, and a
/// link to it stays one. A device or a pipe, standard output for example, is written to and stays what it is.
///
/// # Errors
/// What the system says; a file that was there before is then still there. [`io::ErrorKind::BrokenPipe`] where nobody reads,
/// [`io::ErrorKind::NotFound`] for a link to what is not there, on a disk that is not plugged in for example: a file in the
/// link's place would be another one.
pub fn overwrite(to: &Path, bytes: &[u8]) -> io::Result<()> {
    overwrite_after(to, bytes, || Ok(()))
}

/// Does the same, and just before a file takes its place `last`, what must not be done in vain: the file is whole by then.
///
/// # Errors
/// As [`overwrite`], and that of `last`.
pub fn overwrite_after(to: &Path, bytes: &[u8], last: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let whole = |part: &mut File| part.write_all(bytes).and_then(|()| part.sync_all()).and_then(|()| last());
    let there = match (fs::metadata(to), fs::read_link(to)) {
        (Ok(there), _) => there,
        (Err(error), Ok(target)) if error.kind() == io::ErrorKind::NotFound => {
            let sentence = format!("it is a link to {}, which is not there", printable(target));
            return Err(io::Error::new(io::ErrorKind::NotFound, sentence));
        }
        (Err(error), Ok(_)) => return Err(error),
        (Err(_), Err(_)) => return replace(to, &part_of(to), whole),
    };
    // What is open and has no name, as standard output may, is only found under the name of what it is open as.
    let mut file = match (there.is_file(), fs::canonicalize(to)) {
        (true, Ok(to)) => {
            return replace(&to, &part_of(&to), |part| {
                let [made, wanted] = [part.metadata()?, there.clone()].map(|meta| meta.permissions().mode() & 0o7777);
                keep_mode(made, wanted, || part.set_permissions(there.permissions()))?;
                whole(part)
            });
        }
        (true, Err(_)) => File::options().write(true).truncate(true).open(to)?,
        (false, Err(_)) if there.file_type().is_fifo() => open_pipe(to)?,
        (false, _) => File::options().write(true).open(to)?,
    };
    file.write_all(bytes)
}

/// Gives a new file the permissions of the one whose place it takes, where they differ. Some file systems refuse that; then
/// it fails only where the new file would be open to more people than the old one.
fn keep_mode(made: u32, wanted: u32, set: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    if made == wanted {
        return Ok(());
    }
    set().or_else(|error| if made & !wanted == 0 { Ok(()) } else { Err(error) })
}

/// Opens a pipe that has no name: who read it may have gone for good, and opening it would wait for them.
fn open_pipe(to: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options().write(true).custom_flags(flags).open(to);
    let file = opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NXIO) => io::ErrorKind::BrokenPipe.into(),
        _ => error,
    })?;
    // From here on a slow reader is waited for.
    rustix::fs::fcntl_setfl(&file, OFlags::empty())?;
    Ok(file)
}

/// A name beside a file that nothing else has, for what is to take the file's place once it is whole.
#[must_use]
pub fn part_of(file: &Path) -> PathBuf {
    /// No file system that is in use has names of more bytes.
    const LONGEST: usize = 255;
    let own = file.file_name().unwrap_or_default();
    let ending = format!(".{}.part", std::process::id());
    let mut name = OsString::from(".");
    match own.len() + ending.len() < LONGEST {
        true => name.push(own),
        false => name.push(text::digits(crc32fast::hash(own.as_encoded_bytes()))),
    }
    name.push(ending);
    file.with_file_name(name)
}

/// A path, then the same with the numbers from 2 on behind its stem, `a.jpg`, `a-2.jpg`, …: names to try until one is free.
pub fn numbered(path: &Path) -> impl Iterator<Item = PathBuf> + '_ {
    numbered_from(path, 1)
}

/// The same from a number on; 1 is the path itself.
pub fn numbered_from(path: &Path, first: u32) -> impl Iterator<Item = PathBuf> + '_ {
    let with = |number: u32| {
        let mut name = path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{number}"));
        if let Some(extension) = path.extension() {
            name.push(".");
            name.push(extension);
        }
        path.with_file_name(name)
    };
    (first..=u32::MAX).map(move |number| if number == 1 { path.to_owned() } else { with(number) })
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::symlink, process::Command};

    use super::*;

    #[test]
    fn numbers_stand_before_the_extension_whatever_the_name_is() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        for (name, second) in
            [("a/b.jpg", "a/b-2.jpg"), ("b", "b-2"), (".hidden", ".hidden-2"), ("a.tar.gz", "a.tar-2.gz")]
        {
            let names: Vec<_> = numbered(Path::new(name)).take(2).collect();
            assert_eq!(names, [Path::new(name), Path::new(second)]);
        }
        let odd = Path::new(OsStr::from_bytes(b"\xff.jpg"));
        assert_eq!(numbered(odd).nth(1).unwrap().as_os_str().as_bytes(), b"\xff-2.jpg");
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing_behind_and_what_was_there_before() {
        let folder = tempfile::tempdir().unwrap();
        let [file, part] = ["file", "part"].map(|name| folder.path().join(name));
        let full = |made: &mut File| made.write_all(b"half").and(Err(io::ErrorKind::StorageFull.into()));
        let names = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(write_new(&file, full).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(replace(&file, &part, full).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(names(), 0);
        write_new(&file, |made| made.write_all(b"old")).unwrap();
        assert_eq!(write_new(&file, |_| Ok(())).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(replace(&file, &part, full).is_err());
        assert_eq!((fs::read(&file).unwrap().as_slice(), names()), (b"old".as_slice(), 1));
        // Left by a killed run, or put there.
        fs::write(&part, "left").unwrap();
        replace(&file, &part, |made| made.write_all(b"new")).unwrap();
        assert!(Command::new("mkfifo").arg(&part).status().unwrap().success());
        replace(&file, &part, |made| made.write_all(b"newer")).unwrap();
        assert_eq!((fs::read(&file).unwrap().as_slice(), names()), (b"newer".as_slice(), 1));
        fs::create_dir(&part).unwrap();
        assert!(replace(&file, &part, |_| Ok(())).is_err());
    }

    #[test]
    fn what_is_not_to_be_done_in_vain_is_done_when_the_new_file_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        overwrite(&file, b"old").unwrap();
        let contents = || -> Vec<_> {
            let mut all: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
            all.sort();
            all.into_iter().map(|path| fs::read(path).unwrap()).collect()
        };
        let refused = || {
            assert_eq!(contents(), [b"new", b"old"]);
            Err(io::ErrorKind::StorageFull.into())
        };
        assert_eq!(overwrite_after(&file, b"new", refused).unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(contents(), [b"old"]);
        overwrite_after(&file, b"new", || Ok(())).unwrap();
        assert_eq!(contents(), [b"new"]);
        let full = overwrite_after(Path::new("/dev/full"), b"new", || panic!("it takes no file's place"));
        assert_eq!(full.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn a_file_with_the_longest_of_names_is_replaced_like_any_other() {
        let folder = tempfile::tempdir().unwrap();
        for length in 225..=255 {
            let file = folder.path().join("x".repeat(length));
            for bytes in [b"old", b"new"] {
                overwrite(&file, bytes).unwrap_or_else(|error| panic!("{length}: {error}"));
            }
            assert_eq!(fs::read(&file).unwrap(), b"new");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 31);
    }

    #[test]
    fn a_link_stays_one_and_what_is_no_file_is_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        overwrite(&path("file"), b"old").unwrap();
        fs::set_permissions(path("file"), fs::Permissions::from_mode(0o604)).unwrap();
        symlink(path("file"), path("link")).unwrap();
        overwrite(&path("link"), b"new").unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), b"new");
        assert_eq!(fs::metadata(path("file")).unwrap().permissions().mode() & 0o777, 0o604);
        assert!(path("link").is_symlink());
        symlink("/dev/null", path("link to device")).unwrap();
        overwrite(&path("link to device"), b"new").unwrap();
        assert!(path("link to device").is_symlink());
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert_eq!(overwrite(Path::new("/dev/full"), b"new").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        let (pipe, bytes) = (path("pipe"), vec![7; 1 << 20]);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| fs::read(&pipe).unwrap());
            overwrite(&pipe, &bytes).unwrap();
            assert!(reader.join().unwrap() == bytes, "more than a pipe holds at once");
        });
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
        assert!(overwrite(folder.path(), b"new").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "nothing else is left");
    }

    #[test]
    fn a_link_to_what_is_not_there_is_neither_followed_nor_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        symlink(path("unplugged/labels.csv"), path("labels.csv")).unwrap();
        let error = overwrite(&path("labels.csv"), b"new").unwrap_err();
        assert!(error.to_string().ends_with("unplugged/labels.csv, which is not there"), "{error}");
        assert!(path("labels.csv").is_symlink() && fs::read_dir(folder.path()).unwrap().count() == 1);
        fs::create_dir(path("unplugged")).unwrap();
        fs::write(path("unplugged/labels.csv"), "old").unwrap();
        overwrite(&path("labels.csv"), b"new").unwrap();
        assert!(path("labels.csv").is_symlink() && fs::read(path("unplugged/labels.csv")).unwrap() == b"new");
    }

    #[test]
    fn permissions_that_cannot_be_set_matter_where_the_file_would_be_more_open() {
        let refused = || Err(io::ErrorKind::PermissionDenied.into());
        assert!(keep_mode(0o644, 0o644, || panic!("they are equal")).is_ok());
        assert!(keep_mode(0o600, 0o644, refused).is_ok() && keep_mode(0o644, 0o755, refused).is_ok());
        assert!(keep_mode(0o644, 0o600, refused).is_err() && keep_mode(0o755, 0o644, refused).is_err());
        let mut was_set = false;
        let set = || {
            was_set = true;
            Ok(())
        };
        keep_mode(0o600, 0o644, set).unwrap();
        assert!(was_set);
    }

    #[test]
    fn pipes_devices_folders_and_links_to_them_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        symlink(path("pipe"), path("link to pipe")).unwrap();
        symlink("/dev/zero", path("link to device")).unwrap();
        for name in ["pipe", "link to pipe", "link to device", "."] {
            let error = open_regular(&path(name)).unwrap_err();
            assert_eq!(error.to_string(), "it is not a regular file", "{name}");
        }
        for name in ["pipe", "link to device", "."] {
            assert!(open_own(&path(name)).is_err(), "{name}");
        }
        fs::write(path("file"), "text").unwrap();
        symlink(path("file"), path("link to file")).unwrap();
        assert_eq!(open_own(&path("link to file")).unwrap_err().to_string(), "it is a link: remove it");
        assert_eq!(read_text(&path("link to file"), 4).unwrap(), "text");
        assert_eq!(read_text(&path("file"), 3).unwrap_err().to_string(), "it is longer than 3 bytes");
    }
}
