"""Features of EfficientNet-lite0 of aligned crops and of their mirror images, with the drawn lungs on the same cells.

Films: those of Shenzhen. Laterality exists there alone, and the lung finder of `models/ensemble-five` has seen no film
of it. Each film is seen through the view "lungs" of `studies.detectors.frozen_cells` (224 pixels, 14 × 14 cells) by
that finder. Variants of the normal films: taken again (another sharpness or contrast), and with synthetic lesions. All
are computed once and kept in the folder of runs; a study that is stopped continues.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from studies import recipe_files as recipes
from studies.attempts.lesions import tuberculous
from studies.detectors.frozen_cells import DEEP, FINE, GRID, LUNGS, frozen_network, maps_of, on_cells, precision_input
from studies.one_sided import RECIPE, side_of
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.files import replacing
from unseen.data.film import Film
from unseen.detectors.classifier_lesions import clouded, spotted
from unseen.detectors.feature_lda import retaken
from unseen.detectors.frozen_features import PUBLISHED
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.detectors.painted_lesions import opacity
from unseen.evaluation.lung_mask_halves import split_lungs
from unseen.evaluation.lung_sides import lung_shortcuts
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve

SOURCE = "shenzhen"
FINDER = "models/ensemble-five"
VERSION = 1
"""Number that grows with each change of what a variant draws."""
CHANGED = 0.03
"""Mean change of a cell's pixels, in network units, from which it counts as changed, as in `feature-lda`."""
LEAST_CELLS = 4
"""Cells of a drawn lung below which a film has no sides."""
_CHUNK = 80


@dataclass(frozen=True, eq=False)
class SidedCells:
    """Feature maps of some crops and of their mirror images.

    Args:
        facts: of each film: name, label, fold, side, shortcuts of the lungs (None without sides), statistics.
        maps: features of the crop, half precision (n, channels, GRID, GRID), of all blocks.
        mirrored: features of the mirrored crop, likewise. Cell (i, j) shows what lies at (i, GRID − 1 − j) of the crop.
        inside: share of lung of each cell of the crop (n, GRID, GRID).
        right: the drawn right lung on the cells, bool (n, GRID, GRID); empty where it cannot be split.
        left: the drawn left lung, likewise.
        changed: cells that a synthetic lesion changed, bool (n, GRID, GRID).
    """

    facts: list[dict[str, Any]]
    maps: NDArray[np.float16]
    mirrored: NDArray[np.float16]
    inside: NDArray[np.float32]
    right: NDArray[np.bool_]
    left: NDArray[np.bool_]
    changed: NDArray[np.bool_]


def _plain(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    return x


def _retaken(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    return retaken(x, crops.inside, rng)


def _clouded(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    return clouded(x, crops.inside, generator=rng)


def _spotted(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    return spotted(x, crops.inside, generator=rng)


def _tuberculous(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    return tuberculous(x, crops.inside, generator=rng, first=crops.first)


def _tuberculous_again(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    return tuberculous(x, crops.inside, generator=rng, first=crops.first + 2)


def _one_sided(x: Tensor, crops: Crops, rng: torch.Generator) -> Tensor:
    """Paint opacities of `painted_lesions` into one drawn lung: the right of even films, the left of odd ones."""
    out = []
    for number, image in enumerate(x[:, 0]):
        lung = crops.drawn[number, (crops.first + number) % 2] & crops.inside[number, 0]
        out.append(opacity(image, lung, rng)[0] if lung.any() else image)
    return torch.stack(out)[:, None].clamp(-1, 1)


@dataclass(frozen=True, eq=False)
class Crops:
    """Masks (n, 1, size, size), drawn right and left lungs (n, 2, size, size), and the number of the first film."""

    inside: Tensor
    drawn: Tensor
    first: int


VARIANTS: dict[str, Callable[[Tensor, Crops, torch.Generator], Tensor]] = {
    "plain": _plain,
    "retaken": _retaken,
    "clouded": _clouded,
    "spotted": _spotted,
    "tuberculous": _tuberculous,
    "tuberculous-again": _tuberculous_again,
    "one-sided": _one_sided,
}
TESTED_LESION = "one-sided"
"""Lesion that recipes are chosen by; no recipe learns from it."""


def shenzhen_films() -> tuple[list[Film], dict[str, int]]:
    """Return the films of Shenzhen with their drawn masks, and the fold of each by name."""
    cohort = cohort_of(resolve(recipes.load(RECIPE)))
    listed = replace(cohort.films.select(lambda entry: entry.label is not None), masks=True)
    films = [film for film in listed if isinstance(film, Film) and film.source == SOURCE]
    return films, {film.name: cohort.fold_of[film.name] for film in films}


def sided_cells(
    variant: str,
    films: Sequence[Film],
    fold_of: dict[str, int],
    root: Path,
    *,
    finder: LungFinder | None = None,
) -> SidedCells:
    """Compute a variant's features, or read those that were kept.

    Args:
        variant: name in `VARIANTS`.
        films: the films.
        fold_of: fold of each film by name.
        root: folder of runs.
        finder: finds the lungs; None: that of `FINDER`.

    Returns:
        The features, in the order of `films`.
    """
    found = finder_of(FINDER) if finder is None else finder
    assert found is not None
    inputs: list[Any] = [variant, VERSION, found.digest, PUBLISHED, LUNGS.model_dump(mode="json")]
    inputs += [[film.name for film in films], *precision_input().values()]
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:12]
    folder = root / "sided-cells" / f"{variant}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    network, parts = None, []
    for first in range(0, len(films), _CHUNK):
        path = folder / f"{first:05d}.npz"
        if not path.is_file():
            network = network or frozen_network()
            chunk = list(films[first : first + _CHUNK])
            kept = dict(_computed(variant, chunk, fold_of, found, network, first))
            with replacing(path) as temporary, temporary.open("wb") as written:
                np.savez(written, **kept)  # type: ignore[arg-type]
            print(f"{variant}: {first + len(chunk)} of {len(films)} films")
        with np.load(path, allow_pickle=False) as read:
            parts.append({name: read[name] for name in read.files})

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([part[name] for part in parts])

    def whole(name: str) -> NDArray[np.float16]:
        fine, deep = joined(f"{name}-fine"), torch.from_numpy(joined(f"{name}-deep"))
        return np.concatenate([fine, on_cells(deep.float(), GRID).half().numpy()], axis=1)

    facts = [json.loads(str(line)) for part in parts for line in part["facts"]]
    return SidedCells(
        facts, whole("maps"), whole("mirrored"), joined("inside").astype(np.float32), joined("right"), joined("left"),
        joined("changed"),
    )  # fmt: skip


def _computed(
    variant: str, films: Sequence[Film], fold_of: dict[str, int], finder: LungFinder, network: Any, first: int
) -> Iterator[tuple[str, NDArray[Any]]]:
    facts, images, masks, drawn = [], [], [], []
    for film in films:
        viewed = LUNGS(film, finder.find(film))
        sides = None
        if film.lungs is not None:
            try:
                sides = split_lungs(film.lungs)
            except ValueError:  # lung on one side only
                sides = None
        lungs = (
            [viewed.on_grid(one.astype(np.float32)) for one in sides] if sides else [np.zeros((LUNGS.size,) * 2)] * 2
        )
        images.append(viewed.masked)
        masks.append(viewed.inside)
        drawn.append(torch.from_numpy(np.stack(lungs)) >= 0.5)
        abnormal = film.label == "abnormal"
        facts.append(
            {
                "name": film.name,
                "label": film.label,
                "source": film.source,
                "fold": fold_of[film.name],
                "side": side_of(film.columns.get("findings", "")) if abnormal else "",
                "lungs": lung_shortcuts(film.pixels, *sides) if sides else None,
                **trivial_statistics(film, lung_area=viewed.lung_area),
            }
        )
    x, crops = torch.stack(images), Crops(torch.stack(masks), torch.stack(drawn), first)
    changed = VARIANTS[variant](x, crops, torch.Generator().manual_seed(first + 1))
    sided = functional.adaptive_avg_pool2d(crops.drawn.float(), GRID) >= 0.5  # (n, 2, GRID, GRID)
    sided &= (sided.sum(dim=(2, 3)).amin(dim=1) >= LEAST_CELLS)[:, None, None, None]
    yield "facts", np.array([json.dumps(one) for one in facts])
    yield "inside", functional.adaptive_avg_pool2d(crops.inside.float(), GRID)[:, 0].numpy()
    yield "right", sided[:, 0].numpy()
    yield "left", sided[:, 1].numpy()
    yield "changed", (functional.adaptive_avg_pool2d((changed - x).abs(), GRID)[:, 0] > CHANGED).numpy()
    for name, seen in (("maps", changed), ("mirrored", changed.flip(-1))):
        fine, deep = maps_of(network, list(seen))
        yield f"{name}-fine", fine
        yield f"{name}-deep", deep


CHANNELS = (*FINE, DEEP)
"""Blocks whose maps are kept, in their order."""
