"""Alterations of a training film that the gate learns to refuse: wrongly turned, or altered.

No image but the training films goes into this. A crop is a window of 50 to 70 % of each side, anywhere in the film.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Pixels = NDArray[np.float32]
Rng = np.random.Generator

CROP = (0.5, 0.7)
"""Share of each side that a crop keeps, drawn for each side by itself."""


def turned_clockwise(pixels: Pixels, rng: Rng) -> Pixels:
    """Turn by 90°."""
    return np.ascontiguousarray(np.rot90(pixels, -1))


def turned_anticlockwise(pixels: Pixels, rng: Rng) -> Pixels:
    """Turn by 90°."""
    return np.ascontiguousarray(np.rot90(pixels, 1))


def turned_over(pixels: Pixels, rng: Rng) -> Pixels:
    """Turn by 180°."""
    return np.ascontiguousarray(pixels[::-1, ::-1])


def upside_down(pixels: Pixels, rng: Rng) -> Pixels:
    """Flip top to bottom."""
    return np.ascontiguousarray(pixels[::-1])


def mirrored(pixels: Pixels, rng: Rng) -> Pixels:
    """Flip left to right."""
    return np.ascontiguousarray(pixels[:, ::-1])


def inverted(pixels: Pixels, rng: Rng) -> Pixels:
    """Invert on the nominal range."""
    return 1 - pixels


def cropped(pixels: Pixels, rng: Rng) -> Pixels:
    """Return a window of `CROP` of each side, anywhere."""
    return _window(pixels, rng, *CROP)


TRANSFORMS: Mapping[str, Callable[[Pixels, Rng], Pixels]] = {
    "turned-clockwise": turned_clockwise,
    "turned-anticlockwise": turned_anticlockwise,
    "turned-over": turned_over,
    "upside-down": upside_down,
    "mirrored": mirrored,
    "inverted": inverted,
    "cropped": cropped,
}
"""Named errors of handling, each of which an image can be checked for."""


def disturbed(pixels: Pixels, rng: Rng) -> Pixels:
    """Disturb an image by one or two of: squeeze, shrink, shift, tilt, slight crop; contrast, blur, edges or noise.

    These are stand-ins for films of other bodies, hands and devices.
    """
    count = 1 if rng.random() < 0.6 else 2
    for index in sorted(rng.choice(len(_ALTERATIONS), count, replace=False)):
        pixels = _ALTERATIONS[index](pixels, rng).astype(np.float32)
    return pixels


def _window(pixels: Pixels, rng: Rng, least: float, most: float) -> Pixels:
    height, width = pixels.shape
    up, across = rng.uniform(least, most, 2)
    rows, columns = max(1, round(up * height)), max(1, round(across * width))
    top, left = rng.integers(0, height - rows + 1), rng.integers(0, width - columns + 1)
    return np.ascontiguousarray(pixels[top : top + rows, left : left + columns])


def _on_canvas(pixels: Pixels, rng: Rng, up: float, across: float) -> Pixels:
    from unseen.data.film import area

    height, width = pixels.shape
    rows, columns = max(1, int(up * height)), max(1, int(across * width))
    top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
    margins = ((top, height - rows - top), (left, width - columns - left))
    return np.pad(area(pixels, rows, columns), margins, mode="edge" if rng.random() < 0.5 else "constant")


def _narrowed(pixels: Pixels, rng: Rng) -> Pixels:
    return _on_canvas(pixels, rng, 1.0, rng.uniform(0.6, 0.85))


def _flattened(pixels: Pixels, rng: Rng) -> Pixels:
    return _on_canvas(pixels, rng, rng.uniform(0.6, 0.85), 1.0)


def _shrunk(pixels: Pixels, rng: Rng) -> Pixels:
    return _on_canvas(pixels, rng, *rng.uniform(0.55, 0.85, 2))


def _shifted(pixels: Pixels, rng: Rng) -> Pixels:
    by = rng.uniform(-0.22, 0.22, 2) * pixels.shape
    return np.asarray(ndimage.shift(pixels, by, order=1, mode="nearest" if rng.random() < 0.5 else "constant"))


def _tilted(pixels: Pixels, rng: Rng) -> Pixels:
    degrees = rng.uniform(12, 30) * rng.choice([-1, 1])
    return np.asarray(ndimage.rotate(pixels, degrees, reshape=False, order=1, mode="nearest"))


def _cut(pixels: Pixels, rng: Rng) -> Pixels:
    return _window(pixels, rng, 0.5, 0.8)


def _other_gamma(pixels: Pixels, rng: Rng) -> Pixels:
    return np.asarray(pixels ** (rng.uniform(0.35, 0.65) if rng.random() < 0.5 else rng.uniform(1.6, 3.0)))


def _blurred(pixels: Pixels, rng: Rng) -> Pixels:
    return np.asarray(ndimage.gaussian_filter(pixels, rng.uniform(0.005, 0.012) * max(pixels.shape)))


def _sharpened(pixels: Pixels, rng: Rng) -> Pixels:
    smooth = ndimage.gaussian_filter(pixels, rng.uniform(0.004, 0.02) * max(pixels.shape))
    return np.asarray(np.clip(pixels + rng.uniform(1, 3) * (pixels - smooth), 0, 1))


def _noisy(pixels: Pixels, rng: Rng) -> Pixels:
    return np.asarray(np.clip(pixels + rng.normal(size=pixels.shape) * rng.uniform(0.03, 0.12), 0, 1))


def _evened(pixels: Pixels, rng: Rng) -> Pixels:
    """Make the contrast alike everywhere, as adaptive equalisation does."""
    width = 0.1 * max(pixels.shape)
    mean = ndimage.gaussian_filter(pixels, width)
    spread = np.sqrt(ndimage.gaussian_filter((pixels - mean) ** 2, width)) + 0.03
    share = rng.uniform(0.5, 1.0)
    return np.asarray(np.clip((1 - share) * pixels + share * (0.5 + 0.2 * (pixels - mean) / spread), 0, 1))


def _pale(pixels: Pixels, rng: Rng) -> Pixels:
    low, range_ = rng.uniform(0, 0.4), rng.uniform(0.3, 0.6)
    return low + range_ * pixels


def _hard(pixels: Pixels, rng: Rng) -> Pixels:
    return np.asarray(np.clip((pixels - rng.uniform(0.1, 0.3)) * rng.uniform(1.4, 2.2), 0, 1))


_ALTERATIONS = (
    _narrowed,
    _flattened,
    _shrunk,
    _shifted,
    _tilted,
    _other_gamma,
    _blurred,
    _sharpened,
    _noisy,
    _evened,
    _pale,
    _hard,
    _cut,
)
