#!/usr/bin/env python3
"""Teaches a published EfficientNet-Lite what makes pictures alike. One script, start to end:

    train.py pack  SOURCE...                          decode tars or folders of pictures once (source/class/picture)
    train.py teach TEACHER... --sizes 224 256         what the teachers say about each view of each picture
    train.py train STUDENT.pth --minutes 30           train; the clock drives the schedule, so it always ends in time
    train.py train STUDENT.pth --minutes 30 --resume  go on from the checkpoint, after a stop or for longer

Everything lives under --home (default ~/.cache/lookalike-train); `export.py` makes the model file from its checkpoint.
--dev FOLDER... and the classes of --hold SOURCE... are scored now and then; neither is trained on.
"""

import argparse
import copy
import hashlib
import json
import math
import pathlib
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from augment import augment
from evaluate import embed, load, scores
from layer import WANTED, reduce
from network import TAPS, Lite
from pack import pack
from teacher import boxes, cut, read_teacher, teach

# The parts of the loss; see `losses`.
WEIGHTS = {"direction": 1.0, "error": 1.0, "relations": 0.5, "label": 0.1}
# How sharply a picture tells its neighbors from the rest of a batch, in cosine similarity.
TEMPERATURE = 0.05
EMA_DECAY = 0.998
LONGEST_STEP = 10.0
# One class of so many of a held-out source is not trained on.
HELD = 5


class Pictures:
    """The packed pictures of all homes with what the student learns from the teachers' answers, on the device."""

    def __init__(self, homes, device, hold, seed, dim):
        listings = [json.loads((home / "pictures.json").read_text()) for home in homes]
        self.pixels = torch.cat([torch.from_numpy(np.load(home / "pixels.npy")).to(device) for home in homes])
        names = [name for listing in listings for name in listing["names"]]
        classes = sorted({c for listing in listings for c in listing["classes"]})
        held = [c for c in classes if c.split("/")[0] in hold and int(hashlib.sha256(c.encode()).hexdigest(), 16) % HELD == 0]
        self.classes = [c for c in classes if c not in held]
        number = {c: i for i, c in enumerate(self.classes)} | {c: -2 for c in held}
        labels, unreadable, views, first = [], [], {}, 0
        for home, listing in zip(homes, listings):
            known = [number[c] for c in listing["classes"]] + [-1]
            labels += [known[label] for label in listing["labels"]]
            unreadable += [first + row for row in listing["unreadable"]]
            for path in sorted(home.glob("view*.pt")):
                said = torch.load(path, map_location=device, weights_only=True)
                views.setdefault(int(path.stem[4:]), []).append((said, len(listing["names"])))
            first += len(listing["names"])
        self.labels = torch.tensor(labels, device=device)
        usable = (self.labels != -2).cpu().numpy()
        usable[unreadable] = False
        self.rows = np.flatnonzero(usable)
        self.held = [row for row, label in enumerate(labels) if label == -2]
        self.held_classes = np.array([names[row].rsplit("/", 1)[0] for row in self.held])
        self.views = {}
        for view, parts in views.items():
            if len(parts) == len(homes):
                box = np.concatenate([boxes(count, view) for _, count in parts])
                self.views[view] = torch.cat([said for said, _ in parts]), torch.from_numpy(box).to(device)
        if 0 not in self.views:
            raise SystemExit("the whole pictures (view 0) are not taught in every home: run `teach`")
        axes, center = reduce(self.views[0][0][self.rows].float(), self.labels[self.rows], dim, WANTED)
        for view, (said, box) in self.views.items():
            self.views[view] = torch.cat([((part.float() - center) @ axes).half() for part in said.split(4096)]), box
        self.rng, self.queue = np.random.default_rng(seed), []

    def batch(self, count, size):
        """(pixels N x 3 x size x size, wanted embeddings N x dim, labels). Half of the batches are whole pictures."""
        if not self.queue:
            others = [view for view in self.views if view]
            for view in [0] * max(len(others), 1) + others:
                rows = self.rng.permutation(self.rows)
                self.queue += [(view, part) for part in rows[: len(rows) // count * count].reshape(-1, count)]
            order = self.rng.permutation(len(self.queue))
            self.queue = [self.queue[i] for i in order]
        view, rows = self.queue.pop()
        rows = torch.from_numpy(rows).to(self.labels.device)
        wanted, box = self.views[view]
        return cut(self.pixels[rows], box[rows], size), wanted[rows].float(), self.labels[rows]

    def whole(self, rows):
        """(pixels, wanted embeddings) of whole pictures."""
        rows = torch.from_numpy(rows).to(self.pixels.device)
        return self.pixels[rows], self.views[0][0][rows].float()


class Heads(nn.Module):
    """What the network learns through: the embedding, and the folders' names."""

    def __init__(self, width, dim, classes):
        super().__init__()
        self.embedding = nn.Linear(width, dim)
        self.label = nn.Linear(width, max(classes, 1))

    @torch.no_grad()
    def start(self, found, wanted):
        """Starts with the ridge regression of the wanted embeddings, so that the first steps do not undo the trunk."""
        middle = found.mean(0)
        x = (found - middle).double()
        gram = x.T @ x
        gram += 1e-3 * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
        weight = torch.linalg.solve(gram, x.T @ (wanted - wanted.mean(0)).double()).float().T
        self.embedding.weight.copy_(weight)
        self.embedding.bias.copy_(wanted.mean(0) - weight @ middle)
        self.label.weight.mul_(0.1)


def losses(heads, feature, wanted, labels):
    """The parts of the loss, each a mean over the batch.

    direction: 1 - cosine to the wanted embedding; error: the squared error of it; relations: how alike the pictures of a batch are
    to each other, in wanted embeddings (KL of the rows of both similarity matrices); label: cross entropy over the names.
    """
    found = heads.embedding(feature)
    parts = {"direction": (1 - F.cosine_similarity(found, wanted)).mean()}
    parts["error"] = (found - wanted).square().sum(1).mean() / wanted.square().sum(1).mean()
    alone = torch.eye(len(found), device=found.device, dtype=torch.bool)
    rows = [(F.normalize(x) @ F.normalize(x).T / TEMPERATURE).masked_fill(alone, -1e4) for x in (found, wanted)]
    parts["relations"] = F.kl_div(rows[0].log_softmax(1), rows[1].log_softmax(1), log_target=True, reduction="batchmean")
    known = labels >= 0
    # Lists of length 1 stand side by side in the feature: so each value is about 1.
    logits = heads.label(feature * (feature.shape[1] / (1 + len(TAPS))) ** 0.5)
    parts["label"] = F.cross_entropy(logits, labels.clamp_min(0), reduction="none", label_smoothing=0.1)[known].sum() / len(labels)
    return parts


def groups_of(modules, rate):
    """One group a tensor that is trained: a step changes each by the same share of its size."""
    groups = []
    for module in modules:
        for parameter in filter(lambda parameter: parameter.requires_grad, module.parameters()):
            size = max(float(parameter.detach().square().mean().sqrt()), 1e-3)
            groups.append({"params": [parameter], "size": size, "weight_decay": 0.0})
    return groups


def learning_rate(at, peak):
    """Linear warm-up over the first 3 % of the schedule, then half a cosine."""
    return peak * min(1, at / 0.03 + 0.01) * max(0.003, 0.5 * (1 + math.cos(math.pi * min(at, 1))))


def train(args):
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    homes = [pathlib.Path(home) / "data" for home in (args.home, *args.also)]
    checkpoint = pathlib.Path(args.home) / args.checkpoint
    if checkpoint.exists() and not args.resume:
        raise SystemExit(f"{checkpoint} is there already: go on with --resume, or name another --checkpoint")
    pictures = Pictures(homes, device, args.hold, args.seed, args.dim)
    net = Lite.published(args.student, TAPS).to(device, memory_format=torch.channels_last)
    for kept in (net.stem, *net.blocks[: args.keep]) if args.keep else ():
        kept.requires_grad_(False)
    heads = Heads(net.width, args.dim, len(pictures.classes)).to(device)
    dev = [(pathlib.Path(folder).name, *load(folder, args.size)) for folder in args.dev]
    dev += held_sets(pictures)
    saved = torch.load(checkpoint, map_location=device, weights_only=True) if args.resume else None
    if not saved:
        pixels, wanted = pictures.whole(pictures.rows[:: max(1, len(pictures.rows) // 12000)])
        heads.start(embed(net, pixels, args.size, device), wanted)
    ema, ema_heads = copy.deepcopy(net), copy.deepcopy(heads)
    optimizer = torch.optim.AdamW(groups_of((net, heads), args.rate), lr=1e-3, betas=(0.9, 0.99), fused=device.type == "cuda")
    modules = {"net": net, "heads": heads, "ema": ema, "ema_heads": ema_heads, "optimizer": optimizer}
    seen, first = 0, 0.0
    if saved:
        if saved.get("taps") != TAPS:
            raise SystemExit(f"{checkpoint} was trained to read other blocks than {TAPS}: it can be exported, but not gone on from")
        for name, part in modules.items():
            part.load_state_dict(saved[name])
        seen = saved["seen"]
        first = args.restart_at if saved["progress"] >= 1 else saved["progress"]
        pictures.rng = np.random.default_rng((args.seed, seen))
    rng = torch.Generator(device).manual_seed(args.seed + seen)
    forward = torch.compile(net) if args.compile else net
    print(f"start: {seen} pictures seen, {len(pictures.rows)} to see, {len(pictures.classes)} classes, views {sorted(pictures.views)}, schedule at {first:.3f}", flush=True)
    judge(ema, ema_heads, dev, args, device, "before")
    active, stepped, checked, at, sums, steps, summed = 0.0, time.time(), time.time(), first, {}, 0, 0
    while at < 1:
        x, wanted, label = pictures.batch(args.batch, args.size)
        x = augment(x, rng)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(at, args.rate) * group["size"]
        net.train()
        with torch.autocast(device.type, torch.bfloat16):
            feature = forward(x)
        parts = losses(heads, feature, wanted, label)
        loss = sum(WEIGHTS[name] * value for name, value in parts.items())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], 5.0)
        optimizer.step()
        with torch.no_grad():
            for averaged, current in ((ema, net), (ema_heads, heads)):
                torch._foreach_lerp_(list(averaged.parameters()), list(current.parameters()), 1 - min(EMA_DECAY, (steps + 1) / (steps + 10)))
        seen, steps, summed = seen + len(x), steps + 1, summed + 1
        sums = {name: sums.get(name, 0) + value.detach() for name, value in parts.items()}
        now = time.time()
        # A process that is held, or that scores and saves, does not use up its schedule.
        active += min(now - stepped, LONGEST_STEP)
        stepped = now
        at = first + (1 - first) * active / (60 * args.minutes)
        if now - checked > 60 * args.check_minutes or at >= 1:
            said = " ".join(f"{name} {float(value) / summed:.4f}" for name, value in sums.items())
            print(f"{at:.3f} seen {seen} ({steps * args.batch / max(active, 1):.0f}/s) {said}", flush=True)
            judge(ema, ema_heads, dev, args, device, f"{at:.2f}")
            save(checkpoint, modules, seen, at)
            sums, summed, checked = {}, 0, time.time()
            stepped = time.time()


def held_sets(pictures):
    """The held-out classes of each source, as more sets to be scored."""
    sources = np.array([name.split("/")[0] for name in pictures.held_classes])
    rows = np.array(pictures.held)
    return [(f"held {source}", pictures.pixels[torch.from_numpy(rows[sources == source]).to(pictures.pixels.device)], pictures.held_classes[sources == source]) for source in sorted(set(sources))]


@torch.no_grad()
def judge(net, heads, dev, args, device, when):
    """Prints how well the embedding finds what belongs together."""
    table = {name: scores(heads.embedding(embed(net, pixels, args.size, device)), groups) for name, pixels, groups in dev}
    for title, names in (("dev", [n for n in table if not n.startswith("held")]), ("held", [n for n in table if n.startswith("held")])):
        if names:
            print(f"  {when} {title}: " + " ".join(f"{v:.4f}" for v in np.mean([table[n] for n in names], 0)) + " | " + " ".join(f"{n.split()[-1][:8]} {table[n][0]:.3f}/{table[n][1]:.3f}" for n in names), flush=True)


def save(path, modules, seen, at):
    state = {name: part.state_dict() for name, part in modules.items()}
    torch.save(state | {"number": modules["net"].number, "taps": TAPS, "seen": seen, "progress": at}, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def teach_all(args):
    device = torch.device(args.device)
    home = pathlib.Path(args.home) / "data"
    pixels = torch.from_numpy(np.load(home / "pixels.npy")).to(device)
    teachers = [read_teacher(path).to(device, memory_format=torch.channels_last) for path in args.teachers]
    for view in args.views:
        path = home / f"view{view}.pt"
        if not path.exists():
            torch.save(teach(pixels, view, teachers, args.sizes, args.batch).cpu(), path.with_suffix(".new"))
            path.with_suffix(".new").replace(path)
            print(f"{home}: view {view} of {len(pixels)} pictures", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--home", default=pathlib.Path.home() / ".cache/lookalike-train", type=pathlib.Path)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    commands = p.add_subparsers(dest="command", required=True)
    c = commands.add_parser("pack")
    c.add_argument("sources", nargs="+")
    c.add_argument("--size", type=int, default=208)
    c = commands.add_parser("teach")
    c.add_argument("teachers", nargs="+")
    c.add_argument("--sizes", type=int, nargs="+", required=True, help="the input size of each teacher")
    c.add_argument("--views", type=int, nargs="+", default=[0, 1, 2])
    c.add_argument("--batch", type=int, default=256)
    c = commands.add_parser("train")
    c.add_argument("student")
    c.add_argument("--also", nargs="*", default=[], metavar="HOME")
    c.add_argument("--dev", nargs="*", default=[], metavar="FOLDER")
    c.add_argument("--hold", nargs="*", default=[], metavar="SOURCE")
    c.add_argument("--minutes", type=float, required=True)
    c.add_argument("--size", type=int, default=224)
    c.add_argument("--dim", type=int, default=768, help="values of an embedding")
    c.add_argument("--batch", type=int, default=256)
    c.add_argument("--keep", type=int, default=0, metavar="BLOCKS", help="first blocks that stay as they are; a CPU then takes two thirds of the time")
    c.add_argument("--rate", type=float, default=1.5e-3, help="the largest share of a tensor's size that a step changes")
    c.add_argument("--check-minutes", type=float, default=1)
    c.add_argument("--checkpoint", default="checkpoint.pt")
    c.add_argument("--resume", action="store_true")
    c.add_argument("--restart-at", type=float, default=0.8, help="where a finished schedule is taken up again")
    c.add_argument("--compile", action="store_true", help="let PyTorch fuse the network's kernels; pays on a GPU")
    c.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    if args.command == "pack":
        pack(args.sources, args.home / "data", args.size)
    elif args.command == "teach":
        teach_all(args)
    else:
        train(args)


if __name__ == "__main__":
    main()
