"""Films of arrays: images that are already in memory."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeGuard, Union

import numpy as np
from numpy.typing import NDArray

from unseen.data.film import Film, Label
from unseen.data.pixel_digest import pixel_sha256

if TYPE_CHECKING:
    import torch

LEAST_SIDE = 32
"""Pixels of the shorter side that a film needs."""

Array = Union[NDArray[np.generic], "torch.Tensor"]
"""One image (height, width), or a batch (n, height, width) or (n, 1, height, width)."""


def is_array(given: object) -> TypeGuard[Array]:
    """Report whether `given` is a NumPy array or a tensor."""
    return isinstance(given, np.ndarray) or _is_tensor(given)


def _is_tensor(given: object) -> TypeGuard[torch.Tensor]:
    """Report whether `given` is a tensor; PyTorch is not imported for it."""
    torch_module = sys.modules.get("torch")
    return torch_module is not None and isinstance(given, torch_module.Tensor)


def films_from_arrays(
    images: Array | Sequence[Array],
    *,
    labels: Sequence[Label | None] | None = None,
    source: str = "array",
    first: int = 0,
) -> list[Film]:
    """Return the films of images that are in memory.

    Args:
        images: one image (height, width), a batch (n, height, width) or (n, 1, height, width), or a sequence of
            images of any sizes; white is dense. Floating-point values are grey values in [0, 1]; unsigned integers
            are divided by the largest value of their type, 255 or 65,535.
        labels: "normal", "abnormal" or None for each image.
        source: the site or collection of all images.
        first: number of the first image in the films' names.

    Returns:
        One film per image, in order, named "array 0", "array 1" and so on. Each is a patient of its own.

    Raises:
        TypeError: something else than arrays of unsigned integers or floating-point numbers.
        ValueError: a shape, a range or a number of labels that does not fit.

    Example:
        >>> films = films_from_arrays(np.zeros((2, 64, 48), np.uint8))
        >>> [film.name for film in films], films[0].pixels.shape
        (['array 0', 'array 1'], (64, 48))
    """
    listed = list(_single(images) if is_array(images) else (part for image in images for part in _single(image)))
    if labels is not None and len(labels) != len(listed):
        raise ValueError(f"There are {len(labels)} labels for {len(listed)} images. Give one label per image.")
    return [
        _film(image, f"array {first + number}", None if labels is None else labels[number], source)
        for number, image in enumerate(listed)
    ]


def _single(images: object) -> list[NDArray[np.generic]]:
    if not is_array(images):
        raise TypeError(f"Images are NumPy arrays or tensors, but one is a {type(images).__name__}.")
    if np.ma.is_masked(images):
        raise ValueError("Images are arrays without a mask, but this one has masked values. Give .filled(0).")
    array = images.detach().cpu().numpy() if _is_tensor(images) else np.asarray(images)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3:
        raise ValueError(
            f"An array of shape {images.shape} is no image. Give (height, width), (n, height, width) or "
            "(n, 1, height, width)."
        )
    if len(array) > 0 and min(array.shape[1:]) < LEAST_SIDE:
        hint = " Colour images (height, width, 3) are not films: give one channel." if array.shape[-1] in (3, 4) else ""
        raise ValueError(
            f"Images of {array.shape[1]} x {array.shape[2]} pixels are too small: a film has at least "
            f"{LEAST_SIDE} x {LEAST_SIDE}.{hint}"
        )
    return list(array)


def _film(image: NDArray[np.generic], name: str, label: Label | None, source: str) -> Film:
    values = np.ascontiguousarray(image)
    if values.dtype.kind == "u":
        bits = 8 * values.dtype.itemsize
        if bits > 16:
            raise TypeError(f"{name}: {values.dtype} is too wide. Give uint8, uint16 or floats in [0, 1].")
        pixels = values.astype(np.float32) / np.float32(2**bits - 1)
    elif values.dtype.kind == "f":
        bits = 16
        low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
        if not (low >= 0.0 and high <= 1.0):  # true for NaN, too
            raise ValueError(
                f"{name}: floating-point values are grey values in [0, 1], but these are in [{low:g}, {high:g}]. "
                "Scale them, for instance by the largest value of the detector (255, 4095, 65535)."
            )
        pixels = values.astype(np.float32)
    else:
        raise TypeError(f"{name}: grey values are unsigned integers or floating-point numbers, but got {values.dtype}.")
    digest = pixel_sha256(values)
    return Film(
        name=name,
        pixels=pixels,
        label=label,
        source=source,
        patient=name,
        study=name,
        bits=bits,
        file_sha256=digest,
        pixel_sha256=digest,
        file_bytes=values.nbytes,
        file_format="array",
    )
