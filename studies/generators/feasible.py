"""Test images searched in the range of a generator: can it make the images that it should?

    min over z of ‖G(z) − x‖,   from starts drawn from the prior

The function has many minima, so the error is an upper bound. It is compared with that of the best linear generator with
as many latents: the projection on principal components of training images.

Source: Duff, Campbell & Ehrhardt, arXiv 2107.11191, section 4.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from studies.generators.components import Features
from unseen.evaluation.bootstrap import listed, mean_over
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.psnr_ssim import psnr
from unseen.evaluation.roc import Floats
from unseen.priors.generative import Range
from unseen.priors.generator import Generator
from unseen.priors.search_settings import Search

HIGHEST_DB = 100.0
"""PSNR of an image that is found to the last bit."""
_TOGETHER = 64  # images in a batch of the search


@dataclass(frozen=True, eq=False)
class Feasible:
    """Test images, and the nearest images found in the range of the generator.

    Args:
        x, nearest: (n, channels, height, width).
        relative_error: (n,), ‖G(z) − x‖ / ‖x‖.
        psnr_db: (n,).
        linear_error: (n,), relative error of the projection on as many principal components as there are latents; None:
            there are fewer components.
        encoded_error: (n,), relative error of G(E(x)); None: there is no encoder.
        units: (n,), units of the bootstrap, such as the subjects.
        converged: share of images whose best start could not be improved by a further step.
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
        """Number of test images."""
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
