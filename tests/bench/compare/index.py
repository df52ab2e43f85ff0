#!/usr/bin/env python3
"""Compares indexing a folder, whole processes, with the notebook's loop (`notebook.py`): how fast, and how near.

    python3 tests/bench/compare/index.py --photos FOLDER...

From the photos it makes two folders: JPEGs of 12 megapixels as a camera writes them, and JPEGs of 500 pixels. Both
sides use the same seeded random weights and start anew each time: ours with an empty cache, Python with its imports.
Makes its own Python environment unless --python names one.
"""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
import typing

import common

# What holds libtorch's own kernels and oneDNN's to AVX2, on both sides.
CAPPED = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
# Photos on which the random network's batch norms are calibrated.
CALIBRATION = 32


class Run(typing.NamedTuple):
    """One process: its seconds, its images a second by its own clock, the model, and the embeddings if they are known."""

    seconds: float
    rate: float
    model: str
    rows: dict | None = None

    def __repr__(self):
        return f"{self.seconds:.2f} s, {self.rate:.1f} images/s"


def photo_source(paths, at, chance):
    """A photo of the folder; from the second time on another piece of it, so that no two made pictures are alike."""
    from PIL import Image

    picture = Image.open(paths[at % len(paths)]).convert("RGB")
    again = at // len(paths)
    width, height = picture.size
    keep = 1 - 0.1 * min(again, 4)
    left, top = (int(chance.integers(0, int(side * (1 - keep)) + 1)) for side in picture.size)
    return picture.crop((left, top, left + int(width * keep), top + int(height * keep)))


def make_pictures(paths, folder, count, size, noise):
    """JPEGs of this size, quality 90, 4:2:0. The noise is a sensor's: a level or so in color, more in brightness."""
    import numpy as np
    from PIL import Image

    if folder.exists() and len(list(folder.iterdir())) == count:
        return
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(count):
        chance = np.random.default_rng(at)
        picture = photo_source(paths, at, chance)
        width, height = size if picture.width >= picture.height else size[::-1]
        pixels = np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)
        gray = chance.standard_normal((height, width, 1), dtype=np.float32)
        color = chance.standard_normal((height, width, 3), dtype=np.float32)
        pixels = np.clip(pixels + noise * (gray + 0.4 * color), 0, 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{at:04}.jpg", quality=90, subsampling="4:2:0")


def megabytes(folder):
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return sum(sizes) / len(sizes) / 1e6


def run(command, environment):
    """Runs a command; its seconds and what it printed."""
    start = time.perf_counter()
    printed = subprocess.run(list(map(str, command)), env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE).stdout
    return time.perf_counter() - start, json.loads(printed)


def stored(cache):
    """The embeddings in a fresh cache, by path (the format is that of `src/index/store`)."""
    import numpy as np

    rows = {}
    for database in cache.rglob("records.sqlite"):
        records = sqlite3.connect(database)
        root, number = records.execute("SELECT root, vectors FROM store").fetchone()
        vectors = (database.parent / f"vectors-{number}.f16").read_bytes()
        dim = int.from_bytes(vectors[8:12], "little")
        table = np.frombuffer(vectors, "<f2", offset=64).reshape(-1, dim).astype(np.float32)
        named = records.execute("SELECT row, path FROM images")
        rows |= {os.path.join(os.fsdecode(root), os.fsdecode(path)): table[row] for row, path in named}
        records.close()
    return rows


def ours(options, folders, model, weights, environment=None, more=()):
    """Indexes into an empty cache; without a model, with the one that the program takes by itself."""
    with tempfile.TemporaryDirectory() as cache:
        command = [options.lookalike, "index", *folders, "--json", *more]
        command += ["--model", model] * bool(model) + ["--weights", weights] * bool(weights)
        seconds, said = run(command, {**(environment or {}), "XDG_CACHE_HOME": cache})
        return Run(seconds, said["images"] / said["seconds"], said["model"], stored(pathlib.Path(cache)))


def notebook(folders, model, weights, environment=None, more=()):
    seconds, said = run([sys.executable, common.HERE / "notebook.py", model, weights, *folders, *more], environment or {})
    return Run(seconds, said["images"] / said["seconds"], model)


def speed_row(what, goal, found):
    """A row of the table: both sides' seconds, how many times faster, and both rates by the sides' own clocks."""
    slow, fast = found.values()
    times = common.ratios([run.seconds for run in slow], [run.seconds for run in fast])
    return [
        what,
        common.spread([run.seconds for run in slow]) + " s",
        common.spread([run.seconds for run in fast]) + " s",
        common.spread(times) + " ×",
        goal,
        f"{max(run.rate for run in slow):.1f} and {max(run.rate for run in fast):.1f}",
    ]


def unit(rows):
    import numpy as np

    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nearness(one, other):
    """Worst and median cosine of the two embeddings of each picture, and how many of its ten nearest are the same."""
    import numpy as np

    one, other = unit(one), unit(other)
    cosines = (one * other).sum(1)
    count = min(10, len(one) - 1)

    def nearest(rows):
        similar = rows @ rows.T
        np.fill_diagonal(similar, -2)
        return np.argsort(-similar, axis=1)[:, :count]

    same = [len(set(a) & set(b)) / count for a, b in zip(nearest(one), nearest(other))]
    return cosines.min(), np.median(cosines), np.mean(same)


def nearness_row(what, one, other):
    worst, median, same = nearness(one, other)
    return [what, f"cosine {worst:.5f} (worst), {median:.5f} (median)", f"{100 * same:.1f} % of the ten nearest", "", "≥ 0.995, ≥ 0.999, ≥ 95 %", ""]


def capped_rows(options, folders, weights):
    """Without the newer instructions: the speed, and whether the embeddings stay what they were."""
    import numpy as np

    rows = []
    for what, folder, goal in folders:
        found = common.alternate(
            options.rounds,
            notebook=lambda: notebook([folder], options.model, weights, CAPPED),
            ours=lambda: ours(options, [folder], options.model, weights, CAPPED),
        )
        rows.append(speed_row(f"{what}, {options.model}, both held to AVX2", goal, found))
        capped, full = found["ours"][-1].rows, ours(options, [folder], options.model, weights).rows
        paths = sorted(full)
        rows.append(nearness_row("the same pictures, held to AVX2 against not", np.stack([capped[path] for path in paths]), np.stack([full[path] for path in paths])))
    return rows


def fidelity_rows(options, weights, work):
    """Our embeddings of the photos themselves against the notebook's."""
    import numpy as np

    file = work / "notebook.npz"
    notebook(options.photos, options.model, weights, more=["--upright", "--out", file])
    theirs = np.load(file)
    rows = []
    for what, more in [("default", ()), ("--exact", ("--exact",))]:
        mine = ours(options, options.photos, options.model, weights, more=more).rows
        paths = [os.path.realpath(path) for path in theirs["paths"]]
        both = [at for at, path in enumerate(paths) if path in mine]
        one = np.stack([mine[paths[at]] for at in both])
        rows.append(nearness_row(f"{len(both)} photos, {options.model}, {what}, against the notebook's embeddings", one, theirs["rows"][both]))
    return rows


def main():
    arguments = common.parser(__doc__.splitlines()[0])
    arguments.add_argument("--photos", type=pathlib.Path, nargs="+", required=True, help="folders of photos to make the pictures from")
    arguments.add_argument("--large", type=int, default=64, help="pictures of 12 megapixels")
    arguments.add_argument("--small", type=int, default=150, help="pictures of 500 pixels")
    arguments.add_argument("--model", default="resnet50", help="the network of both sides")
    arguments.add_argument("--weights", type=pathlib.Path, help="its state dict, instead of seeded random weights")
    arguments.add_argument("--default-model", help="the model that is compared with it, instead of the one that the program takes by itself")
    arguments.add_argument("--default-weights", type=pathlib.Path, help="its weights, unless the program finds them; `random` makes some")
    arguments.add_argument("--work", type=pathlib.Path, help="keep the made pictures and weights here for the next time")
    parts = ["large", "small", "default", "capped", "fidelity"]
    arguments.add_argument("--only", nargs="*", choices=parts, default=parts, help="what to compare")
    options = arguments.parse_args()
    common.enter(options.python)
    from notebook import pictures, save_random_weights

    with tempfile.TemporaryDirectory() as scratch:
        work = options.work or pathlib.Path(scratch)
        work.mkdir(parents=True, exist_ok=True)
        paths = pictures(options.photos)
        calibration = paths[:: max(1, len(paths) // CALIBRATION)][:CALIBRATION]
        weights = options.weights or work / f"{options.model}.pth"
        if not weights.exists():
            save_random_weights(weights, options.model, calibration)
        large, small = work / f"large-{options.large}", work / f"small-{options.small}"
        make_pictures(paths, large, options.large, (4000, 3000), 6)
        make_pictures(paths, small, options.small, (500, 375), 5)
        print(f"{options.large} pictures of {megabytes(large):.1f} MB, {options.small} of {megabytes(small):.2f} MB", file=sys.stderr)
        folders = [("12 megapixels", large, "≥ 8 ×", "≥ 3 ×"), ("500 pixels", small, "≥ 5 ×", "≥ 1.5 ×")]
        rows = []
        for part, (what, folder, goal, _) in zip(["large", "small"], folders):
            if part in options.only:
                found = common.alternate(
                    options.rounds,
                    notebook=lambda: notebook([folder], options.model, weights),
                    ours=lambda: ours(options, [folder], options.model, weights),
                )
                rows.append(speed_row(f"{what}, {options.model}", goal, found))
        if "default" in options.only:
            file = options.default_weights
            if str(file) == "random":
                file = work / f"{options.default_model}.pth"
                save_random_weights(file, options.default_model, calibration)
            found = common.alternate(
                options.rounds,
                other=lambda: ours(options, [small], options.model, weights),
                default=lambda: ours(options, [small], options.default_model, file),
            )
            name = found["default"][0].model
            # A checkout whose weights are missing takes the baseline, which is no network to compare with.
            if name != "color-grid":
                rows.append(speed_row(f"500 pixels, ours: {options.model} and {name}", "≥ 4 × the images/s", found))
        if "capped" in options.only:
            rows += capped_rows(options, [(what, folder, goal) for what, folder, _, goal in folders], weights)
        if "fidelity" in options.only:
            rows += fidelity_rows(options, weights, work)
        common.table(["what", "the notebook", "lookalike", "times faster", "goal", "images/s without the process's start"], rows)


if __name__ == "__main__":
    main()
