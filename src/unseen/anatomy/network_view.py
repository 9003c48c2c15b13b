"""`View`: crop, alignment, size and grey scale with which a film becomes a network's input.

`Viewed`: the result, and the grid for other images.

Settings: `frame` selects the whole film or the lungs' bounding box. `aspect` stretches the frame to the square or pads
it. `scale` "range" maps the film's nominal range to [−1, 1]; "zscore" is clip(z, ±3)/3 with z taken inside the lung
mask (over the film if the frame is whole). `align` first rotates, shifts and scales the film, so that its lungs lie as
a template's do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field
from scipy import ndimage

from unseen.anatomy.alignment import Alignment
from unseen.artifacts.added_setting import added_setting
from unseen.data.film import area

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.data.film import Film

Box = tuple[float, float, float, float]  # top, left, bottom, right, in film pixels


_MARGIN = 0.03  # share of the lungs' box, added on each side: a slightly tight mask must not cut off the pleura
_LEAST_AREA = (
    0.01  # share of the film: a smaller mask counts as empty (the smallest lungs in Montgomery and Shenzhen: 0.1)
)


@dataclass(frozen=True, eq=False)
class Viewed:
    """Film on the network's grid.

    >>> from unseen.data import phantoms
    >>> viewed = View(size=32, frame="whole")(next(iter(phantoms.normals(1, size=64))))
    >>> viewed.image.shape, viewed.lungs is None
    (torch.Size([1, 32, 32]), True)

    Attributes:
        image: float32 (1, size, size), network units, not masked.
        inside: bool (1, size, size), the pixels that are scored: the lungs in the lungs frame, else the film without
            padding.
        lungs: bool (1, size, size), the predicted lungs; None if no finder was used.
        box: part of the film that the grid covers, before padding.
        lung_area: predicted lungs' share of the film's area, 0 to 1, or None; 0 means that none were found.
        inner: the box on the grid; the rest is padding.
        aligned: the alignment, and the same film without it; None if the film was not aligned.
        also: the same film through further views, for a detector that has several.
    """

    image: torch.Tensor
    inside: torch.Tensor
    lungs: torch.Tensor | None
    box: Box
    lung_area: float | None
    inner: tuple[int, int, int, int]  # top, left, height, width of the box on the grid; the rest is padding
    aligned: Aligned | None = None
    also: tuple[Viewed, ...] = ()

    @property
    def masked(self) -> torch.Tensor:
        """Image with 0 outside `inside`: (1, size, size)."""
        return self.image * self.inside

    @property
    def upright(self) -> Viewed:
        """Film on the grid without alignment; maps are drawn over it."""
        return self if self.aligned is None else self.aligned.upright

    def turned_back(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample an image on this grid, such as a map (size, size), to the grid of `upright`.

        Outside this grid, the values at its edges are repeated.
        """
        if self.aligned is None:
            return image
        there, here, how = self.aligned.upright, self, self.aligned.by
        # index on the upright grid → share of the film → inverse of the alignment → index on this grid
        first, second = there._to_share(how.came), here._to_share(how.shape)
        inverse = np.linalg.inv(how.matrix)
        scale = (inverse * first[0][None]) / second[0][:, None]
        offset = (inverse @ (first[1] - how.offset) - second[1]) / second[0]
        moved = ndimage.affine_transform(image, scale, offset, order=1, mode="nearest")
        return np.asarray(moved, dtype=np.float32)

    def _to_share(self, shape: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (factor, shift) that map a grid index n to a share of a film of `shape`: n · factor + shift."""
        size = np.array(shape, dtype=np.float64)
        corner, far = np.array(self.box[:2]) / size, np.array(self.box[2:]) / size
        factor = (far - corner) / np.array(self.inner[2:])
        return factor, corner + (0.5 - np.array(self.inner[:2])) * factor

    def on_grid(self, image: NDArray[np.generic]) -> NDArray[np.float32]:
        """Resample any image of the film's size, such as a lesion mask, to the grid: (size, size), area-averaged."""
        if self.aligned is not None:
            image = self.aligned.by.image(image.astype(np.float32))
        size = self.image.shape[-1]
        return _place(area(image.astype(np.float32), *self.inner[2:], box=self.box), self.inner, size, fill=0.0)


@dataclass(frozen=True, eq=False)
class Aligned:
    """Alignment of a film, and the film's image without it."""

    by: Alignment
    upright: Viewed


class Straightened:
    """Film aligned by its lungs; computed once, when a view first needs it."""

    def __init__(self, film: Film, lungs: NDArray[np.bool_]) -> None:
        self._film, self._lungs = film, lungs

    @cached_property
    def lungs(self) -> tuple[Alignment, NDArray[np.bool_]]:
        """Alignment of the film, and its lung mask after alignment."""
        by = Alignment.of(self._lungs, *self._film.pixels.shape)
        return by, by.mask(self._lungs)

    def pixels(self, frame: Literal["lungs", "whole"]) -> NDArray[np.float32]:
        """Return the aligned film. With the lungs frame, pixels around the box of the lungs are 0."""
        return self._whole if frame == "whole" else self._within_box

    @cached_property
    def _whole(self) -> NDArray[np.float32]:
        return self.lungs[0].image(self._film.pixels)

    @cached_property
    def _within_box(self) -> NDArray[np.float32]:
        by, mask = self.lungs
        if mask.mean() < _LEAST_AREA:  # then the view covers the whole film
            return self._whole
        return by.image(self._film.pixels, box=_lung_box(mask, *by.shape))


class View(BaseModel):
    """Transformation of a film into the network's input; `size` is the grid's side in pixels.

    >>> View(size=64).frame, View(frame="whole", scale="range").scale
    ('lungs', 'range')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frame: Literal["lungs", "whole"] = "lungs"
    """lungs: the box around the lungs; whole: the whole film."""
    aspect: Literal["stretch", "pad"] = "stretch"
    """Method by which the frame becomes a square: stretched, or padded to keep its proportions."""
    scale: Literal["zscore", "range"] = "zscore"
    """zscore: clip(z, ±3) / 3, z over the lungs or the film; range: the film's nominal range to [−1, 1]."""
    size: int = Field(default=64, ge=16, le=1024, description="side of the image", json_schema_extra={"unit": "pixels"})
    align: bool = added_setting(False, description="whether films are aligned by their lungs first")

    @property
    def needs_lungs(self) -> bool:
        """True if the view needs a lung mask."""
        return self.frame == "lungs" or self.align

    def __call__(
        self, film: Film, lungs: NDArray[np.bool_] | None = None, *, straight: Straightened | None = None
    ) -> Viewed:
        """Transform `film` with this view.

        If the mask is empty, the result is the whole film without alignment, and `lung_area` is 0.

        Args:
            film: the film.
            lungs: predicted lung mask of the whole film at any resolution; None is allowed if no lungs are needed.
            straight: alignment of this film by these lungs, if several views share it.

        Returns:
            The film on the network's grid.

        Raises:
            ValueError: the view needs a lung mask, and `lungs` is None.
        """
        if self.needs_lungs and lungs is None:
            asks = "the lungs frame" if self.frame == "lungs" else "alignment"
            raise ValueError(f"{film.name}: {asks} needs a lung mask; give a finder, or use View(frame='whole')")
        upright = self._seen(film.pixels, lungs)
        if not self.align or lungs is None or not upright.lung_area:
            return upright
        straight = straight or Straightened(film, lungs)
        by, mask = straight.lungs
        return replace(
            self._seen(straight.pixels(self.frame), mask), lung_area=upright.lung_area, aligned=Aligned(by, upright)
        )

    def _seen(self, pixels: NDArray[np.float32], lungs: NDArray[np.bool_] | None) -> Viewed:
        height, width = pixels.shape
        lung_area = None if lungs is None else float(lungs.mean())
        found = lungs is not None and lungs.mean() >= _LEAST_AREA
        box: Box = (0.0, 0.0, float(height), float(width))
        if lungs is not None and found and self.frame == "lungs":
            box = _lung_box(lungs, height, width)
        inner = self._inner(box)
        pixels = area(pixels, inner[2], inner[3], box=box)  # (inner height, inner width)
        mask: NDArray[np.bool_] | None = None
        if lungs is not None:
            up, across = lungs.shape[0] / height, lungs.shape[1] / width
            # min: height · (rows / height) may round to a little more than rows
            bottom, right = min(box[2] * up, float(lungs.shape[0])), min(box[3] * across, float(lungs.shape[1]))
            on_mask = (box[0] * up, box[1] * across, bottom, right)
            mask = area(lungs.astype(np.float32), inner[2], inner[3], box=on_mask) > 0.5 if found else None
            if mask is not None and not mask.any():  # a mask that vanishes on the grid counts as empty
                found, mask = False, None
            lung_area = lung_area if found else 0.0
        judged = mask if mask is not None and self.frame == "lungs" else np.ones(pixels.shape, dtype=bool)
        scaled, padding = self._scaled(pixels, judged)
        if lungs is not None and mask is None:
            mask = judged
        return Viewed(
            image=torch.from_numpy(_place(scaled, inner, self.size, fill=padding))[None],
            inside=torch.from_numpy(_place(judged.astype(np.float32), inner, self.size, fill=0.0) > 0.5)[None],
            lungs=None
            if mask is None
            else torch.from_numpy(_place(mask.astype(np.float32), inner, self.size, fill=0.0) > 0.5)[None],
            box=box,
            lung_area=lung_area,
            inner=inner,
        )

    def _inner(self, box: Box) -> tuple[int, int, int, int]:
        if self.aspect == "stretch":
            return 0, 0, self.size, self.size
        height, width = box[2] - box[0], box[3] - box[1]
        ratio = self.size / max(height, width)
        rows, columns = max(1, round(height * ratio)), max(1, round(width * ratio))
        return (self.size - rows) // 2, (self.size - columns) // 2, rows, columns

    def _scaled(self, pixels: NDArray[np.float32], judged: NDArray[np.bool_]) -> tuple[NDArray[np.float32], float]:
        """Return pixels in network units, and the value of the padding: black for "range", the mean for "zscore"."""
        if self.scale == "range":
            return pixels * 2 - 1, -1.0
        values = pixels[judged]
        spread = max(float(values.std()), 1e-6)
        z = (pixels - float(values.mean())) / spread
        return np.clip(z, -3, 3).astype(np.float32) / 3, 0.0


def _lung_box(lungs: NDArray[np.bool_], height: int, width: int) -> Box:
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    up, across = height / lungs.shape[0], width / lungs.shape[1]
    top, bottom = rows[0] * up, (rows[-1] + 1) * up
    left, right = columns[0] * across, (columns[-1] + 1) * across
    more_up, more_across = _MARGIN * (bottom - top), _MARGIN * (right - left)
    return (
        max(0.0, top - more_up),
        max(0.0, left - more_across),
        min(float(height), bottom + more_up),
        min(float(width), right + more_across),
    )


def _place(
    image: NDArray[np.float32], inner: tuple[int, int, int, int], size: int, *, fill: float
) -> NDArray[np.float32]:
    if image.shape == (size, size):
        return np.ascontiguousarray(image, dtype=np.float32)
    canvas = np.full((size, size), fill, dtype=np.float32)
    top, left, height, width = inner
    canvas[top : top + height, left : left + width] = image
    return canvas
