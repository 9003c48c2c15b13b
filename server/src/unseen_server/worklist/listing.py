"""Pages of the list: a few rows before or after a place in it, straight from an index, however long the list is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
from pydantic import Field

from unseen_server.worklist import waiting_cap
from unseen_server.worklist.filter_sql import Narrowed, narrowed
from unseen_server.worklist.list_sorting import Place, cursor_of, goes_down, place_of, sort_columns
from unseen_server.worklist.reading_order import OVERDUE
from unseen_server.worklist.refusals import RefusalGroup, refused
from unseen_server.worklist.row_facts import RowFacts, row_facts
from unseen_server.worklist.states import State
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.tables import studies
from unseen_server.worklist.transactions import Found

if TYPE_CHECKING:
    from unseen_server.worklist.patient_identities import IdentityClaim
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.study_query import StudyQuery

COUNTED = 10_000
"""Rows are counted up to here; beyond, a page shows "at least"."""
WALKED = 10_000
"""Rows of the list that are looked at to count those that match filters."""


@dataclass(frozen=True, kw_only=True)
class ListedStudy:
    """A study as the list shows it.

    Args:
        study: its name, for every other call.
        claimed_by: who reads it, and since when; None where nobody does (any more).
        score: None on a blind page, as the probability is, for it would tell a sampled study from the others.
        model: SHA-256 of the weights that score; None where there is no score.
        policy: digest of the policy that decided; "" without one, and on a blind page.
        outcome: of the report that stands; None without one, and where the outcome is not known here.
        reported_by: whose it is.
        how: it came to be (`tables.HOW`); returned and discarded are no reports.
        apart: how far models' shares lie apart (`disagreement`); None where unknown, and on a blind page.
        versions: two of its films are one instance with different pixels: a person decides which of them counts.
        claims: films that disagree about the patient, its own first; none where nothing is disputed.
        scores: by model, the highest of the films that decide; none on a blind page.
    """

    study: str
    state: State
    source: str
    films: int
    received: datetime
    changed: datetime
    priority: Annotated[float | None, Field(description="higher is earlier; null while nothing was decided")]
    overdue: Annotated[bool, Field(description="it waits longer than the cap and goes before the priorities")]
    reason: Annotated[str, Field(description='why it was not scored; "" otherwise')]
    claimed_by: str | None
    claimed: datetime | None
    probability: Annotated[
        float | None,
        Field(
            description="of being abnormal; null where this reader must not see it, while no policy clears, and where "
            "no prevalence was entered"
        ),
    ]
    score: float | None
    film: Annotated[str | None, Field(description="one to look at; null before a worker has read one")]
    model: str | None
    policy: str
    outcome: str | None
    reported_by: str | None
    how: str | None
    seen: Annotated[bool, Field(description="every frontal film was shown to the asker: only then can they report it")]
    view: Annotated[str | None, Field(description="ViewPosition of a frontal film, else of another one")] = None
    assigned_to: Annotated[str | None, Field(description="to whom a lead has assigned it; anybody may read it")] = None
    apart: float | None = None
    versions: bool = False
    claims: tuple[IdentityClaim, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows of a tab, in its order.

    >>> Page(rows=(), next=None, previous=None, total=0, more=False).total
    0

    Args:
        rows: the studies.
        next: cursor of the next page (`after=`); None at the end.
        previous: cursor of the previous page (`before=`); None at the beginning.
        total: number of rows in the tab under these filters, as far as they were counted.
        more: whether there may be more rows than `total`.
        groups: studies in a group above the rows; they are not among the rows.
    """

    rows: tuple[ListedStudy, ...]
    next: str | None
    previous: str | None
    total: int
    more: bool
    groups: tuple[RefusalGroup, ...] = ()


def page(connection: sa.Connection, names: Pseudonyms, query: StudyQuery, *, now_us: int, due_us: int) -> Page | None:
    """Return one page: two statements, a few more for the details of its rows, and one or two for filters.

    Returns None where, at `due_us`, a study has waited too long and is still sorted by priority: move it first.

    Raises:
        WorklistError: a query that no page answers (`StudyQuery.check`), or a damaged cursor.
        NotAllowedError: an order or a filter that a blind page must not have.
    """
    query.check()
    tab, limit, before = query.tab, query.limit, query.before
    columns = sort_columns(tab, query.order)
    cursor = query.after if query.after is not None else before
    start = None if cursor is None else place_of(cursor, columns)
    found_by = narrowed(connection, names, query)
    together: tuple[RefusalGroup, ...] = ()
    parts: list[list[sa.ColumnElement[bool]]] = [[]]
    if query.grouped and query.refusal is None and tab in ("to_read", "not_scored"):
        waiting = refused(connection)
        if waiting.groups:  # the rest of the list is not behind them
            together, parts = waiting.groups, waiting.rest(scored=tab == "to_read")
    backwards = query.last or before is not None
    counted = _counted(found_by, columns, parts)
    facts = connection.execute(sa.select(*counted, *waiting_cap.facts())).one()
    if waiting_cap.is_due(facts.cap_s, facts.oldest_us, now_us=due_us):
        return None
    down = goes_down(tab, query.order, reverse=query.reverse) != backwards
    of_parts = [[*found_by.conditions, *part] for part in parts]
    found = connection.execute(rows(columns, of_parts, start=start, down=down, limit=limit + 1)).all()
    further = len(found) > limit
    found = list(found[:limit])
    if backwards:
        found.reverse()
    places = [cursor_of(tuple(getattr(row, column.name) for column in columns)) for row in (found[:1] + found[-1:])]
    beside = row_facts(connection, found, reader=query.reader, blind=query.blind)
    earlier = further if backwards else cursor is not None
    later = (before is not None) if backwards else further
    total = int(facts.matched or 0)
    return Page(
        rows=tuple(entry_of(row, beside[row.id], now_us=now_us, blind=query.blind) for row in found),
        next=places[-1] if found and later else None,
        previous=places[0] if found and earlier else None,
        total=min(total, COUNTED),
        more=total > COUNTED or facts.looked_at > WALKED or found_by.cut,
        groups=together,
    )


def _counted(
    found_by: Narrowed, columns: list[sa.ColumnElement[Any]], parts: list[list[sa.ColumnElement[bool]]]
) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """Return the number of matching studies, and the number that was scanned for that; both up to a bound."""
    if found_by.alone is not None or found_by.few is not None or not found_by.passed:
        conditions = found_by.conditions if found_by.alone is None else found_by.alone
        limited = [sa.select(studies.c.id).where(*conditions, *part).limit(COUNTED + 1).subquery() for part in parts]
        counts = [sa.select(sa.func.count()).select_from(matching).scalar_subquery() for matching in limited]
        return reduce(add, counts).label("matched"), sa.literal(0).label("looked_at")
    hit = sa.case(
        (sa.and_(*found_by.passed, sa.or_(*(sa.and_(sa.true(), *part) for part in parts))), 1), else_=0
    ).label("hit")
    walk = sa.select(hit).select_from(studies).where(*found_by.walked).order_by(*columns).limit(WALKED + 1).subquery()
    matched = sa.select(sa.func.coalesce(sa.func.sum(walk.c.hit), 0)).scalar_subquery()
    looked_at = sa.select(sa.func.count()).select_from(
        sa.select(studies.c.id).where(*found_by.walked).limit(WALKED + 1).subquery()
    )
    return matched.label("matched"), looked_at.scalar_subquery().label("looked_at")


def rows(
    columns: list[sa.ColumnElement[Any]],
    parts: list[list[sa.ColumnElement[bool]]],
    *,
    start: Place | None,
    down: bool,
    limit: int,
) -> sa.Select[Any]:
    """Return the query of a page, ascending or `down`, of the studies that meet the conditions of one of the parts.

    Each part's rows come from an index in their order; of several, few rows are sorted again.
    """
    found = [sa.select(studies).where(*conditions) for conditions in parts]
    if start is not None:
        place = sa.tuple_(*columns)
        found = [query.where(place < sa.tuple_(*start) if down else place > sa.tuple_(*start)) for query in found]
    ordered = [query.order_by(*_directed(columns, down=down)).limit(limit) for query in found]
    if len(ordered) == 1:
        return ordered[0]
    together = sa.union_all(*(query.subquery().select() for query in ordered)).subquery()
    by = [together.c[column.name] for column in columns]
    return sa.select(together).order_by(*_directed(by, down=down)).limit(limit)


def _directed(columns: Sequence[sa.ColumnElement[Any]], *, down: bool) -> list[sa.ColumnElement[Any]]:
    return [column.desc() if down else column.asc() for column in columns]


def sources(connection: sa.Connection) -> list[str]:
    """Return the sources that studies have."""
    return values(connection, studies.c.source)


def views(connection: sa.Connection) -> list[str]:
    """Return the view positions that studies have."""
    return values(connection, studies.c.view)


def values(connection: sa.Connection, column: sa.Column[Any]) -> list[str]:
    """Return the values of a column, each found by one step in its index."""
    found: list[str] = []
    while True:
        query = sa.select(sa.func.min(column))
        following = connection.execute(query if not found else query.where(column > found[-1])).scalar_one()
        if following is None:
            return found
        found.append(following)


def entry_of(row: Found, beside: RowFacts, *, now_us: int, blind: bool) -> ListedStudy:
    claimed = row.claimed_by is not None and row.claimed_until_us > now_us
    return ListedStudy(
        study=row.public_id,
        state=row.state,
        source=row.source,
        films=row.films,
        received=moment(row.received_us),
        changed=moment(row.changed_us),
        priority=row.priority,
        overdue=row.band == OVERDUE,
        reason=row.reason if row.standing == "not_scored" else "",
        claimed_by=row.claimed_by if claimed else None,
        claimed=moment(row.claimed_us) if claimed else None,
        probability=None if blind else row.probability,
        score=None if blind else row.score,
        film=beside.film,
        model=None if blind or row.score is None else row.model,
        policy="" if blind or row.score is None else row.policy or "",
        outcome=beside.outcome,
        reported_by=beside.reported_by,
        how=beside.how,
        seen=beside.seen,
        versions=beside.versions,
        claims=beside.claims,
        scores={} if blind else beside.scores,
        view=row.view,
        assigned_to=row.assigned_to,
        apart=None if blind else row.apart,
    )
