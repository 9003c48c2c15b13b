"""Probe films at a site: the first worker's scores stand, and a machine that scores otherwise clears nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import pytest
import sqlalchemy

from tests.worklist.conftest import on_postgresql, png
from unseen.artifacts.bundle import card_of
from unseen.data.film import Film, NotRead
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.probes import probes_of
from unseen.screening.screener import Screener, model_parts
from unseen.screening.screener import load as load_screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import audit, decisions, findings

PCA = "models/pca"


class OtherMachine:
    """models/pca on a machine that computes 5 % more."""

    def __init__(self) -> None:
        self._detector = load(PCA)
        self.weights_sha256 = self._detector.weights_sha256
        self.normal_scores = (0.0, 1.0)

    def score(self, films: Iterable[Film | NotRead], /) -> Iterator[Finding | NotRead]:
        for found in self._detector.score(films):
            assert isinstance(found, Finding)
            object.__setattr__(found, "score", found.score * 1.05)
            yield found


def policy_for(detector: Detector) -> Policy:
    """Return a policy that clears everything from `ward`."""
    normals = tuple(float(one.score) for one in probes_of(detector) if one.score is not None)
    return Policy(
        model="pca",
        weights_sha256=detector.weights_sha256,
        model_parts=model_parts(detector),
        probes=probes_of(detector),
        max_miss_rate=0.1,
        confidence=0.95,
        level=0.95,
        sources={"ward": SourcePolicy(abnormals=29, normals=tuple(sorted(normals)), threshold=1e9)},
        audit_share=0.0,
    )


def worker_of(store: Store, screener: Screener, name: str) -> Worker:
    return Worker(store, lambda: screener, name=name)


def test_results_audit_and_activations_hold_the_models_digest(store: Store) -> None:
    screener = Screener(load(PCA))
    store.films.receive(png(1), name="1", source="ward")
    worker = worker_of(store, screener, "one")
    worker.check_probes()
    assert worker.drain() == 1
    with store.database.reading() as connection:
        for table in (findings, decisions):
            kept = set(connection.execute(sqlalchemy.select(table.c.model_digest)).scalars())
            assert kept == {screener.model_digest}
        said = connection.execute(sqlalchemy.select(audit.c.body).where(audit.c.action == "film.scored")).scalar_one()
    assert json.loads(said)["digest"] == screener.model_digest
    made = store.activations.propose(screener.detector.weights_sha256, "pca", actor="lea", model_digest="ab" * 32)
    assert made.model_digest == "ab" * 32


def test_the_first_workers_scores_stand(store: Store) -> None:
    screener = load_screener(PCA)
    worker_of(store, screener, "first").check_probes()
    kept = store.model_probes.of(card_of(PCA).digest)
    assert kept == store.model_probes.of(screener.model_digest) == probes_of(load(PCA))
    changed = tuple(one.model_copy(update={"score": 0.0}) for one in kept)
    assert store.model_probes.keep(screener.model_digest, changed, worker="second") == kept
    assert store.model_probes.of("0" * 64) == () and store.audit.verify() is None


@on_postgresql
def test_a_machine_that_scores_otherwise_than_the_calibrating_one_clears_nothing(store: Store) -> None:
    detector = load(PCA)
    policy = policy_for(detector)
    for number, factor in enumerate((1.0, 1.05)):
        probes = tuple(one.model_copy(update={"score": (one.score or 0) * factor}) for one in policy.probes)
        screener = Screener(detector, policy.model_copy(update={"probes": probes}))
        screener.probe()
        store.films.receive(png(number), name=f"{number}", source="ward")
        assert worker_of(store, screener, f"worker {number}").drain() == 1
    cleared, stopped = sorted(store.studies.page(StudyQuery(tab="all", blind=False)).rows, key=lambda row: row.state)
    assert (cleared.state, stopped.state) == ("cleared", "to_read")
    with store.database.reading() as connection:
        said = list(
            connection.execute(sqlalchemy.select(decisions.c.reason).where(decisions.c.action == "read")).scalars()
        )
    assert said and all("clearing is stopped: this machine scores probe film 0 at" in one for one in said)


def test_a_worker_on_a_second_machine_is_compared_with_the_first(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    first = Screener(load(PCA))
    other = Screener(OtherMachine())
    store.model_probes.keep(other.model_digest, probes_of(load(PCA)), worker="first")
    other.detector.normal_scores = tuple(np.linspace(0, 0.01, 50))  # type: ignore[attr-defined]
    worker_of(store, other, "second").check_probes()
    assert "this machine scores probe film 0 at" in other.disagreement and "worker.clears_nothing" in caplog.text
    worker_of(store, first, "first").check_probes()
    assert first.disagreement == ""
