#!/usr/bin/env python3
"""Makes the model file from a checkpoint: the averaged weights as float16 under torchvision's names.

    export.py CHECKPOINT OUT.safetensors

The embedding is a linear layer, `embedding.weight` and `embedding.bias`, on the pooled 512 numbers: the head that
predicts the teacher's feature, times the axes of `axes.py`, corrected on whole pictures at --size. Batch norm stays as it is.
A manifest is written beside the file. The file's embeddings are compared with those of the float32 weights.
"""

import argparse
import hashlib
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from evaluate import embed
from network import DEPTHS, MEAN, STD, backbone
from teacher import open_view

# Chosen on the development sets: less is better for things and worse for kinds of things.
RIDGE = 0.3


def read_model(path):
    """(backbone, (weight, bias)) of a model file, float32, ready to embed."""
    tensors = {name: value.float() for name, value in load_file(path).items()}
    weight, bias = tensors.pop("embedding.weight"), tensors.pop("embedding.bias")
    net = backbone()
    missing, unexpected = net.load_state_dict(tensors, strict=False)
    if unexpected or any(not name.endswith("num_batches_tracked") for name in missing):
        raise ValueError(f"{path} is no ResNet-18: missing {missing}, unexpected {unexpected}")
    return net.eval(), (weight, bias)


def embeddings(model, pixels, autocast=False):
    net, projection = model
    return F.linear(embed(net, pixels, autocast=autocast), *projection)


def correction(net, projection, target, folders, size, count):
    """(weight, bias) to add to the linear layer: the ridge regression of what it gets wrong on whole pictures at `size`,
    on the first ones of each folder (packing shuffled them). Training saw crops, changed copies and smaller inputs."""
    pooled, goals = [], []
    for folder in folders:
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        unreadable = json.loads((folder / "pictures.json").read_text())["unreadable"]
        rows = np.setdiff1d(np.arange(min(count // len(folders), len(pixels))), unreadable)
        feature = open_view(folder, 0, len(pixels), "r")["feature"][rows].astype(np.float32)
        goals.append((torch.from_numpy(feature) - target["center"]) @ target["axes"])
        whole = [np.asarray(Image.fromarray(pixels[row]).resize((size, size), Image.BILINEAR)) for row in rows]
        pooled.append(embed(net, np.stack(whole)))
    x, goal = torch.cat(pooled), torch.cat(goals)
    found = F.linear(x, *projection)
    wrong, middle = goal - found, x.mean(0)
    centered = x - middle
    gram = (centered.T @ centered).double()
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram))
    weight = torch.linalg.solve(gram, (centered.T @ (wrong - wrong.mean(0))).double()).float().T
    bias = wrong.mean(0) - weight @ middle
    before, after = (F.cosine_similarity(e, goal).mean() for e in (found, found + F.linear(x, weight, bias)))
    print(f"cosine to the teacher on whole pictures: {before:.4f}, corrected {after:.4f}")
    return weight, bias


def manifest(out, digest, size, dim):
    """The model as the program reads it; license and description are for the person who ships it to fill in."""
    return f"""name = "{out.stem}"
description = ""
architecture = "resnet"
license = ""
input = {size}
resize = "squash"
interpolation = "bilinear"
mean = {list(MEAN)}
std = {list(STD)}
dim = {dim}
layer = "embedding"

[resnet]
block = "basic"
depths = {list(DEPTHS)}
widths = [64, 128, 256, 512]
projection = "embedding"

[weights]
file = "{out.name}"
sha256 = "{digest}"
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint", type=pathlib.Path)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--size", type=int, default=128, help="input size that the manifest asks for")
    p.add_argument("--also", nargs="*", type=pathlib.Path, default=[], metavar="HOME", help="as it was trained")
    p.add_argument("--correct", type=int, default=9600, help="pictures to correct the linear layer on")
    args = p.parse_args()
    saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    tensors = {name: value for name, value in saved["ema"].items() if not name.endswith("num_batches_tracked")}
    homes = [home / "data" for home in (args.checkpoint.parent, *args.also)]
    net = backbone()
    net.load_state_dict(saved["ema"])
    heads, axes = saved["ema_heads"], saved["target"]["axes"]
    weight, bias = axes.T @ heads["feature.weight"], axes.T @ heads["feature.bias"]
    if args.correct:
        more = correction(net, (weight, bias), saved["target"], homes, args.size, args.correct)
        weight, bias = weight + more[0], bias + more[1]
    tensors["embedding.weight"], tensors["embedding.bias"] = weight, bias
    half = {name: value.half().contiguous() for name, value in tensors.items()}
    if not all(torch.isfinite(value).all() for value in half.values()):
        raise ValueError("a weight does not fit in float16")
    save_file(half, args.out, metadata={"format": "pt", "architecture": "resnet18"})

    pixels = np.array(np.load(homes[0] / "pixels.npy", mmap_mode="r")[:256])
    full = F.linear(embed(net, pixels, autocast=False), tensors["embedding.weight"], tensors["embedding.bias"])
    for name, autocast in (("float16 file", False), ("float16 file run in bfloat16", True)):
        cosine = F.cosine_similarity(full, embeddings(read_model(args.out), pixels, autocast))
        print(f"{name}: cosine to float32 {cosine.min():.6f} at least, {cosine.mean():.6f} on average")
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    args.out.with_suffix(".toml").write_text(manifest(args.out, digest, args.size, full.shape[1]))
    norms = full.norm(dim=1)
    print(f"{full.shape[1]} dimensions, norms {norms.mean():.2f} +- {norms.std():.2f}, "
          f"{args.out.stat().st_size / 1e6:.1f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
