"""The application, over SQLite as a rule, with somebody of each role; films that are small; a real screener."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.testclient import TestClient

from tests.kept_routes import share_routes
from tests.once import shared_folder
from tests.web.running import until
from tests.worklist.conftest import *  # noqa: F403  # the worklist's own fixtures
from tests.worklist.conftest import MakePlace, Place
from tests.worklist.kept_store import KeptStores
from unseen.data.film import Film
from unseen.screening.gate import Gate
from unseen.screening.policy import Policy
from unseen.screening.screener import Screener, gate_in
from unseen_server.service.scoring_models import Models
from unseen_server.web import server as serving
from unseen_server.web.app import create_app
from unseen_server.worklist.readiness import Readiness
from unseen_server.worklist.store import Store

share_routes()

ROOT = "/api/v1"
LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def place(request: pytest.FixtureRequest, make_place: MakePlace) -> Place:
    """An empty place: SQLite, since SQL is the worklist's business, whose tests run on both databases.

    A module whose tests `make nightly` repeats on PostgreSQL defines `place = own_place`; a test that always needs both
    is marked `on_both_databases`.
    """
    return make_place(getattr(request, "param", "sqlite"))


@pytest.fixture(scope="module")
def models() -> Models:
    """The model that decides, without a policy."""
    return Models.of(Path("models/pca"))


@pytest.fixture
def screener_of(screener: Screener, policy: Policy) -> Screener:
    """Return a screener with the policy of the test module, and a gate that refuses nothing."""
    return Screener(screener.detector, policy, gate=OpenGate(gate_in("models/pca")))


class OpenGate:
    """Lets every film through, and is otherwise the gate that it is made from."""

    def __init__(self, gate: Gate | None) -> None:
        assert gate is not None
        self.thresholds, self.settings = gate.thresholds, gate.settings

    def judge(self, film: Film, lungs: object, /) -> None:
        return None


@pytest.fixture
def clearing(make_api: MakeApi, models: Models, policy: Policy) -> Api:
    """A server whose policy, that of the tests' module, is in force."""
    return make_api(models=dataclasses.replace(models, policy=policy))


def token_of(store: Store, name: str, role: Any) -> str:
    """Return a session without the seconds that a password takes."""
    return store.accounts.redeem(store.accounts.one_time_link(name, role))


@pytest.fixture(scope="session")
def kept_stores(tmp_path_factory: pytest.TempPathFactory) -> KeptStores:
    folder = shared_folder(tmp_path_factory) / "kept-stores"
    folder.mkdir(exist_ok=True)
    return KeptStores(folder)


@functools.cache
def _loop() -> BlockingPortal:
    """Return the event loop of this process's applications."""
    started = start_blocking_portal()
    atexit.register(started.__exit__, None, None, None)
    return started.__enter__()


def in_one_loop(client: TestClient) -> TestClient:
    """Return the client, set to use one event loop for all requests, as a server does. Otherwise each request starts a
    loop and threads.
    """
    client.portal = _loop()
    return client


class Api:
    """The application, and clients of it.

    They are `nobody`, `sender` (sid), `reader` (ann), `other` (ben), `lead` (lea), `admin` (ada).

    An account is made when its client is first asked for.
    """

    def __init__(self, store: Store, **settings: Any) -> None:
        self.store = store
        self.app = create_app(store, **settings)
        self.app.state.served.readiness = Readiness(store, clock=itertools.count(step=9).__next__)  # checked each time
        self.app.state.served.stopping.set()  # a stream ends at once: this client waits for an answer's end
        self.nobody = self.client()

    @cached_property
    def sender(self) -> TestClient:
        """A modality with one source."""
        self.store.accounts.add("sid", None, "sender", actor="ada", sources=["ward 3"])
        return self.client("sid", "sender")

    @cached_property
    def reader(self) -> TestClient:
        return self.client("ann", "reader")

    @cached_property
    def other(self) -> TestClient:
        return self.client("ben", "reader")

    @cached_property
    def lead(self) -> TestClient:
        return self.client("lea", "lead")

    @cached_property
    def admin(self) -> TestClient:
        return self.client("ada", "admin")

    def client(self, name: str = "", role: str = "", base_url: str = LOCAL) -> TestClient:
        headers = {"Authorization": f"Bearer {token_of(self.store, name, role)}"} if name else {}
        return in_one_loop(
            TestClient(self.app, base_url=base_url + ROOT, headers=headers, raise_server_exceptions=False)
        )


MakeApi = Callable[..., Api]


@pytest.fixture
def make_api(store: Store) -> Iterator[MakeApi]:
    """`make_api(address=…)`: an application over the store."""

    def make(**settings: Any) -> Api:
        return Api(store, **settings)

    yield make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


@pytest.fixture
def port(api: Api) -> Iterator[int]:
    """Port of a real server over the application, in a thread."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = uvicorn.Server(serving._config(api.app, api.app.state.served.address))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    until(lambda: server.started, 30)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join(timeout=30)
    listener.close()


def look_at(client: TestClient, study: str) -> None:
    """Look at every frontal film of a study, as the page does: its pixels, then the ticket that came with them."""
    for film in client.get(f"/studies/{study}").raise_for_status().json()["films"]:
        if film["needed"]:
            pixels = client.get(f"/films/{film['film']}/pixels").raise_for_status()
            ticket = {"ticket": pixels.headers["x-film-ticket"]}
            client.post(f"/films/{film['film']}/seen", json=ticket).raise_for_status()


def activated(client: TestClient, number: int, **more: str) -> Any:
    """Confirm a proposal as a second person."""
    known = client.get("/activations").json()["activations"]
    summary = next((one["summary"] for one in known if one["number"] == number), None)
    body = {"note": "looked at the figures", "summary": summary["digest"] if summary else ""} | more
    return client.post(f"/activations/{number}/activate", json=body)


def said(response: Any) -> str:
    """Return the sentence of an error."""
    body = response.json()
    assert set(body) == {"error"}, body
    return str(body["error"])
