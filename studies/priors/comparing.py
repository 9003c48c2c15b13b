"""One problem at one level: every method's weight chosen on the same validation images, then its test images.

All weights count nats: the data fit is ‖A x − y‖² / (2σ²). Of each method eight are tried, half a decade apart. The
penalty of the latent has its own scale, ‖z‖² / 2 for z ~ N(0, I), in `soft` and `sparse`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from studies.priors.problems import Measured
from unseen.physics.measurement import Measurement
from unseen.priors.fits import Squares
from unseen.priors.generative import Range, Soft, Sparse
from unseen.priors.generator import Generator
from unseen.priors.grid_validation import GridChoice, by_validation
from unseen.priors.latent_prior import LatentPrior
from unseen.priors.prior import Prior
from unseen.priors.search_settings import Search
from unseen.priors.solvers.solution import Solution
from unseen.priors.tv import TV
from unseen.reconstruction.direct_methods import pseudo_inverse

LATENT = ("range", "soft", "sparse")
GRIDS: dict[str, tuple[float, ...]] = {
    "tv": (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0),
    "range": (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0),
    "soft": (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0),
    "sparse": (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0),
}
_NATS = 0.5  # of ‖z‖²
_TV_TOLERANCE = 1e-3
_TRYING, _SOLVING = Search(restarts=2, iterations=40), Search(restarts=4, iterations=100)


@dataclass(frozen=True)
class Effort:
    """Extent of the comparison: numbers of images, settings of both searches, TV's iterations.

    Args:
        tested: Number of test images.
        validating: Number of validation images.
        trying: Search on validation images.
        solving: Search on test images.
        variation: Iterations of TV.
    """

    tested: int = 40
    validating: int = 8
    trying: Search = _TRYING
    solving: Search = _SOLVING
    variation: int = 500


@dataclass(frozen=True, eq=False)
class Outcome:
    """Reconstructions of the test images by one method.

    Args:
        method: "direct", "tv", "range", …
        generator: Type of the generator; "" if there is none.
        x: Reconstructions, (n, 1, size, size).
        chosen: Weight of the grid, chosen on validation images; None for a method without a weight.
        oracle: For `tv`: (n,), the mean squared error with each image's own best weight of the grid, which uses the
            truth.
        done: Number of test images that converged.
        seconds: Duration of choosing and solving.
    """

    method: str
    generator: str
    x: Tensor
    chosen: GridChoice[float] | None
    oracle: Tensor | None
    done: int | None
    seconds: float


def prior_of(method: str, weight: float, sigma: float, G: Generator | None) -> Prior:
    """Return a method with its weight in nats."""
    if method == "tv" or G is None:
        return TV(weight * sigma**2)
    fit = Squares(sigma)
    if method == "range":
        return Range(G, weight=weight, fit=fit)
    kind = Soft if method == "soft" else Sparse
    return kind(G, weight=weight, mu=_NATS / weight, fit=fit)


def asked_of(kinds: Sequence[str]) -> list[tuple[str, str]]:
    """Return every method and the kind of generator that it takes ("": none), in the order in which they are tried.

    >>> asked_of(["vae"])
    [('direct', ''), ('tv', ''), ('range', 'vae'), ('soft', 'vae'), ('sparse', 'vae')]
    """
    return [("direct", ""), ("tv", ""), *((method, kind) for kind in kinds for method in LATENT)]


def compared(
    validation: Measured,
    test: Measured,
    asked: Iterable[tuple[str, str]],
    generator_of: Callable[[str], Generator],
    *,
    effort: Effort,
) -> Iterator[Outcome]:
    """Yield the methods asked for, in turn; a kind of generator is asked for when the first method needs it."""
    for method, kind in asked:
        if method == "direct":
            yield directly(test)
        else:
            G = generator_of(kind) if kind else None
            yield _chosen_and_solved(method, kind, G, validation, test, effort)


def directly(test: Measured) -> Outcome:
    """A†: of MRI the zero-filled image."""
    began = time.perf_counter()
    x = pseudo_inverse(test.y, Measurement(test.A))
    return Outcome("direct", "", x, None, None, None, time.perf_counter() - began)


def _chosen_and_solved(
    method: str, kind: str, G: Generator | None, validation: Measured, test: Measured, effort: Effort
) -> Outcome:
    began = time.perf_counter()

    def solve(part: Measured, weight: float, search: Search) -> Solution:
        prior = prior_of(method, weight, part.sigma, G)
        if isinstance(prior, LatentPrior):
            return prior.solve(part.y, part.A, search=search)
        assert isinstance(prior, TV)
        return prior.solve(part.y, part.A, iterations=effort.variation, tolerance=_TV_TOLERANCE)

    def tried(part: Measured, weights: Sequence[float]) -> GridChoice[float]:
        return by_validation(
            weights, part.y, part.A, part.x, solve=lambda weight, y, A: solve(part, weight, effort.trying).x
        )

    chosen = tried(validation, GRIDS[method])
    solution = solve(test, chosen.best, effort.solving)
    seconds = time.perf_counter() - began
    oracle = tried(test, GRIDS[method]).errors.amin(0) if method == "tv" else None
    return Outcome(method, kind, solution.x, chosen, oracle, int(solution.converged.sum()), seconds)


def errors_in_db(errors: Tensor) -> list[float]:
    """Mean squared errors of images in [0, 1] as PSNR.

    >>> errors_in_db(torch.tensor([0.01]))
    [20.0]
    """
    return [round(float(value), 4) for value in -10 * torch.log10(errors.double())]
