"""The demonstration's own look at its pages: it tells what it saw, and finds what is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from tests.web.running import Running, until
from tests.worklist.filled import Small, filled_once, small
from unseen.screening.policy import Policy
from unseen_server.demo.filling import Filled
from unseen_server.web.page_checks import PageError, Visitor, checked
from unseen_server.web.server import OwnServer, ServingError
from unseen_server.worklist.store import Store

pytestmark = pytest.mark.slow
LOG = "step,epoch,seconds,generator\n1,1,0.5,3.0\n2,1,0.6,2.0\n"


@dataclass(frozen=True)
class World:
    small: Small
    home: Path
    filled: Filled
    words: list[str | Path]

    def server(self, folder: Path) -> OwnServer:
        return OwnServer([*self.words, "--port", "0"], log=folder / "serve.log")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made, folder = small(tmp_path_factory), tmp_path_factory.mktemp("page-checks")
    run = folder / "runs" / "decides"
    run.mkdir(parents=True)
    (run / "log.csv").write_text(LOG, encoding="utf-8")
    words = ["--folder", folder / "worklist", "--model", made.model, "--policy", made.policy]
    words += ["--also", made.further, "--runs", folder / "runs"]
    return World(made, folder / "worklist", filled_once(tmp_path_factory, folder / "worklist"), words)


def link(world: World) -> str:
    """Another way in."""
    with Store.open(world.home, create=False) as store:
        return store.accounts.one_time_link("local", "admin")


@pytest.mark.nightly
def test_a_filled_worklist_passes_and_its_server_ends_well(world: World, tmp_path: Path) -> None:
    with world.server(tmp_path) as running:
        said = list(checked(running.root, running.link, world.filled, models=2))
        # this server and its worker run in interpreters of their own; those of other tests are forks
        until(lambda: httpx.get(f"{running.root}/api/v1/health", verify=False).json()["workers"]["ready"] == 1, 90)
        assert running.stop() == 0
    assert said[0] == "signed in with the link as local (admin)"
    assert said[1].startswith("pages: 8 opened, ")
    assert f"{world.filled.to_read} studies to read" in said[2] and f"{world.filled.reported} reported" in said[2]
    assert any("models: 2; policy for North and South" in line for line in said)
    log = (tmp_path / "serve.log").read_text(encoding="utf-8")
    assert "server.stopped" in log and running.link not in log


@pytest.mark.nightly
def test_a_policy_that_clears_nothing_is_told_with_its_reason(world: World, tmp_path: Path) -> None:
    policy = Policy.load(world.small.policy)
    none = {name: one.model_copy(update={"threshold": None}) for name, one in policy.sources.items()}
    policy.model_copy(update={"sources": none}).save(tmp_path / "policy.json")
    words = [tmp_path / "policy.json" if word == world.small.policy else word for word in world.words]
    with Running(*words, "--port", "0") as running:
        root = running.started().base.removesuffix("/api/v1")
        said = list(checked(root, link(world), world.filled, models=2))
    sentence = "models: 2; policy for North and South: The policy clears from no source: studies are ranked"
    assert sentence in "\n".join(said)


WRONG: list[tuple[dict[str, int], int, str]] = [
    ({"to_read": 1}, 2, "the list, to_read"),
    ({"cleared": 99}, 2, "the list, cleared"),
    ({"reported_normal": 0}, 2, "the list, reported"),
    ({}, 3, "models that scored it; expected 3"),
]


def test_missing_content_a_used_link_an_unknown_page_and_a_redirect_to_sign_in_are_found(world: World) -> None:
    with Running(*world.words, "--port", "0") as running:
        root = running.started().base.removesuffix("/api/v1")
        for change, models, complaint in WRONG:
            with pytest.raises(PageError, match=complaint):
                list(checked(root, link(world), replace(world.filled, **change), models=models))
        with pytest.raises(PageError, match="/sign-in/link: the server answered 409"):
            list(checked(root, "no link", world.filled, models=2))
        with pytest.raises(PageError, match="/nowhere: the server answered 404"):
            Visitor(root).get("/nowhere")
        with pytest.raises(PageError, match="/models: led to /sign-in"):
            Visitor(root).get("/models")


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"did not start.*no-such-model"):
        OwnServer(["--folder", tmp_path / "w", "--model", "no-such-model", "--port", "0"], log=tmp_path / "serve.log")
