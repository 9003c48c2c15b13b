"""A real Chromium before a real server, whose models have learnt phantoms and whose list holds phantoms."""

from __future__ import annotations

import functools
import io
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    Playwright,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.data.making import dicom
from tests.docs.blocks import ROOT
from tests.kept_lungs import kept_lungs
from tests.once import made_once, shared_folder
from tests.warm_python import quick_passwords, warm_python
from tests.web.running import Running, until
from tests.worklist.reporting import look
from unseen.anatomy.network_view import View
from unseen.artifacts.bundle import card_of
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.pca import Pca
from unseen.detectors.saved import save
from unseen.screening.policy import Policy, SourcePolicy
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

SIDE = 256 if os.environ.get("UNSEEN_SCREENSHOTS") else 128
SCREEN: ViewportSize = {"width": 1280, "height": 720}
PASSWORD = "correct horse battery staple"
WITHOUT_SCRIPTS = "/static/icon.svg"
CONTEXTS = 6  # of a browser that are kept, the oldest of which are those of servers that have ended
RAW = {"Content-Type": "application/octet-stream"}
expect.set_options(timeout=30_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, program: Callable[..., str]) -> Iterator[Browser]:
    """The headless shell where there is one: the same engine for a third of the processor time."""
    path = program("chromium-headless-shell", "chromium")
    browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
    yield browser
    browser.close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: Any) -> None: ...


@pytest.fixture(scope="session")
def built_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    """The address of the documentation, built whole, and its pages."""
    folder = tmp_path_factory.mktemp("site")
    mkdocs = Path(sys.executable).with_name("mkdocs")
    done = warm_python().run(mkdocs, "build", "--strict", "--site-dir", folder, cwd=ROOT, environment=dict(os.environ))
    assert done.code == 0, done.err[-4000:]
    pages = sorted(page.relative_to(folder).as_posix() for page in folder.rglob("*.html"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()


@pytest.fixture(scope="module", autouse=True)
def _quick_passwords() -> Iterator[None]:
    with quick_passwords():
        yield


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three detectors that have learnt 48 phantoms: of the lungs, of the lungs with few components, of whole films."""
    folder = made_once(shared_folder(tmp_path_factory) / "browser-bundles", _learn)
    return {path.name: path for path in sorted(folder.iterdir())}


def _learn(folder: Path) -> None:
    torch.set_num_threads(1)
    learnt = list(phantoms.normals(48, seed=5, size=SIDE))
    with kept_lungs():
        detectors = {
            "pca": Pca(size=64, components=20).fit(learnt, finder="models/lungs"),
            "pca-few": Pca(size=64, components=4).fit(learnt, finder="models/lungs"),
            "pca-whole": Pca(view=View(size=64, frame="whole"), components=20).fit(learnt),
        }
    for name, detector in detectors.items():
        save(detector, folder / name, data="phantoms", licence="none")


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser of somebody's own, on a small screen."""
    with chromium.new_context(viewport=SCREEN) as made:
        yield made


def as_dicom(film: Film, **tags: object) -> bytes:
    """Return a phantom as a 12-bit DICOM."""
    steps = np.asarray(np.round(film.pixels * 4095), dtype=np.uint16)
    return dicom(steps, bits=12, **{"ViewPosition": "PA"} | tags)


def as_png(film: Film) -> bytes:
    written = io.BytesIO()
    Image.fromarray(np.asarray(film.pixels * 255 + 0.5, dtype=np.uint8)).save(written, format="PNG")
    return written.getvalue()


@dataclass
class Site:
    """A server, its worklist, and what was sent to it."""

    running: Running
    home: Path

    @property
    def root(self) -> str:
        return self.running.base.removesuffix("/api/v1")

    def store(self) -> Store:
        return Store.open(self.home)

    def send(self, client: httpx.Client, data: bytes, *, source: str = "ward") -> str:
        answer = client.post("films", content=data, headers=RAW | {"X-Film-Source": source})
        return str(answer.raise_for_status().json()["film"])

    def judged(self, *, within_s: float = 120) -> None:
        """Wait until nothing is left in the queue."""
        with self.store() as store:
            until(lambda: store.jobs.counts().waiting == 0, within_s)


@contextmanager
def serving(home: Path, bundles: dict[str, Path], *more: str | Path, filled: Path | None = None) -> Iterator[Site]:
    """Yield a server with an account of each kind, and eight phantoms in the list, four of them ill.

    Args:
        more: its options.
        filled: the worklist that it begins with; as a rule `judged_first`.
    """
    shutil.copytree(filled or judged_first(bundles), home)
    with Running(*_options(home, bundles), *more) as running:
        yield Site(running.started(), home)


def judged_first(bundles: dict[str, Path]) -> Path:
    """Return the worklist that all begin with, scored once."""
    return made_once(bundles["pca"].parent.with_name("browser-judged"), lambda folder: fill(folder, bundles))


def _options(home: Path, bundles: dict[str, Path]) -> list[str | Path]:
    also: list[str | Path] = [word for name in list(bundles)[1:] for word in ("--also", bundles[name])]
    return ["--folder", home, "--port", "0", "--model", bundles["pca"], *also]


def fill(home: Path, bundles: dict[str, Path], *more: str | Path) -> None:
    """A server as `serving` describes, with these options."""
    with Store.open(home) as store:
        for name, role in (("ann", "reader"), ("ben", "reader"), ("lea", "lead"), ("leo", "lead"), ("ada", "admin")):
            store.accounts.add(name, PASSWORD, role, actor="test")  # type: ignore[arg-type]
    with Running(*_options(home, bundles), *more) as running:
        found = Site(running.started(), home)
        with running.client() as client:
            for film in phantoms.twins(4, seed=77, size=SIDE):
                found.send(client, as_dicom(film))
        found.judged()
        assert running.stop() == 0


@pytest.fixture
def site(tmp_path: Path, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server of the test's own."""
    with serving(tmp_path / "worklist", bundles) as found:
        yield found


@pytest.fixture(scope="session")
def shared_site(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server for tests that leave it as it is."""
    with serving(tmp_path_factory.mktemp("site") / "worklist", bundles) as found:
        yield found


@pytest.fixture(scope="session")
def reading_site(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server of one model for tests that each send films of a source of their own, and read that source alone."""
    filled = judged_first(bundles)
    with serving(tmp_path_factory.mktemp("reading") / "worklist", {"pca": bundles["pca"]}, filled=filled) as found:
        yield found


@pytest.fixture(scope="session")
def clearing(tmp_path_factory: pytest.TempPathFactory, bundles: dict[str, Path]) -> Iterator[Site]:
    """A server whose policy clears the lower half of the films of the ward, and draws half of those for the audit
    sample; for tests that leave these films as they are."""
    with Store.open(judged_first(bundles)) as store:
        judged = sorted(
            row.score for row in store.studies.page(StudyQuery(tab="all", blind=False)).rows if row.score is not None
        )
    scores = tuple(float(one) for one in np.linspace(0, judged[-2], 400))  # what scores above is flagged
    ward = SourcePolicy(abnormals=60, normals=scores, threshold=float(np.median(judged)), allowed_misses=0)
    policy = Policy(
        model="pca",
        weights_sha256=card_of(bundles["pca"]).weights_sha256,
        model_parts=card_of(bundles["pca"]).digests,
        max_miss_rate=0.1,
        confidence=0.95,
        level=0.95,
        sources={"ward": ward},
        audit_share=0.5,
    )
    folder = tmp_path_factory.mktemp("clearing")
    policy.save(folder / "policy.json")
    options = ("--policy", folder / "policy.json")
    alone = {"pca": bundles["pca"]}  # the model that decides
    first = made_once(shared_folder(tmp_path_factory) / "browser-clearing", lambda made: fill(made, alone, *options))
    with serving(folder / "worklist", alone, *options, filled=first) as found:
        yield found


def look_at(site: Site, study: str, *readers: str) -> None:
    """Record that the films of a study were shown to these readers."""
    with site.store() as store:
        for reader in readers:
            look(store, study, reader)


def sign_in(context: BrowserContext, site: Site, name: str) -> None:
    """Sign in by the API; `test_sign_in.py` tests the form."""
    # once more where the server has just closed the connection that was kept from the request before
    said = {"name": name, "password": PASSWORD}
    answer = context.request.post(f"{site.running.base}/sign-in", data=said, max_retries=2)
    assert answer.ok, answer.text()


def signed_in(context: BrowserContext, site: Site, name: str, at: str = "/") -> Page:
    """Return a page, the list where `at` names no other, as somebody sees it who has signed in."""
    sign_in(context, site, name)
    page = context.new_page()
    page.goto(site.root + at)
    return page


PageOf = Callable[[Site, str], Page]


@pytest.fixture(scope="session")
def _contexts(chromium: Browser) -> Iterator[dict[tuple[str, str], BrowserContext]]:
    made: dict[tuple[str, str], BrowserContext] = {}
    yield made
    for context in made.values():
        context.close()


@pytest.fixture
def page_of(chromium: Browser, _contexts: dict[tuple[str, str], BrowserContext]) -> Iterator[PageOf]:
    """`page_of(site, "ann")`: this account's page, at an address without scripts; kept for the tests that follow.

    Its process has the pages' scripts at hand, which spares half of what a page in a browser of its own costs. Session,
    storage, routes, size, media and permissions are as in a browser of its own. It asks for reduced motion: what moves
    is painted sixty times a second.
    """
    used: dict[tuple[str, str], Page] = {}

    def ready(site: Site, name: str) -> Page:
        if (site.root, name) not in _contexts:
            idle = [key for key in _contexts if key not in used]
            if len(_contexts) >= CONTEXTS and idle:
                _contexts.pop(idle[0]).close()
            _contexts[site.root, name] = chromium.new_context(viewport=SCREEN, reduced_motion="reduce")
        context = _contexts[site.root, name]
        sign_in(context, site, name)
        page = context.pages[0] if context.pages else context.new_page()
        if page.url == "about:blank":
            page.goto(site.root + WITHOUT_SCRIPTS)
        used[site.root, name] = page
        return page

    yield ready
    for (root, _), page in used.items():
        for other in page.context.pages[1:]:
            other.close()
        page.unroute_all(behavior="ignoreErrors")
        page.goto(root + WITHOUT_SCRIPTS)
        page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.set_viewport_size(SCREEN)
        page.emulate_media(media="null", color_scheme="null")
        page.context.clear_permissions()
        page.context.clear_cookies()


def keep_image(page: Page, name: str) -> None:
    """Save an image of the page for the documentation, if UNSEEN_SCREENSHOTS is set."""
    if folder := os.environ.get("UNSEEN_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.png", animations="disabled")


@pytest.fixture
def anns_page(reading_site: Site, page_of: PageOf) -> Iterator[Page]:
    """Ann's page of the server for reading, empty at first; an error of its scripts fails the test."""
    page = page_of(reading_site, "ann")
    with no_errors(page):
        yield page


@contextmanager
def no_errors(page: Page, *, but: str | None = None) -> Iterator[None]:
    """Fail the test after an error of the page's scripts, or, with `but`, one in the console without this text."""
    errors: list[str] = []

    def hear(error: Error) -> None:
        errors.append(f"{page.url}: {error}")

    def read(message: ConsoleMessage) -> None:
        if message.type == "error" and but is not None and but not in message.text:
            errors.append(message.text)

    page.on("pageerror", hear)
    page.on("console", read)
    yield
    page.remove_listener("pageerror", hear)
    page.remove_listener("console", read)
    assert errors == []


VIOLATIONS: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}  # no serious rule needs a preload
COLOURS = VIOLATIONS | {"runOnly": ["color-contrast"]}
BUT_COLOURS = VIOLATIONS | {"rules": {"color-contrast": {"enabled": False}}}  # a tenth of the time
SERIOUS = """async ([within, options]) => (await axe.run(within, options)).violations
    .filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(", ")}`)"""


def axe(page: Page, options: dict[str, Any] = VIOLATIONS, *, within: str = "html") -> list[str]:
    """Return what axe-core calls serious or critical; it is loaded once into each page."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(Axe().axe_script)
    found: list[str] = page.evaluate(SERIOUS, [within, options])
    return found
