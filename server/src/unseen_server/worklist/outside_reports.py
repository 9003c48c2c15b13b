"""Reports of other systems, as their messages come: final, corrected, withdrawn, and before their films.

A report closes its study, whoever sent it first; a corrected one of the same system takes its place, a withdrawn one
gives the study back. The same message again changes nothing. A study that was reported here keeps its reader's report,
and the other one stands beside it. Where a report names another patient than the study does, it closes nothing.

A report of a study that is not here is kept for 30 days: it closes the study when its films come. Hospitals send
reports of every modality, so most of these are never used.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from sqlalchemy import ColumnElement, Connection, bindparam, exists, func, or_, select

from unseen_server.worklist import audit, patient_merging
from unseen_server.worklist.bulk import among
from unseen_server.worklist.report_coverage import covers, moment_of_report
from unseen_server.worklist.report_entry import Outcome, checked_outcome, elsewhere, enter
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import WorklistError, after
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.tables import films, outside_reports, reports, studies
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from collections.abc import Collection

    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.site import Site

Status = Literal["preliminary", "final", "corrected", "withdrawn"]
What = Literal[
    "closed", "corrected", "withdrawn", "beside", "early", "preliminary", "repeated", "unchanged", "other patient"
]
"""Outcomes of a message. beside: the study was reported here, and that report is kept; early: no film of it has
arrived; unchanged: this outcome or a later message has closed the study already; other patient: its patient is not
the study's."""

EARLY_DAYS: Final = 30.0
"""Longest wait of a report for its films. Films arrive within the hour; a back-fill of an archive takes weeks."""
MOST_PATIENTS: Final = 50
"""Numbers of one patient; real ones have two or three."""
CLOCK_US: Final = 3_600_000_000
"""Time by which a clock is set back in autumn. Within it the order of arrival decides, not the clock."""
_EARLY_US: Final = int(EARLY_DAYS * 86_400e6)
_WHAT: Final[tuple[What, ...]] = ("closed", "corrected", "withdrawn", "beside", "unchanged")
_of = outside_reports.c
_Row = dict[str, Any]  # Any: values of whatever column
_EARLY: Final = (
    select(outside_reports)
    .where(
        _of.study_id.is_(None),
        _of.replaced_us.is_(None),
        _of.received_us > bindparam("since_us"),
        or_(_of.uid == bindparam("uid"), _of.accession == bindparam("accession")),  # neither where it is NULL
    )
    .order_by(_of.id)
)


@dataclass(frozen=True, kw_only=True)
class OutsideReport:
    """Another system's report on a study.

    Args:
        system: who reports, as the site calls it.
        accession: accession number; this or `study_uid` must be given, and `study_uid` goes first.
        patients: the numbers by which it names the patient; none: the study's patient is not compared.
        outcome: None: reported, and how is not known.
        note: for the page and the exports: no word of the report that names anybody.
        content: all that the report holds, whatever its form: the same again is a repetition. It is not stored.
        issued_us: when it was made, by its system's clock; see `_is_older`.
        sent_us: when the message was sent, by the same clock; two messages that differ in nothing else are the same.
    """

    system: str
    accession: str = field(default="", repr=False)
    study_uid: str = field(default="", repr=False)
    patients: tuple[str, ...] = field(default=(), repr=False)
    status: Status
    outcome: Outcome | None
    note: str = ""
    content: str = field(repr=False)
    issued_us: int | None = None
    sent_us: int | None = None


@dataclass(frozen=True, kw_only=True)
class PreparedReport:
    """A report whose identifiers were looked up; `outcome` and the rest are as in `OutsideReport`.

    Args:
        row: columns of `outside_reports`, but for the patients and the time of receipt.
        patients: pseudonyms of the patient's numbers, as the patient was called then.
    """

    row: _Row = field(repr=False)
    patients: tuple[str, ...] = field(repr=False)


def prepare(connection: Connection, names: Pseudonyms, report: OutsideReport) -> PreparedReport:
    """Look up what a report names; this needs no lock. Raises WorklistError where it names no study, names more than
    `MOST_PATIENTS` patients, or holds what no database can."""
    _check(report)
    given = {names.of("patient", number) for number in report.patients if number.strip()}
    called = patient_merging.patients_of(connection, given)
    patients = tuple(sorted({called.get(one, one) for one in given}))
    said = [
        json.dumps(sorted(given), ensure_ascii=False),
        report.accession.strip(),
        report.study_uid.strip(),
        report.status,
        report.outcome,
        report.content,
    ]
    row: _Row = {
        "accession": names.of("accession", report.accession) if report.accession.strip() else None,
        "uid": names.of("study", report.study_uid) if report.study_uid.strip() else None,
        "system": report.system,
        "message": names.sealed("report", audit.canonical([report.system, *said, report.issued_us])),
        "status": report.status,
        "outcome": report.outcome,
        "note": report.note,
        "issued_us": report.issued_us,
        "sent_us": report.sent_us,
        "early": False,
    }
    return PreparedReport(row=row, patients=patients)


def take(writing: Writing, report: PreparedReport) -> What:
    """Enter a report that was looked up. Patients may have been merged since: one query finds that out."""
    connection = writing.connection
    row: _Row = report.row | {"received_us": writing.now_us}
    if row["status"] == "preliminary":
        return "preliminary"
    if _is_repeated(connection, row):
        return "repeated"
    called = patient_merging.patients_of(connection, report.patients)
    row["patients"] = json.dumps(sorted({called.get(one, one) for one in report.patients}), ensure_ascii=False)
    found = _studies_of(connection, row["uid"], row["accession"])
    fitting = [study for study in found if _is_patient(study, row["patients"])]
    for study in found:
        if study not in fitting:
            writing.log(row["system"], "study.report_other_patient", study.public_id)
    if not fitting:
        _wait(writing, row)
        return "other patient" if found else "early"
    outcomes = {_apply(writing, study, row) for study in fitting}
    return min(outcomes, key=_WHAT.index)


def _is_repeated(connection: Connection, row: _Row) -> bool:
    """Return True if the same message was taken before.

    A correction that returns to the content of an earlier one is another message: it was sent later than the one that
    it repeats, and that one was replaced. A withdrawal of the report that replaced an earlier withdrawal is another
    message, too, unless the times at which both were sent show a repetition: a reader then reads the study.
    """
    same = select(_of.sent_us, _of.replaced_us).where(_of.message == row["message"]).order_by(_of.id.desc()).limit(1)
    before = connection.execute(same).one_or_none()
    if before is None:
        return False
    if before.replaced_us is None or row["status"] not in ("corrected", "withdrawn"):
        return True
    if row["sent_us"] is None or before.sent_us is None:
        return bool(row["status"] != "withdrawn")
    return bool(row["sent_us"] <= before.sent_us)


def _wait(writing: Writing, row: _Row) -> None:
    """Keep a report until its films come; of one system's versions the latest waits."""
    connection = writing.connection
    of_system = (_of.study_id.is_(None), _of.system == row["system"], _of.replaced_us.is_(None))
    keys = _keys(row["uid"], row["accession"])
    waiting = connection.execute(select(outside_reports).where(*of_system, keys).order_by(_of.id)).all()
    older = any(_is_older(row, one) for one in waiting)
    if not older:
        connection.execute(outside_reports.update().where(*of_system, keys).values(replaced_us=writing.now_us))
    replaced_us = writing.now_us if older else None
    connection.execute(outside_reports.insert().values(row | {"early": True, "replaced_us": replaced_us}))


def _check(report: OutsideReport) -> None:
    if len(report.patients) > MOST_PATIENTS:
        raise WorklistError(
            f"The report names {len(report.patients)} patient numbers, the limit is {MOST_PATIENTS}. Send those of one "
            "patient."
        )
    if not (report.accession.strip() or report.study_uid.strip()):
        raise WorklistError("The report names no study: it needs an accession number, or a StudyInstanceUID.")
    if report.outcome is not None:
        checked_outcome(report.outcome)
    for text, what in (
        (report.system, "The system's name"),
        (report.accession, "The accession number"),
        (report.study_uid, "The StudyInstanceUID"),
        *((number, "The patient's number") for number in report.patients),
    ):
        checked_text(text, what, most=200)
    checked_text(report.note, "The note", most=2000)


def _studies_of(connection: Connection, uid: str | None, accession: str | None) -> list[Found]:
    """Return the study with this UID; where there is none, those with this accession number."""
    for column, value in ((studies.c.uid, uid), (studies.c.accession, accession)):
        if value is None:
            continue
        query = select(studies).where(column == value).order_by(studies.c.id)
        if found := list(connection.execute(query).all()):
            return found
    return []


def _keys(uid: str | None, accession: str | None) -> ColumnElement[bool]:
    """Return the condition for reports that name the study by one of these."""
    conditions = [
        column == value for column, value in ((_of.uid, uid), (_of.accession, accession)) if value is not None
    ]
    return or_(*conditions)


def _apply(writing: Writing, study: Found, row: _Row) -> What:
    """Bring one report to one study."""
    before = _latest(writing.connection, study.id, row["system"])
    if before is not None and _is_older(row, before):
        _keep(writing, study, row, replaced_us=writing.now_us)
        return "unchanged"
    standing = None if before is None or before.report_id is None else _undoable(writing, before.report_id)
    if row["status"] == "withdrawn":
        return _withdraw(writing, study, row, before, standing)
    if study.state in ("reported", "set_aside"):
        _replace(writing, before)
        _keep(writing, study, row)
        writing.log(
            row["system"],
            "study.report_beside",
            study.public_id,
            outcome=row["outcome"],
            status=row["status"],
        )
        return "beside"
    if study.state != "reported_elsewhere":
        if standing is not None:  # a film that came later has opened the study again: this speaks of it, too
            _undone(writing, standing)
        return _close(writing, study, row, before)
    return _correct(writing, study, row, before, standing)


def _is_patient(study: Found, patients: str | None) -> bool:
    """Return True if the patient fits: a report without a number fits, and a study without one."""
    called = json.loads(patients or "[]")
    return not called or study.patient is None or study.patient in called


def _is_older(row: _Row, before: Found) -> bool:
    """Return True if a report that came later is an earlier version of the one that counts.

    A correction is later than the report that it corrects, whatever the clock shows. A final report replaces a
    correction only where both give the time of the report and its own is later. Otherwise the time of the report
    decides, then that of the message, unless the clock may have been set back between them; then the arrival. The time
    of a withdrawal may be that of the report that it withdraws, so the time of its message decides first.
    """
    if row["status"] != "final" and before.status == "final":
        return False
    if row["status"] == "final" and before.status == "corrected":
        return row["issued_us"] is None or before.issued_us is None or row["issued_us"] <= before.issued_us
    times = [(row["issued_us"], before.issued_us), (row["sent_us"], before.sent_us)]
    for own, other in reversed(times) if row["status"] == "withdrawn" else times:
        if own is not None and other is not None and own != other:
            return bool(other - own > CLOCK_US)
    return False


def _close(writing: Writing, study: Found, row: _Row, before: Found | None) -> What:
    outcome: Outcome | None = row["outcome"]
    elsewhere(writing, [study], actor=row["system"], outcome=outcome, note=row["note"])
    made = _last_report(writing.connection, study.id)
    _replace(writing, before)
    _keep(writing, study, row, report_id=None if made is None else made.id)
    return "closed"


def _correct(writing: Writing, study: Found, row: _Row, before: Found | None, standing: Found | None) -> What:
    """Replace the report from elsewhere that closed the study by this one, where it is the same system's and has
    another outcome, or where nothing was known of the outcome.
    """
    outcome: Outcome | None = row["outcome"]
    last = _last_report(writing.connection, study.id)
    known = last is not None and last.outcome is not None
    if standing is None and known:  # another system's, or imported
        _replace(writing, before)
        _keep(writing, study, row)
        writing.log(row["system"], "study.report_beside", study.public_id, outcome=outcome, status=row["status"])
        return "beside"
    silent = outcome is None and row["status"] == "final"  # an addendum that no rule matches takes nothing back
    if silent or (standing is not None and standing.outcome == outcome):
        _replace(writing, before)
        _keep(writing, study, row, report_id=None if standing is None else standing.id)
        return "unchanged"
    if standing is not None:
        _undone(writing, standing)
    number = enter(writing, study, row["system"], outcome, row["note"], how="elsewhere")
    _replace(writing, before)
    _keep(writing, study, row, report_id=number)
    writing.log(
        row["system"],
        "study.report_corrected",
        study.public_id,
        outcome=outcome,
        was=None if standing is None else standing.outcome,
    )
    return "corrected"


def _withdraw(writing: Writing, study: Found, row: _Row, before: Found | None, standing: Found | None) -> What:
    """Take back the system's report: a study that it had closed waits for a reader again."""
    _replace(writing, before)
    _keep(writing, study, row)
    if standing is None:
        return "unchanged"
    _undone(writing, standing)
    if study.state == "reported_elsewhere" and not _is_reported_elsewhere(writing.connection, study.id):
        state = after(study.state, "undo", standing=study.standing)
        writing.move(study, state, actor=row["system"], action="study.report_withdrawn", outcome=standing.outcome)
    return "withdrawn"


def close_early(writing: Writing, study: Found, *, new_film: bool) -> Found:
    """Close the study that a film has joined where a report waited for it; return it as it then is.

    Args:
        new_film: the film was not of this study before. A report that came before any of its films speaks of those that
            come while the study settles, too.
    """
    connection = writing.connection
    if study.uid is None and study.accession is None:
        return study
    given = {"since_us": writing.now_us - _EARLY_US, "uid": study.uid, "accession": study.accession}
    waiting = connection.execute(_EARLY, given).all()
    for one in waiting:
        row = {column.name: getattr(one, column.name) for column in outside_reports.c if column.name != "id"}
        if not _is_patient(study, one.patients):
            continue
        connection.execute(outside_reports.delete().where(_of.id == one.id))
        _apply(writing, study, row)
        study = rows_of(connection, studies, id=study.id).one()
    if new_film and not waiting and study.settles_us is not None and study.settles_us > writing.now_us:
        early = select(_of.report_id).where(_of.study_id == study.id, _of.early, _of.replaced_us.is_(None))
        connection.execute(
            reports.update()
            .where(reports.c.id.in_(early), reports.c.undone_us.is_(None))
            .values(made_us=moment_of_report(writing, study.id))
        )
    return study


def waited_for(connection: Connection, *, uids: Collection[str], accessions: Collection[str], now_us: int) -> set[str]:
    """Return the studies and accessions, as pseudonyms, that a report waiting for its films names."""
    if not uids and not accessions:
        return set()
    waiting = select(_of.uid, _of.accession).where(
        _of.study_id.is_(None),
        _of.replaced_us.is_(None),
        _of.received_us > now_us - _EARLY_US,
        among(connection, _of.uid, uids) | among(connection, _of.accession, accessions),
    )
    return {key for row in connection.execute(waiting) for key in row if key is not None}


def forget_early(writing: Writing) -> int:
    """Remove reports that have waited too long for their films; returns how many."""
    old = outside_reports.delete().where(_of.study_id.is_(None), _of.received_us <= writing.now_us - _EARLY_US)
    return writing.connection.execute(old).rowcount


def of_patient(connection: Connection, names: Pseudonyms, patient: str) -> ColumnElement[bool]:
    """Return the condition for reports that wait for films of this patient."""
    called = json.dumps(patient_merging.patient_of(connection, names.of("patient", patient)), ensure_ascii=False)
    return _of.study_id.is_(None) & _of.patients.contains(called, autoescape=True)


@dataclass(frozen=True, kw_only=True)
class OutsideCounts:
    """Reports of other systems that stand, and what the filter would have missed, over every study and not a sample.

    Args:
        by_outcome: how many reports, by outcome; "" where it is not known.
        early: how many wait for their films.
        cleared: studies that were decided to be clear and that the department reported normal or abnormal.
        cleared_abnormal: those of them that the department called abnormal.

    >>> OutsideCounts(by_outcome={"normal": 9}, early=0, cleared=4, cleared_abnormal=0).cleared
    4
    """

    by_outcome: dict[str, int]
    early: int
    cleared: int
    cleared_abnormal: int


def counts(connection: Connection) -> OutsideCounts:
    """See `OutsideCounts`. A study counts once in `cleared`, by the latest report on it."""
    stand = (_of.replaced_us.is_(None), _of.status != "withdrawn")
    by_outcome: Counter[str] = Counter()
    for row in connection.execute(
        select(_of.outcome, func.count().label("reports"))
        .where(_of.study_id.is_not(None), *stand)
        .group_by(_of.outcome)
    ):
        by_outcome[row.outcome or ""] += row.reports
    early = select(func.count()).select_from(outside_reports).where(_of.study_id.is_(None), *stand)
    newest = select(func.max(_of.id)).where(_of.outcome.in_(("normal", "abnormal")), *stand).group_by(_of.study_id)
    cleared = dict.fromkeys(("normal", "abnormal"), 0)
    for row in connection.execute(
        select(_of.outcome, func.count().label("studies"))
        .select_from(outside_reports)
        .join(studies, studies.c.id == _of.study_id)
        .where(_of.id.in_(newest), studies.c.action == "clear")
        .group_by(_of.outcome)
    ):
        cleared[row.outcome] = row.studies
    return OutsideCounts(
        by_outcome=dict(by_outcome),
        early=connection.execute(early).scalar_one(),
        cleared=sum(cleared.values()),
        cleared_abnormal=cleared["abnormal"],
    )


def _latest(connection: Connection, study_id: int, system: str) -> Found | None:
    """Return the latest report of the system on the study."""
    return connection.execute(
        select(outside_reports)
        .where(_of.study_id == study_id, _of.system == system, _of.replaced_us.is_(None))
        .order_by(_of.id.desc())
        .limit(1)
    ).one_or_none()


def _last_report(connection: Connection, study_id: int) -> Found | None:
    """Return the study's standing report."""
    of_study = (reports.c.study_id == study_id, reports.c.undone_us.is_(None))
    return connection.execute(select(reports).where(*of_study).order_by(reports.c.id.desc()).limit(1)).one_or_none()


def _is_reported_elsewhere(connection: Connection, study_id: int) -> bool:
    """Return True if a report from elsewhere on all films of the study stands.

    A reader's report does not count: it is about earlier films, or the study would not have been open for a report from
    elsewhere.
    """
    late = exists().where(films.c.study_id == study_id, ~covers(reports)).correlate(reports)
    stand = (reports.c.study_id == study_id, reports.c.undone_us.is_(None), reports.c.how == "elsewhere")
    return connection.execute(select(reports.c.id).where(*stand, ~late).limit(1)).first() is not None


def _undoable(writing: Writing, number: int) -> Found | None:
    """Return the report of this number, where it stands."""
    stands = (reports.c.id == number, reports.c.undone_us.is_(None))
    return writing.connection.execute(select(reports).where(*stands)).one_or_none()


def _undone(writing: Writing, report: Found) -> None:
    update_row(writing.connection, reports, report.id, {"undone_us": writing.now_us})


def _replace(writing: Writing, before: Found | None) -> None:
    if before is not None:
        writing.connection.execute(
            outside_reports.update().where(_of.id == before.id).values(replaced_us=writing.now_us)
        )


def _keep(
    writing: Writing,
    study: Found,
    row: _Row,
    *,
    report_id: int | None = None,
    replaced_us: int | None = None,
) -> None:
    """Keep the message's own row; with its study no pseudonym of a patient is needed any more."""
    values = row | {"study_id": study.id, "report_id": report_id, "replaced_us": replaced_us, "patients": "[]"}
    writing.connection.execute(outside_reports.insert().values(values))


class OutsideReports:
    """Reports of other systems: `store.outside_reports`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import OutsideReport, Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     report = OutsideReport(system="RIS", accession="A123", status="final", outcome="normal", content="…")
    ...     store.outside_reports.take(report)
    'early'
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def take(self, report: OutsideReport) -> What:
        """Enter another system's report on a study; returns what that led to. Raises WorklistError where it names none.

        When this returns, the report is not lost: one of a study that is not here waits 30 days for its films.
        """
        with self._site.database.reading() as connection:
            prepared = prepare(connection, self._site.names, report)
        if report.status == "preliminary":
            return "preliminary"
        with self._site.writing() as writing:
            return take(writing, prepared)

    def counts(self) -> OutsideCounts:
        """Count the reports of other systems by outcome, and those on studies that a policy has cleared."""
        with self._site.database.reading() as connection:
            return counts(connection)
