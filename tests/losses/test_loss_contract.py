"""The law of every registered loss: finite, one value per sample, independent of batch mates, and with a gradient."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, log_loss
from torch import Tensor, nn

from unseen import losses
from unseen.physics import Flips, Gaussian, Mask, Measurement, Poisson, Scalings
from unseen.testing import LOSS_LAWS

Loss = Callable[
    [Tensor, Tensor], Tensor
]  # of a network's output and of what it is compared with, both (batch, 1, 6, 6)
pytestmark = pytest.mark.filterwarnings("ignore:A count adds 0.5 to means of up to:RuntimeWarning")
HALF = Mask(torch.ones(6, 6).triu())
COUNTS = Poisson(0.5)


class SameProbe:
    """Draws b anew for each call from one seed, so that two calls differ in their batch alone."""

    def __init__(self, function: Callable[..., Tensor], *, counts: bool = False, **arguments: object) -> None:
        self.function, self.counts = partial(function, **arguments), counts

    def __call__(self, output: Tensor, other: Tensor) -> Tensor:
        h = lambda batch: output * batch + batch**2  # noqa: E731  # a network whose weights are `output`, sample by sample
        if self.counts:
            return self.function(h, lattice(other, output.dtype), COUNTS, HALF)
        return self.function(h, other.to(output.dtype), Gaussian(0.3), HALF)


def seeded(function: Callable[..., Tensor], **arguments: object) -> Callable[..., Tensor]:
    return lambda *given: function(*given, generator=torch.Generator().manual_seed(1), **arguments)


def lattice(other: Tensor, dtype: torch.dtype) -> Tensor:
    """Whole multiples of the gain, at least 0."""
    return (COUNTS.gain * (3 * other.abs()).round()).to(dtype)


class Learning:
    """A loss on measurements by half the pixels, seen by a network whose weights are `output`, sample by sample."""

    def __init__(self, loss: losses.Loss, *, counts: bool = False) -> None:
        self.loss, self.counts = loss, counts

    def seen(self, output: Tensor, other: Tensor, kind: type[losses.Seen] = losses.Seen) -> losses.Seen:
        y = HALF(lattice(other, output.dtype) if self.counts else other.to(output.dtype))
        if isinstance(self.loss, losses.EquivariantAdversarial):
            self.loss.critic.to(output.dtype)
        return kind(
            y,
            Measurement(HALF, noise=COUNTS if self.counts else Gaussian(0.3)),
            lambda y, process: output * process.A.pinv(process.linearise(y)) + 0.3 * output**2,
            x=other.to(output.dtype),
            pool=Mask(torch.stack([torch.ones(1, 6, 6).triu(), torch.ones(1, 6, 6).tril()])),
        )

    def __call__(self, output: Tensor, other: Tensor) -> Tensor:
        return self.loss(self.seen(output, other), generator=torch.Generator().manual_seed(1))


def critic() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Softplus(), nn.Conv2d(3, 1, 3))


LEARNING: dict[str, Learning] = {
    "backprojected-consistency": Learning(losses.BackprojectedConsistency()),
    "backprojected-risk": Learning(losses.BackprojectedRisk()),
    "equivariance": Learning(losses.Equivariance(Flips(), transforms=2)),
    "equivariant-adversarial": Learning(losses.EquivariantAdversarial(Flips(), critic())),
    "equivariant-splitting": Learning(losses.EquivariantSplitting(Flips())),
    "measurement-consistency": Learning(losses.MeasurementConsistency()),
    "multi-operator": Learning(losses.MultiOperator()),
    "recorrupted": Learning(losses.Recorrupted()),
    "recorrupted-equivariance": Learning(losses.RecorruptedEquivariance(Flips(), transforms=2)),
    "robust-equivariance": Learning(losses.RobustEquivariance(Flips())),
    "scale-equivariance": Learning(losses.ScaleEquivariance(Scalings((0.5, 0.75)))),
    "splitting": Learning(losses.Splitting()),
    "stein-risk": Learning(losses.Sure()),
    "stein-risk, first order": Learning(losses.Sure(order=1), counts=True),
    "stein-risk, second order": Learning(losses.Sure(order=2), counts=True),
    "stein-risk, counts": Learning(losses.Sure(), counts=True),
    "supervised": Learning(losses.Supervised()),
    "thinning": Learning(losses.Thinning(), counts=True),
    "unsure": Learning(losses.Unsure(0.3)),
}
STOPPED = ("scale-equivariance",)  # whose gradient is not that of its value


def slope(output: Tensor, other: Tensor) -> Tensor:
    """Return the gradient penalty of a critic whose weights are `output`, sample by sample."""
    critic = lambda x: (output * x + (output * x) ** 2).flatten(1).sum(1)  # noqa: E731
    real, generator = other.to(output.dtype), torch.Generator().manual_seed(1)
    return losses.gradient_penalty(critic, real, -real, generator=generator)


CASES: dict[str, Loss] = {
    "bce": lambda output, other: losses.bce(output, other > 0),
    "dice": lambda output, other: losses.dice_loss(output, other > 0),
    "discriminator-bce": losses.discriminator_bce,
    "feature-matching": lambda output, other: losses.feature_matching(other, output),
    "gradient-penalty": slope,
    "hudson-risk": SameProbe(losses.hudson_risk, counts=True),
    "kullback-leibler": losses.kullback_leibler,
    "least-squares-discriminator": losses.least_squares_discriminator,
    "least-squares-generator": lambda output, other: losses.least_squares_generator(output),
    "minimax-generator": lambda output, other: losses.minimax_generator(output),
    "mixed-sure": SameProbe(seeded(losses.mixed_sure), counts=True),
    "negative-elbo": lambda output, other: losses.negative_elbo(other, output, output, other / 4),
    "non-saturating-generator": lambda output, other: losses.non_saturating_generator(output),
    "recorrupted-risk": SameProbe(seeded(losses.recorrupted_risk)),
    "structural-dissimilarity": losses.structural_dissimilarity,
    "sure": SameProbe(seeded(losses.sure)),
    "sure-literal": SameProbe(seeded(losses.sure_literal, form="mse")),
    "sure-literal, norm": SameProbe(seeded(losses.sure_literal, form="norm")),
    "thinning-risk": SameProbe(seeded(losses.thinning_risk), counts=True),
    "wasserstein-critic": losses.wasserstein_critic,
    "wasserstein-generator": lambda output, other: losses.wasserstein_generator(output),
    **LEARNING,
}


def pair(batch: int = 4, *, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    drawn = torch.randn(2, batch, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    return drawn[0].to(dtype), drawn[1].to(dtype)


def test_every_registered_loss_is_under_test() -> None:
    assert not set(losses.LOSSES) - set(CASES), "registered, and not in CASES of this file"
    for place in losses.LOSSES.values():
        file, _, name = place.partition(":")
        assert getattr(losses, name) is getattr(importlib.import_module(file), name)
    for name in losses.__all__:
        assert getattr(losses, name) is not None


@pytest.mark.parametrize("name", CASES)
def test_one_finite_value_per_sample_in_single_precision_or_better(name: str) -> None:
    for batch, dtype in itertools.product((1, 5), (torch.bfloat16, torch.float32, torch.float64)):
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


@pytest.mark.parametrize("fast", [True, pytest.param(False, marks=pytest.mark.nightly)], ids=["projected", "whole"])
@pytest.mark.parametrize("name", CASES)
def test_a_gradient_flows_and_is_right(name: str, fast: bool) -> None:
    """The Jacobian projected on random vectors, which no wrong entry leaves as it is; `make nightly` has all of it."""
    output, other = pair(2, dtype=torch.float64)
    output.requires_grad_()
    if name not in STOPPED:
        assert torch.autograd.gradcheck(lambda o: CASES[name](o, other), output, atol=1e-5, fast_mode=fast)
    (gradient,) = torch.autograd.grad(CASES[name](output, other).sum(), output)
    assert (gradient != 0).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("name", [name for name in LEARNING if name != "multi-operator"])  # which needs a pool
@pytest.mark.parametrize("law", LOSS_LAWS)
def test_every_law_of_a_plug_in_holds(name: str, law: str) -> None:
    learning = LEARNING[name]
    if isinstance(learning.loss, losses.EquivariantAdversarial):
        learning.loss.critic.float()
    if "x" in learning.loss.needs and law == "reads_what_it_needs":
        with pytest.raises(ValueError, match="truth"):
            learning.loss(learning.seen(*pair(), Truthless), generator=None)
        return
    LOSS_LAWS[law](learning.loss, Measurement(HALF, noise=COUNTS if learning.counts else Gaussian(0.3)))


class Truthless(losses.Seen):
    """A batch whose truth was never seen."""

    def __init__(self, *parts: object, x: object, **named: object) -> None:
        super().__init__(*parts, x=None, **named)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LEARNING)
def test_it_reads_what_it_says_it_needs_and_no_more(name: str) -> None:
    loss, (output, other) = LEARNING[name].loss, pair()
    without = [part for part in ("x",) if part not in loss.needs]

    class Blind(losses.Seen):
        def __getattribute__(self, part: str) -> object:
            assert part not in without, f"{name} looked at {part}"
            return super().__getattribute__(part)

    assert loss.needs <= {"x", "y", "A", "f"}
    loss(LEARNING[name].seen(output, other, Blind), generator=None)
    if not without:
        seen = LEARNING[name].seen(output, other)
        seen.x = None
        with pytest.raises(ValueError, match="truth"):
            loss(seen, generator=None)


@pytest.mark.parametrize("name", LEARNING)
def test_the_same_generator_state_gives_the_same_value_and_the_global_one_is_left_alone(name: str) -> None:
    output, other = pair()
    state = torch.random.get_rng_state()
    assert torch.equal(CASES[name](output, other), CASES[name](output, other))
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("name", LEARNING)
def test_a_weight_is_a_finite_number_of_at_least_zero(name: str) -> None:
    loss = LEARNING[name].loss
    assert loss.weight == (1e-8 if name == "equivariant-adversarial" else 1.0)
    assert type(loss).__name__ in repr(loss) and "weight=" in repr(loss)
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="weighted by a finite number of at least 0"):
            losses.Loss.__init__(loss, weight=bad)


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
