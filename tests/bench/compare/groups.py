#!/usr/bin/env python3
"""Groups against scikit-learn: the same embeddings, the same methods, how far both agree with the sub-folders.

    python3 tests/bench/compare/groups.py FOLDER... [--rows 100000] [--lookalike FILE]

Each FOLDER holds sub-folders of pictures that belong together. The measures are the adjusted Rand index, with the noise
as one group more, and the share of noise. With `--rows` the seconds of each method on so many vectors around cluster
centers are measured as well, wall clock and processor time.
"""

import os
import pathlib

import collection
import common


# k-means begins by chance: both sides begin so many times.
SEEDS = 8


def options():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=pathlib.Path, help="folders of sub-folders")
    parser.add_argument("--bench", type=pathlib.Path, help="the bench `analysis`, instead of building it")
    parser.add_argument("--rows", type=int, default=0, help="vectors to time the methods on")
    return parser.parse_args()


def scikit_learn(unit, method, first, second):
    """The labels that scikit-learn finds by the same method."""
    if method == "hdbscan":
        return HDBSCAN(min_cluster_size=first, min_samples=second, copy=True).fit_predict(unit)
    if method == "kmeans":
        return KMeans(first, n_init=10, random_state=second).fit_predict(unit)
    return AgglomerativeClustering(first, metric="cosine", linkage="average").fit_predict(unit)


def quality(program, folder, lookalike):
    vectors, folders = collection.vectors_of(lookalike, folder)
    unit = collection.unit(vectors)
    count = len(set(folders))
    asked = [("hdbscan", 5, 5), ("hdbscan", 5, 2), ("hdbscan", 3, 2), *(("kmeans", count, seed) for seed in range(SEEDS)), ("dendrogram", count, "")]
    with collection.Analysis(program, vectors) as ours:
        ours.ask("graph", 16)
        measured = {}
        for method, first, second in asked:
            both = ours.ask(method, first, second)[1], scikit_learn(unit, method, first, second)
            name = f"kmeans {first}, mean of {SEEDS} seeds" if method == "kmeans" else f"{method} {first} {second}"
            rands = [adjusted_rand_score(folders, labels) for labels in both]
            noise = [np.mean(labels < 0) for labels in both]
            measured.setdefault(name, []).append([*rands, *noise, adjusted_rand_score(*both)])
        for name, figures in measured.items():
            ari, other, noise, its, same = np.mean(figures, axis=0)
            yield [f"{folder.name}, {len(folders)} pictures in {count}", name, f"{ari:.3f}", f"{other:.3f}", f"{noise:.0%}", f"{its:.0%}", f"{same:.3f}"]
        for method in ("kmeans", "dendrogram"):
            _, found = ours.ask(method, 0)
            yield [
                f"{folder.name}, {len(folders)} pictures in {count}", f"{method} by silhouette, {len(set(found))} groups",
                f"{adjusted_rand_score(folders, found):.3f}", "", "0%", "", "",
            ]


def speed(program, rows):
    random = np.random.default_rng(rows)
    centers = (random.random((300, 512), dtype=np.float32) * 3 - 1.2).clip(0)
    vectors = np.empty((rows, 512), dtype=np.float16)
    for start in range(0, rows, 20_000):
        part = vectors[start : start + 20_000]
        part[:] = (centers[random.integers(0, 300, len(part))] + random.random(part.shape, dtype=np.float32) - 0.5).clip(0)
    with collection.Analysis(program, vectors) as ours:
        for words in [("graph", 16), ("hdbscan", 5, 2), ("kmeans", 0), ("kmeans", 100), ("dendrogram", 0)]:
            before = processor_seconds(ours.process.pid)
            seconds, found = ours.ask(*words)
            used = processor_seconds(ours.process.pid) - before
            groups = len(set(found)) if words[0] != "graph" else ""
            yield [f"{rows} × 512", " ".join(map(str, words)), f"{seconds:.1f}", f"{used:.1f}", groups]


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    chosen = options()
    common.enter(chosen.python)
    import numpy as np
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
    from sklearn.metrics import adjusted_rand_score

    built = chosen.bench or collection.bench()
    if chosen.folders:
        lines = [line for folder in chosen.folders for line in quality(built, folder, chosen.lookalike)]
        header = ["pictures", "method", "ARI", "ARI scikit-learn", "noise", "noise scikit-learn", "ARI of both"]
        common.table(header, lines)
    if chosen.rows:
        common.table(["vectors", "method", "seconds", "processor seconds", "groups"], list(speed(built, chosen.rows)))
