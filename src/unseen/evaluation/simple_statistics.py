"""Simple image statistics as baselines: figures that a score may reach without the lungs.

All are computed on the film resampled by area to a long side of 256, in [0, 1]. A detector whose AUROC a
single one of them reaches has shown nothing about disease.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from unseen.data.film import Film

LONG_SIDE = 256
NEAR_BLACK = 5 / 255


NEAR_WHITE = 250 / 255
BORDER = 0.05
"""Share of height and of width on each side that counts as border."""

CORNER = 0.10
"""Share of height and of width of the two upper corners, where a frontal film shows air beside the neck."""

LAPLACIAN_GAIN = 20.0**0.5
"""White noise of σ has √20 σ after the Laplacian 4x − Σ neighbours."""


@dataclass(frozen=True)
class Trivial:
    """One statistic: its column, what it is called in a sentence, and what more of it means."""

    name: str
    words: str
    more: str
    less: str
    acquisition: bool


TRIVIAL_STATISTICS: tuple[Trivial, ...] = (
    Trivial("sharpness", "mean |Laplacian|", "sharper", "less sharp", False),
    Trivial("mean", "mean grey value", "brighter", "darker", False),
    Trivial("std", "spread of grey values", "richer in contrast", "poorer in contrast", False),
    Trivial("near_black", "near-black share", "blacker in parts", "less black in parts", False),
    Trivial("near_white", "near-white share", "whiter in parts", "less white in parts", False),
    Trivial("border_mean", "mean of the border", "brighter at the border", "darker at the border", True),
    Trivial("border_std", "spread in the border", "more varied at the border", "more even at the border", True),
    Trivial("border_sharpness", "sharpness of the border", "sharper at the border", "less sharp at the border", True),
    Trivial("border_noise", "noise in the border", "noisier at the border", "less noisy at the border", True),
    Trivial("outside_exposure", "exposure beside the neck", "brighter beside the neck", "darker beside the neck", True),
    Trivial("lung_area", "predicted lung area", "larger in lung area", "smaller in lung area", False),
    Trivial("bytes_per_pixel", "file bytes per pixel", "larger as files per pixel", "smaller as files per pixel", True),
    Trivial("rows", "rows of the file", "taller in pixels", "shorter in pixels", True),
    Trivial("columns", "columns of the file", "wider in pixels", "narrower in pixels", True),
    Trivial("bits", "bits per pixel", "deeper in bits", "shallower in bits", True),
)
"""Trivial image statistics that a detector should exceed, in the order of the table of scores."""

STATISTIC_NAMES = tuple(s.name for s in TRIVIAL_STATISTICS)
"""The columns of a score table that hold them."""

OF_FILES = ("bytes_per_pixel", "rows", "columns", "bits")
"""Statistics of the file, not of the image."""


def laplacian(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """4x − the sum of the four neighbours, inside the outermost ring: (h, w) → (h − 2, w − 2)."""
    inner = pixels[1:-1, 1:-1]
    around = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    return np.asarray(4 * inner - around, dtype=np.float32)


def border_mask(height: int, width: int) -> NDArray[np.bool_]:
    """Return a mask that is True in the outer frame of `BORDER` of each side, at least three pixels wide where the
    image allows.
    """
    mask = np.ones((height, width), dtype=bool)
    rows, columns = max(3, round(BORDER * height)), max(3, round(BORDER * width))
    mask[rows : max(height - rows, rows), columns : max(width - columns, columns)] = False
    return mask


def image_statistics(pixels: NDArray[np.float32]) -> dict[str, float]:
    """Return the statistics of the pixels alone, of an image in [0, 1] already at its small size (h, w).

    >>> flat = image_statistics(np.full((64, 48), 0.5, dtype=np.float32))
    >>> flat["mean"], flat["sharpness"], flat["near_black"]
    (0.5, 0.0, 0.0)
    """
    height, width = pixels.shape
    border = border_mask(height, width)
    edge = pixels[border]
    detail = laplacian(pixels)
    in_border = detail[border[1:-1, 1:-1]] if detail.size else detail.reshape(-1)
    rows, columns = max(1, round(CORNER * height)), max(1, round(CORNER * width))
    noise = float(np.median(np.abs(in_border - np.median(in_border)))) if in_border.size else 0.0
    return {
        "sharpness": float(np.abs(detail).mean()) if detail.size else 0.0,
        "mean": float(pixels.mean()),
        "std": float(pixels.std()),
        "near_black": float((pixels <= NEAR_BLACK).mean()),
        "near_white": float((pixels >= NEAR_WHITE).mean()),
        "border_mean": float(edge.mean()),
        "border_std": float(edge.std()),
        "border_sharpness": float(np.abs(in_border).mean()) if in_border.size else 0.0,
        "border_noise": 1.4826 * noise / LAPLACIAN_GAIN,
        "outside_exposure": float((pixels[:rows, :columns].mean() + pixels[:rows, -columns:].mean()) / 2),
    }


def trivial_statistics(film: Film, *, lung_area: float | None = None) -> dict[str, float | None]:
    """Return every statistic of `STATISTIC_NAMES`.

    Args:
        film: the film.
        lung_area: the *predicted* share of the film, or None where no finder was used.

    >>> from unseen.data import phantoms
    >>> trivial_statistics(next(iter(phantoms.normals(1, size=64))))["rows"]
    64.0

    Do not pass a true lung mask: its area alone separates the classes (AUROC 0.69 to 0.71 on Montgomery
    and Shenzhen).
    """
    from unseen.data.film import scaled

    height, width = film.pixels.shape
    small = scaled(film.pixels, LONG_SIDE / max(height, width))
    return {
        **image_statistics(np.asarray(small, dtype=np.float32)),
        "lung_area": None if lung_area is None else float(lung_area),
        "bytes_per_pixel": film.file_bytes / max(1, height * width),
        "rows": float(height),
        "columns": float(width),
        "bits": float(film.bits),
    }
