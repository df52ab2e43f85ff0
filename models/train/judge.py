#!/usr/bin/env python3
"""Scores a model file on folders whose sub-folders are groups (the protocol of `evaluate.py`).

    judge.py MODEL.safetensors FOLDER... [--size 224]
"""

import argparse
import pathlib

import numpy as np

from evaluate import load, scores
from export import embeddings, read_model


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("folders", nargs="+")
    p.add_argument("--size", type=int, default=224)
    args = p.parse_args()
    model, rows = read_model(args.model), []
    for folder in args.folders:
        pixels, groups = load(folder, args.size)
        rows.append(scores(embeddings(model, pixels), groups))
        show(pathlib.Path(folder).name, rows[-1])
    show("mean", np.mean(rows, 0))


def show(name, row):
    print(f"{name:24} recall@1 {row[0]:.4f} mAP {row[1]:.4f}", flush=True)


if __name__ == "__main__":
    main()
