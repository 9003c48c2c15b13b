"""Cone beam: rays against closed forms and a fan beam, the adjoint, and Feldkamp's method."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool3d, max_pool3d

from tests.physics.analytic_scans import Ellipsoid, elements
from tests.seeded import rng
from unseen.physics import ConeBeam, Tomography

ELLIPSOID = Ellipsoid((20.0, 12.0, 10.0), (5.0, -4.0, 2.0))
DISTANCES = {"source_distance": 150.0, "detector_distance": 75.0}


def scan(height: int, angles: Tensor) -> tuple[ConeBeam, Tensor, Tensor]:
    """Return a scan with an offset detector, the ellipsoid's voxels (no cubes), and its exact line integrals."""
    shape, voxel = (height // 2 + 2, height, 3 * height // 2), (64 / height, 64 / height, 48 / height)
    detectors, spacing, offset = (8 * height // 5, 3 * height), (96 / height, 72 / height), (1.0, 2.3)
    A = ConeBeam(shape, angles, pixel_size=voxel, detectors=detectors, spacing=spacing, offset=offset, **DISTANCES)
    rows, columns = (elements(*each) for each in zip(detectors, spacing, offset, strict=True))
    return A, ELLIPSOID.pixels(shape, voxel, samples=4), ELLIPSOID.chords(A.angles, columns, rows, **DISTANCES)


def test_rays_of_a_cone_against_their_closed_form() -> None:
    errors = []
    for height in (12, 24, 48):
        A, x, exact = scan(height, torch.arange(0, 360, 45.0))
        errors.append(float((A(x) - exact).square().mean().sqrt() / exact.max()))
    assert errors[-1] < 0.006  # of the peak
    assert all(finer < 0.6 * coarser for coarser, finer in pairwise(errors))


@pytest.mark.parametrize("memory_limit", [1e9, 0])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"detectors": (6, 11), "spacing": (1.5, 0.8), "offset": (0.3, -1.1), "pixel_size": (0.5, 1.0, 0.8)},
        {"pixel_size": (0.1, 1.0, 1.0), "detectors": (5, 12), "spacing": 2.0},  # rays cross slices fastest
    ],
)
def test_adjoint_is_the_transpose(options: dict[str, Any], memory_limit: float) -> None:
    distances = {"source_distance": 14.0, "detector_distance": 5.0}
    A = ConeBeam((5, 8, 7), 9, memory_limit=memory_limit, **distances, **options)
    x = torch.randn(2, *A.domain, generator=rng(), dtype=torch.float64)
    y = torch.randn(2, *A.range, generator=rng(1), dtype=torch.float64)
    gap = (A(x) * y).sum() - (x * A.adjoint(y)).sum()
    assert abs(float(gap)) < 1e-14 * float(A(x).norm() * y.norm())
    same = ConeBeam((5, 8, 7), 9, **distances, **options)
    torch.testing.assert_close(A(x), same(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(A.adjoint(y), same.adjoint(y), rtol=0, atol=1e-12)


def test_the_middle_row_is_a_fan_beam() -> None:
    distances = {"source_distance": 30.0, "detector_distance": 10.0}
    settings: dict[str, Any] = {"offset": 0.4, **distances}
    A = ConeBeam((3, 12, 10), 30, detectors=(3, 25), spacing=(1.0, 0.9), **settings)
    fan = Tomography((12, 10), 30, detectors=25, spacing=0.9, **settings)
    x = torch.randn(2, *A.domain, generator=rng(), dtype=torch.float64)
    y = A(x)
    torch.testing.assert_close(y[:, 1:2], fan(x[:, 1:2]), rtol=0, atol=1e-12)
    torch.testing.assert_close(A.fbp(y)[:, 1:2], fan.fbp(y[:, 1:2]), rtol=0, atol=1e-12)


@pytest.mark.parametrize("angles", [torch.arange(0, 360, 4.0), torch.arange(20, 250, 3.0)], ids=["full", "short"])
def test_fdk_is_the_volume_near_the_plane_of_the_source(angles: Tensor) -> None:
    A, x, exact = scan(32, angles)
    inside, outside = avg_pool3d(x, 5, stride=1, padding=2) > 0.999, max_pool3d(x, 5, stride=1, padding=2) == 0
    seen = A.fbp(exact)
    middle = A.domain[0] // 2
    assert int(inside[0, middle].sum()) > 20
    assert float((seen - 1)[0, middle][inside[0, middle]].abs().max()) < 0.01
    assert float((seen - 1)[inside].abs().max()) < 0.02
    assert float(seen[outside].square().mean().sqrt()) < 0.03


def test_the_detectors_of_the_default_see_all_of_the_volume() -> None:
    distances = {"source_distance": 30.0, "detector_distance": 10.0}
    A = ConeBeam((6, 8, 10), 12, **distances)
    rows, _, columns = A.range
    wider = ConeBeam((6, 8, 10), 12, detectors=(rows + 2, columns + 2), **distances)
    y = wider(torch.ones(1, *A.domain, dtype=torch.float64))
    torch.testing.assert_close(y[:, 1:-1, :, 1:-1], A(torch.ones(1, *A.domain, dtype=torch.float64)))
    assert float(y.sum() - y[:, 1:-1, :, 1:-1].sum()) < 0.01 * float(y.sum())


def test_cones_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Helical scans are not supported: rebin"):
        ConeBeam(8, 9, source_distance=20.0, pitch=1.0)
    with pytest.raises(ValueError, match=r"Curved detectors are not supported: interpolate"):
        ConeBeam(8, 9, source_distance=20.0, detector_shape="curved")
    with pytest.raises(ValueError, match=r"\(slices, height, width\), but got \(8, 8\)"):
        ConeBeam((8, 8), 9, source_distance=20.0)  # type: ignore[arg-type]
    with pytest.raises(
        ValueError, match=r"detectors is a whole number above 0, or \(rows, columns\), but got \(1, 2, 3\)"
    ):
        ConeBeam(8, 9, source_distance=20.0, detectors=(1, 2, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"beyond the image's corners at 5, but got 5"):
        ConeBeam((4, 6, 8), 9, source_distance=5.0)
    with pytest.raises(ValueError, match=r"spacing is a finite number above 0, or one per axis, but got \(1.0, 0.0\)"):
        ConeBeam(8, 9, source_distance=20.0, spacing=(1.0, 0.0))
    short = ConeBeam(8, torch.arange(0, 150, 5.0), source_distance=20.0)
    with pytest.raises(ValueError, match=r"fan or cone beam needs views over 180° and the fan angle"):
        short.fbp(torch.zeros(1, *short.range))
