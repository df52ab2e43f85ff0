#!/usr/bin/env python3
"""The nearest of all pictures against faiss: every row searched in all rows, the same vectors, the same threads.

    python3 tests/bench/compare/graph.py [--rows 100000] [--kinds uniform clustered] [--vectors FILE] [--rounds 3]

faiss searches its exact index for all rows at once (inner products of unit vectors); lookalike makes its graph. The two
take turns and must find the same neighbors. `--vectors` is a file of half floats, 512 a row, of pictures of yours.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import common

try:
    import numpy as np
    import faiss
except ImportError:
    # They come with the environment that `main` enters first.
    pass

DIM, CLUSTERS, NEAREST = 512, 300, 16
CHUNK = 20_000


def write_vectors(path, rows, kind):
    """Independent uniform values, the worst case, or vectors around cluster centers as a network's features are."""
    random = np.random.default_rng(rows)
    centers = (random.random((CLUSTERS, DIM), dtype=np.float32) * 3 - 1.2).clip(0)
    with open(path, "wb") as file:
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            chunk = random.random((count, DIM), dtype=np.float32)
            if kind == "clustered":
                chunk = (centers[random.integers(0, CLUSTERS, count)] + chunk - 0.5).clip(0)
            file.write(chunk.astype("<f2").tobytes())


def write_like(path, rows, given):
    """As many rows as wanted: the given ones, then again with a little noise."""
    random = np.random.default_rng(rows)
    given = np.fromfile(given, dtype="<f2").reshape(-1, DIM).astype(np.float32)
    spread = given.std(axis=0, keepdims=True)
    with open(path, "wb") as file:
        for start in range(0, rows, CHUNK):
            at = np.arange(start, min(rows, start + CHUNK))
            noise = random.standard_normal((len(at), DIM), dtype=np.float32) * spread * 0.3
            file.write((given[at % len(given)] + noise * (at >= len(given))[:, None]).astype("<f2").tobytes())


class Ours:
    """The benchmark `graph` of this repository, which answers one line a graph."""

    def __init__(self, file):
        command = [common.benchmark("graph"), str(file), str(DIM), str(NEAREST)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def search(self, threads):
        self.process.stdin.write(f"{threads} cosine\n")
        self.process.stdin.flush()
        seconds, *places = self.process.stdout.readline().split()
        return float(seconds), np.array(places, dtype=np.int64).reshape(-1, NEAREST)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def differing(vectors, ours, theirs):
    """Rows with other neighbors than faiss found, but for those that float32 cannot tell apart."""
    count = 0
    for row in np.flatnonzero((ours != theirs).any(axis=1)):
        near = [np.sort(vectors[places].astype(np.float64) @ vectors[row]) for places in (ours[row], theirs[row])]
        count += not np.allclose(*near, rtol=0, atol=2e-6)
    return count


def compared(file, rounds):
    vectors = np.fromfile(file, dtype="<f2").reshape(-1, DIM).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = faiss.IndexFlatIP(DIM)
    index.add(vectors)
    ours = Ours(file)
    threads = common.cores()
    faiss.omp_set_num_threads(threads)
    found = {}

    def by_faiss():
        seconds = common.seconds(lambda: found.update(theirs=index.search(vectors, NEAREST + 1)[1]))
        return seconds

    def by_lookalike():
        seconds, found["ours"] = ours.search(threads)
        return seconds

    times = common.alternate(rounds, faiss=by_faiss, lookalike=by_lookalike)
    ours.close()
    # Each row finds itself, at any place among its equals.
    itself = found["theirs"] == np.arange(len(vectors))[:, None]
    itself[~itself.any(axis=1), -1] = True
    theirs = found["theirs"][~itself].reshape(-1, NEAREST)
    return times, differing(vectors, found["ours"], theirs)


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kinds", nargs="*", default=["uniform", "clustered"])
    parser.add_argument("--vectors", type=pathlib.Path)
    options = parser.parse_args()
    # They choose the kernel of OpenBLAS, which faiss should choose for itself.
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(name, None)
    common.enter(options.python)
    table = []
    for kind in [*options.kinds, *([options.vectors] if options.vectors else [])]:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "vectors.f16"
            if isinstance(kind, str):
                write_vectors(file, options.rows, kind)
            else:
                write_like(file, options.rows, kind)
            times, others = compared(file, options.rounds)
            ratio = common.spread(common.ratios(times["faiss"], times["lookalike"]))
            row = [common.spread(times["faiss"], "{:.1f}"), common.spread(times["lookalike"], "{:.1f}"), ratio, others]
            table.append([f"{options.rows:,}", kind, *row])
    common.table(["rows", "vectors", "faiss, s", "lookalike, s", "ratio", "rows that differ"], table)


if __name__ == "__main__":
    main()
