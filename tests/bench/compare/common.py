"""What the comparisons share: a Python environment of their own, alternating and timing, one Markdown table.

A script parses its arguments with `parser()`, calls `enter(options.python)` before it imports any package, times with
`alternate()`, and prints with `table()`.
"""
import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
import venv

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
REQUIREMENTS = HERE / "requirements.txt"
ENTERED = "LOOKALIKE_COMPARE_PYTHON"


def parser(description):
    """The arguments that every comparison takes."""
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    made.add_argument("--lookalike", type=pathlib.Path, default=ROOT / "target/release/lookalike", help="the program to measure")
    made.add_argument("--python", type=pathlib.Path, help="a Python that has the packages, instead of making an environment")
    made.add_argument("--rounds", type=int, default=3, help="how often each side is measured")
    return made


def enter(python=None):
    """Goes on in a Python that has the packages of requirements.txt: the one given, else an environment below target/."""
    if os.environ.get(ENTERED):
        return
    # Not resolved: an environment's Python is known by the link through which it is called.
    python = str(python.absolute() if python else environment())
    os.execve(python, [python, *sys.argv], {**os.environ, ENTERED: python})


def benchmark(name):
    """Builds a benchmark of this repository; returns the program."""
    build = ["cargo", "bench", "--locked", "--bench", name, "--no-run", "--message-format=json"]
    lines = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    built = [message["executable"] for message in map(json.loads, lines) if message.get("executable")]
    return built[-1]


def environment():
    """The environment's Python; made at the first call and again when the requirements change."""
    folder = ROOT / "target/compare-python"
    python, made = folder / "bin/python", folder / "made-from.txt"
    wanted = REQUIREMENTS.read_text()
    if not made.exists() or made.read_text() != wanted:
        print(f"making a Python environment in {folder}", file=sys.stderr)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        made.write_text(wanted)
    return python


def seconds(work):
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternate(rounds, **sides):
    """Calls the sides in turn, as often as there are rounds; gives each side's list of what its calls returned.

    Whatever else the machine does meanwhile then meets all of them. Every other round goes backwards.
    """
    found = {name: [] for name in sides}
    for at in range(rounds):
        for name, side in list(sides.items())[:: -1 if at % 2 else 1]:
            found[name].append(side())
            print(f"round {at + 1} of {rounds}, {name}: {found[name][-1]}", file=sys.stderr)
    return found


def spread(values, form="{:.2f}"):
    """Minimum, median and maximum, as a table shows them."""
    return " / ".join(form.format(value) for value in (min(values), statistics.median(values), max(values)))


def ratios(slow, fast):
    """How many times faster, round by round."""
    return [s / f for s, f in zip(slow, fast, strict=True)]


def table(header, rows):
    """Prints a Markdown table, and under it the machine."""
    for row in [header, ["---"] * len(header), *rows]:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(f"\nMinimum / median / maximum. {machine()}")


def machine():
    """The machine in one line."""
    name = platform.processor() or platform.machine()
    cpu = pathlib.Path("/proc/cpuinfo")
    if cpu.exists():
        lines = dict(line.split(":", 1) for line in cpu.read_text().splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in lines.items()}
        flags = facts.get("flags", "").split()
        has = [word for flag, word in [("avx512f", "AVX-512"), ("avx512_bf16", "bfloat16"), ("amx_tile", "AMX")] if flag in flags]
        name = ", ".join([facts.get("model name", name), *has])
    return f"{cores()} cores of {name}; {platform.system()}."


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
