"""Sensitivity maps from k-space against the coils that it was simulated with."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from unseen import physics
from unseen.physics.eigenvector_coil_maps import sensitivity_eigenvectors

HEIGHT, WIDTH = 64, 60


def head() -> tuple[Tensor, Tensor]:
    """Return an ellipse with a lesion and a phase, (1, 1, height, width), and where it is."""
    down, right = torch.linspace(-1, 1, HEIGHT)[:, None], torch.linspace(-1, 1, WIDTH)[None, :]
    inside = (down / 0.8) ** 2 + (right / 0.7) ** 2 < 1
    lesion = (down - 0.2) ** 2 + (right + 0.1) ** 2 < 0.04
    image = (inside + 0.5 * lesion) * torch.exp(1j * (0.5 + down * right))
    return image.to(torch.complex64)[None, None], inside


def scan(mask: Tensor, *, coils: int = 6, sigma: float = 0.0) -> tuple[Tensor, Tensor]:
    """Return centred k-space (coils, height, width), and the coils."""
    true = physics.simulated_coils((HEIGHT, WIDTH), coils=coils)
    A = physics.FourierMask(mask, coils=true, centred=True)
    noise = torch.randn(A.range, generator=torch.Generator().manual_seed(0), dtype=torch.complex64)
    return (A(head()[0]) + sigma * A.observed()(noise[None]))[0], true


def masks() -> dict[str, Tensor]:
    everything, lines = torch.ones(HEIGHT, WIDTH), torch.zeros(HEIGHT, WIDTH)
    lines[:, WIDTH // 2 - 10 : WIDTH // 2 + 10] = lines[:, ::4] = 1
    rows = torch.zeros(HEIGHT, WIDTH)
    rows[HEIGHT // 2 - 10 : HEIGHT // 2 + 10] = rows[::4] = 1
    return {"everything": everything, "columns": lines, "rows": rows}


def likeness(maps: Tensor, true: Tensor) -> Tensor:
    """|⟨ŝ, s⟩|: 1 where the maps are equal up to phase."""
    return (maps.conj() * true).sum(0).abs()


@pytest.mark.parametrize("kind", masks())
def test_espirit_finds_the_coils_up_to_phase(kind: str) -> None:
    kspace, true = scan(masks()[kind])
    inside = head()[1]
    found = likeness(physics.espirit(kspace, centred=True), true)
    assert found[inside].min() > 1 - 2e-3
    values, vectors = sensitivity_eigenvectors(kspace, calibration=24, kernel=6, threshold=0.02)
    assert values.max() < 1 + 1e-3
    assert (values[inside] - 1).abs().max() < 0.02
    torch.testing.assert_close(vectors.abs().square().sum(0), torch.ones(HEIGHT, WIDTH))


def test_espirit_maps_are_zero_outside_the_object_and_smooth_in_phase_inside() -> None:
    kspace, true = scan(masks()["columns"], sigma=1e-3)
    maps, inside = physics.espirit(kspace, centred=True), head()[1]
    far = torch.zeros(HEIGHT, WIDTH, dtype=torch.bool)
    far[:2, :2] = far[-2:, -2:] = True
    assert not maps[:, far].any()
    assert likeness(maps, true)[inside].min() > 1 - 5e-3
    turned = torch.sgn((maps.conj() * true).sum(0))
    assert (turned[:, 1:] - turned[:, :-1]).abs()[inside[:, 1:] & inside[:, :-1]].max() < 0.3
    assert (turned[1:] - turned[:-1]).abs()[inside[1:] & inside[:-1]].max() < 0.3


def test_image_by_espirit_is_the_object() -> None:
    kspace, _ = scan(masks()["everything"])
    A = physics.FourierMask(masks()["everything"], coils=physics.espirit(kspace, centred=True), centred=True)
    image, _ = head()
    assert (A.pinv(kspace[None]).abs() - image.abs()).abs().max() < 0.01 * image.abs().max()


def test_low_resolution_maps_are_close_inside() -> None:
    kspace, true = scan(masks()["columns"])
    maps = physics.low_resolution_coils(kspace, centred=True)
    assert likeness(maps, true)[head()[1]].min() > 0.97
    torch.testing.assert_close(maps.abs().square().sum(0), torch.ones(HEIGHT, WIDTH))


@pytest.mark.parametrize("method", ["espirit", "low_resolution_coils"])
def test_both_orders_and_arrays_give_the_same_maps_for_each_slice(method: str) -> None:
    calibrate = getattr(physics, method)
    kspace, _ = scan(masks()["columns"], coils=3, sigma=1e-2)
    batch = torch.stack([kspace, kspace.flip(0)])
    maps = calibrate(batch, centred=True)
    torch.testing.assert_close(maps[0], calibrate(kspace, centred=True))
    torch.testing.assert_close(calibrate(physics.uncentre_kspace(kspace)), maps[0], rtol=0, atol=2e-3)
    array = calibrate(batch.numpy(), centred=True)
    assert isinstance(array, np.ndarray) and array.dtype == np.complex64
    np.testing.assert_allclose(array, maps.numpy(), atol=1e-5)


def test_rss_is_the_image_where_the_coils_are_normalised() -> None:
    kspace, _ = scan(masks()["everything"])
    image = head()[0].abs()
    torch.testing.assert_close(physics.rss(kspace[None], centred=True), image, rtol=0, atol=1e-5)
    torch.testing.assert_close(physics.rss(physics.uncentre_kspace(kspace)[None]), image, rtol=0, atol=1e-5)
    half = physics.rss(kspace[None].to(torch.complex32), centred=True)
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), image, rtol=0, atol=5e-3)


@pytest.mark.parametrize("method", ["espirit", "low_resolution_coils"])
def test_a_wrong_order_or_shape_is_reported(method: str) -> None:
    calibrate = getattr(physics, method)
    kspace, _ = scan(masks()["columns"])
    with pytest.raises(ValueError, match=r"at least \d complete lines around the zero frequency.*Check centred"):
        calibrate(kspace)
    with pytest.raises(ValueError, match=r"K-space is complex, \(coils, height, width\).*but got torch.float32"):
        calibrate(kspace.abs())
    with pytest.raises(ValueError, match="calibration is a whole number"):
        calibrate(kspace, calibration=0, centred=True)
    with pytest.raises(ValueError, match=r"\(batch, coils, height, width\), but got torch.complex64 of shape \(6, 64"):
        physics.rss(kspace)
