"""Claims on studies: take a study for reading, release it, and end the claims that have run out.

A claim belongs to one reader until the study is reported or released, or the claim runs out. Of two requests at once
one succeeds; the other gets a sentence with the name of the reader and the time. The states and what may follow each
of them are in `states`.
"""

from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from unseen_server.worklist.lookup import find_study
from unseen_server.worklist.states import NotAllowedError, after
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import studies
from unseen_server.worklist.transactions import Found, Writing

CLAIM_S = 30 * 60.0
"""Validity of a claim without a report: a reader who has left blocks a study for half an hour."""
UNCLAIMED = {"claimed_by": None, "claimed_us": None, "claimed_until_us": None}
"""Columns of a study that nobody has taken."""
_EXPIRED = select(studies.c.id).where(studies.c.claimed_until_us <= bindparam("now_us")).limit(1)


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
    """Release the study unreported; a lead may release another reader's study."""
    study = find_study(writing.connection, study_id)
    state = after(study.state, "release", standing=study.standing)
    if not as_lead:
        check_holder(study, reader, "release it")
    writing.move(study, state, actor=reader, action="study.released", columns=dict(UNCLAIMED), held_by=study.claimed_by)


def end_expired(writing: Writing) -> int:
    """Release the studies that were claimed and not reported in time; returns their number."""
    found = writing.connection.execute(
        select(studies).where(studies.c.claimed_until_us <= writing.now_us, studies.c.state == "in_reading")
    ).all()
    for study in found:
        state = after(study.state, "release", standing=study.standing)
        writing.move(
            study,
            state,
            actor="unseen",
            action="study.claim_ran_out",
            columns=dict(UNCLAIMED),
            held_by=study.claimed_by,
        )
    return len(found)


def any_expired(connection: Connection, now_us: int) -> bool:
    """Return True if a claim has run out that was not ended yet."""
    return connection.execute(_EXPIRED, {"now_us": now_us}).first() is not None


def check_holder(study: Found, reader: str, act: str) -> None:
    """Raise NotAllowedError if the reader has not taken the study."""
    if study.claimed_by != reader:
        raise NotAllowedError(
            f"{study.claimed_by} has taken this study at {_when(study.claimed_us)}. Only they can {act}."
        )


def _holder(study: Found, now_us: int) -> str | None:
    return study.claimed_by if study.claimed_by is not None and study.claimed_until_us > now_us else None


def _when(time_us: int) -> str:
    return moment(time_us).strftime("%Y-%m-%d %H:%M UTC")
