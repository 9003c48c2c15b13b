"""Calibration on real films, per source: one random half calibrates, the other one evaluates, repeatedly.

Halves are drawn by patient, within source and label; scores are those of `out_of_fold_scores`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studies import recipe_files as recipes
from studies.one_sided import RECIPE, scored_films
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.recipe import Recipe
from unseen.evaluation.bootstrap import BootstrapCohort
from unseen.evaluation.intervals import Interval, Json
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve
from unseen.screening.calibration import policy_of
from unseen.screening.guarantee import Guarantee
from unseen.screening.labelled_studies import Study
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.policy_summary import cleared_share
from unseen.screening.probability_check import reliability

RATES = (0.05, 0.10, 0.20)
CONFIDENCE = 0.95
SPLITS = 200


def halves_row(
    recipe: Recipe, studies: Sequence[Study], *, splits: int = SPLITS, seed: int = 0, rates: Sequence[float] = RATES
) -> Row:
    """Calibrate on one half of `studies` and evaluate on the other, `splits` times, at each rate; and once on all."""
    recipe = resolve(recipe)
    rng = np.random.default_rng(seed)
    drawn = [halves(studies, rng) for _ in range(splits)]
    names = sorted({study.source for study in studies})
    return {
        "recipe": f"screening/{recipe.name}",
        "seed": recipe.seed,
        "recipe_text": recipe.to_toml(),
        "splits": splits,
        "confidence": CONFIDENCE,
        "n": {
            name: {
                "normal": sum(s.source == name and not s.abnormal for s in studies),
                "abnormal": sum(s.source == name and s.abnormal for s in studies),
            }
            for name in names
        },
        "rates": [
            {
                "max_miss_rate": rate,
                "sources": {
                    name: {"halves": _over_halves(drawn, name, rate), "all": _all(_policy(studies, rate).sources[name])}
                    for name in names
                },
            }
            for rate in rates
        ],
        "reliability": _reliability(drawn[0], rng),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def weights_row(model: str) -> Row:
    """Return the row of a shipped model by its own weights, on the films that they did not learn from.

    These are the normal films of fold 4 and all abnormal films; training a recipe of hours again on each fold is not
    needed.

    Args:
        model: name of a model, such as models/ensemble-five.

    Returns:
        The row, as `halves_row` gives it, with `scored_by`: weights.
    """
    name = Path(model).name
    cohort = cohort_of(resolve(recipes.load(RECIPE)))
    patient_of = {entry.name: entry.patient for entry in cohort.films.entries}
    studies = [
        Study(
            name=film.file,
            patient=patient_of[film.file],
            source=film.source,
            abnormal=film.label == "abnormal",
            score=film.score,
        )
        for film in scored_films(model)
    ]
    row = halves_row(recipes.load(f"detectors/{name}"), studies)
    return {**row, "recipe": f"screening/shipped/{name}", "scored_by": "weights"}


def halves(studies: Sequence[Study], rng: np.random.Generator) -> tuple[list[Study], list[Study]]:
    """Return two halves without a common patient, drawn within source and label; the second has the odd patient."""
    patients = sorted({(s.source, s.abnormal, s.patient) for s in studies})
    strata = sorted({patient[:2] for patient in patients})
    first = drawn_patients([[one[2] for one in patients if one[:2] == stratum] for stratum in strata], 0.5, rng)
    return [s for s in studies if s.patient in first], [s for s in studies if s.patient not in first]


def drawn_patients(strata: Iterable[Sequence[str]], share: float, rng: np.random.Generator) -> set[str]:
    """Return a share of the patients of each stratum, rounded down."""
    return {
        members[i] for members in strata for i in rng.permutation(len(members))[: int(share * len(members))].tolist()
    }


def _policy(studies: Sequence[Study], rate: float, *, prevalence: float | None = None) -> Policy:
    named = hashlib.sha256(b"cross-fitted").hexdigest()
    promise = Guarantee(rate, CONFIDENCE)
    return policy_of(studies, promise, model="cross-fitted", weights_sha256=named, prevalence=prevalence)


def _over_halves(drawn: Sequence[tuple[list[Study], list[Study]]], name: str, rate: float) -> dict[str, Json]:
    """Mean, and 2.5th to 97.5th percentile over the splits, of what is cleared and missed in the second half."""
    cleared, missed, refused, reason = [], [], 0, ""
    for first, second in drawn:
        source = _policy(first, rate).sources[name]
        if source.threshold is None:
            refused, reason = refused + 1, source.refused
            continue
        scores = [(s.score, s.abnormal) for s in second if s.source == name and s.score is not None]
        cleared.append(float(np.mean([score < source.threshold for score, abnormal in scores if not abnormal])))
        missed.append(float(np.mean([score < source.threshold for score, abnormal in scores if abnormal])))
    if refused:
        return {"refused": refused, "of": len(drawn), "reason": f"refused: {reason.partition('. ')[0]}"}
    return {"normals_cleared": spread(cleared), "abnormals_missed": spread(missed)}


def spread(values: Sequence[float] | NDArray[np.float64]) -> dict[str, Json]:
    """Return the mean of values over draws, with their 2.5th and 97.5th percentile."""
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(float(np.mean(values)), float(low), float(high)).to_json()


def _all(source: SourcePolicy) -> dict[str, Json]:
    """One calibration on all labelled films: how many may be missed, and the normals cleared (Clopper–Pearson)."""
    if source.threshold is None:
        return {"abnormals": source.abnormals, "refused": f"refused: {source.refused.partition('. ')[0]}"}
    figure = cleared_share(source)
    return {
        "abnormals": source.abnormals,
        "allowed_misses": source.allowed_misses,
        "normals_cleared": figure.to_json(),
    }


def _reliability(split: tuple[list[Study], list[Study]], rng: np.random.Generator) -> dict[str, Json]:
    """Evaluate the first half's probability map on the second half of one split.

    The prevalence is that of the first half's scored studies.
    """
    scored = [study.abnormal for study in split[0] if study.score is not None]
    mapped = _policy(split[0], RATES[0], prevalence=float(np.mean(scored))).probability
    assert mapped is not None
    judged = [study for study in split[1] if study.score is not None]
    scores: NDArray[np.float64] = np.array([study.score for study in judged], dtype=np.float64)
    abnormal = np.array([study.abnormal for study in judged])
    source = np.array([study.source for study in judged])
    cohort = BootstrapCohort.of_one_fold(abnormal, source, scores)
    return reliability(mapped(scores), cohort, prevalence=mapped.prevalence, rng=rng).to_json()
