"""MTCNN and dlib's face network in PyTorch, straight from the papers' descriptions and the publishers' files: what the
native ones are compared with. Slow and short on purpose.

MTCNN as in facenet-pytorch, but each picture of the pyramid has a gray border of half a face, and what lies beyond the
picture is gray instead of cut off, as in the original.
"""
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F

BORDER, SMALLEST, FACTOR = 6, 28, 0.709
TEMPLATE = np.array([[46.58, 44.90], [101.43, 44.90], [74.01, 77.63], [47.96, 100.68], [100.06, 100.68]])


# ---------------------------------------------------------------------------------------------------------------- MTCNN
class Mtcnn:
    def __init__(self, folder, smallest=SMALLEST, border=BORDER):
        self.smallest, self.border = smallest, border
        self.w = {n: torch.load(pathlib.Path(folder) / f"{n}.pt", weights_only=True) for n in ("pnet", "rnet", "onet")}

    def layers(self, net, x, pools):
        w = self.w[net]
        for number, pool in enumerate(pools, 1):
            x = F.prelu(F.conv2d(x, w[f"conv{number}.weight"], w[f"conv{number}.bias"]), w[f"prelu{number}.weight"])
            x = F.max_pool2d(x, pool, 2, ceil_mode=True) if pool else x
        return x

    def heads(self, net, x, dense, names):
        w = self.w[net]
        x = x.permute(0, 3, 2, 1).flatten(1)
        x = F.prelu(F.linear(x, w[f"dense{dense}.weight"], w[f"dense{dense}.bias"]), w[f"prelu{dense}.weight"])
        answers = [F.linear(x, w[f"{name}.weight"], w[f"{name}.bias"]) for name in names]
        return [answers[0].softmax(1)[:, 1].numpy()] + [answer.numpy().astype(np.float64) for answer in answers[1:]]

    def windows(self, picture, boxes, side):
        """Each box, in pixels counted from 1 with both ends inside, as side x side means."""
        boxes = np.trunc(boxes).astype(int)
        far = max(1 - boxes.min(), (boxes[:, 2] - picture.shape[3]).max(), (boxes[:, 3] - picture.shape[2]).max(), 0)
        padded = F.pad(picture, (far,) * 4)
        cut = []
        for x0, y0, x1, y1 in boxes + far:
            cut.append(F.adaptive_avg_pool2d(padded[:, :, y0 - 1:y1, x0 - 1:x1], side))
        return torch.cat(cut)

    @torch.no_grad()
    def detect(self, pixels):
        """pixels: H x W x 3, uint8. Boxes (left, top, right, bottom edges), scores and points, in pixels from the edges."""
        picture = (torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None] - 127.5) / 128
        height, width = pixels.shape[:2]
        scale, boxes, scores, shifts = 12 / self.smallest, [], [], []
        while min(height, width) * scale + self.border >= 12:
            level = F.adaptive_avg_pool2d(picture, (int(height * scale + 1), int(width * scale + 1)))
            x = self.layers("pnet", F.pad(level, (self.border,) * 4), (2, 0, 0))
            w = self.w["pnet"]
            score = F.conv2d(x, w["conv4_1.weight"], w["conv4_1.bias"]).softmax(1)[0, 1].numpy()
            shift = F.conv2d(x, w["conv4_2.weight"], w["conv4_2.bias"])[0].numpy()
            y, x = np.nonzero(score >= 0.6)
            corner = np.stack((x, y), 1) * 2 - self.border
            box = np.concatenate((np.floor((corner + 1) / scale), np.floor((corner + 12) / scale)), 1)
            keep = suppress(box, score[y, x], 0.5)
            boxes.append(box[keep])
            scores.append(score[y, x][keep])
            shifts.append(shift[:, y, x].T[keep])
            scale *= FACTOR
        empty = np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2))
        if not boxes or not sum(map(len, boxes)):
            return empty
        box, score, shift = np.concatenate(boxes), np.concatenate(scores), np.concatenate(shifts)
        keep = suppress(box, score, 0.7)
        box, shift = box[keep], shift[keep]
        box = squares(box + shift * np.tile(box[:, 2:] - box[:, :2], 2))
        crops = self.windows(picture, box, 24)
        score, shift = self.heads("rnet", self.layers("rnet", crops, (3, 3, 0)), "4", ("dense5_1", "dense5_2"))
        good = score > 0.7
        box, score, shift = box[good], score[good], shift[good]
        keep = suppress(box, score, 0.7)
        if not len(keep):
            return empty
        box = squares(refined(box[keep], shift[keep]))
        crops = self.windows(picture, box, 48)
        answers = self.heads("onet", self.layers("onet", crops, (3, 3, 2, 0)), "5", ("dense6_1", "dense6_2", "dense6_3"))
        good = answers[0] > 0.7
        score, shift, places = (answer[good] for answer in answers)
        box = box[good]
        sides = box[:, 2:] - box[:, :2] + 1
        points = np.stack((sides[:, :1] * places[:, :5] + box[:, :1], sides[:, 1:] * places[:, 5:] + box[:, 1:2]), 2) - 0.5
        box = refined(box, shift)
        keep = suppress(box, score, 0.7, smaller=True)
        return box[keep] - [1, 1, 0, 0], score[keep], points[keep]


def suppress(box, score, limit, smaller=False):
    order, keep = list(np.argsort(-score, kind="stable")), []
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    for at in order:
        def overlap(better):
            size = np.minimum(box[at, 2:], box[better, 2:]) - np.maximum(box[at, :2], box[better, :2])
            both = np.prod(np.maximum(size, 0))
            return both / (min(area[at], area[better]) if smaller else area[at] + area[better] - both)
        if all(overlap(better) <= limit for better in keep):
            keep.append(at)
    return keep


def refined(box, shift):
    return box + shift * np.tile(box[:, 2:] - box[:, :2] + 1, 2)


def squares(box):
    middle, half = (box[:, :2] + box[:, 2:]) / 2, (box[:, 2:] - box[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate((middle - half, middle + half), 1)


# ----------------------------------------------------------------------------------------------------------------- chip
def chip(pixels, points, size=150):
    """The least-squares similarity from the template to the points, shrunk with antialiasing, then bilinear."""
    points = points - 0.5
    center, target = TEMPLATE.mean(0), points.mean(0)
    one, other = (complex(*p) for p in (center, target))
    source, goal = (TEMPLATE - center) @ [1, 1j], (points - target) @ [1, 1j]
    factor = (goal * source.conj()).sum() / (abs(source) ** 2).sum()
    place = lambda z: factor * (z - one) + other
    picture = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
    x0 = y0 = 0.0
    fx = fy = 1.0
    if abs(factor) > 1:
        corners = place(np.array([0, size, size * 1j, size + size * 1j]))
        x0, y0 = (max(0, int(v.min()) - 4) for v in (corners.real, corners.imag))
        x1, y1 = min(pixels.shape[1], int(corners.real.max()) + 5), min(pixels.shape[0], int(corners.imag.max()) + 5)
        wide, high = max(1, round((x1 - x0) / abs(factor))), max(1, round((y1 - y0) / abs(factor)))
        picture = F.interpolate(picture[:, :, y0:y1, x0:x1], (high, wide), mode="bilinear", antialias=True)
        fx, fy = wide / (x1 - x0), high / (y1 - y0)
    z = place(np.arange(size)[None, :] + 1j * np.arange(size)[:, None])
    x, y = (z.real - x0 + 0.5) * fx, (z.imag - y0 + 0.5) * fy
    grid = np.stack((2 * x / picture.shape[3] - 1, 2 * y / picture.shape[2] - 1), -1)
    out = F.grid_sample(picture, torch.from_numpy(grid.astype(np.float32))[None], align_corners=False)
    return out[0].permute(1, 2, 0).round().clamp(0, 255).byte().numpy()


# ----------------------------------------------------------------------------------------------------------------- dlib
class Descriptor:
    """The values in the order of the file: every tensor that is not empty, by its place and shape."""

    def __init__(self, file):
        data, tensors = pathlib.Path(file).read_bytes(), []
        # Convolutions, scales with shifts, and the last layer are all that has values; each tensor follows its layer's name.
        for name in (b"\x05con_4", b"\x07affine_", b"\x04fc_2"):
            at = 0
            while (at := data.find(name, at)) >= 0:
                tensors.append((at, name[1:].decode(), at + len(name)))
                at += len(name)
        self.layers = []
        for _, name, at in sorted(tensors):
            self.layers.append((name, *self.values(data, at, name)))

    @staticmethod
    def values(data, at, name):
        def integer():
            nonlocal at
            count = data[at] & 15
            value = int.from_bytes(data[at + 1:at + 1 + count], "little")
            at += 1 + count
            return value
        if name == "fc_2":
            integer(), integer()
        assert integer() == 2
        count = int(np.prod([integer() for _ in range(4)]))
        values = torch.tensor(struct.unpack_from(f"<{count}f", data, at))
        at += 4 * count
        if name != "con_4":
            return values, None
        outputs, rows, columns, stride = integer(), integer(), integer(), integer()
        return values, (outputs, rows, columns, stride)

    @torch.no_grad()
    def __call__(self, chips):
        """N x 150 x 150 x 3, uint8: the mean of each chip's and its mirror image's 128 values."""
        layers = iter(self.layers)

        def convolve(x):
            (_, values, (outputs, rows, columns, stride)), (_, scale, _) = next(layers), next(layers)
            weight, bias = values[:-outputs].view(outputs, x.shape[1], rows, columns), values[-outputs:]
            x = F.conv2d(x, weight, bias, stride, 0 if stride > 1 else rows // 2)
            return x * scale[:outputs].view(-1, 1, 1) + scale[outputs:].view(-1, 1, 1)

        x = torch.from_numpy(np.stack(chips).astype(np.float32))
        x = (torch.cat((x, x.flip(2))) - torch.tensor([122.782, 117.001, 104.298])) / 256
        x = F.max_pool2d(F.relu(convolve(x.permute(0, 3, 1, 2))), 3, 2)
        for block in range(14):
            y = convolve(F.relu(convolve(x)))
            x = F.avg_pool2d(x, 2) if block in (3, 7, 10, 13) else x
            c, h, w = (max(pair) for pair in zip(x.shape[1:], y.shape[1:]))
            grow = lambda t: F.pad(t, (0, w - t.shape[3], 0, h - t.shape[2], 0, c - t.shape[1]))
            x = F.relu(grow(x) + grow(y))
        _, last, _ = next(layers)
        return (x.mean((2, 3)) @ last.view(256, 128)).view(2, -1, 128).mean(0).numpy()
