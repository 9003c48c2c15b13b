"""Non-Cartesian magnetic resonance imaging: k-space at any points, by a non-uniform fast Fourier transform."""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from unseen.physics.argument_checks import both_sides, check_rtol
from unseen.physics.coils import CoilImages
from unseen.physics.linear_function import linear
from unseen.physics.nufft import at_points, from_points
from unseen.physics.numpy_arrays import as_tensor
from unseen.physics.operator import Operator
from unseen.physics.pseudo_inverse import solve_least_squares
from unseen.physics.tensor_products import describe


class NonCartesianFourier(Operator):
    """y_c(m) = 1/√n Σ_q s_c(q) x(q) exp(−2πi ⟨k_m, q⟩), with n = height · width pixels.

    The points k_m are in cycles per pixel. The origin q = 0 is the pixel [height // 2, width // 2], as in centred order
    (`kspace_order`): at the points of the grid, in order, this is `FourierMask(…, centred=True)`.

    Measurements are complex, (batch, coils, samples). FINUFFT computes the sums on the CPU, to a relative error of 1e-6
    in single and 1e-12 in double precision; tensors of another device are moved there and back. The adjoint is exact to
    rounding. The pseudo-inverse takes conjugate gradients, which stop by rtol (see `conjugate_gradients`); `gridding`
    is the fast approximate inverse. It needs FINUFFT: `pip install "unseen[nufft]"`.

    Args:
        size: of the image, one number or (height, width).
        trajectory: the points k, real, (samples, 2) for every image, or (batch, samples, 2) with batch > 1 for points
            of each image's own; (along rows' index, along columns' index), from −0.5 to 0.5. A NumPy array too.
        coils: sensitivity maps s, complex, (coils, height, width), or (batch, coils, height, width) for maps of each
            image's own; None: one coil that sees all alike.
        real: images are real.
        rtol: of the pseudo-inverse, a share of the largest singular value; 0 for what is exact but for rounding.

    Raises:
        ValueError: trajectory has another shape, or values that are not finite or are outside −0.5 to 0.5; coils do
            not go with the size; rtol is no share.
        ImportError: FINUFFT is not installed.

    Example:
        >>> from unseen.physics import radial_trajectory
        >>> A = NonCartesianFourier(16, radial_trajectory(16, 10))
        >>> A
        NonCartesianFourier((1, 16, 16) -> (1, 320))

    Source: Fessler & Sutton, IEEE Trans. Signal Process. 51 (2003) 560–574; Barnett, Magland & af Klinteberg, SIAM J.
    Sci. Comput. 41 (2019) C479–C504 (FINUFFT).
    """

    complex_range = True
    real: bool
    rtol: float
    _points: Tensor  # (1 or batch, samples, 2), float64, cycles per pixel
    _coils: CoilImages | None

    # Any: numbers of whatever precision
    def __init__(
        self,
        size: int | tuple[int, int],
        trajectory: Tensor | NDArray[Any],
        *,
        coils: Tensor | NDArray[Any] | None = None,
        real: bool = False,
        rtol: float = 1e-2,
    ) -> None:
        check_rtol(rtol)
        height, width = both_sides(size)
        points = checked_points(trajectory)
        images = None if coils is None else CoilImages(coils)
        if images is not None and images.domain != (1, height, width):
            raise ValueError(f"Images are {height}x{width}, but coils are {describe(images.domain[1:])}.")
        own = len(points) if len(points) > 1 else None
        each = own if images is None else (images.batch or own)
        if own not in (None, each):
            raise ValueError(f"Trajectories for {own} images do not go with coils for {each}.")
        super().__init__(
            domain=(1, height, width), range=(1 if images is None else images.range[0], points.shape[1]), batch=each
        )
        self._set(real=real, rtol=rtol, complex_domain=not real, _points=points, _coils=images)

    @property
    def trajectory(self) -> Tensor:
        """A copy of the points: (1 or batch, samples, 2), in cycles per pixel."""
        return self._points.clone()

    @property
    def coils(self) -> Tensor | None:
        """A copy of the sensitivity maps: (1 or batch, coils, height, width), complex; None: a single coil."""
        return None if self._coils is None else self._coils.maps

    def gridding(self, y: Tensor, *, weights: Tensor | NDArray[Any]) -> Tensor:
        """Return the density-compensated adjoint A*(weights ⊙ y), an approximate inverse of a complete scan.

        Args:
            y: (batch, coils, samples).
            weights: (samples,), or (batch, 1, samples); of `density_compensation`.

        Returns:
            (batch, 1, height, width). With coils, Σ_c |s_c|² = 1 is assumed.
        """
        return self.adjoint(y * as_tensor(weights).to(y.device, y.real.dtype))

    def select(self, samples: Tensor) -> NonCartesianFourier:
        if self.batch is None:
            return self
        points = self._points[samples] if len(self._points) > 1 else self._points
        coils = None if self._coils is None else self._coils.select(samples).maps
        _, height, width = self.domain
        return NonCartesianFourier((height, width), points, coils=coils, real=self.real, rtol=self.rtol)

    def _forward(self, x: Tensor) -> Tensor:
        x = x.to(torch.promote_types(x.dtype, torch.complex64))
        coil_images = x if self._coils is None else self._coils(x)
        return linear(coil_images, self._measured, self._coil_images, per_sample=self.batch is not None)

    def _adjoint(self, y: Tensor) -> Tensor:
        y = y.to(torch.promote_types(y.dtype, torch.complex64))
        images = linear(y, self._coil_images, self._measured, per_sample=self.batch is not None)
        x = images if self._coils is None else self._coils.adjoint(images)
        return x.real if self.real and x.is_complex() else x

    def _pinv(self, y: Tensor) -> Tensor:
        return solve_least_squares(self, y, rtol=self.rtol)

    def _measured(self, images: Tensor) -> Tensor:
        """(batch, coils, height, width) to (batch, coils, samples)."""
        return at_points(images, self._points) / math.sqrt(self.domain[1] * self.domain[2])

    def _coil_images(self, y: Tensor) -> Tensor:
        return from_points(y, self._points, self.domain[1:]) / math.sqrt(self.domain[1] * self.domain[2])


def density_compensation(
    size: int | tuple[int, int], trajectory: Tensor | NDArray[Any], *, iterations: int = 10
) -> Tensor:
    """Return weights of the points that compensate their density, so that weights · A* inverts a complete scan.

    Pipe & Menon's iteration w ← w / (K w), where K w sums the weights of all points by a kernel of their distance: here
    the product of two squared Dirichlet-like kernels, whose transform is a triangle of twice the image's width, so that
    it is computed by two transforms. At every point, the weight is its share of k-space, times the pixels.

    Args:
        size: of the image, one number or (height, width).
        trajectory: (samples, 2), or (batch, samples, 2), in cycles per pixel.
        iterations: at least 1; many more than 10 let the weights oscillate at the edge of k-space.

    Returns:
        (samples,), or (batch, 1, samples); float64.

    Raises:
        ValueError: trajectory is none, or iterations is below 1.

    Example:
        >>> from unseen.physics import radial_trajectory
        >>> weights = density_compensation(16, radial_trajectory(16, 32))
        >>> weights = weights.reshape(32, 32)  # spokes, samples
        >>> bool((weights[:, 16] < weights[:, 24]).all())  # the middle is measured by every spoke
        True

    Source: Pipe & Menon, Sampling density compensation in MRI, Magn. Reson. Med. 41 (1999) 179–186; the kernel as a
    triangle after Johnson & Pipe, Magn. Reson. Med. 61 (2009) 439–447.
    """
    if iterations < 1:
        raise ValueError(f"iterations is a whole number above 0, but got {iterations}.")
    height, width = both_sides(size)
    points = checked_points(trajectory)
    down = 1 - (torch.arange(2 * height, dtype=torch.float64) - height).abs() / height
    across = 1 - (torch.arange(2 * width, dtype=torch.float64) - width).abs() / width
    triangle = down[:, None] * across
    weights = torch.ones(len(points), 1, points.shape[1], dtype=torch.complex128)
    for _ in range(iterations):
        summed = at_points(triangle * from_points(weights, points, (2 * height, 2 * width)), points)
        weights = weights / summed.real.clamp(min=1e-12)
    weights = height * width * weights.real
    return weights if len(points) > 1 else weights[0, 0]


def checked_points(trajectory: Tensor | NDArray[Any]) -> Tensor:
    """Return points of k-space as (1 or batch, samples, 2), float64.

    Raises:
        ValueError: another shape, or values that are not finite or are outside −0.5 to 0.5.
    """
    points = as_tensor(trajectory)
    if points.ndim not in (2, 3) or points.shape[-1] != 2 or points.is_complex() or not points.numel():
        raise ValueError(
            "A trajectory is real, (samples, 2) or (batch, samples, 2), but got "
            f"{points.dtype} of shape {describe(tuple(points.shape))}."
        )
    points = points.detach().cpu().to(torch.float64, copy=True)
    largest = float(points.abs().max())
    if not largest <= 0.5:
        raise ValueError(
            f"A trajectory is in cycles per pixel, from −0.5 to 0.5, but its largest value is {largest:.6g}. Divide "
            "radians by 2π, and cycles per field of view by the number of pixels."
        )
    return points.reshape(-1, *points.shape[-2:])
