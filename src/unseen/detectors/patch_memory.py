"""`PatchMemory`: how far each place of a film's features is from the nearest that any training film has anywhere.

    d_p = min over the memory of ‖φ_p(x) − m‖₂,      score = mean of the largest hundredth of the d_p in the lungs

φ is the second stage of a network that has learnt to recognise synthetic lesions (`lesion_classifier`), averaged over
3 × 3 places. The memory is a coreset of the training films' φ_p in the lungs: each next member is the one farthest from
those chosen.

`PatchCore` has the memory on frozen features of photographs (`frozen_features`), without the network that learns here.

Source: Roth, Pemula, Zepeda, Schölkopf, Brox & Gehler, "Towards total recall in industrial anomaly detection", CVPR
2022, equations 1, 5 and 6 ("PatchCore"), arXiv 2106.08265. Differs: the network of `PatchMemory` learns here, from
these films, not from photographs; no weight for a neighbour's neighbourhood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.view import View, Viewed
from unseen.detectors.detector import Judgement
from unseen.detectors.fitting import Normals
from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures, judged_cells
from unseen.detectors.lesion_classifier import STAGE, LesionClassifier, LesionSettings

_CANDIDATES = 20_000  # places that the coreset is chosen from, at most


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

    if TYPE_CHECKING:

        def __init__(
            self,
            config: Config | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            features: int = 16,
            lesions: Literal["paste", "cloud", "both", "all"] = "both",
            varied: bool = True,
            learning_rate: float = 0.03,
            backbone: str | None = None,
            memory: int = 1024,
            top: float = 0.01,
        ) -> None: ...

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
            self.places = _Places(self.config.memory, self.config.features * 2**STAGE)
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


class PatchCore(FrozenFeatures):
    """The same memory on features of a network that was trained on photographs, as the paper has it.

    >>> PatchCore(size=256).config.channels
    120
    """

    key = "patchcore"

    class Config(FeatureSettings):
        """Two blocks, as in the paper; the score is the largest distance with `top` near 0."""

        blocks: tuple[int, ...] = Field(
            default=(4, 7), min_length=1, description="blocks whose feature maps are used, from 0"
        )
        grid: int = Field(default=32, ge=1, le=128, description="side of the grid of feature vectors, in cells")
        memory: int = Field(default=4096, ge=1, le=65_536, description="places that are kept")
        top: float = Field(default=0.01, gt=0, le=1, description="share of the places that the score is the mean of")

    config: Config
    model: _Places

    if TYPE_CHECKING:

        def __init__(
            self,
            config: Config | None = None,
            *,
            view: View | None = None,
            size: int | None = None,
            backbone: str = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            blocks: tuple[int, ...] = (4, 7),
            grid: int = 32,
            memory: int = 4096,
            top: float = 0.01,
        ) -> None: ...

    def build(self) -> _Places:
        return _Places(self.config.memory, self.config.channels)

    def remember(self, normals: Normals, seed: int) -> None:
        x, lungs = normals.images * normals.inside, self.lungs(normals.inside)
        every = torch.randperm(len(lungs), generator=torch.Generator().manual_seed(seed)).tolist()
        found, most = [], _CANDIDATES // len(every) + 1  # places of a film, so that thousands of films fit into memory
        for film in every:
            places = self._places_of(self.cells(x[film][None])[0], lungs[film])[0]
            found.append(places[torch.linspace(0, len(places) - 1, min(most, len(places))).long()])
        self.model.to(found[0].device).remember(torch.cat(found), torch.Generator().manual_seed(seed))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        features, lie = self._places_of(cells, lungs)
        distance = self.model(features)
        marks = torch.zeros_like(lungs)
        marks[lie] = distance
        largest = distance.topk(max(1, round(self.config.top * len(distance)))).values
        return float(largest.mean()), marks

    def _places_of(self, cells: Tensor, lungs: Tensor) -> tuple[Tensor, Tensor]:
        """Features of the places in the lungs, (places, channels), averaged over 3 × 3; and where they lie."""
        lie = judged_cells(lungs)
        return functional.avg_pool2d(cells[None], 3, 1, 1)[0].permute(1, 2, 0)[lie], lie


class _Places(nn.Module):
    """The memory: kept (memory, width), of which the first `known` count."""

    kept: Tensor
    known: Tensor

    def __init__(self, memory: int, width: int) -> None:
        super().__init__()
        self.register_buffer("kept", torch.zeros(memory, width))
        self.register_buffer("known", torch.zeros((), dtype=torch.int64))

    def forward(self, features: Tensor) -> Tensor:
        """The distance of each of (places, width) to the nearest that is kept: (places,)."""
        return torch.cdist(features, self.kept[: int(self.known)]).min(dim=1).values

    def remember(self, features: Tensor, generator: torch.Generator) -> None:
        """Keep a coreset of (places, width): the farthest from those chosen, again and again."""
        features = features[torch.randperm(len(features), generator=generator)[:_CANDIDATES].to(features.device)]
        chosen = [0]
        nearest = (features - features[0]).square().sum(dim=1)
        while len(chosen) < min(len(self.kept), len(features)):
            chosen.append(int(nearest.argmax()))
            nearest = torch.minimum(nearest, (features - features[chosen[-1]]).square().sum(dim=1))
        self.kept[: len(chosen)] = features[chosen]
        self.known.fill_(len(chosen))
