"""A small world for commands: phantoms of 64 pixels as PNG files, and two models that had a second of training."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import torch

from tests.forked_decoders import PARQUET, forked
from tests.kept_lungs import kept_lungs
from tests.once import made_once, shared_folder
from tests.warm_python import Started, warm_python
from unseen.anatomy.cross_fitted_lungs import cross_fitted
from unseen.anatomy.lung_finder import LungFinder
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.detectors.pca import Pca
from unseen.detectors.roi_oracle import RoiOracle
from unseen.detectors.saved import save
from unseen.training.settings import Training

LIMITS = "Research use only. Not a medical device. Not for diagnosis."


@dataclass(frozen=True)
class World:
    """normals, twins: manifests of 30 films and of 12 pairs; bare: a folder of films without masks."""

    normals: Path
    twins: Path
    bare: Path
    pca: Path
    oracle: Path


@dataclass(frozen=True)
class Answer:
    """Exit status and printed text of a command."""

    code: int
    out: str
    err: str


class Say(Protocol):
    def __call__(self, *words: object) -> Answer: ...


UNSEEN = Path(sys.executable).with_name("unseen")


def _environment(given: dict[str, str]) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "200"} | given


def run(*words: object, program: Path = UNSEEN, **environment: str) -> Answer:
    """Return the installed command, or a program that calls it, in a process of its own."""
    done = warm_python().run(program, *words, cwd=Path.cwd(), environment=_environment(environment))
    return Answer(done.code, done.out, done.err)


def begin(*words: object, out: Path = Path(os.devnull), err: Path = Path(os.devnull), **environment: str) -> Started:
    """Return the same, while it runs; what it prints goes to files."""
    return warm_python().start(UNSEEN, *words, cwd=Path.cwd(), environment=_environment(environment), out=out, err=err)


@pytest.fixture(scope="module", autouse=True)
def _kept_lungs() -> Iterator[None]:
    """Commands of this process look at the same few films again and again."""
    with kept_lungs():
        yield


@pytest.fixture(scope="module", autouse=True)
def _forked_readers() -> Iterator[None]:
    """Readers of Parquet files of this process are forks; those of commands in processes of their own are not."""
    with forked(PARQUET):
        yield


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """`say("score", model, film)`: the command's `main` in this process, for speed; the same exit status."""
    from unseen.cli import main

    return saying(main, monkeypatch, capsys)


def saying(main: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Return a function that runs a program's `main` in this process with the words it is given."""

    def speak(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["unseen", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 0 if left.code is None else 1
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return speak


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = made_once(shared_folder(tmp_path_factory) / "world", _make_world)
    return World(
        normals=folder / "normals" / "manifest.csv",
        twins=folder / "twins" / "manifest.csv",
        bare=folder / "bare" / "films",
        pca=folder / "pca",
        oracle=folder / "oracle",
    )


def _make_world(folder: Path) -> None:
    torch.set_num_threads(1)
    normals = list(phantoms.normals(30, seed=5, size=64))
    bare = phantoms.write(normals[:12], folder / "bare")
    bare.unlink()
    for part in ("lungs", "lesions"):
        for path in (folder / "bare" / part).iterdir():
            path.unlink()
    finder = cross_fitted(
        normals, config=LungFinder.Config(size=32, features=8, depth=2, steps=15), seed=3, device="cpu"
    )
    view = View(size=32)
    training = Training(epochs=1, batch_size=8, device="cpu", threads=1)
    save(Pca(components=8, view=view).fit(normals, finder=finder, training=training), folder / "pca")
    save(RoiOracle(features=4, latent=8, view=view).fit(normals, finder=finder, training=training), folder / "oracle")
    phantoms.write(normals, folder / "normals")
    phantoms.write(phantoms.twins(12, seed=6, size=64), folder / "twins")


RECIPE = """
seed = 0
[view]
size = 32
[method]
key = "pca"
components = 8
[training]
device = "cpu"
threads = 1
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe of one's own: pca with 8 components, 32 px."""
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path
