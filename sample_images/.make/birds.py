"""Birds: down grown like fur, and wings and tails laid out of single feathers."""

import numpy as np

import studio
from fur import Coat, grow, roots
from pets import eye, solid, toward_lens
from shape import Frame, ball, chain, grid_quads, limb, mix, noise, ramp, skin, turn, unit


def plumage(blobs, paint, lens, *, count, rng, thickness=0.014, cells=100, bare=None, **comb):
    """Skin and the small feathers that cover it."""
    v, quads = skin(blobs, cells)
    under = Coat(blobs, v)
    studio.mesh("skin", v, quads, studio.material("skin", rough=0.8, attribute="tint"), 0.6 * paint(under))
    facing = toward_lens(v[quads].mean(1), under.normal[quads[:, 0]], lens)
    p, normal = roots(v, quads, under.normal, count, rng, facing + 1e-6)
    coat = Coat(blobs, p, normal)
    comb = {"lift": 0.1, "droop": 0.0, "mess": 0.1, "clump": 0.45, "clump_size": 0.06} | comb
    points, colors = grow(coat, paint(coat), rng, bare=None if bare is None else bare(p), **comb)
    studio.strands("down", points, colors, thickness, tip=0.3)


class Feathers:
    """Gathers single feathers and makes one mesh of them."""

    def __init__(self, rng):
        self.rng, self.v, self.c, self.f, self.n = rng, [], [], [], 0

    def add(self, root, along, face, length, width, color, edge=None, curve=0.08, tip=None):
        """A vane from root, pointing along, its upper side facing `face`."""
        along, face = unit(along), unit(face)
        side = unit(np.cross(along, face))
        face = np.cross(side, along)
        s, a = np.meshgrid(np.linspace(0, 1, 12), np.linspace(-1, 1, 7), indexing="ij")
        half = width * np.sqrt(np.clip(np.sin(np.pi * np.clip(0.06 + 0.94 * s, 0, 1) ** 0.75), 0, 1))
        lift = curve * length * (s - s * s) * 1.0 - 0.25 * width * a * a
        v = np.asarray(root) + length * s[..., None] * along + (half * a)[..., None] * side + lift[..., None] * face
        shade = 1 + 0.10 * np.sin(60 * (s * 2 + np.abs(a))) - 0.25 * (np.abs(a) < 0.1)
        tint = np.broadcast_to(np.asarray(color, float), (*s.shape, 3))
        if edge is not None:
            tint = mix(tint, edge, ramp(np.abs(a), 0.6, 0.95))
        if tip is not None:
            tint = mix(tint, tip, ramp(s, 0.75, 0.9))
        tint = np.clip(tint * (shade * self.rng.uniform(0.88, 1.1))[..., None], 0, 1)
        self.v.append(v.reshape(-1, 3))
        self.c.append(tint.reshape(-1, 3))
        self.f.append(grid_quads(12, 7) + self.n)
        self.n += s.size

    def done(self, gloss=0.55):
        mat = studio.material("vane", rough=gloss, attribute="tint")
        studio.mesh("feathers", np.concatenate(self.v), np.concatenate(self.f), mat, np.concatenate(self.c))


def folded_wing(feathers, side, shoulder, back, down, colors, length=1.0, edge=None, tips=None, rows=(3, 6, 8)):
    """Coverts, secondaries and primaries of a closed wing. colors: one for each row, small feathers last."""
    out = unit(np.array([side, 0.0, 0.25]))
    back, down = unit(back), unit(down)
    primary, secondary, covert = colors
    for i in range(rows[1]):
        u = i / rows[1]
        root = shoulder + back * (0.42 + 0.1 * u) * length + down * (0.42 - 0.25 * u) * length + out * (0.03 + 0.012 * i)
        feathers.add(root, back + 0.1 * down * (1 - 2 * u), out, (1.0 - 0.25 * u) * length, 0.075 * length, primary, edge, tip=tips)
    for i in range(rows[2]):
        u = i / rows[2]
        root = shoulder + back * (0.22 + 0.14 * u) * length + down * (0.4 - 0.42 * u) * length + out * (0.09 + 0.008 * i)
        feathers.add(root, back + 0.16 * down, out, (0.62 - 0.1 * u) * length, 0.085 * length, secondary, edge)
    for row in range(rows[0]):
        for i in range(6):
            u = i / 6
            root = shoulder + back * (0.02 + 0.11 * row) * length + down * (0.36 - 0.5 * u) * length + out * (0.17 - 0.03 * row - 0.12 * abs(u - 0.4))
            feathers.add(root, back + 0.22 * down, out, 0.28 * length, 0.085 * length, covert, edge)


def fan(feathers, root, back, width, length, color, count=7, edge=None, up=(0, 0.3, 1), vane=0.1, tip=None):
    for i in range(count):
        u = 2 * i / (count - 1) - 1
        along = unit(np.asarray(back, float)) + np.array([u * width, 0, 0])
        start = np.asarray(root) + np.array([u * 0.08, 0, 0.02 * (1 - abs(u))])
        feathers.add(start, along, up, length * (1 - 0.08 * abs(u)), vane, color, edge, tip=tip)


def legs(color, hips, feet, thick=0.035, toes=0.28, spread=0.5):
    """Thin scaly legs with three toes forward and one back."""
    horn = studio.textured("leg", tuple(0.6 * np.array(color)), color, 30, bump=0.3, rough=0.5)
    for hip, foot in zip(hips, feet):
        parts = [limb("leg", hip, foot, thick * 1.3, thick, melt=0.03)]
        for a in (-spread, 0, spread, np.pi):
            tip = np.asarray(foot) + toes * np.array([np.sin(a), -np.cos(a), -0.28]) * (0.7 if a == np.pi else 1)
            parts.append(limb("toe", foot, tip, thick * 0.9, thick * 0.45, melt=0.03))
        solid("leg", parts, horn, 60)


def songbird(paint, wing, lens, rng, *, look=(0, 0, 0), posture=-34, beak=(0.3, 0.1, (0.05, 0.045, 0.04)), tail=(0.95, (0.1, 0.09, 0.08)), leg=(0.12, 0.08, 0.06), wing_edge=None, wing_tips=None, plump=1.0, count=90000):
    """A small perching bird facing -y, its feet at z = 0.25."""
    frame = Frame(np.array([0, -0.62, 1.62]), turn(*look))
    tilt = turn(pitch=posture)
    back = tilt @ np.array([0, 1.0, 0])
    skull = ball("head", (0, 0, 0), (0.33, 0.36, 0.32), frame, fur=0.1, melt=0.15, flow=(0, 1, -0.25))
    blobs = [
        ball("body", (0, 0.05, 0.98), (0.42 * plump, 0.74, 0.44 * plump), rotation=tilt, fur=0.14, melt=0.25, flow=back),
        ball("breast", (0, -0.22, 1.05), (0.39 * plump, 0.42, 0.44 * plump), fur=0.14, melt=0.25, flow=(0, 0.15, -1)),
        limb("neck", (0, -0.3, 1.3), (0, -0.57, 1.55), 0.35, 0.31, fur=0.12, melt=0.2, flow=(0, 0.5, -1)),
        skull,
        limb("rump", (0, 0.45, 0.78), (0, 0.95, 0.42), 0.24, 0.1, fur=0.16, melt=0.2),
        *(ball("wing", (s * 0.37 * plump, 0.16, 1.06), (0.12, 0.72, 0.3), rotation=turn(yaw=s * 9) @ tilt, fur=0.12, melt=0.06, flow=back) for s in (-1, 1)),
        ball("thigh", (0.17, 0.02, 0.62), (0.12, 0.15, 0.18), fur=0.1, flow=(0, 0, -1)),
        ball("thigh", (-0.17, 0.02, 0.62), (0.12, 0.15, 0.18), fur=0.1, flow=(0, 0, -1)),
    ]
    skull.flow = lambda p: unit(frame.into(p) - np.array([0, -0.5, -0.02])) @ frame.axes.T
    length, depth, horn = beak
    tip = np.array([0, -0.3 - length, -0.07])
    no_down = lambda p: np.linalg.norm((frame.into(p) - [0, -0.33, -0.02]) / [0.09, 0.1, depth], axis=1) < 1
    dressed = lambda coat: mix(paint(coat, frame), wing[2], coat.part("wing"))
    plumage(blobs, dressed, lens, count=count, rng=rng, bare=no_down)
    bill = studio.material("bill", horn, 0.3)
    solid("upper", [limb("upper", (0, -0.26, 0.0), tip, depth, 0.012, frame, flat=(0.8, 1, 1))], bill, 50)
    solid("lower", [limb("lower", (0, -0.26, -0.06), tip + [0, 0.03, -0.015], depth * 0.7, 0.01, frame, flat=(0.8, 1, 1))], bill, 50)
    for s in (-1, 1):
        eye(frame.out((s * 0.255, -0.2, 0.07)), 0.07, frame.aim(unit([s, -0.55, 0.05])), (0.03, 0.015, 0.01), pupil=(0.7, 0.7), size=0.97)
    feathers = Feathers(rng)
    fan(feathers, (0, 0.72, 0.56), back + np.array([0, 0, -0.02]), 0.09, tail[0], tail[1], edge=wing_edge, vane=0.085)
    for s in (-1, 1):
        shoulder = np.array([s * (0.36 * plump + 0.07), -0.36, 1.34])
        inward = np.array([-s * 0.16, 0, 0])
        folded_wing(feathers, s, shoulder, back + inward, tilt @ np.array([0, 0, -1.0]), wing, 0.98, wing_edge, wing_tips)
    feathers.done()
    legs(leg, [(0.16, 0.0, 0.6), (-0.16, 0.0, 0.6)], [(0.15, -0.06, 0.27), (-0.15, -0.06, 0.27)])
    return frame


def branch(rng, points, radius=0.15, color=(0.16, 0.11, 0.07), leaves=0, leaf=(0.1, 0.25, 0.04), near=None):
    """A twig along points with bark and, if asked, leaves."""
    bark = studio.textured("bark", tuple(0.35 * np.array(color)), color, 7, bump=0.9, rough=0.9, stretch=(1, 3, 3))
    width = np.linspace(radius, radius * 0.65, len(points))
    solid("branch", chain("branch", points, list(width), melt=0.05), bark, 130)
    vanes = Feathers(rng)
    p = np.asarray(points, float)
    for _ in range(leaves):
        i = rng.integers(len(p) - 1)
        root = p[i] + (p[i + 1] - p[i]) * rng.random()
        if near is not None and np.linalg.norm(root[:2] - near) < 0.9:
            continue
        out = unit(rng.normal(size=3) + [0, 0, 0.3])
        shade = np.array(leaf) * rng.uniform(0.6, 1.5)
        vanes.add(root + out * radius, out, unit(rng.normal(size=3) + [0, -0.5, 1]), rng.uniform(0.5, 0.8), 0.16, shade, curve=0.2)
    if vanes.n:
        vanes.done(0.45)


def robin_on_a_branch(path, rng):
    lens = (-5.6, -4.2, 1.9)

    def paint(coat, frame):
        q, n = frame.into(coat.p), coat.normal
        brown, red, white = (0.1, 0.085, 0.07), (0.62, 0.17, 0.035), (0.6, 0.57, 0.52)
        wobble = 0.12 * noise(coat.p, 4, 2, 1)
        front = ramp(-n[:, 1] - 0.75 * n[:, 2] + wobble, -0.05, 0.25)
        color = mix(brown, red, coat.part("breast", "neck", "body") * front * ramp(coat.p[:, 2] + wobble, 0.62, 0.75))
        color = mix(color, white, coat.part("thigh", "rump", "body", "breast") * ramp(coat.p[:, 2] + wobble, 0.72, 0.58) * ramp(-n[:, 2], -0.3, 0.2))
        dark = (0.035, 0.033, 0.035)
        color = mix(color, dark, coat.part("head") * 0.9)
        ring = np.linalg.norm(np.stack([np.abs(q[:, 0]) - 0.26, q[:, 1] + 0.2, q[:, 2] - 0.07], -1), axis=1)
        return mix(color, (0.75, 0.73, 0.7), ramp(ring, 0.12, 0.09) * ramp(np.abs(q[:, 2] - 0.07), 0.02, 0.05))

    songbird(paint, [(0.07, 0.06, 0.055), (0.1, 0.085, 0.075), (0.13, 0.11, 0.095)], lens, rng, look=(-28, -4, 0), beak=(0.28, 0.075, (0.6, 0.4, 0.06)), wing_edge=(0.24, 0.22, 0.2), tail=(1.0, (0.05, 0.045, 0.045)))
    branch(rng, [(-0.3, -4, -0.5), (-0.1, -1.5, 0.0), (0, 0, 0.08), (0.1, 1.6, 0.05), (0.4, 4, 0.5)], leaves=26, near=(0, 0))
    studio.backdrop([(0.03, 0.07, 0.02), (0.14, 0.24, 0.06), (0.42, 0.5, 0.22)], scale=0.4, seed=4, level=-7, toward=(1, 0.75))
    studio.sky(38, -120, 0.13)
    studio.camera(lens, (0, 0.0, 1.05), 66, (560, 448), fstop=0.14, focus=(-0.2, -0.4, 1.5))
    studio.shoot(path)


def bunting_in_spring(path, rng):
    lens = (5.2, -4.8, 1.2)

    def paint(coat, frame):
        blue = mix((0.01, 0.05, 0.35), (0.03, 0.2, 0.75), np.clip(0.5 + 0.7 * noise(coat.p, 4, 3, 2), 0, 1))
        return mix(blue, (0.02, 0.03, 0.3), 0.6 * coat.part("head"))

    songbird(paint, [(0.02, 0.03, 0.06), (0.02, 0.06, 0.2), (0.02, 0.12, 0.5)], lens, rng, look=(20, -8, 0), posture=-46, beak=(0.2, 0.12, (0.32, 0.32, 0.34)), wing_edge=(0.05, 0.2, 0.5), tail=(0.85, (0.02, 0.06, 0.2)), plump=0.95)
    branch(rng, [(-0.6, -3.5, -0.9), (-0.2, -1.2, -0.15), (0, 0, 0.1), (0.3, 1.4, 0.3), (0.4, 3.5, 1.0)], radius=0.13, color=(0.25, 0.2, 0.16), leaves=30, leaf=(0.5, 0.26, 0.32), near=(0, 0))
    studio.backdrop([(0.2, 0.3, 0.08), (0.45, 0.5, 0.2), (0.75, 0.72, 0.5)], scale=0.35, seed=8, level=-7, toward=(-1, 0.9), strength=0.7)
    studio.sky(45, 110, 0.12)
    studio.camera(lens, (0, 0.05, 1.08), 68, (512, 512), fstop=0.14, focus=(0.2, -0.4, 1.4))
    studio.shoot(path)


def goldfinch_on_a_fence(path, rng):
    lens = (-5.0, -5.4, 2.2)

    def paint(coat, frame):
        q = frame.into(coat.p)
        yellow = mix((0.7, 0.45, 0.02), (0.85, 0.65, 0.06), np.clip(0.5 + 0.6 * noise(coat.p, 5, 2, 3), 0, 1))
        color = mix(yellow, (0.8, 0.78, 0.7), coat.part("rump") * 0.9)
        cap = coat.part("head") * ramp(q[:, 2] - 0.35 * q[:, 1], 0.13, 0.18) * ramp(q[:, 1], 0.12, 0.02)
        return mix(color, (0.012, 0.011, 0.01), cap)

    songbird(paint, [(0.015, 0.014, 0.013), (0.02, 0.018, 0.016), (0.03, 0.027, 0.024)], lens, rng, look=(-8, 2, 0), posture=-28, beak=(0.2, 0.11, (0.75, 0.36, 0.12)), wing_edge=(0.5, 0.48, 0.42), tail=(0.75, (0.02, 0.018, 0.016)), leg=(0.4, 0.22, 0.14), plump=1.05)
    wood = studio.textured("post", (0.16, 0.13, 0.1), (0.32, 0.28, 0.23), 3, bump=0.8, rough=0.9, stretch=(1, 4, 4))
    studio.box("rail", (0, 0, -0.05), (0.55, 12, 0.5), wood, 0.06)
    studio.box("post", (0.35, 1.9, -1.2), (0.6, 0.6, 4.2), wood, 0.06)
    studio.backdrop([(0.05, 0.1, 0.03), (0.22, 0.32, 0.1), (0.5, 0.62, 0.75)], scale=0.3, seed=12, level=-7, toward=(0.8, 0.9))
    studio.sky(30, -140, 0.13)
    studio.camera(lens, (0, 0.1, 1.0), 64, (560, 448), fstop=0.14, focus=(-0.2, -0.4, 1.4))
    studio.shoot(path)


def macaw_in_the_jungle(path, rng):
    lens = (-6.6, -4.0, 2.4)
    frame = Frame(np.array([0, -0.42, 2.75]), turn(-22, 4, 0))
    back = unit((0, 0.42, -1))
    skull = ball("head", (0, 0.02, 0), (0.43, 0.5, 0.44), frame, fur=0.09, melt=0.2)
    skull.flow = lambda p: unit(frame.into(p) - np.array([0, -0.6, 0.1])) @ frame.axes.T
    blobs = [
        ball("body", (0, 0.0, 1.5), (0.55, 0.52, 0.95), rotation=turn(pitch=12), fur=0.15, melt=0.3, flow=(0, 0.1, -1)),
        limb("neck", (0, -0.12, 2.1), (0, -0.36, 2.62), 0.48, 0.41, fur=0.12, melt=0.25, flow=(0, 0.1, -1)),
        skull,
        limb("rump", (0, 0.25, 0.9), (0, 0.55, 0.3), 0.32, 0.14, fur=0.15, melt=0.25),
        ball("thigh", (0.23, -0.15, 0.78), (0.17, 0.19, 0.26), fur=0.12, flow=(0, 0, -1), melt=0.15),
        ball("thigh", (-0.23, -0.15, 0.78), (0.17, 0.19, 0.26), fur=0.12, flow=(0, 0, -1), melt=0.15),
        *(ball("wing", (s * 0.5, 0.16, 1.42), (0.13, 0.4, 0.95), rotation=turn(pitch=16, roll=s * 5), fur=0.2, melt=0.06, flow=(-s * 0.1, 0.3, -1)) for s in (-1, 1)),
    ]

    def cheek(p):
        q = frame.into(p)
        return np.linalg.norm((np.stack([np.abs(q[:, 0]), q[:, 1], q[:, 2]], -1) - [0.36, -0.24, -0.06]) / [0.2, 0.24, 0.26], axis=1)

    def paint(coat):
        red = mix((0.5, 0.015, 0.012), (0.7, 0.04, 0.02), np.clip(0.5 + 0.6 * noise(coat.p, 5, 2, 3), 0, 1))
        lines = ramp(np.sin(55 * frame.into(coat.p)[:, 2]), 0.75, 0.95)
        bare = mix((0.86, 0.8, 0.75), (0.5, 0.05, 0.04), lines * 0.7)
        color = mix(red, bare, coat.part("head", "neck") * ramp(cheek(coat.p), 1.08, 0.95))
        low = coat.p[:, 2] + 0.1 * noise(coat.p, 4, 2, 7) - 0.25 * coat.p[:, 1]
        bands = mix(mix((0.02, 0.1, 0.5), (0.8, 0.5, 0.02), ramp(low, 1.05, 1.15)), (0.62, 0.02, 0.015), ramp(low, 1.5, 1.6))
        color = mix(color, bands, coat.part("wing"))
        return mix(color, (0.05, 0.2, 0.55), coat.part("rump") * ramp(coat.normal[:, 1], 0.0, 0.4))

    plumage(blobs, paint, lens, count=100000, rng=rng, bare=lambda p: cheek(p) < 0.9)
    ivory, black = studio.material("ivory", (0.8, 0.7, 0.52), 0.3), studio.material("black", (0.015, 0.014, 0.013), 0.3)
    hook = [(0, -0.3, 0.1), (0, -0.62, 0.1), (0, -0.86, -0.12), (0, -0.88, -0.42)]
    solid("upper", chain("upper", hook, [0.25, 0.21, 0.14, 0.015], frame=frame, flat=(0.72, 1, 1), melt=0.05), ivory, 60)
    solid("lower", chain("lower", [(0, -0.3, -0.22), (0, -0.55, -0.34), (0, -0.7, -0.3)], [0.19, 0.13, 0.05], frame=frame, flat=(0.72, 1, 1), melt=0.05), black, 60)
    for s in (-1, 1):
        eye(frame.out((s * 0.38, -0.2, 0.1)), 0.07, frame.aim(unit([s, -0.4, 0.05])), (0.75, 0.65, 0.25), pupil=(0.45, 0.45), size=0.9)
    feathers = Feathers(rng)
    fan(feathers, (0, 0.5, 0.45), (0, 0.42, -1), 0.07, 2.7, (0.6, 0.02, 0.015), count=7, up=(0, 1, 0.4), vane=0.11, tip=(0.04, 0.15, 0.5))
    for s in (-1, 1):
        shoulder = np.array([s * 0.57, -0.05, 2.0])
        folded_wing(feathers, s, shoulder, back + [-s * 0.16, 0, 0], (0, -1, -0.42), [(0.02, 0.1, 0.5), (0.8, 0.55, 0.03), (0.62, 0.02, 0.015)], 1.25, rows=(0, 8, 8))
    feathers.done()
    legs((0.12, 0.11, 0.1), [(0.24, -0.2, 0.6), (-0.24, -0.2, 0.6)], [(0.22, -0.2, 0.36), (-0.22, -0.2, 0.36)], thick=0.07)
    branch(rng, [(1.4, -4, -0.3), (0.5, -1.5, 0.05), (0, -0.15, 0.12), (-0.3, 1.6, 0.2), (-0.8, 4, 0.8)], radius=0.24, leaves=0)
    studio.backdrop([(0.005, 0.03, 0.005), (0.03, 0.12, 0.02), (0.25, 0.42, 0.1)], scale=0.5, seed=15, level=-8, toward=(1, 0.6))
    studio.sky(50, -150, 0.13)
    studio.camera(lens, (0.0, 0.2, 1.5), 58, (432, 576), fstop=0.14, focus=frame.out((-0.3, -0.3, 0)))
    studio.shoot(path)


def mallard_on_the_pond(path, rng):
    lens = (-6.6, -2.6, 1.7)
    frame = Frame(np.array([0, -1.15, 1.42]), turn(-24, 0, 0))
    skull = ball("head", (0, 0.0, 0), (0.3, 0.4, 0.33), frame, fur=0.07, melt=0.15)
    skull.flow = lambda p: unit(frame.into(p) - np.array([0, -0.6, 0.0])) @ frame.axes.T
    blobs = [
        ball("body", (0, 0.45, 0.22), (0.72, 1.35, 0.5), fur=0.15, melt=0.3, flow=(0, 1, 0)),
        ball("breast", (0, -0.6, 0.3), (0.55, 0.5, 0.5), fur=0.14, melt=0.3, flow=(0, 0.6, -0.8)),
        limb("neck", (0, -0.8, 0.6), (0, -1.08, 1.3), 0.34, 0.25, fur=0.08, melt=0.2, flow=(0, 0.2, -1)),
        skull,
        limb("rump", (0, 1.4, 0.42), (0, 2.15, 0.72), 0.34, 0.1, fur=0.15, melt=0.3),
        *(ball("wing", (s * 0.6, 0.62, 0.42), (0.16, 1.05, 0.3), rotation=turn(yaw=s * 10, pitch=4), fur=0.2, melt=0.05, flow=(-s * 0.15, 1, 0.08)) for s in (-1, 1)),
    ]

    def paint(coat):
        z = coat.p[:, 2]
        fine = 0.5 + 0.5 * np.sin(70 * coat.p[:, 2] + 50 * coat.p[:, 1] + 6 * noise(coat.p, 3, 2, 1))
        color = mix((0.42, 0.4, 0.37), (0.58, 0.56, 0.52), fine)
        color = mix(color, (0.16, 0.12, 0.09), coat.part("body") * ramp(coat.normal[:, 2], 0.35, 0.75))
        color = mix(color, (0.16, 0.06, 0.025), np.clip(coat.part("breast") * 1.2, 0, 1))
        color = mix(color, (0.015, 0.015, 0.018), coat.part("rump") * ramp(coat.p[:, 1], 1.55, 1.75))
        color = mix(color, mix((0.17, 0.14, 0.12), (0.3, 0.27, 0.24), fine), coat.part("wing"))
        color = mix(color, (0.03, 0.07, 0.4), coat.part("wing") * ramp(np.abs(coat.p[:, 1] - 1.05), 0.26, 0.2) * ramp(z, 0.5, 0.42))
        green = mix((0.005, 0.1, 0.03), (0.01, 0.22, 0.1), np.clip(0.5 + noise(coat.p, 3, 2, 4), 0, 1))
        color = mix(color, green, np.clip(coat.part("head") + coat.part("neck") * ramp(z, 0.86, 0.9), 0, 1))
        return mix(color, (0.85, 0.84, 0.8), coat.part("neck", "breast") * ramp(np.abs(z - 0.83), 0.06, 0.04))

    plumage(blobs, paint, lens, count=100000, rng=rng)
    yellow = studio.material("bill", (0.72, 0.52, 0.05), 0.3)
    solid("bill", [limb("bill", (0, -0.32, -0.03), (0, -0.62, -0.13), 0.16, 0.13, frame, flat=(1, 1, 0.5)), ball("bill", (0, -0.72, -0.15), (0.155, 0.16, 0.05), frame)], yellow, 60)
    for s in (-1, 1):
        eye(frame.out((s * 0.25, -0.16, 0.08)), 0.06, frame.aim(unit([s, -0.3, 0.05])), (0.03, 0.015, 0.01), pupil=(0.7, 0.7), size=0.97)
    feathers = Feathers(rng)
    fan(feathers, (0, 1.9, 0.62), (0, 1, 0.25), 0.2, 0.8, (0.75, 0.73, 0.68), vane=0.13, up=(0, -0.2, 1))
    feathers.done()
    pond()
    studio.backdrop([(0.02, 0.05, 0.02), (0.08, 0.16, 0.05), (0.3, 0.38, 0.15)], scale=0.35, seed=18, level=-0.5, toward=(1, 0.35), height=9)
    studio.sky(40, -70, 0.13)
    studio.camera(lens, (0, 0.12, 0.75), 54, (576, 432), fstop=0.3, focus=(-0.3, -1, 1.2))
    studio.shoot(path)


def pond(color=(0.02, 0.035, 0.03)):
    """Still water with ripples that spread from the origin."""
    x, y = np.meshgrid(np.linspace(-14, 14, 360), np.linspace(-14, 14, 360), indexing="ij")
    r = np.hypot(x, y - 0.4)
    v = np.stack([x, y, 0.012 * np.sin(9 * r) * np.exp(-0.35 * r)], -1).reshape(-1, 3)
    v[:, 2] += 0.03 * noise(v * [1, 2.2, 1], 1.1, 3, 6)
    water = studio.material("water", color, 0.03, IOR=1.33, Specular_IOR_Level=0.9)
    studio.mesh("water", v, grid_quads(360, 360), water)


PICTURES = {
    "birds/robin-on-a-branch.jpg": robin_on_a_branch,
    "birds/bunting-in-spring.webp": bunting_in_spring,
    "birds/goldfinch-on-a-fence.jpg": goldfinch_on_a_fence,
    "birds/macaw-in-the-jungle.jpg": macaw_in_the_jungle,
    "birds/mallard-on-the-pond.webp": mallard_on_the_pond,
}
