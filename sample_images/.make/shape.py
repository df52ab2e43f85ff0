"""Bodies as signed distances: blobs that melt together, the mesh around them, and solid noise."""

from dataclasses import dataclass
from typing import Callable

import numpy as np


def unit(v):
    v = np.asarray(v, float)
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def turn(yaw=0.0, pitch=0.0, roll=0.0):
    """Rotation matrix, angles in degrees: roll about y, then pitch about x, then yaw about z."""
    y, p, r = np.radians([yaw, pitch, roll])
    about_z = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_y = np.array([[np.cos(r), 0, np.sin(r)], [0, 1, 0], [-np.sin(r), 0, np.cos(r)]])
    return about_z @ about_x @ about_y


@dataclass
class Frame:
    """Where a group of blobs sits in the world: world = origin + axes @ (scale * local)."""

    origin: np.ndarray
    axes: np.ndarray
    scale: float = 1.0

    def out(self, p):
        return self.origin + (np.asarray(p, float) * self.scale) @ self.axes.T

    def into(self, p):
        return (p - self.origin) @ self.axes / self.scale

    def aim(self, v):
        return np.asarray(v, float) @ self.axes.T


WORLD = Frame(np.zeros(3), np.eye(3))


@dataclass
class Blob:
    """One part of a body. `distance` is negative inside; `melt` is the radius of the fillet to its neighbors."""

    kind: str
    distance: Callable
    flow: Callable
    fur: float = 0.1
    melt: float = 0.12
    carve: bool = False
    along: Callable | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    def near(self, p, margin):
        """Which points are close enough to the blob to be changed by it."""
        return ((p > self.low - margin) & (p < self.high + margin)).all(-1)


def limb(kind, a, b, ra, rb, frame=WORLD, flat=(1, 1, 1), flow=None, **rest):
    """A round cone from a to b. `flat` divides distances along the frame's axes, so (1, .4, 1) makes a thin sheet."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    ab = b - a
    flat = np.asarray(flat, float)

    def place(p):
        q = (frame.into(p) - a) / flat
        axis = ab / flat
        t = np.clip(q @ axis / max(axis @ axis, 1e-9), 0, 1)
        return q, axis, t

    def distance(p):
        q, axis, t = place(p)
        r = ra + (rb - ra) * t
        return (np.linalg.norm(q - t[..., None] * axis, axis=-1) - r) * flat.min() * frame.scale

    direction = frame.aim(unit(ab if flow is None else flow))
    ends = frame.out(np.stack([a, b]))
    reach = max(ra, rb) * flat.max() * frame.scale
    rest |= {"low": ends.min(0) - reach, "high": ends.max(0) + reach, "along": lambda p: place(p)[2]}
    return Blob(kind, distance, lambda p: np.broadcast_to(direction, p.shape), **rest)


def ball(kind, c, r, frame=WORLD, flow=(0, 1, -0.3), rotation=None, **rest):
    """An ellipsoid with center c and radii r."""
    c, r = np.asarray(c, float), np.broadcast_to(np.asarray(r, float), (3,))
    rotation = np.eye(3) if rotation is None else rotation

    def distance(p):
        q = (frame.into(p) - c) @ rotation
        k = np.linalg.norm(q / r, axis=-1)
        return k * (k - 1) / np.maximum(np.linalg.norm(q / r**2, axis=-1), 1e-9) * frame.scale

    direction = frame.aim(unit(flow))
    middle, reach = frame.out(c), r.max() * frame.scale
    rest |= {"low": middle - reach, "high": middle + reach}
    return Blob(kind, distance, lambda p: np.broadcast_to(direction, p.shape), **rest)


def chain(kind, points, radii, smooth=6, **rest):
    """Limbs along a smooth curve through points (Catmull-Rom), such as a tail."""
    p = np.asarray(points, float)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    curve, width = [], []
    for i in range(1, len(p) - 2):
        for t in np.linspace(0, 1, smooth, endpoint=False):
            a, b, c, d = p[i - 1 : i + 3]
            curve.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
            width.append(radii[i - 1] * (1 - t) + radii[i] * t)
    curve.append(p[-2])
    width.append(radii[-1])
    steps = zip(curve[:-1], curve[1:], width[:-1], width[1:])
    return [limb(kind, a, b, ra, rb, **rest) for a, b, ra, rb in steps]


def melted(blobs, p):
    """Signed distance at points (N, 3) of all blobs melted together (polynomial smooth minimum), carved ones taken away."""
    d = np.full(len(p), 9.0)
    for blob in sorted(blobs, key=lambda b: b.carve):
        k = blob.melt
        here = np.flatnonzero(blob.near(p, k + 0.15))
        was, e = d[here], blob.distance(p[here])
        if blob.carve:
            d[here] = np.maximum(was, -e) + np.maximum(k - np.abs(was + e), 0) ** 2 / (4 * k)
        else:
            d[here] = np.minimum(was, e) - np.maximum(k - np.abs(was - e), 0) ** 2 / (4 * k)
    return d


def gradient(f, p, h=2e-3):
    """Unit outward direction of a signed distance at points (N, 3), by forward differences."""
    here = f(p)
    return unit(np.stack([f(p + h * e) - here for e in np.eye(3)], -1))


def skin(blobs, cells=110):
    """Mesh of the zero level by surface nets: vertices (N, 3) and quads (M, 4), facing outward."""
    low = np.min([b.low for b in blobs if not b.carve], 0) - 0.1
    high = np.max([b.high for b in blobs if not b.carve], 0) + 0.1
    h = (high - low).max() / cells
    n = np.ceil((high - low) / h).astype(int) + 1
    grid = low + np.stack(np.meshgrid(*(np.arange(k) for k in n), indexing="ij"), -1) * h
    d = melted(blobs, grid.reshape(-1, 3)).reshape(grid.shape[:3])
    inside = d < 0

    corners = [(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    view = lambda a, c: a[tuple(slice(o, s - 1 + o) for o, s in zip(c, n))]
    count = sum(view(inside, c).astype(np.int8) for c in corners)
    where = np.argwhere((count > 0) & (count < 8))
    total, hits = np.zeros((len(where), 3)), np.zeros(len(where))
    value = {c: d[tuple((where + c).T)] for c in corners}
    for a in corners:
        for axis in range(3):
            if a[axis]:
                continue
            da, db = value[a], value[tuple(o + (i == axis) for i, o in enumerate(a))]
            cross = (da < 0) != (db < 0)
            t = np.where(cross, da / np.where(cross, da - db, 1), 0)
            total += cross[:, None] * a
            total[:, axis] += t
            hits += cross
    number = np.full(count.shape, -1)
    number[tuple(where.T)] = np.arange(len(where))
    v = low + (where + total / hits[:, None]) * h

    quads = []
    for axis in range(3):
        u, w = (axis + 1) % 3, (axis + 2) % 3
        first = np.take(inside, range(n[axis] - 1), axis)
        second = np.take(inside, range(1, n[axis]), axis)
        for out, flip in ((first & ~second, False), (~first & second, True)):
            at = np.argwhere(out)
            at = at[(at[:, u] > 0) & (at[:, w] > 0) & (at[:, u] < n[u] - 1) & (at[:, w] < n[w] - 1)]
            step_u, step_w = np.eye(3, dtype=int)[u], np.eye(3, dtype=int)[w]
            q = np.stack([number[tuple((at - du * step_u - dw * step_w).T)] for du, dw in ((1, 1), (0, 1), (0, 0), (1, 0))], 1)
            quads.append(q[:, ::-1] if flip else q)
    f = lambda p: melted(blobs, p)
    for _ in range(2):
        v = v - gradient(f, v) * np.clip(f(v), -h, h)[:, None]
    return v, np.concatenate(quads)


def lathe(profile, around=64):
    """Surface of revolution about z from (radius, height) points."""
    profile = np.asarray(profile, float)
    a = np.linspace(0, 2 * np.pi, around, endpoint=False)
    v = np.stack([profile[:, :1] * np.cos(a), profile[:, :1] * np.sin(a), np.repeat(profile[:, 1:], around, 1)], -1)
    return v.reshape(-1, 3), grid_quads(len(profile), around, wrap=True)


def grid_quads(rows, columns, wrap=False):
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if wrap else columns - 1), indexing="ij")
    k = (j + 1) % columns
    return np.stack([i * columns + j, i * columns + k, (i + 1) * columns + k, (i + 1) * columns + j], -1).reshape(-1, 4)


def spline(points, steps=12):
    """Catmull-Rom curve through points of any dimension."""
    p = np.asarray(points, float)
    p = np.concatenate([[2 * p[0] - p[1]], p, [2 * p[-1] - p[-2]]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:]):
        parts.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*parts, p[-2:-1]])


def noise(p, scale=1.0, octaves=3, seed=0):
    """Fractal value noise in about [-1, 1] at points (..., 3)."""
    q = np.asarray(p, float) * scale + seed * 17.31
    total, weight = np.zeros(q.shape[:-1]), 0.0
    for octave in range(octaves):
        cell = np.floor(q)
        f = q - cell
        f = f * f * (3 - 2 * f)
        x, y, z = (cell[..., i].astype(np.int64) * k for i, k in enumerate((73856093, 19349663, 83492791)))
        value = 0.0
        for i, j, k in np.ndindex(2, 2, 2):
            w = (f[..., 0] if i else 1 - f[..., 0]) * (f[..., 1] if j else 1 - f[..., 1]) * (f[..., 2] if k else 1 - f[..., 2])
            value = value + w * _lattice(x + i * 73856093, y + j * 19349663, z + k * 83492791)
        total += value * 0.5**octave
        weight += 0.5**octave
        q = q * 2.03 + 5.7
    return total / weight


def _lattice(x, y, z):
    """A random value in [-1, 1] for each lattice point."""
    k = (x ^ y ^ z) & 0xFFFFFFFF
    k = (k ^ (k >> 13)) * 1274126177 & 0xFFFFFFFF
    return ((k ^ (k >> 16)) & 0xFFFF) / 32767.5 - 1


def ramp(x, low, high):
    """Smooth step from 0 at low to 1 at high."""
    t = np.clip((np.asarray(x) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def mix(a, b, t):
    t = np.asarray(t)[..., None]
    return np.asarray(a, float) * (1 - t) + np.asarray(b, float) * t
