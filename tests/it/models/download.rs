//! Downloads of weights: checked, taken up where they broke off, and never put together from two files.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Barrier,
    thread,
    time::Duration,
};

use assert_cmd::Command;
use lookalike::embed::{
    Manifest,
    download::{self, Fetching},
};
use tempfile::TempDir;

use super::{Answer, CONTENT, SUM, manifest, serve};

fn pull(address: &str, sum: &str, folder: &Path) -> Result<PathBuf, String> {
    let manifest = Manifest::parse(&manifest(address, sum)).unwrap();
    download::pull(&manifest, folder, &mut |_| {}).map_err(|error| error.to_string())
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_download_is_checked_by_the_sum_or_its_beginning_and_put_in_place() {
    for sum in [SUM, &SUM[..8], &SUM[..8].to_uppercase()] {
        let folder = TempDir::new().unwrap();
        let (address, server) = serve(vec![Answer("200 OK\r\nContent-Length: 36", CONTENT)]);
        let file = pull(&address, sum, &folder.path().join("new")).unwrap();
        assert_eq!(fs::read(file).unwrap(), CONTENT);
        assert_eq!(files(&folder.path().join("new")), ["net.pth"]);
        assert_eq!(server.join().unwrap(), [""]);
    }
}

#[test]
fn a_download_that_broke_off_goes_on_where_it_stopped() {
    let folder = TempDir::new().unwrap();
    let (address, server) = serve(vec![
        Answer("200 OK\r\nContent-Length: 36", &CONTENT[..10]),
        Answer("206 Partial Content\r\nContent-Length: 26\r\nContent-Range: bytes 10-35/36", &CONTENT[10..]),
    ]);
    let error = pull(&address, SUM, folder.path()).unwrap_err();
    assert!(error.contains("broke off") && error.contains("run it again"), "{error}");
    assert_eq!(files(folder.path()), ["net.pth.part"]);
    let file = pull(&address, SUM, folder.path()).unwrap();
    assert_eq!(fs::read(file).unwrap(), CONTENT);
    assert_eq!(server.join().unwrap(), ["", "bytes=10-"]);
}

#[test]
fn a_server_without_ranges_and_a_part_of_another_file_start_anew() {
    let answers = [
        vec![Answer("200 OK\r\nContent-Length: 36", CONTENT)],
        vec![
            Answer("416 Range Not Satisfiable\r\nContent-Length: 0\r\nContent-Range: bytes */36", b""),
            Answer("200 OK\r\nContent-Length: 36", CONTENT),
        ],
    ];
    for (answers, part) in answers.into_iter().zip([&b"other"[..], &[0; 50]]) {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("net.pth.part"), part).unwrap();
        let (address, server) = serve(answers);
        let file = pull(&address, SUM, folder.path()).unwrap();
        assert_eq!(fs::read(file).unwrap(), CONTENT);
        assert_eq!(server.join().unwrap()[0], format!("bytes={}-", part.len()));
    }
}

const NEWER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ9876543210";

#[test]
fn without_a_sum_a_file_that_changed_is_never_put_together_from_two() {
    let begun = || Answer("200 OK\r\nContent-Length: 36\r\nETag: \"a\"", &CONTENT[..10]);
    let rest = "206 Partial Content\r\nContent-Length: 26\r\nContent-Range: bytes 10-35/36\r\nETag:";
    let (same, other) = (format!("{rest} \"a\"").leak(), format!("{rest} \"b\"").leak());
    let whole = || Answer("200 OK\r\nContent-Length: 36\r\nETag: \"b\"", NEWER);
    let asked = "bytes=10- if \"a\"";
    for (answers, content, requests) in [
        // The same file goes on; of a changed one the server sends all, or, asked again, when it took no notice.
        (vec![begun(), Answer(same, &CONTENT[10..])], CONTENT, vec!["", asked]),
        (vec![begun(), whole()], NEWER, vec!["", asked]),
        (vec![begun(), Answer(other, &NEWER[10..]), whole()], NEWER, vec!["", asked, ""]),
        // A server that names no versions: nothing tells whether the rest belongs to the beginning.
        (vec![Answer("200 OK\r\nContent-Length: 36", &CONTENT[..10]), whole()], NEWER, vec!["", ""]),
    ] {
        let folder = TempDir::new().unwrap();
        let (address, server) = serve(answers);
        assert!(pull(&address, "", folder.path()).unwrap_err().contains("broke off"));
        assert_eq!(fs::read(pull(&address, "", folder.path()).unwrap()).unwrap(), content);
        assert_eq!(files(folder.path()), ["net.pth"]);
        assert_eq!(server.join().unwrap(), requests);
    }
}

#[test]
fn of_many_pulls_at_once_one_downloads_and_all_have_the_file() {
    let folder = TempDir::new().unwrap();
    // The server answers once: whoever asked a second time would wait in vain, and fail when it is gone.
    let (address, server) = serve(vec![Answer("200 OK\r\nContent-Length: 36", CONTENT)]);
    let together = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                together.wait();
                let file = pull(&address, SUM, folder.path()).unwrap();
                assert_eq!(fs::read(file).unwrap(), CONTENT);
            });
        }
    });
    assert_eq!(files(folder.path()), ["net.pth"]);
    server.join().unwrap();
}

/// A part that somebody else has, with a byte in it.
fn part_of_another(folder: &Path) -> File {
    let mut part = File::create(folder.join("net.pth.part")).unwrap();
    part.write_all(b"0").unwrap();
    part.try_lock().unwrap();
    part
}

#[test]
fn a_part_that_another_process_has_is_waited_for_only_while_it_grows() {
    let folder = TempDir::new().unwrap();
    let manifest = Manifest::parse(&manifest("http://127.0.0.1:1/net.pth", SUM)).unwrap();
    let mut part = part_of_another(folder.path());
    let mut heard = Vec::new();
    let error = download::pull_patiently(&manifest, folder.path(), Duration::ZERO, &mut |fetching| {
        heard.push(fetching);
        if heard.len() == 1 {
            part.write_all(b"1").unwrap();
        }
    });
    let error = error.unwrap_err().to_string();
    assert!(error.contains("net.pth.part and gives no sign of life: end it, or try again later"), "{error}");
    assert_eq!(heard, [Fetching::Elsewhere(1), Fetching::Elsewhere(2), Fetching::Elsewhere(2)]);
}

#[test]
fn the_command_says_that_it_waits_and_goes_on_when_the_part_is_free() {
    let home = TempDir::new().unwrap();
    let (address, server) = serve(vec![Answer("200 OK\r\nContent-Length: 36", CONTENT)]);
    let weights = home.path().join("data/lookalike/models");
    fs::create_dir_all(&weights).unwrap();
    let part = part_of_another(&weights);
    let mut command = super::program(&home, &manifest(&address, SUM));
    let mut child =
        command.args(["models", "pull", "net"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "lookalike: another lookalike is downloading net: waiting for it\n");
    drop(part);
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read(weights.join("net.pth")).unwrap(), CONTENT);
    server.join().unwrap();
}

#[test]
fn a_part_that_is_a_link_or_a_pipe_is_neither_followed_nor_waited_for() {
    let folder = TempDir::new().unwrap();
    let (part, diary) = (folder.path().join("net.pth.part"), folder.path().join("diary"));
    fs::write(&diary, "mine").unwrap();
    std::os::unix::fs::symlink(&diary, &part).unwrap();
    let error = pull("http://127.0.0.1:1/net.pth", SUM, folder.path()).unwrap_err();
    assert!(error.contains("net.pth.part") && error.contains("it is a link"), "{error}");
    assert_eq!(fs::read(&diary).unwrap(), b"mine");
    fs::remove_file(&part).unwrap();
    Command::new("mkfifo").arg(&part).assert().success();
    let error = pull("http://127.0.0.1:1/net.pth", SUM, folder.path()).unwrap_err();
    assert!(error.contains("it is not a regular file"), "{error}");
}

#[test]
fn a_complete_part_needs_only_its_sum() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("net.pth.part"), CONTENT).unwrap();
    let (address, server) =
        serve(vec![Answer("416 Range Not Satisfiable\r\nContent-Length: 0\r\nContent-Range: bytes */36", b"")]);
    assert_eq!(fs::read(pull(&address, SUM, folder.path()).unwrap()).unwrap(), CONTENT);
    server.join().unwrap();
}

#[test]
fn a_wrong_sum_throws_the_download_away() {
    let folder = TempDir::new().unwrap();
    let (address, server) = serve(vec![Answer("200 OK\r\nContent-Length: 36", &[b'x'; 36])]);
    let error = pull(&address, SUM, folder.path()).unwrap_err();
    assert!(error.contains("SHA-256") && error.contains(SUM) && error.contains(&address), "{error}");
    assert_eq!(files(folder.path()), [""; 0]);
    server.join().unwrap();
}

/// Two files, each with an address of its own.
fn two_files(folder: &Path, addresses: [&str; 2]) -> Result<PathBuf, String> {
    let text = format!(
        "name = 'net'\narchitecture = 'torchscript'\ndim = 9\n\
         [weights]\nfile = 'net.pth'\nurl = '{}'\nsha256 = '{SUM}'\n\
         [[weights.beside]]\nfile = 'more.pt'\nurl = '{}'\nsha256 = '{SUM}'\n",
        addresses[0], addresses[1]
    );
    let manifest = Manifest::parse(&text).unwrap();
    download::pull(&manifest, folder, &mut |_| {}).map_err(|error| error.to_string())
}

#[test]
fn a_model_of_several_files_is_pulled_file_by_file_and_goes_on_with_those_that_are_missing() {
    let folder = TempDir::new().unwrap();
    let whole = || serve(vec![Answer("200 OK\r\nContent-Length: 36", CONTENT)]);
    let ((first, server), (broken, other)) = (whole(), serve(vec![Answer("404 Not Found", b"")]));
    let error = two_files(folder.path(), [&first, &broken]).unwrap_err();
    assert!(error.contains("404") && error.contains(&broken), "{error}");
    assert_eq!(
        (files(folder.path()), server.join().unwrap().len(), other.join().unwrap().len()),
        (vec!["net.pth".into()], 1, 1)
    );
    // The first is here, so nobody is asked for it.
    let (second, server) = whole();
    assert_eq!(
        two_files(folder.path(), ["http://127.0.0.1:1/net.pth", &second]).unwrap(),
        folder.path().join("net.pth")
    );
    assert_eq!((files(folder.path()), server.join().unwrap().len()), (vec!["more.pt".into(), "net.pth".into()], 1));
}

#[test]
fn a_refusal_names_status_address_and_folder() {
    let folder = TempDir::new().unwrap();
    let (address, server) = serve(vec![Answer("404 Not Found\r\nContent-Length: 4", b"gone")]);
    let error = pull(&address, SUM, folder.path()).unwrap_err();
    for part in ["404", &address, &folder.path().display().to_string()] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(files(folder.path()), [""; 0]);
    server.join().unwrap();
}
