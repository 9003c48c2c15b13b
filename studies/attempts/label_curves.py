"""Heads of `unseen adapt` with 5 to 100 abnormal films, on three sets, by its own code.

The films, features, lungs and scores from normal films alone are made for each set as for Montgomery and Shenzhen in
`studies.attempts.heads`; the other sets' lungs are found by the finder of Montgomery and Shenzhen. Folds 1 to
4 are tested; nothing is chosen by these rows. The check that knows the projection was chosen before, by draws in which
films of these folds taught (`studies.attempts.label_covariates`).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import process_time

import numpy as np

from studies import recipe_files as recipes
from studies.attempts.adapt_heads import RULES, adapt_figures
from studies.attempts.heads import DRAWS, FINDER, conditions_of
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import frozen_cells
from studies.detectors.preparations.comparing import moved
from studies.pages.cells import Entry, table, three_digits
from studies.pages.repeated_patients import too_narrow
from studies.rows import Row
from studies.ten_labels import COUNTS, Half, Labels
from unseen.data.film import Film
from unseen.detectors.head_name import HeadName
from unseen.runs.cohort import cohort_of, data_root
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import resolve

ROWS = "attempts/curve/"
SETS = ("ms_cxr", "kermany", "nih_cxr8")
STATED = "nih_cxr8"
"""Set whose manifest states each film's projection."""
KNOWN = f"{STATED}-projection"
"""Curve of this set where the check takes the projection into account."""
CURVES = (*SETS, KNOWN)
TESTED: HeadName = "normals-covariance"


def labels_of(name: str, root: Path) -> Labels:
    """Return the labelled films of a set, computed or found again below `root`."""
    recipe = resolve(recipes.load(FINDER))
    home = cohort_of(recipe)
    lungs = shared_lungs(home.training(4), recipe, fold=4, data_digest=home.digest, root=root)
    cohort = home if name == "ms_cxr" else cohort_of(moved(recipe, name))
    films = [film for film in cohort.films.select(lambda entry: entry.label is not None) if isinstance(film, Film)]
    cells = frozen_cells(films, Half(lungs), root, name)
    fold = np.array([cohort.fold_of[film.name] for film in films])
    return Labels.of(cells, fold, np.array([film.label == "abnormal" for film in films]))


def projections(names: Sequence[str]) -> list[str]:
    """Return the projection of films, AP or PA, from the manifest of `STATED`."""
    with (data_root() / STATED / "manifest.csv").open(encoding="utf-8", newline="") as file:
        view = {row["file"]: row["view"] for row in csv.DictReader(file)}
    return [view[name] for name in names]


def with_projections(labels: Labels) -> Labels:
    """Return the films of `STATED` with their projections among their facts."""
    facts = labels.cells.facts
    stated = projections([str(fact["name"]) for fact in facts])
    known = [fact | {"projection": view} for fact, view in zip(facts, stated, strict=True)]
    return replace(labels, cells=replace(labels.cells, facts=known))


def counts_of(labels: Labels) -> tuple[int, ...]:
    """Return the numbers of abnormal films that each tested fold leaves for teaching."""
    least = min(int((labels.abnormal & (labels.fold != fold)).sum()) for fold in TEST_FOLDS)
    return tuple(count for count in COUNTS if count < least)


def curve_row(name: str, labels: Labels, draws: int = DRAWS) -> Row:
    """Return the row of a set."""
    began = process_time()
    counts = counts_of(labels)
    tested = adapt_figures(labels, TEST_FOLDS, counts, draws, heads=(TESTED,))
    return {
        "recipe": ROWS + name,
        "seed": 0,
        "set": name,
        "head": TESTED,
        "rule": RULES[TESTED],
        **conditions_of(labels, began),
        "draws": draws,
        "test": tested[TESTED],
    }


def curve_rows(root: Path, *, known: Mapping[str, Entry]) -> Iterator[Row]:
    """Yield the row of each set that has none yet."""
    for name in CURVES:
        if f"{ROWS}{name}-0" not in known:
            labels = labels_of(STATED if name == KNOWN else name, root)
            yield curve_row(name, with_projections(labels) if name == KNOWN else labels)


COUNTS_PATIENTS = "2026-11-30"
"""First day on which the check's standard error counted patients, and not their films."""


def curve_section(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = [
        "## From 5 to 100 labelled abnormal films, on three sets",
        f"`unseen adapt --head {TESTED}` by its own code (`choose`, `predicted`), with all normal films of the other "
        "folds. *Combined*: head and score from normal films with the fixed share ω = 2; *adapted*: with the share "
        "that the check leaves it.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts curves` makes them.*"]
    rows = sorted(rows, key=lambda row: CURVES.index(row["set"]))
    first = rows[0]
    sizes = "; ".join(
        f"`{row['set']}` {row['n']['normal']} normal, {row['n']['abnormal']} abnormal"
        for row in rows
        if row["set"] in SETS
    )
    lines = [
        [
            f"`{row['set']}`",
            count,
            f"{one['normals only']['value']:.3f}",
            three_digits(one["head alone"]),
            three_digits(one["combined"]),
            three_digits(one["adapted"]),
            f"{one['adapted']['least']:.2f} to {one['adapted']['most']:.2f}",
            f"{one['like_pairs_combined']:.2f}",
            f"{one['like_pairs']:.2f}",
            f"{100 * one['kept']:.0f} %",
        ]
        for row in rows
        for count, one in row["test"].items()
    ]
    return [
        *title,
        f"{first['features']}, {first['px']} px; films of folds {first['folds'][0]} to {first['folds'][-1]}: {sizes}. "
        f"Mean AUROC over {first['draws']} draws of the abnormal films, with its interval over films "
        f"({first['bootstrap_draws']} bootstrap draws), and the range of the draws. *Similar films*: pairs of like "
        "sharpness, by the combined and by the adapted score. *Kept*: how often the score from normal films alone was "
        "kept. With 10 and 25 films of `ms_cxr`, films and draws are those of [the two heads]"
        f"(#the-two-heads-of-unseen-adapt). *`{KNOWN}`*: the check knows the projection of the set's manifest; it was "
        "fixed before this row, by draws in which films of folds 1 to 4 taught ([next section]"
        f"(#are-the-refusals-on-{STATED}-right)). `{STATED}`: {too_narrow(STATED, *rows)} {first['device']}, "
        f"{max(str(row['date']) for row in rows)}.",
        table(
            [
                "set", "abnormal films", "normal films alone", "head alone", "combined", "adapted", "adapted: draws",
                "combined, similar films", "adapted, similar films", "kept",
            ],
            lines,
        ),
        *_earlier_check(rows),
    ]  # fmt: skip


def _earlier_check(rows: Sequence[Entry]) -> list[str]:
    """Return the note on rows of before the check counted patients, of a set with several films a patient."""
    if not any(str(row["date"]) < COUNTS_PATIENTS for row in rows if row["set"] in (STATED, KNOWN)):
        return []
    return [
        f"The rows of `{STATED}`, in this section and the others of this page, are from before {COUNTS_PATIENTS}: the "
        "standard error of their check counts films. Since then it counts patients, of whom some have several abnormal "
        "films in this set. In the other sets each has one, so nothing changes there."
    ]
