"""Damped least squares, argmin over w of ‖A w − r‖² + τ ‖w‖² = (A*A + τ)⁻¹ A* r, by the quickest of three ways.

A tight frame (A*A is c times a projection, as for masks, sampled frequencies, and patterns in a Hadamard basis):
A* r / (c + τ), since A* r lies in the frame. A shared A on images of at most `SPECTRAL` pixels: by the eigenvectors
of A*A, found once for each operator and kept with it; every τ then costs two products with a matrix. Else conjugate
gradients, `physics.conjugate_gradients`, on (A, √τ).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from unseen.physics.flat_vectors import linear_over_complex_numbers
from unseen.physics.operator import Operator
from unseen.physics.pseudo_inverse import solve_least_squares
from unseen.physics.tensor_products import Shape, inner, lengths
from unseen.priors.solvers.pdhg import per_sample

SPECTRAL = 1024  # pixels: eigenvectors in about a second
FRAME = 1e-10  # how nearly A*A A*A x = c A*A x, relative, for a random x in double precision


@dataclass(frozen=True)
class DampedSpectrum:
    """A*A = vectors diag(values) vectors*, in double precision; values of shape (n,), from 0 up."""

    values: Tensor
    vectors: Tensor


_frames: WeakKeyDictionary[Operator, Tensor | None] = WeakKeyDictionary()
_spectra: WeakKeyDictionary[Operator, DampedSpectrum] = WeakKeyDictionary()


class DampedLeastSquares:
    """(A*A + τ)⁻¹ A* for an operator on real or complex images.

    Args:
        A: the operator.
        tolerance: of conjugate gradients, where they are needed, a share of ‖A* r‖; None: as for a pseudo-inverse.

    Example:
        >>> from unseen.physics import Identity
        >>> solver = DampedLeastSquares(2 * Identity((1, 1, 1)))
        >>> solver.way, solver.solve(torch.full((1, 1, 1, 1), 5.0), torch.tensor([1.0])).item()
        ('frame', 2.0)
    """

    def __init__(self, A: Operator, *, tolerance: float | None = None) -> None:
        self.A, self.tolerance = A, tolerance
        if A not in _frames:
            _frames[A] = _frame_constant(A)
        self._frame = _frames[A]  # (1 or A.batch,), or None

    @property
    def way(self) -> str:
        """`frame`, `spectral` or `conjugate gradients`."""
        if self._frame is not None:
            return "frame"
        A = self.A
        small = A.batch is None and math.prod(A.domain) <= SPECTRAL
        whole = small and (not A.complex_domain or linear_over_complex_numbers(A))  # else A*A is no complex matrix
        return "spectral" if whole else "conjugate gradients"

    def solve(self, r: Tensor, tau: Tensor, *, start: Tensor | None = None) -> Tensor:
        """argmin over w of ‖A w − r‖² + τ ‖w‖².

        Args:
            r: (batch, *A.range).
            tau: (batch,), > 0.
            start: (batch, *A.domain), a guess of w, for conjugate gradients; None: 0.

        Returns:
            w: (batch, *A.domain), complex where A's domain is.
        """
        if self._frame is not None:
            back = self.A.adjoint(r)
            divisor = self._frame.to(tau).expand(len(tau)) + tau
            return back / per_sample(divisor, back).to(back.dtype)
        if self.way == "spectral":
            spectrum = self._spectrum()
            back = self.A.adjoint(r)
            vectors, values = spectrum.vectors.to(back), spectrum.values.to(back)
            shares = back.flatten(1) @ vectors.conj() / (values + tau.to(back.dtype)[:, None])
            return (shares @ vectors.T).reshape(back.shape)
        damped = _Damped(self.A, tau)
        if start is None:
            return solve_least_squares(damped, damped.joined(r, None), tolerance=self.tolerance)
        ahead = damped.joined(r - self.A(start), -start)
        return start + solve_least_squares(damped, ahead, tolerance=self.tolerance)

    def select(self, samples: Tensor) -> DampedLeastSquares:
        """Return the solver for some samples of a per-sample operator's batch."""
        if self.A.batch is None:
            return self
        chosen = object.__new__(DampedLeastSquares)
        chosen.A, chosen.tolerance = self.A.select(samples), self.tolerance
        frame = self._frame
        chosen._frame = frame if frame is None or len(frame) == 1 else frame[samples.to(frame.device)]
        return chosen

    def _spectrum(self) -> DampedSpectrum:
        if self.A not in _spectra:
            basis = torch.eye(math.prod(self.A.domain), dtype=torch.float64).reshape(-1, *self.A.domain)
            with torch.no_grad():
                images = self.A(basis).flatten(1)
            if images.is_complex() and not self.A.complex_domain:
                images = torch.view_as_real(images).flatten(1)
            values, vectors = torch.linalg.eigh(images.conj() @ images.T)
            _spectra[self.A] = DampedSpectrum(values.clamp(min=0), vectors)
        return _spectra[self.A]


class _Damped(Operator):
    """w ↦ (A w, √τ w), as real numbers in a row."""

    whole: Operator
    _roots: Tensor  # (batch,)
    _split: int  # numbers of A w

    def __init__(self, whole: Operator, tau: Tensor) -> None:
        complex_kinds = (whole.complex_range, whole.complex_domain)
        shapes = (whole.range, whole.domain)
        numbers = [math.prod(shape) * (1 + also) for shape, also in zip(shapes, complex_kinds, strict=True)]
        super().__init__(domain=whole.domain, range=(sum(numbers),), batch=len(tau))
        self._set(whole=whole, complex_domain=whole.complex_domain, _roots=tau.sqrt(), _split=numbers[0])

    def joined(self, image: Tensor, w: Tensor | None) -> Tensor:
        """(image, √τ w) in a row; w None: 0."""
        flat = as_numbers(image)
        if w is None:
            return torch.cat([flat, flat.new_zeros(len(flat), self.range[0] - self._split)], dim=1)
        return torch.cat([flat, as_numbers(per_sample(self._roots, w).to(w.dtype) * w)], dim=1)

    def _forward(self, x: Tensor) -> Tensor:
        return self.joined(self.whole(x), x)

    def _adjoint(self, y: Tensor) -> Tensor:
        image = from_numbers(y[:, : self._split], self.whole.range, complex_too=self.whole.complex_range)
        w = from_numbers(y[:, self._split :], self.domain, complex_too=self.complex_domain)
        return self.whole.adjoint(image) + per_sample(self._roots, w).to(w.dtype) * w


def as_numbers(u: Tensor) -> Tensor:
    """Return real and imaginary parts as real numbers in a row: (batch, numbers)."""
    return (torch.view_as_real(u) if u.is_complex() else u).flatten(1)


def from_numbers(row: Tensor, shape: Shape, *, complex_too: bool) -> Tensor:
    """Undo `as_numbers`: (batch, *shape)."""
    if complex_too:
        return torch.view_as_complex(row.reshape(len(row), *shape, 2).contiguous())
    return row.reshape(len(row), *shape)


def _frame_constant(A: Operator) -> Tensor | None:
    """c where A*A is c times a projection, (1,) or (A.batch,); None where it is not.

    For a random x, A*A x has a part in every eigenspace with probability 1, so one x is enough.
    """
    rng = torch.Generator().manual_seed(0)
    dtype = torch.complex128 if A.complex_domain else torch.float64
    x = torch.randn(A.batch or 1, *A.domain, generator=rng, dtype=dtype)
    with torch.no_grad():
        once = A.adjoint(A(x))
        twice = A.adjoint(A(once))
    energy = inner(once, once)
    constant = torch.where(energy > 0, inner(once, twice) / energy.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
    exact = lengths(twice - constant * once) <= FRAME * lengths(twice)
    return constant.flatten() if bool(exact.all()) else None
