//! Gets a model's weights from their official home: resumed, checked, and put in place in one step.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use ureq::http::{Response, StatusCode, header};

use super::{Manifest, fingerprint::sha256, manifest::WeightsSource, shown};
use crate::{
    error::{Error, Result},
    files::open_own,
};

/// How a download goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fetching {
    /// Bytes that are there, and bytes in all when the server says.
    Here(u64, Option<u64>),
    /// Another process is downloading the file, of which so many bytes are there: it is waited for.
    Elsewhere(u64),
}

/// Hears how a download goes.
pub type OnProgress<'a> = &'a mut dyn FnMut(Fetching);

/// How often the part that another process fills is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A process that waits for its server to answer, or to send more, gives up before this; one whose part has not grown for
/// longer was stopped.
const STOPPED_AFTER: Duration = Duration::from_secs(120);

/// Downloads a model's weights into `folder` and returns the file, or the first of several.
///
/// What arrives is kept in `<file>.part`; the next call goes on from there, as long as the server's file is the same. Of
/// several calls at once, in whichever processes, one downloads and the others wait for it, as long as its part grows. The
/// file gets its name only when its SHA-256 is the manifest's.
///
/// # Errors
/// [`Error::Download`] with the address and the folder when the server cannot be reached, refuses, or breaks off, and
/// when the sum is wrong (the part is thrown away then); the same when another process has the part and gives no sign of
/// life; [`Error::Model`] when the model has no official home.
pub fn pull(manifest: &Manifest, folder: &Path, on_progress: OnProgress) -> Result<PathBuf> {
    pull_patiently(manifest, folder, STOPPED_AFTER, on_progress)
}

/// [`pull`] with a patience of the caller's own for another process that gives no sign of life.
///
/// # Errors
/// As [`pull`].
pub fn pull_patiently(
    manifest: &Manifest,
    folder: &Path,
    patience: Duration,
    on_progress: OnProgress,
) -> Result<PathBuf> {
    let source = manifest.weights.as_ref().ok_or_else(|| Error::model(&manifest.name, "it needs no weights"))?;
    for file in source.files() {
        pull_file(manifest, file, folder, patience, on_progress)?;
    }
    Ok(folder.join(&source.file))
}

fn pull_file(
    manifest: &Manifest,
    source: &WeightsSource,
    folder: &Path,
    patience: Duration,
    on_progress: OnProgress,
) -> Result<()> {
    let address = source.url.as_deref().ok_or_else(|| {
        Error::model(
            &manifest.name,
            format!("nobody offers its weights for download: put {} into {}", source.file, shown(folder)),
        )
    })?;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let file = folder.join(&source.file);
    let by_hand = format!("to do it by hand, get {address} and put it into {}", shown(folder));
    let mut waiting = |length| on_progress(Fetching::Elsewhere(length));
    let mut part = Part::open(&folder.join(format!("{}.part", source.file)), patience, &mut waiting)?;
    // Somebody else was quicker.
    if file.is_file() {
        return part.discard();
    }
    let fetched = fetch(address, source, &mut part, &by_hand, on_progress);
    if let Err(error) = fetched.and_then(|()| check_sum(source, &part, &by_hand)) {
        if part.length()? == 0 {
            part.discard()?;
        }
        return Err(error);
    }
    fs::rename(&part.path, &file).map_err(Error::io("write", &file))?;
    remove(&part.tag)
}

/// What has arrived so far of a file. While it is open, no other process has it.
struct Part {
    path: PathBuf,
    file: File,
    /// Beside it: what the server calls this version of the file.
    tag: PathBuf,
}

/// No server's name for a version is longer.
const TAG_BYTES: u64 = 1024;

impl Part {
    /// Opens the part. While another process has it and it grows, that is waited for, and `waiting` hears how long it is.
    fn open(path: &Path, patience: Duration, waiting: &mut dyn FnMut(u64)) -> Result<Self> {
        let tag = path.with_extension("part.tag");
        let mut heard = (0, Instant::now());
        loop {
            let file = open_own(path).map_err(Error::io("write", path))?;
            let opened = file.metadata().map_err(Error::io("read", path))?;
            match file.try_lock() {
                // Where a file system has no locks, two downloads at once are the user's to avoid.
                Ok(()) | Err(TryLockError::Error(_)) => {}
                Err(TryLockError::WouldBlock) => {
                    waiting(opened.len());
                    if heard.0 != opened.len() {
                        heard = (opened.len(), Instant::now());
                    } else if heard.1.elapsed() >= patience {
                        let part = shown(path);
                        return Err(Error::Download(format!(
                            "another lookalike has {part} and gives no sign of life: end it, or try again later"
                        )));
                    }
                    thread::sleep(LOOK_EVERY);
                    continue;
                }
            }
            // Whoever had the lock may have given the file its final name, or thrown it away.
            if fs::symlink_metadata(path).is_ok_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino())) {
                return Ok(Self { path: path.to_path_buf(), file, tag });
            }
        }
    }

    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata().map_err(Error::io("read", &self.path))?.len())
    }

    /// The version of the file that it is a part of, if the server gave it a name.
    fn version(&self) -> Option<String> {
        let mut text = String::new();
        if self.tag.symlink_metadata().ok()?.is_file() {
            open_own(&self.tag).ok()?.take(TAG_BYTES).read_to_string(&mut text).ok()?;
        }
        Some(text).filter(|text| !text.is_empty())
    }

    /// Keeps the first `length` bytes, which are of the given version, and goes on writing after them.
    fn start(&mut self, length: u64, version: Option<&str>) -> Result<()> {
        remove(&self.tag)?;
        let write = Error::io("write", &self.path);
        self.file.set_len(length).and_then(|()| self.file.seek(SeekFrom::Start(length))).map_err(write)?;
        let Some(version) = version else { return Ok(()) };
        open_own(&self.tag).and_then(|mut tag| tag.write_all(version.as_bytes())).map_err(Error::io("write", &self.tag))
    }

    /// Throws it away.
    fn discard(&self) -> Result<()> {
        remove(&self.path)?;
        remove(&self.tag)
    }
}

fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::io("remove", file)(error)),
        _ => Ok(()),
    }
}

/// Fills `part` up to its end.
fn fetch(address: &str, source: &WeightsSource, part: &mut Part, by_hand: &str, on_progress: OnProgress) -> Result<()> {
    let failed = |reason: String| Error::Download(format!("cannot download {address}: {reason}; {by_hand}"));
    let known = part.version();
    let mut have = part.length()?;
    if known.is_none() && source.sha256.is_none() {
        // Nothing would show that the rest is of another version.
        have = 0;
    }
    let mut response = loop {
        let response = request(address, have, known.as_deref()).map_err(|error| failed(plain(&error)))?;
        // A server may take no notice of the condition under which it was asked for the rest.
        let same = known.is_none() || version(&response).is_none_or(|version| known.as_deref() == Some(version));
        match response.status() {
            StatusCode::PARTIAL_CONTENT if have > 0 && same && first(&response) == Some(have) => break response,
            // Nothing is left to send: all of it is here.
            StatusCode::RANGE_NOT_SATISFIABLE if have > 0 && same && total(&response) == Some(have) => return Ok(()),
            // The rest of another file.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE if have > 0 => have = 0,
            StatusCode::OK => {
                have = 0;
                break response;
            }
            status => return Err(failed(format!("the server answers {status}"))),
        }
    };
    part.start(have, version(&response))?;
    let all = if have > 0 { total(&response) } else { response.body().content_length() };
    let mut body = response.body_mut().with_config().limit(u64::MAX).reader();
    let mut chunk = vec![0; 128 * 1024];
    let broke_off = |have: u64, reason: &str| {
        let kept = have / (1024 * 1024);
        Error::Download(format!(
            "the download of {address} broke off ({reason}): run it again to go on after the {kept} MiB that are here; {by_hand}"
        ))
    };
    loop {
        on_progress(Fetching::Here(have, all));
        match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                part.file.write_all(&chunk[..read]).map_err(Error::io("write", &part.path))?;
                have += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broke_off(have, &crate::printable::printable_str(&error.to_string()))),
        }
    }
    if all.is_some_and(|all| have < all) {
        return Err(broke_off(have, "the server closed the connection"));
    }
    part.file.sync_all().map_err(Error::io("write", &part.path))
}

/// Asks for a file from a byte on, or for all of it when it is of another version by now.
fn request(address: &str, from: u64, version: Option<&str>) -> Result<Response<ureq::Body>, ureq::Error> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        // Of each read, not of the whole: a slow download may take hours, a silent one must not.
        .timeout_per_read(Some(Duration::from_secs(60)))
        .user_agent(concat!("lookalike/", env!("CARGO_PKG_VERSION")))
        .build();
    let request = ureq::Agent::new_with_config(config).get(address).header(header::ACCEPT_ENCODING, "identity");
    match (from, version) {
        (0, _) => request.call(),
        (_, None) => request.header(header::RANGE, format!("bytes={from}-")).call(),
        (_, Some(version)) => {
            request.header(header::RANGE, format!("bytes={from}-")).header(header::IF_RANGE, version).call()
        }
    }
}

/// What a server calls this version of a file: its strong entity tag, else its date.
fn version(response: &Response<ureq::Body>) -> Option<&str> {
    let named = |name| response.headers().get(name)?.to_str().ok().filter(|text| text.len() as u64 <= TAG_BYTES);
    named(header::ETAG).filter(|tag| tag.starts_with('"')).or_else(|| named(header::LAST_MODIFIED))
}

/// The first byte in `Content-Range: bytes 5-9/10`.
fn first(response: &Response<ureq::Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// The whole length in `Content-Range: bytes 5-9/10` or `bytes */10`.
fn total(response: &Response<ureq::Body>) -> Option<u64> {
    response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}

/// What went wrong with a connection, for people.
fn plain(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no network, or the name is unknown".into(),
        ureq::Error::Io(error) => crate::printable::printable_str(&error.to_string()),
        ureq::Error::Timeout(_) => "the server does not answer".into(),
        other => crate::printable::printable_str(&other.to_string()),
    }
}

/// Compares the file's SHA-256 with the manifest's; throws the file away when they differ.
fn check_sum(source: &WeightsSource, part: &Part, by_hand: &str) -> Result<()> {
    let Some(expected) = source.sha256.as_deref().map(str::to_ascii_lowercase) else { return Ok(()) };
    let found = sha256(&part.path)?;
    if found.starts_with(&expected) {
        return Ok(());
    }
    part.discard()?;
    let found = &found[..expected.len().min(found.len())];
    Err(Error::Download(format!(
        "the download of {} was thrown away: its SHA-256 begins with {found} instead of {expected}; {by_hand}",
        source.file
    )))
}
