"""Weight of a prior by the discrepancy principle: the largest at which A x is as near to y as the truth would be.

`by_discrepancy` searches the weight of `Range`, `Soft`, `Sparse` and `Tikhonov`. `TV.within_noise` (in `tv.py`) solves
the constrained problem at once and has no search; both take the bound m σ² from `noise_bound`.

Morozov, "On the solution of functional equations by the method of regularization", Soviet Math. Doklady 7, 1966. λ is
swept downwards in equal ratios, and each solve starts from the last solution, as in arXiv 2107.11191.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.losses.loss import observed_count
from unseen.losses.sums import squares
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.operator import Operator
from unseen.priors.latent_prior import LatentPrior, checked
from unseen.priors.prior import Prior
from unseen.priors.real_images import of_real_images
from unseen.priors.search_settings import Search
from unseen.priors.solvers.latent_restarts import LatentSolution
from unseen.priors.solvers.solution import Solution

RATIO = 0.5
STEPS = 20  # at most: six decades down


@dataclass(frozen=True)
class Swept:
    """Result of the discrepancy principle.

    Args:
        x: (batch, *domain).
        weight: (batch,) float64, λ: the first that fits, or the last that was tried.
        misfit: (batch,) float64, ‖A x − y‖².
        bound: (batch,) float64, m σ².
        met: (batch,) bool, whether misfit ≤ bound.
        z: (batch, *latent) where the prior has latents; else None.
    """

    x: Tensor
    weight: Tensor
    misfit: Tensor
    bound: Tensor
    met: Tensor
    z: Tensor | None

    @property
    def sentence(self) -> str:
        """Describe the result in a sentence."""
        n, met = len(self.met), int(self.met.sum())
        if met == n:
            return f"All {n} fit as well as the noise allows, with weights from {_spread(self.weight)}."
        worst = int((self.misfit / self.bound).nan_to_num(nan=0.0).argmax())
        return (
            f"{n - met} of {n} never fit as well as the noise allows: at weight {float(self.weight[worst]):.1e} sample "
            f"{worst} is {math.sqrt(float(self.misfit[worst] / self.bound[worst])):.2f} times as far from y. The "
            "generator cannot make such an image (Soft or Sparse may), sigma is too small, or the sweep too short."
        )


def noise_bound(y: Tensor, A: Operator, sigma: float | Tensor) -> Tensor:
    """Return m σ², the expected ‖A x − y‖² of the true image, for each sample.

    Args:
        y: (batch, *A.range), with Gaussian noise.
        A: an operator on images; m counts the real components of y that it observes.
        sigma: the noise's standard deviation in y's units, per real component: one for all, or (batch,).

    Returns:
        (batch,) float64.

    Example:
        >>> from unseen.physics import Identity
        >>> noise_bound(torch.ones(2, 1, 2, 2), Identity((1, 2, 2)), 0.5).tolist()
        [1.0, 1.0]
    """
    level = torch.as_tensor(sigma, dtype=torch.float64, device=y.device)
    return (observed_count(Measurement(A), y) * level**2).expand(len(y)).clone()


@arrays_too
def by_discrepancy(
    prior: Prior,
    y: Tensor,
    A: Operator,
    *,
    sigma: float,
    largest: float,
    ratio: float = RATIO,
    steps: int = STEPS,
    search: Search | None = None,
    generator: torch.Generator | None = None,
) -> Swept:
    """Return the prior's solution with, for each image, the first λ of largest, largest · ratio, … that brings ‖A x −
    y‖² down to m σ².

    m counts the observed real components of y. Images that fit are left alone; only the others go on.

    Args:
        prior: `Range`, `Soft`, `Sparse` or `Tikhonov`; its own weight does not matter. For total
            variation, `TV.within_noise` is all this in one solve.
        y: (batch, *A.range), with Gaussian noise; a NumPy array too, and then `x` of the result is one.
        A: an operator on images.
        sigma: the noise's standard deviation in y's units, per real component; > 0.
        largest: where λ begins, > 0.
        ratio: between one λ and the next, in (0, 1).
        steps: λs at most.
        search, generator: of a prior with latents, as in its `solve`; the starts are drawn for the first λ.

    Raises:
        ValueError: sigma, largest, ratio or steps is out of range, or y does not fit A.

    Example:
        >>> from unseen.physics import Identity
        >>> from unseen.priors.tikhonov import Tikhonov
        >>> y = torch.full((1, 1, 8, 8), 1.0)
        >>> found = by_discrepancy(Tikhonov(), y, Identity((1, 8, 8)), sigma=0.1, largest=1.0)
        >>> found.weight.item(), found.sentence
        (0.03125, 'All 1 fit as well as the noise allows, with weights from 3.1e-02 to 3.1e-02.')
    """
    if not (math.isfinite(sigma) and sigma > 0 and math.isfinite(largest) and largest > 0):
        raise ValueError(f"sigma and largest are finite numbers above 0, but got sigma={sigma}, largest={largest}.")
    if not (0 < ratio < 1 and steps >= 1):
        raise ValueError(f"A sweep goes down by a ratio in (0, 1), in at least one step, but got {ratio} and {steps}.")
    real = of_real_images(A)
    seen = checked(y, real)
    bound = noise_bound(seen, real, sigma)
    left = torch.arange(len(y), device=y.device)
    weight = torch.full((len(y),), float(largest), dtype=torch.float64, device=y.device)
    misfit = torch.full_like(weight, torch.inf)
    images: list[Tensor] = list(seen)  # each is replaced by the first step
    latents: list[Tensor] = []
    ends: Tensor | None = None
    for step in range(steps):
        weight[left] = largest * ratio**step
        some = A.select(left)
        solution = _solved(prior.weighted(weight[left]), y[left], some, search, ends, generator)
        back = (some if solution.x.is_complex() else of_real_images(some))(solution.x)
        off = squares(back - seen[left].to(back)).double()
        misfit[left] = off
        too_far = off > bound[left]
        if isinstance(solution, LatentSolution):
            latents = latents or list(solution.z)
            ends = solution.ends[too_far]
        for place, i in enumerate(left.tolist()):
            images[i] = solution.x[place]
            if isinstance(solution, LatentSolution):
                latents[i] = solution.z[place]
        left = left[too_far]
        if not len(left):
            break
    z = torch.stack(latents) if latents else None
    return Swept(torch.stack(images), weight, misfit, bound, misfit <= bound, z)


def _solved(
    prior: Prior,
    y: Tensor,
    A: Operator,
    search: Search | None,
    start: Tensor | None,
    generator: torch.Generator | None,
) -> Solution:
    if isinstance(prior, LatentPrior):
        return prior.solve(y, A, search=search, start=start, generator=generator)
    return prior.solve(y, A)


def _spread(weight: Tensor) -> str:
    return f"{float(weight.min()):.1e} to {float(weight.max()):.1e}"
