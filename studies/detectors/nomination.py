"""Choice of a detector for the test folds: the rule, written down before any of them was opened for these recipes.

    index = ½ (pooled AUROC + adjusted AUROC), on fold 0

Nominated is the recipe of the highest index, of those that are on fold 0

- at no source below `pca`,
- and, adjusted, not below `pca`,

and that tell phantom twins, of which nothing but the lesion differs, better than chance (the lower bound of their AUROC
above ½). Adjusted counts as much as pooled because sharpness alone reaches 0.79 pooled; a score that lives on it is not
nominated. Folds 1 to 4 are opened for the nominated recipe and, by the same rule, for the best single method; how often
is counted by the rows that are there.

The adjusted AUROC is withdrawn since: it does not take sharpness out of a score (decision 35). The rule and its outcome
stay as they were. A row without the withdrawn figure is no candidate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studies.detectors.development import ROWS as FOLD_0
from studies.detectors.development import TWINS
from studies.detectors.generalisation import ROWS as MATRICES
from studies.pages.cells import Entry

TESTED = "detectors/folds-1-4/"
"""Prefix of the names of the test folds' rows."""
FLOOR, ENSEMBLE = "pca", "ensemble"
_WITHDRAWN = "adjusted"
_NO_TWINS = "no row of matched pairs yet"


@dataclass(frozen=True)
class Candidate:
    """A recipe, its index, and what speaks against it: nothing, for one that can be nominated."""

    name: str
    method: str
    index: float
    against: tuple[str, ...]


def candidates(rows: Mapping[str, Entry]) -> list[Candidate]:
    """Return every recipe with a row of fold 0 that learnt from normals alone, the highest index first."""
    found = {
        _short(name, FOLD_0): row
        for name, row in rows.items()
        if name.startswith(FOLD_0) and not row["unlabelled"] and _WITHDRAWN in row["metrics"]
    }
    twins = {_short(name, TWINS): row for name, row in rows.items() if name.startswith(TWINS)}
    floor = found.get(FLOOR)
    if floor is None:
        return []
    said = [
        Candidate(name, str(row["method"]), _index(row), _against(row, floor, twins.get(name)))
        for name, row in found.items()
    ]
    return sorted(said, key=lambda one: -one.index)


def nominated(rows: Mapping[str, Entry], *, single: bool = False) -> Candidate | None:
    """Return the recipe that the rule picks, if any; none while one before it only lacks its row of phantom twins.

    Args:
        single: of those that are one method alone: what ships beside the nominated, as the quick one.
    """
    among = (one for one in candidates(rows) if not (single and one.method == ENSEMBLE))
    first = next((one for one in among if set(one.against) <= {_NO_TWINS}), None)
    return None if first is None or first.against else first


def openings(rows: Mapping[str, Entry]) -> list[str]:
    """Return the recipes for which folds 1 to 4 have been opened: in a row of their own, in a matrix of sources, or
    under another name with the same settings, as a model that ships."""
    opened = {_short(name, TESTED) for name in rows if name.startswith(TESTED)}
    opened |= {_short(name, MATRICES) for name in rows if name.startswith(MATRICES)}
    elsewhere = [row for name, row in rows.items() if name.startswith(("shipped/", "ms_cxr/")) and "metrics" in row]
    for name, row in rows.items():
        if name.startswith(FOLD_0) and any(_alike(row, other) for other in elsewhere):
            opened.add(_short(name, FOLD_0))
    return sorted(opened)


def _alike(one: Entry, other: Entry) -> bool:
    return all(one[part] == other[part] for part in ("method", "settings", "view"))


def _index(row: Entry) -> float:
    metrics = row["metrics"]
    return (float(metrics["auroc"]["pooled"]["value"]) + float(metrics["adjusted"]["pooled"]["value"])) / 2


def _against(row: Entry, floor: Entry, twins: Entry | None) -> tuple[str, ...]:
    mine, its = row["metrics"], floor["metrics"]
    said = [
        f"below `{FLOOR}` at {source}"
        for source, figure in its["auroc"].items()
        if source != "pooled" and mine["auroc"][source]["value"] < figure["value"]
    ]
    if mine["adjusted"]["pooled"]["value"] < its["adjusted"]["pooled"]["value"]:
        said.append(f"below `{FLOOR}` by the withdrawn figure")
    if twins is None:
        said.append(_NO_TWINS)
    elif twins["metrics"]["auroc"]["pooled"]["low"] <= 0.5:
        said.append("does not separate matched pairs")
    return tuple(said)


def _short(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).rpartition("-")[0]
