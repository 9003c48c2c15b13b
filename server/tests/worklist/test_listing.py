"""The list: its order, its pages, its filters; and that every page comes straight from an index."""

from __future__ import annotations

import base64
import json
import random
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy

from benchmarks.made_up_list import fill
from tests.worklist.conftest import Clock, Judged, listed, on_postgresql, png
from tests.worklist.reporting import look_and_report
from unseen_server.worklist import filter_sql, list_sorting, listing, waiting_cap
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

HOUR = 3600.0


def test_a_blind_page_names_neither_score_nor_model_nor_policy(store: Store, judged: Judged) -> None:
    scored, other = judged(1, "clear", 0.2).study, judged(2, "not_scored").study
    seen, blind = (
        {row.study: row for row in store.studies.page(StudyQuery(tab="all", blind=one)).rows} for one in (False, True)
    )
    assert (seen[scored].score, seen[scored].policy) == (0.2, "p") and seen[scored].model
    assert (seen[other].score, seen[other].model, seen[other].policy) == (None, None, "")
    for row in blind.values():
        assert (row.score, row.probability, row.model, row.policy, row.scores) == (None, None, None, "", {})


def test_the_order_is_not_scored_then_overdue_then_priority_then_age(
    store: Store, judged: Judged, clock: Clock
) -> None:
    names: dict[str, str] = {}

    def film(number: int, name: str, *how: Any) -> None:
        names[judged(number, *how).study] = name
        clock.now += 60

    film(1, "overdue, low", "read", 0.1)
    film(2, "overdue, high", "read", 0.9)
    clock.now += 25 * HOUR
    film(3, "unread, older", "not_scored")
    film(4, "low", "read", 0.2)
    film(5, "high, older", "read", 0.8)
    film(6, "high, younger", "read", 0.8)
    film(7, "unread, younger", "not_scored")
    film(8, "cleared", "clear", 0.01)
    names[store.films.receive(png(9), name="9").study] = "on its way"
    assert [names[study] for study in listed(store)] == [
        "unread, older",
        "unread, younger",
        "overdue, low",
        "overdue, high",
        "high, older",
        "high, younger",
        "low",
        "on its way",
    ]
    assert [names[study] for study in listed(store, "not_scored")] == ["unread, older", "unread, younger"]
    assert [names[study] for study in listed(store, "cleared")] == ["cleared"]
    assert [entry.overdue for entry in store.studies.page(StudyQuery()).rows] == [
        False,
        False,
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert len(listed(store, "all")) == 9


def test_what_waits_too_long_goes_ahead_whatever_its_priority(store: Store, judged: Judged, clock: Clock) -> None:
    low = judged(1, "read", 0.01).study
    clock.now += 23.9 * HOUR
    high = judged(2, "read", 0.99).study
    assert listed(store) == [high, low]
    clock.now += 0.2 * HOUR
    assert listed(store) == [low, high]


def test_a_film_that_nobody_scores_comes_to_the_top_in_time(store: Store, judged: Judged, clock: Clock) -> None:
    stuck = store.films.receive(png(1), name="a").study
    clock.now += 25 * HOUR
    fresh = store.films.receive(png(2), name="b").study
    assert listed(store) == [stuck, fresh] and store.studies.page(StudyQuery()).rows[0].overdue


def test_the_cap_can_be_changed_both_ways(store: Store, judged: Judged, clock: Clock) -> None:
    low, high = judged(1, "read", 0.1).study, judged(2, "read", 0.9).study
    clock.now += HOUR
    later = judged(3, "read", 0.95).study
    assert listed(store) == [later, high, low]
    store.settings.set_waiting_cap_s(HOUR / 2, actor="lea")
    assert listed(store) == [low, high, later]
    store.settings.set_waiting_cap_s(2 * HOUR, actor="lea")
    assert listed(store) == [later, high, low]
    for wrong in (0.0, -1.0, 1e300, float("nan"), float("inf")):
        with pytest.raises(WorklistError, match="makes no sense"):
            store.settings.set_waiting_cap_s(wrong, actor="lea")


def test_pages_forwards_backwards_and_from_the_end_agree(store: Store, judged: Judged) -> None:
    rng = random.Random(3)
    for number in range(17):
        judged(number, rng.choice(["read", "read", "not_scored"]), rng.choice([0.2, 0.5, 0.5, 0.9]))
    whole = [entry.study for entry in store.studies.page(StudyQuery(limit=200)).rows]
    assert len(whole) == len(set(whole)) == 17
    for limit in (1, 4, 5, 17):
        pages, page = [], store.studies.page(StudyQuery(limit=limit))
        assert page.previous is None
        while True:
            pages.append(page)
            if page.next is None:
                break
            page = store.studies.page(StudyQuery(limit=limit, after=page.next))
        assert [entry.study for one in pages for entry in one.rows] == whole
        for earlier, later in pairwise(pages):
            assert later.previous is not None
            assert store.studies.page(StudyQuery(limit=limit, before=later.previous)).rows == earlier.rows
        end = store.studies.page(StudyQuery(limit=limit, last=True))
        assert [entry.study for entry in end.rows] == whole[-limit:] and end.next is None
        assert (end.previous is None) == (limit == 17)
    every = [entry.received for entry in store.studies.page(StudyQuery(tab="all", limit=200)).rows]
    assert every == sorted(every, reverse=True)


@on_postgresql
def test_filters_hold_on_every_page(store: Store, judged: Judged) -> None:
    for number in range(12):
        judged(number, source="north" if number % 3 else "south")
    south = [entry.study for entry in store.studies.page(StudyQuery(limit=200)).rows if entry.source == "south"]
    assert listed(store, source="south") == south and len(south) == 4
    assert len(listed(store, "all", source="north")) == 8
    assert store.studies.page(StudyQuery(source="nowhere")).rows == () and store.studies.sources() == ["north", "south"]
    (entry,) = store.studies.page(StudyQuery(text="5.png")).rows
    assert store.studies.page(StudyQuery(text=entry.study)).rows == (entry,)
    assert store.studies.page(StudyQuery(text="5.png", source="south")).rows == ()
    assert (
        store.studies.page(StudyQuery(text="%")).rows == store.studies.page(StudyQuery(text="' OR 1=1 --")).rows == ()
    )
    assert store.studies.page(StudyQuery(text="  ")).total == 12, "no text, no filter"


@on_postgresql
def test_rows_are_counted_up_to_a_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(store, studies=150, seed=1)
    page = store.studies.page(StudyQuery(tab="all", limit=3))
    assert (page.total, page.more, len(page.rows)) == (150, False, 3)
    monkeypatch.setattr(listing, "COUNTED", 100)
    page = store.studies.page(StudyQuery(tab="all", limit=3))
    assert (page.total, page.more, len(page.rows)) == (100, True, 3)
    cleared = store.studies.page(StudyQuery(tab="cleared"))
    assert not cleared.more and cleared.total == len(listed(store, "cleared"))


@on_postgresql
def test_what_is_asked_for_wrongly_is_a_sentence(store: Store, judged: Judged) -> None:
    judged(1)
    good = base64.urlsafe_b64encode(json.dumps([1, 2.0, 3, 4]).encode()).decode()
    assert store.studies.page(StudyQuery(after=good)).rows == store.studies.page(StudyQuery()).rows, (
        "a place that no study has is one all the same"
    )
    numbers = [[1], [1, 2, 3, "4"], [1, 2, 3, True], [1, 2, 3, 2**70], {"a": 1}]
    for cursor in ("", "x", "%%%", good[:-3], "é", "[1]", "W" * 100_000, *map(_written, numbers)):
        with pytest.raises(WorklistError, match="cursor is damaged"):
            store.studies.page(StudyQuery(after=cursor))
    for limit in (0, -1, 201):
        with pytest.raises(WorklistError, match="Ask for 1 to 200"):
            store.studies.page(StudyQuery(limit=limit))
    with pytest.raises(WorklistError, match="no such tab"):
        store.studies.page(StudyQuery(tab="secret"))  # type: ignore[arg-type]
    with pytest.raises(WorklistError, match="one of"):
        store.studies.page(StudyQuery(after=good, last=True))


def _written(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_a_page_for_readers_tells_nothing_of_the_sample(store: Store, judged: Judged) -> None:
    waiting_studies = [judged(number, "read", 0.4 + number / 100).study for number in range(10)]
    sampled = judged(50, "clear", 0.01, audit_share=1.0, reason="cleared: below the threshold").study
    assert sampled in listed(store) and sampled not in listed(store, "cleared")
    entries = {entry.study: entry for entry in store.studies.page(StudyQuery(limit=50)).rows}
    assert entries[sampled].state == "to_read" and entries[sampled].reason == ""
    others = [entries[study].priority or 0.0 for study in waiting_studies]
    place = entries[sampled].priority
    assert place is not None and min(others) <= place <= max(others), "an ordinary place"
    assert place not in others or place == min(others), "a copy would tell that one of both is sampled"
    assert {(entry.probability, entry.score) for entry in entries.values()} == {(None, None)}
    seen = store.studies.details(sampled)
    assert (seen.decision, seen.audit_sample, seen.history) == (None, None, ())
    assert all(film.decision is None for film in seen.films)
    assert "clear" not in repr(seen)
    known = store.studies.details(sampled, blind=False)
    assert known.audit_sample is True and known.decision is not None and known.decision.action == "clear"


def test_the_audit_sample_is_counted(store: Store, judged: Judged) -> None:
    judged(0, "read")
    for number, outcome in enumerate(["normal", "abnormal", "normal", "unsure", None], start=1):
        study = judged(number, "clear", 0.1, audit_share=1.0).study
        if outcome:
            store.studies.claim(study, "ann")
            look_and_report(store, study, "ann", outcome)
    found = store.reports.audit_sample()
    assert (found.waiting, found.read, found.abnormal, found.unsure) == (1, 3, 1, 1)
    assert str(found.share).startswith("0.33")


def plans(store: Store, tab: Any, *, start: Any, backwards: bool, order: Any = "list", **how: Any) -> str:
    """Return the database's query plan of a page."""
    with store.database.reading() as connection:
        asked = StudyQuery(tab=tab, order=order, source=how.get("source"))
        found = filter_sql.narrowed(connection, store.names, asked)
        columns = list_sorting.sort_columns(tab, order)
        down = list_sorting.goes_down(tab, order, reverse=False) != backwards
        query = listing.rows(columns, [found.conditions], start=start, down=down, limit=51)
        text = str(query.compile(connection, compile_kwargs={"literal_binds": True}))
        if not store.database.is_sqlite:  # of few rows it would rather sort some than walk the index
            connection.exec_driver_sql("SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        explain = "EXPLAIN QUERY PLAN " if store.database.is_sqlite else "EXPLAIN "
        return "\n".join(str(tuple(row)) for row in connection.exec_driver_sql(explain + text))


def test_every_page_comes_straight_from_an_index(many: Store) -> None:
    values = {"rank": -0.4, "received_us": 1_800_000_000_000_000, "source": "site-1", "score_rank": 0.5}
    for tab in list_sorting.TABS:
        for order in list_sorting.ORDERS:
            at = tuple(values.get(column.name, 2) for column in list_sorting.sort_columns(tab, order))
            for source in (None, "site-1") if order != "source" else (None,):
                for start in (None, at):
                    for backwards in (False, True):
                        if (tab, order) == ("all", "source"):
                            continue  # refused
                        plan = plans(many, tab, order=order, source=source, start=start, backwards=backwards)
                        assert "ix_studies_" in plan, (tab, order, source, start, backwards, plan)
                        assert "TEMP B-TREE" not in plan and "Sort" not in plan, "sorted by hand: " + plan
                        assert "SCAN studies\n" not in plan and "Seq Scan" not in plan, plan
    with many.database.reading() as connection:
        due = sqlalchemy.select(*waiting_cap.facts()).compile(connection, compile_kwargs={"literal_binds": True})
        explain = "EXPLAIN QUERY PLAN " if many.database.is_sqlite else "EXPLAIN "
        assert "ix_studies_due" in str(connection.execute(sqlalchemy.text(explain + str(due))).all())


def test_pages_of_many_studies_are_whole(many: Store) -> None:
    for tab in ("to_read", "cleared"):
        forwards: list[str] = []
        page = many.studies.page(StudyQuery(tab=tab, limit=100, source="site-2"))
        while True:
            forwards += [entry.study for entry in page.rows]
            if page.next is None:
                break
            page = many.studies.page(StudyQuery(tab=tab, limit=100, source="site-2", after=page.next))
        assert len(forwards) == len(set(forwards)) > 150
