#!/usr/bin/env python3
"""Makes expected.json: what torchvision's networks answer when weights and pixels follow a formula, at their last layer and
at one inside, and the names and shapes of all tensors and layers of those that the program knows.

Needs torch and torchvision. tests/it/torchvision.rs follows the same formula and compares; nothing is downloaded.

    python3 tests/torchvision/make_expected.py
"""
import functools
import json
import pathlib

import torch
import torchvision
from torchvision.models.convnext import CNBlockConfig, ConvNeXt

from formula import batch, fill, rows, tensors

PICTURES = 2
# The network, the side of its pictures, the module before the classifier's linear layer, and one inside.
NETWORKS = {
    "resnet18": (torchvision.models.resnet18, 224, "avgpool", "layer3.0"),
    "resnet50": (torchvision.models.resnet50, 224, "avgpool", None),
    "mobilenet-v2": (torchvision.models.mobilenet_v2, 160, None, "features.4"),
    "mobilenet-v3-large": (torchvision.models.mobilenet_v3_large, 224, "avgpool", "features.12"),
    "mobilenet-v3-small": (torchvision.models.mobilenet_v3_small, 130, "avgpool", None),
    "efficientnet-b0": (torchvision.models.efficientnet_b0, 160, "avgpool", "features.3"),
    "efficientnet-b2": (torchvision.models.efficientnet_b2, 130, "avgpool", None),
    "convnext": (
        functools.partial(ConvNeXt, [CNBlockConfig(16, 32, 1), CNBlockConfig(32, 48, 2), CNBlockConfig(48, 64, 2), CNBlockConfig(64, None, 1)]),
        100, "classifier.0", "features.3.1",
    ),
    "vit": (
        functools.partial(torchvision.models.VisionTransformer, 96, 16, 3, 4, 64, 160),
        96, "encoder.ln", "encoder.layers.encoder_layer_1",
    ),
}
# The models whose manifests are in the program, by name, with the sides of their pictures.
SIDES = {
    "resnet18": 224, "resnet34": 224, "resnet50": 224, "resnet101": 224, "resnet152": 224, "mobilenet_v2": 224,
    "mobilenet_v3_large": 224, "mobilenet_v3_small": 224, "efficientnet_b0": 224, "efficientnet_b1": 240,
    "efficientnet_b2": 288, "efficientnet_b3": 300, "efficientnet_b4": 380, "convnext_tiny": 224, "convnext_small": 224,
    "vit_b_16": 224,
}
CLASSIFIERS = "fc.", "classifier.0.", "classifier.1.", "classifier.2.", "classifier.3.", "heads."
# Classes of modules that are layers wherever they are.
LAYERS = "BasicBlock", "Bottleneck", "InvertedResidual", "MBConv", "CNBlock", "EncoderBlock", "MaxPool2d", "AdaptiveAvgPool2d"


def hooked(network, pictures, names):
    """What the modules of those names give."""
    found, modules = {}, dict(network.named_modules())
    hooks = [modules[name].register_forward_hook(lambda _m, _i, y, name=name: found.__setitem__(name, y)) for name in names]
    with torch.no_grad():
        answer = network(pictures)
    for hook in hooks:
        hook.remove()
    return found, answer


def embedding(output):
    """The class token of a sequence, the mean of maps."""
    return output[:, 0] if output.dim() == 3 else output.mean((2, 3))


def layers(network, side):
    """Names and shapes of the layers, in the order in which they are computed."""
    def is_layer(name, module):
        kind, inside = type(module).__name__, str(module)
        if kind == "Sequential":
            # What makes the maps of a stage in a ConvNeXt, and no stage.
            return name.startswith("features.") and name.count(".") == 1 and not any(block in inside for block in LAYERS)
        if kind == "Conv2dNormActivation":
            return name.count(".") == 1
        return ".block." not in name and (kind in LAYERS or name in ("conv1", "encoder.ln") or kind == "LayerNorm2d" and name == "classifier.0")

    names = [name for name, module in network.named_modules() if is_layer(name, module)]
    found, _ = hooked(network, torch.zeros(1, 3, side, side, device="meta"), names)
    # What is pooled is a list of values.
    shapes = {name: list(output.shape[1:2] if output.shape[2:] == (1, 1) else output.shape[1:]) for name, output in found.items()}
    if isinstance(network, torchvision.models.MobileNetV2):
        # It pools in a function.
        shapes["avgpool"] = [network.last_channel]
    return list(shapes.items())


def main():
    expected = {"torch": torch.__version__, "torchvision": torchvision.__version__, "embeddings": {}, "models": {}}
    for name, (make, side, last, inner) in NETWORKS.items():
        network = fill(make()).double()
        if last is None:
            # MobileNetV2 pools in a function, before its classifier.
            last = "features"
        found, _ = hooked(network, batch(PICTURES, side).double(), [layer for layer in (last, inner) if layer])
        for layer in found:
            key = name if layer == last else f"{name} at {layer}"
            values = embedding(found[layer])
            expected["embeddings"][key] = rows(values)
            print(key, tuple(values.shape), values.mean().item(), values.std().item(), torch.cosine_similarity(values[0], values[1], 0).item())
    with torch.device("meta"):
        for name, side in SIDES.items():
            network = getattr(torchvision.models, name)().eval()
            # A ConvNeXt's classifier begins with a layer norm, which is not left out.
            classifiers = CLASSIFIERS if not isinstance(network, ConvNeXt) else CLASSIFIERS[2:]
            state = {key: tensor for key, tensor in network.state_dict().items() if not key.startswith(classifiers) and not key.endswith("num_batches_tracked")}
            expected["models"][name.replace("_", "-")] = {"tensors": tensors(state), "layers": layers(network, side)}
    path = pathlib.Path(__file__).parent / "expected.json"
    path.write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
