"""Changes that must not move an embedding much, done on whole batches (N x 3 x S x S, 0-255)."""

import math

import torch
import torch.nn.functional as F

# The share of a batch that is changed; the rest is only flipped, because pictures are mostly embedded as they are.
CHANGED = 0.7

LUMA = torch.tensor([0.299, 0.587, 0.114])
TO_YCC = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])
DCT = torch.tensor([
    [math.sqrt((1 if k == 0 else 2) / 8) * math.cos((2 * i + 1) * k * math.pi / 16) for i in range(8)] for k in range(8)
])
# The example tables of the JPEG standard (ITU-T T.81, annex K.1), which libjpeg scales by quality.
LUMA_STEPS = torch.tensor([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
])
CHROMA_STEPS = torch.full((8, 8), 99)
CHROMA_STEPS[:4, :4] = torch.tensor([[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]])


def augment(x, rng):
    """Returns the changed batch. rng: a `torch.Generator` on the device of the batch."""
    x = x.float()
    flip = rand(rng, len(x)) < 0.5
    x[flip] = x[flip].flip(3)
    changed = int(CHANGED * len(x))
    x[:changed] = change(x[:changed], rng)
    return x


def change(x, rng):
    for quarters in (1, 3):
        some = chosen(len(x), 0.04, rng)
        x[some] = x[some].rot90(quarters, (2, 3))
    some = chosen(len(x), 0.45, rng)
    if len(some):
        x[some] = framed(x[some], turns(len(some), rng), rng)
    some = chosen(len(x), 0.06, rng)
    if len(some):
        x[some] = caption(x[some], rng)
    some = chosen(len(x), 0.25, rng)
    if len(some):
        x[some] = shrink(x[some], rng)
    x = recolor(x, rng)
    some = chosen(len(x), 0.15, rng)
    if len(some):
        x[some] = recompress(x[some], uniform(len(some), 12, 75, rng))
    return x


def rand(rng, *shape):
    return torch.rand(shape, generator=rng, device=rng.device)


def chosen(count, share, rng):
    return torch.nonzero(rand(rng, count) < share).flatten()


def uniform(count, low, high, rng):
    return rand(rng, count) * (high - low) + low


def turns(count, rng):
    """Affine matrices: up to 15 degrees, a part of the picture (0.65 of its side) to all with a border (1.25), a shift."""
    angle = uniform(count, -15, 15, rng) * math.pi / 180
    zoom = uniform(count, 0.65, 1.25, rng)
    slack = (1 - zoom).abs().clamp(min=0.02)
    shift = torch.stack([uniform(count, -1, 1, rng) * slack, uniform(count, -1, 1, rng) * slack], 1)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2) * zoom.view(-1, 1, 1)
    return torch.cat([turn, shift[:, :, None]], 2)


def warp(x, theta, padding="reflection"):
    grid = F.affine_grid(theta, x.shape, align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode=padding, align_corners=False)


def framed(x, theta, rng):
    """Warps; what lies outside of a picture is its mirror image for one half and a flat color for the other."""
    flat = rand(rng, len(x)) < 0.5
    shade = (rand(rng, len(x), 3) * 3 - 1).clamp(0, 1).view(-1, 3, 1, 1) * 255
    out = warp(x, theta)
    out[flat] = warp(x[flat] - shade[flat], theta[flat], "zeros") + shade[flat]
    return out


def caption(x, rng):
    """A bar with strokes like a line of writing, over 8-20 % of the height at the top or the bottom."""
    size = x.shape[2]
    for picture in x:
        high = max(4, int(size * float(uniform(1, 0.08, 0.2, rng))))
        ground, ink = rand(rng, 2, 3, 1, 1) * 255
        strokes = (rand(rng, 1, high // 2 - 1, size // 2) < 0.4).repeat_interleave(2, 1).repeat_interleave(2, 2)
        bar = ground.expand(3, high, size).clone()
        bar[:, 1 : 1 + strokes.shape[1], : strokes.shape[2]] = torch.where(strokes, ink, ground)
        if rand(rng, 1) < 0.5:
            picture[:, :high] = bar
        else:
            picture[:, -high:] = bar
    return x


def shrink(x, rng):
    """Loses detail: down to 35-80 % of the side and up again, which is what thumbnails and blur do."""
    size = x.shape[2]
    small = max(16, int(size * float(uniform(1, 0.35, 0.8, rng))))
    return F.interpolate(F.interpolate(x, (small, small), mode="bilinear", antialias=True), (size, size), mode="bilinear")


def recolor(x, rng):
    """Brightness, contrast, saturation, channel gains and gray, as one affine map of the colors of each picture."""
    n, luma = len(x), LUMA.to(x)
    strength = (rand(rng, n) < 0.8).float()
    gray = (rand(rng, n) < 0.1).float()
    saturation = (1 + strength * uniform(n, -0.4, 0.4, rng)) * (1 - gray)
    contrast = 1 + strength * uniform(n, -0.35, 0.35, rng)
    brightness = strength * uniform(n, -40, 40, rng)
    gains = 1 + strength[:, None] * (rand(rng, n, 3) - 0.5) * 0.25
    keep = saturation.view(-1, 1, 1) * torch.eye(3, device=x.device) + (1 - saturation).view(-1, 1, 1) * luma.expand(3, 3)
    matrix = keep * gains[:, None, :] * contrast.view(-1, 1, 1)
    mean = x.mean((2, 3)) @ luma
    offset = (1 - contrast) * mean + brightness
    return (torch.einsum("nij,njhw->nihw", matrix, x) + offset.view(-1, 1, 1, 1)).clamp_(0, 255)


def recompress(x, quality):
    """What JPEG loses: 8 x 8 cosine transforms of luma and halved chroma, rounded to the standard's steps.

    quality: N values of 1-100 on libjpeg's scale. The side is a multiple of 16.
    """
    y, cb, cr = torch.einsum("ij,njhw->inhw", TO_YCC.to(x), x)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(-1, 1, 1, 1, 1)
    y = quantize(y - 128, LUMA_STEPS.to(x), scale) + 128
    halved = [F.interpolate(c[:, None], scale_factor=0.5, mode="area")[:, 0] for c in (cb, cr)]
    cb, cr = (F.interpolate(quantize(c, CHROMA_STEPS.to(x), scale)[:, None], x.shape[2:])[:, 0] for c in halved)
    return torch.einsum("ij,jnhw->nihw", TO_YCC.inverse().to(x), torch.stack([y, cb, cr])).clamp(0, 255)


def quantize(plane, steps, scale):
    n, h, w = plane.shape
    dct = DCT.to(plane)
    blocks = plane.view(n, h // 8, 8, w // 8, 8).permute(0, 1, 3, 2, 4)
    steps = (steps * scale).round().clamp(1, 255)
    blocks = dct.T @ ((dct @ blocks @ dct.T / steps).round() * steps) @ dct
    return blocks.permute(0, 1, 3, 2, 4).reshape(n, h, w)
