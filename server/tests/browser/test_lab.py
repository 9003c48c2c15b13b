"""The imaging lab in a real Chromium: from settings to cards side by side, a verdict, and a generator's sliders."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from skimage.metrics import peak_signal_noise_ratio

from tests.browser.conftest import PASSWORD, PageOf, Site, axe, no_errors, signed_in
from tests.browser.test_pages_look import CUT, HIDDEN_BY_DESIGN
from tests.web.running import Running
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Mask
from unseen.priors.autoencoders import VAE
from unseen.priors.saved import save as save_generator
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.saved import save
from unseen_server.worklist.store import Store

LONG = 120_000  # ms: the lab's process imports torch at the first question, on a machine under load


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reconstructor and a generator that have learnt nothing: the page is tested, not they."""
    made = tmp_path_factory.mktemp("shelf")
    torch.manual_seed(0)
    mask = Mask(torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(3)) < 0.6)
    process = Measurement(mask, noise=Gaussian(0.05))
    f = ArtifactRemoval.for_process(process, features=4)
    f.process, f.trained_on = process, "cpu"
    save(f, made / "ei-inpainting", data="nothing")
    G = VAE(latent=6, size=32, features=4)
    G.trained_on = "cpu"
    save_generator(G, made / "vae-shapes", data="nothing")
    return made


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, shelf: Path) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("lab") / "worklist"
    with Store.open(home) as store:
        store.accounts.add("ann", PASSWORD, "reader", actor="test")
    with Running("--folder", home, "--port", "0", "--lab", shelf) as running:
        yield Site(running.started(), home)


@pytest.fixture
def page(site: Site, page_of: PageOf) -> Iterator[Page]:
    opened = page_of(site, "ann")
    with no_errors(opened, but="422"):
        opened.goto(f"{site.root}/lab")
        ready(opened)
        yield opened


def ready(page: Page) -> None:
    expect(page.locator("#truth")).to_be_visible(timeout=LONG)
    expect(page.locator("#run")).to_be_enabled(timeout=LONG)


def small(page: Page) -> None:
    """Pictures of 32 pixels a side, measured anew."""
    page.get_by_label("Pixels a side").select_option("32")
    expect(page.locator("#measured-words")).to_contain_text("of 1,024 pixels", timeout=LONG)


def reconstruct(page: Page) -> None:
    page.get_by_role("button", name="Reconstruct").click()
    expect(page.locator("#stop")).to_be_hidden(timeout=LONG)
    expect(page.locator("#results .waiting")).to_have_count(0)


def pixels(image: Locator) -> np.ndarray:
    data = (image.get_attribute("src") or "").partition(",")[2]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).astype(float) / 255


def test_methods_stand_side_by_side_and_their_figures_are_the_pictures_own(page: Page) -> None:
    small(page)
    page.get_by_label("Image", exact=True).select_option("shapes")
    page.get_by_label("Operator").select_option("tomography")
    expect(page.locator("#measured-words")).to_contain_text("20 × 46 numbers", timeout=LONG)
    reconstruct(page)
    cards = page.locator("#results .result")
    assert [card.get_attribute("data-method") for card in cards.all()] == ["pinv", "fbp", "tv"]
    truth = pixels(page.locator("#truth"))
    heights = {}
    for card in cards.all():
        found, wrong = (card.locator(f"img[data-what={what}]") for what in ("picture", "error"))
        value = float(card.locator("[data-what=psnr]").get_attribute("data-value") or "nan")
        name = card.get_attribute("data-method") or ""
        heights[name] = value
        if name == "tv":  # others go below black and above white, which a PNG cannot show
            assert value == pytest.approx(peak_signal_noise_ratio(truth, pixels(found), data_range=1), abs=0.2)
        assert wrong.evaluate("image => image.decode().then(() => image.naturalWidth)") == 32
        expect(card.locator("[data-what=ssim]")).not_to_be_empty()
        expect(card).to_contain_text("lies in what A hides")
    best = max(heights, key=lambda name: heights[name])
    expect(page.locator("#results .best")).to_have_attribute("data-method", best)
    page.get_by_label("views", exact=True).first.fill("3")
    page.keyboard.press("Tab")
    expect(page.locator("#measured-words")).to_contain_text("3 × 46 numbers", timeout=LONG)
    reconstruct(page)
    fewer = float(page.locator("[data-method=tv] [data-what=psnr]").get_attribute("data-value") or "nan")
    assert fewer < heights["tv"]


@pytest.mark.nightly  # in the address: test_the_address_holds_the_settings_and_figures_are_copied
def test_a_method_can_be_left_out(page: Page) -> None:
    small(page)
    page.get_by_label("TV", exact=True).uncheck()
    reconstruct(page)
    expect(page.locator("#results [data-method=pinv]")).to_be_visible()
    expect(page.locator("#results [data-method=tv]")).to_have_count(0)


@pytest.mark.nightly
def test_the_verdict_stands_next_to_the_operator_and_goes_when_that_changes(page: Page) -> None:
    small(page)
    page.get_by_label("Can x be learnt").select_option("none")
    page.get_by_role("button", name="Ask").click()
    expect(page.locator("#verdict .chip")).to_have_text("no", timeout=LONG)
    expect(page.locator("#verdict")).to_contain_text("nothing moves the images")
    page.get_by_text("The figures").click()
    expect(page.locator("#verdict pre")).to_contain_text("eigenvalues")
    page.get_by_label("Operator").select_option("blur")
    expect(page.locator("#verdict .chip")).to_have_count(0)


@pytest.mark.nightly
def test_a_model_is_compared_under_what_it_has_learnt(page: Page) -> None:
    expect(page.locator("#left-out")).to_contain_text(
        "ei-inpainting: was trained on real images of 32 × 32", timeout=LONG
    )
    small(page)
    page.get_by_label("Operator").select_option(label="of ei-inpainting")
    expect(page.locator("#measured-words")).to_contain_text("σ = 0.05", timeout=LONG)
    expect(page.locator("#noise-part")).to_be_hidden()
    reconstruct(page)
    card = page.locator("#results .result", has=page.get_by_role("heading", name="ei-inpainting"))
    expect(card).to_contain_text("learnt under this very operator")
    expect(card.locator("[data-what=psnr]")).to_contain_text("dB")


@pytest.mark.nightly
def test_sliders_move_what_a_generator_draws_and_the_picture_can_be_taken(page: Page) -> None:
    image = page.locator("#generated")
    expect(image).to_have_attribute("src", re.compile("^data:image/png;base64,"), timeout=LONG)
    expect(page.get_by_role("slider", name="z 1", exact=True)).to_be_visible()
    assert page.locator("#sliders input").count() == 6
    before = image.get_attribute("src") or ""
    slider = page.get_by_role("slider", name="z 1", exact=True)
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(image).not_to_have_attribute("src", before, timeout=LONG)
    page.get_by_role("button", name="All at zero").click()
    expect(page.locator("#latent-words")).to_contain_text("‖z‖ = 0.00", timeout=LONG)
    page.get_by_role("button", name="Draw another").click()
    expect(page.locator("#latent-words")).not_to_contain_text("‖z‖ = 0.00", timeout=LONG)
    page.get_by_role("button", name="Take it as the image x").click()
    expect(page.get_by_label("Pixels a side")).to_have_value("32")
    expect(page.locator("#truth")).to_have_attribute("src", image.get_attribute("src") or "", timeout=LONG)
    page.get_by_label("range, vae-shapes").check()
    reconstruct(page)
    expect(page.locator("#results [data-method^='range:'] [data-what=psnr]")).to_contain_text("dB")


@pytest.mark.nightly
def test_a_picture_can_be_brought_and_what_is_none_is_refused(page: Page) -> None:
    small(page)
    steps = np.tile(np.linspace(0, 255, 64, dtype=np.uint8), (64, 1))
    written = io.BytesIO()
    Image.fromarray(steps).save(written, format="PNG")
    page.set_input_files("#file", {"name": "steps.png", "mimeType": "image/png", "buffer": written.getvalue()})
    expect(page.locator("#sent")).to_contain_text("steps.png, 64 × 64", timeout=LONG)
    expect(page.get_by_label("Image", exact=True)).to_have_value("sent")
    page.wait_for_function("() => document.querySelector('#truth').naturalWidth === 32")
    expect(page.locator("#number")).to_be_disabled(timeout=LONG)
    page.set_input_files("#file", {"name": "words.txt", "mimeType": "text/plain", "buffer": b"no image"})
    expect(page.locator("#sent")).to_contain_text("The image cannot be read", timeout=LONG)


@pytest.mark.nightly  # the sentence: web/test_lab.py
def test_settings_that_do_not_go_together_are_a_sentence(page: Page) -> None:
    small(page)
    page.get_by_label("Operator").select_option("fourier-lines")
    page.get_by_label("Noise").select_option("photons")
    expect(page.locator("#problem")).to_contain_text("Take Gaussian noise", timeout=LONG)
    expect(page.locator("#run")).to_be_disabled()
    page.get_by_label("Noise").select_option("gaussian")
    expect(page.locator("#problem")).to_be_empty(timeout=LONG)
    expect(page.locator("#run")).to_be_enabled()


@pytest.mark.nightly  # before a reconstruction: test_every_page_fits_each_screen_and_axe_finds_nothing_serious
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_looks_as_it_must(site: Site, chromium: Browser, tmp_path: Path, scheme: Any) -> None:
    with chromium.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 720}) as context:
        page = signed_in(context, site, "ann", "/lab")
        ready(page)
        small(page)
        reconstruct(page)
        for width in (1280, 1920, 1024, 480):
            page.set_viewport_size({"width": width, "height": 720})
            page.wait_for_timeout(200)
            if width >= 1024:
                assert not (cut := page.evaluate(CUT, HIDDEN_BY_DESIGN)), (width, cut)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth + 1"), width
        page.screenshot(path=tmp_path / f"lab-{scheme}.png", full_page=True)
        expect(page.locator("footer.limits")).to_have_text(
            "Research use only. Not a medical device. Not for diagnosis."
        )
        page.set_viewport_size({"width": 1280, "height": 720})
        assert axe(page) == []


def copied(page: Page, name: str) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name=f"Copy {name}").click()
    expect(page.locator(".toast").filter(has_text=f"Copied {name}.")).to_be_visible()
    return str(page.evaluate("() => navigator.clipboard.readText()"))


@pytest.mark.nightly
def test_the_address_holds_the_settings_and_figures_are_copied(
    page: Page, site: Site, shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    small(page)
    page.get_by_label("Number").fill("7")
    page.locator("#operator").select_option("fourier-lines")
    page.locator("#operator-acceleration").fill("3.5")
    page.locator("#operator-real").uncheck()
    expect(page).to_have_url(
        re.compile(r"operator\.acceleration=3\.5&operator\.real=false.*&methods=pinv,tv$"), timeout=LONG
    )
    page.get_by_role("checkbox", name="TV").uncheck()
    expect(page).to_have_url(re.compile(r"number=7&size=32&.*&methods=pinv$"))
    page.get_by_role("button", name="Reconstruct").click()
    expect(page.locator("#results dd[data-what=psnr]")).to_have_count(1, timeout=LONG)
    head, row = copied(page, "the results as CSV").splitlines()
    assert head.startswith("method,psnr_db,ssim,") and row.startswith("A†,")
    shown = page.locator("#results dd[data-what=psnr]").get_attribute("data-value") or ""
    exec(compile(copied(page, "the results as Python"), "lab", "exec"), {})
    printed = capsys.readouterr().out
    assert f"pinv: PSNR {float(shown):.6g} dB" in printed and float(row.split(",")[1]) == float(shown)
    truth, measured = (page.locator(f"#{what}").get_attribute("src") for what in ("truth", "measurement"))
    again = page.context.new_page()
    again.goto(page.url)
    ready(again)
    expect(again.locator("#truth")).to_have_attribute("src", str(truth), timeout=LONG)
    expect(again.locator("#measurement")).to_have_attribute("src", str(measured))
    assert again.url == page.url and not again.locator("#operator-real").is_checked()
    again.close()
    # a generator's image stands in the address by its latent
    page.get_by_role("button", name="Take it as the image x").click()
    expect(page).to_have_url(re.compile(r"image=generated&generator=[0-9a-f]+&latent=-?[\d.]+,"), timeout=LONG)
    monkeypatch.chdir(tmp_path)
    Path("trained").symlink_to(shelf)
    for name in ("the generator's image", "the measurement"):
        exec(compile(copied(page, f"{name} as Python"), "lab", "exec"), {})
    assert re.fullmatch(r"\(1, 1, 32, 32\) 0\.\d+\ny: .* of 1,024 pixels\.\n", capsys.readouterr().out)
    assert copied(page, "the generator's image as CSV").count("\n") == 7
