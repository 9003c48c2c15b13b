"""Tomography: against closed forms, against scikit-image, against a plain loop over rays, and its two inverses."""

from __future__ import annotations

import math
import pickle
from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage.transform import iradon, radon
from torch import Tensor

from tests.seeded import rng
from unseen.physics import Tomography, solve_least_squares
from unseen.physics.parallel_projector import Projector, fold
from unseen.physics.ramp import ramp_filter
from unseen.physics.tensor_products import lengths

# Semi-axes and middle in half sides of the image, turned by so many radians.
ELLIPSE = (0.6, 0.35, 0.12, -0.08, 0.5)
UNEVEN = torch.tensor([3.0, 77.0, -40.0, 200.0, 200.0, 20.0, 359.0])


def ellipse(size: int, *, samples: int = 16) -> Tensor:
    """Return each pixel's share inside, from samples² points: (1, 1, size, size)."""
    a, b, x0, y0, turn = ELLIPSE
    grid = (torch.arange(size * samples, dtype=torch.float64) + 0.5) / (size * samples) * 2 - 1
    x, y = grid[None, :] - x0, grid.flip(0)[:, None] - y0
    u, v = x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)
    inside = ((u / a) ** 2 + (v / b) ** 2 < 1).double()
    return inside.reshape(size, samples, size, samples).mean(dim=(1, 3))[None, None]


def ellipse_sinogram(A: Tomography) -> Tensor:
    """Chords through the ellipse, in pixels (Kak & Slaney, eqs. 3.5 to 3.7): (1, 1, views, detectors)."""
    a, b, x0, y0, turn = ELLIPSE
    theta = A.angles.deg2rad()[:, None]
    t = (torch.arange(A.range[-1], dtype=torch.float64) - (A.range[-1] - 1) / 2) * 2 / A.size
    t = t - x0 * theta.cos() - y0 * theta.sin()
    square = (a * (theta - turn).cos()) ** 2 + (b * (theta - turn).sin()) ** 2
    return (2 * a * b * (square - t**2).clamp(min=0).sqrt() / square * A.size / 2)[None, None]


def relative(seen: Tensor, expected: Tensor) -> float:
    return float((seen - expected).norm() / expected.norm())


def joseph(x: Tensor, degrees: float, t: float) -> float:
    """Return one line integral of one image by Joseph's rule, ray by ray and row by row."""
    size = len(x)
    if abs(math.cos(math.radians(degrees))) < abs(math.sin(math.radians(degrees))) - 1e-12:
        # Level rays: turned by a quarter, (X, Y) -> (Y, -X), they are upright.
        return joseph(torch.rot90(x, -1), degrees - 90, t)
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    total = 0.0
    for row in range(size):
        column = (t - ((size - 1) / 2 - row) * sin) / cos + (size - 1) / 2
        left = math.floor(column)
        for place, weight in ((left, left + 1 - column), (left + 1, column - left)):
            total += weight * float(x[row, place]) if 0 <= place < size else 0.0
    return total / abs(cos)


def test_columns_rows_and_diagonals_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], dtype=torch.float64)
    y = Tomography(3, torch.tensor([0.0, 90.0, 45.0]))(x[None, None])[0, 0]  # 5 detectors
    assert y[0].tolist() == pytest.approx([0, 12, 15, 18, 0])  # the columns, from left to right
    assert y[1].tolist() == pytest.approx([0, 24, 15, 6, 0])  # the rows, from below
    # Through the middle the anti-diagonal's neighbours have no share: (7 + 5 + 3) √2 would be X sin θ = −Y cos θ.
    assert float(y[2, 2]) == pytest.approx(math.sqrt(2) * (1 + 5 + 9))


@pytest.mark.parametrize("angles", [4, 5, 6, 7, UNEVEN])
@pytest.mark.parametrize("size", [4, 5])
def test_every_ray_is_josephs(angles: int | Tensor, size: int) -> None:
    A = Tomography(size, angles)
    x = torch.randn(6, 1, size, size, generator=rng(), dtype=torch.float64)  # few and many are folded differently
    middle = (A.range[-1] - 1) / 2
    expected = torch.tensor(
        [[[joseph(p[0], float(angle), j - middle) for j in range(A.range[-1])] for angle in A.angles] for p in x],
        dtype=torch.float64,
    )
    torch.testing.assert_close(A(x)[:, 0], expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(A(x[:1])[0, 0], expected[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("views", [50, pytest.param(180, marks=pytest.mark.nightly)])
def test_ellipse_against_its_closed_form_falls_with_size(views: int) -> None:
    errors = []
    for size in (32, 64, 128, 256):
        A = Tomography(size, views)
        errors.append(relative(A(ellipse(size)), ellipse_sinogram(A)))
    assert errors[-1] < 0.006
    assert all(finer < 0.65 * coarser for coarser, finer in pairwise(errors))


def test_uneven_angles_are_as_close_to_the_closed_form() -> None:
    A = Tomography(128, UNEVEN)
    assert relative(A(ellipse(128)), ellipse_sinogram(A)) < 0.012


@pytest.mark.parametrize("circle", [False, True])
def test_scikit_image_sees_the_same_sinogram(circle: bool) -> None:
    size, degrees = 61, np.linspace(0, 180, 30, endpoint=False)  # size and detectors odd: its middle is then ours
    x = torch.nn.functional.avg_pool2d(ellipse(size), 3, stride=1, padding=1)
    theirs = torch.from_numpy(radon(x[0, 0].numpy(), degrees, circle=circle).T.copy())
    A = Tomography(size, torch.from_numpy(degrees), circle=circle)
    assert A.range == (1, 30, theirs.shape[-1])
    assert relative(A(x)[0, 0], theirs) < 0.002


def test_a_circle_sees_its_inside_alone() -> None:
    A = Tomography(9, 7, circle=True)
    x = torch.randn(2, 1, 9, 9, generator=rng(), dtype=torch.float64)
    place = torch.arange(9) - 4
    inside = place[:, None] ** 2 + place**2 <= 4.5**2
    assert 0 < int((~inside).sum()) < 81
    assert torch.equal(A(x * ~inside), torch.zeros(2, 1, 7, 9, dtype=torch.float64))
    assert torch.equal(A.adjoint(A(x)) != 0, inside.expand(2, 1, 9, 9))
    interior = x * (place[:, None] ** 2 + place**2 <= 9)
    whole = Tomography(9, 7)
    torch.testing.assert_close(A(interior), whole(interior)[..., 2:-2])


def test_the_unit_of_length() -> None:
    x = torch.randn(2, 1, 8, 8, generator=rng(), dtype=torch.float64)
    A, scaled = Tomography(8, 5), Tomography(8, 5, pixel_size=0.25)
    torch.testing.assert_close(scaled(x), 0.25 * A(x))
    torch.testing.assert_close(scaled.adjoint(A(x)), 0.25 * A.adjoint(A(x)))
    torch.testing.assert_close(scaled.fbp(scaled(x)), A.fbp(A(x)))
    torch.testing.assert_close(scaled.pinv(scaled(x)), A.pinv(A(x)), rtol=0, atol=1e-9)
    assert scaled.norm() == pytest.approx(0.25 * A.norm(), rel=1e-6)


@pytest.mark.parametrize("angles", [9, 12, UNEVEN])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_adjoint_at_a_size_of_use(angles: int | Tensor, dtype: torch.dtype) -> None:
    A = Tomography(97, angles, channels=2)  # more pixels than go at once
    for batch in (1, 2, 9):  # 2, 4 and 18 planes: both foldings, and more planes than go at once
        x = torch.randn(batch, *A.domain, generator=rng(1), dtype=dtype)
        y = torch.randn(batch, *A.range, generator=rng(2), dtype=dtype)
        gap = ((A(x).double() * y).sum() - (x.double() * A.adjoint(y)).sum()).abs()
        assert float(gap / (A(x).double().norm() * y.double().norm())) < (1e-12 if dtype == torch.float64 else 1e-6)


def test_mirrored_views_are_held_once() -> None:
    def held(angles: Tensor, copies: int = 4) -> int:
        return len(fold(angles.numpy(), size=8, detectors=12, copies=copies).angles)

    uniform = Tomography(8, 180).angles
    assert held(uniform) == 46  # 0° … 45°
    assert held(uniform, copies=2) == 90
    assert held(uniform, copies=1) == 180
    assert held(uniform.float().double()) == 46  # an angle rounded to single precision is still its mirror image
    assert held(Tomography(8, 45).angles) == 23  # odd: mirrored, but not turned
    assert held(UNEVEN.double()) == 5  # 20° and 200° are one line
    assert held(torch.rand(40, generator=rng(), dtype=torch.float64) * 180) == 40


def test_fbp_has_the_right_scale() -> None:
    size = 128
    x = ellipse(size)
    inside = torch.nn.functional.avg_pool2d(x, 9, stride=1, padding=4) > 0.999
    outside = torch.nn.functional.max_pool2d(x, 9, stride=1, padding=4) == 0
    for angles in (180, Tomography(size, 180).angles + 77.3):
        A = Tomography(size, angles)
        seen = A.fbp(ellipse_sinogram(A))
        assert float(seen[inside].mean()) == pytest.approx(1, abs=0.003)
        assert float(seen[outside].mean()) == pytest.approx(0, abs=0.005)


def test_fbp_is_exact_under_autocast() -> None:
    A = Tomography(16, 9)
    y = A(torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0))).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = A.fbp(y)
    assert torch.equal(rounded, A.fbp(y))


def test_fbp_weighs_uneven_views_by_the_angles_they_stand_for() -> None:
    even = torch.arange(0, 180, 1.0)
    uneven = torch.cat([even[:90], even[90::3]])  # a third of the views in the second half
    x = ellipse(64)
    inside = torch.nn.functional.avg_pool2d(x, 9, stride=1, padding=4) > 0.999
    A = Tomography(64, uneven)
    y = ellipse_sinogram(A)
    assert float(A.fbp(y)[inside].mean()) == pytest.approx(1, abs=0.01)
    degrees_stood_for = torch.cat(
        [torch.ones(89), torch.full((1,), 1.0), torch.full((29,), 3.0), torch.full((1,), 2.0)]
    )
    unweighed = A.fbp(y * 1.5 / degrees_stood_for[:, None])
    assert relative(A.fbp(y), x) < 0.7 * relative(unweighed, x)


def test_a_view_stands_for_half_the_way_between_its_neighbours() -> None:
    A = Tomography(16, [100.0, 0.0, 90.0])  # half of 80° + 90°, half of 90° + 10°
    profile = torch.randn(A.range[-1], generator=rng(), dtype=torch.float64)
    y = torch.zeros(2, *A.range, dtype=torch.float64)
    y[0, 0, 1], y[1, 0, 2] = profile, profile
    upright, level = A.fbp(y)[:, 0]
    torch.testing.assert_close(torch.rot90(upright) / 85, level / 50)
    wedge = Tomography(16, torch.arange(0, 60, 10.0))  # nothing for 130°, which count as 90°
    upright = wedge.fbp(torch.cat([y[:1, :, [1, 0, 0, 0, 0, 0]]]))[0, 0]
    torch.testing.assert_close(upright / 50, torch.rot90(level, -1) / 50)


@pytest.mark.parametrize("window", ["ramp", "shepp-logan", "cosine", "hamming", "hann"])
def test_fbp_is_scikit_images(window: str) -> None:
    size, degrees = 61, np.linspace(0, 180, 90, endpoint=False)
    x = torch.nn.functional.avg_pool2d(ellipse(size), 3, stride=1, padding=1)
    y = radon(x[0, 0].numpy(), degrees, circle=False)
    theirs = torch.from_numpy(iradon(y, degrees, filter_name=window, circle=False, output_size=size))
    seen = Tomography(size, torch.from_numpy(degrees)).fbp(
        torch.from_numpy(y.T.copy())[None, None],
        filter=window,  # type: ignore[arg-type]
    )
    # Their Hamming and Hann windows are half a sample off the middle.
    assert relative(seen[0, 0], theirs) < (1e-3 if window in ("hamming", "hann") else 1e-12)


def test_the_ramp_is_a_toeplitz_matrix_of_its_samples_in_space() -> None:
    seen = ramp_filter(torch.eye(9, dtype=torch.float64))
    n = torch.arange(9)[:, None] - torch.arange(9)
    expected = torch.where(n % 2 != 0, -1 / (math.pi * n.double()) ** 2, 0.0)
    expected[n == 0] = 0.25
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="filter is one of ramp, shepp-logan, cosine, hamming, hann, but got 'box'"):
        ramp_filter(torch.ones(4), window="box")  # type: ignore[arg-type]


def test_pinv_in_few_steps_where_a_image_measures_y() -> None:
    A = Tomography(128, 180)
    y = A(ellipse(128).float())
    counted = Counted(A)
    x = counted.pinv(y)
    residual = y - A(x)
    assert float(residual.norm() / y.norm()) < 5e-4
    assert float(lengths(A.adjoint(residual)) / lengths(A.adjoint(y))) < 2e-4
    plain = Counted(A)
    solve_least_squares(plain, y, tolerance=1e-4)
    assert counted.applied[0] < 0.5 * plain.applied[0]


def test_pinv_of_noise_that_no_image_measures_is_the_shortest_least_squares() -> None:
    A = Tomography(8, 9)
    y = torch.randn(3, *A.range, generator=rng(), dtype=torch.float64)
    y[1] = A(torch.randn(1, *A.domain, generator=rng(1), dtype=torch.float64))[0]
    y[2] = 0
    matrix = torch.stack([A(unit.reshape(1, *A.domain)).flatten() for unit in torch.eye(64, dtype=torch.float64)], 1)
    expected = (torch.linalg.pinv(matrix, rtol=1e-10) @ y.flatten(1).T).T.reshape(3, *A.domain)
    torch.testing.assert_close(A.pinv(y), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("angles", [1, 2, 5, 50, [45.0]])
@pytest.mark.parametrize("circle", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_an_image_of_one_pixel_is_found_again(angles: int | list[float], circle: bool, dtype: torch.dtype) -> None:
    A = Tomography(1, angles, circle=circle)
    for x in (torch.ones(1, 1, 1, 1, dtype=dtype), torch.tensor([0.0, 0.3, 2.0], dtype=dtype).reshape(3, 1, 1, 1)):
        y = A(x).requires_grad_()
        found = A.pinv(y)
        torch.testing.assert_close(found, x)
        assert torch.autograd.grad(found.sum(), y)[0].isfinite().all() and A.fbp(y).isfinite().all()


def test_pinv_does_not_hide_what_is_not_a_number() -> None:
    A = Tomography(8, 4)
    y = torch.ones(2, *A.range)
    y[0, 0, 0, 5] = float("nan")
    with pytest.raises(ValueError, match="NaN"):
        A.pinv(y)
    assert A.pinv(y[1:]).isfinite().all()


def test_a_pickle_holds_no_matrix() -> None:
    A = Tomography(64, 60)
    x = ellipse(64)
    y = A(x)
    A.norm()
    assert len(pickle.dumps(A)) < 5_000
    assert torch.equal(pickle.loads(pickle.dumps(A))(x), y)


def test_the_angles_given_and_shown_are_copies() -> None:
    angles = torch.tensor([0.0, 50.0], dtype=torch.float64)
    A = Tomography(8, angles)
    x = torch.randn(1, 1, 8, 8, generator=rng())
    y = A(x)
    angles.zero_()
    A.angles.zero_()
    assert torch.equal(Tomography(8, [0.0, 50.0])(x), y)
    assert torch.equal(A(x), y)
    assert A.angles.tolist() == [0, 50]


def test_a_list_of_degrees_keeps_its_precision() -> None:
    assert Tomography(4, [3.6, 0.1]).angles.tolist() == [3.6, 0.1]
    assert Tomography(4, 50).angles[1].item() == 3.6


def test_what_cannot_be_measured_is_said() -> None:
    with pytest.raises(ValueError, match=r"whole number above 0, or .*, but got 0"):
        Tomography(0)
    with pytest.raises(ValueError, match="channels is a whole number above 0, but got 0"):
        Tomography(4, channels=0)
    with pytest.raises(ValueError, match="pixel_size is a finite number above 0, or one per axis, but got nan"):
        Tomography(4, pixel_size=float("nan"))
    with pytest.raises(ValueError, match="number of views above 0, or a row of degrees, but got 0"):
        Tomography(4, 0)
    with pytest.raises(ValueError, match=r"row of finite degrees, but got \[\]"):
        Tomography(4, [])
    with pytest.raises(ValueError, match=r"row of finite degrees, but got \[1.0, inf\]"):
        Tomography(4, [1.0, float("inf")])
    with pytest.raises(ValueError, match=r"row of finite degrees, but got a tensor of shape \(2, 2\)"):
        Tomography(4, torch.zeros(2, 2))
    A = Tomography(4, 3)
    with pytest.raises(ValueError, match=r"Tomography takes \(batch, 1, 4, 4\), but got \(1, 1, 4, 5\)"):
        A(torch.zeros(1, 1, 4, 5))
    with pytest.raises(
        ValueError, match=r"filtered backprojection that takes \(batch, 1, 3, 6\), but got \(1, 1, 4, 6\)"
    ):
        A.fbp(torch.zeros(1, 1, 4, 6))
    with pytest.raises(ValueError, match=r"takes real numbers, but got torch.complex64"):
        A(torch.zeros(1, 1, 4, 4, dtype=torch.complex64))
    with pytest.raises(ValueError, match=r"filtered backprojection that takes real numbers, but got torch.complex64"):
        A.fbp(torch.zeros(1, 1, 3, 6, dtype=torch.complex64))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_same_on_a_gpu() -> None:
    A = Tomography(33, 20)
    for batch in (1, 9):
        x = torch.randn(batch, *A.domain, generator=rng(), dtype=torch.float64)
        torch.testing.assert_close(A(x.cuda()).cpu(), A(x))
        torch.testing.assert_close(A.adjoint(A(x).cuda()).cpu(), A.adjoint(A(x)))
        torch.testing.assert_close(A.fbp(A(x).cuda()).cpu(), A.fbp(A(x)))
        torch.testing.assert_close(A.pinv(A(x).float().cuda()).cpu(), A.pinv(A(x).float()), rtol=0, atol=1e-2)


class Counted(Tomography):
    """Counts how often A and A* are applied."""

    applied: list[int]

    def __init__(self, A: Tomography) -> None:
        super().__init__(A.size, A.angles)
        self._set(applied=[0])

    def _forward(self, x: Tensor) -> Tensor:
        self.applied[0] += 1
        return super()._forward(x)

    def _adjoint(self, y: Tensor) -> Tensor:
        self.applied[0] += 1
        return super()._adjoint(y)


def test_a_projector_is_of_the_precision_asked_for() -> None:
    projector = Projector(torch.tensor([10.0, 40.0]).double(), size=6, detectors=9, dtype=torch.float32)
    x = torch.randn(3, 6, 6, generator=rng())
    assert projector.project(x).dtype == torch.float32
    with pytest.raises(RuntimeError):
        projector.project(x.double())


def test_filtered_backprojection_follows_the_transforms_of_torch() -> None:
    A = Tomography(8, 12)
    y = A(torch.rand(2, 1, 8, 8, dtype=torch.float64))
    several = torch.stack([y, -y.flip(0)])
    expected = torch.stack([A.fbp(one) for one in several])
    torch.testing.assert_close(torch.func.vmap(A.fbp)(several), expected)
    torch.testing.assert_close(torch.func.jvp(A.fbp, (y,), (several[1],))[1], expected[1])
    assert A.fbp(y.to("meta")).shape == (2, 1, 8, 8)


@pytest.mark.nightly  # in short: `compiled` of the operators' contract
def test_filtered_backprojection_may_be_compiled() -> None:
    A = Tomography(8, 12)
    y = A(torch.rand(2, 1, 8, 8, dtype=torch.float64))
    torch.testing.assert_close(torch.compile(lambda y: 2 * A.fbp(y), backend="eager")(y), 2 * A.fbp(y))


# More views than an image has pixels a side, and fewer. Of the first two, conjugate gradients end at 4e-7 and 6e-6.
@pytest.mark.parametrize(("size", "views"), [(17, 23), (21, 11), (9, 13), (12, 7), ((14, 11), 30)])
@pytest.mark.parametrize("measured", [True, False])
def test_pinv_in_double_precision_of_small_scans(size: int | tuple[int, int], views: int, measured: bool) -> None:
    A = Tomography(size, views, channels=2)
    y = torch.randn(3, *A.range, generator=rng(), dtype=torch.float64)
    if measured:
        y = A(torch.randn(3, *A.domain, generator=rng(), dtype=torch.float64))
    x = A.pinv(y)
    assert float(A.adjoint(A(x) - y).norm() / A.adjoint(y).norm()) <= 1e-12
    assert float((A.pinv(A(x)) - x).norm() / x.norm()) <= 1e-11  # the shortest: nothing of it is in the null space
    v = torch.randn(3, *A.domain, generator=rng(1), dtype=torch.float64)
    (gradient,) = torch.autograd.grad(A.pinv(y.requires_grad_()), y, v)
    torch.testing.assert_close((gradient * y).sum(), (x * v).sum(), rtol=1e-10, atol=1e-10)
