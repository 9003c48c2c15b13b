"""Generators as priors: what each of `unseen.priors.PRIORS` that has a latent finds for a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from unseen.lab.measuring import Measured
from unseen.losses.loss import observed
from unseen.priors import solving

if TYPE_CHECKING:
    from unseen.priors.trained import TrainedGenerator

ABOUT = {
    "range": "of the pictures that the generator can make, the one that fits y best",
    "soft": "near to a picture that the generator can make, as far as y asks for it",
    "sparse": "a picture that the generator can make, but for a few pixels",
}
"""For people; a prior that is not told of here is offered all the same."""
_LARGEST, _RATIO, _STEPS = 1.0, 0.25, 8  # of a sweep of λ, within the time that a page waits


def solved(key: str, G: TrainedGenerator, made: Measured) -> tuple[Tensor, str]:
    """x̂ (1, *A.domain), real, and what is known of it.

    λ comes from the noise, as `unseen.priors.solving` says; without noise each has the weight that it comes with.

    Raises:
        ValueError: the generator's pictures are not A's.
    """
    y = observed(made.process, made.process.linearise(made.y))
    return solving.solved(
        key, y, made.process.A, G=G, sigma=made.sigma or None, largest=_LARGEST, ratio=_RATIO, steps=_STEPS
    )
