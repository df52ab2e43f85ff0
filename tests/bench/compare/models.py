#!/usr/bin/env python3
"""Two models on the same pictures: lookalike's figures against the formulas in NumPy, SciPy and scikit-learn.

    python3 tests/bench/compare/models.py FOLDER [FOLDER ...] [--models gaze color-grid]

FOLDERs hold pictures in sub-folders. lookalike indexes them by both models and prints what `compare` finds; the same figures are
computed from the embeddings in its index: linear CKA (Kornblith et al. 2019, the kernel form and the features form), the
overlap of the nearest ten, and Spearman's rank correlation of the cosine similarities.
"""

import json
import pathlib
import sqlite3
import subprocess
import tempfile

import common

NEAREST = 10
# Bytes before the vectors in their file.
HEADER = 64


def embeddings(cache):
    """Of each model its raw embeddings by path."""
    found = {}
    for file in pathlib.Path(cache).glob("*/records.sqlite"):
        database = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        (root, model, settings) = database.execute("SELECT root, model, settings FROM store").fetchone()
        dim = int(settings.rpartition("dim=")[2])
        (vectors,) = file.parent.glob("vectors-*.f16")
        values = np.fromfile(vectors, dtype="<f2", offset=HEADER)
        values = values[: len(values) // dim * dim].reshape(-1, dim).astype(np.float64)
        rows = database.execute("SELECT row, path, scale FROM images WHERE gone IS NULL").fetchall()
        found[model] = {path.decode(): values[row] * scale for row, path, scale in rows}
    return found


def cka(x, y):
    """The features form."""
    x, y = x - x.mean(0), y - y.mean(0)
    return np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y))


def kernel_cka(x, y):
    """The kernel form, HSIC of Gram matrices."""
    center = np.eye(len(x)) - 1 / len(x)
    k, l = center @ (x @ x.T) @ center, center @ (y @ y.T) @ center
    return (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum())


def agreement(x, y):
    """Mean overlap of the nearest, and mean rank correlation."""
    a, b = cosine_similarity(x), cosine_similarity(y)
    overlaps, ranks = [], []
    for row in range(len(x)):
        others = np.arange(len(x)) != row
        one, other = a[row][others], b[row][others]
        nearest = [set(np.argsort(-values, kind="stable")[:NEAREST]) for values in (one, other)]
        overlaps.append(len(nearest[0] & nearest[1]) / min(NEAREST, len(one)))
        ranks.append(spearmanr(one, other).statistic)
    return np.mean(overlaps), np.nanmean(ranks)


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=pathlib.Path)
    parser.add_argument("--models", nargs=2, default=["gaze", "color-grid"])
    options = parser.parse_args()
    common.enter(options.python)
    table = []
    for folder in map(pathlib.Path.resolve, options.folders):
        with tempfile.TemporaryDirectory() as cache:
            models = [word for model in options.models for word in ("--model", model)]
            command = [options.lookalike, "compare", folder, *models, "--json", "--cache-dir", cache]
            found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            by_path = [embeddings(cache)[model] for model in options.models]
            paths = sorted(set(by_path[0]) & set(by_path[1]))
            x, y = (np.array([of[path] for path in paths]) for of in by_path)
        features, kernel = cka(x, y), kernel_cka(x, y)
        overlap, ranks = agreement(x, y)
        ours = [found["cka"], found["neighbors_in_common"], found["rank_correlation"]]
        theirs = [features, overlap, ranks]
        differences = [f"{abs(one - other):.1e}" for one, other in zip(ours, theirs)]
        table.append([folder.name, len(paths), *(f"{value:.5f}" for value in ours), *differences, f"{abs(features - kernel):.1e}"])
    header = ["folder", "pictures", "CKA", "in common", "ranks", "CKA off", "in common off", "ranks off", "kernel form off"]
    common.table(header, table)


if __name__ == "__main__":
    try:
        import numpy as np
        from scipy.stats import spearmanr
        from sklearn.metrics.pairwise import cosine_similarity
    except ImportError:
        # They come with the environment that `main` enters first.
        pass
    main()
