"""Ray projector for any scan: line integrals by Joseph's rule, with weights that are stored or computed in each call.

Along the axis that a ray crosses fastest, the image is interpolated linearly, in 3-D bilinearly, where the ray crosses
the middle of each row, column or slice (P. M. Joseph, An improved algorithm for reprojecting rays through pixel images,
IEEE Trans. Med. Imaging 1(3), 1982). The adjoint uses the same weights, so it is the exact transpose.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from unseen.physics.interpolation import linear_neighbours
from unseen.physics.parallel_projector import sparse_rows
from unseen.physics.scan_geometry import ScanGeometry

SAMPLES = 1 << 20  # points on rays that are computed at a time: 8 MB for each of their quantities
COLUMNS = 16  # images in one product with a stored matrix


@dataclass(frozen=True)
class RayWeights:
    """Weights of pixels in the line integrals of some rays, in 2 or 4 parts per sample of a ray.

    Args:
        ray: (rays,), int64, in the order of the flattened measurements.
        parts: pairs of pixels and weights, each (rays, samples); the pixels in the order of the flattened image.
    """

    ray: Tensor
    parts: list[tuple[Tensor, Tensor]]


class RayProjector:
    """Line integrals of a scan and their transpose.

    Args:
        geometry: of the scan.
        dtype: of the weights, float32 or float64.
        device: where images are.
        stored: keep all weights as two sparse matrices; False computes them in each call, in blocks of rays.

    Example:
        >>> square = ScanGeometry((2, 2), (1.0, 1.0), torch.tensor([0.0, 90.0]).double(), (2,), (1.0,), (0.0,))
        >>> RayProjector(square).project(torch.tensor([[1.0, 2.0, 3.0, 4.0]]).double()).tolist()
        [[4.0, 6.0, 7.0, 3.0]]
    """

    def __init__(
        self,
        geometry: ScanGeometry,
        *,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
        stored: bool = True,
    ) -> None:
        self._geometry, self._dtype, self._device = geometry, dtype, device
        self._pixels, self._rays = math.prod(geometry.shape), math.prod(geometry.measured)
        self._matrices = self._stored() if stored else None

    def project(self, x: Tensor) -> Tensor:
        """Return the line integrals of x, (batch, pixels): (batch, rays)."""
        if self._matrices is not None:
            return _product(self._matrices[0], x)
        y = x.new_zeros(len(x), self._rays)
        for weights in self._blocks(x.device):
            for image, seen in zip(x, y, strict=True):
                parts = [(image[pixel] * weight).sum(dim=1) for pixel, weight in weights.parts]
                seen[weights.ray] = sum(parts[1:], start=parts[0])
        return y

    def backproject(self, y: Tensor) -> Tensor:
        """Apply the transpose to y, (batch, rays): (batch, pixels)."""
        if self._matrices is not None:
            return _product(self._matrices[1], y)
        x = y.new_zeros(len(y), self._pixels)
        for weights in self._blocks(y.device):
            for image, seen in zip(x, y, strict=True):
                values = seen[weights.ray, None]
                for pixel, weight in weights.parts:
                    image.index_add_(0, pixel.reshape(-1), (weight * values).reshape(-1))
        return x

    def _blocks(self, device: torch.device | str) -> Iterator[RayWeights]:
        step = max(1, SAMPLES // max(self._geometry.shape))
        for first in range(0, self._rays, step):
            yield from joseph_weights(
                self._geometry, first, min(first + step, self._rays), dtype=self._dtype, device=device
            )

    def _stored(self) -> tuple[Tensor, Tensor]:
        # Transposed, pixels are rows: each block adds columns.
        rows, columns, values = [], [], []
        for weights in self._blocks("cpu"):
            for pixel, weight in weights.parts:
                ray, sample = weight.nonzero(as_tuple=True)
                rows.append(weights.ray[ray].int().numpy())
                columns.append(pixel[ray, sample].int().numpy())
                values.append(weight[ray, sample].numpy())
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        matrix = sparse.csr_array(sparse.coo_array(entries, shape=(self._rays, self._pixels)))
        return sparse_rows(matrix, self._device), sparse_rows(matrix.T, self._device)


def stored_bytes(geometry: ScanGeometry, dtype: torch.dtype) -> int:
    """Return an upper bound of the memory of `RayProjector`'s stored weights, in bytes.

    >>> stored_bytes(ScanGeometry((4, 4), (1.0, 1.0), torch.zeros(3).double(), (6,), (1.0,), (0.0,)), torch.float32)
    2304
    """
    entries = math.prod(geometry.measured) * max(geometry.shape) * (2 if len(geometry.shape) == 2 else 4)
    return 2 * entries * (dtype.itemsize + 4)


def joseph_weights(
    geometry: ScanGeometry, first: int, last: int, *, dtype: torch.dtype, device: torch.device | str
) -> Iterator[RayWeights]:
    """Yield the weights of the rays from `first` to before `last`, by the axis that they cross fastest."""
    point, direction = geometry.rays(first, last, device=device)
    size = torch.tensor(geometry.pixel_size, dtype=torch.float64, device=device)
    middle = (torch.tensor(geometry.shape, dtype=torch.float64, device=device) - 1) / 2
    place, step = point / size + middle, direction / size
    length = direction.norm(dim=1)
    fastest = (step.abs() * (1 + 1e-12 * torch.arange(len(size), device=device))).argmax(dim=1)
    strides = [math.prod(geometry.shape[axis + 1 :]) for axis in range(len(size))]
    for axis, count in enumerate(geometry.shape):
        ray = (fastest == axis).nonzero()[:, 0]
        if not len(ray):
            continue
        slope = step[ray] / step[ray, axis, None]  # (rays, axes), pixels per row of `axis`
        start = place[ray] - place[ray, axis, None] * slope  # where row 0 is crossed
        row = torch.arange(count, device=device)
        parts = [(row * strides[axis], (length[ray] / step[ray, axis].abs())[:, None].to(dtype))]
        for other, width in enumerate(geometry.shape):
            if other != axis:
                crossed = start[:, other, None] + slope[:, other, None] * row  # (rays, samples)
                neighbours = linear_neighbours(crossed, width, dtype)
                parts = [
                    (pixel + strides[other] * beside, weight * share)
                    for pixel, weight in parts
                    for beside, share in neighbours
                ]
        yield RayWeights(ray + first, parts)


def _product(matrix: Tensor, batch: Tensor) -> Tensor:
    parts = [(matrix @ part.T.contiguous()).T for part in torch.split(batch, COLUMNS)]
    return torch.cat(parts) if len(parts) != 1 else parts[0]
