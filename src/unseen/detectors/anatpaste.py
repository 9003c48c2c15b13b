"""`AnatPaste`: a classifier learns to tell normal lungs from the same lungs with a lesion put into them.

    loss = −log(1 − p(x)) − log p(x̃),   x̃ = x with synthetic lesions in its lungs, p = sigmoid of the network's logit
    score, density      −log mean_i exp(−‖e(x) − e_i‖² / 2h²),   e = embedding / ‖embedding‖, e_i a training film's
    score, classifier   the logit

The mask shapes where lesions go. Lesions are patches of the same film (the paper's), soft shadows, or either.

Source: Sato et al., "Anatomy-aware self-supervised learning for anomaly detection in chest radiographs", iScience 26
(2023) 107086: ResNet-18 from scratch, SGD 0.03 with a cosine, kernel density of embeddings. Its figures are of the
checkpoint with the best AUROC on labelled films; here the last one stands. The map: Jiang et al., "LayerCAM", IEEE TIP
30 (2021), equation 5, on the second stage.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.detectors.detector import Detector, Fitting, Judgement, Normals, Settings
from unseen.detectors.synthetic_lesions import clouded, pasted
from unseen.networks.residual_classifier import ResNet18
from unseen.training.learner import Step
from unseen.training.loop import train

if TYPE_CHECKING:
    from unseen.anatomy.view import Viewed

_STAGE = 1  # of the network, from 0, whose maps are marked: an eighth of the picture's side
_MOST = 512  # training films whose embeddings are kept


class AnatPaste(Detector):
    """Synthetic lesions in the lungs.

    >>> AnatPaste(size=64, features=8).config.lesions
    'both'
    """

    key = "anatpaste"

    class Config(Settings):
        """64 features, SGD 0.03, h = 1, `lesions = "paste"` and `varied = false` are the paper's."""

        features: int = Field(default=16, ge=4, le=256, description="channels of the first stage")
        lesions: Literal["paste", "cloud", "both"] = Field(default="both", description="what is put into lungs")
        varied: bool = Field(default=True, description="normal and changed pictures alike: shifted, sharper or softer")
        score: Literal["classifier", "density"] = Field(default="classifier", description="see the module's head")
        bandwidth: float = Field(default=1.0, gt=0, le=10, description="h")
        learning_rate: float = Field(
            default=0.03, gt=0, le=1, description="SGD's, with momentum 0.9; falls by a cosine"
        )

    config: Config

    def learn(self, normals: Normals, fitting: Fitting) -> None:
        x = normals.images * normals.inside
        self.network = self._drawn(fitting.training.seed)
        n = len(x)
        steps = fitting.training.epochs * (n // min(fitting.training.batch_size, n))
        self.history = train(
            _Telling(self, steps=steps),
            (x, normals.inside),
            fitting.training,
            folder=fitting.folder,
            progress=fitting.progress,
            validate=fitting.validate,
            identity=f"{self.key} {self.config.model_dump_json()}",
        )
        with torch.inference_mode():
            self.network.remember(self._embedded(x[:_MOST]))

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        device = self.network.reference.device
        x, inside = viewed.masked[None].to(device), viewed.inside[None].to(device)
        with torch.inference_mode(mode=False), torch.enable_grad():
            maps, embedding, logit = self.network.classifier(x)
            (slope,) = torch.autograd.grad(logit.sum(), maps[_STAGE])
        with torch.inference_mode():
            density = self.network.distance(functional.normalize(embedding), self.config.bandwidth)
            marks = (slope.clamp(min=0) * maps[_STAGE]).sum(dim=1, keepdim=True).clamp(min=0)
            marks = functional.interpolate(marks, size=x.shape[-2:], mode="bilinear") * inside
        parts = {"classifier": float(logit.detach()), "density": float(density)}
        return Judgement(
            score=parts[self.config.score], parts=parts, anomaly_map=marks[0, 0].cpu().numpy(), reconstruction=None
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "network"):
            self.network = self._drawn(0)
        return {"network": self.network}

    def _embedded(self, x: Tensor) -> Tensor:
        rows = [self.network.classifier(part)[1] for part in torch.split(x, 64)]
        return functional.normalize(torch.cat(rows))

    def _drawn(self, seed: int) -> _WithReference:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return _WithReference(self.config.features).eval()

    def changed(self, x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
        """The pictures with lesions: (batch, 1, size, size)."""
        if self.config.lesions == "paste":
            return pasted(x, inside, generator=rng)
        if self.config.lesions == "cloud":
            return clouded(x, inside, generator=rng)
        half = len(x) // 2
        return torch.cat(
            [pasted(x[:half], inside[:half], generator=rng), clouded(x[half:], inside[half:], generator=rng)]
        )


class _WithReference(nn.Module):
    """The classifier, and the training films' embeddings: reference (512, width), of which `known` count."""

    reference: Tensor
    known: Tensor

    def __init__(self, features: int) -> None:
        super().__init__()
        self.classifier = ResNet18(features=features)
        self.register_buffer("reference", torch.zeros(_MOST, 8 * features))
        self.register_buffer("known", torch.zeros(_MOST, dtype=torch.bool))

    def forward(self, x: Tensor) -> Tensor:
        logit: Tensor = self.classifier(x)[2]
        return logit  # (batch,)

    def remember(self, embeddings: Tensor) -> None:
        """Keep (n, width), n ≤ 512, in the place of what was kept."""
        n = len(embeddings)
        self.reference[:n] = embeddings
        self.known[:] = torch.arange(_MOST) < n

    def distance(self, embedding: Tensor, bandwidth: float) -> Tensor:
        """−log of the kernel density at (batch, width), up to a constant: (batch,)."""
        kept = self.reference[self.known]
        squares = torch.cdist(embedding, kept.to(embedding.dtype)).square()  # (batch, known)
        return math.log(max(1, len(kept))) - torch.logsumexp(-squares / (2 * bandwidth**2), dim=1)


class _Telling:
    """The learner. How many steps were taken is read from a BatchNorm's count of batches, which a checkpoint holds."""

    def __init__(self, detector: AnatPaste, *, steps: int) -> None:
        self.detector, self.total = detector, steps
        self.modules: dict[str, nn.Module] = {"network": detector.network}
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.SGD(
                detector.network.parameters(), lr=detector.config.learning_rate, momentum=0.9, weight_decay=3e-5
            )
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside = batch
        done = int(self.detector.network.classifier.batches) / max(1, self.total)
        for group in self.optimisers["generator"].param_groups:
            group["lr"] = self.detector.config.learning_rate * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        both = torch.cat([x, self.detector.changed(x, inside, rng)])
        if self.detector.config.varied:
            both = varied(both, torch.cat([inside, inside]), generator=rng)
        logit = self.modules["network"](both).float()  # (2·batch,)
        told = torch.cat([torch.zeros(len(x)), torch.ones(len(x))]).to(logit)
        yield Step("generator", functional.binary_cross_entropy_with_logits(logit, told))

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""


def varied(x: Tensor, inside: Tensor, *, generator: torch.Generator) -> Tensor:
    """Pictures moved, turned and scaled a little, flipped left to right or not, softened by a random blur, their
    contrast and brightness changed: what a lesion must not be told by. (batch, 1, size, size), 0 outside."""
    batch = len(x)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(batch, generator=generator)

    angle, scale = uniform(-0.1, 0.1), uniform(0.9, 1.1)
    flip = torch.where(torch.rand(batch, generator=generator) < 0.5, -1.0, 1.0)
    rows = [
        torch.stack([flip * scale * angle.cos(), -scale * angle.sin(), uniform(-0.06, 0.06)], dim=1),
        torch.stack([flip * scale * angle.sin(), scale * angle.cos(), uniform(-0.06, 0.06)], dim=1),
    ]
    places = functional.affine_grid(torch.stack(rows, dim=1).to(x), list(x.shape), align_corners=False)
    moved = functional.grid_sample(x, places, align_corners=False)
    mask = functional.grid_sample(inside.to(x), places, align_corners=False)
    soft = _blurred(moved, uniform(0.2, 1.2).to(x))
    gain, offset = (uniform(*ends).to(x)[:, None, None, None] for ends in ((0.8, 1.2), (-0.1, 0.1)))
    return (gain * soft + offset) * (mask > 0.5)


def _blurred(x: Tensor, sigma: Tensor) -> Tensor:
    """Each picture by a Gaussian of its own σ (batch,), in pixels."""
    offsets = torch.arange(-3, 4, device=x.device, dtype=x.dtype)
    weights = torch.exp(-(offsets**2) / (2 * sigma[:, None] ** 2))
    weights = (weights / weights.sum(dim=1, keepdim=True))[:, None]  # (batch, 1, 7)
    across = functional.conv2d(x.transpose(0, 1), weights[:, :, None, :], padding=(0, 3), groups=len(x))
    return functional.conv2d(across, weights[:, :, :, None], padding=(3, 0), groups=len(x)).transpose(0, 1)
