"""An operator of a function keeps every law, and refuses a function or an adjoint that breaks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import unseen as un
from tests.reconstruction.making import images, short
from unseen.physics import FunctionOperator, Measurement, Operator, Tomography
from unseen.testing import OPERATOR_LAWS, check_operator

UNSAVED = r"without its process: FunctionOperator holds a function, .* as a class, or .* load\(folder, process=…\)\.$"
KERNEL = torch.tensor([[[[0.1, 0.2], [0.3, 0.4]]]])


def pairs(x: Tensor) -> Tensor:
    return x[..., ::2] + 0.5 * x[..., 1::2]


def convolved(x: Tensor) -> Tensor:
    return functional.conv2d(x, KERNEL)  # in single precision alone


def spectrum(x: Tensor) -> Tensor:
    return torch.fft.fft2(x, norm="ortho")[..., ::2]


def sums(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return x.cumsum(-1)


def sums_back(y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return y[..., ::-1].cumsum(-1)[..., ::-1]


MADE: dict[str, Callable[[], FunctionOperator]] = {
    "autograd": lambda: FunctionOperator(pairs, (2, 3, 4)),
    "complex": lambda: FunctionOperator(spectrum, (1, 4, 4), complex_images=True),
    "real images, complex measurements": lambda: FunctionOperator(spectrum, (1, 4, 4)),
    "arrays": lambda: FunctionOperator(sums, (1, 3, 4), adjoint=sums_back, arrays=True),
}


@pytest.fixture
def without_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """`check_operator` without its law of compiled functions, which takes most of its time."""
    monkeypatch.delitem(OPERATOR_LAWS, "compiled")


@pytest.mark.usefixtures("without_compiler")
@pytest.mark.parametrize("name", MADE)
def test_it_keeps_every_other_law_of_an_operator(name: str) -> None:
    check_operator(MADE[name]())


# one way out of the graph for all functions; each takes more than a second to compile
@pytest.mark.parametrize(
    "name", [name if name == "autograd" else pytest.param(name, marks=pytest.mark.nightly) for name in MADE]
)
def test_it_runs_outside_of_compiled_graphs(name: str) -> None:
    OPERATOR_LAWS["compiled"](MADE[name]())


@pytest.mark.parametrize("part", [lambda A: A, lambda A: 2 * A, lambda A: un.physics.stack(A, A)])
@pytest.mark.usefixtures("without_compiler")
def test_the_check_takes_a_lambda_which_cannot_be_pickled(part: Callable[[Operator], Operator]) -> None:
    check_operator(part(FunctionOperator(lambda x: pairs(x), (1, 3, 4))))


class Unpicklable(Operator):
    """The identity, with a lambda of its own."""

    def __init__(self) -> None:
        super().__init__(domain=(1, 3, 4), range=(1, 3, 4))
        self._set(_function=lambda x: x)

    def _forward(self, x: Tensor) -> Tensor:
        return x

    def _adjoint(self, y: Tensor) -> Tensor:
        return y


def test_the_check_names_a_class_that_cannot_be_pickled() -> None:
    with pytest.raises(AssertionError, match="it cannot be pickled"):
        check_operator(Unpicklable())


def test_a_function_in_single_precision_alone_is_called_in_it() -> None:
    A = FunctionOperator(convolved, (1, 5, 4))
    x = torch.rand(3, 1, 5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    y = A(x)
    assert A.range == (1, 4, 3) and y.dtype == torch.float64
    assert torch.allclose(y, functional.conv2d(x, KERNEL.double()), atol=1e-6)
    assert torch.allclose(A.adjoint(y), functional.conv_transpose2d(y, KERNEL.double()), atol=1e-6)
    assert A.norm() == pytest.approx(float(torch.linalg.matrix_norm(dense(A), 2)), rel=1e-3)


def without_first(x: Any) -> Any:  # Any: a tensor or an array
    x[..., 0] = 0
    return x


@pytest.mark.usefixtures("without_compiler")
@pytest.mark.parametrize(
    "settings", [{}, {"adjoint": without_first}, {"adjoint": without_first, "arrays": True}], ids=str
)
def test_functions_that_work_in_place_leave_images_and_measurements_as_they_are(settings: dict[str, Any]) -> None:
    A = FunctionOperator(without_first, (1, 2, 3), **settings)
    x = torch.ones(2, 1, 2, 3)
    expected = torch.tensor([0.0, 1.0, 1.0]).expand(2, 1, 2, 3)
    assert torch.equal(A(x), expected) and torch.equal(A.adjoint(x), expected)
    assert torch.equal(x, torch.ones(2, 1, 2, 3))
    x.requires_grad_()
    A(x).sum().backward()
    assert x.grad is not None and torch.equal(x.grad, expected)
    check_operator(A)


def dense(A: FunctionOperator) -> Tensor:
    n = int(np.prod(A.domain))
    return A(torch.eye(n).reshape(n, *A.domain)).flatten(1).T


@pytest.mark.parametrize(
    ("forward", "settings", "message"),
    [
        (lambda x: x + 1, {}, r"not linear: of the image 0 it gives values up to 1. Subtract"),
        (lambda x: x * x.abs(), {}, r"forward\(u − 2 v\) ≠ .* is a Link"),
        (lambda x: x.sum(), {}, r"of \(2, 1, 4, 4\) it gave \(\)"),
        (lambda x: x[0], {}, r"it gave \(1, 4, 4\)"),
        (lambda x: x.numpy(), {}, r"one gave a ndarray\. For NumPy arrays give arrays=True"),
        (lambda x: x / 0, {}, "NaN or infinity"),
        (pairs, {"adjoint": lambda y: y.repeat_interleave(2, -1)}, r"⟨A x, y⟩ = .* Leave adjoint out"),
        (pairs, {"adjoint": lambda y: y}, r"but gave \(2, 1, 4, 2\)"),
        (lambda x: pairs(x.detach()), {}, "autograd cannot find the adjoint .* Give adjoint=…"),
        (lambda x: x - x.mean(0, keepdim=True), {}, "images of a batch do not mix"),
        (sums, {"arrays": True}, "autograd does not follow NumPy"),
    ],
)
def test_what_breaks_the_laws_is_refused(forward: Callable[[Any], Any], settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FunctionOperator(forward, (1, 4, 4), **settings)


def test_it_learns_like_the_operator_that_it_calls(tmp_path) -> None:  # type: ignore[no-untyped-def]
    projector = Tomography(16, angles=8)
    A = FunctionOperator(lambda x: projector(x), (1, 16, 16))
    y = projector(images(4))
    found = []
    for operator in (A, projector):
        torch.manual_seed(0)
        network = un.reconstruction.ArtifactRemoval.for_process(operator, features=4, depth=1, start="adjoint")
        found.append(un.reconstruction.learn(y, operator, losses="mc", network=network, training=short(1)))
    assert torch.allclose(found[0](y), found[1](y), atol=1e-4)
    with pytest.warns(UserWarning, match=UNSAVED):
        found[0].save(tmp_path / "f")
    assert torch.equal(un.reconstruction.load(tmp_path / "f", process=Measurement(A))(y), found[0](y))
    found[0].process = Measurement(2 * A)
    with pytest.warns(UserWarning, match=UNSAVED):
        found[0].save(tmp_path / "scaled")


class Mismatched(Operator):
    """The left half of 4 × 4 pixels; its adjoint puts it on the right."""

    def __init__(self) -> None:
        super().__init__(domain=(1, 4, 4), range=(1, 4, 2))

    def _forward(self, x: Tensor) -> Tensor:
        return x[..., :2]

    def _adjoint(self, y: Tensor) -> Tensor:
        return functional.pad(y, (2, 0))


def test_the_check_names_a_wrong_adjoint_and_not_what_follows_from_it() -> None:
    with pytest.raises(AssertionError, match=r"⟨A x, y⟩ ≠ ⟨x, A\* y⟩"):
        check_operator(Mismatched())
