"""Images and measurements of the outlook: digits and shapes of 32 px, and signals near a set of low dimension."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from studies.imaging.image_sets import load
from studies.imaging.settings import ImageSetSettings
from unseen.data.drawn_shapes import squares_and_circles
from unseen.physics.measurement import Measurement
from unseen.runs.imaging_settings import MeasurementSettings, process_of

SIZE = 32
KEPT = 0.7  # of the pixels, as in `imaging/digits-inpainting`
SIGNAL, MEASURED = 64, 20  # samples, and random sums of them, as in `imaging/compressed-sensing`


def inpainting() -> Measurement:
    """Return the operator of `imaging/digits-inpainting`: 30 % of the pixels dropped, without noise."""
    return process_of(MeasurementSettings(operator="mask", kept=KEPT), channels=1, size=(SIZE, SIZE))


def random_sums() -> Measurement:
    """Return the operator of `imaging/compressed-sensing`: 20 random sums of 64 samples, without noise."""
    kept = MEASURED / SIGNAL
    return process_of(MeasurementSettings(operator="gaussian-matrix", kept=kept), channels=1, size=(1, SIGNAL))


def digits(data: Path | None = None) -> tuple[Tensor, Tensor]:
    """Return 600 digits to train on and 100 to test, (n, 1, 32, 32) in [0, 1]."""
    found = load(ImageSetSettings(pictures="digits", size=SIZE), data=data)
    return found.training, found.testing


def shapes(number: int) -> Tensor:
    """Return images of a square and a disc, (number, 1, 32, 32) in [0, 1].

    >>> shapes(2).shape
    torch.Size([2, 1, 32, 32])
    """
    return squares_and_circles(number, SIZE, torch.Generator().manual_seed(0))


def near_waves(distance: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return signals that are sums of three waves, and as far from them as asked.

    The waves are the images `sparse`: six numbers make one, so that their set has dimension 6. White noise is added to
    every signal, truth and test alike; its root mean square is `distance` times that of the waves without their mean.
    White noise is as likely after any shift, so that the signals stay invariant.

    Args:
        distance: Of the signals from the set of waves, as a share of the waves' own root mean square; ≥ 0.

    Returns:
        Training and test signals, (n, 1, 1, 64); and the root mean square of what was added.

    >>> training, testing, added = near_waves(0.1)
    >>> training.shape, testing.shape, round(float(added), 3)
    (torch.Size([500, 1, 1, 64]), torch.Size([100, 1, 1, 64]), 0.011)
    """
    found = load(ImageSetSettings(pictures="sparse", size=SIGNAL))
    apart = found.training - found.training.mean(dim=-1, keepdim=True)
    added = distance * apart.square().mean().sqrt()
    generator = torch.Generator().manual_seed(0)
    training, testing = (x + added * torch.randn(x.shape, generator=generator) for x in (found.training, found.testing))
    return training, testing, added
