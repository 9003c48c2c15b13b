"""Scans of some of the views: equal to those views of the whole scan."""

from __future__ import annotations

import pytest
import torch

from unseen.physics import ConeBeam, Measurement, Tomography
from unseen.reconstruction.process_card import described, rebuilt

SCANS: dict[str, Tomography | ConeBeam] = {
    "parallel": Tomography(9, angles=12, channels=2),
    "disc": Tomography(8, angles=10, circle=True, pixel_size=0.5),
    "own angles": Tomography((6, 9), [0.1, 0.7, 1.9, 2.2, 3.0, 0.3], unit="radians", spacing=0.8, offset=0.4),
    "fan": Tomography(8, 10, source_distance=30.0, detector_distance=9.0, pixel_size=(1.0, 1.5), detectors=17),
    "computed in each call": Tomography(8, angles=10, memory_limit=0),
    "cone": ConeBeam((4, 6, 7), 9, source_distance=30.0, detector_distance=8.0, spacing=(1.2, 0.9), offset=(0.3, -0.6)),
}


@pytest.mark.parametrize("name", SCANS)
def test_views_measure_their_rows_of_the_sinogram(name: str) -> None:
    A = SCANS[name]
    x = torch.rand(2, *A.domain, generator=torch.Generator().manual_seed(0)).double()
    for chosen in ([3], [5, 0, 4], range(1, A.range[1], 2), torch.arange(A.range[1]).flip(0)):
        part, index = A.views(chosen), torch.as_tensor(list(chosen))
        y = A(x)[:, :, index]
        assert part.range == y.shape[1:] and torch.equal(part.angles, A.angles[index])
        assert torch.allclose(part(x), y, atol=1e-12)
        alone = torch.zeros(2, *A.range, dtype=torch.float64)
        alone[:, :, index] = y
        assert torch.allclose(part.adjoint(y), A.adjoint(alone), atol=1e-11)
    again = A.views(range(0, A.range[1], 2)).views([2, 1])
    assert torch.allclose(again(x), A(x)[:, :, [4, 2]], atol=1e-12)


@pytest.mark.parametrize("name", SCANS)
def test_views_are_rebuilt_from_their_card(name: str) -> None:
    part = SCANS[name].views([4, 1])
    card, tensors = described(Measurement(part))
    x = torch.rand(1, *part.domain)
    assert torch.equal(rebuilt(card, tensors).A(x), part(x))


def test_parts_keep_their_weights_if_the_whole_keeps_them() -> None:
    whole = Tomography(512, angles=360)
    part = whole.views(range(3, 360, 12))  # without a symmetry, so each weight is kept
    assert whole._held_bytes(4, torch.float32) <= whole.memory_limit
    assert part._held_bytes(4, torch.float32) <= part.memory_limit
    assert 12 * part.memory_limit <= 4 * whole.memory_limit


def test_indices_that_are_no_views_are_refused() -> None:
    for indices in ([], [10], [-1], [0.5], [[0, 1]], [True] * 10):
        with pytest.raises(ValueError, match="indices are whole numbers from 0 to 9, at least one, but got"):
            SCANS["disc"].views(indices)  # type: ignore[arg-type]
