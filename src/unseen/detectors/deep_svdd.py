"""`DeepSvdd`: an encoder that learns to bring all normal films to one point.

    loss = mean over films of ‖E(x) − c‖²;      score = ‖E(x) − c‖²

c is the mean of the first codes of the training films, as training sees them, entries nearer to 0 than 0.1 moved there.
E has no bias and no learnt BatchNorm, or it would give c for every image. The map is how strongly each pixel moves
the score, |∂score/∂x|.

Source: Ruff et al., "Deep one-class classification", ICML 2018, equation 4 and section 3.3 (one class, no radius).
Differs: no autoencoder is trained first.
"""

from __future__ import annotations

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
from unseen.losses.running_averages import running_averages_frozen
from unseen.networks.dcgan import DcganEncoder
from unseen.training.fused_adam import FusedAdam
from unseen.training.learner import Step

_BATCH = 64  # films that normalise each other where c is found
_NEAREST = 0.1  # to 0, of an entry of c


class DeepSvdd(Detector):
    """Deep support vector data description.

    >>> DeepSvdd(size=64).config.latent
    32
    """

    key = "deep-svdd"
    needs_power_of_two = True

    class Config(DetectorSettings):
        """Weight decay is the paper's."""

        features: int = Field(default=32, ge=4, le=256, description="channels of the first convolution")
        latent: int = Field(default=32, ge=1, le=1024, description="length of the code")
        learning_rate: float = Field(default=1e-4, gt=0, le=1, description="learning rate of Adam")
        weight_decay: float = Field(default=1e-6, ge=0, le=1, description="weight decay of E")

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.networks = self._drawn(fitting.training.seed)
        x = normals.images * normals.inside
        encoder = self.networks["encoder"].train()  # each batch by its own mean and spread, as in training
        with torch.inference_mode(), running_averages_frozen(encoder):
            codes = torch.cat([encoder(part).flatten(1) for part in torch.split(x, _BATCH)])
        self.networks["centre"].load_state_dict({"at": away_from_zero(codes.mean(dim=0))})
        self.history = self.descend(
            _Gathering(self),
            (x,),
            fitting,
        )

    def judge(self, viewed: Viewed) -> Judgement:
        networks = self.modules()
        x, inside = masked_on(viewed, networks["encoder"])
        with torch.inference_mode(mode=False), torch.enable_grad():
            x = x.clone().requires_grad_()
            distance = networks["centre"](networks["encoder"](x))
            (slope,) = torch.autograd.grad(distance.sum(), x)
        score = float(distance.detach())
        return Judgement(
            score=score,
            parts={"distance": score},
            anomaly_map=(slope.abs() * inside)[0, 0].cpu().numpy(),
            reconstruction=None,
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "networks"):
            self.networks = self._drawn(0)
        return self.networks

    def _drawn(self, seed: int) -> dict[str, nn.Module]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoder = DcganEncoder(self.view.size, features=self.config.features, latent=self.config.latent)
        for layer in encoder.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.requires_grad_(False)  # stays at scale 1, shift 0
        return {"encoder": encoder.eval(), "centre": _Centre(self.config.latent).eval()}


def away_from_zero(centre: Tensor) -> Tensor:
    """Move entries that are nearer to 0 than 0.1 to ±0.1: a unit that could be 0 for all images would be."""
    side = torch.where(centre < 0, -1.0, 1.0)
    return torch.where(centre.abs() < _NEAREST, side * _NEAREST, centre)


class _Centre(nn.Module):
    """c, (latent,), and the squared distance to it."""

    at: Tensor

    def __init__(self, latent: int) -> None:
        super().__init__()
        self.register_buffer("at", torch.zeros(latent))

    def forward(self, codes: Tensor) -> Tensor:
        return (codes.flatten(1).float() - self.at).square().sum(dim=1)


class _Gathering:
    """The learner."""

    def __init__(self, detector: DeepSvdd) -> None:
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        settings = detector.config
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": FusedAdam(
                [weight for weight in self.modules["encoder"].parameters() if weight.requires_grad],
                lr=settings.learning_rate,
                weight_decay=settings.weight_decay,
            )
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        yield Step("generator", self.modules["centre"](self.modules["encoder"](batch[0])).mean())

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""
