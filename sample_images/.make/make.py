"""Renders the sample pictures: python make.py [--draft] [--threads N] [PART_OF_A_NAME ...]."""

import argparse
import os
import pathlib
import time
import zlib

import numpy as np

import birds
import cats
import dogs
import outdoors
import still_lifes
import studio

PICTURES = {**birds.PICTURES, **cats.PICTURES, **dogs.PICTURES, **outdoors.PICTURES, **still_lifes.PICTURES}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("names", nargs="*", help="only pictures whose path holds one of these")
    arguments.add_argument("--draft", action="store_true", help="half the size and a few samples, to judge a change")
    arguments.add_argument("--threads", type=int, default=0, help="0: one for each core")
    arguments.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent)
    chosen = arguments.parse_args()
    studio.QUALITY["threads"] = chosen.threads or os.cpu_count()
    if chosen.draft:
        studio.QUALITY.update(samples=6, scale=0.6)
    for name, picture in PICTURES.items():
        if chosen.names and not any(part in name for part in chosen.names):
            continue
        start = time.monotonic()
        studio.reset()
        # Every picture has its own seed, so that one can be made again without the others.
        picture(chosen.out / name, np.random.default_rng(zlib.crc32(name.encode())))
        print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
