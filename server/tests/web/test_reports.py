"""Reports of other systems, and exported tables."""

from __future__ import annotations

import csv
import io
from typing import Any

from tests.web.conftest import Api, look_at, said
from tests.worklist.conftest import own_place, png
from unseen.screening.drift_watch import DriftReference
from unseen_server.worklist.drift_counting import WatchedFilm, observe_all
from unseen_server.worklist.store import Store

place = own_place

CSV = {"Content-Type": "text/csv"}
POLICY = "ab" * 32


def test_a_study_reported_elsewhere_leaves_the_list(api: Api, judged: Any) -> None:
    one = judged(1, "read", AccessionNumber="A-1")
    two = judged(2, "read")
    answer = api.lead.post("/reported-elsewhere", json={"accession": "A-1", "outcome": "normal"})
    assert answer.json() == {"studies": 1}
    assert api.lead.post("/reported-elsewhere", json={"film_sha256": two.sha256, "note": "RIS"}).json() == {
        "studies": 1
    }
    assert api.lead.post("/reported-elsewhere", json={"film_sha256": two.sha256}).json() == {"studies": 0}
    assert api.reader.post("/studies/search", json={}).json()["total"] == 0
    assert api.lead.post(f"/studies/{one.study}/undo").json()["state"] == "to_read"
    for wrong in ({}, {"accession": "A-1", "film_sha256": two.sha256}, {"film_sha256": "x"}, {"accession": " "}):
        assert api.lead.post("/reported-elsewhere", json=wrong).status_code == 422
    assert api.lead.post("/reported-elsewhere", json={"accession": "nobody's"}).status_code == 404


def test_a_table_of_them_is_taken_row_by_row(api: Api, judged: Any) -> None:
    judged(1, "read", AccessionNumber="A-1")
    judged(2, "read", AccessionNumber="A-2")
    table = "accession,outcome\nA-1,normal\nA-2,fine\nA-9,normal\n"
    told = api.lead.post("/reported-elsewhere/table", content=table, headers=CSV).json()
    assert (told["marked"], told["already"], [row["line"] for row in told["refused"]]) == (1, 0, [3, 4])
    assert api.lead.post("/reported-elsewhere/table", content=table, headers=CSV).json()["already"] == 1


def test_a_table_that_is_none_is_a_sentence_that_names_no_folder(api: Api) -> None:
    for table in (b"name\nx\n", b"", b"\xff\xfe", b'accession\n"a', b"accession\na,b\n"):
        answer = api.lead.post("/reported-elsewhere/table", content=table, headers=CSV)
        assert answer.status_code == 422 and said(answer).startswith("The table"), answer.text
        assert "/" not in said(answer)
    assert api.lead.post("/reported-elsewhere/table", content=b"x" * (16 * 2**20 + 1), headers=CSV).status_code == 413
    assert api.lead.post("/reported-elsewhere/table", files={"file": b"x"}).status_code == 415


def test_tables_go_out_as_csv(api: Api, judged: Any) -> None:
    study = judged(1, "read", 0.25).study
    api.reader.post(f"/studies/{study}/claim")
    look_at(api.reader, study)
    api.reader.post(f"/studies/{study}/report", json={"outcome": "unsure", "note": 'a,\n"b"'})
    for table in ("studies", "findings", "decisions", "reports"):
        answer = api.lead.get(f"/export/{table}.csv")
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert rows and {row["study"] for row in rows} == {study}
    (report,) = csv.DictReader(io.StringIO(api.lead.get("/export/reports.csv").text))
    assert (report["reader"], report["outcome"], report["note"]) == ("ann", "unsure", 'a,\n"b"')
    assert api.lead.get("/export/accounts.csv").status_code == 422
    assert api.lead.get("/export/..%2fsite.csv").status_code in (404, 422)


def test_the_audit_trail_is_checked_and_an_edited_row_found(api: Api, store: Store) -> None:
    api.reader.post("/films", content=png(1), headers={"Content-Type": "application/octet-stream"})
    head = api.lead.get("/audit/head").json()
    told = api.lead.post("/audit/verify", json={"head": head["head"]}).json()
    assert (told["whole"], told["problem"]) == (True, None)
    assert api.lead.post("/audit/verify", json={"head": "1 x"}).status_code == 422
    later = api.lead.post("/audit/verify", json={"head": f"{head['seq'] + 9} {head['hash']}"}).json()
    assert later["whole"] is False and "are gone" in later["problem"]
    with store.database.writing() as connection:
        drop = "DROP TRIGGER {}" if store.database.is_sqlite else "DROP TRIGGER {} ON audit"
        names = (
            connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
            if store.database.is_sqlite
            else connection.exec_driver_sql("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")
        )
        for name in names.scalars().all():
            connection.exec_driver_sql(drop.format(name))
        connection.exec_driver_sql("UPDATE audit SET actor = 'mallory' WHERE seq = 1")
    told = api.lead.post("/audit/verify", json={}).json()
    assert told["whole"] is False and "Row 1 of the audit trail was changed" in told["problem"]
    assert str(store.home) not in told["problem"]


def test_a_drift_alarm_is_seen_and_acknowledged_by_two_leads(api: Api, store: Store) -> None:
    assert api.lead.get("/alarms").json() == {"alarms": []}
    scores = tuple(number / 100 for number in range(100))
    reference = DriftReference(normals=scores, abnormals=scores, prevalence=0.5, not_scored=0, window=20)
    with store.writing() as writing:
        for _ in range(reference.window):
            observe_all(writing, POLICY, [WatchedFilm(study=None, score=50.0)], reference)
    (alarm,) = api.lead.get("/alarms").json()["alarms"]
    assert (alarm["policy"], alarm["kind"]) == (POLICY, "scores") and alarm["reason"]
    said_of_it = {"note": "new tube", "summary": alarm["summary"]["digest"]}
    assert api.reader.post(f"/alarms/{POLICY}/acknowledge", json=said_of_it).status_code == 403
    assert api.lead.post(f"/alarms/{POLICY}/acknowledge", json=said_of_it).json() == {"resumed": False}
    assert api.admin.post(f"/alarms/{POLICY}/acknowledge", json=said_of_it).json() == {"resumed": True}
    assert api.lead.get("/alarms").json() == {"alarms": []}
    assert api.lead.post(f"/alarms/{POLICY}/acknowledge", json=said_of_it).status_code == 404
