"""What a method's `learn` receives: training films, settings, an even choice of films, a backbone.

A few of many: films of one hospital lie together in a list, and the first so many would be of one hospital alone.

`Backbone`: weights that a network begins with, from a file that the user gives. Nothing is ever downloaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from unseen.anatomy.view import Viewed
from unseen.artifacts.errors import reason_of
from unseen.detectors.weights import FitError

if TYPE_CHECKING:
    from unseen.detectors.detector import Detector
    from unseen.training.loop import Progress
    from unseen.training.settings import Training


@dataclass(frozen=True, eq=False)
class Normals:
    """The training films on the network's grid.

    >>> one = torch.ones(2, 1, 8, 8)
    >>> Normals(one, one > 0, one > 0, digests=("a", "b")).part(torch.tensor([True, False])).digests
    ('a',)

    images   float32 (n, 1, size, size), unmasked
    inside   bool (n, 1, size, size), the pixels that are judged
    lungs    bool (n, 1, size, size), as predicted
    digests  pixel_sha256 of each
    also     the same films through further views
    """

    images: torch.Tensor
    inside: torch.Tensor
    lungs: torch.Tensor
    digests: tuple[str, ...]
    also: tuple[Normals, ...] = ()

    @classmethod
    def of(cls, views: Sequence[Viewed], digests: Sequence[str]) -> Normals:
        """From at least one viewed film."""
        return cls(
            torch.stack([one.image for one in views]),
            torch.stack([one.inside for one in views]),
            torch.stack([one.inside if one.lungs is None else one.lungs for one in views]),
            tuple(digests),
            tuple(cls.of(others, digests) for others in zip(*(one.also for one in views), strict=True)),
        )

    def part(self, rows: torch.Tensor) -> Normals:
        """The films where `rows`, bool (n,), is true."""
        digests = tuple(digest for digest, taken in zip(self.digests, rows.tolist(), strict=True) if taken)
        also = tuple(others.part(rows) for others in self.also)
        return Normals(self.images[rows], self.inside[rows], self.lungs[rows], digests, also)

    def views(self) -> list[Viewed]:
        """Each as `judge` takes it; where it lay on its film is not known any more."""
        side = self.images.shape[-1]
        whole = (0.0, 0.0, float(side), float(side))
        also = [others.views() for others in self.also]
        return [
            Viewed(*parts, whole, None, (0, 0, side, side), also=tuple(others[i] for others in also))
            for i, parts in enumerate(zip(self.images, self.inside, self.lungs, strict=True))
        ]


@dataclass(frozen=True, eq=False)
class Fitting:
    """How `learn` is to go about it; a method with a training loop hands these on to it.

    >>> from unseen.training import Training
    >>> Fitting(Training(epochs=3)).training.epochs
    3

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


T = TypeVar("T")
_GOLDEN = (5**0.5 - 1) / 2


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most `most` of them, spread evenly over the list, in its order.

    One of each of `most` pieces, at a place in it that goes by the golden ratio: a stride would meet a list in which
    normal and abnormal films take turns in the same place of each turn.

    >>> evenly("aaaaaabbb", 3), evenly("ababababab", 5), evenly("ab", 3)
    (['a', 'a', 'b'], ['a', 'b', 'a', 'b', 'a'], ['a', 'b'])
    """
    n = len(items)
    if n <= most:
        return list(items)
    ends = [piece * n // most for piece in range(most + 1)]
    return [
        items[start + int(piece * _GOLDEN % 1 * (end - start))] for piece, (start, end) in enumerate(pairwise(ends))
    ]


def check_devices(detector: Detector, training: Training) -> None:
    """Raises FitError where several devices are asked for, and the method learns nothing batch by batch."""
    members: Sequence[Detector] = getattr(detector, "members", (detector,))
    if training.devices * training.nodes > 1 and not any(member.learns_by_epochs for member in members):
        raise FitError(
            f"{detector.key} is computed on one device: it has no batches to share between {training.devices} devices "
            f"of {training.nodes} machine(s). Leave devices and nodes out, or give a method that learns by epochs"
        )


@dataclass(frozen=True, eq=False)
class Backbone:
    """A file's tensors by name; `sha256` is of its bytes, and goes into the settings of what is learnt from it."""

    weights: Mapping[str, Tensor]
    sha256: str
    file: str

    @classmethod
    def read(cls, path: Path | str) -> Backbone:
        """A safetensors file.

        Raises FitError for a file that is not there or is of another format.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load

        try:
            content = Path(path).read_bytes()
            return cls(load(content), hashlib.sha256(content).hexdigest(), str(path))
        except OSError as error:
            raise FitError(f"backbone: {path} cannot be read ({reason_of(error)}). Give a file of weights") from error
        except SafetensorError as error:
            raise FitError(
                f"backbone: {path} is no safetensors file ({error}). No other format is opened; "
                "`safetensors.torch.save_file` writes one from a state dict"
            ) from error
