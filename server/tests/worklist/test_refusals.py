"""Refusals of a worklist, each in a sentence and with nothing changed."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.worklist.conftest import Clock, Judged, MakePlace, on_both_databases, on_postgresql, png
from unseen.screening.guarantee import Guarantee
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.screener import Screener
from unseen_server.demo.filling import Filled
from unseen_server.worklist import jobs, tables
from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.audit_head import keep_head
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.calibration import Labels
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.report_import import import_elsewhere
from unseen_server.worklist.result_record import bury
from unseen_server.worklist.states import (
    BusyError,
    NoRoomError,
    NotAllowedError,
    NotFoundError,
    NotWritableError,
    WorklistError,
    standing_of,
)
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import activations

MODEL = "a" * 64


def test_changing_nothing_of_an_account_signs_nobody_out(store: Store) -> None:
    store.accounts.add("ann", "a long password", "reader", actor="admin")
    token = store.accounts.sign_in("ann", "a long password")
    assert token is not None
    assert store.accounts.change("ann", actor="admin").name == "ann"
    assert store.accounts.session(token) is not None


@on_both_databases
@pytest.mark.parametrize("altered", ["{}", '{"model": 3}', "changed"])
def test_a_policy_that_was_altered_in_the_database_is_refused(store: Store, altered: str) -> None:
    ward = SourcePolicy(abnormals=29, normals=(0.1, 0.2), threshold=0.15, allowed_misses=0)
    policy = Policy(
        model="pca", weights_sha256=MODEL, max_miss_rate=0.1, confidence=0.95, level=0.95, sources={"ward": ward}
    )
    store.activations.propose(MODEL, "pca", policy, actor="lea", note="enough labels")
    with store.database.writing() as connection:
        value = policy.model_copy(update={"max_miss_rate": 0.5}).model_dump_json() if altered == "changed" else altered
        connection.execute(activations.update().values(policy=value))
    with pytest.raises(WorklistError, match="not the one that was proposed: the database was altered"):
        store.activations.listed()


def test_a_film_without_a_score_has_no_map(store: Store, judged: Judged) -> None:
    film = store.studies.details(judged(1, "not_scored").study).films[0].film
    with pytest.raises(NotFoundError, match="no anomaly map"):
        store.findings.map_path(film)


def test_an_empty_line_of_an_import_is_passed_over(store: Store, judged: Judged, tmp_path: Path) -> None:
    judged(1, "read", StudyInstanceUID="1.1", AccessionNumber="A1")
    path = tmp_path / "reported.csv"
    path.write_text("accession,outcome\n\nA1,normal\n\n")
    imported = import_elsewhere(store, path, actor="import")
    assert not imported.refused
    assert [row.state for row in store.studies.page(StudyQuery(tab="reported")).rows] == ["reported_elsewhere"]


def test_a_backup_is_not_restored_over_another_store(make_place: MakePlace, tmp_path: Path) -> None:
    with make_place("sqlite").open() as store:
        store.films.receive(png(1), name="a")
        back_up(store, tmp_path / "backup")
    other = make_place("sqlite")
    other.open().close()
    with pytest.raises(NotAllowedError, match="holds another store"):
        restore(tmp_path / "backup", other.where, films_folder=other.home)


def test_a_film_that_was_erased_meanwhile_is_not_given_up(store: Store, screener: Screener) -> None:
    study = store.films.receive(png(1), name="a").study
    job = jobs.claim(store.site)
    assert job is not None
    store.removal.erase(study=study, actor="lea")
    head = store.audit.head()
    with store.writing() as writing:
        bury(writing, job, "it fails", model=MODEL, judge=screener.study, worker="worker")
    assert store.audit.head() == head and store.studies.page(StudyQuery(tab="all")).rows == ()


def test_a_study_with_an_unjudged_film_is_not_cleared_yet() -> None:
    assert [standing_of(None, unjudged=n) for n in (0, 1)] == ["received", "received"]
    assert [standing_of("clear", unjudged=n) for n in (0, 1)] == ["cleared", "scored"]


def test_a_worker_that_meets_a_full_disk_or_a_busy_database_waits_and_goes_on(
    store: Store, screener: Screener, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = threading.Event()
    worker = Worker(store, lambda: screener, name="worker")
    left: list[Exception] = [BusyError("held by another program"), NoRoomError("no room left")]

    def step() -> bool:
        if left:
            raise left.pop(0)
        stop.set()
        return True

    monkeypatch.setattr("unseen_server.worklist.film_worker._BACK_OFF_S", 0.01)
    monkeypatch.setattr(worker, "step", step)
    with caplog.at_level(logging.WARNING, logger="unseen"):
        assert worker.run(stop) == 1
    assert "held by another program" in caplog.text and "no room left" in caplog.text


def test_a_store_whose_head_cannot_be_written_keeps_the_change(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    head = store.home / "audit.head"
    head.unlink(missing_ok=True)
    (store.home / "audit.tmp").mkdir()  # where the next head is written first
    with caplog.at_level(logging.WARNING, logger="unseen"):
        receipt = store.films.receive(png(1), name="a")
    assert "audit.head cannot be written" in caplog.text
    assert store.studies.details(receipt.study).entry.state == "received" and store.audit.head().seq == 1


def test_a_worker_ends_where_the_database_cannot_be_written(make_place: MakePlace, screener: Screener) -> None:
    with make_place("sqlite").open() as store:
        store.films.receive(png(1), name="a")
        with store.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA query_only = ON")
        with pytest.raises(NotWritableError, match=r"cannot be written .* Check its folder"):
            Worker(store, lambda: screener).run(threading.Event())


def test_a_film_that_takes_longer_than_its_lease_stays_with_its_worker(store: Store, screener: Screener) -> None:
    store.films.receive(png(1), name="a")
    held: list[int] = []

    def due() -> int:
        with store.database.reading() as connection:
            return int(connection.execute(sqlalchemy.select(tables.jobs.c.due_us)).scalar_one())

    class Slow(Screener):
        def screen_film(self, *given: Any, **more: Any) -> Any:
            first = due()
            while due() == first:  # until the lease was lengthened; the suite's time limit ends it otherwise
                threading.Event().wait(0.01)
            held.append(due() - first)
            assert jobs.claim(store.site) is None
            return super().screen_film(*given, **more)

    slow = Slow(screener.detector)
    assert Worker(store, lambda: slow, lease_s=0.3, name="worker").drain() == 1
    assert held and held[0] > 0


def test_a_filled_worklist_describes_itself() -> None:
    words = str(Filled(to_read=4, cleared=2, not_scored=1, reported_normal=3, reported_abnormal=2))
    assert "4 to read" in words and "2 cleared" in words and "5 reported" in words


def test_a_connection_pool_that_is_exhausted_is_a_sentence(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise sqlalchemy.exc.TimeoutError("QueuePool limit")

    monkeypatch.setattr(store.database.engine, "connect", exhausted)
    with pytest.raises(BusyError, match="too much is asked for at once"):
        store.jobs.counts()


def test_a_database_that_cannot_be_opened_is_a_sentence(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    (place.home / "worklist.sqlite").unlink()
    (place.home / "worklist.sqlite").mkdir()
    with pytest.raises(WorklistError, match=r"cannot be written|no sound SQLite database|is a folder"):
        place.open()


@on_postgresql
def test_many_old_studies_are_removed_in_several_transactions(
    store: Store, judged: Judged, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        judged(number, "clear")
    clock.now += 40 * 86_400.0
    monkeypatch.setattr("unseen_server.worklist.retention._AT_ONCE", 2)
    assert store.removal.retire(older_than_days=30, actor="lea").studies == 5
    assert store.studies.page(StudyQuery(tab="all")).rows == () and store.audit.verify() is None


def test_a_long_table_is_restored_in_several_pieces(
    make_place: MakePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_place("sqlite").open() as store:
        for number in range(5):
            store.films.receive(png(number), name=f"{number}")
        back_up(store, tmp_path / "backup")
        head = store.audit.head()
    monkeypatch.setattr("unseen_server.worklist.backup._ROWS", 2)
    restore(tmp_path / "backup", tmp_path / "elsewhere")
    with Store.open(tmp_path / "elsewhere", create=False) as again:
        assert again.audit.head() == head and again.audit.verify() is None
        assert len(again.studies.page(StudyQuery(tab="all")).rows) == 5


def test_unread_studies_are_a_caution_to_whoever_agrees_to_a_calibration() -> None:
    found = Labels(
        model=MODEL,
        promise=Guarantee(0.3, 0.9),
        needed=(7,),
        sources=(),
        trained_on=0,
        not_seen=0,
        selected=0,
        unread=3,
        studies=(),
    )
    assert found.caution.startswith("3 studies received in the same time were not read yet.")
    assert replace(found, unread=0).caution == ""


def test_a_head_that_is_older_than_the_kept_one_does_not_replace_it(store: Store) -> None:
    for number in range(3):
        store.films.receive(png(number), name=f"{number}")
    kept = (store.home / "audit.head").read_text()
    keep_head(store.home, AuditHead(seq=1, hash="0" * 64))  # of a writer that was overtaken
    assert (store.home / "audit.head").read_text() == kept and store.audit.verify() is None


def test_a_temporary_file_that_vanishes_while_it_is_looked_at_stops_no_sweep(store: Store) -> None:
    store.films.receive(png(1), name="a")
    (store.home / "films" / "incoming" / "gone.tmp").symlink_to(store.home / "nowhere")
    assert store.sweep() == 0
