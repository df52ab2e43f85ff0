"""Puts libtorch into a folder: `libtorch.py {cpu,cuda} FOLDER [--dry-run]`.

The folder appears whole or not at all: everything is fetched, checked and laid
out beside it, and renamed last. `make` calls this once per machine; it needs
Python 3.8 and, unless the official archive answers, pip.
"""

import argparse
import fcntl
import hashlib
import http.client
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from pathlib import Path

# The checkout stays as it is: no folder of compiled Python in it.
sys.dont_write_bytecode = True

from packages import HERE, Failure, download, say

# The official CPU archive, a quarter of the wheel's size; PyTorch makes it for
# x86_64 only. Its sum belongs to one version: another one is not tried.
ARCHIVE = "https://download.pytorch.org/libtorch/cpu/libtorch-shared-with-deps-{version}%2Bcpu.zip"
ARCHIVE_SHA256 = {"2.13.0": "edbf4cbed78433d803e90a65f1752e57783d164bce66c95c0872b2ab8f5c159e"}
ARCHIVE_TIMEOUT_S = 8

# A wheel for this Python is asked for whatever Python runs here: its libraries do not depend on it.
WHEEL_PYTHON = "3.12"
# The wheel tags that a C library as old as the torch wheel asks for can load.
WHEEL_TAGS = [f"manylinux_2_{minor}" for minor in range(28, 16, -1)] + ["manylinux2014"]

# Libraries of the wheel that only Python or CUDA needs. `libtorch.so` is among
# them because the wheel's own one draws in CUDA; a linker script replaces it.
NOT_FOR_CPU = re.compile(r"lib(torch|torch_cuda.*|c10_cuda|caffe2_nvrtc|torch_nvshmem|torch_python|shm|torch_global_deps)\.so$")

DISK_GB = {"cpu": 2, "cuda": 6}
TRAFFIC_GB = {"cpu": 0.5, "cuda": 2.5}


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("variant", choices=["cpu", "cuda"])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--dry-run", action="store_true", help="say what would be fetched, and fetch nothing")
    options = arguments.parse_args()
    # A closed terminal or a `kill` leaves no half-made folder behind either.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        if options.dry_run:
            plan(options.variant, options.folder)
        else:
            provide(options.variant, options.folder)
    except Failure as failure:
        sys.exit(f"lookalike: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)


def version():
    found = re.search(r"^torch==([0-9.]+)", (HERE / "libtorch-cpu.txt").read_text(), re.MULTILINE)
    return found.group(1)


def otherwise():
    """How to go on without this script."""
    return f"set LIBTORCH to a folder that holds libtorch {version()}, or LIBTORCH_USE_PYTORCH=1 where PyTorch {version()} is installed"


def plan(variant, folder):
    if variant == "cpu" and archive_address():
        print(f"first {archive_address()}")
    print(f"{'else ' if variant == 'cpu' and archive_address() else ''}with pip, for {platform.machine()}:")
    for name in [HERE / "libtorch-cpu.txt"] + ([HERE / "libtorch-cuda.txt"] if variant == "cuda" else []):
        for requirement in re.findall(r"^[a-z0-9-]+==[0-9.]+", name.read_text(), re.MULTILINE):
            print(f"  {requirement}")
    print(f"into {folder}: about {TRAFFIC_GB[variant]} GB to fetch, {DISK_GB[variant]} GB of disk while unpacking")


def provide(variant, folder):
    check_platform()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.parent / ".libtorch.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("another run is fetching libtorch: waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Under the lock, so whoever left these was killed.
        for leftover in folder.parent.glob(".libtorch-*.part"):
            shutil.rmtree(leftover, ignore_errors=True)
        if folder.is_dir():
            return
        check_disk(variant, folder.parent)
        with tempfile.TemporaryDirectory(prefix=".libtorch-", suffix=".part", dir=folder.parent) as staging:
            made = fetch(variant, Path(staging))
            check_loads(variant, made)
            made.rename(folder)
    say(f"libtorch {version()} is in {folder}")


def check_platform():
    system, machine = platform.system(), platform.machine()
    if system != "Linux" or machine not in ("x86_64", "aarch64"):
        raise Failure(f"there is no ready-made libtorch for {system} on {machine} here: {otherwise()}.")


def check_disk(variant, parent):
    free = shutil.disk_usage(parent).free / 1e9
    if free < DISK_GB[variant]:
        raise Failure(
            f"unpacking libtorch takes {DISK_GB[variant]} GB and {parent} has {free:.1f} GB free: "
            "free some, or set XDG_DATA_HOME to a folder on a larger disk."
        )


def fetch(variant, staging):
    """Fetches and lays out libtorch under `staging`; returns the folder to keep."""
    if variant == "cuda":
        wheels = fetch_wheels("libtorch-cuda.txt", staging, TRAFFIC_GB[variant])
        return lay_out_cuda(wheels, staging / "made")
    archive = fetch_archive(staging)
    if archive:
        return lay_out_cpu([archive], staging / "made")
    return lay_out_cpu(fetch_wheels("libtorch-cpu.txt", staging, TRAFFIC_GB[variant]), staging / "made")


def archive_address():
    if platform.machine() != "x86_64" or version() not in ARCHIVE_SHA256:
        return None
    return ARCHIVE.format(version=version())


def fetch_archive(staging):
    """The official archive, or None where it does not answer or arrives broken."""
    address = archive_address()
    if not address:
        return None
    archive, digest = staging / "libtorch.zip", hashlib.sha256()
    try:
        with urllib.request.urlopen(address, timeout=ARCHIVE_TIMEOUT_S) as answer, open(archive, "wb") as file:
            say(f"fetching {address}")
            size, got = int(answer.headers.get("Content-Length") or 0), 0
            while True:
                block = answer.read(1 << 20)
                if not block:
                    break
                file.write(block)
                digest.update(block)
                got += len(block)
                show_progress(got, size)
    except (OSError, http.client.HTTPException) as error:
        say(f"the official libtorch archive cannot be had ({reason(error)}): taking the wheel from the package index")
        return None
    if digest.hexdigest() != ARCHIVE_SHA256[version()]:
        archive.unlink()
        say("the official libtorch archive arrived broken and was thrown away: taking the wheel from the package index")
        return None
    return archive


def reason(error):
    return str(getattr(error, "reason", error)) or type(error).__name__


def show_progress(got, size):
    if sys.stderr.isatty():
        end = "\n" if got == size else ""
        print(f"\r  {got / 1e6:.0f} of {size / 1e6:.0f} MB", end=end, file=sys.stderr, flush=True)


def fetch_wheels(list_name, staging, traffic):
    options = ["--only-binary=:all:", "--python-version", WHEEL_PYTHON]
    for tag in WHEEL_TAGS:
        options += ["--platform", f"{tag}_{platform.machine()}"]
    return download(
        list_name,
        staging,
        options,
        f"fetching libtorch {version()} with pip (about {traffic} GB, once per machine)",
        "a wheel of libtorch arrived broken (its sum is wrong) and was thrown away: run make again.",
        "pip could not fetch libtorch: check the network and run make again",
        f"or {otherwise()}",
    )


def lay_out_cpu(archives, made):
    """Keeps the headers and the libraries that a CPU needs: `include`, `lib`, `build-version`."""
    library = made / "lib"
    library.mkdir(parents=True)
    for archive in archives:
        say(f"unpacking {archive.name}")
        with open_zip(archive) as content:
            for item in content.infolist():
                parts = item.filename.split("/")
                name = parts[-1]
                if parts[0] in ("torch", "libtorch") and parts[1] == "include" and name:
                    copy(content, item, made.joinpath(*parts[1:]))
                elif wanted_library(parts):
                    copy(content, item, library / name)
        archive.unlink()
    (library / "libtorch.so").write_text("INPUT(libtorch_cpu.so libc10.so)\n")
    # `-lgomp` finds its library also where only clang is installed.
    if (library / "libgomp.so.1").exists():
        (library / "libgomp.so").symlink_to("libgomp.so.1")
    (made / "build-version").write_text(f"{version()}+cpu\n")
    return made


def wanted_library(parts):
    name = parts[-1]
    if parts[:2] in (["torch", "lib"], ["libtorch", "lib"]):
        return ".so" in name and not NOT_FOR_CPU.match(name)
    return name.startswith(("libcupti.so", "libcudart.so"))


def lay_out_cuda(wheels, made):
    """Keeps the wheels' own layout (`torch` beside `nvidia`), which their library search paths expect."""
    for wheel in wheels:
        say(f"unpacking {wheel.name}")
        with open_zip(wheel) as content:
            for item in content.infolist():
                parts = item.filename.split("/")
                keep = parts[0] == "nvidia" and ".so" in parts[-1] or parts[:2] in (["torch", "include"], ["torch", "lib"])
                if keep and parts[-1]:
                    copy(content, item, made.joinpath(*parts))
        wheel.unlink()
    (made / "torch" / "build-version").write_text(f"{version()}+cuda\n")
    return made


def open_zip(path):
    try:
        return zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise Failure(f"{path.name} arrived broken ({error}) and was thrown away: run make again.") from error


def copy(content, item, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    with content.open(item) as source, open(target, "wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)


def check_loads(variant, made):
    """Loads the library once, so that a missing or too old system library is named here and not by the linker."""
    library = (made / "torch" if variant == "cuda" else made) / "lib" / "libtorch_cpu.so"
    load = "import ctypes, sys; ctypes.CDLL(sys.argv[1])"
    tried = subprocess.run([sys.executable, "-c", load, str(library)], stderr=subprocess.PIPE, text=True)
    if tried.returncode != 0:
        lines = tried.stderr.strip().splitlines() or ["no reason given"]
        raise Failure(f"the fetched libtorch does not load on this system ({lines[-1]}): {otherwise()}.")


if __name__ == "__main__":
    main()
