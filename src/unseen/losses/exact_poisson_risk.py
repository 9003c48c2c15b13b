"""Risk on photon counts by Hudson's exact identity: one network call for each entry of y.

Reference for the estimators that train.
"""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from unseen.losses.sure_gaussian import check_output, check_request, projected, real_components
from unseen.losses.sure_poisson import check_counts
from unseen.physics.operator import Mask
from unseen.physics.poisson_noise import PoissonGaussian

SMALL = 1024  # entries


def hudson_risk(h: Callable[[Tensor], Tensor], y: Tensor, noise: PoissonGaussian, target: Mask | None = None) -> Tensor:
    """‖h(y) − B y‖² − gain 1ᵀB y − sigma² m
    + 2 Σ_i { y_i [h_i(y) − h_i(y − gain e_i)] + sigma² ∂_i h_i(y − gain e_i) },   i over the entries of B = `target`.

    Unbiased for E‖h(y) − B u‖² at every gain and sigma, for every h (differentiable where sigma > 0); nothing is drawn.

    Regime: few entries. It calls h m + 1 times, and differentiates m times where sigma > 0.

    Needs y and f (within h); A too where h = A∘f. Differentiable.

    Args:
        h: takes and gives y's shape; each sample's output depends on that sample alone.
        y: (batch, ...), real, in the units of gain.
        noise: `PoissonGaussian`, or `Poisson`.
        target: a `Mask`, shared or one for each sample; None: all of y. h is held to zero off it.

    Returns:
        (batch,): the sum over each sample's entries. It can be negative.

    Warns:
        RuntimeWarning: more than 1024 entries.

    Raises:
        TypeError: the noise is no count, or the target no mask.
        ValueError: y is complex, or shapes do not fit.

    Example:
        >>> import torch
        >>> from unseen.physics import PoissonGaussian
        >>> hudson_risk(lambda y: 2 * y, torch.full((1, 1, 2, 2), 3.0), PoissonGaussian(0.5)).item()
        54.0

    Source: Hudson, A natural identity for exponential families with applications in multiparameter estimation, Annals
    of Statistics 6 (1978) 473–484, for the counts; Stein's lemma for the read-out.
    """
    check_counts(y, noise)
    check_request(y, target, 1.0)
    observed = projected(target, torch.ones_like(y))  # (batch, ...)
    entries = observed.flatten(1).any(dim=0).nonzero().flatten().tolist()
    if len(entries) > SMALL:
        warnings.warn(
            f"hudson_risk calls the network once for each of {len(entries)} entries, and is meant for up to {SMALL}. "
            "Use mixed_sure (gain up to 0.1) or thinning_risk.",
            RuntimeWarning,
            stacklevel=2,
        )
    prediction = h(y.clone())  # h may write into what it is given
    check_output(prediction, y)
    wide, centre, within = real_components(y), real_components(prediction), real_components(observed)
    risk = ((centre - within * wide) ** 2 - within * (noise.gain * wide + noise.sigma**2)).flatten(1).sum(dim=1)
    wide, centre, within = wide.flatten(1), centre.flatten(1), within.flatten(1)  # (batch, entries)
    for i in entries:
        below, slope = _one_count_less(h, y, i, noise)
        risk = risk + 2 * within[:, i] * (wide[:, i] * (centre[:, i] - below) + noise.sigma**2 * slope)
    return risk


def _one_count_less(
    h: Callable[[Tensor], Tensor], y: Tensor, i: int, noise: PoissonGaussian
) -> tuple[Tensor, Tensor | float]:
    """h_i(y − gain e_i), and where sigma > 0 ∂_i h_i there: (batch,) each."""
    at = torch.zeros_like(y[0]).flatten()
    at[i] = noise.gain
    less = y - at.reshape(y[0].shape)
    if noise.sigma == 0:
        return real_components(h(less)).flatten(1)[:, i], 0.0
    graph = torch.is_grad_enabled()
    with torch.enable_grad():
        less = less if less.requires_grad else less.requires_grad_()
        value = real_components(h(less)).flatten(1)[:, i]
        (gradient,) = torch.autograd.grad(
            value.sum(), less, create_graph=graph, allow_unused=True, materialize_grads=True
        )
    return value if graph else value.detach(), real_components(gradient).flatten(1)[:, i]
