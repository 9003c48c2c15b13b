"""Input gate that is stored in a detector's bundle."""

from pathlib import Path
from typing import Protocol, runtime_checkable

from torch import Tensor

from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.detectors.bundle_tensors import GATE


@runtime_checkable
class HasSettings(Protocol):
    """Object with settings, as JSON values."""

    def settings(self) -> dict[str, object]:
        """Return the settings for the card, as JSON values."""
        ...


class Companion(HasSettings, Protocol):
    """Object that is stored in a detector's bundle, such as `screening.Gate`."""

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors for the weights file; each name begins with `gate.`."""
        ...


def add_gate(folder: Path | str, gate: Companion, *, to: Path | str | None = None) -> Card:
    """Add a gate to a bundle, or replace its gate, and return the new card. Nothing else changes.

    Args:
        folder: the bundle.
        gate: the gate.
        to: folder of the bundle with the gate; None: that of the bundle.

    Raises:
        BundleError: the bundle cannot be read, or `to` holds other files.
    """
    read = bundle.load(folder, "detector")
    tensors = {name: t for name, t in read.tensors.items() if name.split(".")[0] != GATE} | gate.tensors()
    return bundle.save(Path(to or read.folder), tensors, read.card.model_copy(update={"gate": gate.settings()}))


def gate_parts(folder: Path | str) -> tuple[dict[str, object], dict[str, Tensor]] | None:
    """Return settings and tensors of the gate in a bundle, for `screening.Gate.of`; None for a bundle without one.

    Raises:
        BundleError: the bundle cannot be read, as in `load`.
    """
    read = bundle.load(folder, "detector")
    if read.card.gate is None:
        return None
    return dict(read.card.gate), {name: t for name, t in read.tensors.items() if name.split(".")[0] == GATE}
