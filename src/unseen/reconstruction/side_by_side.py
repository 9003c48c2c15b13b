"""Images side by side: the truth, then each arm's reconstruction of it, as one PNG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from unseen.artifacts.files import replacing

_GAP = 2  # white pixels between images
_LEAST_HEIGHT = 16
_COLUMNS = "Columns"  # the PNG's text with the entries' names


def write_side_by_side(path: Path, rows: Mapping[str, Tensor], *, pictures: int = 2) -> Path:
    """Write the first `pictures` images of each entry, one line an image, one column an entry, with the entries' names.

    Args:
        path: ends in .png.
        rows: (n, 1 or 3, height, width) each, real or complex (shown by magnitude); black is 0, white is 1.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(pictures):
        cells = [_bytes(tensor[number]) for tensor in rows.values()]
        gap = np.full((cells[0].shape[0], _GAP, 3), 255, np.uint8)
        lines.append(np.concatenate([part for cell in cells for part in (cell, gap)][:-1], axis=1))
    between = np.full((_GAP, lines[0].shape[1], 3), 255, np.uint8)
    whole = np.concatenate([part for line in lines for part in (line, between)][:-1], axis=0)
    names = PngInfo()
    names.add_text(_COLUMNS, ",".join(rows))
    with replacing(path) as temporary:
        Image.fromarray(whole).save(temporary, format="PNG", optimize=True, pnginfo=names)
    return path


def columns_of(path: Path) -> tuple[str, ...]:
    """Return the names of the entries that `write_side_by_side` has drawn, from left to right.

    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows = {name: torch.rand(2, 1, 4, 4) for name in ("truth", "ei")}
    ...     columns_of(write_side_by_side(Path(folder) / "a.png", rows))
    ('truth', 'ei')
    """
    with Image.open(path) as image:
        return tuple(str(image.info[_COLUMNS]).split(","))


def _bytes(image: Tensor) -> NDArray[np.uint8]:
    """(height, width, 3)."""
    grey = image.abs() if image.is_complex() else image
    scaled = grey.detach().float().clamp(0, 1).numpy().transpose(1, 2, 0)
    if len(scaled) < _LEAST_HEIGHT:  # a signal is shown as a band
        scaled = np.repeat(scaled, _LEAST_HEIGHT, axis=0)
    return np.asarray(np.broadcast_to(scaled * 255 + 0.5, (*scaled.shape[:2], 3)), dtype=np.uint8)
