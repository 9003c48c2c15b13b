"""The list sorted and filtered: against the same done by hand, however the rows are found; and what is refused."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from benchmarks.made_up_list import fill
from tests.worklist.conftest import (
    SQLITE_AT_LEAST,
    Clock,
    FilledOnce,
    Judge,
    Judged,
    Place,
    dicom_film,
    listed,
    on_postgresql,
    own_on_both_databases,
)
from tests.worklist.reporting import look_and_report
from unseen_server.worklist import filter_sql, listing
from unseen_server.worklist.disagreement import FEWEST, apart
from unseen_server.worklist.states import NotAllowedError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import ME, NOBODY, FlagRule, StudyQuery
from unseen_server.worklist.tables import LEAST_SCORE, films, findings, studies

RULE = FlagRule(scores={"m": (0.7, True), "n": (0.9, False)})


def vary(store: Store) -> None:
    """300 studies of all kinds."""
    rng = random.Random(5)
    fill(store, studies=300, seed=3)
    with store.database.writing() as connection:
        rows = []
        for row in connection.execute(select(studies.c.id, studies.c.state)).all():
            score = rng.choice([0.7, 0.9, rng.random()]) if row.state not in ("received", "not_scored") else None
            values = {
                "varied": row.id,
                "view": rng.choice(["PA", "AP", "LL", None]),
                "assigned_to": rng.choice(["ann", "ben", None, None]),
                "apart": rng.choice([None, 0.1, 0.5, 0.8]),
                "model": rng.choice(["m", "n", "o"]),
                "policy": rng.choice(["", "p", "q"]),
                "probability": rng.choice([None, rng.random()]) if score is not None else None,
                "score": score,
                "score_rank": LEAST_SCORE if score is None else score,
                "refusal": "blank" if row.state == "not_scored" else None,
            }
            rows.append(values)
        connection.execute(update(studies).where(studies.c.id == bindparam("varied")), rows)


@pytest.fixture(params=SQLITE_AT_LEAST)
def varied(request: pytest.FixtureRequest, filled_once: FilledOnce) -> Store:
    """A store with studies of all kinds, for tests that only read it."""
    return filled_once(request.param, vary)


def by_hand(row: Any, wanted: dict[str, Any]) -> bool:
    checks = {
        "source": lambda value: row.source == value,
        "state": lambda value: row.state == value,
        "view": lambda value: row.view == value,
        "since": lambda value: row.received_us >= value.timestamp() * 1e6,
        "until": lambda value: row.received_us < value.timestamp() * 1e6,
        "assigned": lambda value: row.assigned_to == {ME: "ann", NOBODY: None}.get(value, value),
        "disagreement": lambda value: not value or (row.apart or 0) >= 0.5,
        "flag": lambda value: flagged(row, wanted["flag_rule"]) == value,
        "refusal": lambda value: row.refusal == value,
    }
    return all(checks[name](value) for name, value in wanted.items() if name != "flag_rule")


def flagged(row: Any, rule: FlagRule) -> bool:
    if row.state not in ("to_read", "in_reading") or row.standing == "not_scored":
        return False
    if rule.priority is not None:
        return bool(row.priority is not None and row.priority >= rule.priority)
    return row.score is not None and ((row.model == "m" and row.score >= 0.7) or (row.model == "n" and row.score > 0.9))


ON_TAB = {
    "to_read": lambda row: row.shelf == "to_read",
    "cleared": lambda row: row.shelf == "cleared",
    "reported": lambda row: row.shelf == "reported",
    "not_scored": lambda row: row.shelf == "to_read" and row.band == 0,
    "all": lambda row: True,
}


@pytest.mark.parametrize(
    "varied, few, tabs",
    [
        ("sqlite", 0, list(ON_TAB)),
        pytest.param("postgresql", 0, ["to_read"], marks=pytest.mark.nightly),
        pytest.param("postgresql", 0, list(ON_TAB), marks=pytest.mark.nightly),
        pytest.param("sqlite", 5000, list(ON_TAB), marks=pytest.mark.nightly),
        pytest.param("postgresql", 5000, list(ON_TAB), marks=pytest.mark.nightly),
    ],
    indirect=["varied"],
)
def test_every_order_and_filter_is_what_is_found_by_hand(
    varied: Store, monkeypatch: pytest.MonkeyPatch, few: int, tabs: list[str]
) -> None:
    """`few` is 0: the list is walked whatever the filters; with 5000 what few studies have is looked up."""
    monkeypatch.setattr(filter_sql, "FEW", few)
    with varied.database.reading() as connection:
        rows = connection.execute(select(studies)).all()
    middle = datetime.fromtimestamp(sorted(row.received_us for row in rows)[150] / 1e6, UTC)
    filters: list[dict[str, Any]] = [
        {}, {"source": "site-1"}, {"state": "to_read"}, {"state": "reported"}, {"view": "LL"}, {"since": middle},
        {"until": middle, "view": "PA"}, {"assigned": ME}, {"assigned": NOBODY, "disagreement": True},
        {"disagreement": True}, {"flag": True, "flag_rule": RULE}, {"flag": False, "flag_rule": RULE},
        {"flag": True, "flag_rule": FlagRule(priority=0.6), "assigned": "ben"},
        {"refusal": "blank", "source": "site-2"},
        {"source": "site-0", "state": "to_read", "view": "AP", "since": middle, "assigned": NOBODY},
    ]  # fmt: skip
    keys: dict[str, Any] = {
        "received": lambda row: (row.received_us, row.id),
        "score": lambda row: (row.score_rank, row.id),
        "list": lambda row: (row.band, row.rank, row.received_us, row.id),
        "source": lambda row: (row.source, row.band, row.rank, row.received_us, row.id),
    }
    rng, turns = random.Random(few), [("received", True), ("list", True), ("received", False)]
    for tab, wanted in itertools.product(tabs, filters):
        matching = [row for row in rows if ON_TAB[tab](row) and by_hand(row, wanted)]
        orders = itertools.product(keys, (False, True)) if not wanted else [rng.choice(turns), ("list", False)]
        for order, reverse in orders:
            if (tab, order) != ("all", "source"):
                key = keys["received" if (tab, order) == ("all", "list") else order]
                down = reverse != ((tab, order) == ("all", "list"))
                right = [row.public_id for row in sorted(matching, key=key, reverse=down)]
                asked = {"order": order, "reverse": reverse, "blind": False, "reader": "ann"} | wanted
                page = varied.studies.page(StudyQuery(tab=tab, limit=50, **asked))  # type: ignore[arg-type]
                assert [row.study for row in page.rows] == right[:50], (tab, asked)
                assert (page.total, page.more) == (len(right), False), (tab, asked)
                if page.next is not None and order != "list":
                    further = varied.studies.page(StudyQuery(tab=tab, limit=50, after=page.next, **asked))  # type: ignore[arg-type]
                    assert [row.study for row in further.rows] == right[50:100], (tab, asked)
                    back = varied.studies.page(StudyQuery(tab=tab, limit=50, before=further.previous, **asked))  # type: ignore[arg-type]
                    assert back.rows == page.rows


def test_a_count_that_is_no_count_says_so(varied: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_sql, "FEW", 0)
    wanted = {"view": "LL", "source": "site-1"}  # no index has both
    whole = varied.studies.page(StudyQuery(tab="all", **wanted)).total  # type: ignore[arg-type]
    monkeypatch.setattr(listing, "WALKED", 50)
    page = varied.studies.page(StudyQuery(tab="all", limit=200, **wanted))  # type: ignore[arg-type]
    assert page.more and 0 < page.total < whole and len(page.rows) == whole, "rows are found all the same"
    assert not varied.studies.page(StudyQuery(tab="all", limit=3)).more


def test_a_blind_page_is_neither_sorted_by_scores_nor_filtered_by_models(store: Store, judged: Judged) -> None:
    judged(1)
    for how in ({"order": "score"}, {"disagreement": True}):
        with pytest.raises(NotAllowedError, match="neither scores nor models"):
            store.studies.page(StudyQuery(**how))  # type: ignore[arg-type]
        assert store.studies.page(StudyQuery(blind=False, **how)).total <= 1  # type: ignore[arg-type]
    assert store.studies.page(StudyQuery()).rows[0].apart is None
    for wrong in ({"order": "colour"}, {"state": "asleep"}, {"tab": "all", "order": "source"}, {"flag": True}):
        with pytest.raises(WorklistError, match=r"no such|not sorted by source|needs a `flag_rule`"):
            store.studies.page(StudyQuery(**wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("plain", [True, False])
@own_on_both_databases
def test_a_search_takes_the_beginning_of_what_is_stored(
    own_place: Place, clock: Clock, judge_with: Any, plain: bool
) -> None:
    with own_place.open(clock=clock, pseudonymise=not plain) as store:
        judge: Judge = judge_with(store)
        names = []
        for number, (patient, accession) in enumerate([("4711-a", "A_1%x"), ("4711-b", "A_1"), ("0815", "Ä-77")]):
            names.append(store.films.receive(dicom_film(number), name=f"{number}").study)
            assert judge("read", 0.5, PatientID=patient, AccessionNumber=accession)
        found = {
            text: set(listed(store, "all", text=text)) for text in ("4711", "A_1", "A_1%", "Ä-7", "47", "%", "Ä-77")
        }
        assert found["A_1"] >= {names[1]} and found["Ä-77"] == {names[2]} and found["47"] == found["%"] == set()
        if plain:
            assert found["4711"] == {names[0], names[1]} == found["A_1"]
            assert found["A_1%"] == {names[0]} and found["Ä-7"] == {names[2]}
        else:
            assert found["4711"] == found["A_1%"] == found["Ä-7"] == set(), "pseudonyms have no beginnings of numbers"
            stored = store.studies.details(names[0]).patient
            assert stored is not None and listed(store, "all", text=stored[:8]) == [names[0]]
            assert listed(store, "all", text=stored[:7]) == []


@on_postgresql
def test_a_study_is_found_by_its_frontal_view_and_by_its_reader(store: Store, judge: Judge, judged: Judged) -> None:
    for number, view in enumerate(("LL", "ap ", "PA")):
        store.films.receive(dicom_film(number), name=f"{number}")
        assert judge("read", 0.5, view=view, StudyInstanceUID="1.2.3")
    lateral = store.films.receive(dicom_film(7), name="7").study
    assert judge("read", 0.5, view="LL")
    (row,) = store.studies.page(StudyQuery(view="AP")).rows
    assert (row.films, row.view) == (3, "AP")
    assert listed(store, view="LL") == [lateral] and listed(store, view="PA") == []
    assert store.studies.choices().views == ["AP", "LL"]
    store.accounts.add("ann", "a long password of ann", "reader", actor="test")
    assert store.studies.choices().readers == ["ann"]
    assert store.studies.assign([lateral], "ann", actor="lea").done == (lateral,)
    assert listed(store, assigned=ME, reader="ann") == [lateral] and listed(store, assigned=ME) == [row.study]
    store.studies.claim(row.study, "ann")
    assert listed(store, state="in_reading") == [row.study]
    store.studies.claim(lateral, "ann")
    look_and_report(store, lateral, "ann", "normal")
    assert listed(store, "reported", assigned="ann") == [lateral], "who was to read it is still known"


def test_models_that_lie_far_apart_on_a_film(store: Store, judge: Judge) -> None:
    """Two models rank the same films, all but two the same way."""
    for number in range(FEWEST + 2):
        store.films.receive(dicom_film(number), name=f"{number}")
        assert judge("read", 0.3, view="LL" if number == 1 else "PA")
    with store.database.writing() as connection:
        connection.execute(findings.delete())
        pairs = connection.execute(select(films.c.study_id, films.c.id).order_by(films.c.id)).all()
        rows = [row.study_id for row in pairs]
        last = len(rows) - 1
        for model, turned in (("a", False), ("b", True)):
            for place, (_, number) in enumerate(pairs):
                score = float(last - place if turned and place in (0, 1, last - 1, last) else place)
                values = {"film_id": number, "model": model, "score": score, "parts": "{}", "made_us": 1}
                connection.execute(findings.insert().values(**values))
        found = [apart(connection, number) for number in rows]
    assert found[0] == found[last] == pytest.approx(last / (last + 1))
    assert found[1] is None, "a lateral film is compared with nothing"
    assert {round(value or 0, 6) for value in found[2 : last - 1]} == {0.0}
    with store.database.writing() as connection:
        connection.execute(findings.delete().where(findings.c.film_id.in_([row.id for row in pairs[2:6]])))
        assert apart(connection, rows[0]) is None, "fewer scores than a share needs"
