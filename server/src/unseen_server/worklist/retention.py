"""Retention: studies removed by age, as the site's settings say or on request.

Ages are differences of the wall clock, which may be wrong by years. A server therefore removes nothing by age for
`WAIT_DAYS` after a check that is more than `GAP_DAYS` later than the check before: a wrong clock is set right in that
time, and a server that was off for so long removes a little later.

`study_removal` removes the rows and files; `erasure` removes a patient or one study.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, Connection, func, select

from unseen_server.worklist import stored_settings
from unseen_server.worklist.outside_reports import forget_early
from unseen_server.worklist.states import DONE, NotAllowedError, State, WorklistError
from unseen_server.worklist.stored_settings import MOST_DAYS
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.study_removal import Removed, remove_rows, unlink
from unseen_server.worklist.tables import audit, settings, studies

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site
    from unseen_server.worklist.transactions import Writing

_log = logging.getLogger("unseen")

GAP_DAYS: Final = 1
"""Longest time between two checks after which studies are removed by age at once."""
WAIT_DAYS: Final = 3
"""Time for which nothing is removed by age after a longer one."""
_LONGER = 2  # a wait begins again after a gap that is so many times as long as the one before the wait
_DAY_US = 86_400 * 1_000_000
_AT_ONCE = 200  # studies of a transaction: other writers get their turn
_CHECKED = "removal_checked_us"
_SINCE = "removal_waits_since_us"
_GAP = "removal_waits_gap_us"
_LAST_EVENT = select(audit.c.time_us).order_by(audit.c.seq.desc()).limit(1)


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
    """Remove what the site's settings no longer keep; returns how many studies. For a server, at least once a day.

    It removes nothing while `waits_until` gives a time.
    """
    with site.writing() as writing:
        if _waits(writing):
            return 0
        kept = stored_settings.read(writing.connection)
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


def waits_until(site: Site) -> datetime | None:
    """Return until when nothing is removed by age because the clock may be wrong; None: it is removed."""
    with site.database.reading() as connection:
        since_us = _stored(connection).get(_SINCE)
    return None if since_us is None else moment(since_us + WAIT_DAYS * _DAY_US)


def _waits(writing: Writing) -> bool:
    """Return True if the clock is to be confirmed by a later check before studies are removed; keep this check's time.

    The time of the first check is compared with that of the last audit event. A clock that is set back by more than
    `GAP_DAYS` ends the wait: it was ahead. A much longer gap than the one before the wait begins it again: a clock may
    jump during a wait, too. A server that runs seldom has gaps of similar length, and removes.
    """
    now_us, known = writing.now_us, _stored(writing.connection)
    since_us = known.get(_SINCE)
    last_us = known.get(_CHECKED)
    if last_us is None:
        last_us = writing.connection.execute(_LAST_EVENT).scalar_one_or_none() or now_us
    most_us = GAP_DAYS * _DAY_US if since_us is None else known[_GAP] * _LONGER
    gap_us = now_us - last_us
    if gap_us > most_us:
        since_us = now_us
        _store(writing.connection, _GAP, gap_us)
        _log.warning("retire.waits clock_days_since_last_check=%.1f days_until_removal=%d", gap_us / _DAY_US, WAIT_DAYS)
    elif since_us is not None and not since_us - GAP_DAYS * _DAY_US <= now_us < since_us + WAIT_DAYS * _DAY_US:
        since_us = None
    _store(writing.connection, _CHECKED, now_us)
    _store(writing.connection, _SINCE, since_us)
    return since_us is not None


def _stored(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(settings).where(settings.c.name.in_((_CHECKED, _SINCE, _GAP))))
    return {row.name: int(row.value) for row in rows}


def _store(connection: Connection, name: str, value: int | None) -> None:
    connection.execute(settings.delete().where(settings.c.name == name))
    if value is not None:
        connection.execute(settings.insert().values(name=name, value=str(value)))


def _age_us(days: float) -> int:
    """Return an age in microseconds. Raises WorklistError for one that no study can have."""
    if not 0 < days <= MOST_DAYS:
        raise WorklistError(f"{days:g} days: the age must be above 0, and at most {MOST_DAYS:,} days.")
    return int(days * _DAY_US)


def _old(
    before_us: int, states: Sequence[State], *, source: str | None, but: Collection[str]
) -> list[ColumnElement[bool]]:
    """Return the studies that have been in one of `states` since before then; of this source, or of all `but` these.

    A study that came later than its last change was changed while the clock was behind, and is as old as its arrival.
    """
    wanted = [studies.c.state.in_(states), studies.c.changed_us < before_us, studies.c.received_us < before_us]
    if source is not None:
        wanted.append(studies.c.source == source)
    if but:
        wanted.append(studies.c.source.not_in(but))
    return wanted
