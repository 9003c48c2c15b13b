"""The list over HTTP: sorted and filtered, flags found as they are shown, acts on several studies, saved views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from tests.data.making import image
from tests.web.conftest import Api, said
from tests.worklist.conftest import Judge
from tests.worklist.reporting import look_and_report
from unseen_server.web import state as served
from unseen_server.web.promise import Promise
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import films, findings, studies

PASSWORD = "correct horse battery staple"


def found(client: Any, **wanted: Any) -> list[str]:
    answer = client.post("/studies/search", json=wanted)
    assert answer.status_code == 200, answer.text
    return [row["study"] for row in answer.json()["rows"]]


def test_it_is_sorted_and_filtered_and_counts_agree(api: Api, judged: Any, clock: Any) -> None:
    names = []
    for number, (source, view, priority) in enumerate([("b", "PA", 0.2), ("a", "AP", 0.9), ("a", "PA", 0.5)]):
        names.append(judged(number, "read", priority, source=source, view=view).study)
        clock.now += 3600
    one, two, three = names
    assert found(api.reader) == [two, three, one]
    assert found(api.reader, order="received") == [one, two, three]
    assert found(api.reader, order="received", reverse=True) == [three, two, one]
    assert found(api.reader, order="score") == [one, three, two]
    assert found(api.reader, order="source") == [two, three, one]
    assert found(api.reader, view="PA") == [three, one]
    times = {row["study"]: row["received"] for row in api.reader.post("/studies/search", json={}).json()["rows"]}
    assert found(api.reader, since=times[two]) == [two, three]
    assert found(api.reader, since=times[two], until=times[three]) == [two]
    api.reader.post(f"/studies/{one}/claim")
    assert found(api.reader, state="in_reading") == [one]
    page = api.reader.post("/studies/search", json={"view": "PA", "limit": 1}).json()
    assert (page["total"], page["more"], page["rows"][0]["view"]) == (2, False, "PA")
    further = {"view": "PA", "limit": 1, "after": page["next"]}
    assert found(api.reader, **further) == [one]
    assert api.reader.get("/studies/choices").json() == {
        "sources": ["a", "b"], "views": ["AP", "PA"], "readers": [],
    }  # fmt: skip
    for wrong in ({"since": "2026-11-25"}, {"order": "colour"}, {"state": "x"}, {"flag": "maybe"}, {"view": "x" * 17}):
        assert api.reader.post("/studies/search", json=wrong).status_code == 422


@pytest.mark.parametrize("clears", [pytest.param(False, marks=pytest.mark.nightly), True])
def test_the_filter_finds_the_rows_that_are_flagged_and_no_others(
    api: Api, store: Store, judged: Any, monkeypatch: pytest.MonkeyPatch, clears: bool
) -> None:
    """Sighted and blind, while a policy clears and without one."""
    monkeypatch.setattr(served, "LOOK_S", 0.0)
    for number in range(30):
        study = judged(number, "read", number / 30).study
        if number % 3:
            store.studies.claim(study, "ann")
            look_and_report(store, study, "ann", "normal")
    for number, how in enumerate([("read", 0.99), ("read", 0.4), ("not_scored",), ("read", 0.97), ("clear", 0.99)], 40):
        last = judged(number, *how)
    store.films.receive(b"not judged yet", name="x")
    with store.database.writing() as connection:  # a screener would have kept the scores with the films, too
        same = (films.c.id == findings.c.film_id, studies.c.id == films.c.study_id)
        mine = select(studies.c.score).where(*same).correlate(findings).scalar_subquery()
        connection.execute(findings.update().values(score=mine))
    if clears:
        judged(50, "clear", 0.1)
        monkeypatch.setattr(Promise, "covers", lambda self, digest: digest == "p")
        monkeypatch.setattr(
            Promise,
            "of",
            classmethod(lambda cls, store, models, stopped="": Promise(state="clears", policy=_Policy, why="")),  # type: ignore[arg-type]
        )
    assert last.study
    for client in (api.reader, api.lead):
        for tab in ("to_read", "cleared", "reported", "not_scored", "all"):
            rows = client.post("/studies/search", json={"tab": tab, "limit": 200}).json()["rows"]
            for flagged in (True, False):
                page = client.post("/studies/search", json={"tab": tab, "limit": 200, "flag": flagged}).json()
                wanted = [row["study"] for row in rows if row["flag"] is flagged]
                assert [row["study"] for row in page["rows"]] == wanted, (tab, flagged)
                assert page["total"] == len(wanted) and not page["more"]
    assert found(api.lead, flag=True), "something is flagged"


class _Policy:
    digest = "p"
    max_miss_rate, confidence, sources, probability, prevalence = 0.1, 0.9, {}, None, None  # type: ignore[var-annotated]


def test_the_blind_are_refused_what_would_tell_them_scores(
    api: Api, judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "LOOK_S", 0.0)
    judged(1, "clear", 0.1)
    for wanted in ({"order": "score"}, {"disagreement": True}):
        answer = api.reader.post("/studies/search", json=wanted)
        assert answer.status_code == 409 and "neither scores nor models" in said(answer)
        assert api.lead.post("/studies/search", json=wanted).status_code == 200


def test_leads_act_on_several_and_nothing_is_reported(api: Api, store: Store, judge: Judge) -> None:
    store.accounts.add("ben", PASSWORD, "reader", actor="test")
    good = store.films.receive(image(np.zeros((64, 64), dtype=np.uint8)), name="good").study
    judge("not_scored", reason="blank: noise at most")
    bad = store.films.receive(b"no film at all", name="bad").study
    judge("not_scored", reason="This is text. Export it as DICOM")
    both = {"studies": [good, bad, "s-unknown"]}
    told = api.lead.post("/studies/assign", json=both | {"to": "ben"}).json()
    assert told["done"] == [good, bad] and told["refused"][0]["study"] == "s-unknown"
    rows = api.other.post("/studies/search", json={"assigned": "@me"}).json()["rows"]
    assert {row["study"]: row["assigned_to"] for row in rows} == {good: "ben", bad: "ben"}
    assert found(api.reader, assigned="@me") == [] == found(api.reader, assigned="@nobody")
    assert api.lead.post("/studies/assign", json=both | {"to": "zoe"}).status_code == 404
    told = api.lead.post("/studies/return", json=both | {"reason": "Send the film, not its text."}).json()
    assert told["done"] == [bad]
    assert "can be shown" in told["refused"][0]["reason"] and told["refused"][0]["study"] == good
    (row,) = api.lead.post("/studies/search", json={"tab": "reported"}).json()["rows"]
    assert (row["study"], row["state"], row["how"], row["outcome"]) == (bad, "set_aside", "returned", None)
    assert api.lead.post("/studies/requeue", json=both).json()["done"] == [good, bad]
    assert found(api.lead, state="received") == [good] and found(api.lead, tab="reported") == [bad]
    for wrong in ({"studies": []}, {"studies": [good] * 201}, {"studies": [good], "reason": ""}):
        path = "return" if "reason" in wrong else "requeue"
        assert api.lead.post(f"/studies/{path}", json=wrong).status_code == 422


def test_views_are_kept_without_what_was_searched_for(api: Api) -> None:
    wanted = {"tab": "to_read", "source": "a", "received": "7d", "order": "received", "reverse": True}
    told = api.reader.put("/views", json={"name": "Week", "wanted": wanted}).json()["views"]
    assert [(one["name"], one["owner"], one["shared"]) for one in told] == [("Week", "ann", False)]
    assert {key: told[0]["wanted"][key] for key in wanted} == wanted
    shared = {"name": "Everybody's", "shared": True, "wanted": {"flag": True}}
    refused = api.reader.put("/views", json=shared)
    assert refused.status_code == 409 and "a lead's" in said(refused)
    number = api.lead.put("/views", json=shared).json()["views"][0]["number"]
    assert [one["name"] for one in api.other.get("/views").json()["views"]] == ["Everybody's"]
    assert api.other.delete(f"/views/{number}").status_code == 409
    assert api.admin.delete(f"/views/{number}").json()["views"] == []
    assert api.other.delete(f"/views/{told[0]['number']}").status_code == 404
    for wrong in ({"text": "4711"}, {"after": "x"}, {"received": "yesterday"}, {"limit": 3}):
        assert api.reader.put("/views", json={"name": "x", "wanted": wrong}).status_code == 422


def test_a_field_that_does_not_exist_is_named(api: Api) -> None:
    answer = api.reader.post("/studies/search", json={"colour": 1})
    assert (answer.status_code, answer.json()) == (422, {"error": "colour: no such field."})
    answer = api.admin.post("/audit/search", json={"colour": 1})
    assert (answer.status_code, answer.json()) == (422, {"error": "colour: no such field."})
