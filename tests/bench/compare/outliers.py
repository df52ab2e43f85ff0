#!/usr/bin/env python3
"""Outliers against scikit-learn: one kind of picture with one in twenty of other kinds among them.

    python3 tests/bench/compare/outliers.py FOLDER... [--lookalike FILE] [--others 0.05] [--rounds 20]

Each FOLDER holds sub-folders of one kind each. Every sub-folder in turn is the kind, and pictures of the others are drawn
at random, `--rounds` times. The figure is the area under the ROC curve, the mean over all mixtures of a folder, of
lookalike's two scores, scikit-learn's LOF on the same unit vectors, and its isolation forest. The LOF of both must be the
same.
"""

import pathlib

import collection
import common


def options():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", type=pathlib.Path, help="folders of sub-folders")
    parser.add_argument("--bench", type=pathlib.Path, help="the bench `analysis`, instead of building it")
    parser.add_argument("--others", type=float, default=0.05, help="pictures of other kinds, as a part of the kind's own")
    parser.add_argument("--neighbors", type=int, nargs="*", default=[16], help="numbers of nearest pictures looked at")
    return parser.parse_args()


def mixtures(folders, others, rounds):
    random = np.random.default_rng(0)
    for kind in sorted(set(folders)):
        own, strange = np.flatnonzero(folders == kind), np.flatnonzero(folders != kind)
        for _ in range(rounds if len(own) >= 10 else 0):
            yield np.concatenate([own, random.choice(strange, max(1, round(others * len(own))), replace=False)]), len(own)


def compared(program, folder, chosen):
    vectors, folders = collection.vectors_of(chosen.lookalike, folder)
    found = {}
    for rows, own in mixtures(folders, chosen.others, chosen.rounds):
        unit, strange = collection.unit(vectors[rows]), np.arange(len(rows)) >= own
        note = lambda name, scores: found.setdefault(name, []).append(roc_auc_score(strange, scores))
        with collection.Analysis(program, vectors[rows]) as ours:
            ours.ask("graph", max(chosen.neighbors))
            for k in (k for k in chosen.neighbors if k < len(rows)):
                _, lof = ours.ask("lof", k)
                theirs = -LocalOutlierFactor(k).fit(unit.astype(np.float64)).negative_outlier_factor_
                assert np.abs(lof - theirs).max() < 1e-4, np.abs(lof - theirs).max()
                note(f"mean distance, k = {k}", ours.ask("distance", k)[1])
                note(f"LOF, k = {k}", lof)
                note(f"scikit-learn's LOF, k = {k}", theirs)
        note("scikit-learn's LOF as it comes", -LocalOutlierFactor().fit(unit).negative_outlier_factor_)
        note("isolation forest", -IsolationForest(random_state=0).fit(unit).score_samples(unit))
    for name, figures in found.items():
        yield [folder.name, len(figures), name, f"{np.mean(figures):.3f}", common.spread(figures, "{:.3f}")]


if __name__ == "__main__":
    chosen = options()
    common.enter(chosen.python)
    import warnings

    import numpy as np
    from sklearn.ensemble import IsolationForest
    from sklearn.metrics import roc_auc_score
    from sklearn.neighbors import LocalOutlierFactor

    warnings.filterwarnings("ignore", message="n_neighbors")
    built = chosen.bench or collection.bench()
    lines = [line for folder in chosen.folders for line in compared(built, folder, chosen)]
    common.table(["folder", "mixtures", "score", "mean AUC", "AUC"], lines)
