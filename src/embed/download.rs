//! Gets a model's weights from their official home: resumed, checked, and put in place in one step.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use ureq::http::{Response, StatusCode, header};

use super::{Manifest, fingerprint::sha256, manifest::WeightsSource, shown};
use crate::error::{Error, Result};

/// Bytes that are there, and bytes in all when the server says.
pub type OnProgress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

/// Downloads a model's weights into `folder` and returns the file.
///
/// What arrives is kept in `<file>.part`; the next call goes on from there. The file gets its name only when its
/// SHA-256 is the manifest's.
///
/// # Errors
/// [`Error::Download`] with the address and the folder when the server cannot be reached, refuses, or breaks off, and
/// when the sum is wrong (the part is thrown away then); [`Error::Model`] when the model has no official home.
pub fn pull(manifest: &Manifest, folder: &Path, on_progress: OnProgress) -> Result<PathBuf> {
    let source = manifest.weights.as_ref().ok_or_else(|| Error::model(&manifest.name, "it needs no weights"))?;
    let address = source.url.as_deref().ok_or_else(|| {
        Error::model(
            &manifest.name,
            format!("nobody offers its weights for download: put {} into {}", source.file, shown(folder)),
        )
    })?;
    fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
    let file = folder.join(&source.file);
    let part = folder.join(format!("{}.part", source.file));
    let by_hand = format!("to do it by hand, get {address} and put it into {}", shown(folder));
    fetch(address, &part, &by_hand, on_progress)?;
    check_sum(source, &part, &by_hand)?;
    fs::rename(&part, &file).map_err(Error::io("write", &file))?;
    Ok(file)
}

/// Fills `part` up to its end.
fn fetch(address: &str, part: &Path, by_hand: &str, on_progress: OnProgress) -> Result<()> {
    let failed = |reason: String| Error::Download(format!("cannot download {address}: {reason}; {by_hand}"));
    let have = fs::metadata(part).map_or(0, |meta| meta.len());
    let mut response = request(address, have).map_err(|error| failed(plain(&error)))?;
    if have > 0 && response.status() == StatusCode::RANGE_NOT_SATISFIABLE {
        // Nothing is left to send: either all of it is here, which its sum will show, or it is another file.
        if total(&response) == Some(have) {
            return Ok(());
        }
        fs::remove_file(part).map_err(Error::io("remove", part))?;
        response = request(address, 0).map_err(|error| failed(plain(&error)))?;
    }
    if !response.status().is_success() {
        return Err(failed(format!("the server answers {}", response.status())));
    }
    let resumed = response.status() == StatusCode::PARTIAL_CONTENT;
    let mut have = if resumed { have } else { 0 };
    let all = if resumed { total(&response) } else { response.body().content_length() };
    let mut options = OpenOptions::new();
    let options = if resumed { options.append(true) } else { options.write(true).truncate(true) };
    let mut kept = options.create(true).open(part).map_err(Error::io("write", part))?;
    let mut body = response.into_body().into_with_config().limit(u64::MAX).reader();
    let mut chunk = vec![0; 128 * 1024];
    let broke_off = |have: u64, reason: &str| {
        let kept = have / (1024 * 1024);
        Error::Download(format!(
            "the download of {address} broke off ({reason}): run it again to go on after the {kept} MiB that are here; {by_hand}"
        ))
    };
    loop {
        on_progress(have, all);
        match body.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                kept.write_all(&chunk[..read]).map_err(Error::io("write", part))?;
                have += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broke_off(have, &crate::printable::printable_str(&error.to_string()))),
        }
    }
    if all.is_some_and(|all| have < all) {
        return Err(broke_off(have, "the server closed the connection"));
    }
    kept.sync_all().map_err(Error::io("write", part))
}

fn request(address: &str, from: u64) -> Result<Response<ureq::Body>, ureq::Error> {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        // Of each read, not of the whole: a slow download may take hours, a silent one must not.
        .timeout_per_read(Some(Duration::from_secs(60)))
        .user_agent(concat!("lookalike/", env!("CARGO_PKG_VERSION")))
        .build();
    let request = ureq::Agent::new_with_config(config).get(address).header(header::ACCEPT_ENCODING, "identity");
    if from == 0 { request.call() } else { request.header(header::RANGE, format!("bytes={from}-")).call() }
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
fn check_sum(source: &WeightsSource, part: &Path, by_hand: &str) -> Result<()> {
    let Some(expected) = source.sha256.as_deref().map(str::to_ascii_lowercase) else { return Ok(()) };
    let found = sha256(part)?;
    if found.starts_with(&expected) {
        return Ok(());
    }
    fs::remove_file(part).map_err(Error::io("remove", part))?;
    let found = &found[..expected.len().min(found.len())];
    Err(Error::Download(format!(
        "the download of {} was thrown away: its SHA-256 begins with {found} instead of {expected}; {by_hand}",
        source.file
    )))
}
