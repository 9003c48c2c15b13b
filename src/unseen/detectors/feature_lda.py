"""`FeatureLda`: a linear classifier of cells, "changed or not", that learns from lesions put into normal lungs.

    score = mean of the largest tenth of wᵀ(φ_c − mean_c) over the lungs' cells c,    w = ((1 − λ) S + λ I)⁻¹ (μ₁ − μ₀)

φ_c are a cell's features from several depths, each channel over its standard deviation; mean_c is what normal films
have at that place. μ₁ is the mean where soft shadows or spots were put in, μ₀ the mean of unchanged films and of films
that were only blurred, sharpened or given another contrast, so that w does not learn how a film was taken; S is the
scatter within the two. Linear discriminant analysis with shrinkage towards the identity: Friedman, "Regularized
discriminant analysis", JASA 84 (1989) 165.
"""

from __future__ import annotations

import math

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from unseen.anatomy.lesion_shapes import below, uniform
from unseen.detectors.classifier_lesions import clouded, spotted
from unseen.detectors.even_choice import evenly
from unseen.detectors.frozen_features import FeatureSettings, FrozenFeatures, judged_cells
from unseen.detectors.normals import Normals

_CHANGED = 0.03  # mean change of a cell's pixels, in network units, from which it counts as changed
_MOST = 1000  # films, spread evenly, into which lesions are put
_AT_ONCE = 16


class FeatureLda(FrozenFeatures):
    """A linear classifier of synthetic lesions at each place.

    >>> FeatureLda(size=256).config.channels
    448
    """

    key = "feature-lda"

    class Config(FeatureSettings):
        """The defaults are those that were chosen on fold 0 of the Montgomery + Shenzhen films."""

        blocks: tuple[int, ...] = Field(
            default=(2, 4, 7, 10, 14), min_length=1, description="blocks whose feature maps are used, from 0"
        )
        grid: int = Field(default=16, ge=1, le=256, description="side of the grid of feature vectors, in cells")
        shrinkage: float = Field(default=0.01, gt=0, le=1, description="λ, shrinkage of the covariance")
        top: float = Field(default=0.1, gt=0, le=1, description="share of the cells that the score is the mean of")

        @property
        def least_films(self) -> int:
            return 2

    config: Config
    model: _Discriminant

    def build(self) -> _Discriminant:
        return _Discriminant(self.config.channels, self.config.grid)

    def remember(self, normals: Normals, seed: int) -> None:
        rng = torch.Generator().manual_seed(seed)
        x, lungs = normals.images * normals.inside, self.lungs(normals.inside)
        taken = torch.tensor(evenly(range(len(x)), _MOST))
        model, config = self.model, self.config
        plain = self.cells(x[taken])
        model.to(plain.device).centre(plain)
        sums = _Sums(config.channels)
        for rows in torch.split(torch.arange(len(taken)), _AT_ONCE):
            images, inside, here = x[taken[rows]], normals.inside[taken[rows]], lungs[taken[rows]] > 0.5
            sums.add(0, model.placed(plain[rows])[here])
            sums.add(0, model.placed(self.cells(retaken(images, inside, rng)))[here])
            for lesion in (clouded, spotted):
                changed = lesion(images, inside, generator=rng)
                far = functional.adaptive_avg_pool2d((changed - images).abs(), config.grid)[:, 0] > _CHANGED
                sums.add(1, model.placed(self.cells(changed))[here & far])
        model.weights.copy_(sums.direction(config.shrinkage))

    def marks(self, cells: Tensor, lungs: Tensor) -> tuple[float, Tensor]:
        values = self.model.placed(cells[None])[0] @ self.model.weights  # (grid, grid)
        inside = judged_cells(lungs)
        some = values[inside]
        largest = some.topk(max(1, round(self.config.top * len(some)))).values
        return float(largest.mean()), functional.softplus(values) * inside


class _Discriminant(nn.Module):
    """mean (channels, grid, grid), scale and weights (channels,)."""

    mean: Tensor
    scale: Tensor
    weights: Tensor

    def __init__(self, channels: int, grid: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels, grid, grid))
        self.register_buffer("scale", torch.ones(channels))
        self.register_buffer("weights", torch.zeros(channels))

    def centre(self, cells: Tensor) -> None:
        """Take mean and scale from normal films' features (n, channels, grid, grid)."""
        self.mean.copy_(cells.mean(dim=0))
        self.scale.copy_((cells - self.mean).square().mean(dim=(0, 2, 3)).sqrt().clamp(min=1e-6))

    def placed(self, cells: Tensor) -> Tensor:
        """Return the features less what normal films have there: (n, grid, grid, channels)."""
        found: Tensor = ((cells - self.mean) / self.scale[:, None, None]).permute(0, 2, 3, 1)
        return found


class _Sums:
    """Counts, sums and products of the two classes' cells."""

    def __init__(self, channels: int) -> None:
        self.n = [0, 0]
        self.sum = torch.zeros(2, channels, dtype=torch.float64)
        self.products = torch.zeros(2, channels, channels, dtype=torch.float64)

    def add(self, label: int, cells: Tensor) -> None:
        found = cells.cpu().double()
        self.n[label] += len(found)
        self.sum[label] += found.sum(dim=0)
        self.products[label] += found.T @ found

    def direction(self, shrinkage: float) -> Tensor:
        """w, so scaled that the scores of unchanged cells have a standard deviation of one."""
        n = torch.tensor(self.n, dtype=torch.float64).clamp(min=1)[:, None]
        means = self.sum / n
        within = (self.products.sum(0) - (n[:, :, None] * means[:, :, None] * means[:, None, :]).sum(0)) / n.sum()
        shrunk = (1 - shrinkage) * within + shrinkage * torch.eye(len(within), dtype=torch.float64)
        w = torch.linalg.solve(shrunk, means[1] - means[0])
        scaled: Tensor = w / (w @ shrunk @ w).sqrt().clamp(min=1e-12)
        return scaled.float()


def retaken(x: Tensor, inside: Tensor, rng: torch.Generator) -> Tensor:
    """Return each film as another exposure or another detector would give it: blurred, sharpened, or of another
    contrast.
    """
    made = []
    for image, mask in zip(x, inside, strict=True):
        amount, sigma = uniform(0.5, 1.5, rng), uniform(0.5, 1.5, rng) * image.shape[-1] / 256
        offsets = torch.arange(-math.ceil(3 * sigma), math.ceil(3 * sigma) + 1).float()
        kernel = torch.softmax(-(offsets**2) / (2 * sigma**2), dim=0)
        soft = functional.conv2d(image[None], kernel.view(1, 1, -1, 1), padding="same")
        soft = functional.conv2d(soft, kernel.view(1, 1, 1, -1), padding="same")[0]
        way = below(3, rng)
        power = 2 * ((image + 1) / 2).clamp(0, 1) ** math.exp(amount - 1) - 1
        made.append((soft if way == 0 else image + amount * (image - soft) if way == 1 else power) * mask)
    return torch.stack(made).clamp(-1, 1)
