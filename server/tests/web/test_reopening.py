"""Studies that were cleared among the films that raised an alarm, over HTTP: two leads reopen what both have read."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tests.web.conftest import Api, said
from tests.worklist.conftest import Judged, own_place
from unseen.screening import DriftReference
from unseen_server.worklist.drift_counting import WatchedFilm, observe_all
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import decisions, studies

place = own_place

POLICY = "ab" * 32


@pytest.fixture
def cleared(store: Store, judged: Judged) -> list[str]:
    """Three studies that a policy has cleared, among the twenty that have raised its alarm."""
    names = [judged(number, "clear", 0.1).study for number in range(3)]
    scores = tuple(number / 100 for number in range(100))
    reference = DriftReference(normals=scores, abnormals=scores, prevalence=0.5, not_scored=0, window=20)
    with store.writing() as writing:
        writing.connection.execute(update(studies).values(policy=POLICY))
        writing.connection.execute(update(decisions).values(policy_digest=POLICY))
        others = [WatchedFilm(study=f"s-{number:020x}", score=50.0) for number in range(17)]
        known = [WatchedFilm(study=name, score=50.0) for name in names]
        observe_all(writing, POLICY, [*known, *others], reference)
    return names


def test_two_leads_reopen_what_was_cleared_before_the_alarm(api: Api, store: Store, cleared: list[str]) -> None:
    (alarm,) = api.lead.get("/reopenings").json()["alarms"]
    assert (alarm["cleared"], alarm["studies"], alarm["recorded"], alarm["mine"]) == (cleared, 20, True, False)
    assert alarm["summary"]["starts"][0] == "3 studies go back to the list, unread."
    path, body = f"/reopenings/{alarm['number']}", {"note": "a new tube", "summary": alarm["summary"]["digest"]}
    assert api.reader.get("/reopenings").status_code == 403
    assert api.reader.post(f"{path}/propose", json=body).status_code == 403
    assert "Propose it" in said(api.lead.post(f"{path}/confirm", json=body))
    assert api.lead.post(f"{path}/propose", json=body | {"note": "  "}).status_code == 422
    assert api.lead.post(f"{path}/propose", json=body).status_code == 204
    refused = api.lead.post(f"{path}/confirm", json=body)
    assert refused.status_code == 409 and "a second person must confirm it" in said(refused)
    assert api.lead.get("/reopenings").json()["alarms"][0]["mine"] is True
    assert store.studies.page(StudyQuery(tab="cleared")).total == 3
    assert api.admin.post(f"{path}/confirm", json=body).json() == {"studies": 3}
    assert (
        store.studies.page(StudyQuery(tab="cleared")).total == 0
        and store.studies.page(StudyQuery(tab="to_read")).total == 3
    )
    (alarm,) = api.lead.get("/reopenings").json()["alarms"]
    assert (alarm["cleared"], alarm["reopened_by"], alarm["reopened_studies"], alarm["summary"]) == ([], "ada", 3, None)
    assert api.admin.post("/reopenings/99/propose", json=body).status_code == 404


def test_the_second_person_confirms_what_is_cleared_now(api: Api, store: Store, cleared: list[str]) -> None:
    """A reader has read one of the studies meanwhile: who agrees must read again what it leads to."""
    (alarm,) = api.lead.get("/reopenings").json()["alarms"]
    path, body = f"/reopenings/{alarm['number']}", {"note": "a new tube", "summary": alarm["summary"]["digest"]}
    api.lead.post(f"{path}/propose", json=body).raise_for_status()
    store.studies.claim(cleared[0], "ann")
    for film in store.studies.details(cleared[0]).films:
        store.films.mark_seen(film.film, "ann")
    store.reports.enter(cleared[0], "ann", "normal")
    changed = api.admin.post(f"{path}/confirm", json=body)
    assert changed.status_code == 409 and "Read them again" in said(changed)
    (alarm,) = api.admin.get("/reopenings").json()["alarms"]
    again = body | {"summary": alarm["summary"]["digest"]}
    assert api.admin.post(f"{path}/confirm", json=again).json() == {"studies": 2}


def test_a_proposal_is_withdrawn_by_any_lead(api: Api, cleared: list[str]) -> None:
    (alarm,) = api.lead.get("/reopenings").json()["alarms"]
    path, body = f"/reopenings/{alarm['number']}", {"note": "a new tube", "summary": alarm["summary"]["digest"]}
    api.lead.post(f"{path}/propose", json=body).raise_for_status()
    assert api.admin.post(f"{path}/withdraw").status_code == 204
    assert api.admin.post(f"{path}/withdraw").status_code == 404
    assert api.admin.post(f"{path}/propose", json=body).status_code == 204
    assert api.lead.post(f"{path}/confirm", json=body).json() == {"studies": 3}
