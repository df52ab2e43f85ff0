"""Wide views: mountains, balloons in the sky, and sails on the sea."""

import numpy as np

import studio
from pets import solid
from shape import grid_quads, lathe, limb, mix, noise, ramp, spline, unit


def heights(xy, seed, ridge=1.0):
    """Ridged fractal noise with a warp, about 0 to 1, for points (..., 2)."""
    p = np.concatenate([xy, np.zeros((*xy.shape[:-1], 1))], -1)
    p = p + 0.25 * np.stack([noise(p, 1.3, 2, seed + k) for k in (1, 2, 3)], -1) * [1, 1, 0]
    total, weight, gain = 0.0, 1.0, 1.0
    for octave in range(7):
        n = noise(p, 0.9 * 2.0**octave, 1, seed + 7 * octave)
        r = (1 - np.abs(n)) ** 2 if ridge else 0.5 + 0.5 * n
        total = total + gain * weight * r
        weight = np.clip(r * 1.4, 0, 1)
        gain *= 0.56
    return total / 2.1


def terrain(shape, paint, cells=340, width=14.0, near=-2.8, far=13.0, haze=(0.4, 0.5, 0.66), density=0.02, lens=(0, -3, 1)):
    """A height field: shape(xy) gives z, paint(points, normals) gives colors; distance turns them to haze."""
    x, y = np.meshgrid(np.linspace(-width / 2, width / 2, cells), np.linspace(near, far, cells), indexing="ij")
    x = x * (0.6 + 0.06 * (y - near))
    xy = np.stack([x, y], -1)
    v = np.concatenate([xy, shape(xy)[..., None]], -1)
    du, dv = np.gradient(v, axis=(0, 1))
    normal = unit(np.cross(du, dv))
    color = paint(v, normal)
    far_away = 1 - np.exp(-density * np.linalg.norm(v - np.asarray(lens), axis=-1))
    color = mix(color, haze, far_away)
    studio.mesh("terrain", v.reshape(-1, 3), grid_quads(cells, cells), studio.bumpy(studio.material("terrain", rough=0.95, attribute="tint"), 7, 0.9, 0.25), color.reshape(-1, 3))
    return v, normal


def forest(v, normal, where, rng, count, height=0.09, color=((0.012, 0.035, 0.015), (0.04, 0.08, 0.025)), haze=(0.4, 0.5, 0.66), density=0.02, lens=(0, -3, 1)):
    """Conifers: each is one strand, thick at the foot."""
    p, chance = v.reshape(-1, 3), where.reshape(-1)
    root = p[rng.choice(len(p), count, p=chance / chance.sum())] + rng.normal(0, 0.015, (count, 3)) * [1, 1, 0]
    tall = height * rng.uniform(0.5, 1.2, (count, 1, 1))
    s = np.linspace(0, 1, 4)[None, :, None]
    points = root[:, None] + tall * s * np.array([0, 0, 1.0])
    tint = mix(color[0], color[1], rng.random(count))
    tint = mix(tint, haze, 1 - np.exp(-density * np.linalg.norm(root - np.asarray(lens), axis=-1)))
    studio.strands("forest", points, tint[:, None] * (0.6 + 0.5 * s), 0.2 * tall[:, 0, 0], tip=0.02)


def clouds(color=(0.95, 0.95, 0.97), amount=0.5, seed=0.0, height=14.0, scale=0.09):
    """A high sheet whose noise decides where it hides the sky."""
    m = studio.bpy.data.materials.new("cloud")
    m.use_nodes = True
    tree = m.node_tree
    tree.nodes.clear()
    where, texture, blend = (tree.nodes.new(k) for k in ("ShaderNodeTexCoord", "ShaderNodeTexNoise", "ShaderNodeValToRGB"))
    texture.noise_dimensions = "4D"
    texture.inputs["W"].default_value, texture.inputs["Scale"].default_value, texture.inputs["Detail"].default_value = seed, scale, 9
    blend.color_ramp.elements[0].position, blend.color_ramp.elements[1].position = 0.62 - 0.25 * amount, 0.8 - 0.2 * amount
    clear, white, choose, out = (tree.nodes.new(k) for k in ("ShaderNodeBsdfTransparent", "ShaderNodeEmission", "ShaderNodeMixShader", "ShaderNodeOutputMaterial"))
    white.inputs["Color"].default_value, white.inputs["Strength"].default_value = (*color, 1), 0.9
    tree.links.new(where.outputs["Object"], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Fac"], blend.inputs[0])
    tree.links.new(blend.outputs[0], choose.inputs[0])
    tree.links.new(clear.outputs[0], choose.inputs[1])
    tree.links.new(white.outputs[0], choose.inputs[2])
    tree.links.new(choose.outputs[0], out.inputs[0])
    thing = studio.plane("clouds", 400, m, z=height)
    thing.visible_shadow = False


def alp(v, normal, seed, snow_line=0.75, grass=(0.1, 0.15, 0.03), rock=(0.075, 0.068, 0.064)):
    z = v[..., 2] + 0.15 * noise(v, 2.5, 3, seed)
    flat = normal[..., 2]
    strata = noise(v * [1, 1, 5], 3, 3, seed + 1)
    color = mix(np.array(rock) * 0.75, np.array(rock) * 1.3, 0.5 + 0.5 * strata)
    color = mix(color, np.asarray(grass), ramp(flat, 0.55, 0.75) * ramp(z, snow_line * 0.75, snow_line * 0.5))
    return mix(color, (0.88, 0.9, 0.94), ramp(z, snow_line - 0.1, snow_line + 0.12) * ramp(flat + 0.2 * strata + 0.12 * ramp(z, snow_line + 0.3, snow_line + 1.5), 0.5, 0.68))


def snowy_peak(path, rng):
    lens = (0, -3, 0.9)
    def shape(xy):
        peak = np.exp(-((np.hypot(xy[..., 0] - 0.3, xy[..., 1] - 6) / 1.9) ** 1.4))
        range_ = 1.6 * heights(xy * 0.5, 5) * ramp(xy[..., 1], 1, 6)
        return 2.4 * peak * (0.5 + 0.8 * heights(xy * 0.6, 3)) + range_ + 0.25 * heights(xy * 0.6, 8) - 0.25
    v, n = terrain(shape, lambda v, n: alp(v, n, 1, 1.1), lens=lens)
    forest(v, n, ramp(v[..., 2], 0.95, 0.6) * ramp(n[..., 2], 0.5, 0.7) + 1e-9, rng, 14000)
    clouds(amount=0.35, seed=2)
    studio.sky(28, -115, 0.1)
    studio.camera(lens, (0.2, 6, 1.75), 36, (576, 400))
    studio.shoot(path)


def lake_below_the_range(path, rng):
    lens = (0.5, -3.4, 0.75)
    def shape(xy):
        y = xy[..., 1]
        valley = ramp(np.abs(xy[..., 0] - 0.3) - 0.2 * y, 0.4, 3.0)
        return (1.0 + 1.6 * ramp(y, 3, 9)) * heights(xy * 0.5, 21) * np.maximum(valley, ramp(y, 4.5, 8)) * 1.15 - 0.22
    v, n = terrain(shape, lambda v, n: alp(v, n, 4, 1.25), lens=lens)
    forest(v, n, ramp(v[..., 2], 0.9, 0.4) * ramp(v[..., 2], 0.0, 0.06) * ramp(n[..., 2], 0.4, 0.65) + 1e-9, rng, 16000)
    water = studio.textured("lake", (0.01, 0.04, 0.06), (0.02, 0.07, 0.09), 3, bump=0.03, rough=0.04, stretch=(1, 4, 1))
    studio.plane("lake", 60, water)
    clouds(amount=0.5, seed=7)
    studio.sky(38, 125, 0.1)
    studio.camera(lens, (0.3, 6, 1.0), 34, (576, 400))
    studio.shoot(path)


def volcano(path, rng):
    lens = (-0.4, -3.2, 0.8)
    def shape(xy):
        r = np.hypot(xy[..., 0] - 0.2, xy[..., 1] - 6.5)
        cone = 3.0 * np.exp(-r / 1.75) - 1.1 * np.exp(-((r / 0.42) ** 2))
        a = np.arctan2(xy[..., 1] - 6.5, xy[..., 0] - 0.2)
        gullies = 0.07 * np.sin(34 * a + 3 * noise(np.stack([r, a, 0 * r], -1), 2, 3, 2)) * np.clip(r, 0, 1) * np.exp(-r / 2.2)
        return cone + gullies + 0.3 * heights(xy * 0.7, 33) * ramp(r, 0.5, 3)
    def paint(v, n):
        z = v[..., 2] + 0.25 * noise(v, 2, 3, 5)
        color = mix((0.09, 0.065, 0.055), (0.2, 0.13, 0.1), 0.5 + 0.5 * noise(v * [1, 1, 4], 2.5, 3, 8))
        color = mix(color, (0.09, 0.13, 0.03), ramp(z, 0.85, 0.45))
        return mix(color, (0.85, 0.87, 0.92), ramp(z + 0.3 * noise(v, 5, 2, 3), 1.65, 1.9))
    v, n = terrain(shape, paint, lens=lens, density=0.04)
    forest(v, n, ramp(v[..., 2], 0.7, 0.4) + 1e-9, rng, 14000, height=0.08)
    clouds(amount=0.25, seed=12)
    studio.sky(26, 125, 0.13)
    studio.camera(lens, (0.15, 6, 1.25), 34, (512, 400))
    studio.shoot(path, warmth=0.04)


def green_valley(path, rng):
    lens = (0, -3.2, 1.35)
    def shape(xy):
        y, x = xy[..., 1], xy[..., 0]
        walls = ramp(np.abs(x - 0.3 * np.sin(0.5 * y)), 0.5, 3.2)
        return 1.9 * walls * (0.45 + 0.7 * heights(xy * 0.5, 41)) + 2.2 * heights(xy * 0.45, 43) * ramp(y, 6, 10)
    v, n = terrain(shape, lambda v, n: alp(v, n, 9, 2.2, grass=(0.13, 0.2, 0.035)), lens=lens, density=0.03)
    forest(v, n, ramp(noise(v, 1.2, 3, 3), -0.1, 0.3) * ramp(v[..., 2], 1.6, 1.0) * ramp(n[..., 2], 0.4, 0.6) + 1e-9, rng, 22000, height=0.1)
    clouds(amount=0.6, seed=22)
    studio.sky(45, -140, 0.1)
    studio.camera(lens, (0, 6, 1.15), 34, (576, 400))
    studio.shoot(path)


ENVELOPE = [(0.28, 0.0), (0.55, 0.45), (1.0, 1.15), (1.35, 1.9), (1.45, 2.6), (1.25, 3.3), (0.8, 3.8), (0.3, 4.02), (0.0, 4.06)]


def balloon(at, colors, size=1.0, gores=24, pattern="gores", spin=0.0):
    """Envelope of sewn gores, ropes and a basket; `at` is the envelope's mouth."""
    at = np.asarray(at, float)
    profile = spline(ENVELOPE, 12)
    around = gores * 10
    v, faces = lathe(profile, around)
    a = np.arctan2(v[:, 1], v[:, 0])
    bulge = 1 + 0.028 * np.abs(np.sin(0.5 * gores * a))
    v[:, :2] *= bulge[:, None]
    row = np.floor(gores * (a / (2 * np.pi) + 0.5)).astype(int)
    height = v[:, 2]
    if pattern == "gores":
        pick = row % len(colors)
    elif pattern == "spiral":
        pick = (row + np.floor(height * 3.2)).astype(int) % len(colors)
    else:
        pick = np.floor(height / 4.1 * 7).astype(int) % len(colors)
    tint = np.array(colors, float)[pick]
    turn = np.array([[np.cos(spin), -np.sin(spin), 0], [np.sin(spin), np.cos(spin), 0], [0, 0, 1]])
    nylon = studio.material("nylon", rough=0.45, attribute="tint", Sheen_Weight=0.2)
    studio.mesh("envelope", at + size * v @ turn.T, faces, nylon, tint)
    wicker = studio.textured("wicker", (0.13, 0.06, 0.02), (0.3, 0.16, 0.06), 60 / size, bump=0.5, rough=0.8)
    studio.box("basket", at + np.array([0, 0, -0.95]) * size, np.array([0.42, 0.42, 0.34]) * size, wicker, 0.05 * size)
    rope = studio.material("rope", (0.08, 0.07, 0.06), 0.8)
    lines = [limb("rope", at + size * np.array([0.27 * x, 0.27 * y, 0.02]), at + size * np.array([0.19 * x, 0.19 * y, -0.8]), 0.012 * size, 0.012 * size, melt=0.005) for x in (-1, 1) for y in (-1, 1)]
    for line in lines:
        solid("rope", [line], rope, 60)


def countryside(lens, rng, seed=50, density=0.014):
    def shape(xy):
        return 0.5 * heights(xy * 0.25, seed, 0) + 0.8 * heights(xy * 0.2, seed + 3) * ramp(xy[..., 1], 14, 26)
    def paint(v, n):
        field = noise(np.floor(v * [0.8, 0.5, 0]) * 3.7, 1, 1, seed)
        color = mix((0.09, 0.16, 0.03), (0.3, 0.27, 0.09), ramp(field, -0.5, 0.6))
        return color * (1 + 0.2 * noise(v, 3, 3, 4))[..., None]
    v, n = terrain(shape, paint, width=40, near=-3, far=40, lens=lens, density=density)
    forest(v, n, ramp(noise(v, 0.5, 3, 9), 0.1, 0.3) + 1e-9, rng, 20000, height=0.22, density=density, lens=lens)


def striped_balloon(path, rng):
    lens = (0, -9, 2.5)
    countryside(lens, rng)
    rainbow = [(0.7, 0.03, 0.03), (0.85, 0.3, 0.02), (0.9, 0.65, 0.03), (0.1, 0.35, 0.08), (0.03, 0.12, 0.45), (0.25, 0.05, 0.3)]
    balloon((0.2, 0, 2.9), rainbow)
    clouds(amount=0.2, seed=4)
    studio.sky(30, -130, 0.11)
    studio.camera(lens, (0.1, 0, 4.0), 38, (432, 512))
    studio.shoot(path)


def two_balloons(path, rng):
    lens = (0, -11, 3.2)
    countryside(lens, rng, 60)
    balloon((-1.7, 0, 3.3), [(0.75, 0.05, 0.04), (0.85, 0.83, 0.78)], pattern="spiral")
    balloon((2.4, 4.5, 2.7), [(0.04, 0.16, 0.5), (0.85, 0.65, 0.05)], pattern="bands", spin=0.4)
    clouds(amount=0.45, seed=9)
    studio.sky(18, 120, 0.11)
    studio.camera(lens, (0.1, 0, 4.3), 38, (560, 448))
    studio.shoot(path, warmth=0.03)


def balloon_from_below(path, rng):
    lens = (2.0, -6.5, -2.2)
    balloon((0, 0, 2.0), [(0.85, 0.55, 0.03), (0.75, 0.12, 0.03), (0.85, 0.55, 0.03), (0.3, 0.03, 0.12)], gores=20)
    clouds(amount=0.4, seed=15)
    studio.sky(48, -150, 0.11)
    studio.camera(lens, (0, 0, 3.2), 42, (432, 512), roll=6)
    studio.shoot(path)


def sea(lens, rough=0.05, color=(0.006, 0.04, 0.07), swell=0.06, size=90):
    """Waves that fade with distance, so that the far sea does not flicker."""
    cells = 420
    u = np.linspace(-1, 1, cells)
    stretch = np.sign(u) * np.abs(u) ** 2.2 * size
    x, y = np.meshgrid(stretch, stretch + lens[1] + 6, indexing="ij")
    v = np.stack([x, y, np.zeros_like(x)], -1)
    far = np.linalg.norm(v - np.asarray(lens), axis=-1)
    v[..., 2] = swell * (noise(v * [1, 1.7, 1], 0.55, 2, 3) + 0.5 * noise(v * [1, 1.5, 1], 1.9, 3, 5)) * np.exp(-far / 60)
    water = studio.textured("sea", tuple(0.8 * np.array(color)), color, 2.5, bump=0.12, rough=rough, stretch=(1, 2, 1))
    studio.mesh("sea", v.reshape(-1, 3), grid_quads(cells, cells), water)


def hull(at, length, mat, deck, beam=0.3, heading=0.0):
    """Lofted sections from bow to stern; returns the frame that rigging uses."""
    c, s = np.cos(heading), np.sin(heading)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    u = np.linspace(0, 1, 30)
    half = beam * length * np.clip(1 - (1 - np.clip(u / 0.65, 0, 1)) ** 2, 0, 1) * (1 - 0.25 * ramp(u, 0.7, 1)) * 0.5
    sheer = length * (0.1 + 0.06 * (1 - u) ** 2)
    angle = np.linspace(-np.pi / 2, np.pi / 2, 15)
    section = np.stack([np.sin(angle), -np.cos(angle) ** 0.6], -1)
    v = np.zeros((30, 15, 3))
    v[..., 0] = ((u - 0.5) * length)[:, None]
    v[..., 1] = half[:, None] * section[:, 0]
    v[..., 2] = sheer[:, None] + (sheer[:, None] + 0.06 * length * np.sin(np.pi * u)[:, None]) * section[:, 1]
    out = lambda p: np.asarray(at) + np.asarray(p, float) @ turn.T
    studio.mesh("hull", out(v.reshape(-1, 3)), grid_quads(30, 15), mat)
    top = np.stack([v[:, 0], v[:, -1]], 1)
    top[..., 2] -= 0.015 * length
    studio.mesh("deck", out(top.reshape(-1, 3)), grid_quads(30, 2), deck)
    studio.box("cabin", out((0.08 * length, 0, 0.145 * length)), (0.24 * length, 0.13 * length, 0.06 * length), mat, 0.02 * length).rotation_euler = (0, 0, heading)
    return out


def sail(out, corners, belly, color, side=1.0):
    """A triangle of cloth from tack, head and clew, blown to one side."""
    tack, head, clew = (np.asarray(c, float) for c in corners)
    s, t = np.meshgrid(np.linspace(0, 1, 40), np.linspace(0, 1, 24), indexing="ij")
    v = tack + (head - tack) * s[..., None] + (clew - tack) * (t * (1 - s))[..., None]
    v[..., 1] += side * belly * np.sin(np.pi * t) * (1 - s) * (0.4 + 0.6 * np.sin(np.pi * np.clip(s + 0.15, 0, 1)))
    seams = 1 - 0.18 * (np.abs((s * 9) % 1 - 0.5) > 0.46)
    cloth = studio.material("sail", rough=0.7, attribute="tint", Transmission_Weight=0.0)
    studio.mesh("sail", out(v.reshape(-1, 3)), grid_quads(40, 24), cloth, np.asarray(color) * seams.reshape(-1, 1))


def sloop(at, length=3.0, heading=0.2, paint=(0.85, 0.85, 0.84), sails=((0.88, 0.87, 0.84), (0.88, 0.87, 0.84)), lean=1.0):
    wood = studio.material("deck", (0.35, 0.2, 0.1), 0.6)
    out = hull(at, length, studio.material("hull", paint, 0.2, Coat_Weight=0.5), wood, heading=heading)
    k = length
    spar = studio.material("spar", (0.5, 0.48, 0.45), 0.35)
    foot, top = np.array([-0.06 * k, 0, 0.12 * k]), np.array([-0.06 * k, 0, 1.45 * k])
    solid("mast", [limb("mast", out(foot), out(top), 0.014 * k, 0.009 * k, melt=0.005)], spar, 150)
    solid("boom", [limb("boom", out((-0.06 * k, 0, 0.25 * k)), out((0.46 * k, 0.1 * k, 0.25 * k)), 0.011 * k, 0.01 * k, melt=0.005)], spar, 110)
    sail(out, [(-0.05 * k, 0, 0.27 * k), (-0.05 * k, 0, 1.42 * k), (0.45 * k, 0.1 * k, 0.27 * k)], 0.12 * k, sails[0], lean)
    sail(out, [(-0.48 * k, 0, 0.19 * k), (-0.08 * k, 0, 1.25 * k), (0.0, 0.1 * k, 0.24 * k)], 0.1 * k, sails[1], lean)


def sloop_at_noon(path, rng):
    lens = (0, -7.5, 1.1)
    sea(lens)
    sloop((0, 0, -0.03), heading=0.35)
    clouds(amount=0.35, seed=31)
    studio.sky(42, 135, 0.13)
    studio.camera(lens, (0.1, 0, 1.9), 42, (448, 512))
    studio.shoot(path)


def red_sails_at_dusk(path, rng):
    lens = (1.5, -8.5, 1.6)
    sea(lens, color=(0.01, 0.03, 0.05))
    sloop((0.3, 0, -0.03), heading=2.7, paint=(0.06, 0.1, 0.2), sails=((0.5, 0.07, 0.03), (0.55, 0.1, 0.04)), lean=-1.0)
    clouds(color=(0.95, 0.7, 0.5), amount=0.45, seed=35)
    studio.sky(7, 120, 0.12)
    studio.camera(lens, (0.2, 0, 1.75), 44, (512, 448))
    studio.shoot(path, exposure=0.4, warmth=0.05)


def regatta(path, rng):
    lens = (0, -9.5, 2.2)
    sea(lens, color=(0.008, 0.06, 0.09), swell=0.09)
    hues = [(0.86, 0.86, 0.84), (0.04, 0.14, 0.4), (0.75, 0.5, 0.04), (0.86, 0.86, 0.84), (0.6, 0.04, 0.05)]
    for (x, y), hue, paint in zip([(-1.6, 0), (2.6, 3.5), (-4.5, 8), (1.0, 12), (7.5, 14)], hues, reversed(hues)):
        sloop((x, y, -0.03), heading=0.3 + 0.05 * x, paint=paint, sails=((0.88, 0.87, 0.85), hue))
    clouds(amount=0.6, seed=38)
    studio.sky(35, -120, 0.11)
    studio.camera(lens, (0.4, 0, 1.6), 38, (576, 416))
    studio.shoot(path)


PICTURES = {
    "mountains/snowy-peak.jpg": snowy_peak,
    "mountains/lake-below-the-range.jpg": lake_below_the_range,
    "mountains/volcano.webp": volcano,
    "mountains/green-valley.jpg": green_valley,
    "balloons/striped-balloon.jpg": striped_balloon,
    "balloons/two-balloons.webp": two_balloons,
    "balloons/balloon-from-below.jpg": balloon_from_below,
    "sailboats/sloop-at-noon.jpg": sloop_at_noon,
    "sailboats/red-sails-at-dusk.webp": red_sails_at_dusk,
    "sailboats/regatta.jpg": regatta,
}
