"""Learnability: can images be learnt from such measurements alone, if a group may move them?"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unseen.physics.group import Group
    from unseen.physics.identifiability.report import Identifiability
    from unseen.physics.operator import Operator

GROUPS: dict[str, str] = {
    "shifts": "shifts",
    "rotations": "rotations",
    "quarter-turns": "quarter turns",
    "flips": "flips",
    "scalings": "scalings",
    "permutations": "permutations of pixels",
    "none": "nothing",
}
"""Name → words for people: "images may undergo …"."""


def verdict_of(A: Operator, group: str) -> Identifiability:
    """Determine whether images can be learnt from the measurements of A alone, if a group acts on them.

    Args:
        A: the measurement operator.
        group: a key of `GROUPS`, such as "shifts": the transformations that images may undergo.

    Returns:
        The verdict with its figures, see `physics.identify`.

    Raises:
        LookupError: the group is not in `GROUPS`.
        ValueError: the group does not act on such images.

    Example:
        >>> from unseen.physics import Identity
        >>> verdict_of(Identity((1, 4, 4)), "none").verdict
        'can'
    """
    if group not in GROUPS:
        raise LookupError(f"{group!r} is no group; there are {', '.join(GROUPS)}.")
    from unseen.physics.identifiability.verdict import identify

    return identify(A, _group(group))


def _group(name: str) -> Group | None:
    from unseen import physics

    if name == "quarter-turns":
        return physics.Rotations(multiples_of=90)
    makers: dict[str, type[Group]] = {
        "shifts": physics.Shifts,
        "rotations": physics.Rotations,
        "flips": physics.Flips,
        "scalings": physics.Scalings,
        "permutations": physics.Permutations,
    }
    return makers[name]() if name in makers else None
