"""SURE for Gaussian noise: a network's risk on noisy images, estimated without the clean ones.

Stein's lemma: for y ~ N(x, σ²I), E⟨n, h(y)⟩ = σ² E div h(y). Hence what a network gains by copying the noise n it was
shown can be computed, and taken off again. One function serves every use: a whole image, the lungs of a film
(`target` = their mask), or the observed entries of a measurement (h = A∘f, `target` = `A.observed()`).
"""

import math
from collections.abc import Callable, Iterable
from typing import Literal

import torch
from torch import Tensor, nn

from unseen.losses.running_averages import running_averages_frozen
from unseen.losses.sums import at_least_single
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.noise import Noise, per_sample, standard_normal
from unseen.physics.operator import Mask
from unseen.physics.tensor_products import describe

Network = Callable[[Tensor], Tensor]


def sure(
    h: Network,
    y: Tensor,
    noise: Noise,
    target: Mask | None = None,
    *,
    tau: float | Tensor | None = None,
    generator: torch.Generator | None = None,
    prediction: Tensor | None = None,
    modules: Iterable[nn.Module] = (),
) -> Tensor:
    """‖h(y) − B y‖² − sigma² m + (2 sigma² / tau) (B b)ᵀ (h(y + tau B b) − h(y)),  b ~ N(0, I),  B = target, m = tr B.

    Unbiased, up to O(tau²), for the risk E‖h(y) − B x‖² when y = x + n, n ~ N(0, sigma² I). The noise is counted, and y
    perturbed, on B's entries alone. h is held to B y = 0 off the mask, as the risk has it; for the risk on the mask
    only, end h in the mask: `h = lambda y: B(f(y))`. Complex y: sigma is that of each real component, of which an entry
    has two, b ~ N(0, 1) in both, and products are Re⟨·, ·⟩.

    Needs y and f (within h); A too where h = A∘f. Differentiable through both passes. Accumulated at least in single
    precision, also under autocast.

    Args:
        h: takes and gives y's shape; the same function in both passes (no dropout).
        y: (batch, ...), noisy, real or complex.
        noise: `Gaussian`, whose sigma is in y's units, one for all or one for each sample.
        target: an orthogonal projection B: a `Mask`, shared or one for each sample; None: all of y.
        tau: the finite difference's step, > 0, in y's units, one for all or (batch,). The bias is O(tau²) for smooth
            h; rounding of h costs about its precision · |h| / tau. None: `default_step`, sigma / 2.
        generator: where b comes from; None: torch's global generator.
        prediction: h(y) where it is known already, to save a pass.
        modules: the networks that h runs. In the perturbed pass their BatchNorm layers still normalise by that pass's
            batch, but their running averages are left as y made them. An h that is itself a module is always among
            them.

    Returns:
        (batch,): the sum over each sample's entries (divide by n or m for a mean). It can be negative.

    Raises:
        TypeError: the noise is not Gaussian, or the target not a mask.
        ValueError: shapes do not fit, or tau is not above 0.

    Example:
        >>> import torch
        >>> from unseen.physics import Gaussian, Mask
        >>> y = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        >>> sure(torch.zeros_like, y, Gaussian(1.0), Mask(torch.ones(8, 8))).shape
        torch.Size([2])

    Source: Stein, Annals of Statistics 9 (1981) 1135–1151, theorem 1; the probe b is that of Ramani, Blu & Unser, IEEE
    TIP 17 (2008) 1540–1554, eq. 11.
    """
    sigma, tau, prediction, direction, change = _two_passes(
        h, y, noise, target, tau, generator, prediction, modules, masked_probe=True
    )
    residual = prediction - real_components(projected(target, at_least_single(y)))
    m = real_entries(target, y)
    return total(residual**2) - sigma**2 * m + 2 * sigma**2 / tau * total(direction * change)


def sure_literal(
    h: Network,
    y: Tensor,
    noise: Noise,
    target: Mask | None = None,
    *,
    form: Literal["mse", "norm"],
    tau: float = 1e-2,
    generator: torch.Generator | None = None,
    prediction: Tensor | None = None,
    modules: Iterable[nn.Module] = (),
) -> Tensor:
    """fidelity − sigma² + (2 sigma² / m) Σ b ⊙ (h(y + tau b M) − h(y)),   b ~ N(0, I),  M = target's mask,  m = |M|.

    form "mse":  fidelity = mean (M ⊙ y − h(y))², over all n entries;
    form "norm": fidelity = ‖M ⊙ y − h(y)‖₂, the root of the sum over all n entries.

    The thesis's equation as printed, to reproduce its figures. Neither form estimates the risk: sigma² is not
    counted as the entries of M, 1/tau is missing, and b is not masked where the sum is taken. Use `sure`.

    Needs y and f. Errors, and the treatment of BatchNorm and precision are those of `sure`.

    Args:
        h: takes and gives y's shape, as for `sure`.
        y: (batch, ...), the noisy images.
        noise: `Gaussian`; its sigma is the equation's.
        target: M, a `Mask`; None: all of y.
        form: of the fidelity, "mse" or "norm".
        tau: the step of the finite difference, > 0, in y's units.
        generator: where the probe b comes from; None: torch's global generator.
        prediction: h(y), where it is known already.
        modules: networks in h whose running averages the second pass leaves alone.

    Returns:
        (batch,): per sample a *mean* ("mse") or a *norm* ("norm"), not the sum that `sure` returns. Do not divide it
            by n again.

    Example:
        >>> import torch
        >>> from unseen.physics import Gaussian, Mask
        >>> y = torch.full((2, 1, 8, 8), 3.0)
        >>> sure_literal(torch.zeros_like, y, Gaussian(1.0), Mask(torch.ones(8, 8)), form="mse").tolist()
        [8.0, 8.0]

    Source: Wang, Anomaly detection in chest X-ray screening, MSc thesis, University of Birmingham, 2022, eq. 4.4, which
    leaves open whether its first term is a mean of squares or a norm.
    """
    if form not in ("mse", "norm"):
        raise ValueError(f'form is "mse" or "norm", but got {form!r}.')
    sigma, _, prediction, b, change = _two_passes(
        h, y, noise, target, tau, generator, prediction, modules, masked_probe=False
    )
    square = total((prediction - real_components(projected(target, at_least_single(y)))) ** 2)
    n = prediction[0].numel()
    fidelity = square / n if form == "mse" else square.sqrt()
    m = real_entries(target, y).clamp(min=1)
    return fidelity - sigma**2 + 2 * sigma**2 / m * total(b * change)


def _two_passes(
    h: Network,
    y: Tensor,
    noise: Noise,
    target: Mask | None,
    tau: float | Tensor | None,
    generator: torch.Generator | None,
    prediction: Tensor | None,
    modules: Iterable[nn.Module],
    *,
    masked_probe: bool,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """sigma and tau (() or (batch,)), h(y), the probe (b, or B b), and h(y + tau B b) − h(y): all in accumulation
    precision, the last three in real components.
    """
    if not isinstance(noise, Gaussian):
        raise TypeError(
            f"SURE is for Gaussian noise, but got {type(noise).__name__}. Counts need a risk estimator of their own."
        )
    check_request(y, target, 1.0 if tau is None else float(torch.as_tensor(tau).min()))
    tau = default_step(y, noise, target) if tau is None else torch.as_tensor(tau, dtype=torch.float64)
    tau = per_sample(tau, y, "tau").flatten()
    prediction, directions, change = passes_apart(
        h, y, target, tau, generator=generator, prediction=prediction, modules=modules, masked=masked_probe
    )
    return noise.sigma_of(at_least_single(y)).flatten(), tau, prediction, directions, change


def passes_apart(
    h: Network,
    y: Tensor,
    target: Mask | None,
    tau: Tensor,
    *,
    generator: torch.Generator | None,
    prediction: Tensor | None = None,
    modules: Iterable[nn.Module] = (),
    masked: bool = True,
) -> tuple[Tensor, Tensor, Tensor]:
    """h(y), the probe (B b, or b) and h(y + tau B b) − h(y), in real components: tau is () or (batch,).

    The sum of probe · difference / tau estimates div h over B's entries.
    """
    b = standard_normal(y, generator=generator)
    direction = projected(target, b)
    if prediction is None:
        prediction = h(y.clone())  # h may write into what it is given, as layers with inplace=True do
    check_output(prediction, y)
    with running_averages_frozen(*modules, *([h] if isinstance(h, nn.Module) else [])):
        perturbed = h(y + (per_sample(tau, y, "tau") * direction).to(y.dtype))
    check_output(perturbed, y)
    prediction = real_components(prediction)
    change = real_components(perturbed) - prediction
    return prediction, real_components(direction if masked else b), change


SHARE_OF_SIGMA = 0.5  # shorter steps estimate as well, and let networks learn more of the noise by heart


def default_step(y: Tensor, noise: Gaussian, target: Mask | None = None) -> Tensor:
    """Return the step of a finite difference in y, (batch,): sigma / 2, but no less than what the network rounds.

    It rounds to its precision's share of y's root mean square over the entries of `target`: bfloat16's under autocast.

    Example:
        >>> import torch
        >>> y = torch.ones(1, 1, 8, 8)
        >>> round(default_step(y, Gaussian(0.2)).item(), 6), default_step(y.bfloat16(), Gaussian(1e-3)).item()
        (0.1, 0.0078125)
    """
    sigma = SHARE_OF_SIGMA * noise.sigma_of(at_least_single(y)).flatten()
    return torch.maximum(sigma, rounded_away(y, target))


def rounded_away(y: Tensor, target: Mask | None = None) -> Tensor:
    """Return the rounding error of a network that runs now: (batch,), in y's units, above 0."""
    device, computed = y.device.type, y.real.dtype if y.is_complex() else y.dtype
    if torch.is_autocast_enabled(device):
        computed = torch.get_autocast_dtype(device)
    wide = real_components(projected(target, y.detach()))
    size = (total(wide**2) / real_entries(target, y).clamp(min=1)).sqrt()
    return (torch.finfo(computed).eps * size).clamp(min=torch.finfo(wide.dtype).tiny)


def check_request(y: Tensor, target: Mask | None, tau: float) -> None:
    """Raise TypeError or ValueError where a risk cannot be estimated for these."""
    if target is not None and not isinstance(target, Mask):
        raise TypeError(f"The target of SURE is a Mask, or None for all of y, but got {type(target).__name__}.")
    if y.ndim < 2 or not (y.is_floating_point() or y.is_complex()):
        raise ValueError(
            f"y is (batch, ...), real or complex floating point, but got {y.dtype} of shape {describe(tuple(y.shape))}."
        )
    if not 0 < tau < math.inf:
        raise ValueError(f"tau is a step above 0 and finite, but got {tau}.")


def check_output(output: Tensor, y: Tensor) -> None:
    """Raise ValueError unless h(y) has y's shape, and is complex where y is."""
    if output.shape != y.shape:
        raise ValueError(
            f"h must keep the shape of y, {describe(tuple(y.shape))}, but h(y) has shape "
            f"{describe(tuple(output.shape))}."
        )
    if output.is_complex() != y.is_complex():
        raise ValueError(f"h must keep the type of y, {y.dtype}, but h(y) is {output.dtype}.")


def projected(target: Mask | None, tensor: Tensor) -> Tensor:
    """B tensor."""
    return tensor if target is None else target(tensor)


def real_components(tensor: Tensor) -> Tensor:
    """Convert to accumulation precision; a complex tensor's real and imaginary parts along a last axis of two."""
    wide = at_least_single(tensor)
    return torch.view_as_real(wide) if wide.is_complex() else wide


def real_entries(target: Mask | None, y: Tensor) -> Tensor:
    """m, the trace of B over real components: (1,) or (batch,)."""
    wide = real_components(y)
    if target is None:
        return wide.new_full((1,), wide[0].numel() if len(y) else 0)
    return target.counts().to(wide.device, wide.dtype) * (2 if y.is_complex() else 1)


def total(tensor: Tensor) -> Tensor:
    """Return the sum over each sample's entries: (batch,)."""
    return tensor.flatten(1).sum(dim=1)
