"""How well `lookalike alike` tells copies from look-alikes.

usage: copies.py BINARY FOLDER [BINARY's further arguments...]

FOLDER has one sub-folder for each original, with the original and its changed copies, or one for each thing, with shots
of it that are no copies of one another (--none). Every pair of pictures in one group of copies is an answer; those of one
sub-folder are right. Prints precision and recall of the pairs, of the embedding alone (groups of look-alikes count too)
and with the second look, and what was missed by kind of change (by the name of the file).
"""

import argparse
import collections
import itertools
import json
import os
import subprocess


def pairs(groups, kinds):
    found = set()
    for group in groups:
        if group["kind"] in kinds:
            paths = sorted(image["path"] for image in group["images"])
            found.update(itertools.combinations(paths, 2))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("folder")
    parser.add_argument("--none", action="store_true", help="no two pictures of the folder are copies")
    args, further = parser.parse_known_args()
    answer = subprocess.run(
        [args.binary, "alike", args.folder, "--json", *further], capture_output=True, text=True, check=True
    )
    groups = json.loads(answer.stdout)["groups"]
    root = os.path.realpath(args.folder)
    files = sorted(os.path.join(at, name) for at, _, names in os.walk(root) for name in names)
    of = {path: os.path.dirname(path) for path in files}
    true = set() if args.none else {pair for pair in itertools.combinations(files, 2) if of[pair[0]] == of[pair[1]]}
    for what, kinds in (
        ("copies", {"identical", "copies"}),
        ("copies and look-alikes", {"identical", "copies", "look-alikes"}),
    ):
        found = pairs(groups, kinds)
        right = len(found & true)
        precision = right / len(found) if found else 1.0
        recall = right / len(true) if true else 1.0
        print(f"{what}: {len(found)} pairs, precision {precision:.4f}, recall {recall:.4f}")
        if what == "copies":
            for pair in sorted(found - true)[:20]:
                print("  wrong:", *(os.path.relpath(path, root) for path in pair))
            missed = collections.Counter()
            for pair in true - found:
                missed.update(os.path.splitext(os.path.basename(path))[0] for path in pair)
            print("  missed most:", ", ".join(f"{kind} {count}" for kind, count in missed.most_common(5)) or "none")


if __name__ == "__main__":
    main()
