//! Connections to the database of a store, on any file system, whether or not it can be written.

use std::{
    fmt::Write,
    fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, OpenFlags, Result, ffi};

use super::is_no_file;
use crate::printable::printable;

/// For the process that holds the lock.
pub(super) fn to_write(path: &Path, patience: Duration) -> Result<Connection> {
    let create = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    connect(path, create, patience)
}

/// For all others.
pub(super) fn to_read(path: &Path, patience: Duration) -> Result<Connection> {
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, patience)?;
    match db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())) {
        // SQLite cannot make the files there by which processes share a log, on a full disk neither. A database without a
        // log is complete.
        Err(error) if is_unwritable(&error) && !has_log(path) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            connect(Path::new(&immutable(path)), flags, patience)
        }
        // Whatever else is wrong, the caller's first query will say.
        _ => Ok(db),
    }
}

fn connect(path: &Path, flags: OpenFlags, patience: Duration) -> Result<Connection> {
    if is_no_file(path) {
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_NOTADB), None));
    }
    if let Some(name) = foreign(path) {
        let why = format!("{name} beside it is not a file: delete it");
        return Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CANTOPEN), Some(why)));
    }
    let db = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(patience)?;
    Ok(db)
}

fn is_unwritable(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure};
    let code = error.sqlite_error_code();
    matches!(code, Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly | SystemIoFailure))
}

fn has_log(path: &Path) -> bool {
    ["-wal", "-journal"].iter().any(|log| fs::metadata(beside(path, log)).is_ok_and(|log| log.len() > 0))
}

/// The name of one of SQLite's own files that is no file: SQLite would say that the disk fails.
fn foreign(path: &Path) -> Option<String> {
    let mut own = ["-wal", "-shm", "-journal"].map(|ending| beside(path, ending)).into_iter();
    let foreign = own.find(|file| fs::symlink_metadata(file).is_ok_and(|metadata| !metadata.is_file()))?;
    foreign.file_name().map(printable)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(ending);
    file.into()
}

/// The address of a database that nobody changes.
fn immutable(path: &Path) -> String {
    let mut address = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => address.push(char::from(*byte)),
            // Writing into a string never fails.
            _ => drop(write!(address, "%{byte:02X}")),
        }
    }
    address + "?immutable=1"
}

/// Settings of a writer, for a database that lies in this folder.
pub(super) fn tune(db: &Connection, folder: &Path) -> Result<()> {
    journal(db, is_on_network(folder))
}

/// How a writer makes sure that nothing is lost.
fn journal(db: &Connection, on_network: bool) -> Result<()> {
    // With a write-ahead log readers never wait for the writer, and NORMAL survives a killed process at any moment. It
    // needs memory that all processes share, which those of two machines do not: there file locks must do.
    let (journal, synchronous) = if on_network { ("truncate", "full") } else { ("wal", "normal") };
    db.pragma_update_and_check(None, "journal_mode", journal, |_| Ok(()))?;
    db.pragma_update(None, "synchronous", synchronous)
}

/// Whether the folder may lie on another machine.
#[cfg(target_os = "linux")]
fn is_on_network(folder: &Path) -> bool {
    rustix::fs::statfs(folder).is_ok_and(|system| is_network(system.f_type as u32))
}

#[cfg(not(target_os = "linux"))]
fn is_on_network(_: &Path) -> bool {
    false
}

/// Whether a file system of this type, as `statfs(2)` numbers them, is one that several machines use.
#[cfg(any(target_os = "linux", test))]
fn is_network(kind: u32) -> bool {
    /// NFS, SMB and its successors, Ceph, Lustre, GPFS, BeeGFS, AFS, Coda, 9P, GFS2, OCFS2, PanFS; FUSE, because of sshfs.
    const NETWORK: [u32; 16] = [
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x00c3_6400,
        0x0bd0_0bd0,
        0x4750_4653,
        0x1983_0326,
        0x5346_414f,
        0x7375_7245,
        0x0102_1997,
        0x0116_1970,
        0x7461_636f,
        0xaad7_aaea,
        0x6b41_4653,
        0x6573_5546,
    ];
    NETWORK.contains(&kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_on_a_network_is_journaled_without_shared_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.sqlite");
        // One that was copied there from a disk may have a log.
        for (on_network, mode, synchronous) in [(false, "wal", 1), (true, "truncate", 2), (false, "wal", 1)] {
            let db = to_write(&path, Duration::ZERO).unwrap();
            journal(&db, on_network).unwrap();
            db.execute_batch("BEGIN; CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (7); COMMIT").unwrap();
            assert_eq!(beside(&path, "-shm").exists(), !on_network);
            let pragma =
                |name| db.pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0)).unwrap();
            assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text(mode.into()));
            assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(synchronous));
        }
    }

    #[test]
    fn file_systems_of_several_machines_are_known_by_their_numbers() {
        // ext4, btrfs, xfs, tmpfs, overlayfs; then NFS and sshfs.
        assert!([0xef53, 0x9123_683e, 0x5846_5342, 0x0102_1994, 0x794c_7630].iter().all(|kind| !is_network(*kind)));
        assert!(is_network(0x6969) && is_network(0x6573_5546));
    }

    #[test]
    fn a_database_that_nobody_may_write_has_an_address_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("50% off? #1 \u{e9}.sqlite");
        to_write(&path, Duration::ZERO).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (7)").unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let db = connect(Path::new(&immutable(&path)), flags, Duration::ZERO).unwrap();
        assert_eq!(db.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)).unwrap(), 7);
    }
}
