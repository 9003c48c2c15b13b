"""Thinning: counts are split at random into two independent measurements; the second one is the target."""

from collections.abc import Callable

import torch
from torch import Tensor

from unseen.losses.independent_pair import SHARE, IndependentPair, check_share
from unseen.losses.loss import Seen
from unseen.losses.sure_gaussian import check_output, check_request, projected, real_components
from unseen.losses.sure_poisson import check_counts
from unseen.physics.generator_device import generator_device
from unseen.physics.noise import Noise
from unseen.physics.operator import Mask
from unseen.physics.poisson_noise import PoissonGaussian

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
    device = generator_device(generator)
    counts = y.detach().to(device, torch.float64) / noise.gain
    whole = counts.round()
    strange = ~((counts - whole).abs() <= OFF_LATTICE * whole.clamp(min=1)) | ~(whole >= 0)  # NaN and infinity, too
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
