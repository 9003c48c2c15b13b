"""Experiment on the lung finder that keeps lesions: the shipped models with the finder of `models/ensemble-five`.

The other shipped models have a finder that cuts most effusions and a quarter of the consolidations out of the lungs
(`docs/results-lungs.md`). Here each of them scores the same films with its own finder and with the one that keeps
lesions; nothing is trained again, so what a model knows of normal lungs comes from its own finder's outlines. Films:
the abnormal films of folds 1 to 4, and the normal films of fold 4, on which no shipped model was trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.laterality import pairs, sides
from studies.one_sided import RECIPE, ScoredFilm, held_out, kept_films, scored_film
from studies.rows import Row
from unseen import __version__
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.detectors.saved import load
from unseen.evaluation.laterality_auroc import laterality
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve

ROWS = "attempts/kept-lesions/"
MODELS = ("ensemble-aligned", "anatpaste-all-aligned", "pca", "roi-sure")
FINDER = "models/ensemble-five"
OWN, KEEPING = "own", "keeping"


def scored_twice(root: Path) -> dict[tuple[str, str], list[ScoredFilm]]:
    """Score the films with each model and each of its two finders, or read the scores that are kept.

    Args:
        root: folder of runs.

    Returns:
        The scored films by the model's name and the finder (`OWN` or `KEEPING`), in the order of the manifest.
    """
    cohort = cohort_of(resolve(recipes.load(RECIPE)))
    names = [name for name in held_out(cohort) if cohort.fold_of[name] in TEST_FOLDS]
    keeping = finder_of(FINDER)
    assert keeping is not None
    detectors = {}
    for model in MODELS:
        for finder in (OWN, KEEPING):
            detector = load(f"models/{model}")
            assert detector.card is not None
            path = root / "kept-lesions" / f"{model}-{finder}-{detector.card.digest[:12]}-{keeping.digest[:12]}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            if finder == KEEPING:
                detector.finder = keeping
            detectors[model, finder] = detector, path, {one.file: one for one in kept_films(path)}
    missing = {name for name in names if any(name not in known for _, _, known in detectors.values())}
    films = replace(cohort.films.select(lambda entry: entry.name in missing), masks=True)
    for number, film in enumerate(films):
        for detector, path, known in detectors.values():
            if film.name not in known:
                one = known[film.name] = scored_film(detector, film, fold=cohort.fold_of[film.name])
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(one)) + "\n")
        if number % 40 == 39:
            print(f"{number + 1} of {len(missing)} films")
    return {key: [known[name] for name in names] for key, (_, _, known) in detectors.items()}


def kept_row(model: str, own: Sequence[ScoredFilm], keeping: Sequence[ScoredFilm], seconds: float) -> Row:
    """Return the row of a model: both instruments with each finder, and the difference of laterality."""
    card = load(f"models/{model}").card
    assert card is not None
    both = [
        (one, other)
        for one, other in zip(own, keeping, strict=True)
        if one.side and one.ratio is not None and other.ratio is not None
    ]
    side = laterality(
        [other.ratio for _, other in both if other.ratio is not None],
        [one.side == "right" for one, _ in both],
        shortcuts={OWN: [one.ratio for one, _ in both if one.ratio is not None]},
    )
    return {
        "recipe": f"{ROWS}{model}",
        "seed": 0,
        "model_digest": card.digest,
        "finder": FINDER,
        "folds": list(TEST_FOLDS),
        "openings": 1,
        "device": "cpu, 1 thread",
        "seconds_all": seconds,
        "date": datetime.now(UTC).date().isoformat(),
        "version": __version__,
        **{name: {"laterality": sides(some), **pairs(some)} for name, some in ((OWN, own), (KEEPING, keeping))},
        "difference": side.differences[OWN].to_json(),
    }


def kept_rows(root: Path) -> list[Row]:
    """Return the rows of all models."""
    began = process_time()
    found: Mapping[tuple[str, str], list[ScoredFilm]] = scored_twice(root)
    spent = round(process_time() - began, 1)
    return [kept_row(model, found[model, OWN], found[model, KEEPING], spent) for model in MODELS]
