#!/usr/bin/env python3
"""Distills a teacher into a small residual network that embeds pictures. One script, start to end:

    train.py pack  SOURCE...                 decode tars or folders of pictures once (source/class/picture)
    train.py teach TEACHER --view 0          cache what the teacher says about a fixed view of every picture
    train.py train TEACHER --minutes 120     train; the schedule is driven by the clock, so it always finishes
    train.py train TEACHER --minutes 120 --resume          go on from the checkpoint, after a stop or for longer

Everything lives under --home (default ~/.cache/lookalike-train); `export.py` makes the model file from its checkpoint.
Once view 0 is taught, `teach` and `train` may run at once: training takes the rows that are there.
--dev FOLDER... is scored now and then.
"""

import argparse
import copy
import json
import math
import os
import pathlib
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from augment import augment
from axes import load_axes
from evaluate import embed, load, retrieval
from export import read_model
from muon import Muon
from network import Heads, Target, backbone, normalize, stages
from pack import pack
from teacher import Teacher, boxes, cache_view, cut, open_view, progress

WEIGHTS = {"embedding": 2.0, "feature": 2.0, "logits": 1.0, "map8": 1.0, "map16": 2.0, "map32": 2.0, "label": 0.2}
SIZES = ((0.25, 64), (0.65, 96), (1.01, 128))
MAPS = ("map8", "map16", "map32")
EMA_EVERY, EMA_DECAY = 10, 0.97
RUN = 16
LONGEST_STEP = 10.0


class Pictures:
    """The packed pictures with the teacher's answers; every (view, row) comes once before any comes again.

    On the CPU they stay mapped from disk; a GPU holds them all. Class names of the first folder are the labels.
    """

    def __init__(self, folders, device, seed, views=None):
        self.pools = [Pool(folder, device, views) for folder in folders]
        self.classes = self.pools[0].classes
        number = {name: i for i, name in enumerate(self.classes)}
        for pool in self.pools:
            known = torch.tensor([number.get(name, -1) for name in pool.classes] + [-1], device=device)
            pool.labels = known[pool.labels]
        self.rng = np.random.default_rng(seed)
        self.queue = []
        # The next batch is read while this one is trained on, because a disk may keep it waiting.
        self.reader, self.next = ThreadPoolExecutor(1), None

    def __len__(self):
        return sum(len(pool.labels) for pool in self.pools)

    def batch(self, size, count):
        """(pixels N x 3 x size x size of 0-255, truth, labels) of one view."""
        ready = self.next or self.reader.submit(self.read, count)
        self.next = self.reader.submit(self.read, count)
        pixels, box, truth, labels = ready.result()
        return cut(pixels, box, size), truth, labels

    def read(self, count):
        if not self.queue:
            for pool in self.pools:
                parts = [(pool, *part) for part in pool.parts(count, self.rng)]
                if not parts:
                    raise SystemExit(f"{pool.folder}: no view is taught for {count} pictures or more; run `teach` with its --home")
                self.queue += parts
            self.rng.shuffle(self.queue)
        pool, view, rows = self.queue.pop()
        return pool.read(view, rows)


class Pool:
    """The pictures of one folder, in those of its views that are asked for, or in all."""

    def __init__(self, folder, device, asked=None):
        self.folder, self.device, self.asked = pathlib.Path(folder), device, asked
        listing = json.loads((self.folder / "pictures.json").read_text())
        self.pixels = self.hold(np.load(self.folder / "pixels.npy", mmap_mode="c"))
        self.labels, self.classes = torch.tensor(listing["labels"], device=device), listing["classes"]
        self.unreadable = np.array(listing["unreadable"], int)
        self.views = {}

    def hold(self, array):
        return torch.from_numpy(array).to(self.device)

    def sample(self, count):
        """The teacher's answers for the first pictures, float32, for the statistics of the targets."""
        arrays = open_view(self.folder, 0, len(self.pixels), "c")
        return {name: torch.from_numpy(array[:count].astype(np.float32)) for name, array in arrays.items()}

    def parts(self, count, rng):
        """(view, rows) of every batch there is now. Rows come in runs, which a disk reads at once; packing shuffled them."""
        for path in sorted(self.folder.glob("view*.json")):
            view = int(path.stem[4:])
            done = progress(self.folder, view)
            if done < count or (self.asked and view not in self.asked):
                continue
            if self.views.get(view, (0,))[0] < done:
                arrays = open_view(self.folder, view, len(self.pixels), "c")
                box = torch.from_numpy(boxes(len(self.pixels), self.pixels.shape[1], view)).to(self.device)
                self.views[view] = done, {name: self.hold(array) for name, array in arrays.items()}, box
            rows = np.setdiff1d(np.arange(done), self.unreadable)
            runs = np.array_split(rows, -(-len(rows) // RUN))
            rows = np.concatenate([runs[i] for i in rng.permutation(len(runs))])
            for part in rows[: len(rows) // count * count].reshape(-1, count):
                yield view, np.sort(part)

    def read(self, view, rows):
        """(whole pixels, crop boxes, truth, labels)"""
        _, arrays, box = self.views[view]
        rows = torch.from_numpy(rows).to(self.device)
        truth = {name: array[rows].float() for name, array in arrays.items()}
        for name in MAPS:
            truth[name] = truth[name].permute(0, 3, 1, 2)
        return self.pixels[rows], box[rows], truth, self.labels[rows]


def learning_rate(at, peak):
    """Linear warm-up over the first 2 % of the schedule, then half a cosine."""
    return peak * min(1, at / 0.02 + 0.01) * max(0.003, 0.5 * (1 + math.cos(math.pi * min(at, 1))))


def train(args):
    device = torch.device(args.device)
    torch.manual_seed(args.seed)
    home = pathlib.Path(args.home)
    checkpoint = home / args.checkpoint
    if checkpoint.exists() and not (args.resume or args.steps):
        raise SystemExit(f"{checkpoint} is there already: go on with --resume, or name another --checkpoint")
    wait_for_the_first_view(home / "data")
    pictures = Pictures([folder / "data" for folder in (home, *args.also)], device, args.seed, args.views)
    teacher = Teacher(args.teacher)
    target = Target(teacher, pictures.pools[0].sample(2048), *load_axes(home / "data", args.dim)).to(device)
    net, heads = backbone().to(device), Heads(len(pictures.classes)).to(device)
    if args.start_from:
        # The file has no heads; they are learned again within minutes.
        net.load_state_dict(read_model(args.start_from)[0].state_dict())
    ema, ema_heads = copy.deepcopy(net), copy.deepcopy(heads)
    optimizers = make_optimizers(net, heads, args)
    modules = {"net": net, "heads": heads, "ema": ema, "ema_heads": ema_heads, "target": target}
    saved_parts = modules | {f"optimizer{i}": optimizer for i, optimizer in enumerate(optimizers)}
    seen, spent, first = 0, 0.0, 0.0
    if args.resume:
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        for name, part in saved_parts.items():
            part.load_state_dict(saved[name])
        seen, spent, first = saved["seen"], saved["seconds"], saved["progress"]
        first = args.restart_at if first >= 1 else first
        pictures.rng = np.random.default_rng((args.seed, seen))
    rng = torch.Generator(device).manual_seed(args.seed + seen)
    dev = [load(folder, args.dev_size) for folder in args.dev]
    marked, checked, cpu = time.time(), time.time(), time.process_time()
    print(f"start: {seen} pictures seen, {len(pictures)} packed, schedule at {first:.3f}", flush=True)
    sums, counted, step, at = {}, 0, 0, first
    active, stepped = 0.0, time.time()
    while at < 1 and (not args.steps or step < args.steps):
        size = args.size or next(size for until, size in SIZES if at < until)
        x, truth, label = pictures.batch(size, args.batch)
        maps = {name: truth[name] for name in MAPS}
        x, maps = augment(x, maps, rng)
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = learning_rate(at, args.lr)
        net.train()
        with torch.autocast(device.type, torch.bfloat16):
            *found, embedding = stages(net, normalize(x))
            parts = target.losses(heads, dict(zip(maps, found)), embedding, truth | maps, label)
        loss = sum(WEIGHTS[name] * part for name, part in parts.items())
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step, seen, counted = step + 1, seen + len(x), counted + len(x)
        if step % EMA_EVERY == 0:
            average(ema, net, seen // args.batch)
            average(ema_heads, heads, seen // args.batch)
        for name, part in parts.items():
            sums[name] = sums.get(name, 0) + part.detach() * len(x)
        now = time.time()
        # A step that took much longer was one in which the process was held.
        active += min(now - stepped, LONGEST_STEP)
        stepped = now
        at = first + (1 - first) * active / (args.minutes * 60)
        if now - marked > 20 or step in (1, 10):
            shown = " ".join(f"{name} {total / counted:.4f}" for name, total in sums.items())
            rate, per_cpu = counted / (now - marked), counted / (time.process_time() - cpu)
            print(f"{time.strftime('%H:%M:%S')} {at:.3f} size {size} seen {seen} {rate:.1f}/s {per_cpu:.1f}/cpu-s {shown}", flush=True)
            sums, counted, marked, cpu = {}, 0, time.time(), time.process_time()
        if now - checked > args.check_minutes * 60 and not args.steps:
            save(checkpoint, saved_parts, seen, spent + active, at)
            score(ema, ema_heads, target, dev)
            checked = marked = stepped = time.time()
            cpu = time.process_time()
    if not args.steps:
        save(checkpoint, saved_parts, seen, spent + active, at)
    score(ema, ema_heads, target, dev)


def wait_for_the_first_view(folder):
    """The axes of the embedding and the statistics of the targets are made from the whole of view 0."""
    if not (folder / "pictures.json").exists():
        raise SystemExit(f"{folder}: nothing is packed here; run `pack` and `teach` first")
    count = len(json.loads((folder / "pictures.json").read_text())["names"])
    while (done := progress(folder, 0)) < count:
        print(f"waiting for `teach --view 0`: {done} of {count} pictures", flush=True)
        time.sleep(30)


def make_optimizers(net, heads, args):
    """Muon for the matrices between first and last layer, AdamW for everything else."""
    inner = [p for name, p in net.named_parameters() if p.ndim > 1 and name != "conv1.weight"]
    outer = [net.conv1.weight, *(p for p in heads.parameters() if p.ndim > 1)]
    plain = [p for m in (net, heads) for p in m.parameters() if p.ndim <= 1]
    groups = [{"params": outer, "weight_decay": args.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.99), fused=True)
    return [adam, Muon(inner, args.lr, args.weight_decay)]


@torch.no_grad()
def average(slow, fast, step):
    """Moves the averaged copy towards the trained one; batch-norm statistics are averaged too."""
    share = 1 - min(EMA_DECAY, step / EMA_EVERY / (step / EMA_EVERY + 5))
    for a, b in zip(slow.state_dict().values(), fast.state_dict().values()):
        if a.is_floating_point():
            a.lerp_(b, share)


def save(path, parts, seen, seconds, at):
    state = {name: part.state_dict() for name, part in parts.items()}
    state |= {"seen": seen, "seconds": seconds, "progress": at}
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def score(net, heads, target, dev):
    """Prints the development sets' means for the pooled embedding and for the final one."""
    rows = {}
    for pixels, groups in dev:
        e = embed(net, pixels)
        with torch.no_grad():
            for name, value in (("pooled", e.cpu()), ("embedding", (heads.feature(e) @ target.axes).cpu())):
                for metric in ("cosine", "euclidean"):
                    rows.setdefault(f"{name} {metric}", []).append(retrieval(value, groups, metric))
    for name, row in rows.items():
        each = " ".join(f"{r:.3f}/{m:.3f}" for r, m in row)
        print(f"dev {name:18} recall@1 {np.mean(row, 0)[0]:.4f} mAP {np.mean(row, 0)[1]:.4f}   {each}", flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--home", default=pathlib.Path.home() / ".cache/lookalike-train")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    p.add_argument("--threads", type=int, default=os.cpu_count())
    sub = p.add_subparsers(dest="command", required=True)
    one = sub.add_parser("pack")
    one.add_argument("sources", nargs="+")
    one.add_argument("--size", type=int, default=128)
    one = sub.add_parser("teach")
    one.add_argument("teacher")
    one.add_argument("--view", type=int, default=0, help="0 is the whole picture, each other number a set of random crops")
    one.add_argument("--batch", type=int, default=32)
    one = sub.add_parser("train")
    one.add_argument("teacher")
    one.add_argument("--also", nargs="*", type=pathlib.Path, default=[], metavar="HOME", help="more pictures, packed and taught under another home")
    one.add_argument("--dim", type=int, default=512, help="numbers in the embedding")
    one.add_argument("--minutes", type=float, required=True)
    one.add_argument("--batch", type=int, default=256)
    one.add_argument("--lr", type=float, default=4e-3)
    one.add_argument("--weight-decay", type=float, default=0.05)
    one.add_argument("--views", nargs="*", type=int, help="train on these views only, 0 being the whole pictures")
    one.add_argument("--size", type=int, help="a fixed input size instead of the growing one")
    one.add_argument("--steps", type=int, help="stop after so many steps, to measure; nothing is saved")
    one.add_argument("--start-from", type=pathlib.Path, metavar="MODEL", help="a model file whose network is trained on")
    one.add_argument("--resume", action="store_true")
    one.add_argument("--restart-at", type=float, default=0.3, help="where a finished schedule starts again")
    one.add_argument("--checkpoint", default="checkpoint.pt")
    one.add_argument("--dev", nargs="*", default=[])
    one.add_argument("--dev-size", type=int, default=128)
    one.add_argument("--check-minutes", type=float, default=10)
    args = p.parse_args()
    if args.command == "train" and args.size and args.size % 32:
        p.error("--size is a multiple of 32")
    torch.set_num_threads(args.threads)
    if args.command == "pack":
        pack(args.sources, pathlib.Path(args.home) / "data", args.size, args.seed)
    elif args.command == "teach":
        cache_view(args.teacher, pathlib.Path(args.home) / "data", args.view, args.device, batch=args.batch)
    else:
        train(args)


if __name__ == "__main__":
    main()
