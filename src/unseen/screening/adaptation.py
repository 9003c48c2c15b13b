"""`adapt`: fits a linear head to a site's labelled films; shrinkage and share of each head.

Two settings are chosen by films that the head has not seen (five parts, dealt by patient): how strongly it is shrunk,
and its share ω of the score. For the head "ridge" ω is 0, and the detector's score stays as it is, unless the head
scores abnormal films higher, by more than one standard error, than normal films of like simple statistics
(`STATISTIC_NAMES`, and whether a film is AP or PA where its DICOM header or the manifest states it; the check is that
of `label_check`): a head with labels can learn the scanner. With either head ω is 0 where the sum has a lower AUROC
than the detector's score by more than one standard error. Films that taught are training films: `calibrate` leaves them
out, so its guarantee holds as before.

The normal films on which the detector was trained train the head, too: the frozen features did not learn from them.
They do not take part in the choice of the two settings, since the detector's score is too low on them; nor do other
normal films of their patients. These teach whatever the share, and so do abnormal films of these patients, which take
part in the choice: `calibrate` leaves all of them out.

The head "ridge" is fitted to the labels of all films; "normals-covariance" takes its covariance from the normal films
alone, which are many, and only a mean from the abnormal ones. Its two settings are `NORMALS_SHRINKAGE` and
`NORMALS_SHARE`, so that few labels choose nothing but how much of that share it has:

    ω = 2 Φ(z − 1.2),    z = difference / standard error of the check

Used or not used, by z > 1, is a pretest: near its threshold an error in z of one changes all. The mean of such a rule
over that error (bagging) is Φ(z − threshold). With a threshold of 1.2 labels at random cost the same AUROC as with
z > 1 in a model of two Gaussian scores. Source: Bühlmann & Yu, Annals of Statistics 30 (2002) 927.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from statistics import NormalDist

import numpy as np
import torch
from numpy.typing import NDArray

from unseen.anatomy.found_lungs import FoundLungs
from unseen.artifacts.number_words import number_of
from unseen.data.film import Film, Label, NotRead, one_line
from unseen.data.film_projection import projection_of, stated_beam
from unseen.data.patient_links import training_patients
from unseen.detectors import METHODS
from unseen.detectors.adapted import Adapted, Head, normals_discriminant, ridge, standardised
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.head_name import HeadName
from unseen.evaluation.delong import auroc_difference
from unseen.evaluation.roc import auroc
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.evaluation.statistics_mix import mix_scores, usable_statistics
from unseen.screening.calibration_films import Copies
from unseen.screening.label_check import PARTS, beyond_statistics, dealt, left_out
from unseen.screening.label_differences import LabelDifference, label_differences
from unseen.screening.screener import Guards, Screener

_log = logging.getLogger("unseen")

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEAST_ABNORMAL, LEAST_NORMAL = 5, 30
"""Films with which a head is trained, at least."""
LEAST_FRESH = 10
"""Normal films on which the detector was not trained, at least: the head's share of the score is chosen by them."""
SHRINKAGES = (0.1, 0.3, 1.0, 3.0, 10.0)
SHARES = (0.5, 1.0, 2.0, 4.0)
NORMALS_SHRINKAGE, NORMALS_SHARE = 0.003, 2.0
"""β and ω of "normals-covariance": nominated on fold 0 of Montgomery + Shenzhen (row
`attempts/heads/normal-covariance-0.003-combined`; ω is that of all heads compared there)."""
BAGGED_AT = 1.2
"""Threshold of z whose mean over a standard normal error is the share of "normals-covariance". With 1.2, labels at
random cost as much AUROC as with the rule z > 1, in a model of two Gaussian scores (`studies/attempts/soft_share.py`);
fold 0 of three sets nominated the rule (rows `attempts/soft-share/…`)."""


_KEPT = "the score from normal films alone is kept"


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """Result of an adaptation, measured on films that the head had not seen.

    >>> figures = {"before": 0.7, "after": 0.8, "mix": None, "gain": 0.1, "error": 0.04}
    >>> Adaptation(normals=50, abnormals=20, **figures, share=0.5, shrinkage=0.1, head="ridge").lines()[0]
    'learnt from 50 normal and 20 abnormal films of this site'

    Args:
        normals, abnormals: films that taught.
        before, after: AUROC of the detector and of the adapted score; both films of the training.
        mix: AUROC of the simple statistics with labels; None where they cannot be fitted.
        gain, error: how much higher the head scores abnormal films than normal ones of like statistics, and its
            standard error: both in deviations of such normal films.
        share, shrinkage: ω, and λ or β; a share of 0 keeps the detector's score.
        head: formula of the head's weights.
        unadjusted: gain and error where the statistics are not taken into account; None: not known.
        differences: how abnormal films differ most from normal ones in simple statistics and projection.
        unstated: films of which neither a DICOM header nor the manifest states AP or PA.
    """

    normals: int
    abnormals: int
    before: float
    after: float
    mix: float | None
    gain: float
    error: float
    share: float
    shrinkage: float
    head: HeadName
    unadjusted: tuple[float, float] | None = None
    differences: tuple[LabelDifference, ...] = ()
    unstated: int = 0

    def lines(self) -> list[str]:
        """Return the result in sentences."""
        said = [f"learnt from {self.normals} normal and {self.abnormals} abnormal films of this site"]
        if self.unstated:
            said.append(
                f"{self.unstated} of {self.normals + self.abnormals} films state neither AP nor PA, and a head can "
                "learn the projection: state it in the manifest's column view_position, for DICOM files without "
                "ViewPosition, too"
            )
        said.append(
            "AUROC among those that are new to the model, each judged by a head that did not see it: "
            f"{self.before:.2f} from normal films alone, {self.after:.2f} with labels"
        )
        if self.mix is not None:
            said.append(f"simple statistics alone (sharpness, exposure, border, …), given the labels: {self.mix:.2f}")
        beyond = (
            f"beyond those statistics the labels add {self.gain:+.2f} deviations of normal films to the head's score "
            f"of abnormal ones (standard error {self.error:.2f})"
        )
        if self.error == 0:
            return [
                *said,
                f"the labels cannot be checked (as where all abnormal films are of one patient), so {_KEPT}",
            ]
        if self.share == 0:
            if _FORMULAS[self.head].part(self.gain, self.error) > 0:
                return [*said, f"{beyond}: but with the head's whole share the AUROC is lower, so {_KEPT}"]
            return [*said, f"{beyond}: not enough, so {_KEPT}", *self._advice()]
        said.append(f"{beyond}; the head's share of the score is {self.share:.2g}{_FORMULAS[self.head].most}")
        return said if self.gain > self.error else [*said, *self._advice()]

    def _advice(self) -> list[str]:
        """Return which films to label where the labels show too little beyond the statistics."""
        if self.unadjusted is None or self.unadjusted[0] <= self.unadjusted[1] or not self.differences:
            return ["more labelled abnormal films may show more"]
        gain, error = self.unadjusted
        differing = "; ".join(one.text for one in self.differences)
        remedy = "; ".join(one.remedy for one in self.differences)
        return [
            f"without regard to the statistics it is {gain:+.2f} (standard error {error:.2f}), but normal and abnormal "
            f"films differ in how they were made: {differing}",
            f"{remedy}. More abnormal films with the same difference help little",
        ]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labelled films as numbers, in one order.

    Args:
        features: (n, d) what the head sees.
        base: (n,) the detector's scores.
        abnormal: (n,).
        patients: n names; films of one patient are in one part.
        mix: (n,) log odds of the simple statistics, each film's from a fit without it; None where there is no such fit.
        fresh: (n,) abnormal films, and normal films of patients on whose films the detector was not trained: only these
            choose λ and ω; None: all.
        statistics: (n, k) simple statistics beyond which the labels must show something; None: none are known.
    """

    features: torch.Tensor
    base: Floats
    abnormal: Bools
    patients: Sequence[str]
    mix: Floats | None = None
    fresh: Bools | None = None
    statistics: Floats | None = None

    @property
    def judged(self) -> Bools:
        """Films by which the settings are chosen. (n,)"""
        return np.ones(len(self.abnormal), dtype=bool) if self.fresh is None else self.fresh


@dataclass(frozen=True)
class FilmCounts:
    """Labelled films of a site, by their use in an adaptation.

    Args:
        fresh: normal films of patients who teach, and on whose films the detector was not trained.
        trained: normal films on which the detector was trained, and other normal films of their patients.
        abnormal: abnormal films of patients who teach.
        kept: films of the other patients, which stay for `calibrate`.

    Example:
        >>> FilmCounts(fresh=24, trained=279, abnormal=111, kept=300).missing()
        []
    """

    fresh: int
    trained: int
    abnormal: int
    kept: int = 0

    def missing(self) -> list[str]:
        """Return what to label so that the films are enough, and what it is for; empty if they are."""
        missing = []
        if (abnormal := LEAST_ABNORMAL - self.abnormal) > 0:
            missing.append(f"{abnormal} more abnormal films: the head learns from at least {LEAST_ABNORMAL}")
        uses = {
            f"the head learns from at least {LEAST_NORMAL}": LEAST_NORMAL - self.fresh - self.trained,
            "its share of the score is chosen by films of patients on whose films the model was not trained, at least "
            f"{LEAST_FRESH}": LEAST_FRESH - self.fresh,
        }
        if (normal := max(uses.values())) > 0:  # films that are labelled now serve both uses
            why = ", and ".join(use for use, short in uses.items() if short > 0)
            missing.append(f"{normal} more normal films: {why}")
        return missing

    def check(self) -> None:
        """Raise FitError where the films are too few, with what would be enough and what more films improve."""
        missing = self.missing()
        if not missing:
            return
        kept = f" {self.kept} further films are kept for calibrate; a larger share lets them teach." * bool(self.kept)
        raise FitError(
            f"{self.fresh + self.trained} normal films ({self.trained} of them of patients on whose films the model "
            f"was trained) and {self.abnormal} abnormal films can teach. Label {'; '.join(missing)}.{kept} More "
            f"abnormal films improve the head: on {_MEASURED}"
        )


_MEASURED = (
    "Montgomery's and Shenzhen's films the AUROC is 0.80 from normal films alone, 0.86 with 10 abnormal films, 0.88 "
    "with 20, 0.90 with 40, 0.91 with 80 (head ridge)"
)
"""Row `detectors/few-labels/ensemble-features-0`; a test compares them."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A head's settings, and the held-out scores by which they were chosen (n,)."""

    shrinkage: float
    share: float
    scores: Floats
    gain: float
    error: float
    head: HeadName
    unadjusted: tuple[float, float] | None = None


@dataclass(frozen=True)
class _HeadFormula:
    """Formula of a head: its solver, the settings among which labels choose, and what standardises the features."""

    solve: Callable[..., Floats]
    shrinkages: tuple[float, ...]
    shares: tuple[float, ...]
    by_normals: bool
    part: Callable[[float, float], float]
    """Part of its share that the head has, from the difference of the check and its standard error."""

    @property
    def most(self) -> str:
        """Words for the largest share, where labels decide how much of it the head has; else ""."""
        return f" (at most {self.shares[0]:g})" if self.part is part_of_share else ""

    def standardised(self, films: Labelled) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the films' features, standardised, with mean and scale."""
        return standardised(films.features, ~films.abnormal if self.by_normals else None)


def part_of_share(difference: float, error: float) -> float:
    """Return the part of its share that the head "normals-covariance" has: Φ(z − 1.2), z = difference / error.

    Args:
        difference: that of the check of the labels.
        error: its standard error; 0 where the labels cannot be checked, and the part is 0.

    Example:
        >>> [round(part_of_share(z, 1.0), 2) for z in (-1, 0, 1, 2, 3)]
        [0.01, 0.12, 0.42, 0.79, 0.96]
    """
    return 0.0 if error == 0 else NormalDist().cdf(difference / error - BAGGED_AT)


def _all_or_none(difference: float, error: float) -> float:
    return float(difference > error)


_FORMULAS: dict[HeadName, _HeadFormula] = {
    "ridge": _HeadFormula(ridge, SHRINKAGES, SHARES, by_normals=False, part=_all_or_none),
    "normals-covariance": _HeadFormula(
        normals_discriminant, (NORMALS_SHRINKAGE,), (NORMALS_SHARE,), by_normals=True, part=part_of_share
    ),
}


def adapt(
    detector: Detector,
    labelled: Iterable[Film | NotRead],
    *,
    share: float = 1.0,
    head: HeadName = "ridge",
    backbone: Path | str | None = None,
    gate: Guards | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Adapted, Adaptation]:
    """Teach a head on a site's labelled films; returns the adapted detector, ready to save, and what was found.

    Args:
        detector: a trained detector.
        labelled: films labelled normal or abnormal, which are read twice: first to count them. Unlabelled and lateral
            films are left out, and so are copies of an earlier film, by the pixels. Normal films on which the detector
            was trained train the head as well, and so do other normal films of their patients.
        share: of the patients whose films teach, in (0, 1]; the others' stay fresh for `calibrate`. Films of patients
            on whose films the detector was trained always teach, but for abnormal ones on which it was trained.
        head: "ridge", or "normals-covariance": the linear discriminant with the covariance of the normal films.
        backbone: as for `Adapted.beside`.
        gate: input gate of the detector: films that it refuses are not scored in use, and do not teach.
        progress: called with 0 when the films are counted, then with the number of films done.

    Raises FitError for fewer than 5 abnormal films, 30 normal films or 10 normal films of patients on whose films the
    detector was not trained, before anything is computed; and as `Adapted.beside` does.

    >>> from unseen.detectors import load
    >>> adapt(load("models/pca"), [], share=0)
    Traceback (most recent call last):
        ...
    unseen.detectors.errors.FitError: share is 0; give the share of the patients whose films teach, like 0.5
    """
    if not 0 < share <= 1:
        raise FitError(f"share is {share}; give the share of the patients whose films teach, like 0.5")
    if head not in _FORMULAS:
        raise FitError(f'head is "{head}"; give one of {", ".join(_FORMULAS)}')
    trained = frozenset(detector.training_films)
    films = list(labelled) if isinstance(labelled, Iterator) else labelled
    uses: list[str] = []
    copies = Copies()
    if not isinstance(detector, Adapted):
        uses = _uses(films, trained=trained, share=share, copies=copies)
        _counts(uses).check()
    adapted = Adapted.beside(detector, backbone=backbone)
    rows: list[tuple[torch.Tensor, float, bool, str, str]] = []
    fresh: list[bool] = []
    statistics: list[dict[str, float | None]] = []
    positions: list[str] = []
    refused: dict[str, str] = {}
    screener = Screener(detector, gate=gate)
    if progress is not None:
        progress(0)
    for done, (film, use) in enumerate(zip_longest(films, uses), start=1):
        if film is None or use is None:
            raise FitError("the labelled films are read twice, and their number has changed; give them as a list")
        lungs = FoundLungs(film) if isinstance(film, Film) and use in _TEACHING else None
        if lungs is not None and (reason := screener.refusal(lungs.film, lungs)):
            refused[film.name] = reason
        elif lungs is not None:
            film = lungs.film
            seen = adapted.look(film, lungs)
            with METHODS.blaming(adapted.base, film.name):
                score = adapted.base.judge(seen).score
            if np.isfinite(score):
                patient = film.patient or film.pixel_sha256
                rows.append((adapted.features(seen), score, film.label == "abnormal", patient, film.pixel_sha256))
                statistics.append(trivial_statistics(film, lung_area=seen.lung_area))
                positions.append(film.view_position or "")
                fresh.append(use != "trained")
        if progress is not None:
            progress(done)
    for warning in copies.warnings():
        _log.warning(warning)
    if refused:
        name, reason = next(iter(refused.items()))
        _log.warning(
            f"{number_of(len(refused), 'film')} left out: the input gate refuses such films, which are not scored in "
            f"use either. The first: {one_line(name)}: {reason}"
        )
    abnormal = np.array([row[2] for row in rows], dtype=bool)
    new = np.array(fresh, dtype=bool)
    FilmCounts(int((new & ~abnormal).sum()), int((~new).sum()), int(abnormal.sum())).check()
    learnt = Labelled(
        torch.stack([row[0] for row in rows]).double(),
        np.array([row[1] for row in rows]),
        abnormal,
        [row[3] for row in rows],
        mix_of(statistics, [row[3] for row in rows], abnormal),
        new,
        statistics_of(statistics, positions),
    )
    chosen = choose(learnt, head)
    teach(adapted.head, learnt, chosen)
    adapted.training_films = (
        *detector.training_films,
        *(row[4] for row in rows if row[4] not in trained),
    )
    counted = (int((~abnormal).sum()), int(abnormal.sum()))
    adapted.config = adapted.config.model_copy(update={"labels": counted, "head": head})
    adapted.facts = dict(detector.facts) | {"labelled_normals": counted[0], "labelled_abnormals": counted[1]}
    adapted.trained_on = detector.trained_on
    unstated = sum(stated_beam(one) is None for one in positions)
    return adapted, _report(learnt, chosen, label_differences(statistics, positions, abnormal), unstated)


def counted_films(films: Iterable[Film | NotRead], *, trained: Collection[str], share: float) -> FilmCounts:
    """Count labelled films by their use in an adaptation.

    Args:
        films: labelled films.
        trained: pixel digests of the films on which the detector was trained.
        share: share of the patients who teach, above 0, at most 1.

    Returns:
        The numbers of films.

    Example:
        >>> from unseen.data import phantoms
        >>> counted_films(phantoms.normals(3, size=64), trained=(), share=1.0)
        FilmCounts(fresh=3, trained=0, abnormal=0, kept=0)
    """
    return _counts(_uses(films, trained=trained, share=share, copies=Copies()))


def _counts(uses: Iterable[str]) -> FilmCounts:
    count = Counter(uses)
    return FilmCounts(count["fresh"], count["trained"], count["abnormal"], count["kept"])


_TEACHING = ("fresh", "trained", "abnormal")


def _uses(films: Iterable[Film | NotRead], *, trained: Collection[str], share: float, copies: Copies) -> list[str]:
    """Return the use of each film: "fresh", "trained", "abnormal", "kept", or "" for a film that is left out.

    Normal films of patients on whose films the detector was trained are "trained", whatever the share.
    """
    known: list[tuple[str, str]] = []  # patient and pixels of each film that is read
    counted: list[tuple[str, str, Label] | None] = []
    for film in films:
        if isinstance(film, Film):
            known.append((film.patient or film.pixel_sha256, film.pixel_sha256))
        if not isinstance(film, Film) or film.label is None or projection_of(film) == "lateral" or copies.add(film):
            counted.append(None)
        else:
            counted.append((*known[-1], film.label))
    taught, trained = training_patients(known, trained), frozenset(trained)

    def use(patient: str, pixels: str, label: Label) -> str:
        if label == "abnormal" and pixels in trained:
            return ""
        if patient not in taught and dealt(patient, "teaches") >= share:
            return "kept"
        if label == "abnormal":
            return "abnormal"
        return "trained" if patient in taught else "fresh"

    return ["" if one is None else use(*one) for one in counted]


def choose(films: Labelled, head: HeadName = "ridge") -> Chosen:
    """λ and ω, by held-out scores; ω follows what the labels add beyond the statistics, in standard errors."""
    x, _, _ = _FORMULAS[head].standardised(films)
    return choose_by_products(films, (x @ x.T).numpy(), head)


def choose_by_products(films: Labelled, gram: Floats, head: HeadName) -> Chosen:
    """λ and ω as `choose` finds them, from the inner products of the standardised features (n, n)."""
    formula = _FORMULAS[head]
    held_out = {shrinkage: _held_out(gram, films, formula, shrinkage) for shrinkage in formula.shrinkages}
    judged = films.judged
    abnormal = films.abnormal[judged]
    best = held_out[max(held_out, key=lambda one: auroc(abnormal, held_out[one][judged]))]

    def as_good(scores: Floats) -> bool:
        loss, error = auroc_difference(best[judged], scores[judged], abnormal)
        return loss <= error

    shrinkage = max(one for one in held_out if as_good(held_out[one]))
    found = held_out[shrinkage]
    base, own = _scaled(films.base[judged], abnormal), _scaled(found[judged], abnormal)
    sums = {share: auroc_difference(base + share * own, base, abnormal) for share in formula.shares}
    share = max(sums, key=lambda share: sums[share][0])
    pairs = left_out(gram, films.abnormal, films.patients, partial(formula.solve, shrinkage=shrinkage))
    gain, error = (0.0, 0.0) if pairs is None else beyond_statistics(pairs, films.statistics, films.abnormal)
    unadjusted = None if pairs is None else beyond_statistics(pairs, None, films.abnormal)
    used = sums[share][0] >= -sums[share][1]
    return Chosen(shrinkage, share * formula.part(gain, error) if used else 0.0, found, gain, error, head, unadjusted)


def teach(head: Head, films: Labelled, chosen: Chosen) -> None:
    """Fit the head to all of the films with the settings chosen."""
    formula = _FORMULAS[chosen.head]
    x, mean, scale = formula.standardised(films)
    head.mean.copy_(mean)
    head.scale.copy_(scale)
    head.weights.copy_(x.T @ torch.from_numpy(formula.solve((x @ x.T).numpy(), films.abnormal, chosen.shrinkage)))
    for buffer, scores in ((head.base, films.base), (head.own, chosen.scores)):
        moments = _moments(scores[films.judged], films.abnormal[films.judged])
        buffer.copy_(torch.tensor(moments, dtype=torch.float64))
    head.share.fill_(chosen.share)


def predicted(films: Labelled, chosen: Chosen, features: torch.Tensor, scores: Floats) -> tuple[Floats, Floats]:
    """z and h (m,) of other films: features (m, d), and their scores by the detector (m,)."""
    head = Head(films.features.shape[1])
    teach(head, films, chosen)
    z, h = head(torch.from_numpy(scores), features)
    return z.numpy(), h.numpy()


def _held_out(gram: Floats, films: Labelled, formula: _HeadFormula, shrinkage: float) -> Floats:
    """Return each film's score by a head that learnt from the other parts' films.

    The features are standardised by all films ("ridge") or all normal films, including the held-out ones, so that the
    AUROC of few held-out films is slightly too high. It changes nothing in the guarantee: films that teach do not
    calibrate.
    """
    part = np.array([int(dealt(patient, "part") * PARTS) for patient in films.patients])
    found = np.zeros(len(part))
    for number in range(PARTS):
        held, rest = part == number, part != number
        if held.any() and films.abnormal[rest].any() and not films.abnormal[rest].all():
            weights = formula.solve(gram[np.ix_(rest, rest)], films.abnormal[rest], shrinkage)
            found[held] = gram[np.ix_(held, rest)] @ weights
    return found


def _moments(scores: Floats, abnormal: Bools) -> tuple[float, float]:
    """Return mean and standard deviation of the normals' values."""
    normals = scores[~abnormal]
    return float(normals.mean()), max(float(normals.std()), 1e-12)


def _scaled(scores: Floats, abnormal: Bools) -> Floats:
    mean, deviation = _moments(scores, abnormal)
    return np.asarray((scores - mean) / deviation, dtype=np.float64)


def mix_of(statistics: Sequence[dict[str, float | None]], patients: Sequence[str], abnormal: Bools) -> Floats | None:
    """(n,) log odds of the simple statistics, each film's from a fit without its patient; None where there is none."""
    import polars as pl

    table = pl.DataFrame(statistics, infer_schema_length=None).with_columns(
        file=pl.Series(patients), patient=pl.Series(patients)
    )
    found = mix_scores(table, abnormal)
    return None if found is None else found[0]


def statistics_of(statistics: Sequence[dict[str, float | None]], positions: Sequence[str] = ()) -> Floats | None:
    """Return the statistics beyond which labels must show something (n, k); None where there is none.

    Args:
        statistics: simple statistics of each film; those that every film has and that vary are taken.
        positions: view position of each film, "" where it is not stated: AP and PA are statistics, too, in any spelling
            that `stated_beam` reads.
    """
    import polars as pl

    found, names = usable_statistics(pl.DataFrame(statistics, infer_schema_length=None))
    columns = [found] if names else []
    beams = [stated_beam(one) for one in positions]
    stated = [np.array([beam == name for beam in beams]) for name in ("AP", "PA")]
    if positions and (stated[0] | stated[1]).all():
        stated = stated[1:]  # each film is AP or PA: one column suffices
    columns += [one[:, None].astype(np.float64) for one in stated if one.any() and not one.all()]
    return np.concatenate(columns, axis=1) if columns else None


def _report(films: Labelled, chosen: Chosen, differences: tuple[LabelDifference, ...], unstated: int) -> Adaptation:
    judged = films.judged
    abnormal = films.abnormal[judged]
    base, own = _scaled(films.base[judged], abnormal), _scaled(chosen.scores[judged], abnormal)
    return Adaptation(
        normals=int((~films.abnormal).sum()),
        abnormals=int(films.abnormal.sum()),
        before=auroc(abnormal, base),
        after=auroc(abnormal, base + chosen.share * own),
        mix=None if films.mix is None else auroc(abnormal, films.mix[judged]),
        gain=chosen.gain,
        error=chosen.error,
        share=chosen.share,
        shrinkage=chosen.shrinkage,
        head=chosen.head,
        unadjusted=chosen.unadjusted,
        differences=differences,
        unstated=unstated,
    )
