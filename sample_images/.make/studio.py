"""Everything that touches Blender: objects from arrays, materials, light, camera, and the finished file."""

import io
import math

import bpy
import numpy as np
from mathutils import Vector
from PIL import Image

from shape import grid_quads, noise

QUALITY = {"samples": 12, "scale": 1.0, "threads": 1}


def reset():
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.threads_mode, scene.render.threads = "FIXED", QUALITY["threads"]
    scene.cycles.device = "CPU"
    scene.cycles.max_bounces, scene.cycles.transparent_max_bounces = 3, 8
    scene.cycles.diffuse_bounces = 1
    scene.cycles.sample_clamp_indirect = 3
    scene.cycles.use_denoising = True
    scene.cycles.use_adaptive_sampling, scene.cycles.adaptive_threshold = True, 0.05
    scene.cycles.caustics_reflective = scene.cycles.caustics_refractive = False
    scene.cycles_curves.shape = "RIBBONS"
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"
    return scene


def material(name, color=(0.5, 0.5, 0.5), rough=0.5, attribute=None, **inputs):
    """A Principled material; `attribute` names a color attribute to use instead of `color`."""
    m = bpy.data.materials.new(name)
    m.use_nodes = True
    tree = m.node_tree
    shader = tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*color, 1)
    shader.inputs["Roughness"].default_value = rough
    for key, value in inputs.items():
        shader.inputs[key.replace("_", " ")].default_value = value
    if attribute:
        node = tree.nodes.new("ShaderNodeAttribute")
        node.attribute_name = attribute
        tree.links.new(node.outputs["Color"], shader.inputs["Base Color"])
    return m


def textured(name, low, high, scale=5.0, kind="NOISE", rough=0.6, bump=0.0, detail=4.0, stretch=(1, 1, 1), **inputs):
    """A Principled material that wanders between two colors by a procedural texture in object space."""
    m = material(name, rough=rough, **inputs)
    tree, shader = m.node_tree, m.node_tree.nodes["Principled BSDF"]
    where = tree.nodes.new("ShaderNodeTexCoord")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = stretch
    tree.links.new(where.outputs["Object"], mapping.inputs["Vector"])
    texture = tree.nodes.new({"NOISE": "ShaderNodeTexNoise", "VORONOI": "ShaderNodeTexVoronoi", "WAVE": "ShaderNodeTexWave"}[kind])
    texture.inputs["Scale"].default_value = scale
    if kind != "VORONOI":
        texture.inputs["Detail"].default_value = detail
    if kind == "WAVE":
        texture.inputs["Distortion"].default_value = 6
    tree.links.new(mapping.outputs[0], texture.inputs["Vector"])
    value = texture.outputs["Distance" if kind == "VORONOI" else "Fac"]
    blend = tree.nodes.new("ShaderNodeValToRGB")
    blend.color_ramp.elements[0].position, blend.color_ramp.elements[1].position = 0.3, 0.7
    blend.color_ramp.elements[0].color, blend.color_ramp.elements[1].color = (*low, 1), (*high, 1)
    tree.links.new(value, blend.inputs[0])
    tree.links.new(blend.outputs[0], shader.inputs["Base Color"])
    if bump:
        node = tree.nodes.new("ShaderNodeBump")
        node.inputs["Strength"].default_value = bump
        tree.links.new(value, node.inputs["Height"])
        tree.links.new(node.outputs[0], shader.inputs["Normal"])
    return m


def bumpy(m, scale, strength, depth=0.05, kind="NOISE"):
    """Roughens a material's surface with a procedural texture in object space."""
    tree = m.node_tree
    where, bump = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeBump")
    texture = tree.nodes.new({"NOISE": "ShaderNodeTexNoise", "VORONOI": "ShaderNodeTexVoronoi"}[kind])
    texture.inputs["Scale"].default_value = scale
    if kind == "NOISE":
        texture.inputs["Detail"].default_value = 9
    bump.inputs["Strength"].default_value, bump.inputs["Distance"].default_value = strength, depth
    tree.links.new(where.outputs["Object"], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Fac" if kind == "NOISE" else "Distance"], bump.inputs["Height"])
    tree.links.new(bump.outputs[0], tree.nodes["Principled BSDF"].inputs["Normal"])
    return m


def planks(name, colors, width=0.9, length=6.0, rough=0.35):
    """Wooden boards: a brick pattern with grain."""
    m = material(name, rough=rough)
    tree, shader = m.node_tree, m.node_tree.nodes["Principled BSDF"]
    where = tree.nodes.new("ShaderNodeTexCoord")
    bricks = tree.nodes.new("ShaderNodeTexBrick")
    for key, value in {"Scale": 1.0, "Mortar Size": 0.012, "Brick Width": length, "Row Height": width}.items():
        bricks.inputs[key].default_value = value
    bricks.inputs["Color1"].default_value, bricks.inputs["Color2"].default_value = (*colors[0], 1), (*colors[1], 1)
    bricks.inputs["Mortar"].default_value = (*(0.25 * np.array(colors[0])), 1)
    tree.links.new(where.outputs["Object"], bricks.inputs["Vector"])
    grain = tree.nodes.new("ShaderNodeTexNoise")
    mapping = tree.nodes.new("ShaderNodeMapping")
    mapping.inputs["Scale"].default_value = (1.0, 14.0, 1.0)
    grain.inputs["Scale"].default_value, grain.inputs["Detail"].default_value = 1.2, 6
    tree.links.new(where.outputs["Object"], mapping.inputs["Vector"])
    tree.links.new(mapping.outputs[0], grain.inputs["Vector"])
    darken = tree.nodes.new("ShaderNodeMix")
    darken.data_type, darken.blend_type = "RGBA", "OVERLAY"
    darken.inputs[0].default_value = 0.55
    tree.links.new(bricks.outputs["Color"], darken.inputs[6])
    tree.links.new(grain.outputs["Color"], darken.inputs[7])
    tree.links.new(darken.outputs[2], shader.inputs["Base Color"])
    return m


def mesh(name, v, faces, mat, colors=None, smooth=True, at=(0, 0, 0)):
    data = bpy.data.meshes.new(name)
    data.from_pydata(np.asarray(v, float).tolist(), [], [list(map(int, f)) for f in faces])
    if smooth:
        data.polygons.foreach_set("use_smooth", np.ones(len(data.polygons), bool))
    if colors is not None:
        layer = data.color_attributes.new("tint", "FLOAT_COLOR", "POINT")
        rgba = np.ones((len(v), 4), np.float32)
        rgba[:, :3] = colors
        layer.data.foreach_set("color", rgba.ravel())
    data.materials.append(mat)
    thing = bpy.data.objects.new(name, data)
    thing.location = at
    bpy.context.collection.objects.link(thing)
    return thing


def strands(name, points, colors, root, tip=0.15, mat=None):
    """Hair: points (N, S, 3), colors (N, S, 3), radius at the root and its fraction left at the tip."""
    count, steps = points.shape[:2]
    data = bpy.data.hair_curves.new(name)
    data.add_curves([steps] * count)
    data.points.foreach_set("position", np.ascontiguousarray(points, np.float32).ravel())
    radius = data.attributes.get("radius") or data.attributes.new("radius", "FLOAT", "POINT")
    taper = 1 - (1 - tip) * np.linspace(0, 1, steps) ** 1.5
    wide = np.broadcast_to(np.asarray(root, float).reshape(-1, 1), (count, 1)) * taper
    radius.data.foreach_set("value", np.ascontiguousarray(wide, np.float32).ravel())
    tint = data.attributes.new("tint", "FLOAT_COLOR", "POINT")
    rgba = np.ones((count, steps, 4), np.float32)
    rgba[..., :3] = colors
    tint.data.foreach_set("color", rgba.ravel())
    data.materials.append(mat or hair_material())
    thing = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(thing)
    return thing


def hair_material(gloss=0.05):
    """Diffuse hair with a little sheen: a fraction of the cost of true fiber scattering, and no noise."""
    m = bpy.data.materials.new("hair")
    m.use_nodes = True
    tree = m.node_tree
    tree.nodes.clear()
    tint = tree.nodes.new("ShaderNodeAttribute")
    tint.attribute_name = "tint"
    body, sheen = tree.nodes.new("ShaderNodeBsdfDiffuse"), tree.nodes.new("ShaderNodeBsdfHair")
    sheen.inputs["RoughnessU"].default_value, sheen.inputs["RoughnessV"].default_value = 0.35, 0.8
    sheen.inputs["Color"].default_value = (0.9, 0.9, 0.9, 1)
    mixed, out = tree.nodes.new("ShaderNodeMixShader"), tree.nodes.new("ShaderNodeOutputMaterial")
    mixed.inputs[0].default_value = gloss
    tree.links.new(tint.outputs["Color"], body.inputs["Color"])
    tree.links.new(body.outputs[0], mixed.inputs[1])
    tree.links.new(sheen.outputs[0], mixed.inputs[2])
    tree.links.new(mixed.outputs[0], out.inputs[0])
    return m


def sphere(name, center, radius, mat, paint=None, rings=48, axes=None):
    """A ball; `paint` maps unit directions (N, 3) to colors; `axes` turns it."""
    t, a = np.meshgrid(np.linspace(0, np.pi, rings), np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False), indexing="ij")
    d = np.stack([np.sin(t) * np.cos(a), np.cos(t), np.sin(t) * np.sin(a)], -1).reshape(-1, 3)
    faces = grid_quads(rings, 2 * rings, wrap=True)
    turned = d if axes is None else d @ np.asarray(axes).T
    return mesh(name, np.asarray(center) + turned * np.asarray(radius), faces, mat, None if paint is None else paint(d))


def box(name, center, size, mat, bevel=0.05):
    """A box with rounded edges."""
    corners = [(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)]
    faces = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    thing = mesh(name, np.array(corners) * np.array(size), faces, mat, at=center)
    if bevel:
        edge = thing.modifiers.new("bevel", "BEVEL")
        edge.width, edge.segments = bevel, 5
    return thing


def plane(name, size, mat, z=0.0, bumps=0.0, cells=2, center=(0, 0)):
    """Level ground, with hills of the given height if asked."""
    x, y = np.meshgrid(np.linspace(-size / 2, size / 2, cells) + center[0], np.linspace(-size / 2, size / 2, cells) + center[1], indexing="ij")
    v = np.stack([x, y, np.full_like(x, z)], -1).reshape(-1, 3)
    if bumps:
        v[:, 2] += bumps * noise(v, 0.35, 3, 9)
    return mesh(name, v, grid_quads(cells, cells), mat)


def backdrop(colors, distance=14.0, scale=0.35, strength=0.8, height=16.0, seed=0.0, level=0.0, toward=(0, 1)):
    """A far wall of blotches of color: what trees, hedges or rooms turn into behind a shallow depth of field."""
    m = bpy.data.materials.new("backdrop")
    m.use_nodes = True
    tree = m.node_tree
    tree.nodes.clear()
    where, texture = tree.nodes.new("ShaderNodeTexCoord"), tree.nodes.new("ShaderNodeTexNoise")
    texture.noise_dimensions = "4D"
    texture.inputs["W"].default_value = seed
    texture.inputs["Scale"].default_value, texture.inputs["Detail"].default_value = scale, 5
    blend = tree.nodes.new("ShaderNodeValToRGB")
    stops = blend.color_ramp.elements
    while len(stops) < len(colors):
        stops.new(0.5)
    for i, (stop, color) in enumerate(zip(stops, colors)):
        stop.position = 0.33 + 0.34 * i / max(1, len(colors) - 1)
        stop.color = (*color, 1)
    glow, out = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    glow.inputs["Strength"].default_value = strength
    tree.links.new(where.outputs["Object"], texture.inputs["Vector"])
    tree.links.new(texture.outputs["Fac"], blend.inputs[0])
    tree.links.new(blend.outputs[0], glow.inputs["Color"])
    tree.links.new(glow.outputs[0], out.inputs[0])
    forward = np.array([*toward, 0.0]) / np.linalg.norm(toward)
    side = np.array([forward[1], -forward[0], 0])
    a = np.linspace(-1.1, 1.1, 24)
    ring = distance * (np.sin(a)[:, None] * side + np.cos(a)[:, None] * forward)
    v = np.concatenate([ring + [0, 0, level], ring + [0, 0, level + height]])
    thing = mesh("backdrop", v, grid_quads(2, 24), m)
    thing.visible_shadow = False
    return thing


def sky(elevation=35.0, rotation=0.0, strength=0.25, haze=1.0):
    """Physical daylight: sun and sky together. Rotation 0 puts the sun behind +y; angles in degrees."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    node = tree.nodes.new("ShaderNodeTexSky")
    node.sky_type = "NISHITA"
    node.sun_elevation, node.sun_rotation = math.radians(elevation), math.radians(rotation)
    node.dust_density = haze
    node.sun_size = math.radians(2.5)
    tree.links.new(node.outputs[0], tree.nodes["Background"].inputs["Color"])
    tree.nodes["Background"].inputs["Strength"].default_value = 0.5 * strength


def ambient(color=(0.5, 0.55, 0.6), strength=0.6):
    """Even light from everywhere: a room or an overcast sky."""
    world = bpy.data.worlds.new("ambient")
    bpy.context.scene.world = world
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs["Color"].default_value = (*color, 1)
    world.node_tree.nodes["Background"].inputs["Strength"].default_value = strength


def lamp(location, target, energy, size=2.0, color=(1, 1, 1)):
    """A soft rectangular light, such as a window."""
    data = bpy.data.lights.new("lamp", "AREA")
    data.energy, data.size, data.color = energy, size, color
    thing = bpy.data.objects.new("lamp", data)
    thing.location = location
    thing.rotation_euler = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(thing)


def camera(location, target, lens=50.0, size=(640, 480), fstop=None, focus=None, roll=0.0):
    """Looks from location at target. `fstop` blurs what is not at `focus` (the target by default); scene units."""
    data = bpy.data.cameras.new("camera")
    data.lens, data.clip_end = lens, 5000
    thing = bpy.data.objects.new("camera", data)
    thing.location = location
    look = (Vector(target) - Vector(location)).to_track_quat("-Z", "Y").to_euler()
    thing.rotation_euler = look
    thing.rotation_euler.rotate_axis("Z", math.radians(roll))
    bpy.context.collection.objects.link(thing)
    if fstop:
        data.dof.use_dof = True
        data.dof.focus_distance = (Vector(focus if focus is not None else target) - Vector(location)).length
        data.dof.aperture_fstop = fstop
    scene = bpy.context.scene
    scene.camera = thing
    scene.render.resolution_x, scene.render.resolution_y = size
    scene.render.resolution_percentage = int(100 * QUALITY["scale"])


def shoot(path, exposure=0.0, warmth=0.0, quality=86, turned=None):
    """Render and save by the path's suffix. `turned` is an EXIF orientation: pixels are stored so that it undoes them."""
    scene = bpy.context.scene
    scene.cycles.samples = QUALITY["samples"]
    scene.view_settings.exposure = exposure
    scene.render.image_settings.file_format = "PNG"
    raw = path.with_name("." + path.stem + ".raw.png")
    scene.render.filepath = str(raw)
    path.parent.mkdir(parents=True, exist_ok=True)
    bpy.ops.render.render(write_still=True)
    image = Image.open(io.BytesIO(raw.read_bytes())).convert("RGB")
    raw.unlink()
    if warmth:
        tint = np.array([1 + warmth, 1.0, 1 - warmth])
        image = Image.fromarray(np.clip(np.asarray(image) * tint, 0, 255).astype(np.uint8))
    save(image, path, quality, turned)


# The transposition to store for each orientation, so that a reader that applies the tag sees it upright.
STORED = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}


def save(image, path, quality=86, turned=None):
    options = {".jpg": {"quality": quality, "optimize": True}, ".webp": {"quality": quality, "method": 6}, ".png": {"optimize": True}}[path.suffix]
    if turned:
        image = image.transpose(STORED[turned])
        exif = Image.Exif()
        exif[0x0112] = turned
        options["exif"] = exif
    image.save(path, **options)
