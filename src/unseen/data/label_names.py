"""`LabelNames`: names of normal and abnormal films in a data set, as values of a column or as folders; the caller gives
them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from unseen.data.film import Label
from unseen.data.missing_cells import is_missing


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelNames:
    """The names that mean normal, those that mean abnormal, and the manifest's column that holds them.

    Upper and lower case count alike; `*` stands for any text, `?` for any character. A name that means both is normal,
    so that `abnormal=("*",)` means every other name. A film with another name has no label. Words for a missing value,
    such as NaN, mean what they state only where they are given as they are: `*` does not stand for them.

    Args:
        normal: names that mean normal.
        abnormal: names that mean abnormal.
        column: of the manifest, where the names stand.

    >>> names = LabelNames(normal=("No Finding",), abnormal=("*",), column="finding")
    >>> names.label_of(["no finding"]), names.label_of(["Effusion"]), names.label_of([""])
    ('normal', 'abnormal', None)
    >>> names.label_of(["NaN"]), LabelNames(normal=("None",), abnormal=("*",)).label_of(["None"])
    (None, 'normal')
    """

    normal: Sequence[str] = ()
    abnormal: Sequence[str] = ()
    column: str = "label"

    def label_of(self, called: Sequence[str]) -> Label | None:
        """Return the label of a film that is `called` so, by a cell or by each of its folders.

        Returns None where no name matches.
        """
        if any(self._matches(name, self.normal) for name in called):
            return "normal"
        return "abnormal" if any(self._matches(name, self.abnormal) for name in called) else None

    def missing(self, seen: Iterable[str]) -> list[str]:
        """Return the given names that none of the `seen` ones matches."""
        names = list(seen)
        return [
            given for given in (*self.normal, *self.abnormal) if not any(self._matches(one, [given]) for one in names)
        ]

    @staticmethod
    def _matches(name: str, patterns: Iterable[str]) -> bool:
        stated = name.strip().casefold()
        given = [pattern.strip().casefold() for pattern in patterns]
        if is_missing(name):
            return bool(stated) and stated in given
        return any(fnmatchcase(stated, pattern) for pattern in given)
