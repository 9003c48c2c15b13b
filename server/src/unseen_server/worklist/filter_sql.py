"""Filters and search of the list as SQL; their fields are defined in `study_query`.

A filter whose index is in the list's order leads: its rows are read from there. Of the other filters, few studies are
looked up one by one; where they leave many, the list is walked in its order and what does not match is passed over.
Which of the two, the number of studies that a filter's own index holds decides: no page reads the table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from unseen_server.worklist.disagreement import FAR
from unseen_server.worklist.partial_indexes import APART_ALONE, SELDOM_ALONE, SELDOM_STATES
from unseen_server.worklist.reading_order import NOT_SCORED
from unseen_server.worklist.states import shelf_of
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.stored_time import microseconds
from unseen_server.worklist.study_query import NOBODY
from unseen_server.worklist.tables import studies, terms

if TYPE_CHECKING:
    from unseen_server.worklist.list_sorting import Tab
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.states import State
    from unseen_server.worklist.study_query import FlagRule, StudyQuery

FEW: Final = 5000
"""Studies of a filter up to which they are looked up one by one, and sorted afterwards."""
_MATCHES: Final = 1000  # studies that one way to search looks at: many films may bear one name
_SHORTEST: Final = 3  # characters of an accession or patient number's beginning
_PSEUDONYM: Final = re.compile(r"[0-9a-f]{8,64}")  # shorter ones would be met by chance
_LAST: Final = "\U0010ffff"
_WAITS: Final = ("to_read", "in_reading")
_LEADS: Final = ("assigned", "state", "disagreement", "view")

Condition = sa.ColumnElement[bool]
Of = Callable[[Any], Any]  # Any: a column of whatever type


class _passed_over(FunctionElement[Any]):
    """A column by which rows are passed over: SQLite, which knows no counts, is to take no index for it."""

    inherit_cache = True

    def __init__(self, column: sa.ColumnElement[Any]) -> None:
        super().__init__(column)
        self.type = column.type


@compiles(_passed_over)
def _plain(element: _passed_over, compiler: Any, **how: Any) -> str:  # Any: SQLAlchemy's own
    return str(compiler.process(element.clauses, **how))


@compiles(_passed_over, "sqlite")
def _without_index(element: _passed_over, compiler: Any, **how: Any) -> str:
    return f"+{compiler.process(element.clauses, **how)}"


def on_tab(tab: Tab, of: Of = lambda column: column) -> list[Condition]:
    """Return the condition for the studies of a tab."""
    if tab == "not_scored":
        return [of(studies.c.shelf) == "to_read", of(studies.c.band) == NOT_SCORED]
    return [] if tab == "all" else [of(studies.c.shelf) == tab]


@dataclass(frozen=True)
class Narrowed:
    """Way in which a list is found.

    Args:
        walked: conditions on rows that are walked in the list's order, and the order's own index serves.
        passed: conditions on rows by which others are passed over.
        few: the numbers of the only studies that come into question; None: the list is walked.
        cut: further studies may match than were looked at.
        alone: conditions by which an index holds all that match, in whatever order; None: there is no such index.
    """

    walked: list[Condition]
    passed: list[Condition]
    few: sa.Subquery | None
    cut: bool
    alone: list[Condition] | None

    @property
    def conditions(self) -> list[Condition]:
        return [*self.walked, *self.passed]


def narrowed(connection: sa.Connection, names: Pseudonyms, query: StudyQuery) -> Narrowed:
    """Choose how the studies that match a query are found in its order."""
    tab, order = query.tab, query.order
    ways = _ways(query)
    leading = _leading(query, ways) if order == "list" else None
    few, cut = None, False
    if query.text is not None and (text := query.text.strip()):
        few, cut, leading = *_matching(connection, names, text, whole=query.whole_terms), None
    else:
        others = [sa.select(studies.c.id).where(*way) for name, way in ways.items() if name != leading]
        counts = [one for one in zip(_counts(connection, others), others, strict=True) if one[0] <= FEW]
        if counts:
            few, leading = min(counts, key=lambda one: one[0])[1].subquery(), None
    of: Of = (lambda column: column) if few is None else _passed_over
    by_source = order in ("list", "source") or (order == "received" and tab == "all")  # its index begins with it
    walked = on_tab(tab, of)
    if tab == "not_scored" and order != "list":
        walked[1] = _passed_over(studies.c.band) == NOT_SCORED
    if leading is not None:
        walked += ways[leading]
    elif query.source is not None and by_source:
        leading = "source"
        walked.append(of(studies.c.source) == clean(query.source))
    if tab == "to_read" and order == "list" and query.flag:
        walked.append(of(studies.c.band) > NOT_SCORED)  # those are never flagged, and stand first
    passed = _conditions(query, but=leading)
    alone = _alone(query, ways) if few is None and passed else None
    if few is not None:
        passed.append(studies.c.id.in_(sa.select(few.c[0])))
    return Narrowed(walked, passed, few, cut, alone)


def _ways(query: StudyQuery) -> dict[str, list[Condition]]:
    """Return for each filter with an index of its own the conditions on its studies."""
    tab = query.tab
    found: dict[str, list[Condition]] = {}
    if query.assignee is not None and query.assignee != NOBODY:
        found["assigned"] = [studies.c.assigned_to == clean(query.assignee)]
    if query.state is not None:
        seldom: list[Any] = [SELDOM_ALONE] if query.state in SELDOM_STATES else []  # text is a condition, too
        found["state"] = [*seldom, studies.c.state == query.state]
    if query.disagreement:
        found["disagreement"] = [APART_ALONE]  # type: ignore[list-item]  # likewise
    if query.view is not None:
        found["view"] = [studies.c.view == clean(query.view)]
    if dates := _dates(query, lambda column: column):
        found["received"] = [*([] if tab == "all" else on_tab(tab)[:1]), *dates]
    if query.refusal is not None:
        found["refusal"] = [*on_tab("not_scored"), studies.c.refusal == clean(query.refusal)]
    return found


def _leading(query: StudyQuery, ways: Mapping[str, list[Condition]]) -> str | None:
    """Return the filter whose index has a tab's rows in the list's order: the one that leaves the fewest, as a rule."""
    tab = query.tab
    if tab == "all":
        return None
    state = query.state is not None and query.state in SELDOM_STATES and _may_stand(tab, query.state)
    return next((name for name in _LEADS if name in ways and (name != "state" or state)), None)


def _alone(query: StudyQuery, ways: Mapping[str, list[Condition]]) -> list[Condition] | None:
    """Return the conditions of the only filter, where its index holds all that match."""
    tab = query.tab
    if len(ways) != 1 or query.source is not None or query.flag is not None or query.assignee == NOBODY:
        return None
    ((name, way),) = ways.items()
    if query.state is not None:  # which says on which list the study stands; and no index has both
        return way if tab != "not_scored" and _may_stand(tab, query.state) else None
    if query.refusal is not None:  # likewise
        return way if tab in ("to_read", "not_scored", "all") else None
    return None if name == "received" and tab == "not_scored" else [*on_tab(tab), *way]


def _may_stand(tab: Tab, state: State) -> bool:
    """Return True if studies in a state are on a tab."""
    return tab in ("all", shelf_of(state)) or (tab == "not_scored" and shelf_of(state) == "to_read")


def _counts(connection: sa.Connection, ways: Sequence[sa.Select[Any]]) -> Sequence[int]:
    """Count the studies that each of them finds, up to `FEW` + 1."""
    if not ways:
        return ()
    limited = [sa.select(sa.func.count()).select_from(way.limit(FEW + 1).subquery()).scalar_subquery() for way in ways]
    return tuple(connection.execute(sa.select(*limited)).one())


def _conditions(query: StudyQuery, *, but: str | None) -> list[Condition]:
    """Return the conditions of all filters, `but` one."""
    tab = query.tab
    of = _passed_over
    found: list[Condition] = _dates(query, of)
    if query.source is not None and but != "source":
        found.append(of(studies.c.source) == clean(query.source))
    if query.state is not None and but != "state":
        found.append(of(studies.c.state) == query.state if _may_stand(tab, query.state) else sa.false())
    if query.view is not None and but != "view":
        found.append(of(studies.c.view) == clean(query.view))
    if query.assignee is not None and but != "assigned":
        whom = of(studies.c.assigned_to)
        found.append(whom.is_(None) if query.assignee == NOBODY else whom == clean(query.assignee))
    if query.disagreement and but != "disagreement":
        found.append(of(studies.c.apart) >= FAR)
    if query.refusal is not None:
        found += [of(studies.c.band) == NOT_SCORED, of(studies.c.refusal) == clean(query.refusal)]
    if query.flag is not None and query.flag_rule is not None:
        found += _flagged(tab, query.flag_rule, flagged=query.flag)
    return found


def _dates(query: StudyQuery, of: Of) -> list[Condition]:
    found: list[Condition] = []
    if query.since is not None:
        found.append(of(studies.c.received_us) >= microseconds(query.since))
    if query.until is not None:
        found.append(of(studies.c.received_us) < microseconds(query.until))
    return found


def _flagged(tab: Tab, rule: FlagRule, *, flagged: bool) -> list[Condition]:
    never = rule.priority is None and not rule.scores
    if never or tab in ("cleared", "reported", "not_scored"):  # nothing there is to be read earlier than another
        return [sa.false()] if flagged else []
    waits = sa.and_(_passed_over(studies.c.state).in_(_WAITS), _passed_over(studies.c.standing) != "not_scored")
    if rule.priority is not None:
        high: Condition = _passed_over(studies.c.priority) >= rule.priority
    else:
        by_score = [
            sa.and_(
                _passed_over(studies.c.model) == model,
                _passed_over(studies.c.score) >= least if included else _passed_over(studies.c.score) > least,
            )
            for model, (least, included) in sorted(rule.scores.items())
        ]
        high = sa.or_(sa.false(), *by_score)
    hit = sa.case((sa.and_(waits, high), 1), else_=0)
    return [hit == int(flagged)]


def _matching(connection: sa.Connection, names: Pseudonyms, text: str, *, whole: bool) -> tuple[sa.Subquery, bool]:
    """Return the studies that are called `text`, or whose accession number or patient begins so, as it is stored.

    Returns also whether there may be others.
    """
    patient = names.of("patient", text) if names.plain else text  # a long number has a pseudonym in a plain store, too
    called = [names.sealed(kind, text) for kind in ("accession", "study", "name")]
    called += [names.sealed("patient", patient), text]
    ways = [  # each from the index by itself: together they would be sorted, and all files may bear one name
        sa.select(terms.c.study_id).where(terms.c.term == clean(term)).order_by(terms.c.study_id.desc())
        for term in called
    ]
    if not whole and (len(text) >= _SHORTEST if names.plain else _PSEUDONYM.fullmatch(text)):
        ways += [
            sa.select(studies.c.id).where(*_begins(connection, column, clean(text)))
            for column in (studies.c.accession, studies.c.patient)
        ]
    limited = [way.limit(_MATCHES).subquery() for way in ways]
    found = sa.union_all(*(sa.select(one.c[0].label("id")) for one in limited)).subquery()
    full = [sa.select(sa.func.count()).select_from(one).scalar_subquery() >= _MATCHES for one in limited]
    return found, bool(connection.execute(sa.select(sa.or_(sa.false(), *full))).scalar_one())


def _begins(connection: sa.Connection, column: sa.Column[Any], text: str) -> list[Condition]:
    """`column` begins with `text`, byte by byte, from an index whatever the database's language."""
    if connection.dialect.name == "sqlite":
        return [column >= text, column < text + _LAST]
    return [column.op("~>=~", is_comparison=True)(text), column.op("~<~", is_comparison=True)(text + _LAST)]
