"""Films come in: what is acknowledged is on the disk and in the queue, once; what is not leaves nothing behind."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy

from tests.worklist.conftest import Clock, Place, listed, on_both_databases, on_postgresql, png, rows_of
from unseen_server.worklist.states import BusyError, NoRoomError, TooLargeError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import films, jobs, studies


def stored_files(store: Store) -> list[str]:
    """Return every file under films/, temporaries too."""
    return sorted(path.name for path in store.site.films.path.rglob("*") if path.is_file())


@on_both_databases
def test_a_film_is_on_the_disk_and_in_the_list_when_it_is_acknowledged(store: Store) -> None:
    receipt = store.films.receive(iter([png(1)[:100], png(1)[100:]]), name="a.png", source="ward")
    assert receipt.sha256 == hashlib.sha256(png(1)).hexdigest() and not receipt.already
    assert store.films.path(receipt.film_id).read_bytes() == png(1)
    assert store.films.path(receipt.film_id).stat().st_mode & 0o077 == 0, "the owner's alone"
    assert stored_files(store) == [receipt.sha256]
    (entry,) = store.studies.page(StudyQuery(tab="all")).rows
    assert (entry.study, entry.state, entry.source, entry.films) == (receipt.study, "received", "ward", 1)
    assert store.jobs.counts().waiting == 1


@on_postgresql
def test_the_same_bytes_again_are_the_same_film(store: Store) -> None:
    first = store.films.receive(png(1), name="a.png")
    again = store.films.receive(png(1), name="b.png", source="elsewhere")
    assert again.already and (again.sha256, again.study, again.film_id) == (first.sha256, first.study, first.film_id)
    assert rows_of(store, films) == rows_of(store, studies) == len(stored_files(store)) == 1


def test_the_same_name_with_other_content_is_another_film_and_says_so(store: Store) -> None:
    first = store.films.receive(png(1), name="a.png", source="ward")
    second = store.films.receive(png(2), name="a.png", source="ward")
    elsewhere = store.films.receive(png(3), name="a.png", source="other")
    assert len({first.film_id, second.film_id, elsewhere.film_id}) == 3
    noted = [
        store.studies.details(one.study, blind=False).history[0].body["same_name_as"]
        for one in (first, second, elsewhere)
    ]
    assert noted == [None, first.film_id, None]


@on_postgresql
def test_many_senders_at_once_store_each_film_once(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda n: store.films.receive(png(n % 6), name=f"{n}"), range(24)))
    assert sum(not receipt.already for receipt in receipts) == 6
    assert rows_of(store, films) == rows_of(store, studies) == len(stored_files(store)) == 6
    assert len(listed(store, "all")) == 6
    assert store.audit.verify() is None


def test_a_name_is_never_a_path_and_never_kept(store: Store) -> None:
    names = ["../../etc/passwd", "/etc/passwd", "a\0b", "\udcff.png", "x" * 100_000, "'; DROP TABLE films; --"]
    for number, name in enumerate(names):
        receipt = store.films.receive(png(number), name=name)
        assert len(stored_files(store)) == number + 1 and receipt.sha256 in stored_files(store)
        (film,) = store.studies.details(receipt.study).films
        assert len(film.name) == 64, "a pseudonym"
        assert [entry.study for entry in store.studies.page(StudyQuery(tab="all", text=name)).rows] == [receipt.study]


def test_text_comes_back_as_it_went_in(place: Place) -> None:
    hostile = """Robert'); DROP TABLE studies;-- <script>alert("x")</script> & ü 愛"""
    with place.open(pseudonymise=False) as store:
        receipt = store.films.receive(png(1), name=hostile, source=hostile)
        (film,) = store.studies.details(receipt.study).films
        assert (film.name, film.source) == (hostile, hostile)
        assert store.studies.sources() == [hostile]
        assert [entry.source for entry in store.studies.page(StudyQuery(tab="all", source=hostile)).rows] == [hostile]


def test_too_many_bytes_are_refused_and_leave_nothing(place: Place) -> None:
    with place.open(max_film_bytes=1000) as store:
        given = 0

        def endless() -> Iterator[bytes]:
            nonlocal given
            while True:
                given += 1
                yield bytes(300)

        with pytest.raises(TooLargeError, match="more than 1000 bytes"):
            store.films.receive(endless(), name="a")
        assert given == 4, "reading stops at the limit"
        with pytest.raises(WorklistError, match="no bytes"):
            store.films.receive(b"", name="a")
        assert stored_files(store) == [] and rows_of(store, films) == 0


def test_a_sender_that_breaks_off_leaves_nothing(store: Store) -> None:
    def broken() -> Iterator[bytes]:
        yield png(1)[:50]
        raise ConnectionResetError("the sender has gone")

    with pytest.raises(ConnectionResetError):
        store.films.receive(broken(), name="a")
    assert stored_files(store) == [] and rows_of(store, films) == 0


def test_a_source_that_is_no_text_is_refused(store: Store) -> None:
    for source, said in (("\0", "no text"), ("x" * 300, "the limit is 200")):
        with pytest.raises(WorklistError, match=said):
            store.films.receive(png(1), name="a", source=source)
    assert stored_files(store) == []


def test_a_full_disk_is_a_sentence_and_leaves_nothing(place: Place, small_disk: Path) -> None:
    with place.open() as store:
        store.site.films = type(store.site.films)(small_disk / "films")
        first = store.films.receive(os.urandom(200_000), name="fits")
        with pytest.raises(NoRoomError, match=r"the disk is full.*Nothing was stored"):
            store.films.receive(os.urandom(500_000), name="does not")
        assert stored_files(store) == [first.sha256] and rows_of(store, films) == 1
        assert not store.films.receive(os.urandom(100_000), name="fits too").already


def test_a_limit_on_file_sizes_is_a_sentence_too(place: Place) -> None:
    with place.open() as store:
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, limits[1]))
        try:
            with pytest.raises(NoRoomError, match=os.strerror(errno.EFBIG)):
                store.films.receive(os.urandom(400_000), name="a")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert stored_files(store) == [] and rows_of(store, films) == 0


def test_a_full_database_is_a_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        with store.database.engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        sqlalchemy.event.listen(
            store.database.engine,
            "checkout",
            lambda connection, record, proxy: connection.execute(f"PRAGMA max_page_count = {pages + 3}"),
        )
        with pytest.raises(NoRoomError, match="the database is full"):
            for number in range(200):
                store.films.receive(png(number), name=f"{number}")
        assert len(stored_files(store)) == rows_of(store, films) == number


@on_both_databases
def test_a_locked_database_is_a_sentence_and_leaves_nothing(place: Place) -> None:
    with place.open(patience_s=0.3) as store, store.database.writing() as connection:
        asked = "PRAGMA busy_timeout" if store.database.is_sqlite else "SHOW lock_timeout"
        assert connection.exec_driver_sql(asked).scalar() in (300, "300ms")
        with pytest.raises(BusyError, match=r"more than 0\.3 s.*try again"):
            in_thread(lambda: store.films.receive(png(1), name="a"))
        assert stored_files(store) == []
    with place.open() as store:
        assert not store.films.receive(png(1), name="a").already


def in_thread(act: object) -> None:
    """Do it in another thread, and raise here what it raises."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(act).result()  # type: ignore[arg-type]


def test_no_words_of_a_connection_reach_a_message(tmp_path: Path) -> None:
    with pytest.raises(BusyError, match="cannot be reached") as caught:
        Store.open("postgresql://unseen:secret@127.0.0.1:9/none", films_folder=tmp_path)
    assert "secret" not in str(caught.value)


def test_what_a_killed_process_left_goes_at_the_next_start(store: Store) -> None:
    kept = store.films.receive(png(1), name="a")
    stray = hashlib.sha256(b"stray").hexdigest()
    store.site.films.of(stray).parent.mkdir(exist_ok=True)
    store.site.films.of(stray).write_bytes(b"stray")
    old, new = store.site.films.temporary(), store.site.films.temporary()
    for path in (old, new):
        path.write_bytes(b"half a film")
    os.utime(old, (time.time() - 7200,) * 2)
    assert store.sweep() == 2
    assert stored_files(store) == sorted([kept.sha256, new.name]), "an upload that goes on is left alone"
    assert store.sweep() == 0


def test_sweeping_beside_receiving_removes_no_film(store: Store) -> None:
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            store.sweep()

    with ThreadPoolExecutor(3) as threads:
        sweeper = threads.submit(sweep)
        receipts = list(threads.map(lambda n: store.films.receive(png(n), name=f"{n}"), range(30)))
        over.set()
        sweeper.result()
    for receipt in receipts:
        assert hashlib.sha256(store.films.path(receipt.film_id).read_bytes()).hexdigest() == receipt.sha256


def test_a_film_whose_file_was_lost_is_repaired_when_it_comes_again(store: Store) -> None:
    receipt = store.films.receive(png(1), name="a")
    store.films.path(receipt.film_id).unlink()
    assert store.films.receive(png(1), name="a").already
    assert store.films.path(receipt.film_id).read_bytes() == png(1)


def test_sqlite_waits_for_the_disk_and_checks_its_references(tmp_path: Path, clock: Clock) -> None:
    with Store.open(tmp_path / "s", clock=clock) as store, store.database.reading() as connection:
        asked = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        with pytest.raises(sqlalchemy.exc.IntegrityError), store.writing() as writing:
            writing.connection.execute(jobs.insert().values(film_id=99, state="open", tries=0, due_us=0, reason=""))
    assert sqlite3.connect(tmp_path / "s" / "worklist.sqlite").execute("PRAGMA integrity_check").fetchone() == ("ok",)
