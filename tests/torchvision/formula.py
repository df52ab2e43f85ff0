"""Weights and pixels by a formula, which tests/it/torchvision.rs computes too, so that nothing has to be downloaded."""
import hashlib

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
    and hardly damp networks of inverted residuals (names that begin with "_", "features." or "blocks."), whose
    activations would fade, least of all behind squeeze-and-excitation (".block."); embeddings of positions and factors of whole blocks that
    count."""
    u = uniform(name, int(np.prod(shape)))
    if "pos" in name:
        values = 2 * u - 1
    elif len(shape) > 1:
        values = (2 * u - 1) * np.sqrt(6.0 / np.prod(shape[1:]))
    elif name.endswith(("running_var", "gamma", "lambda1")):
        values = 0.5 + u
    elif name.endswith(".weight"):
        # The dots tell EfficientNet ("features.1.0.block.") from MobileNetV3 ("features.1.block.").
        deep = {2: 0.8, 1: 0.7}.get(name.partition(".block.")[0].count(".")) if ".block." in name else None
        # Layer norms have names that begin with "blocks." too.
        inverted = name.startswith(("_", "features.")) or name.startswith("blocks.") and ".bn" in name
        values = (deep or (0.6 if inverted else 0.2)) + 0.4 * u
    else:
        values = 0.2 * u - 0.1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def fill(network):
    """Gives a network these weights."""
    state = network.state_dict()
    for key, tensor in state.items():
        if tensor.is_floating_point():
            tensor.copy_(weights(key, tuple(tensor.shape)))
    network.load_state_dict(state)
    return network.eval()


def batch(pictures, side, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):
    """That many pictures as a network takes them."""
    levels = torch.from_numpy(np.stack([pixels(i, side) for i in range(pictures)])).permute(0, 3, 1, 2).float() / 255
    return (levels - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)


def rows(embeddings, shown=64):
    """What is kept of the expected embeddings: their lengths and first values."""
    return [{"norm": row.norm().item(), "first": [float(f"{v:.8g}") for v in row[:shown].tolist()]} for row in embeddings.double()]


def tensors(state):
    """A sum over the names and shapes of a state dict, the same in any order."""
    lines = sorted(f"{name} {'x'.join(map(str, tensor.shape))}\n" for name, tensor in state.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def pixels(index, side=224):
    """A picture of waves: level = (x·(3+index) + y·(5+2·channel) + x·y/16) mod 256, with whole-number division."""
    y, x, c = np.mgrid[0:side, 0:side, 0:3]
    return ((x * (3 + index) + y * (5 + 2 * c) + x * y // 16) % 256).astype(np.uint8)
