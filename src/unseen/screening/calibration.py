"""Calibration of a detector on labelled studies: the policy, and the screener that follows it.

The threshold of each source depends on its abnormal studies, the p-values on its normal studies, and the probability on
all studies. Films that the model was trained on, and other films of their patients, are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.artifacts.number_words import number_of, verb_of
from unseen.data.film import Film, NotRead, one_line
from unseen.screening.audit_draw import AUDIT_SHARE
from unseen.screening.calibration_films import CalibrationFilms
from unseen.screening.drift_watch import DriftReference
from unseen.screening.guarantee import Guarantee
from unseen.screening.labelled_studies import Study, one_a_patient, studies_of
from unseen.screening.policy import UNKNOWN_SOURCE, Policy, PolicyError, SourcePolicy
from unseen.screening.probability import fit_probability
from unseen.screening.probes import Probe, probes_of

if TYPE_CHECKING:
    from unseen.screening.screened import Screened
    from unseen.screening.screener import Guards, ScoringDetector, Screener

_log = logging.getLogger("unseen")


def calibrate(
    detector: ScoringDetector,
    labelled: Iterable[Film | NotRead],
    max_miss_rate: float = Guarantee.max_miss_rate,
    confidence: float = Guarantee.confidence,
    *,
    prevalence: float | None = None,
    source_tag: str | None = None,
    gate: Guards | None = None,
    lifetime: int | None = None,
    jointly: bool = False,
    audit_share: float = AUDIT_SHARE,
    progress: Callable[[int], None] | None = None,
    watch: Callable[[Screened], None] | None = None,
    scores: Mapping[str, float] | None = None,
) -> Screener:
    """Calibrate a detector on labelled films of a site.

    Args:
        detector: a trained detector.
        labelled: films labelled normal or abnormal. Films without a label, films that the detector was trained on, and
            other films of their patients are left out; a warning in the log counts them.
        max_miss_rate: α, the share of abnormal studies that may be cleared, per source, in (0, 1).
        confidence: 1 − δ, the confidence level of the guarantee, in (0, 1).
        prevalence: share of abnormal studies at the site, in (0, 1), for the probabilities; None: no probabilities.
        source_tag: DICOM keyword whose value is a film's source, such as "StationName"; None: the manifest's `source`.
        gate: input gate, which refuses films unlike the training films.
        lifetime: number j of this calibration in the site's lifetime, from 1; it spends δ/2ʲ.
        jointly: whether the guarantee holds for all S sources at once (δ/S each).
        audit_share: share of the cleared studies that readers read nevertheless, in [0, 1].
        progress: called with the number of films done.
        watch: called with each film that was screened and its decision.
        scores: earlier scores of this detector by the films' pixel digests; they are not computed again.

    Returns:
        The screener with the detector, the gate and the new policy.

    Raises:
        GuaranteeError: a miss rate or confidence outside (0, 1).
        PolicyError: another share outside its range, or no labelled film was scored.

    Example:
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import load
        >>> films = [*phantoms.normals(4, seed=1, size=64), *phantoms.abnormals(4, seed=2, size=64)]
        >>> screener = calibrate(load("models/pca"), films, max_miss_rate=0.5, confidence=0.9)
        >>> screener(films[0]).action in ("clear", "read")
        True
    """
    from unseen.screening.screener import Screener  # brings torch, which a worklist does not need to calibrate

    promise = Guarantee(max_miss_rate, confidence)
    _check_shares(prevalence=prevalence, audit_share=audit_share)
    films = CalibrationFilms(labelled, frozenset(getattr(detector, "training_films", ())), progress=progress)
    screener = Screener(detector, gate=gate)
    unscored: dict[str, str] = {}  # of each patient the first film, with the reason

    def screened() -> Iterable[Screened]:
        for one in screener.screen(iter(films), scores=scores):
            if watch is not None:
                watch(one)
            if one.decision.score is None:
                unscored.setdefault(one.film.patient, f"{one_line(one.film.name)}: {one.decision.reason}")
            yield one

    listed = studies_of(screened(), source_tag=source_tag)
    taught = films.taught
    studies = [study for study in listed if study.patient not in taught]
    persons = films.persons
    for warning in films.warnings():
        _log.warning(warning)
    if others := len(listed) - len(studies):
        _log.warning(f"{number_of(others, 'study')} left out: the model was trained on other films of these patients")
    first = next((unscored[study.patient] for study in studies if study.patient in unscored), "")
    if first and all(study.score is None for study in studies):
        raise PolicyError(
            f"{number_of(len(studies), 'labelled film')}, and none was scored, so there is nothing to calibrate on. "
            f"The first: {first}"
        )
    policy = policy_of(
        [replace(study, patient=persons.get(study.patient, study.patient)) for study in studies],
        promise,
        model=str(getattr(detector, "key", type(detector).__name__)),
        weights_sha256=detector.weights_sha256,
        model_parts=screener.parts,
        probes=probes_of(detector),
        prevalence=prevalence,
        lifetime=lifetime,
        jointly=jointly,
    )
    update = {
        "source_tag": source_tag,
        "gate": None if gate is None else gate.thresholds,
        "audit_share": audit_share,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Screener(detector, Policy(**(policy.model_dump() | update)), gate=gate)


def _check_shares(*, prevalence: float | None, audit_share: float) -> None:
    """Raise PolicyError unless the prevalence, where it is given, is in (0, 1) and the audit's share in [0, 1]."""
    for name, value, within in (("prevalence", prevalence, (0, 1)), ("audit_share", audit_share, (-1e-9, 1 + 1e-9))):
        if value is not None and not within[0] < value < within[1]:
            raise PolicyError(f"{name} is {value}; give a share between 0 and 1, like 0.1")


def policy_of(
    studies: Sequence[Study],
    promise: Guarantee,
    *,
    model: str,
    weights_sha256: str,
    model_parts: Mapping[str, str] | None = None,
    probes: Sequence[Probe] = (),
    prevalence: float | None = None,
    lifetime: int | None = None,
    jointly: bool = False,
) -> Policy:
    """Return the policy that labelled, scored studies lead to; a pure function.

    Args:
        studies: labelled studies with their scores.
        promise: the miss rate that is guaranteed, and its confidence.
        model: the detector's name.
        weights_sha256: SHA-256 of its weights.
        model_parts: SHA-256 of each of its parts; the policy holds for this model alone. None: no screener accepts it.
        probes: the probe films, scored by the machine that scored the studies.
        prevalence: of abnormal studies at the site, in (0, 1), as the user entered it; None: the policy gives no
            probabilities.
        lifetime: this is the j-th calibration of a lifetime, which spends δ/2ʲ.
        jointly: whether the guarantee holds for all sources at once.

    Raises:
        PolicyError: no study was scored.

    >>> names = [str(i) for i in range(60)]
    >>> studies = [
    ...     Study(name=name, patient=name, source="ward", abnormal=i % 2 == 1, score=i / 60)
    ...     for i, name in enumerate(names)
    ... ]
    >>> policy = policy_of(studies, Guarantee(0.1, 0.95), model="pca", weights_sha256="ab" * 32)
    >>> policy.sources["ward"].abnormals
    30
    """
    counted = one_a_patient(studies)
    scored = [(study.score, study.abnormal) for study in counted if study.score is not None]
    if not scored:
        raise PolicyError(
            "no labelled film was scored, so there is nothing to calibrate on. Give films labelled normal or abnormal, "
            "of patients on whose films the model was not trained"
        )
    names = sorted({study.source for study in counted} - {UNKNOWN_SOURCE})
    spent = promise if lifetime is None else promise.spent(lifetime)
    spent = spent.jointly(len(names)) if jointly and names else spent
    values, labels = [score for score, _ in scored], [abnormal for _, abnormal in scored]
    both = any(labels) and not all(labels)
    share = sum(labels) / len(labels) if prevalence is None else prevalence
    return Policy(
        model=model,
        weights_sha256=weights_sha256,
        model_parts=dict(model_parts or {}),
        probes=tuple(probes),
        max_miss_rate=promise.max_miss_rate,
        confidence=promise.confidence,
        level=spent.confidence,
        lifetime=lifetime,
        jointly=jointly,
        sources={name: _source([s for s in counted if s.source == name], spent, name) for name in names},
        probability=fit_probability(values, labels, prevalence=prevalence) if both and prevalence is not None else None,
        drift=DriftReference(
            normals=tuple(sorted(score for score, abnormal in scored if not abnormal)),
            abnormals=tuple(sorted(score for score, abnormal in scored if abnormal)),
            prevalence=min(max(share, 1e-6), 1 - 1e-6),
            not_scored=len(counted) - len(scored),
        ),
        films=tuple(sorted({digest[:16] for study in studies for digest in study.films})),
        version=__version__,
    )


def _source(studies: Sequence[Study], promise: Guarantee, name: str) -> SourcePolicy:
    normals = sorted(s.score for s in studies if s.score is not None and not s.abnormal)
    abnormals = sorted(s.score for s in studies if s.score is not None and s.abnormal)
    threshold = promise.threshold(abnormals)
    needed = promise.abnormals_needed()
    return SourcePolicy(
        abnormals=len(abnormals),
        normals=tuple(normals),
        not_scored=sum(s.score is None for s in studies),
        allowed_misses=promise.allowed_misses(len(abnormals)),
        threshold=threshold,
        cleared_normals=0 if threshold is None else sum(score < threshold for score in normals),
        refused=""
        if threshold is not None
        else f"{number_of(len(abnormals), 'abnormal study', 'is')} labelled and scored, and {needed:,} "
        f"{verb_of(needed, 'is')} needed. Label {needed - len(abnormals):,} more from {name}",
    )
