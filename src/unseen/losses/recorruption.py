"""Recorrupted-to-recorrupted (R2R): added noise makes two independent measurements from one Gaussian measurement."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from unseen.losses.independent_pair import SHARE, IndependentPair, check_share
from unseen.losses.loss import Seen
from unseen.losses.sure_gaussian import check_output, check_request, projected, real_components, real_entries
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.noise import Noise, standard_normal
from unseen.physics.operator import Mask


def recorrupted_risk(
    h: Callable[[Tensor], Tensor],
    y: Tensor,
    noise: Gaussian,
    target: Mask | None = None,
    *,
    share: float = SHARE,
    generator: torch.Generator | None = None,
) -> Tensor:
    """‖h(y₁) − B y₂‖² − m sigma² / share,   y₁ = y + sigma √(share/(1 − share)) ω,
    y₂ = y − sigma √((1 − share)/share) ω,   ω ~ N(0, I).

    y₁ and y₂ are independent, so this is unbiased for E‖h(y₁) − B x‖²: the risk at y₁, whose noise is
    sigma / √(1 − share), a little more than y's.

    Regime: exact at every sigma, for every h; no derivative. Its variance grows as 1 / share, and is above `sure`'s.

    Needs y and f (within h); A too where h = A∘f. Differentiable.

    Args:
        h: takes and gives y's shape. One call.
        y: (batch, ...), noisy, real or complex (sigma for each real component).
        noise: `Gaussian`.
        target: a `Mask`, shared or one for each sample; None: all of y. h is held to zero off it.
        share: how y's precision is split: y₂ gets this much, in (0, 1).
        generator: where ω comes from; None: torch's global generator.

    Returns:
        (batch,): the sum over each sample's entries. It can be negative.

    Raises:
        TypeError: the noise is not Gaussian, or the target no mask.
        ValueError: shapes do not fit, or the share is not between 0 and 1.

    Example:
        >>> import torch
        >>> from unseen.physics import Gaussian
        >>> recorrupted_risk(torch.zeros_like, torch.ones(2, 1, 8, 8), Gaussian(0.0)).tolist()
        [64.0, 64.0]

    Source: Pang et al., Recorrupted-to-Recorrupted: unsupervised deep learning for image denoising, CVPR 2021.
    """
    check_request(y, target, 1.0)
    first, second = recorrupted(y, noise, share=share, generator=generator)
    return risk_by_second(h(first), second, noise, target, share=share)


def risk_by_second(
    prediction: Tensor, second: Tensor, noise: Gaussian, target: Mask | None = None, *, share: float
) -> Tensor:
    """‖prediction − B y₂‖² − m sigma² / share: `recorrupted_risk` where h(y₁) is known: (batch,).

    Args:
        prediction: h(y₁), of y₂'s shape.
        second: y₂, (batch, ...).
        noise: of y.
        target: B, as for `recorrupted_risk`.
        share: as y was split by `recorrupted`.

    Raises:
        ValueError: shapes or types of number differ.

    Example:
        >>> import torch
        >>> y = torch.ones(1, 1, 8, 8)
        >>> risk_by_second(y, y, Gaussian(0.5), share=0.25).tolist()
        [-64.0]
    """
    check_output(prediction, second)
    judge = real_components(projected(target, second))
    sigma = noise.sigma_of(judge).flatten()
    square = ((real_components(prediction) - judge) ** 2).flatten(1).sum(dim=1)
    return square - sigma**2 / share * real_entries(target, second)


def recorrupted(
    y: Tensor, noise: Gaussian, *, share: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """y₁ and y₂, independent measurements of the mean of y: of y's shape, dtype and device.

    Their sigmas are sigma / √(1 − share) and sigma / √share.

    Raises:
        TypeError, ValueError: as `recorrupted_risk`.
    """
    if not isinstance(noise, Gaussian):
        raise TypeError(f"Recorrupting is for Gaussian noise, but got {type(noise).__name__}. Counts: use Thinning.")
    check_share(share)
    more = noise.sigma_of(y) * standard_normal(y, generator=generator)
    odds = math.sqrt(share / (1 - share))
    return (y + odds * more).to(y.dtype), (y - more / odds).to(y.dtype)


class Recorrupted(IndependentPair):
    """The risk of link(A f(y₁)) by `recorrupted_risk`, / m. f is given y₁ and a process of y₁'s noise.

    For comparison with `Sure`: one pass instead of two, a noisier estimate, of the risk at a little more noise.

    Args:
        share: how y's precision is split: what judges gets this much, in (0, 1).
        weight: ≥ 0.

    Raises:
        ValueError: the share is not between 0 and 1.
        TypeError (when called): the noise is not Gaussian.

    Example:
        >>> import torch
        >>> from unseen.losses import Seen
        >>> from unseen.physics import Gaussian, Identity, Measurement
        >>> y = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> blind = Seen(y, Measurement(Identity((1, 64, 64)), noise=Gaussian(1.0)), lambda y, process: 0 * y)
        >>> abs(Recorrupted()(blind, generator=torch.Generator().manual_seed(1)).item()) < 0.5
        True
    """

    def _noisier(self, noise: Noise | None) -> Gaussian:
        return noisier(gaussian(noise, type(self).__name__), self.share)

    def _risk(
        self, h: Callable[[Tensor], Tensor], seen: Seen, target: Mask | None, *, generator: torch.Generator | None
    ) -> Tensor:
        return recorrupted_risk(
            h, seen.y, gaussian(seen.process.noise, type(self).__name__), target, share=self.share, generator=generator
        )


def noisier(noise: Gaussian, share: float) -> Gaussian:
    """Return the noise of y₁, sigma / √(1 − share).

    >>> noisier(Gaussian(0.5), 0.75)
    Gaussian(sigma=1.0)
    """
    return Gaussian(noise.sigma / math.sqrt(1 - share))


def gaussian(noise: Noise | None, who: str) -> Gaussian:
    """Return the noise; raise TypeError, naming `who` asks, unless it is Gaussian."""
    if not isinstance(noise, Gaussian):
        raise TypeError(f"{who} is for Gaussian noise, but the process has {type(noise).__name__}.")
    return noise
