"""Liveness and readiness: 200 or 503, to anybody, and nothing of what is wrong."""

from __future__ import annotations

import pytest
import sqlalchemy

from tests.web.conftest import Api
from tests.web.running import until
from tests.worklist.conftest import MakePlace, execute
from unseen_server.service.worker_main import WorkerSettings
from unseen_server.service.workers import Workers
from unseen_server.worklist import readiness

READY = (200, {"status": "ready"})
NOT = (503, {"status": "not ready"})


def answered(api: Api) -> tuple[int, dict[str, str]]:
    """To somebody who is not signed in; the server lives whatever else is wrong."""
    assert api.nobody.get("/health/live").json() == {"status": "alive"}
    answer = api.nobody.get("/health/ready")
    return answer.status_code, answer.json()


def test_it_is_ready_while_its_folder_takes_files(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    with place.open() as store:
        api = Api(store)
        assert answered(api) == READY
        incoming = store.home / "films" / "incoming"
        assert list(incoming.iterdir()) == []
        incoming.rmdir()
        assert answered(api) == NOT
        incoming.mkdir()
        assert answered(api) == READY


def test_it_is_not_ready_without_its_database(make_place: MakePlace, postgresql: sqlalchemy.URL) -> None:
    place = make_place("postgresql")
    with place.open(patience_s=0.2) as store:
        api = Api(store)
        assert answered(api) == READY
        execute(postgresql, f"DROP DATABASE {sqlalchemy.make_url(place.where).database} WITH (FORCE)")
        assert answered(api) == NOT


@pytest.mark.parametrize("started", [pytest.param(True, marks=pytest.mark.nightly), False])
def test_it_is_ready_with_a_worker_where_it_starts_workers(make_place: MakePlace, started: bool) -> None:
    place = make_place("sqlite")
    with place.open() as store:
        settings = WorkerSettings(where=place.where, films_folder=str(place.home), model="models/pca")
        processes = Workers(settings, 1)
        api = Api(store, workers=processes)
        if started:
            processes.start()
        try:
            until(lambda: processes.status().running == started, 60)
            assert answered(api) == (READY if started else NOT)
        finally:
            processes.stop()


def test_readiness_is_checked_once_a_second_however_many_clients_ask(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, written = [5.0], []
    write = readiness.write_flushed
    monkeypatch.setattr(readiness, "write_flushed", lambda *given: (written.append(given), write(*given)))
    with make_place("sqlite").open() as store:
        api = Api(store)
        api.app.state.served.readiness = readiness.Readiness(store, clock=lambda: now[0])
        assert [answered(api) for _ in range(5)] == [READY] * 5 and len(written) == 1
        now[0] += 1.1
        assert answered(api) == READY and len(written) == 2


@pytest.mark.parametrize(("engine", "expected"), [("sqlite", NOT), ("postgresql", READY)])
def test_it_is_not_ready_where_the_disk_of_its_own_database_is_full(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch, engine: str, expected: tuple[int, dict[str, str]]
) -> None:
    with make_place(engine).open() as store:
        monkeypatch.setattr(readiness, "_ROWS_BYTES", 1 << 62)  # more than any disk has left
        assert answered(Api(store)) == expected
