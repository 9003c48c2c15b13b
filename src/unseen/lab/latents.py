"""What a generator makes of a latent, for whoever moves it by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from unseen.lab.settings import SIZES
from unseen.priors.trained import TrainedGenerator

REACH = 3.0
"""Of a slider, each way: z ~ N(0, 1), so 0.3 % of all lie beyond."""
MOST = 64
"""Sliders: of a longer latent the rest stays as it was drawn."""


def drawn(G: TrainedGenerator, seed: int) -> Tensor:
    """A latent from the prior: (1, *latent_shape)."""
    return G.latents(1, generator=torch.Generator().manual_seed(seed))


def picture_of(G: TrainedGenerator, latent: Sequence[float]) -> Tensor:
    """G(z), cut to [0, 1]: (1, 1, size, size).

    Raises:
        ValueError: the latent has another length than G's, or the pictures are not such as the lab takes.
    """
    length = math.prod(G.latent_shape)
    if len(latent) != length:
        raise ValueError(f"A latent of this generator has {length} numbers, but got {len(latent)}.")
    with torch.no_grad():
        made: Tensor = G(torch.tensor(latent, dtype=torch.float32).reshape(1, *G.latent_shape)).clamp(0, 1)
    channels, height, width = made.shape[1:]
    if channels != 1 or height != width or height not in SIZES:
        sides = ", ".join(map(str, SIZES))
        raise ValueError(f"The lab takes one channel and {sides} pixels a side; these are {tuple(made.shape[1:])}.")
    return made
