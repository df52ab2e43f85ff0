#!/usr/bin/env python3
"""Makes expected.json: what torchvision's ResNet-18 and ResNet-50 answer when weights and pixels follow a formula.

Needs torch and torchvision. tests/it/torchvision.rs follows the same formula and compares; nothing is downloaded.

    python3 tests/torchvision/make_expected.py
"""
import json
import pathlib

import numpy as np
import torch
import torchvision

PICTURES = 2
SHOWN = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


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
    """He initialization for convolutions, and batch norms that damp, so that activations stay tame."""
    u = uniform(name, int(np.prod(shape)))
    if len(shape) == 4:
        values = (2 * u - 1) * np.sqrt(6.0 / (shape[1] * shape[2] * shape[3]))
    elif name.endswith("running_var"):
        values = 0.5 + u
    elif name.endswith(".weight"):
        values = 0.2 + 0.4 * u
    else:
        values = 0.2 * u - 0.1
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def pixels(index):
    """A picture of waves: level = (x·(3+index) + y·(5+2·channel) + x·y/16) mod 256, with whole-number division."""
    y, x, c = np.mgrid[0:224, 0:224, 0:3]
    return ((x * (3 + index) + y * (5 + 2 * c) + x * y // 16) % 256).astype(np.uint8)


def main():
    torch.manual_seed(0)
    batch = torch.from_numpy(np.stack([pixels(i) for i in range(PICTURES)])).permute(0, 3, 1, 2).float() / 255
    batch = (batch - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)
    expected = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    for name in ("resnet18", "resnet50"):
        network = getattr(torchvision.models, name)(weights=None)
        state = network.state_dict()
        for key, tensor in state.items():
            if tensor.dim() and not key.startswith("fc."):
                tensor.copy_(weights(key, tuple(tensor.shape)))
        network.load_state_dict(state)
        network.fc = torch.nn.Identity()
        with torch.no_grad():
            rows = network.eval()(batch.contiguous()).double()
        expected[name] = [{"norm": row.norm().item(), "first": [float(f"{v:.8g}") for v in row[:SHOWN].tolist()]} for row in rows]
        print(name, rows.mean().item(), rows.std().item(), rows.norm(dim=1).tolist(), torch.cosine_similarity(rows[0], rows[1], 0).item())
    path = pathlib.Path(__file__).parent / "expected.json"
    path.write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
