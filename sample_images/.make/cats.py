"""Cats: one skull and skeleton, many poses, coats and places."""

import numpy as np

import studio
from pets import coated, eye, grass, lawn_ground, room, sofa, solid, whiskers
from shape import Frame, ball, chain, limb, mix, noise, ramp, turn, unit


def head(frame, ear=1.0, fluff=1.0, ear_turn=0.0):
    """Blobs of a cat's head, facing -y in its own frame; the skull's radius is about half a unit."""
    away = lambda p: unit(frame.into(p) - np.array([0, -0.62, -0.1])) @ frame.axes.T
    parts = [
        ball("head", (0, 0.02, 0.0), (0.52, 0.5, 0.47), frame, fur=0.13 * fluff),
        ball("cheek", (0.28, -0.08, -0.17), (0.27, 0.3, 0.24), frame, fur=0.19 * fluff),
        ball("cheek", (-0.28, -0.08, -0.17), (0.27, 0.3, 0.24), frame, fur=0.19 * fluff),
        limb("bridge", (0, -0.2, 0.1), (0, -0.5, -0.1), 0.17, 0.085, frame, fur=0.05),
        ball("brow", (0.2, -0.27, 0.18), (0.17, 0.14, 0.1), frame, fur=0.07),
        ball("brow", (-0.2, -0.27, 0.18), (0.17, 0.14, 0.1), frame, fur=0.07),
        ball("muzzle", (0.105, -0.47, -0.2), (0.135, 0.125, 0.11), frame, fur=0.06, melt=0.06),
        ball("muzzle", (-0.105, -0.47, -0.2), (0.135, 0.125, 0.11), frame, fur=0.06, melt=0.06),
        ball("chin", (0, -0.42, -0.33), (0.12, 0.12, 0.09), frame, fur=0.08, melt=0.06),
    ]
    for part in parts:
        part.flow = away
    for side in (-1, 1):
        slant = turn(roll=-side * 14)
        socket = ball("head", (side * 0.222, -0.5, 0.06), (0.13, 0.14, 0.088), frame, rotation=slant, melt=0.03, carve=True)
        parts.append(socket)
        base = np.array([side * 0.27, 0.02, 0.27])
        tip = np.array([side * (0.4 + ear_turn), 0.03, 0.27 + 0.5 * ear])
        parts.append(limb("ear", base, tip, 0.225, 0.045, frame, flat=(1, 0.45, 1), fur=0.06, melt=0.1, flow=tip - base))
        hollow_tip = tip + [-side * 0.01, -0.06, -0.1]
        parts.append(limb("ear", base + [-side * 0.01, -0.13, 0.05], hollow_tip, 0.165, 0.025, frame, flat=(1, 0.45, 1), melt=0.03, carve=True))
    return parts


def in_ear(frame, p):
    """How deep inside an ear's hollow a point is, 0 to 1."""
    q = frame.into(p)
    x = np.abs(q[:, 0])
    t = np.clip((q[:, 2] - 0.3) / 0.5, 0, 1)
    middle = 0.28 + 0.11 * t
    return ramp(0.2 * (1 - t) + 0.02 - np.abs(x - middle), 0, 0.05) * ramp(-q[:, 1], -0.02, 0.06) * ramp(q[:, 2], 0.36, 0.46)


def face(frame, iris, nose=(0.55, 0.22, 0.2), rng=None, pupil=(0.28, 0.7), eye_size=0.15, whisker=(0.92, 0.92, 0.9), gaze=(0, -1, 0)):
    """Eyes, nose and whiskers."""
    for side in (-1, 1):
        look = frame.aim(unit(np.array([side * 0.22, -1, 0.02]) + np.array(gaze) * 0.6))
        eye(frame.out((side * 0.218, -0.34, 0.06)), eye_size * frame.scale, look, iris, pupil=pupil, size=0.82)
    leather = studio.textured("nose", tuple(0.75 * np.array(nose)), nose, 40, rough=0.35)
    blobs = [
        ball("nose", (0, -0.585, -0.095), (0.075, 0.035, 0.04), frame),
        limb("nose", (0, -0.58, -0.11), (0, -0.575, -0.165), 0.04, 0.012, frame, melt=0.05),
    ]
    solid("nose", blobs, leather)
    whiskers(frame, rng, color=whisker)


def lines(frame, p):
    """Darkness of the mouth's and the eyelids' lines, 0 to 1."""
    q = frame.into(p)
    x, y, z = np.abs(q[:, 0]), q[:, 1], q[:, 2]
    front = y < -0.4
    slit = ramp(x, 0.022, 0.006) * ramp(z, -0.29, -0.27) * ramp(z, -0.13, -0.16)
    lip = ramp(np.abs(z + 0.295 - 0.35 * (x - 0.09) ** 2 / 0.09 * 0.6), 0.022, 0.006) * (x < 0.2)
    lids = ramp(np.linalg.norm((np.stack([x, y, z], -1) - [0.222, -0.42, 0.06]) / [0.138, 0.2, 0.094], axis=1), 1.28, 1.05)
    return np.maximum(np.maximum(slit, lip) * front, lids * (y < -0.2))


def bald(frame):
    """True where eyes and nose sit."""
    def where(p):
        q = frame.into(p)
        x = np.abs(q[:, 0])
        almond = np.stack([x - 0.222, q[:, 1] + 0.42, q[:, 2] - 0.06 - 0.25 * (x - 0.222)], -1)
        on_eye = np.linalg.norm(almond / [0.138, 0.2, 0.094], axis=1) < 1
        on_nose = np.linalg.norm((np.stack([x, q[:, 1], q[:, 2]], -1) - [0, -0.58, -0.1]) * [1, 1, 1.3], axis=1) < 0.085
        return on_eye | on_nose
    return where


def tabby(frame, base, dark, pale, stripes=1.0, bib=0.0, seed=1):
    """Mackerel tabby: an M on the brow, bars on cheeks, flanks, legs and tail, pale muzzle and belly."""
    base, dark, pale = (np.array(c, float) for c in (base, dark, pale))

    def paint(coat):
        p, n = coat.p, coat.normal
        wobble = noise(p, 1.6, 2, seed)
        q = frame.into(p)
        x, y, z = np.abs(q[:, 0]), q[:, 1], q[:, 2]
        on_head = coat.part("head", "cheek", "bridge", "brow", "ear")
        body = np.sin(13 * p[:, 1] + 4 * p[:, 2] + 3.5 * wobble)
        legs = np.sin(17 * p[:, 2] + 3 * wobble)
        tail = np.sin(15 * (p[:, 0] * 0.7 + p[:, 1] + p[:, 2]) + 1.5 * wobble)
        brow = np.sin(24 * x + 1.2 * wobble + 0.9) * ramp(z, 0.12, 0.25) * ramp(y, 0.6, 0.1)
        cheek = np.sin(20 * z + 9 * x + 2 * wobble) * ramp(x, 0.24, 0.36) * ramp(z, 0.2, 0.0)
        bars = coat.part("body") * body + coat.part("leg") * legs + coat.part("tail") * tail + on_head * (brow + cheek)
        color = mix(base * (1 + 0.15 * noise(p, 5, 2, 5))[:, None], dark, stripes * 0.92 * ramp(bars, -0.1, 0.6))
        white = coat.part("muzzle", "chin") * 0.95 + coat.part("cheek") * 0.35 * ramp(z, -0.1, -0.3)
        white = np.maximum(white, coat.part("brow") * 0.45 * ramp(x, 0.33, 0.2))
        chest = ramp(-n[:, 1] * 0.6 - n[:, 2] * 0.5, 0.25, 0.8) * coat.part("body")
        white = np.maximum(white, np.maximum(bib, 0.35) * chest)
        white = np.maximum(white, bib * coat.part("paw"))
        white = np.maximum(white, bib * ramp(x + 0.25 * z, 0.13, 0.05) * ramp(y, -0.1, -0.3) * on_head)
        color = mix(color, pale, np.clip(white, 0, 1))
        color = mix(color, 0.4 * base + [0.35, 0.2, 0.17], 0.8 * in_ear(frame, p))
        return mix(color, 0.12 * dark + 0.01, 0.9 * lines(frame, p))

    return paint


def plain(frame, base, points=None, white=None, seed=2):
    """One color; `points` darkens face, ears, legs and tail (Siamese); `white` paints a tuxedo."""
    base = np.array(base, float)

    def paint(coat):
        p, n = coat.p, coat.normal
        q = frame.into(p)
        x, y, z = np.abs(q[:, 0]), q[:, 1], q[:, 2]
        color = base * (1 + 0.12 * noise(p, 4, 3, seed))[:, None]
        if points is not None:
            mask = ramp(np.linalg.norm(q - [0, -0.55, -0.08], axis=1), 0.62, 0.2) * coat.part("head", "bridge", "brow", "cheek", "muzzle", "chin")
            mask = np.maximum.reduce([mask, coat.part("ear"), coat.part("tail"), coat.part("paw"), coat.part("leg") * ramp(p[:, 2], 1.2, 0.2)])
            color = mix(color, points, np.clip(mask, 0, 1))
        if white is not None:
            blaze = ramp(x - 0.25 * np.clip(-z, 0, 1) + 0.15 * z, 0.1, 0.04) * ramp(y, -0.15, -0.3)
            w = np.maximum.reduce([
                blaze * coat.part("head", "bridge", "brow"), coat.part("muzzle", "chin"), coat.part("paw"),
                coat.part("body") * ramp(-n[:, 1] - 0.3 * n[:, 2] + 0.2 * noise(p, 3, 2, 8), 0.55, 0.75),
                coat.part("leg") * ramp(p[:, 2], 0.6, 0.5),
            ])
            color = mix(color, white, np.clip(w, 0, 1))
        color = mix(color, 0.5 * base + [0.3, 0.16, 0.14], 0.75 * in_ear(frame, p))
        return mix(color, 0.1 * base + 0.008, 0.9 * lines(frame, p))

    return paint


def sitting(look=(0, 0, 0), lean=0.0, fur=1.0, tail_side=1, size=1.0):
    """Upright on its haunches, facing -y; returns blobs and the head's frame."""
    frame = Frame(np.array([lean, -0.38, 2.28]), turn(*look), size)
    f = 0.16 * fur
    down = (0, 0.15, -1)
    parts = [
        ball("body", (0, 0.75, 0.62), (0.62, 0.72, 0.62), fur=f, flow=(0, 0.5, -1), melt=0.3),
        limb("body", (0, 0.55, 0.85), (0, -0.02, 1.45), 0.6, 0.46, fur=f, flow=down, melt=0.3),
        ball("body", (0, -0.12, 1.35), (0.42, 0.4, 0.5), fur=f * 1.2, flow=(0, -0.1, -1), melt=0.25),
        limb("body", (0, 0.0, 1.65), (lean, -0.22, 2.15), 0.42, 0.36, fur=f * 1.2, flow=down, melt=0.25),
    ]
    for s in (-1, 1):
        parts += [
            limb("leg", (s * 0.3, -0.1, 1.2), (s * 0.27, -0.2, 0.65), 0.23, 0.165, fur=f * 0.7, flow=(0, 0, -1), melt=0.2),
            limb("leg", (s * 0.27, -0.2, 0.65), (s * 0.24, -0.28, 0.18), 0.165, 0.13, fur=f * 0.5, flow=(0, 0, -1)),
            ball("paw", (s * 0.24, -0.4, 0.12), (0.165, 0.22, 0.125), fur=f * 0.4, flow=(0, -1, 0)),
            ball("body", (s * 0.48, 0.5, 0.5), (0.3, 0.58, 0.5), fur=f, flow=(0, 0.3, -1), melt=0.2),
            limb("paw", (s * 0.58, 0.45, 0.12), (s * 0.55, -0.28, 0.11), 0.16, 0.13, fur=f * 0.4, flow=(0, -1, 0)),
        ]
    t = tail_side
    curl = [(0, 1.35, 0.3), (t * 0.45, 1.6, 0.2), (t * 0.98, 1.2, 0.16), (t * 1.02, 0.5, 0.15), (t * 0.82, -0.15, 0.14), (t * 0.45, -0.62, 0.13)]
    parts += chain("tail", curl, [0.2, 0.18, 0.17, 0.16, 0.14, 0.09], fur=f * 0.9, melt=0.06)
    return parts + head(frame, fluff=fur), frame


def lying(look=(0, 0, 0), fur=1.0, lift=0.0):
    """A sphinx on its belly, facing -y."""
    frame = Frame(np.array([0, -0.62, 1.28 + lift]), turn(*look))
    f = 0.16 * fur
    back = (0, 1, -0.35)
    parts = [
        ball("body", (0, 1.55, 0.56), (0.66, 0.75, 0.58), fur=f, flow=back, melt=0.3),
        limb("body", (0, 1.4, 0.6), (0, 0.25, 0.62), 0.56, 0.5, fur=f, flow=back, melt=0.3),
        ball("body", (0, 0.0, 0.62), (0.46, 0.45, 0.5), fur=f * 1.2, flow=(0, 0.2, -1), melt=0.25),
        limb("body", (0, -0.05, 0.8), (0, -0.42, 1.16 + lift), 0.42, 0.36, fur=f * 1.2, flow=(0, 0.4, -1), melt=0.25),
    ]
    for s in (-1, 1):
        parts += [
            limb("leg", (s * 0.36, 0.15, 0.45), (s * 0.36, -0.35, 0.17), 0.23, 0.16, fur=f * 0.6, flow=(0, -0.7, -0.4), melt=0.2),
            limb("leg", (s * 0.36, -0.3, 0.17), (s * 0.27, -0.95, 0.13), 0.16, 0.13, fur=f * 0.45, flow=(0, -1, 0)),
            ball("paw", (s * 0.26, -1.05, 0.12), (0.155, 0.2, 0.12), fur=f * 0.4, flow=(0, -1, 0)),
            ball("body", (s * 0.5, 1.35, 0.42), (0.3, 0.6, 0.42), fur=f, flow=(0, 0.7, -0.6), melt=0.2),
            limb("paw", (s * 0.62, 1.4, 0.13), (s * 0.62, 0.75, 0.12), 0.15, 0.13, fur=f * 0.4, flow=(0, -1, 0)),
        ]
    curl = [(0, 2.2, 0.4), (0.5, 2.5, 0.2), (1.05, 2.2, 0.15), (1.15, 1.4, 0.15), (0.95, 0.8, 0.13)]
    parts += chain("tail", curl, [0.2, 0.18, 0.17, 0.15, 0.09], fur=f * 0.9, melt=0.06)
    return parts + head(frame, fluff=fur), frame


def standing(look=(0, 0, 0), fur=1.0):
    """On four legs in mid-step, tail up, facing -y."""
    frame = Frame(np.array([0, -0.95, 2.15]), turn(*look))
    f = 0.14 * fur
    back = (0, 1, -0.25)
    parts = [
        ball("body", (0, 1.55, 1.5), (0.44, 0.55, 0.5), fur=f, flow=back, melt=0.3),
        limb("body", (0, 1.4, 1.48), (0, 0.1, 1.45), 0.44, 0.45, fur=f, flow=back, melt=0.3),
        ball("body", (0, -0.1, 1.42), (0.4, 0.45, 0.5), fur=f, flow=(0, 0.6, -0.7), melt=0.25),
        limb("body", (0, -0.25, 1.65), (0, -0.72, 2.05), 0.36, 0.33, fur=f, flow=(0, 0.6, -0.7), melt=0.25),
    ]
    for s, front, rear in ((-1, -0.3, 0.2), (1, 0.22, -0.15)):
        parts += [
            limb("leg", (s * 0.26, -0.05, 1.25), (s * 0.25, 0.02 + front * 0.4, 0.7), 0.22, 0.145, fur=f * 0.6, flow=(0, 0, -1), melt=0.2),
            limb("leg", (s * 0.25, 0.02 + front * 0.4, 0.7), (s * 0.23, -0.02 + front, 0.15), 0.145, 0.11, fur=f * 0.45, flow=(0, 0, -1)),
            ball("paw", (s * 0.23, -0.1 + front, 0.11), (0.14, 0.19, 0.11), fur=f * 0.4, flow=(0, -1, 0)),
            limb("leg", (s * 0.28, 1.6, 1.35), (s * 0.3, 1.42 + rear * 0.3, 0.8), 0.34, 0.19, fur=f * 0.8, flow=(0, 0.2, -1), melt=0.2),
            limb("leg", (s * 0.3, 1.42 + rear * 0.3, 0.8), (s * 0.28, 1.85 + rear, 0.5), 0.18, 0.11, fur=f * 0.5, flow=(0, 0, -1)),
            limb("leg", (s * 0.28, 1.85 + rear, 0.5), (s * 0.27, 1.75 + rear, 0.14), 0.11, 0.1, fur=f * 0.45, flow=(0, 0, -1)),
            ball("paw", (s * 0.27, 1.65 + rear, 0.11), (0.14, 0.2, 0.11), fur=f * 0.4, flow=(0, -1, 0)),
        ]
    curl = [(0, 2.0, 1.7), (0, 2.4, 1.95), (0.03, 2.6, 2.5), (0.05, 2.62, 3.0), (0.1, 2.85, 3.4)]
    parts += chain("tail", curl, [0.17, 0.15, 0.14, 0.13, 0.09], fur=f * 0.9, melt=0.06)
    return parts + head(frame, fluff=fur), frame


def tabby_by_the_window(path, rng):
    blobs, frame = sitting(look=(14, -2, 4))
    lens = (1.9, -7.6, 2.4)
    room()
    coat = tabby(frame, (0.33, 0.24, 0.15), (0.02, 0.014, 0.01), (0.72, 0.62, 0.5))
    coated(blobs, coat, lens, count=170000, rng=rng, bare=bald(frame), clump=0.28, mess=0.22, lift=0.42)
    face(frame, (0.42, 0.45, 0.1), rng=rng, pupil=(0.36, 0.62))
    studio.lamp((-5, -4, 5.5), (0, 0, 1.5), 900, 3, (1, 0.93, 0.82))
    studio.lamp((4, -7, 4), (0, 0, 1.5), 200, 4)
    studio.camera(lens, (0.12, 0, 1.5), 62, (432, 560), fstop=0.26, focus=frame.out((0, -0.5, 0)))
    studio.shoot(path)


def ginger_on_the_sofa(path, rng):
    blobs, frame = lying(look=(38, 2, -6))
    lens = (4.4, -5.6, 2.7)
    sofa((0.09, 0.15, 0.22))
    coat = tabby(frame, (0.62, 0.27, 0.08), (0.36, 0.11, 0.025), (0.85, 0.76, 0.66), bib=0.9, seed=4)
    coated(blobs, coat, lens, count=170000, rng=rng, bare=bald(frame), clump=0.28, mess=0.22, lift=0.42)
    face(frame, (0.55, 0.3, 0.06), nose=(0.6, 0.3, 0.26), rng=rng, pupil=(0.45, 0.66))
    studio.ambient((0.8, 0.75, 0.7), 0.5)
    studio.lamp((5, -5, 6), (0, 0, 0.8), 1000, 2.5, (1, 0.9, 0.78))
    studio.camera(lens, (0.25, 0.25, 0.85), 58, (576, 432), fstop=0.26, focus=frame.out((0, -0.5, 0)))
    studio.shoot(path)


def grey_portrait(path, rng):
    blobs, frame = sitting(look=(-16, 4, -5), fur=1.5)
    lens = (-0.9, -5.2, 2.5)
    studio.backdrop([(0.05, 0.06, 0.05), (0.3, 0.2, 0.12), (0.55, 0.45, 0.32)], scale=0.5, seed=2, level=-5)
    coat = plain(frame, (0.17, 0.18, 0.2))
    coated(blobs, coat, lens, count=170000, rng=rng, bare=bald(frame), clump=0.3, mess=0.25, thickness=0.007)
    face(frame, (0.62, 0.36, 0.05), nose=(0.12, 0.1, 0.11), rng=rng, pupil=(0.5, 0.68))
    studio.ambient((0.6, 0.65, 0.75), 0.6)
    studio.lamp((-3.5, -4, 4.5), (0, -0.4, 2.2), 420, 1.5, (1, 0.95, 0.88))
    studio.camera(lens, (-0.02, -0.3, 2.12), 82, (448, 448), fstop=0.18, focus=frame.out((0, -0.45, 0)))
    studio.shoot(path)


def siamese_on_the_rug(path, rng):
    blobs, frame = standing(look=(48, 3, -3))
    lens = (6.6, -5.2, 2.1)
    room(wall=(0.42, 0.5, 0.46), wood=((0.2, 0.1, 0.05), (0.26, 0.14, 0.07)), depth=6.5)
    rug = studio.textured("rug", (0.35, 0.05, 0.04), (0.5, 0.12, 0.08), 9, bump=0.6, rough=0.95)
    studio.box("rug", (0, 0.6, 0.0), (7, 6, 0.06), rug, 0.02)
    coat = plain(frame, (0.72, 0.62, 0.5), points=(0.045, 0.028, 0.02))
    coated(blobs, coat, lens, count=170000, rng=rng, bare=bald(frame), clump=0.25, mess=0.2, length=0.75)
    face(frame, (0.1, 0.28, 0.75), nose=(0.06, 0.04, 0.035), rng=rng, pupil=(0.34, 0.6), gaze=(0.1, -1, 0))
    studio.lamp((3, -7, 6), (0, 0.5, 1.2), 900, 2.5, (1, 0.95, 0.9))
    studio.camera(lens, (0, 0.65, 1.45), 56, (576, 448), fstop=0.2, focus=frame.out((0, -0.45, 0)))
    studio.shoot(path)


def tuxedo_in_the_garden(path, rng):
    blobs, frame = sitting(look=(-24, -5, 6), fur=1.1, tail_side=-1)
    lens = (-2.6, -7.0, 1.5)
    lawn_ground()
    grass(lens, rng, height=0.5, keep_out=lambda xy: np.hypot(xy[:, 0], xy[:, 1] - 0.4) < 1.0)
    studio.backdrop([(0.02, 0.05, 0.015), (0.08, 0.17, 0.04), (0.35, 0.45, 0.15)], scale=0.45, seed=5, level=-1)
    coat = plain(frame, (0.022, 0.021, 0.022), white=(0.82, 0.8, 0.77))
    coated(blobs, coat, lens, count=170000, rng=rng, bare=bald(frame), clump=0.3, mess=0.22, lift=0.42)
    face(frame, (0.4, 0.5, 0.12), nose=(0.5, 0.25, 0.24), rng=rng, pupil=(0.26, 0.66))
    studio.sky(32, -130, 0.14)
    studio.camera(lens, (-0.1, 0, 1.45), 60, (432, 576), fstop=0.26, focus=frame.out((0, -0.5, 0)))
    studio.shoot(path, turned=6)


PICTURES = {
    "cats/tabby-by-the-window.jpg": tabby_by_the_window,
    "cats/ginger-on-the-sofa.webp": ginger_on_the_sofa,
    "cats/grey-portrait.webp": grey_portrait,
    "cats/siamese-on-the-rug.jpg": siamese_on_the_rug,
    "cats/tuxedo-in-the-garden.jpg": tuxedo_in_the_garden,
}
