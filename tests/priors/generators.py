"""Small generators for the contract tests: every registered one trained for a moment, the linear one, a wrapped one."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from unseen.data.drawn_shapes import squares_and_circles
from unseen.networks.dcgan import DcganDecoder
from unseen.priors import GENERATORS, Generator, PrincipalSubspace, TrainedGenerator, Wrapped
from unseen.training import Training

SIZE, LATENT = 16, 3


def shapes(n: int = 64, *, seed: int = 0, size: int = SIZE) -> Tensor:
    return squares_and_circles(n, size, torch.Generator().manual_seed(seed))


def short(epochs: int = 2, *, seed: int = 0, batch_size: int = 16, every: int | None = None) -> Training:
    return Training(
        epochs=epochs, batch_size=batch_size, seed=seed, device="cpu", threads=1, checkpoint_every_steps=every
    )


def untrained(key: str, **settings: object) -> TrainedGenerator:
    kind: type[TrainedGenerator] = GENERATORS.load(key)
    small = {"critic_steps": 2} if key == "wgan-gp" else {}
    return kind(**({"latent": LATENT, "features": 4} | small | settings))


@functools.cache
def trained(key: str) -> TrainedGenerator:
    return untrained(key).fit(shapes(), training=short())


@functools.cache
def wrapped() -> Wrapped:
    torch.manual_seed(0)
    decoder = DcganDecoder(SIZE, features=4, latent=LATENT)
    decoder.train()(torch.randn(64, LATENT, 1, 1))  # running averages that are not those of the start
    return Wrapped(decoder, (LATENT, 1, 1), values=(-1, 1))


@functools.cache
def linear() -> PrincipalSubspace:
    return PrincipalSubspace.fit(shapes(), components=LATENT)


EVERY: dict[str, Callable[[], Generator]] = {
    **{key: functools.partial(trained, key) for key in GENERATORS},
    "linear": linear,
    "wrapped": wrapped,
}


def in_double(G: Generator) -> Generator:
    """Return a copy in double precision."""
    import copy

    assert isinstance(G, nn.Module)
    double: Generator = copy.deepcopy(G).double()
    return double
