#!/usr/bin/env python3
"""Makes expected.bin: what Pillow and torchvision make of pictures that follow a formula. Needs both.

The file holds 32×32 RGB pictures one after the other, in the order of CASES; tests/it/preprocess.rs has the same list.

    python3 tests/preprocess/make_expected.py
"""
import pathlib

import numpy as np
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

BILINEAR, BICUBIC = InterpolationMode.BILINEAR, InterpolationMode.BICUBIC
# Width, height, side of the shorter-side rule (0 squashes), filter.
CASES = [
    (300, 200, 0, BILINEAR),
    (20, 13, 0, BILINEAR),
    (301, 203, 40, BILINEAR),
    (77, 501, 37, BILINEAR),
    (25, 30, 40, BILINEAR),
    (300, 200, 0, BICUBIC),
    (1, 1, 0, BILINEAR),
]


def picture(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return Image.fromarray(((x * 7 + y * (3 + c) + x * y // 8 + (x // 16 + y // 16) % 2 * 90) % 256).astype(np.uint8))


def main():
    data = b""
    for width, height, side, filter in CASES:
        rule = Compose([Resize(side, filter), CenterCrop(32)]) if side else Resize((32, 32), filter)
        data += rule(picture(width, height)).tobytes()
    (pathlib.Path(__file__).parent / "expected.bin").write_bytes(data)


if __name__ == "__main__":
    main()
