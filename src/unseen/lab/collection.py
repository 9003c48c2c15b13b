"""The collection: a folder of trained bundles and the reconstructors that ship with the package, each with a key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts.bundle import BundleError, card_of
from unseen.artifacts.card import Card
from unseen.artifacts.installed_models import located, shipped

if TYPE_CHECKING:
    from unseen.priors.trained import TrainedGenerator
    from unseen.reconstruction.reconstructor import Reconstructor

MOST = 100
"""Bundles that are looked at, in the order of their names."""
_DEEP = 3
_KEY = 16
_KEPT = 8  # of each kind in memory


@dataclass(frozen=True, kw_only=True)
class Collected:
    """Bundle in a collection.

    Args:
        key: the first 16 hexadecimal digits of the SHA-256 of its weights.
        name: its folder, relative to the folder of the collection.
        folder: the path of its folder.
        card: its card, without the weights.
        ships: whether it ships with the package; where it does not fit a measurement, no reason is stated.

    Example:
        >>> from unseen.artifacts import card_of
        >>> card = card_of("models/pca")
        >>> entry = Collected(key=card.weights_sha256[:16], name="pca", folder=Path("models/pca"), card=card)
        >>> entry.name, entry.card.kind
        ('pca', 'detector')
    """

    key: str
    name: str
    folder: Path
    card: Card
    ships: bool = False


@dataclass(frozen=True, kw_only=True)
class Collection:
    """Models of a folder, as their cards describe them; weights are read on demand.

    >>> Collection.of(None).generators
    ()

    Args:
        reconstructors: the bundles of reconstructors.
        generators: the bundles of generators.
        refused: a sentence for each folder that looks like a bundle and cannot be used.
    """

    reconstructors: tuple[Collected, ...] = ()
    generators: tuple[Collected, ...] = ()
    refused: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, folder: Path | None) -> Collection:
        """Search `folder`, three folders deep, not through links, and add the reconstructors of the package.

        Args:
            folder: the folder with the bundles; None: the reconstructors of the package alone.

        Example:
            >>> [entry.name for entry in Collection.of(None).reconstructors][:1]
            ['phantom-ct']
        """
        found: dict[str, list[Collected]] = {"reconstruction": [], "generator": []}
        refused = []
        for number, path in enumerate(_bundles(folder)):
            name = path.relative_to(folder or path).as_posix()
            if number >= MOST:
                refused.append(f"More than {MOST} bundles are here; those from {name} on are not shown.")
                break
            try:
                card = card_of(path)
            except BundleError as error:
                refused.append(str(error).replace(str(path), name))
                continue
            if card.kind in found:
                entry = Collected(key=card.weights_sha256[:_KEY], name=name, folder=path, card=card)
                if all(entry.key != other.key for other in found[card.kind]):  # a copy is the same model
                    found[card.kind].append(entry)
        for named in shipped():
            card = card_of(named)
            if card.kind == "reconstruction":
                key = card.weights_sha256[:_KEY]
                found[card.kind].append(
                    Collected(key=key, name=named.name, folder=located(named), card=card, ships=True)
                )
        return cls(
            reconstructors=tuple(found["reconstruction"]),
            generators=tuple(found["generator"]),
            refused=tuple(refused),
        )

    def reconstructor(self, key: str) -> Reconstructor:
        """Open the reconstructor of this key.

        Raises LookupError where there is none, BundleError where it cannot be read.
        """
        return _reconstructor(_named(self.reconstructors, key, "reconstructor").folder, key)

    def generator(self, key: str) -> TrainedGenerator:
        """Open the generator of this key.

        Raises LookupError where there is none, BundleError where it cannot be read.
        """
        return _generator(_named(self.generators, key, "generator").folder, key)


def _named(entries: tuple[Collected, ...], key: str, kind: str) -> Collected:
    for entry in entries:
        if entry.key == key:
            return entry
    raise LookupError(f"No {kind} {key[:_KEY]!r} is in the collection. Load the page again.")


@lru_cache(_KEPT)
def _reconstructor(folder: Path, key: str) -> Reconstructor:  # the key: another model in the same folder is another
    from unseen.reconstruction.saved import load

    return load(folder)


@lru_cache(_KEPT)
def _generator(folder: Path, key: str) -> TrainedGenerator:
    from unseen.priors.saved import load

    return load(folder).requires_grad_(False)


def _bundles(folder: Path | None) -> Iterator[Path]:
    """Yield the folders with a card below `folder`, by name."""
    folders = [] if folder is None else [folder]
    for _ in range(_DEEP + 1):
        below: list[Path] = []
        for one in folders:
            if one is not folder and (one / "card.json").is_file():
                yield one
                continue  # a bundle holds no bundles
            try:
                with os.scandir(one) as entries:
                    below += sorted(Path(entry) for entry in entries if entry.is_dir(follow_symlinks=False))
            except OSError:
                continue
        folders = [one for one in below if not one.name.startswith(".")]
