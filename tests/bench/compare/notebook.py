#!/usr/bin/env python3
"""Yardstick 1, the loop of the notebook that the README describes, as a process of its own: one picture after the other
through torchvision's network without its head, then scikit-learn's two matrices.

    python notebook.py MODEL WEIGHTS FOLDER... [--upright] [--out FILE.npz]

Prints as JSON how many pictures there were and the seconds from the end of the imports. Also makes the weights that
comparisons use, where the network's own may not be downloaded: `save_random_weights`.
"""
import argparse
import json
import pathlib
import time

import numpy as np
import torch
import torchvision
from PIL import Image, ImageOps
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from torchvision import transforms

RECIPE = transforms.Compose([
    transforms.Resize((224, 224)),
    transforms.ToTensor(),
    transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
])
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def pictures(folders):
    """The paths of all pictures, in order."""
    return sorted(path.resolve() for folder in folders for path in pathlib.Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)


def network(model, weights):
    """The network without its head."""
    net = getattr(torchvision.models, model)(weights=None)
    net.load_state_dict(torch.load(weights))
    net.fc = torch.nn.Identity()
    return net.eval()


def embed(net, paths, upright=False):
    """One row a picture."""
    rows = []
    with torch.no_grad():
        for path in paths:
            picture = Image.open(path)
            picture = (ImageOps.exif_transpose(picture) if upright else picture).convert("RGB")
            rows.append(net(RECIPE(picture).unsqueeze(0)).squeeze(0).numpy())
    return np.stack(rows)


def save_random_weights(file, model, paths):
    """Seeded random weights whose batch norms know a few photos: without that, activations of a deep random network
    grow from layer to layer, and every picture would get nearly the same embedding.

    What a block adds is half as strong as what it adds to. With both equally strong a random network is chaotic: bfloat16
    in PyTorch itself then comes to a cosine of 0.995, with half of it to 0.9993, with a quarter to 0.9999."""
    torch.manual_seed(0)
    net = getattr(torchvision.models, model)(weights=None)
    for part in net.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            # The plain mean over all batches.
            part.momentum = None
        if isinstance(part, torchvision.models.resnet.BasicBlock | torchvision.models.resnet.Bottleneck):
            last = part.bn3 if hasattr(part, "bn3") else part.bn2
            torch.nn.init.constant_(last.weight, 0.5)
    net.train()
    with torch.no_grad():
        for at in range(0, len(paths), 8):
            net(torch.stack([RECIPE(Image.open(path).convert("RGB")) for path in paths[at : at + 8]]))
    torch.save(net.state_dict(), file)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("model")
    arguments.add_argument("weights", type=pathlib.Path)
    arguments.add_argument("folders", type=pathlib.Path, nargs="+")
    arguments.add_argument("--upright", action="store_true", help="turn pictures as their EXIF data says, which the notebook does not")
    arguments.add_argument("--out", type=pathlib.Path, help="write paths and embeddings here")
    options = arguments.parse_args()
    start = time.perf_counter()
    paths = pictures(options.folders)
    rows = embed(network(options.model, options.weights), paths, options.upright)
    matrices = [cosine_similarity(rows), euclidean_distances(rows)]
    print(json.dumps({"images": len(paths), "seconds": time.perf_counter() - start, "pairs": matrices[0].size}))
    if options.out:
        np.savez(options.out, rows=rows, paths=[str(path) for path in paths])


if __name__ == "__main__":
    main()
