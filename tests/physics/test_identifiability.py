"""`identify` is right where the answer is known by construction, and its figures are those of whole matrices."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.seeded import rng
from unseen.artifacts.registry import UnknownName
from unseen.physics import (
    Flips,
    FourierMask,
    Gaussian,
    Group,
    Mask,
    Measurement,
    Operator,
    Permutations,
    Rotations,
    Scalings,
    Shifts,
    cartesian_sampling,
    identify,
)
from unseen.physics.identifiability.faithful_images import faithful
from unseen.physics.identifiability.linear_map import linear_map
from unseen.physics.identifiability.looks import Looks
from unseen.physics.identifiability.multiplicity import multiplicity
from unseen.physics.identifiability.spectrum import Spectrum

QUARTERS = Rotations(multiples_of=90)


def random_map(m: int, size: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Callable[[Tensor], Tensor]:
    """Return an anonymous A: m random rows, on images (1, size, size)."""
    rows = torch.randn(m, size * size, generator=rng(seed), dtype=dtype)
    return lambda x: x.flatten(1) @ rows.T


def equivariant_map(
    group: Group, m: int, size: int, seed: int = 0, dtype: torch.dtype = torch.float64
) -> Callable[[Tensor], Tensor]:
    """An anonymous A that hides the same whichever element moves x: a few random rows, of x moved by every element."""
    rows = random_map(m, size, seed, dtype)
    elements = group.elements((1, size, size))
    assert elements is not None
    return lambda x: torch.cat([rows(group.T(x, g.expand(len(x), -1))) for g in elements], dim=1)


# -- the toy of the theory: n = 3, m = 2


def test_the_toy_of_three_numbers_two_of_them_measured() -> None:
    def first_two(x: Tensor) -> Tensor:
        return x[..., :2]

    alone = identify(first_two, domain=(1, 1, 3))
    assert (alone.verdict, alone.pictures, alone.measured, alone.exact) == ("no", 3, 2, True)
    whole = identify(lambda x: x, Permutations(), domain=(1, 1, 3))
    assert (whole.defect, whole.least_eigenvalue, whole.condition) == (None, None, None), "not computed"
    assert "eigenvalues" not in str(whole) and "A T_g" not in str(whole)
    moved = identify(first_two, Permutations(), domain=(1, 1, 3))
    assert (moved.verdict, moved.looks, moved.whole, moved.multiplicity) == ("can", 6, True, 1.0)
    assert moved.least_eigenvalue == pytest.approx(2 / 3)  # each pixel is among the first two in 4 of 6 permutations
    assert moved.condition == pytest.approx(1.0)
    mean = identify(lambda x: x.sum(dim=-1), Permutations(), domain=(1, 1, 3))
    assert mean.verdict == "no", "the sum hides the same after every permutation"


def test_whatever_is_added_in_the_null_space_agrees_with_every_measurement() -> None:
    A = Mask(torch.tensor([[True, True, False]]))
    y = A(torch.randn(5, 1, 1, 3, generator=rng()))

    def f(y: Tensor) -> Tensor:
        added = torch.zeros_like(y)
        added[..., 2] = torch.sin(7 * y[..., 0]) + y[..., 1] ** 2
        return A.pinv(y) + added

    assert torch.equal(A(f(y)), y)
    assert identify(A).verdict == "no"


# -- anonymous random operators


@pytest.mark.parametrize(
    ("group", "order", "size"),
    [
        pytest.param(QUARTERS, 4, 12, id="quarters-whole matrices"),
        pytest.param(Flips(), 4, 12, id="flips-whole matrices"),
        pytest.param(Flips(vertical=False), 2, 12, id="flip-whole matrices"),
        pytest.param(QUARTERS, 4, 34, marks=pytest.mark.nightly, id="quarters-matrix-free"),
        pytest.param(Flips(), 4, 34, marks=pytest.mark.nightly, id="flips-matrix-free"),
        pytest.param(Flips(vertical=False), 2, 34, id="flip-matrix-free"),
    ],
)
def test_random_operators_equivariant_by_construction_cannot(group: Group, order: int, size: int) -> None:
    n = size**2
    found = identify(equivariant_map(group, round(0.6 * n / order), size), group, domain=(1, size, size))
    assert (found.verdict, found.never_seen) == ("no", pytest.approx(1.0))
    assert found.defect is not None and found.defect[1] <= max(1e-6, 3 * found.floor)
    assert "equivariant" in found.reason
    assert found.measured == pytest.approx(0.6 * n, rel=0.05)


@pytest.mark.parametrize(
    ("group", "order", "size"),
    [
        pytest.param(QUARTERS, 4, 12, id="quarters-whole matrices"),
        pytest.param(Flips(), 4, 12, id="flips-whole matrices"),
        pytest.param(QUARTERS, 4, 34, marks=pytest.mark.nightly, id="quarters-matrix-free"),
        pytest.param(Flips(), 4, 34, id="flips-matrix-free", marks=pytest.mark.nightly),
    ],
)
def test_random_operators_can_when_their_looks_are_enough(group: Group, order: int, size: int) -> None:
    n = size**2
    enough = identify(random_map(round(1.3 * n / order), size), group, domain=(1, size, size))
    assert (enough.verdict, enough.never_seen) == ("can", 0.0)
    few = identify(random_map(round(0.8 * n / order), size), group, domain=(1, size, size))
    assert few.verdict == "no"
    assert f"fewer than n = {n:,}" in few.reason
    assert few.never_seen * few.hidden == pytest.approx(0.2, abs=0.04), "0.8 n looked at, 0.2 n never"


def test_random_operators_of_complex_images() -> None:
    dtype = torch.complex128
    blind = identify(equivariant_map(QUARTERS, 20, 12, dtype=dtype), QUARTERS, domain=(1, 12, 12), dtype=dtype)
    assert (blind.verdict, blind.measured) == ("no", 80)
    seeing = identify(random_map(50, 12, dtype=dtype), QUARTERS, domain=(1, 12, 12), dtype=dtype)
    assert (seeing.verdict, seeing.measured) == ("can", 50)


def test_one_direction_that_no_look_shows_is_found() -> None:
    size = 12
    rows, mean = random_map(80, size), torch.full((1, size**2), 1 / size, dtype=torch.float64)

    def without_the_mean(x: Tensor) -> Tensor:
        x = x.flatten(1)
        return rows((x - (x @ mean.T) @ mean).reshape(-1, 1, size, size))

    found = identify(without_the_mean, QUARTERS, domain=(1, size, size))
    assert found.verdict == "no", "the mean grey is hidden, and a rotated image has the same"
    assert found.condition == math.inf
    assert identify(rows, QUARTERS, domain=(1, size, size)).verdict == "can"


def test_shifts_of_a_filter_and_of_anything_else() -> None:
    spectrum = (torch.rand(1, 16, 16, generator=rng()) < 0.5).double()
    spectrum = torch.maximum(spectrum, spectrum.flip(-1, -2).roll((1, 1), (-1, -2)))

    def filtered(x: Tensor) -> Tensor:
        return torch.fft.ifft2(torch.fft.fft2(x) * spectrum).real

    assert identify(filtered, Shifts(), domain=(1, 16, 16)).verdict == "no"
    assert identify(random_map(40, 16), Shifts(), domain=(1, 16, 16)).verdict == "can"


@pytest.mark.nightly  # test_identifiability_table.py has shifts that are matrix-free, too
def test_shifts_of_a_large_image_by_anything_but_a_filter() -> None:
    assert identify(random_map(40, 33), Shifts(), domain=(1, 33, 33)).verdict == "can", "40 of 1,089, matrix-free"


# -- several operators


def test_several_operators_see_what_one_does_not() -> None:
    masks = torch.rand(6, 1, 12, 12, generator=rng()) < 0.7
    found = identify(Mask(masks))
    assert (found.operators, found.looks, found.moved_by) == (6, 6, None)
    missing = float((~masks.any(dim=0)).double().mean())
    assert found.never_seen * found.hidden == pytest.approx(missing, abs=1e-9)
    assert found.verdict == ("no" if missing else "can")
    together = identify([Mask(masks[0]), Mask(~masks[0])])
    assert (together.verdict, together.least_eigenvalue) == ("can", pytest.approx(0.5))
    assert identify([Mask(masks[0]), Mask(masks[0])]).verdict == "no"
    assert identify([random_map(30, 8, seed) for seed in range(3)], domain=(1, 8, 8)).verdict == "can"
    assert identify([random_map(20, 8, seed) for seed in range(3)], domain=(1, 8, 8)).verdict == "no"


def test_the_bounds_are_those_of_the_theorems() -> None:
    several = identify([random_map(30, 8, seed) for seed in range(4)], domain=(1, 8, 8), dimension=13)
    assert several.largest_dimension == 13, "the largest k with 30 > k + 64 / 4"
    one = identify(random_map(30, 8), Shifts(axes=(-1,)), domain=(1, 8, 8), dimension=11)
    assert (one.multiplicity, one.largest_dimension) == (8.0, 10), "the largest k with 30 > 2 k + 8 + 1"
    assert "k ≤ 10; k = 11: no" in str(one)


# -- the figures, against whole matrices


def test_the_figures_are_those_of_the_whole_matrices() -> None:
    size, m = 9, 30
    rows = torch.randn(m, size**2, generator=rng(3), dtype=torch.float64)
    found = identify(lambda x: x.flatten(1) @ rows.T, QUARTERS, domain=(1, size, size))
    matrix = rows.numpy()
    hidden = np.eye(size**2) - np.linalg.pinv(matrix) @ matrix
    turned = [
        np.rot90(np.eye(size**2).reshape(size, size, -1), k).reshape(size**2, -1) for k in range(4)
    ]  # the matrices T_g
    defects = [np.linalg.norm(matrix @ T @ hidden) / np.linalg.norm(matrix @ T) for T in turned]
    gram = sum(T.T @ matrix.T @ matrix @ T for T in turned) / 4
    eigenvalues = np.linalg.eigvalsh(gram)
    norm = np.linalg.norm(matrix, 2)
    assert found.defect is not None
    assert found.defect == (pytest.approx(0, abs=1e-12), pytest.approx(max(defects), rel=0.1))
    assert found.least_eigenvalue == pytest.approx(eigenvalues[0] / norm**2, rel=1e-6)
    assert found.condition == pytest.approx(eigenvalues[-1] / eigenvalues[0], rel=1e-6)


def test_matrix_free_splits_agree_with_whole_matrices() -> None:
    n, level = 1089, 1e-6
    values = torch.cat([torch.zeros(200), torch.logspace(-9, -7, 100), torch.logspace(-4, 0, n - 300)]).double()
    turn = torch.linalg.qr(torch.randn(n, n, generator=rng(), dtype=torch.float64)).Q

    def gram(x: Tensor) -> Tensor:
        return ((x.flatten(1) @ turn) * values @ turn.T).reshape(x.shape)

    like = linear_map(lambda x: x, (1, 33, 33), None)
    x = torch.randn(2, 1, 33, 33, generator=rng(1), dtype=torch.float64)
    split = Spectrum(gram, like, steps=(150, 900)).split(x, level)
    low = (x.flatten(1) @ turn[:, :300]) @ turn[:, :300].T
    assert torch.allclose(split.low.flatten(1), low, atol=1e-3 * float(low.norm()))
    assert torch.allclose(split.share, (low.norm(dim=1) / x.flatten(1).norm(dim=1)) ** 2, rtol=1e-3)
    assert split.greatest == pytest.approx(1.0, rel=1e-6)


def test_singular_values_under_the_threshold_count_as_zero() -> None:
    weights = torch.logspace(0, -5, 64, dtype=torch.float64).reshape(1, 8, 8)
    for threshold in (1e-3, 1e-2):
        found = identify(lambda x: weights * x, Flips(), domain=(1, 8, 8), threshold=threshold)
        assert found.measured == int((weights > threshold).sum())


@pytest.mark.parametrize(
    ("group", "orbits"),
    [
        (Flips(vertical=False), 32),
        (Flips(), 16),
        (QUARTERS, 16),
        (Shifts(), 1),
        (Shifts(axes=(-1,)), 8),
        (Permutations(), 1),
        (QUARTERS * Flips(), 10),
    ],
    ids=repr,
)
def test_the_largest_multiplicity_is_the_number_of_orbits(group: Group, orbits: int) -> None:
    shape = (1, 8, 8)
    assert multiplicity(group, shape, rng()) == orbits
    assert multiplicity(group, (2, 8, 8), rng()) == 2 * orbits, "channels move together"
    elements = group.elements(shape)
    if elements is not None:  # the multiplicity of the trivial representation is the mean of the traces
        unit = torch.eye(64, dtype=torch.float64).reshape(64, *shape)
        traces = [float(group.T(unit, g.expand(64, -1)).reshape(64, 64).trace()) for g in elements]
        assert sum(traces) / len(traces) == pytest.approx(orbits)


def test_the_multiplicity_of_all_rotations_is_about_the_number_of_rings() -> None:
    found = multiplicity(Rotations(), (1, 64, 64), rng())
    assert found is not None and 25 <= found <= 70, "a ring a pixel: 32 in the disc, 45 to the corners; √n = 64"
    assert multiplicity(Scalings(), (1, 64, 64), rng()) is None, "downscaling is no action of a group"


def test_an_adjoint_is_used_and_differentiation_agrees_with_it() -> None:
    matrix = np.random.default_rng(0).standard_normal((60, 144))

    class OutsideTorch:
        """A that autograd cannot differentiate."""

        domain = (1, 12, 12)

        def __call__(self, x: Tensor) -> Tensor:
            return torch.from_numpy(x.detach().flatten(1).numpy() @ matrix.T)

        def adjoint(self, y: Tensor) -> Tensor:
            return torch.from_numpy(y.detach().numpy() @ matrix).reshape(-1, 1, 12, 12)

    rows = torch.from_numpy(matrix)
    by_adjoint = identify(OutsideTorch(), QUARTERS)
    by_vjp = identify(lambda x: x.flatten(1) @ rows.T, QUARTERS, domain=(1, 12, 12))
    assert by_adjoint.verdict == by_vjp.verdict == "can"
    assert by_adjoint.least_eigenvalue == pytest.approx(by_vjp.least_eigenvalue, rel=1e-9)


def test_the_gram_matrix_of_real_images_and_complex_measurements_is_real() -> None:
    A = linear_map(FourierMask(torch.rand(8, 8, generator=rng()) < 0.5, real=True), None, None)
    x, other = torch.randn(2, 1, 1, 8, 8, generator=rng(), dtype=torch.float64)
    image = Looks([A]).gram(x)
    assert image.dtype == torch.float64
    assert float((other * image).sum()) == pytest.approx(float((A(other).conj() * A(x)).real.sum()))


@pytest.mark.parametrize("complex_pictures", [False, True])
def test_faithful_images_are_those_that_a_rotation_keeps_whole(complex_pictures: bool) -> None:
    dtype = torch.complex128 if complex_pictures else torch.float64
    noise = torch.randn(2, 1, 64, 64, generator=rng(), dtype=dtype)
    group, angle = Rotations(), torch.tensor([[33.0], [250.0]])

    def kept(x: Tensor) -> float:
        return float((group.T(x, angle).abs() ** 2).sum() / (x.abs() ** 2).sum())

    assert kept(faithful(noise)) == pytest.approx(1, abs=0.01)
    assert kept(noise) < 0.95
    high = torch.fft.fft2(faithful(noise)).abs()[..., 32, 32]
    assert float(high.max()) < 1e-2 * float(torch.fft.fft2(noise).abs().mean())


def inpainting(size: int) -> Operator:
    return Mask(torch.rand(1, size, size, generator=rng()) >= 0.3)


# -- how it speaks


def test_the_report_says_what_was_found_and_promises_nothing() -> None:
    for A, group in ((inpainting(16), Shifts()), (inpainting(16), Flips()), (inpainting(16), None)):
        found = identify(A, group)
        text = str(found)
        assert text.startswith(f"verdict      {found.verdict}")
        assert found.reason in text
        assert "guarantee" not in text
    assert "no promise" in str(identify(inpainting(16), Shifts()))
    assert identify(Mask(torch.ones(8, 8)), Flips()).reason.startswith("A hides nothing")


def test_it_says_the_same_each_time() -> None:
    A = FourierMask(cartesian_sampling(34, 4, generator=rng()))  # matrix-free: the vectors that it tries are drawn
    assert identify(A, Rotations(), elements=2) == identify(A, Rotations(), elements=2)
    state = torch.get_rng_state()
    identify(A, Flips())
    assert torch.equal(state, torch.get_rng_state())


def test_bad_input_is_answered_by_a_sentence() -> None:
    domain = (1, 8, 8)
    with pytest.raises(ValueError, match="A is not linear"):
        identify(lambda x: x**2, Flips(), domain=domain)
    with pytest.raises(ValueError, match="A is not linear"):
        identify(lambda x: x + 1, Flips(), domain=domain)
    with pytest.raises(ValueError, match="not finite"):
        identify(lambda x: x * math.nan, Flips(), domain=domain)
    with pytest.raises(ValueError, match="give domain="):
        identify(lambda x: x, Flips())
    with pytest.raises(ValueError, match=r"takes images of \(1, 8, 8\), but domain=\(1, 9, 9\)"):
        identify(Mask(torch.ones(8, 8)), Flips(), domain=(1, 9, 9))
    with pytest.raises(ValueError, match="does not take images of shape"):
        identify(random_map(4, 9), Flips(), domain=domain)
    with pytest.raises(ValueError, match="a row for each image"):
        identify(lambda x: x.sum(dim=0).flatten(), Flips(), domain=domain)
    with pytest.raises(TypeError, match="something to call"):
        identify(torch.eye(3), Flips(), domain=domain)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="real or complex"):
        identify(lambda x: x, Flips(), domain=domain, dtype=torch.int64)
    with pytest.raises(TypeError, match="takes a group, such as"):
        identify(lambda x: x, [Flips()], domain=domain)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="square"):
        identify(lambda x: x, QUARTERS, domain=(1, 8, 6))
    with pytest.raises(ValueError, match=r"images \(channels, height, width\)"):
        identify(lambda x: x, Flips(), domain=(3,))
    with pytest.raises(ValueError, match="different shapes"):
        identify([Mask(torch.ones(8, 8)), Mask(torch.ones(9, 9))])
    with pytest.raises(ValueError, match="the list is empty"):
        identify([], Flips())
    for bad in ({"elements": 1}, {"threshold": 0.0}, {"threshold": 1.0}, {"dimension": 0}):
        with pytest.raises(ValueError, match="identify takes elements"):
            identify(lambda x: x, Flips(), domain=domain, **bad)  # type: ignore[arg-type]


def test_a_group_is_given_by_its_name_or_answered_with_the_way_to_one() -> None:
    A = Mask(torch.ones(1, 4, 4))
    assert identify(A, "shifts") == identify(A, Shifts())
    with pytest.raises(UnknownName, match="did you mean shifts"):
        identify(A, "shift")
    with pytest.raises(TypeError, match=r"got the class Shifts\. Make a group: Shifts\(\)"):
        identify(A, Shifts)  # type: ignore[arg-type]
    for draw in (lambda: identify(A, Shifts(), generator=0), lambda: Shifts().sample(2, generator=0)):  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"but got 0\. Give torch\.Generator\(\)\.manual_seed"):
            draw()


def test_a_process_is_judged_by_its_operator() -> None:
    A = Mask(torch.arange(64).reshape(1, 8, 8) % 3 > 0)
    assert identify(Measurement(A, noise=Gaussian(0.1)), Shifts()) == identify(A, Shifts())
