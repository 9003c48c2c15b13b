"""Pneumothorax: the lung shrinks from the chest wall; a thin pleural line, and beyond it air without vessels."""

import math

import numpy as np

from unseen.data.phantoms import lesion_ranges as ranges
from unseen.data.phantoms.attenuation import SOFT
from unseen.data.phantoms.geometry import half_chord
from unseen.data.phantoms.lesion import Lesion
from unseen.data.phantoms.lungs import cavity_profile
from unseen.data.phantoms.patient import Patient


def pneumothorax(patient: Patient, rng: np.random.Generator) -> Lesion:
    """Draw a pneumothorax; its size is the rim of air at the level of the hilum, wider above, narrower below.

    The collapsed lung is the cavity drawn in: half width `w − rim(y)`, apex lowered. What was lung outside it is air.
    The lung itself stays as dense as it was: its blood flow falls with its volume, so that a partly collapsed lung is
    not visibly denser. The pleura is seen where the beam grazes it, over
    `√(8 r t)` of tissue for radius r and thickness t.
    """
    millimetres = ranges.PNEUMOTHORAX_MM.at_log(float(rng.random()))
    rim = 0.1 * millimetres
    side = -1.0 if rng.random() < 0.55 else 1.0
    apex = rim * float(rng.uniform(1.0, 1.6))
    fade = float(rng.uniform(0.6, 1.1))
    grid, lungs, build = patient.grid, patient.lungs, patient.build
    t = grid.y / np.float32(build.lung_height)
    margin = np.float32(rim) * np.clip(1.0 + fade * (0.45 - t), 0.12, 1.6)  # (size, 1): rim at the hilum's height
    drawn_width, drawn_depth = cavity_profile(build, grid.y - np.float32(apex) * np.clip(1.0 - 2.2 * t, 0.0, 1.0))
    width = np.minimum(np.maximum(drawn_width - margin, 0.5), lungs.outer)
    across = (grid.x / width) ** 2
    left = np.minimum(2.0 * drawn_depth * np.sqrt(np.maximum(1.0 - across * np.sqrt(across), 0.0)), lungs.cavity)
    kept = left / np.maximum(lungs.cavity, np.float32(1e-3))
    own = half_chord((grid.x * np.float32(side) - np.float32(0.5)) / np.float32(2.0))
    air = own * lungs.path * (1.0 - kept)
    change = np.float32(-patient.lung_mu) * air
    # Vessels go with the lung they lie in: none beyond the line.
    change -= own * patient.vessels * (across >= 1.0)

    slope = np.gradient(width[:, 0], grid.pixel_cm)[:, None]
    away = (np.abs(grid.x) - width) / np.sqrt(1.0 + slope * slope)
    spread = max(0.05, 0.45 * grid.pixel_cm)
    area = (
        SOFT * math.sqrt(8.0 * build.lung_depth * ranges.PLEURA_CM) * ranges.PLEURA_CM
    )  # cm: attenuation across the line
    line = np.exp(-0.5 * (away / np.float32(spread)) ** 2) * np.float32(area / (spread * math.sqrt(2.0 * math.pi)))
    reach = np.clip(lungs.path / 1.5, 0.0, 1.0) * np.clip(margin / 0.25, 0.0, 1.0) * (left > 0.0)
    change += own * line * np.maximum(reach, own * np.clip(lungs.path / 1.5, 0.0, 1.0) * (grid.y > apex))
    return Lesion(
        kind="pneumothorax",
        contrast=ranges.contrast_of("pneumothorax", millimetres),
        change=change.astype(np.float32),
        size=millimetres,
        size_mm=millimetres,
    )
