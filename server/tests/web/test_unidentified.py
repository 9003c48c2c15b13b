"""Work for clients that have not signed in: sizes and times of what they send, and what the event loop does for it."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import pytest

from tests.web.conftest import Api, said
from tests.worklist.conftest import png
from unseen_server.web import sign_in_places
from unseen_server.worklist.accounts import Accounts
from unseen_server.worklist.store import Store

PASSWORD = "correct horse battery"
SIGN_IN = ["/tokens", "/tokens/link", "/sign-in", "/sign-in/link", "/sign-in/choose"]
JSON = {"Content-Type": "application/json"}


@functools.cache
def of_fields(count: int) -> bytes:
    """JSON with so many fields."""
    return json.dumps({f"k{number}": number for number in range(count)}).encode()


@contextmanager
def parsed_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the names of the threads in which JSON is parsed, whoever does it."""
    threads: list[str] = []
    loads = json.loads

    def noted(*arguments: Any, **more: Any) -> Any:
        threads.append(threading.current_thread().name)
        return loads(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(json, "loads", noted)
        yield threads


@pytest.mark.parametrize("path", SIGN_IN)
def test_a_sign_in_has_four_kilobytes(api: Api, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    many = of_fields(96_000)
    long = json.dumps({"name": "rita", "password": "x" * 5000}).encode()
    pieces = [b'{"name": "rita", "password": "'] + [b"x" * 1000] * 5 + [b'"}']
    with parsed_in(monkeypatch) as threads:
        answers = [api.nobody.post(path, content=body, headers=JSON) for body in (many, long, iter(pieces))]
    assert [(answer.status_code, "4096 bytes" in said(answer)) for answer in answers] == [(413, True)] * 3
    assert threads == [], "it was parsed"


@pytest.mark.parametrize("path", SIGN_IN)
def test_a_sign_in_is_parsed_off_the_event_loop(api: Api, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loops: list[str] = []
    original = anyio.to_thread.run_sync

    async def noted(*arguments: Any, **more: Any) -> Any:
        loops.append(threading.current_thread().name)
        return await original(*arguments, **more)

    monkeypatch.setattr(anyio.to_thread, "run_sync", noted)
    bodies = [b'{"name": "rita", "password": "x", "link": "y"}', b"{", b"[" * 4000, b'"' + b"x" * 4000 + b'"', b"\xff"]
    for body in bodies:
        with parsed_in(monkeypatch) as threads:
            answer = api.nobody.post(path, content=body, headers=JSON)
        assert answer.status_code in (400, 401, 409, 422), body[:20]
        assert threads and not set(threads) & set(loops), "the event loop parsed it"


@pytest.mark.parametrize("path", SIGN_IN)
def test_a_sign_in_with_many_fields_is_one_sentence(api: Api, path: str) -> None:
    body = of_fields(300)
    answer = api.nobody.post(path, content=body, headers=JSON)
    assert answer.status_code == 422 and said(answer) == "The body has 300 fields. A sign-in has at most 3."


CHANGES = [
    ("POST", "/studies/search"),
    ("POST", "/accounts"),
    ("PATCH", "/accounts/rita"),
    ("POST", "/reported-elsewhere/table"),
    ("POST", "/films"),
    ("POST", "/nowhere"),
]


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [*((*change, None) for change in CHANGES), (*CHANGES[0], "nobody"), (*CHANGES[0], "x" * 5000)],
)
def test_who_is_not_signed_in_is_refused_before_a_body_is_parsed(
    api: Api, method: str, path: str, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = JSON if token is None else JSON | {"Authorization": f"Bearer {token}"}
    body = of_fields(60_000)
    with parsed_in(monkeypatch) as threads:
        whole = api.client().request(method, path, content=body, headers=headers)
        pieces = api.client().request(method, path, content=iter([body[:5000], body[5000:]]), headers=headers)
    for answer in (whole, pieces):
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
        assert said(answer).startswith("Sign in first")
    assert threads == []


def test_who_is_signed_in_sends_as_before(api: Api, store: Store) -> None:
    many = api.reader.post("/studies/search", json={"text": "x" * 6000})
    assert many.status_code == 422, "the route's own answer"
    assert api.reader.post("/films", content=png(1)).status_code == 201
    browser = api.client()
    browser.post("/sign-in/link", json={"link": store.accounts.one_time_link("local", "admin")})
    assert browser.post("/films", content=png(2), headers={"X-Requested-With": "unseen"}).status_code == 201
    assert browser.post("/films", content=png(3)).status_code == 403


def test_a_password_is_hashed_only_for_a_link_that_is_good(
    api: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen_server.worklist import accounts as module

    hashed: list[str] = []
    original = module._hashed
    monkeypatch.setattr(module, "_hashed", lambda password: hashed.append(password) or original(password))
    store.accounts.add("rita", None, "reader", actor="test")
    own = store.accounts.one_time_link("local", "admin")
    for link in ("unknown", own, ""):
        assert api.nobody.post("/sign-in/choose", json={"link": link, "password": PASSWORD}).status_code == 409
    assert hashed == []
    link = store.accounts.invite("rita", actor="test")
    assert api.nobody.post("/sign-in/choose", json={"link": link, "password": PASSWORD}).status_code == 200
    assert api.nobody.post("/sign-in/choose", json={"link": link, "password": PASSWORD}).status_code == 409
    assert hashed == [PASSWORD]


def test_sign_ins_that_wait_take_no_thread_of_other_requests(
    api: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sixty sign-ins wait for the password's hash; a thread of the general pool is free for everybody else."""
    let_go, hashing = threading.Event(), threading.Semaphore(0)

    def slow(self: Accounts, name: str, password: str, **more: Any) -> None:
        hashing.release()
        let_go.wait(60)

    monkeypatch.setattr(Accounts, "sign_in", slow)
    with api.nobody:  # one event loop for all
        senders = [
            threading.Thread(
                target=api.nobody.post, args=("/tokens",), kwargs={"json": {"name": f"n{n}", "password": "x"}}
            )
            for n in range(48)
        ]
        for sender in senders:
            sender.start()
        try:
            for _ in range(sign_in_places.AT_ONCE):
                assert hashing.acquire(timeout=30)
            assert api.nobody.get("/health/live").status_code == 200
            assert api.reader.get("/studies/sources").status_code == 200, "in a thread of the general pool"
        finally:
            let_go.set()
            for sender in senders:
                sender.join()
