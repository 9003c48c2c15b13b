"""Robust equivariant imaging with two network passes a step: one pass serves the risk and the equivariance."""

import math
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.equivariance import RobustEquivariance
from unseen.losses.independent_pair import SHARE, check_share
from unseen.losses.loss import Loss, Seen, observed, observed_count
from unseen.losses.recorruption import gaussian, noisier, recorrupted, risk_by_second
from unseen.losses.sums import at_least_single, mean_square
from unseen.physics.group import Group
from unseen.physics.measurement import Measurement


class RecorruptedEquivariance(RobustEquivariance):
    """R2R + α REQ, both of one reconstruction x̂₁ = f(y₁):

        [‖A x̂₁ − y₂‖² − m sigma² / share] / m  +  α · the mean over g of ‖T_g x̂₁ − f(ỹ)‖² / n
        y₁ = y + sigma √(share/(1 − share)) ω,  y₂ = y − sigma √((1 − share)/share) ω,  ω ~ N(0, I)
        ỹ = A T_g x̂₁ + sigma ω',  ω' ~ N(0, I)

    REI by two passes of the network a step, f(y₁) and f(ỹ), where `Sure` with `RobustEquivariance` has three: f(y),
    f(y + tau b) and f(ỹ). y₁ and y₂ are independent, so the first term is unbiased for E‖A f(y₁) − A x‖² / m at every
    sigma and for every f: the risk at y₁, whose noise is sigma / √(1 − share). Its variance is above that of `Sure`.

    Running averages of f follow the pass over y₁. With a link read link ∘ A for A. In `learn`, both terms are in the
    reconstructor's own scale.

    Args:
        group: transformations that images may undergo and still be images.
        share: how y's precision is split: y₂ gets this much, in (0, 1).
        alpha: of the equivariance, finite, ≥ 0.
        transforms: number of g that are drawn for each image, ≥ 1.
        weight: ≥ 0, of the sum.

    Raises:
        ValueError: the share is not between 0 and 1, alpha is negative or not finite, or `transforms` is not a whole
            number of at least 1.
        TypeError (when called): the noise is not Gaussian.

    Example:
        >>> import torch
        >>> from unseen.physics import Gaussian, Identity, Shifts
        >>> y = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> blind = Seen(y, Measurement(Identity((1, 64, 64)), noise=Gaussian(1.0)), lambda y, process: 0 * y)
        >>> abs(RecorruptedEquivariance(Shifts())(blind, generator=torch.Generator().manual_seed(1)).item()) < 0.5
        True

    Source: Pang et al., Recorrupted-to-Recorrupted, CVPR 2021, in the place of SURE in Chen, Tachella & Davies, Robust
    equivariant imaging, CVPR 2022, arXiv 2111.12855.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})
    compares = "measurements"

    def __init__(
        self, group: Group, *, share: float = SHARE, alpha: float = 1.0, transforms: int = 1, weight: float = 1.0
    ) -> None:
        super().__init__(group, transforms=transforms, weight=weight)
        check_share(share)
        if not (math.isfinite(alpha) and alpha >= 0):
            raise ValueError(f"alpha is a finite number of at least 0, but got {alpha}.")
        self.share, self.alpha = share, alpha

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        process, noise = seen.process, gaussian(seen.process.noise, type(self).__name__)
        first, second = recorrupted(seen.y, noise, share=self.share, generator=generator)
        found = seen.instead(first, replace(process, noise=noisier(noise, self.share)))
        prediction = observed(process, process.mean(found))
        risk = risk_by_second(prediction, second, noise, process.A.observed(), share=self.share)
        risk = risk / observed_count(process, seen.y).clamp(min=1).to(risk)
        values = []
        for _ in range(self.transforms):
            moved = self.group.T(found, self.group.sample(len(seen.y), generator=generator))
            again = seen.again(self._measured(seen, moved, generator))
            values.append(mean_square(at_least_single(moved) - at_least_single(again)))
        in_units = (seen.units.measurement / seen.units.image) ** 2  # `in_own_scale` divides all by measurement²
        return risk + self.alpha * in_units * torch.stack(values).mean(dim=0)

    def judge(self, process: Measurement) -> Loss:
        del process
        return self

    def __repr__(self) -> str:
        settings = f"share={self.share:g}, alpha={self.alpha:g}, transforms={self.transforms}, weight={self.weight:g}"
        return f"{type(self).__name__}({self.group}, {settings})"
