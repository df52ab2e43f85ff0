#!/usr/bin/env python3
"""Exact search against faiss: one query, the 20 nearest, the same vectors, the same number of threads.

    python3 tests/bench/compare/neighbors.py [--rows 100000 1000000] [--rounds 15]

Both sides search vectors that are half floats: lookalike stores them as such, faiss's flat indexes as float32.
faiss finds one metric a search (inner product of unit vectors, or squared distance); lookalike finds both in one
pass, and its time holds both rankings. The two take turns, round by round, and must find the same neighbors.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time

import common

DIM, CLUSTERS, NEAREST = 512, 300, 20
CHUNK = 50_000


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
        lines = subprocess.run(build, cwd=common.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
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

    return np.allclose(values(ours), values(theirs), rtol=2e-5, atol=0)


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


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.set_defaults(rounds=15)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    options = parser.parse_args()
    common.enter(options.python)
    table = []
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "vectors.f16"
            write_vectors(file, rows)
            vectors = np.memmap(file, dtype="<f2", mode="r").reshape(rows, DIM)
            ours = Ours(file)
            for metric in ("cosine", "euclidean"):
                index = flat_index(vectors, metric)
                for threads in sorted({1, common.cores()}):
                    theirs, own = compared(vectors, index, ours, metric, threads, options.rounds)
                    times = [common.spread(theirs), common.spread(own), common.spread(common.ratios(own, theirs))]
                    table.append([f"{rows:,}", threads, metric, *times])
            ours.close()
    common.table(["rows", "threads", "metric", "faiss, this metric, ms", "lookalike, both metrics, ms", "ratio"], table)


if __name__ == "__main__":
    try:
        import faiss
        import numpy as np
    except ImportError:
        # They come with the environment that `main` enters first.
        pass
    main()
