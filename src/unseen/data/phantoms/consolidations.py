"""Consolidation: airspaces filled, patchy or bounded by a fissure, with air bronchograms."""

import math

import numpy as np
from numpy.typing import NDArray

from unseen.data.phantoms import lesion_ranges as ranges
from unseen.data.phantoms.attenuation import from_hounsfield
from unseen.data.phantoms.branching_tubes import draw_tree, grow_tree, hilum
from unseen.data.phantoms.geometry import Grid, Map, ellipsoid, half_chord
from unseen.data.phantoms.lesion import Lesion, draw_spot
from unseen.data.phantoms.patient import Patient


def consolidation(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw a consolidation with the volume of a sphere of the drawn diameter; less where the lung is too small.

    Overlapping blobs, mottled, replace lung by filled airspaces; vessels inside drown in it (they are as dense as
    what surrounds them) and bronchi stay open. Half of them end at a fissure with a straight edge.
    """
    diameter = ranges.CONSOLIDATION_MM.at_log(float(rng.random()))
    filled = from_hounsfield(ranges.CONSOLIDATION_HU.at(float(rng.random())))
    grid, radius = patient.grid, 0.05 * diameter
    x, y = draw_spot(patient, rng, margin=min(0.5 * radius, 2.5), depth=radius)
    side = 1.0 if x > 0.0 else -1.0

    thick = np.zeros_like(patient.attenuation)
    count = int(rng.integers(5, 9))
    for k in range(count):
        away = radius * float(rng.uniform(0.2, 0.75)) * (k > 0)
        turn = float(rng.uniform(0.0, 2.0 * math.pi))
        size = radius * float(rng.uniform(0.5, 0.8)) * (1.15 if k == 0 else 0.85)
        blob = ellipsoid(
            grid,
            x=x + away * math.cos(turn),
            y=y + away * math.sin(turn),
            width=size * float(rng.uniform(0.9, 1.4)),
            height=size,
            depth=0.8 * size,
            angle=float(rng.uniform(-0.8, 0.8)),
        )
        # A ball's edge is sharp, that of airspace disease is not: the square fades.
        thick = np.maximum(thick, blob * blob / np.float32(1.6 * size))
    if rng.random() < 0.5:
        edge = y + float(rng.uniform(0.25, 0.6)) * radius * (1.0 if rng.random() < 0.5 else -1.0)
        tilt = float(rng.normal(0.0, 0.08))
        beyond = grid.y - np.float32(edge) - np.float32(tilt) * (grid.x - np.float32(x))
        thick *= 1.0 - half_chord(beyond * np.float32(math.copysign(4.0, edge - y)))
    thick *= mottle(grid, rng)
    own = (grid.x * np.float32(side) > 0.0) * patient.lungs.path
    target = 4.0 / 3.0 * math.pi * radius**3
    share = thick / np.float32(max(float(thick.max()), 1e-6))
    # Thicken until the volume is right, never beyond the lung that there is.
    for _ in range(6):
        held = np.minimum(thick, 0.9 * own * np.minimum(3.0 * share, 1.0))
        volume = float(held.sum()) * grid.pixel_cm**2
        if volume > 0.97 * target:
            break
        thick = thick * np.float32(min(1.6, target / max(volume, 1e-6)))
    thick = held * np.float32(min(1.0, target / max(volume, 1e-6)))

    inside = np.clip(thick / np.float32(max(0.5 * radius, 0.3)), 0.0, 1.0)
    change = np.float32(filled - patient.lung_mu) * thick
    change -= np.float32(0.85) * inside * patient.vessels
    change -= np.float32(filled) * np.minimum(bronchi(patient, rng, side=side, x=x, y=y), 0.5) * inside
    return Lesion(
        kind="consolidation",
        contrast=ranges.contrast_of("consolidation", diameter),
        change=change,
        size=diameter,
        size_mm=diameter,
    )


def mottle(grid: Grid, rng: np.random.Generator) -> Map:
    """Return uneven filling: a random factor about 1, smooth over 1.1 and 2.8 cm, (size, size)."""
    out = np.ones((grid.size, grid.size), np.float32)
    for step, amount in ((1.1, 0.16), (2.8, 0.25)):
        points = rng.normal(0.0, 1.0, (int(60 / step), int(60 / step))).astype(np.float32)
        rows = between(grid.y[:, 0] + np.float32(8.0), step, points.shape[0])
        columns = between((np.linspace(-0.5, 0.5, grid.size) * grid.field_cm + 28.0), step, points.shape[1])
        out += np.float32(amount) * (rows @ points @ columns.T)
    return np.asarray(np.clip(out, 0.15, 2.0), np.float32)


def between(at: NDArray[np.float64] | Map, step: float, count: int) -> Map:
    """Return weights (positions, count) that interpolate values on a lattice of `step` cm at the positions `at`
    (cm).
    """
    place = np.clip(np.asarray(at, np.float64) / step, 0.0, count - 1.001)
    first = place.astype(np.int64)
    f = place - first
    f = f * f * (3.0 - 2.0 * f)
    weights = np.zeros((len(place), count), np.float32)
    weights[np.arange(len(place)), first] = 1.0 - f
    weights[np.arange(len(place)), first + 1] = f
    return weights


def bronchi(patient: Patient, rng: np.random.Generator, *, side: float, x: float, y: float) -> Map:
    """Return the path length (cm) of air in the bronchi that run from the hilum towards (`x`, `y`)."""
    from_x, from_y = hilum(patient.build, side)
    towards = math.atan2(y - from_y, x - from_x)
    roots = np.array([[from_x, from_y, towards + bend, 0.22] for bend in (-0.3, 0.0, 0.3)])
    return draw_tree(grow_tree(rng, roots, generations=5, length=3.0), patient.grid)
