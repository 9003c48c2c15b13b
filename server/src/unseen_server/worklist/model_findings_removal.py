"""Removal of everything that a model has found.

Findings, anomaly maps, renditions and generated images are removed. Decisions, reports and agreements stay: they record
what was done with the scores.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from sqlalchemy import func, select

from unseen_server.worklist import disagreement
from unseen_server.worklist.statements import update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.study_removal import Removed
from unseen_server.worklist.tables import activations, decisions, films, findings, studies

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from unseen_server.worklist.site import Site

_AT_ONCE = 500  # findings of a transaction


@dataclass(frozen=True, kw_only=True)
class KnownModel:
    """A model that has scored films here."""

    model: Annotated[str, Field(description="SHA-256 of its weights")]
    name: Annotated[str, Field(description='"" where this server does not know it')]
    findings: int
    latest: datetime
    waiting: Annotated[int, Field(description="studies that wait for a reader in an order that it made")]


def models(connection: Connection) -> list[KnownModel]:
    """Return the models that have findings, the latest first."""
    counts = select(findings.c.model, func.count().label("findings"), func.max(findings.c.made_us).label("latest_us"))
    names = {
        row.model: row.model_name
        for row in connection.execute(select(activations.c.model, activations.c.model_name).order_by(activations.c.id))
    }
    found = [
        KnownModel(
            model=row.model,
            name=names.get(row.model, ""),
            findings=row.findings,
            latest=moment(row.latest_us),
            waiting=_waiting(connection, row.model),
        )
        for row in connection.execute(counts.group_by(findings.c.model))
    ]
    return sorted(found, key=lambda one: one.latest, reverse=True)


def retire_model(site: Site, model: str, *, actor: str, in_use: Collection[str] = ()) -> Removed:
    """Remove what a model has found; see `Removal.retire_model`."""
    folder = site.renditions.path / f"generated-{model}.npz" if model.isalnum() else None
    with site.writing() as writing:
        known = writing.connection.execute(
            select(func.count()).select_from(findings).where(findings.c.model == model)
        ).scalar_one()
        if not known or folder is None:
            raise NotFoundError(f"{model[:40]!r}: no model with these weights has scored films here.")
        _check_unused(writing.connection, model, in_use)
        writing.log(actor, "model.retired", model, findings=known)
    total = Removed(studies=0, films=0, maps=0)
    while True:
        with site.writing() as writing:
            rows = writing.connection.execute(
                select(findings.c.id, findings.c.map_sha256, films.c.sha256, films.c.study_id)
                .join(films, films.c.id == findings.c.film_id)
                .where(findings.c.model == model)
                .limit(_AT_ONCE)
            ).all()
            for row in rows:  # derived: they may go before the rows that speak of them
                site.renditions.rendition_of(row.sha256, model).unlink(missing_ok=True)
            writing.connection.execute(findings.delete().where(findings.c.id.in_([row.id for row in rows])))
            for number in {row.study_id for row in rows}:
                left = disagreement.apart(writing.connection, number)
                update_row(writing.connection, studies, number, {"apart": left})
        maps = site.remove_unknown(site.maps, [row.map_sha256 for row in rows if row.map_sha256 is not None])
        total = replace(total, maps=total.maps + maps)
        if len(rows) < _AT_ONCE:
            break
    folder.unlink(missing_ok=True)
    site.database.forget_overwritten()
    return total


def _check_unused(connection: Connection, model: str, in_use: Collection[str]) -> None:
    if model in in_use:
        raise NotAllowedError(
            "This server scores films with that model. Start it without the model (--model, --also), then retire it."
        )
    last = connection.execute(
        select(activations.c.model, activations.c.withdrawn_us)
        .where(activations.c.activated_us.is_not(None))
        .order_by(activations.c.activated_us.desc())
        .limit(1)
    ).one_or_none()
    if last is not None and last.withdrawn_us is None and last.model == model:
        raise NotAllowedError("That model is in force: two leads activated it. Withdraw the activation first.")
    if waiting := _waiting(connection, model):
        raise WorklistError(
            f"Studies that wait for a reader in an order that this model made: {waiting}. Have them read first."
        )


def _waiting(connection: Connection, model: str) -> int:
    """Return the studies on the list whose latest decision is this model's."""
    newest = (
        select(func.max(decisions.c.id).label("id"))
        .join(studies, studies.c.id == decisions.c.study_id)
        .where(studies.c.shelf == "to_read")
        .group_by(decisions.c.study_id)
        .subquery()
    )
    query = select(func.count()).select_from(decisions).join(newest, newest.c.id == decisions.c.id)
    return int(connection.execute(query.where(decisions.c.model == model)).scalar_one())
