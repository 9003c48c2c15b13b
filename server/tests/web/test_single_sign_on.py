"""Sign-in by an identity provider that is real: over HTTP, with keys, PKCE and codes; and what it must not get past."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from tests.docs.blocks import ROOT, blocks
from tests.web.conftest import LOCAL, Api, MakeApi, in_one_loop
from tests.web.identity_provider import CLIENT, SECRET, Provider
from unseen_server.web.oidc_provider import OidcError, OidcProvider, OidcSettings
from unseen_server.worklist.store import Store

RITA = {
    "sub": "4711",
    "preferred_username": "rita",
    "email": "rita@hospital.example",
    "email_verified": True,
    "roles": ["staff", "unseen-lead"],
}
TOML = """
issuer = "{issuer}"
client_id = "unseen"
client_secret_file = "secret"
label = "Clinic account"
[roles]
unseen-reader = "reader"
unseen-lead = "lead"
unseen-admin = "admin"
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider(claims=dict(RITA))
    yield running
    running.close()


@pytest.fixture
def settings(provider: Provider, tmp_path: Path) -> Callable[..., OidcSettings]:
    """`settings("domains = […]")`: as a site would write them."""

    def read(more: str = "") -> OidcSettings:
        (tmp_path / "secret").write_text(f"{SECRET}\n")
        path = tmp_path / "oidc.toml"
        path.write_text(more + TOML.format(issuer=provider.issuer))
        return OidcSettings.read(path)

    return read


@pytest.fixture
def api(make_api: MakeApi, settings: Callable[..., OidcSettings]) -> Api:
    return make_api(oidc=OidcProvider(settings()))


def browser(api: Api) -> TestClient:
    """Somebody's browser, at our pages: it follows no redirect by itself."""
    return in_one_loop(TestClient(api.app, base_url=LOCAL, follow_redirects=False))


def way_back(client: TestClient, onwards: str = "/models") -> str:
    """Begin, let the provider sign in, and return where it sends the browser."""
    begun = client.get("/sign-in/oidc", params={"next": onwards})
    assert begun.status_code == 303
    there = httpx.get(begun.headers["location"], follow_redirects=False, verify=False)
    assert there.status_code == 302
    return str(there.headers["location"])


def signed_in(client: TestClient) -> Any:
    return client.get(way_back(client))


def who(client: TestClient) -> Any:
    answer = client.get("/api/v1/me")
    return (answer.json()["name"], answer.json()["role"]) if answer.status_code == 200 else None


def refused(client: TestClient, words: str | re.Pattern[str]) -> None:
    answer = signed_in(client)
    found = words in answer.text if isinstance(words, str) else words.search(answer.text)
    assert answer.status_code == 403 and found, answer.text
    assert who(client) is None


def test_the_first_sign_in_makes_the_account_and_the_role_follows(api: Api, store: Store, provider: Provider) -> None:
    client = browser(api)
    assert "Sign in with Clinic account" in client.get("/sign-in?next=/models").text
    answer = signed_in(client)
    assert answer.status_code == 200 and 'content="0;url=/models"' in answer.text
    cookie = answer.headers.get_list("set-cookie")
    assert any("HttpOnly" in one and "SameSite=strict" in one and one.startswith("unseen=") for one in cookie)
    assert who(client) == ("rita", "lead")
    (account,) = store.accounts.listed()
    assert (account.name, account.has_password, account.provided) == ("rita", False, True)
    assert [one["provided"] for one in api.admin.get("/accounts").json()["accounts"]] == [True]
    methods = {one["name"]: one for one in api.admin.get("/accounts/methods").json()["methods"]}
    assert methods["Identity provider"]["on"] and provider.issuer in methods["Identity provider"]["words"]
    provider.claims |= {"roles": "unseen-reader", "preferred_username": "rita.married"}
    again = browser(api)
    assert signed_in(again).status_code == 200
    assert who(again) == ("rita", "reader"), "the name of the first sign-in is kept"
    assert who(client) is None, "the session with the earlier role has ended"
    assert again.post("/api/v1/sign-out", headers={"X-Requested-With": "unseen"}).status_code == 204
    assert who(again) is None
    assert store.audit.verify() is None
    assert api.nobody.post("/tokens", json={"name": "rita", "password": ""}).status_code == 401
    assert api.admin.post("/accounts/rita/link").status_code == 409
    assert api.admin.patch("/accounts/rita", json={"password": "correct horse battery"}).status_code == 409
    api.admin.patch("/accounts/rita", json={"disabled": True})
    refused(again, "is disabled")


NOT_FOR_THIS: list[dict[str, Any]] = [
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "another program"},
    {"iss": "https://another.example"},
    {"exp": 1_000_000_000},
    {"exp": None},
    {"iat": 4_000_000_000},
    {"sub": None},
    {"aud": 7},
    {"foreign key": True},
    {"unsigned": True},
]


def test_a_statement_that_is_not_for_this_sign_in_is_refused(api: Api, store: Store, provider: Provider) -> None:
    for changes in NOT_FOR_THIS:
        provider.changes = changes
        refused(browser(api), "statement is not valid")
        assert store.accounts.listed() == [], changes


def test_a_statement_for_several_programs_must_name_this_one(api: Api, provider: Provider) -> None:
    provider.changes = {"aud": [CLIENT, "other"]}
    refused(browser(api), "several programs")
    provider.changes = {"aud": [CLIENT, "other"], "azp": CLIENT}
    assert signed_in(browser(api)).status_code == 200


def test_whom_the_site_does_not_know_is_refused(api: Api, store: Store, provider: Provider) -> None:
    for roles in (["staff"], [], "admin", None, {"unseen-admin": True}):
        provider.claims["roles"] = roles
        refused(browser(api), "has no role here")
    provider.claims |= {"roles": "unseen-admin", "preferred_username": "../rita"}
    refused(browser(api), "1 to 64 of the characters")
    provider.claims["preferred_username"] = None
    refused(browser(api), "name_claim")
    assert store.accounts.listed() == []


def test_a_name_of_somebody_else_is_never_taken_over(api: Api, store: Store, provider: Provider) -> None:
    store.accounts.add("rita", None, "admin", actor="test")
    refused(browser(api), "signs in otherwise")
    provider.claims["preferred_username"] = "local"
    refused(browser(api), "signs in otherwise")
    provider.claims["preferred_username"] = "mia"
    assert signed_in(browser(api)).status_code == 200
    provider.claims["sub"] = "another person"
    refused(browser(api), "signs in otherwise")


def test_an_account_stays_when_the_provider_gives_its_owner_a_name_that_no_account_can_have(
    api: Api, store: Store, provider: Provider
) -> None:
    assert signed_in(browser(api)).status_code == 200
    provider.claims["preferred_username"] = "rita müller"
    again = browser(api)
    assert signed_in(again).status_code == 200 and who(again) == ("rita", "lead")


def test_a_way_back_is_good_once_and_in_one_browser(api: Api, store: Store) -> None:
    client, other = browser(api), browser(api)
    back = way_back(client)
    assert other.get(back).status_code == 403 and who(other) is None, "another browser was not sent there"
    assert client.get(back).status_code == 200 and who(client) == ("rita", "lead")
    client.post("/api/v1/sign-out", headers={"X-Requested-With": "unseen"})
    replayed = client.get(back)
    assert replayed.status_code == 403 and who(client) is None
    code = parse_qs(urlsplit(back).query)["code"][0]
    state = parse_qs(urlsplit(way_back(client)).query)["state"][0]
    old = client.get("/sign-in/oidc/back", params={"state": state, "code": code})
    assert old.status_code == 403 and "has not confirmed" in old.text, "the provider takes a code once"
    for params in ({}, {"state": "x", "code": "y"}, {"state": state, "error": "access_denied"}):
        assert client.get("/sign-in/oidc/back", params=params).status_code == 403
    assert who(client) is None


def test_the_way_back_leads_to_our_own_pages_alone(api: Api) -> None:
    for onwards in ("//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "evil"):
        client = browser(api)
        assert 'content="0;url=/"' in client.get(way_back(client, onwards)).text, onwards


def test_groups_and_domains_narrow_who_may_sign_in(
    make_api: MakeApi, settings: Callable[..., OidcSettings], provider: Provider
) -> None:
    narrow = make_api(oidc=OidcProvider(settings('domains = ["@Hospital.example"]\ngroups = ["radiology"]\n')))
    refused(browser(narrow), "none of the groups")
    provider.claims["groups"] = ["radiology"]
    provider.claims["email_verified"] = False
    refused(browser(narrow), "verified e-mail address")
    provider.claims |= {"email_verified": True, "email": "rita@hospital.example.evil.example"}
    refused(browser(narrow), "verified e-mail address")
    provider.claims["email"] = "rita@hospital.example"
    assert signed_in(browser(narrow)).status_code == 200


def test_keys_are_asked_for_again_only_where_they_have_changed(api: Api, provider: Provider) -> None:
    assert signed_in(browser(api)).status_code == 200
    assert provider.asked.count("/keys") == 1 and provider.asked.count("/.well-known/openid-configuration") == 1
    provider.turn_keys()
    assert signed_in(browser(api)).status_code == 200
    assert provider.asked.count("/keys") == 2 and provider.asked.count("/.well-known/openid-configuration") == 1


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('issuer = "http://login.example"\nclient_id = "u"\n[roles]\na = "reader"\n', "https://"),
        ('issuer = "https://login.example"\nclient_id = "u"\n[roles]\na = "boss"\n', "roles.a"),
        ('issuer = "https://login.example"\nclient_id = "u"\n[roles]\n', "nobody could sign in"),
        ('issuer = "https://login.example"\nclient_id = "u"\ncolour = "red"\n[roles]\na = "lead"\n', "colour"),
        ("issuer = ", "no TOML"),
        (
            'issuer = "https://l"\nclient_id = "u"\nclient_secret_file = "absent"\n[roles]\na = "lead"\n',
            "cannot be read",
        ),
    ],
)
def test_wrong_settings_are_a_sentence(tmp_path: Path, written: str, words: str) -> None:
    path = tmp_path / "oidc.toml"
    path.write_text(written)
    with pytest.raises(OidcError, match=words):
        OidcSettings.read(path)


@pytest.mark.parametrize(("content", "words"), [(b"\xff\xfe", "is no text in UTF-8"), (b" \n", "is empty")])
def test_a_wrong_file_of_the_secret_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    path = tmp_path / "oidc.toml"
    path.write_text('issuer = "https://l"\nclient_id = "u"\nclient_secret_file = "secret"\n[roles]\na = "lead"\n')
    with pytest.raises(OidcError, match=f"^{tmp_path / 'secret'}: {words}"):
        OidcSettings.read(path)


def test_the_settings_of_the_page_can_be_read(tmp_path: Path) -> None:
    (written,) = (
        block.text for block in blocks(ROOT / "docs" / "how-to" / "single-sign-on.md") if block.language == "toml"
    )
    (tmp_path / "oidc.toml").write_text(written)
    (tmp_path / "oidc.secret").write_text("s\n")
    found = OidcSettings.read(tmp_path / "oidc.toml")
    assert (found.client_secret, set(found.roles.values())) == ("s", {"reader", "lead", "admin"})
    assert "secret" not in repr(found).replace("client_secret_file", "").replace("oidc.secret", "")


def test_a_provider_that_is_not_what_it_should_be_stops_the_start(
    provider: Provider, settings: Callable[..., OidcSettings]
) -> None:
    known = settings()
    provider.changes = {"issuer": "https://another.example"}
    with pytest.raises(OidcError, match="calls itself"):
        OidcProvider(known)
    provider.close()
    with pytest.raises(OidcError, match="does not answer"):
        OidcProvider(known)


def test_without_a_provider_nothing_of_it_is_there(make_api: MakeApi) -> None:
    client = browser(make_api())
    assert "/sign-in/oidc" not in client.get("/sign-in").text
    assert client.get("/sign-in/oidc").status_code == 404
