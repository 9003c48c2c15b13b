"""Detector `mahalanobis`: a Gaussian of a film's mean frozen features.

    score = (p − μ)ᵀ Σ⁻¹ (p − μ),  p the mean of φ_c over the lungs, Σ shrunk by Ledoit and Wolf

With `places` > 1, p has the mean of m_c φ_c over each of places × places equal parts of the grid, m_c the share of lung
in a cell.

φ_c is a cell's features, from several depths. The map is the part of each cell in the score:
(φ_c − μ)ᵀ Σ⁻¹ (p − μ), whose mean the score is.

Source: Rippel, Mertens & Merhof, "Modeling the distribution of normal data in pre-trained deep features for anomaly
detection", ICPR 2021, equation 1, arXiv 2005.14140.
"""

from __future__ import annotations

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

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
        # left out where it is 1, so that digests of recipes older than it stay what they were
        places: int = Field(
            default=1,
            ge=1,
            le=8,
            exclude_if=lambda places: places == 1,
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
        self.model.to(cells.device).fit(self._means(cells, lungs.to(cells.device)))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        model, places = self.model, self.config.places
        towards = model.precision @ (self._means(cells[None], lungs[None])[0] - model.mean)
        if places > 1:
            side = self.config.grid // places
            far, mean = (
                one.reshape(-1, places, places).repeat_interleave(side, dim=1).repeat_interleave(side, dim=2)
                for one in (towards, model.mean)
            )
            parts = (far * (cells * lungs - mean)).sum(dim=0) * places**2
            return float(parts.mean()), parts * (lungs > 0)
        parts = torch.einsum("c,cij->ij", towards, cells - model.mean[:, None, None])
        return float((parts * lungs).sum() / lungs.sum().clamp(min=1e-6)), parts * (lungs > 0)

    def _means(self, cells: Tensor, lungs: Tensor) -> Tensor:
        """Return the mean features of films: (n, channels · places²)."""
        if self.config.places == 1:
            return _mean(cells, lungs)
        return functional.adaptive_avg_pool2d(cells * lungs[:, None], self.config.places).flatten(1)


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
