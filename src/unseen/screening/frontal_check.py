"""Influence of a film's projection on decisions: a lateral decides nothing, an uncertain one is never cleared.

`unseen.data.film_projection` reads the projection from a film's header.
"""

from unseen.data.film_projection import stated_projection

UNCERTAIN = (
    "its projection is uncertain: the header does not state for certain that it is a frontal film (PA or AP), so it is "
    "not cleared"
)
"""Reason why a film of uncertain projection is read."""


def is_lateral(view_position: str | None) -> bool:
    """Return whether a ViewPosition names a lateral view.

    A film's other attributes count, too: `unseen.data.projection_of` reads all of them.

    Args:
        view_position: the DICOM attribute ViewPosition (0018,5101), in any spelling; None: missing.

    Example:
        >>> is_lateral("LL"), is_lateral("LATERAL LEFT"), is_lateral("PA"), is_lateral(None)
        (True, True, False, False)
    """
    return view_position is not None and stated_projection(view_position=view_position) == "lateral"
