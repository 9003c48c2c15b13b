"""MLEM and OSEM: maximum likelihood of Poisson counts by expectation maximisation, over ordered subsets."""

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
from unseen.reconstruction.row_sums import ROUNDING, inverted, row_sums


@arrays_too
def osem(
    y: Tensor,
    process: Measurement | Operator,
    *,
    iterations: int = 10,
    subsets: int = 1,
    background: float = 0.0,
    start: Tensor | None = None,
) -> Tensor:
    """x ← x / (A_s* 1) · A_s* (y_s / (A_s x + background)), for each subset s in turn; one subset is MLEM.

    x stays ≥ 0. With one subset no iteration lowers the Poisson likelihood, and x tends to its maximum. More subsets
    take larger steps, and end in a cycle near it; stop early, since the maximum fits the noise.

    Subset s has the measurements s, s + subsets, … along the first axis after the channels: of tomography the views.
    A subset of views alone is projected (`CircularScan.views`), so an iteration projects each view once and back, as
    one of MLEM does; views of different subsets do not share weights by symmetry, which takes somewhat longer. Of
    operators other than tomography each subset applies all of A.

    Args:
        y: (batch, *A.range), counts, ≥ 0; a NumPy array too, and then an array comes back.
        process: how it was measured, or A alone; A real, without negative entries, and no link.
        iterations: passes over all subsets, ≥ 1.
        subsets: 1 to the number of views.
        background: ≥ 0, what every measurement contains besides A x (scatter, dark current), in y's units.
        start: (batch, *A.domain), > 0; None: the constant image with y's sum.

    Returns:
        x̂: (batch, *A.domain), ≥ 0.

    Raises:
        ValueError: y or start has another shape, is negative or not finite; A has negative or complex entries, there is
            a link, or a number is out of range.

    Example:
        >>> from unseen.physics import Identity, Measurement
        >>> y = torch.tensor([[[[3.0, 0.0]]]])
        >>> osem(y, Measurement(Identity((1, 1, 2)))).flatten().tolist()
        [3.0, 0.0]

    Source: Shepp & Vardi, Maximum likelihood reconstruction for emission tomography, IEEE Trans. Medical Imaging 1
    (1982) 113–122; Hudson & Larkin, Accelerated image reconstruction using ordered subsets of projection data, IEEE
    Trans. Medical Imaging 13 (1994) 601–609.
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    A = process.A
    check_count("iterations", iterations)
    if not 0 <= number("background", background) < float("inf"):
        raise ValueError(f"background is a finite number of at least 0, in the units of y, but got {background}.")
    if process.link is not None:
        raise ValueError(f"Expectation maximisation is for y ≈ A x + background, but there is a link: {process.link}.")
    seen = observed(process, y)
    if seen.is_complex() or not bool((seen >= 0).all()):
        raise ValueError("Expectation maximisation is for counts, real numbers of at least 0.")
    parts = ordered_subsets(A, seen, subsets)
    with torch.no_grad():
        level = _level(seen, A)
        x = level * torch.ones_like(A.adjoint(seen))
        x = x if start is None else checked_start(start, (len(y), *A.domain), x)
        if not bool((x >= 0).all()):
            raise ValueError(f"start is of at least 0, but got {float(x.min()):.3g} as the least.")
        weights = [inverted(part.adjoint(observed(Measurement(part), torch.ones_like(of)))) for part, of in parts]
        for _ in range(iterations):
            for (part, counts), weight in zip(parts, weights, strict=True):
                mean = part(x).clamp(min=0) + background
                share = torch.where(mean > 0, counts / mean, 0.0)
                back = part.adjoint(observed(Measurement(part), share))
                x = torch.where(weight > 0, (x * weight * back).clamp(min=0), x)
    return x


def _level(y: Tensor, A: Operator) -> Tensor:
    """Return the grey value of the constant image whose A x has y's sum: (batch, 1, …)."""
    of_ones = row_sums(A, torch.ones_like(A.adjoint(y))).flatten(1).sum(1).clamp(min=ROUNDING)
    return (y.flatten(1).sum(1) / of_ones).reshape(-1, *[1] * len(A.domain))
