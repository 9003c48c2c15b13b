"""The server is killed while a reader works, and started again: what was done stays, and the page goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from tests.browser.conftest import SIDE, Site, as_dicom, serving, signed_in
from tests.browser.test_viewer import canvas
from tests.web.running import Running
from unseen.data import phantoms
from unseen_server.worklist.tables import films, reports


@pytest.mark.nightly
def test_a_kill_in_the_middle_of_the_work_loses_nothing(
    tmp_path: Path, bundles: dict[str, Path], chromium: Browser
) -> None:
    home = tmp_path / "worklist"
    with serving(home, bundles) as site, chromium.new_context() as context:
        page = signed_in(context, site, "ann")
        study = page.locator("[data-study]").first.get_attribute("data-study")
        page.goto(f"{site.root}/studies/{study}")
        expect(page.locator("#decide button[data-outcome=normal]")).to_be_enabled()
        page.get_by_label("Note to the report").fill("seen before the kill")
        with site.running.client(token_of(site, "lea")) as client:
            sent = [site.send(client, as_dicom(film)) for film in phantoms.normals(3, seed=901, size=SIDE)]
        site.running.process.kill()
        site.running.process.wait()
        page.locator("#decide button[data-outcome=abnormal]").click()
        expect(page.locator(".toast.bad")).to_contain_text("cannot be reached")
        expect(page.get_by_label("Note to the report")).to_have_value("seen before the kill")

        port = site.root.rsplit(":", 1)[1]
        with Running("--folder", home, "--port", port, "--model", bundles["pca"]) as again:
            Site(again.started(), home).judged()
            page.locator("#decide button[data-outcome=abnormal]").click()
            expect(page).not_to_have_url(f"{site.root}/studies/{study}")
            expect(page.locator(f'#viewer[data-study="{study}"]')).not_to_be_attached()
            expect(page.locator("#viewer[data-study]")).to_be_attached()
            assert canvas(page).max() > 200, "the next film is on the screen"
            with site.store() as store, store.database.reading() as connection:
                (report,) = connection.execute(select(reports)).all()
                kept = set(connection.execute(select(films.c.public_id)).scalars())
                assert store.studies.details(study).entry.state == "reported"
            assert (report.reader, report.outcome, report.note) == ("ann", "abnormal", "seen before the kill")
            assert set(sent) <= kept and len(kept) == 11


def token_of(site: Site, name: str) -> str:
    with site.store() as store:
        return store.accounts.redeem(store.accounts.one_time_link(name, "lead"))
