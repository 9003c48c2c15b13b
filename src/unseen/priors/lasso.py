"""Sparsity of an image in an orthogonal basis, by the l1 norm: the lasso, or basis pursuit denoising."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from unseen.losses.sums import squares
from unseen.physics.numpy_arrays import arrays_too
from unseen.priors.convex_prior import ConvexPrior, sum_of_lengths
from unseen.priors.fits import CountFit
from unseen.priors.solvers.pdhg import Term
from unseen.priors.solvers.solution import Solution


class OrthogonalBasis(Protocol):
    """An orthogonal map W of images to coefficients of the same shape: W* W = W W* = 1.

    Example:
        >>> from unseen.priors import WaveletTransform
        >>> basis: OrthogonalBasis = WaveletTransform("db2")
        >>> x = torch.ones(1, 1, 8, 8)
        >>> bool(torch.allclose(basis.adjoint(basis(x)), x, atol=1e-6))
        True
    """

    def __call__(self, x: Tensor) -> Tensor:
        """W x: (batch, channels, height, width)."""
        ...

    def adjoint(self, coefficients: Tensor) -> Tensor:
        """W* of coefficients: (batch, channels, height, width)."""
        ...


def check_basis(basis: object) -> None:
    """Raise TypeError unless a basis is a map with an adjoint, or None for the pixels."""
    if basis is not None and not (callable(basis) and callable(getattr(basis, "adjoint", None))):
        cure = f"WaveletTransform({basis!r})" if isinstance(basis, str) else 'WaveletTransform("db4")'
        raise TypeError(
            f"basis is an orthogonal transform with an adjoint, such as {cure}, or None for the pixels, but got a "
            f"{type(basis).__name__}."
        )


class Lasso(ConvexPrior):
    """weight · ‖W x‖₁: few coefficients of x differ from 0, in the basis W; of complex images the moduli are summed.

    Args:
        weight: λ ≥ 0; one for all, or (batch,) with each sample's own. From λ = max |W A* y| on, x = 0.
        basis: W; None: the pixels themselves.
        nonnegative: x ≥ 0 in every pixel, exactly; for real images.
        fit: None: ‖A x − y‖²/2; `KullbackLeibler(gain)`: the likelihood of Poisson noise; `Transmission(I0, gain)`:
            that of counts I0 exp(−A x).

    Raises:
        ValueError: a weight that is negative or not finite; another fit.
        TypeError: a basis without an adjoint.

    Example:
        >>> from unseen.physics import CompressedSensing
        >>> x = torch.zeros(1, 1, 8, 8)
        >>> x[0, 0, 2, 3] = x[0, 0, 6, 1] = 1.0
        >>> A = CompressedSensing(8, 24, seed=0)
        >>> solution = Lasso(1e-3).solve(A(x), A)
        >>> bool((solution.x - x).abs().max() < 0.02)
        True

    Source: Tibshirani, Regression shrinkage and selection via the lasso, J. Royal Statistical Society B 58 (1996)
    267–288; Chen, Donoho & Saunders, Atomic decomposition by basis pursuit, SIAM J. Sci. Comput. 20 (1998) 33–61.
    """

    reach = 1.0

    def __init__(
        self,
        weight: float | Tensor,
        *,
        basis: OrthogonalBasis | None = None,
        nonnegative: bool = False,
        fit: CountFit | None = None,
    ) -> None:
        super().__init__(weight, nonnegative=nonnegative, fit=fit)
        check_basis(basis)
        self.basis = basis

    @arrays_too
    def distance(self, x: Tensor) -> Tensor:
        """‖W x‖₁, whatever the weight: (batch,), ≥ 0.

        >>> Lasso(0.5).distance(torch.tensor([[[[0.0, -2.0]]]])).tolist()
        [2.0]
        """
        return self._penalised(self._coefficients(x)).abs().flatten(1).sum(1)

    @arrays_too
    def prox(self, v: Tensor) -> Solution:
        """argmin over x of ‖x − v‖²/2 + weight · ‖W x‖₁, in closed form: soft thresholding of the coefficients.

        Args:
            v: (batch, channels, height, width), real or complex. With `nonnegative`, W is the pixels.

        Raises:
            ValueError: `nonnegative` with another basis than the pixels, for which there is no closed form: use
                `solve` with `Identity`.
        """
        if self.nonnegative and self.basis is not None:
            raise ValueError("Soft thresholding keeps x ≥ 0 in the basis of pixels alone. Use solve(v, Identity(…)).")
        weight = self._weights(v)
        x = self._thresholded(v, weight)
        x = x.clamp(min=0) if self.nonnegative else x
        value = squares(x - v).double() / 2 + self(x).double()
        zero = torch.zeros_like(value)
        once = torch.ones_like(value, dtype=torch.int64)
        trace = torch.stack([once.double(), value, zero])[None]
        return Solution(x, value, zero, once, once.bool(), 1e-12, trace, weight.flatten().double())

    def _prox_steps(self, weight: Tensor, tolerance: float) -> Callable[[Tensor, float], Tensor]:
        del tolerance
        return lambda v, step: self._thresholded(v, step * weight)

    def _thresholded(self, v: Tensor, weight: Tensor) -> Tensor:
        coefficients = self._coefficients(v)
        return self._of_coefficients(coefficients - _clipped(self._penalised(coefficients), weight))

    def _coefficients(self, x: Tensor) -> Tensor:
        return x if self.basis is None else self.basis(x)

    def _of_coefficients(self, coefficients: Tensor) -> Tensor:
        return coefficients if self.basis is None else self.basis.adjoint(coefficients)

    def _penalised(self, coefficients: Tensor) -> Tensor:
        """Return the coefficients with zero in the place of those that cost nothing."""
        return coefficients

    def _terms(self, weight: Tensor, x: Tensor) -> list[Term]:
        del x
        return [
            sum_of_lengths(
                weight,
                torch.abs,
                _clipped,
                forward=lambda x: self._penalised(self._coefficients(x)),
                adjoint=lambda p: self._of_coefficients(self._penalised(p)),
                norm=1.0,
            )
        ]

    def _settings(self) -> str:
        return super()._settings() + ("" if self.basis is None else f", basis={self.basis}")


def _clipped(p: Tensor, longest: Tensor) -> Tensor:
    """Return the nearest numbers to p whose modulus is at most `longest`."""
    if not p.is_complex():
        return torch.minimum(torch.maximum(p, -longest), longest)
    moduli = p.abs()
    return p * (longest / moduli.clamp(min=torch.finfo(moduli.dtype).tiny)).clamp(max=1)
