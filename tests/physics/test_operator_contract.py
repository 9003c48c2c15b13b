"""The law of `unseen.physics.operator`, checked for every registered operator and for what `@`, `*` and `stack` make
of them.
"""

from __future__ import annotations

import copy
import importlib
import pickle
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from unseen import physics
from unseen.physics.operator import Operator, inner, lengths


class Blur(Operator):
    """A small circulant blur that leaves pinv and norm to the base class."""

    def __init__(self, size: int, *, share: float = 0.3) -> None:
        super().__init__(domain=(1, size, size), range=(1, size, size))
        self._set(share=share)

    def _forward(self, x: Tensor) -> Tensor:
        return (1 - self.share) * x + self.share * x.roll(1, dims=-1)

    def _adjoint(self, y: Tensor) -> Tensor:
        return (1 - self.share) * y + self.share * y.roll(-1, dims=-1)


class Downsampled(Operator):
    """Half the columns: an operator whose range is not its domain."""

    def __init__(self, size: int) -> None:
        super().__init__(domain=(1, size, size), range=(1, size, size // 2))

    def _forward(self, x: Tensor) -> Tensor:
        return x[..., ::2] + x[..., 1::2]

    def _adjoint(self, y: Tensor) -> Tensor:
        return y.repeat_interleave(2, dim=-1)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_mask(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=rng(seed)) > 0.4


MADE: dict[str, Callable[[], Operator]] = {
    "identity": lambda: physics.Identity((2, 6, 6)),
    "mask": lambda: physics.Mask(random_mask(1, 6, 6)),
}
COMBINED: dict[str, Callable[[], Operator]] = {
    "mask of several channels": lambda: physics.Mask(random_mask(6, 6), channels=3),
    "mask per sample": lambda: physics.Mask(random_mask(4, 1, 6, 6)),
    "blur by the base class": lambda: Blur(6),
    "composed": lambda: physics.Mask(random_mask(1, 6, 6)) @ Blur(6),
    "composed, per sample": lambda: physics.Mask(random_mask(4, 1, 6, 6)) @ Blur(6),
    "downsampled": lambda: Downsampled(6) @ Blur(6),
    "scaled": lambda: -2.5 * physics.Mask(random_mask(1, 6, 6)),
    "scaled by nought": lambda: 0 * Blur(6),
    "stacked": lambda: physics.stack(Blur(6), 3 * physics.Mask(random_mask(1, 6, 6)), physics.Identity((1, 6, 6))),
}
EVERY = MADE | COMBINED


def operator(name: str) -> Operator:
    return EVERY[name]()


def picture(A: Operator, seed: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(A.batch or 4, *A.domain, generator=rng(seed), dtype=dtype)


def measurement(A: Operator, seed: int) -> Tensor:
    return torch.randn(A.batch or 4, *A.range, generator=rng(seed), dtype=torch.float64)


def matrix(A: Operator, sample: int = 0) -> Tensor:
    """A as a dense matrix, column by column, for one sample of the batch."""
    n = torch.Size(A.domain).numel()
    units = torch.eye(n, dtype=torch.float64).reshape(n, *A.domain)
    columns = [A(unit.expand(A.batch or 1, *A.domain))[sample if A.batch else 0].flatten() for unit in units]
    return torch.stack(columns, dim=1)


def test_every_registered_operator_is_under_test() -> None:
    assert set(physics.OPERATORS) == set(MADE)
    for key, place in physics.OPERATORS.items():
        file, _, name = place.partition(":")
        assert isinstance(operator(key), getattr(importlib.import_module(f"unseen.physics.{file}"), name))
        assert name in dir(physics)


@pytest.mark.parametrize("name", EVERY)
def test_linear(name: str) -> None:
    A = operator(name)
    x, other = picture(A, 1), picture(A, 2)
    torch.testing.assert_close(A(-1.7 * x + other), -1.7 * A(x) + A(other), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
def test_adjoint_dot_test(name: str) -> None:
    A = operator(name)
    x, y = picture(A, 1), measurement(A, 2)
    assert A(x).shape == y.shape
    assert A.adjoint(y).shape == x.shape
    torch.testing.assert_close(inner(A(x), y), inner(x, A.adjoint(y)), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", EVERY)
def test_pseudo_inverse_is_that_of_the_dense_matrix(name: str) -> None:
    A = operator(name)
    x, y = picture(A, 1), measurement(A, 2)
    torch.testing.assert_close(A(A.pinv(A(x))), A(x), rtol=0, atol=1e-9)
    for sample in range(len(y)):
        expected = torch.linalg.pinv(matrix(A, sample)) @ y[sample].flatten()
        torch.testing.assert_close(A.pinv(y)[sample].flatten(), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_norm_is_the_largest_singular_value(name: str) -> None:
    A = operator(name)
    exact = max(float(torch.linalg.matrix_norm(matrix(A, i), ord=2)) for i in range(A.batch or 1))
    assert A.norm() == pytest.approx(exact, rel=1e-3, abs=1e-12)
    x = picture(A, 3)
    assert (lengths(A(x)) <= A.norm() * lengths(x) * (1 + 1e-3)).all()


@pytest.mark.parametrize("name", EVERY)
def test_an_operator_never_changes(name: str) -> None:
    A = operator(name)
    x = picture(A, 1)
    before = A(x)
    for attribute in ("domain", "range", "batch", "novelty"):
        with pytest.raises(AttributeError, match=f"never changes, but {attribute} was assigned"):
            setattr(A, attribute, None)
        with pytest.raises(AttributeError, match="never changes"):
            delattr(A, attribute)
    A.pinv(A.adjoint(before) if A.domain == A.range else before)
    A.norm()
    assert torch.equal(A(x), before)
    assert torch.equal(copy.deepcopy(A)(x), before)
    assert torch.equal(pickle.loads(pickle.dumps(A))(x), before)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("action", ["call", "adjoint", "pinv"])
def test_a_sample_is_independent_of_its_batch_mates(name: str, action: str) -> None:
    A = operator(name)
    act = {"call": A, "adjoint": A.adjoint, "pinv": A.pinv}[action]
    tensor = picture(A, 1) if action == "call" else measurement(A, 1)
    mates = tensor.clone()
    mates[1:] = 1e3 * torch.randn(mates[1:].shape, generator=rng(9), dtype=mates.dtype)
    torch.testing.assert_close(act(tensor)[0], act(mates)[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("action", ["call", "adjoint", "pinv"])
def test_differentiable_to_second_order(name: str, action: str) -> None:
    A = operator(name)
    act = {"call": A, "adjoint": A.adjoint, "pinv": A.pinv}[action]
    tensor = (picture(A, 1) if action == "call" else measurement(A, 1)).requires_grad_()
    probe = torch.randn(act(tensor).shape, generator=rng(5), dtype=torch.float64)
    (gradient,) = torch.autograd.grad((probe * act(tensor).square()).sum(), tensor, create_graph=True)
    step, epsilon = torch.randn(tensor.shape, generator=rng(6), dtype=torch.float64), 1e-5
    with torch.no_grad():
        slope = [(probe * act(tensor + s * epsilon * step).square()).sum() for s in (1, -1)]
    slope_seen = float(slope[0] - slope[1]) / (2 * epsilon)
    assert float((gradient.detach() * step).sum()) == pytest.approx(slope_seen, rel=1e-6, abs=1e-6)
    if name != "scaled by nought":
        (second,) = torch.autograd.grad((gradient * step).sum(), tensor)
        assert float((second * step).sum()) == pytest.approx(
            float((2 * probe * act(step).square()).sum()), rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_precision_is_kept(name: str, dtype: torch.dtype) -> None:
    A = operator(name)
    assert A(picture(A, 1, dtype=dtype)).dtype == dtype
    y = measurement(A, 1).to(dtype)
    assert A.adjoint(y).dtype == dtype
    assert A.pinv(y).dtype == dtype
    torch.testing.assert_close(
        A.pinv(y).double(), A.pinv(y.double()), rtol=0.02, atol=0.02 if dtype == torch.bfloat16 else 1e-4
    )


@settings(max_examples=60, deadline=None)
@given(shape=st.lists(st.integers(0, 4), min_size=0, max_size=5), action=st.sampled_from(["call", "adjoint", "pinv"]))
def test_a_wrong_shape_is_named_beside_the_right_one(shape: list[int], action: str) -> None:
    A = physics.Mask(torch.ones(1, 3, 4))
    act = {"call": A, "adjoint": A.adjoint, "pinv": A.pinv}[action]
    tensor = torch.zeros(shape)
    if shape[1:] == [1, 3, 4]:
        assert act(tensor).shape == tensor.shape
        return
    with pytest.raises(ValueError, match=r"takes \(batch, 1, 3, 4\), but got \(") as caught:
        act(tensor)
    assert str(tuple(shape)).replace(",)", ")") in str(caught.value)


def test_a_mask_per_sample_takes_batches_of_its_size_alone() -> None:
    with pytest.raises(ValueError, match=r"Mask takes \(4, 1, 6, 6\), but got \(3, 1, 6, 6\)"):
        physics.Mask(random_mask(4, 1, 6, 6))(torch.zeros(3, 1, 6, 6))
    with pytest.raises(ValueError, match="batches of 2 and 4 pictures do not combine"):
        physics.Mask(random_mask(4, 1, 6, 6)) @ physics.Mask(random_mask(2, 1, 6, 6))


def test_a_mask_is_a_projection_and_outlives_the_tensor_it_was_made_of() -> None:
    given_mask = random_mask(1, 6, 6)
    A, x = physics.Mask(given_mask), torch.randn(2, 1, 6, 6)
    before = A(x)
    given_mask.zero_()
    A.mask.zero_()
    assert torch.equal(A(x), before)
    assert torch.equal(A(A(x)), before)
    assert A.counts().item() == int(A.mask.sum())


def test_a_mask_refuses_what_is_no_mask() -> None:
    with pytest.raises(ValueError, match=r"0 and 1 only, but got values from 0 to 0.5"):
        physics.Mask(torch.tensor([[0.0, 0.5]]))
    with pytest.raises(ValueError, match=r"0 and 1 only, but got values from nan to nan"):
        physics.Mask(torch.tensor([[0.0, float("nan")]]))
    with pytest.raises(ValueError, match=r"height, width.*but got \(5\)"):
        physics.Mask(torch.ones(5))
    with pytest.raises(ValueError, match=r"channels=3 was asked for, but the mask \(2, 4, 4\) already has 2"):
        physics.Mask(torch.ones(2, 4, 4), channels=3)


def test_operators_that_do_not_fit_are_refused() -> None:
    small, large = physics.Identity((1, 4, 4)), physics.Identity((1, 8, 8))
    with pytest.raises(ValueError, match=r"outer takes \(1, 4, 4\), but inner gives \(1, 8, 8\)"):
        small @ large
    with pytest.raises(ValueError, match=r"take \(1, 4, 4\) and \(1, 8, 8\)"):
        physics.stack(small, large)
    with pytest.raises(ValueError, match="at least one operator"):
        physics.stack()
    with pytest.raises(ValueError, match=r"\(1, 8, 8\) and \(1, 8, 4\) differ"):
        physics.stack(large, Downsampled(8))
    with pytest.raises(TypeError, match=r"Apply A to a picture by A\(x\)"):
        small @ torch.zeros(1, 1, 4, 4)
    with pytest.raises(TypeError):
        "2" * small
    with pytest.raises(ValueError, match="finite"):
        float("nan") * small


def test_an_ill_conditioned_pseudo_inverse_says_so() -> None:
    A = Blur(32, share=0.4999)
    with pytest.warns(RuntimeWarning, match=r"not reached: after 3 steps .* A is ill-conditioned"):
        physics.solve_least_squares(A, torch.randn(2, 1, 32, 32, generator=rng()), iterations=3)


def test_power_iteration_on_a_hundred_close_singular_values() -> None:
    class Weights(Operator):
        def __init__(self) -> None:
            super().__init__(domain=(1, 1, 100), range=(1, 1, 100))

        def _forward(self, x: Tensor) -> Tensor:
            return x * torch.linspace(0.5, 1, 100, dtype=x.dtype)

        _adjoint = _forward

    assert 0.999 <= Weights().norm() <= 1 + 1e-12


def test_an_operator_carries_no_weights() -> None:
    assert not isinstance(operator("mask"), nn.Module)
