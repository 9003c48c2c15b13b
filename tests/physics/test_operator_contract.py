"""The law of `unseen.physics.operator`, checked for every registered operator, its variants, and for what `@`, `*`,
`stack` and `restrict` make of them.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator, lsqr
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from tests.seeded import rng
from unseen import physics
from unseen.physics import compilation
from unseen.physics.dense import Dense
from unseen.physics.operator import Operator
from unseen.testing import OPERATOR_LAWS


class Smear(Operator):
    """A small circulant blur that leaves pinv and norm to the base class."""

    def __init__(self, size: int, *, share: float = 0.3) -> None:
        super().__init__(domain=(1, size, size), range=(1, size, size))
        self._set(share=share)

    def _forward(self, x: Tensor) -> Tensor:
        return (1 - self.share) * x + self.share * x.roll(1, dims=-1)

    def _adjoint(self, y: Tensor) -> Tensor:
        return (1 - self.share) * y + self.share * y.roll(-1, dims=-1)


class HalfTheColumns(Operator):
    """An operator whose range is not its domain."""

    def __init__(self, size: int) -> None:
        super().__init__(domain=(1, size, size), range=(1, size, size // 2))

    def _forward(self, x: Tensor) -> Tensor:
        return x[..., ::2] + x[..., 1::2]

    def _adjoint(self, y: Tensor) -> Tensor:
        return y.repeat_interleave(2, dim=-1)


def random_mask(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=rng(seed)) > 0.4


def kernel(rows: int, columns: int) -> Tensor:
    """Not symmetric, not separable, and no singular value of its blur near zero."""
    weights = torch.rand(rows, columns, generator=rng(3), dtype=torch.float64)
    weights[rows // 2, columns // 2] += 6
    return weights / weights.sum()


def coils(count: int, *shape: int) -> Tensor:
    return torch.randn(*shape[:-2], count, *shape[-2:], generator=rng(4), dtype=torch.complex128)


def matrix(m: int, n: int, *, seed: int = 0) -> Tensor:
    return torch.randn(m, n, generator=rng(seed + 8), dtype=torch.float64)


def points(*shape: int) -> Tensor:
    """Points of k-space."""
    return torch.rand(*shape, 2, generator=rng(6), dtype=torch.float64) - 0.5


def lines(height: int, width: int) -> Tensor:
    return (torch.arange(width) % 3 != 1).expand(height, width)


MADE: dict[str, Callable[[], Operator]] = {
    "blur": lambda: physics.Blur((6, 7), kernel(4, 3), channels=2),
    "compressed-sensing": lambda: physics.CompressedSensing((5, 6), 12, channels=2),
    "cone-beam": lambda: physics.ConeBeam((2, 3, 4), 9, source_distance=6.0, detectors=(4, 5), spacing=1.1, offset=0.1),
    "dense": lambda: physics.Dense(matrix(7, 12), size=(3, 4), channels=2),
    "downsampling": lambda: physics.Downsampling((6, 8), 2, channels=2),
    "fourier-mask": lambda: physics.FourierMask(random_mask(6, 7)),
    "frames": lambda: physics.Frames(physics.FourierMask(random_mask(3, 1, 5, 6))),
    "identity": lambda: physics.Identity((2, 6, 6)),
    "mask": lambda: physics.Mask(random_mask(1, 6, 6)),
    "non-cartesian-fourier": lambda: physics.NonCartesianFourier((4, 5), points(60), rtol=0),
    "single-pixel-camera": lambda: physics.SinglePixelCamera((4, 8), 12, channels=2),
    "tomography": lambda: physics.Tomography(6, 4),
}
VARIANTS: dict[str, Callable[[], Operator]] = {
    "blur, valid": lambda: physics.Blur((6, 7), kernel(3, 2), boundary="valid", channels=2, rtol=0),
    "blur, valid and separable": lambda: physics.Blur(
        (7, 6), torch.outer(torch.tensor([0.1, 0.7, 0.2]), torch.tensor([0.75, 0.25])), boundary="valid", channels=2
    ),
    "compressed sensing of a signal": lambda: physics.CompressedSensing((1, 20), 20),
    "a matrix of less than full rank": lambda: Dense(
        torch.ones(3, 1, dtype=torch.float64) * torch.arange(6.0) + torch.eye(3, 6)[[0, 0, 1]], size=(2, 3), channels=2
    ),
    "a tall matrix": lambda: physics.Dense(matrix(15, 8)),
    "a complex matrix": lambda: physics.Dense(matrix(5, 8) + 1j * matrix(5, 8, seed=1), size=(2, 4)),
    "a tall complex matrix": lambda: physics.Dense(matrix(9, 6) + 1j * matrix(9, 6, seed=1), size=(2, 3)),
    "a complex matrix of real images": lambda: physics.Dense(
        matrix(3, 8) + 1j * matrix(3, 8, seed=1), size=(2, 4), real=True
    ),
    "a real matrix of complex images": lambda: physics.Dense(matrix(5, 8), size=(2, 4), real=False),
    "downsampling, bicubic": lambda: physics.Downsampling(8, 2, filter="bicubic"),
    "downsampling, box": lambda: physics.Downsampling((6, 9), 3, filter="box"),
    "real MRI": lambda: physics.FourierMask(random_mask(6, 7), real=True),
    "real MRI, columns": lambda: physics.FourierMask(lines(6, 8), real=True),
    "MRI, columns": lambda: physics.FourierMask(lines(6, 7)),
    "MRI, rows": lambda: physics.FourierMask(lines(7, 6).T),
    "MRI, centred": lambda: physics.FourierMask(random_mask(6, 7), centred=True),
    "MRI, centred, coils, masks per sample": lambda: physics.FourierMask(
        random_mask(3, 1, 5, 6), coils=coils(3, 5, 6), centred=True, rtol=0
    ),
    "real MRI, centred, columns": lambda: physics.FourierMask(lines(5, 7), real=True, centred=True),
    "MRI, a mask per sample": lambda: physics.FourierMask(random_mask(3, 1, 6, 6)),
    "MRI, four coils": lambda: physics.FourierMask(random_mask(6, 5), coils=coils(4, 6, 5), rtol=0),
    "MRI, four coils, columns": lambda: physics.FourierMask(lines(5, 6), coils=coils(4, 5, 6), rtol=0),
    "MRI, one coil of two, columns": lambda: physics.FourierMask(lines(5, 6), coils=one_blind_coil(5, 6), rtol=0),
    "MRI, three coils, rows": lambda: physics.FourierMask(lines(6, 5).T, coils=coils(3, 5, 6), rtol=0),
    "MRI, coils per sample": lambda: physics.FourierMask(random_mask(5, 5), coils=coils(3, 3, 5, 5), rtol=0),
    "MRI, masks and coils per sample": lambda: physics.FourierMask(
        random_mask(3, 1, 5, 5), coils=coils(3, 3, 5, 5), rtol=0
    ),
    "real MRI, three coils": lambda: physics.FourierMask(random_mask(5, 6), coils=coils(3, 5, 6), real=True, rtol=0),
    "real MRI, three coils, columns": lambda: physics.FourierMask(lines(5, 6), coils=coils(3, 5, 6), real=True, rtol=0),
    "cone beam, weights computed in each call": lambda: physics.ConeBeam(
        (3, 4, 2), 7, source_distance=5.0, detector_distance=2.0, pixel_size=(0.7, 1.0, 1.2), memory_limit=0
    ),
    "frames by one operator": lambda: physics.Frames(physics.Downsampling((4, 6), 2, channels=2), 3),
    "frames of vectors": lambda: physics.Frames(physics.CompressedSensing((2, 3), 4), 2),
    "frames, masks per sample": lambda: physics.Frames(physics.Mask(random_mask(6, 1, 4, 4)), 3),
    "non-Cartesian MRI, fewer points than pixels": lambda: physics.NonCartesianFourier((4, 5), points(8), rtol=0),
    "non-Cartesian MRI, coils, trajectories per sample": lambda: physics.NonCartesianFourier(
        (4, 3), points(2, 16), coils=coils(2, 4, 3), rtol=0
    ),
    "non-Cartesian MRI, coils per sample": lambda: physics.NonCartesianFourier(
        (3, 4), points(30), coils=coils(2, 3, 3, 4), rtol=0
    ),
    "real non-Cartesian MRI": lambda: physics.NonCartesianFourier((4, 5), points(40), real=True, rtol=0),
    "real non-Cartesian MRI, coils": lambda: physics.NonCartesianFourier(
        (3, 4), points(20), coils=coils(2, 3, 4), real=True, rtol=0
    ),
    "frames of radial MRI": lambda: physics.Frames(physics.NonCartesianFourier(3, points(2, 20), rtol=0)),
    "single pixel, scrambled": lambda: physics.SinglePixelCamera(4, 7, patterns="scrambled"),
    "single pixel, split": lambda: physics.SinglePixelCamera((4, 8), 12, channels=2, split=True),
    "single pixel, scrambled and split": lambda: physics.SinglePixelCamera(8, 20, patterns="scrambled", split=True),
    "single pixel, bernoulli and split": lambda: physics.SinglePixelCamera(5, 9, patterns="bernoulli", split=True),
    "single pixel, bernoulli": lambda: physics.SinglePixelCamera((5, 6), 12, patterns="bernoulli"),
    "tomography of the disc": lambda: physics.Tomography(8, torch.tensor([0.0, 33.0, 70.0, 90.0]), circle=True),
    "tomography, fan beam": lambda: physics.Tomography(
        (6, 5), 14, source_distance=9.0, detector_distance=2.0, detectors=11, offset=0.2, channels=2
    ),
    "tomography, parallel beam of a scanner": lambda: physics.Tomography(
        (5, 6), 11, pixel_size=(0.8, 1.0), detectors=9, spacing=0.9, offset=-0.1, memory_limit=0
    ),
    "mask of several channels": lambda: physics.Mask(random_mask(6, 6), channels=3),
    "mask per sample": lambda: physics.Mask(random_mask(4, 1, 6, 6)),
}
COMBINED: dict[str, Callable[[], Operator]] = {
    "blur by the base class": lambda: Smear(6),
    "composed": lambda: physics.Mask(random_mask(1, 6, 6)) @ Smear(6),
    "composed, per sample": lambda: physics.Mask(random_mask(4, 1, 6, 6)) @ Smear(6),
    "composed, half the columns": lambda: HalfTheColumns(6) @ Smear(6),
    "composed, to a vector": lambda: physics.CompressedSensing(6, 20) @ Smear(6),
    "composed, complex": lambda: physics.FourierMask(random_mask(6, 6)) @ physics.Mask(random_mask(6, 6, seed=1)),
    "composed, masked afterwards": lambda: physics.Mask(random_mask(6, 6)) @ physics.FourierMask(random_mask(6, 6)),
    "composed, real to complex": lambda: physics.FourierMask(random_mask(6, 6), real=True) @ Smear(6),
    "scaled": lambda: -2.5 * physics.Mask(random_mask(1, 6, 6)),
    "scaled, complex": lambda: 3 * physics.FourierMask(random_mask(6, 6), real=True),
    "scaled by zero": lambda: 0 * Smear(6),
    "sum": lambda: Smear(6) + physics.Mask(random_mask(1, 6, 6)) - 0.5 * physics.Identity((1, 6, 6)),
    "sum, per sample": lambda: physics.Mask(random_mask(4, 1, 6, 6)) + Smear(6),
    "sum, real and complex": lambda: physics.FourierMask(random_mask(6, 6), real=True) + Smear(6),
    "negated": lambda: -Smear(6),
    "transposed": lambda: HalfTheColumns(6).T,
    "transposed, complex": lambda: physics.FourierMask(random_mask(6, 6)).T,
    "transposed, real images": lambda: physics.FourierMask(random_mask(5, 6), real=True).T,
    "transposed, per sample": lambda: physics.Mask(random_mask(4, 1, 6, 6)).T,
    "normal equations": lambda: HalfTheColumns(6).T @ HalfTheColumns(6),
    "stacked end to end": lambda: physics.stack(Smear(6), physics.CompressedSensing(6, 10), HalfTheColumns(6)),
    "stacked end to end, complex": lambda: physics.stack(
        physics.FourierMask(random_mask(6, 6), real=True), physics.CompressedSensing(6, 10)
    ),
    "stacked": lambda: physics.stack(Smear(6), 3 * physics.Mask(random_mask(1, 6, 6)), physics.Identity((1, 6, 6))),
    "stacked, complex": lambda: physics.stack(
        physics.FourierMask(random_mask(6, 6)), physics.FourierMask(random_mask(6, 6, seed=1))
    ),
    "stacked, real beside complex": lambda: physics.stack(
        Smear(6), physics.FourierMask(random_mask(6, 6, seed=1), real=True)
    ),
    "restricted": lambda: Smear(6).restrict(random_mask(1, 6, 6)),
    "restricted, complex": lambda: physics.FourierMask(random_mask(6, 6)).restrict(random_mask(1, 6, 6, seed=1)),
    "restricted, per sample": lambda: physics.FourierMask(random_mask(6, 6), real=True).restrict(
        random_mask(3, 1, 6, 6)
    ),
}
EVERY = MADE | VARIANTS | COMBINED


def one_blind_coil(*shape: int) -> Tensor:
    """Return two coils, one of which sees nothing, and both nothing in a corner: A has a null space in every row."""
    maps = coils(2, *shape)
    maps[1] = 0
    maps[:, :2, :2] = 0
    return maps


def operator(name: str) -> Operator:
    return EVERY[name]()


def picture(A: Operator, seed: int, *, dtype: torch.dtype = torch.float64, batch: int = 3) -> Tensor:
    return numbers((A.batch or batch, *A.domain), seed, complex_too=A.complex_domain).to(
        dtype.to_complex() if A.complex_domain else dtype
    )


def measurement(A: Operator, seed: int, *, dtype: torch.dtype = torch.float64, batch: int = 3) -> Tensor:
    return numbers((A.batch or batch, *A.range), seed, complex_too=A.complex_range).to(
        dtype.to_complex() if A.complex_range else dtype
    )


def numbers(shape: tuple[int, ...], seed: int, *, complex_too: bool) -> Tensor:
    return torch.randn(shape, generator=rng(seed), dtype=torch.complex128 if complex_too else torch.float64)


def actions(A: Operator) -> dict[str, tuple[Callable[[Tensor], Tensor], Tensor]]:
    """Return the maps of A by name (A, adjoint, pseudo-inverse), each with a batch of inputs."""
    return {"call": (A, picture(A, 1)), "adjoint": (A.adjoint, measurement(A, 1)), "pinv": (A.pinv, measurement(A, 1))}


# Every registered operator, and one of each kind that is a variant or is made of others; the others: `make nightly`.
KINDS = {
    *MADE,
    "blur, valid",
    "a complex matrix",
    "MRI, four coils, columns",
    "MRI, masks and coils per sample",
    "tomography, fan beam",
    "mask per sample",
    "blur by the base class",
    "composed",
    "composed, real to complex",
    "scaled",
    "sum, per sample",
    "transposed",
    "transposed, complex",
    "stacked",
    "stacked end to end, complex",
    "restricted",
}
NAMES = [name if name in KINDS else pytest.param(name, marks=pytest.mark.nightly) for name in EVERY]
every_action = pytest.mark.parametrize("action", ["call", "adjoint", "pinv"])
every_operator = pytest.mark.parametrize("name", NAMES)


def test_every_registered_operator_is_under_test() -> None:
    assert set(physics.OPERATORS) == set(MADE)
    for key, place in physics.OPERATORS.items():
        file, _, name = place.partition(":")
        assert isinstance(operator(key), getattr(importlib.import_module(file), name))
        assert name in dir(physics)


@every_operator
def test_every_law_holds(name: str) -> None:
    """A broken one is named by its sentence."""
    for law, holds in OPERATOR_LAWS.items():
        if law != "compiled":
            holds(operator(name))


class WrongNorm(Smear):
    """A `Smear` whose norm, 1, is stated as one percent more."""

    def norm(self) -> float:
        return 1.01


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_a_norm_that_is_wrong_by_one_percent_breaks_its_law_at_every_scale(factor: float) -> None:
    OPERATOR_LAWS["norm"](factor * Smear(6))
    with pytest.raises(AssertionError, match="the largest singular value"):
        OPERATOR_LAWS["norm"](factor * WrongNorm(6))


# torch's compiler takes four seconds to import, and a second per operator: `make nightly` compiles with every one.
@pytest.mark.parametrize(
    "name",
    [name if name == "tomography" else pytest.param(name, marks=pytest.mark.nightly) for name in EVERY],
)
def test_it_runs_outside_of_compiled_graphs(name: str) -> None:
    OPERATOR_LAWS["compiled"](operator(name))


@pytest.mark.nightly
def test_a_whole_graph_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    A, x = physics.Tomography(8, 5), torch.ones(1, 1, 8, 8)
    monkeypatch.setattr(compilation, "_outside", [])
    for _ in range(2):
        torch.compiler.reset()
        with pytest.raises(torch._dynamo.exc.Unsupported, match="Operators run outside of compiled graphs"):
            torch.compile(lambda x: 2 * A(x), backend="eager", fullgraph=True)(x)
        torch.compile(lambda x: 2 * A(x), backend="eager")(x)


def test_a_fake_tensor_leaves_no_trace_in_an_operator() -> None:
    A, x = physics.Blur(8, kernel(3, 3)), torch.ones(1, 1, 8, 8)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        assert A(mode.from_tensor(x)).shape == (1, 1, 8, 8)
    assert type(A(x)) is Tensor


def test_complex_numbers_of_half_precision_are_computed_in_single_precision() -> None:
    A = physics.Dense(matrix(5, 8) + 1j * matrix(5, 8, seed=1), size=(2, 4))
    for name, (act, tensor) in actions(A).items():
        found = act(tensor.to(torch.complex32))
        assert found.dtype == torch.complex64, name
        assert float((found - act(tensor)).abs().max()) < 2e-3 * float(act(tensor).abs().max()), name


def test_the_normal_equations_of_real_images_keep_half_precision() -> None:
    A = physics.FourierMask(random_mask(6, 6), real=True)
    assert (A.T @ A)(torch.ones(1, 1, 6, 6, dtype=torch.float16)).dtype == torch.float16


@pytest.mark.parametrize(
    ("name", "kind", "pairs"),
    [("tomography", "f", 1), ("fourier-mask", "c", 1), ("real MRI", "f", 2), ("mask per sample", "f", 1)],
)
def test_a_solver_of_scipy_finds_the_pseudo_inverse(name: str, kind: str, pairs: int) -> None:
    A = operator(name)
    y = A(picture(A, 3, batch=1))
    flat = aslinearoperator(A)
    assert flat.dtype.kind == kind
    assert flat.shape == (pairs * y.numel(), (A.batch or 1) * math.prod(A.domain))
    values = torch.view_as_real(y) if y.is_complex() and kind == "f" else y
    found = lsqr(flat, values.reshape(-1).numpy(), atol=1e-13, btol=1e-13)[0]
    assert np.allclose(found, A.pinv(y).reshape(-1).numpy(), atol=1e-6)


def test_a_map_that_is_linear_over_the_reals_alone_takes_pairs() -> None:
    real = physics.FourierMask(random_mask(4, 4), real=True)
    both = real @ real.T  # complex to complex, but not linear over the complex numbers
    assert both.shape == (32, 32)
    assert both.dtype == np.float64


def test_vectors_of_another_length_and_unknown_devices_are_refused() -> None:
    A = physics.Downsampling(8, 2)
    with pytest.raises(ValueError, match=r"Downsampling takes vectors of 64 entries here, but got shape \(16\)"):
        A.matvec(np.ones(16))
    with pytest.raises(RuntimeError, match="gpu"):
        A.to("gpu")


@every_operator
def test_no_attribute_can_be_assigned_or_deleted(name: str) -> None:
    A = operator(name)
    assert (A.select(torch.tensor([0])) is A) == (A.batch is None)
    for attribute in ("domain", "range", "batch", "novelty"):
        with pytest.raises(AttributeError, match=f"never changes, but {attribute} was assigned"):
            setattr(A, attribute, None)
        with pytest.raises(AttributeError, match="never changes"):
            delattr(A, attribute)


def acting(name: str, action: str) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    A = operator(name)
    act, tensor = actions(A)[action]
    return act, (tensor[:2] if A.batch is None else tensor).requires_grad_()


@pytest.mark.nightly  # the law of gradients holds them against the matrix's
@pytest.mark.parametrize("name", EVERY)
@every_action
def test_differentiable(name: str, action: str) -> None:
    assert torch.autograd.gradcheck(*acting(name, action), fast_mode=True)


# Every registered operator, and one of each that is made of others; the variants, and the pseudo-inverses of the two
# that take most steps: `make nightly`.
TWICE = {*MADE, "composed", "scaled", "sum", "transposed", "stacked", "restricted", "stacked end to end"}


@pytest.mark.parametrize(
    ("name", "action"),
    [
        (name, action)
        if name in TWICE and (name, action) not in (("tomography", "pinv"), ("non-cartesian-fourier", "pinv"))
        else pytest.param(name, action, marks=pytest.mark.nightly)
        for name in EVERY
        for action in ("call", "adjoint", "pinv")
    ],
)
def test_differentiable_to_second_order(name: str, action: str) -> None:
    assert torch.autograd.gradgradcheck(*acting(name, action), fast_mode=True)


@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [
        # half precision is a law of its own
        pytest.param(
            name, dtype, tolerance, marks=[] if name in KINDS and dtype == torch.float32 else pytest.mark.nightly
        )
        for dtype, tolerance in ((torch.float32, 2e-4), (torch.bfloat16, 0.05))
        for name in EVERY
        # There are no complex numbers of half precision on a CPU.
        if dtype == torch.float32 or not any((operator(name).complex_range, operator(name).complex_domain))
    ],
)
def test_precision_is_kept(name: str, dtype: torch.dtype, tolerance: float) -> None:
    A = operator(name)
    x, y = picture(A, 1, dtype=dtype), measurement(A, 1, dtype=dtype)
    for act, tensor, like in ((A, x, y), (A.adjoint, y, x), (A.pinv, y, x)):
        result, exact = act(tensor), act(tensor.to(torch.promote_types(tensor.dtype, torch.float64)))
        assert result.dtype == like.dtype
        assert float((result - exact).abs().max()) <= tolerance * float(exact.abs().max())


@every_operator
def test_whole_precision_under_autocast(name: str) -> None:
    for action, (act, tensor) in actions(operator(name)).items():
        tensor = tensor.to(torch.complex64 if tensor.is_complex() else torch.float32)
        expected = act(tensor)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(act(tensor), expected), action


@every_operator
def test_learning_goes_on_after_inference(name: str) -> None:
    A = operator(name)
    x, y = picture(A, 1), measurement(A, 2)
    with torch.inference_mode():
        A(x)
        A.adjoint(y)
        A.pinv(y)
    y.requires_grad_()
    (A.pinv(y).abs().sum() + A.adjoint(y).abs().sum() + A(x.requires_grad_()).abs().sum()).backward()
    assert y.grad is not None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_same_on_the_gpu() -> None:
    for name in EVERY:
        for act, tensor in actions(operator(name)).values():
            image = act(tensor.cuda())
            assert image.is_cuda
            torch.testing.assert_close(image.cpu(), act(tensor), rtol=0, atol=1e-8)


@every_operator
def test_bad_input_is_named(name: str) -> None:
    A = operator(name)
    for act, tensor in actions(A).values():
        with pytest.raises(ValueError, match=r"takes \(.*\), but got \("):
            act(tensor[..., 1:])
        with pytest.raises(ValueError, match=r"floating-point numbers, but got torch.int64"):
            act(torch.zeros(tensor.shape, dtype=torch.int64))
        if not tensor.is_complex() and not A.real_or_complex:
            with pytest.raises(ValueError, match=r"real numbers, but got torch.complex"):
                act(tensor + 1j)


@pytest.mark.parametrize("name", [name for name, made in EVERY.items() if made().real_or_complex])
def test_a_mask_takes_complex_measurements(name: str) -> None:
    A = operator(name)
    u = numbers((A.batch or 2, *A.domain), 1, complex_too=True)
    torch.testing.assert_close(torch.view_as_real(A(u)), torch.stack([A(u.real), A(u.imag)], dim=-1))
    torch.testing.assert_close(A.adjoint(u), A(u))


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
    with pytest.raises(ValueError, match="batches of 2 and 4 images do not combine"):
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
    with pytest.raises(ValueError, match="take complex numbers, or real ones"):
        physics.stack(large, physics.FourierMask(torch.ones(8, 8)), Smear(8))
    with pytest.raises(ValueError, match=r"both take and give the same shapes, but go \(1, 4, 4\)"):
        small + large
    with pytest.raises(TypeError, match="adds two operators, but B is a int"):
        small + 1
    with pytest.raises(TypeError, match=r"scaled by a number, but got a Tensor\. A\(x\) applies A"):
        small * torch.ones(1)
    with pytest.raises(TypeError, match="divided by a number other than 0"):
        small / 0
    with pytest.raises(TypeError, match=r"Apply A to an image by A\(x\)"):
        small @ torch.zeros(1, 1, 4, 4)
    with pytest.raises(TypeError):
        "2" * small
    with pytest.raises(ValueError, match="finite"):
        float("nan") * small


def test_an_ill_conditioned_pseudo_inverse_says_so() -> None:
    A = Smear(32, share=0.4999)
    with pytest.warns(RuntimeWarning, match=r"not reached: after 3 steps .* A is ill-conditioned"):
        physics.solve_least_squares(A, torch.randn(2, 1, 32, 32, generator=rng()), iterations=3)


def test_the_norm_of_a_hundred_close_singular_values() -> None:
    class Weights(Operator):
        def __init__(self) -> None:
            super().__init__(domain=(1, 1, 100), range=(1, 1, 100))

        def _forward(self, x: Tensor) -> Tensor:
            return x * torch.linspace(0.5, 1, 100, dtype=x.dtype)

        _adjoint = _forward

    assert 0.999 <= Weights().norm() <= 1 + 1e-12


def test_an_operator_carries_no_weights() -> None:
    assert not isinstance(operator("mask"), nn.Module)
