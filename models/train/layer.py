"""What the student learns from the teachers' answers: the wanted embeddings.

The teachers say thousands of values of a picture. The embedding is the few hundred axes of them that
tell pictures apart best: a principal component analysis in which directions along which
pictures of one labeled class scatter count for less (Ioffe, "Probabilistic linear discriminant analysis", 2006).
"""

import torch

SMALLEST_CLASS = 4
# Power and ridge for the wanted embeddings, and for what the student gives in their place: a regression says less of what is
# hard to see, and the second time gives some of it back. A power of 0 leaves distances within the first axes as they are, 1/2
# whitens what varies within a class; the ridge is the share of the mean variance within classes that is added before, for
# directions that a few labels say too little about. Chosen on the development sets and on held-out classes: more power tells finer
# kinds apart, and coarse ones less well.
WANTED, GIVEN = (0.6, 0.25), (0.3, 0.5)


def principal(covariance, dim):
    """The first principal axes of a covariance, D x dim."""
    return torch.linalg.eigh(covariance)[1].flip(1)[:, :dim]


def within(values, labels):
    """The covariance of values (N x D, centered) within their classes, None without a class of some pictures; labels
    below 0 are none."""
    values, labels = values[labels >= 0], labels[labels >= 0]
    count = torch.bincount(labels)
    means = torch.zeros(len(count), values.shape[1], dtype=values.dtype, device=values.device)
    means = means.index_add_(0, labels, values) / count.clamp_min(1)[:, None]
    use = count[labels] >= SMALLEST_CLASS
    around = values[use] - means[labels[use]]
    return around.T @ around / len(around) if len(around) else None


def reduce(values, labels, dim, strength):
    """(axes D x dim, center D) for values (N x D) and their classes' numbers, below 0 where there is none; strength: power and ridge."""
    power, ridge = strength
    center = values.double().mean(0)
    values = values.double() - center
    axes = principal(values.T @ values / len(values), min(2 * dim, values.shape[1]))
    values = values @ axes
    scatter = within(values, labels)
    if scatter is not None:
        scatter += ridge * scatter.diagonal().mean() * torch.eye(len(scatter), dtype=scatter.dtype, device=scatter.device)
        spread, directions = torch.linalg.eigh(scatter)
        whiten = (directions * spread**-power) @ directions.T
        axes, values = axes @ whiten, values @ whiten
    last = principal(values.T @ values / len(values), dim)
    # Of length 1 on average, so that float16 holds the weights well.
    axes = axes @ last / (values @ last).norm(dim=1).mean()
    return axes.float(), center.float()
