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
    scatter_within, scatter_between = scatters(features, labels)
    whiten = whitening(scatter_within, RIDGE, 0.5)
    spread, axes = torch.linalg.eigh(whiten @ scatter_between @ whiten)
    spread, axes = spread.flip(0).clamp_min(1e-9), axes.flip(1)[:, :dim]
    scale = (spread[:dim] / (spread[:dim] + spread[min(SHRINK_AT, dim - 1)])) ** SHRINK_POWER
    return (whiten @ axes * scale).float()


def scatters(features, labels):
    """How features (N x D) of labels (N, -1 for none) scatter within and between their classes: two matrices, float64."""
    labeled = labels >= 0
    features, labels = features[labeled] - features.mean(0), labels[labeled]
    count = torch.bincount(labels)
    means = torch.zeros(len(count), features.shape[1]).index_add_(0, labels, features) / count.clamp_min(1)[:, None]
    use = count[labels] >= SMALLEST_CLASS
    between = means[labels[use]]
    return tuple((x.T @ x / len(x)).double() for x in (features[use] - between, between))


def whitening(scatter, ridge, power):
    """(scatter + ridge)^-power, the ridge in shares of its mean variance; a power of 1/2 whitens, less does so in part."""
    ridge *= scatter.diagonal().mean()
    value, vector = torch.linalg.eigh(scatter + ridge * torch.eye(len(scatter)).double())
    return (vector * value**-power) @ vector.T


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
