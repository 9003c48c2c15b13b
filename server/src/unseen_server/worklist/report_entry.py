"""Entry of reports in the database: a reader reports a study, sets it aside, or undoes that; reports made elsewhere.

The claim that a report needs is in `study_claims`.
"""

import re
from collections.abc import Collection
from typing import Any, Literal, get_args

from sqlalchemy import bindparam, select

from unseen_server.worklist import seeing
from unseen_server.worklist.lookup import find_study
from unseen_server.worklist.report_coverage import moment_of_report
from unseen_server.worklist.statements import insert_row, update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError, after
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.study_claims import UNCLAIMED, check_holder
from unseen_server.worklist.tables import drafts, films, outside_reports, reports, seen, studies
from unseen_server.worklist.transactions import Found, Writing

Outcome = Literal["normal", "abnormal", "unsure"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Aside = Literal["returned", "discarded"]
ASIDE: tuple[Aside, ...] = get_args(Aside)
LEAST_DWELL_MS = 1000
"""For how long a film must have been shown before its study is reported: a key pressed twice meant the film before."""
MOST_DWELL_MS = 86_400_000
"""A day: a page that stayed open for longer says no more than that."""
_NOTE = 20_000
_DRAFT_AWAY = drafts.delete().where(drafts.c.study_id == bindparam("study"), drafts.c.account == bindparam("reader"))
_SHA256 = re.compile(r"[0-9a-f]{64}")


def keep_draft(writing: Writing, study_id: str, reader: str, note: str) -> None:
    """Keep what a reader has written of a study and not reported; an empty note removes it."""
    study = find_study(writing.connection, study_id)
    checked_text(note, "The note", most=_NOTE)
    _forget_draft(writing, study, reader)
    if note:
        values = {"study_id": study.id, "account": reader, "note": note, "changed_us": writing.now_us}
        writing.connection.execute(drafts.insert().values(**values))


def _forget_draft(writing: Writing, study: Found, reader: str) -> None:
    writing.connection.execute(_DRAFT_AWAY, {"study": study.id, "reader": reader})


def report(
    writing: Writing,
    study_id: str,
    reader: str,
    outcome: Outcome,
    note: str,
    *,
    simulated: bool = False,
    dwell_ms: int | None = None,
) -> None:
    """Report a study that one has taken; a claim that ran out still counts while nobody else took the study.

    Raises NotAllowedError also where a frontal film was not shown to the reader, or only for a moment (`dwell_ms`).
    """
    study = find_study(writing.connection, study_id)
    checked_outcome(outcome)
    _check_dwell(dwell_ms)
    checked_text(note, "The note", most=_NOTE)
    state = after(study.state, "report", standing=study.standing)
    check_holder(study, reader, "report it")
    if not simulated:
        _must_have_seen(writing, study, reader)
    enter(writing, study, reader, outcome, note, how="simulated" if simulated else "seen", dwell_ms=dwell_ms)
    _forget_draft(writing, study, reader)
    known: dict[str, Any] = {} if dwell_ms is None else {"dwell_ms": dwell_ms}  # Any: as `move` takes it
    writing.move(
        study,
        state,
        actor=reader,
        action="study.reported",
        columns=dict(UNCLAIMED),
        outcome=outcome,
        note=writing.names.sealed("note", note) if note else "",  # proves the note, and says nothing of it
        **known,
    )


def set_aside(
    writing: Writing, study_id: str, reader: str, how: Aside, reason: str, *, films_of_it: Collection[str]
) -> bool:
    """Return films that cannot be shown to their sender, or discard them; True where that ends the study.

    Args:
        films_of_it: the films, by public id; the caller has tried to show them.

    Raises NotAllowedError where somebody was shown one of them; WorklistError without a reason.
    """
    study = find_study(writing.connection, study_id)
    if how not in ASIDE:
        raise WorklistError(f"{str(how)[:40]!r}: a film is {' or '.join(ASIDE)}.")
    if not checked_text(reason, "The reason", most=_NOTE).strip():
        raise WorklistError("Give the reason: what is wrong with the film, and what the sender should do.")
    ended = after(study.state, "set_aside", standing=study.standing)
    check_holder(study, reader, "set it aside")
    of_study = writing.connection.execute(select(films).where(films.c.study_id == study.id, films.c.aside.is_(None)))
    numbers = [film.id for film in of_study if film.public_id in films_of_it]
    if not numbers:
        raise NotAllowedError("Every film of this study can be shown: look at them, and report the study.")
    shown = select(seen.c.account).where(seen.c.film_id.in_(numbers)).limit(1)
    if (who := writing.connection.execute(shown).scalar_one_or_none()) is not None:
        raise NotAllowedError(f"A film of it was shown to {who}, so it can be shown. Look at it, and report the study.")
    writing.connection.execute(films.update().where(films.c.id.in_(numbers)).values(aside=how))
    enter(writing, study, reader, None, reason, how=how)
    ends = not seeing.to_be_seen(writing.connection, study.id)
    writing.move(
        study,
        ended if ends else study.state,
        actor=reader,
        action="study.set_aside",
        columns=dict(UNCLAIMED) if ends else {},
        how=how,
        films=len(numbers),
        reason=writing.names.sealed("note", reason),
    )
    return ends


def undo(writing: Writing, study_id: str, reader: str, *, as_lead: bool, lasts_us: int) -> None:
    """Take the latest report back: the reader has the study again; one from elsewhere goes back to its list."""
    study = find_study(writing.connection, study_id)
    state = after(study.state, "undo", standing=study.standing)
    latest = writing.connection.execute(
        select(reports)
        .where(reports.c.study_id == study.id, reports.c.undone_us.is_(None))
        .order_by(reports.c.id.desc())
        .limit(1)
    ).one()
    if not as_lead and latest.reader != reader:
        raise NotAllowedError(
            f"{latest.reader} has reported this study. Only they, or a lead, can take the report back."
        )
    update_row(writing.connection, reports, latest.id, {"undone_us": writing.now_us})
    if latest.note and latest.reader == reader and latest.how not in ASIDE:  # to be written again, or changed
        keep_draft(writing, study_id, reader, latest.note)
    if latest.how in ASIDE:  # its films are to be decided on again
        writing.connection.execute(films.update().where(films.c.study_id == study.id).values(aside=None))
    held = {"claimed_by": reader, "claimed_us": writing.now_us, "claimed_until_us": writing.now_us + lasts_us}
    writing.move(
        study,
        state,
        actor=reader,
        action="study.undone",
        columns=held if state == "in_reading" else {},
        outcome=latest.outcome,
        reported_by=latest.reader,
    )


def elsewhere(writing: Writing, studies_found: list[Found], *, actor: str, outcome: Outcome | None, note: str) -> int:
    """Mark studies as reported elsewhere; returns how many were marked, or had no outcome and have one now.

    Raises NotAllowedError where one is reported elsewhere with another outcome; then nothing is changed.
    """
    if outcome is not None:
        checked_outcome(outcome)
    checked_text(note, "The note", most=_NOTE)
    marked = [study for study in studies_found if study.state == "reported_elsewhere"]
    known = [] if outcome is None else [(study, _standing(writing, study)) for study in marked]
    for _, before in known:
        if before is not None and before.outcome not in (None, outcome):
            raise NotAllowedError(
                f"The study is reported elsewhere as {before.outcome}, and this report is {outcome}. A lead takes the "
                "earlier report back first, if it is wrong; then enter this one again."
            )
    unknown = [(study, before) for study, before in known if before is not None and before.outcome is None]
    todo = [study for study in studies_found if study.state != "reported_elsewhere"]
    states = [after(study.state, "elsewhere", standing=study.standing) for study in todo]  # all may, or none is
    for study, state in zip(todo, states, strict=True):
        enter(writing, study, actor, outcome, note, how="elsewhere")
        writing.move(
            study,
            state,
            actor=actor,
            action="study.reported_elsewhere",
            columns=dict(UNCLAIMED),
            outcome=outcome,
            held_by=study.claimed_by,
        )
    for study, before in unknown:
        number = enter(writing, study, actor, outcome, note or before.note, how="elsewhere")
        update_row(writing.connection, reports, number, {"made_us": before.made_us})  # it is about the same films
        update_row(writing.connection, reports, before.id, {"undone_us": writing.now_us})
        of_before = outside_reports.c.report_id == before.id  # a withdrawal takes the new one back
        writing.connection.execute(outside_reports.update().where(of_before).values(report_id=number))
        writing.log(actor, "study.report_corrected", study.public_id, outcome=outcome, was=None)
    return len(todo) + len(unknown)


def _standing(writing: Writing, study: Found) -> Found | None:
    """Return the standing report on a study."""
    stand = (reports.c.study_id == study.id, reports.c.undone_us.is_(None))
    query = select(reports).where(*stand).order_by(reports.c.id.desc()).limit(1)
    return writing.connection.execute(query).one_or_none()


def confirm(writing: Writing, study_id: str, reader: str) -> None:
    """Record that a person here has seen the films and agrees with the outcome of another system's report: a confirmed
    label.

    Raises NotAllowedError where the study has no such report, or a frontal film was not shown to the reader.
    """
    study = find_study(writing.connection, study_id)
    latest = _standing(writing, study)
    if latest is None or latest.how != "elsewhere" or latest.outcome not in ("normal", "abnormal"):
        raise NotAllowedError(
            "This study has no report of another system that is normal or abnormal, so there is nothing to confirm."
        )
    _must_have_seen(writing, study, reader)
    if latest.confirmed_us is not None:
        return
    values = {"confirmed_by": reader, "confirmed_us": writing.now_us}
    update_row(writing.connection, reports, latest.id, values)
    writing.log(reader, "study.report_confirmed", study.public_id, outcome=latest.outcome, reported_by=latest.reader)


def studies_of(writing: Writing, *, accession: str | None, film_sha256: str | None) -> list[Found]:
    """Return the studies of an accession, or the study of a film.

    Raises NotFoundError where there is none.
    """
    if (accession is None) == (film_sha256 is None):
        raise WorklistError("Say either the accession number, or the SHA-256 of a film's bytes.")
    if accession is not None:
        if not checked_text(accession, "The accession number", most=200).strip():
            raise WorklistError("The accession number is empty.")
        query = select(studies).where(studies.c.accession == writing.names.of("accession", accession))
    else:
        digest = str(film_sha256).strip().lower()
        if not _SHA256.fullmatch(digest):
            raise WorklistError("That is no SHA-256 of a film: 64 hexadecimal digits are wanted.")
        query = select(studies).where(studies.c.id.in_(select(films.c.study_id).where(films.c.sha256 == digest)))
    found = list(writing.connection.execute(query.order_by(studies.c.id)).all())
    if not found:
        which = "with this accession number" if accession is not None else "with this film"
        raise NotFoundError(f"There is no study {which} here. Films are known by it once they were scored.")
    return found


def _must_have_seen(writing: Writing, study: Found, reader: str) -> None:
    wanted = seeing.to_be_seen(writing.connection, study.id)
    shown = seeing.seen_by(writing.connection, [film.id for film in wanted], reader)
    missing = [place for place, film in enumerate(wanted, start=1) if film.id not in shown]
    if missing:
        which = ", ".join(map(str, missing))
        raise NotAllowedError(
            f"Frontal film {which} of {len(wanted)} of this study was not shown to {reader} yet. Open the study and "
            "look at every frontal film, then report it. What cannot be shown can be recorded as returned to "
            "its sender, or discarded, with a reason."
        )


def _check_dwell(dwell_ms: int | None) -> None:
    if dwell_ms is None:
        return
    if not 0 <= dwell_ms <= MOST_DWELL_MS:
        raise WorklistError(f"A dwell time of {dwell_ms} ms: give 0 to {MOST_DWELL_MS} ms, or none.")
    if dwell_ms < LEAST_DWELL_MS:
        raise NotAllowedError(
            f"The film was shown for {dwell_ms} ms before the report, and {LEAST_DWELL_MS} ms are the least: a key "
            "that is pressed twice would report the next film. Look at the film, then report it."
        )


def enter(
    writing: Writing,
    study: Found,
    reader: str,
    outcome: Outcome | None,
    note: str,
    *,
    how: str,
    dwell_ms: int | None = None,
) -> int:
    """Add a report's row and nothing else; returns its number."""
    added = {
        "study_id": study.id,
        "reader": reader,
        "elsewhere": how == "elsewhere",
        "outcome": outcome,
        "note": note,
        "made_us": moment_of_report(writing, study.id),
        "how": how,
        "dwell_ms": dwell_ms,
        "audited": study.audit_sample,
    }
    return insert_row(writing.connection, reports, added)


def checked_outcome(outcome: str) -> None:
    """Raise WorklistError for what is no outcome."""
    if outcome not in OUTCOMES:
        raise WorklistError(f"{str(outcome)[:40]!r}: no such outcome. There are {', '.join(OUTCOMES)}.")
