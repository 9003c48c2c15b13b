"""Removal of studies: their rows in all tables, and the files that these name.

`erasure` removes a patient or one study, `retention` old studies, `film_removal` single films.

Rows, films, maps and renditions go; the audit events stay, for they hold nothing of the patient and the chain must go
on. Files are removed after the transaction that removed their rows: a process killed in between leaves strangers, which
the next start removes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, select

from unseen_server.worklist.tables import (
    attachments,
    decisions,
    drafts,
    films,
    findings,
    jobs,
    merged,
    outbox,
    outside_reports,
    reports,
    seen,
    studies,
    terms,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Found, Writing


@dataclass(frozen=True, kw_only=True)
class Removed:
    """Numbers of removed studies, films and maps.

    Args:
        studies: how many.
        films: how many.
        maps: how many.

    >>> Removed(studies=1, films=2, maps=2).studies
    1
    """

    studies: int
    films: int
    maps: int


@dataclass(frozen=True, kw_only=True)
class FreedFiles:
    """Digests of files that removed rows named.

    Args:
        films: one for each film.
        attached: copies of films, and objects that are no film.
        maps: anomaly maps, one for each finding that had one.
    """

    films: Sequence[str]
    attached: Sequence[str]
    maps: Sequence[str]


def remove_rows(writing: Writing, found: list[Found], *, actor: str, action: str) -> FreedFiles:
    """Remove the studies' rows; returns the files that these named."""
    connection = writing.connection
    numbers = [study.id for study in found]
    rows = connection.execute(select(films.c.id, films.c.sha256).where(films.c.study_id.in_(numbers))).all()
    film_numbers = [row.id for row in rows]
    of_films = findings.c.film_id.in_(film_numbers)
    maps = connection.execute(select(findings.c.map_sha256).where(of_films)).scalars().all()
    connection.execute(findings.delete().where(of_films))
    for table in (jobs, seen):
        connection.execute(table.delete().where(table.c.film_id.in_(film_numbers)))
    connection.execute(outbox.delete().where(outbox.c.study_id.in_(numbers)))
    uids = [study.uid for study in found if study.uid is not None]
    kept = attachments.c.film_id.in_(film_numbers) | attachments.c.uid.in_(uids)
    attached = remove_attachments(writing, kept)
    for table in (decisions, drafts, outside_reports, reports, terms, merged, films):
        connection.execute(table.delete().where(table.c.study_id.in_(numbers)))
    connection.execute(studies.delete().where(studies.c.id.in_(numbers)))
    for study in found:
        writing.log(actor, action, study.public_id, was=study.state, films=study.films)
    return FreedFiles(
        films=[row.sha256 for row in rows], attached=attached, maps=[digest for digest in maps if digest is not None]
    )


def remove_attachments(writing: Writing, which: ColumnElement[bool]) -> list[str]:
    """Remove rows of attachments; returns the digests of their files."""
    digests = list(writing.connection.execute(select(attachments.c.sha256).where(which)).scalars())
    writing.connection.execute(attachments.delete().where(which))
    return digests


def unlink(site: Site, freed: FreedFiles, studies: int) -> Removed:
    """Remove the files of so many studies; `remove_unknown` asks again, since the same bytes may have come back."""
    for folder in (site.renditions, site.films):
        site.remove_unknown(folder, [*freed.films, *freed.attached])
    site.remove_unknown(site.maps, freed.maps)
    return Removed(studies=studies, films=len(freed.films), maps=len(freed.maps))
