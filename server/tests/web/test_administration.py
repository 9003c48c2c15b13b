"""Acts of admins over HTTP: people, settings, erasing, retiring, the audit trail, storage, queue, versions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import Api, MakeApi, look_at, said
from tests.worklist.conftest import Clock, Judged, dicom_film, remove_by_age
from unseen.screening.screener import Screener
from unseen_server.web.address import Address
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

ASKS = {"X-Requested-With": "unseen"}
PASSWORD = "correct horse battery"
JS = Path(__file__).parents[3] / "server" / "src" / "unseen_server" / "web" / "static" / "js"


def test_a_person_chooses_a_password_by_an_admins_link_once(api: Api, store: Store, clock: Clock) -> None:
    made = api.admin.post("/accounts", json={"name": "rita", "role": "reader"})
    assert made.status_code == 201 and made.json()["has_password"] is False
    password = {"name": "rita", "password": PASSWORD}
    assert api.nobody.post("/tokens", json=password).status_code == 401, "nobody can sign in yet"
    assert api.nobody.post("/tokens", json=password | {"password": ""}).status_code == 401
    first, second = (api.admin.post("/accounts/rita/link").json() for _ in range(2))
    assert second["path"] == f"/sign-in#choose={second['link']}"
    choose = {"link": second["link"], "password": PASSWORD}
    earlier = api.nobody.post("/sign-in/choose", json=choose | {"link": first["link"]})
    assert earlier.status_code == 409 and "used already" in said(earlier), "a new link ends the earlier one"
    short = api.nobody.post("/sign-in/choose", json=choose | {"password": "short"})
    assert short.status_code == 422 and "12 to 1024" in said(short)
    browser = api.client()
    assert browser.post("/sign-in/choose", json=choose).json()["name"] == "rita", "a short one has not used it up"
    assert browser.get("/me").json()["role"] == "reader"
    assert api.nobody.post("/sign-in/choose", json=choose).status_code == 409
    assert api.nobody.post("/tokens", json=password).status_code == 200
    (row,) = (one for one in api.admin.get("/accounts").json()["accounts"] if one["name"] == "rita")
    assert (row["has_password"], row["sessions"]) == (True, 2)
    late = api.admin.post("/accounts/rita/link").json()["link"]
    clock.now += 24 * 3600 + 1
    assert api.nobody.post("/sign-in/choose", json=choose | {"link": late}).status_code == 409
    assert store.audit.verify() is None


def test_links_are_for_accounts_that_may_sign_in(api: Api, store: Store) -> None:
    store.accounts.add("rita", PASSWORD, "reader", actor="test")
    link = api.admin.post("/accounts/rita/link").json()["link"]
    api.admin.patch("/accounts/rita", json={"disabled": True})
    assert api.nobody.post("/sign-in/choose", json={"link": link, "password": PASSWORD}).status_code == 409
    assert api.admin.post("/accounts/rita/link").status_code == 409
    assert api.admin.post("/accounts/nobody/link").status_code == 404
    local = store.accounts.one_time_link("local", "admin")
    nobodys = api.nobody.post("/sign-in/choose", json={"link": local, "password": PASSWORD})
    assert nobodys.status_code == 409, "the link of the server's start belongs to no account"
    assert api.nobody.post("/sign-in/link", json={"link": local}).status_code == 200, "and is still good"


def test_the_only_admin_stays_one(api: Api, store: Store) -> None:
    for name in ("ada", "eva"):
        store.accounts.add(name, None, "admin", actor="test")
    assert api.admin.patch("/accounts/eva", json={"role": "reader"}).status_code == 200
    for change in ({"role": "lead"}, {"disabled": True}):
        refused = api.admin.patch("/accounts/ada", json=change)
        assert refused.status_code == 409 and "ada is the only admin" in said(refused)
    assert api.admin.patch("/accounts/eva", json={"role": "admin"}).status_code == 200
    assert api.admin.patch("/accounts/ada", json={"disabled": True}).status_code == 200


@pytest.mark.parametrize(
    ("address", "link", "safe", "words"),
    [
        (Address(), True, True, "its own machine only"),
        (Address(public="https://worklist.hospital.example"), False, True, "https://worklist.hospital.example"),
        (Address(host="0.0.0.0"), False, False, "others on the network can read"),
    ],
)
def test_the_ways_to_sign_in_are_those_of_this_server(
    make_api: MakeApi, address: Address, link: bool, safe: bool, words: str
) -> None:
    found = make_api(address=address).admin.get("/accounts/methods", headers={"Host": "worklist.hospital.example"})
    if found.status_code == 421:  # a server for this machine alone
        found = make_api(address=address).admin.get("/accounts/methods")
    methods = {one["name"]: one["on"] for one in found.json()["methods"]}
    assert methods["Link at the server's start"] is link and methods["Name and password"]
    assert found.json()["safe"] is safe and words in found.json()["transport"]


def test_settings_change_and_have_their_effect(api: Api, store: Store, judged: Judged, clock: Clock) -> None:
    judged(1, "clear", source="north")
    judged(2, "read", source="south")
    found = api.admin.get("/settings").json()
    assert (found["identity"], found["kept_days"], found["settled_s"], found["pseudonyms"]) == (
        "nobody",
        None,
        None,
        True,
    )
    assert [(one["name"], one["films"], one["waiting"]) for one in found["sources"]] == [
        ("north", 1, 0),
        ("south", 1, 1),
    ]
    changed = api.admin.patch(
        "/settings",
        json={
            "identity": "lead",
            "identity_was": "nobody",
            "waiting_cap_s": 7200,
            "kept_days": 90,
            "kept_of": {"north": 30},
        },
    ).json()
    assert (changed["identity"], changed["waiting_cap_s"], changed["kept_days"]) == ("lead", 7200, 90)
    assert [(one["name"], one["own"], one["kept_days"]) for one in changed["sources"]] == [
        ("north", True, 30),
        ("south", False, 90),
    ]
    settling = api.admin.patch("/settings", json={"settle_s": 120, "settle_of": {"north": 0}}).json()
    assert (settling["settle_s"], [(one["settles_own"], one["settle_s"]) for one in settling["sources"]]) == (
        120,
        [(True, 0), (False, 120)],
    )
    as_before = api.admin.patch("/settings", json={"settle_of": {"north": None}}).json()["sources"]
    assert [(one["settles_own"], one["settle_s"]) for one in as_before] == [(False, 120), (False, 120)]
    for wrong in (
        {"settle_s": -1},
        {"settle_of": {"north": 1e6}},
        {"kept_days": 0.5},
        {"kept_days": -1},
        {"waiting_cap_s": 0},
        {"identity": "all", "identity_was": "lead"},
        {"identity": "reader"},
        {"identity_was": "lead"},
        {"kept_of": {f"s{number}": 30 for number in range(501)}},
        {"settle_of": {f"s{number}": 30 for number in range(501)}},
        {"x": 1},
    ):
        assert api.admin.patch("/settings", json=wrong).status_code == 422
    assert store.removal.retire_by_age() == 0 and api.admin.get("/settings").json()["removal_waits_until"] is None
    clock.now += 31 * 86_400
    assert store.removal.retire_by_age() == 0, "such a jump may be an error of the clock"
    later = api.client("ada", "admin")
    waiting = later.get("/settings").json()
    assert waiting["removal_waits_until"] is not None and len(waiting["sources"]) == 2
    assert remove_by_age(store, clock, days=4) == 1
    later = api.client("ada", "admin")
    left = later.get("/settings").json()
    assert left["removal_waits_until"] is None and [one["name"] for one in left["sources"]] == ["south"]


def test_a_change_of_too_many_sources_names_the_limit(api: Api) -> None:
    refused = api.admin.patch("/settings", json={"kept_of": {f"s{number}": 30 for number in range(20_000)}})
    assert refused.status_code == 422 and "kept_of" in refused.text and "at most 500" in refused.text
    assert len(refused.text) < 2000


def test_who_sees_names_changes_only_from_the_state_that_was_seen(api: Api, store: Store) -> None:
    other = api.client("lou", "admin")
    assert api.admin.patch("/settings", json={"identity": "lead", "identity_was": "nobody"}).status_code == 200
    late = other.patch("/settings", json={"identity": "reader", "identity_was": "nobody", "waiting_cap_s": 7200})
    assert late.status_code == 409 and "it is now lead, and this change was made from nobody" in said(late)
    found = api.admin.get("/settings").json()
    assert (found["identity"], found["waiting_cap_s"]) == ("lead", 86_400), "nothing of the request holds"
    again = other.patch("/settings", json={"identity": "reader", "identity_was": "lead"})
    assert again.json()["identity"] == "reader"
    assert other.patch("/settings", json={"waiting_cap_s": 7200}).json()["waiting_cap_s"] == 7200
    assert store.audit.verify() is None


def test_a_patient_is_erased_as_shown_and_the_trail_keeps_that_it_happened(
    api: Api, store: Store, screener: Screener
) -> None:
    for number in range(2):
        store.films.receive(dicom_film(number, PatientID="P-4711", StudyInstanceUID=f"1.{number}"), name="a.dcm")
    Worker(store, lambda: screener).drain()
    (first, *_) = store.studies.page(StudyQuery(tab="all", text="P-4711")).rows
    look_at(api.reader, first.study)
    meant = {"patient": "P-4711"}
    shown = api.admin.post("/erasure/preview", json=meant).json()
    assert (shown["studies"], shown["films"], shown["maps"]) == (2, 2, 2) and len(shown["stays"]) == 3
    other = api.admin.post("/erasure", json=meant | {"shown": "0" * 64})
    assert other.status_code == 409 and "look again" in said(other)
    gone = api.admin.post("/erasure", json=meant | {"shown": shown["digest"]})
    assert gone.json() == {"studies": 2, "films": 2, "maps": 2}
    assert api.admin.post("/erasure/preview", json=meant).status_code == 404
    assert api.admin.get(f"/studies/{first.study}").status_code == 404
    assert not api.app.state.served.decoded._kept, "no pixels in the server's memory"
    assert api.admin.post("/audit/search", json={"before": 10**30}).status_code == 422
    events = api.admin.post("/audit/search", json={"action": "study.erased"}).json()["events"]
    assert [(one["actor"], sorted(one["body"])) for one in events] == [("ada", ["films", "was"])] * 2
    assert "P-4711" not in api.admin.post("/audit/search", json={"limit": 200}).text
    assert api.admin.post("/audit/verify", json={}).json()["whole"] is True
    (last,) = api.admin.post("/audit/search", json={"action": "audit.verified", "limit": 1}).json()["events"]
    assert last["actor"] == "ada" and last["body"]["whole"] is True
    assert api.admin.post("/erasure/preview", json={}).status_code == 422


def test_what_is_old_a_film_and_a_model_are_retired(
    api: Api, store: Store, screener: Screener, judged: Judged, clock: Clock
) -> None:
    judged(1, "clear", source="north")
    receipt = store.films.receive(dicom_film(2), name="b.dcm")
    Worker(store, lambda: screener).drain()
    (model,) = (one for one in api.admin.get("/models/scored").json()["models"] if one["model"] != "m" * 64)
    assert (model["findings"], model["waiting"], model["in_use"], model["name"]) == (1, 1, False, "")
    refused = api.admin.post(f"/models/{model['model']}/retire")
    assert refused.status_code == 422 and "wait for a reader" in said(refused)
    assert api.admin.post(f"/films/{receipt.film_id}/retire").json() == {"studies": 1, "films": 1, "maps": 1}
    clock.now += 31 * 86_400
    later, old = api.client("ada", "admin"), {"days": 30}
    assert later.post("/retirement/count", json=old | {"source": "south"}).json() == {"studies": 0}
    assert later.post("/retirement/count", json=old).json() == {"studies": 1}
    assert later.post("/retirement", json=old).json() == {"studies": 1, "films": 1, "maps": 0}
    assert later.get("/storage").json()["parts"][0] == {"kind": "films", "files": 0, "bytes": 0}


def test_storage_queue_and_versions_are_what_is_there(api: Api, store: Store, judged: Judged) -> None:
    judged(1)
    receipt = store.films.receive(b"no film", name="b")
    found = api.admin.get("/storage").json()
    assert found["parts"][0] == {
        "kind": "films",
        "files": 2,
        "bytes": sum(one.bytes for one in store.studies.by_source()),
    }
    assert 0 < found["free_bytes"] < found["total_bytes"]
    found = api.admin.get("/queue").json()
    assert (found["waiting"], found["running"], found["done"], found["workers"], found["failed"]) == (1, 0, 1, None, [])
    assert receipt.film_id not in str(found["failed"])
    found = api.admin.get("/versions").json()
    assert found["schema_revision"] == store.schema() and found["database"].startswith("SQLite 3.")
    assert found["models"] == [] and re.fullmatch(r"\d+\.\d+\.\d+", found["python"])


def test_the_pages_know_every_action_of_the_trail_and_one_style_of_dates() -> None:
    source = JS.parents[2]
    text = "".join(path.read_text() for path in source.glob("worklist/*.py"))
    subjects = "study|film|account|session|link|setting|drift|model|audit|policy|view|object|result|patient"
    made = set(re.findall(rf'"((?:{subjects})\.[a-z_]+)"', text))
    made -= {"audit.head", "audit.lock"}
    known = set(re.findall(r'^  "([a-z]+\.[a-z_]+)":', (JS / "admin_audit_words.js").read_text(), re.MULTILINE))
    assert made == known
    other = r"toLocale(Date|Time)String|DateTimeFormat|Date\([^)]*\)\.toLocale"
    assert {path.name for path in JS.glob("*.js") if re.search(other, path.read_text())} == {"dates.js"}


def test_only_admins_see_the_page(api: Api) -> None:
    def page(client: Any) -> Any:
        return client.get("http://127.0.0.1:8080/administration", headers={"Cookie": _cookie(client)})

    for client, status in ((api.reader, 403), (api.lead, 403), (api.admin, 200)):
        answer = page(client)
        assert answer.status_code == status
        assert ('href="/administration"' in answer.text) == (status == 200), "no link where there is no way"


def _cookie(client: Any) -> str:
    return "unseen=" + client.headers["Authorization"].removeprefix("Bearer ")
