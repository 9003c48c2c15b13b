"""Losses that split one measurement in two: splitting, independent pairs, recorrupted (R2R), thinned counts.

Two independent measurements made of one, a little noisier each: f is given the first, and the second judges.

Splitting: reconstruct from some of the measurement, and be judged by the rest.

R2R, recorrupted to recorrupted: more noise makes of one Gaussian measurement two independent ones.

Thinning: counts split by lot into two independent measurements, one to reconstruct from and one to judge by.
"""

import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor

from unseen.losses.loss import Loss, Seen, at_least_single, observed, observed_count, squares
from unseen.losses.sure_gaussian import check_output, check_request, projected, real_components, real_entries
from unseen.losses.sure_poisson import check_counts
from unseen.physics.noise import Gaussian, Noise, PoissonGaussian, standard_normal
from unseen.physics.operator import Mask

SHARE = 0.1


def check_share(share: float) -> None:
    """Raises ValueError unless 0 < share < 1."""
    if not 0 < share < 1:
        raise ValueError(f"share is between 0 and 1, but got {share}.")


class IndependentPair(Loss):
    """The risk of link(A f(y₁)), / m, judged by y₂. f is given y₁ and a process of y₁'s noise.

    A subclass defines the noise of y₁ in `_noisier`, and the splitting of y and the risk in `_risk`.

    Args:
        share: of y that judges, in (0, 1).
        weight: ≥ 0.

    Raises:
        ValueError: the share is not between 0 and 1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, share: float = SHARE, *, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        check_share(share)
        self.share = share

    @abstractmethod
    def _noisier(self, noise: Noise | None) -> Noise:
        """The noise of y₁. Raises TypeError for a noise that cannot be taken apart."""

    @abstractmethod
    def _risk(
        self, h: Callable[[Tensor], Tensor], seen: Seen, target: Mask | None, *, generator: torch.Generator | None
    ) -> Tensor:
        """The sum over each sample's observed entries: (batch,)."""

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        noisier = replace(seen.process, noise=self._noisier(seen.process.noise))

        def h(y: Tensor) -> Tensor:
            return observed(noisier, noisier.mean(seen.again(y, noisier)))

        total = self._risk(h, seen, seen.process.A.observed(), generator=generator)
        return total / observed_count(seen.process, seen.y).clamp(min=1).to(total)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(share={self.share:g}, weight={self.weight:g})"


class Splitting(Loss):
    """‖(1 − ω) ⊙ (y − link(A f(ω ⊙ y, ω A)))‖² / m₂,  over the m₂ observed real components that ω leaves out.

    ω is drawn for each sample, and keeps a location of all channels (coils, colours) or none. Where no truth is known
    it is the field's other way; it needs noise that is independent between locations, and what A shows of no image it
    does not find either.

    Args:
        kept: the share of the locations that f is given, in (0, 1).
        weight: ≥ 0.

    Raises:
        ValueError: the share is not between 0 and 1.

    Example:
        >>> from unseen.physics import Identity, Measurement
        >>> seen = Seen(torch.ones(2, 1, 8, 8), Measurement(Identity((1, 8, 8))), lambda y, process: 0 * y)
        >>> Splitting(kept=0.5)(seen, generator=torch.Generator().manual_seed(0)).tolist()
        [1.0, 1.0]

    Source: Yaman et al., Self-supervised learning of physics-guided reconstruction neural networks without fully
    sampled reference data, Magnetic Resonance in Medicine 84 (2020) 3172–3191, doi:10.1002/mrm.28378, where kept is
    0.6.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"y", "A", "f"})

    def __init__(self, kept: float = 0.6, *, weight: float = 1.0) -> None:
        super().__init__(weight=weight)
        check_share(kept)
        self.kept = kept

    def __call__(self, seen: Seen, *, generator: torch.Generator | None) -> Tensor:
        process, y = seen.process, seen.y
        device = generator.device if generator is not None else torch.device("cpu")
        locations = (len(y), 1, *y.shape[2:])
        kept = (torch.rand(locations, generator=generator, device=device) < self.kept).cpu().expand(y.shape)
        some = replace(process, A=process.A.restrict(kept))
        kept = kept.to(y.device)
        nothing = torch.zeros_like(y)
        given = torch.where(kept, y, nothing if process.link is None else process.link(nothing))
        found = process.mean(seen.again(given, some))
        mask = process.A.observed()
        judging = ~kept if mask is None else ~kept & mask.mask.to(y.device)
        judged = squares(judging * (at_least_single(y) - at_least_single(found)))
        m = judging.flatten(1).sum(dim=1) * (2 if y.is_complex() else 1)
        return judged / m.clamp(min=1)

    def __repr__(self) -> str:
        return f"Splitting(kept={self.kept:g}, weight={self.weight:g})"


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
    noisier, judging = recorrupted(y, noise, share=share, generator=generator)
    prediction = h(noisier)
    check_output(prediction, y)
    judge = real_components(projected(target, judging))
    sigma = noise.sigma_of(judge).flatten()
    square = ((real_components(prediction) - judge) ** 2).flatten(1).sum(dim=1)
    return square - sigma**2 / share * real_entries(target, y)


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
        return Gaussian(_gaussian(noise).sigma / math.sqrt(1 - self.share))

    def _risk(
        self, h: Callable[[Tensor], Tensor], seen: Seen, target: Mask | None, *, generator: torch.Generator | None
    ) -> Tensor:
        return recorrupted_risk(h, seen.y, _gaussian(seen.process.noise), target, share=self.share, generator=generator)


def _gaussian(noise: Noise | None) -> Gaussian:
    if not isinstance(noise, Gaussian):
        raise TypeError(f"Recorrupted is for Gaussian noise, but the process has {type(noise).__name__}.")
    return noise


OFF_LATTICE = 1e-3  # of a count, for every count of an entry up to a thousand


def thinning_risk(
    h: Callable[[Tensor], Tensor],
    y: Tensor,
    noise: PoissonGaussian,
    target: Mask | None = None,
    *,
    share: float = SHARE,
    generator: torch.Generator | None = None,
) -> Tensor:
    """‖h(y₁) − B y₂‖² − (gain / share) 1ᵀB y₂,   y₁ = gain (z − ω) / (1 − share),  y₂ = gain ω / share,
    z = y / gain,  ω ~ Bin(z, share).

    y₁ and y₂ are independent Poisson measurements of the same u, so this is unbiased for E‖h(y₁) − B u‖²: the risk at
    y₁, whose gain is gain / (1 − share), a little noisier than y.

    Regime: exact at every gain, for every h; Poisson noise alone (sigma = 0). A small share leaves y₁ close to y, and
    y₂ noisy: the estimate's variance grows as 1 / share.

    Needs y and f (within h); A too where h = A∘f. Differentiable in h's weights.

    Args:
        h: takes and gives y's shape. One call.
        y: (batch, ...), real, whole multiples of gain.
        noise: `Poisson`, or `PoissonGaussian` with sigma = 0.
        target: a `Mask`, shared or one for each sample; None: all of y. h is held to zero off it.
        share: of the counts that judge, in (0, 1).
        generator: where ω comes from; None: torch's global generator.

    Returns:
        (batch,): the sum over each sample's entries. It can be negative.

    Raises:
        TypeError: the noise is no count, or the target no mask.
        ValueError: sigma > 0, y is complex or no whole multiple of gain, shapes do not fit, or the share is not between
            0 and 1.

    Example:
        >>> import torch
        >>> from unseen.physics import PoissonGaussian
        >>> y = torch.full((2, 1, 8, 8), 3.0)
        >>> thinning_risk(torch.zeros_like, y, PoissonGaussian(0.5), generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2])

    Source: for the split, Kingman, Poisson Processes, 1993, §5.1; as a loss, Monroy, Bacca & Tachella, Generalized
    recorrupted-to-recorrupted: self-supervised learning beyond Gaussian noise, CVPR 2025.
    """
    check_request(y, target, 1.0)
    kept, judging = thinned(y, noise, share=share, generator=generator)
    prediction = h(kept)
    check_output(prediction, y)
    judge = projected(target, real_components(judging))
    return ((real_components(prediction) - judge) ** 2 - noise.gain / share * judge).flatten(1).sum(dim=1)


def thinned(
    y: Tensor, noise: PoissonGaussian, *, share: float, generator: torch.Generator | None
) -> tuple[Tensor, Tensor]:
    """y₁ and y₂, independent measurements of the mean of y: of y's shape, dtype and device.

    Their gains are gain / (1 − share) and gain / share.

    Raises:
        TypeError, ValueError: as `thinning_risk`.
    """
    check_counts(y, noise)
    if noise.sigma > 0:
        raise ValueError(
            f"Thinning splits whole counts, but the noise has a read-out of sigma = {noise.sigma:g}. Use mixed_sure."
        )
    check_share(share)
    device = generator.device if generator is not None else torch.device("cpu")
    counts = y.detach().to(device, torch.float64) / noise.gain
    whole = counts.round()
    strange = ((counts - whole).abs() > OFF_LATTICE * whole.clamp(min=1)) | ~(whole >= 0)
    if strange.any():
        raise ValueError(
            f"Poisson counts are whole multiples of the gain {noise.gain:g} and at least 0, but y holds "
            f"{float(y.detach().to(device)[strange][0]):.6g}. Give y as it was measured, neither scaled nor clipped."
        )
    drawn = torch.binomial(whole, torch.full_like(whole, share), generator=generator)
    return (noise.gain * (whole - drawn) / (1 - share)).to(y), (noise.gain * drawn / share).to(y)


class Thinning(IndependentPair):
    """The risk of link(A f(y₁)) by `thinning_risk`, / m. f is given y₁ and a process of y₁'s gain.

    For `Sure` where counts are few: exact for Poisson noise at every gain. It trains f on images a little noisier
    than y.

    Args:
        share: of the counts that judge, in (0, 1).
        weight: ≥ 0.

    Raises:
        ValueError: the share is not between 0 and 1; when called, what `thinning_risk` raises.

    Example:
        >>> from unseen.physics import Identity, Measurement, Poisson
        >>> process = Measurement(Identity((1, 8, 8)), Poisson(0.5))
        >>> y = process(torch.ones(2, 1, 8, 8), generator=torch.Generator().manual_seed(0))
        >>> seen = Seen(y, process, lambda y, process: y)
        >>> Thinning()(seen, generator=torch.Generator().manual_seed(0)).shape
        torch.Size([2])
    """

    def _noisier(self, noise: Noise | None) -> PoissonGaussian:
        return PoissonGaussian(_counts(noise).gain / (1 - self.share))

    def _risk(
        self, h: Callable[[Tensor], Tensor], seen: Seen, target: Mask | None, *, generator: torch.Generator | None
    ) -> Tensor:
        return thinning_risk(h, seen.y, _counts(seen.process.noise), target, share=self.share, generator=generator)


def _counts(noise: Noise | None) -> PoissonGaussian:
    if not isinstance(noise, PoissonGaussian):
        raise TypeError(f"Thinning is for Poisson noise, but the process has {type(noise).__name__}.")
    return noise
