#!/usr/bin/env python3
"""Networks alone, against PyTorch at its best on the same CPU, with the same seeded random weights.

PyTorch's side: batch norm folded, channels last, bfloat16 where the CPU has it, frozen TorchScript, and whichever batch
size is quickest. Ours: `tests/bench/network.rs`, which decodes nothing either but counts the normalization of 8-bit pixels
in. Both with one thread and with one a core, in turn. Where other work runs on the machine, compare the processor time (Linux).
"""
import pathlib
import re
import subprocess
import tempfile
import time

import common

BATCHES = 1, 4, 8, 16, 32
MODELS = (
    "resnet50 mobilenet-v2 mobilenet-v3-large mobilenet-v3-small efficientnet-b0 efficientnet-b1 efficientnet-b2 efficientnet-b3 "
    "efficientnet-b4 efficientnet-lite0 efficientnet-lite1 efficientnet-lite2 convnext-tiny convnext-small vit-b-16 dinov2-small "
    "dinov2-base"
).split()
# Sides of the pictures that are not 224 pixels high and wide.
SIDES = {"efficientnet-b1": 240, "efficientnet-b2": 288, "efficientnet-b3": 300, "efficientnet-b4": 380}
SIDES |= {"efficientnet-lite1": 240, "efficientnet-lite2": 260}
# Sizes of DINOv2's networks, which torchvision does not have: values of a token, heads.
DINOV2 = {"dinov2-small": (384, 6), "dinov2-base": (768, 12)}


def main():
    parser = common.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="that each measurement takes")
    parser.add_argument("--models", default="resnet50", help="names of models, with commas between them, or all")
    parser.add_argument("--threads", type=int, action="append", help="instead of one, and one a core")
    options = parser.parse_args()
    common.enter(options.python)
    program, rows = common.benchmark("network"), []
    for model in MODELS if options.models == "all" else options.models.split(","):
        with tempfile.TemporaryDirectory() as home:
            weights = pathlib.Path(home) / f"{model}.pth"
            network = save(model, weights)
            for threads in options.threads or sorted({1, common.cores()}):
                best = quickest(network, SIDES.get(model, 224), threads, options.seconds / 4)
                found = common.alternate(
                    options.rounds,
                    pytorch=lambda: pytorch(best, threads, options.seconds),
                    ours=lambda: ours(program, model, weights, threads, options.seconds),
                )
                (its, its_ms), (rates, ms) = [list(zip(*found[side])) for side in ("pytorch", "ours")]
                shown = [common.spread(side, "{:.1f}") for side in (its, rates)]
                rows.append([model, threads, len(best[1]), *shown, common.spread(common.ratios(rates, its)), common.spread(common.ratios(its_ms, ms))])
    header = ["model", "threads", "PyTorch's batch", "PyTorch, images/s", "lookalike, images/s", "ratio", "ratio by processor time"]
    common.table(header, rows)


def save(model, path):
    """Writes a state dict and returns the network without its classifier, folded, channels last, in the quickest
    precision."""
    import torch
    import torchvision
    from torch.fx.experimental.optimization import fuse

    torch.manual_seed(0)
    if model in DINOV2:
        torch.save(dinov2(model, 518).state_dict(), path)
        network = dinov2(model, 224)
    elif "-lite" in model:
        import timm

        network = timm.create_model(f"tf_{model.replace('-', '_')}", num_classes=0).eval()
        torch.save(network.state_dict(), path)
        network = folded(network)
    else:
        network = getattr(torchvision.models, model.replace("-", "_"))(weights=None).eval()
        torch.save(network.state_dict(), path)
        classifier = next(name for name in ("fc", "classifier", "heads") if hasattr(network, name))
        # A ConvNeXt's classifier begins with the layer norm behind the pooling.
        kept = [*network.classifier][:-1] if model.startswith("convnext") else []
        setattr(network, classifier, torch.nn.Sequential(*kept))
        if any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules()):
            network = fuse(network)
    return network.to(memory_format=torch.channels_last, dtype=precision())


def folded(network):
    """timm's network with every batch norm in the convolution before it; its activation stays where it was."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    before = None
    for name, module in list(network.named_modules()):
        if isinstance(module, torch.nn.Conv2d):
            before = name
        elif isinstance(module, torch.nn.BatchNorm2d):
            # Set in place, because timm's convolutions with padding of their own must stay what they are.
            conv = network.get_submodule(before)
            fused = fuse_conv_bn_eval(conv, module)
            conv.weight, conv.bias = fused.weight, fused.bias
            network.set_submodule(name, torch.nn.Sequential(module.drop, module.act))
    return network


def dinov2(model, side):
    """DINOv2's network, for pictures of that side."""
    import timm

    width, heads = DINOV2[model]
    return timm.models.vision_transformer.VisionTransformer(
        img_size=side, patch_size=14, embed_dim=width, depth=12, num_heads=heads, init_values=1e-5, num_classes=0).eval()


def precision():
    import torch

    flags = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    return torch.bfloat16 if "avx512_bf16" in flags else torch.float32


def quickest(network, side, threads, seconds):
    """(frozen network, batch) of the quickest batch size."""
    import torch

    found = []
    for size in BATCHES:
        batch = torch.randn(size, 3, side, side).to(memory_format=torch.channels_last, dtype=precision())
        with torch.no_grad():
            frozen = torch.jit.freeze(torch.jit.trace(network, batch))
        rate, used = pytorch((frozen, batch), threads, seconds)
        # The same for one thread, but for what else runs.
        found.append((used if threads == 1 else 1 / rate, (frozen, batch)))
    return min(found, key=lambda pair: pair[0])[1]


def pytorch(side, threads, seconds):
    """Images a second, and the milliseconds of processor time that each takes."""
    import torch

    frozen, batch = side
    torch.set_num_threads(threads)
    with torch.inference_mode():
        for _ in range(3):
            frozen(batch)
        start, used, batches = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - start < seconds:
            frozen(batch)
            batches += 1
    images = batches * len(batch)
    return images / (time.perf_counter() - start), (time.process_time() - used) * 1e3 / images


def ours(program, model, weights, threads, seconds):
    command = [program, "--model", model, "--weights", weights, "--threads", threads, "--seconds", seconds]
    said = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout
    used = re.search(r"([\d.]+) ms of processor", said)
    return float(re.search(r"([\d.]+) images/s", said).group(1)), float(used.group(1)) if used else float("nan")


if __name__ == "__main__":
    main()
