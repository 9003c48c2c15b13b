"""Bones of a phantom: ribs, spine, clavicles, scapulae and humeri.

They are extra attenuation over soft tissue (no unit: ∫Δμ dl).
"""

import numpy as np

from unseen.data.phantoms.attenuation import CORTICAL_BONE, SOFT, TRABECULAR_BONE
from unseen.data.phantoms.build import Build
from unseen.data.phantoms.geometry import Grid, Map, add_bent_rod, add_rod
from unseen.data.phantoms.lungs import cavity_profile

RIBS = 11


def add_ribs(out: Map, build: Build, grid: Grid, rng: np.random.Generator) -> None:
    """Add the ribs: each a tube round a tilted ellipse, which the beam projects onto an upright ellipse.

    A rib's ring has half width `a` and drops by `2b` from back to front, so its axis projects to
    `(x/a)² + ((y − c)/b)² = 1`: the upper half is the posterior arc, the lower one the anterior. The distance from
    it is `|F|/|∇F|` to first order. Towards the chest wall the tube runs along the beam and its path grows
    by `1/cos` of that angle. Front ends stop at the costal cartilage.
    """
    spacing = build.lung_height * 0.86 / RIBS
    shell, core = build.bone * (CORTICAL_BONE - SOFT), build.bone * (TRABECULAR_BONE - SOFT)
    for number in range(RIBS + 1):
        start = -0.9 * build.scale + spacing * number * (1.0 + 0.012 * number) + rng.normal(0.0, 0.1)
        drop = build.rib_drop * min(1.0, 0.55 + 0.13 * number) * (1.0 if number < 8 else 1.0 - 0.06 * (number - 7))
        b = 0.5 * drop
        c = start + b
        width, _ = cavity_profile(build, np.array([c + 0.6], np.float32))
        a = float(width[0]) + 0.1
        weight = 1.0 if number == 0 else 1.8
        radius = build.rib_radius * (1.1 if number == 0 else 1.0) * (1.0 - 0.02 * number)
        sag = 0.05 + 0.004 * number
        rows = grid.rows(c - b - radius, c + b + radius + sag * a)
        if rows.stop <= rows.start:
            continue
        columns = grid.columns(-a - 1.0 - abs(build.rotation), a + 1.0 + abs(build.rotation))
        straight = grid.x[rows, columns]
        v = (grid.y[rows] - np.float32(c) - np.float32(sag) * np.abs(straight)) * np.float32(1.0 / b)
        x = straight - np.float32(build.rotation) * v
        u = x * np.float32(1.0 / a)
        u2, v2 = u * u, v * v
        slope2 = np.float32(4.0 / a**2) * u2 + np.float32(4.0 / b**2) * v2
        distance2 = (u2 + v2 - 1.0) ** 2 / (slope2 + np.float32(1e-6))
        # A rib is taller than thick: seen edge-on at the chest wall it is narrow.
        flat = 1.0 - 0.6 * np.minimum(u2 * u2, 1.0)
        outer = np.maximum(np.float32(radius**2) * flat - distance2, 0.0)
        inner = np.maximum(np.float32((0.68 * radius) ** 2) * flat - distance2, 0.0)
        # z = depth·v along the ring: dz against the film-plane step grows where |u| → 1.
        tilt = np.float32((1.15 * build.lung_depth) ** 2) * u2 / (np.float32(a**2) * v2 + np.float32(b**2) * u2 + 1e-3)
        longer = np.sqrt(1.0 + np.minimum(tilt, 1.6))
        path = longer * (
            np.float32(weight * shell) * np.sqrt(outer) + np.float32(weight * (core - shell)) * np.sqrt(inner)
        )
        # From the transverse process to the cartilage; the lowest ribs float.
        front = np.float32(0.50 + 0.03 * max(0, number - 3) if number > 0 else 0.60)
        keep = np.where(v < 0.0, np.abs(x) > 1.7 * build.scale, np.abs(u) > front + 0.02 * v)
        fade = np.where(v < 0.0, 1.0, np.clip((np.abs(u) - front) * 5.0 + 0.25, 0.0, 0.6 if number < 9 else 0.2))
        out[rows, columns] += path * keep * fade.astype(np.float32)


def add_spine(out: Map, build: Build, grid: Grid, rng: np.random.Generator) -> None:
    """Add the vertebrae: bodies with end plates, discs between, pedicles, spinous processes, transverse processes."""
    s = build.scale
    pitch = 2.05 * s * (1.0 + 0.012 * (grid.y - 5.0))
    phase = ((grid.y + float(rng.uniform(0.0, 2.0))) / pitch).astype(np.float32)  # (size, 1)
    within = np.abs(phase - np.floor(phase) - 0.5) * 2.0  # 0 at a body's middle, 1 at a disc's
    half = s * (1.35 + 0.012 * np.clip(grid.y, 0.0, 30.0)) * (1.0 + 0.14 * within * within)
    across = np.abs(grid.x) / half
    body = np.clip(1.6 * (1.0 - across * across), 0.0, 1.0)
    plates = np.exp(-(((within - 0.80) / 0.09) ** 2))
    disc = np.clip((within - 0.84) / 0.08, 0.0, 1.0)
    level = build.bone * (0.13 * (1.0 - disc) + 0.13 * plates)
    rim = np.exp(-(((across - 0.95) / 0.09) ** 2)) * (1.0 - disc) * np.float32(0.06 * build.bone)
    out += body * level.astype(np.float32) + rim
    pedicle_y = (within / 0.34) ** 2
    for side in (-1.0, 1.0):
        offset = (grid.x - np.float32(side) * 0.68 * half) / np.float32(0.27 * s)
        ring = offset * offset + pedicle_y
        out += np.float32(0.11 * build.bone) * np.exp(-((ring - 0.8) ** 2) * 3.0)
    process = (grid.x + np.float32(0.9 * build.rotation * -0.4)) / np.float32(0.3 * s)
    tip = phase + 0.32
    drop = np.abs(tip - np.floor(tip) - 0.5) * 2.0 / 0.36
    out += np.float32(0.2 * build.bone) * np.exp(-((process * process + drop * drop) ** 2))


def add_shoulders(out: Map, build: Build, grid: Grid, rng: np.random.Generator) -> None:
    """Add clavicles, scapulae and humeri."""
    s = build.scale
    shell, core = build.bone * (CORTICAL_BONE - SOFT), build.bone * (TRABECULAR_BONE - SOFT)
    for side in (-1.0, 1.0):
        lift = float(rng.normal(0.0, 0.35))
        inner_x, inner_y = side * 1.6 * s + build.rotation * 0.9, 3.4 * s + lift
        outer_x = side * 0.80 * build.shoulder
        xs = np.linspace(inner_x, outer_x, 17)
        f = np.linspace(0.0, 1.0, 17)
        ys = inner_y - build.clavicle_rise * np.abs(xs - inner_x) + 0.75 * s * np.sin(2.0 * np.pi * f) * (1.0 - 0.4 * f)
        radii = s * (0.62 + 0.12 * np.exp(-((f / 0.1) ** 2)) + 0.12 * f)
        add_bent_rod(out, grid, xs, ys, radii, core=0.72, weight=0.9 * shell, core_weight=core)
        add_scapula(out, build, grid, side=side, top=(outer_x, float(ys[-1])), shell=shell, core=core)


def add_scapula(
    out: Map, build: Build, grid: Grid, *, side: float, top: tuple[float, float], shell: float, core: float
) -> None:
    """Add one shoulder blade (turned out of the lung as on a PA film) and the upper arm beside it."""
    s = build.scale
    upper = (side * (0.86 * build.lung_width), 4.2 * s)
    lower = (side * (build.lung_width * 1.02 + 0.1 * build.arm_out), 14.5 * s)
    socket = (side * (0.80 * build.shoulder), 5.6 * s)
    crest = (top[0], top[1] + 0.6)
    for start, stop, radius in (
        (upper, lower, 0.30),
        (lower, socket, 0.42),
        (upper, socket, 0.25),
        (upper, crest, 0.34),
    ):
        add_rod(out, grid, start, stop, radius=radius * s, core=0.5, weight=0.6 * shell, core_weight=core)
    add_rod(
        out, grid, socket, (socket[0], socket[1] + 2.0), radius=1.0 * s, core=0.85, weight=0.5 * shell, core_weight=core
    )
    head = (side * (0.80 * build.shoulder + 2.7 * s), 5.4 * s)
    add_rod(
        out,
        grid,
        head,
        (head[0] + side * 0.3, head[1] + 0.6),
        radius=2.35 * s,
        core=0.92,
        weight=0.7 * shell,
        core_weight=core,
    )
    elbow = (head[0] + side * build.arm_out, 24.0 * s)
    add_rod(out, grid, head, elbow, radius=1.25 * s, core=0.62, weight=0.8 * shell, core_weight=core)
    corners = np.array([upper, lower, socket], np.float32)
    rows = grid.rows(float(corners[:, 1].min()), float(corners[:, 1].max()))
    columns = grid.columns(float(corners[:, 0].min()), float(corners[:, 0].max()))
    x, y = grid.x[rows, columns], grid.y[rows]
    inside = np.ones(x.shape, np.bool_)
    for k in range(3):
        (x0, y0), (x1, y1) = corners[k], corners[(k + 1) % 3]
        inside &= side * ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) < 0.0
    out[rows, columns] += inside * np.float32(0.22 * shell * s)
