"""Readers' actions: take a study, release it, report it, undo the report; and reports made elsewhere.

A claim belongs to one reader until the study is reported or released, or the claim runs out. Of two requests at once
one succeeds; the other gets a sentence with the reader's name and the time.
"""

import re
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import select

from unseen.worklist.listing import moment
from unseen.worklist.states import NotAllowedError, NotFoundError, WorklistError, after
from unseen.worklist.tables import films, reports, studies
from unseen.worklist.transactions import Found, Writing, checked_text, find_study

Outcome = Literal["normal", "abnormal", "unsure"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
_NOTE = 20_000
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FREE = {"claimed_by": None, "claimed_us": None, "claimed_until_us": None}


def claim(writing: Writing, study_id: str, reader: str, *, lasts_us: int) -> datetime:
    """Take the study for reading, or lengthen one's own claim; returns until when it holds.

    Raises NotAllowedError: another reader has it, or its state stands against it.
    """
    study = find_study(writing.connection, study_id)
    state = after(study.state, "claim", standing=study.standing)
    if (holder := _holder(study, writing.now_us)) not in (None, reader):
        raise NotAllowedError(
            f"{holder} has taken this study at {_when(study.claimed_us)} and has it until "
            f"{_when(study.claimed_until_us)}. Take another one."
        )
    lapsed = study.claimed_by if study.claimed_by not in (None, reader) else None
    since = study.claimed_us if study.claimed_by == reader else writing.now_us
    until = writing.now_us + lasts_us
    writing.move(
        study,
        state,
        actor=reader,
        action="study.claimed",
        columns={"claimed_by": reader, "claimed_us": since, "claimed_until_us": until},
        lapsed=lapsed,
    )
    return moment(until)


def release(writing: Writing, study_id: str, reader: str, *, as_lead: bool) -> None:
    """Hand the study back unreported."""
    study = find_study(writing.connection, study_id)
    state = after(study.state, "release", standing=study.standing)
    if not as_lead:
        _must_hold(study, reader, "release it")
    writing.move(study, state, actor=reader, action="study.released", columns=dict(_FREE), held_by=study.claimed_by)


def report(writing: Writing, study_id: str, reader: str, outcome: Outcome, note: str) -> None:
    """Report a study that one has taken; a claim that ran out still counts while nobody else took the study."""
    study = find_study(writing.connection, study_id)
    _checked(outcome)
    checked_text(note, "The note", most=_NOTE)
    state = after(study.state, "report", standing=study.standing)
    _must_hold(study, reader, "report it")
    _enter(writing, study, reader, outcome, note, elsewhere=False)
    writing.move(
        study,
        state,
        actor=reader,
        action="study.reported",
        columns=dict(_FREE),
        outcome=outcome,
        note=writing.names.sealed("note", note) if note else "",  # proves the note, and says nothing of it
    )


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
    writing.connection.execute(reports.update().where(reports.c.id == latest.id).values(undone_us=writing.now_us))
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
    """Mark studies as reported elsewhere; those that are so already stay as they are. Returns how many were marked."""
    if outcome is not None:
        _checked(outcome)
    checked_text(note, "The note", most=_NOTE)
    todo = [study for study in studies_found if study.state != "reported_elsewhere"]
    states = [after(study.state, "elsewhere", standing=study.standing) for study in todo]  # all may, or none is
    for study, state in zip(todo, states, strict=True):
        _enter(writing, study, actor, outcome, note, elsewhere=True)
        writing.move(
            study,
            state,
            actor=actor,
            action="study.reported_elsewhere",
            columns=dict(_FREE),
            outcome=outcome,
            held_by=study.claimed_by,
        )
    return len(todo)


def studies_of(writing: Writing, *, accession: str | None, film_sha256: str | None) -> list[Found]:
    """The studies of an accession, or the study of a film.

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


def lapse(writing: Writing) -> int:
    """Release the studies that were claimed and not reported in time; returns their number."""
    found = writing.connection.execute(
        select(studies).where(studies.c.claimed_until_us <= writing.now_us, studies.c.state == "in_reading")
    ).all()
    for study in found:
        state = after(study.state, "release", standing=study.standing)
        writing.move(
            study, state, actor="unseen", action="study.claim_ran_out", columns=dict(_FREE), held_by=study.claimed_by
        )
    return len(found)


def _holder(study: Found, now_us: int) -> str | None:
    return study.claimed_by if study.claimed_by is not None and study.claimed_until_us > now_us else None


def _must_hold(study: Found, reader: str, act: str) -> None:
    if study.claimed_by != reader:
        raise NotAllowedError(
            f"{study.claimed_by} has taken this study at {_when(study.claimed_us)}. Only they can {act}."
        )


def _enter(writing: Writing, study: Found, reader: str, outcome: Outcome | None, note: str, *, elsewhere: bool) -> None:
    writing.connection.execute(
        reports.insert().values(
            study_id=study.id, reader=reader, elsewhere=elsewhere, outcome=outcome, note=note, made_us=writing.now_us
        )
    )


def _checked(outcome: str) -> None:
    if outcome not in OUTCOMES:
        raise WorklistError(f"{str(outcome)[:40]!r}: no such outcome. There are {', '.join(OUTCOMES)}.")


def _when(time_us: int) -> str:
    return moment(time_us).strftime("%H:%M UTC on %d %B %Y")
