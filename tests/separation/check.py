#!/usr/bin/env python3
"""Holds `lookalike evaluate` against numpy and scikit-learn.

    check.py LOOKALIKE FOLDER [--model NAME]   the program's scores of a folder, from its own table of all pairs
    check.py --formula                         the expected numbers of tests/it/separation.rs

Needs numpy and scikit-learn. Ends with 1 when a score differs by more than 1e-4.
"""
import json
import subprocess
import sys

import numpy as np
from sklearn.metrics import roc_auc_score, silhouette_score
from sklearn.metrics.pairwise import cosine_similarity

VOTERS = 5


def scores(values, groups, metric):
    """Every score of one table of pairwise values; `groups` holds a distinct name for pictures without a group."""
    distance = 1 - values if metric == "cosine" else values.copy()
    np.fill_diagonal(distance, 0)
    distance = np.maximum(distance, 0)
    n = len(groups)
    same = groups[:, None] == groups[None]
    np.fill_diagonal(same, False)
    off = ~np.eye(n, dtype=bool)
    queries = same.any(1)
    ranked = distance.copy()
    np.fill_diagonal(ranked, np.inf)
    order = np.argsort(ranked, 1, kind="stable")[:, :-1]
    hits = np.take_along_axis(same, order, 1)[queries].astype(float)
    precision = hits.cumsum(1) / np.arange(1, n)

    def voted(row):
        voters = list(groups[row[:VOTERS]])
        return max(voters, key=lambda group: (voters.count(group), -voters.index(group)))

    return {
        "recall_at_1": hits[:, 0].mean(),
        "precision_at_5": hits[:, :5].mean(),
        "mean_average_precision": ((precision * hits).sum(1) / hits.sum(1)).mean(),
        "knn_accuracy": np.mean([voted(order[i]) == groups[i] for i in np.flatnonzero(queries)]),
        "mean_same": values[same].mean(),
        "mean_other": values[off & ~same].mean(),
        "silhouette": silhouette_score(distance, groups, metric="precomputed"),
        "roc_auc": roc_auc_score(same[off], -distance[off]),
    }


def formula():
    """26 rows in 4 groups and two loners, rounded to half precision as the program stores them."""
    i, j = np.mgrid[0:26, 0:6]
    rows = np.sin(12.9898 * i + 78.233 * j + i * j) * 2 + np.where((j == i % 4) & (i < 24), 2, 0)
    rows = rows.astype(np.float16).astype(np.float64)
    groups = np.array([f"g{i % 4}" if i < 24 else f"alone {i}" for i in range(26)])
    for metric in ("cosine", "euclidean"):
        values = cosine_similarity(rows) if metric == "cosine" else np.sqrt(((rows[:, None] - rows) ** 2).sum(2))
        print(metric, {name: round(float(value), 6) for name, value in scores(values, groups, metric).items()})


def check(program, folder, more):
    def ask(*arguments):
        return json.loads(subprocess.run([program, *arguments, folder, "--json", *more], check=True, stdout=subprocess.PIPE).stdout)

    evaluated = ask("evaluate")["models"][0]
    worst = 0.0
    for found in evaluated["scores"]:
        table = ask("matrix", "--metric", found["metric"])
        groups = np.array([group or f"alone {at}" for at, group in enumerate(table["groups"])])
        expected = scores(np.array(table["values"], dtype=np.float64), groups, found["metric"])
        for name, value in expected.items():
            worst = max(worst, abs(value - found[name]))
            print(f"{found['metric']:9} {name:24} {found[name]:.6f} {value:.6f}")
    print(f"largest difference {worst:.2e}")
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    if sys.argv[1:] == ["--formula"]:
        formula()
    elif len(sys.argv) >= 3:
        check(sys.argv[1], sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)
