"""Share cleared at a site that teaches and calibrates with its own labels, on separate patients.

As `unseen adapt` and `unseen calibrate` do, so the guarantee is exact: one detector and one head score both
the abnormal films that calibrate and the tested ones. The site has the labelled films of the other folds; those of the
tested fold are new. Beside it, the detector from normal films alone, which needs no teaching, so that all of the
site's abnormal films calibrate it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from studies.crossfit import TEST_FOLDS
from studies.detectors.few_labels import HOME, RATES, LabelledFilms, labelled_films
from studies.halves import CONFIDENCE, drawn_patients
from studies.pages.cells import Entry, table
from studies.rows import Row, study_of_folds
from unseen.artifacts.recipe import Recipe
from unseen.data.film import Film
from unseen.evaluation.delong import auroc_difference
from unseen.evaluation.intervals import interval_text as figure
from unseen.runs.training import resolve
from unseen.screening.adaptation import Bools, Floats, mix_of
from unseen.screening.calibration import policy_of
from unseen.screening.guarantee import Guarantee
from unseen.screening.labelled_studies import Study

ROWS = "detectors/adapted-site/"
"""Prefix of the rows' names."""
CHOSEN, BEFORE = 0.33, 0.5
"""The share of the patients whose films teach: as fold 0 chose it, and as it was before."""
SHARES = (0.1, 0.15, 0.2, 0.25, CHOSEN, BEFORE, 0.67)
"""Those that fold 0 is asked about."""
DRAWS = 50
POOLED = "both"
_MAIN_RATE = 0.05

Found = dict[tuple[float, str], "list[Counted]"]
"""Counts by rate and source, one entry per tested fold."""


@dataclass(frozen=True)
class Counted:
    """Films that a threshold clears and misses in one draw and one tested fold, or its refusal."""

    calibrating: int
    normals: int
    cleared: int
    abnormals: int
    missed: int
    refused: bool


def adapted_site_row(
    recipe: Recipe,
    *,
    place: str | None = None,
    folds: Sequence[int] = TEST_FOLDS,
    shares: Sequence[float] = (CHOSEN, BEFORE),
    draws: int = DRAWS,
    rates: Sequence[float] = RATES,
    root: Path | None = None,
) -> Row:
    """Return the row of a recipe's detector; its models are trained, or found again.

    Args:
        place: another set, as in `few_labels_row`.
        shares: of the site's patients: those whose films teach.
    """
    recipe = resolve(recipe)
    films = labelled_films(recipe, place=place, root=root)
    sources = _sources(films)
    found = []
    for share in shares:
        draws_of = [drawn(films, folds, draw, share, rates) for draw in range(draws)]
        print(f"{share:g} of the patients teach: {draws} draws")
        found.append({"share": share, "rates": _by_rate(rates, sources, draws_of, over_draws)})
    without = alone(films, folds, rates)
    name = f"{ROWS}{recipe.short}" + ("" if place is None else f"-{place}")
    return {
        **study_of_folds(name if len(folds) > 1 else f"{name}-fold-{folds[0]}", recipe, folds),
        "set": place or HOME,
        "draws": draws,
        "confidence": CONFIDENCE,
        **_gains(films, folds),
        "normals_only": _by_rate(rates, sources, [without], lambda draws: over_folds(draws[0])),
        "shares": found,
    }


def _by_rate(
    rates: Sequence[float],
    sources: Sequence[str],
    draws: Sequence[Found],
    figures: Callable[[Sequence[Sequence[Counted]]], Row],
) -> list[Row]:
    """Return the figures of each rate and source."""
    return [
        {
            "max_miss_rate": rate,
            "sources": {source: figures([one[rate, source] for one in draws]) for source in sources},
        }
        for rate in rates
    ]


def _gains(films: LabelledFilms, folds: Sequence[int]) -> Row:
    """AUROC with all labels of the other folds less that from normal films alone, as they are and with the mix of
    simple statistics taken out of both."""
    judged = films.judged(folds, None, 0)
    at = np.concatenate([one.at for one in judged])
    abnormal = films.abnormal[at]
    tested = [films.films[i] for i in at.tolist()]
    areas = [float(films.seen[int(films.fold[i])].lung_area[i]) for i in at.tolist()]
    mix = mix_of(
        [{**films.statistics[i], "lung_area": area} for i, area in zip(at.tolist(), areas, strict=True)],
        [film.patient or film.name for film in tested],
        abnormal,
    )
    before, after = (np.concatenate([getattr(one, name) for one in judged]) for name in ("normals_only", "adapted"))

    def gain(of: Floats | None) -> Row:
        first, second = (without_mix(of, scores, abnormal) for scores in (after, before))
        value, error = auroc_difference(first, second, abnormal, fold=films.fold[at])
        return {"value": value, "low": value - 1.96 * error, "high": value + 1.96 * error}

    return {
        "n": {"normal": int((~abnormal).sum()), "abnormal": int(abnormal.sum())},
        "gain": gain(None),
        "beyond_mix": gain(mix),
    }


def without_mix(mix: Floats | None, scores: Floats, abnormal: Bools) -> Floats:
    """Return scores less the part that the mix explains, by a line through the normals."""
    if mix is None:
        return scores
    slope, offset = np.polyfit(mix[~abnormal], scores[~abnormal], 1)
    return np.asarray(scores - slope * mix - offset, dtype=np.float64)


def drawn(films: LabelledFilms, folds: Sequence[int], draw: int, share: float, rates: Sequence[float]) -> Found:
    """Count the films that the adapted score clears, after one division of the site's patients per tested fold.

    A share of the patients of the other folds trains the head. The abnormal films of the rest calibrate the threshold.
    """
    found: Found = {}
    for number in folds:
        teaching, others = divided(films, number, share, np.random.default_rng([draw, number]))
        calibrating, tested = others[films.abnormal[others]], np.flatnonzero(films.fold == number)
        at = np.concatenate([calibrating, tested])
        scores = np.full(len(films.fold), np.nan)
        scores[at] = films.judged_by(number, teaching, at).adapted
        _count(found, films, scores, calibrating, tested, rates)
    return found


def alone(films: LabelledFilms, folds: Sequence[int], rates: Sequence[float]) -> Found:
    """Count the films that the detector without a head clears.

    It learns from normal films alone, so all abnormal films of the site calibrate its threshold.
    """
    found: Found = {}
    for number in folds:
        calibrating = np.flatnonzero((films.fold != number) & films.abnormal)
        tested = np.flatnonzero(films.fold == number)
        _count(found, films, films.seen[number].score, calibrating, tested, rates)
    return found


def _count(
    found: Found,
    films: LabelledFilms,
    scores: Floats,
    calibrating: NDArray[np.int64],
    tested: NDArray[np.int64],
    rates: Sequence[float],
) -> None:
    """Add one tested fold: abnormal films that calibrate set a threshold for each source and rate."""
    abnormal = films.abnormal
    for source in _sources(films):
        among = (films.source == source) | (source == POOLED)
        site, new = calibrating[among[calibrating]], tested[among[tested]]
        studies = [_study(films.films[i], float(scores[i])) for i in site.tolist()]
        normals, abnormals = scores[new[~abnormal[new]]], scores[new[abnormal[new]]]
        for rate in rates:
            cut = threshold(studies, rate)
            low = -np.inf if cut is None else cut
            counted = Counted(
                calibrating=len(studies),
                normals=len(normals),
                cleared=int((normals < low).sum()),
                abnormals=len(abnormals),
                missed=int((abnormals < low).sum()),
                refused=cut is None,
            )
            found.setdefault((rate, source), []).append(counted)


def _sources(films: LabelledFilms) -> list[str]:
    """Return the sources, and all of them together where there are several."""
    names = sorted(set(films.source.tolist()))
    return [*names, POOLED] if len(names) > 1 else names


def divided(
    films: LabelledFilms, number: int, share: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The films of the other folds: those of a share of the patients, drawn within source and label, and the rest."""
    site = np.flatnonzero(films.fold != number)
    strata: dict[tuple[str, bool], dict[str, None]] = {}
    for i in site.tolist():
        film = films.films[i]
        strata.setdefault((film.source, film.label == "abnormal"), {})[film.patient] = None
    teaches = drawn_patients([list(patients) for patients in strata.values()], share, rng)
    among = np.array([films.films[i].patient in teaches for i in site.tolist()])
    return site[among], site[~among]


def _study(film: Film, score: float) -> Study:
    return Study(name=film.study, patient=film.patient, source="site", abnormal=True, score=score)


def threshold(studies: Sequence[Study], rate: float) -> float | None:
    """Return the policy's; abnormal studies alone set it."""
    if not studies:
        return None
    policy = policy_of(studies, Guarantee(rate, CONFIDENCE), model="adapted", weights_sha256="0" * 64)
    return policy.sources["site"].threshold


def over_folds(folds: Sequence[Counted]) -> Row:
    """Shares over the tested folds, where a refused one clears nothing."""

    def share(part: str, of: str) -> float:
        return float(sum(getattr(one, part) for one in folds) / max(1, sum(getattr(one, of) for one in folds)))

    return {
        "calibrating": round(float(np.mean([one.calibrating for one in folds])), 1),
        "refused": float(np.mean([one.refused for one in folds])),
        "normals_cleared": share("cleared", "normals"),
        "abnormals_missed": share("missed", "abnormals"),
    }


def over_draws(draws: Sequence[Sequence[Counted]]) -> Row:
    """Return the mean over draws; of the shares with their 2.5th to 97.5th percentile."""
    each = [over_folds(folds) for folds in draws]

    def spread(name: str) -> Row:
        values = [one[name] for one in each]
        low, high = np.quantile(values, [0.025, 0.975])
        return {"value": float(np.mean(values)), "low": float(low), "high": float(high)}

    return {
        "calibrating": round(float(np.mean([one["calibrating"] for one in each])), 1),
        "refused": float(np.mean([one["refused"] for one in each])),
        "normals_cleared": spread("normals_cleared"),
        "abnormals_missed": spread("abnormals_missed"),
    }


def beside_site(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = "## A site that teaches and calibrates with its own labels"
    tested = sorted((row for row in rows if len(row["folds"]) > 1), key=lambda row: str(row["set"]) != HOME)
    if not tested:
        return [title, "*No row yet: `python -m studies.detectors --only site` makes them.*", *map(_choice, rows)]
    lines = [
        [
            f"{100 * rate['max_miss_rate']:g} %",
            f"`{row['set']}`" if len(rate["sources"]) == 1 else name.capitalize(),
            *_cells(source),
            _cells(_at(row, BEFORE, rate["max_miss_rate"])[name])[0],
            *_cells(_of_rate(row["normals_only"], rate["max_miss_rate"])[name]),
        ]
        for row in tested
        for rate in _of(row, CHOSEN)["rates"]
        for name, source in rate["sources"].items()
    ]
    first = tested[0]
    return [
        title,
        f"What is cleared where a site does what the two commands do: of the other folds' patients {100 * CHOSEN:g} % "
        "teach (`unseen adapt`, ridge head), the others' abnormal films calibrate (`unseen calibrate`), and the tested "
        "fold is new. One head scores the films that calibrate and the tested ones, so the guarantee is exact; with "
        "heads that all other folds taught it is approximate ([above](#adaptation-with-labelled-films-of-the-site)). "
        "*Normals only*: the detector without a head; all of the site's abnormal films calibrate it. Mean over "
        f"{first['draws']} draws of patients, and 2.5th to 97.5th percentile over the draws; the tested films are the "
        f"same in each. A refused threshold clears nothing. Confidence {100 * first['confidence']:g} %, seed "
        f"{first['seed']}, CPU, {max(str(row['date']) for row in tested)}.",
        table(
            [
                "α",
                "source",
                "adapted: normals cleared",
                "abnormals missed",
                f"{100 * BEFORE:g} % teach: normals cleared",
                "normals only: normals cleared",
                "abnormals missed",
            ],
            lines,
        ),
        *(_beyond(row) for row in tested),
        *(_choice(row) for row in rows if len(row["folds"]) == 1),
    ]


def _beyond(row: Entry) -> str:
    n = row["n"]
    pairs = " Pairs of similar films are [above](#few-labels-with-fixed-shrinkage-and-share)."
    return (
        f"`{row['set']}`, {n['normal']} normal and {n['abnormal']} abnormal tested films: with all labels of the other "
        f"folds the AUROC rises by {figure(row['gain'])} (DeLong, paired, films of one training). Heads that learn "
        f"from labels can learn shortcuts, too.{pairs if row['set'] == HOME else ''}"
    )


def _choice(row: Entry) -> str:
    """Return a sentence on the choice of the share of patients whose films train the head."""
    (rate,) = {
        rate["max_miss_rate"] for one in row["shares"] for rate in one["rates"] if rate["max_miss_rate"] == _MAIN_RATE
    }
    names = list(_at(row, CHOSEN, rate))
    said = "; ".join(
        f"{name.capitalize()} "
        + ", ".join(
            f"{100 * _at(row, one['share'], rate)[name]['normals_cleared']['value']:.0f} %" for one in row["shares"]
        )
        for name in names
        if _at(row, CHOSEN, rate)[name]["refused"] < 1
    )
    shares = ", ".join(format(one["share"], "g") for one in row["shares"])
    return (
        f"Fold {row['folds'][0]} chose the share: where {shares} of the patients teach, the normals cleared there at "
        f"{100 * rate:g} % are: {said}."
    )


def _of(row: Entry, share: float) -> Entry:
    found: Entry
    (found,) = (one for one in row["shares"] if one["share"] == share)
    return found


def _at(row: Entry, share: float, rate: float) -> Entry:
    return _of_rate(_of(row, share)["rates"], rate)


def _of_rate(rates: Sequence[Entry], rate: float) -> Entry:
    sources: Entry
    (sources,) = (one["sources"] for one in rates if one["max_miss_rate"] == rate)
    return sources


def _cells(one: Entry) -> list[str]:
    """Return the table cells of the films cleared and missed, with an interval if there are several draws."""
    if one["refused"] == 1:
        return [f"refused: {one['calibrating']:.0f} abnormal films", "–"]
    some = f" (refused in {100 * one['refused']:.0f} %)" if one["refused"] else ""
    cleared, missed = (
        f"{share:.2f}" if isinstance(share, float) else figure(share)
        for share in (one["normals_cleared"], one["abnormals_missed"])
    )
    return [cleared + some, missed]
