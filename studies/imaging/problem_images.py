"""An image for each problem of the imaging results: a phantom, its A† and its total variation, side by side.

Nothing here is of a patient or a photograph: the truth is drawn. The operator, the link and the noise are those of the
problem, and the weight of total variation is the one that its row `imaging/<problem>-tv-0` chose on validation images.
No networks that these problems trained are committed, so there is no panel of EI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from studies.imaging.image_sets import load
from studies.imaging.settings import ImageSetSettings, images_of, method_of
from studies.imaging.variation import ITERATIONS, TOLERANCE
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.files import replacing
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.psnr_ssim import psnr
from unseen.lab.images import film, head, shapes
from unseen.priors.tv import TV
from unseen.reconstruction.reconstructor import starting_image
from unseen.runs.imaging_settings import process_of

STUDY = "problem-images"
IMAGES = "images/problems"
SECTION = "Images of every problem"
PANELS = {"truth": "the truth", "direct": "A†", "tv": "TV"}
_NOISE = 0  # seed of the noise
_SIDE, _PLOT = 128, 96  # pixels a side of an image, and of a signal's height
_GAP = 4  # white pixels between panels


def truth_of(view: ImageSetSettings) -> tuple[Tensor, str]:
    """Return the drawn truth of a problem, (1, channels, height, width), and its name.

    >>> truth, name = truth_of(ImageSetSettings(pictures="digits", size=32))
    >>> truth.shape, name
    (torch.Size([1, 1, 32, 32]), 'a square and a disc')
    """
    if view.pictures in ("triangles", "sparse"):
        return load(view).testing[:1], "the first drawn test signal"
    if view.pictures in ("ct", "ct-again", "mri"):
        return head(view.size, 0), "the Shepp–Logan head"
    if view.pictures in ("digits", "digits-6000"):
        return shapes(view.size, 0), "a square and a disc"
    if view.colour:
        return torch.cat([shapes(view.size, seed) for seed in range(3)], dim=1), "a square and a disc in each channel"
    return film(view.size, 0), "a simulated chest film"


def panels_of(recipe: Recipe, weight: float) -> dict[str, Tensor]:
    """Return the truth, A† and total variation of a resolved recipe's problem, by the names of `PANELS`.

    Args:
        recipe: of `imaging/`, resolved.
        weight: of total variation, in units of ‖A‖².
    """
    view = images_of(recipe)
    x, _ = truth_of(view)
    process = process_of(method_of(recipe), channels=x.shape[1], size=(x.shape[2], x.shape[3])).select(
        torch.tensor([0])
    )
    x = x.to(torch.complex64) if process.A.complex_domain else x
    y = process(x, generator=torch.Generator().manual_seed(_NOISE))
    direct = starting_image(y, process, "auto")
    prior = TV(weight * process.A.norm() ** 2)
    found = prior.solve(process.linearise(y), process.A, start=direct, iterations=ITERATIONS, tolerance=TOLERANCE)
    return {"truth": x, "direct": direct, "tv": found.x}


def written(recipes: Sequence[Recipe], rows: Mapping[str, Row], docs: Path) -> Iterator[Row]:
    """Write the image of each problem that has a row of total variation, and yield its row.

    Args:
        recipes: of `imaging/`, resolved.
        rows: committed rows of the imaging results, by name.
        docs: folder of the pages.
    """
    for recipe in recipes:
        source = f"{recipe.name}-tv-0"
        if source not in rows:
            continue
        weight = float(rows[source]["weight"])
        panels = panels_of(recipe, weight)
        write_panels(docs / IMAGES / f"{recipe.short}.png", panels)
        yield {
            "recipe": f"{STUDY}/{recipe.short}",
            "image_of": recipe.name,
            "seed": 0,
            "truth": truth_of(images_of(recipe))[1],
            "px": images_of(recipe).size,
            "weight": weight,
            "weight_of": source,
            "psnr": {arm: round(float(psnr(panels[arm], panels["truth"])), 2) for arm in ("direct", "tv")},
            "device": "cpu",
            "version": __version__,
            "date": datetime.now(UTC).date().isoformat(),
        }


def write_panels(path: Path, panels: Mapping[str, Tensor]) -> None:
    """Write the panels side by side as a PNG; signals as lines, complex images by magnitude; black 0, white 1."""
    cells = [_cell(panels[name][0]) for name in PANELS]
    gap = np.full((cells[0].shape[0], _GAP, cells[0].shape[2]), 255, np.uint8)
    whole = np.concatenate([part for cell in cells for part in (cell, gap)][:-1], axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Image.fromarray(whole[..., 0] if whole.shape[2] == 1 else whole).save(temporary, format="PNG", optimize=True)


def gallery_blocks(rows: Sequence[Row], known: Sequence[Recipe]) -> list[str]:
    """Return the section with the image of each problem; empty without rows.

    Args:
        rows: of the study `problem-images`.
        known: recipes, in the page's order.
    """
    found = {row["image_of"]: row for row in rows}
    if not found:
        return []
    blocks = [
        f"## {SECTION}",
        "Each image shows, from left to right, the truth, A† and TV. The truth is drawn, with one draw of the noise; "
        "operator and noise are those of the problem, and TV's weight is the one of its row, chosen on the validation "
        "images of that problem. The PSNR (peak 1) is of this one image. Drawn shapes with flat regions suit TV, so "
        "these figures say nothing about the data sets above. EI: no committed weights of these problems, so there is "
        "no panel of it. `python -m studies.imaging --images`, seed 0, CPU; rows `problem-images/…`.",
    ]
    for recipe in known:
        row = found.get(recipe.name)
        if row is not None:
            blocks.append(f"**{method_of(recipe).title}.** `{recipe.name}`, {row['px']} px.")
            blocks.append(f"![{alternative(row)}]({IMAGES}/{recipe.short}.png)")
    return blocks


def alternative(row: Row) -> str:
    """Return the alternative text of an image, with the PSNR of each panel.

    >>> alternative({"truth": "the Shepp–Logan head", "psnr": {"direct": 12.345, "tv": 20.0}})
    'The Shepp–Logan head, A† with a PSNR of 12.35 dB, and TV with 20.00 dB, side by side'
    """
    direct, variation = row["psnr"]["direct"], row["psnr"]["tv"]
    truth = row["truth"][0].upper() + row["truth"][1:]
    return f"{truth}, A† with a PSNR of {direct:.2f} dB, and TV with {variation:.2f} dB, side by side"


def _cell(image: Tensor) -> NDArray[np.uint8]:
    """(height, width, channels)."""
    values = (image.abs() if image.is_complex() else image).detach().float().clamp(0, 1).numpy().transpose(1, 2, 0)
    if len(values) == 1:
        return _plotted(values[0, :, 0])
    grey = np.asarray(np.round(values * 255), dtype=np.uint8)
    larger = max(1, _SIDE // len(grey))
    return grey.repeat(larger, axis=0).repeat(larger, axis=1)


def _plotted(signal: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a signal in [0, 1] as a line on white."""
    canvas = Image.new("L", (_SIDE, _PLOT), 255)
    across = np.linspace(2, _SIDE - 3, len(signal))
    down = 3 + (1 - signal) * (_PLOT - 7)
    ImageDraw.Draw(canvas).line(list(zip(across.tolist(), down.tolist(), strict=True)), fill=0, width=1)
    return np.asarray(canvas)[..., None]
