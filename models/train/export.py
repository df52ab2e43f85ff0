#!/usr/bin/env python3
"""Makes the model file from a checkpoint: the averaged weights as float16 under torchvision's names.

    export.py CHECKPOINT OUT.safetensors

The embedding is a linear layer, `embedding.weight` and `embedding.bias`, on the pooled 512 numbers: the head that
predicts the teacher's feature, times the axes of `axes.py`, corrected and evened out on whole pictures at --size. Batch norm
stays as it is.
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

from axes import SMALLEST_CLASS, scatters, whitening
from evaluate import embed
from network import DEPTHS, MEAN, STD, backbone
from teacher import open_view

# Chosen on the development sets: less is better for things and worse for kinds of things.
RIDGE = 0.3
# Chosen on the development sets and on training classes whose source was held out: more power is better for cosines and,
# on the development sets, worse for euclidean distances.
EVEN_RIDGE, EVEN_POWER = 0.3, 0.3


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


def whole_pictures(net, target, folders, size, count):
    """(pooled numbers, the teacher's feature on the axes, labels) of whole pictures at `size`: the first ones of each
    folder, for packing shuffled them. Training saw crops, changed copies and smaller inputs."""
    pooled, goals, labels, number = [], [], [], {}
    for folder in folders:
        pixels = np.load(folder / "pixels.npy", mmap_mode="r")
        listing = json.loads((folder / "pictures.json").read_text())
        rows = np.setdiff1d(np.arange(min(count // len(folders), len(pixels))), listing["unreadable"])
        feature = open_view(folder, 0, len(pixels), "r")["feature"][rows].astype(np.float32)
        goals.append((torch.from_numpy(feature) - target["center"]) @ target["axes"])
        whole = [np.asarray(Image.fromarray(pixels[row]).resize((size, size), Image.BILINEAR)) for row in rows]
        pooled.append(embed(net, np.stack(whole)))
        known = [number.setdefault(name, len(number)) for name in listing["classes"]]
        labels += [known[at] if (at := listing["labels"][row]) >= 0 else -1 for row in rows]
    return torch.cat(pooled), torch.cat(goals), torch.tensor(labels)


def correction(x, goal, projection):
    """(weight, bias) to add to the linear layer: the ridge regression of what it gets wrong."""
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


def evened(found, labels):
    """The matrix (dim x dim) that evens out, in part, how embeddings scatter within a class: what the axes did for the
    teacher's features, done for what the student makes of them. The embeddings stay as long as they are on average."""
    known = labels[labels >= 0]
    if (torch.bincount(known)[known] >= SMALLEST_CLASS).sum() < 10 * found.shape[1]:
        print("too few of these pictures have labels to even out how classes scatter")
        return torch.eye(found.shape[1])
    within, _ = scatters(found, labels)
    matrix = whitening(within, EVEN_RIDGE, EVEN_POWER).float()
    return matrix * (found.square().sum() / (found @ matrix).square().sum()).sqrt()


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
    p.add_argument("--correct", type=int, default=24000, help="pictures to correct and even out the linear layer on; 0 leaves it as it was trained")
    args = p.parse_args()
    saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    tensors = {name: value for name, value in saved["ema"].items() if not name.endswith("num_batches_tracked")}
    homes = [home / "data" for home in (args.checkpoint.parent, *args.also)]
    net = backbone()
    net.load_state_dict(saved["ema"])
    heads, axes = saved["ema_heads"], saved["target"]["axes"]
    weight, bias = axes.T @ heads["feature.weight"], axes.T @ heads["feature.bias"]
    if args.correct:
        x, goal, labels = whole_pictures(net, saved["target"], homes, args.size, args.correct)
        more = correction(x, goal, (weight, bias))
        weight, bias = weight + more[0], bias + more[1]
        matrix = evened(F.linear(x, weight, bias), labels)
        weight, bias = matrix @ weight, matrix @ bias
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
