"""Settings of one fit, as a method's `learn` receives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.detectors.backbone_file import Backbone
from unseen.detectors.normals import Normals

if TYPE_CHECKING:
    from unseen.training.progress import Progress
    from unseen.training.settings import Training


@dataclass(frozen=True, eq=False)
class Fitting:
    """Settings and callbacks of one fit; a method with a training loop passes them to the loop.

    >>> from unseen.training import Training
    >>> Fitting(Training(epochs=3)).training.epochs
    3

    Args:
        training: epochs, batch size, seed, device.
        folder: where checkpoints go, or None.
        progress: called with the loop's progress, or None.
        validate: called after each epoch with its number; what it returns is kept in the history, or None.
        unlabelled: films of which nobody knows what they show, for a method that learns from them.
        backbone: weights that a network begins with, for a method that can.
        chosen_by: which films `validate` chooses an epoch by; "": it chooses none.
    """

    training: Training
    folder: Path | None = None
    progress: Callable[[Progress], None] | None = None
    validate: Callable[[int], Mapping[str, float]] | None = None
    unlabelled: Normals | None = None
    backbone: Backbone | None = None
    chosen_by: str = ""
