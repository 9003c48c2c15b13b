"""Lung finder in a bundle: alone, or in a detector's bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unseen import __version__
from unseen.anatomy.lung_finder import LungFinder
from unseen.artifacts import bundle
from unseen.artifacts.card import Card
from unseen.artifacts.recipe import validated
from unseen.detectors.bundle_tensors import check_strays, load_states, states

if TYPE_CHECKING:
    from pathlib import Path


def save_finder(finder: LungFinder, folder: Path | str, *, data: str, licence: str, half: bool = False) -> Card:
    """Write a lung finder alone as a bundle at `folder`; arguments as for `save`."""
    card = Card(
        kind="lungs",
        name="lungs",
        finder=finder.config.model_dump(mode="json"),
        training_films=list(finder.training_films),
        data=data,
        licence=licence,
        version=__version__,
    )
    return bundle.save(folder, states({"finder": finder.network}, half=half), card)


def finder_of(folder: Path | str) -> LungFinder | None:
    """Return the lung finder of a bundle, a detector's or a finder's own; None for a detector without one.

    Args:
        folder: the bundle, or the name of one of unseen-models.

    Raises:
        BundleError: it holds another kind of model, or cannot be read.

    >>> finder_of("models/lungs").config.size
    64
    """
    read = bundle.load(folder, "lungs", "detector")
    if read.card.kind == "detector":
        return finder_in(read)
    found = LungFinder(validated(read.card.finder or {}, LungFinder.Config, where="finder"))
    load_states({"finder": found.network}, read)
    check_strays({"finder": found.network}, read)
    found.training_films = tuple(read.card.training_films)
    return found


def finder_in(read: bundle.Bundle) -> LungFinder | None:
    """Return the lung finder in a detector's bundle; None where it has none."""
    if read.card.finder is None:
        return None
    found = LungFinder(validated(read.card.finder, LungFinder.Config, where="finder"))
    load_states({"finder": found.network}, read)
    return found
