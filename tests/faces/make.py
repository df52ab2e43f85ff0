#!/usr/bin/env python3
"""Renders the pictures of this folder: heads made of formulas, in which a face detector finds faces. Nobody is shown.

Needs numpy and pillow. The same numbers give the same pictures:

    python3 tests/faces/make.py
"""
import pathlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent


def blob(x, y, cx, cy, sx, sy):
    """A soft bump of height 1."""
    return np.exp(-(((x - cx) / sx) ** 2 + ((y - cy) / sy) ** 2))


def inside(distance, soft):
    """1 where a distance is negative, 0 where it is positive, soft between."""
    return np.clip(0.5 - distance / soft, 0, 1)


def ellipse(x, y, cx, cy, rx, ry):
    return np.hypot((x - cx) / rx, (y - cy) / ry) - 1


class Person:
    """What makes one head another than the next: numbers drawn from a seed."""

    def __init__(self, seed):
        draw = np.random.default_rng(seed)
        tone = draw.uniform(0, 1)
        self.skin = (1 - tone) * np.array([236, 193, 165.0]) + tone * np.array([128, 84, 62.0])
        self.hair = np.array([[42, 30, 24.0], [92, 58, 34], [190, 150, 92], [120, 120, 122]][draw.integers(4)])
        self.iris = np.array([[70, 48, 34.0], [66, 96, 130], [84, 104, 62]][draw.integers(3)])
        self.eyes = draw.uniform(0.36, 0.44)
        self.eye_height = draw.uniform(-0.14, -0.06)
        self.eye = draw.uniform(0.125, 0.155)
        self.nose = draw.uniform(0.34, 0.46)
        self.nose_width = draw.uniform(0.09, 0.14)
        self.mouth = draw.uniform(0.24, 0.33)
        self.mouth_height = draw.uniform(0.50, 0.56)
        self.lips = draw.uniform(0.05, 0.085)
        self.brows = draw.uniform(0.03, 0.055)
        self.hairline = draw.uniform(-0.62, -0.48)
        self.width = draw.uniform(0.72, 0.82)
        self.shirt = draw.uniform(30, 200, 3)


def paint(canvas, person, center, size, yaw=0.0, roll=0.0, light=(-0.4, -0.5, 0.75)):
    """Paints head and shoulders; `size` is half the height of the head in pixels, angles are in radians."""
    height, width, _ = canvas.shape
    py, px = np.mgrid[0:height, 0:width] + 0.5
    dx, dy = (px - center[0]) / size, (py - center[1]) / size
    x, y = dx * np.cos(roll) + dy * np.sin(roll), -dx * np.sin(roll) + dy * np.cos(roll)
    soft = 2.5 / size
    # Shoulders and neck.
    body = inside(ellipse(x, y, 0, 2.1, 1.55, 1.05), soft)
    shade = (0.75 + 0.25 * np.clip(1 - np.abs(x + 0.3), 0, 1))[..., None]
    canvas[:] = canvas * (1 - body[..., None]) + person.shirt * shade * body[..., None]
    neck = inside(np.maximum(np.abs(x) - 0.36, np.maximum(-y, y - 1.25)), soft * 3)
    canvas[:] = canvas * (1 - neck[..., None]) + person.skin * (0.72 - 0.2 * blob(x, y, 0.1, 0.95, 0.5, 0.3))[..., None] * neck[..., None]
    # Ears, and hair behind the head.
    back = inside(ellipse(x, y, 0, -0.12, person.width * 1.13, 1.02), soft)
    canvas[:] = canvas * (1 - back[..., None]) + person.hair * 0.8 * back[..., None]
    for side in (-1, 1):
        ear = inside(ellipse(x, y, side * person.width * 1.0 - 0.25 * np.sin(yaw), 0.05, 0.10, 0.2), soft)
        canvas[:] = canvas * (1 - ear[..., None]) + person.skin * 0.8 * ear[..., None]
    # The head: an ellipsoid that is turned, with a relief on it.
    narrow = person.width * np.where(y > 0, 1 - 0.20 * np.clip(y, 0, 1) ** 2, 1)
    u = x / narrow
    head = u ** 2 + y ** 2
    z = np.sqrt(np.clip(1 - head, 0, 1))
    a, b = u * np.cos(yaw) - z * np.sin(yaw), u * np.sin(yaw) + z * np.cos(yaw)
    a, front = a * 0.95, b > 0
    relief = z.copy()
    nose = person.nose
    relief += 0.10 * blob(a, y, 0, nose - 0.12, 0.09, 0.30) + 0.13 * blob(a, y, 0, nose - 0.02, person.nose_width, 0.09)
    relief += 0.05 * (blob(a, y, -0.10, nose + 0.01, 0.06, 0.06) + blob(a, y, 0.10, nose + 0.01, 0.06, 0.06))
    relief += 0.06 * blob(a, y, 0, person.eye_height - 0.17, 0.5, 0.08)
    relief += 0.06 * (blob(a, y, -0.42, 0.25, 0.2, 0.18) + blob(a, y, 0.42, 0.25, 0.2, 0.18)) + 0.07 * blob(a, y, 0, 0.86, 0.2, 0.12)
    for side in (-1, 1):
        relief -= 0.09 * blob(a, y, side * person.eyes, person.eye_height, 0.17, 0.11)
    relief += 0.04 * blob(a, y, 0, person.mouth_height, person.mouth, person.lips)
    gy, gx = np.gradient(relief * size)
    normal = np.stack((-gx, -gy, np.ones_like(gx)), -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    lamp = np.array(light) / np.linalg.norm(light)
    shade = 0.42 + 0.62 * np.clip(normal @ lamp, 0, 1)
    gloss = 0.16 * np.clip(normal @ ((lamp + [0, 0, 1]) / np.linalg.norm(lamp + [0, 0, 1])), 0, 1) ** 24
    color = np.broadcast_to(person.skin, canvas.shape).copy()

    def lay(mask, tint):
        color[:] = color * (1 - (mask * front)[..., None]) + np.asarray(tint) * (mask * front)[..., None]

    lay(0.25 * (blob(a, y, -0.42, 0.3, 0.2, 0.15) + blob(a, y, 0.42, 0.3, 0.2, 0.15)), person.skin * [1.0, 0.72, 0.70])
    # Lips, and the line between them.
    bow = person.mouth_height - 0.02 * np.cos(a / person.mouth * 6)
    lips = inside(ellipse(a, y, 0, bow, person.mouth, person.lips + 0.02), 0.25)
    lay(lips, person.skin * [0.80, 0.48, 0.48])
    lay(inside(np.maximum(np.abs(y - bow) - 0.012, np.abs(a) - person.mouth), 0.03), person.skin * 0.28)
    # Nostrils.
    for side in (-1, 1):
        lay(0.75 * blob(a, y, side * 0.065, nose + 0.055, 0.035, 0.022), person.skin * 0.25)
    for side in (-1, 1):
        ex, ey, r = side * person.eyes, person.eye_height, person.eye
        lay(0.45 * blob(a, y, ex, ey, r * 1.7, r * 1.2), person.skin * 0.5)
        almond = np.maximum(ellipse(a, y, ex, ey + r * 0.42, r * 1.25, r), ellipse(a, y, ex, ey - r * 0.42, r * 1.25, r))
        lay(inside(almond, 0.12), [232, 228, 224])
        lay(inside(almond, 0.12) * inside(ellipse(a, y, ex, ey, r * 0.56, r * 0.56), 0.15), person.iris)
        lay(inside(almond, 0.12) * inside(ellipse(a, y, ex, ey, r * 0.26, r * 0.26), 0.3), [14, 12, 12])
        lay(inside(ellipse(a, y, ex - r * 0.18, ey - r * 0.2, r * 0.1, r * 0.1), 0.5), [250, 250, 250])
        lid = np.abs(ellipse(a, y, ex, ey + r * 0.42, r * 1.25, r)) - 0.10
        lay(inside(np.maximum(lid, y - ey - 0.01), 0.1), person.skin * 0.22)
        arch = ey - 0.19 + 0.35 * (a - ex) ** 2
        brow = np.maximum(np.abs(y - arch) - person.brows * (1 - 0.8 * np.clip((a - ex) * side, 0, 1)), np.abs(a - ex) - 0.2)
        lay(0.9 * inside(brow, 0.04), person.hair * 0.7)
    fringe = inside(y - person.hairline + 0.25 * a ** 2 * np.sign(person.hairline + 0.55) - 0.02 * np.sin(a * 40), 0.05)
    color[:] = color * (1 - fringe[..., None]) + person.hair * fringe[..., None]
    lit = np.clip(color * shade[..., None] + 255 * gloss[..., None] * (1 - fringe[..., None]), 0, 255)
    mask = inside(np.sqrt(head) - 1, soft)[..., None]
    canvas[:] = canvas * (1 - mask) + lit * mask


def room(width, height, seed):
    """A wall with a soft light and a few edges."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    base = draw.uniform(70, 190, 3)
    wall = base * (0.7 + 0.5 * blob(x, y, draw.uniform(0, 1), 0.2, 0.6, 0.5))[..., None]
    for _ in range(4):
        left, top = draw.uniform(0, 0.9), draw.uniform(0, 0.6)
        frame = (x > left) & (x < left + 0.2) & (y > top) & (y < top + 0.15)
        wall[frame] = wall[frame] * 0.6 + draw.uniform(20, 235, 3) * 0.4
    return wall


def save(name, canvas):
    """Without loss, so that every decoder sees the same; in 64 levels, so that it is small."""
    levels = np.clip(canvas, 0, 255).astype(np.uint8) // 4 * 4
    Image.fromarray(levels).save(HERE / name, optimize=True)


def main():
    portrait = room(480, 360, 1)
    paint(portrait, Person(3), (240, 185), 92)
    save("portrait.png", portrait)

    tilted = room(420, 420, 2)
    paint(tilted, Person(5), (215, 200), 120, yaw=0.35, roll=0.3)
    save("tilted.png", tilted)

    two = room(640, 400, 3)
    paint(two, Person(3), (190, 190), 84, yaw=-0.15, light=(0.5, -0.4, 0.75))
    paint(two, Person(8), (450, 215), 70, roll=-0.12)
    save("two.png", two)

    group = room(720, 480, 4)
    for number in range(9):
        center = (110 + 245 * (number % 3) + 12 * (number // 3), 95 + 135 * (number // 3))
        paint(group, Person(20 + number), center, 46 - 4 * (number % 2), yaw=0.15 * (number % 3 - 1), roll=0.08 * (number % 2))
    save("group.png", group)

    # The face fills the picture, and the chin is cut off.
    tight = room(200, 200, 5)
    paint(tight, Person(5), (104, 96), 118)
    save("tight.png", tight)

    # Nobody.
    save("empty.png", room(400, 300, 6))


if __name__ == "__main__":
    main()
