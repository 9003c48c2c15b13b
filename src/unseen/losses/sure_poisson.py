"""SURE for photon counts with Gaussian read-out noise, to second order in the gain: three network calls."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from unseen.losses.running_averages import running_averages_frozen
from unseen.losses.sure_gaussian import check_output, check_request, projected, real_components
from unseen.physics.generator_device import generator_device
from unseen.physics.noise import per_sample
from unseen.physics.operator import Mask
from unseen.physics.poisson_noise import PoissonGaussian
from unseen.physics.tensor_products import describe

Network = Callable[[Tensor], Tensor]


UP = 0.5 + 0.5 / math.sqrt(5)  # p: how often a probe is −√((1 − p)/p), which is −0.618; else it is √(p/(1 − p)), 1.618


def mixed_sure(
    h: Network,
    y: Tensor,
    noise: PoissonGaussian,
    target: Mask | None = None,
    *,
    order: int = 2,
    tau: float | Tensor | None = None,
    generator: torch.Generator | None = None,
    prediction: Tensor | None = None,
    modules: Iterable[nn.Module] = (),
) -> Tensor:
    """‖h − B y‖² − gain 1ᵀB y − sigma² m + (1/tau) Σ (gain y_i + sigma²) c_i (h₊ − h₋)_i
    − (1/tau²) Σ (2 sigma² gain + gain² y_i) c_i (h₊ + h₋ − 2 h)_i,   h = h(y), h± = h(y ± tau B c).

    The probe's c_i are independent with E c = 0, E c² = E c³ = 1: without the skew, the last term would be noise about
    zero. Sums are over the entries of B = `target`, m = tr B; h is held to zero off it.

    Regime: the exact risk (`hudson_risk`) with h(y − gain e_i) taken to second order in the gain: right for quadratic
    h, within 3 % for smooth h at gain 0.1 on images in [0, 1], not to be trusted at 0.5: there use `thinning_risk`.
    `order=1` leaves the last term out (two calls): right for linear h, and for counts in the thousands.

    Needs y and f (within h); A too where h = A∘f. Differentiable through all passes.

    Args:
        h: takes and gives y's shape; the same function in all passes.
        y: (batch, ...), real, in the units of gain.
        noise: `PoissonGaussian`, or `Poisson`.
        target: a `Mask`, shared or one for each sample; None: all of y.
        order: 1 or 2.
        tau: the step, > 0, in y's units, one for all or (batch,). None: gain / 2, at which a network of pieces (ReLU),
            whose second derivative is zero almost everywhere, shows its curvature over a count's width. Smooth h
            allow less.
        generator, prediction, modules: as `sure` has them.

    Returns:
        (batch,): the sum over each sample's entries. It can be negative.

    Raises:
        TypeError: the noise is no count, or the target no mask.
        ValueError: y is complex, shapes do not fit, tau is not above 0, or the order neither 1 nor 2.

    Example:
        >>> import torch
        >>> from unseen.physics import PoissonGaussian
        >>> round(mixed_sure(torch.zeros_like, torch.full((1, 1, 2, 2), 3.0), PoissonGaussian(0.5, 0.1)).item(), 2)
        29.96

    Source: Hudson, Annals of Statistics 6 (1978) 473–484, with Stein's lemma; to first order Le Montagner, Angelini &
    Olivo-Marin, IEEE TIP 23 (2014) 1255–1268. The weight of the curvature term follows from the expansion.
    """
    check_counts(y, noise)
    if order not in (1, 2):
        raise ValueError(f"order is 1 or 2 in the gain, but got {order}.")
    tau = per_sample(torch.as_tensor(noise.gain / 2 if tau is None else tau), y, "tau")
    check_request(y, target, float(tau.min()))
    c = projected(target, skewed_probe(y, generator=generator))
    step = (tau * c).to(y.dtype)
    prediction = h(y.clone()) if prediction is None else prediction  # h may write into what it is given
    with running_averages_frozen(*modules, *([h] if isinstance(h, nn.Module) else [])):
        outputs = [h(y + step)] if order == 1 else [h(y + step), h(y - step)]
    for output in (prediction, *outputs):
        check_output(output, y)
    counted, centre = projected(target, real_components(y)), real_components(prediction)
    ahead, c = real_components(outputs[0]), real_components(c)
    gain, sigma = noise.gain, noise.sigma
    risk = (centre - counted) ** 2 - gain * counted - sigma**2 * projected(target, torch.ones_like(counted))
    slope = gain * counted + sigma**2
    if order == 1:
        return (risk + 2 / tau * slope * c * (ahead - centre)).flatten(1).sum(dim=1)
    behind = real_components(outputs[1])
    curve = 2 * sigma**2 * gain + gain**2 * counted
    risk = risk + slope / tau * c * (ahead - behind) - curve / tau**2 * c * (ahead + behind - 2 * centre)
    return risk.flatten(1).sum(dim=1)


def skewed_probe(like: Tensor, *, generator: torch.Generator | None) -> Tensor:
    """c iid, −√((1 − p)/p) with probability p and √(p/(1 − p)) else, p = ½ + 1/(2√5): E c = 0, E c² = E c³ = 1.

    Of like's shape, dtype and device; drawn on the generator's device.

    Example:
        >>> import torch
        >>> c = skewed_probe(torch.zeros(1, 1_000_000), generator=torch.Generator().manual_seed(0))
        >>> [round(abs(c**k).mean().item(), 1) for k in (2,)], sorted({round(v, 3) for v in c[0, :99].tolist()})
        ([1.0], [-0.618, 1.618])
    """
    device = generator_device(generator)
    dtype = torch.promote_types(like.dtype, torch.float32)
    drawn = torch.rand(like.shape, generator=generator, dtype=dtype, device=device)
    return torch.where(drawn < UP, -math.sqrt((1 - UP) / UP), math.sqrt(UP / (1 - UP))).to(like)


def check_counts(y: Tensor, noise: object) -> None:
    """Raise TypeError unless the noise is that of counts, ValueError unless y is real."""
    if not isinstance(noise, PoissonGaussian):
        raise TypeError(f"This risk is for counts, PoissonGaussian or Poisson, but got {type(noise).__name__}.")
    if y.is_complex():
        raise ValueError(f"Counts are real, but y is {y.dtype} of shape {describe(tuple(y.shape))}.")
