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

from formula import pixels, weights

PICTURES = 2
SHOWN = 64
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


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
