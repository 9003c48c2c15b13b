"""View position and projection of a film by its DICOM header, and where that has none by the manifest.

A manifest states a view position in its column `view_position`, for images that have no header as well. The header has
priority: the manifest's cell is used where the header has no ViewPosition and states no other projection, and for AP or
PA where ViewPosition states only that the film is frontal. A film of uncertain projection, which is never cleared,
stays uncertain if the manifest calls it frontal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from unseen.data.decoder_protocol import Projection
from unseen.data.film_projection import Beam, stated_beam, stated_projection

if TYPE_CHECKING:
    from unseen.data.film import Film


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


def is_contradicted(manifest: str, film: Film) -> bool:
    """Return whether the DICOM header of a film states another view than the manifest.

    Args:
        manifest: the manifest's cell, a defined term of ViewPosition.
        film: the film, as it was read with this cell.

    Returns:
        True where both state a projection for certain, or AP or PA, and differ in it. "AP_SUPINE" does not contradict
        "AP"; "CHEST" contradicts nothing.

    Example:
        >>> from dataclasses import replace
        >>> from unseen.data import phantoms
        >>> film = replace(phantoms.normals(1, size=64)[0], view_position="AP_SUPINE")
        >>> is_contradicted("AP", film), is_contradicted("PA", film)
        (False, True)
    """
    written = film.view_position
    if written is None or not written.strip():
        return True  # the manifest's cell was not taken
    (projection, beam), (called, called_beam) = _meaning(written), _meaning(manifest)
    other_projection = "uncertain" not in (projection, called) and projection != called
    return other_projection or (None not in (beam, called_beam) and beam != called_beam)


@lru_cache(maxsize=256)  # films of a site have few
def _meaning(view_position: str) -> tuple[Projection, Beam | None]:
    return stated_projection(view_position=view_position), stated_beam(view_position)
