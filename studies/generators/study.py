"""A generator's study: what it can draw and what it cannot, in five questions.

    feasible      can it make test images?
    unfeasible    does it make images that are none?
    distribution  are its samples spread as test images are?
    smoothness    how much does an image change with its latent?
    latents       do the codes of images fill the prior?

Source: Duff, Campbell & Ehrhardt, "Regularising inverse problems with generative machine learning models", arXiv
2107.11191, section 4: a generator is a good regulariser where it can make what is feasible and little else, changes
smoothly, and is likely in z where images are.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from studies.generators.components import principal_features
from studies.generators.distribution import Distribution, distribution
from studies.generators.feasible import Feasible, feasible
from studies.generators.latents import NO_ENCODER, Latents, latents
from studies.generators.nearest_images import Unfeasible, unfeasible
from studies.generators.smoothness import Smoothness, smoothness
from unseen.evaluation.intervals import Interval, Json
from unseen.physics.tensor_products import describe
from unseen.priors.autoencoders import AutoencoderGenerator
from unseen.priors.generator import Generator
from unseen.priors.search_settings import Search
from unseen.priors.trained import digest_of
from unseen.runs.generator_training import Images

NUMBER, COMPARED = 64, 500
LEAST = 8
"""Fewest test images with which a generator is evaluated."""
SEARCH = Search(restarts=4, iterations=100)
"""Settings of the search. With 64 digits and a VAE with 8 latents, 20 starts and 200 iterations found images that are
nearer by only a thousandth."""
_TOGETHER = 256  # samples made at a time


@dataclass(frozen=True, eq=False)
class Study:
    """Results of a generator's study: images that it can and cannot generate.

    Args:
        made_by: Description of the generator.
        latents: None: the generator has no encoder.
        left_out: Number of test images that were left out, because the generator had learnt from them.
        seconds: Duration of the study.
    """

    made_by: str
    feasible: Feasible
    unfeasible: Unfeasible
    distribution: Distribution
    smoothness: Smoothness
    latents: Latents | None
    left_out: int
    seconds: float

    @property
    def sentences(self) -> dict[str, str]:
        """The answer to each question, for people."""
        return {
            "feasible": _feasible(self.feasible),
            "unfeasible": _unfeasible(self.unfeasible),
            "distribution": _distribution(self.distribution),
            "smoothness": _smoothness(self.smoothness),
            "latents": NO_ENCODER.capitalize() + "." if self.latents is None else _latents(self.latents),
        }

    def to_json(self) -> dict[str, Json]:
        """Return every figure with its interval and its n."""
        return {
            "made_by": self.made_by,
            "left_out": self.left_out,
            "seconds": round(self.seconds, 1),
            "sentences": {**self.sentences},
            "feasible": self.feasible.to_json(),
            "unfeasible": self.unfeasible.to_json(),
            "distribution": self.distribution.to_json(),
            "smoothness": self.smoothness.to_json(),
            "latents": {"reason": NO_ENCODER} if self.latents is None else self.latents.to_json(),
        }


def study(
    G: Generator,
    images: Images,
    *,
    number: int = NUMBER,
    compared: int = COMPARED,
    search: Search = SEARCH,
    seed: int = 0,
    progress: Callable[[str], None] | None = None,
) -> Study:
    """Ask the five questions of a generator.

    Args:
        G: in eval mode, on the CPU, each image of its own latent alone.
        images: of the size that it makes, in [0, 1]; `training` is what it has learnt from, `testing` what it has
            not, `validation` other real images, for where there are too few test images (may be empty). Test
            images whose digest G names among those that it has learnt from are left out.
        number: test images that are looked for in the range; also latents at which slopes are taken, and paths.
        compared: test images and samples at most whose distributions are compared.
        search: how hard to look.
        seed: of every draw: which test images, samples, starts, the bootstrap.
        progress: called with the current step, in a few words.

    Raises:
        ValueError: images of another size, too few of them, one that is black; or numbers below 1.

    Example:
        >>> from unseen.data.drawn_shapes import squares_and_circles
        >>> from unseen.priors.principal_subspace import PrincipalSubspace
        >>> x = squares_and_circles(90, 16, torch.Generator().manual_seed(0))
        >>> G = PrincipalSubspace.fit(x[:50], components=4)
        >>> images = Images(x[:50], x[50:70], x[70:], tuple(range(20)), "drawn")
        >>> found = study(G, images, number=8, search=Search(restarts=2, iterations=30))
        >>> found.feasible.n, found.latents is None, round(found.smoothness.quantiles[0.5].value, 3)
        (8, True, 1.0)
    """
    began = time.monotonic()
    if number < 1 or compared < LEAST:
        raise ValueError(f"number is at least 1 and compared at least {LEAST}, but got {number} and {compared}.")
    say = progress or (lambda words: None)
    tested, units, left_out = _tested(G, images)
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(tested), generator=rng)
    looked, rest = order[: max(number, compared)], order[max(number, compared) :]
    other = tested[rest[:compared]] if len(rest) >= compared else _some(images.validation, compared, rng)
    tested, units = tested[looked], tuple(units[i] for i in looked.tolist())
    features = principal_features(images.training, generator=rng)  # the same for every generator
    samples = _drawn(G, min(compared, len(tested)), rng)
    if samples.shape[1:] != tested.shape[1:]:
        raise ValueError(
            f"the generator makes images of {describe(tuple(samples.shape[1:]))}, but these are "
            f"{describe(tuple(tested.shape[1:]))}. Give images of the size that it has learnt."
        )
    training, known = _learnt_from(G, images.training)
    say(f"feasible: {min(number, len(tested))} test images, looked for in its range")
    found = feasible(G, tested[:number], units[:number], features=features, search=search, seed=seed)
    far, far_units = tested[:compared], units[:compared]
    say(f"unfeasible: {len(samples)} samples, beside {len(training)} training images")
    off = unfeasible(samples, far, far_units, training, known=known)
    say("distribution: MMD, precision and recall")
    spread = distribution(samples, far, far_units, other, features=features, seed=seed)
    say(f"smoothness: slopes at {number} latents, and as many paths")
    smooth = smoothness(G, far, number=number, generator=rng)
    codes: Latents | None = None
    if isinstance(G, AutoencoderGenerator):
        say("latents: codes of test images, beside the prior")
        codes = latents(G, far, far_units, seed=seed, generator=rng)
    made_by = repr(G) if isinstance(G, AutoencoderGenerator) or hasattr(G, "key") else type(G).__name__
    return Study(made_by, found, off, spread, smooth, codes, left_out, time.monotonic() - began)


def _tested(G: Generator, images: Images) -> tuple[Tensor, tuple[int, ...], int]:
    """Return the test images that G has not learnt from, their units, and how many it has."""
    learnt = frozenset(getattr(G, "training_digests", ()))
    kept = [i for i, x in enumerate(images.testing) if not learnt or digest_of(x) not in learnt]
    if len(kept) < LEAST:
        raise ValueError(
            f"a study needs {LEAST} test images that the generator has not learnt from, but there are {len(kept)} of "
            f"{len(images.testing)}. Give others."
        )
    return images.testing[kept], tuple(images.units[i] for i in kept), len(images.testing) - len(kept)


def _learnt_from(G: Generator, training: Tensor) -> tuple[Tensor, bool]:
    """Return the training images that G names, and True; all, and False, where it names others, or none."""
    learnt = frozenset(getattr(G, "training_digests", ()))
    digests = [digest_of(x) for x in training] if learnt else []
    if not learnt or not learnt <= frozenset(digests):
        return training, False
    return training[[i for i, name in enumerate(digests) if name in learnt]], True


def _some(images: Tensor, n: int, rng: torch.Generator) -> Tensor:
    return images[torch.randperm(len(images), generator=rng)[:n]]


@torch.no_grad()
def _drawn(G: Generator, n: int, rng: torch.Generator) -> Tensor:
    z = G.latents(n, generator=rng)
    return torch.cat([G(part).detach().cpu() for part in torch.split(z, _TOGETHER)])


def _feasible(found: Feasible) -> str:
    figures = found.figures
    linear = figures.get("linear_error")
    beside = f"; as many principal components leave {_percent(linear)}" if isinstance(linear, Interval) else ""
    return (
        f"Of {found.n} test images the nearest in its range is off by {_percent(figures['relative_error'])} of their "
        f"norm, worst {100 * found.relative_error.max():.0f} %{beside}."
    )


def _unfeasible(found: Unfeasible) -> str:
    nearer = found.nearer
    reading = "nearer than real images are: copies, or bland" if _above(nearer, 0.5) else (
        "farther than real images are" if _below(nearer, 0.5) else "as near as real images are"
    )  # fmt: skip
    return (
        f"Its samples lie {reading}: a sample is nearer to a training image than a held-out image is with chance "
        f"{nearer}."
    )


def _distribution(found: Distribution) -> str:
    made, real = found.samples, found.real
    beside = "" if real is None else f" (other real images: {_value(real.precision)} and {_value(real.recall)})"
    p = made.discrepancy.p
    test = "" if p is None else f", p {'below ' if p < 0.001 else ''}{max(p, 0.001):.3f} by permutation"
    squared = made.discrepancy.squared
    words = f"{squared.value:.4f}" if isinstance(squared, Interval) else str(squared)
    return (
        f"Precision {made.precision}, recall {made.recall}{beside}; MMD² {words}, {made.discrepancy.chance:.4f} by "
        f"chance{test}."
    )


def _smoothness(found: Smoothness) -> str:
    low, middle, high = (figure.value for figure in found.quantiles.values())
    return (
        f"At the median latent a step of 1 moves the image by {middle:.1f} at most ({low:.1f} to {high:.1f} for nine "
        f"latents in ten); two test images are {found.apart:.1f} apart. The longest step of a path is {found.pace} "
        "times the mean one."
    )


def _latents(found: Latents) -> str:
    return (
        f"{found.active.value:.0f} of {found.dimensions} dimensions are active; along their directions codes vary by "
        f"{found.least.value:.2f} to {found.greatest.value:.2f}, where as many draws of the prior vary by "
        f"{found.least.low:.2f} to {found.greatest.high:.2f}."
    )


def _percent(figure: object) -> str:
    return (
        f"{100 * figure.value:.0f} % ({100 * figure.low:.0f} % to {100 * figure.high:.0f} %)"
        if isinstance(figure, Interval)
        else str(figure)
    )


def _value(figure: object) -> str:
    return f"{figure.value:.2f}" if isinstance(figure, Interval) else str(figure)


def _above(figure: object, level: float) -> bool:
    return isinstance(figure, Interval) and figure.low > level


def _below(figure: object, level: float) -> bool:
    return isinstance(figure, Interval) and figure.high < level
