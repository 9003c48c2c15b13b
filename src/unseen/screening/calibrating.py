"""`calibrate`: labelled studies → a policy, and the screener that follows it.

Three things are learnt, each from the studies that it is about: the threshold of each source from its abnormals, the
p-values from its normals, the probability from all. Films that the model was trained on are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from unseen import __version__
from unseen.data.film import Film, NotRead
from unseen.screening.drift import DriftReference
from unseen.screening.guarantee import Guarantee
from unseen.screening.policy import UNKNOWN, Policy, PolicyError, SourcePolicy
from unseen.screening.probability import fit_probability
from unseen.screening.screener import Guards, Scores, Screener
from unseen.screening.studies import Study, one_a_patient, studies_of


def calibrate(
    detector: Scores,
    labelled: Iterable[Film | NotRead],
    max_miss_rate: float = 0.05,
    confidence: float = 0.95,
    *,
    prevalence: float | None = None,
    source_tag: str | None = None,
    gate: Guards | None = None,
    lifetime: int | None = None,
    jointly: bool = False,
    audit_share: float = 0.05,
    progress: Callable[[int], None] | None = None,
) -> Screener:
    """Calibrate `detector` on labelled films of a site and return the screener.

    labelled       films labelled normal or abnormal; those without a label, and those trained on, are left out
    max_miss_rate  α: the share of abnormal studies that may be cleared, per source, in (0, 1)
    confidence     1 − δ: how sure that is to hold, in (0, 1)
    prevalence     of abnormal studies at the site, in (0, 1), for the probabilities; None: as among the labelled
    source_tag     DICOM keyword whose value is a film's source, such as "StationName"; else the manifest's `source`
    gate           refuses films unlike the training films
    lifetime       this is the j-th calibration of a lifetime, which spends δ/2ʲ
    jointly        let the guarantee hold for all sources at once (δ/S each)
    audit_share    of cleared studies, read all the same, in [0, 1]
    progress       called with the number of films done

    Raises GuaranteeError for a rate that cannot be guaranteed, PolicyError for another share that is none, and where
    no labelled film was scored.
    """
    promise = Guarantee(max_miss_rate, confidence)
    for name, value, within in (("prevalence", prevalence, (0, 1)), ("audit_share", audit_share, (-1e-9, 1 + 1e-9))):
        if value is not None and not within[0] < value < within[1]:
            raise PolicyError(f"{name} is {value}; give a share between 0 and 1, like 0.1")
    trained = frozenset(getattr(detector, "training_films", ()))
    screener = Screener(detector, gate=gate)

    def fresh() -> Iterable[Film | NotRead]:
        for done, film in enumerate(labelled, start=1):
            if film.label is not None and not (isinstance(film, Film) and film.pixel_sha256 in trained):
                yield film
            if progress:
                progress(done)

    studies = studies_of(screener.screen(fresh()), source_tag=source_tag)
    policy = policy_of(
        studies,
        promise,
        model=str(getattr(detector, "key", type(detector).__name__)),
        weights_sha256=detector.weights_sha256,
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


def policy_of(
    studies: Sequence[Study],
    promise: Guarantee,
    *,
    model: str,
    weights_sha256: str,
    prevalence: float | None = None,
    lifetime: int | None = None,
    jointly: bool = False,
) -> Policy:
    """The policy that labelled, scored studies lead to; a pure function.

    Raises PolicyError where no study was scored.
    """
    counted = one_a_patient(studies)
    scored = [(study.score, study.abnormal) for study in counted if study.score is not None]
    if not scored:
        raise PolicyError(
            "no labelled film was scored, so there is nothing to calibrate on. Give films labelled normal or abnormal "
            "that the model was not trained on"
        )
    names = sorted({study.source for study in counted} - {UNKNOWN})
    spent = promise if lifetime is None else promise.spent(lifetime)
    spent = spent.jointly(len(names)) if jointly and names else spent
    values, labels = [score for score, _ in scored], [abnormal for _, abnormal in scored]
    both = any(labels) and not all(labels)
    share = sum(labels) / len(labels) if prevalence is None else prevalence
    return Policy(
        model=model,
        weights_sha256=weights_sha256,
        max_miss_rate=promise.max_miss_rate,
        confidence=promise.confidence,
        level=spent.confidence,
        lifetime=lifetime,
        jointly=jointly,
        sources={name: _source([s for s in counted if s.source == name], spent, name) for name in names},
        probability=fit_probability(values, labels, prevalence=prevalence) if both else None,
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
        else f"refused: {len(abnormals)} of {needed} abnormal studies. "
        f"Label {needed - len(abnormals)} more from {name}, or ask for less",
    )
