"""Images for a reconstructor: from a folder, from an array, or phantoms.

`images_of` reads PNG, JPEG, WebP, TIFF and BMP files of a folder, or one array file (`.npy`, `.npz`, HDF5, NIfTI,
`.mat`). Phantoms are simulated normal chest films.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional

from unseen.artifacts.errors import UserError, reason_of
from unseen.data import phantoms
from unseen.data.array_files import ArrayNotChosen, read_array
from unseen.physics.shape_remedies import shape_remedy

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
"""Endings of the files that are read from a folder."""
PHANTOMS = "phantoms"
"""Value of `data` for phantoms, where no file or folder has that name."""
_WHITE = {False: 255.0, True: 65535.0}  # of 8 and of 16 bits
_LONG = 2
"""Elongation, relative to that with the number last, above which the order of axes is not certain."""
_LEAST_KEPT = 0.1
"""Share of an image, cropped to the proportions of the operator, below which it is refused."""
_IN_MATLAB = {
    "array[:, None].repeat(3, 1)": "repmat(permute(images, [1 4 2 3]), [1 3])",
    "array[None, None]": "permute(images, [3 4 1 2])",
    "array[:, None]": "permute(images, [1 4 2 3])",
    "array[None]": "permute(images, [4 1 2 3])",
    "array.moveaxis(-1, 1)": "permute(images, [1 4 2 3])",
    "array.transpose(2, 0, 1)": "permute(images, [3 1 2])",
    "array.transpose(3, 2, 0, 1)": "permute(images, [4 3 1 2])",
}
"""Remedies for arrays of another order of axes, in MATLAB's language."""


class ImageError(UserError, ValueError):
    """Images that cannot be used: the file, the reason, and the remedy."""


def images_of(
    data: Path | str,
    *,
    channels: int,
    size: tuple[int, int],
    number: int = 100,
    seed: int = 0,
    array: str | None = None,
) -> Tensor:
    """Return images of one size: (n, channels, height, width), float32.

    Files of a folder, except hidden ones, are cropped to a centred rectangle of the aspect ratio of `size` and averaged
    down by area; white is 1. An array is (n, height, width) or (n, channels, height, width). Its numbers stay as they
    are; those of uint8 and uint16 are divided by 255 and 65535.

    Args:
        data: a folder, an image, an array file, or `phantoms`.
        channels: 1 (grey), or 3; grey images have three equal channels then.
        size: (height, width) in pixels.
        number: of phantoms.
        seed: of phantoms.
        array: name of the images in an array file that holds several arrays.

    Raises:
        ImageError: no such path, no image, an image that is smaller than `size`, a file of several images, whole
            numbers whose white is not known, an array of another shape, or one of several that is not named.
        ArrayError: the array file cannot be read.

    Example:
        >>> images_of("phantoms", channels=1, size=(64, 64), number=2).shape
        torch.Size([2, 1, 64, 64])
    """
    path = Path(data)
    if array is not None and (path.is_dir() or path.suffix.lower() in ("", *SUFFIXES)):
        raise ImageError(f"{data}: is no file of several arrays, but {array} was asked for. Leave out `array=`")
    if str(data) == PHANTOMS and not path.exists():
        return _phantoms(number, channels=channels, size=size, seed=seed)
    if not path.exists():
        raise ImageError(f"{data}: no such file or folder. Check the path, or give {PHANTOMS}: simulated images")
    if path.is_dir():
        files = sorted(one for one in path.rglob("*") if _is_image(one, path))
        if not files:
            raise ImageError(f"{path}: holds no image ({', '.join(SUFFIXES)}). Give another folder, or an array file")
        return torch.stack([_file(one, channels=channels, size=size) for one in files])
    if path.suffix.lower() in SUFFIXES:
        return _file(path, channels=channels, size=size)[None]
    return _array(path, array, channels=channels, size=size)


def _is_image(path: Path, folder: Path) -> bool:
    """Return whether a file of a folder is an image; hidden files, such as `._a.png` of macOS, are none."""
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and path.suffix.lower() in SUFFIXES and path.is_file()


def _phantoms(number: int, *, channels: int, size: tuple[int, int], seed: int) -> Tensor:
    if size[0] != size[1] or size[0] < 64:
        raise ImageError(f"phantoms are squares of at least 64 pixels a side, but {size[0]} × {size[1]} was asked for")
    films = phantoms.normals(number, seed=seed, size=size[0])
    grey = torch.from_numpy(np.stack([film.pixels for film in films]))[:, None]
    return grey.repeat(1, channels, 1, 1)


def _file(path: Path, *, channels: int, size: tuple[int, int]) -> Tensor:
    """Return one image, (channels, height, width), in [0, 1]."""
    try:
        with Image.open(path) as image:
            count = getattr(image, "n_frames", 1)
            if count > 1 and image.format != "MPO":  # MPO: a JPEG of a camera, with a preview
                raise ImageError(f"{path}: holds {count} images. Save each as a file, or all as an array file")
            upright = ImageOps.exif_transpose(image)
            deep = upright.mode.startswith(("I", "F"))
            pixels = np.asarray(upright if deep else upright.convert("RGB" if channels == 3 else "L"), dtype=np.float32)
            if deep and (upright.mode == "F" or pixels.min() < 0 or pixels.max() > _WHITE[True]):
                raise ImageError(
                    f"{path}: has numbers without a known white ({upright.mode}, from {pixels.min():g} to "
                    f"{pixels.max():g}). Save it as an array file"
                )
    except (OSError, ValueError, SyntaxError) as error:
        if isinstance(error, ImageError):
            raise
        raise ImageError(f"{path}: cannot be read ({reason_of(error)}). Remove it, or save it again as PNG") from error
    found = torch.from_numpy(np.array(pixels)) / _WHITE[deep]
    found = found[None].repeat(channels, 1, 1) if found.ndim == 2 else found.movedim(-1, 0)
    return _sized(found, size, str(path))


def _sized(image: Tensor, size: tuple[int, int], name: str) -> Tensor:
    """Crop to the centre, then average by area: (channels, *size)."""
    height, width = image.shape[-2:]
    if height < size[0] or width < size[1]:
        raise ImageError(
            f"{name}: has {height} × {width} pixels, fewer than {size[0]} × {size[1]}. Leave it out, or ask for a "
            "smaller size (view.size)"
        )
    scale = min(height / size[0], width / size[1])
    rows, columns = round(size[0] * scale), round(size[1] * scale)
    if rows * columns < _LEAST_KEPT * height * width:
        raise ImageError(
            f"{name}: has {height} × {width} pixels; a crop with the proportions of the operator ({size[0]} × "
            f"{size[1]}) would keep {100 * rows * columns / (height * width):.2g} % of them. Give images with these "
            "proportions, or another operator"
        )
    top, left = (height - rows) // 2, (width - columns) // 2
    cropped = image[None, :, top : top + rows, left : left + columns]
    return functional.interpolate(cropped, size=size, mode="area")[0]


def _array(path: Path, name: str | None, *, channels: int, size: tuple[int, int]) -> Tensor:
    try:
        array = read_array(path, name=name)
    except ArrayNotChosen as error:
        raise ImageError(
            f"{str(error).removesuffix('.')}, by `array=`, or save the images in a file of their own"
        ) from error
    if array.ndim == 3:
        _check_order(path, array.shape, channels, size)
        array = np.repeat(array[:, None], channels, axis=1)
    if array.ndim != 4 or array.shape[1] != channels or not array.size:
        remedy = shape_remedy(array.shape, (channels, *size)).replace("x", "array").replace("movedim", "moveaxis")
        if array.ndim == 4 and {channels, array.shape[1]} == {1, 3}:
            remedy = " Ask for --set view.colour=" + ("true" if array.shape[1] == 3 else "false")
        elif not remedy and array.ndim == 4 and array.shape[2] == channels:
            remedy = " If images are along the last axis, give array.transpose(3, 2, 0, 1)"
        raise ImageError(
            f"{path}: has the shape {_shape(array.shape)}, but images are (n, height, width) or (n, {channels}, "
            f"height, width), n at least 1.{_for_language(path, remedy)}".removesuffix(".")
        )
    if array.dtype.kind in "iu" and array.dtype.newbyteorder("=") not in (np.uint8, np.uint16):
        units = ", such as Hounsfield units" if int(array.min()) < 0 else ""
        raise ImageError(
            f"{path}: has whole numbers ({array.dtype}) from {array.min()} to {array.max()}{units}, whose white is not "
            "known. Images are from 0 (black) to 1 (white): map them to that range, and save them as float32"
        )
    scaled: NDArray[np.float32] = np.asarray(array, dtype=np.complex64 if np.iscomplexobj(array) else np.float32)
    if array.dtype.kind in "iu":
        scaled = scaled / np.float32(np.iinfo(array.dtype).max)
    images = torch.from_numpy(np.ascontiguousarray(scaled))
    if not bool(torch.isfinite(images).all()):
        raise ImageError(f"{path}: holds NaN or infinite numbers. Replace them, or leave these images out")
    if tuple(images.shape[2:]) == size:
        return images
    if images.is_complex():
        raise ImageError(f"{path}: complex images are not resized; they need {size[0]} × {size[1]} pixels")
    return torch.stack([_sized(image, size, f"{path}, image {i}") for i, image in enumerate(images)])


def _check_order(path: Path, shape: tuple[int, ...], channels: int, size: tuple[int, int]) -> None:
    """Raise ImageError if (n, height, width) could be one colour image, or images along the last axis."""
    given = f"{path}: has the shape {_shape(shape)}, "
    if channels == 3 and shape[0] == 3:
        remedy = "Give array[None] or array[:, None].repeat(3, 1)"
        raise ImageError(f"{given}which may be one colour image or three grey ones. {_for_language(path, remedy)}")
    if 0 in shape or shape[1:] == size:
        return
    first, last = (max(pair) / min(pair) for pair in (shape[1:], shape[:2]))
    if shape[0] == shape[1] != shape[2] or first > _LONG * last:
        remedy = "Give array.transpose(2, 0, 1) if they are along the last, and array[:, None] if not"
        raise ImageError(f"{given}but images follow each other along the first axis. {_for_language(path, remedy)}")


def _for_language(path: Path, remedy: str) -> str:
    """Return a remedy in the language that wrote the file."""
    if path.suffix.lower() == ".mat":
        for in_numpy, in_matlab in _IN_MATLAB.items():
            remedy = remedy.replace(in_numpy, in_matlab)
    return remedy


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))})"
