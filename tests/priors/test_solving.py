"""A prior by its name: λ from the noise, or as it is given."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.priors.small_generators import Straight
from unseen.artifacts.registry import UnknownName
from unseen.physics import Mask, Measurement
from unseen.priors import (
    PRIORS,
    TGV,
    TV,
    Lasso,
    Prior,
    Range,
    Search,
    Soft,
    Sparse,
    Squares,
    Tikhonov,
    Wavelets,
    by_discrepancy,
)
from unseen.priors.named_priors import LARGEST, latent_priors, solved

G = Straight()
SIGMA = 0.1
SEARCH = Search(restarts=2, iterations=50)


def measured(n: int = 2) -> tuple[Tensor, Mask]:
    rng = torch.Generator().manual_seed(0)
    A = Mask(torch.rand(1, 6, 6, generator=rng) < 0.6)
    x = G.sample(n, generator=rng)
    return A(x + SIGMA * torch.randn(x.shape, generator=rng, dtype=x.dtype)), A


@functools.cache
def by_name(key: str) -> tuple[Tensor, str]:
    """Return the images of `measured()` by the prior of that name, and the sentence: the convex ones take seconds."""
    y, A = measured()
    return solved(key, y, A, G=G if key in latent_priors() else None, sigma=SIGMA, search=SEARCH)


@pytest.mark.parametrize(
    "key", [key if key != "tgv" else pytest.param(key, marks=pytest.mark.nightly) for key in PRIORS]
)
def test_with_the_noise_known_the_images_fit_as_well_as_the_truth_would(key: str) -> None:
    y, A = measured()
    x, said = by_name(key)
    misfit = (A(x) - y).square().flatten(1).sum(1)
    bound = float(A.mask.sum()) * SIGMA**2
    assert x.shape == (2, 1, 6, 6) and said.endswith(".")
    # the latents of Range take up a little of the noise, and ½‖z‖² pulls them back a little
    assert bool((misfit < (1.5 if key == "range" else 1.001) * bound).all())


def test_each_is_what_its_own_class_does() -> None:
    y, A = measured()
    swept = {"sigma": SIGMA, "largest": LARGEST, "search": SEARCH}
    expected = {
        "range": Range(G, weight=0.5, fit=Squares(SIGMA)).solve(y, A, search=SEARCH).x,
        "soft": by_discrepancy(Soft(G), y, A, **swept).x,
        "sparse": by_discrepancy(Sparse(G), y, A, **swept).x,
        "tikhonov": by_discrepancy(Tikhonov(), y, A, sigma=SIGMA, largest=LARGEST).x,
        "tv": TV.within_noise(y, A, sigma=SIGMA).x,
        "tgv": TGV(1.0).fitted(y, A, sigma=SIGMA).x,
        "lasso": Lasso(1.0).fitted(y, A, sigma=SIGMA).x,
        "wavelets": Wavelets(1.0).fitted(y, A, sigma=SIGMA).x,
    }
    assert expected.keys() == PRIORS.keys()
    for key, x in expected.items():
        assert torch.equal(by_name(key)[0], x), key


def test_a_weight_of_ones_own_and_none() -> None:
    y, A = measured()
    assert torch.equal(solved("tv", y, A, weight=0.3)[0], TV(0.3).solve(y, A).x)
    assert torch.equal(solved("tikhonov", y, A, weight=0.3)[0], Tikhonov(0.3).solve(y, A).x)
    assert torch.equal(
        solved("soft", y, A, G=G, weight=0.3, search=SEARCH)[0], Soft(G, weight=0.3).solve(y, A, search=SEARCH).x
    )
    assert torch.equal(solved("soft", y, A, G=G, search=SEARCH)[0], Soft(G).solve(y, A, search=SEARCH).x)


def test_mistakes_are_told() -> None:
    y, A = measured()
    with pytest.raises(UnknownName, match="did you mean soft"):
        solved("sofft", y, A, G=G)
    with pytest.raises(ValueError, match="give one of them"):
        solved("soft", y, A, G=G, sigma=0.1, weight=1.0)
    with pytest.raises(ValueError, match="soft needs a generator"):
        solved("soft", y, A, sigma=0.1)
    with pytest.raises(ValueError, match="tv has no latents"):
        solved("tv", y, A, G=G, sigma=0.1)
    with pytest.raises(ValueError, match="give sigma or weight"):
        solved("tv", y, A)
    for key in ("soft", "range", "sparse"):
        with pytest.raises(ValueError, match=r"sigma .*above 0"):
            solved(key, y, A, G=G, sigma=-1.0)


def test_what_a_prior_computes_of_a_tensor_it_computes_of_an_array() -> None:
    A = Mask(torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0)) > 0.3)
    y = A(torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
    solutions: list[Callable[[object], object]] = [
        lambda y: TV.within_noise(y, A, sigma=0.1, iterations=20).x,
        lambda y: TV.within_noise(y=y, A=A, sigma=0.1, iterations=20).x,
        lambda y: TV(0.1).solve(y, A, start=y, iterations=20).x,
        lambda y: TV(0.1).prox(y, iterations=20).x,
        lambda y: TV(0.1).distance(y),
        lambda y: Tikhonov(0.1).solve(y, A).x,
        lambda y: Tikhonov(0.1).distance(y),
        lambda y: by_discrepancy(Tikhonov(), y, A, sigma=0.1, largest=1.0).x,
    ]
    for solution in solutions:
        found, expected = solution(y.numpy()), solution(y)
        assert isinstance(found, np.ndarray) and isinstance(expected, Tensor)
        assert np.array_equal(found, expected.numpy())


def test_a_list_of_numbers_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="A tensor or a NumPy array is expected, but got a list"):
        TV.within_noise([1.0], Mask(torch.ones(1, 8, 8)), sigma=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "prior", [TV(0.1), TGV(0.1), Wavelets(0.1), Lasso(0.1), Tikhonov(0.1), Range(G), Soft(G), Sparse(G)]
)
def test_a_process_in_place_of_the_operator_and_no_measurements_are_refused(prior: Prior) -> None:
    y, A = measured()
    with pytest.raises(TypeError, match=r"takes an operator, but got a Measurement. Give solve\(y, process.A\)"):
        prior.solve(y, Measurement(A))  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ValueError, match="y is empty"):
        prior.solve(y[:0], A)
