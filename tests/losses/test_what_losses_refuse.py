"""Refusals of losses, each in a sentence, and warnings of input that they use badly."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen.losses import (
    BackprojectedRisk,
    Equivariance,
    MultiOperator,
    Recorrupted,
    Seen,
    Splitting,
    Supervised,
    Sure,
    Thinning,
    Unsure,
    bce,
    dice_loss,
    hudson_risk,
    mixed_sure,
    recorrupted_risk,
    sure,
    thinning_risk,
)
from unseen.physics import Flips, Gaussian, Identity, Mask, Measurement, Noise, Poisson, PoissonGaussian

SIZE = 8
KEEP = torch.rand(SIZE, SIZE, generator=rng(4)) > 0.4

REFUSED: dict[str, tuple[type[Exception], str, Callable[[], object]]] = {
    "no truth": (ValueError, "compares with the truth", lambda: Supervised()(seen_of(), generator=None)),
    "a truth of another shape": (
        ValueError,
        r"truth has shape \(1, 1, 4, 4\), but f\(y\) has \(1, 1, 8, 8\)",
        lambda: Supervised()(seen_of(x=torch.zeros(1, 1, 4, 4)), generator=None),
    ),
    "no noise to take off": (ValueError, "use MeasurementConsistency", lambda: Sure()(seen_of(), generator=None)),
    "one operator alone": (ValueError, "several operators", lambda: MultiOperator()(seen_of(), generator=None)),
    "no group": (TypeError, "takes a group, such as", lambda: Equivariance(torch.zeros(3))),  # type: ignore[arg-type]
    "no transformation": (ValueError, "at least 1, but got 0", lambda: Equivariance(Flips(), transforms=0)),
    "half a transformation": (ValueError, "but got 1.5", lambda: Equivariance(Flips(), transforms=1.5)),  # type: ignore[arg-type]
    "a step backwards": (ValueError, "tau is a step above 0", lambda: Sure(tau=-1.0)),
    "a third order": (ValueError, "order is 1 or 2", lambda: Sure(order=3)),
    "all counts to judge": (ValueError, "between 0 and 1, but got 1", lambda: Thinning(1.0)),
    "no counts to judge": (ValueError, "between 0 and 1, but got 0", lambda: Recorrupted(0.0)),
    "nothing left out": (ValueError, "between 0 and 1, but got 1", lambda: Splitting(1.0)),
    "thinning Gaussian noise": (
        TypeError,
        "Thinning is for Poisson noise, but the process has Gaussian",
        lambda: Thinning()(seen_of(noise=Gaussian(0.1)), generator=None),
    ),
    "recorrupting counts": (
        TypeError,
        "Recorrupted is for Gaussian noise, but the process has Poisson",
        lambda: Recorrupted()(seen_of(noise=Poisson(0.1)), generator=None),
    ),
    "thinning a read-out": (
        ValueError,
        "read-out of sigma = 0.3",
        lambda: thinning_risk(torch.zeros_like, torch.ones(1, 4), PoissonGaussian(1.0, 0.3)),
    ),
    "counts off the lattice": (
        ValueError,
        r"whole multiples of the gain 0.5 and at least 0, but y holds 0.7",
        lambda: thinning_risk(torch.zeros_like, torch.tensor([[0.5, 0.7]]), Poisson(0.5)),
    ),
    "negative counts": (
        ValueError,
        r"y holds -1",
        lambda: thinning_risk(torch.zeros_like, torch.tensor([[0.5, -1.0]]), Poisson(0.5)),
    ),
    "counts that are not numbers": (
        ValueError,
        r"y holds nan",
        lambda: thinning_risk(torch.zeros_like, torch.tensor([[0.5, float("nan")]]), Poisson(0.5)),
    ),
    "complex counts": (
        ValueError,
        "Counts are real, but y is torch.complex64",
        lambda: mixed_sure(torch.zeros_like, torch.ones(1, 4, dtype=torch.complex64), Poisson(0.5)),
    ),
    "Gaussian counts": (
        TypeError,
        "for counts, PoissonGaussian or Poisson, but got Gaussian",
        lambda: hudson_risk(torch.zeros_like, torch.ones(1, 4), Gaussian(0.5)),  # type: ignore[arg-type]
    ),
    "recorrupting by the function": (
        TypeError,
        "for Gaussian noise, but got Poisson. Counts: use Thinning",
        lambda: recorrupted_risk(torch.zeros_like, torch.ones(1, 4), Poisson(0.5)),  # type: ignore[arg-type]
    ),
    "whole numbers for y": (
        ValueError,
        "floating point, but got torch.int64",
        lambda: mixed_sure(torch.zeros_like, torch.ones(1, 4, dtype=torch.int64), Poisson(0.5)),
    ),
    "another shape from h": (
        ValueError,
        r"h must keep the shape of y, \(1, 4\), but h\(y\) has shape \(1, 2\)",
        lambda: thinning_risk(lambda y: y[:, :2], torch.ones(1, 4), Poisson(0.5)),
    ),
    "an order of zero": (
        ValueError,
        "order is 1 or 2 in the gain, but got 0",
        lambda: mixed_sure(torch.zeros_like, torch.ones(1, 4), Poisson(0.5), order=0),
    ),
}


def seen_of(*, x: Tensor | None = None, **parts: object) -> Seen:
    process = Measurement(Mask(KEEP), **parts)  # type: ignore[arg-type]
    return Seen(torch.zeros(1, 1, SIZE, SIZE), process, lambda y, process: y, x=x)


@pytest.mark.parametrize("what", REFUSED)
def test_what_a_loss_cannot_use_is_refused_with_a_sentence(what: str) -> None:
    kind, sentence, call = REFUSED[what]
    with pytest.raises(kind, match=sentence):
        call()


@pytest.mark.parametrize("gain, warned", [(0.1, False), (0.3, True), (0.5, True)])
def test_sure_warns_where_the_second_order_is_not_reliable(gain: float, warned: bool) -> None:
    process = Measurement(Identity((1, 64, 64)), noise=Poisson(gain))
    y = process(torch.rand(2, 1, 64, 64, generator=rng(0)), generator=rng(1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Sure()(Seen(y, process, lambda y, process: y), generator=rng(2))
    assert bool(caught) is warned
    assert all("Use Thinning" in str(warning.message) for warning in caught)


@pytest.mark.parametrize("brightness, passes", [(1e5, 2), (100.0, 3)])
def test_many_counts_take_the_first_order_and_two_passes(brightness: float, passes: int) -> None:
    calls = []
    process = Measurement(Identity((1, 8, 8)), noise=Poisson(1.0))

    def f(y: Tensor, process: Measurement) -> Tensor:
        calls.append(y)
        return y

    y = process(torch.full((1, 1, 8, 8), brightness), generator=rng(0))
    Sure()(Seen(y, process, f), generator=rng(1))
    assert len(calls) == passes


def test_hudsons_risk_warns_of_its_price() -> None:
    with pytest.warns(RuntimeWarning, match="once for each of 1025 entries"):
        hudson_risk(torch.zeros_like, torch.ones(1, 1025), Poisson(1.0))


@pytest.mark.parametrize("loss", [dice_loss, bce])
@pytest.mark.parametrize(
    "mask", [torch.tensor([[0, 255]], dtype=torch.uint8), torch.tensor([[-1.0, 1.0]]), torch.full((1, 2), torch.nan)]
)
def test_a_mask_of_other_values_than_0_to_1_is_refused(loss: Callable[[Tensor, Tensor], Tensor], mask: Tensor) -> None:
    """Before, masks of 0 and 255 gave negative losses, of down to -100."""
    with pytest.raises(ValueError, match=r"holds values from 0 to 1, but got values from .* such as mask / 255"):
        loss(torch.zeros(1, 2), mask)


@pytest.mark.parametrize(
    ("risk", "noise"),
    [(sure, Gaussian(0.1)), (mixed_sure, PoissonGaussian(0.1, 0.1)), (hudson_risk, PoissonGaussian(0.1, 0.0))],
)
def test_a_network_that_writes_into_its_input_does_not_change_the_measurement(
    risk: Callable[..., Tensor], noise: Noise
) -> None:
    """Before, y was what the network had made of it, and the risk was another number."""
    y = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    given = y.clone()
    found = risk(lambda z: z.mul_(0.5), y, noise, **_rng(risk))
    assert torch.equal(y, given)
    assert torch.allclose(found, risk(lambda z: z * 0.5, given, noise, **_rng(risk)))


def _rng(risk: Callable[..., Tensor]) -> dict[str, torch.Generator]:
    return {} if risk is hudson_risk else {"generator": torch.Generator().manual_seed(1)}


def test_a_step_that_is_not_finite_is_refused() -> None:
    """Before, the risk was NaN."""
    y = torch.ones(1, 1, 4, 4)
    for use in (
        lambda: sure(torch.zeros_like, y, Gaussian(0.1), tau=torch.inf),
        lambda: mixed_sure(torch.zeros_like, y, Poisson(0.1), tau=torch.inf),
        lambda: Sure(tau=torch.inf),
        lambda: Unsure(tau=torch.inf),
        lambda: BackprojectedRisk(tau=torch.inf),
    ):
        with pytest.raises(ValueError, match="tau is a step above 0 and finite, but got inf"):
            use()


@pytest.mark.parametrize("transforms", [0, 1.5, 2.0, float("nan"), float("inf"), "2"])
def test_a_number_of_transforms_that_is_none_is_named(transforms: float) -> None:
    with pytest.raises(ValueError, match="transforms is how many g move each image"):
        Equivariance(Flips(), transforms=transforms)  # type: ignore[arg-type]
