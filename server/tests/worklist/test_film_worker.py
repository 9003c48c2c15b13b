"""Workers with a real detector: what they enter, all of it or nothing; studies that come together; films that fail."""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy

from tests.worklist.conftest import (
    PCA,
    Clock,
    Judge,
    Judged,
    dicom_film,
    listed,
    on_postgresql,
    png,
    rows_of,
)
from unseen.data.film import Film, NotRead
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.screener import Screener, model_parts
from unseen_server.worklist import jobs, rescoring
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.states import NoRoomError, NotAllowedError, NotFoundError
from unseen_server.worklist.store import Store
from unseen_server.worklist.stored_files import ContentFolder
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import decisions, findings


@pytest.fixture
def worker(store: Store, screener: Screener) -> Worker:
    return Worker(store, lambda: screener, name="worker 1")


@functools.cache
def _pca() -> Detector:
    return load(PCA)


def clearing(
    threshold: float, *, audit_share: float = 0.0, drift: DriftReference | None = None, source_tag: str | None = None
) -> Screener:
    """Return a screener that clears whatever scores below the threshold, from source `ward`."""
    detector = _pca()
    policy = Policy(
        model="pca",
        weights_sha256=detector.weights_sha256,
        model_parts=model_parts(detector),
        max_miss_rate=0.1,
        confidence=0.95,
        level=0.95,
        sources={"ward": SourcePolicy(abnormals=29, normals=tuple(np.linspace(0, 1, 40)), threshold=threshold)},
        audit_share=audit_share,
        drift=drift,
        source_tag=source_tag,
    )
    return Screener(detector, policy)


@on_postgresql
def test_a_film_is_scored_and_everything_is_there(store: Store, worker: Worker, screener: Screener) -> None:
    receipt = store.films.receive(dicom_film(1, ViewPosition="AP"), name="a.dcm", source="ward")
    assert worker.drain() == 1
    study = store.studies.details(receipt.study, blind=False)
    (film,) = study.films
    (finding,) = film.findings
    assert study.entry.state == "to_read" and study.entry.score == finding.score
    assert (film.judged, film.view_position, film.file_format, film.tags["Modality"]) == (True, "AP", "dicom", "CR")
    assert finding.model == screener.detector.weights_sha256 and finding.parts
    drawn = np.load(store.findings.map_path(receipt.film_id), allow_pickle=False)
    assert drawn.dtype == np.float32 and drawn.shape == (64, 64)
    assert hashlib.sha256(store.findings.map_path(receipt.film_id).read_bytes()).hexdigest() == finding.map_sha256
    assert finding.box == (0.0, 0.0, 48.0, 48.0) and finding.inner == (0, 0, 64, 64)
    assert film.decision is not None and study.decision is not None and film.decision.action == "read"
    (said,) = [event for event in study.history if event.action == "film.scored"]
    assert said.actor == "worker 1" and said.body["map"] == finding.map_sha256
    assert store.jobs.counts().done == 1 and store.audit.verify() is None


def test_the_score_is_the_one_that_the_detector_gives_alone(store: Store, worker: Worker, tmp_path: Path) -> None:
    from unseen.data.reading import films

    receipt = store.films.receive(dicom_film(7), name="a")
    worker.drain()
    (tmp_path / "film.dcm").write_bytes(dicom_film(7))
    (alone,) = load(PCA).score(films(tmp_path / "film.dcm"))
    assert isinstance(alone, Finding)
    (film,) = store.studies.details(receipt.study, blind=False).films
    assert film.findings[0].score == pytest.approx(alone.score, rel=1e-9)
    np.testing.assert_array_equal(np.load(store.findings.map_path(receipt.film_id)), alone.anomaly_map)


def test_what_cannot_be_read_stands_on_top_with_the_reason(store: Store, worker: Worker) -> None:
    good = store.films.receive(png(1), name="a")
    bad = store.films.receive(b"<html>not a film</html>", name="b")
    assert worker.drain() == 2
    assert listed(store) == [bad.study, good.study]
    top = store.studies.page(StudyQuery()).rows[0]
    assert top.state == "not_scored" and top.reason and top.priority == 2.0
    (film,) = store.studies.details(bad.study, blind=False).films
    assert film.findings[0].score is None and film.findings[0].map_sha256 is None


@on_postgresql
def test_a_policy_clears_and_its_digest_is_kept(store: Store) -> None:
    receipt = store.films.receive(png(1), name="a", source="ward")
    other = store.films.receive(png(2), name="b", source="elsewhere")
    screener = clearing(1e9)
    Worker(store, lambda: screener).drain()
    assert listed(store, "cleared") == [receipt.study] and listed(store) == [other.study]
    decision = store.studies.details(receipt.study, blind=False).decision
    assert decision is not None and screener.policy is not None
    assert decision.policy_digest == screener.policy.digest and "cleared" in decision.reason


def test_a_header_names_no_source_where_the_account_fixes_it(store: Store) -> None:
    """A policy that goes by StationName: senders write any name there, and `ward` is the source that clears."""
    screener = clearing(1e9, source_tag="StationName")
    store.accounts.add("sid", None, "sender", actor="ada", sources=["ward 3"])
    store.accounts.add("wanda", None, "sender", actor="ada", sources=["ward", "north"])
    forged = [
        store.films.receive(dicom_film(number, StationName="ward"), name="f.dcm", source=source).study
        for number, source in enumerate(("ward 3", "north", "unknown"))
    ]
    own = store.films.receive(dicom_film(7, StationName="elsewhere"), name="o.dcm", source="ward").study
    peer = store.films.receive(dicom_film(8, StationName="ward"), name="p.dcm", source="gateway").study
    Worker(store, lambda: screener).drain()
    assert sorted(listed(store)) == sorted(forged)
    assert sorted(listed(store, "cleared")) == sorted([own, peer])


def test_the_sample_of_cleared_studies_is_read_all_the_same(store: Store) -> None:
    for number in range(12):
        store.films.receive(png(number), name="a", source="ward")
    Worker(store, lambda: clearing(1e9, audit_share=0.5)).drain()
    sampled, cleared = listed(store), listed(store, "cleared")
    assert len(sampled) + len(cleared) == 12 and sampled and cleared
    assert store.reports.audit_sample().waiting == len(sampled)


def test_an_alarm_stops_clearing_until_two_people_have_looked(store: Store) -> None:
    reference = DriftReference(
        normals=tuple(np.linspace(5, 6, 50)), abnormals=(7,), prevalence=0.1, not_scored=0, window=20, false_alarms=0.01
    )
    watched = clearing(1e9, drift=reference)  # whose normals scored otherwise
    worker = Worker(store, lambda: watched)
    assert watched.policy is not None
    for number in range(21):
        store.films.receive(png(number), name=f"{number}", source="ward")
    worker.drain()
    (alarm,) = store.alarms.standing()
    assert (alarm.policy, alarm.kind) == (watched.policy.digest, "scores")
    assert len(listed(store, "cleared")) == 20 and len(listed(store)) == 1, "the one after the alarm is read"
    decision = store.studies.details(store.studies.page(StudyQuery()).rows[0].study, blind=False).decision
    assert decision is not None and "clearing is stopped" in decision.reason
    assert not store.alarms.acknowledge(alarm.policy, actor="lea", note="a new detector; Doe^Jane was the first")
    store.films.receive(png(98), name="between", source="ward")
    worker.drain()
    assert len(listed(store, "cleared")) == 20 and len(store.alarms.standing()) == 1, "one person alone clears nothing"
    assert store.alarms.acknowledge(alarm.policy, actor="leo", note="the films are well exposed")
    assert store.alarms.standing() == []
    with pytest.raises(NotFoundError, match="No alarm stands"):
        store.alarms.acknowledge(alarm.policy, actor="lea", note="again")
    store.films.receive(png(99), name="after", source="ward")
    worker.drain()
    assert len(listed(store, "cleared")) == 21 and store.audit.verify() is None


def test_a_second_result_for_the_same_film_and_model_changes_nothing(
    store: Store, worker: Worker, screener: Screener, clock: Clock
) -> None:
    receipt = store.films.receive(png(1), name="a")
    slow = jobs.claim(store.site)
    assert slow is not None
    clock.now += jobs.LEASE_S + 1
    assert worker.drain() == 1
    head = store.audit.head()
    assert not Worker(store, lambda: screener, name="slow")._score(slow)
    assert rows_of(store, findings) == 1 and rows_of(store, decisions) == 2
    assert store.audit.head() == head and listed(store) == [receipt.study]
    assert [path for path in store.site.maps.path.rglob("*") if path.is_file()] == [
        store.findings.map_path(receipt.film_id)
    ]


def test_another_model_adds_its_finding(store: Store, judged: Judged, worker: Worker) -> None:
    receipt = judged(1, "read")
    with store.database.writing() as connection:
        rescoring.reopen(connection, [1] if store.database.is_sqlite else _numbers(store), now_us=0)
    assert worker.drain() == 1
    (film,) = store.studies.details(receipt.study, blind=False).films
    assert [finding.model == "m" * 64 for finding in film.findings] == [True, False]


def _numbers(store: Store) -> list[int]:
    with store.database.reading() as connection:
        return list(connection.execute(sqlalchemy.text("SELECT film_id FROM jobs")).scalars())


@on_postgresql
def test_two_workers_score_each_film_once(store: Store) -> None:
    receipts = [store.films.receive(png(number), name=f"{number}") for number in range(16)]
    workers = [Worker(store, lambda: Screener(load(PCA)), name=f"worker {number}") for number in range(2)]
    stop = threading.Event()
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(one.run, stop) for one in workers]
        while store.jobs.counts().waiting:
            stop.wait(0.05)
        stop.set()
        counts = [one.result(timeout=30) for one in running]
    assert sum(counts) == 16
    assert sorted(listed(store)) == sorted(receipt.study for receipt in receipts)
    assert rows_of(store, findings) == 16 and rows_of(store, decisions) == 32 and store.audit.verify() is None


STUDY = {"StudyInstanceUID": "1.2.3", "PatientID": "p1", "AccessionNumber": "A1"}


@pytest.mark.parametrize(
    "order", [(2, 0, 1), *(pytest.param(order, marks=pytest.mark.nightly) for order in ((0, 1, 2), (1, 2, 0)))]
)
def test_films_of_a_study_join_in_whatever_order_they_come(store: Store, judge: Judge, order: tuple[int, ...]) -> None:
    films = (("clear", 0.1, "PA"), ("read", 0.7, "AP"), ("not_scored", 2.0, "LL"))
    names = []
    for number in order:
        names.append(store.films.receive(png(number), name=f"{number}").study)
    for number in order:
        action, priority, view = films[number]
        assert judge(action, priority, view=view, **STUDY)
    (entry,) = store.studies.page(StudyQuery(tab="all")).rows
    assert (entry.films, entry.state, entry.priority) == (3, "to_read", 0.7), "the lateral is carried along"
    assert {store.studies.details(name).entry.study for name in names} == {entry.study}, "every name still finds it"
    whole = store.studies.details(entry.study, blind=False)
    frontal = sorted(film.received for film in whole.films if film.view_position != "LL")
    assert [film.received for film in whole.films[:2]] == frontal and whole.films[2].view_position == "LL"
    assert entry.received == min(film.received for film in whole.films)
    assert sum(event.action == "study.joined" for event in whole.history) == 2
    assert [one.study for one in store.studies.page(StudyQuery(tab="all", text="A1")).rows] == [entry.study]
    assert store.audit.verify() is None


@on_postgresql
def test_a_late_film_takes_a_cleared_study_back(store: Store, judge: Judge) -> None:
    store.settings.set_settle_s(0, actor="lea")
    store.films.receive(png(1), name="a")
    judge("clear", 0.1, **STUDY)
    assert len(listed(store, "cleared")) == 1
    store.films.receive(png(2), name="b")
    judge("read", 0.6, **STUDY)
    assert listed(store, "cleared") == [] and len(listed(store)) == 1
    store.films.receive(png(3), name="c")
    judge("clear", 0.1, **STUDY)
    assert len(listed(store)) == 1, "all its films have to be clear"


def test_films_of_two_patients_never_join(store: Store, judge: Judge) -> None:
    first, second = store.films.receive(png(1), name="a"), store.films.receive(png(2), name="b")
    judge("read", **STUDY)
    judge("read", **STUDY | {"PatientID": "p2"})
    assert sorted(listed(store)) == sorted([first.study, second.study])
    assert "study.not_joined" in [event.action for event in store.studies.details(second.study, blind=False).history]
    store.removal.erase(patient="p2", actor="lea")
    assert listed(store) == [first.study]


@on_postgresql
def test_films_of_one_study_join_when_two_workers_read_them_at_once(store: Store) -> None:
    for number in range(12):
        store.films.receive(
            dicom_film(number, StudyInstanceUID=f"1.2.{number % 3}", PatientID=f"p{number % 3}"), name=f"{number}"
        )
    screeners = [Screener(load(PCA)) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(lambda one: Worker(store, lambda: one).drain(), screeners)) == 12
    assert sorted(entry.films for entry in store.studies.page(StudyQuery(tab="all")).rows) == [4, 4, 4]
    assert store.audit.verify() is None


class Failing:
    """A detector that cannot cope with some films."""

    def __init__(self, error: Callable[[Film], Exception | None]) -> None:
        self._detector = load(PCA)
        self._error = error

    @property
    def weights_sha256(self) -> str:
        return self._detector.weights_sha256

    def score(self, films: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
        for film in films:
            if isinstance(film, Film) and (error := self._error(film)):
                raise error
            yield from self._detector.score([film])


def test_of_a_plug_in_that_fails_the_type_and_the_place_of_its_own_error_are_kept(
    store: Store, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    class OfAcme(Failing):
        key = "failing"

    monkeypatch.setitem(METHODS.plugins, "failing", EntryPoint("failing", "acme:OfAcme", "unseen.detectors"))
    store.films.receive(png(1), name="a")
    failing = Worker(store, lambda: Screener(OfAcme(lambda film: ValueError("Doe^Jane"))))
    with caplog.at_level(logging.INFO, logger="unseen"):
        failing.drain()
    (line,) = [said for said in caplog.messages if said.startswith("film.failed")]
    assert "error=ValueError at=test_film_worker.py:" in line and "Doe" not in line
    with store.database.reading() as connection:
        assert connection.execute(sqlalchemy.select(jobs.jobs.c.reason)).scalar_one() == "Scoring failed (ValueError)."


@on_postgresql
def test_a_film_that_fails_again_and_again_is_given_up_and_can_be_tried_once_more(
    store: Store, worker: Worker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = store.films.receive(png(1), name="a"), store.films.receive(png(2), name="b")
    fails = lambda film: ValueError("Doe^Jane") if film.file_sha256 == bad.sha256 else None  # noqa: E731
    failing = Worker(store, lambda: Screener(Failing(fails)))
    with caplog.at_level(logging.INFO, logger="unseen"):
        failing.drain()
        assert listed(store) == [good.study, bad.study] and store.jobs.counts().waiting == 1
        for _ in range(jobs.MOST_TRIES):
            clock.now += 600
            failing.drain()
    assert store.jobs.counts().dead == 1 and listed(store) == [bad.study, good.study]
    top = store.studies.page(StudyQuery()).rows[0]
    assert top.state == "not_scored"
    assert top.reason.startswith("Scoring failed (ValueError), 5 times.") and "Doe" not in top.reason
    with pytest.raises(NotAllowedError, match="Every film of this study was scored"):
        store.jobs.requeue(good.study, actor="lea")
    assert store.jobs.requeue(bad.study, actor="lea") == 1
    assert store.studies.page(StudyQuery(tab="all", text=bad.study)).rows[0].state == "received"
    assert worker.drain() == 1
    assert (
        store.studies.page(StudyQuery(tab="all", text=bad.study)).rows[0].state == "to_read"
        and store.audit.verify() is None
    )


def test_a_film_that_kills_its_workers_is_given_up(store: Store, worker: Worker, clock: Clock) -> None:
    receipt = store.films.receive(png(1), name="a")
    for _ in range(jobs.MOST_TRIES):
        assert jobs.claim(store.site) is not None  # and its worker is never heard of again
        clock.now += jobs.LEASE_S + 1
    assert worker.step()
    (entry,) = store.studies.page(StudyQuery(tab="not_scored")).rows
    assert entry.study == receipt.study and entry.reason.startswith("5 workers stopped while they had this film.")
    assert not worker.step()


def test_bytes_that_changed_on_the_disk_are_not_scored(store: Store, worker: Worker) -> None:
    receipt = store.films.receive(png(1), name="a")
    path = store.films.path(receipt.film_id)
    path.chmod(0o600)
    path.write_bytes(png(2))
    worker.drain()
    (entry,) = store.studies.page(StudyQuery(tab="not_scored")).rows
    assert "not those that were received" in entry.reason


def test_a_full_disk_costs_no_film_its_tries(store: Store, worker: Worker, small_disk: Path) -> None:
    store.site.maps = ContentFolder(small_disk / "maps")
    (small_disk / "filler").write_bytes(bytes(610_000))
    receipt = store.films.receive(png(1), name="a")
    for _ in range(jobs.MOST_TRIES + 1):
        with pytest.raises(NoRoomError, match="the disk is full"):
            worker.step()
    assert listed(store) == [receipt.study] and rows_of(store, findings) == 0 and store.jobs.counts().waiting == 1
    (small_disk / "filler").unlink()
    assert worker.step() and store.findings.map_path(receipt.film_id).exists()


def test_logs_name_films_and_times_and_nobody(store: Store, worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="unseen"):
        receipt = store.films.receive(
            dicom_film(1, PatientID="4711-SECRET", StudyInstanceUID="1.9.8.7", AccessionNumber="A-SECRET"),
            name="SECRET",
        )
        worker.drain()
        store.removal.erase(patient="4711-SECRET", actor="lea")
    said = [record.getMessage() for record in caplog.records]
    assert any(line.startswith(f"film.entered id={receipt.film_id} ms=") for line in said)
    assert not [line for line in said if "SECRET" in line or "1.9.8.7" in line]


def test_the_screener_sees_the_source_and_tags_of_a_film(store: Store) -> None:
    seen: list[Film] = []
    screener = Screener(Failing(lambda film: seen.append(film)))
    store.films.receive(dicom_film(1, Manufacturer="ACME"), name="a", source="ward")
    Worker(store, lambda: screener).drain()
    assert [(film.source, film.tags.get("Manufacturer")) for film in seen] == [("ward", "ACME")]
    (film,) = store.studies.details(store.studies.page(StudyQuery()).rows[0].study).films
    assert json.loads(json.dumps(dict(film.tags)))["Manufacturer"] == "ACME"
