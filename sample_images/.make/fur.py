"""Hair and feathers grown on a body of blobs, combed along the blobs' flow."""

import numpy as np

from shape import gradient, melted, noise, unit


def roots(v, quads, normals, count, rng, weight=None):
    """Points spread evenly over a quad mesh (or by a weight per quad), with their normals."""
    a, b, c, d = (v[quads[:, i]] for i in range(4))
    area = 0.5 * (np.linalg.norm(np.cross(b - a, c - a), axis=1) + np.linalg.norm(np.cross(c - a, d - a), axis=1))
    chance = area if weight is None else area * weight
    pick = rng.choice(len(quads), count, p=chance / chance.sum())
    s, t = rng.random((2, count, 1))

    def between(values):
        a, b, c, d = (values[quads[pick, i]] for i in range(4))
        return (a * (1 - s) + b * s) * (1 - t) + (d * (1 - s) + c * s) * t

    return between(v), unit(between(normals))


def belonging(blobs, p, soft=0.05):
    """How much each blob owns each point: weights (len(blobs), N) that sum to one."""
    d = np.full((len(blobs), len(p)), 9.0)
    for row, blob in zip(d, blobs):
        if not blob.carve:
            here = np.flatnonzero(blob.near(p, 0.3))
            row[here] = blob.distance(p[here])
    w = np.exp(-np.clip(d - d.min(0), 0, 40 * soft) / soft)
    return w / w.sum(0)


class Coat:
    """What the owner of a point tells about it: position, normal, weight per kind, position along the limb."""

    def __init__(self, blobs, p, normal=None):
        self.p = p
        self.normal = gradient(lambda q: melted(blobs, q), p) if normal is None else normal
        w = belonging(blobs, p)
        self.kind = {}
        self.along = np.zeros(len(p))
        self.flow = np.zeros_like(p)
        self.fur = np.zeros(len(p))
        for blob, share in zip(blobs, w):
            self.kind[blob.kind] = self.kind.get(blob.kind, 0) + share
            self.flow += blob.flow(p) * share[:, None]
            self.fur += blob.fur * share
            if blob.along:
                self.along += blob.along(p) * share

    def part(self, *kinds):
        return sum((self.kind.get(k, np.zeros(len(self.p))) for k in kinds), np.zeros(len(self.p)))


def grow(coat, color, rng, *, lift=0.35, droop=0.25, mess=0.15, clump=0.5, clump_size=0.08, steps=5, length=1.0, bare=None):
    """Strands (N, steps, 3) with their colors (N, steps, 3).

    lift: 0 lies flat, 1 stands up. droop: how much the tip falls. clump: how far tips gather into locks.
    bare: true where nothing grows.
    """
    keep = np.ones(len(coat.p), bool) if bare is None else ~bare
    p, n = coat.p[keep], coat.normal[keep]
    flow = coat.flow[keep]
    flow = flow + 0.35 * np.stack([noise(p, 3.0, 2, s) for s in (1, 2, 3)], -1)
    flow = unit(flow - (flow * n).sum(1, keepdims=True) * n)
    reach = (coat.fur[keep] * length * rng.uniform(0.7, 1.15, len(p)))[:, None, None]
    out = unit(n * lift + flow * (1 - lift) + rng.normal(0, mess, p.shape))
    bend = unit(flow + 0.15 * n)
    s = np.linspace(0, 1, steps)[None, :, None]
    fall = np.array([0, 0, -1.0]) * droop
    strands = p[:, None] + reach * (s * (1 - 0.5 * s) * out[:, None] + 0.5 * s * s * (bend[:, None] * 0.8 + fall))
    if clump:
        wander = p + 0.5 * clump_size * np.stack([noise(p, 0.7 / clump_size, 1, k) for k in (4, 5, 6)], -1)
        cell = np.floor(wander / clump_size).astype(np.int64)
        _, lock = np.unique(cell @ np.array([73856093, 19349663, 83492791]), return_inverse=True)
        size = np.bincount(lock).astype(float)
        mean = np.stack([[np.bincount(lock, strands[:, i, j]) / size for j in range(3)] for i in range(steps)], 0)
        center = mean.transpose(2, 0, 1)[lock]
        strands = strands + clump * s**1.5 * (center - strands)
    tint = np.asarray(color, float)[keep] * rng.uniform(0.8, 1.2, (len(p), 1))
    shade = 0.62 + 0.45 * s
    return strands, np.clip(tint[:, None] * shade, 0, 1)
