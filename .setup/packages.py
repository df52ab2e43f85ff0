"""What the scripts beside this one share: packages fetched by pip, and sentences for the person who waits."""

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


class Failure(Exception):
    """One sentence for the person who waits."""


def say(sentence):
    print(f"lookalike: {sentence}", file=sys.stderr, flush=True)


def download(listed, staging, options, fetching, broken, failed, otherwise):
    """The packages of a requirements file, under `staging`, their sums checked by pip before anything in them is looked at.

    `fetching` is said before; `broken` when a package is not what it should be, `failed` when pip cannot get them, and
    `otherwise` is how to go on without.
    """
    if subprocess.run([sys.executable, "-m", "pip", "--version"], capture_output=True).returncode != 0:
        raise Failure(f"Python ({sys.executable}) has no pip: install python3-pip, {otherwise}.")
    say(fetching)
    # pip's own temporary files go to the same disk: /tmp is often a small one.
    packages, temporary = staging / "packages", staging / "pip"
    temporary.mkdir()
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
    command += ["--require-hashes", *options, "--dest", str(packages), "--requirement", str(HERE / listed)]
    environment = {**os.environ, "TMPDIR": str(temporary), "PIP_REQUIRE_VIRTUALENV": "0"}
    pip = subprocess.run(command, env=environment, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
    if pip.returncode != 0:
        sys.stderr.write(pip.stderr)
        raise Failure(broken if "DO NOT MATCH THE HASHES" in pip.stderr else f"{failed}, {otherwise}.")
    return sorted(packages.iterdir())
