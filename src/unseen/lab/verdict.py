"""Whether pictures can be learnt from such measurements alone, if they may be moved by a group."""

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
"""Name → words for people: "pictures may undergo …"."""


def verdict_of(A: Operator, group: str) -> Identifiability:
    """Raises LookupError for a group that is not in `GROUPS`, ValueError where it does not act on such pictures."""
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
