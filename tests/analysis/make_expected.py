#!/usr/bin/env python3
"""Writes expected.json for tests/it/analysis.rs: groups and outliers of made-up rows, by scikit-learn.

    make_expected.py > expected.json

Needs numpy and scikit-learn. The rows are those that the test makes by the same formula, rounded to half precision as the
program stores them, and divided by their lengths.
"""
import json

import numpy as np
from sklearn.cluster import HDBSCAN, AgglomerativeClustering
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors

ROWS, DIM, KINDS, NEIGHBORS = 90, 16, 4, 6


def rows():
    """Four kinds of different density, and every fifteenth row between them."""
    i, j = np.mgrid[0:ROWS, 0:DIM]
    own = np.sin(12.9898 * i + 78.233 * j + 0.7 * i * j) * (0.4 + 0.3 * (i % KINDS))
    kind = np.where((j % KINDS == i % KINDS) & (i % 15 != 0), 3, 0)
    return (own + kind).astype(np.float16).astype(np.float64)


def main():
    raw = rows()
    unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    kinds = np.arange(ROWS) % KINDS
    distances = NearestNeighbors(n_neighbors=NEIGHBORS).fit(unit).kneighbors()[0]
    tree = AgglomerativeClustering(6, metric="cosine", linkage="average").fit_predict(unit)
    dense = HDBSCAN(min_cluster_size=5, min_samples=2, copy=True).fit_predict(unit)
    expected = {
        "distance": np.round(distances.mean(1), 7).tolist(),
        "lof": np.round(-LocalOutlierFactor(NEIGHBORS).fit(unit).negative_outlier_factor_, 7).tolist(),
        "hdbscan": dense.tolist(),
        "dendrogram": tree.tolist(),
        "silhouette": silhouette_score(unit, tree, metric="cosine"),
        "adjusted_rand": adjusted_rand_score(kinds, dense),
        "normalized_mutual_information": normalized_mutual_info_score(kinds, dense),
    }
    print(json.dumps(expected))


if __name__ == "__main__":
    main()
