"""Weights and pixels by a formula, which tests/it/torchvision.rs computes too, so that nothing has to be downloaded."""
import numpy as np
import torch


def uniform(name, count):
    """`count` numbers in [0, 1): FNV-1a of the name seeds, MurmurHash3's finalizer mixes, 24 bits are kept."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    h = np.arange(count, dtype=np.uint32) * np.uint32(2654435769) + np.uint32(seed)
    h ^= h >> np.uint32(16)
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float64) / 2.0**24


def weights(name, shape):
    """He initialization for convolutions and linear layers; batch norms that damp a ResNet, whose activations would grow,
    and hardly damp EfficientNets (their names begin with "_"), whose activations would fade."""
    u = uniform(name, int(np.prod(shape)))
    if len(shape) > 1:
        values = (2 * u - 1) * np.sqrt(6.0 / np.prod(shape[1:]))
    elif name.endswith("running_var"):
        values = 0.5 + u
    elif name.endswith(".weight"):
        values = (0.6 if name.startswith("_") else 0.2) + 0.4 * u
    else:
        values = 0.2 * u - 0.1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def pixels(index, side=224):
    """A picture of waves: level = (x·(3+index) + y·(5+2·channel) + x·y/16) mod 256, with whole-number division."""
    y, x, c = np.mgrid[0:side, 0:side, 0:3]
    return ((x * (3 + index) + y * (5 + 2 * c) + x * y // 16) % 256).astype(np.uint8)
