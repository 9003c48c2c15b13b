"""Low-resolution sensitivity maps from k-space, without a reference scan."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.argument_checks import is_count
from unseen.physics.kspace_order import centre_kspace
from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.tensor_products import describe

LEAST = 4  # samples per side of a calibration region


@arrays_too
def low_resolution_coils(kspace: Tensor, *, calibration: int = 24, centred: bool = False) -> Tensor:
    """Return sensitivity maps from the low frequencies: each coil's low-resolution image over their RSS.

    The calibration region is weighted by a Hann window against ringing. The maps contain the low-resolution phase of
    the image, and Σ_c |s_c|² = 1. `espirit` is more exact at edges and where there is little signal.

    Args:
        kspace: (coils, height, width), or (batch, coils, height, width) for maps of each slice's own; complex, zero
            where nothing was measured. A NumPy array too, and an array comes back.
        calibration: the most samples per side of the region around the zero frequency; fewer are taken where fewer
            are complete.
        centred: the order of k-space, as for `FourierMask`.

    Returns:
        Maps of the shape of kspace; zero where all coils are.

    Raises:
        ValueError: kspace has another shape, is not complex, or fewer than 4 lines around the zero frequency are
            complete.

    Example:
        >>> from unseen.physics import FourierMask, simulated_coils
        >>> true = simulated_coils(16, coils=4)
        >>> y = FourierMask(torch.ones(16, 16), coils=true)(torch.ones(1, 1, 16, 16) + 0j)
        >>> maps = low_resolution_coils(y[0])
        >>> maps.shape, bool((maps.abs().square().sum(0) - 1).abs().max() < 1e-5)
        (torch.Size([4, 16, 16]), True)

    Source: McKenzie, Yeh, Ohliger, Price & Sodickson, Self-calibrating parallel imaging with automatic coil
    sensitivity extraction, Magn. Reson. Med. 47 (2002) 529–538.
    """
    return torch.stack([_low_resolution(one, calibration) for one in centred_slices(kspace, centred)]).reshape(
        kspace.shape
    )


def _low_resolution(kspace: Tensor, calibration: int) -> Tensor:
    region = calibration_region(kspace, calibration)
    for axis in (-2, -1):
        window = torch.hann_window(region.shape[axis] + 2, periodic=False, dtype=region.real.dtype)[1:-1]
        region = region * (window[:, None] if axis == -2 else window).to(region.device)
    padded = torch.zeros_like(kspace)
    rows, columns = (_middle(whole, part) for whole, part in zip(kspace.shape[1:], region.shape[1:], strict=True))
    padded[:, rows, columns] = region
    images = torch.fft.fftshift(torch.fft.ifft2(torch.fft.ifftshift(padded, dim=(-2, -1))), dim=(-2, -1))
    together = images.abs().square().sum(dim=0).sqrt()
    return torch.where(together > 0, images / together.clamp(min=torch.finfo(together.dtype).tiny), 0)


def centred_slices(kspace: Tensor, centred: bool) -> Tensor:
    """Return k-space as (batch, coils, height, width) in centred order.

    Raises:
        ValueError: it has another number of axes, or is not complex.
    """
    if kspace.ndim not in (3, 4) or not kspace.is_complex():
        raise ValueError(
            f"K-space is complex, (coils, height, width) or (batch, coils, height, width), but got {kspace.dtype} of "
            f"shape {describe(tuple(kspace.shape))}."
        )
    kspace = kspace.detach().reshape(-1, *kspace.shape[-3:])
    return kspace if centred else centre_kspace(kspace)


def calibration_region(kspace: Tensor, calibration: int, *, least: int = LEAST) -> Tensor:
    """Return the complete samples around the zero frequency.

    Args:
        kspace: (coils, height, width), in centred order, zero where nothing was measured.
        calibration: the most samples per side.
        least: the fewest samples per side.

    Returns:
        (coils, rows, columns), at most calibration per side: all lines that are complete next to one another, or the
        largest complete square.

    Raises:
        ValueError: fewer than `least` are complete per side, or calibration is no whole number above 0.
    """
    if not is_count(calibration):
        raise ValueError(f"calibration is a whole number of samples per side, but got {calibration}.")
    for side in range(calibration, least - 1, -1):
        rows, columns = (_middle(n, min(side, n)) for n in kspace.shape[1:])
        block = kspace[:, rows, columns]
        measured = (block != 0).any(dim=0)
        across, down = _run(measured.all(dim=0)), _run(measured.all(dim=1))
        if across.stop - across.start >= least:
            return block[:, :, across]
        if down.stop - down.start >= least:
            return block[:, down]
    raise ValueError(
        f"Calibration needs at least {least} complete lines around the zero frequency, but there are fewer. Check "
        "centred, or give maps of another scan."
    )


def _middle(whole: int, part: int) -> slice:
    start = whole // 2 - part // 2
    return slice(start, start + part)


def _run(complete: Tensor) -> slice:
    """Return the run of True around the middle entry."""
    flags, start = complete.tolist(), len(complete) // 2
    stop = start
    while stop < len(flags) and flags[stop]:
        stop += 1
    while start > 0 and stop > start and flags[start - 1]:
        start -= 1
    return slice(start, stop)
