"""Detector `padim`: a Gaussian of frozen features at each place.

    d_c = ‖L_c⁻¹ (φ_c − μ_c)‖,  L_c L_cᵀ = Σ_c + ε I,       score = the largest d_c in the lungs

φ_c is the feature vector of cell c, from several depths of the network. It contains randomly chosen channels, the same
at every place.

Source: Defard, Setkov, Loesch & Audigier, "PaDiM: a patch distribution modeling framework for anomaly detection and
localization", ICPR 2021 workshops, section III, arXiv 2011.08785; ε = 0.01.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures, judged_cells
from unseen.detectors.normals import Normals

_RIDGE = 0.01


class Padim(FrozenFeatures):
    """A Gaussian of features at each place.

    >>> Padim(size=256).config.channels
    144
    """

    key = "padim"

    class Config(FeatureSettings):
        """Settings; `chosen` has the paper's value, 100."""

        blocks: tuple[int, ...] = Field(
            default=(2, 4, 7), min_length=1, description="blocks whose feature maps are used, from 0"
        )
        grid: int = Field(default=16, ge=1, le=64, description="side of the grid of feature vectors, in cells")
        chosen: int = Field(default=100, ge=1, le=512, description="channels that are drawn, at most")

        @property
        def least_films(self) -> int:
            return 2

    config: Config
    model: _Gaussians

    def build(self) -> _Gaussians:
        config = self.config
        return _Gaussians(config.grid**2, min(config.chosen, config.channels))

    def remember(self, normals: Normals, seed: int) -> None:
        cells = self.cells(normals.images * normals.inside)
        model = self.model.to(cells.device)
        drawn = torch.randperm(self.config.channels, generator=torch.Generator().manual_seed(seed))
        model.channels.copy_(drawn[: len(model.channels)].sort().values)
        model.fit(cells.flatten(2))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        distance = self.model(cells.flatten(1)).reshape(lungs.shape)
        inside = judged_cells(lungs)
        return float(distance[inside].max()), distance * inside


class _Gaussians(nn.Module):
    """Gaussians of the features at each place.

    Attributes:
        channels: the chosen channels, (d,).
        mean: (places, d).
        whitening: L⁻¹, (places, d, d).
    """

    channels: Tensor
    mean: Tensor
    whitening: Tensor

    def __init__(self, places: int, chosen: int) -> None:
        super().__init__()
        self.register_buffer("channels", torch.zeros(chosen, dtype=torch.int64))
        self.register_buffer("mean", torch.zeros(places, chosen))
        self.register_buffer("whitening", torch.zeros(places, chosen, chosen))

    def fit(self, cells: Tensor) -> None:
        """Fit to features (n, channels, places)."""
        some = cells[:, self.channels].permute(2, 0, 1).double()  # (places, n, d)
        self.mean.copy_(some.mean(dim=1))
        ridge = _RIDGE * torch.eye(some.shape[2], dtype=some.dtype, device=some.device)
        for place, films in enumerate(some):
            lower = torch.linalg.cholesky(torch.cov(films.T).reshape(ridge.shape) + ridge)
            self.whitening[place] = torch.linalg.solve_triangular(lower, torch.eye(len(ridge)).to(lower), upper=False)

    def forward(self, cells: Tensor) -> Tensor:
        """Return the distance at each place, (places,), from features (channels, places)."""
        away = cells[self.channels].T - self.mean
        whitened: Tensor = torch.einsum("pij,pj->pi", self.whitening, away)
        distance: Tensor = whitened.norm(dim=1)
        return distance
