"""Pages of the list, and what a row shows.

What a row of the list shows beside the study's own columns: a film to look at, the deciding model, and the report.

Asked for a page of studies at once, each from an index.

Pages of the list: a few rows before or after a place in it, straight from an index, however long the list is.

A cursor is the place of a row, so that a page costs the same at the front, in the middle and at the end. A study that
moves while somebody turns pages is seen where it then is; the first page is always right.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal, get_args

from sqlalchemy import Column, ColumnElement, Connection, Select, func, select, tuple_, union_all

from unseen.screening.policy import is_lateral
from unseen.worklist import transactions
from unseen.worklist.ordering import NOT_SCORED, OVERDUE
from unseen.worklist.refusals import RefusalGroup, groups
from unseen.worklist.states import State, WorklistError
from unseen.worklist.tables import decisions, films, reports, seen, studies, terms
from unseen.worklist.transactions import Found, clean

if TYPE_CHECKING:
    from unseen.worklist.opening import Pseudonyms


@dataclass(frozen=True, kw_only=True)
class RowFacts:
    """Of one study.

    film         the first frontal film that a worker could read, else the first it could read; None before there is one
    model        SHA-256 of the weights behind the latest decision; None before there is one
    policy       digest of the policy behind it; "" without one
    outcome      of the report that stands; None without one, and where it was reported elsewhere and not how
    reported_by  whose report that is, and `how` it came to be
    seen         the one who asks was shown every frontal film
    """

    film: str | None = None
    model: str | None = None
    policy: str = ""
    outcome: str | None = None
    reported_by: str | None = None
    how: str | None = None
    seen: bool = False


def row_facts(connection: Connection, rows: Sequence[Found], *, reader: str | None = None) -> dict[int, RowFacts]:
    """The facts by study, for studies as they are stored; `seen` is by `reader`."""
    numbers = [row.id for row in rows]
    if not numbers:
        return {}
    of_studies = _films(connection, numbers, reader)
    models = _models(connection, [row.id for row in rows if row.score is not None])
    said = _reports(connection, [row.id for row in rows if row.shelf == "reported"])
    found = {}
    for number in numbers:
        of_study = of_studies.get(number, [])
        frontal = [film for film in of_study if not is_lateral(film.view_position)]
        readable = [film for film in (*frontal, *of_study) if film.has_look]
        wanted = [film for film in (frontal or of_study) if film.aside is None]
        decided, report = models.get(number), said.get(number)
        found[number] = RowFacts(
            film=readable[0].public_id if readable else None,
            model=None if decided is None else decided.model,
            policy="" if decided is None else decided.policy_digest,
            outcome=None if report is None else report.outcome,
            reported_by=None if report is None else report.reader,
            how=None if report is None else report.how,
            seen=bool(wanted) and all(film.seen_us is not None for film in wanted),
        )
    return found


def _films(connection: Connection, numbers: list[int], reader: str | None) -> dict[int, list[Found]]:
    """By study, its films in their order, with when `reader` was shown each for the first time."""
    mine = (seen.c.film_id == films.c.id) & (seen.c.account == (reader or ""))
    query = (
        select(
            films.c.study_id,
            films.c.public_id,
            films.c.view_position,
            films.c.look.is_not(None).label("has_look"),
            films.c.aside,
            seen.c.seen_us,
        )
        .outerjoin(seen, mine)
        .where(films.c.study_id.in_(numbers))
        .order_by(films.c.id)
    )
    found: dict[int, list[Found]] = {}
    for film in connection.execute(query):
        found.setdefault(film.study_id, []).append(film)
    return found


def _models(connection: Connection, numbers: list[int]) -> dict[int, Found]:
    if not numbers:
        return {}
    latest = select(func.max(decisions.c.id)).where(decisions.c.study_id.in_(numbers)).group_by(decisions.c.study_id)
    query = select(decisions.c.study_id, decisions.c.model, decisions.c.policy_digest).where(decisions.c.id.in_(latest))
    rows: Iterable[Found] = connection.execute(query)
    return {decision.study_id: decision for decision in rows}


def _reports(connection: Connection, numbers: list[int]) -> dict[int, Found]:
    if not numbers:
        return {}
    query = (
        select(reports.c.study_id, reports.c.reader, reports.c.outcome, reports.c.how)
        .where(reports.c.study_id.in_(numbers), reports.c.undone_us.is_(None))
        .order_by(reports.c.id)
    )
    rows: Iterable[Found] = connection.execute(query)
    return {said.study_id: said for said in rows}  # the last of each stands


Tab = Literal["to_read", "cleared", "reported", "not_scored", "all"]
TABS: Final[tuple[Tab, ...]] = get_args(Tab)

MOST = 200
"""Rows of a page."""
COUNTED = 1000
"""Rows are counted up to here; beyond, a page shows "more than"."""
_MATCHES = 1000  # studies that a search looks at, latest first: many films may bear one name

Place = tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A study as the list shows it.

    study         its name, for every other call
    priority      the place in the list follows from it; higher is earlier, None while nothing was decided
    overdue       it waits longer than the cap and goes before the priorities
    reason        why it was not scored; "" otherwise
    claimed_by    who reads it, and since when; None where nobody does (any more)
    probability   of being abnormal, 0 to 1; None on a blind page, for it would tell a sampled study from the others
    score         likewise
    film          one to look at; None before a worker has read one
    model         SHA-256 of the weights that score; None where there is no score
    policy        digest of the policy that decided; "" without one, and on a blind page
    outcome       of the report that stands; None without one, and where the outcome is not known here
    reported_by   whose it is
    how           it came to be (`tables.HOW`); returned and discarded are no reports
    seen          every frontal film was shown to the one who asks, who can report the study without opening it
    """

    study: str
    state: State
    source: str
    films: int
    received: datetime
    changed: datetime
    priority: float | None
    overdue: bool
    reason: str
    claimed_by: str | None
    claimed: datetime | None
    probability: float | None
    score: float | None
    film: str | None
    model: str | None
    policy: str
    outcome: str | None
    reported_by: str | None
    how: str | None
    seen: bool


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some rows of a tab, in its order.

    next      cursor of what follows (`after=`); None at the end
    previous  cursor of what comes before (`before=`); None at the beginning
    total     rows in the tab under this filter, counted up to `COUNTED`
    more      there are more than `total`
    groups    studies that stand in a group above the rows, and are not among them
    """

    rows: tuple[Entry, ...]
    next: str | None
    previous: str | None
    total: int
    more: bool
    groups: tuple[RefusalGroup, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A query for a page of the list; `Store.page` explains each field."""

    tab: Tab
    source: str | None
    text: str | None
    after: str | None
    before: str | None
    last: bool
    limit: int
    blind: bool
    reader: str | None = None
    refusal: str | None = None
    grouped: bool = False


def page(connection: Connection, names: Pseudonyms, wanted: Wanted, *, now_us: int, due_us: int) -> Page | None:
    """One page, in two statements, and three more for what its rows show beside them.

    None where, at `due_us`, a study has waited too long and still stands among the priorities: it is to be moved first.
    """
    tab, limit, before = wanted.tab, wanted.limit, wanted.before
    if tab not in TABS:
        raise WorklistError(f"{str(tab)[:40]!r}: no such tab. There are {', '.join(TABS)}.")
    if not 1 <= limit <= MOST:
        raise WorklistError(f"A page of {limit} rows cannot be had. Ask for 1 to {MOST}.")
    if (wanted.after is not None) + (before is not None) + wanted.last > 1:
        raise WorklistError("Ask for one of: what comes after, what comes before, the last page.")
    condition = [
        *conditions(tab, None if wanted.source is None else clean(wanted.source)),
        *_matching(names, wanted.text),
    ]
    together: tuple[RefusalGroup, ...] = ()
    if wanted.refusal is not None:
        condition += [studies.c.band == NOT_SCORED, studies.c.refusal == clean(wanted.refusal)]
    elif wanted.grouped and tab in ("to_read", "not_scored"):
        together = tuple(groups(connection))
        if together:  # the rest of the list is not behind them
            apart = studies.c.refusal.is_(None) | studies.c.refusal.not_in([group.clause for group in together])
            condition.append((studies.c.band != NOT_SCORED) | apart)
    order = sort_columns(tab)
    backwards = wanted.last or before is not None
    cursor = wanted.after if wanted.after is not None else before
    start = None if cursor is None else _place_of(cursor, len(order))
    counted = select(func.count()).select_from(select(studies.c.id).where(*condition).limit(COUNTED + 1).subquery())
    facts = connection.execute(select(counted.scalar_subquery().label("counted"), *transactions.facts())).one()
    if transactions.is_due(facts.cap_s, facts.oldest_us, now_us=due_us):
        return None
    found = connection.execute(rows(tab, condition, start=start, backwards=backwards, limit=limit + 1)).all()
    further = len(found) > limit
    found = list(found[:limit])
    if backwards:
        found.reverse()
    places = [cursor_of(tuple(getattr(row, column.name) for column in order)) for row in (found[:1] + found[-1:])]
    beside = row_facts(connection, found, reader=wanted.reader)
    earlier = further if backwards else cursor is not None
    later = (before is not None) if backwards else further
    return Page(
        rows=tuple(entry_of(row, beside[row.id], now_us=now_us, blind=wanted.blind) for row in found),
        next=places[-1] if found and later else None,
        previous=places[0] if found and earlier else None,
        total=min(facts.counted, COUNTED),
        more=facts.counted > COUNTED,
        groups=together,
    )


def rows(
    tab: Tab, condition: list[ColumnElement[bool]], *, start: Place | None, backwards: bool, limit: int
) -> Select[tuple[object, ...]]:
    """The query of a page, in the tab's order or against it."""
    order = sort_columns(tab)
    newest_first = tab == "all"
    downwards = newest_first != backwards
    query = select(studies).where(*condition)
    if start is not None:
        place = tuple_(*order)
        query = query.where(place < tuple_(*start) if downwards else place > tuple_(*start))
    return query.order_by(*(column.desc() if downwards else column.asc() for column in order)).limit(limit)


def sort_columns(tab: Tab) -> list[Column[object]]:
    """The columns that a tab is sorted by: all ascending, except that `all` shows the latest first."""
    if tab == "all":
        return [studies.c.received_us, studies.c.id]
    whole = [studies.c.band, studies.c.rank, studies.c.received_us, studies.c.id]
    return whole[1:] if tab == "not_scored" else whole  # one band: SQLite sorts by hand where it is given twice


def conditions(tab: Tab, source: str | None) -> list[ColumnElement[bool]]:
    """What is on a tab."""
    found: list[ColumnElement[bool]] = [] if source is None else [studies.c.source == source]
    if tab == "not_scored":
        found += [studies.c.shelf == "to_read", studies.c.band == NOT_SCORED]
    elif tab != "all":
        found.append(studies.c.shelf == tab)
    return found


def sources(connection: Connection) -> list[str]:
    """The sources that studies have, each found by one step in the index."""
    found: list[str] = []
    while True:
        query = select(func.min(studies.c.source))
        following = connection.execute(query if not found else query.where(studies.c.source > found[-1])).scalar_one()
        if following is None:
            return found
        found.append(following)


def _matching(names: Pseudonyms, text: str | None) -> list[ColumnElement[bool]]:
    """Studies whose accession, patient, UID, file name or own name is `text`."""
    if text is None or not (wanted := text.strip()):
        return []
    candidates = [names.sealed(kind, wanted) for kind in ("accession", "patient", "study", "name")] + [wanted]
    candidates = [clean(candidate) for candidate in candidates]
    latest = [  # each from the index by itself: together they would be sorted, and all files may bear one name
        select(terms.c.study_id)
        .where(terms.c.term == term)
        .order_by(terms.c.study_id.desc())
        .limit(_MATCHES)
        .subquery()
        for term in candidates
    ]
    return [studies.c.id.in_(union_all(*(select(one.c.study_id) for one in latest)))]


def entry_of(row: Found, beside: RowFacts, *, now_us: int, blind: bool) -> Entry:
    claimed = row.claimed_by is not None and row.claimed_until_us > now_us
    return Entry(
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
        model=None if blind else beside.model,
        policy="" if blind else beside.policy,
        outcome=beside.outcome,
        reported_by=beside.reported_by,
        how=beside.how,
        seen=beside.seen,
    )


def moment(time_us: int) -> datetime:
    """A stored time.

    >>> moment(1_500_000).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    seconds, micro = divmod(time_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)


def cursor_of(place: Place) -> str:
    """A place in a tab, for `after` and `before`."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place_of(cursor: str, length: int) -> Place:
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        numbers = isinstance(place, list) and all(type(value) in (int, float) for value in place)
        sound = numbers and len(place) == length and all(abs(value) < 2**63 for value in place)
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise WorklistError("The page's cursor is damaged. Begin at the first page.")
    return tuple(place)
