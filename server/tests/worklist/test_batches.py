"""Results in batches: each film once and in order, whatever happens to the batch, and the audit trail is whole."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sqlalchemy

from tests.worklist.conftest import SQLITE_AT_LEAST, Clock, MakePlace, Place, dicom_film, listed, png
from tests.worklist.stub_detector import Stub, score_of
from unseen.data.film import Film
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.screened import Screened
from unseen.screening.screener import Screener, model_parts
from unseen_server.worklist import arrivals, jobs, result_entry, site
from unseen_server.worklist import film_worker as worker_module
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.result_record import RecordedResults
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import audit, decisions, films, findings, studies


@pytest.fixture(autouse=True)
def whole_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is not cut short on a slow machine."""
    monkeypatch.setattr(worker_module, "BATCH_S", 60.0)


def worker_of(
    store: Store, screener: Screener | None = None, *, name: str = "worker", lease_s: float = jobs.LEASE_S
) -> Worker:
    """Return a worker that has met quick films, and so claims many at once."""
    made = screener or Screener(Stub())
    worker = Worker(store, lambda: made, name=name, lease_s=lease_s)
    worker._pace_s = 0.001
    return worker


def rows(store: Store, table: sqlalchemy.Table) -> list[sqlalchemy.Row[tuple[object, ...]]]:
    with store.database.reading() as connection:
        return list(connection.execute(sqlalchemy.select(table).order_by(*table.primary_key.columns)).all())


def mixed(store: Store) -> list[str]:
    """Films of every type: alone, two of a study, a lateral, a copy, another version, not read; their studies."""
    pair = {"StudyInstanceUID": "1.2.1", "PatientID": "p1", "AccessionNumber": "A1"}
    pixels = dicom_film(5, SOPInstanceUID="1.5", StudyInstanceUID="1.2.5", PatientID="p5")
    copied = dicom_film(5, SOPInstanceUID="1.5", StudyInstanceUID="1.2.5", PatientID="p5", Manufacturer="ACME")
    version = dicom_film(6, SOPInstanceUID="1.5", StudyInstanceUID="1.2.5", PatientID="p5")
    bytes_of = [
        png(1),
        dicom_film(2, SOPInstanceUID="1.1", **pair),
        dicom_film(3, SOPInstanceUID="1.2", ViewPosition="LL", **pair),
        b"<html>not a film</html>",
        dicom_film(4, SOPInstanceUID="1.4", StudyInstanceUID="1.2.4", PatientID="p4"),
        pixels,
        copied,
        version,
        png(7),
    ]
    return [store.films.receive(one, name=f"{number}", source="ward").study for number, one in enumerate(bytes_of)]


def described(store: Store) -> tuple[object, ...]:
    """Return the rows without their numbers and names."""
    named = {row.id: row.sha256 for row in rows(store, films)}
    of_study = {row.id: sorted(film.sha256 for film in rows(store, films) if film.study_id == row.id)
                for row in rows(store, studies)}  # fmt: skip
    named_anew = "id public_id study_id film_id changed_us made_us settles_us received_us rank uid patient accession"
    leave = {
        *named_anew.split(),
        *["issuer", "instance", "related", "disputed_uid", "name", "seq", "time_us", "hash", "previous"],
    }

    def of(row: sqlalchemy.Row[tuple[object, ...]]) -> str:
        return repr({key: value for key, value in row._mapping.items() if key not in leave})

    return (
        sorted((of_study[row.id], of(row)) for row in rows(store, studies)),
        sorted(of(row) for row in rows(store, films)),
        sorted((named[row.film_id], of(row)) for row in rows(store, findings)),
        sorted((of_study[row.study_id], named.get(row.film_id, ""), of(row)) for row in rows(store, decisions)),
        Counter(row.action for row in rows(store, audit)),
    )


@pytest.mark.parametrize("kind", SQLITE_AT_LEAST)
def test_a_batch_leaves_the_same_rows_as_films_one_by_one(
    make_place: MakePlace, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for apart in (False, True):
        with make_place(kind).open(clock=Clock()) as store:
            mixed(store)
            if apart:
                none = lambda writing, results, rules: RecordedResults(entered=frozenset(), alone=tuple(results))  # noqa: E731
                monkeypatch.setattr(result_entry, "record_together", none)
            assert worker_of(store).drain() == 9
            found.append(described(store))
            assert store.audit.verify() is None and store.jobs.counts().waiting == 0
    together, one_by_one = found
    for ours, theirs in zip(together, one_by_one, strict=True):
        assert ours == theirs


def test_a_film_that_was_tried_before_is_claimed_alone(store: Store, clock: Clock) -> None:
    names = [store.films.receive(png(number), name=f"{number}").film_id for number in range(5)]
    assert [job.film for job in jobs.claim_several(store.site, most=3)] == names[:3]
    clock.now += jobs.LEASE_S + 1  # and their worker is never heard of again
    assert [job.film for job in jobs.claim_several(store.site, most=64)] == names[3:], "they have been due longer"
    for name in names[:3]:
        (job,) = jobs.claim_several(store.site, most=64)
        assert (job.film, job.tries) == (name, 2)
    assert jobs.claim_several(store.site, most=64) == []


def test_a_lease_lost_within_a_batch_costs_that_film_alone(store: Store, clock: Clock) -> None:
    receipts = [store.films.receive(png(number), name=f"{number}") for number in range(4)]
    slow, quick = worker_of(store, name="slow"), worker_of(store, name="quick")
    held = jobs.claim_several(store.site, most=64)
    examined = [slow._examine(job) for job in held]
    clock.now += jobs.LEASE_S + 1
    assert quick.step() == 1, "the first of them was due again"
    assert slow._enter(examined).entered == {job.number for job in held[1:]}
    assert [row.film_id for row in rows(store, findings)] == [job.number for job in held]
    by = {row.subject: row.actor for row in rows(store, audit) if row.action == "film.scored"}
    assert [by[receipt.film_id] for receipt in receipts] == ["quick", "slow", "slow", "slow"]
    assert store.jobs.counts().done == 4 and store.audit.verify() is None


def test_a_lost_lease_is_dropped_though_its_new_worker_is_not_ready(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    worker = worker_of(store)
    (held,) = jobs.claim_several(store.site, most=64)
    examined = worker._examine(held)
    clock.now += jobs.LEASE_S + 1
    again = jobs.claim(store.site)
    assert again is not None and worker._enter([examined]).entered == set()
    assert rows(store, findings) == [] and [path for path in store.site.maps.path.rglob("*") if path.is_file()] == []
    assert worker._score(again) and len(rows(store, findings)) == 1


def died_in_a_batch(place: Place, at: str) -> None:
    """A worker's process takes a batch and is killed, in the transaction that enters it."""
    child = os.fork()
    if child == 0:
        try:
            with place.open() as store:
                worker = worker_of(store, name="victim")
                kill = lambda *given, **more: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
                if at == "rows written":
                    site.audit.append = kill  # type: ignore[assignment]
                else:
                    result_entry._place = kill  # type: ignore[assignment]
                worker.step()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def leases_run_out(store: Store) -> None:
    """Set the end of each lease an hour back: the database's clock, which decides, cannot be set."""
    with store.database.writing() as connection:
        connection.execute(jobs.jobs.update().values(due_us=jobs.jobs.c.due_us - int(3600e6)))


@pytest.mark.parametrize(
    "own_place, at",
    [
        ("sqlite", "rows written"),
        ("postgresql", "maps written"),
        pytest.param("sqlite", "maps written", marks=pytest.mark.nightly),
        pytest.param("postgresql", "rows written", marks=pytest.mark.nightly),
    ],
    indirect=["own_place"],
)
def test_a_batch_that_is_killed_in_the_middle_is_entered_once_by_another(own_place: Place, at: str) -> None:
    with own_place.open() as store:
        names = [store.films.receive(png(number), name=f"{number}").study for number in range(6)]
    died_in_a_batch(own_place, at)
    with own_place.open() as store:
        assert rows(store, findings) == [] == rows(store, decisions)
        assert {row.action for row in rows(store, audit)} == {"film.received"}
        assert store.jobs.counts().running == 6
        leases_run_out(store)
        worker = worker_of(store, name="other")
        stop = threading.Event()
        running = threading.Thread(target=worker.run, args=(stop,))
        running.start()
        while store.jobs.counts().waiting and running.is_alive():
            stop.wait(0.05)
        stop.set()
        running.join()
        assert store.jobs.counts().waiting == 0
        assert sorted(row.tries for row in rows(store, jobs.jobs)) == [2] * 6
        assert Counter(row.film_id for row in rows(store, findings)) == Counter(row.id for row in rows(store, films))
        assert sorted(listed(store)) == sorted(names) and store.audit.verify() is None
        kept = {path.name for path in store.site.maps.path.rglob("*") if path.is_file() and path.suffix != ".tmp"}
        assert kept == {row.map_sha256 for row in rows(store, findings)}  # type: ignore[attr-defined]


def test_two_workers_with_a_batch_each_enter_every_film_once_and_in_order(make_place: MakePlace) -> None:
    """Two films of each study come to two workers at once, while others write to the same trail."""
    place = make_place("postgresql")
    with place.open() as store:
        for number in range(20):
            store.films.receive(
                dicom_film(number, StudyInstanceUID=f"1.2.{number % 10}", SOPInstanceUID=f"1.3.{number}",
                           PatientID=f"p{number % 10}"),
                name=f"{number}",
            )  # fmt: skip
        meet = threading.Barrier(2)

        def at_once(worker: Worker) -> int:
            enter = worker._enter
            met: list[int] = []

            def waiting(examined: list[result_entry.Examined]) -> result_entry.Entered:
                if not met:  # both have a batch in hand
                    met.append(meet.wait(timeout=60))
                return enter(examined)

            worker._enter = waiting  # type: ignore[assignment,method-assign]
            return worker.drain()

        def beside() -> None:
            for number in range(10):
                store.accounts.add(f"reader-{number}", "a long password", "reader", actor="lea")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(worker_module, "MOST", 10)
            with ThreadPoolExecutor(3) as threads:
                other = threads.submit(beside)
                workers = [worker_of(store, name=f"worker {number}") for number in range(2)]
                assert sum(threads.map(at_once, workers)) == 20
                other.result()
        assert sorted(entry.films for entry in store.studies.page(StudyQuery(tab="all")).rows) == [2] * 10
        assert set(Counter(row.film_id for row in rows(store, findings)).values()) == {1}
        assert len(rows(store, findings)) == 20 and store.jobs.counts().done == 20
        trail = rows(store, audit)
        assert [row.seq for row in trail] == list(range(1, len(trail) + 1)) and store.audit.verify() is None
        assert {row.actor for row in trail if row.action == "film.scored"} == {"worker 0", "worker 1"}
        for one in store.studies.page(StudyQuery(tab="all")).rows:
            told = [event.action for event in store.studies.details(one.study, blind=False).history]
            scored = [place for place, action in enumerate(told) if action == "film.scored"]
            assert len(scored) == 2 and all("study.judged" in told[place:] for place in scored)
            times = [event.time for event in store.studies.details(one.study, blind=False).history]
            assert times == sorted(times)


def test_workers_results_stand_in_the_trail_in_the_order_of_their_time(make_place: MakePlace) -> None:
    """The transaction that begins first may be appended last: its entries are not of a time before those above."""
    place = make_place("postgresql")
    with place.open() as store:
        for number in range(2):
            store.films.receive(png(number), name=f"{number}")
        workers = [worker_of(store, name=f"worker {number}") for number in range(2)]
        examined = [[worker._examine(job) for job in jobs.claim_several(store.site, most=1)] for worker in workers]
        began, ended = threading.Event(), threading.Event()
        place_maps = result_entry._place

        def late(*given: object) -> None:
            if not began.is_set():
                began.set()
                assert ended.wait(timeout=60), "the other one does not wait for this transaction"
            place_maps(*given)  # type: ignore[arg-type]

        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(1) as threads:
            patch.setattr(result_entry, "_place", late)
            first = threads.submit(workers[0]._enter, examined[0])
            assert began.wait(timeout=60)
            assert len(workers[1]._enter(examined[1]).entered) == 1
            ended.set()
            assert len(first.result(timeout=60).entered) == 1
        trail = [row for row in rows(store, audit) if row.action == "film.scored"]
        assert [row.actor for row in trail] == ["worker 1", "worker 0"]
        assert trail[0].time_us <= trail[1].time_us and store.audit.verify() is None


def test_a_reader_is_not_shut_out_by_workers(make_place: MakePlace) -> None:
    """A change that has to be alone gets its turn between batches, and sees each of them whole."""
    with make_place("postgresql").open() as store:
        for number in range(30):
            store.films.receive(png(number), name=f"{number}")
        with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(2) as threads:
            patch.setattr(worker_module, "MOST", 4)
            running = [threads.submit(worker_of(store, name=f"worker {number}").drain) for number in range(2)]
            claimed = 0
            while not all(one.done() for one in running):
                for entry in store.studies.page(StudyQuery(tab="to_read")).rows[:1]:
                    if entry.state == "to_read":
                        store.studies.claim(entry.study, "ann")
                        store.studies.release(entry.study, "ann")
                        claimed += 1
            assert sum(one.result() for one in running) == 30
        assert claimed and store.audit.verify() is None and len(listed(store)) == 30


def clearing(drift: DriftReference) -> Screener:
    policy = Policy(
        model="stub",
        weights_sha256="5" * 64,
        model_parts=model_parts(Stub()),
        max_miss_rate=0.1,
        confidence=0.95,
        level=0.95,
        sources={"ward": SourcePolicy(abnormals=29, normals=tuple(np.linspace(0, 1, 40)), threshold=1e9)},
        audit_share=0.0,
        drift=drift,
    )
    return Screener(Stub(), policy)


def test_an_alarm_in_the_middle_of_a_batch_stops_clearing_there(store: Store) -> None:
    reference = DriftReference(
        normals=tuple(np.linspace(5, 6, 50)), abnormals=(7,), prevalence=0.1, not_scored=0, window=20, false_alarms=0.01
    )
    for number in range(25):
        store.films.receive(png(number), name=f"{number}", source="ward")
    screener = clearing(reference)
    assert worker_of(store, screener).drain() == 25
    assert len(store.alarms.standing()) == 1 and len(listed(store, "cleared")) == 20 and len(listed(store)) == 5
    assert store.audit.verify() is None


def test_a_film_that_cannot_be_decided_on_costs_its_batch_nothing(store: Store) -> None:
    receipts = [store.films.receive(png(number), name=f"{number}") for number in range(5)]

    class Odd(Screener):
        def study(self, films: list[Screened]) -> object:  # type: ignore[override]
            if films[0].film.name == receipts[2].film_id:
                raise ValueError("Doe^Jane")
            return super().study(films)

    assert worker_of(store, Odd(Stub())).drain() == 5
    assert len(rows(store, findings)) == 4 and store.jobs.counts().waiting == 1
    (left,) = (row for row in rows(store, jobs.jobs) if row.state == "open")
    assert left.reason == "Scoring failed (ValueError)." and store.audit.verify() is None


def test_one_that_fails_in_a_batch_keeps_the_others(store: Store) -> None:
    bad = store.films.receive(png(3), name="bad")
    others = [store.films.receive(png(number), name=f"{number}") for number in range(3)]

    def before(film: Film) -> None:
        if film.file_sha256 == bad.sha256:
            raise ValueError("Doe^Jane")

    assert worker_of(store, Screener(Stub(before))).drain() == 4
    scored = {row.public_id for row in rows(store, films) if row.judged}
    assert scored == {one.film_id for one in others}


def test_two_models_are_compared_in_a_batch_as_one_by_one(store: Store) -> None:
    for number in range(30):
        store.films.receive(png(number), name=f"{number}")

    class Reversed(Stub):
        def score(self, given):  # type: ignore[no-untyped-def]
            for finding in super().score(given):
                yield type(finding)(**(vars(finding) | {"score": -finding.score}))

    further = [Reversed(weights_sha256="6" * 64)]
    worker = Worker(store, lambda: Screener(Stub()), further=lambda: further, name="worker")
    worker._pace_s = 0.001
    assert worker.drain() == 30
    kept = {row.id: row for row in rows(store, studies)}
    digests = {row.study_id: row.sha256 for row in rows(store, films)}
    seen: list[float] = []
    for number in sorted(kept):
        seen.append(score_of(digests[number]))
        share = sum(0.5 * (one == seen[-1]) + (one < seen[-1]) for one in seen) / len(seen)
        wanted = None if len(seen) < 20 else pytest.approx(abs(2 * share - 1))
        assert kept[number].apart == wanted


def test_a_worker_that_stops_gives_the_rest_of_its_batch_back(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        store.films.receive(png(number), name=f"{number}")
    stop = threading.Event()

    def before(film: Film) -> None:
        monkeypatch.setattr(worker_module, "BATCH_S", 0.0)  # the films are slower than they were
        stop.set()

    assert worker_of(store, Screener(Stub(before))).run(stop) == 1
    assert [row.tries for row in rows(store, jobs.jobs) if row.state == "open"] == [0, 0, 0]
    assert store.jobs.counts().running == 0 and store.audit.verify() is None


def test_leases_go_by_the_databases_clock(make_place: MakePlace, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_place("postgresql").open() as store:
        store.films.receive(png(1), name="a")
        held = jobs.claim(store.site)
        assert held is not None
        monkeypatch.setattr(site.time, "time", lambda: 4e9)  # a machine that is a lifetime ahead
        assert store.site.now_us() == int(4e15)
        assert jobs.claim(store.site) is None, "the lease has not run out"
        assert jobs.lengthen(store.site, held)
        receipt = store.films.receive(png(2), name="b")
        other = jobs.claim(store.site)
        assert other is not None and other.film == receipt.film_id, "nor does a film wait for a lifetime"
        with store.database.reading() as connection:
            (late,) = connection.execute(sqlalchemy.text("SELECT max(received_us) FROM films")).one()
        assert late < 4e15


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_worker_that_waits_learns_of_a_film_at_once(
    make_place: MakePlace, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LOOK_S", 600.0)
    with make_place(kind).open() as store, arrivals.Arrivals(store.database, 0.05) as listener:
        stop = threading.Event()
        listener.wait(stop)  # from now on it listens
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(listener.wait, stop)
            store.films.receive(png(1), name="a")
            waiting.result(timeout=60)
            stop.set()
            threads.submit(listener.wait, stop).result(timeout=60)


def test_a_listener_whose_connection_is_lost_listens_again(make_place: MakePlace) -> None:
    with make_place("postgresql").open() as store, arrivals.Arrivals(store.database, 0.01) as listener:
        stop = threading.Event()
        listener.wait(stop)
        with store.database.writing() as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^LISTEN'")
        lost = listener._connection
        while listener._connection in (None, lost):
            listener.wait(stop)
        with ThreadPoolExecutor(1) as threads:
            waiting = threads.submit(listener.wait, stop)
            store.films.receive(png(1), name="a")
            waiting.result(timeout=60)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_films_that_nobody_announces_are_found_by_looking_on_the_same_connection(
    make_place: MakePlace, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "LOOK_S", 0.05)
    with make_place(kind).open() as store, arrivals.Arrivals(store.database, 0.01) as listener:
        listener.wait(threading.Event())
        listening = listener._connection
        assert listening is not None
        for _ in range(3):
            listener.wait(threading.Event())
            assert listener._connection is listening, "a worker must not connect anew for each look"
