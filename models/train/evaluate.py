"""Leave-one-out retrieval on folders whose sub-folders are groups: recall@1 and mean average precision."""

import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from pack import EXTENSIONS, squash


def load(folder, size):
    """Pixels (N x size x size x 3) and group names of a folder."""
    folder = pathlib.Path(folder)
    pixels, groups = [], []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in EXTENSIONS):
        try:
            pixels.append(squash(str(path), size))
        # Decoders of broken files raise nearly everything.
        except Exception as error:
            print(f"skipped {path}: {error}", flush=True)
            continue
        groups.append(path.relative_to(folder).parts[0])
    if not pixels:
        raise SystemExit(f"there is no picture in {folder}")
    return torch.from_numpy(np.stack(pixels)), np.array(groups)


@torch.inference_mode()
def embed(net, pixels, size, device, batch=128, autocast=True):
    """The network's features (N x width, float32) of pictures (N x S x S x 3, uint8)."""
    net.eval()
    rows = []
    for start in range(0, len(pixels), batch):
        x = pixels[start : start + batch].to(device).permute(0, 3, 1, 2).float()
        if x.shape[2] != size:
            x = F.interpolate(x, (size, size), mode="bilinear", antialias=True)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=autocast):
            rows.append(net(x).float())
    return torch.cat(rows)


def scores(e, groups):
    """(recall@1, mean average precision) by cosine of embeddings (N x D); a picture alone in its group is a distractor, not a query."""
    e = F.normalize(e.double())
    s = e @ e.T
    number = torch.from_numpy(np.unique(groups, return_inverse=True)[1]).to(s.device)
    same = number[:, None] == number[None]
    same.fill_diagonal_(False)
    s.fill_diagonal_(-float("inf"))
    queries = same.any(1)
    order = s.argsort(dim=1, descending=True, stable=True)[:, :-1]
    hits = same.gather(1, order)[queries].double()
    precision = hits.cumsum(1) / torch.arange(1, hits.shape[1] + 1, device=s.device)
    return float(hits[:, 0].mean()), float(((precision * hits).sum(1) / hits.sum(1)).mean())
