"""Small problems: smooth images behind a mask, real or complex."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unseen.physics import FourierMask, Gaussian, Mask, Measurement
from unseen.training import Training


def images(n: int, *, size: int = 16, seed: int = 0) -> Tensor:
    """Smooth images on [0, 1], (n, 1, size, size), float32."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(n, 1, 4, 4, generator=generator)
    return functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False).clamp(0, 1)


def holes(*, size: int = 16, seed: int = 1, n: int | None = None) -> Tensor:
    """Seven pixels of ten, (1, size, size), or n such masks."""
    shape = (1, size, size) if n is None else (n, 1, size, size)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.7


def inpainting(*, sigma: float | None = None, size: int = 16) -> Measurement:
    return Measurement(Mask(holes(size=size)), noise=None if sigma is None else Gaussian(sigma))


def magnetic(*, sigma: float | None = None, size: int = 16) -> Measurement:
    """Return every second row of frequencies, of complex images."""
    rows = torch.zeros(size, size, dtype=torch.bool)
    rows[::2] = rows[1] = rows[-1] = True
    return Measurement(FourierMask(rows), noise=None if sigma is None else Gaussian(sigma))


def measured(process: Measurement, x: Tensor, *, seed: int = 2) -> Tensor:
    return process(x, generator=torch.Generator().manual_seed(seed))


def short(epochs: int, **settings: object) -> Training:
    return Training(**({"epochs": epochs, "batch_size": 4, "device": "cpu", "threads": 1} | settings))  # type: ignore[arg-type]


def error(found: Tensor, x: Tensor) -> float:
    return float((found.detach() - x).abs().square().mean())
