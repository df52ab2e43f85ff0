#!/usr/bin/env python3
"""Makes expected.json: what DINOv2's networks answer when weights and pixels follow a formula, with the names of its authors
(timm has the same) and with those of transformers, and the names and shapes of all tensors of both in each.

Needs torch, timm and transformers. tests/it/vision_transformer.rs follows the same formula and compares; nothing is
downloaded.

    python3 tests/vision_transformer/make_expected.py
"""
import json
import pathlib
import sys
import tempfile

import timm
import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save_file
from transformers import Dinov2Config, Dinov2Model

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "torchvision"))
from formula import batch, fill, rows, tensors, weights

PICTURES = 2
# A small network of the same kind: patches on a side that it was trained for and that it is shown, and its sizes.
PATCH, GRID, SIDE, WIDTH, DEPTH, HEADS = 14, 6, 112, 48, 3, 3
INNER = 1


def authors(grid, width, depth, heads):
    """As the authors build it."""
    return timm.models.vision_transformer.VisionTransformer(
        img_size=grid * PATCH, patch_size=PATCH, embed_dim=width, depth=depth, num_heads=heads, init_values=1.0, num_classes=0)


def resampled(network, side):
    """For pictures of another side, with the authors' rule for the embeddings of positions: bicubic, by a factor to which
    0.1 was added."""
    positions = network.pos_embed.detach()
    factor = (side // PATCH + 0.1) / GRID
    grid = positions[:, 1:].reshape(1, GRID, GRID, WIDTH).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, scale_factor=(factor, factor), mode="bicubic").flatten(2).transpose(1, 2)
    larger = authors(side // PATCH, WIDTH, DEPTH, HEADS)
    state = network.state_dict() | {"pos_embed": torch.cat([positions[:, :1], grid], 1)}
    larger.load_state_dict(state)
    return larger.eval()


def published(network, folder):
    """The state dict as transformers writes it."""
    network.save_pretrained(folder)
    return load_file(folder / "model.safetensors")


def config(width, depth, heads, grid):
    return Dinov2Config(hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, image_size=grid * PATCH, patch_size=PATCH)


def main():
    expected = {"torch": torch.__version__, "timm": timm.__version__, "transformers": transformers.__version__}
    pictures = batch(PICTURES, SIDE).double()
    found = {}
    with torch.no_grad():
        network = resampled(fill(authors(GRID, WIDTH, DEPTH, HEADS)), SIDE).double()
        inner = network.blocks[INNER]
        inner.register_forward_hook(lambda _m, _i, y: found.__setitem__("authors at an inner block", y[:, 0]))
        tokens = network.forward_features(pictures)
        found["authors, class token"], found["authors, mean"] = tokens[:, 0], tokens[:, 1:].mean(1)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            state = published(Dinov2Model(config(WIDTH, DEPTH, HEADS, GRID)), folder)
            save_file({name: weights(name, tuple(tensor.shape)) for name, tensor in state.items()}, folder / "model.safetensors", {"format": "pt"})
            tokens = Dinov2Model.from_pretrained(folder).eval().double()(pictures).last_hidden_state
        found["transformers, class token"], found["transformers, mean"] = tokens[:, 0], tokens[:, 1:].mean(1)
    expected["embeddings"] = {name: rows(values) for name, values in found.items()}
    for name, values in found.items():
        print(name, tuple(values.shape), values.std().item(), torch.cosine_similarity(values[0], values[1], 0).item())
    expected["models"] = {}
    for name, width, heads in [("dinov2-small", 384, 6), ("dinov2-base", 768, 12)]:
        with torch.device("meta"):
            own = authors(37, width, 12, heads).state_dict()
        with tempfile.TemporaryDirectory() as folder:
            theirs = published(Dinov2Model(config(width, 12, heads, 37)), pathlib.Path(folder))
        theirs.pop("embeddings.mask_token")
        expected["models"][name] = [tensors(own), tensors(theirs)]
    path = pathlib.Path(__file__).parent / "expected.json"
    path.write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
