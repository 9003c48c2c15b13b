"""Move a study's films, and everything else that it had, to another study."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from unseen_server.worklist.bulk import insert_rows
from unseen_server.worklist.report_coverage import joins_later
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.tables import decisions, drafts, films, merged, outbox, reports, studies, terms
from unseen_server.worklist.tables import outside_reports as outside
from unseen_server.worklist.transactions import Found, Writing


def take_in(writing: Writing, target: Found, own: Found, *, actor: str) -> None:
    """Move the films of a study, and everything else that it had, to `target`."""
    connection = writing.connection
    moving = select(films.c.public_id).where(films.c.study_id == own.id).order_by(films.c.id)
    moved_films = connection.execute(moving).scalars().all()
    joins_later(writing, own.id, target.id)
    joins_later(writing, target.id, own.id)
    for table in (films, decisions, reports, outside, merged, outbox):
        connection.execute(table.update().where(table.c.study_id == own.id).values(study_id=target.id))
    known = select(drafts.c.account).where(drafts.c.study_id == target.id).scalar_subquery()
    mine = drafts.c.study_id == own.id
    connection.execute(drafts.update().where(mine, drafts.c.account.not_in(known)).values(study_id=target.id))
    connection.execute(drafts.delete().where(mine))
    moved = connection.execute(select(terms.c.term).where(terms.c.study_id == own.id)).scalars().all()
    connection.execute(terms.delete().where(terms.c.study_id == own.id))
    connection.execute(studies.delete().where(studies.c.id == own.id))
    connection.execute(merged.insert().values(public_id=own.public_id, study_id=target.id))
    add_terms(writing, target.id, moved)
    connection.execute(
        studies.update()
        .where(studies.c.id == target.id)
        .values(
            films=target.films + own.films,
            received_us=min(target.received_us, own.received_us),
            assigned_to=target.assigned_to or own.assigned_to,
            reopened_us=target.reopened_us or own.reopened_us,
        )
    )
    for film in moved_films:
        writing.log(actor, "study.joined", target.public_id, film=film, was=own.public_id, held_by=own.claimed_by)


def add_terms(writing: Writing, study_id: int, wanted: Iterable[str]) -> None:
    """Let a study be found by these too."""
    there = {row.term for row in rows_of(writing.connection, terms, study_id=study_id)}
    rows = [{"term": term, "study_id": study_id} for term in sorted(set(wanted) - there)]
    insert_rows(writing.connection, terms, rows)
