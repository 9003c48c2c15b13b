"""Look-up of a study or a film by its public id."""

from __future__ import annotations

import re

from sqlalchemy import Connection, select

from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.tables import attachments, films, merged, studies
from unseen_server.worklist.transactions import Found

_PUBLIC = re.compile(r"[fs]-[0-9a-f]{20}")


def find_study(connection: Connection, public_id: str) -> Found:
    """Return the study with this public id, or the study that it was joined to.

    Raises:
        NotFoundError: there is no such study.
    """
    known = _PUBLIC.fullmatch(public_id) is not None  # no other text is looked up in the database
    study = rows_of(connection, studies, public_id=public_id).one_or_none() if known else None
    if known and study is None:
        joined = select(merged.c.study_id).where(merged.c.public_id == public_id).scalar_subquery()
        study = connection.execute(select(studies).where(studies.c.id == joined)).one_or_none()
    if study is None:
        raise NotFoundError(f"There is no study {public_id[:40]!r} here. It may have been erased.")
    return study


def find_film(connection: Connection, public_id: str) -> Found:
    """Return the film with this public id, or the film of which it is a copy.

    Raises:
        NotFoundError: there is no such film.
    """
    known = _PUBLIC.fullmatch(public_id) is not None
    film = rows_of(connection, films, public_id=public_id).one_or_none() if known else None
    if known and film is None:
        copied = select(attachments.c.film_id).where(attachments.c.public_id == public_id).scalar_subquery()
        film = connection.execute(select(films).where(films.c.id == copied)).one_or_none()
    if film is None:
        raise NotFoundError(f"There is no film {public_id[:40]!r} here. It may have been erased.")
    return film
