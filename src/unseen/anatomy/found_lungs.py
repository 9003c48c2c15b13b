"""`FoundLungs`: the lungs of one film, found once by each finder and shared.

An input gate, a detector and the detectors that it is compared with need the lungs of the same film. Finding them takes
about a third of a score by `pca`, so the first result is passed on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from unseen.anatomy.lung_finder import LungFinder
from unseen.data.film import Film

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Finder(Protocol):
    """A lung finder: `LungFinder` or `CrossFittedLungs`."""

    def find(self, film: Film) -> NDArray[np.bool_]:
        """Return the predicted lungs of the whole film, at any resolution."""
        ...


class FoundLungs:
    """A film and the lungs that were found in it so far.

    Args:
        film: the film.

    Law: `by(finder)` is `finder.find(film)`, and each finder is asked once at most.

    >>> from unseen.data.phantoms import normals
    >>> lungs = FoundLungs(next(iter(normals(1, size=64))))
    >>> lungs.by(None) is None
    True
    """

    def __init__(self, film: Film) -> None:
        self.film = film
        self._found: list[tuple[Finder, NDArray[np.bool_]]] = []

    @classmethod
    def of(cls, film: Film, found: FoundLungs | None) -> FoundLungs:
        """`found`; where it is None, nothing found yet.

        Raises ValueError where `found` is another film's.
        """
        if found is None:
            return cls(film)
        if found.film is not film:
            raise ValueError(f"the lungs of {found.film.name} were given for the film {film.name}")
        return found

    def by(self, finder: Finder | None) -> NDArray[np.bool_] | None:
        """Return the lungs that `finder` predicts; None without a finder."""
        if finder is None:
            return None
        for asked, found in self._found:
            if asked is finder:
                return found
        found = finder.find(self.film)
        self._found.append((finder, found))
        return found


def share_finders(models: Iterable[object]) -> None:
    """Give all models with equal lung finders one common finder: that of the first such model.

    Two finders are equal if their `LungFinder.digest` is. Models with another finder, or without one, are not changed.

    Args:
        models: objects such as detectors. Their attribute `finder`, where it is a `LungFinder`, is replaced in place.

    Example:
        >>> from types import SimpleNamespace
        >>> config = LungFinder.Config(size=32, features=4, depth=2)
        >>> first, second = (SimpleNamespace(finder=LungFinder(config)) for _ in range(2))
        >>> share_finders([first, second])
        >>> second.finder is first.finder
        True
    """
    with_finder = [model for model in models if isinstance(getattr(model, "finder", None), LungFinder)]
    if len(with_finder) < 2:
        return  # a digest reads all weights
    by_digest: dict[str, LungFinder] = {}
    for model in with_finder:
        finder: LungFinder = model.finder  # type: ignore[attr-defined]
        model.finder = by_digest.setdefault(finder.digest, finder)  # type: ignore[attr-defined]
