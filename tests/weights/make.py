#!/usr/bin/env python3
"""Makes the small weights files that the readers are tested with. Needs torch and safetensors.

    python3 tests/weights/make.py
"""
import io
import os
import pathlib
import zipfile

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


class RunsCode:
    """Unpickled by Python, this makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("a-pickle-ran-code",)


def main():
    state = {
        "conv1.weight": torch.arange(12, dtype=torch.float32).reshape(2, 3, 2, 1) / 8,
        "bn1.bias": torch.tensor([0.5, -2.0]),
        "bn1.num_batches_tracked": torch.tensor(7),
        "fc.weight": torch.zeros(1, 2),
    }
    half = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    brain = {name: tensor.bfloat16() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    nested = {"epoch": 3, "state_dict": {f"module.{name}": tensor for name, tensor in state.items()}}
    torch.save(state, HERE / "zip.pth")
    torch.save(state, HERE / "legacy.pth", _use_new_zipfile_serialization=False)
    torch.save(half, HERE / "half.pth")
    torch.save(nested, HERE / "nested.pth")
    torch.save({**state, "evil": RunsCode()}, HERE / "code.pth")
    save_file(state, HERE / "float.safetensors")
    save_file(brain, HERE / "bfloat16.safetensors")

    class Pool(torch.nn.Module):
        """A stand-in for any network: mean, minimum and maximum of each channel."""

        def forward(self, x):
            return torch.cat([x.mean((2, 3)), x.amin((2, 3)), x.amax((2, 3))], 1)

    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Pool()), buffer)
    with zipfile.ZipFile(buffer) as full, zipfile.ZipFile(HERE / "pool.pt", "w") as kept:
        for entry in full.infolist():
            # The debug records hold the path of this script on the machine it ran on.
            if not entry.filename.endswith(".debug_pkl"):
                kept.writestr(entry.filename, full.read(entry))


if __name__ == "__main__":
    main()
