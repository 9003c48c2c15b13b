"""Where pictures are compared as distributions: their first principal components, found on training pictures alone, and
the length of what these leave of each picture, as one number more. Without it a picture that is all noise would lie in
the middle of the data, since noise has next to nothing of any component.

A network that has learnt on photographs would be the usual choice, and says little of digits or slices; principal
components are blind to what a small part of the picture shows, and keep to what the pictures themselves vary in.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.evaluation.roc import Floats

MOST = 64
"""Components at most."""
LEARNT_FROM = 2000
"""Training pictures at most that they are found on."""
_FLOOR = 1e-12  # of the variance: what is less is rounding


@dataclass(frozen=True, eq=False)
class Features:
    """mean (d,), rows (k, d) orthonormal, both float64; `explained`: their share of the training pictures' variance.
    k is less than asked for where the pictures do not vary in so many directions."""

    mean: Tensor
    rows: Tensor
    explained: float

    def of(self, x: Tensor) -> Floats:
        """Pictures (n, channels, height, width) → their coordinates and what these leave: (n, k + 1)."""
        flat = x.detach().cpu().flatten(1).double() - self.mean
        features: Floats = torch.cat([flat @ self.rows.T, self.residual(x, len(self.rows))[:, None]], dim=1).numpy()
        return features

    def residual(self, x: Tensor, components: int) -> Tensor:
        """‖x − its projection on the first components‖: (n,), float64."""
        flat = x.detach().cpu().flatten(1).double() - self.mean
        rows = self.rows[:components]
        left: Tensor = torch.linalg.vector_norm(flat - flat @ rows.T @ rows, dim=1)
        return left


def principal_features(training: Tensor, *, most: int = MOST, generator: torch.Generator) -> Features:
    """Of training pictures (n, channels, height, width), n ≥ 2; where there are many, of some that are drawn.

    Raises:
        ValueError: one picture, or none.

    >>> x = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> features = principal_features(x, most=16, generator=torch.Generator())
    >>> features.of(x).shape, round(features.explained, 6)
    ((20, 17), 1.0)
    """
    if len(training) < 2:
        raise ValueError(f"principal components need two pictures or more, but got {len(training)}.")
    chosen = torch.randperm(len(training), generator=generator)[:LEARNT_FROM]
    flat = training[chosen].detach().cpu().flatten(1).double()
    mean = flat.mean(0)
    apart = flat - mean
    wide = apart.shape[1] > len(apart)  # then the pictures' products are the smaller matrix
    variances, axes = torch.linalg.eigh(apart @ apart.T if wide else apart.T @ apart)
    variances, axes = variances.flip(0).clamp(min=0), axes.T.flip(0)
    total = float(variances.sum())
    few = min(most, int((variances > _FLOOR * total).sum()))
    rows = axes[:few]
    if wide:
        rows = rows @ apart / variances[:few, None].sqrt()
    return Features(mean, rows.contiguous(), float(variances[:few].sum()) / total if total > 0 else 1.0)
