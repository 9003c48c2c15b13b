"""Lesion of a phantom: a change of ∫μ dl on the film's grid, with its size."""

from dataclasses import dataclass

import numpy as np

from unseen.data.phantoms import lesion_ranges as ranges
from unseen.data.phantoms.geometry import Map
from unseen.data.phantoms.patient import Patient


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Lesion:
    """One lesion in one patient."""

    kind: ranges.Kind
    contrast: ranges.Contrast
    change: Map
    """Added to ∫μ dl, (size, size); negative where tissue gave way to air. Zero outside the thoracic cavity."""
    size: float
    """In the unit of the kind's range: mm of diameter or rim, ml of fluid."""
    size_mm: float
    """The same in mm for every kind (an effusion: the diameter of a sphere of its volume)."""


def draw_spot(patient: Patient, rng: np.random.Generator, *, margin: float, depth: float) -> tuple[float, float]:
    """Return a point (x, y in cm) of the lung fields with `depth` cm of lung, `margin` cm from their edge where
    possible.

    Drawn in centimetres, so that a film of another size has its lesion in the same place.
    """
    lungs, grid = patient.lungs, patient.grid
    best, most = (-0.5 * patient.build.lung_width, 0.5 * patient.build.lung_height), -1.0
    for _ in range(200):
        x = float(rng.uniform(-1.0, 1.0)) * patient.build.lung_width
        y = float(rng.uniform(0.02, 1.0)) * patient.build.lung_height
        around = [(x, y), (x - margin, y), (x + margin, y), (x, y - margin), (x, y + margin)]
        points = np.array(around, np.float32)
        row, column = grid.pixel_of(points[:, 0], points[:, 1])
        r, c = np.rint(row).astype(np.int64), np.rint(column).astype(np.int64)
        on = (r >= 0) & (r < grid.size) & (c >= 0) & (c < grid.size)
        r, c = np.clip(r, 0, grid.size - 1), np.clip(c, 0, grid.size - 1)
        held = on & lungs.field[r, c]
        if not held[0]:
            continue
        worth = float(held.sum()) + min(1.0, float(lungs.path[r[0], c[0]]) / depth)
        if worth >= 6.0:
            return x, y
        if worth > most:
            best, most = (x, y), worth
    return best
