"""`MeanFilm`: the mean power of the difference to the mean normal film, inside the mask."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import nn

from unseen.anatomy import Viewed
from unseen.detectors import Detector, DetectorSettings, Fitting, Judgement, Normals


class Mean(nn.Module):
    """What is learnt, as a module, so that a bundle can hold it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("film", torch.zeros(1, size, size))


class MeanFilm(Detector):
    """Distance to the mean normal film."""

    key = "mean-film"
    learns_by_epochs = False

    class Config(DetectorSettings):
        """Frozen; unknown names are refused."""

        power: float = Field(default=2.0, gt=0, description="2: squares")

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.modules()["mean"].film = (normals.images * normals.inside).mean(0)  # (1, size, size)

    def judge(self, viewed: Viewed) -> Judgement:
        nearest = self.modules()["mean"].get_buffer("film") * viewed.inside
        residual = (viewed.masked - nearest).abs() ** self.config.power
        score = float(residual.sum() / viewed.inside.sum())
        return Judgement(
            score=score,
            parts={"residual": score},
            anomaly_map=residual[0].numpy(),
            reconstruction=nearest[0].numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "_mean"):
            self._mean = Mean(self.view.size)
        return {"mean": self._mean}
