"""SIRT: simultaneous iterative reconstruction technique, weighted least squares by row and column sums."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.losses.loss import observed
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.reconstruction.measurements import check_measurements
from unseen.reconstruction.row_sums import inverted, row_sums


@arrays_too
def sirt(
    y: Tensor,
    process: Measurement,
    *,
    iterations: int = 100,
    relaxation: float = 1.0,
    nonnegative: bool = False,
    start: Tensor | None = None,
) -> Tensor:
    """x ← x + relaxation · C A* R (p − A x), p = link⁻¹(y), R and C one over the sums of A's rows and columns.

    It converges to a minimiser of Σ_i R_i (A x − p)_i²; few iterations leave the image smooth.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured; A real, without negative entries, such as tomography or a mask.
        iterations: ≥ 1.
        relaxation: in (0, 2).
        nonnegative: set negative pixels to 0 after each iteration.
        start: (batch, *A.domain); None: 0.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: y or start has another shape, or is not finite; A has negative or complex entries; iterations or
            relaxation is out of range.

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
    918–924.
    """
    check_measurements(y, process)
    if iterations < 1 or not 0 < relaxation < 2:
        raise ValueError(f"iterations is at least 1 and relaxation in (0, 2), but got {iterations} and {relaxation}.")
    A = process.A
    p = observed(process, process.linearise(y))
    with torch.no_grad():
        x = torch.zeros_like(A.adjoint(p)) if start is None else start.to(p)
        if tuple(x.shape) != (len(y), *A.domain):
            raise ValueError(f"start is {(len(y), *A.domain)} for this y, but got {tuple(x.shape)}.")
        rows = row_sums(A, x)
        of_rows, of_columns = inverted(rows), inverted(A.adjoint(observed(process, torch.ones_like(rows))))
        for _ in range(iterations):
            x = x + relaxation * of_columns * A.adjoint(of_rows * (p - A(x)))
            x = x.clamp(min=0) if nonnegative else x
    return x
