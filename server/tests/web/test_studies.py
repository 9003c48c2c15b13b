"""The list over HTTP, and what readers do with it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.web.conftest import Api, look_at, said
from tests.worklist.conftest import on_both_databases, on_postgresql, own_place
from unseen_server.web import state as served
from unseen_server.worklist.store import Store

place = own_place

HOSTILE = [
    "'; DROP TABLE studies; --",
    "<script>alert(1)</script>",
    '=cmd|"/c calc"!A1',
    "\u202eabc",
    "ä 漢 🫁",
    "%s{0}",
]


def test_the_list_comes_in_its_order_page_by_page(api: Api, judged: Any) -> None:
    wanted = [judged(number, "read", number / 10).study for number in range(1, 8)][::-1]
    first = api.reader.post("/studies/search", json={"limit": 3}).json()
    assert (first["total"], first["more"], first["previous"], first["blind"]) == (7, False, None, False)
    second = api.reader.post("/studies/search", json={"limit": 3, "after": first["next"]}).json()
    third = api.reader.post("/studies/search", json={"limit": 3, "after": second["next"]}).json()
    assert [row["study"] for page in (first, second, third) for row in page["rows"]] == wanted
    back = api.reader.post("/studies/search", json={"limit": 3, "before": third["previous"]}).json()
    assert back["rows"] == second["rows"]
    last = api.reader.post("/studies/search", json={"limit": 3, "last": True}).json()
    assert [row["study"] for row in last["rows"]] == wanted[-3:]
    assert third["next"] is None


def test_the_list_is_filtered(api: Api, judged: Any) -> None:
    one = judged(1, "read", source="a", PatientID="4711", AccessionNumber="A-1").study
    two = judged(2, "not_scored", source="b").study
    three = judged(3, "clear", source="b").study

    def found(**wanted: Any) -> list[str]:
        return [row["study"] for row in api.lead.post("/studies/search", json=wanted).json()["rows"]]

    assert found() == [two, one]
    assert found(tab="not_scored") == [two]
    assert found(tab="cleared") == [three]
    assert found(source="b") == [two]
    assert found(text="4711") == found(text=" A-1 ") == found(text=one) == [one]
    assert found(text="471") == []
    assert api.reader.get("/studies/sources").json() == {"sources": ["a", "b"]}


SENSELESS: list[dict[str, Any]] = [
    {"tab": "x"}, {"limit": 0}, {"limit": 201}, {"after": "AAAA"}, {"after": "%"}, {"colour": 1}, {"last": "maybe"},
    {"text": "x" * 1001}, {"after": "e30", "before": "e30"}, {"source": 5},
]  # fmt: skip


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)  # the database has no part in it
def test_a_search_that_makes_no_sense_is_a_sentence(api: Api) -> None:
    for wanted in SENSELESS:
        answer = api.reader.post("/studies/search", json=wanted)
        assert answer.status_code == 422 and said(answer).endswith("."), wanted


def test_a_study_is_taken_reported_and_taken_back(api: Api, judged: Any) -> None:
    study = judged(1).study
    claimed = api.reader.post(f"/studies/{study}/claim").json()
    assert (claimed["study"]["state"], claimed["study"]["claimed_by"]) == ("in_reading", "ann")
    assert claimed["study"]["acts"] == ["claim", "release", "report"]
    look_at(api.reader, study)
    reported = api.reader.post(f"/studies/{study}/report", json={"outcome": "abnormal", "note": "left apex"}).json()
    assert (reported["state"], reported["acts"]) == ("reported", ["undo"])
    whole = api.reader.get(f"/studies/{study}").json()
    assert [(one["reader"], one["outcome"], one["note"]) for one in whole["reports"]] == [
        ("ann", "abnormal", "left apex")
    ]
    undone = api.reader.post(f"/studies/{study}/undo").json()
    assert (undone["state"], undone["claimed_by"]) == ("in_reading", "ann")
    assert api.reader.get(f"/studies/{study}").json()["reports"][0]["undone"] is not None
    assert api.reader.post(f"/studies/{study}/release").json()["state"] == "to_read"
    assert api.reader.post(f"/studies/{study}/release").status_code == 409


def test_closing_one_page_releases_no_study_that_another_page_of_the_reader_shows(api: Api, judged: Any) -> None:
    study = judged(1).study

    def post(act: str, page: str | None = None) -> str:
        answer = api.reader.post(f"/studies/{study}/{act}", params={} if page is None else {"page": page}).json()
        return str(answer.get("study", answer)["state"] if act == "claim" else answer["state"])

    assert post("claim", "office") == "in_reading" and post("claim", "home") == "in_reading"
    assert post("release", "home") == "in_reading", "the page in the office shows it"
    assert post("claim", "home") == "in_reading" and post("release", "office") == "in_reading"
    assert post("release", "home") == "to_read"
    post("claim", "office")
    post("claim", "home")
    assert post("release") == "to_read", "a program that names no page releases it"
    assert post("claim", "home") == "in_reading"
    assert post("release", "home") == "to_read", "the page in the office had an earlier claim"
    post("claim", "office")
    post("claim", "home")
    assert api.lead.post(f"/studies/{study}/release", params={"page": "lead"}).json()["state"] == "to_read"
    assert api.reader.post(f"/studies/{study}/claim", params={"page": "x" * 65}).status_code == 422


def test_a_page_that_is_loaded_again_keeps_its_study_claimed(api: Api, judged: Any) -> None:
    """The page before releases the study at the same time as the new one claims it."""
    study = judged(1).study
    ways = (api.reader, api.client("ann", "reader"))
    assert ways[0].post(f"/studies/{study}/claim", params={"page": "0"}).status_code == 200
    with ThreadPoolExecutor(2) as pool:
        for number in range(15):
            release = pool.submit(ways[0].post, f"/studies/{study}/release", params={"page": str(number)})
            claim = pool.submit(ways[1].post, f"/studies/{study}/claim", params={"page": str(number + 1)})
            assert (release.result().status_code, claim.result().status_code) == (200, 200)
            assert api.lead.get(f"/studies/{study}").json()["entry"]["claimed_by"] == "ann", number


@on_both_databases
def test_of_two_readers_who_ask_at_once_one_gets_the_study(api: Api, judged: Any) -> None:
    study = judged(1).study
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda reader: reader.post(f"/studies/{study}/claim"), [api.reader, api.other]))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    winner, loser = sorted(answers, key=lambda answer: answer.status_code)
    assert said(loser).startswith(f"{winner.json()['study']['claimed_by']} has taken this study at ")
    late = api.lead.post(f"/studies/{study}/report", json={"outcome": "normal"})
    assert late.status_code == 409 and "Only they can report it" in said(late)


@on_postgresql  # which refuses more text than SQLite
def test_text_comes_back_as_it_went_in(api: Api, store: Store, judged: Any) -> None:
    for number, text in enumerate(HOSTILE, start=1):
        study = judged(number, source=text).study
        api.reader.post(f"/studies/{study}/claim")
        look_at(api.reader, study)
        api.reader.post(f"/studies/{study}/report", json={"outcome": "unsure", "note": text})
        told = api.lead.get(f"/studies/{study}").json()
        assert (told["reports"][0]["note"], told["entry"]["source"]) == (text, text)
        sources = api.reader.get("/studies/sources").json()["sources"]
        assert len(sources) == number and text in sources
        assert api.reader.post("/studies/search", json={"tab": "reported", "source": text}).json()["total"] == 1
        assert api.reader.post("/studies/search", json={"tab": "all", "text": text}).json()["rows"] == []
    assert store.audit.verify() is None


def test_text_that_no_database_holds_is_refused(api: Api, judged: Any) -> None:
    study = judged(1).study
    api.reader.post(f"/studies/{study}/claim")
    path = f"/studies/{study}/report"
    assert api.reader.post(path, json={"outcome": "normal", "note": "a\0b"}).status_code == 422
    lone = api.reader.post(
        path, content=b'{"outcome":"normal","note":"\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert lone.status_code == 422
    assert api.reader.post(path, json={"outcome": "normal", "note": "x" * 20_001}).status_code == 422
    assert api.reader.post(path, json={"outcome": "fine"}).status_code == 422


def test_a_reader_is_blind_where_something_was_cleared_and_a_lead_is_not(
    api: Api, judged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "LOOK_S", 0.0)
    read = judged(1, "read", 0.7, source="ward").study
    row = api.reader.post("/studies/search", json={}).json()["rows"][0]
    assert (row["score"], row["probability"]) == (0.7, None), "no policy clears here: no score is a probability"
    judged(2, "clear", 0.1, audit_share=1.0)
    page = api.reader.post("/studies/search", json={}).json()
    assert page["blind"] is True
    assert {(row["score"], row["probability"]) for row in page["rows"]} == {(None, None)}
    told = api.reader.get(f"/studies/{read}").json()
    assert (told["decision"], told["audit_sample"], told["history"]) == (None, None, [])
    seen = api.lead.post("/studies/search", json={}).json()
    assert seen["blind"] is False and {row["score"] for row in seen["rows"]} == {0.7, 0.1}
    assert api.lead.get(f"/studies/{read}").json()["decision"]["action"] == "read"
    assert api.lead.get("/audit/sample").json()["waiting"] == 1


def test_what_could_not_be_scored_is_tried_again(api: Api, judged: Any) -> None:
    study = judged(1, "not_scored").study
    assert api.lead.post(f"/studies/{study}/requeue").json() == {"films": 1}
    assert api.lead.get(f"/studies/{study}").json()["entry"]["state"] == "received"
    assert api.lead.post(f"/studies/{study}/requeue").status_code == 409


def test_a_study_that_is_not_there_is_a_sentence(api: Api) -> None:
    for name in ("s-" + "0" * 20, "s-x", "%2e%2e%2f", "a%00b", "ü"):
        answer = api.reader.get(f"/studies/{name}")
        assert answer.status_code == 404 and said(answer), name
    assert api.reader.get("/studies/" + "x" * 41).status_code == 422
