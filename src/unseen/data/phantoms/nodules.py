"""Nodule: a round, slightly lobulated ball in the lung, solid or part-solid."""

import math

import numpy as np

from unseen.data.phantoms import lesion_ranges as ranges
from unseen.data.phantoms.attenuation import from_hounsfield
from unseen.data.phantoms.geometry import Map
from unseen.data.phantoms.lesion import Lesion, draw_spot
from unseen.data.phantoms.patient import Patient


def nodule(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw a nodule: `∫Δμ dl = Δμ · chord`, averaged over each pixel (a nodule may be smaller than one)."""
    diameter = ranges.NODULE_MM.at_log(float(rng.random()))
    solid = from_hounsfield(ranges.NODULE_SOLID_HU.at(float(rng.random()))) - patient.lung_mu
    rim = from_hounsfield(ranges.NODULE_GROUND_GLASS_HU.at(float(rng.random()))) - patient.lung_mu
    core = ranges.NODULE_CORE.at(float(rng.random()))
    part_solid = float(rng.random()) < ranges.NODULE_PART_SOLID_SHARE
    wobble = rng.uniform(0.0, 0.10, 3) * np.array([1.0, 0.8, 0.5])
    phases = rng.uniform(0.0, 2.0 * math.pi, 3)
    radius = 0.05 * diameter
    x, y = draw_spot(patient, rng, margin=0.5 + radius, depth=2.0 * radius)

    grid = patient.grid
    reach = 1.3 * radius + grid.pixel_cm
    rows, columns = grid.rows(y - reach, y + reach), grid.columns(x - reach, x + reach)
    fine = max(3, math.ceil(grid.pixel_cm / 0.06))
    steps = ((np.arange(fine) + 0.5) / fine - 0.5) * grid.pixel_cm
    dx = (grid.x[rows, columns] - x)[..., None, None] + steps[None, None, None, :]
    dy = np.broadcast_to((grid.y[rows] - y), dx.shape[:2])[..., None, None] + steps[None, None, :, None]
    turn = np.arctan2(dy, dx)
    shape = 1.0 + sum(w * np.cos((k + 2) * turn + p) for k, (w, p) in enumerate(zip(wobble, phases, strict=True)))
    away2 = (dx * dx + dy * dy) / (shape * shape)

    def chord(r: float) -> Map:
        return np.asarray((2.0 * np.sqrt(np.maximum(r * r - away2, 0.0))).mean(axis=(2, 3)), np.float32)

    depth = patient.lungs.path[rows, columns]
    whole = np.minimum(chord(radius), depth)
    change = np.zeros_like(patient.attenuation)
    if part_solid:
        inner = np.minimum(chord(core * radius), depth)
        change[rows, columns] = np.float32(rim) * (whole - inner) + np.float32(solid) * inner
    else:
        change[rows, columns] = np.float32(solid) * whole
    dense = max(diameter * (core if part_solid else 1.0), ranges.NODULE_MM.low)
    return Lesion(
        kind="nodule", contrast=ranges.contrast_of("nodule", dense), change=change, size=diameter, size_mm=diameter
    )
