"""Signing in: passwords, links that are good once, cookies that other sites' pages cannot use, and guessing."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import LOCAL, Api, MakeApi, in_one_loop, said
from tests.worklist.conftest import Clock
from unseen_server.web.address import Address
from unseen_server.web.password_attempts import BY_NAME, Throttle
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store

PASSWORD = "correct horse battery"
ASKS = {"X-Requested-With": "unseen"}
PUBLIC = "https://worklist.hospital.example"


def link_of(store: Store) -> str:
    return store.accounts.one_time_link("local", "admin")


def test_a_link_is_good_for_one_sign_in(api: Api, store: Store) -> None:
    link = link_of(store)
    first = api.nobody.get("/sign-in/link", params={"link": link})
    assert first.json() == {"name": "local", "role": "admin", "disabled": False}
    assert link not in first.text
    for again in (
        api.nobody.get("/sign-in/link", params={"link": link}),
        api.nobody.post("/sign-in/link", json={"link": link}),
        api.nobody.post("/tokens/link", json={"link": link}),
    ):
        assert again.status_code == 409
        assert said(again) == (
            "This link was used already, or is too old. Ask for a new one, or start `unseen serve` again: it prints "
            "one."
        )
    assert api.client().get("/me", headers={"Authorization": f"Bearer {link}"}).status_code == 401, "a link is no token"


def test_a_server_for_others_prints_no_link_and_does_not_promise_one(make_api: MakeApi) -> None:
    api = make_api(address=Address(public=PUBLIC))
    refused = api.client(base_url=PUBLIC).post("/sign-in/link", json={"link": "used"})
    assert refused.status_code == 409
    assert said(refused) == "This link was used already, or is too old. Ask for a new one."


def test_a_link_runs_out(api: Api, store: Store, clock: Clock) -> None:
    link = link_of(store)
    clock.now += 601
    assert api.nobody.post("/tokens/link", json={"link": link}).status_code == 409


def test_the_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(api: Api, store: Store) -> None:
    browser = api.client()
    answer = browser.post("/sign-in/link", json={"link": link_of(store)})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("unseen=") and {"HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie, "plain HTTP, and on this machine alone"
    assert browser.get("/me").json()["name"] == "local"


def test_over_tls_the_cookie_is_for_tls_alone(make_api: MakeApi, store: Store) -> None:
    api = make_api(address=Address(public=PUBLIC))
    browser = api.client(base_url=PUBLIC)
    answer = browser.post("/sign-in/link", json={"link": link_of(store)})
    assert answer.headers["set-cookie"].startswith("__Host-unseen=") and "; Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]
    assert browser.get("/me").status_code == 200
    assert browser.post("/sign-out", headers={"Origin": PUBLIC}).status_code == 204


def test_with_a_cookie_a_change_must_come_from_our_own_page(api: Api, store: Store) -> None:
    browser = api.client()
    browser.post("/sign-in/link", json={"link": link_of(store)})

    def search(**headers: str) -> int:
        return browser.post("/studies/search", json={}, headers=headers).status_code

    assert search() == 403
    assert search(Origin="https://evil.example") == 403
    assert search(Origin="https://evil.example", **ASKS) == 403
    assert search(Origin="null", **ASKS) == 403
    assert search(Origin=LOCAL) == 200
    assert search(**ASKS) == 200
    assert browser.post("/sign-out", headers=ASKS).status_code == 204
    assert search(**ASKS) == 401
    assert api.lead.post("/studies/search", json={}).status_code == 200, "a bearer token needs no such proof"


def test_no_other_site_signs_a_browser_in(api: Api, store: Store) -> None:
    for odd in ("http://[::1", "http://[evil", "http://\xe4.example"):
        answer = api.nobody.post(
            "/sign-in", json={"name": "a", "password": "b"}, headers={"Origin": odd.encode("latin-1")}
        )
        assert answer.status_code == 403, odd
    evil = {"Origin": "https://evil.example"}
    link = link_of(store)
    assert api.nobody.post("/sign-in/link", json={"link": link}, headers=evil).status_code == 403
    assert api.nobody.post("/sign-in", json={"name": "a", "password": "b"}, headers=evil).status_code == 403
    plain = {"Content-Type": "text/plain"}  # what another site's form can send without being asked
    assert api.nobody.post("/sign-in/link", content=f'{{"link":"{link}"}}', headers=plain).status_code == 422
    assert api.nobody.post("/sign-in/link", json={"link": link}, headers={"Origin": LOCAL}).status_code == 200


def test_a_token_that_was_signed_out_is_worth_nothing(api: Api) -> None:
    api.admin.post("/accounts", json={"name": "rita", "password": PASSWORD, "role": "reader"})
    told = api.nobody.post("/tokens", json={"name": "rita", "password": PASSWORD}).json()
    assert (told["name"], told["role"]) == ("rita", "reader")
    rita = api.client()
    rita.headers["Authorization"] = f"Bearer {told['token']}"
    assert rita.get("/me").status_code == 200
    assert rita.post("/sign-out").status_code == 204
    assert rita.get("/me").status_code == 401
    assert rita.post("/sign-out").status_code == 401


def test_accounts_are_an_admins(api: Api) -> None:
    assert api.admin.post("/accounts", json={"name": "rita", "password": "short", "role": "reader"}).status_code == 422
    new = {"name": "rita", "password": PASSWORD, "role": "reader"}
    assert api.admin.post("/accounts", json=new).status_code == 201
    assert api.admin.post("/accounts", json=new).status_code == 422
    assert api.admin.post("/accounts", json=new | {"name": "Local"}).status_code == 422
    assert api.admin.post("/accounts", json=new | {"name": "a<b>"}).status_code == 422
    listed = api.admin.get("/accounts").json()["accounts"]
    rita = {"name": "rita", "role": "reader", "disabled": False, "has_password": True, "provided": False, "sessions": 0}
    rita |= {"sources": []}
    assert listed == [rita]
    browser = api.client()
    assert browser.post("/sign-in", json={"name": "rita", "password": PASSWORD}).json()["role"] == "reader"
    assert browser.get("/me").status_code == 200
    changed = api.admin.patch("/accounts/rita", json={"role": "lead", "disabled": True}).json()
    assert changed == rita | {"role": "lead", "disabled": True}
    assert browser.get("/me").status_code == 401, "signed out everywhere"
    refused = browser.post("/sign-in", json={"name": "rita", "password": PASSWORD})
    assert refused.status_code == 401
    assert api.admin.patch("/accounts/nobody", json={"disabled": True}).status_code == 404
    assert PASSWORD not in api.admin.get("/accounts").text


def test_a_refused_sign_in_says_the_same_whatever_was_wrong(api: Api, store: Store) -> None:
    store.accounts.add("rita", PASSWORD, "reader", actor="test")
    answers = [
        api.nobody.post("/tokens", json={"name": name, "password": password})
        for name, password in (("rita", "wrong password"), ("nobody", PASSWORD), ("'; --", "x"), ("", ""))
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({said(answer) for answer in answers}) == 1


def at(api: Api, address: str) -> TestClient:
    """Return a client from this address."""
    base, here = f"{LOCAL}/api/v1", (address, 50000)
    return in_one_loop(TestClient(api.app, base_url=base, client=here, raise_server_exceptions=False))


def test_guessing_is_made_slow(api: Api, store: Store) -> None:
    store.accounts.add("rita", PASSWORD, "reader", actor="test")
    for _ in range(BY_NAME):
        assert api.nobody.post("/tokens", json={"name": "Rita", "password": "guess"}).status_code == 401
    late = api.nobody.post("/tokens", json={"name": "rita", "password": PASSWORD})
    assert late.status_code == 429 and 0 < int(late.headers["retry-after"]) <= 600
    assert "Wait" in said(late)


@pytest.mark.parametrize(
    ("others", "own"),
    [
        (["10.0.0.66"], "10.0.0.1"),
        ([f"10.0.{number}.66" for number in range(20)], "10.0.0.1"),
        (["2001:db8:0:1::66"], "2001:db8:0:2::1"),
        (["::ffff:10.0.0.66"], "::ffff:10.0.0.1"),
    ],
)
def test_nobody_locks_somebody_else_out(api: Api, store: Store, others: list[str], own: str) -> None:
    store.accounts.add("rita", PASSWORD, "reader", actor="test")
    for other in others:
        guessing = at(api, other)
        statuses = [guessing.post("/tokens", json={"name": "rita", "password": "guess"}).status_code for _ in range(12)]
        assert statuses == [401] * BY_NAME + [429] * 2
    assert at(api, own).post("/tokens", json={"name": "rita", "password": PASSWORD}).status_code == 200
    assert at(api, own).post("/sign-in", json={"name": "rita", "password": PASSWORD}).status_code == 200


def test_a_network_of_ipv6_is_one_address_for_the_throttle() -> None:
    throttle = Throttle(clock=Ticking())
    assert [throttle.take("ann", f"2001:db8::{number:x}") for number in range(11)] == [0.0] * 10 + [600.0]
    assert throttle.take("ann", "2001:db8:0:1::1") == 0.0


class Ticking:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_throttle_forgives_who_was_right_and_forgets_after_a_while() -> None:
    clock = Ticking()
    throttle = Throttle(clock=clock)
    for _ in range(200):
        assert throttle.take("ann", "10.0.0.1") == 0
        throttle.forgive("ann", "10.0.0.1")
    for _ in range(BY_NAME):
        assert throttle.take("ann", "10.0.0.1") == 0
    assert throttle.take("ANN", "10.0.0.1") == 600
    assert throttle.take("ann", "10.0.0.2") == 0, "the same name from another address"
    assert throttle.take("ben", "10.0.0.1") == 0, "another name from the same address"
    for number in range(100):
        throttle.take(f"name{number}", "10.0.0.1")
    assert throttle.take("carl", "10.0.0.1") == 600, "too many names from one address"
    clock.now += 601
    assert throttle.take("ann", "10.0.0.1") == 0


def test_the_throttle_stays_small() -> None:
    throttle = Throttle(clock=Ticking())
    for number in range(30_000):
        throttle.take(f"name{number}", f"10.0.{number // 40}")
    assert len(throttle._tries) <= 20_000


@pytest.mark.parametrize(
    "public", ["http://a.example", "https://", "https://a.example/path", "worklist", "https:// a/?x"]
)
def test_a_public_address_that_is_none_is_a_sentence(public: str) -> None:
    with pytest.raises(WorklistError, match=r"Write it as https://"):
        Address(public=public)


def test_odd_credentials_are_no_credentials(api: Api) -> None:
    for header in ("Bearer", "Bearer ", "Basic eDp5", "bearer  x y", "\xff\xfe", "Bearer " + "x" * 5000):
        headers: Any = {"Authorization": header.encode("latin-1")}
        assert api.client().get("/me", headers=headers).status_code == 401
    assert api.client().get("/me", headers={"Cookie": "unseen=; unseen=x"}).status_code == 401
