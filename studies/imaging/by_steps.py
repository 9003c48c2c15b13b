"""Chart of PSNR by the number of steps of a problem's trainings, from the epochs that its rows kept."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from studies.evidence.charts import BLUE, GREEN, ORANGE, Series, plane
from studies.imaging.arms import NAMES
from studies.imaging.selection import of_arm
from studies.rows import Row

_ARMS = {"ei": GREEN, "ei+project": BLUE, "supervised": ORANGE}
_KINDS = {"testing_psnr": "test", "validation_psnr": "validation"}

Points = tuple[tuple[float, float], ...]


def points_of(rows: Sequence[Row], kind: str) -> Points:
    """Return (steps, PSNR in dB) of the epochs at which an arm was evaluated: the mean over its seeds.

    >>> row = {"steps": 20, "testing_psnr": [[1, 21.0], [2, 22.0]]}
    >>> points_of([row, row | {"testing_psnr": [[1, 22.0], [2, 23.0]]}], "testing_psnr")
    ((10.0, 21.5), (20.0, 22.5))
    """
    if not rows:
        return ()
    by_seed = [dict(row[kind]) for row in rows]
    epochs = sorted(set.intersection(*(set(one) for one in by_seed)))
    steps = int(rows[0]["steps"]) / max(epochs, default=1)
    return tuple((epoch * steps, float(np.mean([one[epoch] for one in by_seed]))) for epoch in epochs)


def chart(words: str, rows: Sequence[Row]) -> tuple[str, str] | None:
    """Return the SVG and its text; None where no training of `_ARMS` has rows.

    Args:
        words: title of the problem.
        rows: of one recipe.
    """
    series, said = [], []
    for arm, colour in _ARMS.items():
        some = of_arm(rows, arm)
        for kind, part in _KINDS.items():
            if points := points_of(some, kind):
                dashed = kind == "validation_psnr"
                series.append(Series(f"{NAMES[arm]}, {part}", points, colour, dashed=dashed, dots=not dashed))
                said.append(
                    f"{NAMES[arm]}, {part} images: {points[0][1]:.1f} dB after {points[0][0]:,.0f} steps, "
                    f"{points[-1][1]:.1f} dB after {points[-1][0]:,.0f}"
                )
    if not series:
        return None
    across, heights = ([point[axis] for one in series for point in one.points] for axis in (0, 1))
    drawing = plane(
        f"{words}: PSNR against the number of steps",
        series,
        x="steps of training (logarithmic)",
        y="PSNR, dB: mean over images and seeds",
        xs=(min(across) * 0.9, max(across) * 1.1),
        ys=(min(heights) - 0.5, max(heights) + 0.5),
        logarithmic=True,
        at=[value for value in sorted(set(across)) if value == max(across) or math.log2(value / min(across)) % 1 == 0],
    )
    return drawing, f"{words}, PSNR against steps on a logarithmic axis. {'; '.join(said)}."
