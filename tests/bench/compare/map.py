#!/usr/bin/env python3
"""Maps against umap-learn and scikit-learn's t-SNE: how far they can be trusted, and the time of a large one.

    python3 tests/bench/compare/map.py FOLDER... [--rows 100000] [--kinds clustered uniform] [--rounds 1]

Each folder is indexed by lookalike; all sides make maps of the same embeddings, by cosine similarity, and scikit-learn
measures the trustworthiness of all of them on 12 neighbors. With `--rows` so many made vectors are projected by UMAP on
all cores, in turn: from the vectors to the points, neighbors included, the start of Python and the compilation of
umap-learn's kernels not included. Beside the seconds stand those of the processor, of all cores together, which say more on
a machine that does other work too; of lookalike they have the start of its process and the reading of the file in them.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import common

try:
    import numpy as np
    import umap
    from sklearn.manifold import TSNE, trustworthiness

    import graph
except ImportError:
    # They come with the environment that `main` enters first.
    pass

NEIGHBORS = 12


def lookalike(options, file, dim, method, *timed):
    """The steps' seconds, and the points."""
    command = [options.bench, file, dim, method, common.cores(), *timed]
    lines = subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout.splitlines()
    return json.loads(lines[0]), np.array([line.split() for line in lines[1:]], dtype=np.float32)


def embeddings(options, folder, to):
    """Indexes a folder; its vectors go to a file. Returns the dimension."""
    with tempfile.TemporaryDirectory() as cache:
        subprocess.run([options.lookalike, "index", folder, "--cache-dir", cache], check=True, capture_output=True)
        [vectors] = pathlib.Path(cache).glob("*/vectors-*.f16")
        data = vectors.read_bytes()
    to.write_bytes(data[64:])
    return int.from_bytes(data[8:12], "little")


def trust(vectors, points):
    return trustworthiness(vectors, points, n_neighbors=min(NEIGHBORS, (len(vectors) - 1) // 2), metric="cosine")


def trusted(options, folder):
    """A row of the table of trustworthiness."""
    with tempfile.TemporaryDirectory() as place:
        file = pathlib.Path(place) / "vectors.f16"
        dim = embeddings(options, folder, file)
        vectors = np.fromfile(file, dtype="<f2").reshape(-1, dim).astype(np.float32)
        made = {method: lookalike(options, file, dim, method) for method in ("pca", "umap", "tsne")}
    for found, points in made.values():
        assert abs(found["trustworthiness"] - trust(vectors, points)) < 0.002, "the two sides measure differently"
    ours = {method: trust(vectors, points) for method, (_, points) in made.items()}
    seeds = range(options.rounds)
    by_umap = [trust(vectors, umap.UMAP(metric="cosine", random_state=seed, n_jobs=1).fit_transform(vectors)) for seed in seeds]
    by_tsne = [trust(vectors, TSNE(metric="cosine", random_state=seed).fit_transform(vectors)) for seed in seeds]
    values = [ours["pca"], ours["umap"], np.median(by_umap), ours["tsne"], np.median(by_tsne)]
    return [pathlib.Path(folder).name, len(vectors), *(f"{value:.4f}" for value in values)]


def timed(options, kind):
    """A row of the table of times."""
    with tempfile.TemporaryDirectory() as place:
        file = pathlib.Path(place) / "vectors.f16"
        graph.write_vectors(file, options.rows, kind)
        vectors = np.fromfile(file, dtype="<f2").reshape(-1, graph.DIM).astype(np.float32)
        # Compiles what the real run needs.
        umap.UMAP(metric="cosine", n_epochs=10).fit_transform(vectors[:5000])
        maps = {}

        def by_umap():
            def work():
                maps["umap-learn"] = umap.UMAP(metric="cosine", n_jobs=-1).fit_transform(vectors)

            before = processor()
            return common.seconds(work), processor() - before

        def by_lookalike():
            before = processor()
            found, maps["lookalike"] = lookalike(options, file, graph.DIM, "umap", "timed")
            print(found, file=sys.stderr)
            return found["pca"] + found["graph"] + found["map"], processor() - before

        found = common.alternate(options.rounds, umap_learn=by_umap, lookalike=by_lookalike)
        times, on_processor = ({side: [both[at] for both in of] for side, of in found.items()} for at in range(2))
    some = np.random.default_rng(0).permutation(options.rows)[:5000]
    trusts = [f"{trust(vectors[some], maps[side][some]):.3f}" for side in ("umap-learn", "lookalike")]
    seconds = [common.spread(times[side], "{:.1f}") for side in ("umap_learn", "lookalike")]
    ratios = [common.spread(common.ratios(of["umap_learn"], of["lookalike"])) for of in (times, on_processor)]
    busy = [common.spread(on_processor[side], "{:.1f}") for side in ("umap_learn", "lookalike")]
    return [f"{options.rows:,}", kind, *seconds, ratios[0], *busy, ratios[1], *trusts]


def processor():
    """Seconds of the processor that this process and those it waited for have taken."""
    return sum(os.times()[:4])


def main():
    parser = common.parser(__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--kinds", nargs="*", default=["clustered", "uniform"])
    parser.add_argument("--bench", type=pathlib.Path, help="the program of tests/bench/map.rs, instead of building it")
    options = parser.parse_args()
    common.enter(options.python)
    options.bench = options.bench or common.benchmark("map")
    if options.folders:
        rows = [trusted(options, folder) for folder in options.folders]
        header = ["folder", "pictures", "PCA", "UMAP", "umap-learn", "t-SNE", "scikit-learn's t-SNE"]
        common.table([header[0], header[1], *(f"{name}, trust" for name in header[2:])], rows)
    if options.rows:
        rows = [timed(options, kind) for kind in options.kinds]
        sides = ["umap-learn", "lookalike"]
        seconds = [*(f"{side}, s" for side in sides), "ratio", *(f"{side}, processor s" for side in sides), "ratio"]
        header = ["rows", "vectors", *seconds, *(f"{side}, trust" for side in sides)]
        common.table(header, rows)


if __name__ == "__main__":
    main()
