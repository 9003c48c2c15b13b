"""SIRT: simultaneous iterative reconstruction technique, weighted least squares by row and column sums."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.losses.loss import observed
from unseen.physics.argument_checks import check_count, number
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.physics.start_images import checked_start
from unseen.reconstruction.measurements import check_measurements
from unseen.reconstruction.ordered_subsets import ordered_subsets
from unseen.reconstruction.row_sums import inverted, row_sums


@arrays_too
def sirt(
    y: Tensor,
    process: Measurement | Operator,
    *,
    iterations: int = 100,
    subsets: int = 1,
    relaxation: float = 1.0,
    nonnegative: bool = False,
    start: Tensor | None = None,
) -> Tensor:
    """x ← x + relaxation · C A* R (p − A x), p = link⁻¹(y), R and C one over the sums of A's rows and columns.

    It converges to a minimiser of Σ_i R_i (A x − p)_i²; few iterations leave the image smooth. With subsets, each step
    uses A, R and C of one subset of the measurements: s, s + subsets, … along the first axis after the channels, of
    tomography the views, at their share of the cost (`CircularScan.views`). One view per subset is SART. Steps of
    subsets are larger, and end in a cycle near the minimiser where no image fits exactly.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured, or A alone; A real, without negative entries, such as tomography or a mask.
        iterations: passes over all subsets, ≥ 1.
        subsets: 1 to the number of views.
        relaxation: in (0, 2).
        nonnegative: set negative pixels to 0 after each step.
        start: (batch, *A.domain); None: 0.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: y or start has another shape, or is not finite; A has negative or complex entries; iterations,
            subsets or relaxation is out of range.

    Example:
        >>> from unseen.physics import Measurement, Tomography
        >>> process = Measurement(Tomography(16, angles=12))
        >>> x = torch.zeros(1, 1, 16, 16)
        >>> x[..., 5:11, 6:9] = 1
        >>> y = process(x)
        >>> found = sirt(y, process, iterations=200, nonnegative=True)
        >>> bool((process.A(found) - y).norm() < 0.02 * y.norm())
        True

    Source: Gilbert, Iterative methods for the three-dimensional reconstruction of an object from projections, J.
    Theoretical Biology 36 (1972) 105–117; with these weights: Gregor & Benson, IEEE Trans. Medical Imaging 27 (2008)
    918–924; by single views: Andersen & Kak, Simultaneous algebraic reconstruction technique (SART), Ultrasonic Imaging
    6 (1984) 81–94; by subsets: Wang & Jiang, J. X-Ray Science and Technology 12 (2004) 169–177.
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    check_count("iterations", iterations)
    if not 0 < number("relaxation", relaxation) < 2:
        raise ValueError(f"relaxation is in (0, 2), but got {relaxation}.")
    A = process.A
    p = observed(process, process.linearise(y))
    parts = ordered_subsets(A, p, subsets)
    with torch.no_grad():
        x = torch.zeros_like(A.adjoint(p))
        x = x if start is None else checked_start(start, (len(y), *A.domain), x)
        steps = []
        for part, seen in parts:
            rows = row_sums(part, x)
            columns = part.adjoint(observed(Measurement(part), torch.ones_like(rows)))
            steps.append((part, seen, inverted(rows), relaxation * inverted(columns)))
        for _ in range(iterations):
            for part, seen, of_rows, of_columns in steps:
                x = x + of_columns * part.adjoint(of_rows * (seen - part(x)))
                x = x.clamp(min=0) if nonnegative else x
    return x
