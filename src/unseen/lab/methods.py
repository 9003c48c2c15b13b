"""Methods that the lab offers for a measurement, and images that a generator makes from a latent.

A generator of the collection is offered with each prior of `unseen.priors.PRIORS` that has a latent. `drawn_latent` and
`picture_of` serve a user who moves the sliders of a latent.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from unseen.artifacts.bundle import BundleError
from unseen.artifacts.registry import UnknownName
from unseen.lab.collection import Collected, Collection
from unseen.lab.measuring import Measured
from unseen.lab.settings import IMAGE_SIZES
from unseen.losses.loss import observed
from unseen.physics.operator import Operator
from unseen.priors import named_priors
from unseen.priors.named_priors import latent_priors
from unseen.priors.trained import TrainedGenerator
from unseen.priors.tv import TV
from unseen.reconstruction.direct_methods import filtered_backprojection, pseudo_inverse

ABOUT = {
    "range": "of the images that the generator can make, the one that fits y best",
    "soft": "near to an image that the generator can make, as far as y asks for it",
    "sparse": "an image that the generator can make, but for a few pixels",
}
"""Descriptions for users; a prior that is not listed here is offered too."""
_LARGEST, _RATIO, _STEPS = 1.0, 0.25, 8  # of a sweep of λ, within the time that a page waits


def solved(key: str, G: TrainedGenerator, made: Measured) -> tuple[Tensor, str]:
    """x̂ (1, *A.domain), real, and what is known of it.

    λ comes from the noise, see `unseen.priors.named_priors`; without noise each prior has its
    default weight.

    Raises:
        ValueError: the generator's images are not A's.
    """
    y = observed(made.process, made.process.linearise(made.y))
    return named_priors.solved(
        key, y, made.process.A, G=G, sigma=made.sigma or None, largest=_LARGEST, ratio=_RATIO, steps=_STEPS
    )


Family = Literal["direct", "variational", "learnt", "generative"]
_SAME = 1e-4  # relative, in single precision


@dataclass(frozen=True)
class Found:
    """The result of a method: x̂ (1, *A.domain), and a remark on it."""

    x: Tensor
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Method:
    """Reconstruction method that is offered for a measurement.

    Args:
        key: the name by which `Offered.named` finds it, such as "tv".
        name: a short name for users, such as "TV".
        family: "direct", "variational", "learnt" or "generative".
        about: what the method computes, or which data its model was trained on; for users.
        run: the function from a measurement to the reconstructed image of shape (1, *A.domain).

    Example:
        >>> from unseen.lab import Collection, Setup, measured
        >>> method = Method(key="zero", name="0", family="direct", about="a black image",
        ...                 run=lambda made: Found(torch.zeros_like(made.x)))
        >>> method.run(measured(torch.ones(1, 1, 32, 32), Setup(), Collection())).x.shape
        torch.Size([1, 1, 32, 32])
    """

    key: str
    name: str
    family: Family
    about: str
    run: Callable[[Measured], Found]


@dataclass(frozen=True, kw_only=True)
class Offered:
    """The methods that fit a measurement, and a sentence for each model that does not."""

    methods: tuple[Method, ...]
    left_out: tuple[str, ...] = ()

    def named(self, key: str) -> Method:
        """Return the method of this key. Raises LookupError where there is none, or it does not fit."""
        for method in self.methods:
            if method.key == key:
                return method
        raise LookupError(
            f"{key[:80]!r} is no method for this measurement; there are {', '.join(m.key for m in self.methods)}."
        )


def offered_methods(made: Measured, collection: Collection) -> Offered:
    """Return the methods that can reconstruct the image of a measurement.

    Args:
        made: the image and its measurement.
        collection: the trained models. Loading their weights takes time.

    Returns:
        The methods, those without training first, and a sentence for each model that does not fit.

    Example:
        >>> from unseen.lab import Collection, Setup, measured
        >>> made = measured(torch.ones(1, 1, 32, 32), Setup(), Collection())
        >>> [method.key for method in offered_methods(made, Collection()).methods]
        ['pinv', 'tv']
    """
    methods, left_out = list(_untrained(made)), []
    for entry in collection.reconstructors:
        fitted = _learnt(entry, made, collection)
        if isinstance(fitted, Method):
            methods.append(fitted)
        elif not entry.ships:
            left_out.append(f"{entry.name}: {fitted}")
    for entry in collection.generators:
        fits = _fits(entry, made, collection)
        if fits:
            left_out.append(f"{entry.name}: {fits}")
        else:
            methods += _generative(entry, collection)
    return Offered(methods=tuple(methods), left_out=tuple(left_out))


def _untrained(made: Measured) -> Iterator[Method]:
    yield Method(
        key="pinv",
        name="A†",
        family="direct",
        about="least-squares solution of least norm: nothing is added in the null space",
        run=lambda made: Found(pseudo_inverse(made.y, made.process)),
    )
    if hasattr(made.process.A, "fbp"):
        yield Method(
            key="fbp",
            name="FBP",
            family="direct",
            about="filtered backprojection, as scanners do it: right for many views, streaks for few",
            run=lambda made: Found(filtered_backprojection(made.y, made.process)),
        )
    if made.sigma is not None:
        yield Method(
            key="tv",
            name="TV",
            family="variational",
            about="the image of least total variation that fits the measurement within the noise",
            run=_flattest,
        )


def _flattest(made: Measured) -> Found:
    assert made.sigma is not None
    solution = TV.within_noise(observed(made.process, made.y), made.process.A, sigma=made.sigma)
    return Found(solution.x, solution.sentence)


def _learnt(entry: Collected, made: Measured, collection: Collection) -> Method | str:
    """Return a reconstructor as a method, or why it does not fit."""
    try:
        f = collection.reconstructor(entry.key)
    except (BundleError, UnknownName) as error:
        return _reason(error, entry)
    if f.process is None:
        return "was saved without its process, so its measurements are unknown."
    own, A = f.process.A, made.process.A
    if own.domain != A.domain or own.complex_domain != A.complex_domain:
        kind = "complex" if own.complex_domain else "real"
        return f"was trained on {kind} images of {own.domain[-2]} × {own.domain[-1]} pixels; these images differ."
    if type(own) is not type(A):
        return f"was trained with {type(own).__name__}, and this is {type(A).__name__}."
    same = "under this very operator" if _among(A, own) else f"under another {type(own).__name__}: {own}"
    source = f"; {entry.card.data.rstrip('.')}" if entry.card.data else ""
    return Method(
        key=f"model:{entry.key}",
        name=entry.name,
        family="learnt",
        about=f"{entry.card.name}, learnt {same}{source}",
        run=lambda made: Found(_applied(entry.key, made, collection)),
    )


def _applied(key: str, made: Measured, collection: Collection) -> Tensor:
    with torch.no_grad():
        x: Tensor = collection.reconstructor(key)(made.y, made.process)
    return x


def _among(A: Operator, own: Operator) -> bool:
    """Return True if A is one of the operators with which a model was trained, compared on an image."""
    if A.range != own.range:
        return False
    dtype = torch.complex64 if A.complex_domain else torch.float32
    x = torch.randn(1, *A.domain, dtype=dtype, generator=torch.Generator().manual_seed(0))
    seen, n = A(x), own.batch or 1
    expected = own(x.expand(n, *A.domain))
    far = (expected - seen).flatten(1).norm(dim=1) / seen.norm().clamp(min=torch.finfo(torch.float32).tiny)
    return bool((far < _SAME).any())


def _fits(entry: Collected, made: Measured, collection: Collection) -> str:
    """Return why A does not measure images like a generator's; "" where it does."""
    try:
        G = collection.generator(entry.key)
    except (BundleError, UnknownName) as error:
        return _reason(error, entry)
    with torch.no_grad():
        shape = tuple(G(torch.zeros(1, *G.latent_shape)).shape[1:])
    if shape != made.process.A.domain:
        return f"makes images of {shape[-2]} × {shape[-1]} pixels, not such as these."
    return "" if made.sigma is not None else "needs noise that is Gaussian or nearly so, and no link."


def _reason(error: Exception, entry: Collected) -> str:
    """Return the reason without the server's own paths."""
    return str(error).replace(str(entry.folder), entry.name).removeprefix(f"{entry.name}: ")


def _generative(entry: Collected, collection: Collection) -> Iterator[Method]:
    for key in latent_priors():
        yield Method(
            key=f"{key}:{entry.key}",
            name=f"{key}, {entry.name}",
            family="generative",
            about=ABOUT.get(key, "a generator as prior"),
            run=lambda made, key=key: Found(*solved(key, collection.generator(entry.key), made)),  # type: ignore[misc]
        )


SLIDER_REACH = 3.0
"""Range of a slider in each direction: z ~ N(0, 1), so 0.3 % of all values lie outside."""
MAX_SLIDERS = 64
"""Sliders: of a longer latent the rest stays as it was drawn."""


def drawn_latent(G: TrainedGenerator, seed: int) -> Tensor:
    """Draw a latent of a generator from its prior, N(0, I).

    Args:
        G: the generator.
        seed: the seed of the draw.

    Returns:
        The latent, of shape (1, *latent_shape).

    Example:
        >>> from unseen.priors import VAE
        >>> drawn_latent(VAE(latent=2, size=32, features=4), seed=0).shape
        torch.Size([1, 2])
    """
    return G.latents(1, generator=torch.Generator().manual_seed(seed))


def picture_of(G: TrainedGenerator, latent: Sequence[float]) -> Tensor:
    """G(z), cut to [0, 1]: (1, 1, size, size).

    Args:
        G: the generator.
        latent: z, as many numbers as G's latents have.

    >>> from unseen.priors import VAE
    >>> picture_of(VAE(latent=2, size=32, features=4), [0.0, 1.0]).shape
    torch.Size([1, 1, 32, 32])

    Raises:
        ValueError: the latent has another length than G's, or the images are not such as the lab takes.
    """
    length = math.prod(G.latent_shape)
    if len(latent) != length:
        raise ValueError(f"A latent of this generator has {length} numbers, but got {len(latent)}.")
    with torch.no_grad():
        made: Tensor = G(torch.tensor(latent, dtype=torch.float32).reshape(1, *G.latent_shape)).clamp(0, 1)
    channels, height, width = made.shape[1:]
    if channels != 1 or height != width or height not in IMAGE_SIZES:
        sides = ", ".join(map(str, IMAGE_SIZES))
        raise ValueError(f"The lab takes one channel and {sides} pixels a side; these are {tuple(made.shape[1:])}.")
    return made
