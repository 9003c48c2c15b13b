"""Further models: every film that can be read and is no lateral is scored by them too, and they decide nothing."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import sqlalchemy

from tests.worklist.conftest import (
    PCA,
    Clock,
    Judged,
    dicom_film,
    listed,
    on_postgresql,
    png,
)
from unseen.anatomy.lung_finder import LungFinder
from unseen.data.film import Film, NotRead
from unseen.data.reading import films as read_films
from unseen.detectors.finding import Finding
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load
from unseen.evaluation.simple_statistics import STATISTIC_NAMES
from unseen.screening.screened import Screened
from unseen.screening.screener import Screener
from unseen_server.worklist import jobs, rescoring
from unseen_server.worklist.appearance import SIDE, appearance_of
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.states import NotAllowedError
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import decisions, films, findings


class Spoilt:
    """A further detector that cannot say anything."""

    weights_sha256 = "5" * 64

    def __init__(self, says: Callable[[Film], Finding | NotRead]) -> None:
        self._says = says

    def score(self, given: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
        for film in given:
            assert isinstance(film, Film)
            yield self._says(film)


def rows(store: Store, table: sqlalchemy.Table) -> list[sqlalchemy.Row[tuple[object, ...]]]:
    with store.database.reading() as connection:
        return list(connection.execute(sqlalchemy.select(table).order_by(table.c.id)).all())


@on_postgresql
def test_each_model_has_its_finding_and_one_decides(store: Store, screener: Screener, second: Pca) -> None:
    receipt = store.films.receive(dicom_film(1), name="a", source="ward")
    made: list[int] = []

    def further() -> list[Pca]:
        made.append(1)
        return [second]

    worker = Worker(store, lambda: screener, further=further, name="worker 1")
    assert worker.drain() == 1
    store.films.receive(dicom_film(2), name="b", source="ward")
    assert worker.drain() == 1 and made == [1], "they are made once"
    study = store.studies.details(receipt.study, blind=False)
    by_model = {finding.model: finding for finding in study.films[0].findings}
    assert set(by_model) == {screener.detector.weights_sha256, second.weights_sha256}
    assert study.entry.score == by_model[screener.detector.weights_sha256].score
    assert {row.model for row in rows(store, decisions)} == {screener.detector.weights_sha256}
    drawn = np.load(store.findings.map_path(receipt.film_id, second.weights_sha256), allow_pickle=False)
    assert drawn.shape == (32, 32) and np.load(store.findings.map_path(receipt.film_id)).shape == (64, 64)
    (said,) = [event for event in study.history if event.action == "film.compared"]
    assert said.body["score"] == by_model[second.weights_sha256].score and store.audit.verify() is None


def test_the_decision_is_the_same_as_without_them(store: Store, screener: Screener, second: Pca) -> None:
    receipt = store.films.receive(dicom_film(3), name="a")
    Worker(store, lambda: screener, further=lambda: [second]).drain()
    path = store.films.path(receipt.film_id)
    (alone,) = screener.screen(read_films(path))
    decided = store.studies.details(receipt.study, blind=False).decision
    assert decided is not None and decided == alone.decision


def test_laterals_and_what_cannot_be_read_are_not_compared(store: Store, screener: Screener, second: Pca) -> None:
    store.films.receive(dicom_film(1, ViewPosition="LL"), name="a")
    store.films.receive(b"<html>", name="b")
    Worker(store, lambda: screener, further=lambda: [second]).drain()
    assert {row.model for row in rows(store, findings)} == {screener.detector.weights_sha256}


def not_read(film: Film) -> NotRead:
    return NotRead(name=film.name, reason="Doe^Jane", source=film.source, patient=film.patient)


def raising(film: Film) -> Finding:
    raise ValueError("Doe^Jane")


@pytest.mark.parametrize("says", [not_read, raising])
def test_one_that_fails_costs_its_own_finding_only(
    store: Store,
    screener: Screener,
    second: Pca,
    caplog: pytest.LogCaptureFixture,
    says: Callable[[Film], Finding | NotRead],
) -> None:
    receipt = store.films.receive(png(1), name="a")
    with caplog.at_level(logging.INFO, logger="unseen"):
        Worker(store, lambda: screener, further=lambda: [Spoilt(says), second]).drain()
    (film,) = store.studies.details(receipt.study, blind=False).films
    assert {one.model for one in film.findings} == {screener.detector.weights_sha256, second.weights_sha256}
    assert store.jobs.counts().done == 1
    said = [record.getMessage() for record in caplog.records]
    (line,) = [line for line in said if line.startswith("film.not_compared")]
    assert receipt.film_id in line and "5555" in line
    assert not [line for line in said if "Doe" in line]


def test_what_the_gate_refused_is_tried_again_though_another_model_has_scored_it(store: Store, second: Pca) -> None:
    class Refuses:
        thresholds: ClassVar[dict[str, float]] = {}
        refuses = True

        def judge(self, film: Film, lungs: object) -> NotRead | None:
            reason = "unlike the training films"
            return NotRead(name="", reason=reason, source="", patient="") if self.refuses else None

    gate, detector = Refuses(), load(PCA)
    receipt = store.films.receive(dicom_film(1), name="a")
    Worker(store, lambda: Screener(detector, gate=gate), further=lambda: [second]).drain()
    assert store.studies.details(receipt.study).entry.state == "not_scored"
    assert [row.score is None for row in rows(store, findings)] == [False, True]  # type: ignore[attr-defined]
    assert store.jobs.requeue(receipt.study, actor="lea") == 1
    assert Worker(store, lambda: Screener(second)).drain() == 1, "the model that was compared decides now"
    assert store.studies.details(receipt.study).entry.state == "to_read"
    with pytest.raises(NotAllowedError, match="was scored"):
        store.jobs.requeue(receipt.study, actor="lea")


def test_lungs_are_found_once_for_all_models_with_one_finder(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[str] = []
    find = LungFinder.find

    def counting(self: LungFinder, film: Film) -> object:
        found.append(film.name)
        return find(self, film)

    first, other, aligned = (load(model) for model in (PCA, "models/roi-sure", "models/ensemble-aligned"))
    receipt = store.films.receive(dicom_film(1), name="a")
    monkeypatch.setattr(LungFinder, "find", counting)
    Worker(store, lambda: Screener(first), further=lambda: [other, aligned]).drain()
    assert found == [receipt.film_id] * 2, "pca and roi-sure hold the same finder, ensemble-aligned another"
    monkeypatch.undo()
    scores = {row.model: row.score for row in rows(store, findings)}  # type: ignore[attr-defined]
    for model in (PCA, "models/roi-sure", "models/ensemble-aligned"):
        detector = load(model)
        (alone,) = detector.score(read_films(store.films.path(receipt.film_id)))
        assert isinstance(alone, Finding) and scores[detector.weights_sha256] == alone.score


def test_a_generator_that_fails_costs_no_score(store: Store, screener: Screener, second: Pca) -> None:
    class Odd:
        weights_sha256 = "6" * 64
        generator = type("G", (), {"sample": lambda self, z: z})()

        def modules(self) -> dict[str, object]:
            return {"generator": self.generator}

        def score(self, given: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
            return second.score(given)

    receipt = store.films.receive(dicom_film(1), name="a")
    stop = threading.Event()
    worker = Worker(store, lambda: screener, further=lambda: [Odd()])
    running = threading.Thread(target=worker.run, args=(stop,))
    running.start()
    end = time.monotonic() + 60
    while store.jobs.counts().done == 0 and running.is_alive() and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    running.join()
    assert store.studies.details(receipt.study).entry.state in ("to_read", "not_scored")


@on_postgresql
def test_all_is_entered_or_nothing(store: Store, second: Pca, clock: Clock) -> None:
    class Interrupted(Screener):
        def study(self, films: Iterable[Screened]) -> object:  # type: ignore[override]
            raise KeyboardInterrupt

    store.films.receive(png(1), name="a")
    with pytest.raises(KeyboardInterrupt):
        Worker(store, lambda: Interrupted(load(PCA)), further=lambda: [second]).drain()
    assert rows(store, findings) == [] == rows(store, decisions)
    assert [path for path in store.site.maps.path.rglob("*") if path.is_file()] == []
    clock.now += jobs.LEASE_S + 1
    assert Worker(store, lambda: Screener(load(PCA)), further=lambda: [second]).drain() == 1
    assert len(rows(store, findings)) == 2 and len(listed(store)) == 1


def test_a_model_that_has_decided_earlier_is_not_entered_twice(store: Store, judged: Judged, second: Pca) -> None:
    class Earlier:
        weights_sha256 = "d" * 64

        def score(self, given: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
            return second.score(given)

    receipt = judged(1)
    with store.database.writing() as connection:
        connection.execute(findings.update().values(model=Earlier.weights_sha256))
        rescoring.reopen(connection, [row.id for row in rows(store, films)], now_us=0)  # type: ignore[attr-defined]
    detector = load(PCA)
    worker = Worker(store, lambda: Screener(detector), further=lambda: [Earlier()])
    assert worker.drain() == 1
    (film,) = store.studies.details(receipt.study, blind=False).films
    assert [one.model for one in film.findings] == [Earlier.weights_sha256, detector.weights_sha256]
    assert film.findings[0].score is None, "what it said then stays"


def test_how_a_film_looks_is_kept_with_it(store: Store, screener: Screener) -> None:
    receipt = store.films.receive(dicom_film(1), name="a")
    bad = store.films.receive(b"<html>", name="b")
    Worker(store, lambda: screener).drain()
    found = {row.public_id: row for row in rows(store, films)}  # type: ignore[attr-defined]
    assert found[bad.film_id].look is None and found[bad.film_id].statistics is None
    row = found[receipt.film_id]
    assert isinstance(row.look, bytes) and len(row.look) == SIDE * SIDE and {0, 255} <= set(row.look)
    statistics = json.loads(row.statistics)
    assert set(statistics) <= set(STATISTIC_NAMES) and statistics["rows"] == 48.0 and 0 < statistics["mean"] < 1


def test_a_look_is_of_the_lungs_where_they_were_found(second: Pca, tmp_path: Path) -> None:
    from dataclasses import replace

    pixels = np.zeros((64, 64), np.float32)
    pixels[16:48, 16:48] = np.linspace(0.3, 0.9, 32, dtype=np.float32)  # (32, 32) of columns that get brighter
    (tmp_path / "a.dcm").write_bytes(dicom_film(1))
    (film,) = read_films(tmp_path / "a.dcm")
    assert isinstance(film, Film)
    film = replace(film, pixels=pixels)
    (finding,) = second.score([film])
    assert isinstance(finding, Finding)
    whole = np.frombuffer(appearance_of(film, [finding]).look, np.uint8).reshape(SIDE, SIDE)
    assert whole[0].max() == 0 and whole[8].max() == 255, "the whole film, and its dark rim"
    lungs = replace(finding, viewed=replace(finding.viewed, box=(16.0, 16.0, 48.0, 48.0), lung_area=0.25))
    inner = np.frombuffer(appearance_of(film, [finding, lungs]).look, np.uint8).reshape(SIDE, SIDE).astype(int)
    assert (inner[0] == inner[-1]).all() and (np.diff(inner[0]) > 0).all() and inner[0, 0] == 0
    assert appearance_of(film, [lungs]).statistics["lung_area"] == 0.25
    assert "lung_area" not in appearance_of(film, []).statistics
