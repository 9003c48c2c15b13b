"""Pleural effusion: fluid at the bottom of one pleural space, with a meniscus that climbs the chest wall."""

import math

import numpy as np

from unseen.data.phantoms import lesion_ranges as ranges
from unseen.data.phantoms.attenuation import from_hounsfield
from unseen.data.phantoms.geometry import Map, half_chord
from unseen.data.phantoms.lesion import Lesion
from unseen.data.phantoms.patient import Patient


def effusion(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw an effusion; its level is found so that the fluid on the film's grid has the drawn volume (bisection)."""
    volume = ranges.EFFUSION_ML.at_log(float(rng.random()))
    fluid = from_hounsfield(ranges.EFFUSION_HU.at(float(rng.random())))
    rise = ranges.EFFUSION_MENISCUS_CM.at(float(rng.random())) * patient.build.scale
    side = -1.0 if rng.random() < 0.55 else 1.0
    grid, lungs = patient.grid, patient.lungs
    # Medially the pleural space ends at the spine: no edge at the midline.
    own = half_chord((grid.x * np.float32(side) - np.float32(0.8)) / np.float32(3.0)) ** 2 * lungs.path
    along = np.minimum(np.abs(grid.x) / lungs.outer, 1.0)
    climb = np.float32(rise) * along**4 + np.float32(0.35 * rise) * (1.0 - along) ** 4
    below = np.asarray(grid.y + climb, np.float32)  # (size, size) cm: level is a threshold of this height

    def share(level: float, height: Map) -> Map:
        f = np.clip((height - np.float32(level)) / np.float32(4.0), 0.0, 1.0)
        return np.asarray(f * (2.0 - f), np.float32)

    every = max(1, grid.size // 128)
    few = (slice(None, None, every), slice(None, None, every))
    own_few, below_few, cell = own[few], below[few], (grid.pixel_cm * every) ** 2
    low, high = 0.0, patient.build.lung_height + 6.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        held = float((share(middle, below_few) * own_few).sum()) * cell
        low, high = (middle, high) if held > volume else (low, middle)
    filled = share(0.5 * (low + high), below) * (own > 0.0)
    change = np.float32(fluid - patient.lung_mu) * own * filled - filled * patient.vessels
    return Lesion(
        kind="effusion",
        contrast=ranges.contrast_of("effusion", volume),
        change=change,
        size=volume,
        size_mm=10.0 * (6.0 * volume / math.pi) ** (1.0 / 3.0),
    )
