"""The weight of a prior: by name from the noise, by the discrepancy principle, by validation.

λ, μ or anything else of a prior, from measurements whose truth is known: every candidate solves all of them.

λ by the discrepancy principle: the largest for which A x is as near to y as the truth would be.

Morozov, "On the solution of functional equations by the method of regularization", Soviet Math. Doklady 7, 1966. λ is
swept downwards in equal ratios, and each solve starts from the last solution, as in arXiv 2107.11191.

A prior by its name, solved with λ from what is known of the noise.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from unseen.losses.loss import observed_count
from unseen.losses.sums import mean_square, squares
from unseen.physics.algebra import describe
from unseen.physics.measurement import Measurement
from unseen.physics.numpy_arrays import arrays_too, as_tensor
from unseen.physics.operator import Operator
from unseen.priors import PRIORS
from unseen.priors.fits import Squares
from unseen.priors.generative import Range
from unseen.priors.generator import Generator
from unseen.priors.latent_search import LatentPrior, Search, checked
from unseen.priors.prior import Prior, of_real_images
from unseen.priors.solvers.palm import LatentSolution
from unseen.priors.solvers.solution import Solution
from unseen.priors.tv import TV

Candidate = TypeVar("Candidate")


@dataclass(frozen=True)
class Chosen(Generic[Candidate]):
    """The result of validation on a grid.

    candidates  the grid
    errors      (candidates, batch) float64, mean squared error of each on each truth; infinite where it gave NaN
    """

    candidates: tuple[Candidate, ...]
    errors: Tensor

    @property
    def index(self) -> int:
        """Of the candidate with the least mean error."""
        return int(self.errors.mean(1).argmin())

    @property
    def best(self) -> Candidate:
        """The candidate with the least mean error."""
        return self.candidates[self.index]

    @property
    def oracle(self) -> Tensor:
        """For each truth by itself the candidate with the least error: (batch,) int64. Who chooses by the truth cheats;
        it bounds what any choice could reach."""
        return self.errors.argmin(0)

    @property
    def sentence(self) -> str:
        """What was chosen, for people."""
        n, least = len(self.candidates), float(self.errors.mean(1).min())
        said = f"Candidate {self.index + 1} of {n}, {self.best}: mean squared error {least:.2e}."
        if n > 1 and self.index in (0, n - 1):
            said += " It stands at the grid's end: a longer grid may hold a better one."
        return said


def by_validation(
    candidates: Sequence[Candidate],
    y: Tensor,
    A: Operator,
    truth: Tensor,
    *,
    solve: Callable[[Candidate, Tensor, Operator], Tensor],
) -> Chosen[Candidate]:
    """Solve with every candidate.

    Args:
        candidates: such as `[Soft(G, weight=w) for w in (1.0, 0.1, 0.01)]`, in the order of the grid.
        y: (batch, *A.range).
        A: the operator.
        truth: (batch, *A.domain), the images that were measured.
        solve: (candidate, y, A) ↦ x, such as `lambda prior, y, A: prior.solve(y, A).x`. Draw random starts from a
            generator made inside it, so that all candidates have the same.

    Raises:
        ValueError: no candidate, or images of another shape than the truth.

    Example:
        >>> from unseen.physics import Identity
        >>> from unseen.priors.tikhonov import Tikhonov
        >>> A, truth = Identity((1, 1, 1)), torch.ones(1, 1, 1, 1)
        >>> grid = [Tikhonov(weight) for weight in (2.0, 0.5, 0.01)]
        >>> chosen = by_validation(grid, 2 * truth, A, truth, solve=lambda prior, y, A: prior.solve(y, A).x)
        >>> chosen.best, chosen.oracle.tolist()
        (Tikhonov(0.5, fit=Squares()), [1])
    """
    if not candidates:
        raise ValueError("There is nothing to choose from. Give at least one candidate.")
    y, truth, errors = as_tensor(y), as_tensor(truth), []
    for candidate in candidates:
        x = solve(candidate, y, A)
        if x.shape != truth.shape:
            raise ValueError(
                f"The truth is {describe(tuple(truth.shape))}, but {candidate} gave {describe(tuple(x.shape))}."
            )
        errors.append(mean_square(x - truth).double().nan_to_num(nan=torch.inf))
    return Chosen(tuple(candidates), torch.stack(errors))


RATIO = 0.5
STEPS = 20  # at most: six decades down


@dataclass(frozen=True)
class Swept:
    """What the principle found.

    x       (batch, *domain)
    weight  (batch,) float64, λ: the first that fits, or the last that was tried
    misfit  (batch,) float64, ‖A x − y‖²
    bound   (batch,) float64, m σ²
    met     (batch,) bool, whether misfit ≤ bound
    z       (batch, *latent) where the prior has latents; else None
    """

    x: Tensor
    weight: Tensor
    misfit: Tensor
    bound: Tensor
    met: Tensor
    z: Tensor | None

    @property
    def sentence(self) -> str:
        """What became of it, for people."""
        n, met = len(self.met), int(self.met.sum())
        if met == n:
            return f"All {n} fit as well as the noise allows, with weights from {_spread(self.weight)}."
        worst = int((self.misfit / self.bound).nan_to_num(nan=0.0).argmax())
        return (
            f"{n - met} of {n} never fit as well as the noise allows: at weight {float(self.weight[worst]):.1e} sample "
            f"{worst} is {math.sqrt(float(self.misfit[worst] / self.bound[worst])):.2f} times as far from y. The "
            "generator cannot make such an image (Soft or Sparse may), sigma is too small, or the sweep too short."
        )


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
    """The prior's solution with, for each image, the first λ of largest, largest · ratio, … that brings ‖A x − y‖²
    down to m σ².

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
    bound = (observed_count(Measurement(real), seen) * sigma**2).expand(len(y)).clone()
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
        back = of_real_images(some)(solution.x)
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


LARGEST = 16.0  # λ, relative to an A scaled to ‖A‖ = 1: x is then its prior's image but for a thirtieth
_MOST_PROBABLE = 0.5  # λ of ‖z‖² in nats, for z ~ N(0, I)


def latent_priors() -> list[str]:
    """The priors that need a generator.

    >>> latent_priors()
    ['range', 'soft', 'sparse']
    """
    return [key for key in PRIORS if issubclass(PRIORS.load(key), LatentPrior)]


def solved(
    key: str,
    y: Tensor,
    A: Operator,
    *,
    G: Generator | None = None,
    sigma: float | None = None,
    weight: float | None = None,
    search: Search | None = None,
    generator: torch.Generator | None = None,
    largest: float = LARGEST,
    ratio: float = RATIO,
    steps: int = STEPS,
) -> tuple[Tensor, str]:
    """x̂ under the prior of that name in `unseen.priors.PRIORS`, and what is known of it, in a sentence.

    With sigma, `range` takes the most probable latent (λ = ½ in nats), `tv` is `TV.within_noise`, and the others go by
    the discrepancy principle. With weight, λ is that, relative to an A scaled to ‖A‖ = 1 (of `tv`, as in `TV`). With
    neither, λ is what the prior comes with.

    Args:
        key: such as "soft".
        y: (batch, *A.range), finite.
        A: an operator on images.
        G: of a prior with latents, in eval mode.
        sigma: the noise's standard deviation in y's units, per real component; > 0, of `tv` also 0.
        weight: λ.
        search, generator: of a prior with latents, as in its `solve`.
        largest, ratio, steps: of the sweep, as in `by_discrepancy`.

    Returns:
        (batch, *A.domain), real where the prior has latents; and the sentence.

    Raises:
        UnknownName: no such prior.
        ValueError: sigma and weight are both given, G is missing or not needed, a number is out of range, or y, A and
            G do not fit each other.

    Example:
        >>> from unseen.physics import Identity
        >>> x, sentence = solved("tikhonov", torch.ones(1, 1, 8, 8), Identity((1, 8, 8)), sigma=0.1)
        >>> sentence
        'All 1 fit as well as the noise allows, with weights from 3.1e-02 to 3.1e-02.'
    """
    kind = PRIORS.load(key)
    latent = issubclass(kind, LatentPrior)
    if sigma is not None and weight is not None:
        raise ValueError("λ comes from sigma, or it is weight: give one of them.")
    if latent != (G is not None):
        raise ValueError(f"{key} needs a generator." if latent else f"{key} has no latents and takes no generator.")
    if sigma is not None and kind is TV:
        return _with_sentence(TV.within_noise(y, A, sigma=sigma))
    if weight is None and kind is TV:
        raise ValueError("tv has no weight that suits every operator: give sigma or weight.")
    own = {} if weight is None else {"weight": weight}
    if sigma is not None and kind is Range and G is not None:
        return _with_sentence(
            Range(G, weight=_MOST_PROBABLE, fit=Squares(sigma)).solve(y, A, search=search, generator=generator)
        )
    prior: Prior = kind(G, **own) if latent else kind(**own)
    if sigma is not None:
        swept = by_discrepancy(
            prior, y, A, sigma=sigma, largest=largest, ratio=ratio, steps=steps, search=search, generator=generator
        )
        return swept.x, swept.sentence
    if isinstance(prior, LatentPrior):
        return _with_sentence(prior.solve(y, A, search=search, generator=generator))
    return _with_sentence(prior.solve(y, A))


def _with_sentence(solution: Solution) -> tuple[Tensor, str]:
    return solution.x, solution.sentence
