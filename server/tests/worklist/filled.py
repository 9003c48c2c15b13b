"""A small worklist that `fill` made: a detector that has seen 24 phantoms, calibrated, and one to compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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


@dataclass(frozen=True)
class Small:
    """What `fill` is given."""

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


def small(folder: Path) -> Small:
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
    incoming = write_sites(
        [
            *(SiteShare(station=one, normals=8, abnormals=5, seed=seed) for one, seed in ((NORTH, 70), (SOUTH, 80))),
            SiteShare(station=WEST, normals=1, abnormals=1, seed=90),
        ],
        folder / "incoming",
        side=64,
    )
    unreadable = folder / "cut-short.png"
    unreadable.write_bytes(b"\x89PNG\r\n\x1a\n")
    return Small(folder, incoming, unreadable, folder / "policy.json", folder / "decides", folder / "compares")
