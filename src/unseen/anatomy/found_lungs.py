"""`FoundLungs`: the lungs of one film, found once by each finder, whoever asks.

An input gate, a detector and the detectors that it is compared with look at the same film. Finding its lungs takes
about a third of a score by `pca`, so what one of them has found is handed on to the next.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from unseen.anatomy.lungs import LungFinder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unseen.data.film import Film


class Finder(Protocol):
    """Whatever finds lungs: `LungFinder` or `CrossFittedLungs`."""

    def find(self, film: Film) -> NDArray[np.bool_]:
        """The predicted lungs of the whole film, at any resolution."""
        ...


class FoundLungs:
    """A film and the lungs that were found in it so far.

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
        """The lungs that `finder` predicts; None without a finder."""
        if finder is None:
            return None
        for asked, found in self._found:
            if asked is finder:
                return found
        found = finder.find(self.film)
        self._found.append((finder, found))
        return found


def share_finders(models: Iterable[object]) -> None:
    """Give models whose lung finders compute the same one finder between them, the first one's.

    Finders are compared by `LungFinder.digest`. Models with another finder, or without one, stay as they are.
    """
    by_digest: dict[str, LungFinder] = {}
    for model in models:
        finder = getattr(model, "finder", None)
        if isinstance(finder, LungFinder):
            model.finder = by_digest.setdefault(finder.digest, finder)  # type: ignore[attr-defined]  # it has one
