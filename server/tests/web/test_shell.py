"""Middleware of every request: host names, sizes, headers, and no internals in replies."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy

from tests.web.conftest import LOCAL, Api, MakeApi, said
from unseen_server.web.address import Address
from unseen_server.worklist.job_queue import JobQueue
from unseen_server.worklist.states import BusyError
from unseen_server.worklist.store import Store
from unseen_server.worklist.studies import Studies

JSON = "application/json"
LIMITS = "Research use only. Not a medical device. Not for diagnosis."


def test_the_sentence_stands_where_results_are_seen(api: Api) -> None:
    described = api.nobody.get("/openapi.json").json()
    assert LIMITS in described["info"]["description"]
    assert api.nobody.get("/health").json()["limits"] == LIMITS
    for path in ("/health", "/nowhere", "/me"):
        assert api.nobody.get(path).headers["intended-use"] == LIMITS


def test_the_bare_api_address_names_its_description_and_the_pages(api: Api) -> None:
    for path in ("/api/v1", "/api/v1/"):
        answer = api.nobody.get(f"{LOCAL}{path}")
        assert answer.status_code == 200, path
        addresses = answer.json()
        assert addresses["limits"] == LIMITS
        assert api.nobody.get(f"{LOCAL}{addresses['description']}").json()["openapi"]
        page = api.nobody.get(f"{LOCAL}{addresses['pages']}")
        assert page.status_code == 200 and page.url.path == "/sign-in"
        assert api.admin.post(f"{LOCAL}{path}").status_code == 405


def test_every_answer_carries_what_keeps_browsers_safe(api: Api) -> None:
    for path in ("/health", "/me", "/nowhere", "/studies/search", "/openapi.json"):
        headers = api.nobody.get(path).headers
        assert headers["cache-control"] == "no-store", path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["x-frame-options"] == "DENY", path
        assert headers["referrer-policy"] == "no-referrer", path
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert "server" not in headers, path


def test_browsers_ask_each_time_whether_a_script_is_still_right(api: Api) -> None:
    path = f"{LOCAL}/static/js/api.js"
    first = api.nobody.get(path)
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = api.nobody.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


def test_on_this_machine_alone_other_names_are_refused(api: Api) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.evil:8080", "[::2]"):
        answer = api.admin.get("/health", headers={"Host": host})
        assert answer.status_code == 421 and "Host" in said(answer), host
        assert answer.headers["x-content-type-options"] == "nosniff", host


def test_its_own_names_are_taken(api: Api) -> None:
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"):
        assert api.nobody.get("/health", headers={"Host": host}).status_code == 200, host


def test_a_server_for_others_is_known_by_its_public_name(make_api: MakeApi) -> None:
    public = make_api(address=Address(public="https://a.example")).nobody
    assert public.get("/health", headers={"Host": "a.example"}).status_code == 200
    assert public.get("/health", headers={"Host": "b.example"}).status_code == 421
    anywhere = make_api(address=Address(host="0.0.0.0")).nobody
    assert anywhere.get("/health", headers={"Host": "b.example"}).status_code == 200


def test_a_body_has_a_bound(api: Api) -> None:
    big = b'{"tab": "' + b"x" * 2**20 + b'"}'
    json = {"Content-Type": JSON}
    promised = api.reader.post("/studies/search", content=big, headers=json)
    assert promised.status_code == 413 and "1048576 bytes" in said(promised)
    streamed = api.reader.post("/studies/search", content=iter([big[:1000], big[1000:]]), headers=json)
    assert streamed.status_code == 413 and "1048576 bytes" in said(streamed)


WRONG_BODIES = [
    (b"{", JSON), (b"", JSON), (b"[1]", JSON), (b"\xff", JSON), (b"[" * 100_000, JSON), (b"null", JSON),
    (b'{"limit": 1e999}', JSON), (b'{"limit": NaN}', JSON),
    (b"{}", "text/plain"), (b"{}", "application/xml"), (b"{}", "x" * 1000),
]  # fmt: skip


def test_a_body_of_the_wrong_kind_is_a_sentence(api: Api) -> None:
    for content, kind in WRONG_BODIES:
        answer = api.reader.post("/studies/search", content=content, headers={"Content-Type": kind})
        assert answer.status_code in (400, 422) and said(answer).endswith("."), (content[:20], kind[:20])


def test_what_is_nowhere_is_a_sentence(api: Api) -> None:
    for path in ("/nowhere", "/films/", "/../../etc/passwd", "/studies/x/y/z"):
        answer = api.nobody.get(path)
        assert answer.status_code in (401, 404), path
        assert said(answer)
    assert "not taken" in said(api.nobody.delete("/health"))


def test_nothing_of_the_inside_gets_out(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    number = str(17 * 283)

    def broken(*_: object, **__: object) -> None:
        raise sqlalchemy.exc.StatementError(f"PatientID {number}", "SELECT …", {"p": number}, ValueError(number))

    monkeypatch.setattr(Studies, "sources", broken)
    answer = api.reader.get("/studies/sources")
    assert answer.status_code == 500
    told = said(answer).split("number ")[1].rstrip(".")
    assert f"request.failed id={told} StatementError" in caplog.text
    assert number not in answer.text + caplog.text


def test_a_busy_database_is_said_and_safe_to_try_again(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> None:
        raise BusyError("another program held the database. Nothing was changed; try again.")

    monkeypatch.setattr(JobQueue, "counts", busy)
    told = api.nobody.get("/health")
    assert told.status_code == 503
    assert (told.json()["database"], told.json()["status"], told.json()["queue"]) == ("out of reach", "impaired", None)
    monkeypatch.setattr(Studies, "sources", busy)
    answer = api.reader.get("/studies/sources")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_health_says_how_full_queue_and_disk_are_and_nothing_else(api: Api, store: Store) -> None:
    store.films.receive(b"film", name="Doe^John.png", source="Ward of Doe")
    told: dict[str, Any] = api.nobody.get("/health").json()
    assert (told["status"], told["queue"]["waiting"], told["workers"]) == ("ok", 1, None)
    assert 0 < told["disk"]["free_bytes"] <= told["disk"]["total_bytes"]
    assert "Doe" not in str(told) and str(store.home) not in str(told)
    assert api.reader.get("/models").json() == {"models": []}


def test_the_description_holds_no_page_that_fetches_scripts(api: Api) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert api.client(base_url=LOCAL).get(f"{LOCAL}{path}").status_code == 404
