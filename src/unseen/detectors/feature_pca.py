"""`FeaturePca`: the residual of a film's features to the first principal components of the normal films' features.

    score = Σ_c m_c ‖r_c‖² / (C Σ_c m_c),      r = φ − mean − V Vᵀ (φ − mean)

φ are the features of all cells c, each channel over its standard deviation, times m_c, the share of lung in the cell.
`pca` does the same with pixels. Features of a shallow block keep texture and edges; those of a deep one, shapes.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures
from unseen.detectors.normals import Normals


class FeaturePca(FrozenFeatures):
    """Distance to a principal subspace of features.

    >>> FeaturePca(size=256).config.blocks
    (4,)
    """

    key = "feature-pca"

    class Config(FeatureSettings):
        """`components` needs more training films than that."""

        blocks: tuple[int, ...] = Field(
            default=(4,), min_length=1, description="blocks whose feature maps are used, from 0"
        )
        grid: int = Field(default=16, ge=1, le=256, description="side of the grid of feature vectors, in cells")
        components: int = Field(default=200, ge=1, le=4096, description="principal components that are kept")

        @property
        def least_films(self) -> int:
            return self.components + 1

    config: Config
    model: _Subspace

    def build(self) -> _Subspace:
        return _Subspace(self.config.components, self.config.channels, self.config.grid)

    def remember(self, normals: Normals, seed: int) -> None:
        lungs = self.lungs(normals.inside)
        cells = self.cells(normals.images * normals.inside)
        self.model.to(cells.device).fit(cells, lungs.to(cells.device))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        squares = self.model(cells[None], lungs[None])[0]
        return float((squares * lungs).sum() / lungs.sum().clamp(min=1e-6)), squares * (lungs > 0)


class _Subspace(nn.Module):
    """mean (channels · grid²,), scale (channels,), components (k, channels · grid²)."""

    mean: Tensor
    scale: Tensor
    components: Tensor

    def __init__(self, components: int, channels: int, grid: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels * grid**2))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("components", torch.zeros(components, channels * grid**2))

    def fit(self, cells: Tensor, lungs: Tensor) -> None:
        """Fit to features (n, channels, grid, grid) and shares of lung (n, grid, grid)."""
        self.scale.copy_(cells.std(dim=(0, 2, 3)).clamp(min=1e-6))
        flat = self._flat(cells, lungs)
        self.mean.copy_(flat.mean(dim=0))
        rows = torch.linalg.svd(flat - self.mean, full_matrices=False)[2]
        self.components.copy_(rows[: len(self.components)])

    def forward(self, cells: Tensor, lungs: Tensor) -> Tensor:
        """Return the mean squared residual of each cell, (n, grid, grid)."""
        away = self._flat(cells, lungs) - self.mean
        rest = away - (away @ self.components.T) @ self.components
        squares: Tensor = rest.reshape(cells.shape).square().mean(dim=1)
        return squares

    def _flat(self, cells: Tensor, lungs: Tensor) -> Tensor:
        scaled: Tensor = cells / self.scale[:, None, None] * lungs[:, None]
        return scaled.flatten(1)
