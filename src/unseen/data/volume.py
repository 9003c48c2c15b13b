"""Volume of a tomographic scan, with its place in the patient."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WATER_PER_MM = 0.0193  # at 70 keV: Hubbell & Seltzer, NIST standard reference database 126


@dataclass(frozen=True, eq=False)
class Volume:
    """Values of a volume and where they are.

    Attributes:
        values: (slices, rows, columns), floating-point; HU for CT.
        spacing_mm: between slices, rows and columns.
        origin_mm: centre of the voxel [0, 0, 0], in DICOM's coordinates: x to the patient's left, y to the back, z to
            the head.
        directions: (3, 3), the unit vectors along slices, rows' index and columns' index, in these coordinates, one per
            line.
    """

    values: NDArray[np.floating[Any]]  # Any: single or double precision
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    directions: NDArray[np.float64]

    def attenuation(self, *, water: float = WATER_PER_MM) -> NDArray[np.floating[Any]]:
        """Return the linear attenuation coefficient of HU, water · (1 + HU / 1000), at least 0.

        Args:
            water: attenuation coefficient of water, per mm; by default at 70 keV.

        Returns:
            (slices, rows, columns), per mm: with pixel sizes in mm, a projection of it is a line integral.

        Raises:
            ValueError: water is not above 0.

        Example:
            >>> volume = Volume(np.array([[[-1000.0, 0.0]]]), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.eye(3)[::-1])
            >>> volume.attenuation(water=0.02).tolist()
            [[[0.0, 0.02]]]
        """
        if not (math.isfinite(water) and water > 0):
            raise ValueError(f"water is an attenuation coefficient above 0 per mm, but got {water}.")
        attenuation: NDArray[np.floating[Any]] = np.maximum(water * (1 + self.values / 1000), 0)
        return attenuation
