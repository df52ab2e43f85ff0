"""Leave-one-out retrieval on folders whose sub-folders are groups: recall@1 and mean average precision."""

import pathlib

import numpy as np
import torch

from network import normalize, stages
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
    return np.stack(pixels), np.array(groups)


@torch.inference_mode()
def embed(net, pixels, batch=64, autocast=True):
    """Pooled embeddings, N x 512, float32, on the network's device."""
    net.eval()
    device, rows = next(net.parameters()).device, []
    for start in range(0, len(pixels), batch):
        x = normalize(torch.from_numpy(pixels[start:start + batch]).to(device).permute(0, 3, 1, 2))
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            rows.append(stages(net, x)[3].float())
    return torch.cat(rows)


def similarity(e, metric):
    e = np.asarray(e, np.float64)
    if metric == "cosine":
        e = e / np.maximum(np.linalg.norm(e, axis=1, keepdims=True), 1e-12)
        return e @ e.T
    squares = (e * e).sum(1)
    return -np.sqrt(np.maximum(squares[:, None] + squares[None] - 2 * e @ e.T, 0))


def retrieval(e, groups, metric="cosine"):
    """(recall@1, mean average precision); a picture alone in its group is a distractor, not a query."""
    s = similarity(e, metric)
    same = groups[:, None] == groups[None]
    np.fill_diagonal(same, False)
    np.fill_diagonal(s, -np.inf)
    queries = same.any(1)
    order = np.argsort(-s, 1, kind="stable")[:, :-1]
    hits = np.take_along_axis(same, order, 1)[queries].astype(float)
    precision = hits.cumsum(1) / np.arange(1, hits.shape[1] + 1)
    return hits[:, 0].mean(), ((precision * hits).sum(1) / hits.sum(1)).mean()
