"""Real or generated? in a real Chromium: a round by keys, through a reload, to a result that the audit trail has."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from scipy.stats import beta
from sqlalchemy import select

from tests.browser.conftest import PASSWORD, SCREEN, SIDE, PageOf, Site, as_dicom, serving
from unseen.data import phantoms
from unseen_server.worklist.tables import audit


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("turing") / "worklist", bundles) as found:
        yield found


def shown(page: Page) -> np.ndarray[Any, Any]:
    """Return the image on the screen."""
    data = page.locator("#shown img").evaluate(
        """async (image) => {
          await image.decode();
          const canvas = document.createElement("canvas");
          Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
          canvas.getContext("2d").drawImage(image, 0, 0);
          return canvas.toDataURL("image/png").split(",")[1];
        }"""
    )
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("L"))


def width_at_400_percent(page: Page) -> int:
    """Return the width of the page at a zoom of 400 %, where the image must be visible, too."""
    page.set_viewport_size({"width": 320, "height": 256})
    page.wait_for_function("() => innerWidth === 320")
    image = page.locator("img:visible").first.bounding_box()
    assert image is not None and image["width"] > 100
    width = int(page.evaluate("() => document.documentElement.scrollWidth"))
    page.set_viewport_size(SCREEN)
    return width


def finished(site: Site) -> list[tuple[str, dict[str, Any]]]:
    with site.store() as store, store.database.reading() as connection:
        rows = connection.execute(select(audit).where(audit.c.action == "turing.finished").order_by(audit.c.seq)).all()
    return [(row.actor, json.loads(row.body)) for row in rows]


@pytest.mark.nightly
def test_a_round_from_too_few_films_to_a_result_that_is_kept(site: Site, page_of: PageOf) -> None:
    page = page_of(site, "lea")
    page.goto(f"{site.root}/turing")
    expect(page.get_by_text("pca has scored 8 of this site's own films, and a round needs 10 or more.")).to_be_visible()
    expect(page.get_by_role("button", name="Begin")).to_be_hidden()
    body = {"name": "lea", "password": PASSWORD}
    token = httpx.post(f"{site.running.base}/tokens", json=body, timeout=30, verify=False).json()["token"]
    with site.running.client(token) as client:
        for film in phantoms.normals(6, seed=400, size=SIDE):
            site.send(client, as_dicom(film))
    site.judged()
    page.reload()
    page.get_by_label("10", exact=True).check()
    expect(page.get_by_label("20", exact=True)).to_be_disabled()
    said: list[str] = []
    lengths: set[str | None] = set()

    def hear(answer: Any) -> None:
        if "/api/v1/turing/rounds" in answer.url:
            kind = answer.headers.get("content-type", "")
            (said.append(answer.text()) if "json" in kind else lengths.add(answer.headers.get("content-length")))

    page.on("response", hear)
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#round")).to_be_focused()
    assert width_at_400_percent(page) == 320
    outlines = []
    for k in range(1, 11):
        expect(page.locator("#place")).to_have_text(f"Image {k} of 10")
        outlines.append(shown(page))
        if k == 4:
            page.reload()  # the round goes on
            expect(page.locator("#place")).to_have_text("Image 4 of 10")
            assert (shown(page) == outlines[-1]).all()
        assert len(said) >= k and not [text for text in said if re.search('truth|right|real"', text)]
        if k == 10:
            page.remove_listener("response", hear)
        if k % 3 == 2:
            page.get_by_role("button", name="Real").click()
        else:
            page.keyboard.press("g" if k % 3 else "R")
    pictures = np.stack(outlines)
    outside = (pictures == 0).all(axis=0)
    assert len(lengths) == 1 and outside.mean() > 0.2 and outside[0].all() and outside[:, -1].all()
    assert not [one for one in pictures if (one[~outside] == 0).mean() > 0.05]  # one outline for all

    expect(page.get_by_role("button", name="Another round")).to_be_focused()
    assert width_at_400_percent(page) == 320
    gallery = page.locator(".gallery li")
    expect(gallery).to_have_count(10)
    right = 0
    for k, text in enumerate(gallery.all_text_contents(), start=1):
        truth = "real" if text.startswith("Real") else "generated"
        answer = "real" if k % 3 != 1 else "generated"
        right += answer == truth
        assert text.endswith("✓ right" if answer == truth else f"✗ you said {answer}")
    expect(page.locator(".number")).to_have_text(f"{right} of 10right")
    (row,) = finished(site)
    assert row[0] == "lea" and (row[1]["right"], row[1]["count"], row[1]["name"]) == (right, 10, "pca")
    low = 100 * beta.ppf(0.025, right, 11 - right) if right else 0
    high = 100 * beta.ppf(0.975, right + 1, 10 - right) if right < 10 else 100
    expect(page.locator(".words")).to_contain_text(f"{low:.0f} % to {high:.0f} %")
    line = page.locator(".share .range")
    ends = [float(line.get_attribute(name) or "nan") for name in ("x1", "x2")]
    assert [(x - 20) / 4.6 for x in ends] == pytest.approx([low, high], abs=0.01)

    page.get_by_role("button", name="Another round").click()
    earlier = page.get_by_role("row").filter(has_text="lea")
    expect(earlier).to_contain_text(f"{right} of 10")


@pytest.mark.nightly
def test_a_round_that_the_server_has_lost_is_begun_anew(site: Site, page_of: PageOf) -> None:
    page = page_of(site, "leo")
    page.evaluate("sessionStorage.setItem('unseen.turing.leo', 'r-00000000000000000000')")
    page.goto(f"{site.root}/turing")
    expect(page.get_by_role("heading", name="Finished rounds")).to_be_visible()
    assert page.evaluate("sessionStorage.getItem('unseen.turing.leo')") is None
