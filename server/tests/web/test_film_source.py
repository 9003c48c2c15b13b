"""Sources of films that are sent over HTTP: fixed by the account, never chosen by a sender."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import LOCAL, Api, said
from tests.worklist.conftest import png
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

RAW = {"Content-Type": "application/octet-stream"}


def sent(client: Any, number: int, source: str | None = None) -> Any:  # Any: a client of the tests, its response
    headers = RAW if source is None else RAW | {"X-Film-Source": source}
    return client.post("/films", content=png(number), headers=headers)


def sources_of(store: Store) -> list[str]:
    return sorted(row.source for row in store.studies.page(StudyQuery(tab="all")).rows)


def test_a_sender_cannot_select_the_source_whose_threshold_clears(api: Api, store: Store) -> None:
    refused = sent(api.sender, 1, "shenzhen")
    assert refused.status_code == 403
    assert said(refused) == (
        "The account sid may send films of these sources: ward 3; not the source 'shenzhen'. Nothing was stored. Name "
        "an allowed source in X-Film-Source, or ask an admin to change the account's sources."
    )
    assert store.studies.page(StudyQuery(tab="all")).total == 0 and not list((store.home / "films").rglob("*.tmp"))


@pytest.mark.parametrize("named", ["Ward 3", "ward 33", "ward%203%2C", "unknown", "ward", "%E2%80%8Bward%203"])
def test_a_source_that_is_almost_the_accounts_is_refused(api: Api, store: Store, named: str) -> None:
    assert sent(api.sender, 1, named).status_code == 403
    form = api.sender.post("/films", data={"source": "Ward 3"}, files={"file": ("y.png", png(2))})
    assert form.status_code == 403
    assert store.studies.page(StudyQuery(tab="all")).total == 0


def test_an_account_with_one_source_needs_to_name_none(api: Api, store: Store) -> None:
    assert sent(api.sender, 1).status_code == 201
    assert sent(api.sender, 2, "ward%203").status_code == 201
    assert api.sender.post("/films", files={"file": ("y.png", png(3))}).status_code == 201
    assert sources_of(store) == ["ward 3"] * 3


def test_an_account_with_several_sources_names_one_of_them(api: Api, store: Store) -> None:
    store.accounts.add("two", None, "sender", actor="ada", sources=["north", "south"])
    client = api.client("two", "sender")
    refused = sent(client, 1)
    assert refused.status_code == 403 and "north, south; and the request names no source" in said(refused)
    assert sent(client, 1, "south").status_code == 201
    assert sources_of(store) == ["south"]


def test_a_reader_without_sources_sends_as_unknown_which_no_policy_clears(api: Api, store: Store) -> None:
    assert sent(api.reader, 1).status_code == 201
    assert sent(api.reader, 2, "unknown").status_code == 201
    for named in ("shenzhen", "ann", "dropped"):
        refused = sent(api.reader, 3, named)
        assert refused.status_code == 403 and "these sources: unknown;" in said(refused)
    assert sources_of(store) == ["unknown", "unknown"]


def test_a_reader_or_lead_with_sources_sends_under_these_only(api: Api, store: Store) -> None:
    for name, role in (("rita", "reader"), ("leo", "lead"), ("abe", "admin")):
        store.accounts.add(name, None, role, actor="ada", sources=["clinic"])  # type: ignore[arg-type]
        client = api.client(name, role)
        assert sent(client, len(name) + ord(name[0])).status_code == 201
        assert sent(client, 1, "shenzhen").status_code == 403
    assert sources_of(store) == ["clinic"] * 3


def test_a_lead_who_may_activate_a_policy_sends_under_any_source(api: Api, store: Store) -> None:
    assert sent(api.lead, 1, "shenzhen").status_code == 201
    assert sent(api.admin, 2).status_code == 201
    assert sources_of(store) == ["shenzhen", "unknown"]


def test_an_admins_change_of_sources_holds_at_once(api: Api, store: Store) -> None:
    old = api.sender
    changed = api.admin.patch("/accounts/sid", json={"sources": ["north"]}).raise_for_status().json()
    assert (changed["role"], changed["sources"]) == ("sender", ["north"])
    assert sent(old, 1).status_code == 401, "signed out everywhere"
    assert sent(api.client("sid", "sender"), 1).status_code == 201
    refused = api.admin.patch("/accounts/sid", json={"sources": []})
    assert refused.status_code == 422 and "needs at least one source" in said(refused)
    assert sources_of(store) == ["north"]


def test_a_sender_does_not_learn_what_became_of_its_film(api: Api, store: Store, judged: Any) -> None:
    receipt = judged(1, "read", source="ward 3")
    data = store.films.path(receipt.film_id).read_bytes()
    again = api.sender.post("/films", content=data, headers=RAW)
    assert (again.status_code, again.json()["state"], again.json()["already"]) == (200, "received", True)
    assert api.reader.post("/films", content=data, headers=RAW).json()["state"] == "to_read"


def test_a_sender_sees_no_page(api: Api) -> None:
    for path in ("/", "/live", "/compare", "/models", "/turing", "/lab", "/administration", f"/studies/s-{'0' * 20}"):
        answer = api.sender.get(f"{LOCAL}{path}", follow_redirects=False)
        assert answer.status_code == 403 and "sid is sender" in answer.text, path


def test_accounts_with_wrong_sources_are_not_made(api: Api, store: Store) -> None:
    for sources, words in (
        ([], "needs at least one source"),
        (["ward", " "], "is empty"),
        (["x" * 201], "200"),
        (["a\x00b"], "no text"),
        ([str(number) for number in range(101)], "100"),
    ):
        answer = api.admin.post("/accounts", json={"name": "sid", "role": "sender", "sources": sources})
        assert answer.status_code in (400, 422) and words in answer.text, sources
    assert store.accounts.listed() == []
    for name, role in (("ann", "reader"), ("lea", "lead")):
        store.accounts.add(name, None, role, actor="ada")  # type: ignore[arg-type]
        refused = api.admin.patch(f"/accounts/{name}", json={"role": "sender"})
        assert refused.status_code == 422 and "needs at least one source" in said(refused)
        done = api.admin.patch(f"/accounts/{name}", json={"role": "sender", "sources": ["ward", "ward"]})
        assert done.raise_for_status().json()["sources"] == ["ward"]


def test_studies_are_not_assigned_to_a_sender(api: Api, judged: Any) -> None:
    study = judged(1).study
    api.sender.get("/me").raise_for_status()
    assert "sid" not in api.lead.get("/studies/choices").json()["readers"]
    refused = api.lead.post("/studies/assign", json={"studies": [study], "to": "sid"})
    assert refused.status_code == 404 and "nobody with this name can read here" in said(refused)
