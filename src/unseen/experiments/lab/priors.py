"""Generators as priors: what each of `unseen.priors.PRIORS` that has a latent finds for a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from unseen.artifacts.registry import Registry
from unseen.experiments.lab.measuring import Measured
from unseen.losses.loss import observed
from unseen.priors import PRIORS
from unseen.priors.discrepancy import by_discrepancy
from unseen.priors.fits import Squares
from unseen.priors.latent_prior import LatentPrior
from unseen.priors.range import Range

if TYPE_CHECKING:
    from unseen.priors.trained import TrainedGenerator

ABOUT = {
    "range": "of the pictures that the generator can make, the one that fits y best",
    "soft": "near to a picture that the generator can make, as far as y asks for it",
    "sparse": "a picture that the generator can make, but for a few pixels",
}
"""For people; a prior that is not told of here is offered all the same."""
_MOST_PROBABLE = 0.5  # λ of ‖z‖² in nats, for z ~ N(0, I)
_LARGEST, _RATIO, _STEPS = 1.0, 0.25, 8  # of a sweep of λ, within the time that a page waits
_REGISTRY = Registry(room="priors", kind="prior", names=PRIORS)


def latent_priors() -> list[str]:
    """The priors that a generator can be used by."""
    return [key for key in PRIORS if issubclass(_REGISTRY.load(key), LatentPrior)]


def solved(key: str, G: TrainedGenerator, made: Measured) -> tuple[Tensor, str]:
    """x̂ (1, *A.domain), real, and what is known of it.

    λ is what makes z the most probable one for `range`, and comes from the discrepancy principle for the others;
    without noise each has the weight that it comes with.

    Raises:
        ValueError: the generator's pictures are not A's.
    """
    process, sigma = made.process, made.sigma
    y = observed(process, process.linearise(made.y))
    prior: LatentPrior = _REGISTRY.load(key)(G)
    if sigma and key != "range":
        swept = by_discrepancy(prior, y, process.A, sigma=sigma, largest=_LARGEST, ratio=_RATIO, steps=_STEPS)
        return swept.x, swept.sentence
    if sigma:
        prior = Range(G, weight=_MOST_PROBABLE, fit=Squares(sigma))
    solution = prior.solve(y, process.A)
    return solution.x, solution.sentence
