"""The last layer: from the network's unit feature to the embedding's values.

The student predicts all that the teachers say (thousands of values). The embedding is the few hundred axes of it that
tell pictures apart best: a principal component analysis of the predictions, or one in which directions
along which pictures of one labeled class scatter count for less (Ioffe, "Probabilistic linear discriminant analysis", 2006).
"""

import torch

SMALLEST_CLASS = 4


def principal(covariance, dim):
    """The first principal axes of a covariance, D x dim."""
    return torch.linalg.eigh(covariance)[1].flip(1)[:, :dim]


def within(values, labels):
    """The covariance of values (N x D, centered) within their classes; labels below 0 are none."""
    values, labels = values[labels >= 0], labels[labels >= 0]
    count = torch.bincount(labels)
    means = torch.zeros(len(count), values.shape[1], dtype=values.dtype, device=values.device)
    means = means.index_add_(0, labels, values) / count.clamp_min(1)[:, None]
    use = count[labels] >= SMALLEST_CLASS
    around = values[use] - means[labels[use]]
    return around.T @ around / len(around)


def reduce(values, labels, dim, power, ridge):
    """(axes D x dim, center D) for values (N x D).

    power: 0 leaves distances within the first axes as they are, 1/2 whitens what varies within a class; ridge: shares of the mean
    variance within classes added before, for directions that a few labels say too little about.
    """
    center = values.double().mean(0)
    values = values.double() - center
    axes = principal(values.T @ values / len(values), min(2 * dim, values.shape[1]))
    values = values @ axes
    if power > 0:
        scatter = within(values, labels)
        scatter += ridge * scatter.diagonal().mean() * torch.eye(len(scatter), dtype=scatter.dtype, device=scatter.device)
        spread, directions = torch.linalg.eigh(scatter)
        whiten = (directions * spread**-power) @ directions.T
        axes, values = axes @ whiten, values @ whiten
    last = principal(values.T @ values / len(values), dim)
    axes = axes @ last
    # Unit length on average, whatever was whitened: a person can read the distances.
    axes /= (values @ last).norm(dim=1).mean()
    return axes.float(), center.float()
