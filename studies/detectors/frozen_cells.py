"""Features of EfficientNet-lite0 of each film of a set, computed once and kept on disk for the studies.

A film is seen through two views of 224 pixels: the whole film, and the aligned lungs, masked. Of each view the maps of
blocks 2, 4, 7 and 10 are kept on 14 × 14 cells, and that of block 14 on 7 × 7. The network computes in bfloat16 where
the CPU has instructions for it, else in float32, which is faster there, and the maps are kept in half precision; both
round to less than 1 % of a channel's spread. The folder's name has a digest of all inputs but the films: lung finder,
views, network, precision, blocks and lesion.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from unseen.anatomy.found_lungs import Finder
from unseen.anatomy.network_view import View
from unseen.artifacts.files import replacing
from unseen.data.film import Film
from unseen.detectors.frozen_features import PUBLISHED, FrozenFeatures, published
from unseen.detectors.normals import Normals
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.networks.efficientnet_lite import CHANNELS, EfficientNetLite
from unseen.training.precision import fastest_precision

SIZE = 224
WHOLE = View(frame="whole", size=SIZE)
LUNGS = View(frame="lungs", size=SIZE, align=True)
VIEWS = {"whole": WHOLE, "lungs": LUNGS}
FINE, DEEP = (2, 4, 7, 10), 14
"""Blocks that are kept on `GRID` × `GRID` cells, and the block on half as many."""
GRID = 14
_AT_ONCE = 8
_CHUNK = 120


class DigestedFinder(Finder, Protocol):
    """Lung finder with a digest of everything that its masks depend on."""

    @property
    def digest(self) -> str:
        """SHA-256 of settings and weights."""
        ...


@dataclass(frozen=True)
class Lesion:
    """Synthetic lesion that is drawn into films before their features are computed.

    Args:
        name: its name.
        version: number that grows with each change of what `paint` draws.
        paint: returns the film with the lesion, from the film and its lungs.
    """

    name: str
    version: int
    paint: Callable[[Film, NDArray[np.bool_]], Film]


@dataclass(frozen=True, eq=False)
class FrozenCells:
    """Films of a set, and their feature maps.

    Args:
        facts: name, label, source, patient and pixel digest of each film, with its simple statistics.
        fine: maps of `FINE` by the view's name, half precision (n, channels, GRID, GRID).
        deep: maps of `DEEP` by the view's name, half precision (n, channels, GRID / 2, GRID / 2).
        inside: share of lung of each cell of the view "lungs" (n, GRID, GRID).
    """

    facts: list[dict[str, Any]]
    fine: dict[str, NDArray[np.float16]]
    deep: dict[str, NDArray[np.float16]]
    inside: NDArray[np.float16]

    def cells(self, view: str, blocks: Sequence[int], grid: int, at: NDArray[np.int64]) -> Tensor:
        """Return the features of some films: float32 (films, channels, grid, grid), block upon block."""
        parts, first = {}, 0
        for block in FINE:
            parts[block] = (first, first := first + CHANNELS[block])
        found = []
        for block in blocks:
            kept = self.deep[view][at] if block == DEEP else self.fine[view][at, slice(*parts[block])]
            found.append(on_cells(torch.from_numpy(kept).float(), grid))
        return torch.cat(found, dim=1)

    def lungs(self, view: str, grid: int, at: NDArray[np.int64]) -> Tensor:
        """Return the share of lung of each cell, 1 in the whole film: (films, grid, grid)."""
        if view == "whole":
            return torch.ones(len(at), grid, grid)
        return on_cells(torch.from_numpy(self.inside[at]).float()[:, None], grid)[:, 0]


def folder_of(root: Path, name: str, finder: DigestedFinder, lesion: Lesion | None = None) -> Path:
    """Return the folder of a set's features; another finder, view, network or lesion has another folder."""
    inputs: dict[str, Any] = {
        "finder": finder.digest,
        "views": {key: view.model_dump(mode="json") for key, view in VIEWS.items()},
        "network": PUBLISHED,
        "blocks": [*FINE, DEEP],
        "grid": GRID,
        "lesion": None if lesion is None else [lesion.name, lesion.version],
    }
    digest = hashlib.sha256(json.dumps(inputs | precision_input(), sort_keys=True).encode()).hexdigest()
    return root / "frozen-cells" / f"{name if lesion is None else f'{name}-{lesion.name}'}-{digest[:12]}"


def frozen_cells(
    films: Iterable[Film],
    finder: DigestedFinder,
    root: Path,
    name: str,
    *,
    lesion: Lesion | None = None,
    report: Callable[[str], None] = print,
) -> FrozenCells:
    """Compute the features of films, or read those that were kept.

    Args:
        films: the films.
        finder: finds their lungs.
        root: folder of the runs; the features are in `folder_of`, in files of 120 films each.
        name: name of the set.
        lesion: lesion that is drawn into each film; None: none.
        report: called with the number of films done.

    Returns:
        The films and their features, in the order of `films`.
    """
    films, folder = list(films), folder_of(root, name, finder, lesion)
    folder.mkdir(parents=True, exist_ok=True)
    known = {digest for path in folder.glob("*.npz") for digest in _digests(path)}
    missing = [film for film in films if film.pixel_sha256 not in known]
    network = frozen_network() if missing else None
    for first in range(0, len(missing), _CHUNK):
        assert network is not None
        chunk = missing[first : first + _CHUNK]
        number = len(list(folder.glob("*.npz")))
        drawn = chunk if lesion is None else [lesion.paint(film, finder.find(film)) for film in chunk]
        _write(folder / f"{number:04d}.npz", network, drawn, finder)
        report(f"features of {first + len(chunk)} of {len(missing)} films")
    read = [np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npz"))]
    facts = [json.loads(str(line)) for one in read for line in one["facts"]]
    place = {fact["pixel_sha256"]: index for index, fact in enumerate(facts)}
    order = np.array([place[film.pixel_sha256] for film in films], dtype=np.int64)

    def joined(name: str) -> NDArray[np.float16]:
        return np.concatenate([one[name] for one in read])[order]

    return FrozenCells(
        [facts[index] for index in order],
        {view: joined(f"{view}-fine") for view in VIEWS},
        {view: joined(f"{view}-deep") for view in VIEWS},
        joined("inside"),
    )


def remembered(
    detector: FrozenFeatures, cells: FrozenCells, view: str, at: NDArray[np.int64], *, seed: int = 0
) -> FrozenFeatures:
    """Fit a detector on frozen features to the kept features of some films, by its own `remember`."""
    config = detector.config
    detector.modules()
    found = cells.cells(view, config.blocks, config.grid, at)
    inside = cells.lungs(view, config.grid, at)
    vars(detector).update(cells=lambda images: found, lungs=lambda mask: inside)
    empty = torch.zeros(len(at), 1, 1, 1)
    detector.remember(Normals(empty, empty > 0, empty > 0, tuple("" for _ in at)), seed)
    for name in ("cells", "lungs"):
        del vars(detector)[name]
    return detector


def scores_of(detector: FrozenFeatures, cells: FrozenCells, view: str, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score some films by a fitted detector, by its own `marks`: (films,)."""
    config, found = detector.config, []
    with torch.inference_mode():
        for part in np.array_split(at, max(1, len(at) // 256)):
            maps, inside = cells.cells(view, config.blocks, config.grid, part), cells.lungs(view, config.grid, part)
            found += [detector.marks(one, lungs)[0] for one, lungs in zip(maps, inside, strict=True)]
    return np.array(found)


def on_cells(maps: Tensor, grid: int) -> Tensor:
    """Return maps (n, channels, height, width) on grid × grid cells: averaged if finer, else interpolated."""
    if maps.shape[-1] >= grid:
        return functional.adaptive_avg_pool2d(maps, grid)
    return functional.interpolate(maps, size=(grid, grid), mode="bilinear")


def precision_name() -> str:
    """Return the precision in which `maps_of` computes on this CPU: bfloat16 or float32."""
    return "bfloat16" if fastest_precision("cpu") == "bf16" else "float32"


def precision_input() -> dict[str, str]:
    """Return the precision as an input of a digest; empty for bfloat16, so that its folders keep their names."""
    return {} if precision_name() == "bfloat16" else {"precision": precision_name()}


def frozen_network() -> EfficientNetLite:
    """Return EfficientNet-lite0 with its published weights, up to block `DEEP`."""
    network = EfficientNetLite(last=DEEP)
    network.fill(published())
    network.eval()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it
    return network


def maps_of(network: EfficientNetLite, images: Sequence[Tensor]) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Return the maps of `FINE` and of `DEEP` of images (1, SIZE, SIZE), in half precision."""
    found: list[tuple[Tensor, Tensor]] = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision_name() == "bfloat16"):
        for part in torch.split(torch.stack(list(images)), _AT_ONCE):
            *fine, deep = network(part.to(memory_format=torch.channels_last), (*FINE, DEEP))
            pooled = [functional.adaptive_avg_pool2d(one.float(), GRID) for one in fine]
            found.append((torch.cat(pooled, dim=1), deep.float()))
    fine_maps, deep_maps = (torch.cat(list(maps)).half().numpy() for maps in zip(*found, strict=True))
    return fine_maps, deep_maps


def _write(path: Path, network: EfficientNetLite, films: Sequence[Film], finder: Finder) -> None:
    facts, images, inside = [], {view: [] for view in VIEWS}, []  # type: list[str], dict[str, list[Tensor]], list[Any]
    for film in films:
        lungs = finder.find(film)
        seen = {name: view(film, lungs) for name, view in VIEWS.items()}
        for name, viewed in seen.items():
            images[name].append(viewed.masked if name == "lungs" else viewed.image)
        inside.append(functional.adaptive_avg_pool2d(seen["lungs"].inside.float(), GRID)[0].half().numpy())
        named = {name: getattr(film, name) for name in ("name", "label", "source", "patient", "pixel_sha256")}
        facts.append(json.dumps(named | trivial_statistics(film, lung_area=seen["lungs"].lung_area)))
    kept: dict[str, NDArray[Any]] = {"facts": np.array(facts), "inside": np.stack(inside)}
    for name in VIEWS:
        kept[f"{name}-fine"], kept[f"{name}-deep"] = maps_of(network, images[name])
    with replacing(path) as temporary, temporary.open("wb") as written:
        np.savez(written, **kept)  # type: ignore[arg-type]


def _digests(path: Path) -> list[str]:
    with np.load(path, allow_pickle=False) as read:
        return [json.loads(str(line))["pixel_sha256"] for line in read["facts"]]
