"""Dogs: a longer muzzle, ears that hang or stand, deeper chests; breeds differ in numbers and coats."""

from dataclasses import dataclass

import numpy as np

import studio
from pets import coated, eye, grass, lawn_ground, room, solid
from shape import Frame, ball, chain, limb, mix, noise, ramp, turn, unit


@dataclass
class Breed:
    muzzle: float = 0.62
    wide: float = 1.0
    ears: str = "hanging"
    ear: float = 1.0
    fur: float = 0.12
    mouth_open: bool = False
    iris: tuple = (0.09, 0.04, 0.015)


def head(frame, breed):
    """Blobs of a dog's head, facing -y in its own frame."""
    m, w, f = breed.muzzle, breed.wide, breed.fur
    away = lambda p: unit(frame.into(p) - np.array([0, -0.6 - m, 0.0])) @ frame.axes.T
    parts = [
        ball("head", (0, 0.02, 0.02), (0.45 * w, 0.48, 0.41), frame, fur=f),
        ball("head", (0, -0.2, 0.16), (0.33 * w, 0.25, 0.22), frame, fur=0.7 * f),
        limb("muzzle", (0, -0.2, -0.08), (0, -0.4 - m * 0.85, -0.15), 0.24 * w, 0.165 * w, frame, fur=0.4 * f, melt=0.16),
        ball("muzzle", (0.1 * w, -0.3 - m * 0.75, -0.22), (0.12 * w, 0.26, 0.14), frame, fur=0.4 * f, melt=0.08),
        ball("muzzle", (-0.1 * w, -0.3 - m * 0.75, -0.22), (0.12 * w, 0.26, 0.14), frame, fur=0.4 * f, melt=0.08),
        ball("brow", (0.18 * w, -0.31, 0.2), (0.13, 0.12, 0.09), frame, fur=0.3 * f),
        ball("brow", (-0.18 * w, -0.31, 0.2), (0.13, 0.12, 0.09), frame, fur=0.3 * f),
        ball("cheek", (0.25 * w, -0.08, -0.14), (0.23, 0.28, 0.25), frame, fur=1.2 * f),
        ball("cheek", (-0.25 * w, -0.08, -0.14), (0.23, 0.28, 0.25), frame, fur=1.2 * f),
    ]
    drop = 0.17 if breed.mouth_open else 0.03
    jaw_tip = (0, -0.28 - m * 0.72, -0.33 - drop)
    parts.append(limb("jaw", (0, -0.15, -0.27), jaw_tip, 0.17 * w, 0.1 * w, frame, fur=0.4 * f, melt=0.04))
    for part in parts:
        part.flow = away
    for s in (-1, 1):
        parts.append(ball("head", (s * 0.2 * w, -0.47, 0.075), (0.088, 0.12, 0.062), frame, rotation=turn(roll=-s * 8), melt=0.03, carve=True))
        if breed.ears == "hanging":
            top, low = np.array([s * 0.37 * w, 0.05, 0.24]), np.array([s * 0.55 * w, -0.08, 0.24 - 0.62 * breed.ear])
            parts.append(limb("ear", top, low, 0.15, 0.2, frame, flat=(0.42, 1, 1), fur=1.1 * f, melt=0.05, flow=(0, 0, -1)))
        else:
            base, tip = np.array([s * 0.29 * w, 0.05, 0.28]), np.array([s * 0.37 * w, 0.05, 0.28 + 0.52 * breed.ear])
            parts.append(limb("ear", base, tip, 0.2, 0.035, frame, flat=(1, 0.45, 1), fur=0.45 * f, melt=0.1, flow=tip - base))
            parts.append(limb("ear", base + [0, -0.12, 0.05], tip + [0, -0.06, -0.1], 0.145, 0.02, frame, flat=(1, 0.45, 1), melt=0.03, carve=True))
    return parts


def face(frame, breed, nose=(0.012, 0.011, 0.012)):
    m, w = breed.muzzle, breed.wide
    for s in (-1, 1):
        look = frame.aim(unit([s * 0.15, -1, 0.02]))
        eye(frame.out((s * 0.195 * w, -0.36, 0.07)), 0.115 * frame.scale, look, breed.iris, pupil=(0.42, 0.42), size=0.92, rim=(0.012, 0.01, 0.01))
    tip = -0.5 - m
    blobs = [
        ball("nose", (0, tip - 0.03, -0.06), (0.115 * w, 0.075, 0.075), frame),
        ball("nose", (0, tip, -0.13), (0.07, 0.06, 0.07), frame, melt=0.06),
        ball("nose", (0.055, tip - 0.1, -0.07), (0.03, 0.035, 0.022), frame, melt=0.02, carve=True),
        ball("nose", (-0.055, tip - 0.1, -0.07), (0.03, 0.035, 0.022), frame, melt=0.02, carve=True),
    ]
    solid("nose", blobs, studio.textured("nose", tuple(0.6 * np.array(nose)), nose, 45, bump=0.25, rough=0.3))
    if breed.mouth_open:
        tongue = [
            limb("tongue", (0, -0.3, -0.32), (0, -0.3 - m * 0.75, -0.36), 0.1, 0.105, frame, flat=(1, 1, 0.35)),
            limb("tongue", (0, -0.3 - m * 0.72, -0.36), (0, -0.36 - m * 0.78, -0.62), 0.105, 0.09, frame, flat=(1, 0.4, 1), melt=0.1),
        ]
        solid("tongue", tongue, studio.textured("tongue", (0.55, 0.16, 0.16), (0.7, 0.27, 0.27), 30, bump=0.2, rough=0.35, Subsurface_Weight=0.2))
        hole = [limb("mouth", (0, -0.2, -0.33), (0, -0.3 - m * 0.7, -0.36), 0.13 * w, 0.1 * w, frame, flat=(1, 1, 0.5))]
        solid("mouth", hole, studio.material("mouth", (0.03, 0.01, 0.012), 0.4))


def bald(frame, breed):
    m, w = breed.muzzle, breed.wide

    def where(p):
        q = frame.into(p)
        x = np.abs(q[:, 0])
        on_eye = np.linalg.norm(np.stack([x - 0.2 * w, q[:, 1] + 0.43, q[:, 2] - 0.075], -1) / [0.098, 0.2, 0.071], axis=1) < 1
        on_nose = np.linalg.norm(np.stack([x, q[:, 1] + 0.53 + m, q[:, 2] + 0.08], -1) / [0.13 * w, 0.1, 0.11], axis=1) < 1
        return on_eye | on_nose

    return where


def lines(frame, breed, p):
    """Darkness of lips, nose line and eyelids, 0 to 1."""
    q = frame.into(p)
    m, w = breed.muzzle, breed.wide
    x, y, z = np.abs(q[:, 0]), q[:, 1], q[:, 2]
    lids = ramp(np.linalg.norm(np.stack([x - 0.2 * w, y + 0.43, z - 0.075], -1) / [0.098, 0.2, 0.071], axis=1), 1.35, 1.08) * (y < -0.25)
    slit = ramp(x, 0.022, 0.006) * ramp(z, -0.34, -0.3) * ramp(z, -0.12, -0.16) * (y < -0.3 - 0.6 * m)
    lip = ramp(np.abs(z + 0.335 - 0.08 * ramp(y, -0.7, -0.3)), 0.035, 0.012) * (y < -0.3)
    return np.maximum.reduce([lids, slit, lip])


def sitting(breed, look=(0, 0, 0), leg=1.0, fluff=1.0):
    """On its haunches, facing -y; returns blobs and the head's frame."""
    h = 2.95 * leg
    frame = Frame(np.array([0, -0.6, h]), turn(*look))
    f = breed.fur * fluff
    down = (0, 0.2, -1)
    parts = [
        ball("body", (0, 0.85, 0.62), (0.55, 0.68, 0.6), fur=f, flow=(0, 0.5, -1), melt=0.3),
        limb("body", (0, 0.65, 0.95), (0, -0.08, h - 1.15), 0.53, 0.5, fur=f, flow=down, melt=0.3),
        ball("chest", (0, -0.24, h - 1.3), (0.44, 0.42, 0.58), fur=1.3 * f, flow=(0, -0.1, -1), melt=0.25),
        limb("neck", (0, -0.12, h - 0.95), (0, -0.48, h - 0.12), 0.43, 0.36, fur=1.3 * f, flow=down, melt=0.2),
    ]
    for s in (-1, 1):
        parts += [
            limb("leg", (s * 0.32, -0.16, h - 1.5), (s * 0.29, -0.25, 0.78), 0.25, 0.165, fur=0.7 * f, flow=(0, 0, -1), melt=0.2),
            limb("leg", (s * 0.29, -0.25, 0.78), (s * 0.27, -0.3, 0.2), 0.165, 0.14, fur=0.5 * f, flow=(0, 0, -1)),
            ball("paw", (s * 0.27, -0.44, 0.13), (0.19, 0.25, 0.14), fur=0.35 * f, flow=(0, -1, 0)),
            ball("body", (s * 0.46, 0.6, 0.52), (0.27, 0.6, 0.5), fur=f, flow=(0, 0.3, -1), melt=0.2),
            limb("paw", (s * 0.58, 0.5, 0.14), (s * 0.6, -0.25, 0.12), 0.17, 0.15, fur=0.4 * f, flow=(0, -1, 0)),
        ]
    parts += chain("tail", [(0, 1.35, 0.35), (0.4, 1.75, 0.2), (1.0, 1.8, 0.18), (1.5, 1.6, 0.2)], [0.18, 0.16, 0.14, 0.07], fur=1.6 * f, melt=0.06)
    return parts + head(frame, breed), frame


def standing(breed, look=(0, 0, 0), leg=1.0, long=1.0, tail="up", step=1.0):
    """On four legs, facing -y."""
    f = breed.fur
    hip, y1 = 1.75 * leg, 1.9 * long
    frame = Frame(np.array([0, -1.05, hip + 1.0]), turn(*look))
    back = (0, 1, -0.3)
    parts = [
        ball("body", (0, y1 - 0.1, hip), (0.42, 0.55, 0.48), fur=f, flow=back, melt=0.3),
        limb("body", (0, y1 - 0.2, hip - 0.02), (0, 0.15, hip - 0.12), 0.42, 0.52, fur=f, flow=back, melt=0.3),
        ball("chest", (0, -0.12, hip - 0.15), (0.42, 0.5, 0.6), fur=1.1 * f, flow=(0, 0.5, -0.8), melt=0.25),
        limb("neck", (0, -0.25, hip + 0.15), (0, -0.85, hip + 0.85), 0.4, 0.31, fur=1.1 * f, flow=(0, 0.6, -0.7), melt=0.22),
    ]
    for s, front, rear in ((-1, -0.25 * step, 0.25 * step), (1, 0.15 * step, -0.15 * step)):
        parts += [
            limb("leg", (s * 0.3, -0.02, hip - 0.3), (s * 0.28, 0.06 + front * 0.4, hip * 0.52), 0.25, 0.16, fur=0.6 * f, flow=(0, 0, -1), melt=0.2),
            limb("leg", (s * 0.28, 0.06 + front * 0.4, hip * 0.52), (s * 0.26, -0.02 + front, 0.2), 0.16, 0.125, fur=0.45 * f, flow=(0, 0, -1)),
            ball("paw", (s * 0.26, -0.12 + front, 0.12), (0.17, 0.23, 0.13), fur=0.35 * f, flow=(0, -1, 0)),
            limb("leg", (s * 0.28, y1 - 0.05, hip - 0.2), (s * 0.3, y1 - 0.25 + rear * 0.3, hip * 0.52), 0.36, 0.2, fur=0.8 * f, flow=(0, 0.2, -1), melt=0.2),
            limb("leg", (s * 0.3, y1 - 0.25 + rear * 0.3, hip * 0.52), (s * 0.29, y1 + 0.2 + rear, hip * 0.32), 0.19, 0.125, fur=0.5 * f, flow=(0, 0, -1)),
            limb("leg", (s * 0.29, y1 + 0.2 + rear, hip * 0.32), (s * 0.28, y1 + 0.12 + rear, 0.18), 0.125, 0.115, fur=0.45 * f, flow=(0, 0, -1)),
            ball("paw", (s * 0.28, y1 + rear, 0.12), (0.165, 0.23, 0.13), fur=0.35 * f, flow=(0, -1, 0)),
        ]
    if tail == "curled":
        curve = [(0, y1 + 0.3, hip + 0.3), (0.05, y1 + 0.55, hip + 0.75), (0.15, y1 + 0.2, hip + 1.0), (0.3, y1 - 0.25, hip + 0.8)]
        parts += chain("tail", curve, [0.17, 0.2, 0.2, 0.1], fur=2.0 * f, melt=0.06)
    else:
        curve = [(0, y1 + 0.3, hip + 0.2), (0, y1 + 0.75, hip + 0.5), (0, y1 + 1.05, hip + 1.0), (0.02, y1 + 1.15, hip + 1.5)]
        parts += chain("tail", curve, [0.16, 0.13, 0.11, 0.06], fur=1.2 * f, melt=0.06)
    return parts + head(frame, breed), frame


def finish(color, frame, breed, coat, dark=(0.015, 0.012, 0.01)):
    return mix(color, dark, 0.9 * lines(frame, breed, coat.p))


def golden(frame, breed):
    def paint(coat):
        z = coat.p[:, 2]
        color = mix((0.5, 0.27, 0.1), (0.66, 0.42, 0.2), np.clip(0.5 + 0.6 * noise(coat.p, 2.5, 3, 1), 0, 1))
        color = mix(color, (0.78, 0.6, 0.38), 0.7 * np.clip(coat.part("chest", "tail") + coat.part("leg") * ramp(z, 1.2, 0.3), 0, 1))
        color = mix(color, (0.42, 0.2, 0.07), 0.7 * coat.part("ear"))
        color = mix(color, (0.72, 0.52, 0.32), 0.5 * coat.part("muzzle", "jaw"))
        return finish(color, frame, breed, coat)
    return paint


def husky(frame, breed):
    def paint(coat):
        q = frame.into(coat.p)
        x, y, z = np.abs(q[:, 0]), q[:, 1], q[:, 2]
        on_head = coat.part("head", "brow", "cheek", "muzzle", "jaw", "ear")
        grey = mix((0.035, 0.035, 0.04), (0.16, 0.16, 0.17), np.clip(0.45 + 0.6 * noise(coat.p, 5, 3, 2), 0, 1))
        spots = ramp(np.linalg.norm(np.stack([x - 0.17, z - 0.26], -1) / [0.09, 0.06], axis=1), 1.2, 0.7) * (y < -0.1)
        mask = ramp(z - 0.05 + 1.2 * np.clip(x - 0.22, 0, 1) - 0.4 * ramp(y, -0.6, -1.0), -0.05, 0.08)
        mask = np.maximum(mask * ramp(x, 0.015, 0.05), ramp(z, 0.2, 0.3)) * (1 - spots)
        mask = np.maximum(mask, ramp(y, 0.05, 0.2)) * (1 - coat.part("jaw"))
        mask *= np.where(y < -0.55, ramp(x, 0.16, 0.05) * ramp(z, -0.1, 0.02), 1)
        back = ramp(coat.normal[:, 2] * 0.6 + coat.normal[:, 1] * 0.6 + 0.15 * noise(coat.p, 4, 2, 3), -0.05, 0.25)
        dark = on_head * mask + coat.part("body", "neck", "tail") * back + coat.part("leg") * ramp(coat.p[:, 2], 1.0, 1.3) * back
        return finish(mix((0.85, 0.84, 0.82), grey, np.clip(dark, 0, 1)), frame, breed, coat)
    return paint


def beagle(frame, breed):
    def paint(coat):
        q = frame.into(coat.p)
        x, y = np.abs(q[:, 0]), q[:, 1]
        n = noise(coat.p, 2.2, 2, 5)
        tan, black, white = np.array([0.42, 0.17, 0.05]), np.array([0.02, 0.017, 0.015]), np.array([0.85, 0.82, 0.78])
        color = np.tile(white, (len(coat.p), 1))
        on_body = coat.part("body", "chest", "neck")
        height = coat.p[:, 2]
        color = mix(color, tan, np.clip(on_body * ramp(height + 0.15 * n, 1.35, 1.5) * ramp(coat.p[:, 1], -0.55, -0.2) + coat.part("leg") * ramp(height, 0.95, 1.1), 0, 1))
        color = mix(color, black, on_body * ramp(height + 0.25 * n, 1.72, 1.85) * ramp(coat.p[:, 1], -0.1, 0.15))
        on_head = coat.part("head", "cheek", "brow", "ear")
        color = mix(color, tan * (1 + 0.2 * n)[:, None], on_head * np.maximum(ramp(x, 0.05, 0.1), coat.part("ear")))
        color = mix(color, 0.6 * tan, 0.6 * coat.part("ear"))
        color = mix(color, white, coat.part("muzzle", "jaw") * ramp(y, -0.35, -0.5))
        color = mix(color, tan * 0.8, coat.part("tail") * ramp(height, 2.9, 2.6))
        return finish(color, frame, breed, coat)
    return paint


def dalmatian(frame, breed):
    def paint(coat):
        p = coat.p
        cell = np.floor(p / 0.27).astype(int)
        nearest = np.full(len(p), 9.0)
        for offset in np.ndindex(3, 3, 3):
            c = cell + np.array(offset) - 1
            k = (c @ np.array([374761393, 668265263, 1274126177])) & 0xFFFFFFFF
            k = (k ^ (k >> 13)) * 1274126177 & 0xFFFFFFFF
            jitter = np.stack([(k >> s & 255) / 255 for s in (0, 8, 16)], -1)
            radius = 0.05 + 0.06 * (k >> 24 & 15) / 15
            spot = np.linalg.norm(p - (c + jitter) * 0.27, axis=1) - np.where((k >> 28 & 7) < 5, radius, -9)
            nearest = np.minimum(nearest, spot)
        color = mix((0.015, 0.014, 0.014), (0.86, 0.84, 0.81), ramp(nearest, -0.012, 0.012))
        color = mix(color, (0.015, 0.014, 0.014), 0.85 * coat.part("ear") * ramp(noise(p, 6, 2, 3), -0.35, -0.15))
        return finish(color, frame, breed, coat)
    return paint


def white(frame, breed):
    def paint(coat):
        color = mix((0.8, 0.76, 0.69), (0.9, 0.88, 0.85), np.clip(0.5 + 0.6 * noise(coat.p, 4, 3, 3), 0, 1))
        return finish(color, frame, breed, coat)
    return paint


def golden_in_the_meadow(path, rng):
    breed = Breed(fur=0.2, mouth_open=True, ear=0.95)
    blobs, frame = sitting(breed, look=(20, 2, -4))
    lens = (3.0, -8.2, 2.5)
    lawn_ground()
    grass(lens, rng, height=0.55, keep_out=lambda xy: np.hypot(xy[:, 0], xy[:, 1] - 0.4) < 0.9)
    studio.backdrop([(0.02, 0.05, 0.015), (0.1, 0.2, 0.04), (0.5, 0.55, 0.25)], scale=0.4, seed=1, level=-1)
    coated(blobs, golden(frame, breed), lens, count=170000, rng=rng, bare=bald(frame, breed), clump=0.25, mess=0.2)
    face(frame, breed)
    studio.sky(34, 130, 0.13)
    studio.camera(lens, (0.05, -0.2, 2.0), 72, (448, 560), fstop=0.26, focus=frame.out((0, -0.7, 0)))
    studio.shoot(path)


def husky_in_the_snow(path, rng):
    breed = Breed(muzzle=0.64, wide=1.1, ears="pricked", ear=0.9, fur=0.2, mouth_open=True, iris=(0.2, 0.42, 0.75))
    blobs, frame = sitting(breed, look=(-40, 0, 4))
    lens = (-1.4, -6.6, 3.1)
    studio.plane("snow", 60, studio.textured("snow", (0.8, 0.83, 0.9), (0.92, 0.93, 0.95), 1.5, bump=0.3, rough=0.8), bumps=0.5, cells=90, z=-0.2)
    studio.backdrop([(0.02, 0.03, 0.04), (0.2, 0.23, 0.27), (0.75, 0.8, 0.88)], scale=0.5, seed=3, level=-2)
    coated(blobs, husky(frame, breed), lens, count=170000, rng=rng, bare=bald(frame, breed), clump=0.28, mess=0.25)
    face(frame, breed)
    studio.sky(22, 140, 0.13)
    studio.camera(lens, (-0.2, -0.5, 2.55), 74, (480, 480), fstop=0.26, focus=frame.out((0, -0.6, 0)))
    studio.shoot(path)


def beagle_in_the_park(path, rng):
    breed = Breed(muzzle=0.6, fur=0.09, ear=1.15)
    blobs, frame = standing(breed, look=(62, 4, -3), leg=0.92, step=0.6)
    lens = (7.8, -3.6, 2.0)
    lawn_ground((0.1, 0.13, 0.03))
    grass(lens, rng, area=((-9, 6), (-6, 9)), height=0.3, count=32000, keep_out=lambda xy: np.abs(xy[:, 0]) < 0.5)
    studio.backdrop([(0.03, 0.06, 0.02), (0.15, 0.2, 0.05), (0.45, 0.4, 0.12), (0.7, 0.75, 0.8)], scale=0.35, seed=7, level=-1, toward=(-1, 0.35))
    coated(blobs, beagle(frame, breed), lens, count=170000, rng=rng, bare=bald(frame, breed), clump=0.15, mess=0.15)
    face(frame, breed)
    studio.sky(40, 60, 0.13)
    studio.camera(lens, (0, 0.45, 1.6), 54, (576, 448), fstop=0.24, focus=frame.out((0, -0.5, 0)))
    studio.shoot(path)


def dalmatian_at_home(path, rng):
    breed = Breed(muzzle=0.58, fur=0.07, ear=1.0)
    blobs, frame = sitting(breed, look=(-30, -3, 8), leg=1.04)
    lens = (-4.2, -7.4, 2.9)
    room(wall=(0.35, 0.45, 0.5), wood=((0.42, 0.28, 0.16), (0.5, 0.34, 0.2)), depth=4.5)
    coated(blobs, dalmatian(frame, breed), lens, count=170000, rng=rng, bare=bald(frame, breed), clump=0.1, mess=0.12)
    face(frame, breed)
    studio.lamp((3, -6, 6), (0, 0, 1.7), 1000, 2.5, (1, 0.94, 0.86))
    studio.camera(lens, (0.1, 0, 1.85), 60, (432, 560), fstop=0.2, focus=frame.out((0, -0.6, 0)))
    studio.shoot(path, turned=8)


def samoyed_on_the_lawn(path, rng):
    breed = Breed(muzzle=0.42, ears="pricked", ear=0.75, fur=0.32, mouth_open=True)
    blobs, frame = standing(breed, look=(34, 2, 2), leg=0.9, long=0.85, tail="curled", step=0.5)
    lens = (5.4, -6.2, 2.2)
    lawn_ground()
    grass(lens, rng, area=((-8, 6), (-6, 9)), height=0.35, count=32000, colors=((0.06, 0.2, 0.03), (0.2, 0.4, 0.08)), keep_out=lambda xy: np.abs(xy[:, 0]) < 0.5)
    studio.backdrop([(0.02, 0.06, 0.02), (0.06, 0.16, 0.04), (0.25, 0.4, 0.15)], scale=0.4, seed=9, level=-1, toward=(-0.6, 0.7))
    coated(blobs, white(frame, breed), lens, count=170000, rng=rng, bare=bald(frame, breed), clump=0.5, mess=0.25)
    face(frame, breed)
    studio.sky(48, 100, 0.12)
    studio.camera(lens, (0.05, 0.2, 1.75), 56, (560, 480), fstop=0.26, focus=frame.out((0, -0.5, 0)))
    studio.shoot(path)


PICTURES = {
    "dogs/golden-in-the-meadow.jpg": golden_in_the_meadow,
    "dogs/husky-in-the-snow.webp": husky_in_the_snow,
    "dogs/beagle-in-the-park.jpg": beagle_in_the_park,
    "dogs/dalmatian-at-home.jpg": dalmatian_at_home,
    "dogs/samoyed-on-the-lawn.webp": samoyed_on_the_lawn,
}
