"""The largest singular value of any operator that knows its adjoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from unseen.physics.algebra import inner, lengths

if TYPE_CHECKING:
    from unseen.physics.action import Action as Operator

STEPS = 300  # at most; it stops when CHECKED steps add less than the share GROWTH
CHECKED = 5
GROWTH = 1e-9


def largest_singular_value(A: Operator) -> float:
    """max ‖A x‖ / ‖x‖, over all samples of a per-sample operator.

    By Lanczos's method on A* A in double precision from a fixed start (Golub & Van Loan, Matrix Computations, §10.1),
    until it stands still: never above the true value but for rounding, and as a rule below it by less than 0.1 %.

    Args:
        A: an operator.

    Example:
        >>> from unseen.physics import Identity
        >>> round(largest_singular_value(3 * Identity((1, 4, 4))), 9)
        3.0
    """
    dtype = torch.complex128 if A.complex_domain else torch.float64
    start = torch.randn((A.batch or 1, *A.domain), generator=torch.Generator().manual_seed(0), dtype=dtype)
    if start.numel() == 0:
        return 0.0
    tiny = torch.finfo(torch.float64).tiny
    previous, direction = torch.zeros_like(start), start / lengths(start)
    between = torch.zeros_like(lengths(start))
    diagonal: list[Tensor] = []
    beside: list[Tensor] = []
    largest = torch.zeros(len(start), dtype=torch.float64)
    with torch.no_grad():
        for step in range(1, STEPS + 1):
            image = A.adjoint(A(direction)) - between * previous
            share = inner(direction, image)
            image = image - share * direction
            diagonal.append(share.flatten())
            between = lengths(image)
            exhausted = between.flatten() <= 1e-14 * torch.stack(diagonal).abs().amax(dim=0)
            if step % CHECKED == 0 or bool(exhausted.all()):
                before, largest = largest, _largest_eigenvalue(diagonal, beside)
                if bool((exhausted | (largest - before <= GROWTH * largest)).all()):
                    break
            between = torch.where(exhausted.reshape(between.shape), 0, between)
            beside.append(between.flatten())
            previous, direction = direction, image * (between > 0) / between.clamp(min=tiny)
    return float(largest.clamp(min=0).max().sqrt())


def _largest_eigenvalue(diagonal: list[Tensor], beside: list[Tensor]) -> Tensor:
    matrix = torch.diag_embed(torch.stack(diagonal, dim=1))
    if beside:
        off = torch.diag_embed(torch.stack(beside, dim=1), offset=1)
        matrix = matrix + off + off.mT
    eigenvalues: Tensor = torch.linalg.eigvalsh(matrix)
    return eigenvalues[:, -1]
