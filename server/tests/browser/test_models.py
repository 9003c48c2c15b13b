"""The page of models in a real Chromium: two leads agree on a calibration, workers follow, losses grow."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import PASSWORD, PageOf, Site, as_dicom, axe, keep_image, look_at, serving
from tests.web.running import until
from unseen.artifacts.bundle import card_of
from unseen.data import phantoms
from unseen.screening.drift_watch import DriftReference
from unseen.training.history import History, Log
from unseen_server.worklist.drift_counting import WatchedFilm, observe_all
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import activations, audit, decisions, studies

SIDE = 256
RUN = "ms_cxr/roi-sure-64-f0-0-01234567"


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path], trainings: Path) -> Iterator[Site]:
    yield from _labelled(tmp_path_factory, bundles, trainings)


@pytest.fixture
def own_labelled(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path], trainings: Path) -> Iterator[Site]:
    yield from _labelled(tmp_path_factory, bundles, trainings)


def _labelled(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path], trainings: Path) -> Iterator[Site]:
    """Yield a server whose readers have reported twelve phantoms, six of them ill; eight others wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_RUNS", str(trainings))
        with serving(tmp_path_factory.mktemp("labelled") / "worklist", bundles) as site:
            sent = {}
            with client_of(site, "ada") as client:
                for film in phantoms.twins(6, seed=91, size=SIDE):
                    sent[site.send(client, as_dicom(film))] = film.label
                site.judged()
                studies = {client.get(f"films/{film}").json()["study"]["study"]: sent[film] for film in sent}
            with client_of(site, "ann") as reader:
                for study, label in studies.items():
                    look_at(site, study, "ann")
                    reader.post(f"studies/{study}/claim").raise_for_status()
                    reader.post(f"studies/{study}/report", json={"outcome": label}).raise_for_status()
            yield site


def client_of(site: Site, name: str) -> httpx.Client:
    """Somebody who talks to the API."""
    told = httpx.post(
        f"{site.running.base}/tokens", json={"name": name, "password": PASSWORD}, timeout=30, verify=False
    ).json()
    return site.running.client(told["token"])


def models_page(page_of: PageOf, site: Site, name: str) -> Page:
    page = page_of(site, name)
    page.goto(f"{site.root}/models")
    expect(page.get_by_role("heading", name="Models")).to_be_visible()
    return page


@pytest.mark.nightly
def test_what_decides_is_withdrawn_calibrated_anew_and_activated_again(
    own_labelled: Site, bundles: dict[str, Path], page_of: PageOf
) -> None:
    first, second, reader, digest = _proposed_and_activated(own_labelled, bundles, page_of)
    weights = card_of(bundles["pca-few"]).weights_sha256
    _calibrated_anew(own_labelled, weights, digest, first=first, second=second, reader=reader)


@pytest.mark.nightly  # two people: web/test_activating.py
def test_a_lead_proposes_a_second_activates_and_workers_score_by_it(
    labelled: Site, bundles: dict[str, Path], page_of: PageOf
) -> None:
    _proposed_and_activated(labelled, bundles, page_of)


def _proposed_and_activated(labelled: Site, bundles: dict[str, Path], page_of: PageOf) -> tuple[Page, Page, Page, str]:
    """Return the pages of both leads and of a reader afterwards, and the policy's digest."""
    weights = card_of(bundles["pca-few"]).weights_sha256
    first = models_page(page_of, labelled, "lea")
    first.get_by_role("tab", name="Calibration").click()
    first.get_by_role("combobox", name="Model").select_option(weights)
    ward = first.locator("[data-source=ward]")
    expect(ward).to_contain_text("6 abnormal · 6 normal")
    expect(ward).to_contain_text("6 of 59 abnormal studies are reported, 53 more are needed")
    first.get_by_role("button", name="Propose this calibration").click()
    expect(first.get_by_label("Note")).to_be_focused()  # not without one
    first.get_by_label("Note").fill("too few")
    first.get_by_role("button", name="Propose this calibration").click()
    expect(first.locator("#calibrate-problem")).to_contain_text(
        "59 abnormal studies of a source must have been reported"
    )
    first.get_by_label("Abnormal studies cleared").fill("40")
    first.get_by_label("Confidence").fill("90")
    expect(ward).to_contain_text("0 of them may lie below the threshold")
    first.get_by_label("Note").fill("six <b>each</b>")
    first.get_by_role("button", name="Propose this calibration").click()
    expect(first.locator("#toasts")).to_contain_text("waits for a second person")
    first.get_by_role("tab", name="Models", exact=True).click()
    mine = first.locator(".proposal")
    expect(mine).to_contain_text("six <b>each</b>")
    expect(mine).to_contain_text("You proposed this. A second person must activate it: ada, leo.")
    expect(mine.get_by_role("button", name="Activate")).to_be_disabled()
    with client_of(labelled, "lea") as lea:
        refused = lea.post("activations/1/activate", json={"note": "mine", "summary": "x"})
        assert refused.status_code == 409 and "lea has proposed this" in refused.json()["error"]

    second = models_page(page_of, labelled, "leo")
    second.locator(".proposal").get_by_role("button", name="Activate").click()
    asked = second.get_by_role("dialog", name="Activate proposal 1?")
    expect(asked).to_contain_text("at most 40 % of abnormal studies are missed, with 90 % confidence")
    expect(asked).to_contain_text("pca (")
    expect(asked).to_contain_text("It has no input gate")
    asked.get_by_role("button", name="Activate").click()
    expect(asked).to_be_visible()  # neither the note nor the reason may be empty
    asked.get_by_label("Reason why it should decide all the same").fill("phantoms need no gate")
    asked.get_by_label("What you have looked at").fill("six films of each")
    asked.get_by_role("button", name="Activate").click()
    expect(second.locator("#scoring")).to_contain_text("lea proposed and leo activated")
    with labelled.store() as store, store.database.reading() as connection:
        (row,) = connection.execute(sqlalchemy.select(activations)).all()
        assert (row.model, row.proposed_by, row.activated_by, row.withdrawn_us) == (weights, "lea", "leo", None)
        events = connection.execute(sqlalchemy.select(audit).where(audit.c.subject == weights).order_by(audit.c.seq))
        assert [(event.actor, event.action) for event in events] == [
            ("lea", "model.proposed"),
            ("leo", "model.activated"),
        ]
        digest = row.policy_digest
    expect(second.locator("#scoring .chip")).to_have_text("workers up to date", timeout=60_000)
    expect(second.locator(f"[data-model='{weights}'] .chip").first).to_have_text("decides")
    expect(first.locator("#scoring")).to_contain_text("leo activated")  # by itself, on the other's page
    assert colour(drawn(second, f"[data-model='{weights}'] .row")) == "green", "the chip that says: decides"

    with client_of(labelled, "ada") as client:
        (film,) = phantoms.normals(1, seed=404, size=SIDE)
        sent = labelled.send(client, as_dicom(film))
        until(lambda: client.get(f"films/{sent}").json()["film"]["judged"], 90)
        decided = client.get(f"films/{sent}").json()["film"]["decision"]
        assert decided["policy_digest"] == digest
    with labelled.store() as store, store.database.reading() as connection:
        last = connection.execute(sqlalchemy.select(decisions).order_by(decisions.c.id.desc()).limit(1)).one()
        assert (last.policy_digest, last.model) == (digest, weights)

    reader = page_of(labelled, "ben")
    reader.goto(labelled.root)
    assert reader.locator("body").get_attribute("data-blind") == "yes", "a policy clears from now on"
    return first, second, reader, digest


def _calibrated_anew(site: Site, weights: str, policy: str, *, first: Page, second: Page, reader: Page) -> None:
    """The lead withdraws what decides and calibrates it anew; a second lead activates that, on a narrow screen."""
    first.locator("#scoring").get_by_role("button", name="Withdraw").click()
    asked = first.get_by_role("dialog", name="Withdraw what is in force?")
    expect(asked).to_contain_text("Clearing stops at once.")
    asked.get_by_role("button", name="Withdraw").click()
    expect(first.locator("#scoring")).to_contain_text("No activation is in force")
    with site.store() as store:
        assert "lea has withdrawn" in store.alarms.clearing_stopped(policy)
    reader.reload()
    expect(reader.locator("#policy")).to_contain_text(re.compile("Clearing is stopped|none is cleared"))  # they see why

    first.get_by_role("tab", name="Calibration").click()
    first.get_by_role("combobox", name="Model").select_option(weights)
    first.get_by_label("Abnormal studies cleared").fill("45")
    first.get_by_label("Confidence").fill("90")
    first.get_by_label("Note").fill("the same films, a looser promise")
    first.get_by_role("button", name="Propose this calibration").click()
    first.get_by_role("tab", name="Models", exact=True).click()
    expect(first.locator(".proposal")).to_contain_text("a looser promise", timeout=60_000)
    with client_of(site, "lea") as lea:
        assert lea.post("activations/2/activate", json={"note": "mine", "summary": "x"}).status_code == 409

    second.set_viewport_size({"width": 390, "height": 800})
    second.reload()
    second.locator(".proposal").get_by_role("button", name="Activate").click()
    asked = second.get_by_role("dialog", name="Activate proposal 2?")
    expect(asked).to_contain_text("at most 45 % of abnormal studies are missed")
    asked.get_by_label("Reason why it should decide all the same").fill("phantoms need no gate")
    asked.get_by_label("What you have looked at").fill("the same films")
    asked.get_by_role("button", name="Activate").click()
    expect(second.locator("#scoring")).to_contain_text("lea proposed and leo activated")
    assert second.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "390 px, nothing sideways"
    expect(second.locator("#scoring .chip")).to_have_text("workers up to date", timeout=60_000)
    reader.reload()
    expect(reader.locator("#policy")).to_contain_text("at most 45 %")
    with site.store() as store, store.database.reading() as connection:
        events = connection.execute(sqlalchemy.select(audit).where(audit.c.subject == weights).order_by(audit.c.seq))
        assert [(event.actor, event.action.removeprefix("model.")) for event in events] == [
            ("lea", "proposed"), ("leo", "activated"), ("lea", "withdrawn"), ("lea", "proposed"), ("leo", "activated")
        ]  # fmt: skip
        assert store.audit.verify() is None


def drawn(page: Page, selector: str) -> bytes:
    """The pixels of the first such element, from one image of the page: the page may replace the element meanwhile."""
    box = page.evaluate(
        """selector => {
            const box = document.querySelector(selector).getBoundingClientRect();
            return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height};
        }""",
        selector,
    )
    return page.screenshot(full_page=True, clip=box)


def colour(png: bytes) -> str:
    """Return the colour of a card's chips, by their pixels."""
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[:60]
    red, green, blue = (pixels[..., channel] for channel in range(3))
    greens = (green > red + 25) & (green > blue + 10)
    return "green" if greens.sum() > 30 else "none"


@pytest.mark.nightly
def test_a_reader_sees_cards_and_nothing_to_decide(labelled: Site, page_of: PageOf) -> None:
    page = models_page(page_of, labelled, "ann")
    expect(page.locator("#cards .model")).to_have_count(3)
    expect(page.get_by_role("tab")).to_have_count(0)
    expect(page.get_by_role("button", name="Calibrate")).to_have_count(0)


def test_tabs_are_worked_by_keys_and_the_address_keeps_the_tab(
    shared_site: Site, bundles: dict[str, Path], page_of: PageOf
) -> None:
    page = models_page(page_of, shared_site, "lea")
    expect(page.locator("#cards .model")).to_have_count(3)
    _card_shows_its_training(page)
    page.get_by_role("tab", name="Models", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Fit to your site")).to_be_focused()
    expect(page.locator("[data-step=collect]")).to_contain_text("of 20 normal films are reported")
    expect(page.locator("[data-step=gate]")).to_contain_text("The model has no input gate.")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Calibration")).to_be_focused()
    page.get_by_role("combobox", name="Model").select_option(card_of(bundles["pca"]).weights_sha256)
    page.get_by_role("button", name="Propose this calibration").click()
    expect(page.get_by_label("Note")).to_be_focused()  # not without one
    page.get_by_label("Note").fill("too few")
    page.get_by_role("button", name="Propose this calibration").click()
    expect(page.locator("#calibrate-problem")).to_contain_text("None is labelled yet")
    page.get_by_role("tab", name="Calibration").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#drift svg").first).to_be_visible()
    expect(page.locator("#drift-words")).to_contain_text("films in blocks of 50")
    page.reload()
    expect(page.get_by_role("tab", name="Watch")).to_have_attribute("aria-selected", "true")


def _card_shows_its_training(page: Page) -> None:
    """Check that a card has a line on the training of a network, and none where the model has no epochs."""
    expect(page.locator("#cards dt", has_text=re.compile("^Training$"))).to_have_count(0)

    def as_network(route: Route) -> None:
        found = route.fetch()
        models = found.json()["models"]
        models[0]["training"] = "560 steps, 32 features; not converged"
        route.fulfill(response=found, json={"models": models})

    page.route("**/models/cards", as_network)
    page.reload()
    line = page.locator("#cards .model").first.locator("dt:text-is('Training') + dd")
    expect(line).to_have_text("560 steps, 32 features; not converged")
    page.unroute("**/models/cards")


@pytest.mark.nightly
def test_losses_grow_while_one_looks(labelled: Site, trainings: Path, page_of: PageOf) -> None:
    folder = trainings / RUN
    folder.mkdir(parents=True)
    history = History(parts={}, steps=0, seconds=0, device="cpu", steps_per_epoch=20)
    log = Log(history, path=folder / "log.csv")
    for step in range(60):
        log.add({"generator": 6 / (1 + 0.05 * step), "discriminator": 0.7 - 0.005 * step}, seconds=0.4 * step)
    page = models_page(page_of, labelled, "lea")
    page.get_by_role("tab", name="Runs").click()
    expect(page.locator("#run-words")).to_contain_text("Running: step 60, epoch 3")
    generator = page.locator("#losses path.c0")
    before = generator.get_attribute("d")
    log.add({"generator": 1.5, "discriminator": 0.4}, seconds=25)
    expect(page.locator("#run-words")).to_contain_text("step 61")
    assert generator.get_attribute("d") != before
    page.get_by_role("button", name="discriminator").click()
    expect(page.locator("#losses path.line")).to_have_count(1)
    log.close()


@pytest.mark.nightly  # two people: worklist/test_film_worker.py
def test_an_alarm_stands_until_two_people_have_looked(labelled: Site, page_of: PageOf) -> None:
    scores = tuple(number / 100 for number in range(100))
    reference = DriftReference(normals=scores, abnormals=scores, prevalence=0.5, not_scored=0, window=20)
    policy = "ab" * 32
    with labelled.store() as store:
        with store.writing() as writing:
            for _ in range(reference.window):
                observe_all(writing, policy, [WatchedFilm(study=None, score=50.0)], reference)
        page = models_page(page_of, labelled, "lea")
        page.get_by_role("tab", name="Watch").click()
        alarm = page.get_by_role("region", name="Drift alarm")
        expect(alarm).to_contain_text("do not look like those of the calibration")
        alarm.get_by_role("button", name="Acknowledge, as the first of two").click()
        asked = page.get_by_role("dialog", name="Acknowledge the alarm")
        expect(asked).to_contain_text("Starts")
        expect(asked).to_contain_text("Stops")
        asked.get_by_role("button", name="Acknowledge").click()
        expect(asked).to_be_visible()  # not without a note
        asked.get_by_label("What you have looked at").fill("a new tube")
        asked.get_by_role("button", name="Acknowledge").click()
        expect(alarm).to_contain_text("You were the first. Somebody else has to be the second.")
        expect(alarm.get_by_role("button", name="Acknowledge, and clear again")).to_be_disabled()
        assert [one.first_by for one in store.alarms.standing()] == ["lea"] and store.alarms.clearing_stopped(policy)
        second = models_page(page_of, labelled, "leo")
        second.get_by_role("tab", name="Watch").click()
        alarm = second.get_by_role("region", name="Drift alarm")
        expect(alarm).to_contain_text("a new tube")
        alarm.get_by_role("button", name="Acknowledge, and clear again").click()
        asked = second.get_by_role("dialog", name="Clear again?")
        asked.get_by_label("What you have looked at").fill("twenty films of it")
        asked.get_by_role("button", name="Clear again").click()
        expect(alarm).to_have_count(0)
        assert store.alarms.standing() == []


@pytest.mark.nightly  # two people: worklist/test_reopening.py
def test_what_was_cleared_before_an_alarm_is_reopened_by_two_people(labelled: Site, page_of: PageOf) -> None:
    policy = "cd" * 32
    scores = tuple(number / 100 for number in range(100))
    reference = DriftReference(normals=scores, abnormals=scores, prevalence=0.5, not_scored=0, window=20)
    with labelled.store() as store:
        names = [row.study for row in store.studies.page(StudyQuery(tab="to_read")).rows][:3]
        others = [WatchedFilm(study=f"s-{number:020x}", score=50.0) for number in range(17)]
        with store.writing() as writing:
            cleared = {"state": "cleared", "standing": "cleared", "shelf": "cleared"}
            of_names = studies.c.public_id.in_(names)
            writing.connection.execute(
                studies.update().where(of_names).values(**cleared, action="clear", policy=policy)
            )
            known = [WatchedFilm(study=name, score=50.0) for name in names]
            observe_all(writing, policy, [*known, *others], reference)
        page = models_page(page_of, labelled, "lea")
        page.get_by_role("tab", name="Watch").click()
        alarm = page.get_by_role("region", name="Drift alarm")
        expect(alarm).to_contain_text("3 studies cleared and unread among the 20 studies whose films raised it.")
        alarm.get_by_text("Show them").click()
        link = alarm.get_by_role("link", name=names[0])
        expect(link).to_have_attribute("href", f"/studies/{names[0]}")
        alarm.get_by_role("button", name="Propose to reopen them").click()
        asked = page.get_by_role("dialog", name="Propose to reopen these studies")
        expect(asked).to_contain_text("3 studies go back to the list, unread.")
        asked.get_by_role("button", name="Propose").click()
        expect(asked).to_be_visible()  # not without a note
        asked.get_by_label("What you have looked at").fill("a new tube")
        asked.get_by_role("button", name="Propose").click()
        expect(alarm).to_contain_text("You have proposed it. Somebody else has to confirm it.")
        expect(alarm.get_by_role("button", name="Reopen them")).to_be_disabled()
        for width in (1280, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), f"{width} px"
            assert axe(page) == []
            keep_image(page, f"models-reopening-{width}")
        assert len([one for one in store.studies.page(StudyQuery(tab="cleared")).rows if one.study in names]) == 3
        second = models_page(page_of, labelled, "leo")
        second.get_by_role("tab", name="Watch").click()
        alarm = second.get_by_role("region", name="Drift alarm")
        expect(alarm).to_contain_text("lea has proposed on")
        alarm.get_by_role("button", name="Reopen them").click()
        asked = second.get_by_role("dialog", name="Reopen these studies?")
        asked.get_by_label("What you have looked at").fill("ten of them")
        asked.get_by_role("button", name="Reopen", exact=True).click()
        expect(second.locator("#toasts")).to_contain_text("3 studies went back to the list.")
        expect(alarm).to_contain_text("proposed by lea, confirmed by leo.")
        assert {store.studies.details(name).entry.state for name in names} == {"to_read"}
        for actor in ("lea", "leo"):
            store.alarms.acknowledge(policy, actor=actor, note="looked at them")
