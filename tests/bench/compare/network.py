#!/usr/bin/env python3
"""ResNet-50's network alone, against PyTorch at its best on the same CPU, with the same seeded random weights.

PyTorch's side: batch norm folded, channels last, bfloat16 where the CPU has it, frozen TorchScript, and whichever batch
size is quickest. Ours: `tests/bench/network.rs`, which decodes nothing either but counts the normalization of 8-bit pixels
in. Both with one thread and with one a core, in turn.
"""
import pathlib
import re
import subprocess
import tempfile
import time

import common

BATCHES = 1, 4, 8, 16, 32


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="that each measurement takes")
    options = parser.parse_args()
    common.enter(options.python)
    with tempfile.TemporaryDirectory() as home:
        weights = pathlib.Path(home) / "resnet50.pth"
        network = save(weights)
        program = build()
        rows = []
        for threads in sorted({1, common.cores()}):
            best = quickest(network, threads, options.seconds / 4)
            found = common.alternate(
                options.rounds,
                pytorch=lambda: pytorch(best, threads, options.seconds),
                ours=lambda: ours(program, weights, threads, options.seconds),
            )
            rates = [common.spread(found[side], "{:.1f}") for side in ("pytorch", "ours")]
            rows.append([threads, len(best[1]), *rates, common.spread(common.ratios(found["ours"], found["pytorch"]))])
    common.table(["threads", "PyTorch's batch", "PyTorch, images/s", "lookalike, images/s", "ratio"], rows)


def save(path):
    """Writes torchvision's state dict and returns the network, folded, channels last, in the quickest precision."""
    import torch
    import torchvision
    from torch.fx.experimental.optimization import fuse

    torch.manual_seed(0)
    network = torchvision.models.resnet50(weights=None).eval()
    torch.save(network.state_dict(), path)
    network.fc = torch.nn.Identity()
    return fuse(network).to(memory_format=torch.channels_last, dtype=precision())


def precision():
    import torch

    flags = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    return torch.bfloat16 if "avx512_bf16" in flags else torch.float32


def quickest(network, threads, seconds):
    """(frozen network, batch) of the quickest batch size."""
    import torch

    found = []
    for size in BATCHES:
        batch = torch.randn(size, 3, 224, 224).to(memory_format=torch.channels_last, dtype=precision())
        with torch.no_grad():
            frozen = torch.jit.freeze(torch.jit.trace(network, batch))
        found.append((pytorch((frozen, batch), threads, seconds), (frozen, batch)))
    return max(found, key=lambda pair: pair[0])[1]


def pytorch(side, threads, seconds):
    """Images a second."""
    import torch

    frozen, batch = side
    torch.set_num_threads(threads)
    with torch.inference_mode():
        for _ in range(3):
            frozen(batch)
        start, batches = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            frozen(batch)
            batches += 1
    return batches * len(batch) / (time.perf_counter() - start)


def build():
    """The benchmark's program."""
    command = ["cargo", "bench", "--locked", "--bench", "network", "--no-run"]
    said = subprocess.run(command, cwd=common.ROOT, check=True, stderr=subprocess.PIPE, text=True).stderr
    return common.ROOT / re.search(r"\((\S*network-[0-9a-f]+)\)", said).group(1)


def ours(program, weights, threads, seconds):
    command = [program, "--model", "resnet50", "--weights", weights, "--threads", threads, "--seconds", seconds]
    said = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"([\d.]+) images/s", said).group(1))


if __name__ == "__main__":
    main()
