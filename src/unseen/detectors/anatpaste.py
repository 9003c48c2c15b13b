"""`AnatPaste`: how strange a film is to a classifier of synthetic lesions.

    score, density      −log mean_i exp(−‖e(x) − e_i‖² / 2h²),   e = embedding / ‖embedding‖, e_i a training film's
    score, classifier   the logit

The classifier is `lesion_classifier`'s. Its map is LayerCAM's: where the network found what it answers to.

Source: Sato et al., "Anatomy-aware self-supervised learning for anomaly detection in chest radiographs", iScience 26
(2023) 107086, doi:10.1016/j.isci.2023.107086, which scores by density; its figures are of the checkpoint with the best
AUROC on labelled films, here the last one stands. The map: Jiang et al., "LayerCAM", IEEE TIP 30 (2021), equation 5,
on the second stage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.network_view import Viewed
from unseen.detectors.even_choice import evenly
from unseen.detectors.judgement import Judgement
from unseen.detectors.lesion_classifier import STAGE, LesionClassifier, LesionSettings
from unseen.detectors.normals import Normals

_MOST = 512  # training films whose embeddings are kept, at most


class AnatPaste(LesionClassifier):
    """Synthetic lesions in the lungs.

    >>> AnatPaste(size=64, features=8).config.lesions
    'both'
    """

    key = "anatpaste"
    rests = False

    class Config(LesionSettings):
        """The paper's score is "density", with h = 1."""

        score: Literal["classifier", "density"] = Field(
            default="classifier", description="classifier: 1 − p(normal); density: kernel density of features"
        )
        bandwidth: float = Field(default=1.0, gt=0, le=10, description="h, bandwidth of the kernel density")

    config: Config

    def remember(self, normals: Normals, *, seed: int) -> None:
        self.modules()
        device = next(self.classifier.parameters()).device
        self.reference.to(device)
        rows = evenly(range(len(normals.images)), _MOST)
        x = (normals.images[rows] * normals.inside[rows]).to(device)
        with torch.inference_mode():
            found = [functional.normalize(self.classifier(part)[1]) for part in torch.split(x, 64)]
            self.reference.remember(torch.cat(found))

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        device = next(self.classifier.parameters()).device
        x, inside = viewed.masked[None].to(device), viewed.inside[None].to(device)
        with torch.inference_mode(mode=False), torch.enable_grad():
            maps, embedding, logit = self.classifier(x)
            (slope,) = torch.autograd.grad(logit.sum(), maps[STAGE])
        with torch.inference_mode():
            density = self.reference(functional.normalize(embedding), self.config.bandwidth)
            marks = (slope.clamp(min=0) * maps[STAGE]).sum(dim=1, keepdim=True).clamp(min=0)
            marks = functional.interpolate(marks, size=x.shape[-2:], mode="bilinear") * inside
        parts = {"classifier": float(logit.detach()), "density": float(density)}
        return Judgement(
            score=parts[self.config.score], parts=parts, anomaly_map=marks[0, 0].cpu().numpy(), reconstruction=None
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "reference"):
            self.reference = _Reference(8 * self.config.features)
        return {**super().modules(), "reference": self.reference}


class _Reference(nn.Module):
    """Training films' embeddings: kept (512, width), of which the first `known` count."""

    kept: Tensor
    known: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(_MOST, width))
        self.register_buffer("known", torch.zeros((), dtype=torch.int64))

    def remember(self, embeddings: Tensor) -> None:
        """Keep (n, width), n ≤ 512, in the place of what was kept."""
        self.kept[: len(embeddings)] = embeddings
        self.known.fill_(len(embeddings))

    def forward(self, embedding: Tensor, bandwidth: float) -> Tensor:
        """−log of the kernel density at (batch, width), up to a constant: (batch,)."""
        kept = self.kept[: int(self.known)]
        squares = torch.cdist(embedding, kept.to(embedding.dtype)).square()  # (batch, known)
        return math.log(max(1, len(kept))) - torch.logsumexp(-squares / (2 * bandwidth**2), dim=1)
