"""A calibration from what readers here have reported: studies with a standing report, scored by one model.

Which abnormals a guarantee may count: those that would have been read whatever their score. Where a policy cleared
already, a study is read because its score is high; so of studies that were judged by a policy, only those count that
the audit sample would have taken whatever the decision: a keyed hash of the study's name, which knows no score.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from sqlalchemy import Connection, Select, func, literal, select

from unseen.artifacts import number_of
from unseen.screening import (
    AUDIT_SHARE,
    UNKNOWN_SOURCE,
    Guarantee,
    Policy,
    PolicyError,
    Study,
    claimed_source,
    deciding,
    is_sampled,
    one_a_patient,
    policy_of,
)
from unseen_server.worklist.accounts import fixed_sources
from unseen_server.worklist.bulk import among
from unseen_server.worklist.labels import (
    CONFIRMATIONS,
    SEEN,
    Origin,
    confirmed,
    is_hasty,
    standing,
    unseen_labels,
)
from unseen_server.worklist.report_coverage import covers
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.tables import decisions, films, findings, reports, studies
from unseen_server.worklist.training_patients import patient_name, training_patients

if TYPE_CHECKING:
    from unseen.screening import Probe
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.transactions import Found

MISSES = (0, 1, 2)
"""For each of these numbers of abnormals below the threshold, the number of labels needed is reported."""
MOST = 50_000
"""Reported studies that are looked at, latest first."""
WORDS: dict[str, str] = {"elsewhere": "of another system", "unrecorded": "of an earlier release"}


@dataclass(frozen=True, kw_only=True)
class SourceLabels:
    """Reports of one source, one study a patient and label.

    Args:
        not_scored: refused by the gate, or not read.
    """

    source: str
    abnormals: int
    normals: int
    not_scored: int
    unread: Annotated[
        int, Field(description="studies received in the same time that could count and that no reader has reported yet")
    ]
    allowed_misses: Annotated[
        int | None, Field(description="of its abnormals that may be cleared; null: nothing is cleared")
    ]
    refused: Annotated[str, Field(description='why nothing would be cleared; "" where something would')]


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Progress of a site towards a calibration.

    Args:
        needed: abnormals of a source for 0, 1 and 2 of them below the threshold.
        trained_on: films left out because the model was trained on them, or on other films of their patients.
        not_seen: studies left out because the model has not seen all their films.
        selected: studies left out because a policy had decided whether they are read.
        hasty: studies left out only because they were reported within two seconds of the film's display.
        unsure: studies left out only because they were reported unsure.
        unread: studies of all sources that were received in the same time, wait for a reader still, and could count.
        studies: what counts.
        origins: how the reports came to be that count, and `not_counted`: reported studies of other origins.
        confirmed: reports of other systems that a person here has confirmed; below `CONFIRMATIONS` none of them counts.
    """

    model: str
    promise: Guarantee
    needed: tuple[int, ...]
    sources: tuple[SourceLabels, ...]
    trained_on: int
    not_seen: int
    selected: int
    unread: int
    studies: tuple[Study, ...] = field(repr=False)
    hasty: int = 0
    unsure: int = 0
    origins: tuple[Origin, ...] = SEEN
    not_counted: Mapping[Origin, int] = field(default_factory=dict)
    confirmed: int = 0

    @property
    def caution(self) -> str:
        """Return the warning for those who agree to a calibration on these labels; "" if there is none."""
        return " ".join(filter(None, (self._unseen(), self._unread(), self._unsure())))

    def _unseen(self) -> str:
        others = [WORDS[origin] for origin in self.origins if origin not in SEEN]
        return (
            f"Reports {' and '.join(others)} count here: nobody can show that their films were seen." if others else ""
        )

    def _unread(self) -> str:
        if not self.unread:
            return ""
        were = "was" if self.unread == 1 else "were"
        return (
            f"{number_of(self.unread, 'study')} received in the same time {were} not read yet. Abnormal ones "
            "among them with lower scores than those that were reported would lower the threshold: the promise holds "
            "only as far as what was reported is a fair sample."
        )

    def _unsure(self) -> str:
        if not self.unsure:
            return ""
        does = "was reported unsure and does" if self.unsure == 1 else "were reported unsure and do"
        return (
            f"{number_of(self.unsure, 'study')} {does} not count. Abnormal ones among them with lower scores than "
            "those that count would lower the threshold: the promise is about studies that readers call abnormal."
        )


def labels(
    store: Store,
    model: str,
    promise: Guarantee,
    *,
    trained_on: Collection[str] = (),
    gated_alike: Collection[str] = (),
    source_tag: str | None = None,
    policies: Mapping[str, Policy] | None = None,
    origins: Collection[Origin] = SEEN,
) -> Labels:
    """Return the readers' reports that a calibration of `model` may count.

    Args:
        store: the worklist.
        model: SHA-256 of the weights.
        promise: guarantee of the calibration.
        trained_on: pixel digests of the training films.
        gated_alike: models with the same input gate. A model that was only compared has also scored films that its gate
            would refuse.
        source_tag: DICOM keyword whose value is the source of a film; None: the source under which it was received.
        policies: further policies that cleared films here, by digest; activated policies are known.
        origins: origins of the reports that count; by default, those on films that were shown to their reader. Reports
            of other systems count only after `CONFIRMATIONS` of them were confirmed here.
    """
    needed = tuple(promise.abnormals_needed(misses) for misses in MISSES)
    known = {**(policies or {}), **store.activations.policies()}
    with store.database.reading() as connection:
        agreed = confirmed(connection)
        if agreed < CONFIRMATIONS:
            origins = [origin for origin in origins if origin != "elsewhere"]
        labelled = ("normal", "abnormal")
        rows = _films(connection, model, standing(*labelled, origins=origins))
        hasty = _films(connection, model, standing(*labelled, origins=origins, hasty=True).where(is_hasty()))
        unsure = _films(connection, model, standing("unsure", origins=origins, hasty=True))
        others = unseen_labels(connection)
        deciding = _deciding(connection)
        refused = _refused(connection, gated_alike)
        fixed = fixed_sources(connection)
        taught = training_patients(connection, trained_on)

        def is_read_at_any_score(study: Found) -> bool:
            return _counts(study.public_id, deciding.get(study.number, ()), known, store.names.key)

        unread = _unread(connection, is_read_at_any_score, taught, source_tag, fixed)

    def gathered(of_films: Iterable[Found]) -> _Gathered:
        found = _Gathered(taught, refused, source_tag, fixed)
        for _, of_study in _by_study(of_films):
            if is_read_at_any_score(of_study[0]):
                found.take(of_study)
            else:
                found.selected += 1
        return found

    counted = gathered(rows)
    return Labels(
        model=model,
        promise=promise,
        needed=needed,
        sources=tuple(_sources(counted.studies, promise, unread)),
        trained_on=counted.trained_on,
        not_seen=counted.not_seen,
        selected=counted.selected,
        hasty=len(gathered(hasty).studies),
        unsure=len(gathered(unsure).studies),
        unread=sum(unread.values()),
        studies=tuple(counted.studies),
        origins=tuple(origins),
        not_counted={origin: count for origin, count in others.items() if origin not in origins},
        confirmed=agreed,
    )


def policy_from(
    found: Labels,
    *,
    name: str,
    model_parts: Mapping[str, str],
    probes: Sequence[Probe],
    prevalence: float | None = None,
    gate: Mapping[str, float] | None = None,
    source_tag: str | None = None,
    audit_share: float = AUDIT_SHARE,
    may_clear_nothing: bool = False,
) -> Policy:
    """Return the policy that these labels lead to, as `screening.calibrate` would have made it.

    Args:
        name: the model's, for people.
        model_parts: SHA-256 of each of its parts.
        probes: the probe films, as this site's workers score them.
        gate: the thresholds of the model's input gate.
        may_clear_nothing: for a model that decides nothing: its policy is a reference for percentiles.

    Raises WorklistError, with what is missing, where nothing would be cleared from any source.
    """
    if prevalence is not None and not 0 < prevalence < 1:
        raise WorklistError(f"prevalence is {prevalence}; give a share between 0 and 1, like 0.1.")
    if not may_clear_nothing and all(source.allowed_misses is None for source in found.sources):
        reasons = "; ".join(f"{source.source}: {source.refused}" for source in found.sources)
        raise WorklistError(
            f"Nothing could be cleared. For {found.promise}, {number_of(found.needed[0], 'abnormal study')} of a "
            f"source must have been reported here. {reasons or 'None is labelled yet'}."
        )
    try:
        policy = policy_of(
            found.studies,
            found.promise,
            model=name,
            weights_sha256=found.model,
            model_parts=model_parts,
            probes=probes,
            prevalence=prevalence,
        )
    except PolicyError as error:
        raise WorklistError(f"{error}.") from error
    update = {
        "gate": None if gate is None else dict(gate),
        "source_tag": source_tag,
        "audit_share": audit_share,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Policy(**(policy.model_dump() | update))


class _Gathered:
    """Studies as `screening.calibration` makes them of films, from what is kept of them."""

    def __init__(
        self, taught: frozenset[str], refused: frozenset[int], source_tag: str | None, fixed: frozenset[str]
    ) -> None:
        self._taught, self._refused, self._tag, self._fixed = taught, refused, source_tag, fixed
        self.studies: list[Study] = []
        self.trained_on = 0
        self.not_seen = 0
        self.selected = 0

    def take(self, of_study: list[Found]) -> None:
        frontal = _deciding_films(of_study)
        if not frontal:
            return
        first = frontal[0]
        if (patient := patient_name(first.public_id, first.patient, first.issuer)) in self._taught:
            self.trained_on += len(frontal)
            return
        if any(row.finding is None for row in frontal):
            self.not_seen += 1
            return
        scores = [None if row.film in self._refused else row.score for row in frontal]
        self.studies.append(
            Study(
                name=first.public_id,
                patient=patient,
                source=_source(frontal, self._tag, self._fixed),
                abnormal=first.outcome == "abnormal",
                score=None if None in scores else max(score for score in scores if score is not None),
                films=tuple(row.pixel_sha256 for row in frontal if row.pixel_sha256),
            )
        )


def _deciding_films(of_study: list[Found]) -> list[Found]:
    """Return the frontal films that decide about a study."""
    frontal = [row for row in of_study if row.projection != "lateral"]
    decides = deciding([(row.origin or "original", json.loads(row.related or "[]")) for row in frontal])
    return [row for row, counts in zip(frontal, decides, strict=True) if counts]


def _source(frontal: list[Found], tag: str | None, fixed: frozenset[str]) -> str:
    """Return the source of a study, from its films that decide."""
    claimed = {str(claimed_source(json.loads(row.tags), row.source, tag=tag, fixed=fixed)) for row in frontal}
    return claimed.pop() if len(claimed) == 1 else UNKNOWN_SOURCE


def _films(connection: Connection, model: str, chosen: Select[Any]) -> list[Found]:  # Any: as `standing`
    """Return the films of the studies with these standing reports, with the model's finding."""
    reported = chosen.limit(MOST).subquery()
    query = (
        select(
            studies.c.id.label("number"), studies.c.public_id, studies.c.patient, studies.c.issuer, reported.c.outcome,
            films.c.id.label("film"), films.c.source, films.c.tags, films.c.projection, films.c.pixel_sha256,
            films.c.origin, films.c.related,
            findings.c.id.label("finding"), findings.c.score,
        )
        .join(reported, reported.c.study_id == studies.c.id)
        .join(films, films.c.study_id == studies.c.id)
        .outerjoin(findings, (findings.c.film_id == films.c.id) & (findings.c.model == model))
        .where(covers(reported))
        .order_by(studies.c.id, films.c.id)
    )  # fmt: skip
    rows: Iterable[Found] = connection.execute(query)
    return list(rows)


def _by_study(rows: Iterable[Found]) -> Iterable[tuple[int, list[Found]]]:
    """Yield each study's number and films; the rows are in the order of the studies."""
    for number, of_study in groupby(rows, key=attrgetter("number")):
        yield number, list(of_study)


def _deciding(connection: Connection) -> dict[int, set[str]]:
    """Return the policies that have decided on each study."""
    found: dict[int, set[str]] = {}
    query = select(decisions.c.study_id, decisions.c.policy_digest).where(decisions.c.policy_digest != "").distinct()
    for row in connection.execute(query):
        found.setdefault(row.study_id, set()).add(row.policy_digest)
    return found


def _refused(connection: Connection, models: Collection[str]) -> frozenset[int]:
    """Return the films on which the latest decision is that one of these models could not score them."""
    latest = select(func.max(decisions.c.id)).where(decisions.c.film_id.is_not(None)).group_by(decisions.c.film_id)
    query = select(decisions.c.film_id).where(
        decisions.c.id.in_(latest), decisions.c.action == "not_scored", decisions.c.model.in_(list(models))
    )
    return frozenset(connection.execute(query).scalars()) if models else frozenset()


def _unread(
    connection: Connection,
    is_read_at_any_score: Callable[[Found], bool],
    taught: frozenset[str],
    tag: str | None,
    fixed: frozenset[str],
) -> Counter[str]:
    """Count by source the studies that wait for a reader and were received before the latest that was reported.

    As in a calibration, a study's source is that of its films, and neither studies of laterals alone, nor those of
    training patients, nor those that a policy has chosen for reading count.
    """
    latest = (
        select(func.max(studies.c.received_us))
        .join(reports, reports.c.study_id == studies.c.id)
        .where(reports.c.undone_us.is_(None))
        .scalar_subquery()
    )
    waiting = (
        select(
            studies.c.id.label("number"), studies.c.public_id, studies.c.patient, studies.c.issuer,
            films.c.source, films.c.projection, films.c.origin, films.c.related,
            literal("{}").label("tags") if tag is None else films.c.tags,
        )
        .join(films, films.c.study_id == studies.c.id)
        .where(studies.c.shelf == "to_read", studies.c.received_us <= latest)
        .order_by(studies.c.id, films.c.id)
    )  # fmt: skip
    rows: Iterable[Found] = connection.execute(waiting)
    found: Counter[str] = Counter()
    for _, of_study in _by_study(rows):
        first, frontal = of_study[0], _deciding_films(of_study)
        if not frontal or patient_name(first.public_id, first.patient, first.issuer) in taught:
            continue
        if is_read_at_any_score(first):
            found[_source(frontal, tag, fixed)] += 1
    return found


def counted_studies(store: Store, wanted: Collection[str], *, policies: Mapping[str, Policy] | None = None) -> set[str]:
    """Return those of these studies that would have been read at any score.

    Args:
        store: the worklist.
        wanted: names of studies.
        policies: as for `labels`.
    """
    known = {**(policies or {}), **store.activations.policies()}
    with store.database.reading() as connection:
        named = select(studies.c.id, studies.c.public_id).where(among(connection, studies.c.public_id, wanted))
        numbers = {row.public_id: row.id for row in connection.execute(named)}
        decided = _deciding(connection)
    return {
        study for study, number in numbers.items() if _counts(study, decided.get(number, ()), known, store.names.key)
    }


def _counts(study: str, decided: Iterable[str], known: Mapping[str, Policy], key: bytes) -> bool:
    """Return True if a study would have been read at any score."""
    return all(
        (policy := known.get(digest)) is not None
        and (not policy.clears or is_sampled(study, share=policy.audit_share, key=key))
        for digest in decided
    )


def _sources(found: list[Study], promise: Guarantee, unread: Counter[str]) -> Iterable[SourceLabels]:
    counted = one_a_patient(found)
    needed = promise.abnormals_needed()
    names = sorted({study.source for study in counted} - {UNKNOWN_SOURCE})
    for name in [*names, *([UNKNOWN_SOURCE] if any(study.source == UNKNOWN_SOURCE for study in counted) else [])]:
        own = [study for study in counted if study.source == name]
        abnormals = sum(study.abnormal for study in own if study.score is not None)
        allowed = None if name == UNKNOWN_SOURCE else promise.allowed_misses(abnormals)
        more = needed - abnormals
        yield SourceLabels(
            source=name,
            abnormals=abnormals,
            normals=sum(not study.abnormal for study in own if study.score is not None),
            not_scored=sum(study.score is None for study in own),
            unread=unread[name],
            allowed_misses=allowed,
            refused=""
            if allowed is not None
            else "its studies belong to no source, so they are never cleared"
            if name == UNKNOWN_SOURCE
            else f"{abnormals} of {number_of(needed, 'abnormal study', 'is')} reported, "
            f"{more} more {'is' if more == 1 else 'are'} needed",
        )
