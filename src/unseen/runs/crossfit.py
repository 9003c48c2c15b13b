"""`crossfit`: a recipe's AUROC on a user's own films, each scored by a detector that did not learn from its patient.

The patients are dealt into parts, those with an abnormal film and the others apart, in the order of their films'
digests: no file's or folder's name decides. A part is scored by a detector that learns from the normal films of the
others. Scores of two detectors are not compared: the figures are of pairs within a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.data.film import Film
from unseen.data.reading import Films
from unseen.evaluation.assessment import Evaluation, write_evaluation
from unseen.evaluation.metrics import metrics_from_table
from unseen.evaluation.table import Scored, score_table
from unseen.runs.patient_folds import dealt
from unseen.runs.training import check_normals_alone, train_recipe
from unseen.training.tensorboard_log import Report

if TYPE_CHECKING:
    from unseen.data.manifest import Entry

_EXAMPLES = 24
"""Films of each kind that the report may show, over all parts."""


@dataclass(frozen=True)
class _Known:
    """Attributes that decide a film's fold; `digest` is None where it could not be read."""

    entry: Entry
    patient: str
    digest: str | None


def crossfit(
    recipe: Recipe,
    films: Films,
    *,
    folds: int = 5,
    finder: Path | None = None,
    backbone: Path | None = None,
    seed: int = 0,
    out: Path | None = None,
    root: Path | None = None,
    progress: Report | None = None,
    say: Callable[[str], None] = lambda said: None,
) -> Evaluation:
    """Train `recipe` without each part's patients in turn, and judge its scores of that part.

    Args:
        films: labelled films; those without a label are left out.
        folds: the number of parts, at least 2.
        finder, backbone: as for `train_recipe`.
        seed: of the bootstrap.
        out: a folder for the report, as for `evaluation.evaluate`.

    Raises RecipeError for too few patients, for one film under two patients, and for a method that learns from
    unlabelled films.
    """
    check_normals_alone(recipe, "crossfit")
    listed = films.select(lambda entry: entry.label is not None)
    say(f"reading {len(listed)} labelled films")
    known = _read(listed)
    part = _parts_of(known, folds)
    parts: list[tuple[list[int], Scored]] = []
    for number in range(folds):
        rest = [one.entry for one in known if part[one.patient] != number and one.entry.label == "normal"]
        held = [index for index, one in enumerate(known) if part[one.patient] == number]
        say(f"part {number + 1} of {folds}: {len(held)} films, by a detector that learns from {len(rest)} normal films")
        trained = train_recipe(
            recipe,
            data=replace(listed, entries=tuple(rest)),
            finder=finder,
            backbone=backbone,
            root=root,
            progress=progress,
        )
        tested = replace(listed, entries=tuple(known[index].entry for index in held), masks=False, lesions=True)
        parts.append((held, score_table(trained.detector, tested, keep=-(-_EXAMPLES // folds))))
    return _judged(recipe, parts, seed=seed, out=out)


def _read(films: Films) -> list[_Known]:
    known = []
    for entry, film in zip(films.entries, films, strict=True):
        known.append(_Known(entry, film.patient, film.pixel_sha256 if isinstance(film, Film) else None))
    return known


def _parts_of(known: Sequence[_Known], folds: int) -> dict[str, int]:
    """Return each patient's part, from 0.

    Raises RecipeError where there are fewer patients than parts, or one film is under two patients.
    """
    owner: dict[str, str] = {}
    for one in known:
        if one.digest is not None and owner.setdefault(one.digest, one.patient) != one.patient:
            raise RecipeError(
                f"crossfit: {one.entry.name} is a film of {one.patient} and of {owner[one.digest]}, pixel by pixel. "
                "Give it one patient in the manifest"
            )
    abnormal = {one.patient for one in known if one.entry.label == "abnormal"}
    normal = {one.patient for one in known if one.entry.label == "normal"}
    if folds < 2 or min(len(normal), len(abnormal)) < folds:
        raise RecipeError(
            f"crossfit: {len(normal)} patients with normal films and {len(abnormal)} with abnormal ones, for {folds} "
            "parts. Each part needs a patient of both: give more films, or fewer parts (2 at least)"
        )
    part: dict[str, int] = {}
    for ill in (False, True):
        group = [one for one in known if (one.patient in abnormal) is ill]
        patients = [one.patient for one in group]
        part |= zip(patients, dealt([one.digest or "" for one in group], patients, folds).tolist(), strict=True)
    return part


def _judged(recipe: Recipe, parts: Sequence[tuple[list[int], Scored]], *, seed: int, out: Path | None) -> Evaluation:
    """Return the parts' scores in the films' order, and their figures."""
    import polars as pl

    tables = [
        scored.table.with_columns(fold=pl.lit(number, pl.Int64), place=pl.Series(places, dtype=pl.Int64))
        for number, (places, scored) in enumerate(parts)
    ]
    scored = Scored(
        pl.concat(tables).sort("place").drop("place"),
        tuple(example for _, part in parts for example in part.misses),
        tuple(example for _, part in parts for example in part.false_alarms),
    )
    protocol = f"cross-fitted: each film is scored by one of {len(parts)} detectors that did not learn from its patient"
    metrics = metrics_from_table(scored.table, seed=seed, protocol=protocol)
    if out is not None:
        facts = {
            "detector": f"{recipe.name}, trained {len(parts)} times",
            "version": __version__,
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        }
        write_evaluation(out, metrics, scored, facts=facts)
    return Evaluation(metrics, scored, out)
