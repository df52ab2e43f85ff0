#!/usr/bin/env python3
"""What the training code's network says of some sample pictures: the other side of tests/it/gaze.rs.

    make_expected.py > expected.json

Needs what models/train/requirements.txt names.
"""
import json
import pathlib
import sys
import tomllib

import numpy as np
import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models/train"))

from export import embeddings, read_model  # noqa: E402
from pack import squash  # noqa: E402

# One of each group.
names = sorted(str(sorted(group.iterdir())[0].relative_to(ROOT / "sample_images")) for group in (ROOT / "sample_images").iterdir() if group.is_dir() and not group.name.startswith("."))
size = tomllib.loads((ROOT / "models/gaze.toml").read_text())["input"]
pixels = torch.from_numpy(np.stack([squash(str(ROOT / "sample_images" / name), size) for name in names]))
with torch.inference_mode():
    rows = embeddings(read_model(ROOT / "models/gaze.safetensors"), pixels)
print(json.dumps({name: [round(float(value), 5) for value in row] for name, row in zip(names, rows)}))
