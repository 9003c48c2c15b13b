"""Retention: studies removed by age, as the site's settings say or on request.

`study_removal` removes the rows and files; `erasure` removes a patient or one study.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, func, select

from unseen_server.worklist import stored_settings
from unseen_server.worklist.outside_reports import forget_early
from unseen_server.worklist.states import DONE, NotAllowedError, State, WorklistError
from unseen_server.worklist.stored_settings import MOST_DAYS
from unseen_server.worklist.study_removal import Removed, remove_rows, unlink
from unseen_server.worklist.tables import studies

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site

_DAY_US = 86_400 * 1_000_000
_AT_ONCE = 200  # studies of a transaction: other writers get their turn


def retire(
    site: Site,
    *,
    older_than_days: float,
    states: Sequence[State] = DONE,
    actor: str,
    source: str | None = None,
    but: Collection[str] = (),
) -> Removed:
    """Remove studies that have been in one of `states` for so long; see `Removal.retire`."""
    if unfinished := [state for state in states if state not in DONE]:
        raise NotAllowedError(
            f"Studies that are {str(unfinished[0]).replace('_', ' ')} still wait for somebody and are not removed by "
            f"age. States that may be: {', '.join(DONE)}."
        )
    age_us = _age_us(older_than_days)
    total = Removed(studies=0, films=0, maps=0)
    while True:
        with site.writing() as writing:
            before = writing.now_us - age_us
            found = writing.connection.execute(
                select(studies)
                .where(*_old(before, states, source=source, but=but))
                .order_by(studies.c.changed_us)
                .limit(_AT_ONCE)
            ).all()
            gone = remove_rows(writing, list(found), actor=actor, action="study.retired")
        part = unlink(site, gone, len(found))
        total = Removed(
            studies=total.studies + part.studies, films=total.films + part.films, maps=total.maps + part.maps
        )
        if len(found) < _AT_ONCE:
            if total.studies:
                site.database.forget_overwritten()
            return total


def count_old(site: Site, *, older_than_days: float, source: str | None = None) -> int:
    """Return the number of studies that `retire` would remove."""
    before = site.now_us() - _age_us(older_than_days)
    with site.database.reading() as connection:
        query = select(func.count()).select_from(studies).where(*_old(before, DONE, source=source, but=()))
        return int(connection.execute(query).scalar_one())


def retire_by_age(site: Site) -> int:
    """Remove what the site's settings no longer keep; returns how many studies. For a server, once in a while."""
    with site.database.reading() as connection:
        kept = stored_settings.read(connection)
    with site.writing() as writing:
        forget_early(writing)
    periods: list[tuple[float | None, str | None]] = [(days, source) for source, days in kept.kept_of.items()]
    periods.append((kept.kept_days, None))
    return sum(
        retire(
            site, older_than_days=days, actor="unseen", source=source, but=() if source is not None else kept.kept_of
        ).studies
        for days, source in periods
        if days is not None
    )


def _age_us(days: float) -> int:
    """Return an age in microseconds. Raises WorklistError for one that no study can have."""
    if not 0 < days <= MOST_DAYS:
        raise WorklistError(f"{days:g} days: the age must be above 0, and at most {MOST_DAYS:,} days.")
    return int(days * _DAY_US)


def _old(
    before_us: int, states: Sequence[State], *, source: str | None, but: Collection[str]
) -> list[ColumnElement[bool]]:
    """Return the studies that have been in one of `states` since before then; of this source, or of all `but` these."""
    wanted = [studies.c.state.in_(states), studies.c.changed_us < before_us]
    if source is not None:
        wanted.append(studies.c.source == source)
    if but:
        wanted.append(studies.c.source.not_in(but))
    return wanted
