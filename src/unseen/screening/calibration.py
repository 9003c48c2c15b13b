"""`calibrate`: labelled studies → a policy, and the screener that follows it.

Three things are learnt, each from the studies that it is about: the threshold of each source from its abnormals, the
p-values from its normals, the probability from all. Films that the model was trained on are left out.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.artifacts.number_words import number_of, verb_of
from unseen.data.film import Film, Label, NotRead, one_line
from unseen.screening.audit_sample import AUDIT_SHARE
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
    """Calibrate `detector` on labelled films of a site and return the screener.

    detector       a trained detector
    labelled       films labelled normal or abnormal; those without a label, and those trained on, are left out, and a
                   warning in the log counts them
    max_miss_rate  α: the share of abnormal studies that may be cleared, per source, in (0, 1)
    confidence     1 − δ: how sure that is to hold, in (0, 1)
    prevalence     of abnormal studies at the site, in (0, 1), for the probabilities; None: no probability is given
    source_tag     DICOM keyword whose value is a film's source, such as "StationName"; else the manifest's `source`
    gate           refuses films unlike the training films
    lifetime       this is the j-th calibration of a lifetime, which spends δ/2ʲ
    jointly        let the guarantee hold for all sources at once (δ/S each)
    audit_share    of cleared studies, read all the same, in [0, 1]
    progress       called with the number of films done
    watch          called with each film that was looked at, and what became of it
    scores         scores that this detector has given before, by the films' pixel digests; they are not computed again

    Raises GuaranteeError for a rate that cannot be guaranteed, PolicyError for another share that is none, and where
    no labelled film was scored.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> films = [*phantoms.normals(4, seed=1, size=64), *phantoms.abnormals(4, seed=2, size=64)]
    >>> screener = calibrate(load("models/pca"), films, max_miss_rate=0.5, confidence=0.9)
    >>> screener(films[0]).action in ("clear", "read")
    True
    """
    from unseen.screening.screener import Screener  # brings torch, which a worklist does not need to calibrate

    promise = Guarantee(max_miss_rate, confidence)
    for name, value, within in (("prevalence", prevalence, (0, 1)), ("audit_share", audit_share, (-1e-9, 1 + 1e-9))):
        if value is not None and not within[0] < value < within[1]:
            raise PolicyError(f"{name} is {value}; give a share between 0 and 1, like 0.1")
    trained = frozenset(getattr(detector, "training_films", ()))
    screener = Screener(detector, gate=gate)
    learnt: Counter[str] = Counter()
    unlabelled = 0
    copies = _Copies()

    def fresh() -> Iterable[Film | NotRead]:
        nonlocal unlabelled
        for done, film in enumerate(labelled, start=1):
            if film.label is None:
                unlabelled += 1
            elif isinstance(film, Film) and film.pixel_sha256 in trained:
                learnt[film.label] += 1
            else:
                if isinstance(film, Film):
                    copies.add(film)
                yield film
            if progress:
                progress(done)

    unscored: list[Screened] = []  # the first one alone: a film is large

    def screened() -> Iterable[Screened]:
        for one in screener.screen(fresh(), scores=scores):
            if watch is not None:
                watch(one)
            if one.decision.score is None and not unscored:
                unscored.append(one)
            yield one

    studies = studies_of(screened(), source_tag=source_tag)
    for label, count in learnt.items():
        _log.warning(
            "%s left out: the model was trained on %s. Hold %s films back from the training for the calibration",
            number_of(count, f"{label} film"), "it" if count == 1 else "them", label,
        )  # fmt: skip
    if unlabelled:
        _log.warning("%s without a label left out", number_of(unlabelled, "film"))
    for warning in copies.warnings():
        _log.warning(warning)
    if unscored and all(study.score is None for study in studies):
        first = unscored[0]
        raise PolicyError(
            f"{number_of(len(studies), 'labelled film')}, and none was scored, so there is nothing "
            f"to calibrate on. The first: {one_line(first.film.name)}: {first.decision.reason}"
        )
    policy = policy_of(
        studies,
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


@dataclass
class _Copies:
    """Labelled films whose pixels came before, under the same name or another."""

    first: dict[str, tuple[str, Label | None]] = field(default_factory=dict)
    """Name and label of each film that came first, by its pixel digest."""
    count: int = 0
    pair: tuple[str, str] | None = None
    contradicted: int = 0
    contradiction: tuple[str, str] | None = None

    def add(self, film: Film) -> None:
        name, label = self.first.setdefault(film.pixel_sha256, (film.name, film.label))
        if label != film.label:
            self.contradicted += 1
            self.contradiction = self.contradiction or (name, film.name)
        elif name != film.name:
            self.count += 1
            self.pair = self.pair or (name, film.name)

    def warnings(self) -> Iterator[str]:
        """Yield a sentence for copies of one label, and one for copies of both labels."""
        if self.pair is not None:
            films = "film is a copy of another" if self.count == 1 else "films are copies of others"
            yield (
                f"{self.count} {films} under another name, by the pixels, such as {_named(self.pair)}: copies "
                "count as one patient"
            )
        if self.contradiction is not None:
            yield (
                f"{number_of(self.contradicted, 'film', 'is')} labelled normal and abnormal, by the pixels, such as "
                f"{_named(self.contradiction)}. Correct the labels"
            )


def _named(pair: tuple[str, str]) -> str:
    return " and ".join(map(one_line, dict.fromkeys(pair)))


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
            "no labelled film was scored, so there is nothing to calibrate on. Give films labelled normal or abnormal "
            "that the model was not trained on"
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
