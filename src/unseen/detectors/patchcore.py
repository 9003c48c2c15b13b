"""Detector `patchcore`: distance of features to the nearest features of normal films, as in the paper.

    d_p = min over the memory of ‖φ_p(x) − m‖₂,      score = mean of the largest hundredth of the d_p in the lungs

φ_p(x) are frozen features of a network that was trained on photographs (`frozen_features`) at place p, averaged over
3 × 3 places. The memory is a coreset of the training films' φ_p in the lungs (`coreset`). `patch-memory` differs in
its network, which learns from the films (`patch_memory_lesion_features`).

Source: Roth, Pemula, Zepeda, Schölkopf, Brox & Gehler, "Towards total recall in industrial anomaly detection", CVPR
2022, equations 1, 5 and 6, arXiv 2106.08265. Differs: no weight for a neighbour's neighbourhood.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from unseen.detectors.coreset import CANDIDATES, Coreset
from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures, judged_cells
from unseen.detectors.normals import Normals


class PatchCore(FrozenFeatures):
    """Memory of normal features, from a network that was trained on photographs.

    >>> PatchCore(size=256).config.channels
    120
    """

    key = "patchcore"

    class Config(FeatureSettings):
        """Settings: features of two blocks, as in the paper; with `top` near 0 the score is the largest distance."""

        blocks: tuple[int, ...] = Field(
            default=(4, 7), min_length=1, description="blocks whose feature maps are used, from 0"
        )
        grid: int = Field(default=32, ge=1, le=128, description="side of the grid of feature vectors, in cells")
        memory: int = Field(default=4096, ge=1, le=65_536, description="places that are kept")
        top: float = Field(default=0.01, gt=0, le=1, description="share of the places that the score is the mean of")

    config: Config
    model: Coreset

    def build(self) -> Coreset:
        return Coreset(self.config.memory, self.config.channels)

    def remember(self, normals: Normals, seed: int) -> None:
        x, lungs = normals.images * normals.inside, self.lungs(normals.inside)
        every = torch.randperm(len(lungs), generator=torch.Generator().manual_seed(seed)).tolist()
        found, most = [], CANDIDATES // len(every) + 1  # places of a film, so that thousands of films fit into memory
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
        """Return the features of the places in the lungs, (places, channels), averaged over 3 × 3, and their mask."""
        lie = judged_cells(lungs)
        return functional.avg_pool2d(cells[None], 3, 1, 1)[0].permute(1, 2, 0)[lie], lie
