"""View position and projection of a film by its DICOM header, and where that has none by the manifest.

A manifest states a view position in its column `view_position`, for images that have no header as well. The header has
priority: the manifest's cell is used where the header has no ViewPosition and states no other projection, and for AP or
PA where ViewPosition states only that the film is frontal. A film of uncertain projection, which is never cleared,
stays uncertain if the manifest calls it frontal.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from unseen.data.decoder_protocol import Projection
from unseen.data.film import one_line
from unseen.data.film_projection import Beam, stated_beam, stated_projection

_MOST_NAMED: Final = 3


def stated_view(
    *, view_position: str | None, projection: Projection | None, manifest: str | None, code_beam: Beam | None = None
) -> tuple[str | None, Projection | None]:
    """Return the view position and the projection of a film.

    Args:
        view_position: ViewPosition (0018,5101) of the DICOM header as written; None or blank: missing.
        projection: what the whole header states; None: the file has none, as an image.
        manifest: the manifest's cell, a defined term of ViewPosition; None: it states nothing.
        code_beam: AP or PA by the header's ViewCodeSequence, which has priority over the manifest; None: not stated.

    Returns:
        Both; None where neither the header nor the manifest states it.

    Example:
        >>> stated_view(view_position=None, projection=None, manifest="AP")
        ('AP', 'frontal')
        >>> stated_view(view_position="PA", projection="frontal", manifest="AP")
        ('PA', 'frontal')
        >>> stated_view(view_position=None, projection="uncertain", manifest="PA")
        ('PA', 'uncertain')
        >>> stated_view(view_position=None, projection="lateral", manifest="PA")
        (None, 'lateral')
        >>> stated_view(view_position="FRONTAL", projection="frontal", manifest="AP")
        ('AP', 'frontal')
        >>> stated_view(view_position=None, projection="frontal", manifest="PA", code_beam="AP")
        ('AP', 'frontal')
    """
    if manifest is None:
        return view_position, projection
    called, beam = _meaning(manifest)
    if code_beam is not None and beam is not None:
        manifest = code_beam
    if view_position is not None and view_position.strip():
        frontal_alone = _meaning(view_position) == ("frontal", None) and projection == "frontal"
        return (manifest if frontal_alone and beam is not None else view_position), projection
    if projection is None:
        return manifest, called
    if projection == "uncertain":
        return manifest, "lateral" if called == "lateral" else projection
    return (manifest if called in (projection, "uncertain") else view_position), projection


def is_contradicted(manifest: str, view_position: str | None) -> bool:
    """Return whether the DICOM header of a film states another view than the manifest.

    Args:
        manifest: the manifest's cell, a defined term of ViewPosition.
        view_position: of the film, as it was read with this cell.

    Returns:
        True where both state a projection for certain, or AP or PA, and differ in it. "AP_SUPINE" does not contradict
        "AP"; "CHEST" contradicts nothing.

    Example:
        >>> is_contradicted("AP", "AP_SUPINE"), is_contradicted("PA", "AP_SUPINE")
        (False, True)
    """
    if view_position is None or not view_position.strip():
        return True  # the manifest's cell was not taken
    (projection, beam), (called, called_beam) = _meaning(view_position), _meaning(manifest)
    other_projection = "uncertain" not in (projection, called) and projection != called
    return other_projection or (None not in (beam, called_beam) and beam != called_beam)


@dataclass
class ViewContradictions:
    """Films whose DICOM header states another view than the manifest: their number, and the first three.

    Attributes:
        films: number of films.
        named: the first of them, with both views.

    Example:
        >>> from unseen.data import ViewContradictions
        >>> found = ViewContradictions()
        >>> found.add("a.dcm", manifest="AP", view_position="PA", projection="frontal")
        >>> found.add("b.dcm", manifest="AP", view_position="AP", projection="frontal")
        >>> found.sentence.partition(":")[0]
        "the manifest's view_position contradicts the DICOM header of 1 film"
    """

    films: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, name: str, *, manifest: str | None, view_position: str | None, projection: Projection | None) -> None:
        """Count a film if its header contradicts the manifest.

        Args:
            name: of the film.
            manifest: the manifest's cell, a defined term of ViewPosition; None: it states nothing.
            view_position: of the film, as it was read with this cell.
            projection: likewise.
        """
        if manifest is None or not is_contradicted(manifest, view_position):
            return
        self.films += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append(f"{one_line(name)} (manifest {manifest}, header {(view_position or projection)!r})")

    @property
    def sentence(self) -> str:
        """The sentence for a log or a person; "" without a contradiction."""
        if not self.films:
            return ""
        of = "1 film" if self.films == 1 else f"{self.films:,} films"
        more = ", …" if self.films > len(self.named) else ""
        return (
            f"the manifest's view_position contradicts the DICOM header of {of}: {', '.join(self.named)}{more}. The "
            "header is used. Correct the manifest"
        )


@lru_cache(maxsize=256)  # films of a site have few
def _meaning(view_position: str) -> tuple[Projection, Beam | None]:
    return stated_projection(view_position=view_position), stated_beam(view_position)
