"""Experiment on the films of Shenzhen: side scores that contain the lung area, with maps that have a sign.

Tuberculosis can make a lung smaller (volume loss), which radiologists use as a sign of the ill side. Members of a side
score, each higher where the right lung is more likely ill:

- `area`: log(left / right) of the areas of both found lungs.
- `paired-lda-both`, `difference-lda-both`, `side-distance`: `side_ratio` of the map of `studies.attempts.sides`,
  between both found lungs.

Each member is taken in deviations of the training normal films, z = (v − mean) / deviation, and a film's side score is
the sum of its members' z: equal weights, fixed beforehand. A film's score is the sum of the z of the maps' scores and
of |z| of `area`. The lungs are those of the finder; drawn lungs only decide which films have a side, and they are the
lungs whose own statistics the side scores are compared with.

Rule, fixed before any figure on folds 1 to 4 was computed: the candidate with the highest laterality on the real films
of fold 0 is nominated, the first of equal ones. Painted lesions make no lung smaller and take no part. Then all
candidates are tested once on folds 1 to 4. The candidates were designed after the figures of `studies.attempts.sides`
and of lung area on folds 1 to 4 were known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from time import process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.attempts.sided_cells import SidedCells
from studies.attempts.sides import (
    CHOOSING_FOLD,
    DRAWS,
    FEATURES,
    SIDE_CANDIDATES,
    Data,
    Normals,
    Scored,
    figures,
    of_films,
    scored,
)
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import precision_name
from studies.pages.cells import Entry, table
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.lung_mask_halves import split_lungs
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS

ROWS = "attempts/volume/"
AREA = "area"
MAPS = ("paired-lda-both", "difference-lda-both", "side-distance")
CANDIDATES: Mapping[str, tuple[str, ...]] = {
    "paired-lda-both-area": ("paired-lda-both", AREA),
    "difference-lda-both-area": ("difference-lda-both", AREA),
    "side-distance-area": ("side-distance", AREA),
    "both-lda-area": ("paired-lda-both", "difference-lda-both", AREA),
    "three-maps-area": (*MAPS, AREA),
}
"""Members of each candidate."""
FOUND_AREA = "found-area"
"""Row of the member `area` alone, for comparison; it is no candidate."""
_LEAST = 0.5  # cells: area of a side on which no lung was found

Floats = NDArray[np.float64]


def found_sides(inside: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.bool_], float]:
    """Return the cells of the found right and left lung of an aligned crop, and log(left / right) of their areas.

    Args:
        inside: share of found lung of each cell (rows, columns).

    Returns:
        The cells of each lung, divided as `split_lungs` does, or the crop's halves if it finds no two sides; and the
        logarithm, to which each cell contributes its share of lung. Of one found lung alone, which then fills the
        crop, it is near 0.
    """
    mask = inside > 0.5
    place = np.arange(inside.shape[1])
    try:
        right, left = split_lungs(mask)
        boundary = (np.flatnonzero(right.any(axis=0))[-1] + np.flatnonzero(left.any(axis=0))[0]) / 2
    except ValueError:
        boundary = (len(place) - 1) / 2
        right, left = np.broadcast_to(place < boundary, mask.shape), np.broadcast_to(place > boundary, mask.shape)
    weight = np.clip(boundary + 0.5 - place, 0, 1)  # share of a column that belongs to the right side
    areas = [max(_LEAST, float((inside * one).sum())) for one in (weight, 1 - weight)]
    return right, left, float(np.log(areas[1] / areas[0]))


def with_found_sides(cells: SidedCells) -> tuple[SidedCells, Floats]:
    """Return the films with the found lungs in the place of the drawn ones, and the member `area` of each (n,)."""
    right, left, areas = zip(*(found_sides(one) for one in cells.inside), strict=True)
    return replace(cells, right=np.stack(right), left=np.stack(left)), np.array(areas)


def members_of(normals: Normals, cells: SidedCells) -> dict[str, tuple[Floats, Floats]]:
    """Return side value and score of films by each member, not yet in deviations."""
    cells, areas = with_found_sides(cells)
    found = {AREA: (areas, areas)}
    for name in MAPS:
        score, ratio = scored(normals, SIDE_CANDIDATES[name], cells)
        found[name] = np.array(ratio, dtype=np.float64), score
    return found


def in_deviations(
    found: Mapping[str, tuple[Floats, Floats]], normal: Mapping[str, tuple[Floats, Floats]]
) -> dict[str, tuple[Floats, Floats]]:
    """Return the members' side values and scores in deviations of normal films; the score of `area` has no sign."""
    out = {}
    for name, values in found.items():
        side, score = (
            (value - own.mean()) / max(float(own.std()), 1e-9) for value, own in zip(values, normal[name], strict=True)
        )
        out[name] = side, np.abs(score) if name == AREA else score
    return out


def combined(found: Mapping[str, tuple[Floats, Floats]], members: Sequence[str]) -> Scored:
    """Return the scores and side scores of films by some members with equal weights."""
    score = np.sum([found[name][1] for name in members], axis=0)
    return score, np.sum([found[name][0] for name in members], axis=0).tolist()


def scored_fold(data: Data, fold: int, candidates: Mapping[str, Sequence[str]]) -> tuple[list[Any], dict[str, Scored]]:
    """Score the films of a fold by members that know the normal films of the other folds.

    Returns:
        The films' facts, and their scores by the candidate's name; by "<name>, maps" those without `area`, and by
        `FOUND_AREA` those of `area` alone.
    """
    training = data.training(fold)
    normals = Normals(data.variants, training)
    at = data.films(lambda fact: fact["fold"] == fold)
    some = of_films(data.plain, at)
    own = members_of(normals, of_films(data.variants["plain"], training))
    found = in_deviations(members_of(normals, some), own)
    scores = {FOUND_AREA: combined(found, (AREA,))}
    for name, members in candidates.items():
        scores[name] = combined(found, members)
        scores[f"{name}, maps"] = combined(found, [one for one in members if one != AREA])
    return some.facts, scores


def chosen_by(row: Mapping[str, Any]) -> float:
    """Return the figure that nominates: laterality on the real films of fold 0."""
    return float(row["fold_0"]["laterality"]["value"])


def fold_0_rows(data: Data) -> list[Row]:
    """Return a row for each candidate with its figures on fold 0 alone, and the nominee."""
    facts, scores = scored_fold(data, CHOOSING_FOLD, CANDIDATES)
    made: list[Row] = [
        {
            "recipe": f"{ROWS}{name}",
            "seed": 0,
            "members": list(CANDIDATES.get(name, (AREA,))),
            "features": f"{FEATURES}, {precision_name()}",
            "device": "cpu, 1 thread",
            "date": datetime.now(UTC).date().isoformat(),
            "version": __version__,
            "fold_0": figures(facts, scores[name], scores.get(f"{name}, maps"), draws=500),
        }
        for name in (*CANDIDATES, FOUND_AREA)
    ]
    best = max(made[:-1], key=chosen_by)
    return [row | {"nominated": row is best} for row in made]


def tested_rows(data: Data, rows: Sequence[Row]) -> list[Row]:
    """Return the rows with their figures on folds 1 to 4, which are opened once for all candidates together."""
    began = process_time()
    facts: list[Any] = []
    found: dict[str, list[Scored]] = {}
    for fold in TEST_FOLDS:
        some, scores = scored_fold(data, fold, CANDIDATES)
        facts += some
        for name, one in scores.items():
            found.setdefault(name, []).append(one)
    joined: dict[str, Scored] = {
        name: (np.concatenate([score for score, _ in parts]), [one for _, sides in parts for one in sides])
        for name, parts in found.items()
    }
    spent = round(process_time() - began, 1)
    opened = {"folds": list(TEST_FOLDS), "draws": DRAWS, "openings": 1, "seconds_all": spent}
    out = []
    for row in rows:
        name = str(row["recipe"]).removeprefix(ROWS)
        out.append(row | opened | {"test": figures(facts, joined[name], joined.get(f"{name}, maps"))})
    return out


def volume_section(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = [
        "## Which lung is smaller",
        "Tuberculosis can make a lung smaller (volume loss). Here the difference of both found lungs' areas is a part "
        "of the side score: **the statistic *lung area* is in the score**, and so the difference from lung area alone "
        "is what the image contents add. Members: the signed maps of the experiment above, and log(left / right) of "
        "the areas, each in deviations of normal films, summed with equal weights (`studies/attempts/volume.py`). A "
        "film's score is the sum of those of the maps and of the size of the difference of the areas. The finder found "
        "the lungs; the drawn ones are not used in the score.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts volume-choose volume-test` makes them.*"]
    ordered = sorted(rows, key=lambda row: -chosen_by(row))
    side = ordered[0]["fold_0"]["laterality"]
    blocks = [
        *title,
        "The candidates were designed after the figures of the experiment above and of lung area on folds 1 to 4 were "
        "known; candidates, weights and rule were fixed by a commit before any of their own figures was computed on "
        f"these folds. The rule: the highest laterality on the real films of fold {CHOOSING_FOLD} ({side['right']} ill "
        f"on the right, {side['left']} on the left) nominates (in bold). Films and finder as above; "
        f"{ordered[0]['features']}; {ordered[0]['device']}, {ordered[0]['date']}.",
    ]
    if any("test" not in row for row in rows):
        lines = [[_named(row), _members(row), figure(row["fold_0"]["laterality"])] for row in ordered]
        return [
            *blocks,
            table(["Recipe", "members", "fold 0: laterality"], lines),
            "*Folds 1 to 4 are not opened yet.*",
        ]
    test = ordered[0]["test"]
    lines = [
        [
            _named(row),
            _members(row),
            figure(row["fold_0"]["laterality"]),
            figure(row["test"]["laterality"]),
            *(figure(row["test"]["laterality"]["differences"][name], sign=True) for name in LUNG_SHORTCUTS),
            *_without_area(row["test"]["laterality"]),
            figure(row["test"]["like_pairs"]["all statistics"]),
            figure(row["test"]["auroc"]),
        ]
        for row in ordered
    ]
    return [
        *blocks,
        f"Folds 1 to 4: {test['n']['normal']} normal and {test['n']['abnormal']} abnormal films; laterality on the "
        f"{test['laterality']['right']} films ill on the right and {test['laterality']['left']} on the left. "
        f"{ordered[0]['draws']:,} bootstrap draws over films. Opened once, for all rows of the table together. The "
        "lung statistics are those of the drawn lungs; `found-area`, for comparison, is the area of the found ones.",
        table(
            [
                "Recipe", "members", "fold 0: laterality", "laterality (AUROC of the side)",
                *(f"minus {_in_header(words)}" for words in LUNG_SHORTCUTS.values()),
                "the maps without area", "minus these",
                "pairs alike in all statistics", "AUROC",
            ],
            lines,
        ),
    ]  # fmt: skip


def _without_area(side: Entry) -> tuple[str, str]:
    """Return the laterality of the same maps without `area`, and the difference; dashes for `area` alone."""
    if "baseline" not in side["shortcuts"]:
        return "–", "–"
    return figure(side["shortcuts"]["baseline"]), figure(side["differences"]["baseline"], sign=True)


def _in_header(words: str) -> str:
    """Return the name of a statistic without vertical bars, which would divide the table's cells."""
    return words.replace("|Laplacian|", "absolute Laplacian")


def _named(row: Entry) -> str:
    name = f"`{str(row['recipe']).removeprefix(ROWS)}`"
    return f"**{name}**" if row["nominated"] else name


def _members(row: Entry) -> str:
    return " + ".join(f"`{one}`" for one in row["members"])
