"""Centred k-space against NumPy's transforms, and the warning of a mask whose low frequencies are misplaced."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from tests.seeded import rng
from unseen import physics


def centred_transform(x: np.ndarray) -> np.ndarray:
    """Return the transform as fastMRI's `fft2c` and sigpy's `fft` have it."""
    axes = (-2, -1)
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(x, axes=axes), norm="ortho"), axes=axes)


@pytest.mark.parametrize("size", [(8, 6), (7, 9), (8, 5)])
@pytest.mark.parametrize("count", [None, 3])
def test_centred_operator_is_numpys_centred_transform(size: tuple[int, int], count: int | None) -> None:
    x = torch.randn(2, 1, *size, generator=rng(), dtype=torch.complex128)
    maps = None if count is None else torch.randn(count, *size, generator=rng(1), dtype=torch.complex128)
    mask = torch.rand(size, generator=rng(2)) < 0.6
    A = physics.FourierMask(mask, coils=maps, centred=True, rtol=0)
    y = A(x)
    expected = centred_transform(x.numpy() * (1 if maps is None else maps.numpy())) * mask.numpy()
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-12)
    assert torch.equal(A.mask[0, 0], mask)
    assert torch.equal(A.observed().mask[0, 0], mask)
    plain = physics.FourierMask(torch.fft.ifftshift(mask), coils=maps, rtol=0)
    torch.testing.assert_close(A.pinv(y), plain.pinv(plain(x)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("size", [(8, 6), (7, 9), (6, 5)])
def test_orders_convert_into_each_other(size: tuple[int, int]) -> None:
    x = np.random.default_rng(0).normal(size=(3, *size)) + 0j
    kspace = np.fft.fft2(x, norm="ortho")
    centred = physics.centre_kspace(kspace)
    np.testing.assert_allclose(centred, centred_transform(x), atol=1e-12)
    np.testing.assert_allclose(physics.uncentre_kspace(centred), kspace, atol=1e-12)
    assert physics.centre_kspace(torch.from_numpy(kspace).to(torch.complex64)).dtype == torch.complex64


MASKS = {
    "columns at ×4": lambda: physics.cartesian_sampling((48, 64), 4, generator=rng(3)),
    "columns at ×8": lambda: physics.cartesian_sampling(320, 8, centre_share=0.04, generator=rng()),
    "rows": lambda: physics.cartesian_sampling(64, 4, generator=rng(3)).T,
    "points": lambda: physics.random_sampling(63, 4, generator=rng()),
    "spokes": lambda: physics.radial_sampling(64, 16),
}


@pytest.mark.parametrize("kind", MASKS)
def test_mask_with_its_low_frequencies_at_the_wrong_place_is_reported(kind: str) -> None:
    mask = MASKS[kind]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        physics.FourierMask(mask)
        physics.FourierMask(torch.fft.fftshift(mask), centred=True)
        physics.FourierMask(torch.ones_like(mask))
        physics.FourierMask(torch.zeros_like(mask), centred=True)
    with pytest.warns(UserWarning, match=r"all frequencies around \[\d+, \d+\] .* Give centred=True if") as caught:
        physics.FourierMask(torch.fft.fftshift(mask))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"around \[0, 0\] and .* Give centred=False if"):
        physics.FourierMask(mask, centred=True)
