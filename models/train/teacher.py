"""The teacher network and the cache of what it says about every training picture.

A teacher file holds `ops` (a list of convolutions, additions and poolings), `input` and `weights`.
For each picture and each fixed view of it the cache keeps the pooled feature before the classifier
and three maps (strides 8, 16 and 32), so that the teacher looks at a view only once.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

INPUT = 160
GRID = {"map8": 10, "map16": 10, "map32": 5}


class Teacher(nn.Module):
    """Runs the graph of a teacher file; x is RGB in [-1, 1], N x 3 x H x W."""

    def __init__(self, path):
        super().__init__()
        graph = torch.load(path, map_location="cpu", weights_only=True)
        self.ops, self.source = graph["ops"], graph["input"]
        for name, value in graph["weights"].items():
            self.register_buffer(name, value.float() if value.is_floating_point() else value)
        convolutions = [i for i, op in enumerate(self.ops) if op["op"] == "CONV_2D"]
        self.classifier = convolutions[-1]
        self.pooling = convolutions[-2]
        key = self.ops[self.classifier]["k"]
        # The first of the 1001 classes is the background, which says nothing about a picture.
        self.class_weight = getattr(self, f"w{key}").flatten(1)[1:].clone()
        self.class_bias = getattr(self, f"b{key}")[1:].clone()

    def forward(self, x):
        """Returns feature (N x 1280) and the last linear map of strides 8, 16 and 32."""
        values, maps = {self.source: x}, {}
        for i, op in enumerate(self.ops[: self.classifier]):
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
                y = y.mean((2, 3), keepdim=True)
            values[op["out"]] = y
            if op.get("act") == "NONE" and i < self.pooling:
                maps[int(x.shape[2]) // int(y.shape[2])] = y
        return y.flatten(1), maps[8], maps[16], maps[32]


def same_pad(x, kernel, stride, dilation):
    """TensorFlow's `SAME` padding: the odd pixel goes to the right and the bottom."""
    pads = []
    for n, k, s, d in zip((x.shape[3], x.shape[2]), kernel[::-1], stride[::-1], dilation[::-1]):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads) if any(pads) else x


def boxes(count, size, view, seed=0):
    """The crops of a view, N x 4 (top, left, height, width): view 0 is the whole picture,
    every other one a random crop of 35-100 % of its area with an aspect of 3/4 to 4/3."""
    if view == 0:
        return np.tile(np.array([0, 0, size, size]), (count, 1))
    rng = np.random.default_rng((seed, view))
    area, aspect = rng.uniform(0.35, 1, count), np.exp(rng.uniform(-1, 1, count) * np.log(4 / 3))
    height = np.clip(np.sqrt(area / aspect) * size, 16, size).astype(int)
    width = np.clip(np.sqrt(area * aspect) * size, 16, size).astype(int)
    top = (rng.random(count) * (size - height + 1)).astype(int)
    left = (rng.random(count) * (size - width + 1)).astype(int)
    return np.stack([top, left, height, width], 1)


def cut(pixels, box, size):
    """Crops (N x 4) of N x S x S x 3 uint8 pictures, bilinear, as N x 3 x size x size float32 of 0-255.

    A crop is enlarged first and shrunk with antialiasing after that, which is what Pillow's bilinear filter does.
    """
    x = pixels.permute(0, 3, 1, 2).float()
    side = x.shape[2]
    if not bool((box[:, 2:] == side).all()):
        scale, middle = box[:, 2:] / side, (box[:, :2] + box[:, 2:] / 2) * 2 / side - 1
        theta = x.new_zeros(len(x), 2, 3)
        theta[:, 0, 0], theta[:, 1, 1] = scale[:, 1], scale[:, 0]
        theta[:, 0, 2], theta[:, 1, 2] = middle[:, 1], middle[:, 0]
        shape = (len(x), 3, max(size, side), max(size, side))
        x = F.grid_sample(x, F.affine_grid(theta, shape, align_corners=False), padding_mode="border", align_corners=False)
    return x if x.shape[2] == size else F.interpolate(x, (size, size), mode="bilinear", antialias=True)


def cache_view(path, folder, view, device="cpu", seed=0, batch=32):
    """Fills the cache of one view; what an earlier run has done is kept."""
    folder = pathlib.Path(folder)
    pixels = torch.from_numpy(np.load(folder / "pixels.npy", mmap_mode="c"))
    store, done = open_view(folder, view, len(pixels)), progress(folder, view)
    net = Teacher(path).eval().bfloat16().to(device, memory_format=torch.channels_last)
    box = torch.from_numpy(boxes(len(pixels), pixels.shape[1], view, seed))
    with torch.inference_mode():
        for start in range(done, len(pixels), batch):
            rows = slice(start, min(start + batch, len(pixels)))
            x = cut(pixels[rows].to(device), box[rows].to(device), INPUT).bfloat16() / 127.5 - 1
            feature, *maps = net(x.contiguous(memory_format=torch.channels_last))
            store["feature"][rows] = feature.float().half().cpu().numpy()
            for (name, grid), value in zip(GRID.items(), maps):
                value = F.adaptive_avg_pool2d(value.float(), grid).clamp(-60000, 60000)
                store[name][rows] = value.half().permute(0, 2, 3, 1).cpu().numpy()
            if (start // batch) % 20 == 0 or rows.stop == len(pixels):
                (folder / f"view{view}.json").write_text(json.dumps({"done": rows.stop}))


def progress(folder, view):
    """How many rows of a view are in the cache."""
    path = pathlib.Path(folder) / f"view{view}.json"
    try:
        return json.loads(path.read_text())["done"]
    except (OSError, ValueError):
        return 0


def open_view(folder, view, count, mode=None):
    """The arrays of a view, mapped into memory (made when they are not there yet)."""
    shapes = {"feature": (1280,), "map8": (10, 10, 48), "map16": (10, 10, 96), "map32": (5, 5, 192)}
    arrays = {}
    for name, shape in shapes.items():
        path = pathlib.Path(folder) / f"view{view}_{name}.npy"
        if path.exists():
            arrays[name] = np.load(path, mmap_mode=mode or "r+")
        else:
            arrays[name] = np.lib.format.open_memmap(path, "w+", np.float16, (count, *shape))
    return arrays
