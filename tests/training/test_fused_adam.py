"""`FusedAdam` takes the steps of `torch.optim.Adam`, however gradients and moments lie in memory."""

import copy

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from unseen.training.fused_adam import FusedAdam

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def network(layout: torch.memory_format) -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5), nn.Conv2d(5, 2, 1))
    # mypy: torch types `to` by overloads that leave the memory format alone out
    return layers.to(memory_format=layout)  # type: ignore[call-overload,no-any-return]


def give_gradients(layers: nn.Module, layout: torch.memory_format, *, seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    for weight in layers.parameters():
        slope = torch.randn(weight.shape, generator=rng)
        weight.grad = slope.contiguous(memory_format=layout) if slope.ndim == 4 else slope


def close(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-7) for a, b in pairs)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of_gradients", LAYOUTS)
def test_its_steps_are_those_of_adam(layout: torch.memory_format, of_gradients: torch.memory_format) -> None:
    fused, plain = network(layout), network(layout)
    of_fused = FusedAdam(fused.parameters(), lr=1e-2, weight_decay=1e-3)
    of_plain = torch.optim.Adam(plain.parameters(), lr=1e-2, weight_decay=1e-3)
    before = copy.deepcopy(fused)
    for seed in range(5):
        for layers, optimiser in ((fused, of_fused), (plain, of_plain)):
            give_gradients(layers, of_gradients, seed=seed)
            optimiser.step()
    assert close(fused, plain)
    assert not close(fused, before)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_goes_on_from_adams_state_in_another_layout(layout: torch.memory_format) -> None:
    plain, other = network(torch.contiguous_format), network(layout)
    of_plain, of_other = torch.optim.Adam(plain.parameters(), lr=1e-2), FusedAdam(other.parameters(), lr=1e-2)
    give_gradients(plain, torch.contiguous_format, seed=0)
    of_plain.step()
    other.load_state_dict(plain.state_dict())
    of_other.load_state_dict(copy.deepcopy(of_plain.state_dict()))  # torch would share its tensors
    for layers, optimiser in ((plain, of_plain), (other, of_other)):
        give_gradients(layers, layout, seed=1)
        optimiser.step()
    assert close(other, plain)


def test_its_state_is_adams() -> None:
    layers = network(torch.channels_last)
    optimiser = FusedAdam(layers.parameters(), lr=1e-2)
    give_gradients(layers, torch.channels_last, seed=0)
    optimiser.step()
    plain = torch.optim.Adam(network(torch.channels_last).parameters(), lr=1e-2)
    assert [g | {"params": None} for g in optimiser.state_dict()["param_groups"]] == [
        g | {"params": None} for g in plain.state_dict()["param_groups"]
    ]
    assert all(state["step"].item() == 1 for state in optimiser.state.values())


def test_a_weight_of_no_dense_layout_and_a_complex_one_are_stepped_too() -> None:
    torch.manual_seed(0)
    for values in (torch.randn(4, 6).t(), torch.randn(4, 6, dtype=torch.complex64)):
        weights = [nn.Parameter(values.detach().clone(memory_format=torch.preserve_format)) for _ in range(2)]
        for weight, kind in zip(weights, (FusedAdam, torch.optim.Adam), strict=True):
            weight.grad = torch.arange(24.0).reshape(weight.shape).to(weight.dtype)
            kind([weight], lr=0.1).step()
        assert torch.allclose(weights[0], weights[1])
        assert not torch.allclose(weights[0], values)


def test_a_closure_is_called() -> None:
    weight = nn.Parameter(torch.ones(3))
    optimiser = FusedAdam([weight], lr=0.1)

    def closure() -> float:
        weight.grad = torch.ones(3)
        return 7.0

    assert optimiser.step(closure) == 7.0
    assert torch.allclose(weight, torch.full((3,), 0.9))


def test_it_resumes_from_a_fused_adam_in_another_layout() -> None:
    fused, plain, other = (network(layout) for layout in (*LAYOUTS[:1], *LAYOUTS[:1], LAYOUTS[1]))
    of_fused = torch.optim.Adam(fused.parameters(), lr=1e-2, fused=True)
    of_plain, of_other = torch.optim.Adam(plain.parameters(), lr=1e-2), FusedAdam(other.parameters(), lr=1e-2)
    for layers, optimiser in ((fused, of_fused), (plain, of_plain)):
        give_gradients(layers, torch.contiguous_format, seed=0)
        optimiser.step()
    other.load_state_dict(fused.state_dict())
    of_other.load_state_dict(copy.deepcopy(of_fused.state_dict()))
    for layers, optimiser in ((plain, of_plain), (other, of_other)):
        give_gradients(layers, torch.channels_last, seed=1)
        optimiser.step()
    assert close(other, plain)
    assert of_other.state_dict()["param_groups"] == of_plain.state_dict()["param_groups"]


def fused_steps(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Return a list of whether each of Adam's steps is fused, as they are taken."""
    found: list[bool] = []
    step = torch.optim.Adam.step

    def noted(self: torch.optim.Adam, closure: None = None) -> None:
        found.extend(bool(group["fused"]) for group in self.param_groups)
        step(self, closure)

    monkeypatch.setattr(torch.optim.Adam, "step", noted)
    return found


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_it_is_fused_on_either_device_and_continues_after_steps_that_are_not(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tensors without values: they need no GPU, and torch checks devices and shapes."""
    with FakeTensorMode():
        weight = nn.Parameter(torch.ones(3, device=device))
        weight.grad = torch.ones_like(weight)
        plain = torch.optim.Adam([weight], lr=0.1)
        plain.step()
        assert plain.state[weight]["step"].device.type == "cpu"
        fused = fused_steps(monkeypatch)
        new, resumed = FusedAdam([weight], lr=0.1), FusedAdam([weight], lr=0.1)
        resumed.load_state_dict(plain.state_dict())
        for optimiser in (new, new, resumed):
            optimiser.step()
            assert optimiser.state[weight]["step"].device == weight.device
            assert optimiser.param_groups[0]["fused"] is None
    assert fused == [True] * 3
