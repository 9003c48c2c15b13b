"""What a method's `learn` is given: the training films on its grid (`Normals`), and how to go about it (`Fitting`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from unseen.anatomy.view import Viewed

if TYPE_CHECKING:
    from unseen.detectors.backbone import Backbone
    from unseen.training.loop import Progress
    from unseen.training.settings import Training


@dataclass(frozen=True, eq=False)
class Normals:
    """The training films on the network's grid.

    images float32 (n, 1, size, size), unmasked; inside and lungs bool (n, 1, size, size); digests: pixel_sha256
    """

    images: torch.Tensor
    inside: torch.Tensor
    lungs: torch.Tensor
    digests: tuple[str, ...]

    def part(self, rows: torch.Tensor) -> Normals:
        """Those that `rows`, bool (n,), says."""
        digests = tuple(digest for digest, taken in zip(self.digests, rows.tolist(), strict=True) if taken)
        return Normals(self.images[rows], self.inside[rows], self.lungs[rows], digests)

    def views(self) -> list[Viewed]:
        """Each as `judge` takes it; where it lay on its film is not known any more."""
        side = self.images.shape[-1]
        return [
            Viewed(image, inside, lungs, (0.0, 0.0, float(side), float(side)), None, (0, 0, side, side))
            for image, inside, lungs in zip(self.images, self.inside, self.lungs, strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Fitting:
    """How `learn` is to go about it; a method with a training loop hands these on to it.

    training  epochs, batch size, seed, device
    folder    where checkpoints go, or None
    progress  called with the loop's progress, or None
    validate  called after each epoch with its number; what it returns is kept in the history, or None
    unlabelled  films of which nobody knows what they show, for a method that learns from them
    backbone  weights that a network begins with, for a method that can
    chosen_by  which films `validate` chooses an epoch by; "": it chooses none
    """

    training: Training
    folder: Path | None = None
    progress: Callable[[Progress], None] | None = None
    validate: Callable[[int], Mapping[str, float]] | None = None
    unlabelled: Normals | None = None
    backbone: Backbone | None = None
    chosen_by: str = ""
