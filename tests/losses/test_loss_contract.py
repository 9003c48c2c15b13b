"""The law of every registered loss: finite, one value per sample, independent of batch mates, and with a gradient."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss
from torch import Tensor

from unseen import losses
from unseen.physics import Gaussian, Mask

Loss = Callable[
    [Tensor, Tensor], Tensor
]  # of a network's output and of what it is compared with, both (batch, 1, 6, 6)


class SameProbe:
    """Draws b anew for each call from one seed, so that two calls differ in their batch alone."""

    def __init__(self, function: Callable[..., Tensor], **arguments: object) -> None:
        self.function = partial(function, **arguments)

    def __call__(self, output: Tensor, other: Tensor) -> Tensor:
        h = lambda batch: output * batch + batch**2  # noqa: E731  # a network whose weights are `output`, sample by sample
        mask = Mask(torch.ones(6, 6).triu())
        return self.function(h, other.to(output.dtype), Gaussian(0.3), mask, generator=torch.Generator().manual_seed(1))


CASES: dict[str, Loss] = {
    "bce": lambda output, other: losses.bce(output, other > 0),
    "dice": lambda output, other: losses.dice_loss(output, other > 0),
    "discriminator-bce": losses.discriminator_bce,
    "feature-matching": lambda output, other: losses.feature_matching(other, output),
    "sure": SameProbe(losses.sure),
    "sure-literal": SameProbe(losses.sure_literal, form="mse"),
    "sure-literal, norm": SameProbe(losses.sure_literal, form="norm"),
}


def pair(batch: int = 4, *, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    drawn = torch.randn(2, batch, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return drawn[0].to(dtype), drawn[1].to(dtype)


def test_every_registered_loss_is_under_test() -> None:
    assert set(losses.LOSSES) <= set(CASES)
    for place in losses.LOSSES.values():
        file, _, name = place.partition(":")
        assert getattr(losses, name) is getattr(importlib.import_module(f"unseen.losses.{file}"), name)
    for name in losses.__all__:
        assert getattr(losses, name) is not None


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float64])
def test_one_finite_value_per_sample_in_single_precision_or_better(name: str, batch: int, dtype: torch.dtype) -> None:
    value = CASES[name](*pair(batch, dtype=dtype))
    assert value.shape == (batch,)
    assert torch.isfinite(value).all()
    assert value.dtype == torch.promote_types(dtype, torch.float32)


@pytest.mark.parametrize("name", CASES)
def test_a_sample_is_independent_of_its_batch_mates(name: str) -> None:
    output, other = pair()
    mates = output.clone(), other.clone()
    mates[0][1:] *= -7
    mates[1][1:] += 3
    torch.testing.assert_close(CASES[name](output, other)[0], CASES[name](*mates)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", CASES)
def test_a_gradient_flows_and_is_right(name: str) -> None:
    output, other = pair(2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda o: CASES[name](o, other), output.requires_grad_(), atol=1e-5)
    (gradient,) = torch.autograd.grad(CASES[name](output, other).sum(), output)
    assert (gradient != 0).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("name", ["bce", "dice", "discriminator-bce", "feature-matching"])
def test_far_logits_neither_overflow_nor_turn_negative(name: str) -> None:
    output, other = pair()
    value = CASES[name](1e4 * output, other)
    assert torch.isfinite(value).all() and (value >= 0).all()


def test_bce_is_scikit_learns() -> None:
    logits, other = pair(3, dtype=torch.float64)
    for got, p, mask in zip(losses.bce(logits, other > 0), logits.sigmoid(), other > 0, strict=True):
        assert got.item() == pytest.approx(log_loss(mask.flatten().numpy(), p.flatten().numpy()), rel=1e-12)


def test_dice_of_hard_masks_is_one_minus_scikit_learns_f1() -> None:
    found, mask = (t > 0 for t in pair(3))
    got = losses.dice_loss(torch.where(found, 100.0, -100.0), mask, smoothing=0.0)
    for value, a, b in zip(got.tolist(), found.flatten(1).numpy(), mask.flatten(1).numpy(), strict=True):
        assert value == pytest.approx(1 - f1_score(b, a), abs=1e-6)


def test_an_empty_mask_rightly_found_empty_costs_nothing() -> None:
    assert losses.dice_loss(torch.full((1, 1, 4, 4), -100.0), torch.zeros(1, 1, 4, 4)).item() == pytest.approx(
        0, abs=1e-6
    )


def test_discriminator_bce_is_half_the_sum_of_both_cross_entropies() -> None:
    real, fake = (torch.randn(50, generator=torch.Generator().manual_seed(i), dtype=torch.float64) for i in (1, 2))
    p, q = 1 / (1 + np.exp(-real.numpy())), 1 / (1 + np.exp(-fake.numpy()))
    np.testing.assert_allclose(losses.discriminator_bce(real, fake).numpy(), (-np.log(p) - np.log(1 - q)) / 2)


def test_feature_matching_is_a_mean_of_squares() -> None:
    real, fake = pair(3, dtype=torch.float64)
    expected = ((real - fake) ** 2).flatten(1).numpy().mean(1)
    np.testing.assert_allclose(losses.feature_matching(real, fake).numpy(), expected)


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["bce", "dice_loss", "discriminator_bce", "feature_matching"]),
    shapes=st.tuples(*[st.lists(st.integers(1, 3), min_size=0, max_size=4)] * 2),
)
def test_any_two_tensors_of_one_shape_and_no_others(name: str, shapes: tuple[list[int], list[int]]) -> None:
    loss, (first, second) = getattr(losses, name), shapes
    if first == second and first:
        assert loss(torch.zeros(first), torch.zeros(second)).shape == (first[0],)
    else:
        with pytest.raises(ValueError, match=r"have one shape, \(batch, \.\.\.\), but got \(.*\) and \(") as caught:
            loss(torch.zeros(first), torch.zeros(second))
        assert f"({', '.join(map(str, first))})" in str(caught.value)
