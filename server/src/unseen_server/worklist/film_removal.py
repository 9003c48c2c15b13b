"""Removal of one film: its rows and its files are deleted, not moved. The command is `unseen retire --film`.

The study is then decided on again by its other films, and that never clears it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen.screening import study_decision
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.sources import first_source
from unseen_server.worklist.statements import rows_of, update_row
from unseen_server.worklist.states import STANDINGS, NotAllowedError
from unseen_server.worklist.study_decisions import enter_study, latest
from unseen_server.worklist.study_removal import FreedFiles, Removed, remove_attachments, remove_rows, unlink
from unseen_server.worklist.tables import attachments, decisions, films, findings, jobs, seen, studies, terms
from unseen_server.worklist.transactions import Writing, decision_of

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Found


def retire_film(site: Site, film: str, *, actor: str) -> Removed:
    """Remove one film; see `Removal.retire_film`."""
    with site.writing() as writing:
        connection = writing.connection
        row = find_film(connection, film)
        study = rows_of(connection, studies, id=row.study_id).one()
        if study.state not in STANDINGS:
            raise NotAllowedError(
                f"The study {study.public_id} is {study.state.replace('_', ' ')}, and its report would speak of a film "
                "that is gone. Release it or undo the report first, or erase the whole study."
            )
        writing.log(actor, "film.retired", row.public_id, study=study.public_id, films=study.films)
        if study.films == 1:
            gone = remove_rows(writing, [study], actor=actor, action="study.retired")
        else:
            _forget_terms(writing, row)
            maps = connection.execute(select(findings.c.map_sha256).where(findings.c.film_id == row.id)).scalars().all()
            for table in (findings, jobs, seen, decisions):
                connection.execute(table.delete().where(table.c.film_id == row.id))
            of_it = remove_attachments(writing, attachments.c.film_id == row.id)
            connection.execute(films.delete().where(films.c.id == row.id))
            first = first_source(connection, study.id)
            update_row(connection, studies, study.id, {"films": study.films - 1, "source": first})
            gone = FreedFiles(films=[row.sha256], attached=of_it, maps=[one for one in maps if one is not None])
            _judge_again(writing, study.id, actor=actor)
    removed = unlink(site, gone, int(study.films == 1))
    site.database.forget_overwritten()
    return removed


def _forget_terms(writing: Writing, film: Found) -> None:
    """Remove the terms by which the study is found because of this film alone: its file name, its id and its copies'.

    The name of another film of the study may be the same.
    """
    connection, names = writing.connection, writing.names
    copies = select(attachments.c.public_id).where(attachments.c.film_id == film.id)
    gone = {film.public_id, *connection.execute(copies).scalars()}
    same = (films.c.study_id == film.study_id, films.c.name == film.name, films.c.id != film.id)
    if connection.execute(select(films.c.id).where(*same).limit(1)).first() is None:
        gone.add(names.sealed("name", film.name) if names.plain else film.name)
    connection.execute(terms.delete().where(terms.c.study_id == film.study_id, terms.c.term.in_(gone)))


def _judge_again(writing: Writing, number: int, *, actor: str) -> None:
    """Decide about the study by the films that it still has; it is not cleared by this."""
    connection = writing.connection
    study = rows_of(connection, studies, id=number).one()
    of_it = select(decisions).where(decisions.c.study_id == number, decisions.c.film_id.is_(None))
    last = connection.execute(of_it.order_by(decisions.c.id.desc()).limit(1)).one_or_none()
    judged = latest(writing, number)
    if last is None or not judged:
        return  # a worker will
    whole = study_decision(judged, policy_digest=decision_of(last).policy_digest)
    if whole.action == "clear" and study.standing != "cleared":
        whole = replace(whole, action="read", reason="a film of this study was retired, so the study is read")
    share, digest = float(study.audit_sample), last.model_digest
    enter_study(writing, study, whole, last.model, model_digest=digest, audit_share=share, actor=actor)
