"""Total generalised variation (TGV) of second order as a prior: images that are affine but for edges.

TGV(x) = min over w of Σ |(∇x − w)_i| + second · Σ |(E w)_i|, with w a field of two numbers a pixel and E w its
symmetrised gradient: (∂₁w₁, ∂₂w₂, (∂₂w₁ + ∂₁w₂)/2), whose Frobenius norm counts the last one twice. All differences
are forward ones; across the last row and the last column there is none, and w is not compared with any there, so that
an affine image has TGV 0 whatever its size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.tensor_products import inner, lengths
from unseen.priors.convex_prior import ITERATIONS, ConvexPrior, sum_of_lengths
from unseen.priors.differences import NORM, differences, differences_adjoint, moduli, shortened
from unseen.priors.fits import CountFit
from unseen.priors.solvers.pdhg import Term, pdhg, per_sample

SECOND = 2.0
"""The weight of E w in the first term's: the usual ratio (Knoll and others, 2011)."""
DISTANCE_TOLERANCE = 1e-4  # of TGV(x)


class TGV(ConvexPrior):
    """weight · TGV(x): total generalised variation of second order, which keeps slopes where TV makes steps.

    Args:
        weight: λ ≥ 0; one for all, or (batch,) with each sample's own.
        second: the weight of the second-order term within TGV, > 0. The larger, the more like TV of affine pieces.
        nonnegative: x ≥ 0 in every pixel, exactly; for real images.
        fit: None: ‖A x − y‖²/2; `KullbackLeibler(gain)`: the likelihood of Poisson noise; `Transmission(I0, gain)`:
            that of counts I0 exp(−A x).

    Raises:
        ValueError: a weight that is negative or not finite; another fit; second is not above 0.

    Example:
        >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
        >>> TGV(1.0).distance(ramp).item()
        0.0

    Source: Bredies, Kunisch & Pock, Total generalized variation, SIAM J. Imaging Sciences 3 (2010) 492–526; for MRI:
    Knoll, Bredies, Pock & Stollberger, Magnetic Resonance in Medicine 65 (2011) 480–491.
    """

    reach = 8 * NORM  # of w's dual, too: denoising and inpainting take a quarter of the steps that NORM takes
    known_flat = True

    def __init__(
        self,
        weight: float | Tensor,
        *,
        second: float = SECOND,
        nonnegative: bool = False,
        fit: CountFit | None = None,
    ) -> None:
        super().__init__(weight, nonnegative=nonnegative, fit=fit)
        if not (math.isfinite(second) and second > 0):
            raise ValueError(f"second is a finite number above 0, but got {second}.")
        self.second = float(second)

    @arrays_too
    def distance(self, x: Tensor) -> Tensor:
        """TGV(x), whatever the weight, to 1e-4 of its value: (batch,), ≥ 0; an affine image has 0.

        >>> edge = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 4, 4)
        >>> round(TGV(1.0).distance(edge).item(), 2)
        4.0
        """
        one = torch.ones_like(lengths(x))
        with torch.no_grad():
            slopes = differences(x)
            distance = Term(
                forward=_within_image,
                adjoint=_within_image,
                norm=1.0,
                prox_conjugate=lambda p, step: shortened(p - step * slopes, one),
                value=lambda z: moduli(slopes - z).flatten(1).sum(1),
                gap=lambda z, p: (moduli(slopes - z).flatten(1).sum(1) + inner(slopes - z, p).flatten()).clamp(min=0),
            )
            field = _extended(slopes)
            bend = sum_of_lengths(
                self.second * one, moduli, shortened, forward=_symmetrised, adjoint=_symmetrised_adjoint, norm=NORM
            )
            typical = lengths(field) / max(field[0].numel(), 1) ** 0.5
            ratio = per_sample(
                torch.where(typical > 0, 10 * max(1.0, self.second) / typical, 1.0).to(typical.dtype), field
            )
            solution, _ = pdhg(
                [distance, bend], field, ratio=ratio, iterations=10 * ITERATIONS, tolerance=DISTANCE_TOLERANCE
            )
        return solution.value.to(lengths(x).dtype)

    def _lifted(self, x: Tensor) -> Tensor:
        field = _extended(differences(x))
        return torch.cat([x, field.flatten(1, 2)], dim=1)

    def _image(self, v: Tensor) -> Tensor:
        return v[:, : v.shape[1] // 3]

    def _padded(self, x: Tensor) -> Tensor:
        return torch.cat([x, torch.zeros_like(x), torch.zeros_like(x)], dim=1)

    def _terms(self, weight: Tensor, x: Tensor) -> list[Term]:
        def field(v: Tensor) -> Tensor:
            return v[:, x.shape[1] :].reshape(len(v), 2, *x.shape[1:])

        def apart_adjoint(p: Tensor) -> Tensor:
            return torch.cat([differences_adjoint(p), -_within_image(p).flatten(1, 2)], dim=1)

        def bend_adjoint(p: Tensor) -> Tensor:
            back = _symmetrised_adjoint(p)
            return torch.cat([torch.zeros_like(back[:, 0]), back.flatten(1, 2)], dim=1)

        return [
            sum_of_lengths(
                weight,
                moduli,
                shortened,
                forward=lambda v: differences(self._image(v)) - _within_image(field(v)),
                adjoint=apart_adjoint,
                norm=math.sqrt(NORM**2 + 1),
            ),
            sum_of_lengths(
                self.second * weight,
                moduli,
                shortened,
                forward=lambda v: _symmetrised(field(v)),
                adjoint=bend_adjoint,
                norm=NORM,
            ),
        ]

    def _settings(self) -> str:
        return super()._settings() + ("" if self.second == SECOND else f", second={self.second:g}")


def _within_image(field: Tensor) -> Tensor:
    """Return the field (batch, 2, channels, height, width) with zero where no difference is within the image."""
    found = field.clone()
    found[:, 0, :, -1, :] = 0
    found[:, 1, :, :, -1] = 0
    return found


def _extended(slopes: Tensor) -> Tensor:
    """Differences, continued across the last row and the last column."""
    found = slopes.clone()
    if found.shape[-2] > 1:
        found[:, 0, :, -1, :] = found[:, 0, :, -2, :]
    if found.shape[-1] > 1:
        found[:, 1, :, :, -1] = found[:, 1, :, :, -2]
    return found


def _symmetrised(field: Tensor) -> Tensor:
    """E w, the mixed derivative times √2: (batch, 2, channels, height, width) → (batch, 3, channels, height, width)."""
    slopes = differences(field.flatten(0, 1))  # of both fields at once
    first, second = slopes.reshape(len(field), 2, *field.shape[1:]).unbind(1)
    return torch.stack([first[:, 0], second[:, 1], (first[:, 1] + second[:, 0]) / math.sqrt(2)], dim=1)


def _symmetrised_adjoint(p: Tensor) -> Tensor:
    mixed = p[:, 2] / math.sqrt(2)
    both = torch.stack([p[:, 0], mixed, mixed, p[:, 1]], dim=1)  # two fields, one after the other
    return differences_adjoint(both.reshape(2 * len(p), 2, *p.shape[2:])).reshape(len(p), 2, *p.shape[2:])
