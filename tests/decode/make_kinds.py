#!/usr/bin/env python3
"""Makes the folders beside this file. `read` has small files of unusual kinds, each with the pixels that Pillow reads from
it, on white, as a PNG (or, where it takes alpha for something else, those that are meant); `refused` has files of which no picture must come out. Needs numpy and Pillow.

The JPEGs are baseline files written here, coefficient by coefficient, because no common encoder writes their scans."""

import io
import pathlib
import struct

import numpy as np
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).parent
W, H = 75, 53

y, x = np.mgrid[0:H, 0:W].astype(float)
bowl = np.hypot(x - 30, y - 25) < 18
rgb = np.stack([120 + 90 * np.sin(x / 17), 100 + 80 * np.cos(y / 13) + bowl * 60, 160 + 60 * np.sin((x + y) / 19) - bowl * 90], 2)
rgb = rgb.clip(0, 255).astype(np.uint8)
picture = Image.fromarray(rgb)

# ---- JPEG scans ----
ZIGZAG = sorted(range(64), key=lambda k: (k // 8 + k % 8, (k // 8, k % 8)[(k // 8 + k % 8) % 2 == 0 and 1 or 0]))
STEP = 4
BASIS = np.array([[np.cos((2 * n + 1) * k * np.pi / 16) * (0.5 if k else np.sqrt(0.125)) for n in range(8)] for k in range(8)])


class Bits:
    def __init__(self):
        self.out, self.bits, self.count = bytearray(), 0, 0

    def put(self, value, count):
        self.bits, self.count = self.bits << count | value, self.count + count
        while self.count >= 8:
            self.count -= 8
            byte = self.bits >> self.count & 255
            self.out += bytes([byte] + [0] * (byte == 255))

    def end(self):
        self.put(127, 7)
        return bytes(self.out)


def put_block(bits, block, before):
    """Codes of fixed length: 4 bits for the sizes of DC, 8 for the symbols of AC, of which the all-ones are not used."""
    values = [int(round(v)) for v in (BASIS @ (block - 128.0) @ BASIS.T / STEP).flatten()[ZIGZAG]]

    def put(value):
        size = abs(value).bit_length()
        bits.put(value if value >= 0 else value + (1 << size) - 1, size)

    difference = values[0] - before
    bits.put(abs(difference).bit_length(), 4)
    put(difference)
    last = max((k for k in range(1, 64) if values[k]), default=0)
    run = 0
    for k in range(1, last + 1):
        if values[k] == 0:
            run += 1
            continue
        while run > 15:
            bits.put(SYMBOLS.index(0xF0), 8)
            run -= 16
        bits.put(SYMBOLS.index(run << 4 | abs(values[k]).bit_length()), 8)
        put(values[k])
        run = 0
    if last < 63:
        bits.put(SYMBOLS.index(0), 8)
    return values[0]


SYMBOLS = [0, 0xF0] + [run << 4 | size for run in range(16) for size in range(1, 11)]


def jpeg(sampling, scans, frame=0xC0, end=b"\xff\xd9", before_scan=b"", restart=0):
    """`sampling`: factors of the components, across and down. `scans`: the components of each."""
    ycc = np.array(picture.convert("YCbCr"), float)
    most = [max(s[k] for s in sampling) for k in (0, 1)]
    units = [-(-W // (8 * most[0])), -(-H // (8 * most[1]))]
    planes = []
    for number, (across, down) in enumerate(sampling):
        wide, high = units[0] * 8 * most[0], units[1] * 8 * most[1]
        plane = np.pad(ycc[:, :, number], ((0, high - H), (0, wide - W)), "edge")
        fx, fy = most[0] // across, most[1] // down
        planes.append(plane.reshape(high // fy, fy, wide // fx, fx).mean((1, 3)))
    segment = lambda mark, body: bytes([0xFF, mark]) + struct.pack(">H", len(body) + 2) + body
    out = b"\xff\xd8" + segment(0xDB, b"\0" + bytes([STEP] * 64))
    out += segment(frame, struct.pack(">BHHB", 8, H, W, len(sampling)) + b"".join(bytes([n + 1, s[0] << 4 | s[1], 0]) for n, s in enumerate(sampling)))
    out += segment(0xC4, b"\0" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)))
    out += segment(0xC4, b"\x10" + bytes([0] * 7 + [len(SYMBOLS)] + [0] * 8) + bytes(SYMBOLS))
    if restart:
        out += segment(0xDD, struct.pack(">H", restart))
    out += before_scan
    for scan in scans:
        out += segment(0xDA, bytes([len(scan)]) + b"".join(bytes([n + 1, 0]) for n in scan) + b"\0\x3f\0")
        bits, last, done = Bits(), [0] * len(sampling), 0
        if len(scan) == 1:
            across, down = sampling[scan[0]]
            blocks = [-(-(-(-W * across // most[0])) // 8), -(-(-(-H * down // most[1])) // 8)]
            order = [[(scan[0], bx, by)] for by in range(blocks[1]) for bx in range(blocks[0])]
        else:
            order = [
                [(n, ux * sampling[n][0] + i, uy * sampling[n][1] + j) for n in scan for j in range(sampling[n][1]) for i in range(sampling[n][0])]
                for uy in range(units[1])
                for ux in range(units[0])
            ]
        for unit in order:
            if restart and done and done % restart == 0:
                out += bits.end() + bytes([0xFF, 0xD0 + (done // restart - 1) % 8])
                bits, last = Bits(), [0] * len(sampling)
            for n, bx, by in unit:
                last[n] = put_block(bits, planes[n][by * 8 : by * 8 + 8, bx * 8 : bx * 8 + 8], last[n])
            done += 1
        out += bits.end()
    return out + end


def app1(body):
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def exif(kind, value):
    return app1(b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHI", 0x0112, kind, 1) + value + b"\0\0\0\0")


S420, TOGETHER, APART = [(2, 2), (1, 1), (1, 1)], [[0, 1, 2]], [[0], [1], [2]]
files = {
    "together.jpg": jpeg(S420, TOGETHER),
    "apart-420.jpg": jpeg(S420, APART),
    "apart-440.jpg": jpeg([(1, 2), (1, 1), (1, 1)], APART),
    "partly-apart.jpg": jpeg(S420, [[0], [1, 2]]),
    "fine-chroma.jpg": jpeg([(1, 1), (2, 1), (2, 1)], TOGETHER),
    "three-across.jpg": jpeg([(3, 1), (1, 1), (1, 1)], TOGETHER),
    "restarts.jpg": jpeg(S420, TOGETHER, restart=3),
    "no-end.jpg": jpeg(S420, TOGETHER, end=b""),
    "no-end-but-zeros.jpg": jpeg(S420, TOGETHER, end=bytes(600)),
    "no-end-but-trailer.jpg": jpeg(S420, TOGETHER, end=b"SEFHe\0\0\0\x01\0\0\0SEFT"),
    "exif-behind-frame.jpg": jpeg(S420, TOGETHER, before_scan=exif(3, b"\0\x06\0\0")),
    "exif-long.jpg": jpeg(S420, TOGETHER, before_scan=exif(4, b"\0\0\0\x06")),
    "xmp.jpg": jpeg(S420, TOGETHER, before_scan=app1(b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>')),
}


# ---- other formats ----
def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def icon(*entries):
    out, body, offset = struct.pack("<HHH", 0, 1, len(entries)), b"", 6 + 16 * len(entries)
    for width, height, bits, data in entries:
        out += struct.pack("<BBBBHHII", width % 256, height % 256, 0, 0, 1, bits, len(data), offset + len(body))
        body += data
    return out + body


def bitmap(image, bits=32, hidden=None):
    """A bitmap as icons have it: twice as high, without a file header, a mask behind, whose set bits hide."""
    pixels = np.array(image.convert("RGBA"))[::-1][:, :, [2, 1, 0, 3]]
    pixels = pixels.tobytes() if bits == 32 else np.pad(pixels[:, :, :3].reshape(image.height, -1), ((0, 0), (0, -image.width * 3 % 4))).tobytes()
    head = struct.pack("<IiiHHIIiiII", 40, image.width, 2 * image.height, 1, bits, 0, len(pixels), 0, 0, 0, 0)
    mask = np.zeros((image.height, image.width), bool) if hidden is None else hidden
    mask = np.pad(mask[::-1], ((0, 0), (0, -image.width % 32)))
    return head + pixels + np.packbits(mask, axis=1).tobytes()


def tiff(samples, photometric, tile=None, extra=None, planar=False):
    """A TIFF of whole numbers without compression, chunky in one strip, or planar in square tiles."""
    samples = np.ascontiguousarray(samples)
    high, wide, count = samples.shape
    tags = {256: (4, [wide]), 257: (4, [high]), 258: (3, [samples.itemsize * 8] * count), 259: (3, [1]), 262: (3, [photometric]), 277: (3, [count]), 284: (3, [1 + planar])}
    if extra is not None:
        tags[338] = (3, [extra])
    if tile is None:
        chunks = [samples.tobytes()]
        tags[278] = (4, [high])
    else:
        padded = np.pad(samples, ((0, -high % tile), (0, -wide % tile), (0, 0)))
        corners = [(top, left) for top in range(0, high, tile) for left in range(0, wide, tile)]
        chunks = [padded[top : top + tile, left : left + tile, plane].tobytes() for plane in range(count) for top, left in corners]
        tags |= {322: (4, [tile]), 323: (4, [tile])}
    offsets, counts = (273, 279) if tile is None else (324, 325)
    begins = np.cumsum([8] + [len(chunk) for chunk in chunks])
    tags |= {offsets: (4, begins[:-1].tolist()), counts: (4, [len(chunk) for chunk in chunks])}
    data = b"".join(chunks)
    entries, behind, at = b"", b"", 8 + len(data) + 6 + 12 * len(tags)
    for tag, (kind, values) in sorted(tags.items()):
        value = struct.pack("<" + str(len(values)) + "HI"[kind - 3], *values)
        if len(value) > 4:
            value, behind = struct.pack("<I", at + len(behind)), behind + value
        entries += struct.pack("<HHI", tag, kind, len(values)) + value.ljust(4, b"\0")
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4) + behind


def targa(pixels, alpha_bits, kind=None):
    """A true-color Targa of 32 bits from the top; `kind` is what its extension area says of alpha."""
    high, wide, _ = pixels.shape
    out = struct.pack("<BBBHHBHHHHBB", 0, 0, 2, 0, 0, 0, 0, 0, wide, high, 32, 0x20 | alpha_bits) + pixels[:, :, [2, 1, 0, 3]].tobytes()
    if kind is None:
        return out
    area = struct.pack("<H", 495) + bytes(492) + bytes([kind])
    return out + area + struct.pack("<II", len(out), 0) + b"TRUEVISION-XFILE.\0"


def masked_bitmap(pixels):
    """A bitmap whose header names the bits of alpha."""
    high, wide, _ = pixels.shape
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 108, wide, high, 1, 32, 3, high * wide * 4, 0, 0, 0, 0) + masks + b"BGRs" + bytes(48)
    body = pixels[::-1][:, :, [2, 1, 0, 3]].tobytes()
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(body), 0, 0, 14 + len(head)) + head + body


def with_alpha_mode(dds, mode):
    """The texture with another word on alpha in its newer header."""
    assert dds[84:88] == b"DX10"
    return dds[:144] + struct.pack("<I", mode) + dds[148:]


def run_lengths(image):
    """A bitmap of 256 colors in run-length code."""
    palette = np.array(image.getpalette()).reshape(-1, 3)
    code = b""
    for row in np.array(image)[::-1]:
        for value in row:
            code += bytes([1, value])
        code += b"\0\0"
    code += b"\0\1"
    colors = b"".join(bytes([b, g, r, 0]) for r, g, b in palette).ljust(1024, b"\0")
    head = struct.pack("<IiiHHIIiiII", 40, image.width, image.height, 1, 8, 1, len(code), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 54 + 1024 + len(code), 0, 0, 54 + 1024) + head + colors + code


def without_end(png):
    return png[: png.rindex(b"IEND") - 4]


def small_frame(gif):
    """The GIF with a larger canvas, its frame away from the corner."""
    gif = bytearray(gif)
    at = gif.index(b"\x2c\0\0\0\0")
    gif[6:10] = struct.pack("<HH", W + 20, H + 10)
    gif[at + 1 : at + 5] = struct.pack("<HH", 12, 7)
    return bytes(gif)


small = picture.resize((20, 16))
colors = picture.quantize(32)
seen = np.where(bowl, 255, 0).astype(np.uint8)
hidden_colors = Image.fromarray(np.dstack([rgb, seen]))
black = Image.fromarray(np.dstack([rgb * 0, seen]))
# A slope of alpha, with and without the colors multiplied by it, and none.
small_rgb = np.array(small)
slope = np.linspace(0, 255, 20).round().astype(np.uint8)[None].repeat(16, 0)
sloped = np.dstack([small_rgb, slope])
multiplied = np.dstack([(small_rgb * (slope[:, :, None] / 255)).round().astype(np.uint8), slope])
no_alpha = np.dstack([small_rgb, slope * 0])
hidden_part = np.array(small.resize((20, 16)).convert("L")) > 130
files |= {
    "icon-rgb.ico": icon((W, H, 32, saved(picture, "PNG"))),
    "icon-gray.ico": icon((W, H, 8, saved(picture.convert("L"), "PNG"))),
    "icon-largest.ico": icon((20, 16, 32, bitmap(small)), (W, H, 32, saved(picture, "PNG"))),
    "icon-bitmap.ico": icon((20, 16, 32, bitmap(small))),
    "icon-256.ico": icon((256, 16, 32, bitmap(picture.resize((256, 16)))), (20, 16, 32, bitmap(small))),
    "run-lengths.bmp": run_lengths(colors),
    "no-end.png": without_end(saved(picture, "PNG")),
    "half-end.png": saved(picture, "PNG")[:-6],
    "big.tif": saved(picture, "TIFF", big_tiff=True, compression="tiff_adobe_deflate"),
    "hidden.png": saved(hidden_colors, "PNG"),
    "black.png": saved(black, "PNG"),
    "hidden.webp": saved(hidden_colors, "WEBP", lossless=True, exact=True),
    "transparent.gif": saved(colors, "GIF", transparency=3),
    "small-frame.gif": small_frame(saved(colors, "GIF", transparency=3)),
    "icon-masked.ico": icon((20, 16, 32, bitmap(Image.fromarray(no_alpha), hidden=hidden_part))),
    "icon-largest-bitmap.ico": icon((20, 16, 24, bitmap(small, 24)), (10, 8, 32, bitmap(small.resize((10, 8))))),
    "tiles.tif": tiff(small_rgb, 2, tile=16, planar=True),
    "cmyk-16.tif": tiff(np.array(small.convert("CMYK")).astype("<u2") * 257, 5),
    "alpha.tif": tiff(sloped, 2, extra=2),
    "multiplied.tif": tiff(multiplied, 2, extra=1),
    "multiplied-16.tif": tiff(multiplied.astype("<u2") * 257, 2, extra=1),
    "no-alpha.tif": tiff(sloped, 2, extra=0),
    "alpha.tga": targa(sloped, 8, 3),
    "multiplied.tga": targa(multiplied, 8, 4),
    "undefined-alpha.tga": targa(sloped, 8, 2),
    "no-alpha.tga": targa(sloped, 0),
    "zero-alpha.tga": targa(no_alpha, 8),
    "zero-alpha.bmp": masked_bitmap(no_alpha),
    "bc1.dds": saved(picture, "DDS", pixel_format="DXT1"),
    "bc3.dds": saved(Image.fromarray(sloped), "DDS", pixel_format="DXT5"),
    "bc3-multiplied.dds": with_alpha_mode(saved(Image.fromarray(multiplied), "DDS", pixel_format="BC3"), 2),
    "bc3-no-alpha.dds": with_alpha_mode(saved(Image.fromarray(sloped), "DDS", pixel_format="BC3"), 3),
    "transparent-color.png": saved(picture, "PNG", transparency=tuple(int(v) for v in rgb[0, 0])),
}
# What Pillow takes for straight alpha, or for none that was ever meant.
on_white = Image.fromarray(sloped)
texture = np.array(Image.open(io.BytesIO(files["bc3-multiplied.dds"]))).astype(int)
told = {
    "icon-masked.ico": Image.fromarray(np.dstack([small_rgb, np.where(hidden_part, 0, 255).astype(np.uint8)])),
    "icon-largest-bitmap.ico": small,
    "multiplied.tga": on_white,
    "undefined-alpha.tga": small,
    "no-alpha.tga": small,
    "zero-alpha.tga": small,
    "zero-alpha.bmp": small,
    "bc3-multiplied.dds": Image.fromarray((texture[:, :, :3] + 255 - texture[:, :, 3:]).clip(0, 255).astype(np.uint8)),
    "bc3-no-alpha.dds": Image.open(io.BytesIO(files["bc3-no-alpha.dds"])).convert("RGB"),
}
# Of these, no picture must come out.
whole = jpeg(S420, TOGETHER)
scan = whole.index(b"\xff\xda") + 14
middle = scan + (len(whole) - scan) // 2
noise = Image.fromarray(np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8))
progressive = saved(noise, "JPEG", progressive=True, quality=60)
many_scans = saved(Image.new("L", (16, 16)), "JPEG", progressive=True)
last = many_scans.rindex(b"\xff\xda")
many = bytearray(many_scans[:last] + many_scans[last:-2] * 3000 + b"\xff\xd9")
frame = many.index(b"\xff\xc2")
many[frame + 5 : frame + 9] = struct.pack(">HH", 16000, 16000)
refused = {
    "half.jpg": whole[:middle],
    "half-and-zeros.jpg": whole[:middle] + bytes(len(whole) - middle),
    "half-and-end.jpg": whole[:middle] + b"\xff\xd9",
    "half-and-another.jpg": whole[:middle] + whole,
    "half-progressive.jpg": progressive[: len(progressive) // 2],
    "half-progressive-and-end.jpg": progressive[: len(progressive) // 2] + b"\xff\xd9",
    "lossless.jpg": jpeg(S420, TOGETHER, frame=0xC3),
    "arithmetic.jpg": jpeg(S420, TOGETHER, frame=0xC9),
    "many-scans.jpg": bytes(many),
    "half.png": (lambda png: png[: len(png) // 2])(saved(picture, "PNG")),
    "bad-sum.png": (lambda png: png[:200] + bytes([png[200] ^ 1]) + png[201:])(saved(picture, "PNG", compress_level=0)),
    "palette.tif": saved(colors, "TIFF", compression="tiff_adobe_deflate"),
    "float.tif": saved(Image.fromarray(rgb[:20, :20, 0] / np.float32(255)), "TIFF"),
    "colors-32.tif": tiff(small_rgb.astype("<u4") * 16843009, 2),
    "alpha-32.tif": tiff(sloped.astype("<u4") * 16843009, 2, extra=2),
    "ycbcr.tif": saved(picture.convert("YCbCr"), "TIFF"),
    "ycbcr-jpeg.tif": saved(picture.convert("YCbCr"), "TIFF", compression="jpeg"),
    "uncompressed.dds": saved(picture, "DDS"),
    "one-channel.dds": b"DDS " + struct.pack("<IIIII", 124, 0x1007, 4, 4, 4) + bytes(52) + struct.pack("<II4s", 32, 4, b"BC5U") + bytes(40) + bytes(16),
}


def as_pillow_reads_it(name, data):
    if name.startswith("no-end") or name == "half-end.png":
        # Pillow wants the end mark.
        data = files["together.jpg"] if name.endswith("jpg") else saved(picture, "PNG")
    image = told.get(name) or ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")


for folder, made in {"read": files, "refused": refused}.items():
    (HERE / folder).mkdir(exist_ok=True)
    for name, data in made.items():
        (HERE / folder / name).write_bytes(data)
for name, data in files.items():
    as_pillow_reads_it(name, data).save(HERE / "read" / f"{name}.expected.png", optimize=True)
