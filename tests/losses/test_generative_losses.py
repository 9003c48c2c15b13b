"""Losses of a VAE and a WGAN-GP, against torch's distributions and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from unseen.losses import gradient_penalty, kullback_leibler, negative_elbo, wasserstein_critic


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_divergence_is_that_of_torchs_distributions() -> None:
    mean, log_variance = drawn(5, 7), drawn(5, 7, seed=1)
    code = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros(7).double(), torch.ones(7).double()), 1)
    torch.testing.assert_close(kullback_leibler(mean, log_variance), kl_divergence(code, prior))


def test_the_divergence_is_zero_at_the_prior_and_keeps_its_figures_near_it() -> None:
    nothing = torch.zeros(2, 3)
    assert (kullback_leibler(nothing, nothing) == 0).all()
    small = torch.full((1, 1), 1e-3)
    assert kullback_leibler(torch.zeros(1, 1), small).item() == pytest.approx(1e-6 / 4, rel=1e-3)


@pytest.mark.parametrize("variance", [0.5, 0.05])
def test_the_bound_is_that_of_torchs_distributions_but_for_a_constant(variance: float) -> None:
    x, again, mean, log_variance = (drawn(4, 6, seed=seed) for seed in range(4))
    pixels = Independent(Normal(again, math.sqrt(variance)), 1)
    code = Independent(Normal(mean, (log_variance / 2).exp()), 1)
    prior = Independent(Normal(torch.zeros(6).double(), torch.ones(6).double()), 1)
    constant = 6 / 2 * math.log(2 * math.pi * variance)
    expected = -pixels.log_prob(x) + kl_divergence(code, prior) - constant
    torch.testing.assert_close(negative_elbo(x, again, mean, log_variance, variance=variance), expected)


def test_at_one_half_it_is_the_sum_of_squares_and_the_divergence() -> None:
    x, again, mean, log_variance = (drawn(4, 1, 3, 3, seed=seed) for seed in range(4))
    expected = ((x - again) ** 2).sum(dim=(1, 2, 3)) + kullback_leibler(mean, log_variance)
    torch.testing.assert_close(negative_elbo(x, again, mean, log_variance), expected)


@pytest.mark.parametrize("variance", [0.0, -1.0, math.nan, math.inf])
def test_a_variance_is_a_number_above_zero(variance: float) -> None:
    with pytest.raises(ValueError, match="variance is that of a pixel given its code, a number above 0, but got"):
        negative_elbo(*[torch.zeros(1, 2)] * 4, variance=variance)


def test_a_linear_critic_is_penalised_for_the_length_of_its_weights() -> None:
    weights = drawn(6)
    penalty = gradient_penalty(lambda x: x @ weights, drawn(5, 6), drawn(5, 6, seed=1), generator=None)
    torch.testing.assert_close(penalty, (weights.norm() - 1).square().expand(5))


def test_the_slope_is_taken_between_the_two_images_and_differently_for_each() -> None:
    real, fake, seen = torch.zeros(50, 2, 3), torch.ones(50, 2, 3), []

    def critic(x: Tensor) -> Tensor:
        seen.append(x.detach())
        return x.flatten(1).square().sum(dim=1) / 2

    generator = torch.Generator().manual_seed(0)
    penalty = gradient_penalty(critic, real, fake, generator=generator)
    (between,) = seen
    share = between[:, 0, 0]
    assert torch.equal(between, share[:, None, None].expand_as(between)), "one share an image, for all its pixels"
    assert len(share.unique()) == 50 and 0.3 < share.mean() < 0.7 and share.min() >= 0 and share.max() <= 1
    torch.testing.assert_close(penalty, (share * math.sqrt(6) - 1).square())


def test_the_penalty_reaches_the_critics_weights_and_its_gradient_is_right() -> None:
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(4, 5), nn.Softplus(), nn.Linear(5, 1)).double()
    real, fake = drawn(3, 4), drawn(3, 4, seed=1)

    def value(weight: Tensor) -> Tensor:
        called = lambda x: torch.func.functional_call(critic, {"0.weight": weight}, (x,)).flatten()  # noqa: E731
        return gradient_penalty(called, real, fake, generator=torch.Generator().manual_seed(0))

    assert torch.autograd.gradcheck(value, critic[0].weight.detach().clone().requires_grad_())


def test_the_penalty_is_found_where_gradients_are_off() -> None:
    with torch.no_grad():
        penalty = gradient_penalty(lambda x: 2 * x.sum(dim=1), torch.zeros(2, 1), torch.ones(2, 1), generator=None)
    torch.testing.assert_close(penalty, torch.ones(2))


def test_the_critics_loss_is_what_it_gives_made_images_less_what_it_gives_real_ones() -> None:
    real, fake = drawn(4, 2, 2), drawn(4, 2, 2, seed=1)
    torch.testing.assert_close(wasserstein_critic(real, fake), fake.mean(dim=(1, 2)) - real.mean(dim=(1, 2)))


LOSSES = {
    "kullback_leibler": lambda a, b: kullback_leibler(a, b),
    "negative_elbo, images": lambda a, b: negative_elbo(a, b, torch.zeros(1, 2), torch.zeros(1, 2)),
    "negative_elbo, codes": lambda a, b: negative_elbo(torch.zeros(1, 2), torch.zeros(1, 2), a, b),
    "wasserstein_critic": lambda a, b: wasserstein_critic(a, b),
    "gradient_penalty": lambda a, b: gradient_penalty(lambda x: x.flatten(1).sum(1), a, b, generator=None),
}


@settings(max_examples=60)
@given(
    name=st.sampled_from(sorted(LOSSES)),
    shapes=st.tuples(*[st.lists(st.integers(1, 3), max_size=3)] * 2).filter(lambda pair: pair[0] != pair[1]),
)
def test_two_shapes_are_refused_with_both_of_them_named(name: str, shapes: tuple[list[int], list[int]]) -> None:
    first, second = shapes
    with pytest.raises(ValueError, match=r"have one shape, \(batch, \.\.\.\), but got \(.*\) and \(") as caught:
        LOSSES[name](torch.zeros(first), torch.zeros(second))
    assert f"({', '.join(map(str, first))})" in str(caught.value)
