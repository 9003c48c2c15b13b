"""Frequent mistakes of users: each gets an error with its cause and its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import unseen as un
from unseen.physics import (
    Blur,
    Flips,
    FourierMask,
    Gaussian,
    Group,
    Identity,
    Mask,
    Measurement,
    Operator,
    Permutations,
    Rotations,
    Scalings,
    Shifts,
    Tomography,
    stack,
)


class Half(Operator):
    """The left half of 4 × 4 pixels."""

    def __init__(self) -> None:
        super().__init__(domain=(1, 4, 4), range=(1, 4, 2))

    def _forward(self, x: Tensor) -> Tensor:
        return x[..., :2]

    def _adjoint(self, y: Tensor) -> Tensor:
        return torch.nn.functional.pad(y, (0, 2))


class WholeAsHalf(Half):
    def _forward(self, x: Tensor) -> Tensor:
        return x


class HalfAsWhole(Half):
    def _adjoint(self, y: Tensor) -> Tensor:
        return y


GREY, COLOUR = Tomography(8, 3), Tomography(8, 3, channels=3)
COMPLEX = FourierMask(torch.ones(8, 8))
EACH = Mask(torch.ones(3, 1, 8, 8))


@pytest.mark.parametrize(
    ("A", "shape", "remedy"),
    [
        (GREY, (1, 8, 8), "x[None]"),
        (GREY, (8, 8), "x[None, None]"),
        (GREY, (5, 8, 8), "x[:, None]"),
        (COLOUR, (5, 8, 8, 3), "x.movedim(-1, 1)"),
        (COMPLEX, (5, 2, 8, 8), "torch.complex(x[:, :1], x[:, 1:])"),
    ],
)
def test_the_remedy_of_a_wrong_shape_gives_the_right_one(A: Operator, shape: tuple[int, ...], remedy: str) -> None:
    x = torch.zeros(shape)
    with pytest.raises(ValueError, match=r"but got \(.*\)\. .*: give ") as raised:
        A(x)
    assert str(raised.value).endswith(f": give {remedy}.")
    assert A(eval(remedy, {"x": x, "torch": torch})).shape[1:] == A.range  # an expression of this test


def test_a_shape_without_a_likely_remedy_has_none() -> None:
    with pytest.raises(ValueError, match=r"but got \(2, 1, 4, 4\)\.$"):
        GREY(torch.zeros(2, 1, 4, 4))


def test_operators_of_other_samples_are_chosen_by_select() -> None:
    with pytest.raises(ValueError, match=r"3 operators, one for each sample: .* A\.select\(indices\)"):
        EACH.pinv(torch.zeros(2, 1, 8, 8))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
@pytest.mark.parametrize("gradient", [False, True])
def test_a_method_that_gives_another_shape_than_stated_is_named(dtype: torch.dtype, gradient: bool) -> None:
    x, y = torch.zeros(2, 1, 4, 4, dtype=dtype), torch.zeros(2, 1, 4, 2, dtype=dtype)
    with pytest.raises(ValueError, match=r"WholeAsHalf._forward gave \(2, 1, 4, 4\), .* \(batch, 1, 4, 2\)"):
        WholeAsHalf()(x.requires_grad_(gradient))
    with pytest.raises(ValueError, match=r"HalfAsWhole._adjoint gave \(2, 1, 4, 2\), .* \(batch, 1, 4, 4\)"):
        HalfAsWhole().adjoint(y.requires_grad_(gradient))


@pytest.mark.parametrize(
    ("made", "kind", "message"),
    [
        (lambda: Identity(32), TypeError, r"domain is the shape of a sample, such as \(1, 64, 64\), but got 32"),
        (lambda: stack([Half(), Half()]), TypeError, r"stack\(A, B\), but got a list"),
        (lambda: FourierMask(torch.ones(8, 8), coils=4), TypeError, r"simulated_coils\(size, coils=4\)"),
        (lambda: Mask([[1, 0]]), TypeError, r"got a list. Convert it by numpy.array"),
        (lambda: Blur(8, torch.zeros(0, 3)), ValueError, r"matrix .* of shape \(0, 3\)"),
        (
            lambda: Measurement(Identity((1, 2, 2)), noise=Gaussian(0.1))(torch.zeros(1, 1, 2, 2), generator=0),
            TypeError,
            r"torch.Generator, but got 0. Give torch.Generator\(\).manual_seed\(0\)",
        ),
    ],
)
def test_a_wrong_argument_is_answered_with_the_right_one(
    made: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        made()


@pytest.mark.parametrize("group", [Shifts(), Rotations(), Flips(), Scalings(), Permutations()])
def test_a_group_moves_tensors(group: Group) -> None:
    with pytest.raises(TypeError, match=r"moves tensors, but got ndarray: give torch.from_numpy\(x\)"):
        group.T(np.zeros((2, 1, 8, 8)), group.sample(2, generator=None))  # type: ignore[arg-type]  # the mistake


def test_a_kernel_may_be_an_array_or_whole_numbers() -> None:
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    expected = Blur(8, torch.ones(3, 3))(x)
    for kernel in (np.ones((3, 3)), np.ones((3, 3), np.uint8), torch.ones(3, 3, dtype=torch.int64)):
        assert torch.equal(Blur(8, kernel)(x), expected)


def test_filtered_backprojection_has_the_shape_of_its_images() -> None:
    for dtype in (torch.float32, torch.float64, torch.float16):
        assert GREY.fbp(torch.zeros(2, *GREY.range, dtype=dtype)).shape == (2, 1, 8, 8)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.nn.Flatten(), r"got a Flatten\. If it is linear: FunctionOperator\(function, domain\)"),
        (lambda x: x, r"got a function\. If it is linear: FunctionOperator\(function, domain\)"),
        (Half, r"got the class Half\. Make an operator: Half\(…\)"),
        (torch.eye(2), r"got a Tensor\. A matrix: Dense\(matrix, size=…\)"),
    ],
)
def test_what_is_no_operator_is_refused_with_the_way_to_make_one(given: object, message: str) -> None:
    y = torch.zeros(1, 1, 4, 4)
    with pytest.raises(TypeError, match=message):
        Measurement(given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=message):
        un.priors.TV(1.0).solve(y, given)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=message):
        un.reconstruction.learn(y, given, losses="mc")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("domain", "suggested"),
    [((8, 8), "the domain (1, 8, 8)"), ((8,), "the domain (1, 1, 8)"), ((1, 2, 8, 8), "three axes")],
)
def test_a_domain_without_channels_is_refused_where_images_are_needed(domain: tuple[int, ...], suggested: str) -> None:
    A = un.physics.FunctionOperator(lambda x: x[:, ::2], domain)
    y = A(torch.ones(2, *domain))
    message = f"images \\(channels, height, width\\), but .* {re.escape(suggested)}"
    for use in (
        lambda: un.reconstruction.learn(y, A, losses="mc"),
        lambda: un.reconstruction.learn(y, A, losses="mc", network=un.reconstruction.ArtifactRemoval()),
        lambda: un.priors.TV(1.0).solve(y, A),
        lambda: un.physics.identify(A, Flips()),
    ):
        with pytest.raises(ValueError, match=message):
            use()


CT, SINOGRAM = Tomography(8, 3), torch.ones(1, 1, 3, 12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gaussian("a"), "sigma is one number or one for each sample, but got 'a'"),
        (lambda: Gaussian(None), "sigma is one number or one for each sample, but got None"),
        (lambda: un.physics.Poisson("0.1"), "gain is a number, but got '0.1'"),
        (lambda: un.physics.PoissonGaussian(0.1, [1, 2]), "sigma is a number, but got [1, 2]"),
        (lambda: un.physics.BeerLambert(torch.ones(3)), "I0 is a number, but got tensor([1., 1., 1.])"),
        (lambda: un.losses.MeasurementConsistency(weight="a"), "weight is a number, but got 'a'"),
        (lambda: un.losses.Sure("a"), "tau is a number, but got 'a'"),
        (lambda: un.losses.Splitting("a"), "share is a number, but got 'a'"),
        (lambda: un.reconstruction.sirt(SINOGRAM, CT, iterations="a"), "a whole number of at least 1, but got 'a'"),
        (lambda: un.reconstruction.sirt(SINOGRAM, CT, iterations=1.5), "a whole number of at least 1, but got 1.5"),
        (lambda: un.reconstruction.sirt(SINOGRAM, CT, relaxation="a"), "relaxation is a number, but got 'a'"),
        (lambda: un.reconstruction.osem(SINOGRAM, CT, iterations="a"), "a whole number of at least 1, but got 'a'"),
        (lambda: un.reconstruction.osem(SINOGRAM, CT, subsets="a"), "subsets is 1 to 3 for this operator, but got 'a'"),
        (
            lambda: un.reconstruction.plug_and_play(SINOGRAM, CT, lambda v: v, iterations=True),
            "iterations is a whole number of at least 1, but got True",
        ),
        (
            lambda: un.reconstruction.matching_pursuit(SINOGRAM, CT, nonzeros=2.5),
            "nonzeros, the number of coefficients, is a whole number of at least 1, but got 2.5",
        ),
        (
            lambda: un.reconstruction.matching_pursuit(SINOGRAM, CT, nonzeros=2, basis="db4"),
            "basis is an orthogonal transform with an adjoint, such as WaveletTransform('db4'), or None",
        ),
        (lambda: un.priors.Lasso(0.1, basis=torch.eye(8)), 'such as WaveletTransform("db4"), or None for the pixels'),
    ],
)
def test_values_of_another_type_are_named(call: Callable[[], object], message: str) -> None:
    """They ended in an error of Python or of torch, in which the argument has no name."""
    with pytest.raises((TypeError, ValueError), match=re.escape(message)):
        call()


def test_numbers_of_numpy_and_torch_are_numbers() -> None:
    for one in (np.float32(0.5), np.float64(0.5), np.array([0.5]), torch.tensor(0.5), torch.tensor([0.5])):
        assert un.physics.Poisson(one).gain == un.losses.MeasurementConsistency(weight=one).weight == 0.5
        assert float(Gaussian(one).sigma) == 0.5
    for two in (2, np.int64(2), torch.tensor(2)):
        assert un.reconstruction.sirt(SINOGRAM, CT, iterations=two, subsets=two).shape == (1, 1, 8, 8)


def test_a_change_of_a_measurement_by_the_identity_does_not_change_the_image() -> None:
    """Before, y was x, and noise added in place was added to the images that it was compared with."""
    x, A = torch.rand(2, 1, 8, 8), un.physics.Identity((1, 8, 8))
    given = x.clone()
    for act in (A, A.adjoint, A.pinv, Measurement(A), un.physics.FunctionOperator(lambda u: u, (1, 8, 8)).adjoint):
        act(x).add_(1)
        assert torch.equal(x, given)
    image = torch.ones(1, 1, 4, 4)
    Half()(image).zero_()  # an operator of one's own, which gives a part of the image
    assert bool((image == 1).all())


HIDDEN = np.ma.masked_less(np.random.default_rng(0).random((2, 1, 16, 16), np.float32), 0.5)


@pytest.mark.parametrize(
    "use",
    [
        lambda: un.physics.Identity((1, 16, 16))(HIDDEN),
        lambda: Measurement(un.physics.Identity((1, 16, 16)))(HIDDEN),
        lambda: un.physics.Mask(HIDDEN[0]),
        lambda: Gaussian.estimate(HIDDEN),
        lambda: Gaussian(HIDDEN[0, 0, 0]),
        lambda: Tomography(8, angles=HIDDEN[0, 0, 0], unit="degrees"),
        lambda: un.physics.Poisson.estimate(HIDDEN),
        lambda: un.evaluation.psnr(HIDDEN, HIDDEN),
        lambda: un.priors.TV(0.1).solve(HIDDEN, un.physics.Identity((1, 16, 16))),
        lambda: un.priors.VAE(latent=2, features=4).fit(HIDDEN),
        lambda: un.reconstruction.pseudo_inverse(HIDDEN, un.physics.Identity((1, 16, 16))),
        lambda: un.data.films_from_arrays(np.ma.masked_less(np.random.default_rng(0).random((1, 64, 64)), 0.5)),
    ],
)
def test_arrays_with_masked_values_are_refused(use: Callable[[], object]) -> None:
    """Before, only learn refused them: elsewhere the values under the mask counted as measured."""
    with pytest.raises(ValueError, match=r"this one has masked values\. Give \.filled\(0\)"):
        use()


def test_arrays_without_masked_values_are_read_as_others() -> None:
    whole = np.ma.masked_less(HIDDEN.data, -1)
    assert un.physics.Identity((1, 16, 16))(whole).shape == (2, 1, 16, 16)


def test_reversed_arrays_of_another_byte_order_are_numbers() -> None:
    levels = np.array([0.3, 0.2, 0.1], ">f8")
    assert Gaussian(levels[::-1]).sigma.tolist() == [0.1, 0.2, 0.3]
    process = Measurement(un.physics.Identity((1, 8, 8)), Gaussian(levels))
    chosen = process.select(np.arange(3)[::-1]).noise
    assert isinstance(chosen, Gaussian) and chosen.sigma.tolist() == [0.1, 0.2, 0.3]
    A = Tomography(8, angles=np.array([90.0, 45.0, 0.0])[::-1])
    assert A.angles.tolist() == [0, 45, 90] and A.views(np.arange(3)[::-1]).angles.tolist() == [90, 45, 0]
    x = torch.rand(3, 1, 8, 8)
    expected = un.priors.TV(torch.tensor([0.1, 0.2, 0.3]))(x)
    assert torch.allclose(un.priors.TV(levels[::-1])(x), expected)


STARTED: list[Callable[[Tensor, Tensor], object]] = [
    lambda y, start: un.reconstruction.sirt(y, CT, start=start, iterations=1),
    lambda y, start: un.reconstruction.osem(y, CT, start=start, iterations=1),
    lambda y, start: un.reconstruction.plug_and_play(y, CT, lambda v: v, start=start, iterations=1),
    lambda y, start: un.priors.TV(0.1).solve(y, CT, start=start, iterations=1),
    lambda y, start: un.priors.TV.within_noise(y, CT, sigma=0.1, start=start, iterations=1),
    lambda y, start: un.priors.Tikhonov(0.1).solve(y, CT, start=start),
]


@pytest.mark.parametrize("use", STARTED)
@pytest.mark.parametrize(
    ("start", "message"),
    [
        (torch.full((1, 1, 8, 8), torch.nan), "start holds finite numbers, but 64 of 64 are NaN or infinite"),
        (torch.full((1, 1, 8, 8), torch.inf), "start holds finite numbers, but 64 of 64 are NaN or infinite"),
        (torch.ones(1, 1, 8, 8) + 1j, "start is real, as the images are, but got torch.complex64"),
        (torch.ones(1, 1, 4, 8), "start is (1, 1, 8, 8) for this y, but got (1, 1, 4, 8)"),
    ],
)
def test_a_start_that_is_no_image_is_refused(
    use: Callable[[Tensor, Tensor], object], start: Tensor, message: str
) -> None:
    """Before, SIRT and total variation gave images of NaN, and the imaginary part of a start was left out."""
    with pytest.raises(ValueError, match=re.escape(message)):
        use(SINOGRAM, start)


@pytest.mark.parametrize("shape", [(1, 4.7, 4), (1, -4, 4), (1, "4", 4)])
def test_a_shape_of_other_than_whole_numbers_is_refused(shape: tuple[int, ...]) -> None:
    """Before, 4.7 became 4, and images of -4 pixels were accepted until the first one came."""
    with pytest.raises(ValueError, match=r"domain is the shape of a sample, whole numbers such as \(1, 64, 64\)"):
        un.physics.Identity(shape)
