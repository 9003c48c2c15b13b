"""`Range` and the data fits."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from tests.priors.small_generators import Bent, Straight
from unseen.networks.dcgan import Discriminator
from unseen.physics import Gaussian, Identity, Mask
from unseen.priors import L1, Features, Fit, Range, Search, Squares

SIZE = 6


def fits() -> dict[str, Fit]:
    return {
        "squares": Squares(),
        "squares of a known noise": Squares(0.3),
        "l1": L1(),
        "features": Features(nn.Flatten()),
        "sum": L1(2.0) + 0.1 * Squares(),
    }


def draw(seed: int, *, complex_too: bool = False) -> Tensor:
    dtype = torch.complex128 if complex_too else torch.float64
    return torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("name", fits())
def test_a_fit_is_zero_at_y_one_value_a_sample_and_differentiable(name: str) -> None:
    fit, u, y = fits()[name], draw(0).requires_grad_(), draw(1)
    values = fit(u, y)
    assert values.shape == (4,) and bool((values > 0).all()) and not fit(y, y).any()
    assert torch.allclose(fit(u[1:2], y[1:2]), values[1:2])
    assert torch.autograd.gradcheck(lambda u: fit(u, y), u)


def test_fits_are_the_likelihoods_that_they_are_said_to_be() -> None:
    u, y = draw(0), draw(1)
    flat = Gaussian(0.3).log_likelihood(y, y)
    assert torch.allclose(Squares(0.3)(u, y), flat - Gaussian(0.3).log_likelihood(y, u))
    laplace = torch.distributions.Laplace(u, 0.3).log_prob(y).flatten(1).sum(1)
    assert torch.allclose(L1(0.3)(u, y), 18 * -math.log(2 * 0.3) - laplace)
    a, b = draw(0, complex_too=True), draw(1, complex_too=True)
    assert torch.allclose(Squares()(a, b, norm=2.0), (a - b).abs().square().flatten(1).sum(1) / 8)
    assert torch.allclose(L1()(a, b, norm=2.0), (a - b).abs().flatten(1).sum(1) / 2)


def test_features_are_the_first_of_several_and_of_a_network_in_eval_mode() -> None:
    network = Discriminator(16, features=4)
    u, y = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    with pytest.raises(ValueError, match=r"h is in training mode.*BatchNorm2d.*h.eval\(\)"):
        Features(network)(u, y)
    network.eval()
    expected = (network(u)[0] - network(y)[0]).square().flatten(1).sum(1) / 2
    assert torch.allclose(Features(network)(u, y), expected)


def test_a_fit_that_is_told_nonsense_says_so() -> None:
    with pytest.raises(ValueError, match="sigma"):
        Squares(0.0)
    with pytest.raises(ValueError, match="scale"):
        L1(math.inf)
    with pytest.raises(ValueError, match="multiplied"):
        -1.0 * L1()
    with pytest.raises(ValueError, match="one shape"):
        L1()(torch.zeros(2, 3), torch.zeros(2, 4))
    assert repr(L1() + 0.1 * Squares(2.0)) == "L1() + 0.1 * Squares(2.0)"


def test_without_a_weight_a_image_of_the_generator_comes_back() -> None:
    G, rng = Bent(), torch.Generator().manual_seed(0)
    x = G.sample(16, generator=rng)
    A = Mask(torch.rand(1, SIZE, SIZE, generator=rng) > 0.6)
    solution = Range(G, weight=0).solve(A(x), A)
    assert float((solution.x - x).abs().flatten(1).amax(1).median()) < 1e-3
    assert (Range(G).distance(x) < 1e-6 * x.square().flatten(1).sum(1)).double().mean() >= 0.95


def test_the_most_probable_latent() -> None:
    """weight ½ with a known noise: the posterior's mode, for a straight generator its mean."""
    G, sigma = Straight(), 0.5
    A = Identity((1, SIZE, SIZE))
    y = G.sample(2, generator=torch.Generator().manual_seed(0))
    y = y + sigma * torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    precision = G.rows @ G.rows.T / sigma**2 + torch.eye(3)
    mean = torch.linalg.solve(precision, G.rows @ (y.flatten(1) - G.mean).T / sigma**2).T
    found = Range(G, weight=0.5, fit=Squares(sigma)).solve(y, A, search=Search(restarts=2, tolerance=1e-9))
    assert torch.allclose(found.z, mean, atol=1e-4)


def test_the_distance_is_that_to_a_subspace() -> None:
    G = Straight()
    x = torch.rand(3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    off = x.flatten(1) - G.mean
    inside = torch.linalg.lstsq(G.rows.T, off.T).solution
    expected = (off.T - G.rows.T @ inside).square().sum(0)
    found = Range(G, weight=5.0).nearest(x)
    assert torch.allclose(found.value, expected, rtol=1e-4), "whatever the weight"
    assert torch.allclose(Range(G).distance(x, norm=3.0 * Squares()), 1.5 * expected, rtol=1e-4)
