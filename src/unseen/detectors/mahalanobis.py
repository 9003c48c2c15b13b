"""Detector `mahalanobis`: a Gaussian of a film's mean frozen features.

    score = (p − μ)ᵀ Σ⁻¹ (p − μ),  p the mean of φ_c over the lungs, Σ shrunk by Ledoit and Wolf

φ_c is a cell's features, from several depths, and m_c its share of lung; the mean is Σ m_c φ_c / Σ m_c. With `places`
> 1, p has this mean of each of places × places equal parts of the grid. A part without lung has no mean: it counts as
equal to μ there, and adds nothing to the score.

The map is the contribution of each cell to the score: places² (φ_c − μ)ᵀ [Σ⁻¹ (p − μ)], both of the cell's part. The
score is its mean over the lungs of each part, averaged over the parts.

Source: Rippel, Mertens & Merhof, "Modeling the distribution of normal data in pre-trained deep features for anomaly
detection", ICPR 2021, equation 1, arXiv 2005.14140.
"""

from __future__ import annotations

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from unseen.artifacts.added_setting import added_setting
from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures
from unseen.detectors.normals import Normals

_LEAST = 1e-6
"""Share of lung of a place, at or below which it has no mean."""


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
        places: int = added_setting(
            1,
            ge=1,
            le=8,
            description="parts of a side of the grid with a mean of their own; 1: one mean over the lungs",
        )

        @model_validator(mode="after")
        def _divides(self) -> Mahalanobis.Config:
            if self.grid % self.places:
                raise ValueError(f"places is {self.places}, which does not divide grid, {self.grid}")
            return self

        @property
        def least_films(self) -> int:
            return 2

    config: Config
    model: _Gaussian

    def build(self) -> _Gaussian:
        return _Gaussian(self.config.channels * self.config.places**2)

    def remember(self, normals: Normals, seed: int) -> None:
        lungs = self.lungs(normals.inside)
        cells = self.cells(normals.images * normals.inside)
        means, seen = _means(cells, lungs.to(cells.device), self.config.places)
        usual = (means * seen).sum(dim=0) / seen.sum(dim=0).clamp(min=1)
        self.model.to(cells.device).fit(torch.where(seen, means, usual))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        model, places = self.model, self.config.places
        means, seen = _means(cells[None], lungs[None], places)
        away = (means[0] - model.mean) * seen[0]
        towards = (model.precision @ away) * seen[0]
        side = self.config.grid // places
        there, mean = (
            one.reshape(-1, places, places).repeat_interleave(side, dim=1).repeat_interleave(side, dim=2)
            for one in (towards, model.mean)
        )
        parts = (there * (cells - mean)).sum(dim=0) * places**2 * (lungs > 0)
        return float(away @ towards), parts


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


def _means(cells: Tensor, lungs: Tensor, places: int) -> tuple[Tensor, Tensor]:
    """Return the mean features of the lungs in each place, and where there is lung.

    Args:
        cells: features (n, channels, grid, grid).
        lungs: share of lung of each cell (n, grid, grid).
        places: places of a side.

    Returns:
        Means, and bool, (n, channels · places²); a mean is 0 where there is no lung.
    """
    share = functional.adaptive_avg_pool2d(lungs[:, None], places)
    pooled = functional.adaptive_avg_pool2d(cells * lungs[:, None], places)
    seen = (share > _LEAST).expand_as(pooled)
    return (pooled / share.clamp(min=_LEAST) * seen).flatten(1), seen.flatten(1)
