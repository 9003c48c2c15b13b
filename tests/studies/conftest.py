"""A tiny public set: phantoms under two hospitals' names, dealt to three folds; and finders that take a second."""

from __future__ import annotations

import csv
import functools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from studies import crossfit
from studies.crossfit import FoldResult, cross_fit
from tests.once import made_once, shared_folder
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts.recipe import Recipe
from unseen.data import phantoms
from unseen.runs.training import resolve

# Studies that train, run whole. `make test` holds what the package and the pages owe to them: one study from its recipe
# to its rows, the simulated hospitals, the workers, and that every number of a page is in a row.
TRAIN = {
    "test_cohort.py",
    "test_crossfit.py",
    "test_finer.py",
    "test_labelled.py",
    "test_lung_finder.py",
    "test_preparations.py",
    "test_robustness.py",
    "test_suspects.py",
    "test_thesis.py",
}
FOLDS = (1, 2)
HOSPITALS = ("montgomery", "shenzhen")
METHODS = {
    "pca": "components = 4",
    "roi-oracle": "features = 4\nlatent = 8",
    "roi-sure": "features = 4\nlatent = 8",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name in TRAIN:
            item.add_marker(pytest.mark.nightly)


class SmallLungs(LungFinder.Config):
    """The finder's defaults, so small that a fold takes seconds."""

    size: int = 32
    features: int = 4
    depth: int = 2
    steps: int = 8


class AtOnce:
    """A pool of no processes: the work is done where it is asked for, with the settings patched here."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., object], *given: object) -> Future[object]:
        done: Future[object] = Future()
        done.set_result(work(*given))
        return done


@dataclass(frozen=True)
class World:
    """data: what $UNSEEN_DATA names; root: where runs lie; recipes."""

    data: Path
    root: Path
    recipes: tuple[Recipe, ...]

    @functools.cached_property
    def done(self) -> dict[str, list[FoldResult]]:
        """Each recipe's folds, trained and scored when the first test asks for them."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(crossfit, "worker_processes", AtOnce)
            return cross_fit(self.recipes, folds=FOLDS, root=self.root, workers=1, say=lambda _: None)


def recipe_of(method: str, frame: str = "lungs") -> Recipe:
    return resolve(
        Recipe.from_toml(f"""
name = "ms_cxr/{method}-64-{frame}"
seed = 0
[data]
manifest = "set/manifest.csv"
split = "set/splits.csv"
[view]
size = 32
frame = "{frame}"
[method]
key = "{method}"
{METHODS[method]}
[training]
epochs = 4
batch_size = 4
device = "cpu"
threads = 1
""")
    )


def write_set(folder: Path) -> None:
    """72 films: 24 a fold, half of them normal, half from each hospital."""
    films = [*phantoms.normals(36, seed=8, size=64), *phantoms.abnormals(36, seed=8, size=64)]
    manifest = phantoms.write(films, folder)
    with manifest.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for i, row in enumerate(rows):
        row["source"] = HOSPITALS[(i // 3) % 2]
    for path, kept in ((manifest, list(rows[0])), (folder / "splits.csv", ["file", "fold"])):
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, kept, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({**row, "fold": i % 3} for i, row in enumerate(rows))


def copied_set(factory: pytest.TempPathFactory, folder: Path) -> None:
    """The same, drawn once for all tests."""
    shutil.copytree(made_once(shared_folder(factory) / "studies-set", write_set), folder)


@pytest.fixture(scope="session")
def whole_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    data, root = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("root")
    copied_set(tmp_path_factory, data / "set")
    torch.set_num_threads(1)
    return World(data, root, (recipe_of("pca"), recipe_of("roi-oracle"), recipe_of("pca", "whole")))


@pytest.fixture(scope="module")  # what it patches must not outlive these tests; a scope of "package" would let it
def world(whole_world: World) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_DATA", str(whole_world.data))
        patch.setattr(LungFinder, "Config", SmallLungs)
        yield whole_world


@pytest.fixture(scope="session")
def split_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a fixed split in the column `thesis`: a third trains, a third tests, a third is left aside."""
    folder = tmp_path_factory.mktemp("split")
    copied_set(tmp_path_factory, folder / "set")
    split = folder / "set" / "splits.csv"
    with split.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    parts = {"0": "test", "1": "train", "2": ""}
    lines = ["file,fold,thesis", *(f"{row['file']},{row['fold']},{parts[row['fold']]}" for row in rows)]
    split.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
