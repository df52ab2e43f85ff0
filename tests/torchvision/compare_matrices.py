#!/usr/bin/env python3
"""Compares `lookalike matrix` with the notebook's recipe: Pillow, torchvision's ResNet-50 and scikit-learn.

Both use the same weights, seeded and random, saved by PyTorch as .pth and as safetensors. Prints the largest differences.
Needs torch, torchvision, safetensors, pillow and scikit-learn.

    python3 tests/torchvision/compare_matrices.py target/release/lookalike FOLDER
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
import torchvision
from safetensors.torch import save_file
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "bench/compare"))
from notebook import embed, pictures

FUNCTIONS = {"cosine": cosine_similarity, "euclidean": euclidean_distances}


def matrix(lookalike, folder, weights, metric, *options):
    command = [lookalike, "matrix", folder, "--json", "--metric", metric, "--model", "resnet50", "--weights", weights, "--no-cache"]
    answer = json.loads(subprocess.run([*command, *options], check=True, stdout=subprocess.PIPE).stdout)
    return answer["images"], np.array(answer["values"])


def main():
    lookalike, folder = sys.argv[1:]
    paths = [str(path) for path in pictures([folder])]
    torch.manual_seed(0)
    net = torchvision.models.resnet50(weights=None).eval()
    with tempfile.TemporaryDirectory() as home:
        files = [f"{home}/weights.pth", f"{home}/weights.safetensors"]
        torch.save(net.state_dict(), files[0])
        save_file(net.state_dict(), files[1])
        net.fc = torch.nn.Identity()
        rows = embed(net, paths, upright=True)
        print(f"{len(paths)} pictures, norms {np.linalg.norm(rows, axis=1).min():.2f} to {np.linalg.norm(rows, axis=1).max():.2f}")
        for metric, function in FUNCTIONS.items():
            expected = function(rows)
            pairs = ~np.eye(len(paths), dtype=bool)
            for file in files:
                for options in ([], ["--exact"]):
                    names, values = matrix(lookalike, folder, file, metric, *options)
                    order = [paths.index(name) for name in names]
                    right = expected[np.ix_(order, order)][pairs]
                    apart = np.abs(values[pairs] - right)
                    print(f"{metric:9} {pathlib.Path(file).suffix:12} {' '.join(options) or 'default':8} "
                          f"values {right.min():.4g} to {right.max():.4g}; largest difference {apart.max():.2e}, "
                          f"relative {(apart / right).max():.2e}, mean {apart.mean():.2e}", flush=True)


if __name__ == "__main__":
    main()
