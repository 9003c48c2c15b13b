"""Scanner geometry of `Tomography`: against closed forms, against ASTRA, and its filtered backprojection."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from tests.physics.analytic_scans import Ellipsoid, elements
from tests.seeded import rng
from unseen.physics import ConeBeam, Tomography
from unseen.physics.redundancy import redundancy_weights
from unseen.physics.scan_geometry import ScanGeometry

PEERS = Path(__file__).parents[2] / ".venv-peers" / "bin" / "python"
ELLIPSE = Ellipsoid((20.0, 12.0), (5.0, -4.0))
FAN = {"source_distance": 120.0, "detector_distance": 60.0}
PARALLEL: dict[str, float] = {}
OFFSET = 2.3


def scan(height: int, beam: dict[str, float], angles: Any, **options: Any) -> tuple[Tomography, Tensor, Tensor]:
    """Return a scan of 64 by 72 mm with pixels that are not square, the ellipse's pixels, and its exact sinogram."""
    shape, pixel = (height, 3 * height // 2), (64 / height, 48 / height)
    magnification = 1.5 if beam else 1.0
    settings = {"detectors": 3 * height, "spacing": magnification * 48 / height, "offset": OFFSET, **options}
    A = Tomography(shape, angles, pixel_size=pixel, **beam, **settings)
    columns = elements(settings["detectors"], settings["spacing"], settings["offset"])
    return A, ELLIPSE.pixels(shape, pixel), ELLIPSE.chords(A.angles, columns, **beam)  # type: ignore[arg-type]


def away_from_edges(x: Tensor) -> tuple[Tensor, Tensor]:
    """Masks of the pixels well inside and well outside."""
    return avg_pool2d(x, 9, stride=1, padding=4) > 0.999, max_pool2d(x, 9, stride=1, padding=4) == 0


@pytest.mark.parametrize("beam", [PARALLEL, FAN], ids=["parallel", "fan"])
def test_rays_of_a_scanner_against_their_closed_form(beam: dict[str, float]) -> None:
    errors = []
    for height in (32, 64, 128):
        A, x, exact = scan(height, beam, torch.arange(0, 360, 10.0))
        errors.append(float((A(x) - exact).square().mean().sqrt() / exact.max()))
    assert errors[0] < 0.01  # of the peak
    assert errors[-1] < 0.003
    assert all(finer < 0.6 * coarser for coarser, finer in pairwise(errors))


@pytest.mark.parametrize("memory_limit", [1e9, 0])
@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((9, 14), {"detectors": 17, "spacing": 0.8, "offset": -1.1}),
        ((14, 9), {"pixel_size": (0.5, 0.7), "source_distance": 11.0, "detector_distance": 3.0}),
        (11, {"circle": True, "source_distance": 20.0, "detectors": 9}),
        (12, {"circle": True, "spacing": 0.9}),
        (13, {}),
    ],
)
def test_adjoint_is_the_transpose(size: Any, options: dict[str, Any], memory_limit: float) -> None:
    views = torch.arange(7, dtype=torch.float64) * (360 / 7)
    A = Tomography(size, views, channels=2, memory_limit=memory_limit, **options)
    x = torch.randn(2, *A.domain, generator=rng(), dtype=torch.float64)
    y = torch.randn(2, *A.range, generator=rng(1), dtype=torch.float64)
    gap = (A(x) * y).sum() - (x * A.adjoint(y)).sum()
    assert abs(float(gap)) < 1e-14 * float(A(x).norm() * y.norm())
    same = Tomography(size, views, channels=2, **options)
    torch.testing.assert_close(A(x), same(x), rtol=0, atol=1e-12)
    torch.testing.assert_close(A.adjoint(y), same.adjoint(y), rtol=0, atol=1e-12)
    torch.testing.assert_close(A.fbp(y), same.fbp(y), rtol=0, atol=1e-12)


def test_a_distant_source_is_a_parallel_beam() -> None:
    x = torch.randn(1, 1, 16, 12, generator=rng(), dtype=torch.float64)
    settings: dict[str, Any] = {"detectors": 21, "spacing": 0.9, "offset": 0.4}
    angles = torch.arange(0, 360, 17.0)
    fan = Tomography((16, 12), angles, source_distance=1e9, **settings)
    torch.testing.assert_close(fan(x), Tomography((16, 12), angles, **settings)(x), rtol=0, atol=1e-5)


def test_an_offset_of_whole_elements_moves_the_sinogram() -> None:
    x = torch.randn(1, 1, 12, 12, generator=rng(), dtype=torch.float64)
    still = Tomography(12, 9, detectors=30)(x)
    moved = Tomography(12, 9, detectors=30, offset=3.0)(x)
    torch.testing.assert_close(moved[..., :-3], still[..., 3:], rtol=0, atol=1e-12)


def test_a_rectangle_is_the_square_around_it() -> None:
    x = torch.randn(1, 1, 10, 16, generator=rng(), dtype=torch.float64)
    square = torch.nn.functional.pad(x, (0, 0, 3, 3))
    wide = Tomography((10, 16), 11, detectors=23)
    torch.testing.assert_close(wide(x), Tomography(16, 11)(square), rtol=0, atol=1e-12)


def test_the_unit_of_length_scales_all_lengths() -> None:
    x = torch.rand(1, 1, 8, 10, generator=rng(), dtype=torch.float64)
    A = Tomography((8, 10), 40, source_distance=20.0, detector_distance=5.0, spacing=1.1, offset=0.3)
    B = Tomography((8, 10), 40, pixel_size=0.1, source_distance=2.0, detector_distance=0.5, spacing=0.11, offset=0.03)
    assert A.range == B.range
    torch.testing.assert_close(B(x), 0.1 * A(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(B.fbp(B(x)), A.fbp(A(x)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("beam", [PARALLEL, FAN], ids=["parallel", "fan"])
def test_the_detectors_of_the_default_see_all_of_the_image(beam: dict[str, float]) -> None:
    A = Tomography((20, 30), 24, **beam)  # type: ignore[arg-type]
    wider = Tomography((20, 30), 24, detectors=A.range[-1] + 2, **beam)  # type: ignore[arg-type]
    x = torch.rand(1, 1, 20, 30, generator=rng(), dtype=torch.float64)
    torch.testing.assert_close(wider(x)[..., 1:-1], A(x))
    narrower = Tomography((20, 30), 24, detectors=A.range[-1] - 4, **beam)  # type: ignore[arg-type]
    assert float(wider(x).sum()) - float(A(x).sum()) < 0.2 * (float(A(x).sum()) - float(narrower(x).sum()))


@pytest.mark.parametrize("beam", [pytest.param(PARALLEL, marks=pytest.mark.nightly), FAN], ids=["parallel", "fan"])
def test_fbp_of_a_full_circle_is_the_image(beam: dict[str, float]) -> None:
    A, x, exact = scan(64, beam, torch.arange(0, 360, 1.0))
    inside, outside = away_from_edges(x)
    seen = A.fbp(exact)
    assert float((seen - 1)[inside].abs().max()) < 0.005
    assert float(seen[outside].square().mean().sqrt()) < 0.015
    assert float((A.fbp(A(x)) - x).square().mean().sqrt()) < 0.05


@pytest.mark.parametrize(
    "arc", [pytest.param(230, marks=pytest.mark.nightly), 270, pytest.param(330, marks=pytest.mark.nightly)]
)
@pytest.mark.parametrize("begin", [0, 305])
def test_fbp_of_a_short_scan_has_parkers_weights(arc: int, begin: int) -> None:
    A, x, exact = scan(64, FAN, begin + torch.arange(0, arc, 1.0))
    inside, outside = away_from_edges(x)
    seen = A.fbp(exact)
    assert float((seen - 1)[inside].abs().max()) < 0.01
    assert float(seen[outside].square().mean().sqrt()) < 0.015


@pytest.mark.parametrize(
    ("beam", "offset"),
    [
        (FAN, 20.0),
        pytest.param(FAN, -30.0, marks=pytest.mark.nightly),
        pytest.param(PARALLEL, 20.0, marks=pytest.mark.nightly),
        (PARALLEL, -18.0),
    ],
)
def test_fbp_of_a_detector_that_sees_one_side(beam: dict[str, float], offset: float) -> None:
    width = 92 if beam else 64  # mm
    A, x, exact = scan(64, beam, torch.arange(0, 360, 1.0), detectors=width * 64 // (72 if beam else 48), offset=offset)
    assert float(exact[..., 0].max() if offset > 0 else exact[..., -1].max()) > 20  # rays end within the ellipse
    inside, outside = away_from_edges(x)
    seen = A.fbp(exact)
    assert float((seen - 1)[inside].abs().max()) < 0.01
    assert float(seen[outside].square().mean().sqrt()) < 0.015


@pytest.mark.parametrize("angles", [torch.arange(0, 360, 2.0), torch.arange(30, 262, 2.0)], ids=["full", "short"])
def test_weights_of_a_line_seen_twice_add_to_one(angles: Tensor) -> None:
    geometry = ScanGeometry((40, 40), (1.0, 1.0), angles.double(), (81,), (1.0,), (0.0,), 90.0, 0.0)
    weights = redundancy_weights(geometry)
    fan = (elements(81, 1.0, 0.0) / 90).atan().rad2deg()
    for column in range(15, 66, 5):
        other = (angles + 180 - 2 * float(fan[column]) - float(angles[0])).remainder(360) + float(angles[0])
        measured = other <= float(angles[-1]) + 2
        there = torch.from_numpy(
            np.interp(
                other.numpy(), [*angles, float(angles[-1]) + 2], [*weights[:, 80 - column], weights[0, 80 - column]]
            )
        )
        total = weights[:, column] + torch.where(measured, there, 0.0)
        assert float((total - 1).abs().max()) < 0.03  # interpolated between views


def test_a_fan_that_measures_too_little_is_refused_by_fbp_alone() -> None:
    A = Tomography(32, torch.arange(0, 180, 3.0), source_distance=60.0)
    y = A(torch.rand(1, 1, 32, 32, generator=rng()))
    with pytest.raises(ValueError, match=r"views over 180° and the fan angle, here 2\d\d\.\d°, but they cover 180\.0°"):
        A.fbp(y)
    assert A.pinv(y).isfinite().all()
    one_side = Tomography(32, torch.arange(0, 240, 3.0), source_distance=60.0, detectors=24, offset=9.0)
    with pytest.raises(ValueError, match=r"shows one side of the image only .* needs views over 360°, but .* 240\.0°"):
        one_side.fbp(torch.zeros(1, *one_side.range))
    no_axis = Tomography(32, 90, source_distance=60.0, detectors=10, offset=12.0)
    with pytest.raises(ValueError, match="without the axis of rotation"):
        no_axis.fbp(torch.zeros(1, *no_axis.range))


@pytest.mark.parametrize(
    ("beam", "arc"), [pytest.param(PARALLEL, 180, marks=pytest.mark.nightly), (FAN, 240)], ids=["parallel", "fan"]
)
def test_an_offset_that_misses_corners_alone_is_reconstructed(beam: dict[str, float], arc: int) -> None:
    A, x, exact = scan(64, beam, torch.arange(0, arc, 1.0), detectors=100)  # 75 mm at the axis, 2.3 mm off
    inside, _ = away_from_edges(x)
    assert float((A.fbp(exact) - 1)[inside].abs().max()) < 0.01


def test_pinv_of_a_fan_beam() -> None:
    A = Tomography((20, 24), 60, source_distance=40.0, detectors=60, spacing=0.9)
    x = avg_pool2d(torch.rand(1, 1, 20, 24, generator=rng()), 3, stride=1, padding=1)
    y = A(x)
    assert float((y - A(A.pinv(y))).norm() / y.norm()) < 1e-3


def test_angles_in_radians_by_name_and_a_warning_where_they_look_so() -> None:
    degrees = torch.arange(0, 180, 10.0, dtype=torch.float64)
    x = torch.rand(1, 1, 8, 8, generator=rng(), dtype=torch.float64)
    radians = Tomography(8, degrees.deg2rad(), unit="radians")
    torch.testing.assert_close(radians(x), Tomography(8, degrees)(x))
    with pytest.warns(UserWarning, match=r'All 18 angles are within 2π .* 0° to 2\.97°\. Give unit="radians"'):
        Tomography(8, degrees.deg2rad())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Tomography(8, degrees.deg2rad(), unit="degrees")
        Tomography(8, [0.0, 1.0, 2.0])
        Tomography(8, 50)
    with pytest.raises(ValueError, match="unit is degrees or radians, but got 'grad'"):
        Tomography(8, 5, unit="grad")  # type: ignore[arg-type]


def test_scanners_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="beyond the image's corners at 5, but got 4"):
        Tomography((6, 8), 9, source_distance=4)
    with pytest.raises(ValueError, match="axis of rotation to the detector, 0 or more, but got -1"):
        Tomography(8, 9, source_distance=20, detector_distance=-1)
    with pytest.raises(
        ValueError, match=r"detector_distance=5 has no meaning for a parallel beam[.] Give source_distance"
    ):
        Tomography(8, 9, detector_distance=5)
    with pytest.raises(ValueError, match="Curved detectors are not supported: interpolate"):
        Tomography(8, 9, source_distance=20, detector_shape="curved")
    with pytest.raises(ValueError, match="spacing is a finite number above 0, but got 0"):
        Tomography(8, 9, spacing=0)
    with pytest.raises(ValueError, match="offset is a finite number, but got inf"):
        Tomography(8, 9, offset=math.inf)
    with pytest.raises(ValueError, match=r"detectors is a whole number above 0, but got 2[.]5"):
        Tomography(8, 9, detectors=2.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"inscribed disc of a square, but got size=\(6, 8\)"):
        Tomography((6, 8), 9, circle=True)
    with pytest.raises(
        ValueError, match=r"pixel_size is a finite number above 0, or one per axis, but got \(1, 2, 3\)"
    ):
        Tomography(8, 9, pixel_size=(1, 2, 3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="memory_limit is a number of bytes from 0 up, but got -1"):
        Tomography(8, 9, memory_limit=-1)


def test_a_pickle_of_a_scanner_holds_no_matrix() -> None:
    A, x, exact = scan(64, FAN, 60)
    y = A(x)
    A.fbp(exact)
    copy = pickle.loads(pickle.dumps(A))
    assert len(pickle.dumps(A)) < 200_000
    assert torch.equal(copy(x), y)


@pytest.mark.nightly
@pytest.mark.parametrize("beam", [PARALLEL, {"source_distance": 2000.0}], ids=["parallel", "fan"])
def test_a_large_scan_takes_less_than_a_gigabyte(beam: dict[str, float]) -> None:
    script = f"""
import re, torch
from unseen.physics import ConeBeam, Tomography
A = Tomography(1024, 720, **{beam})
y = A(torch.ones(1, 1, 1024, 1024))
A.adjoint(y)
A.fbp(y)
print(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
"""
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, timeout=1200)
    assert int(shown.stdout) * 1024 < 1e9


@pytest.mark.nightly
def test_astra_sees_the_same_sinograms(tmp_path: Path) -> None:
    assert PEERS.exists(), "ASTRA is missing: run make peers."
    x = avg_pool2d(Ellipsoid((14.0, 9.0), (3.0, -4.0)).pixels((48, 64), (1.0, 1.0)), 3, stride=1, padding=1)
    degrees = np.arange(0, 360, 7.0)
    beam = {"source_distance": 90.0, "detector_distance": 40.0}
    detector: dict[str, Any] = {"detectors": 90, "spacing": 1.3, "offset": 2.1}
    np.savez(tmp_path / "in.npz", image=x[0, 0].numpy().astype(np.float32), degrees=degrees, **beam, **detector)
    script = Path(__file__).with_name("astra_sinograms.py")
    subprocess.run([PEERS, script, tmp_path / "in.npz", tmp_path / "out.npz"], check=True, timeout=300)
    theirs = np.load(tmp_path / "out.npz")
    angles = torch.from_numpy(degrees)
    for name, options, bound in (("parallel", {}, 5e-5), ("fan", beam, 0.01)):
        # Parallel: the same rule, in single precision. Fan: theirs on the CPU weighs by the length in each pixel.
        seen = Tomography((48, 64), angles, **detector, **options)(x)[0, 0].numpy()
        peak = theirs[name].max()
        assert np.sqrt(((seen - theirs[name]) ** 2).mean()) < bound * peak, name


@pytest.mark.parametrize(
    "make", [lambda angles: Tomography(8, angles), lambda angles: ConeBeam(4, angles, source_distance=40.0)]
)
def test_the_warning_of_radians_names_the_callers_line(make: Any) -> None:
    with pytest.warns(UserWarning, match="within 2π") as caught:
        make(torch.linspace(0, 3, 9))
    assert caught[0].filename == __file__


def test_numbers_of_a_numpy_file_are_taken(tmp_path: Path) -> None:
    np.savez(tmp_path / "scan.npz", degrees=np.arange(0, 360, 10.0), spacing=1.2, offset=2.0)
    scan = np.load(tmp_path / "scan.npz")
    given = {name: scan[name] for name in ("spacing", "offset")}
    plain = Tomography(16, list(range(0, 360, 10)), spacing=1.2, offset=2.0, detectors=30)
    A = Tomography(np.int64(16), scan["degrees"], pixel_size=np.float32(1), detectors=np.int64(30), **given)
    x = torch.rand(1, 1, 16, 16)
    torch.testing.assert_close(A(x), plain(x))
    assert str(A) == str(plain) == "Tomography((1, 16, 16) -> (1, 36, 30))"
    cone = ConeBeam(np.int64(8), np.int64(12), source_distance=np.float64(60), detectors=np.int64(12), **given)
    assert cone.range == (12, 12, 12)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: ConeBeam(8, 4, source_distance=None), "source_distance is the distance"),
        (lambda: ConeBeam(8, 4, source_distance="a"), "source_distance is the distance"),
        (lambda: Tomography(8, 4, spacing="1"), "spacing is a finite number above 0"),
        (lambda: Tomography(8, 4, pixel_size=None), "pixel_size is a finite number above 0"),
        (lambda: Tomography(8, 4, detectors=2.5), r"detectors is a whole number above 0, but got 2\.5"),
        (lambda: Tomography(8.0, 4), "size is one whole number above 0"),
    ],
)
def test_what_is_no_number_is_refused_by_name(make: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("angles", [[30.0], [0.0, 1.0], [0.0, 10.0, 20.0]])
def test_a_few_neighbouring_views_of_a_fan_are_no_circle(angles: list[float]) -> None:
    A = Tomography(16, angles, source_distance=60.0, detector_distance=20.0)
    with pytest.raises(ValueError, match="needs views over 180° and the fan angle"):
        A.fbp(torch.zeros(1, *A.range))


def test_a_parallel_detector_that_sees_one_side_needs_views_over_a_circle() -> None:
    half = Tomography(64, torch.arange(0, 180, 2.0), detectors=84, spacing=0.5, offset=18.0, unit="degrees")
    with pytest.raises(ValueError, match=r"from -3 to 39, so it shows one side .* views over 360°, but they cover 180"):
        half.fbp(torch.zeros(1, *half.range))


@pytest.mark.parametrize(("side", "views"), [(33, 7), (64, 45), (97, 60), (128, 91)])
def test_stored_weights_of_a_square_take_no_more_than_is_reckoned(side: int, views: int) -> None:
    A = Tomography(side, views)
    projector = A._folded(torch.zeros(1, 1, side, side), interpolated=False)
    assert projector is not None
    matrices = [*projector._matrix, projector._transpose]
    stored = sum(one.values().nbytes + one.col_indices().nbytes for one in matrices)
    assert stored <= A._held_bytes(4, torch.float32) <= 2 * stored


def test_360_views_of_512_by_512_pixels_fit_in_the_default_limit() -> None:
    A = Tomography(512, 360)
    assert A._held_bytes(4, torch.float32) <= A.memory_limit
