"""Detectors' learners take the steps of `torch.optim.Adam` in whatever memory order gradients and moments are."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from tests.detectors.conftest import Make
from unseen.detectors.ddad import Ddad, _Rebuilding
from unseen.detectors.deep_svdd import DeepSvdd, _Gathering
from unseen.detectors.detector import Detector
from unseen.detectors.ganomaly_family import EncoderDecoderEncoder, _Adversaries
from unseen.detectors.restorer import Restorer, _Restoring
from unseen.training.learner import Learner

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def adversaries(detector: Detector) -> Learner:
    assert isinstance(detector, EncoderDecoderEncoder)
    return _Adversaries(detector, steps=1)


def rebuilding(detector: Detector) -> Learner:
    assert isinstance(detector, Ddad)
    return _Rebuilding(detector, "a")


def restoring(detector: Detector) -> Learner:
    assert isinstance(detector, Restorer)
    return _Restoring(detector)


def gathering(detector: Detector) -> Learner:
    assert isinstance(detector, DeepSvdd)
    return _Gathering(detector)


LEARNERS = {"ganomaly": adversaries, "ddad": rebuilding, "dae": restoring, "deep-svdd": gathering}


def learner_of(make: Make, key: str) -> Learner:
    """Return a learner whose weights are channels-last, as in a training."""
    detector = make(key)
    detector.modules()
    learner = LEARNERS[key](detector)
    for module in learner.modules.values():
        # mypy: torch types `to` by overloads that leave the memory format alone out
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return learner


def plain_adam(optimiser: torch.optim.Optimizer) -> tuple[torch.optim.Adam, list[torch.Tensor]]:
    """Return an unfused Adam of the same settings and state, and its copies of the weights."""
    # Any: torch's groups are untyped
    groups: list[dict[str, Any]] = [
        {**group, "params": [weight.detach().clone() for weight in group["params"]], "fused": False, "foreach": False}
        for group in optimiser.param_groups
    ]
    return torch.optim.Adam(groups), [weight for group in groups for weight in group["params"]]


def steps_agree(optimiser: torch.optim.Optimizer, gradients_in: torch.memory_format) -> bool:
    """Return whether three steps change the weights as plain Adam does."""
    plain, copies = plain_adam(optimiser)
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    assert any(weight.ndim == 4 and not weight.is_contiguous() for weight in weights)
    rng = torch.Generator().manual_seed(0)
    for _ in range(3):
        for weight, copied in zip(weights, copies, strict=True):
            slope = torch.randn(weight.shape, generator=rng)
            weight.grad = slope.contiguous(memory_format=gradients_in) if slope.ndim == 4 else slope
            copied.grad = slope.clone()
        optimiser.step()
        plain.step()
    return all(torch.allclose(*pair, rtol=1e-5, atol=1e-7) for pair in zip(weights, copies, strict=True))


@pytest.mark.parametrize("gradients_in", LAYOUTS)
@pytest.mark.parametrize("key", LEARNERS)
def test_steps_in_each_memory_order_are_those_of_adam(make: Make, key: str, gradients_in: torch.memory_format) -> None:
    for optimiser in learner_of(make, key).optimisers.values():
        assert steps_agree(optimiser, gradients_in)
