#!/usr/bin/env python3
"""Labels against scikit-learn and cleanlab: accuracy, time, and how well swapped labels are found.

    python3 tests/bench/compare/labels.py FOLDER [FOLDER ...] [--rows 100000] [--labels 100] [--swapped 0.05]

FOLDERs hold pictures in sub-folders. lookalike indexes and learns them; scikit-learn gets the same embeddings, each divided by
its length, and the same folds: its LogisticRegression with the same C, and its KNeighborsClassifier. Then a share of the labels
is swapped at random, and both sides rank the pictures by how likely they are mislabeled: mean average precision, cleanlab's on
out-of-fold probabilities of scikit-learn. Last the time of `--rows` rows of 512 values with `--labels` labels: scikit-learn's fit
and five more on four fifths each, with the C that lookalike chose, against all that lookalike does. `--rows 0` leaves it out.
"""

import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

import common

DIM = 512
# Bytes before the vectors in their file.
HEADER = 64


def embeddings(cache):
    """Of each path its embedding, divided by its length."""
    (store,) = [file.parent for file in pathlib.Path(cache).glob("*/records.sqlite")]
    database = sqlite3.connect(f"file:{store}/records.sqlite?mode=ro", uri=True)
    (root, settings) = database.execute("SELECT root, settings FROM store").fetchone()
    dim = int(settings.rpartition("dim=")[2])
    rows = database.execute("SELECT row, path, scale FROM images WHERE gone IS NULL").fetchall()
    (file,) = store.glob("vectors-*.f16")
    values = np.fromfile(file, dtype="<f2", offset=HEADER)
    values = values[: len(values) // dim * dim].reshape(-1, dim).astype(np.float64)
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
    return {f"{root.decode()}/{path.decode()}": values[row] * scale for row, path, scale in rows}


def learned(program, folder, cache, *arguments):
    command = [program, "labels", folder, "--json", "--cache-dir", cache, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def probabilities(rows, targets, folds, strength):
    """scikit-learn's, of each row from those of other folds."""
    found = np.zeros((len(rows), targets.max() + 1))
    for fold in np.unique(folds):
        held = folds == fold
        model = LogisticRegression(C=strength, max_iter=10_000).fit(rows[~held], targets[~held])
        found[np.ix_(held, model.classes_)] = model.predict_proba(rows[held])
    return found


def as_arrays(found, of_path):
    names = [label["name"] for label in found["labels"]]
    pictures = found["labeled"]
    rows = np.array([of_path[picture["path"]] for picture in pictures])
    targets = np.array([names.index(picture["label"]) for picture in pictures])
    return rows, targets, np.array([picture["fold"] for picture in pictures])


def accuracy_row(folder, found, of_path):
    rows, targets, folds = as_arrays(found, of_path)
    # Two labels have one row of weights in scikit-learn, and two that share the work here.
    strength = found["strength"] * (0.5 if len(found["labels"]) == 2 else 1)
    probe = (probabilities(rows, targets, folds, strength).argmax(1) == targets).mean()
    voted = np.zeros(len(rows), dtype=bool)
    for fold in np.unique(folds):
        held = folds == fold
        neighbors = KNeighborsClassifier(5, metric="cosine").fit(rows[~held], targets[~held])
        voted[held] = neighbors.predict(rows[held]) == targets[held]
    ours, knn = found["accuracy"]["value"], found["knn_accuracy"]["value"]
    numbers = [ours, probe, ours - probe, knn, voted.mean(), knn - voted.mean()]
    return [folder.name, len(rows), found["strength"], *(f"{number:.4f}" for number in numbers)]


def swapped_row(program, folder, cache, found, of_path, share):
    pictures, names = found["labeled"], [label["name"] for label in found["labels"]]
    ours, theirs = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        chosen = set(random.choice(len(pictures), max(1, round(share * len(pictures))), replace=False).tolist())
        with tempfile.TemporaryDirectory() as home:
            file = pathlib.Path(home) / "labels.csv"
            labels = []
            for at, picture in enumerate(pictures):
                others = [name for name in names if name != picture["label"]]
                labels.append(str(random.choice(others)) if at in chosen else picture["label"])
            lines = (f'"{picture["path"]}","{label}"\n' for picture, label in zip(pictures, labels))
            file.write_text("path,label\n" + "".join(lines))
            again = learned(program, folder, cache, "--labels", str(file))
        wrong = {pictures[at]["path"] for at in chosen}
        truth = np.array([picture["path"] in wrong for picture in again["labeled"]])
        ours.append(average_precision_score(truth, [-picture["probability"] for picture in again["labeled"]]))
        rows, targets, folds = as_arrays(again, of_path)
        scores = get_label_quality_scores(targets, probabilities(rows, targets, folds, again["strength"]))
        theirs.append(average_precision_score(truth, -scores))
    return [folder.name, len(pictures), f"{np.mean(ours):.4f}", f"{np.mean(theirs):.4f}"]


def timed(rows, labels, threads, rounds):
    random = np.random.default_rng(rows)
    centers = random.standard_normal((labels, DIM), dtype=np.float32)
    targets = np.sort(random.integers(0, labels, rows)).astype("<u4")
    values = (centers[targets] + 3 * random.standard_normal((rows, DIM), dtype=np.float32)).astype("<f2")
    unit = values.astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    build = ["cargo", "bench", "--locked", "--no-default-features", "--bench", "labels", "--no-run", "--message-format=json"]
    lines = subprocess.run(build, cwd=common.ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [message["executable"] for message in map(json.loads, lines) if message.get("executable")]
    with tempfile.TemporaryDirectory() as folder:
        vectors, of_rows = pathlib.Path(folder) / "vectors.f16", pathlib.Path(folder) / "labels.u32"
        vectors.write_bytes(values.tobytes())
        of_rows.write_bytes(targets.tobytes())
        command = [built[-1], str(vectors), str(DIM), str(of_rows), str(threads)]
        found = {}

        def ours():
            graph, seconds, strength, probe, voted = map(float, subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.split())
            found.update(graph=graph, strength=strength, probe=probe)
            return seconds

        def theirs():
            folds = StratifiedKFold(5, shuffle=True, random_state=1)
            start = time.perf_counter()
            LogisticRegression(C=found["strength"], max_iter=1000).fit(unit, targets)
            right = 0
            for seen, held in folds.split(unit, targets):
                model = LogisticRegression(C=found["strength"], max_iter=1000).fit(unit[seen], targets[seen])
                right += (model.predict(unit[held]) == targets[held]).sum()
            found["theirs"] = right / rows
            return time.perf_counter() - start

        times = {"ours": [], "theirs": []}
        for _ in range(rounds):
            times["ours"].append(ours())
            times["theirs"].append(theirs())
    seconds = [common.spread(times["theirs"]), common.spread(times["ours"]), common.spread(common.ratios(times["theirs"], times["ours"]))]
    return [f"{rows:,}", labels, found["strength"], *seconds, f"{found['graph']:.1f}", f"{found['theirs']:.4f}", f"{found['probe']:.4f}"]


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("folders", metavar="FOLDER", nargs="+", type=pathlib.Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--swapped", type=float, default=0.05)
    options = parser.parse_args()
    common.enter(options.python)
    accuracies, swapped = [], []
    for folder in map(pathlib.Path.resolve, options.folders):
        with tempfile.TemporaryDirectory() as cache:
            found = learned(options.lookalike, folder, cache)
            of_path = embeddings(cache)
            accuracies.append(accuracy_row(folder, found, of_path))
            swapped.append(swapped_row(options.lookalike, folder, cache, found, of_path, options.swapped))
            print(accuracies[-1], swapped[-1], file=sys.stderr)
    common.table(["folder", "pictures", "C", "probe", "scikit-learn", "difference", "5-NN", "scikit-learn", "difference"], accuracies)
    common.table(["folder", "pictures", "mAP of lookalike", "mAP of cleanlab"], swapped)
    if options.rows:
        row = timed(options.rows, options.labels, common.cores(), options.rounds)
        common.table(["rows", "labels", "C", "scikit-learn, s", "lookalike, s", "ratio", "graph, s", "accuracy of scikit-learn", "of lookalike"], [row])


if __name__ == "__main__":
    try:
        import numpy as np
        from cleanlab.rank import get_label_quality_scores
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import average_precision_score
        from sklearn.model_selection import StratifiedKFold
        from sklearn.neighbors import KNeighborsClassifier
    except ImportError:
        # They come with the environment that `main` enters first.
        pass
    main()
