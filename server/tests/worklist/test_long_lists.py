"""Pages of a long list: found from an index in the list's order, with any filter, in few statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func, select, update

from tests.worklist.conftest import SQLITE_AT_LEAST, FilledOnce, Judged, fill_long_list
from unseen_server.worklist import filter_sql, refusals
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import studies

Asked = list[tuple[str, Any]]  # Any: parameters, as the driver takes them

NARROWED: list[tuple[str, dict[str, Any], str]] = [
    ("to_read", {"view": "LL"}, "ix_studies_view"),
    ("not_scored", {"view": "LL"}, "ix_studies_view"),
    ("cleared", {"view": "AP"}, "ix_studies_view"),
    ("to_read", {"assigned": "reader-0"}, "ix_studies_assigned_to"),
    ("to_read", {"disagreement": True}, "ix_studies_apart"),
    ("reported", {"disagreement": True}, "ix_studies_apart"),
    ("to_read", {"state": "received"}, "ix_studies_state_order"),
    ("not_scored", {"state": "in_reading"}, "ix_studies_state_order"),
    ("to_read", {"source": "site-1"}, "ix_studies_shelf_source"),
]


def asked_by(store: Store, call: Callable[[], object]) -> Asked:
    """Return the statements that a call sends."""
    sent: Asked = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *more: Any) -> None:  # Any: SQLAlchemy's
        sent.append((statement, parameters))

    event.listen(store.database.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(store.database.engine, "before_cursor_execute", note)
    return [one for one in sent if one[0].startswith(("SELECT", "WITH"))]


def plan_of(store: Store, statement: str, parameters: Any) -> str:
    with store.database.reading() as connection:
        if store.database.is_sqlite:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            return "\n".join(str(row[3]) for row in rows)
        for way in ("seqscan", "sort", "bitmapscan"):  # of few rows it would rather sort some than walk an index
            connection.exec_driver_sql(f"SET LOCAL enable_{way} = off")
        return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())


@pytest.mark.parametrize("tab, wanted, index", NARROWED, ids=lambda value: str(value))
def test_a_filter_of_many_studies_is_an_index_in_the_lists_order(
    many: Store, monkeypatch: pytest.MonkeyPatch, tab: Any, wanted: dict[str, Any], index: str
) -> None:
    """No row is passed over, and none is sorted: neither for the page's rows, both ways, nor for their number."""
    monkeypatch.setattr(filter_sql, "FEW", 0)
    first = many.studies.page(StudyQuery(tab=tab, blind=False, **wanted))
    places: list[dict[str, Any]] = [{}, {"last": True}]
    if first.next is not None:
        places += [{"after": first.next}, {"before": first.next}]
    for at in places:
        sent = asked_by(many, lambda at=at: many.studies.page(StudyQuery(tab=tab, blind=False, **wanted, **at)))  # type: ignore[misc]
        of_studies = [one for one in sent if "FROM studies" in one[0]]
        assert len(of_studies) == 2, "the rows, and one statement for all that is counted"
        for statement, parameters in of_studies:
            plan = plan_of(many, statement, parameters)
            assert index in plan, plan
            assert "Sort" not in plan and "TEMP B-TREE" not in plan, plan
            assert "Seq Scan" not in plan and "SCAN studies\n" not in plan, plan
            assert "Filter:" not in plan, plan


@pytest.mark.parametrize("order", ["list", "received", "score"])
def test_a_filter_with_an_index_counts_all_that_match(many: Store, monkeypatch: pytest.MonkeyPatch, order: Any) -> None:
    """Assert for each order that the list is not scanned."""
    monkeypatch.setattr(filter_sql, "FEW", 0)
    monkeypatch.setattr("unseen_server.worklist.listing.WALKED", 10)
    with many.database.reading() as connection:
        query = select(func.count()).where(studies.c.view == "LL", studies.c.shelf == "to_read")
        right = connection.execute(query).scalar_one()
    page = many.studies.page(StudyQuery(tab="to_read", view="LL", order=order, blind=False))
    assert (page.total, page.more) == (right, False)


def test_training_patients_are_found_without_a_pass_over_all_films(store: Store, judged: Judged) -> None:
    judged(1, pixel_sha256="f" * 64, PatientID="P1", StudyInstanceUID="1.2")
    judged(2, pixel_sha256="f" * 64)
    several = {"one": ["f" * 64], "other": ["f" * 64, "e" * 64], "third": ["e" * 64]}
    sent = asked_by(store, lambda: store.reports.training_patients(several))
    assert len(sent) == 3, "by pixels, and the further films of the two patients, for all models at once"
    for statement, parameters in sent:
        plan = plan_of(store, statement, parameters)
        assert "SCAN" not in plan and "Seq Scan" not in plan, plan


def _refuse(store: Store) -> None:
    fill_long_list(store)
    with store.database.writing() as connection:
        waiting = select(studies.c.id).where(studies.c.shelf == "to_read", studies.c.band == 0)
        for turn, number in enumerate(connection.execute(waiting).scalars().all()):
            clause = f"odd {turn % 70}" if turn % 10 == 0 else None if turn % 10 == 1 else f"group {turn % 2}"
            times = {"rank": 0.0, "received_us": 1_700_000_000_000_000 + 7919 * number % 1000}
            connection.execute(update(studies).where(studies.c.id == number).values(refusal=clause, **times))


@pytest.fixture(params=SQLITE_AT_LEAST)
def refused(request: pytest.FixtureRequest, filled_once: FilledOnce) -> Store:
    """Two large groups, some clauses of few studies, some studies without a clause."""
    return filled_once(request.param, _refuse)


def test_the_list_beside_its_groups_is_whole(refused: Store) -> None:
    in_order = (studies.c.band, studies.c.rank, studies.c.received_us, studies.c.id)
    loose = studies.c.refusal.is_(None) | studies.c.refusal.not_like("group %")
    with refused.database.reading() as connection:
        query = select(studies.c.public_id, studies.c.band).where(studies.c.shelf == "to_read", loose)
        right = connection.execute(query.order_by(*in_order)).all()
    for tab, wanted in (("to_read", right), ("not_scored", [row for row in right if row.band == 0])):
        names = [row.public_id for row in wanted]
        for reverse in (False, True):
            turned = names[::-1] if reverse else names
            asked: dict[str, Any] = {"grouped": True, "limit": 30, "reverse": reverse, "blind": False}
            found: list[str] = []
            page = refused.studies.page(StudyQuery(tab=tab, **asked))  # type: ignore[arg-type]
            for _ in range(4):
                assert (page.total, page.more) == (len(names), False)
                assert [group.clause[:5] for group in page.groups] == ["group", "group"]
                found += [row.study for row in page.rows]
                if page.next is None:
                    break
                further = refused.studies.page(StudyQuery(tab=tab, after=page.next, **asked))  # type: ignore[arg-type]
                assert further.previous is not None
                assert refused.studies.page(StudyQuery(tab=tab, before=further.previous, **asked)).rows == page.rows  # type: ignore[arg-type]
                page = further
            assert found == turned[: len(found)] and len(found) >= min(120, len(names))
            last = refused.studies.page(StudyQuery(tab=tab, last=True, **asked))  # type: ignore[arg-type]
            assert [row.study for row in last.rows] == turned[-30:]


def test_a_page_beside_groups_does_not_walk_past_them(refused: Store) -> None:
    sent = asked_by(refused, lambda: refused.studies.page(StudyQuery(grouped=True, limit=30)))
    parts = [plan_of(refused, *one) for one in sent if "UNION ALL" in one[0] and "RECURSIVE" not in one[0]]
    assert len(parts) == 1
    if refused.database.is_sqlite:
        assert "ix_studies_order (shelf=? AND band>?)" in parts[0]
    else:
        assert "Index Cond: ((shelf = 'to_read'::text) AND (band > '0'::smallint))" in parts[0], parts[0]


def test_a_large_group_is_counted_to_a_bound_in_its_index(refused: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    exact = refused.studies.page(StudyQuery(grouped=True)).groups
    assert len(exact) == 2 and all(group.studies > 25 and not group.more for group in exact)
    assert [group.studies for group in exact] == sorted((group.studies for group in exact), reverse=True)
    rest = refused.studies.page(StudyQuery(grouped=True)).rows
    monkeypatch.setattr(refusals, "COUNTED", 25)
    bounded = refused.studies.page(StudyQuery(grouped=True))
    assert [(group.clause, group.studies, group.more) for group in bounded.groups] == [
        ("group 0", 25, True),
        ("group 1", 25, True),
    ]
    assert bounded.rows == rest, "the same studies stand in the list"
    (counted,) = [
        one
        for one in asked_by(refused, lambda: refused.studies.page(StudyQuery(grouped=True)))
        if "RECURSIVE" in one[0]
    ]
    plan = plan_of(refused, *counted)
    assert "ix_studies_refusal" in plan and "Seq Scan on studies" not in plan and "SCAN studies\n" not in plan, plan


def test_a_page_is_the_same_few_statements_whatever_its_rows(many: Store) -> None:
    """PostgreSQL then prepares each once; with a parameter for every row it would plan it anew for every page."""
    few, more = (asked_by(many, lambda limit=limit: many.studies.page(StudyQuery(limit=limit))) for limit in (2, 50))  # type: ignore[misc]
    assert len(few) == len(more) == 3
    if not many.database.is_sqlite:
        assert [statement for statement, _ in few] == [statement for statement, _ in more]


def test_the_audit_sample_is_found_from_an_index(many: Store) -> None:
    (waiting,) = [one for one in asked_by(many, many.reports.audit_sample) if "FROM studies" in one[0]]
    plan = plan_of(many, *waiting)
    assert "ix_studies_sample" in plan, plan


def test_a_filter_beside_another_passes_over_what_does_not_match(many: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_sql, "FEW", 0)
    wanted: dict[str, Any] = {"view": "AP", "state": "received", "source": "site-1"}
    with many.database.reading() as connection:
        query = select(studies.c.public_id).where(
            studies.c.view == "AP", studies.c.state == "received", studies.c.source == "site-1"
        )
        right = set(connection.execute(query).scalars())
    page = many.studies.page(StudyQuery(blind=False, **wanted))
    assert {row.study for row in page.rows} == right and page.total == len(right)
