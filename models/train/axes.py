"""The space that the embedding lives in: axes of the teacher's feature along which labeled classes differ.

Probabilistic linear discriminant analysis (Ioffe 2006) on the cached features: whiten what varies within a class,
keep the directions that vary most between classes, and scale each by how much it does. Euclidean
distances in it rank pictures much better than between the teacher's own features; cosines about as well.
"""

import json
import pathlib

import numpy as np
import torch

from teacher import open_view, progress

SMALLEST_CLASS = 4
# Chosen on classes held out of the training pictures, source by source, and on the development sets together:
# less ridge or more power is better on kinds of pictures that have labels, and worse on new ones.
RIDGE = 10.0
SHRINK_AT, SHRINK_POWER = 32, 0.25


def discriminant(features, labels, dim):
    """Axes (1280 x dim, float32) from features (N x 1280) and labels (N, -1 for none)."""
    center = features.mean(0)
    labeled = labels >= 0
    features, labels = features[labeled] - center, labels[labeled]
    count = torch.bincount(labels)
    means = torch.zeros(len(count), features.shape[1]).index_add_(0, labels, features) / count.clamp_min(1)[:, None]
    use = count[labels] >= SMALLEST_CLASS
    between = means[labels[use]]
    within = features[use] - between
    scatter_within, scatter_between = ((x.T @ x / len(x)).double() for x in (within, between))
    ridge = RIDGE * scatter_within.diagonal().mean()
    value, vector = torch.linalg.eigh(scatter_within + ridge * torch.eye(len(scatter_within)).double())
    whiten = (vector * value**-0.5) @ vector.T
    spread, axes = torch.linalg.eigh(whiten @ scatter_between @ whiten)
    spread, axes = spread.flip(0).clamp_min(1e-9), axes.flip(1)[:, :dim]
    scale = (spread[:dim] / (spread[:dim] + spread[min(SHRINK_AT, dim - 1)])) ** SHRINK_POWER
    return (whiten @ axes * scale).float()


def principal(features, dim):
    """The first principal axes, 1280 x dim: for pictures without labels."""
    centered = (features - features.mean(0)).double()
    _, axes = torch.linalg.eigh(centered.T @ centered)
    return axes.flip(1)[:, :dim].float()


def load_axes(folder, dim):
    """(center, axes) of the embedding's space, made once from the rows of view 0 that are in the cache."""
    path = pathlib.Path(folder) / f"axes{dim}.pt"
    if not path.exists():
        listing = json.loads((pathlib.Path(folder) / "pictures.json").read_text())
        done = progress(folder, 0)
        features = open_view(folder, 0, len(listing["names"]), "r")["feature"][:done]
        features, labels = torch.from_numpy(features.astype(np.float32)), torch.tensor(listing["labels"][:done])
        enough = (torch.bincount(labels[labels >= 0], minlength=1) >= SMALLEST_CLASS).sum() > dim
        print(f"axes: {'discriminant' if enough else 'principal, for want of labeled classes'}, from {done} pictures", flush=True)
        axes = discriminant(features, labels, dim) if enough else principal(features, dim)
        torch.save({"center": features.mean(0), "axes": axes}, path)
    saved = torch.load(path, weights_only=True)
    return saved["center"], saved["axes"]
