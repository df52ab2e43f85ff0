#!/usr/bin/env python3
"""Groups against scikit-learn: the same embeddings, the same methods, how far both agree with the sub-folders.

    python3 tests/bench/compare/groups.py FOLDER... [--rows 100000] [--lookalike FILE]

Each FOLDER holds sub-folders of pictures that belong together. The measures are the adjusted Rand index and the
normalized mutual information, with the noise as one group more, the share of noise, and what k-means lessens: the sum of
1 − cosine to the direction of the group's mean, which is ours, and of the squared distances to the mean, scikit-learn's. With `--rows` the seconds of each method on so many vectors around cluster
centers are measured as well, wall clock and processor time.
"""

import os
import pathlib

import collection
import common


# k-means begins by chance: both sides begin so many times.
SEEDS = 16


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


def inertias(unit, labels):
    """What spherical k-means lessens, and what k-means does."""
    groups = [unit[labels == label] for label in np.unique(labels)]
    means = [group.mean(0) for group in groups]
    angles = sum(len(group) * (1 - np.linalg.norm(mean)) for group, mean in zip(groups, means))
    return angles, sum(np.sum((group - mean) ** 2) for group, mean in zip(groups, means))


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
            scores = [score(folders, labels) for score in (adjusted_rand_score, normalized_mutual_info_score) for labels in both]
            noise = [np.mean(labels < 0) for labels in both]
            sums = np.transpose([inertias(unit, labels) for labels in both]).ravel() if method == "kmeans" else [np.nan] * 4
            measured.setdefault(name, []).append([*scores, *noise, adjusted_rand_score(*both), *sums])
        for name, figures in measured.items():
            *scores, noise, its, same, angle, its_angle, square, its_square = np.mean(figures, axis=0)
            sums = "" if np.isnan(angle) else f"{angle:.2f} / {its_angle:.2f}; {square:.2f} / {its_square:.2f}"
            yield [
                f"{folder.name}, {len(folders)} pictures in {count}", name, *(f"{score:.3f}" for score in scores), f"{noise:.0%}",
                f"{its:.0%}", f"{same:.3f}", sums,
            ]
        for method in ("kmeans", "dendrogram"):
            _, found = ours.ask(method, 0)
            yield [
                f"{folder.name}, {len(folders)} pictures in {count}", f"{method} by silhouette, {len(set(found))} groups",
                f"{adjusted_rand_score(folders, found):.3f}", "", f"{normalized_mutual_info_score(folders, found):.3f}", "", "0%", "", "", "",
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
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    built = chosen.bench or collection.bench()
    if chosen.folders:
        lines = [line for folder in chosen.folders for line in quality(built, folder, chosen.lookalike)]
        header = [
            "pictures", "method", "ARI", "ARI scikit-learn", "NMI", "NMI scikit-learn", "noise", "noise scikit-learn", "ARI of both",
            "Σ 1 − cosine, ours / scikit-learn's; Σ distance²",
        ]
        common.table(header, lines)
    if chosen.rows:
        common.table(["vectors", "method", "seconds", "processor seconds", "groups"], list(speed(built, chosen.rows)))
