#!/usr/bin/env python3
"""Makes expected.json: what PyTorch answers for EfficientNet-Lite 0, 1 and 2 when weights and pixels follow a formula, and
what timm's networks of that name do, with the names and shapes of their tensors and layers.

Needs numpy, torch and timm; nothing is downloaded. The first networks are built here from the papers' scaling rules;
tests/it/inverted_residual.rs writes their layouts out in manifests, follows the same formula and compares.

    python3 tests/inverted_residual/make_expected.py
"""
import json
import math
import pathlib
import sys

import numpy as np
import timm
import torch
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "torchvision"))
import formula
from formula import batch, fill, pixels, rows, tensors

PICTURES = 2
SHOWN = 64
# Width, depth, input, width of the linear layer, blocks inside which maps are pooled too.
NETWORKS = {"lite0": (1.0, 1.0, 160, 64, ()), "lite1": (1.0, 1.1, 130, None, ()), "lite1-taps": (1.0, 1.1, 130, 64, (8, 14)), "lite2": (1.1, 1.2, 192, 64, ())}
# timm's, by the names of our manifests: the side of the pictures, another one to compare with, and a layer inside.
TIMM = {"efficientnet-lite0": (224, 160, "blocks.2"), "efficientnet-lite1": (240, 130, None), "efficientnet-lite2": (260, 100, "blocks.4.1")}
# Blocks, kernel, stride, expansion, channels.
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]


def weights(name, shape):
    """In float64, so that the expected values carry no rounding of their own."""
    return formula.weights(name, shape).double()


def convolution(x, conv, norm, outputs, kernel, stride=1, depthwise=False):
    """A convolution with TensorFlow's "SAME" padding, and its batch norm."""
    inputs = x.shape[1]
    weight = weights(conv + ".weight", (outputs, 1 if depthwise else inputs, kernel, kernel))
    zeros = [max((math.ceil(side / stride) - 1) * stride + kernel - side, 0) for side in (x.shape[3], x.shape[2])]
    x = F.pad(x, [zeros[0] // 2, zeros[0] - zeros[0] // 2, zeros[1] // 2, zeros[1] - zeros[1] // 2])
    x = F.conv2d(x, weight, stride=stride, groups=inputs if depthwise else 1)
    part = lambda name: weights(f"{norm}.{name}", (outputs,))
    return F.batch_norm(x, part("running_mean"), part("running_var"), part("weight"), part("bias"), eps=1e-3)


def rounded(channels, width):
    """The nearest multiple of 8 that does not take away more than a tenth."""
    near = max(8, int(channels * width + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels * width else near


def network(x, width, depth, dim, taps):
    inner = []
    x = F.relu6(convolution(x, "_conv_stem", "_bn0", 32, 3, 2))
    index = 0
    for stage, (blocks, kernel, stride, expansion, channels) in enumerate(STAGES):
        # The first and the last stage are not made deeper.
        for i in range(blocks if stage in (0, len(STAGES) - 1) else math.ceil(blocks * depth)):
            name, y, inputs = f"_blocks.{index}.", x, x.shape[1]
            wide, step, outputs = inputs * expansion, stride if i == 0 else 1, rounded(channels, width)
            if expansion > 1:
                y = F.relu6(convolution(y, name + "_expand_conv", name + "_bn0", wide, 1))
            y = F.relu6(convolution(y, name + "_depthwise_conv", name + "_bn1", wide, kernel, step, depthwise=True))
            inner += [F.normalize(y.mean((2, 3)).sqrt())] if index in taps else []
            y = convolution(y, name + "_project_conv", name + "_bn2", outputs, 1)
            x = x + y if step == 1 and inputs == outputs else y
            index += 1
    x = F.relu6(convolution(x, "_conv_head", "_bn1", 1280, 1)).mean((2, 3))
    if dim is None:
        return x
    x = torch.cat([F.normalize(x), *inner], 1)
    return F.linear(x, weights("embedding.weight", (dim, x.shape[1])), weights("embedding.bias", (dim,)))


def timms(name, side, layers=None):
    """timm's network without its classifier; what its layers give for pictures of that side comes into `layers`."""
    network = timm.create_model(f"tf_{name.replace('-', '_')}", num_classes=0).eval()
    if layers is not None:
        named = {at: module for at, module in network.named_modules() if at.startswith("blocks.") and at.count(".") == 2}
        for at, module in {"conv_stem": network.bn1, **named, "conv_head": network.bn2, "avgpool": network.global_pool}.items():
            module.register_forward_hook(lambda _module, _input, output, at=at: layers.__setitem__(at, output))
        with torch.no_grad():
            network(torch.zeros(1, 3, side, side))
    return network


def of_timm():
    expected = {"version": timm.__version__, "embeddings": {}, "models": {}}
    for name, (side, other, inner) in TIMM.items():
        shapes, found = {}, {}
        state = timms(name, side, shapes).state_dict()
        kept = {key: tensor for key, tensor in state.items() if not key.endswith("num_batches_tracked")}
        expected["models"][name] = {"tensors": tensors(kept), "layers": [[at, list(shape.shape[1:])] for at, shape in shapes.items()]}
        network = fill(timms(name, other, found)).double()
        if inner:
            dict(network.named_modules())[inner].register_forward_hook(lambda _module, _input, output: found.__setitem__("inner", output))
        with torch.no_grad():
            values = network(batch(PICTURES, other, (0.5,) * 3, (0.5,) * 3).double())
        expected["embeddings"][name] = rows(values)
        if inner:
            expected["embeddings"][f"{name} at {inner}"] = rows(found["inner"].mean((2, 3)))
        print(name, values.shape, values.mean().item(), values.std().item(), torch.cosine_similarity(values[0], values[1], 0).item())
    return expected


def main():
    expected = {"torch": torch.__version__, "timm": of_timm()}
    for name, (width, depth, side, dim, taps) in NETWORKS.items():
        batch = torch.from_numpy(np.stack([pixels(i, side) for i in range(PICTURES)])).permute(0, 3, 1, 2).double()
        with torch.no_grad():
            rows = network((batch - 127) / 128, width, depth, dim, taps)
        expected[name] = [{"norm": row.norm().item(), "first": [float(f"{v:.8g}") for v in row[:SHOWN].tolist()]} for row in rows]
        print(name, rows.shape, rows.mean().item(), rows.std().item(), torch.cosine_similarity(rows[0], rows[1], 0).item())
    path = pathlib.Path(__file__).parent / "expected.json"
    path.write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
