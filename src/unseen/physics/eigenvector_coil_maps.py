"""ESPIRiT: sensitivity maps as eigenvectors, from the calibration region of k-space."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from unseen.physics.argument_checks import is_count
from unseen.physics.coil_calibration import calibration_region, centred_slices
from unseen.physics.numpy_arrays import arrays_too

AT_ONCE = 2**22  # complex entries of the pixels' matrices that are in memory at a time: 32 MB


@arrays_too
def espirit(
    kspace: Tensor,
    *,
    calibration: int = 24,
    kernel: int = 6,
    threshold: float = 0.02,
    crop: float = 0.95,
    centred: bool = False,
) -> Tensor:
    """Return sensitivity maps by ESPIRiT, from the data alone.

    All patches of kernel × kernel samples of the calibration region are the rows of a matrix. The span of its largest
    right singular vectors contains the patches of the whole k-space, and the projection onto it acts on the coil images
    pixel by pixel, as a matrix of coils × coils. Its eigenvector of eigenvalue 1 is the vector of sensitivities. Inside
    the object that eigenvalue is 1, outside it is smaller.

    Args:
        kspace: (coils, height, width), or (batch, coils, height, width) for maps of each slice's own; complex, zero
            where nothing was measured. A NumPy array too, and an array comes back.
        calibration: the most samples per side of the region around the zero frequency; fewer are taken where fewer
            are complete.
        kernel: samples per side of a patch.
        threshold: singular values up to this share of the largest are noise.
        crop: maps are zero where the eigenvalue is below it.
        centred: the order of k-space, as for `FourierMask`.

    Returns:
        Maps of the shape of kspace: Σ_c |s_c|² = 1, or 0 outside the object. The phase common to all coils is not
        determined by the data: the strongest combination of coils is real and not negative.

    Raises:
        ValueError: kspace has another shape, is not complex, has no more than kernel complete lines around the zero
            frequency, or threshold or crop is out of range.

    Example:
        >>> from unseen.physics import FourierMask, simulated_coils
        >>> true, x = simulated_coils(32, coils=4), torch.zeros(1, 1, 32, 32, dtype=torch.complex64)
        >>> x[..., 8:24, 10:26] = 1
        >>> maps = espirit(FourierMask(torch.ones(32, 32), coils=true)(x)[0])
        >>> bool((maps.conj() * true).sum(0).abs()[8:24, 10:26].min() > 0.99)  # equal up to phase
        True

    Source: Uecker, Lai, Murphy, Virtue, Elad, Pauly, Vasanawala & Lustig, ESPIRiT – an eigenvalue approach to
    autocalibrating parallel MRI, Magn. Reson. Med. 71 (2014) 990–1001.
    """
    if not 0 <= threshold < 1 or not 0 <= crop <= 1:
        raise ValueError(f"threshold and crop are shares from 0 to 1, but got {threshold} and {crop}.")
    maps = []
    for one in centred_slices(kspace, centred):
        values, vectors = sensitivity_eigenvectors(one, calibration=calibration, kernel=kernel, threshold=threshold)
        maps.append(vectors * (values >= crop))
    return torch.stack(maps).reshape(kspace.shape)


def sensitivity_eigenvectors(
    kspace: Tensor, *, calibration: int, kernel: int, threshold: float
) -> tuple[Tensor, Tensor]:
    """Return the largest eigenvalue of each pixel and its eigenvector.

    Args:
        kspace: (coils, height, width), complex, in centred order.
        calibration: the most samples per side of the calibration region.
        kernel: samples per side of a patch.
        threshold: singular values up to this share of the largest are noise.

    Returns:
        (height, width), real; and (coils, height, width), complex, of length 1 at every pixel.
    """
    if not is_count(kernel):
        raise ValueError(f"kernel is a whole number of samples per side, but got {kernel}.")
    region = calibration_region(kspace, calibration, least=kernel + 1).to(torch.complex128)
    weights = _projection(region, kernel, threshold)  # (coils, coils, L, L)
    coils, height, width = kspace.shape
    down, across = (_waves(n, weights.shape[-1]).to(kspace.device) for n in (height, width))
    half = torch.einsum("cdmn,wn->cdmw", weights, across)
    strongest = torch.linalg.svd(region.flatten(1), full_matrices=False)[0][:, 0]
    values, vectors = [], []
    rows = max(1, AT_ONCE // (width * coils * coils))
    for start in range(0, height, rows):
        pixels = torch.einsum("hm,cdmw->hwcd", down[start : start + rows], half).to(kspace.dtype)
        eigenvalues, eigenvectors = torch.linalg.eigh(pixels)
        values.append(eigenvalues[..., -1])
        vectors.append(eigenvectors[..., -1])
    maps = torch.cat(vectors)
    common = (maps @ strongest.conj().to(maps.dtype))[..., None]
    phase = torch.where(common.abs() > 0, common / common.abs().clamp(min=1e-30), 1)
    return torch.cat(values), (maps * phase.conj()).movedim(-1, 0)


def _projection(region: Tensor, kernel: int, threshold: float) -> Tensor:
    """Return the projection onto the patches, as a convolution of k-space with weights over the patches' differences.

    Returns:
        (coils, coils, 2 · kernel − 1, 2 · kernel − 1), with the difference 0 at [0, 0].
    """
    coils, length = len(region), 2 * kernel - 1
    patches = region.unfold(1, kernel, 1).unfold(2, kernel, 1)  # (coils, rows, columns, kernel, kernel)
    matrix = patches.permute(1, 2, 0, 3, 4).reshape(-1, coils * kernel * kernel)
    _, singular, vectors = torch.linalg.svd(matrix, full_matrices=False)
    kept = vectors[singular > threshold * singular[0]].reshape(-1, coils, kernel, kernel)
    images = torch.fft.ifft2(kept, s=(length, length), norm="forward")
    together = torch.einsum("jcpq,jdpq->cdpq", images, images.conj()) / kernel**2
    weights: Tensor = torch.fft.fft2(together, norm="forward")
    return weights


def _waves(n: int, length: int) -> Tensor:
    """exp(2πi m q / n), (n, length): the pixel q counted from n // 2, the difference m from 0 on, then negative."""
    pixel = torch.arange(n, dtype=torch.float64) - n // 2
    difference = torch.fft.fftfreq(length, 1 / length, dtype=torch.float64).round()
    angle = 2 * math.pi / n * pixel[:, None] * difference
    return torch.polar(torch.ones_like(angle), angle)
