"""Principal components of training images, the features in which images are compared as distributions.

They are found on training images. A further feature is the norm of the residual of each image: without it, an image of
noise would be in the middle of the data, since noise has almost nothing of any component. A network trained on
photographs is the usual choice, but describes digits and slices poorly. Components do not show changes in a small part
of an image.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from unseen.evaluation.roc import Floats

MOST = 64
"""Largest number of components."""
LEARNT_FROM = 2000
"""Largest number of training images on which they are found."""
_FLOOR = 1e-12  # share of the variance below which a component is rounding


@dataclass(frozen=True, eq=False)
class Features:
    """Components of images, float64.

    Args:
        mean: (d,), mean of the training images.
        rows: (k, d), orthonormal; k is smaller than asked for if the images do not vary in so many directions.
        explained: share of the variance of the training images in the components.
    """

    mean: Tensor
    rows: Tensor
    explained: float

    def of(self, x: Tensor) -> Floats:
        """Return coordinates of images (n, channels, height, width), and the norms of their residuals: (n, k + 1)."""
        flat = x.detach().cpu().flatten(1).double() - self.mean
        features: Floats = torch.cat([flat @ self.rows.T, self.residual(x, len(self.rows))[:, None]], dim=1).numpy()
        return features

    def residual(self, x: Tensor, components: int) -> Tensor:
        """Return ‖x − projection of x on the first components‖, (n,), float64."""
        flat = x.detach().cpu().flatten(1).double() - self.mean
        rows = self.rows[:components]
        left: Tensor = torch.linalg.vector_norm(flat - flat @ rows.T @ rows, dim=1)
        return left


def principal_features(training: Tensor, *, most: int = MOST, generator: torch.Generator) -> Features:
    """Find the principal components of training images, at most `most`.

    If there are more than `LEARNT_FROM` images, the components are those of a random sample.

    Args:
        training: (n, channels, height, width), n ≥ 2.
        most: Largest number of components.
        generator: Draws the sample.

    Raises:
        ValueError: There are fewer than two images.

    >>> x = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    >>> features = principal_features(x, most=16, generator=torch.Generator())
    >>> features.of(x).shape, round(features.explained, 6)
    ((20, 17), 1.0)
    """
    if len(training) < 2:
        raise ValueError(f"principal components need two images or more, but got {len(training)}.")
    chosen = torch.randperm(len(training), generator=generator)[:LEARNT_FROM]
    flat = training[chosen].detach().cpu().flatten(1).double()
    mean = flat.mean(0)
    apart = flat - mean
    wide = apart.shape[1] > len(apart)  # then the images' products are the smaller matrix
    variances, axes = torch.linalg.eigh(apart @ apart.T if wide else apart.T @ apart)
    variances, axes = variances.flip(0).clamp(min=0), axes.T.flip(0)
    total = float(variances.sum())
    few = min(most, int((variances > _FLOOR * total).sum()))
    rows = axes[:few]
    if wide:
        rows = rows @ apart / variances[:few, None].sqrt()
    return Features(mean, rows.contiguous(), float(variances[:few].sum()) / total if total > 0 else 1.0)
