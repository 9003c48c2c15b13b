"""Guarantee of policies, checked on simulated hospitals: the share that breaks its promised miss rate.

Simulated hospitals go through `calibrate` and `Screener` themselves.

A hospital draws patients from a population that is known whole, so that its true miss rate is known: the share of the
population's abnormal patients whose study it would clear. Populations: made-up scores (continuous, tied, of three
levels, heavy-tailed, several films and studies a patient) and scores that real detectors gave to real films.

Beside it, the threshold that is read off the same films' ROC, as it is commonly done: it breaks its promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from studies.pages.cells import Entry
from studies.replayed import Replayed, replayed_film
from studies.rows import Row
from unseen import __version__
from unseen.evaluation.intervals import Json
from unseen.screening.calibration import calibrate
from unseen.screening.screener import Screener

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.data.film import Film

RATES = (0.01, 0.02, 0.05, 0.10)
CONFIDENCE = 0.95
PATIENTS = 20_000
"""Number of patients of each class in a synthetic population."""

CRITERION = (
    f"*Held*: in every row the lower end of the one-sided 95 % Clopper–Pearson bound, in brackets, is at most "
    f"{100 * (1 - CONFIDENCE):.0f} %. A share above {100 * (1 - CONFIDENCE):.0f} % of a few thresholds can be chance, "
    "so a row with few of them shows little."
)
"""Definition of "held" for the pages; it is printed with each table of shares."""

Scores = tuple[tuple[float, ...], ...]
"""A patient: its studies, each with its films' scores."""


@dataclass(frozen=True, eq=False)
class Population:
    """All patients there are. `continuous`: whether scores (nearly) never tie."""

    abnormal: Sequence[Scores]
    normal: Sequence[Scores]
    continuous: bool

    @cached_property
    def abnormal_studies(self) -> NDArray[np.float64]:
        """The score of a study of each abnormal patient, increasing."""
        return _studies(self.abnormal)

    @cached_property
    def normal_studies(self) -> NDArray[np.float64]:
        """The score of a study of each normal patient, increasing."""
        return _studies(self.normal)


@dataclass(frozen=True)
class Hospital:
    """Result of one simulated hospital: true miss rate, share of normals cleared, and `roc_miss_rate`.

    `roc_miss_rate` is the true miss rate of a threshold that is read off the hospital's own ROC. If `refused`, there
    are too few abnormals, and nothing is cleared.
    """

    population: str
    max_miss_rate: float
    abnormals: int
    refused: bool
    miss_rate: float
    cleared: float
    roc_miss_rate: float


def made_up(rng: np.random.Generator) -> dict[str, Population]:
    """Populations of scores that no detector gave."""

    def patients(scores: NDArray[np.float64]) -> list[Scores]:
        return [((float(score),),) for score in scores]

    def families(shift: float) -> list[Scores]:
        own = shift + rng.normal(size=PATIENTS)  # what a patient's films have in common
        return [
            tuple(tuple((mean + 0.5 * rng.normal(size=rng.integers(1, 3))).tolist()) for _ in range(rng.integers(1, 4)))
            for mean in own
        ]

    normal = rng.normal(size=(2, PATIENTS))
    levels = np.array([0.0, 1.0, 2.0])
    return {
        "continuous": Population(patients(normal[0] + 1.5), patients(normal[1]), continuous=True),
        "heavy-tailed": Population(
            patients(rng.standard_t(2, PATIENTS) + 1), patients(rng.standard_t(2, PATIENTS)), continuous=True
        ),
        "tied": Population(
            patients(np.round(normal[0] * 2 + 2) / 2), patients(np.round(normal[1] * 2) / 2), continuous=False
        ),
        "three levels": Population(
            patients(rng.choice(levels, PATIENTS, p=[0.04, 0.3, 0.66])),
            patients(rng.choice(levels, PATIENTS, p=[0.6, 0.3, 0.1])),
            continuous=False,
        ),
        "several films a patient": Population(families(1.5), families(0.0), continuous=True),
    }


def from_scores(abnormal: Sequence[float], normal: Sequence[float]) -> Population:
    """Return the population that a detector's scores of real films stand for, each film as likely as the others.

    Drawn with replacement, so that scores tie.
    """
    return Population([((score,),) for score in abnormal], [((score,),) for score in normal], continuous=False)


def hospital(name: str, population: Population, *, max_miss_rate: float, rng: np.random.Generator) -> Hospital:
    """Return one hospital: 20 to 2,000 labelled patients, a tenth to nine tenths of them abnormal."""
    patients = int(np.exp(rng.uniform(np.log(20), np.log(2000))))
    abnormals = max(1, int(patients * rng.uniform(0.1, 0.9)))
    films: list[Film] = []
    sick = [population.abnormal[i] for i in rng.integers(0, len(population.abnormal), abnormals)]
    well = [population.normal[i] for i in rng.integers(0, len(population.normal), patients - abnormals)]
    for number, patient in enumerate([*sick, *well]):
        for study, scores in enumerate(patient):
            for film, score in enumerate(scores):
                films.append(
                    replayed_film(
                        f"{number}.{study}.{film}",
                        score,
                        label="abnormal" if number < abnormals else "normal",
                        patient=str(number),
                        study=f"{number}.{study}",
                    )
                )
    screener = calibrate(Replayed(), films, max_miss_rate, CONFIDENCE)
    assert screener.policy is not None
    used = screener.policy.sources["site"]
    own = np.sort([max(patient[0]) for patient in sick])
    read_off = own[min(int(max_miss_rate * len(own)), len(own) - 1)]  # the highest that misses at most α of these films
    return Hospital(
        population=name,
        max_miss_rate=max_miss_rate,
        abnormals=used.abnormals,
        refused=used.threshold is None,
        miss_rate=cleared_share(screener, population.abnormal_studies),
        cleared=cleared_share(screener, population.normal_studies),
        roc_miss_rate=float(np.mean(population.abnormal_studies < read_off)),
    )


def cleared_share(screener: Screener, scores: NDArray[np.float64]) -> float:
    """Return the share of `scores` (n,), increasing, that the screener clears. It is asked in halves, for clearing is
    monotone in the score: what is cleared is a beginning of the list."""
    low, high = 0, len(scores)  # all before low are cleared, none from high on
    while low < high:
        middle = (low + high) // 2
        decision = screener(replayed_film("asked", float(scores[middle])))
        low, high = (middle + 1, high) if decision.action == "clear" else (low, middle)
    return low / len(scores)


def _studies(patients: Sequence[Scores]) -> NDArray[np.float64]:
    """Return the score of a study of each patient, increasing: its highest film's. Studies of a patient are alike, so
    that the first stands for any."""
    return np.sort([max(patient[0]) for patient in patients])


def simulate(
    populations: Mapping[str, Population],
    *,
    hospitals: int,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> list[Hospital]:
    """`hospitals` for each rate, in turn from each population."""
    rng = np.random.default_rng(seed)
    names = list(populations)
    found = []
    for rate in RATES:
        for number in range(hospitals):
            name = names[number % len(names)]
            found.append(hospital(name, populations[name], max_miss_rate=rate, rng=rng))
            if progress:
                progress(len(found))
    return found


def hospitals_row(scores: Mapping[str, tuple[Sequence[float], Sequence[float]]], *, hospitals: int = 1000) -> Row:
    """`hospitals` a rate, drawn from the made-up populations and from `scores`: by name, the scores that a detector
    gave to abnormal and to normal films."""
    populations = made_up(np.random.default_rng(1)) | {name: from_scores(*both) for name, both in scores.items()}
    found = simulate(populations, hospitals=hospitals)
    return {
        "recipe": "screening/hospitals",
        "seed": 0,
        "confidence": CONFIDENCE,
        "populations": list(populations),
        "continuous": [name for name, population in populations.items() if population.continuous],
        "rates": summary(found, populations),
        "version": __version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def held(rates: Iterable[Entry], confidence: float) -> bool:
    """Report whether the bound held in every row: see `CRITERION`.

    >>> held([{"broken_low": 0.019}], 0.95), held([{"broken_low": 0.019}, {"broken_low": 0.051}], 0.95)
    (True, False)
    """
    return all(float(entry["broken_low"]) <= 1 - confidence for entry in rates)


def summary(found: Sequence[Hospital], populations: Mapping[str, Population]) -> list[dict[str, Json]]:
    """Return a row for each miss rate, over the hospitals with enough abnormal films.

    It has the share of hospitals above the guaranteed rate (with the lower end of the one-sided 95 % interval of
    Clopper and Pearson), the mean share of normal films cleared over continuous scores, and the share of hospitals
    above the rate with the threshold from the ROC curve.
    """
    from scipy.stats import beta

    rows: list[dict[str, Json]] = []
    for rate in RATES:
        able = [h for h in found if h.max_miss_rate == rate and not h.refused]
        broken = sum(h.miss_rate > rate for h in able)
        smooth = [h.cleared for h in able if populations[h.population].continuous]
        rows.append(
            {
                "max_miss_rate": rate,
                "hospitals": sum(h.max_miss_rate == rate for h in found),
                "refused": sum(h.max_miss_rate == rate and h.refused for h in found),
                "broken": broken,
                "broken_share": round(broken / len(able), 6) if able else None,
                "broken_low": round(float(beta.ppf(0.05, broken, len(able) - broken + 1)), 6) if broken else 0.0,
                "cleared_continuous": round(float(np.mean(smooth)), 6) if smooth else None,
                "roc_broken_share": round(sum(h.roc_miss_rate > rate for h in able) / len(able), 6) if able else None,
            }
        )
    return rows
