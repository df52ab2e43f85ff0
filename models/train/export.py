#!/usr/bin/env python3
"""Makes the model file from a checkpoint: the averaged weights as float16, under the published files' names. Those of the
convolutions are rounded to bfloat16 before, in which the program computes: float32 begins with nearly the same numbers then.

    export.py CHECKPOINT OUT.safetensors

The embedding is a linear layer, `embedding.weight` and `embedding.bias`, on the network's features, scaled to length 1. The layer is
the regression of the wanted embeddings of the whole training pictures, turned and scaled as `layer.py` says; classes that were held
out of training are held out here.
With --halfway, the weights are the mean of the checkpoint's and another model's, as a rule the one that training went on from: what
was learned anew at little cost to what was known (Wortsman et al., "Robust fine-tuning of zero-shot models", 2022).
A manifest is written beside the file. The file's embeddings are compared with those of the rounded weights in float32.
"""

import argparse
import hashlib
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from evaluate import embed
from layer import GIVEN, reduce
from network import FEATURES, STEM, TAPS, Lite, layout
from train import Heads, Pictures


def read_model(path):
    """(network, (weight, bias)) of a model file, float32, ready to embed."""
    tensors = {name: value.float() for name, value in load_file(path).items()}
    projection = tensors.pop("embedding.weight"), tensors.pop("embedding.bias")
    # Earlier model files have a layer on the last maps alone.
    return Lite.of(tensors, TAPS if projection[0].shape[1] > FEATURES else ()), projection


def embeddings(model, pixels, autocast=False):
    """The unit embeddings (N x D, float32) of pictures that have the model's input size (N x S x S x 3, uint8)."""
    net, projection = model
    return F.normalize(F.linear(embed(net, pixels, pixels.shape[1], "cpu", autocast=autocast), *projection))


def mean_network(net, other):
    """The network of the same kind whose weights are the means of both."""
    if other.number != net.number:
        raise SystemExit(f"the checkpoint is an EfficientNet-Lite{net.number}, the other model an EfficientNet-Lite{other.number}")
    mean, others = Lite(net.number, TAPS).to(memory_format=torch.channels_last), other.state_dict()
    mean.load_state_dict({name: value.lerp(others[name], 0.5) for name, value in net.state_dict().items()})
    return mean


@torch.no_grad()
def rounded(net):
    for convolution in net.convolutions():
        for values in (convolution.weight, convolution.bias):
            values.copy_(values.bfloat16())
    return net


@torch.no_grad()
def linear_layer(net, pictures, size, dim):
    """(weight, bias) from the features to the embedding, by the whole training pictures."""
    device, parts = pictures.pixels.device, np.array_split(pictures.rows, max(1, len(pictures.rows) // 4096))
    found, wanted = [], []
    for rows in parts:
        pixels, answers = pictures.whole(rows)
        found.append(embed(net, pixels, size, device))
        wanted.append(answers)
    found = torch.cat(found)
    heads = Heads(net.width, dim, len(pictures.classes)).to(device)
    heads.start(found, torch.cat(wanted))
    axes, center = reduce(heads.embedding(found), pictures.labels[torch.from_numpy(pictures.rows).to(device)], dim, GIVEN)
    return (axes.T @ heads.embedding.weight).cpu(), ((heads.embedding.bias - center) @ axes).cpu()


def manifest(out, digest, number, size, dim):
    """The model as the program reads it; the description, the license and the threshold for near-duplicates, which
    `lookalike evaluate` tries, are for the person who ships it to fill in."""
    names = ("blocks", "kernel", "stride", "expansion", "channels")
    stages = [", ".join(f"{name} = {value}" for name, value in zip(names, stage)) for stage in layout(number)]
    stages = "".join(f"    {{ {stage} }},\n" for stage in stages)
    return f"""name = "{out.stem}"
description = ""
architecture = "inverted-residual"
license = ""
input = {size}
resize = "squash"
interpolation = "bilinear"
mean = {[round(127 / 255, 8)] * 3}
std = {[round(128 / 255, 8)] * 3}
dim = {dim}
unit_length = true
layer = "embedding"

[inverted_residual]
stem = {STEM}
features = {FEATURES}
normalize = true
projection = "embedding"
taps = {list(TAPS)}
stages = [
{stages}]

[weights]
file = "{out.name}"
sha256 = "{digest}"
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("checkpoint", type=pathlib.Path)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--also", nargs="*", type=pathlib.Path, default=[], metavar="HOME", help="as it was trained")
    p.add_argument("--hold", nargs="*", default=[], metavar="SOURCE", help="as it was trained")
    p.add_argument("--halfway", type=pathlib.Path, metavar="MODEL", help="mean of the weights with this model's")
    p.add_argument("--size", type=int, default=224, help="input size that the manifest asks for")
    p.add_argument("--dim", type=int, default=768, help="as it was trained")
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = p.parse_args()
    saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    homes = [home / "data" for home in (args.checkpoint.parent, *args.also)]
    pictures = Pictures(homes, torch.device(args.device), args.hold, seed=0, dim=args.dim)
    net = Lite(saved["number"], TAPS).to(memory_format=torch.channels_last)
    net.load_state_dict(saved["ema"])
    if args.halfway:
        net = mean_network(net, Lite.published(args.halfway))
    projection = linear_layer(rounded(net).to(args.device), pictures, args.size, args.dim)
    tensors = net.cpu().tensors() | {"embedding.weight": projection[0], "embedding.bias": projection[1]}
    half = {name: value.detach().half().contiguous() for name, value in tensors.items()}
    if not all(torch.isfinite(value).all() for value in half.values()):
        raise ValueError("a weight does not fit in float16")
    save_file(half, args.out, metadata={"format": "pt"})

    pixels = pictures.pixels[:256].cpu().permute(0, 3, 1, 2).float()
    pixels = F.interpolate(pixels, (args.size, args.size), mode="bilinear", antialias=True).round().byte().permute(0, 2, 3, 1)
    full = embeddings((net, projection), pixels)
    for name, autocast in (("float16 file", False), ("float16 file run in bfloat16", True)):
        cosine = F.cosine_similarity(full, embeddings(read_model(args.out), pixels, autocast))
        print(f"{name}: cosine to float32 {cosine.min():.6f} at least, {cosine.mean():.6f} on average")
    digest = hashlib.sha256(args.out.read_bytes()).hexdigest()
    args.out.with_suffix(".toml").write_text(manifest(args.out, digest, net.number, args.size, args.dim))
    print(f"{args.dim} values, {args.out.stat().st_size / 1e6:.1f} MB, sha256 {digest}")


if __name__ == "__main__":
    main()
