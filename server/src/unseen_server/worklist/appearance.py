"""Appearance of a film in a few bytes, made by the worker and kept in the film's row.

It finds films that look alike, and reveals scores that follow the appearance instead of disease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unseen.data import area
from unseen.evaluation import trivial_statistics

if TYPE_CHECKING:
    from unseen.data import Film
    from unseen.detectors import Finding


SIDE = 16
"""Side of a film's appearance in pixels: ribs are not visible, the shapes of lungs, heart and opacities are."""


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """Appearance of a film.

    Args:
        look: SIDE × SIDE bytes, rows from above: the lungs' box (the film where no lungs were found) by area, its own
            darkest 0 and its own brightest 255.
        statistics: those of `evaluation.STATISTIC_NAMES` that the film has, by name.
    """

    look: bytes
    statistics: dict[str, float]


def appearance_of(film: Film, findings: Sequence[Finding]) -> Appearance:
    """Return the appearance of `film`; the lungs are those of the first of `findings` that has any."""
    height, width = film.pixels.shape
    whole = (0.0, 0.0, float(height), float(width))
    views = [finding.viewed for finding in findings if finding.viewed.lung_area]
    box = next((viewed.box for viewed in views if viewed.box != whole), whole)
    small = area(film.pixels, SIDE, SIDE, box=box)
    low, high = float(small.min()), float(small.max())
    stretched = (small - low) / max(high - low, 1e-6)
    statistics = trivial_statistics(film, lung_area=views[0].lung_area if views else None)
    return Appearance(
        look=np.asarray(stretched * 255 + 0.5, dtype=np.uint8).tobytes(),
        statistics={name: value for name, value in statistics.items() if value is not None},
    )
