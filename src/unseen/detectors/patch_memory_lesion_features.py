"""Detector `patch-memory`: distance of each place's features to the nearest in a memory of normal places.

    d_p = min over the memory of ‖φ_p(x) − m‖₂,      score = mean of the largest hundredth of the d_p in the lungs

φ is the second stage of a network that has learnt to recognise synthetic lesions (`lesion_classifier`), averaged over
3 × 3 places. The memory is a coreset of the training films' φ_p in the lungs (`coreset`).

Source: Roth, Pemula, Zepeda, Schölkopf, Brox & Gehler, "Towards total recall in industrial anomaly detection", CVPR
2022, equations 1, 5 and 6 ("PatchCore"), arXiv 2106.08265. Differs: the network learns here, from these films, not
from photographs; no weight for a neighbour's neighbourhood.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.network_view import Viewed
from unseen.detectors.coreset import Coreset
from unseen.detectors.judgement import Judgement
from unseen.detectors.lesion_classifier import STAGE, LesionClassifier, LesionSettings
from unseen.detectors.normals import Normals


class PatchMemory(LesionClassifier):
    """A memory of normal places.

    >>> PatchMemory(size=64, features=8).config.memory
    1024
    """

    key = "patch-memory"

    class Config(LesionSettings):
        """The network's settings are `anatpaste`'s."""

        memory: int = Field(default=1024, ge=1, le=65_536, description="places that are kept")
        top: float = Field(default=0.01, gt=0, le=1, description="share of the places that the score is the mean of")

    config: Config

    def remember(self, normals: Normals, *, seed: int) -> None:
        self.modules()
        x = normals.images * normals.inside
        device = next(self.classifier.parameters()).device
        self.places.to(device)
        found = [
            self._places_of(*(tensor.to(device) for tensor in part))[0]
            for part in zip(torch.split(x, 16), torch.split(normals.inside, 16), strict=True)
        ]
        self.places.remember(torch.cat(found), torch.Generator().manual_seed(seed))

    def judge(self, viewed: Viewed) -> Judgement:
        self.modules()
        device = self.places.kept.device
        x, inside = viewed.masked[None].to(device), viewed.inside[None].to(device)
        with torch.inference_mode():
            features, lie = self._places_of(x, inside)
            distance = self.places(features)  # (places in the lungs,)
            marks = torch.zeros(lie.shape, device=device)
            marks[lie] = distance
            largest = distance.topk(max(1, round(self.config.top * len(distance)))).values
            image = functional.interpolate(marks, size=x.shape[-2:], mode="bilinear") * inside
        score = float(largest.mean())
        return Judgement(
            score=score,
            parts={"largest": float(largest[0]), "mean": float(distance.mean())},
            anomaly_map=image[0, 0].cpu().numpy(),
            reconstruction=None,
        )

    def modules(self) -> Mapping[str, nn.Module]:
        if not hasattr(self, "places"):
            self.places = Coreset(self.config.memory, self.config.features * 2**STAGE)
        return {**super().modules(), "places": self.places}

    def _places_of(self, x: Tensor, inside: Tensor) -> tuple[Tensor, Tensor]:
        """φ at the places in the lungs, (places, width), and where they lie, bool (batch, 1, height, width)."""
        with torch.inference_mode():
            maps = functional.avg_pool2d(self.classifier(x)[0][STAGE], 3, 1, 1)
            lie = (
                functional.adaptive_avg_pool2d(inside.float(), (maps.shape[2], maps.shape[3])) >= 0.5
            )  # (batch, 1, height, width)
            if not lie.any():
                lie = torch.ones_like(lie)
            return maps.permute(0, 2, 3, 1)[lie[:, 0]], lie
