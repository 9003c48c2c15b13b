"""Solution under a prior by its name, with its weight chosen from the noise."""

import torch
from torch import Tensor

from unseen.physics.operator import Operator
from unseen.priors import PRIORS
from unseen.priors.convex_prior import ConvexPrior
from unseen.priors.discrepancy_principle import RATIO, STEPS, by_discrepancy
from unseen.priors.fits import Squares
from unseen.priors.generative import Range
from unseen.priors.generator import Generator
from unseen.priors.latent_prior import LatentPrior
from unseen.priors.prior import Prior
from unseen.priors.search_settings import Search
from unseen.priors.solvers.solution import Solution

LARGEST = 16.0  # λ, relative to an A scaled to ‖A‖ = 1: x is then its prior's image but for a thirtieth
_MOST_PROBABLE = 0.5  # λ of ‖z‖² in nats, for z ~ N(0, I)


def latent_priors() -> list[str]:
    """Return the priors that need a generator.

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

    With sigma, `range` takes the most probable latent (λ = ½ in nats), a convex prior (`tv`, `lasso`) is its `fitted`,
    and the others go by the discrepancy principle. With weight, λ is that, relative to an A scaled to ‖A‖ = 1 (of a
    convex prior, as in its class). With
    neither, λ is what the prior comes with.

    Args:
        key: such as "soft".
        y: (batch, *A.range), finite.
        A: an operator on images.
        G: of a prior with latents, in eval mode.
        sigma: the noise's standard deviation in y's units, per real component; > 0, of a convex prior also 0.
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
    if sigma is not None and issubclass(kind, ConvexPrior):
        return _with_sentence(kind(1.0).fitted(y, A, sigma=sigma))
    if weight is None and issubclass(kind, ConvexPrior):
        raise ValueError(f"{key} has no weight that suits every operator: give sigma or weight.")
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
