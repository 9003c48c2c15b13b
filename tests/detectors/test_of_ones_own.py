"""A detector from outside the package: it imports public names, may leave out an image, and states how it learns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest
import torch
from torch import nn

from unseen.anatomy import View, Viewed
from unseen.data import phantoms
from unseen.detectors import Detector, DetectorSettings, Fitting, Judgement, Normals, Restorer, mean_inside
from unseen.testing import DETECTOR_LAWS, check_detector


class Grey(Detector):
    """The mean grey level."""

    key = "grey"

    class Config(DetectorSettings):
        """No settings."""

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self._network = nn.Identity()

    def judge(self, viewed: Viewed) -> Judgement:
        score = float(mean_inside(viewed.image[None], viewed.inside[None]))
        return Judgement(score=score, parts={}, anomaly_map=torch.zeros(viewed.image.shape[1:]).numpy())

    def modules(self) -> Mapping[str, nn.Module]:
        return {"network": nn.Identity()}


class GreyAtOnce(Grey):
    """The same, and it states that it has no epochs."""

    learns_by_epochs: ClassVar[bool] = False


def test_a_judgement_needs_no_reconstruction() -> None:
    detector = GreyAtOnce(view=View(frame="whole", size=16, scale="range")).fit(phantoms.normals(2, seed=1, size=64))
    finding = detector.score_film(next(iter(phantoms.normals(1, seed=2, size=64))))
    assert finding.reconstruction is None


def test_a_detector_without_epochs_is_asked_to_state_it() -> None:
    films = list(phantoms.normals(2, seed=1, size=64))
    law = DETECTOR_LAWS["states_how_it_learns"]
    view = View(frame="whole", size=16, scale="range")
    law(GreyAtOnce(view=view).fit(films), films)
    with pytest.raises(AssertionError, match="set learns_by_epochs = False"):
        check_detector(Grey(view=view).fit(films), films)


def test_a_restorer_has_public_names_too() -> None:
    assert issubclass(Restorer, Detector)
