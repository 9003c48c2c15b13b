"""The watched folder: what has settled is received and moved aside; what is no plain file is left alone."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worklist.conftest import MakePlace, png
from unseen_server.service.watched_folder import FolderWatch
from unseen_server.worklist.states import BusyError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery


class Ticking:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Ticking:
    return Ticking()


@pytest.fixture
def incoming(tmp_path: Path) -> Path:
    made = tmp_path / "incoming"
    made.mkdir()
    return made


@pytest.fixture
def watch(store: Store, incoming: Path, time: Ticking) -> FolderWatch:
    return FolderWatch(store, incoming, settled_s=2.0, clock=time)


def settle(watch: FolderWatch, time: Ticking) -> int:
    watch.look()
    time.now += 2.0
    return watch.look()


def files(incoming: Path) -> list[str]:
    return sorted(path.relative_to(incoming).as_posix() for path in incoming.rglob("*") if not path.is_dir())


def kinds(incoming: Path) -> list[str]:
    """Files below a incoming without the date in their path."""
    return ["/".join(part for part in name.split("/") if not part.startswith("20")) for name in files(incoming)]


def test_a_film_is_taken_when_it_has_stood_still(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking
) -> None:
    film = incoming / "film.png"
    film.write_bytes(png(1)[:100])
    assert watch.look() == 0
    time.now += 1.9
    assert watch.look() == 0
    film.write_bytes(png(1))
    time.now += 1.0
    assert watch.look() == 0, "it has just grown"
    time.now += 2.0
    assert watch.look() == 1
    assert kinds(incoming) == [".done/film.png"]
    (row,) = store.studies.page(StudyQuery(tab="all")).rows
    assert (row.source, store.studies.details(row.study, blind=False).history[0].actor) == ("unknown", "watch")
    assert watch.look() == 0


def test_a_subfolder_is_a_source(store: Store, incoming: Path, watch: FolderWatch, time: Ticking) -> None:
    for source in ("ward-3", "outpatients"):
        (incoming / source).mkdir()
        (incoming / source / "a.png").write_bytes(png(len(source)))
    assert settle(watch, time) == 2
    assert kinds(incoming) == [".done/outpatients/a.png", ".done/ward-3/a.png"]
    assert store.studies.sources() == ["outpatients", "ward-3"]


def test_the_same_name_again_overwrites_nothing(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking
) -> None:
    for number in (1, 2, 3):
        (incoming / "film.png").write_bytes(png(number))
        assert settle(watch, time) == 1
    assert kinds(incoming) == [".done/film-2.png", ".done/film-3.png", ".done/film.png"]
    assert store.studies.page(StudyQuery(tab="all")).total == 3


def test_a_film_that_is_too_large_is_put_aside_with_the_reason(place: object, incoming: Path, time: Ticking) -> None:
    with place.open(max_film_bytes=1000) as store:  # type: ignore[attr-defined]
        watch = FolderWatch(store, incoming, settled_s=2.0, clock=time)
        (incoming / "big.png").write_bytes(b"x" * 1001)
        assert settle(watch, time) == 0
        assert kinds(incoming) == [".refused/big.png", ".refused/big.png.txt"]
        (note,) = incoming.rglob("*.txt")
        assert "1000 bytes" in note.read_text(encoding="utf-8")
        assert store.studies.page(StudyQuery(tab="all")).total == 0 and not files(store.home / "films")


def test_links_and_special_files_are_left_alone(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_bytes(b"a secret")
    (incoming / "link.png").symlink_to(secret / "key")
    (incoming / "ward").symlink_to(secret)
    (incoming / "dangling").symlink_to(tmp_path / "nothing")
    os.mkfifo(incoming / "pipe")
    for name in (".hidden.png", "Thumbs.db", "desktop.ini", "DICOMDIR", "~$film.png"):
        (incoming / name).write_bytes(png(1))
    (incoming / "empty.png").touch()
    deep = incoming / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "deep.png").write_bytes(png(2))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(incoming / "s"))
        before = files(incoming)
        assert settle(watch, time) == 0
        assert files(incoming) == before
    assert store.studies.page(StudyQuery(tab="all")).total == 0
    assert (secret / "key").read_bytes() == b"a secret"


def test_nothing_is_moved_through_a_link(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (incoming / ".done").symlink_to(elsewhere)
    (incoming / "film.png").write_bytes(png(1))
    settle(watch, time)
    assert files(elsewhere) == [] and (incoming / "film.png").exists()
    assert store.studies.page(StudyQuery(tab="all")).total == 1, "it was received all the same"


def test_a_file_that_changes_while_it_is_read_is_not_a_film(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = incoming / "film.png"
    film.write_bytes(png(1))
    receive: Callable[..., object] = store.films.receive

    def grows(chunks: object, **how: object) -> object:
        with film.open("ab") as file:
            file.write(b"more")
        return receive(chunks, **how)

    monkeypatch.setattr(store.films, "receive", grows)
    assert settle(watch, time) == 0
    assert files(incoming) == ["film.png"] and store.studies.page(StudyQuery(tab="all")).total == 0
    monkeypatch.setattr(store.films, "receive", receive)
    assert settle(watch, time) == 1


def test_a_kill_between_receiving_and_moving_changes_nothing(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    (incoming / "film.png").write_bytes(png(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", _killed)
        with pytest.raises(KeyboardInterrupt):
            settle(watch, time)
    assert files(incoming) == ["film.png"] and store.studies.page(StudyQuery(tab="all")).total == 1
    again = FolderWatch(store, incoming, settled_s=2.0, clock=time)  # as after a restart
    assert settle(again, time) == 0
    assert kinds(incoming) == [".done/film.png"] and store.studies.page(StudyQuery(tab="all")).total == 1


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_busy_worklist_is_tried_again_later(
    store: Store, incoming: Path, watch: FolderWatch, time: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    (incoming / "film.png").write_bytes(png(1))
    with monkeypatch.context() as patch:

        def busy(*_: object, **__: object) -> None:
            raise BusyError("held")

        patch.setattr(store.films, "receive", busy)
        assert settle(watch, time) == 0
    assert watch.look() == 0, "not at once"
    time.now += 61
    assert watch.look() == 1 and kinds(incoming) == [".done/film.png"]


@pytest.mark.parametrize(
    ("fault", "repair"),
    [
        ("ALTER TABLE jobs RENAME TO gone", "ALTER TABLE gone RENAME TO jobs"),
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),  # as on a disk that has become read-only
    ],
)
def test_a_worklist_that_is_out_of_order_refuses_no_film(
    make_place: MakePlace, incoming: Path, time: Ticking, fault: str, repair: str
) -> None:
    with make_place("sqlite").open() as store:
        watch = FolderWatch(store, incoming, settled_s=2.0, clock=time)
        (incoming / "film.png").write_bytes(png(1))
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql(fault)
            connection.commit()
        assert settle(watch, time) == 0
        assert files(incoming) == ["film.png"], "it waits"
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql(repair)
            connection.commit()
        time.now += 61
        assert watch.look() == 1 and kinds(incoming) == [".done/film.png"]


@pytest.mark.parametrize("name", ["a\u202eb.png", "new\nline.png", "x" * 250 + ".png", "quo\"te'.png"])
def test_odd_names_are_taken(store: Store, incoming: Path, watch: FolderWatch, time: Ticking, name: str) -> None:
    (incoming / name).write_bytes(png(1))
    assert settle(watch, time) == 1
    assert len(kinds(incoming)) == 1


def test_a_name_that_is_no_text_is_taken(store: Store, incoming: Path, watch: FolderWatch, time: Ticking) -> None:
    with open(os.fsencode(incoming) + b"/\xff\xfe.png", "wb") as file:
        file.write(png(1))
    assert settle(watch, time) == 1


def test_a_folder_that_is_none_is_a_sentence(store: Store, tmp_path: Path) -> None:
    with pytest.raises(WorklistError, match="not a folder"):
        FolderWatch(store, tmp_path / "nothing")
