"""Body outline of a phantom: torso, neck, shoulders, arms and breasts, as path length through tissue (cm)."""

import numpy as np

from unseen.data.phantoms.build import Build
from unseen.data.phantoms.geometry import Grid, Map, add_rod, ellipsoid, smooth_maximum


def torso_profile(build: Build, y: Map) -> tuple[Map, Map]:
    """Return the half width and half depth (cm) of neck, shoulders and trunk at heights `y`, (size, 1)."""
    s, flank = build.scale, build.lung_width + 1.1 + 0.9 * build.fat
    heights = np.array([-14, -7.5, -5.5, -3.5, -1.2, 1.5, 4.5, 7.5, 10, 12.5, 16, 22, 40], np.float32) * s
    shoulder = build.shoulder
    neck = 5.6 * s + 0.4 * build.fat
    widths = np.array(
        [neck, neck, neck + 0.9, 0.5 * (neck + shoulder) - 1.5, shoulder - 2.2, shoulder, shoulder - 0.6,
         0.6 * shoulder + 0.4 * flank, flank + 0.9, flank + 0.2, flank, flank - 0.1, flank + 0.3],
        np.float32,
    )  # fmt: skip
    wall = build.lung_depth + 1.2 + 0.5 * build.fat
    depths = np.array([5.6, 5.8, 6.2, 7.0, 7.9, 8.7, 9.3, 0.97 * wall, wall, wall, wall, wall, 1.03 * wall], np.float32)
    fine = np.linspace(-14.0 * s, 40.0 * s, 271)
    kernel = np.hanning(15)
    kernel /= kernel.sum()
    pad = (7, 7)

    def at(values: Map) -> Map:
        smooth = np.convolve(np.pad(np.interp(fine, heights, values), pad, mode="edge"), kernel, mode="valid")
        return np.interp(y, fine, smooth).astype(np.float32)

    return at(widths), at(depths)


def body_path(build: Build, grid: Grid) -> Map:
    """Return the path length (cm) through everything inside the skin, lungs included.

    It is zero in the air round the patient.
    """
    width, depth = torso_profile(build, grid.y)
    across = (grid.x / width) ** 2
    body = 2.0 * depth * np.sqrt(np.maximum(1.0 - across * across * across, 0.0))
    arms = np.zeros_like(body)
    for side in (-1.0, 1.0):
        top = (side * (build.shoulder - 3.6), 3.6)
        elbow = (side * (build.shoulder - 1.5 + build.arm_out), 25.0)
        add_rod(arms, grid, top, elbow, radius=3.9 + 0.3 * build.fat, end_radius=3.2 + 0.3 * build.fat)
    body = smooth_maximum(body, arms, width=1.2)
    if build.breast > 0.0:
        body += breasts(build, grid)
    return body


def breasts(build: Build, grid: Grid) -> Map:
    """Return the path length (cm) through the breasts: a sharp lower edge, fading upwards into the chest wall."""
    out = np.zeros((grid.size, grid.size), np.float32)
    low = 0.70 * build.lung_height
    radius = (5.2 + 0.55 * build.breast) * build.scale
    for side in (-1.0, 1.0):
        x = side * (0.60 * build.lung_width + 0.15 * radius) + build.rotation
        lower = ellipsoid(grid, x=x, y=low, width=radius, height=0.78 * radius, depth=0.5 * build.breast)
        upper = ellipsoid(grid, x=x, y=low, width=radius, height=1.5 * radius, depth=0.5 * build.breast)
        out += np.where(grid.y > low, lower, upper * upper / np.float32(max(build.breast, 1e-3)))
    return out
