"""`adapt`: a site's labelled films teach a linear head on frozen features beside a detector of normal films.

Two settings are chosen by films that the head has not seen (five parts, dealt by patient): how strongly it is shrunk,
and its share ω of the score. ω is 0, and the detector's score stays as it is, unless the sum is better by more than one
standard error once the mix of simple statistics (`STATISTIC_NAMES`) is taken out of both: a head with labels can
learn the scanner. Films that taught are training films: `calibrate` leaves them out, so its guarantee holds as before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unseen.anatomy.found_lungs import FoundLungs
from unseen.data.film import Film, NotRead
from unseen.data.projection import projection_of
from unseen.detectors import METHODS
from unseen.detectors.adapted import Adapted, Head, ridge, standardised
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.evaluation.comparison import auroc_difference
from unseen.evaluation.roc import auroc
from unseen.evaluation.simple_statistics import trivial_statistics
from unseen.evaluation.statistics_mix import mix_scores

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEAST_ABNORMAL, LEAST_NORMAL = 10, 30
SHRINKAGES = (0.1, 0.3, 1.0, 3.0, 10.0)
SHARES = (0.5, 1.0, 2.0, 4.0)
_PARTS = 5


@dataclass(frozen=True, kw_only=True)
class Adaptation:
    """Result of an adaptation, measured on films that the head had not seen.

    >>> figures = {"before": 0.7, "after": 0.8, "mix": None, "gain": 0.1, "error": 0.04}
    >>> Adaptation(normals=50, abnormals=20, **figures, share=0.5, shrinkage=0.1).lines()[0]
    'learnt from 50 normal and 20 abnormal films of this site'

    normals, abnormals  films that taught
    before, after       AUROC of the detector and of the adapted score; both films of the training
    mix                 AUROC of the simple statistics with labels; None where they cannot be fitted
    gain, error         of the AUROC, with the mix taken out of both scores, and its standard error
    share, shrinkage    ω and λ; a share of 0 keeps the detector's score
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

    def lines(self) -> list[str]:
        """The result in sentences."""
        said = [
            f"learnt from {self.normals} normal and {self.abnormals} abnormal films of this site",
            f"AUROC among these films, each judged by a head that did not see it: {self.before:.2f} from normal films "
            f"alone, {self.after:.2f} with labels",
        ]
        if self.mix is not None:
            said.append(f"simple statistics alone (sharpness, exposure, border, …), given the labels: {self.mix:.2f}")
        beyond = f"beyond those statistics the labels add {self.gain:+.2f} (standard error {self.error:.2f})"
        if self.share == 0:
            return [*said, f"{beyond}: not enough, so the score from normal films alone is kept"]
        return [*said, f"{beyond}; the head's share of the score is {self.share:g}"]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labelled films as numbers, in one order.

    features  (n, d) what the head sees
    base      (n,) the detector's scores
    abnormal  (n,)
    patients  n names; films of one patient are in one part
    mix       (n,) log odds of the simple statistics, each film's from a fit without it; None where there is no such fit
    """

    features: torch.Tensor
    base: Floats
    abnormal: Bools
    patients: Sequence[str]
    mix: Floats | None = None


@dataclass(frozen=True, eq=False)
class Chosen:
    """A head's settings, and the held-out scores that they were chosen by (n,)."""

    shrinkage: float
    share: float
    head: Floats
    gain: float
    error: float


def adapt(
    detector: Detector,
    labelled: Iterable[Film | NotRead],
    *,
    share: float = 1.0,
    backbone: Path | str | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Adapted, Adaptation]:
    """Teach a head on a site's labelled films; returns the adapted detector, ready to save, and what was found.

    detector  a trained detector
    labelled  films labelled normal or abnormal; unlabelled and lateral ones, and those trained on, are left out
    share     of the patients whose films teach, in (0, 1]; the others' stay fresh for `calibrate`
    backbone  as for `Adapted.beside`
    progress  called with the number of films done

    Raises FitError for fewer than 10 abnormal or 30 normal films, and as `Adapted.beside` does.

    >>> from unseen.detectors import load
    >>> adapt(load("models/pca"), [], share=0)
    Traceback (most recent call last):
        ...
    unseen.detectors.errors.FitError: share is 0; give the share of the patients whose films teach, like 0.5
    """
    if not 0 < share <= 1:
        raise FitError(f"share is {share}; give the share of the patients whose films teach, like 0.5")
    adapted = Adapted.beside(detector, backbone=backbone)
    trained = frozenset(detector.training_films)
    rows: list[tuple[torch.Tensor, float, bool, str, str]] = []
    statistics: list[dict[str, float | None]] = []
    for done, film in enumerate(labelled, start=1):
        if isinstance(film, Film) and film.label is not None and projection_of(film) != "lateral":
            patient = film.patient or film.pixel_sha256
            if film.pixel_sha256 not in trained and _dealt(patient, "teaches") < share:
                seen = adapted.look(film, FoundLungs(film))
                with METHODS.blaming(adapted.base, film.name):
                    score = adapted.base.judge(seen).score
                if np.isfinite(score):
                    rows.append((adapted.features(seen), score, film.label == "abnormal", patient, film.pixel_sha256))
                    statistics.append(trivial_statistics(film, lung_area=seen.lung_area))
        if progress is not None:
            progress(done)
    abnormal = np.array([row[2] for row in rows], dtype=bool)
    _check_number(abnormal)
    films = Labelled(
        torch.stack([row[0] for row in rows]).double(),
        np.array([row[1] for row in rows]),
        abnormal,
        [row[3] for row in rows],
        mix_of(statistics, [row[3] for row in rows], abnormal),
    )
    chosen = choose(films)
    teach(adapted.head, films, chosen)
    adapted.training_films = (*detector.training_films, *(row[4] for row in rows))
    counted = (int((~abnormal).sum()), int(abnormal.sum()))
    adapted.config = adapted.config.model_copy(update={"labels": counted})
    adapted.facts = dict(detector.facts) | {"labelled_normals": counted[0], "labelled_abnormals": counted[1]}
    adapted.trained_on = detector.trained_on
    return adapted, _report(films, chosen)


def choose(films: Labelled) -> Chosen:
    """λ and ω, by held-out scores; ω is 0 where the gain beyond the mix is at most one standard error."""
    x, _, _ = standardised(films.features)
    gram = (x @ x.T).numpy()
    held_out = {shrinkage: _held_out(gram, films, shrinkage) for shrinkage in SHRINKAGES}
    best = held_out[max(SHRINKAGES, key=lambda one: auroc(held_out[one], films.abnormal))]

    def as_good(head: Floats) -> bool:
        loss, error = auroc_difference(best, head, films.abnormal)
        return loss <= error

    shrinkage = max(one for one in SHRINKAGES if as_good(held_out[one]))
    head = held_out[shrinkage]
    base, own = _scaled(films.base, films.abnormal), _scaled(head, films.abnormal)
    clean = without_mix(films.mix, base, films.abnormal)
    gains = {
        share: auroc_difference(without_mix(films.mix, base + share * own, films.abnormal), clean, films.abnormal)
        for share in SHARES
    }
    share = max(SHARES, key=lambda share: gains[share][0])
    gain, error = gains[share]
    return Chosen(shrinkage, share if gain > error else 0.0, head, gain, error)


def teach(head: Head, films: Labelled, chosen: Chosen) -> None:
    """Fit the head to all of the films with the settings chosen."""
    x, mean, scale = standardised(films.features)
    head.mean.copy_(mean)
    head.scale.copy_(scale)
    head.weights.copy_(x.T @ torch.from_numpy(ridge((x @ x.T).numpy(), films.abnormal, chosen.shrinkage)))
    for buffer, scores in ((head.base, films.base), (head.own, chosen.head)):
        buffer.copy_(torch.tensor(_moments(scores, films.abnormal), dtype=torch.float64))
    head.share.fill_(chosen.share)


def predicted(films: Labelled, chosen: Chosen, features: torch.Tensor, scores: Floats) -> tuple[Floats, Floats]:
    """z and h (m,) of other films: features (m, d), and their scores by the detector (m,)."""
    head = Head(films.features.shape[1])
    teach(head, films, chosen)
    z, h = head(torch.from_numpy(scores), features)
    return z.numpy(), h.numpy()


def _held_out(gram: Floats, films: Labelled, shrinkage: float) -> Floats:
    """Each film's score by a head that learnt from the other parts' films."""
    part = np.array([int(_dealt(patient, "part") * _PARTS) for patient in films.patients])
    found = np.zeros(len(part))
    for number in range(_PARTS):
        held, rest = part == number, part != number
        if held.any() and films.abnormal[rest].any() and not films.abnormal[rest].all():
            found[held] = gram[np.ix_(held, rest)] @ ridge(gram[np.ix_(rest, rest)], films.abnormal[rest], shrinkage)
    return found


def _dealt(patient: str, purpose: str) -> float:
    """A number in [0, 1) that goes by the patient alone."""
    return int(hashlib.sha256(f"{purpose} {patient}".encode()).hexdigest()[:12], 16) / 16**12


def _moments(scores: Floats, abnormal: Bools) -> tuple[float, float]:
    """Mean and deviation of the normals'."""
    normals = scores[~abnormal]
    return float(normals.mean()), max(float(normals.std()), 1e-12)


def _scaled(scores: Floats, abnormal: Bools) -> Floats:
    mean, deviation = _moments(scores, abnormal)
    return np.asarray((scores - mean) / deviation, dtype=np.float64)


def without_mix(mix: Floats | None, scores: Floats, abnormal: Bools) -> Floats:
    """Scores less what the mix explains of them, by a line through the normals."""
    if mix is None:
        return scores
    slope, offset = np.polyfit(mix[~abnormal], scores[~abnormal], 1)
    return np.asarray(scores - slope * mix - offset, dtype=np.float64)


def mix_of(statistics: Sequence[dict[str, float | None]], patients: Sequence[str], abnormal: Bools) -> Floats | None:
    """(n,) log odds of the simple statistics, each film's from a fit without its patient; None where there is none."""
    import polars as pl

    table = pl.DataFrame(statistics, infer_schema_length=None).with_columns(
        file=pl.Series(patients), patient=pl.Series(patients)
    )
    found = mix_scores(table, abnormal)
    return None if found is None else found[0]


def _check_number(abnormal: Bools) -> None:
    normals, abnormals = int((~abnormal).sum()), int(abnormal.sum())
    if normals < LEAST_NORMAL or abnormals < LEAST_ABNORMAL:
        raise FitError(
            f"{normals} normal and {abnormals} abnormal films can teach, and {LEAST_NORMAL} and {LEAST_ABNORMAL} are "
            "needed. Label more films; those that the model was trained on do not count"
        )


def _report(films: Labelled, chosen: Chosen) -> Adaptation:
    base, own = _scaled(films.base, films.abnormal), _scaled(chosen.head, films.abnormal)
    return Adaptation(
        normals=int((~films.abnormal).sum()),
        abnormals=int(films.abnormal.sum()),
        before=auroc(base, films.abnormal),
        after=auroc(base + chosen.share * own, films.abnormal),
        mix=None if films.mix is None else auroc(films.mix, films.abnormal),
        gain=chosen.gain,
        error=chosen.error,
        share=chosen.share,
        shrinkage=chosen.shrinkage,
    )
