"""The lungs of a phantom, with vessels and bronchi.

Lungs: their outline, their depth along the beam, the diaphragm below and the mediastinum between them.

Branching tubes: the pulmonary vessels, and the bronchi that an air bronchogram shows.

A tree is grown generation by generation, every branch splitting in two whose radii obey Murray's law
`r³ = r₁³ + r₂³` (Murray 1926, PNAS 12:207), and drawn by spreading each branch's cross-section along its axis.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from unseen.data.phantoms.geometry import Build, Grid, Map, Mask, ellipsoid, half_chord, smooth_maximum


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
    """Half width and half depth (cm) of the thoracic cavity at heights `y` (any shape); zero above the apices."""
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
    """Path length (cm) through heart, great vessels and the tissue between the lungs."""
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
    """The lungs of one patient on a film's grid."""
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


Branches = NDArray[np.float32]
"""(branches, 6): x0, y0, x1, y1, r0, r1 in cm."""


def grow_tree(
    rng: np.random.Generator, roots: NDArray[np.float64], *, generations: int, length: float, spread: float = 0.38
) -> Branches:
    """Grow a tree from `roots` (n, 4): x, y (cm), direction (radians, 0 to the left of the patient), radius (cm)."""
    x, y, angle, radius = (roots[:, k].copy() for k in range(4))
    found: list[NDArray[np.float64]] = []
    for generation in range(generations):
        reach = length * 0.86**generation * rng.uniform(0.55, 1.35, x.shape)
        # Two pieces a branch, bent against each other, so that no branch is a ruled line.
        for _ in range(2):
            angle = angle + rng.normal(0.0, 0.13, x.shape)
            x1, y1 = x + 0.5 * reach * np.cos(angle), y + 0.5 * reach * np.sin(angle)
            end = radius * 0.95
            found.append(np.stack([x, y, x1, y1, radius, end], axis=1))
            x, y, radius = x1, y1, end
        share = rng.uniform(0.25, 0.75, x.shape)
        turn = rng.uniform(0.6, 1.4, x.shape) * spread
        x, y = np.concatenate([x, x]), np.concatenate([y, y])
        angle = np.concatenate([angle + 2.0 * turn * (1.0 - share), angle - 2.0 * turn * share])
        radius = np.concatenate([radius * share ** (1 / 3), radius * (1.0 - share) ** (1 / 3)])
    return np.concatenate(found).astype(np.float32)


def draw_tree(branches: Branches, grid: Grid) -> Map:
    """Path length (cm) through a tree's branches, (size, size): cross-section `πr²` spread over `σ ≈ r/2`."""
    pixel = grid.pixel_cm
    out = np.zeros((grid.size, grid.size), np.float32)
    levels = (0.10, 0.24)
    mean_radius = 0.5 * (branches[:, 4] + branches[:, 5])
    group = np.digitize(mean_radius, levels)
    for level, sigma in enumerate((0.035, 0.075, 0.17)):
        some = branches[group == level]
        if some.size == 0:
            continue
        length = np.hypot(some[:, 2] - some[:, 0], some[:, 3] - some[:, 1])
        count = np.maximum(1, np.ceil(length / (0.7 * pixel)).astype(np.int64))
        which = np.repeat(np.arange(len(some)), count)
        first = np.repeat(np.cumsum(count) - count, count)
        f = ((np.arange(len(which)) - first + 0.5) / count[which]).astype(np.float32)
        branch = some[which]
        row, column = grid.pixel_of(
            branch[:, 0] + f * (branch[:, 2] - branch[:, 0]), branch[:, 1] + f * (branch[:, 3] - branch[:, 1])
        )
        radius = branch[:, 4] + f * (branch[:, 5] - branch[:, 4])
        volume = np.float32(np.pi) * radius**2 * (length / count)[which]
        layer = _splat(row, column, volume / np.float32(pixel * pixel), grid.size)
        blur = sigma / pixel
        out += gaussian_filter(layer, blur, truncate=2.5) if blur > 0.3 else layer
    return out


def _splat(row: Map, column: Map, weight: Map, size: int) -> Map:
    """Sum of `weight` at fractional pixels, each shared among its four neighbours, (size, size)."""
    inside = (row > 0.0) & (row < size - 1.0) & (column > 0.0) & (column < size - 1.0)
    row, column, weight = row[inside], column[inside], weight[inside]
    r, c = row.astype(np.int64), column.astype(np.int64)
    fr, fc = row - r, column - c
    flat = r * size + c
    places = np.concatenate([flat, flat + 1, flat + size, flat + size + 1])
    weights = np.concatenate(
        [weight * (1 - fr) * (1 - fc), weight * (1 - fr) * fc, weight * fr * (1 - fc), weight * fr * fc]
    )
    return np.bincount(places, weights, size * size).astype(np.float32).reshape(size, size)


def hilum(build: Build, side: float) -> tuple[float, float]:
    """(x, y) in cm of a lung's root; the left (side 1) stands about a centimetre higher."""
    s = build.scale
    height = 0.36 * build.lung_height + (2.4 if side > 0.0 else 3.3) * s
    return side * 3.3 * s + 0.25 * build.rotation, height


def pulmonary_vessels(build: Build, rng: np.random.Generator) -> Branches:
    """Arteries and veins of both lungs: larger downwards, as in a standing patient."""
    s = build.scale
    trees: list[Branches] = []
    for side in (-1.0, 1.0):
        x, y = hilum(build, side)
        directions = np.array([-1.35, -0.95, -0.55, -0.12, 0.30, 0.66, 0.98, 1.28, 1.5])
        directions = directions + rng.normal(0.0, 0.09, directions.shape)
        radii = np.array([0.27, 0.33, 0.30, 0.26, 0.32, 0.38, 0.42, 0.38, 0.28]) * s * rng.uniform(0.85, 1.15, 9)
        roots = np.stack(
            [
                x + rng.normal(0.0, 0.35, 9),
                y + 0.9 * s * np.sin(directions) + rng.normal(0.0, 0.25, 9),
                directions if side > 0.0 else np.pi - directions,
                radii,
            ],
            axis=1,
        )
        trees.append(grow_tree(rng, roots, generations=6, length=3.3 * s))
        # The descending (interlobar) artery and the trunk above it: the hilar shadow itself.
        down = 1.25 if side > 0.0 else np.pi - 1.25
        main = np.array(
            [[x - side * 0.5, y - 0.9 * s, down, 0.62 * s], [x - side * 0.9, y - 0.2, down - side * 1.1, 0.55 * s]]
        )
        trees.append(grow_tree(rng, main, generations=2, length=2.6 * s, spread=0.3))
    return np.concatenate(trees)
