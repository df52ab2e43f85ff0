"""Things on tables: mugs and teapots, fruit, and flowers."""

import numpy as np

import studio
from birds import Feathers
from pets import grass, lawn_ground, solid
from shape import ball, chain, lathe, limb, mix, noise, spline, turn, unit


def table(wood=((0.3, 0.16, 0.08), (0.38, 0.21, 0.1)), colors=((0.06, 0.05, 0.045), (0.3, 0.24, 0.18), (0.65, 0.55, 0.42)), seed=0.0, strength=0.8):
    """A wooden table in a room that is out of focus."""
    studio.plane("table", 40, studio.planks("table", wood, width=1.6, length=14))
    studio.backdrop(list(colors), scale=0.3, seed=seed, level=-5, strength=strength, height=22)
    studio.ambient((0.75, 0.78, 0.85), 0.45)


def cloth(color):
    """A table covered with woven cloth."""
    linen = studio.textured("linen", tuple(0.85 * np.array(color)), color, 120, bump=0.3, rough=0.95)
    studio.plane("cloth", 40, linen, bumps=0.06, cells=120)


def turned(name, profile, mat, at=(0, 0, 0), around=96, colors=None):
    v, faces = lathe(spline(profile, 10), around)
    return studio.mesh(name, v + np.asarray(at, float), faces, mat, None if colors is None else colors(v))


def tube(name, points, radii, mat):
    solid(name, chain(name, points, radii, melt=0.02, smooth=8), mat, 70)


def glaze(color, rough=0.12):
    return studio.material("glaze", color, rough, Coat_Weight=0.6, Coat_Roughness=0.05)


MUG = [(0.0, 0.02), (0.7, 0.0), (0.8, 0.05), (0.82, 0.3), (0.82, 1.0), (0.83, 1.72), (0.8, 1.78), (0.76, 1.72), (0.75, 1.0), (0.74, 0.25), (0.6, 0.12), (0.0, 0.1)]
CUP = [(0.0, 0.05), (0.42, 0.0), (0.45, 0.08), (0.55, 0.2), (0.85, 0.6), (1.02, 1.15), (1.0, 1.2), (0.97, 1.15), (0.8, 0.64), (0.5, 0.28), (0.0, 0.2)]
SAUCER = [(0.0, 0.05), (0.6, 0.0), (0.7, 0.04), (1.3, 0.2), (1.55, 0.3), (1.53, 0.34), (1.25, 0.26), (0.7, 0.1), (0.0, 0.1)]
POT = [(0.0, 0.05), (0.65, 0.0), (0.75, 0.08), (1.15, 0.5), (1.25, 0.95), (1.0, 1.45), (0.65, 1.68), (0.6, 1.72), (0.55, 1.68), (0.0, 1.6)]
LID = [(0.62, 1.7), (0.58, 1.78), (0.4, 1.9), (0.12, 1.97), (0.1, 2.03), (0.17, 2.12), (0.14, 2.22), (0.0, 2.25)]


def mug(mat, at=(0, 0, 0), handle=0.0, drink=(0.06, 0.025, 0.01), level=1.5):
    at = np.asarray(at, float)
    turned("mug", MUG, mat, at)
    c, s = np.cos(np.radians(handle)), np.sin(np.radians(handle))
    ear = np.array([(0.74, 1.45), (1.2, 1.5), (1.42, 1.15), (1.32, 0.65), (0.76, 0.38)])
    tube("ear", [at + [x * c, x * s, z] for x, z in ear], [0.13, 0.12, 0.11, 0.11, 0.12], mat)
    turned("drink", [(0.0, level), (0.3, level), (0.7, level), (0.752, level + 0.02)], studio.material("drink", drink, 0.05), at)


def teapot(mat, at=(0, 0, 0), side=1):
    at = np.asarray(at, float)
    turned("pot", POT, mat, at)
    turned("lid", LID, mat, at)
    spout = [(side * x, 0, z) for x, z in ((0.95, 0.6), (1.5, 0.85), (1.75, 1.35), (2.05, 1.65))]
    tube("spout", [at + p for p in spout], [0.32, 0.22, 0.15, 0.12], mat)
    ear = [(-side * x, 0, z) for x, z in ((0.85, 1.45), (1.5, 1.6), (1.85, 1.2), (1.6, 0.7), (1.05, 0.5))]
    tube("ear", [at + p for p in ear], [0.12, 0.11, 0.11, 0.11, 0.12], mat)


def white_mug(path, rng):
    table(seed=1)
    mug(glaze((0.85, 0.84, 0.82)), handle=-12)
    studio.lamp((-5, -3, 6), (0, 0, 0.8), 700, 2.5, (1, 0.94, 0.86))
    studio.camera((0.6, -5.6, 3.3), (0.12, 0, 0.85), 60, (512, 400), fstop=0.25)
    studio.shoot(path)


def red_mug(path, rng):
    cloth((0.55, 0.56, 0.55))
    studio.backdrop([(0.2, 0.28, 0.35), (0.5, 0.58, 0.62), (0.8, 0.8, 0.75)], scale=0.3, seed=3, level=-5)
    studio.ambient((0.8, 0.85, 0.95), 0.55)
    mug(glaze((0.5, 0.02, 0.02)), handle=205, drink=(0.5, 0.33, 0.18), level=1.55)
    mug(glaze((0.03, 0.12, 0.3)), at=(1.9, 2.2, 0), handle=-30)
    studio.lamp((5, -2, 6), (0, 0, 0.8), 650, 2)
    studio.camera((-1.6, -5.6, 2.2), (0.15, 0.2, 0.9), 55, (512, 400), fstop=0.25, focus=(-0.3, -0.5, 1))
    studio.shoot(path)


def green_teapot(path, rng):
    table(wood=((0.16, 0.08, 0.04), (0.22, 0.11, 0.05)), seed=6, colors=((0.3, 0.28, 0.25), (0.5, 0.46, 0.4), (0.75, 0.7, 0.62)))
    teapot(glaze((0.06, 0.2, 0.14)))
    studio.lamp((-4, -4, 6), (0, 0, 1), 800, 2.5, (1, 0.95, 0.88))
    studio.camera((1.2, -8.2, 3.0), (0.1, 0, 1.05), 58, (512, 400), fstop=0.25)
    studio.shoot(path)


def tea_for_one(path, rng):
    cloth((0.75, 0.72, 0.66))
    studio.backdrop([(0.1, 0.16, 0.06), (0.3, 0.42, 0.15), (0.7, 0.75, 0.5)], scale=0.3, seed=2, level=-5)
    porcelain = glaze((0.82, 0.83, 0.86))
    teapot(porcelain, at=(-0.9, 1.3, 0), side=-1)
    turned("saucer", SAUCER, porcelain, (1.4, -0.8, 0))
    turned("cup", CUP, porcelain, (1.4, -0.8, 0.06))
    ear = [(2.3, -0.95, 1.0), (2.75, -1.1, 0.98), (2.7, -1.1, 0.6), (2.15, -0.95, 0.5)]
    tube("ear", ear, [0.07, 0.06, 0.06, 0.07], porcelain)
    turned("tea", [(0.0, 1.0), (0.5, 1.0), (0.93, 1.01)], studio.material("tea", (0.3, 0.09, 0.015), 0.04), (1.4, -0.8, 0.06))
    studio.ambient((0.8, 0.85, 0.95), 0.5)
    studio.lamp((4, -4, 7), (0, 0, 0.8), 900, 2.5, (1, 0.93, 0.84))
    studio.camera((1.0, -8.6, 4.2), (0.2, 0.2, 0.9), 52, (512, 400), fstop=0.25, focus=(0.8, -0.5, 0.8))
    studio.shoot(path)


def round_fruit(name, at, r, colors, rng, squash=1.0, dimple=0.25, speckle=0.05, rough=0.35, pores=0.0, nipple=0.0, stem=(0.12, 0.07, 0.03)):
    """An orange, apple or lemon: a ball with dimples (or a nipple) at its ends, turned at random."""
    t = np.linspace(0, np.pi, 80)
    radius = 1 - dimple * np.exp(-((np.minimum(t, (np.pi - t) * 1.5) / 0.32) ** 2))
    radius = radius + nipple * np.exp(-((np.minimum(t, np.pi - t) / 0.3) ** 2))
    profile = np.stack([np.maximum(radius * np.sin(t), 0), squash * radius * np.cos(t)], -1)
    v, faces = lathe(profile, 120)
    d = unit(v)
    v = v * (1 + 0.02 * noise(d, 1.5, 2, rng.integers(99)))[:, None]
    mood = np.clip(0.5 + 0.8 * noise(d * [1, 1, 0.6], 1.6, 3, rng.integers(99)), 0, 1)
    tint = mix(colors[0], colors[1], mood) * (1 + speckle * noise(d, 30, 2, 3))[:, None]
    lean = turn(rng.uniform(0, 360), rng.uniform(-40, 40), rng.uniform(-40, 40))
    skin_of = studio.material(name, rough=rough, attribute="tint", Subsurface_Weight=0.0)
    if pores:
        studio.bumpy(skin_of, 26 / r, pores, 0.05, "VORONOI")
    studio.mesh(name, v * r @ lean.T, faces[:, ::-1], skin_of, tint, at=at)
    if stem is not None:
        foot = np.asarray(at) + lean @ np.array([0, 0, r * squash * 0.72])
        solid("stem", [limb("stem", foot, foot + lean @ np.array([0.05, 0.02, 0.38]) * r, 0.05 * r, 0.035 * r)], studio.material("stem", stem, 0.8), 30)


def bowl(mat, r=2.3):
    turned("bowl", [(0, 0.1), (0.9, 0.0), (1.0, 0.1), (r * 0.75, 0.5), (r, 1.35), (r * 0.98, 1.4), (r * 0.72, 0.6), (0.9, 0.22), (0, 0.2)], mat)


def oranges_in_a_bowl(path, rng):
    table(seed=11, colors=((0.1, 0.12, 0.12), (0.35, 0.38, 0.36), (0.65, 0.68, 0.66)))
    bowl(glaze((0.75, 0.76, 0.78)), 2.5)
    spots = [(-1.05, -0.6, 1.2), (0.95, -0.75, 1.2), (0.0, 0.95, 1.2), (-0.05, -0.15, 2.35), (1.2, 0.75, 1.6), (-1.2, 0.75, 1.6)]
    for at in spots:
        round_fruit("orange", at, 0.95, ((0.72, 0.13, 0.004), (0.88, 0.24, 0.008)), rng, squash=0.96, dimple=0.06, pores=0.35, stem=None)
    studio.lamp((-5, -4, 7), (0, 0, 1.5), 1100, 2.5, (1, 0.95, 0.88))
    studio.camera((0.5, -8.5, 4.6), (0, 0, 1.35), 50, (512, 400), fstop=0.25)
    studio.shoot(path)


def green_apples(path, rng):
    table(wood=((0.4, 0.28, 0.17), (0.48, 0.34, 0.21)), seed=13)
    for at in [(0, 0, 0.9), (1.75, 0.5, 0.9), (-1.6, 0.9, 0.9), (0.4, 1.9, 0.9)]:
        round_fruit("apple", at, 0.98, ((0.2, 0.42, 0.03), (0.38, 0.55, 0.08)), rng, squash=0.92, dimple=0.3, rough=0.22)
    studio.lamp((4, -5, 6), (0, 0, 1), 850, 2.5)
    studio.camera((-0.8, -7.0, 3.2), (0.1, 0.4, 0.85), 52, (512, 400), fstop=0.25, focus=(0, -0.6, 0.9))
    studio.shoot(path)


def lemons(path, rng):
    cloth((0.2, 0.32, 0.42))
    studio.backdrop([(0.1, 0.12, 0.14), (0.3, 0.34, 0.36), (0.6, 0.62, 0.6)], scale=0.3, seed=4, level=-5)
    studio.ambient((0.8, 0.82, 0.9), 0.5)
    for at in [(0, -0.3, 0.78), (1.7, 0.6, 0.78), (-1.6, 0.5, 0.78), (0.3, 1.7, 0.78), (0.2, 0.5, 1.95)]:
        round_fruit("lemon", at, 0.82, ((0.85, 0.6, 0.03), (0.92, 0.75, 0.1)), rng, squash=1.2, dimple=0.0, nipple=0.16, pores=0.3, stem=None)
    studio.lamp((-4, -5, 6), (0, 0, 1), 850, 2.5)
    studio.camera((0.6, -6.6, 3.9), (0, 0.4, 0.85), 50, (448, 448), fstop=0.25, focus=(0, -0.6, 0.9))
    studio.shoot(path)


def apples_and_oranges(path, rng):
    table(wood=((0.12, 0.07, 0.05), (0.17, 0.1, 0.06)), seed=17, colors=((0.03, 0.03, 0.03), (0.12, 0.1, 0.09), (0.3, 0.26, 0.22)))
    for at in [(-1.1, 0, 0.9), (0.2, 1.7, 0.9)]:
        round_fruit("apple", at, 0.98, ((0.35, 0.01, 0.01), (0.6, 0.1, 0.03)), rng, squash=0.92, dimple=0.3, rough=0.22)
    for at in [(1.0, -0.2, 0.92), (2.6, 1.0, 0.92), (-2.6, 1.1, 0.92)]:
        round_fruit("orange", at, 0.95, ((0.72, 0.13, 0.004), (0.88, 0.24, 0.008)), rng, squash=0.97, dimple=0.06, pores=0.35, stem=None)
    studio.lamp((-5, -2, 6), (0, 0, 1), 800, 1.5, (1, 0.92, 0.8))
    studio.camera((0.3, -7.4, 2.6), (0, 0.3, 0.8), 50, (512, 400), fstop=0.25, focus=(0, -0.6, 0.9))
    studio.shoot(path)


def daisy(vanes, rng, center, facing, size, petals=21, color=(0.85, 0.85, 0.82), heart=(0.75, 0.48, 0.02), heart_size=0.32, rows=1, edge=None, droop=0.15):
    """Petals around a dome of florets."""
    facing = unit(facing)
    u = unit(np.cross(facing, [0.3, 0.2, 0.9]))
    w = np.cross(facing, u)
    for row in range(rows):
        for i in range(petals):
            a = 2 * np.pi * (i + 0.5 * row + rng.uniform(-0.2, 0.2)) / petals
            out = u * np.cos(a) + w * np.sin(a)
            along = out + facing * rng.uniform(-droop, 0.12) + 0.15 * row * facing
            width = 0.95 * np.pi * size / petals * 0.75
            vanes.add(center + out * size * heart_size * 0.8, along, facing, size * (1 - heart_size * 0.7) * rng.uniform(0.92, 1.05) * (1 - 0.12 * row), width, color, edge, curve=-0.1)
    d = unit(rng.normal(size=(700, 3)) * [1, 1, 1])
    d = d[(d @ facing) > -0.1]
    roots = center + size * heart_size * (d - 0.45 * (d @ facing)[:, None] * facing)
    tips = roots + d * size * 0.06
    steps = np.linspace(0, 1, 3)[None, :, None]
    points = roots[:, None] * (1 - steps) + tips[:, None] * steps
    ring = np.clip((d @ facing), 0, 1)[:, None, None]
    tint = np.asarray(heart) * (0.55 + 0.5 * ring + 0.3 * steps) * rng.uniform(0.8, 1.2, (len(d), 1, 1))
    studio.strands("florets", points, np.clip(tint, 0, 1), size * heart_size * 0.075, tip=0.8)
    hub = ball("hub", center - facing * size * heart_size * 0.45, size * heart_size * 0.95)
    solid("hub", [hub], studio.material("hub", tuple(0.5 * np.array(heart)), 0.8), 30)


def stem(points, radius=0.06, color=(0.1, 0.22, 0.05)):
    tube("stem", points, [radius] * len(points), studio.material("stem", color, 0.6))


def daisies_in_the_grass(path, rng):
    lens = (0.5, -5.0, 3.2)
    lawn_ground()
    grass(lens, rng, height=1.1, count=30000, area=((-5, 5), (-3, 9)), width=0.03)
    vanes = Feathers(rng)
    for x, y, z, s in [(0, 0, 1.6, 0.85), (1.5, 1.0, 1.5, 0.8), (-1.5, 0.9, 1.35, 0.8), (0.4, 2.4, 1.7, 0.8), (-2.6, 2.8, 1.5, 0.8), (2.9, 2.9, 1.5, 0.8)]:
        c = np.array([x, y, z])
        daisy(vanes, rng, c, np.array([rng.uniform(-0.3, 0.3), -0.6, 0.8]), s)
        stem([c - [0, -0.1, 0.1], c - [0.1, -0.3, 0.9], (x, y + 0.4, 0)])
    vanes.done(0.6)
    studio.backdrop([(0.03, 0.08, 0.02), (0.12, 0.25, 0.05), (0.4, 0.5, 0.2)], scale=0.35, seed=3, level=-3)
    studio.sky(45, 140, 0.13)
    studio.camera(lens, (0, 0.5, 1.45), 58, (512, 400), fstop=0.16, focus=(0, -0.2, 1.7))
    studio.shoot(path)


def sunflower(path, rng):
    lens = (-1.2, -6.5, 1.6)
    vanes = Feathers(rng)
    c = np.array([0, 0, 1.9])
    daisy(vanes, rng, c, (-0.2, -1, 0.15), 2.0, petals=26, color=(0.85, 0.5, 0.015), edge=(0.75, 0.36, 0.01), heart=(0.14, 0.06, 0.02), heart_size=0.42, rows=2, droop=0.2)
    for a, length in ((-2.5, 1.7), (0.6, 1.8)):
        root = np.array([0.0, 0.35, -0.2 - 0.3 * (a > 0)])
        vanes.add(root, (np.cos(a), 0.2, 0.25), (0, -0.5, 1), length, 0.75, (0.09, 0.22, 0.04), curve=0.25)
    vanes.done(0.55)
    stem([c + [0, 0.25, 0], (0.05, 0.5, 0.6), (0, 0.4, -2.5)], 0.13)
    studio.backdrop([(0.1, 0.2, 0.04), (0.3, 0.5, 0.8), (0.45, 0.62, 0.9)], scale=0.15, seed=6, level=-9, height=26)
    studio.sky(42, 150, 0.13)
    studio.camera(lens, (0, 0, 1.55), 50, (432, 512), fstop=0.16, focus=(0, -0.3, 1.9))
    studio.shoot(path)


def pink_daisies_in_a_vase(path, rng):
    table(seed=21, colors=((0.2, 0.22, 0.25), (0.42, 0.46, 0.5), (0.65, 0.68, 0.7)))
    turned("vase", [(0, 0.05), (0.6, 0), (0.7, 0.1), (0.95, 0.7), (0.85, 1.3), (0.5, 1.8), (0.45, 2.05), (0.58, 2.25), (0.52, 2.25), (0.4, 2.05), (0.4, 1.8), (0, 1.7)], glaze((0.1, 0.2, 0.42)))
    vanes = Feathers(rng)
    tints = [(0.75, 0.12, 0.3), (0.85, 0.35, 0.5), (0.8, 0.78, 0.75), (0.7, 0.05, 0.12), (0.85, 0.4, 0.1)]
    for (x, y, z), color in zip([(0, -0.4, 3.6), (1.25, -0.1, 3.3), (-1.3, -0.1, 3.25), (0.7, 0.4, 4.4), (-0.75, 0.3, 4.35)], tints):
        c = np.array([x, y, z])
        daisy(vanes, rng, c, (0.45 * x, -1, 0.35), 0.85, petals=24, color=color, heart=(0.5, 0.3, 0.03), heart_size=0.27, rows=2)
        stem([c + [0, 0.12, 0], (0.55 * x, 0.15, 0.5 * z + 1.1), (0.1 * x, 0, 1.9)], 0.05)
    vanes.done(0.6)
    studio.lamp((-5, -5, 7), (0, 0, 2.5), 1200, 2.5, (1, 0.95, 0.9))
    studio.camera((0.6, -9.6, 3.6), (0, 0, 2.6), 52, (432, 560), fstop=0.25, focus=(0, -0.6, 3.5))
    studio.shoot(path)


def tulip(vanes, rng, c, color, edge):
    for ring, (count, radius) in enumerate(((3, 0.26), (3, 0.34))):
        for i in range(count):
            a = 2 * np.pi * (i + 0.5 * ring) / count + rng.uniform(-0.1, 0.1)
            out = np.array([np.cos(a), np.sin(a), 0])
            vanes.add(c + out * radius * 0.55, out * 0.22 + [0, 0, 1], -out, 1.15, 0.46, color, edge, curve=-0.45)


def tulips(path, rng):
    lens = (0.3, -6.0, 2.4)
    lawn_ground((0.1, 0.08, 0.05))
    grass(lens, rng, height=0.7, count=14000, area=((-6, 6), (-2, 9)), width=0.03)
    vanes = Feathers(rng)
    tints = [((0.7, 0.03, 0.03), (0.85, 0.25, 0.05)), ((0.85, 0.55, 0.03), (0.9, 0.4, 0.02)), ((0.65, 0.08, 0.3), (0.85, 0.5, 0.65))]
    for x, y in [(0, 0), (1.3, 0.5), (-1.3, 0.6), (0.6, 1.7), (-0.8, 1.9), (2.4, 1.6), (-2.4, 1.9), (1.7, 3), (-1.9, 3.4), (0.1, 3.3), (3.3, 3.4), (-3.5, 3.6)]:
        c = np.array([x, y, rng.uniform(1.7, 2.2)])
        color, edge = tints[rng.integers(3)]
        tulip(vanes, rng, c, color, edge)
        stem([c, (x + 0.05, y, 1.0), (x, y + 0.05, 0)], 0.07)
        for s in (-1, 1):
            vanes.add((x, y, 0), (s * 0.35, -0.1, 1), (s * -0.8, -0.5, 0.3), 1.6, 0.22, (0.08, 0.2, 0.07), curve=-0.2)
    vanes.done(0.5)
    studio.backdrop([(0.03, 0.08, 0.02), (0.15, 0.28, 0.06), (0.5, 0.3, 0.15), (0.6, 0.7, 0.8)], scale=0.35, seed=8, level=-1)
    studio.sky(40, 130, 0.13)
    studio.camera(lens, (0, 0.6, 1.75), 50, (512, 400), fstop=0.16, focus=(0, -0.2, 2.0))
    studio.shoot(path)


PICTURES = {
    "mugs/white-mug.png": white_mug,
    "mugs/red-mug.jpg": red_mug,
    "mugs/green-teapot.webp": green_teapot,
    "mugs/tea-for-one.jpg": tea_for_one,
    "fruit/oranges-in-a-bowl.jpg": oranges_in_a_bowl,
    "fruit/green-apples.webp": green_apples,
    "fruit/lemons.png": lemons,
    "fruit/apples-and-oranges.jpg": apples_and_oranges,
    "flowers/daisies-in-the-grass.jpg": daisies_in_the_grass,
    "flowers/sunflower.webp": sunflower,
    "flowers/pink-daisies-in-a-vase.jpg": pink_daisies_in_a_vase,
    "flowers/tulips.jpg": tulips,
}
