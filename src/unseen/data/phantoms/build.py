"""Body measures of a phantom: drawn numbers (in cm unless stated otherwise) from which an anatomy is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """Body measures of one phantom. Lengths in cm; x positive towards the patient's left."""

    female: bool
    scale: float
    """Body size against the average adult (1)."""
    fat: float
    """Thickness of the chest wall outside the ribs."""
    lung_width: float
    """Half the greatest inner width of the thorax."""
    lung_height: float
    """Apex to right costophrenic angle: the depth of inspiration."""
    lung_depth: float
    """Half the greatest inner depth of the thorax."""
    lung_hounsfield: float
    dome: float
    """Height of the right diaphragm's dome over its costophrenic angle."""
    dome_gap: float
    """Height by which the left dome is lower."""
    heart: float
    """Half the heart's length along its axis."""
    heart_angle: float
    """Radians; a flat-lying heart has a small angle, a tear-drop heart a large one."""
    heart_x: float
    knob: float
    """Radius of the aortic knob: unfolds with age."""
    rotation: float
    """Shift of anterior against posterior structures at the thorax's half depth."""
    rib_drop: float
    """Height by which a rib's front end is lower than its back end: more with age and kyphosis."""
    rib_radius: float
    bone: float
    """Bone density against the average (1): less with age."""
    clavicle_rise: float
    shoulder: float
    """Half the width over the shoulders."""
    breast: float
    """Thickness of a breast (0: none seen)."""
    arm_out: float
    """Distance of the arms from the body."""
    stomach_gas: float
    """Radius of the gastric bubble (0: none)."""
    bowel_gas: int


def draw_build(rng: np.random.Generator) -> Build:
    """Draw one adult patient.

    Means and spreads are choices within what adults show: cardiothoracic ratio under 0.5 (Truszkiewicz et al. 2021,
    J Clin Med 10:2016), right dome up to a few centimetres above the left (Lennon and Simon 1965, Br J Radiol 38:937),
    mean lung density −875 to −770 HU (Clin Radiol 1991, 43:238).
    """
    female = bool(rng.random() < 0.5)
    scale = float(np.clip(rng.normal(0.955 if female else 1.03, 0.05), 0.84, 1.16))
    age = float(rng.uniform(0.0, 1.0))
    fat = float(np.clip(rng.gamma(4.0, 0.55) + 0.9, 1.1, 5.0))
    breathing = float(np.clip(rng.normal(1.0, 0.06), 0.82, 1.1))
    width = 13.3 * scale * float(rng.normal(1.0, 0.025))
    stretch = float(rng.normal(0.0, 1.0))
    return Build(
        female=female,
        scale=scale,
        fat=fat,
        lung_width=width,
        lung_height=24.3 * scale * breathing * (1.0 + 0.03 * stretch),
        lung_depth=(7.7 + 0.8 * age) * scale * float(rng.normal(1.0, 0.04)),
        lung_hounsfield=float(rng.uniform(-860.0, -770.0) + 60.0 * (1.0 - breathing)),
        dome=(5.0 - 0.8 * age) * scale * float(rng.uniform(0.75, 1.15)),
        dome_gap=float(rng.uniform(0.5, 2.2)) * scale,
        heart=width * float(rng.uniform(0.52, 0.62)) + 0.4 * age,
        heart_angle=float(np.clip(rng.normal(0.82 + 0.1 * stretch, 0.08), 0.5, 1.15)),
        heart_x=float(rng.normal(2.3, 0.3)) * scale,
        knob=(1.25 + 0.5 * age) * scale * float(rng.normal(1.0, 0.06)),
        rotation=float(np.clip(rng.normal(0.0, 0.45), -1.1, 1.1)),
        rib_drop=(7.2 + 2.8 * age) * scale * float(rng.normal(1.0, 0.07)),
        rib_radius=0.57 * scale * float(rng.normal(1.0, 0.06)),
        bone=float(np.clip(1.12 - 0.3 * age + rng.normal(0.0, 0.06), 0.7, 1.25)),
        clavicle_rise=float(rng.normal(0.23, 0.09)),
        shoulder=(18.8 if female else 20.4) * scale + 0.3 * fat,
        breast=float(rng.uniform(1.8, 5.0)) * (0.75 + 0.12 * fat) if female and rng.random() < 0.9 else 0.0,
        arm_out=float(rng.uniform(2.0, 8.0)),
        stomach_gas=float(rng.uniform(1.6, 3.4)) if rng.random() < 0.75 else 0.0,
        bowel_gas=int(rng.integers(0, 4)),
    )
