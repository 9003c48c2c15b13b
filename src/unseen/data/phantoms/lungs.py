"""Lungs of a phantom: outline, depth along the beam, diaphragm below and mediastinum between them."""

from dataclasses import dataclass

import numpy as np

from unseen.data.phantoms.build import Build
from unseen.data.phantoms.geometry import Grid, Map, Mask, ellipsoid, half_chord, smooth_maximum


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lungs:
    """Shape of the thoracic cavity on the film's grid; maps (size, size), profiles (size, 1), lengths in cm."""

    outer: Map
    """Half the cavity's width at each row."""
    depth: Map
    """Half the cavity's depth at each row."""
    cavity: Map
    """Path length through the whole cavity, mediastinum included."""
    path: Map
    """Path length through aerated lung."""
    heart: Map
    """Path length through heart and mediastinum."""
    dome: Map
    """`y` of the diaphragm's silhouette at each pixel's `x`."""
    field: Mask
    """The lung fields as a reader outlines them: clear of mediastinum and above the diaphragm."""


def cavity_profile(build: Build, y: Map) -> tuple[Map, Map]:
    """Return the half width and half depth (cm) of the thoracic cavity at heights `y` (any shape).

    Both are zero above the apices.
    """
    t = np.maximum(y, 0.0) / build.lung_height
    apex = 4.3 * build.scale
    rise = np.clip(1.0 - t / 0.74, 0.0, 1.0)
    width = apex + (build.lung_width - apex) * (1.0 - rise**2.3) ** 0.66
    width = width * (1.0 - 0.05 * np.clip((t - 0.74) / 0.26, 0.0, 1.6) ** 2)
    depth = build.lung_depth * (1.0 - np.clip(1.0 - t / 0.52, 0.0, 1.0) ** 2) ** 0.62
    above = y < 0.0
    return np.where(above, 1e-3, width).astype(np.float32), np.where(above, 0.0, depth).astype(np.float32)


def dome_height(build: Build, x: Map, outer: Map) -> Map:
    """`y` (cm) of the diaphragm's silhouette: a dome on either side, the right one higher."""
    left = np.clip(0.5 + x * np.float32(0.2), 0.0, 1.0)
    top = np.float32(build.lung_height - build.dome) + np.float32(build.dome_gap) * left * left * (3.0 - 2.0 * left)
    along = np.minimum(np.abs(x) / outer, 1.05)
    lateral = np.maximum(along - 0.5, 0.0) / 0.5
    medial = np.maximum(0.5 - along, 0.0) / 0.5
    lateral2, drop = lateral * lateral, np.float32(build.dome)
    sides = drop * (0.42 * lateral2 + 0.58 * lateral2 * lateral2 * lateral2)
    return np.asarray(top + sides + np.float32(1.3) * medial * medial, np.float32)


def mediastinum(build: Build, grid: Grid) -> Map:
    """Return the path length (cm) through heart, great vessels and the tissue between the lungs."""
    s, y = build.scale, grid.y
    bottom = build.lung_height - build.dome + build.dome_gap
    shift = 0.5 * build.rotation
    carina = 0.36 * build.lung_height
    # The tissue between the lungs, wider at the thoracic inlet and at the roots of the great vessels.
    half = s * (2.7 + 0.4 * np.exp(-(((y - carina) / 3.5) ** 2)) + 1.3 * np.clip(0.5 - y / 5.0, 0.0, 1.5) ** 2)
    centre = 0.25 * s + 0.4 * shift
    across = ((grid.x - np.float32(centre)) / half) ** 2
    inlet = np.clip(1.0 - y / 6.0, 0.0, 1.0)
    base = np.clip((y - 0.55 * build.lung_height) / 6.0, 0.0, 1.0)
    column = s * (11.0 + 1.8 * inlet + 1.5 * base) * np.maximum(1.0 - across, 0.0) ** 0.75
    long_axis, short_axis = build.heart, 0.66 * build.heart
    ventricles = ellipsoid(
        grid,
        x=build.heart_x + shift,
        y=bottom - 0.50 * build.heart * np.sin(build.heart_angle) - 0.34 * short_axis,
        width=long_axis,
        height=short_axis,
        depth=0.82 * build.heart,
        angle=build.heart_angle,
    )
    atrium = ellipsoid(
        grid, x=-1.3 * s + shift, y=bottom - 4.4 * s, width=2.9 * s, height=5.2 * s, depth=5.0 * s, angle=0.06
    )
    trunk = ellipsoid(
        grid, x=1.7 * s + shift, y=carina + 3.0 * s, width=2.7 * s, height=5.0 * s, depth=4.4 * s, angle=-0.25
    )
    arch = ellipsoid(
        grid, x=2.0 * s + 0.4 * shift, y=carina - 2.2 * s, width=build.knob, height=1.1 * build.knob, depth=3.2 * s
    )
    cava = ellipsoid(
        grid, x=-1.6 * s + shift, y=carina - 1.0, width=1.75 * s, height=6.5 * s, depth=2.0 * s, angle=0.03
    )
    soft = smooth_maximum(ventricles, atrium, width=1.0)
    soft = smooth_maximum(soft, trunk, width=1.0)
    soft = np.maximum(soft, np.maximum(arch, cava))
    return smooth_maximum(soft, column, width=0.8)


def grow_lungs(build: Build, grid: Grid) -> Lungs:
    """Return the lungs of one patient on a film's grid."""
    outer, depth = cavity_profile(build, grid.y)
    across = (grid.x / outer) ** 2
    cavity = 2.0 * depth * np.sqrt(np.maximum(1.0 - across * np.sqrt(across), 0.0))
    heart = mediastinum(build, grid)
    dome = dome_height(build, grid.x, outer)
    below = (grid.y - dome) / np.float32(3.6)
    # Below the silhouette only the recess behind the dome still holds lung.
    recess = np.clip((np.abs(grid.x) - np.float32(1.5)) * np.float32(0.17), 0.0, 1.0)
    solid = half_chord(below) * (1.0 - recess * (0.04 + 0.20 * np.exp(-np.maximum(below, 0.0))))
    recess_end = np.clip((build.lung_height + 1.5 - grid.y) / 1.5, 0.0, 1.0)
    path = np.maximum(cavity * (1.0 - solid) * recess_end - heart, 0.0)
    # Apices stand apart: their medial walls curve away from the midline.
    medial = (2.3 + 2.0 * np.clip(1.0 - grid.y / 3.2, 0.0, 1.0) ** 2.2) * build.scale
    apart = half_chord((np.abs(grid.x) - medial) / np.float32(0.8))
    path *= np.maximum(apart, np.clip((grid.y - 1.5) / 4.0, 0.0, 1.0))
    edge = 0.45 * heart < 0.05 * cavity + 0.3
    field = (grid.y < dome) & edge & (cavity > 0.8) & (path > 0.5)
    return Lungs(outer=outer, depth=depth, cavity=cavity, path=path, heart=heart, dome=dome, field=field)
