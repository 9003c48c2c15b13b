"""One-sided films: the side that a reading names, and what a shipped model finds in each lung.

Each film is scored once per model. The results are kept as lines of JSON in the folder of runs, under the model's
digest, so that a study that is stopped continues. No file here is committed: rows hold figures alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from studies import recipe_files as recipes
from studies.shipping import FOLD
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film, NotRead
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load
from unseen.evaluation.lung_mask_halves import split_lungs
from unseen.evaluation.lung_sides import lung_shortcuts, side_ratio
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.runs.cohort import Cohort, cohort_of
from unseen.runs.training import resolve

RECIPE = "shipped/pca"  # its films and folds are those of all shipped models


@dataclass(frozen=True)
class ScoredFilm:
    """Scored film of the set.

    Args:
        file: name in the manifest.
        fold: fold of the split, 0 to 4.
        label: normal or abnormal.
        source: hospital.
        side: right or left where the reading names one side; else "".
        score: the model's score.
        ratio: `side_ratio` of the model's map on the drawn lungs; None where they cannot be split.
        lungs: `lung_shortcuts` by name; None likewise.
        statistics: trivial statistics of the whole film, by name.
    """

    file: str
    fold: int
    label: str
    source: str
    side: str
    score: float
    ratio: float | None
    lungs: dict[str, float] | None
    statistics: dict[str, float | None]


def side_of(findings: str) -> str:
    """Return the side that a reading names, right or left; "" where it names both, none, or "bilateral".

    >>> side_of("right upper PTB"), side_of("bilateral PTB, right pleurisy"), side_of("normal")
    ('right', '', '')
    """
    words = findings.lower()
    right, left = "right" in words, "left" in words
    if right == left or re.search(r"bilateral|\bboth\b", words):
        return ""
    return "right" if right else "left"


def held_out(cohort: Cohort) -> list[str]:
    """Return the films that no shipped model was trained on: all abnormal films, and the normal films of fold 4."""
    return [e.name for e in cohort.films.entries if e.label == "abnormal" or cohort.fold_of[e.name] == FOLD]


def scored_films(model: str) -> list[ScoredFilm]:
    """Score the held-out films with a model, or read the scores that are kept.

    Args:
        model: name or folder of a model, such as models/pca.

    Returns:
        The scored films in the order of the manifest.

    Raises:
        RuntimeError: a film of the set cannot be read.
    """
    detector = load(model)
    assert detector.card is not None
    kept = runs_root() / "one-sided" / f"{Path(model).name}-{detector.card.digest[:16]}.jsonl"
    kept.parent.mkdir(parents=True, exist_ok=True)
    known = {one.file: one for one in kept_films(kept)}
    cohort = cohort_of(resolve(recipes.load(RECIPE)))
    names = held_out(cohort)
    missing = set(names) - set(known)
    outlined = replace(cohort.films.select(lambda entry: entry.name in missing), masks=True)
    with kept.open("a", encoding="utf-8") as file:
        for film in outlined:
            one = scored_film(detector, film, fold=cohort.fold_of[film.name])
            file.write(json.dumps(one.__dict__) + "\n")
            file.flush()
            known[one.file] = one
            if len(known) % 50 == 0:
                print(f"{model}: {len(known)} of {len(names)} films", flush=True)
    return [known[name] for name in names]


def kept_films(path: Path) -> Iterator[ScoredFilm]:
    """Yield the films of a file of kept scores; a last line that was cut off by a stop is deleted."""
    if path.is_file():
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            path.write_text(whole, encoding="utf-8")
        for line in whole.splitlines():
            yield ScoredFilm(**json.loads(line))


def table_of(films: Sequence[ScoredFilm]) -> pl.DataFrame:
    """Return the score table of some films, with their statistics as columns."""
    return pl.DataFrame(
        [
            {"file": film.file, "label": film.label, "source": film.source, "score": film.score, **film.statistics}
            for film in films
        ]
    ).with_columns(status=pl.lit("scored"))


def scored_film(detector: Detector, film: Film | NotRead, *, fold: int) -> ScoredFilm:
    """Score a film, which has its drawn lungs; the detector uses those that it finds."""
    if isinstance(film, NotRead):
        raise RuntimeError(f"{film.name}: cannot be read; check UNSEEN_DATA")
    finding = detector.score_film(film)
    assert isinstance(finding, Finding), film.name
    return compared(finding, file=film.name, fold=fold, side=named_side(film))


def named_side(film: Film) -> str:
    """Return the side that the reading of an abnormal Shenzhen film names; "" for all other films."""
    ill = film.source == "shenzhen" and film.label == "abnormal"
    return side_of(film.columns.get("findings", "")) if ill else ""


def compared(finding: Finding, *, file: str, fold: int, side: str) -> ScoredFilm:
    """Return the scored film of a finding: its score, and the comparison of the map in both drawn lungs.

    Args:
        finding: finding of a film that has its drawn lungs.
        file: name under which it is kept.
        fold: fold of the film.
        side: right or left; "" where the film has no known side.
    """
    film, ratio, shortcuts = finding.film, None, None
    sides = None if film.lungs is None else halves(film.lungs)
    if sides is not None:
        right, left = (finding.viewed.on_grid(lung.astype(np.float32)) >= 0.5 for lung in sides)
        ratio, shortcuts = side_ratio(finding.anomaly_map, right, left), lung_shortcuts(film.pixels, *sides)
    return ScoredFilm(
        file,
        fold,
        str(film.label),
        film.source,
        side,
        float(finding.score),
        ratio,
        shortcuts,
        trivial_statistics(film, lung_area=finding.viewed.lung_area),
    )


def halves(lungs: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]] | None:
    """Return the right and the left lung of a drawn mask; None where it has lung on one side only."""
    try:
        return split_lungs(lungs)
    except ValueError:  # lung on one side only
        return None
