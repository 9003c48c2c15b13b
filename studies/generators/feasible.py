"""Images that a generator can represent: test images searched in its range, and their features.

Where images are compared as distributions: their first principal components, found on training images alone, and
the length of what these leave of each image, as one number more. Without it an image that is all noise would lie in
the middle of the data, since noise has next to nothing of any component.

A network that has learnt on photographs is the usual choice, but it describes digits or slices poorly; principal
components are blind to what a small part of the image shows, and keep to what the images themselves vary in.

Feasible: can the generator make the images that it should? Test images, looked for in its range.

    min over z of ‖G(z) − x‖,   from starts drawn from the prior

The search is over a function with many minima, so the error is at most what is found. Beside it stands what the best
linear generator with as many latents reaches: the projection on so many principal components of training images.

Source: Duff, Campbell & Ehrhardt, arXiv 2107.11191, section 4.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from unseen.evaluation.bootstrap import listed, mean_over
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.psnr_ssim import psnr
from unseen.evaluation.roc import Floats
from unseen.priors.generative import Range
from unseen.priors.generator import Generator
from unseen.priors.search_settings import Search

MOST = 64
"""Components at most."""
LEARNT_FROM = 2000
"""Training images at most that they are found on."""
_FLOOR = 1e-12  # of the variance: what is less is rounding


@dataclass(frozen=True, eq=False)
class Features:
    """mean (d,), rows (k, d) orthonormal, both float64; `explained`: their share of the training images' variance.
    k is less than asked for where the images do not vary in so many directions."""

    mean: Tensor
    rows: Tensor
    explained: float

    def of(self, x: Tensor) -> Floats:
        """Images (n, channels, height, width) → their coordinates and what these leave: (n, k + 1)."""
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


HIGHEST_DB = 100.0
"""An image that is found to the last bit counts as this much."""
_TOGETHER = 64  # images that are looked for in one batch


@dataclass(frozen=True, eq=False)
class Feasible:
    """n test images, and the nearest that was found in the range.

    Args:
        x, nearest: (n, channels, height, width).
        relative_error: (n,), ‖G(z) − x‖ / ‖x‖.
        psnr_db: (n,).
        linear_error: (n,), of the projection on as many principal components; None: there are not so many.
        encoded_error: (n,), of G(E(x)); None: there is no encoder.
        units: (n,), such as the subjects.
        converged: the share of images whose best start could gain no more by a step.
    """

    x: Tensor
    nearest: Tensor
    relative_error: Floats
    psnr_db: Floats
    linear_error: Floats | None
    encoded_error: Floats | None
    units: tuple[int, ...]
    converged: float

    @property
    def n(self) -> int:
        """Test images."""
        return len(self.x)

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Means over images."""
        arrays = {
            "relative_error": self.relative_error,
            "psnr_db": self.psnr_db,
            "linear_error": self.linear_error,
            "encoded_error": self.encoded_error,
        }
        return {name: mean_over(values, self.units) for name, values in arrays.items() if values is not None}

    @property
    def shown(self) -> tuple[int, int, int]:
        """The best, the median and the worst image."""
        order = np.argsort(self.relative_error, kind="stable")
        return int(order[0]), int(order[(len(order) - 1) // 2]), int(order[-1])

    def to_json(self) -> dict[str, Json]:
        """Figures, and the errors of each image."""
        return {
            "n": self.n,
            "units": len(set(self.units)),
            **{name: figure.to_json() for name, figure in self.figures.items()},
            "converged": round(self.converged, 6),
            "by_picture": {
                "relative_error": [*listed(self.relative_error)],
                "psnr_db": [*listed(self.psnr_db)],
            },
        }


def feasible(
    G: Generator, x: Tensor, units: tuple[int, ...], *, features: Features, search: Search, seed: int
) -> Feasible:
    """Look for test images (n, channels, height, width) in the range of G.

    Raises:
        ValueError: an image is black, so that no error is relative to it.
    """
    height = torch.linalg.vector_norm(x.flatten(1).double(), dim=1)  # (n,)
    if not bool((height > 0).all()):
        raise ValueError(f"test image {int(height.argmin())} is black: an error relative to it has no meaning.")
    prior = Range(G)
    parts = [
        prior.nearest(part, search=search, generator=torch.Generator().manual_seed(seed))
        for part in torch.split(x, _TOGETHER)
    ]
    nearest = torch.cat([part.x.detach().cpu() for part in parts])
    components = int(np.prod(G.latent_shape))
    linear = features.residual(x, components) / height if len(features.rows) >= components else None
    encode = getattr(G, "encode", None)
    encoded: Floats | None = None
    if encode is not None:
        with torch.no_grad():
            encoded = _relative(torch.cat([G(encode(part)) for part in torch.split(x, _TOGETHER)]), x, height)
    return Feasible(
        x=x,
        nearest=nearest,
        relative_error=_relative(nearest, x, height),
        psnr_db=psnr(nearest, x).clamp(max=HIGHEST_DB).numpy(),
        linear_error=None if linear is None else linear.numpy(),
        encoded_error=encoded,
        units=units,
        converged=float(torch.cat([part.converged for part in parts]).double().mean()),
    )


def _relative(found: Tensor, x: Tensor, height: Tensor) -> Floats:
    error: Floats = (torch.linalg.vector_norm((found - x).flatten(1).double(), dim=1) / height).numpy()
    return error
