"""What cats and dogs share: furry bodies, eyes, noses, whiskers, and the rooms and meadows they sit in."""

import numpy as np

import studio
from fur import Coat, grow, roots
from shape import mix, noise, ramp, skin, unit


def toward_lens(points, normals, lens, margin=-0.35):
    """Which points face the lens, nearly face it, or make its outline: fur elsewhere is never seen."""
    return (normals * unit(np.asarray(lens) - points)).sum(-1) > margin


def coated(blobs, paint, lens, *, count, rng, thickness=0.0065, cells=100, bare=None, skin_color=(0.35, 0.25, 0.2), **comb):
    """Skin and fur of a body. paint(coat) gives colors (N, 3); bare(points) says where no hair grows."""
    v, quads = skin(blobs, cells)
    under = Coat(blobs, v)
    color = paint(under)
    naked = np.zeros(len(v), bool) if bare is None else bare(v)
    tint = np.where(naked[:, None], np.asarray(skin_color), 0.6 * color)
    studio.mesh("skin", v, quads, studio.material("skin", rough=0.7, attribute="tint"), tint)
    middle = v[quads].mean(1)
    facing = toward_lens(middle, under.normal[quads[:, 0]], lens)
    p, normal = roots(v, quads, under.normal, count, rng, facing + 1e-6)
    coat = Coat(blobs, p, normal)
    points, colors = grow(coat, paint(coat), rng, bare=None if bare is None else bare(p), **comb)
    studio.strands("fur", points, colors, thickness)
    return v, quads


def eye(center, radius, look, iris, rim=(0.02, 0.015, 0.01), pupil=(0.3, 0.62), size=0.86, white=None):
    """A glossy eyeball. look: the direction it faces; pupil: half width and half height as parts of the radius."""
    forward = unit(look)
    side = unit(np.cross(forward, [0, 0, 1]))
    axes = np.stack([side, forward, np.cross(side, forward)], 1)

    def paint(d):
        x, z, front = d[:, 0], d[:, 2], d[:, 1] > 0
        r = np.hypot(x, z)
        rays = 1 + 0.25 * noise(np.stack([np.arctan2(z, x) * 3, r * 2, 0 * r], -1), 4, 2)
        color = np.asarray(iris) * (rays * (1.15 - 0.5 * ramp(r, 0.3, size)))[:, None]
        outer = rim if white is None else white
        color = mix(color, outer, ramp(r, size - 0.06, size + 0.04))
        hole = (x / pupil[0]) ** 2 + (z / pupil[1]) ** 2
        color = mix((0.004, 0.004, 0.004), color, ramp(hole, 0.85, 1.15))
        return np.where(front[:, None], color, rim)

    wet = studio.material("eye", rough=0.04, attribute="tint", Coat_Weight=1.0, Coat_Roughness=0.02)
    studio.sphere("eye", center, radius, wet, paint, axes=axes)


def solid(name, blobs, mat, cells=40):
    """A smooth thing of one material, such as a nose."""
    v, quads = skin(blobs, cells)
    return studio.mesh(name, v, quads, mat)


def whiskers(frame, rng, color=(0.9, 0.9, 0.88), reach=0.95, pad=(0.14, -0.53, -0.2), count=6, thickness=0.003):
    points = []
    for side in (-1, 1):
        for i in range(count):
            root = np.array([side * (pad[0] + 0.05 * rng.random()), pad[1] + 0.06 * rng.random(), pad[2] + 0.09 * (i / count - 0.5)])
            a = np.radians(-28 + 46 * i / count + rng.normal(0, 5))
            out = np.array([side * np.cos(a), -0.25 + 0.35 * rng.random(), np.sin(a)])
            s = np.linspace(0, 1, 9)[:, None]
            length = reach * rng.uniform(0.7, 1.1)
            points.append(frame.out(root + length * s * out + length * s * s * np.array([0, 0.12, -0.16])))
    points = np.array(points)
    studio.strands("whiskers", points, np.broadcast_to(color, points.shape), thickness, tip=0.1)


def grass(lens, rng, *, area=((-5, 5), (-4, 9)), count=26000, height=0.5, keep_out=None, colors=((0.10, 0.22, 0.03), (0.28, 0.38, 0.08)), z=0.0, width=0.02):
    """A meadow of blades, thinner with distance."""
    (x0, x1), (y0, y1) = area
    xy = np.stack([rng.uniform(x0, x1, count), y0 + (y1 - y0) * rng.random(count) ** 1.4], -1)
    root = np.concatenate([xy, np.full((count, 1), z)], 1)
    tall = height * rng.uniform(0.4, 1.1, count) * (1 + 0.4 * noise(root, 0.8, 2, 3))
    if keep_out is not None:
        tall = tall * np.where(keep_out(xy), 0.3, 1)
    lean = rng.normal(0, 0.35, (count, 3))
    lean[:, 2] = 0
    s = np.linspace(0, 1, 5)[None, :, None]
    points = root[:, None] + tall[:, None, None] * (s * np.array([0, 0, 1.0]) + s * s * lean[:, None])
    mood = np.clip(0.5 + 0.5 * noise(root, 0.5, 3, 7) + rng.normal(0, 0.25, count), 0, 1)
    tint = mix(colors[0], colors[1], mood)
    shades = tint[:, None] * (0.5 + 0.6 * s)
    studio.strands("grass", points, shades, width, tip=0.1)


def lawn_ground(color=(0.08, 0.12, 0.03)):
    studio.plane("soil", 60, studio.textured("soil", tuple(0.6 * np.array(color)), color, 3.0))


def room(wall=(0.75, 0.68, 0.58), wood=((0.36, 0.19, 0.09), (0.45, 0.25, 0.12)), depth=5.0):
    """A floor of boards, a wall and a skirting board, in soft light."""
    studio.plane("floor", 60, studio.planks("floor", wood))
    studio.box("wall", (0, depth, 5), (60, 0.2, 20), studio.textured("wall", tuple(0.95 * np.array(wall)), wall, 0.6, rough=0.9), bevel=0)
    studio.box("skirting", (0, depth - 0.15, 0.35), (60, 0.12, 0.7), studio.material("skirting", (0.8, 0.78, 0.74), 0.5), bevel=0.02)
    studio.ambient((0.7, 0.72, 0.78), 0.45)


def sofa(color, wall=(0.7, 0.66, 0.6)):
    """Seat, back and cushions of woven cloth; the seat's top is at z = 0."""
    cloth = studio.textured("cloth", tuple(0.8 * np.array(color)), color, 90, bump=0.35, rough=0.95)
    for x in (-3.2, 0.0, 3.2):
        studio.box("seat", (x, 1.0, -0.6), (3.15, 6.0, 1.2), cloth, 0.3)
        studio.box("back", (x, 3.9, 1.2), (3.15, 1.2, 3.4), cloth, 0.4)
    pillow = studio.textured("pillow", (0.6, 0.5, 0.32), (0.7, 0.6, 0.4), 60, bump=0.3, rough=0.9)
    thing = studio.box("pillow", (-2.6, 2.7, 1.0), (2.2, 0.7, 2.0), pillow, 0.32)
    thing.rotation_euler = (-0.25, 0.2, 0.2)
    studio.box("wall", (0, 7, 5), (60, 0.2, 20), studio.material("wall", wall, 0.9), bevel=0)
