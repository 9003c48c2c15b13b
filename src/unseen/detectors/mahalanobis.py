"""Detector `mahalanobis`: a Gaussian of a film's mean frozen features.

    score = (p − μ)ᵀ Σ⁻¹ (p − μ),  p the mean of φ_c over the lungs, Σ shrunk by Ledoit and Wolf

φ_c is a cell's features, from several depths. The map is the part of each cell in the score:
(φ_c − μ)ᵀ Σ⁻¹ (p − μ), whose mean the score is.

Source: Rippel, Mertens & Merhof, "Modeling the distribution of normal data in pre-trained deep features for anomaly
detection", ICPR 2021, equation 1, arXiv 2005.14140.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures
from unseen.detectors.normals import Normals


class Mahalanobis(FrozenFeatures):
    """A Gaussian of the mean features of a film.

    >>> Mahalanobis(size=256).config.blocks
    (4, 7, 10, 14)
    """

    key = "mahalanobis"

    class Config(FeatureSettings):
        """The deep blocks, as the paper advises, and two before them."""

        blocks: tuple[int, ...] = Field(
            default=(4, 7, 10, 14), min_length=1, description="blocks whose feature maps are used, from 0"
        )
        grid: int = Field(default=16, ge=1, le=64, description="side of the grid of feature vectors, in cells")

        @property
        def least_films(self) -> int:
            return 2

    config: Config
    model: _Gaussian

    def build(self) -> _Gaussian:
        return _Gaussian(self.config.channels)

    def remember(self, normals: Normals, seed: int) -> None:
        lungs = self.lungs(normals.inside)
        cells = self.cells(normals.images * normals.inside)
        self.model.to(cells.device).fit(_mean(cells, lungs.to(cells.device)))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        model = self.model
        towards = model.precision @ (_mean(cells[None], lungs[None])[0] - model.mean)
        parts = torch.einsum("c,cij->ij", towards, cells - model.mean[:, None, None])
        return float((parts * lungs).sum() / lungs.sum().clamp(min=1e-6)), parts * (lungs > 0)


class _Gaussian(nn.Module):
    """mean (channels,), precision (channels, channels)."""

    mean: Tensor
    precision: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("precision", torch.eye(channels))

    def fit(self, means: Tensor) -> None:
        """Fit to films' mean features (n, channels)."""
        from sklearn.covariance import LedoitWolf

        found = LedoitWolf().fit(means.cpu().double().numpy())
        self.mean.copy_(torch.from_numpy(found.location_))
        self.precision.copy_(torch.from_numpy(found.precision_))


def _mean(cells: Tensor, lungs: Tensor) -> Tensor:
    """The mean over the lungs: (n, channels)."""
    weight = lungs / lungs.sum(dim=(1, 2), keepdim=True).clamp(min=1e-6)
    return torch.einsum("ncij,nij->nc", cells, weight)
