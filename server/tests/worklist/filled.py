"""A small worklist that `fill` made: a detector that has seen 24 phantoms, calibrated, and one to compare with."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from tests.once import made_once, shared_folder
from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import Recipe
from unseen.data import phantoms
from unseen.data.reading import films
from unseen.detectors.pca import Pca
from unseen.detectors.saved import save
from unseen.runs.normal_scores import add_normal_scores
from unseen.screening.calibration import calibrate
from unseen_server.demo.filling import Filled, fill
from unseen_server.demo.simulated_sites import NORTH, SOUTH, WEST, SiteShare, write_sites

CUT = "cut-short.png"


@dataclass(frozen=True)
class Small:
    """Arguments of `fill`."""

    folder: Path
    incoming: Path
    unreadable: Path
    policy: Path
    model: Path
    further: Path

    def fill(self, worklist: Path, *, reported: int = 16, left: int = 4) -> Filled:
        return fill(
            worklist,
            films=self.incoming,
            unreadable=self.unreadable,
            model=self.model,
            policy=self.policy,
            further=[self.further],
            reported=reported,
            left=left,
        )


def small(factory: pytest.TempPathFactory) -> Small:
    """Return what `fill` is given, made once a run; nothing is written into its folder."""
    folder = made_once(shared_folder(factory) / "filled-small", _make)
    incoming = folder / "incoming" / "manifest.csv"
    assert incoming.exists()
    return Small(folder, incoming, folder / CUT, folder / "policy.json", folder / "decides", folder / "compares")


def filled_once(factory: pytest.TempPathFactory, home: Path) -> Filled:
    """Copy a worklist that was filled once a run to `home`, and return the report of its filling."""
    made, pickled = small(factory), "filled.pickle"

    def make(folder: Path) -> None:
        (folder / pickled).write_bytes(pickle.dumps(made.fill(folder / "worklist")))

    folder = made_once(shared_folder(factory) / "filled-worklist", make)
    shutil.copytree(folder / "worklist", home)
    filled: Filled = pickle.loads((folder / pickled).read_bytes())
    return filled


def _make(folder: Path) -> None:
    torch.set_num_threads(1)
    learnt = list(phantoms.normals(24, seed=5, size=64))
    detectors: dict[str, Pca] = {}
    for name, components in (("decides", 8), ("compares", 3)):
        detector = detectors[name] = Pca(view=View(size=32, frame="whole"), components=components).fit(learnt)
        recipe = Recipe.model_validate({"name": name, "method": {"key": "pca", "settings": {"components": components}}})
        add_normal_scores(detector, recipe, learnt, folds=2)
        save(detector, folder / name, data="phantoms", licence="none")
    labelled = write_sites(
        [SiteShare(station=one, normals=10, abnormals=8, seed=seed) for one, seed in ((NORTH, 50), (SOUTH, 60))],
        folder / "labelled",
        side=64,
    )
    policy = calibrate(detectors["decides"], films(labelled), 0.3, 0.9).policy
    assert policy is not None
    policy.save(folder / "policy.json")
    write_sites(
        [
            *(SiteShare(station=one, normals=8, abnormals=5, seed=seed) for one, seed in ((NORTH, 70), (SOUTH, 80))),
            SiteShare(station=WEST, normals=1, abnormals=1, seed=90),
        ],
        folder / "incoming",
        side=64,
    )
    (folder / CUT).write_bytes(b"\x89PNG\r\n\x1a\n")
