"""Orthogonal matching pursuit (OMP): sparse images from few measurements, one coefficient at a time."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.losses.loss import observed
from unseen.losses.sums import at_least_single, squares
from unseen.physics.argument_checks import check_count
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.priors.discrepancy_principle import noise_bound
from unseen.priors.lasso import OrthogonalBasis, check_basis
from unseen.reconstruction.measurements import check_measurements

AT_ONCE = 256  # columns of A


@arrays_too
def matching_pursuit(
    y: Tensor, process: Measurement | Operator, *, nonzeros: int | None = None, basis: OrthogonalBasis | None = None
) -> Tensor:
    """x̂ = W* c with at most `nonzeros` coefficients c ≠ 0: orthogonal matching pursuit.

    Each step adds the column a of A W* with the largest |⟨a, r⟩| / ‖a‖, and fits all chosen coefficients again by least
    squares; r is the residual. A sample stops at `nonzeros`, or as soon as ‖r‖² ≤ m σ² under Gaussian noise, or at a
    residual of rounding size. It needs n applications of A for the columns' lengths, and memory for `nonzeros` columns.

    Args:
        y: (batch, *A.range); a NumPy array too, and then an array comes back.
        process: how it was measured, or A alone; A on images (channels, height, width).
        nonzeros: coefficients at most, ≥ 1; None: as many as the noise asks for.
        basis: W, in which x is sparse; None: the pixels.

    Returns:
        x̂: (batch, *A.domain).

    Raises:
        ValueError: y has another shape, or is not finite; nonzeros is below 1; or it is None and the noise is not
            Gaussian, or there is a link.

    Example:
        >>> from unseen.physics import CompressedSensing, Measurement
        >>> x = torch.zeros(1, 1, 8, 8)
        >>> x[0, 0, 2, 3], x[0, 0, 6, 1] = 1.0, -2.0
        >>> process = Measurement(CompressedSensing(8, 24, seed=0))
        >>> bool(torch.allclose(matching_pursuit(process(x), process, nonzeros=2), x, atol=1e-5))
        True

    Source: Pati, Rezaiifar & Krishnaprasad, Orthogonal matching pursuit, Asilomar 1993; Tropp & Gilbert, IEEE Trans.
    Inf. Theory 53 (2007) 4655–4666.
    """
    process = Measurement.of(process)
    check_measurements(y, process)
    A = process.A
    if nonzeros is not None:
        check_count("nonzeros, the number of coefficients,", nonzeros)
    check_basis(basis)
    noise = process.noise
    known = isinstance(noise, Gaussian) and noise.sigma.numel() == 1 and process.link is None
    if nonzeros is None and not known:
        raise ValueError(f"nonzeros=None needs one Gaussian noise and no link, but the process is {process}.")
    p = at_least_single(observed(process, process.linearise(y)))  # LAPACK has no half precision
    bound = torch.zeros(len(y), dtype=torch.float64)
    if nonzeros is None and isinstance(noise, Gaussian):
        bound = noise_bound(p, A, float(noise.sigma)).cpu()
    with torch.no_grad():
        rounding = (16 * torch.finfo(p.dtype).eps) ** 2 * squares(p).double().cpu()
        found = _pursued(p, A, basis, nonzeros, torch.maximum(bound, rounding))
    return found if found.is_complex() else found.to(y.real.dtype)


def _pursued(y: Tensor, A: Operator, basis: OrthogonalBasis | None, nonzeros: int | None, bound: Tensor) -> Tensor:
    n, like = math.prod(A.domain), A.adjoint(y)
    sizes = _column_lengths(A, basis, like)  # (batch or 1, n)
    rows = _row(y, like)  # (batch, m)
    steps = min(n, rows.shape[1], n if nonzeros is None else nonzeros)
    residual, chosen = y, torch.zeros(len(y), 0, dtype=torch.int64, device=y.device)
    columns = rows.new_zeros(*rows.shape, 0)
    values = columns.new_zeros(len(y), 0)
    active = squares(y).double().cpu() > bound
    for _ in range(steps):
        if not bool(active.any()):
            break
        back = A.adjoint(residual)
        back = back if basis is None else basis(back)
        scores = back.flatten(1).abs() / sizes.clamp(min=torch.finfo(sizes.dtype).tiny)
        scores = torch.where(sizes > 0, scores, 0.0).scatter(1, chosen, -1.0)
        best = scores.argmax(dim=1, keepdim=True)
        atoms = torch.zeros_like(like).flatten(1).scatter(1, best, 1.0).reshape(like.shape)
        column = _row(A(atoms if basis is None else basis.adjoint(atoms)), like)
        going = active.to(y.device)
        columns = torch.cat([columns, torch.where(going[:, None], column, 0)[..., None]], dim=2)
        chosen = torch.cat([chosen, best], dim=1)
        fitted = torch.linalg.lstsq(columns, rows[..., None], driver="gelsd" if y.device.type == "cpu" else None)
        values = torch.where(columns.abs().amax(dim=1) > 0, fitted.solution.squeeze(-1), 0)
        residual = _unrowed(rows - (columns @ values[..., None]).squeeze(-1), y, like)
        active = active & (squares(residual).double().cpu() > bound)
    flat = torch.zeros_like(like).flatten(1).scatter_add(1, chosen, values.to(like.dtype))
    coefficients = flat.reshape(like.shape)
    return coefficients if basis is None else basis.adjoint(coefficients)


def _column_lengths(A: Operator, basis: OrthogonalBasis | None, like: Tensor) -> Tensor:
    """Return ‖A W* e_j‖ for each coefficient: (1, n), or (A.batch, n)."""
    n, lengths = math.prod(A.domain), []
    for sample in range(A.batch or 1):
        parts = []
        for first in range(0, n, AT_ONCE):
            last = min(first + AT_ONCE, n)
            atoms = torch.zeros(last - first, n, dtype=like.dtype, device=like.device)
            atoms[torch.arange(last - first), torch.arange(first, last)] = 1
            atoms = atoms.reshape(-1, *A.domain)
            one = A if A.batch is None else A.select(torch.full((last - first,), sample))
            parts.append(squares(one(atoms if basis is None else basis.adjoint(atoms))).sqrt())
        lengths.append(torch.cat(parts))
    return torch.stack(lengths)


def _row(y: Tensor, like: Tensor) -> Tensor:
    """Measurements as rows (batch, m), with real components where images are real."""
    if y.is_complex() and not like.is_complex():
        y = torch.view_as_real(y)
    return y.flatten(1)


def _unrowed(rows: Tensor, y: Tensor, like: Tensor) -> Tensor:
    if y.is_complex() and not like.is_complex():
        return torch.view_as_complex(rows.reshape(*y.shape, 2).contiguous())
    return rows.reshape(y.shape)
