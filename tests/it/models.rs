//! `lookalike models` and `models pull`, against a server on the loopback interface; models of the user's own.

mod download;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process,
    thread::{self, JoinHandle},
};

use assert_cmd::Command;
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use lookalike::{
    cancel::CancelToken,
    embed::{self, Device, Folders, Manifest, Model, ModelChoice},
    pipeline::{self, Cache, Request},
};
use tempfile::TempDir;

use crate::indexing::{Place, embeddings, run};

/// What the weights "are", and their SHA-256.
const CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

const SUM: &str = "74e7e5bb9d22d6db26bf76946d40fff3ea9f0346b884fd0694920fccfad15e33";

/// One answer of the server: status line and headers, then the body.
struct Answer(&'static str, &'static [u8]);

/// Answers one request after the other, then hands over the `Range` and `If-Range` headers it saw.
fn serve(answers: Vec<Answer>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/net.pth", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut ranges = Vec::new();
        for Answer(head, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            ranges.push(range(&stream));
            let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(body).unwrap();
        }
        ranges
    });
    (address, server)
}

/// "bytes=10-" or "bytes=10- if \"tag\"".
fn range(stream: &TcpStream) -> String {
    let (mut range, mut condition) = (String::new(), String::new());
    for line in BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else { continue };
        match name.to_ascii_lowercase().as_str() {
            "range" => range = value.trim().to_owned(),
            "if-range" => condition = format!(" if {}", value.trim()),
            _ => {}
        }
    }
    range + &condition
}

/// Without a sum when that is empty.
fn manifest(address: &str, sum: &str) -> String {
    let sum = if sum.is_empty() { String::new() } else { format!("sha256 = '{sum}'") };
    format!(
        "name = 'net'\narchitecture = 'torchscript'\ndim = 9\n\
         [weights]\nfile = 'net.pth'\nurl = '{address}'\n{sum}\n"
    )
}

/// The binary with a home of its own, into which `manifest` is put as the user's.
fn lookalike(home: &TempDir, manifest: &str) -> Command {
    Command::from_std(program(home, manifest))
}

/// The same as the standard library runs it.
fn program(home: &TempDir, manifest: &str) -> process::Command {
    let config = home.path().join("config/lookalike/models");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("net.toml"), manifest).unwrap();
    let mut command = process::Command::new(env!("CARGO_BIN_EXE_lookalike"));
    command.current_dir(home.path());
    for (name, folder) in
        [("HOME", ""), ("XDG_CONFIG_HOME", "config"), ("XDG_DATA_HOME", "data"), ("XDG_CACHE_HOME", "cache")]
    {
        command.env(name, home.path().join(folder));
    }
    for name in ["TORCH_HOME", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command
}

fn stdout(command: &mut Command) -> String {
    String::from_utf8(command.assert().success().get_output().stdout.clone()).unwrap()
}

#[test]
fn pull_downloads_into_the_users_folder_and_the_model_is_found_from_then_on() {
    let home = TempDir::new().unwrap();
    let (address, server) = serve(vec![Answer("200 OK\r\nContent-Length: 36", CONTENT)]);
    let manifest = manifest(&address, SUM);
    assert!(stdout(lookalike(&home, &manifest).arg("models")).contains("not here: lookalike models pull net"));
    let said = stdout(lookalike(&home, &manifest).args(["models", "pull", "net"]));
    assert!(said.starts_with("net is ready: "), "{said}");
    server.join().unwrap();
    let file = home.path().join("data/lookalike/models/net.pth");
    assert_eq!(fs::read(&file).unwrap(), CONTENT);
    // No server answers any more: nothing is downloaded twice.
    let said = stdout(lookalike(&home, &manifest).args(["models", "pull", "net"]));
    assert!(said.starts_with("net is here already"), "{said}");
    let report: serde_json::Value =
        serde_json::from_str(&stdout(lookalike(&home, &manifest).args(["models", "--json"]))).unwrap();
    assert_eq!(report["schema_version"], 1);
    let models = report["models"].as_array().unwrap();
    let named = |name: &str| models.iter().find(|model| model["name"] == name).unwrap();
    assert_eq!(named("net")["found"], file.to_str().unwrap());
    assert_eq!(named("net")["dim"], 9);
    assert_eq!(named("resnet50")["found"], serde_json::Value::Null);
    assert_eq!(named("color-grid")["baseline"], true);
}

#[test]
fn offline_one_sentence_gives_the_address_and_the_folder() {
    let home = TempDir::new().unwrap();
    // Nobody listens on port 1.
    let address = "http://127.0.0.1:1/net.pth";
    let failed = lookalike(&home, &manifest(address, SUM)).args(["models", "pull", "net"]).assert().code(1);
    let said = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    let folder = home.path().join("data/lookalike/models");
    assert!(said.contains(address) && said.contains(folder.to_str().unwrap()), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(failed.get_output().stdout.is_empty());
}

#[test]
fn an_unknown_model_is_answered_with_the_names_there_are() {
    let home = TempDir::new().unwrap();
    let failed =
        lookalike(&home, &manifest("http://127.0.0.1:1", SUM)).args(["models", "pull", "vgg"]).assert().code(1);
    let said = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(said.contains("vgg") && said.contains("resnet50") && said.contains("net"), "{said}");
}

#[test]
fn a_model_without_weights_is_said_in_the_shell_and_not_on_a_screen() {
    let home = TempDir::new().unwrap();
    for (name, said) in [("net", "model net: "), ("vgg", "vgg")] {
        let failed =
            lookalike(&home, &manifest("http://127.0.0.1:1", SUM)).args(["--model", name, "."]).assert().code(1);
        let complaint = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
        assert!(complaint.contains(said) && !complaint.contains("terminal"), "{complaint}");
        assert!(failed.get_output().stdout.is_empty(), "nothing was drawn");
    }
}

/// Folders in which only what a test puts there is found.
fn folders(home: &TempDir) -> Folders {
    let folder = |name: &str| home.path().join(name);
    Folders { manifests: folder("config"), models: folder("models"), checkouts: Vec::new(), torch: folder("torch") }
}

/// A TorchScript module that answers with each channel's mean, minimum and maximum.
pub const POOL: &str = "name = 'pool'\narchitecture = 'torchscript'\ndim = 9\ninput = 8\nmean = [0.0, 0.0, 0.0]\n\
                    std = [1.0, 1.0, 1.0]\n[weights]\nfile = 'pool.pt'\n";

fn embed_with(manifest: &str, module: &Path) -> Result<Vec<Vec<f32>>, String> {
    let home = TempDir::new().unwrap();
    let folders = folders(&home);
    fs::create_dir_all(&folders.models).unwrap();
    fs::write(folders.models.join("pool.toml"), manifest).unwrap();
    fs::copy(module, folders.models.join("pool.pt")).unwrap();
    let choice = ModelChoice { name: Some("pool".into()), device: Device::Cpu, threads: 1, ..ModelChoice::default() };
    let picture = RgbImage::from_fn(8, 8, |x, _| if x < 4 { Rgb([0, 255, 255]) } else { Rgb([255, 255, 0]) });
    let model = embed::choose_in(&choice, &folders).map_err(|error| error.to_string())?;
    let mut embedder = embed::load(&model, &choice).map_err(|error| error.to_string())?;
    embedder.embed(&[picture.clone(), picture]).map_err(|error| error.to_string())
}

#[test]
fn a_torchscript_module_with_a_manifest_beside_it_is_a_model() {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/pool.pt");
    let rows = embed_with(POOL, &module).unwrap();
    assert_eq!(rows, vec![vec![0.5, 1.0, 0.5, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0]; 2]);
    let wrong = embed_with(&POOL.replace("dim = 9", "dim = 8"), &module).unwrap_err();
    assert!(wrong.contains("[2, 9]") && wrong.contains('8'), "{wrong}");
    let other = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights/zip.pth");
    let refused = embed_with(POOL, &other).unwrap_err();
    assert!(refused.contains("TorchScript") && !refused.contains('\n'), "{refused}");
}

#[test]
fn weights_that_are_not_there_are_asked_for_by_name_and_folder() {
    let home = TempDir::new().unwrap();
    let choice = |name: &str| ModelChoice { name: Some(name.into()), ..ModelChoice::default() };
    let error = embed::choose_in(&choice("resnet50"), &folders(&home)).unwrap_err().to_string();
    assert!(error.contains("lookalike models pull resnet50") && error.contains("models"), "{error}");
    assert!(embed::choose_in(&choice("color-grid"), &folders(&home)).is_ok());
    let weights = ModelChoice { weights: Some(home.path().join("gone.pth")), ..choice("resnet50") };
    assert!(embed::choose_in(&weights, &folders(&home)).unwrap_err().to_string().contains("gone.pth"));
}

/// Writes a TorchScript module as libtorch stores it. `forward` is the body of its function of `x`.
pub fn write_module(file: &Path, forward: &str) {
    let code = format!(
        "class Own(Module):\n  __parameters__ = []\n  __buffers__ = []\n  \
         def forward(self: __torch__.Own,\n    x: Tensor) -> Tensor:\n{forward}"
    );
    let mut zip = zip::ZipWriter::new(fs::File::create(file).unwrap());
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in [
        ("own/data.pkl", &b"\x80\x02c__torch__\nOwn\nq\x00)\x81}b."[..]),
        ("own/code/__torch__.py", code.as_bytes()),
        ("own/constants.pkl", b"\x80\x02)."),
        ("own/version", b"3\n"),
    ] {
        zip.start_file(name, stored).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Adds 1 for ever.
pub const ENDLESS: &str = "    _0 = x\n    _1 = True\n    while _1:\n      _2 = torch.add(_0, 1)\n      \
                       _1, _0 = True, _2\n    return _0\n";

/// Answers with the logarithm of every level: not finite where a picture is black.
const LOGARITHM: &str = "    _0 = torch.log(x)\n    return torch.flatten(_0, 1, -1)\n";

#[test]
fn a_picture_without_a_finite_answer_is_skipped_in_one_pass() {
    let place = Place::new();
    let module = place.folder.path().join("log.pt");
    write_module(&module, LOGARITHM);
    let manifest = POOL.replace("pool", "log").replace("dim = 9", "dim = 192");
    fs::write(module.with_extension("toml"), manifest).unwrap();
    let draw = |name, level| RgbImage::from_pixel(8, 8, Rgb([level; 3])).save(place.path(name)).unwrap();
    for (name, level) in [("a.png", 90), ("b.png", 120), ("c.png", 150), ("d.png", 180)] {
        draw(name, level);
    }
    let mut request = place.request();
    request.model = ModelChoice { weights: Some(module), device: Device::Cpu, ..ModelChoice::default() };
    assert_eq!(run(&request).unwrap().counts(), [4, 0, 0, 0, 0]);
    draw("d.png", 0);
    let black = run(&request).unwrap();
    assert_eq!(black.counts(), [0, 3, 0, 0, 1]);
    assert_eq!(black.outcome.skipped[0].reason, "the network's answer for it is not finite");
    assert_eq!(black.said.iter().filter(|said| **said == "model").count(), 1, "the model is loaded once");
    assert_eq!(embeddings(&black.outcome.index).len(), 3, "the embedding of what the file was before does not stay");
    assert_eq!(run(&request).unwrap().counts(), [0, 3, 0, 0, 1], "and it is tried again");
}

#[test]
fn hidden_colors_count_for_a_model_whose_manifest_drops_alpha() {
    let place = Place::new();
    let draw = |name, alpha| RgbaImage::from_pixel(8, 8, Rgba([200, 40, 90, alpha])).save(place.path(name)).unwrap();
    draw("hidden.png", 0);
    draw("seen.png", 255);
    let same = |alpha: &str| {
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/models/color-grid.toml")).unwrap();
        let manifest = Manifest::parse(&format!("{text}alpha = '{alpha}'\n")).unwrap();
        let model = Model { manifest, weights: None, fingerprint: "a copy".into() };
        let request = Request { cache: Cache::Off, ..place.request() };
        let load = || embed::load(&model, &request.model);
        let done = pipeline::run_with(&model, &load, &request, &CancelToken::default(), &mut |_| {}).unwrap();
        let rows = embeddings(&done.index);
        assert_eq!(rows.len(), 2);
        let are_same = rows[Path::new("hidden.png")] == rows[Path::new("seen.png")];
        // A picture from outside is looked at in the same way.
        let mut embedder = load().unwrap();
        let [hidden, seen] = ["hidden.png", "seen.png"]
            .map(|name| pipeline::find_in(&place.path(name), &mut *embedder, false).unwrap().remove(0).embedding);
        assert_eq!(hidden == seen, are_same);
        are_same
    };
    assert!(same("drop") && !same("white"));
}

#[test]
fn a_module_that_never_answers_ends_the_run_with_its_name() {
    let home = TempDir::new().unwrap();
    let pictures = home.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    RgbImage::new(8, 8).save(pictures.join("a.png")).unwrap();
    let manifest = POOL.replace("pool", "endless");
    let mut command = lookalike(&home, &manifest);
    let models = home.path().join("data/lookalike/models");
    fs::create_dir_all(&models).unwrap();
    write_module(&models.join("endless.pt"), ENDLESS);
    command.env("LOOKALIKE_MODEL_TIMEOUT", "1").args(["index", "--model", "endless"]).arg(&pictures);
    let failed = command.assert().code(1);
    let said = String::from_utf8(failed.get_output().stderr.clone()).unwrap();
    assert!(said.contains("model endless: its module has not answered for 1 seconds"), "{said}");
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let home = TempDir::new().unwrap();
    let pictures = home.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    RgbImage::new(8, 8).save(pictures.join("a.png")).unwrap();
    let doctor = |variables: &[&str]| {
        let mut command = lookalike(&home, &manifest("http://127.0.0.1:1", SUM));
        command.envs(variables.iter().map(|name| (name, "")));
        stdout(command.arg("doctor"))
    };
    let cache = home.path().join(".cache/lookalike");
    assert!(doctor(&["XDG_CACHE_HOME"]).contains(cache.to_str().unwrap()));
    let usual = doctor(&[]);
    for name in ["LOOKALIKE_CACHE", "LOOKALIKE_MODEL", "TORCH_HOME", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"] {
        assert_eq!(doctor(&[name]), usual, "{name}");
    }
    let mut command = lookalike(&home, &manifest("http://127.0.0.1:1", SUM));
    for name in ["LOOKALIKE_CACHE", "LOOKALIKE_MODEL"] {
        command.env(name, "");
    }
    command.args(["index", "pictures"]).assert().success();
    assert!(home.path().join("cache/lookalike").is_dir(), "the index lies in the user's cache folder");
    // A value that is not empty counts, from a variable as from an argument.
    command.env("LOOKALIKE_MODEL", "no such model").assert().code(1);
}

/// The standard output of `lookalike models` with arguments, or its complaint.
fn models(arguments: &[&str]) -> Result<String, String> {
    let home = TempDir::new().unwrap();
    let mut command = Command::cargo_bin("lookalike").unwrap();
    let output = command.arg("models").args(arguments).env("HOME", home.path()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[test]
fn the_layers_of_a_network_are_listed_without_its_weights() {
    let table = models(&["--layers", "resnet18"]).unwrap();
    let line =
        |start: &str| table.lines().find(|line| line.trim_start().starts_with(start)).unwrap().split_whitespace();
    assert!(line("layer2.1").eq(["layer2.1", "=", "layer2", "128×28×28", "128"]), "{table}");
    assert!(line("* ").eq(["*", "avgpool", "512", "512"]), "{table}");
    assert!(table.contains("channels × height × width"), "{table}");
    let tokens = models(&["--layers", "dinov2-small"]).unwrap();
    assert!(
        tokens.contains("blocks.11") && tokens.contains("257×384") && tokens.contains("tokens × values"),
        "{tokens}"
    );
}

#[test]
fn scripts_get_the_layers_as_json() {
    let json: serde_json::Value = serde_json::from_str(&models(&["--layers", "vit-b-16", "--json"]).unwrap()).unwrap();
    let layers = json["layers"].as_array().unwrap();
    let taken: Vec<_> = layers.iter().filter(|layer| layer["taken"] == true).collect();
    assert_eq!((layers.len(), taken.len(), &taken[0]["name"]), (13, 1, &"encoder.ln".into()));
    assert_eq!((&taken[0]["output"], &taken[0]["dim"]), (&serde_json::json!([197, 768]), &768.into()));
}

#[test]
fn a_model_without_known_layers_says_so_in_one_sentence() {
    for name in ["color-grid", "none-such"] {
        let error = models(&["--layers", name]).unwrap_err();
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        assert!(error.contains(name), "{error}");
    }
}
