"""Decodes every training picture once into one memory-mapped array of squashed squares.

Sources are tars or folders. A member's labels come from its path: `source/class/name`.
Reading squares from a memory map costs nothing next to a training step, so that
no loader processes compete with the network for the processor.
"""

import collections
import hashlib
import io
import json
import multiprocessing
import pathlib
import posixpath
import tarfile

import numpy as np
from PIL import Image, ImageOps

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"}
UNLABELED = {"unlabelled", "unlabeled", "BACKGROUND_Google"}


def members(sources):
    """Yields (name, function that reads it) of every picture in the tars and folders, in a stable order."""
    for source in map(pathlib.Path, sources):
        if source.is_file():
            with tarfile.open(source) as tar:
                for member in tar:
                    name = posixpath.normpath(member.name)
                    if member.isfile() and pathlib.Path(name).suffix.lower() in EXTENSIONS:
                        yield name, lambda: tar.extractfile(member).read()
        else:
            for path in sorted(p for p in source.rglob("*") if p.suffix.lower() in EXTENSIONS):
                yield f"{source.resolve().name}/{path.relative_to(source)}", path.read_bytes


def squash(data, size):
    """Upright RGB squashed to size x size with Pillow's bilinear filter."""
    with Image.open(io.BytesIO(data) if isinstance(data, bytes) else data) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB").resize((size, size), Image.BILINEAR))


def decoded(job):
    """(name, pixels or None, what is wrong)"""
    name, data, size = job
    try:
        return name, squash(data, size), None
    # Decoders of broken files raise nearly everything.
    except Exception as error:
        return name, None, error


def label(name):
    """`source/class` of a member, or None where the class says nothing."""
    parts = name.split("/")
    if len(parts) < 3 or parts[1] in UNLABELED or parts[1].startswith("vague_"):
        return None
    return f"{parts[0]}/{parts[1]}"


def pack(sources, folder, size=208, seed=0):
    """Writes `pixels.npy` (N x size x size x 3, uint8, shuffled) and `pictures.json` to `folder`.

    The order is shuffled once by a hash of the name, so that the first rows are a fair sample.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "pictures.json").exists():
        raise SystemExit(f"{folder} is packed already: pack more under another --home, and train with --also")
    names = [name for name, _ in members(sources)]
    twice = [name for name, count in collections.Counter(names).items() if count > 1]
    if twice or not names:
        raise SystemExit(f"{twice[0]} is there twice: rename one source" if twice else "there is no picture in these sources")
    shuffled = sorted(names, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest())
    row = {name: i for i, name in enumerate(shuffled)}
    pixels = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.uint8, (len(names), size, size, 3))
    unreadable = []
    with multiprocessing.get_context("spawn").Pool() as pool:
        for name, square, problem in pool.imap(decoded, ((name, read(), size) for name, read in members(sources)), 32):
            if square is None:
                unreadable.append(row[name])
                print(f"skipped {name}: {problem}", flush=True)
            else:
                pixels[row[name]] = square
    pixels.flush()
    classes = sorted({c for c in map(label, shuffled) if c})
    number = {c: i for i, c in enumerate(classes)}
    labels = [number.get(label(name), -1) for name in shuffled]
    done = {"names": shuffled, "classes": classes, "labels": labels, "unreadable": unreadable}
    (folder / "pictures.json").write_text(json.dumps(done))
    print(f"packed {len(names) - len(unreadable)} pictures, {len(classes)} classes", flush=True)
