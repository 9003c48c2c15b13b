"""SIRT, OSEM and plug-and-play, against NumPy, SciPy, the likelihood and total variation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
from torch import Tensor, nn

from tests.reconstruction.making import error, images, inpainting, magnetic, measured
from unseen.physics import BeerLambert, CompressedSensing, ConeBeam, Measurement, Operator, Poisson, Tomography
from unseen.priors import TV, Wavelets
from unseen.reconstruction import osem, plug_and_play, pseudo_inverse, sirt

SIZE = 8
SCAN = Tomography(SIZE, angles=7)


def matrix_of(A: Operator) -> np.ndarray:
    basis = torch.eye(SIZE**2, dtype=torch.float64).reshape(-1, *A.domain)
    found: np.ndarray = A(basis).flatten(1).T.numpy()
    return found


def disc(n: int = 2) -> Tensor:
    """Images on the disc that every view sees."""
    axis = torch.arange(SIZE) - (SIZE - 1) / 2
    inside = (axis[:, None] ** 2 + axis**2) < (SIZE / 2) ** 2
    return images(n, size=SIZE).double() * inside


def test_one_step_of_sirt_is_numpys() -> None:
    matrix, x = matrix_of(SCAN), disc()
    y = SCAN(x) + 0.1 * torch.rand(2, *SCAN.range, generator=torch.Generator().manual_seed(0)).double()
    rows, columns = (matrix.sum(axis) for axis in (1, 0))
    by_rows, by_columns = (np.divide(1, s, out=np.zeros_like(s), where=s > 1e-9) for s in (rows, columns))
    expected = np.zeros((2, SIZE**2))
    for _ in range(3):
        residual = y.flatten(1).numpy() - expected @ matrix.T
        expected += 1.5 * by_columns * ((by_rows * residual) @ matrix)
    found = sirt(y, Measurement(SCAN), iterations=3, relaxation=1.5)
    assert np.abs(found.flatten(1).numpy() - expected).max() < 1e-10


@pytest.mark.parametrize("iterations", [400, pytest.param(2000, marks=pytest.mark.nightly)])
def test_sirt_converges_to_weighted_least_squares(iterations: int) -> None:
    matrix = matrix_of(SCAN)
    y = SCAN(disc()) + 0.1 * torch.rand(2, *SCAN.range, generator=torch.Generator().manual_seed(0)).double()
    rows = matrix.sum(1)
    roots = np.sqrt(np.divide(1, rows, out=np.zeros_like(rows), where=rows > 1e-9))
    found = sirt(y, Measurement(SCAN), iterations=iterations)
    for image, seen in zip(found, y, strict=True):
        least = np.linalg.lstsq(roots[:, None] * matrix, roots * seen.flatten().numpy(), rcond=None)[0]
        wanted = np.sum((roots * (matrix @ least - seen.flatten().numpy())) ** 2)
        reached = np.sum((roots * (matrix @ image.flatten().numpy() - seen.flatten().numpy())) ** 2)
        at_first = np.sum((roots * seen.flatten().numpy()) ** 2)
        assert -1e-9 < reached - wanted < 1e-3 * (at_first - wanted)


def test_sirt_with_a_link_and_nonnegative_images() -> None:
    x = disc().float() / SIZE
    process = Measurement(SCAN, link=BeerLambert(1e6))
    found = sirt(process(x), process, iterations=400, nonnegative=True)
    assert bool((found >= 0).all()) and error(found, x) < 0.02 * error(0 * x, x)
    again = sirt(process(x), process, iterations=1, nonnegative=True, start=found)
    assert error(again, found) < 1e-6


@pytest.mark.parametrize("background", [pytest.param(0.0, marks=pytest.mark.nightly), 0.5])
def test_one_subset_never_lowers_the_likelihood_and_reaches_its_maximum(background: float) -> None:
    noise = Poisson(0.5)
    y = noise.sample(SCAN(3 * disc(1)) + background, generator=torch.Generator().manual_seed(1))
    process = Measurement(SCAN)
    values, x = [], None
    for _ in range(30):
        x = osem(y, process, iterations=1, background=background, start=x)
        mean = SCAN(x) + background
        values.append(float((torch.xlogy(y, mean) - mean).sum()))
    assert bool((torch.tensor(values).diff() >= -1e-9).all()) and values[-1] > values[0] + 1

    matrix, seen = matrix_of(SCAN), y.flatten().numpy()
    rows = matrix.sum(1) > 1e-9
    matrix, seen = matrix[rows], seen[rows]

    def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
        mean = matrix @ x + background + 1e-12
        return float(mean.sum() - seen @ np.log(mean)), matrix.T @ (1 - seen / mean)

    best = scipy.optimize.minimize(
        cost, np.full(SIZE**2, 0.5), jac=True, bounds=[(0, None)] * SIZE**2, method="L-BFGS-B",
        options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    found = osem(y, process, iterations=1500, background=background)
    assert cost(found.flatten().numpy())[0] == pytest.approx(float(best.fun), rel=1e-5)


def test_subsets_take_longer_steps_and_keep_the_exact_image() -> None:
    x = disc(2) + 0.1 * (disc(2) > 0)
    y, process = SCAN(x), Measurement(SCAN)
    apart = [float((SCAN(osem(y, process, iterations=4, subsets=s)) - y).norm()) for s in (1, 7)]
    assert apart[1] < 0.5 * apart[0]
    kept = osem(y, process, iterations=3, subsets=7, start=x)
    assert torch.allclose(kept, x, atol=1e-6)
    assert torch.allclose(osem(y[:1], process, subsets=7)[0], osem(y, process, subsets=7)[0], atol=1e-12)
    assert bool((osem(y, process, subsets=3) >= 0).all())


@pytest.mark.parametrize("method", [osem, sirt])
@pytest.mark.parametrize(
    "A",
    [
        Tomography(SIZE, angles=12),
        Tomography(SIZE, angles=12, source_distance=20.0, offset=0.3, channels=2),
        ConeBeam(SIZE, angles=12, source_distance=20.0, detector_distance=5.0),
    ],
    ids=["parallel", "fan", "cone"],
)
def test_subsets_project_each_view_once_per_iteration(
    method: Callable[..., Tensor], A: Tomography | ConeBeam, monkeypatch: pytest.MonkeyPatch
) -> None:
    y = A(disc(1).expand(1, *A.domain) + 0.1)
    projected = []
    of_class = type(A)._line_integrals

    def counted(self: Tomography | ConeBeam, tensor: Tensor, *, transposed: bool) -> Tensor:
        projected.append(self.range[1])
        return of_class(self, tensor, transposed=transposed)  # type: ignore[arg-type]

    monkeypatch.setattr(type(A), "_line_integrals", counted)
    totals = []
    for iterations in (1, 3):
        projected.clear()
        method(y, Measurement(A), iterations=iterations, subsets=4)
        totals.append(sum(projected))
    assert totals[1] - totals[0] == 2 * (12 + 12)  # two more iterations, forward and back


@pytest.mark.parametrize("method", [osem, sirt])
def test_subsets_of_views_equal_the_whole_operator_with_the_rest_set_to_zero(method: Callable[..., Tensor]) -> None:
    A = Tomography(SIZE, angles=12)
    y = A(disc() + 0.1) + 0.1 * torch.rand(2, *A.range, generator=torch.Generator().manual_seed(0)).double()
    whole = 1.0 * A  # `Scaled` has no views, so each subset applies all of it
    found, expected = (method(y, Measurement(one), iterations=5, subsets=3) for one in (A, whole))
    assert not torch.allclose(expected, method(y, Measurement(A), iterations=5), rtol=0.01)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_one_view_per_subset_is_sart() -> None:
    matrix, y = matrix_of(SCAN), SCAN(disc())
    x = np.zeros((2, SIZE**2))
    for block, seen in zip(np.split(matrix, 7), np.split(y.flatten(1).numpy(), 7, axis=1), strict=True):
        rows, columns = (block.sum(axis) for axis in (1, 0))
        by_rows, by_columns = (np.divide(1, s, out=np.zeros_like(s), where=s > 1e-9) for s in (rows, columns))
        x += 1.2 * by_columns * ((by_rows * (seen - x @ block.T)) @ block)
    found = sirt(y, Measurement(SCAN), iterations=1, subsets=7, relaxation=1.2)
    assert np.abs(found.flatten(1).numpy() - x).max() < 1e-10
    apart = [error(SCAN(sirt(y, Measurement(SCAN), iterations=5, subsets=s)), y) for s in (1, 7)]
    assert apart[1] < 0.5 * apart[0]


def test_masks_leave_unseen_pixels_at_the_start() -> None:
    process, x = inpainting(), images(2) + 0.1
    y = measured(process, x)
    found = osem(y, process, iterations=2)
    assert torch.allclose(process.A(found), y, atol=1e-5)
    unseen = ~process.A.observed().mask.expand(x.shape)  # type: ignore[union-attr]
    assert len(found[0][unseen[0]].unique()) == 1 and bool((found[unseen] > 0).all())
    once = sirt(y, process, iterations=1)
    assert torch.allclose(process.A(once), y, atol=1e-5) and not once[unseen].any()


def test_plug_and_play_with_a_proximal_map_minimises_its_objective() -> None:
    """Soft thresholding at λ · step / ‖A‖²: the minimum is that of `Wavelets(λ)`, solved by another method."""
    process, x = inpainting(sigma=0.05), images(2).double()
    y = process.A(measured(process, x))  # without the noise where nothing is seen
    prior, step = Wavelets(0.02, wavelet="db2"), 0.9
    denoiser = lambda v: prior.weighted(0.02 * step * 0.998).prox(v).x  # noqa: E731
    found = plug_and_play(y, process, denoiser, iterations=20_000, step=step, tolerance=1e-5)
    expected = prior.solve(y, process.A, tolerance=3e-4, iterations=50_000)
    objective = (process.A(found) - y).square().flatten(1).sum(1) / 2 + prior(found)
    assert torch.allclose(objective, expected.value, rtol=1e-3)
    assert error(found, x) < 0.3 * error(pseudo_inverse(y, process), x)


def test_plug_and_play_takes_a_network_and_complex_images() -> None:
    process = magnetic()
    y = measured(process, images(2) + 0j)
    same = plug_and_play(y, process, torch.nn.Identity(), iterations=5)
    assert torch.allclose(process.A(same), y, atol=1e-4) and same.is_complex()
    with pytest.warns(RuntimeWarning, match="still moved by"):
        plug_and_play(y, process, lambda v: 0.9 * v, iterations=2, tolerance=0)


def test_arrays_give_arrays() -> None:
    process, x = Measurement(SCAN), disc()
    y = process(x)
    for method in (sirt, osem, lambda y, process: plug_and_play(y, process, lambda v: v)):
        found = method(y.numpy(), process)
        assert isinstance(found, np.ndarray) and np.array_equal(found, method(y, process).numpy())


def test_mistakes_are_reported() -> None:
    process, x = Measurement(SCAN), disc()
    y = process(x)
    for method in (sirt, osem):
        with pytest.raises(ValueError, match="has negative entries"):
            method(torch.ones(1, 1, 9), Measurement(CompressedSensing(SIZE, 9)))
        with pytest.raises(ValueError, match="iterations is a whole number of at least 1, but got 0"):
            method(y, process, iterations=0)
        with pytest.raises(ValueError, match="start is"):
            method(y, process, start=x[..., 1:])
    with pytest.raises(ValueError, match="is complex"):
        sirt(measured(magnetic(), images(1) + 0j), magnetic())
    with pytest.raises(ValueError, match="subsets is 1 to 7 for this operator, but got 8"):
        osem(y, process, subsets=8)
    with pytest.raises(ValueError, match="subsets is 1 to 7 for this operator, but got 0"):
        sirt(y, process, subsets=0)
    with pytest.raises(ValueError, match="for counts"):
        osem(-y, process)
    with pytest.raises(ValueError, match="there is a link"):
        osem(y, Measurement(SCAN, link=BeerLambert(1e6)))
    with pytest.raises(ValueError, match=r"step is in \(0, 2\)"):
        plug_and_play(y, process, lambda v: v, step=2.0)
    with pytest.raises(ValueError, match="The denoiser returns finite images"):
        plug_and_play(y, process, lambda v: v[..., 1:])


class _Denoiser(nn.Module):
    def forward(self, x: Tensor, sigma: float) -> Tensor:
        return x / (1 + sigma)


@pytest.mark.parametrize(
    "denoiser, sentence",
    [
        (
            lambda v, sigma: v,
            r"denoiser takes images alone, but <lambda> takes \(v, sigma\).*lambda v: denoiser\(v, …\)",
        ),
        (_Denoiser(), r"denoiser takes images alone, but _Denoiser takes \(x.*, sigma"),
        (_Denoiser, r"denoiser is a function of images.* but got .*_Denoiser.* Make it: _Denoiser\(…\)"),
        ("TV", "denoiser is a function of images, or a torch.nn.Module, but got 'TV'"),
        (None, "denoiser is a function of images, or a torch.nn.Module, but got None"),
        (TV(0.1).prox, "prox gives images as a tensor, but gave a Solution"),
        (lambda v: v.numpy(), "gives images as a tensor, but gave a ndarray"),
    ],
)
def test_a_denoiser_of_another_signature_is_reported(denoiser: Any, sentence: str) -> None:
    process = Measurement(SCAN)
    with pytest.raises(TypeError, match=sentence):
        plug_and_play(process(disc()), process, denoiser)
