#!/usr/bin/env python3
"""Makes the JPEGs of this folder: one rendered picture in the ways that baseline JPEGs are written. Needs numpy and Pillow."""

import pathlib

import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent
W, H = 331, 245

y, x = np.mgrid[0:H, 0:W].astype(float)
bowl = np.hypot(x - 120, y - 130) < 80
picture = np.stack([
    120 + 90 * np.sin(x / 37) + 20 * np.sin(y / 5),
    100 + 80 * np.cos(y / 29) + bowl * 60,
    160 + 60 * np.sin((x + y) / 41) - bowl * 90,
], 2)
picture += np.random.default_rng(1).normal(0, 6, picture.shape)
picture = Image.fromarray(picture.clip(0, 255).astype(np.uint8))

for name, options in {
    "420": {"subsampling": 2},
    "422": {"subsampling": 1},
    "444": {"subsampling": 0, "optimize": True},
    "restarts": {"subsampling": 2, "restart_marker_blocks": 5},
    "coarse": {"subsampling": 2, "quality": 12},
}.items():
    picture.save(HERE / f"{name}.jpg", **({"quality": 90} | options))
picture.convert("L").save(HERE / "gray.jpg", quality=90)
