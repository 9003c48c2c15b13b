"""A server over a damaged worklist states what to do and does nothing else; a full disk is not ready."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.web.conftest import Api
from tests.web.running import START_S, Running, until
from tests.worklist.conftest import MakePlace, png
from tests.worklist.test_damage import FILMS, deleted, films_of, page_overwritten, table_dropped, truncated
from unseen_server.worklist.belonging import DATABASE
from unseen_server.worklist.store import Store

READY = 200
NOT_READY = 503


@pytest.fixture
def home(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "worklist") as store:
        for number in range(FILMS):
            store.films.receive(png(number), name=f"{number}")
        store.database.forget_overwritten()
    return tmp_path / "worklist"


def content(home: Path) -> bytes | None:
    """Return the database's bytes; None where it is missing."""
    return (home / DATABASE).read_bytes() if (home / DATABASE).exists() else None


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm",
    # truncated: also worklist/test_damage.py
    [deleted, page_overwritten, *(pytest.param(one, marks=pytest.mark.nightly) for one in (truncated, table_dropped))],
)
def test_a_server_over_a_damaged_worklist_states_what_to_do(home: Path, harm: Callable[[Path], None]) -> None:
    harm(home / DATABASE)
    before = content(home)
    with Running("--folder", home, "--port", "0", "--model", "models/pca") as running:
        until(lambda: "unseen serves" in running.log or running.process.poll() is not None, START_S)
        assert running.process.poll() is None, running.log
        shown = running.log.split("unseen serves ")[1].split()[0]
        root = shown.removesuffix("/health")
        assert f"Open {root.removesuffix('/api/v1')}/ in a browser" in running.log
        until(lambda: _answers(root), START_S)
        health = httpx.get(shown)
        found = health.json()
        assert health.status_code == 503 and (found["status"], found["database"]) == ("impaired", "damaged")
        (problem,) = found["problems"]
        assert problem.startswith(f"{DATABASE}: ") and "`unseen restore BACKUP --folder NEW`" in problem
        assert str(home) not in problem
        assert httpx.get(f"{root}/health/live").status_code == 200
        assert httpx.get(f"{root}/health/ready").json() == {"status": "not ready"}
        page = httpx.get(root.removesuffix("/api/v1") + "/studies/s-1")
        assert page.status_code == 503 and "unseen restore BACKUP" in page.text
        assert "Research use only. Not a medical device. Not for diagnosis." in page.text
        assert httpx.get(root.removesuffix("/api/v1") + "/static/base.css").status_code == 200
        for method, path in (("POST", "/films"), ("GET", "/studies"), ("PUT", "/nothing"), ("POST", "/tokens")):
            answer = httpx.request(method, f"{root}{path}", content=b"" if method == "GET" else png(500))
            assert (answer.status_code, answer.json()) == (503, {"error": problem})
        stow = httpx.post(root.removesuffix("/api/v1") + "/dicom-web/studies", content=b"x")
        assert (stow.status_code, stow.json()) == (503, {"error": problem})
        assert running.stop() == 0
    assert "worker" not in running.log
    assert content(home) == before and len(films_of(home)) == FILMS


def _answers(root: str) -> bool:
    try:
        return httpx.get(f"{root}/health/live", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def test_damage_while_the_server_runs_is_stated_by_health_and_by_every_answer(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    with place.open() as store:
        api = Api(store)
        _ = api.reader
        assert api.nobody.get("/health").json()["status"] == "ok"
        store.database.close()
        with sqlite3.connect(place.home / DATABASE) as connection:
            connection.execute("PRAGMA foreign_keys = OFF")
            connection.execute("DROP TABLE jobs")
        connection.close()
        health = api.nobody.get("/health")
        assert (health.status_code, health.json()["database"]) == (503, "damaged")
        (problem,) = health.json()["problems"]
        assert "unseen restore BACKUP --folder NEW" in problem and str(place.home) not in problem
        answer = api.reader.post("/films", content=png(1), headers={"Content-Type": "application/octet-stream"})
        assert answer.status_code == 503 and "unseen restore" in answer.json()["error"]
        assert "retry-after" not in answer.headers, "it does not get well by itself"


a_disk_of_8_mb = pytest.mark.parametrize("small_disk", ["8m"], indirect=True)


@a_disk_of_8_mb
@pytest.mark.parametrize("left", [0, pytest.param(1 << 16, marks=pytest.mark.nightly), 1_000_000])
def test_a_full_disk_is_not_ready_until_there_is_space(small_disk: Path, left: int) -> None:
    with Store.open(small_disk / "worklist", max_film_bytes=2 << 20) as store:
        api = Api(store)
        assert api.nobody.get("/health/ready").status_code == READY
        filler = small_disk / "filler"
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        filler.write_bytes(bytes(free - left))
        assert api.nobody.get("/health/ready").json() == {"status": "not ready"}
        assert api.nobody.get("/health/live").status_code == READY
        assert "too little space" in api.nobody.get("/health").json()["problems"][0]
        filler.unlink()
        assert api.nobody.get("/health/ready").status_code == READY
        assert list((small_disk / "worklist" / "films" / "incoming").iterdir()) == []


@a_disk_of_8_mb
def test_a_full_disk_of_the_database_alone_is_not_ready(small_disk: Path, tmp_path: Path) -> None:
    with Store.open(small_disk, films_folder=tmp_path / "films", max_film_bytes=1 << 20) as store:
        api = Api(store)
        assert api.nobody.get("/health/ready").status_code == READY
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        (small_disk / "filler").write_bytes(bytes(free))
        assert api.nobody.get("/health/ready").status_code == NOT_READY
