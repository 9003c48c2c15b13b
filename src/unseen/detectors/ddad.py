"""`Ddad`: autoencoders of normal and unlabelled films, compared with autoencoders of normal films alone.

    A: K autoencoders of normal and unlabelled films;   B: K autoencoders of normal films;   loss = mean (x − x̂)²
    marks = |μ_A − μ_B| + σ_B;      score = their mean inside the mask

μ_A and μ_B are the means of the K reconstructions of a film, σ_B is the standard deviation over B. If unlabelled films
contain lesions, A can reconstruct them and B cannot. Where an image differs from all normal films, the members of B
disagree.

**It trains on unlabelled films.** No other method here does, so its figures are not comparable with theirs.

Source: Cai, Chen, Yang, Zhou & Cheng, "Dual-distribution discrepancy for anomaly detection in chest X-rays", MICCAI
2022, equations 1 to 4, arXiv 2206.03935. Differs: the two discrepancies are summed (the paper gives both), and a mask
is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.anatomy.network_view import Viewed
from unseen.detectors.detector import Detector, masked_on
from unseen.detectors.fitting import Fitting
from unseen.detectors.judgement import Judgement
from unseen.detectors.normals import Normals
from unseen.detectors.restorer import mean_inside
from unseen.detectors.settings import DetectorSettings
from unseen.networks.dcgan import DcganDecoder, DcganEncoder
from unseen.training.fused_adam import FusedAdam
from unseen.training.learner import Step


class Ddad(Detector):
    """Dual-distribution discrepancy between two sets of autoencoders.

    >>> Ddad(size=64).config.autoencoders
    3
    """

    key = "ddad"
    learns_from_unlabelled = True
    needs_power_of_two = True

    class Config(DetectorSettings):
        """Settings; `autoencoders` and `latent` have the paper's values, `features` has not."""

        autoencoders: int = Field(default=3, ge=2, le=32, description="K, autoencoders on each side")
        features: int = Field(default=16, ge=4, le=256, description="channels of the first convolution")
        latent: int = Field(default=16, ge=1, le=1024, description="length of the code")
        learning_rate: float = Field(default=5e-4, gt=0, le=1, description="learning rate of Adam")

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        self.check_unlabelled(0 if fitting.unlabelled is None else len(fitting.unlabelled.digests))
        assert fitting.unlabelled is not None
        self.networks = self._drawn(fitting.training.seed)
        own = normals.images * normals.inside
        both = torch.cat([own, fitting.unlabelled.images * fitting.unlabelled.inside])
        first = self.descend(_Rebuilding(self, "a"), (both,), fitting, before="both")
        history = self.descend(_Rebuilding(self, "b"), (own,), fitting)
        self.history = replace(history, seconds=first.seconds + history.seconds)

    def judge(self, viewed: Viewed) -> Judgement:
        networks = self.modules()
        x, inside = masked_on(viewed, networks["a-0"])
        with torch.inference_mode():
            seen, normal = (torch.stack([networks[name](x) for name in self._side(side)]) for side in "ab")
            between = (seen.mean(dim=0) - normal.mean(dim=0)).abs() * inside
            within = normal.std(dim=0, unbiased=False) * inside
            parts = {"between": float(mean_inside(between, inside)), "within": float(mean_inside(within, inside))}
        return Judgement(
            score=sum(parts.values()),
            parts=parts,
            anomaly_map=(between + within)[0, 0].cpu().numpy(),
            reconstruction=(normal.mean(dim=0) * inside)[0, 0].cpu().numpy(),
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "networks"):
            self.networks = self._drawn(0)
        return self.networks

    def _side(self, side: str) -> list[str]:
        return [f"{side}-{number}" for number in range(self.config.autoencoders)]

    def _drawn(self, seed: int) -> dict[str, nn.Module]:
        size, features, latent = self.view.size, self.config.features, self.config.latent
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return {
                name: nn.Sequential(
                    DcganEncoder(size, features=features, latent=latent),
                    DcganDecoder(size, features=features, latent=latent),
                ).eval()
                for side in "ab"
                for name in self._side(side)
            }


class _Rebuilding:
    """Learner of one side; the other side does not train.

    Its members get the same batches and start from different weights.
    """

    def __init__(self, detector: Ddad, side: str) -> None:
        self.modules: dict[str, nn.Module] = dict(detector.networks)
        self.learning = [name for name in self.modules if name.startswith(side)]
        weights = [weight for name in self.learning for weight in self.modules[name].parameters()]
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": FusedAdam(weights, lr=detector.config.learning_rate)
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x = batch[0]
        yield Step(
            "generator", torch.stack([(self.modules[name](x) - x).square().mean() for name in self.learning]).sum()
        )

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Do nothing."""
