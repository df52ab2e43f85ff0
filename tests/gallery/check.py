#!/usr/bin/env python3
"""Holds `lookalike gallery` against numpy and scikit-learn.

    check.py LOOKALIKE FOLDER [--model NAME]   the program's error rates of a folder, from its own table of all pairs
    check.py --formula                         the expected numbers of tests/it/gallery.rs

Needs numpy, scipy and scikit-learn. Ends with 1 when a rate differs by more than 1e-4, or 1/2 of a pair.
"""
import json
import subprocess
import sys

import numpy as np
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import roc_auc_score, roc_curve


def rates(distance, names):
    """AUC, equal error rate, and FAR and FRR at some distances, of all pairs."""
    pairs = np.triu_indices(len(names), 1)
    same, distance = (names[:, None] == names[None])[pairs], distance[pairs]
    far, accepted, thresholds = roc_curve(same, -distance, drop_intermediate=False)
    found = {
        "auc": roc_auc_score(same, -distance),
        "eer": brentq(lambda x: 1 - x - interp1d(far, accepted)(x), 0, 1),
    }
    at = {}
    for threshold in np.quantile(distance, [0.05, 0.25, 0.5, 0.75]):
        place = np.searchsorted(-thresholds, threshold, side="right") - 1
        at[float(threshold)] = (far[place], 1 - accepted[place])
    return found, at


def tables(rows):
    """1 − cosine and euclidean distance of all pairs."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return {
        "cosine": np.maximum(1 - unit @ unit.T, 0),
        "euclidean": np.sqrt(((rows[:, None] - rows) ** 2).sum(2)),
    }


def trials(rows, names, metric):
    """Each picture against the center of its name without it, and against the best center of the others."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    own, best = [], []
    for at, name in enumerate(names):
        def value(members):
            if metric == "cosine":
                center = unit[members].sum(0)
                return unit[at] @ center / np.linalg.norm(center)
            return -np.linalg.norm(rows[at] - rows[members].mean(0))
        mine = names == name
        mine[at] = False
        own.append(value(mine))
        best.append(max(value(names == other) for other in set(names) - {name}))
    own, best = np.array(own), np.array(best)
    sign = 1 if metric == "cosine" else -1
    out = {}
    for threshold in np.quantile(best, [0.5, 0.9]):
        named = np.maximum(own, best) >= threshold
        out[round(float(sign * threshold), 4)] = {
            "strangers_named": (best >= round(threshold, 4)).mean(),
            "right": (named & (own > best)).mean(),
            "wrong": (named & (own <= best)).mean(),
        }
    return out


def formula():
    """24 rows under 4 names, rounded to half precision as the program stores them."""
    i, j = np.mgrid[0:24, 0:6]
    rows = np.sin(12.9898 * i + 78.233 * j + i * j) * 2 + np.where(j == i % 4, 2, 0)
    rows = rows.astype(np.float16).astype(np.float64)
    names = np.array([f"g{at % 4}" for at in range(24)])
    for metric, distance in tables(rows).items():
        found, at = rates(distance, names)
        print(metric, {name: round(float(value), 6) for name, value in found.items()})
        for threshold, (far, frr) in at.items():
            print(f"    ({threshold:.6f}, {far:.6f}, {frr:.6f}),")
        print(trials(rows, names, metric))


def check(program, folder, more):
    def ask(*arguments):
        return json.loads(subprocess.run([program, *arguments, folder, "--json", *more], check=True, stdout=subprocess.PIPE).stdout)

    worst = 0.0
    for metric in ("cosine", "euclidean"):
        report, table = ask("gallery", "--metric", metric), ask("matrix", "--metric", metric)
        names = np.array(table["groups"])
        values = np.array(table["values"], dtype=np.float64)
        distance = np.maximum(1 - values, 0) if metric == "cosine" else values
        found, _ = rates(distance, names)
        for name, mine in (("auc", report["pairs"]["roc_auc"]), ("eer", report["pairs"]["equal_error_rate"])):
            worst = max(worst, abs(mine - found[name]))
            print(f"{metric:9} {name} {mine:.6f} {found[name]:.6f}")
        pairs = np.triu_indices(len(names), 1)
        same, distance = (names[:, None] == names[None])[pairs], distance[pairs]
        for point in report["pairs"]["curve"]:
            # What lies within the rounding of the program's distances may count on either side.
            threshold = 1 - point["threshold"] if metric == "cosine" else point["threshold"]
            for kind, mine in ((~same, point["far"]), (same, 1 - point["frr"])):
                low, high = ((distance[kind] <= threshold * (1 + sign * 2e-4) + sign * 1e-6).mean() for sign in (-1, 1))
                worst = max(worst, low - mine, mine - high)
    print(f"largest difference {worst:.2e}")
    sys.exit(worst > 1e-4)


if __name__ == "__main__":
    if sys.argv[1:] == ["--formula"]:
        formula()
    elif len(sys.argv) >= 3:
        check(sys.argv[1], sys.argv[2], sys.argv[3:])
    else:
        sys.exit(__doc__)
