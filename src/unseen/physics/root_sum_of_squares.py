"""Root sum of squares of coil images."""

from __future__ import annotations

import torch
from torch import Tensor

from unseen.physics.numpy_arrays import arrays_too
from unseen.physics.tensor_products import describe


@arrays_too
def rss(kspace: Tensor, *, centred: bool = False) -> Tensor:
    """Return the root of the sum of squares of the coil images, √(Σ_c |F* y_c|²), with the unitary transform.

    For complete k-space, it is the image times √(Σ_c |s_c|²). It needs no sensitivity maps.

    Args:
        kspace: (batch, coils, height, width), complex; a NumPy array too, and an array comes back.
        centred: the order of k-space, as for `FourierMask`.

    Returns:
        (batch, 1, height, width), real.

    Raises:
        ValueError: kspace has another shape, or is not complex.

    Example:
        >>> from unseen.physics import FourierMask, simulated_coils
        >>> y = FourierMask(torch.ones(8, 8), coils=simulated_coils(8, coils=4))(torch.full((1, 1, 8, 8), 2 + 0j))
        >>> bool((rss(y) - 2).abs().max() < 1e-5)
        True

    Source: Roemer, Edelstein, Hayes, Souza & Mueller, The NMR phased array, Magn. Reson. Med. 16 (1990) 192–225.
    """
    if kspace.ndim != 4 or not kspace.is_complex():
        raise ValueError(
            f"K-space is complex, (batch, coils, height, width), but got {kspace.dtype} of shape "
            f"{describe(tuple(kspace.shape))}."
        )
    half = kspace.dtype == torch.complex32
    kspace = kspace.to(torch.complex64) if half else kspace  # FFTs on the CPU have no half precision
    if centred:
        kspace = torch.fft.ifftshift(kspace, dim=(-2, -1))
    squares: Tensor = torch.fft.ifft2(kspace, norm="ortho").abs().square().sum(dim=1, keepdim=True).sqrt()
    image: Tensor = torch.fft.fftshift(squares, dim=(-2, -1)) if centred else squares
    return image.half() if half else image
