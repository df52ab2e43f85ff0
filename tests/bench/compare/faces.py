#!/usr/bin/env python3
"""Faces found and embedded, against the same networks in PyTorch on the same decoded pictures.

    python3 tests/bench/compare/faces.py FOLDER [--weights FOLDER]

PyTorch's side is `tests/faces/reference.py`, the definition that ours is tested against, with what makes it quick: torchvision's
non-maximum suppression, and dlib's network folded, channels last, in bfloat16 where the CPU has it, over the faces of as
many pictures at once as ours takes. Ours: `tests/bench/network.rs`. Both with one thread and with one a core, in turn.
"""
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import common

# As `lookalike` looks at them.
LONGER_SIDE = 1280
# Pictures whose faces are embedded together, as in src/embed/faces.rs.
TOGETHER = 4


def main():
    parser = common.parser(__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="pictures, also in sub-folders")
    parser.add_argument("--weights", type=pathlib.Path, default=pathlib.Path.home() / ".local/share/lookalike/models")
    parser.add_argument("--pictures", type=int, default=48, help="so many of them, evenly spread")
    parser.add_argument("--threads", type=int, action="append", help="instead of one, and one a core")
    options = parser.parse_args()
    common.enter(options.python)
    program, rows = common.benchmark("network"), []
    with tempfile.TemporaryDirectory() as folder:
        pictures = prepared(options.folder, options.pictures, pathlib.Path(folder))
        reference = Reference(options.weights)
        for threads in options.threads or sorted({1, common.cores()}):
            found = common.alternate(
                options.rounds,
                pytorch=lambda: reference.rate(pictures, threads),
                ours=lambda: ours(program, folder, threads),
            )
            rates = [common.spread(found[side]) for side in ("pytorch", "ours")]
            rows.append([threads, *rates, common.spread(common.ratios(found["ours"], found["pytorch"]))])
    print(f"{len(pictures)} pictures with {reference.faces} faces\n")
    common.table(["threads", "PyTorch, pictures/s", "lookalike, pictures/s", "ratio"], rows)


def prepared(folder, most, to):
    """Pictures as they are looked at, which are also written for the other side."""
    import numpy as np
    from PIL import Image, ImageOps

    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    pictures = []
    for file in files[:: max(1, len(files) // most)][:most]:
        picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        picture.thumbnail((LONGER_SIDE, LONGER_SIDE))
        picture.save(to / f"{len(pictures):04}.png")
        pictures.append(np.asarray(picture))
    return pictures


class Reference:
    def __init__(self, weights):
        sys.path.insert(0, str(common.ROOT / "tests/faces"))
        import reference
        import torch
        import torchvision

        def suppress(box, score, limit, smaller=False):
            # Of the smaller one's area: only in the end, where hardly any box is left.
            if smaller:
                return slow(box, score, limit, smaller)
            return torchvision.ops.nms(torch.from_numpy(box), torch.from_numpy(score).double(), limit).numpy()

        slow, reference.suppress = reference.suppress, suppress
        self.reference, self.faces = reference, 0
        self.detector = reference.Mtcnn(weights)
        self.network = folded(reference.Descriptor(weights / "dlib_face_recognition_resnet_model_v1.dat"))

    def rate(self, pictures, threads):
        """Pictures a second."""
        import torch

        torch.set_num_threads(threads)
        self.run(pictures[:TOGETHER])
        start = time.perf_counter()
        self.faces = self.run(pictures)
        return len(pictures) / (time.perf_counter() - start)

    def run(self, pictures):
        """The number of faces."""
        import numpy as np
        import torch

        count = 0
        for at in range(0, len(pictures), TOGETHER):
            chips = []
            for picture in pictures[at : at + TOGETHER]:
                _, _, points = self.detector.detect(picture)
                chips += [self.reference.chip(picture, found) for found in points]
            if chips:
                with torch.inference_mode():
                    count += len(self.network(torch.from_numpy(np.stack(chips))))
        return count


def folded(descriptor):
    """dlib's network with scales folded into the convolutions, as quick as PyTorch runs it."""
    import torch
    import torch.nn.functional as F

    flags = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    kind = torch.bfloat16 if "avx512_bf16" in flags else torch.float32

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.convolutions, inputs = torch.nn.ModuleList(), 3
            layers = iter(descriptor.layers[:-1])
            for (_, values, (outputs, rows, columns, stride)), (_, scale, _) in zip(layers, layers):
                made = torch.nn.Conv2d(inputs, outputs, (rows, columns), stride, 0 if stride > 1 else rows // 2)
                factors = scale[:outputs]
                made.weight.data = values[:-outputs].view(outputs, inputs, rows, columns) * factors.view(-1, 1, 1, 1)
                made.bias.data = values[-outputs:] * factors + scale[outputs:]
                self.convolutions.append(made)
                inputs = outputs
            self.register_buffer("last", descriptor.layers[-1][1].view(256, 128))
            self.register_buffer("means", torch.tensor([122.782, 117.001, 104.298]))

        def forward(self, chips):
            x = torch.cat((chips, chips.flip(2))).float()
            x = ((x - self.means.float()) / 256).to(self.last.dtype).permute(0, 3, 1, 2)
            x = F.max_pool2d(F.relu(self.convolutions[0](x)), 3, 2)
            for block in range(14):
                y = self.convolutions[2 * block + 2](F.relu(self.convolutions[2 * block + 1](x)))
                if block in (3, 7, 10, 13):
                    x = F.avg_pool2d(x, 2)
                    size = [max(pair) for pair in zip(x.shape[1:], y.shape[1:])]
                    x, y = (F.pad(t, (0, size[2] - t.shape[3], 0, size[1] - t.shape[2], 0, size[0] - t.shape[1])) for t in (x, y))
                x = F.relu(x + y)
            return (x.mean((2, 3)) @ self.last).view(2, -1, 128).mean(0)

    return Network().eval().to(memory_format=torch.channels_last, dtype=kind)


def ours(program, folder, threads):
    command = [program, "--model", "faces", "--pictures", folder, "--threads", threads, "--seconds", 0]
    said = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(re.search(r"([\d.]+) images/s", said).group(1))


if __name__ == "__main__":
    main()
