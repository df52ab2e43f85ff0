"""The teachers: networks whose pooled features, side by side, say what the student has to learn.

A teacher file is a published EfficientNet-Lite (`network.py`), or a graph of `ops`, `input` and `weights` whose last
convolution is the classifier.
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from network import FEATURES, Lite


def read_teacher(path):
    """A network that maps RGB of 0-255 (N x 3 x H x W) to unit features (N x 1280)."""
    saved = torch.load(path, map_location="cpu", weights_only=True)
    return (Graph(saved) if "ops" in saved else Lite.published(path)).eval().requires_grad_(False)


class Graph(nn.Module):
    """Runs the graph of a teacher file up to its classifier."""

    def __init__(self, graph):
        super().__init__()
        self.source = graph["input"]
        for name, value in graph["weights"].items():
            self.register_buffer(name, value.float() if value.is_floating_point() else value)
        classifier = max(i for i, op in enumerate(graph["ops"]) if op["op"] == "CONV_2D")
        self.ops = graph["ops"][:classifier]

    def forward(self, x):
        values = {self.source: x / 127.5 - 1}
        for op in self.ops:
            y = values[op["ins"][0]]
            if op["op"] in ("CONV_2D", "DEPTHWISE_CONV_2D"):
                weight, bias = getattr(self, f"w{op['k']}"), getattr(self, f"b{op['k']}")
                if op["same"]:
                    y = same_pad(y, weight.shape[2:], op["stride"], op["dil"])
                y = F.conv2d(y, weight, bias, op["stride"], 0, op["dil"], op["groups"])
                y = F.relu(y) if op["act"] == "RELU" else F.relu6(y) if op["act"] == "RELU6" else y
            elif op["op"] == "ADD":
                y = y + values[op["ins"][1]]
            elif op["op"] == "AVERAGE_POOL_2D":
                y = y.float().mean((2, 3), keepdim=True)
            values[op["out"]] = y
        return F.normalize(y.flatten(1).float())


def same_pad(x, kernel, stride, dilation):
    """TensorFlow's `SAME` padding: the odd pixel goes to the right and the bottom."""
    pads = []
    for n, k, s, d in zip((x.shape[3], x.shape[2]), kernel[::-1], stride[::-1], dilation[::-1]):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads) if any(pads) else x


def boxes(count, view, seed=0):
    """The crops of a view, N x 4 (top, left, height, width, as shares of the side): view 0 is the whole picture,
    every other one a random crop of 35-100 % of its area with an aspect of 3/4 to 4/3."""
    if view == 0:
        return np.tile(np.array([0.0, 0.0, 1.0, 1.0], np.float32), (count, 1))
    rng = np.random.default_rng((seed, view))
    area, aspect = rng.uniform(0.35, 1, count), np.exp(rng.uniform(-1, 1, count) * np.log(4 / 3))
    height, width = np.minimum(np.sqrt(area / aspect), 1), np.minimum(np.sqrt(area * aspect), 1)
    top, left = rng.uniform(0, 1, count) * (1 - height), rng.uniform(0, 1, count) * (1 - width)
    return np.stack([top, left, height, width], 1).astype(np.float32)


def cut(pixels, box, size):
    """The boxes of pictures (N x S x S x 3, uint8) as N x 3 x size x size, float32 of 0-255."""
    x = pixels.permute(0, 3, 1, 2).float()
    if bool((box[:, 2:] == 1).all()):
        return F.interpolate(x, (size, size), mode="bilinear", antialias=True)
    # affine_grid counts from -1 to 1, from the picture's middle.
    theta = torch.zeros(len(x), 2, 3, device=x.device)
    theta[:, 0, 0], theta[:, 1, 1] = box[:, 3], box[:, 2]
    theta[:, 0, 2] = 2 * box[:, 1] + box[:, 3] - 1
    theta[:, 1, 2] = 2 * box[:, 0] + box[:, 2] - 1
    grid = F.affine_grid(theta, (len(x), 3, size, size), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)


@torch.inference_mode()
def features(net, x):
    """Unit features (N x 1280, float32) of a batch and its mirror image: what both have in common says more."""
    with torch.autocast(x.device.type, torch.bfloat16):
        both = net(x) + net(x.flip(3))
    return F.normalize(both)


def teach(pixels, view, teachers, sizes, batch):
    """What all teachers say about a view of each picture: N x (1280 x teachers), float16, on the pictures' device."""
    box = torch.from_numpy(boxes(len(pixels), view)).to(pixels.device)
    said = torch.empty(len(pixels), FEATURES * len(teachers), dtype=torch.float16, device=pixels.device)
    for start in range(0, len(pixels), batch):
        rows = slice(start, start + batch)
        for i, (net, size) in enumerate(zip(teachers, sizes)):
            said[rows, FEATURES * i : FEATURES * (i + 1)] = features(net, cut(pixels[rows], box[rows], size)).half()
    return said
