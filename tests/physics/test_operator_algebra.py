"""Expressions with operators: arrays, sums, transposes, matrices of their own, NaN, torch.func."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen.physics import (
    Blur,
    CompressedSensing,
    Dense,
    Downsampling,
    FourierMask,
    Gaussian,
    Identity,
    Mask,
    Measurement,
    Operator,
    Tomography,
    gaussian_kernel,
    stack,
)
from unseen.priors import TV, Tikhonov


def image(*shape: int) -> Tensor:
    return torch.rand(shape, generator=rng(1), dtype=torch.float64)


def test_the_signs_mean_what_they_say() -> None:
    A, B = Blur(8, gaussian_kernel(0.7)), Mask(torch.rand(1, 8, 8, generator=rng()) < 0.5)
    x = image(2, 1, 8, 8)
    for made, expected in (
        (A * 2, 2 * A(x)),
        (2 * A, 2 * A(x)),
        (np.float32(2) * A, 2 * A(x)),
        (A * np.float64(0.5), A(x) / 2),
        (A / 4, A(x) / 4),
        (-A, -A(x)),
        (A + B, A(x) + B(x)),
        (A - B, A(x) - B(x)),
        (A.T @ A, A.adjoint(A(x))),
        (A.T, A.adjoint(x)),
    ):
        torch.testing.assert_close(made(x), expected)
    assert A.T.T is A
    assert (B.T @ A).observed() is None and (A + B).observed() is None
    kept = (B + Mask(~B.mask)).observed()
    assert kept is not None and bool(kept.mask.all())


def test_any_two_operators_of_one_image_stack() -> None:
    A, B = Downsampling(8, 2), CompressedSensing(8, 5)
    x, both = image(3, 1, 8, 8), stack(A, B)
    y = both(x)
    assert both.range == (1, 21)
    torch.testing.assert_close(y, torch.cat([A(x).flatten(1), B(x).flatten(1)], dim=1)[:, None])
    half = Mask(torch.ones(1, 8, 8).triu())
    marked = stack(half, B).observed()
    assert marked is not None and marked.counts().tolist() == [36 + 5]


def test_a_matrix_is_copied_and_keeps_its_imaginary_part() -> None:
    given = np.random.default_rng(0).normal(size=(6, 16)) + 1j * np.random.default_rng(1).normal(size=(6, 16))
    A = Dense(given, size=(4, 4))
    x = torch.complex(image(1, 1, 4, 4), image(1, 1, 4, 4))
    expected = given @ x.numpy().ravel()
    given[:] = 0
    np.testing.assert_allclose(A(x).numpy().ravel(), expected)
    np.testing.assert_allclose(A.pinv(A(x)).numpy().ravel(), np.linalg.pinv(A.matrix.numpy()) @ expected, atol=1e-10)
    matrix = torch.eye(4)
    own = Dense(matrix)
    matrix[0] = 7
    assert torch.equal(own(torch.ones(1, 1, 1, 4)), torch.ones(1, 1, 4)) and own.domain == (1, 1, 4)


@pytest.mark.parametrize(
    ("matrix", "settings", "words"),
    [
        (torch.ones(3), {}, r"matrix is \(m, n\), of finite numbers, but got shape \(3\)"),
        (torch.full((2, 2), torch.nan), {}, "of finite numbers"),
        (torch.ones(2, 6), {"size": (2, 4)}, "takes 6 pixels, but size 2 × 4 has 8"),
        (np.array([["a"]]), {}, "are numbers, but got <U1"),
    ],
)
def test_a_matrix_that_is_none_is_refused(matrix: object, settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Dense(matrix, **settings)  # type: ignore[arg-type]


def test_arrays_come_back_as_arrays() -> None:
    A = Mask(np.arange(64).reshape(8, 8) % 3 > 0)
    x = np.random.default_rng(0).random((2, 1, 8, 8))
    for act in (A, A.adjoint, A.pinv, FourierMask(torch.ones(8, 8), real=True)):
        found = act(x)  # type: ignore[arg-type]
        assert isinstance(found, np.ndarray)
        np.testing.assert_allclose(found, act(torch.from_numpy(x)).numpy())
    assert A(np.ones((1, 1, 8, 8), np.uint8)).dtype == np.float32
    with pytest.raises(TypeError, match="A tensor or a NumPy array is expected, but got a list"):
        A([[1.0]])  # type: ignore[arg-type]
    process = Measurement(A, noise=Gaussian(0.1))
    assert isinstance(process(x), np.ndarray) and process(x).shape == x.shape  # type: ignore[arg-type]
    for prior in (TV(0.01), Tikhonov(0.1)):
        solved, again = prior.solve(A(x), A).x, prior.solve(A(torch.from_numpy(x)), A).x
        assert isinstance(solved, np.ndarray)
        np.testing.assert_allclose(solved, again.numpy())


def test_nan_is_refused_in_words_where_looking_costs_little() -> None:
    A = Tomography(8, 4)
    x, y = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, *A.range[1:])
    x[0, 0, 2, 2] = y[0, 0, 1, 1] = torch.nan
    with pytest.raises(ValueError, match=r"Tomography takes finite numbers, but 1 of 64 are NaN.*restrict"):
        A(x)
    with pytest.raises(ValueError, match="pseudo-inverse of Tomography takes finite numbers"):
        A.pinv(y)
    assert bool(torch.isnan(Mask(torch.ones(8, 8))(x)).any()), "a mask hands it on"


def test_nan_is_refused_before_an_operator_computes_with_it() -> None:
    class Rounded(Identity):
        looks_for_nan = True

        def _forward(self, x: Tensor) -> Tensor:
            assert not torch.isnan(x).any()
            return x

    x = torch.full((1, 1, 2, 2), torch.nan)
    with pytest.raises(ValueError, match="Rounded takes finite numbers, but 4 of 4 are NaN"):
        Rounded((1, 2, 2))(x)


def test_a_process_needs_no_generator_and_knows_a_noise_in_the_links_place() -> None:
    A = Identity((1, 4, 4))
    x = torch.ones(1, 1, 4, 4)
    torch.manual_seed(3)
    first = Measurement(A, noise=Gaussian(0.1))(x)
    torch.manual_seed(3)
    assert torch.equal(first, Measurement(A, Gaussian(0.1))(x))
    assert Measurement(A, Gaussian(0.1)) == Measurement(A, Gaussian(0.1)) or Measurement(A, Gaussian(0.1)).link is None
    with pytest.raises(TypeError, match=r"link=… is a Gaussian, a noise, and noise=… is given too"):
        Measurement(A, Gaussian(0.1), Gaussian(0.2))
    with pytest.raises(TypeError, match="A is an operator, but got a Tensor"):
        Measurement(torch.eye(4))  # type: ignore[arg-type]


MADE: dict[str, Operator] = {
    "tomography": Tomography(6, 4),
    "blur by conjugate gradients": Blur(
        (6, 7), torch.rand(4, 3, generator=rng()).double(), boundary="valid", rtol=1e-2
    ),
    "composed": Mask(torch.ones(6, 6).tril()) @ Blur(6, gaussian_kernel(0.5)),
    "dense": Dense(torch.randn(4, 9, generator=rng())),
}


@pytest.mark.parametrize("real", [True, False])
@pytest.mark.parametrize("coils", [None, 3])
@pytest.mark.parametrize("place", [(0, 0), (5, 3), (7, 7)])
def test_nan_at_any_pixel_is_found_by_mri(real: bool, coils: int | None, place: tuple[int, int]) -> None:
    maps = None if coils is None else torch.randn(coils, 8, 8, generator=rng(), dtype=torch.complex64)
    if maps is not None:
        maps[0] = 0
    A = FourierMask(torch.ones(8, 8).tril(), coils=maps, real=real, centred=real)
    x = torch.randn(3, *A.domain, generator=rng(), dtype=torch.float32 if real else torch.complex64)
    x[1, 0, 0, 1] = math.inf
    assert A(x).shape == (3, *A.range), "infinite numbers pass, though their transform is NaN"
    x[(1, 0, *place)] = math.nan
    with pytest.raises(ValueError, match="FourierMask takes finite numbers, but 1 of 192 are NaN"):
        A(x)
    assert torch.isnan(A(x.requires_grad_())).any(), "not looked for where a gradient follows"


BY_A_FUNCTION: dict[str, Operator] = {
    "tomography": MADE["tomography"],
    "blur by bands": Blur(128, gaussian_kernel(1.0)),
    "blurs of several images": Blur(6, gaussian_kernel(0.5)),
    "MRI by rows": FourierMask(torch.ones(4, 4).tril(), coils=torch.ones(2, 4, 4, dtype=torch.complex64)),
    "mask": Mask(torch.ones(6, 6).tril()),
}


@pytest.mark.parametrize("name", BY_A_FUNCTION)
@pytest.mark.parametrize("action", ["__call__", "adjoint"])
def test_forward_mode_follows_dual_numbers_that_require_no_gradient(name: str, action: str) -> None:
    A = BY_A_FUNCTION[name]
    act = getattr(A, action)
    complex_numbers = A.complex_domain if action == "__call__" else A.complex_range
    kind = torch.complex64 if complex_numbers else torch.float32
    x, tangent = torch.randn(2, 3, *(A.domain if action == "__call__" else A.range), generator=rng(), dtype=kind)
    forward = torch.autograd.forward_ad
    with forward.dual_level():
        dual = forward.make_dual(x, tangent)
        value, slope = forward.unpack_dual(act(dual))
    torch.testing.assert_close(value, act(x))
    torch.testing.assert_close(slope, act(tangent), rtol=1e-5, atol=1e-6)


def test_a_mask_that_has_seen_a_tensor_still_checks_the_next_one() -> None:
    A = Mask(torch.ones(6, 6).tril())
    x = image(2, 1, 6, 6)
    first = A(x)
    assert torch.equal(A(x), first) and torch.equal(A.adjoint(x), first) and torch.equal(A.pinv(x), first)
    assert len(pickle.dumps(A)) == len(pickle.dumps(Mask(torch.ones(6, 6).tril())))
    assert A(x.float()).dtype == torch.float32 and A(x.half()).dtype == torch.float16
    assert torch.equal(A(x.to(torch.complex64)), first.to(torch.complex64))
    assert A(x[:0]).shape == (0, 1, 6, 6) and A(x.to("meta")).is_meta
    for act, said in ((A, "takes"), (A.adjoint, "has an adjoint that takes"), (A.pinv, "has a pseudo-inverse")):
        act(x)
        with pytest.raises(ValueError, match=rf"Mask {said}.*\(2, 1, 6, 5\)"):
            act(x[..., :5])
    with pytest.raises(ValueError, match="floating-point numbers"):
        A(x.long())


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("action", ["__call__", "adjoint", "pinv"])
def test_the_first_use_may_be_within_jvp(name: str, action: str) -> None:
    import copy

    A = copy.deepcopy(MADE[name])
    x = image(2, *(A.domain if action == "__call__" else A.range))
    act = getattr(A, action)
    value, slope = torch.func.jvp(act, (x,), (x,))
    torch.testing.assert_close(value, act(x))
    torch.testing.assert_close(slope, act(x), rtol=1e-6, atol=1e-8)
    gradient = torch.func.grad(lambda x: act(x).square().sum())(x)
    assert gradient.shape == x.shape
