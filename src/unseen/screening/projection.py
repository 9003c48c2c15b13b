"""Which views decide about a study: a frontal film does, a lateral is carried along."""

LATERAL = frozenset({"LATERAL", "LAT", "LL", "RL", "LLO", "RLO"})
"""ViewPosition (0018,5101) of a lateral film, as modalities write it; detectors here learn from frontal films alone."""


def is_lateral(view_position: str | None) -> bool:
    """Return whether a film is lateral. A film without a view counts as frontal, so its score is used.

    Args:
        view_position: the DICOM attribute ViewPosition (0018,5101), in any case; None: missing.

    Example:
        >>> is_lateral("LL"), is_lateral("PA"), is_lateral(None)
        (True, False, False)
    """
    return view_position is not None and view_position.strip().upper() in LATERAL
