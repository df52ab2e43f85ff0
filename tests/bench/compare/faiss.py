#!/usr/bin/env python3
"""Exact search against faiss: one query, the 20 nearest, the same vectors, the same number of threads.

    python3 tests/bench/compare/faiss.py [--rows 100000 1000000] [--rounds 15]

faiss-cpu and numpy are installed into a virtual environment of their own in the system's folder for temporary files.
Both sides search vectors that are half floats: lookalike stores them as such, faiss's flat indexes as float32.
faiss finds one metric a search (inner product of unit vectors, or squared distance); lookalike finds both in one
pass, and its time holds both rankings. The two take turns, round by round, and must find the same neighbors.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import venv

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
ENVIRONMENT = pathlib.Path(tempfile.gettempdir()) / "lookalike-faiss"
DIM, CLUSTERS, NEAREST = 512, 300, 20
CHUNK = 50_000


def enter_environment():
    """Runs this script again with the interpreter of the virtual environment, which is made if need be."""
    python = ENVIRONMENT / "bin" / "python"
    if pathlib.Path(sys.prefix) == ENVIRONMENT:
        return
    if not python.exists():
        venv.create(ENVIRONMENT, with_pip=True)
    wanted = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "faiss-cpu", "numpy"]
    subprocess.run(wanted, check=True)
    os.execv(python, [str(python), *sys.argv])


def write_vectors(path, rows):
    """Vectors around cluster centers, not negative, as a network's pooled features are."""
    random = np.random.default_rng(rows)
    centers = (random.random((CLUSTERS, DIM), dtype=np.float32) * 3 - 1.2).clip(0)
    with open(path, "wb") as file:
        for start in range(0, rows, CHUNK):
            count = min(CHUNK, rows - start)
            noise = random.random((count, DIM), dtype=np.float32) - 0.5
            chunk = (centers[random.integers(0, CLUSTERS, count)] + noise).clip(0)
            file.write(chunk.astype("<f2").tobytes())


def flat_index(vectors, metric):
    """faiss's exact index; for cosine similarity it gets unit vectors."""
    index = faiss.IndexFlatIP(DIM) if metric == "cosine" else faiss.IndexFlatL2(DIM)
    for start in range(0, len(vectors), CHUNK):
        index.add(as_faiss_wants(vectors[start : start + CHUNK], metric))
    return index


def as_faiss_wants(vectors, metric):
    vectors = np.array(vectors, dtype=np.float32)
    if metric == "cosine":
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


class Ours:
    """The benchmark `query` of this repository, which answers one line a query."""

    def __init__(self, file):
        build = ["cargo", "bench", "--locked", "--bench", "query", "--no-run", "--message-format=json"]
        lines = subprocess.run(build, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
        built = [message["executable"] for message in map(json.loads, lines) if message.get("executable")]
        command = [built[-1], str(file), str(DIM)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def search(self, threads, row):
        """Milliseconds, and the neighbors by metric."""
        self.process.stdin.write(f"{threads} {row}\n")
        self.process.stdin.flush()
        milliseconds, *places = self.process.stdout.readline().split()
        places = [int(place) for place in places]
        return float(milliseconds), {"cosine": places[:NEAREST], "euclidean": places[NEAREST:]}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def same(vectors, row, metric, ours, theirs):
    """Whether both found the same neighbors; those that float32 cannot tell apart may stand in another order."""
    if ours == theirs:
        return True
    query = np.array(vectors[row], dtype=np.float64)

    def values(places):
        found = np.array(vectors[places], dtype=np.float64)
        if metric == "euclidean":
            return np.linalg.norm(found - query, axis=1)
        return found @ query / np.linalg.norm(found, axis=1) / np.linalg.norm(query)

    return np.allclose(values(ours), values(theirs), rtol=2e-6, atol=0)


def compared(vectors, index, ours, metric, threads, rounds):
    """Milliseconds of both sides, taking turns."""
    faiss.omp_set_num_threads(threads)
    times = ([], [])
    for at in range(rounds + 2):
        row = (at * 7919 + 17) % len(vectors)
        query = as_faiss_wants(vectors[row : row + 1], metric)
        start = time.perf_counter()
        _, theirs = index.search(query, NEAREST)
        their_time = (time.perf_counter() - start) * 1e3
        our_time, found = ours.search(threads, row)
        if not same(vectors, row, metric, found[metric], theirs[0].tolist()):
            sys.exit(f"row {row} by {metric}: faiss found {theirs[0].tolist()}, lookalike {found[metric]}")
        # The first rounds bring both into the caches.
        if at >= 2:
            times[0].append(their_time)
            times[1].append(our_time)
    return times


def three(times):
    return f"{min(times):7.2f} {statistics.median(times):7.2f} {max(times):7.2f}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rows", type=int, nargs="+", default=[100_000])
    arguments.add_argument("--rounds", type=int, default=15)
    arguments = arguments.parse_args()
    print(f"faiss {faiss.__version__}, {DIM} values a vector, the {NEAREST} nearest; milliseconds: min, median, max")
    print(f"{'rows':>9} threads {'metric':9} {'faiss, this metric':>23} {'lookalike, both':>23} ratio of medians")
    for rows in arguments.rows:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "vectors.f16"
            write_vectors(file, rows)
            vectors = np.memmap(file, dtype="<f2", mode="r").reshape(rows, DIM)
            ours = Ours(file)
            for metric in ("cosine", "euclidean"):
                index = flat_index(vectors, metric)
                for threads in sorted({1, os.cpu_count()}):
                    theirs, own = compared(vectors, index, ours, metric, threads, arguments.rounds)
                    ratio = statistics.median(own) / statistics.median(theirs)
                    print(f"{rows:9} {threads:7} {metric:9} {three(theirs)} {three(own)} {ratio:6.2f}", flush=True)
            ours.close()


if __name__ == "__main__":
    # Not from this folder, where the script itself bears the name of what it imports.
    sys.path.pop(0)
    enter_environment()
    import faiss
    import numpy as np

    main()
