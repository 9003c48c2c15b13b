"""Detectors by a GAN: networks by name, in training by a learner, and what scoring needs of them.

A member says which networks there are (`build`), how they learn (`learner`, of one stage or of several) and what a
film's score is (`judge`). Pictures are the masked ones, in network units, not clipped to [−1, 1]: what a generator
cannot make is a part of the residual.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from unseen.detectors.adversary import GanSettings
from unseen.detectors.detector import Detector, FitError, Fitting, Judgement, Normals, Settings
from unseen.training.loop import train

if TYPE_CHECKING:
    from unseen.anatomy.view import View, Viewed
    from unseen.training.learner import Learner


class GanDetector(Detector):
    """Base of `alpha-gan`, `anogan`, `bigan`, `f-anogan`, `randgan` and `resunet-ganomaly`."""

    Config: ClassVar[type[GanSettings]] = GanSettings
    config: GanSettings
    kept: ClassVar[tuple[str, ...]]
    """Names of the networks that scoring needs."""
    stages: ClassVar[tuple[str, ...]] = ("gan",)
    """Trainings, one after the other; epochs can be chosen in the last."""

    # Any: see the base class
    def __init__(
        self, config: Settings | None = None, *, view: View | None = None, size: int | None = None, **settings: Any
    ) -> None:
        super().__init__(config, view=view, size=size, **settings)
        side = self.view.size
        if side < 16 or side & (side - 1):
            raise FitError(f"view.size: seen {side}; {self.key} needs a power of two, such as 64, 128 or 256")

    @abstractmethod
    def build(self, rng: torch.Generator) -> dict[str, nn.Module]:
        """Networks by name, their first weights drawn."""

    @abstractmethod
    def learner(self, stage: str, *, steps: int) -> Learner:
        """The learner of a stage; it shares this detector's networks."""

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.networks = self._drawn(fitting.training.seed)
        data, settings = (normals.images * normals.inside, normals.inside), fitting.training
        steps = settings.epochs * (len(data[0]) // min(settings.batch_size, len(data[0])))
        if steps < self.config.turns:
            raise FitError(
                f"{self.key}: the generator steps once in {self.config.turns} steps of the critic, and these are "
                f"{steps}. Give more epochs, or smaller batches"
            )
        spent = 0.0
        for stage in self.stages:
            history = train(
                self.learner(stage, steps=steps),
                data,
                settings,
                folder=fitting.folder if stage == self.stages[-1] or fitting.folder is None else fitting.folder / stage,
                progress=fitting.progress,
                validate=fitting.validate if stage == self.stages[-1] else None,
                identity=f"{self.key} {stage} {self.config.model_dump_json()}",
            )
            spent += history.seconds
        self.history = replace(history, seconds=spent)

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "networks"):
            self.networks = self._drawn(0)
        return {name: self.networks[name] for name in self.kept}

    def drawn_z(self, n: int, like: Tensor, rng: torch.Generator) -> Tensor:
        """z ~ N(0, I): (n, latent, 1, 1), where `like` is."""
        return torch.randn(n, self.config.latent, 1, 1, generator=rng).to(like)

    def seen(self, viewed: Viewed) -> tuple[Tensor, Tensor]:
        """The masked picture and its mask, (1, 1, size, size) each, where the networks are."""
        device = next(self.modules()[self.kept[0]].parameters()).device
        return viewed.masked[None].to(device), viewed.inside[None].to(device)

    def _drawn(self, seed: int) -> dict[str, nn.Module]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)  # of layers that are not drawn over by `build`
            networks = self.build(torch.Generator().manual_seed(seed))
        for network in networks.values():
            network.eval()
        return networks


def judged(score: float, parts: Mapping[str, float], x: Tensor, restored: Tensor, inside: Tensor) -> Judgement:
    """A judgement whose marks are |x − restored| inside the mask, from (1, 1, size, size) each."""
    return Judgement(
        score=score,
        parts=parts,
        anomaly_map=((x - restored).abs() * inside)[0, 0].cpu().numpy(),
        reconstruction=(restored * inside)[0, 0].cpu().numpy(),
    )


def weights_of(modules: Mapping[str, nn.Module], *names: str) -> list[nn.Parameter]:
    """The weights of these networks, for one optimiser."""
    return [weight for name in names for weight in modules[name].parameters()]
