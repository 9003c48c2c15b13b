"""Base of the detectors that restore the film with a network, and mark what the network cannot restore.

    x̂ = f(corrupt(x)) while training, f(x) when scoring;     score = mean of the member's marks inside the mask

x is the masked image. A member defines f, its objective (`loss`), and the mark of a pixel (`marks`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.anatomy.network_view import Viewed
from unseen.detectors.detector import Detector, masked_on
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.settings import DetectorSettings
from unseen.training.fused_adam import FusedAdam
from unseen.training.learner import Step


class RestorerSettings(DetectorSettings):
    """Settings of the restorers."""

    features: int = Field(default=32, ge=4, le=256, description="channels of the first convolution")
    learning_rate: float = Field(default=1e-3, gt=0, le=1, description="learning rate of Adam")


class Restorer(Detector):
    """Base of `ae-ssim`, `ae-u`, `dae` and `one-class-svm`: write `build`, `loss` and `marks`.

    >>> from unseen.detectors import Dae
    >>> issubclass(Dae, Restorer)
    True
    """

    Config = RestorerSettings
    config: RestorerSettings

    @abstractmethod
    def build(self) -> nn.Module:
        """f, its first weights drawn by torch's generator."""

    @abstractmethod
    def loss(self, output: Tensor, x: Tensor, inside: Tensor) -> Tensor:
        """Return the training loss, (batch,), from f's output and images and masks (batch, 1, size, size)."""

    @abstractmethod
    def marks(self, output: Tensor, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """Return each pixel's distance from f's restored image, ≥ 0, and that image: (batch, 1, size, size) each."""

    def corrupt(self, x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
        """Return f's input for x while training."""
        return x

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.network = self._drawn(fitting.training.seed)
        self.history = self.descend(
            _Restoring(self),
            (normals.images * normals.inside, normals.inside),
            fitting,
        )

    def judge(self, viewed: Viewed) -> Judgement:
        network = self.modules()["network"]
        x, inside = masked_on(viewed, network)
        with torch.inference_mode():
            marks, restored = self.marks(network(x), x, inside)
            marks = marks * inside
            score = float(mean_inside(marks, inside))
            error = float(mean_inside((x - restored).abs(), inside))
        return Judgement(
            score=score,
            parts={"marks": score, "reconstruction": error},
            anomaly_map=marks[0, 0].cpu().numpy(),
            reconstruction=(restored * inside)[0, 0].cpu().numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "network"):
            self.network = self._drawn(0)
        return {"network": self.network}

    def _drawn(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self.build().eval()


def mean_inside(values: Tensor, inside: Tensor) -> Tensor:
    """Return the mean over each sample's pixels inside, 0 where it has none.

    Args:
        values: (batch, 1, size, size).
        inside: of the same shape, bool.

    Returns:
        (batch,).

    >>> mean_inside(torch.tensor([[[[1.0, 3.0]]]]), torch.tensor([[[[True, False]]]])).tolist()
    [1.0]
    """
    kept = (values * inside).flatten(1).sum(1)
    return kept / inside.flatten(1).sum(1).clamp(min=1)


class _Restoring:
    """The learner."""

    def __init__(self, detector: Restorer) -> None:
        self.detector = detector
        self.modules: dict[str, nn.Module] = {"network": detector.network}
        rate = detector.config.learning_rate
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": FusedAdam(detector.network.parameters(), lr=rate)
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside = batch
        output = self.modules["network"](self.detector.corrupt(x, inside, rng)).float()
        yield Step("generator", self.detector.loss(output, x, inside).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""
