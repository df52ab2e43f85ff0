#!/usr/bin/env python3
"""Measures the explorer as its user meets it: the real program in a pseudo-terminal of 120 × 36 cells, in true color.

How long from a key to the end of its frame, idle and while indexing; how many bytes a cursor move in the heatmap
costs; how long from the start to the first frame and to the first with the index's pictures. Standard library only.

    python3 tests/bench/compare/screen.py --photos FOLDER --model resnet50 --weights FILE

Without --model and --weights the program takes its default. The keys are random, always the same ones for a seed.
"""
import fcntl
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

import common

COLUMNS, ROWS = 120, 36
BEGINS, ENDS = b"\x1b[?2026h", b"\x1b[?2026l"
# What a plain terminal answers to "which graphics, how large a cell, which background, are you well?".
ASKED, ANSWER = b"\x1b[5n", b"\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\\x1b[?62;22c\x1b[0n"
UP, DOWN, RIGHT, LEFT = (b"\x1b[" + letter for letter in (b"A", b"B", b"C", b"D"))
PAGE_UP, PAGE_DOWN, ESCAPE = b"\x1b[5~", b"\x1b[6~", b"\x1b"
ARROWS = [UP, DOWN, RIGHT, LEFT]
KEYS = 4 * ARROWS + [PAGE_UP, PAGE_DOWN, b"1", b"2", b"3", b"m", b"o", b"+", b"-", b"0", b"\r", ESCAPE, b"v", b"n"]
# Marks or unmarks the picture under the cursor: this changes how many are marked, at the right of the second line, or the last line
# while the second one tells of the indexing; nothing but keys does.
MARK, GIVE_UP = b" ", 10
MARKED = re.compile(rb"\x1b\[(%d;|2;1\d\dH\x1b\[1;)" % ROWS)
HOLDS_STILL = 0.5
# Between two moves while a key is held down.
KEY_REPEATS = 0.03
# The title of the list, once it has pictures.
FILLED = rb"1 of \d"


class Explorer:
    """The program in a terminal, and the frames it draws."""

    def __init__(self, command, **environment):
        kept = {name: value for name, value in os.environ.items() if name not in {"TMUX", "TERM_PROGRAM", "NO_COLOR"} and not name.startswith("SSH_")}
        environment = {**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor", **environment}
        self.started = time.perf_counter()
        self.id, self.terminal = pty.fork()
        if self.id == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
            os.execvpe(command[0], [str(word) for word in command], environment)
        self.pending, self.written, self.ended, self.indexed = b"", 0, False, False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.write(b"q")
        until = time.perf_counter() + 5
        while not self.ended and time.perf_counter() < until:
            self.read(0.2)
        if not self.ended:
            os.kill(self.id, signal.SIGKILL)
        os.close(self.terminal)
        os.waitpid(self.id, 0)

    def write(self, keys):
        try:
            os.write(self.terminal, keys)
        except OSError:
            self.ended = True

    def read(self, patience):
        """Waits for output; whether there was any."""
        if self.ended or not select.select([self.terminal], [], [], max(patience, 0))[0]:
            return False
        try:
            read = os.read(self.terminal, 1 << 20)
        except OSError:
            read = b""
        self.ended = not read
        self.pending += read
        self.written += len(read)
        self.indexed |= b"Indexed in" in self.pending
        if ASKED in read:
            self.write(ANSWER)
        return True

    def frame(self, until):
        """The next complete frame and the time when it was, or nothing."""
        while ENDS not in self.pending:
            if not self.read(until - time.perf_counter()) or time.perf_counter() > until:
                return None
        frame, self.pending = self.pending.split(ENDS, 1)
        return frame, time.perf_counter()

    def wait(self, what, patience=120, keep=False):
        """Waits for a frame with such text; gives the time. The next wait sees this frame again when it is kept."""
        until = time.perf_counter() + patience
        while found := self.frame(until):
            if re.search(what, found[0]):
                if keep:
                    self.pending = found[0] + ENDS + self.pending
                return found[1]
        sys.exit(f"the explorer never showed {what}")

    def settle(self):
        """Waits until nothing more is drawn."""
        while self.read(HOLDS_STILL):
            pass
        self.pending = b""

    def watch(self, patience):
        """Reads for so long."""
        until = time.perf_counter() + patience
        while time.perf_counter() < until:
            self.read(until - time.perf_counter())
        self.pending = b""

    def press(self, key):
        """Presses a key; seconds until a frame with what it did was complete.

        Many a key changes nothing, at the end of a list say, and while pictures are indexed frames come by themselves. So
        a mark follows the key at once, and its frame is waited for: whatever the key did is in that frame or before it.
        """
        while self.read(0):
            pass
        self.pending = b""
        pressed = time.perf_counter()
        # Right after an escape the mark would be another key.
        self.write(MARK + key if key == ESCAPE else key + MARK)
        while found := self.frame(pressed + GIVE_UP):
            if MARKED.search(found[0]):
                return found[1] - pressed
        sys.exit("the explorer answers no key any more")


def latencies(explorer, count, chance):
    """Seconds from key to frame over so many random keys."""
    found, pressed = [], []
    for _ in range(count):
        time.sleep(chance.uniform(0.01, 0.06))
        pressed.append(chance.choice(KEYS))
        found.append(explorer.press(pressed[-1]))
    for at in sorted(range(count), key=found.__getitem__)[-5:]:
        print(f"{1e3 * found[at]:.1f} ms for key {at}, the last of {pressed[max(0, at - 7) : at + 1]}", file=sys.stderr)
    return found


def walk(explorer, count, chance, pause):
    """Bytes of each of so many cursor moves, with this between them."""
    found = []
    for _ in range(count):
        before = explorer.written
        explorer.write(chance.choice(ARROWS))
        pause()
        found.append(explorer.written - before)
    return found


def walk_at_rest(explorer, count, chance):
    """The same with a rest after each: bytes of the first frame of each move, and of all that follows it too."""
    first, all_of_it = [], []
    for _ in range(count):
        before = explorer.written
        explorer.write(chance.choice(ARROWS))
        frame = explorer.frame(time.perf_counter() + GIVE_UP)
        first.append(len(frame[0]) + len(ENDS) if frame else 0)
        explorer.settle()
        all_of_it.append(explorer.written - before)
    return first, all_of_it


def many(photos, folder, count):
    """Copies of the photos, each with a few bytes more at its end, so that no two are the same file."""
    sources = sorted(path for path in photos.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"})
    if not sources:
        sys.exit(f"there is no JPEG in {photos}")
    for at in range(count):
        source = sources[at % len(sources)]
        target = folder / f"{source.parent.name}/{at:05}-{source.name}"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        with open(target, "ab") as file:
            file.write(at.to_bytes(4, "little"))


def milliseconds(values):
    ordered = sorted(1e3 * value for value in values)
    worst = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"{statistics.median(ordered):.1f} / {worst:.1f} / {ordered[-1]:.1f} ms"


def main():
    arguments = common.parser(__doc__.splitlines()[0])
    arguments.add_argument("--photos", type=pathlib.Path, required=True, help="a folder with JPEGs")
    arguments.add_argument("--model", help="the model to index with")
    arguments.add_argument("--weights", type=pathlib.Path, help="its weights")
    arguments.add_argument("--keys", type=int, default=500, help="random keys")
    arguments.add_argument("--moves", type=int, default=60, help="cursor moves in the heatmap")
    arguments.add_argument("--seed", type=int, default=1, help="of the keys")
    arguments.add_argument("--indexed", type=int, default=300, help="pictures in the index while idle")
    arguments.add_argument("--waiting", type=int, default=4000, help="pictures to index meanwhile")
    arguments.add_argument("--only", choices=["start", "idle", "indexing", "bytes"], nargs="*", default=["start", "idle", "indexing", "bytes"], help="what to measure")
    options = arguments.parse_args()
    model = ["--model", options.model] * bool(options.model) + ["--weights", options.weights] * bool(options.weights)
    program = options.lookalike
    rows = []
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        small, large = home / "small", home / "large"
        for folder, count in [(small, options.indexed), (large, options.waiting)]:
            folder.mkdir()
            many(options.photos, folder, count)
        cache = {"XDG_CACHE_HOME": str(home / "cache")}
        subprocess.run([program, "index", small, *model], env={**os.environ, **cache}, check=True, stdout=sys.stderr)
        explore = [program, small, *model]
        if "start" in options.only:
            first, filled = [], []
            for _ in range(options.rounds):
                with Explorer(explore, **cache) as explorer:
                    first.append(explorer.wait(re.escape(BEGINS), keep=True) - explorer.started)
                    filled.append(explorer.wait(FILLED) - explorer.started)
            rows.append(["start to first frame", common.spread(first, "{:.3f}") + " s", ""])
            rows.append([f"start to first frame with {options.indexed} known pictures", common.spread(filled, "{:.3f}") + " s", ""])
        if "idle" in options.only:
            with Explorer(explore, **cache) as explorer:
                explorer.wait(FILLED)
                explorer.settle()
                found = latencies(explorer, options.keys, random.Random(options.seed))
            rows.append([f"key to frame, idle, {options.keys} keys", milliseconds(found), "p99 ≤ 16 ms"])
        if "bytes" in options.only:
            for link, variables in [("local", {}), ("over ssh", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"})]:
                with Explorer(explore, **cache, **variables) as explorer:
                    explorer.wait(FILLED)
                    for key in [b"2", *[DOWN, RIGHT] * 12]:
                        explorer.write(key)
                        explorer.watch(0.1)
                    explorer.settle()
                    chance = random.Random(options.seed)
                    # The first move after a rest shows its picture at once where bytes cost nothing.
                    explorer.write(RIGHT)
                    explorer.watch(KEY_REPEATS)
                    quick = walk(explorer, options.moves, chance, lambda: explorer.watch(KEY_REPEATS))
                    explorer.settle()
                    alone, rested = walk_at_rest(explorer, options.moves // 3, chance)
                rows.append([f"bytes of a heatmap move, in quick succession, {link}", common.spread(quick, "{:.0f}"), "≤ 2,000"])
                if variables:
                    rows.append([f"bytes of a heatmap move after a rest, {link}", common.spread(alone, "{:.0f}"), "≤ 2,000"])
                rows.append([f"bytes of a heatmap move and its pictures, after a rest, {link}", common.spread(rested, "{:.0f}"), ""])
        if "indexing" in options.only:
            with Explorer([program, large, *model], **cache) as explorer:
                explorer.wait(FILLED)
                found = latencies(explorer, options.keys, random.Random(options.seed))
                still = ", which ended before the keys did" if explorer.indexed else ""
            rows.append([f"key to frame while indexing, {options.keys} keys{still}", milliseconds(found), "p99 ≤ 50 ms"])
    print("Times of keys: median / 99th percentile / maximum.\n")
    common.table(["what", "measured", "goal"], rows)


if __name__ == "__main__":
    main()
