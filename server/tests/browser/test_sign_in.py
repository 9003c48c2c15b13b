"""The door: signing in by hand and by link, being led back, signing out; what the pages' headers forbid."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WITHOUT_SCRIPTS, PageOf, Site, signed_in
from tests.web.identity_provider import CLIENT, SECRET, Provider
from tests.web.running import Running


@pytest.fixture
def page(shared_site: Site, page_of: PageOf) -> Page:
    """A page of the shared server of somebody who is not signed in."""
    page = page_of(shared_site, "ann")
    page.context.clear_cookies()
    return page


def test_sign_in_returns_to_the_page_that_was_asked_for(shared_site: Site, page: Page) -> None:
    page.goto(f"{shared_site.root}/models")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill("lea")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{shared_site.root}/models")


def test_the_link_signs_in_and_leaves_no_secret_in_the_address(shared_site: Site, page: Page) -> None:
    with shared_site.store() as store:
        link = store.accounts.one_time_link("local", "admin")
    page.goto(f"{shared_site.root}/sign-in#link={link}")
    page.wait_for_url(f"{shared_site.root}/")
    assert link not in page.url
    expect(page.get_by_text("admin", exact=True)).to_be_visible()


ELSEWHERE = (
    "https://evil.example/",
    "/\\evil.example",
    "//evil.example/",
    "javascript:alert(1)",
    "/.//evil.example/x",
)


@pytest.mark.parametrize(
    "elsewhere", [ELSEWHERE[1:2], pytest.param(ELSEWHERE, marks=pytest.mark.nightly)], ids=["one", "all"]
)
def test_another_sites_address_is_no_way_onwards(shared_site: Site, page: Page, elsewhere: tuple[str, ...]) -> None:
    for next_page in elsewhere:
        page.goto(f"{shared_site.root}/sign-in?next={next_page}")
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill("correct horse battery staple")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda url: "/sign-in" not in url, wait_until="commit")
        assert page.url.startswith(shared_site.root + "/"), (next_page, page.url)
        page.goto(shared_site.root + WITHOUT_SCRIPTS)  # refused, the list would lead to the door while the test goes on
        page.context.clear_cookies()


@pytest.mark.nightly  # the session: web/test_signing_in.py
def test_signing_out_ends_the_session(shared_site: Site, page_of: PageOf) -> None:
    page = page_of(shared_site, "ann")
    page.goto(shared_site.root)
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    page.get_by_role("button", name="Sign out").click()
    # whichever is first: where the button leads, or a refused request
    expect(page).to_have_url(re.compile("/sign-in"))
    assert httpx.get(f"{shared_site.running.base}/me", cookies=cookies, verify=False).status_code == 401


@pytest.mark.parametrize("path", ["/sign-in", "/", "/static/js/api.js"])
def test_pages_forbid_what_they_do_not_need(shared_site: Site, path: str) -> None:
    answer = httpx.get(shared_site.root + path, verify=False)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.nightly  # the console of each page: test_every_page_fits_each_screen_and_axe_finds_nothing_serious
def test_no_page_has_a_script_or_a_style_in_itself(shared_site: Site, chromium: Browser) -> None:
    """The policy would stop them: the browser's complaints are the test."""
    with chromium.new_context() as context:
        said: list[str] = []
        page = signed_in(context, shared_site, "lea")
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        for path in ("/", "/live", "/compare", "/models", "/turing"):
            page.goto(shared_site.root + path)
            page.wait_for_load_state("load")
        assert not [words for words in said if "Content Security Policy" in words], said


def test_the_identity_provider_of_another_site_signs_in(tmp_path: Path, chromium: Browser) -> None:
    """localhost and 127.0.0.1 are two sites: the session's cookie is not sent on the way back from the first."""
    provider = Provider(claims={"sub": "4711", "preferred_username": "rita", "roles": ["leads"]}, host="localhost")
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "oidc.toml").write_text(
        f'issuer = "{provider.issuer}"\nclient_id = "{CLIENT}"\nclient_secret_file = "secret"\n'
        'label = "Clinic account"\n[roles]\nleads = "lead"\n'
    )
    with (
        Running("--folder", tmp_path / "worklist", "--port", "0", "--oidc", tmp_path / "oidc.toml") as running,
        chromium.new_context() as context,
    ):
        root = running.started().base.removesuffix("/api/v1")
        page = context.new_page()
        page.goto(f"{root}/models")
        page.get_by_role("link", name="Sign in with Clinic account").click()
        page.wait_for_url(f"{root}/models")
        expect(page.locator(".who")).to_contain_text("rita lead")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in with Clinic account")).to_be_visible()
        page.goto(f"{root}/models")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    provider.close()
