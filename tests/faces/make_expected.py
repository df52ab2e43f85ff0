#!/usr/bin/env python3
"""Makes expected.json: the faces that the reference finds in the pictures of this folder, and what it says of them; and
what it says of pixels that follow a formula. tests/it/faces.rs compares.

Needs torch, numpy and pillow, and a folder with pnet.pt, rnet.pt, onet.pt and dlib's file (`make faces` puts them there):

    python3 tests/faces/make_expected.py ~/.local/share/lookalike/models
"""
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image

from reference import Descriptor, Mtcnn, chip

HERE = pathlib.Path(__file__).parent
PICTURES = ("portrait", "tilted", "two", "group", "tight", "empty")


def formula(index, side=150):
    y, x = np.mgrid[0:side, 0:side]
    return np.stack([(x * (3 + index) + y * (5 + 2 * c) + x * y // 16) % 256 for c in range(3)], -1).astype(np.uint8)


def rounded(values, digits):
    return np.round(np.asarray(values, np.float64), digits).tolist()


def main():
    folder = pathlib.Path(sys.argv[1])
    detector, descriptor = Mtcnn(folder), Descriptor(folder / "dlib_face_recognition_resnet_model_v1.dat")
    pictures = {}
    for name in PICTURES:
        pixels = np.array(Image.open(HERE / f"{name}.png").convert("RGB"))
        boxes, scores, points = detector.detect(pixels)
        largest = np.argsort(-np.prod(boxes[:, 2:] - boxes[:, :2], 1), kind="stable")
        rows = descriptor([chip(pixels, points[at]) for at in largest]) if len(largest) else []
        pictures[f"{name}.png"] = [
            {"area": rounded(boxes[at], 3), "score": float(f"{scores[at]:.6f}"), "points": rounded(points[at], 3), "embedding": rounded(row, 5)}
            for at, row in zip(largest, rows)
        ]
    chips = [rounded(row, 6) for row in descriptor([formula(index) for index in range(2)])]
    expected = {"torch": torch.__version__, "pictures": pictures, "chips": chips}
    (HERE / "expected.json").write_text(json.dumps(expected) + "\n")
    print({name: len(faces) for name, faces in pictures.items()})


if __name__ == "__main__":
    main()
