"""Branching tubes: the pulmonary vessels, and the bronchi that an air bronchogram shows.

A tree is grown generation by generation, every branch splitting in two whose radii obey Murray's law
`r³ = r₁³ + r₂³` (Murray 1926, PNAS 12:207), and drawn by spreading each branch's cross-section along its axis.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from unseen.data.phantoms.build import Build
from unseen.data.phantoms.geometry import Grid, Map

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
    """Return the path length (cm) through a tree's branches, (size, size): cross-section `πr²` spread over `σ ≈
    r/2`.
    """
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
    """Return arteries and veins of both lungs, larger downwards, as in a standing patient."""
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
