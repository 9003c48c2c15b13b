"""A score's percentile among the reference, and which rows are flagged; on a blind page that shows no sampled study."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scipy.stats import percentileofscore
from sqlalchemy import select

from tests.worklist.conftest import Judged, own_place
from tests.worklist.reporting import look_and_report
from unseen.artifacts.card import Card
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.probability import ProbabilityMap
from unseen_server.web.promise import Promise
from unseen_server.web.score_percentiles import KEPT_S, Loaded, ScorePercentiles
from unseen_server.worklist.listing import ListedStudy
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import films, findings

place = own_place

MODEL = "a" * 64
SCORES = [0.1, 0.2, 0.2, 0.4, 0.9] * 4


def policy(**more: Any) -> Policy:
    ward = SourcePolicy(abnormals=29, normals=(0.1, 0.2), threshold=0.15, allowed_misses=0)
    rates: Any = {"max_miss_rate": 0.1, "confidence": 0.95, "level": 0.95}
    return Policy(model="pca", weights_sha256=MODEL, sources={"ward": ward}, **rates, **more)


def loaded(given: Policy | None = None, **calibrated: Policy) -> Callable[[], Loaded]:
    return lambda: Loaded(deciding=MODEL, policy=given, named={}, calibrated=calibrated)


def scored(store: Store, judged: Judged, *scores: float, first: int = 0) -> list[str]:
    """`MODEL` has scored a film each; the films."""
    films_of_it = []
    for number, score in enumerate(scores, start=first):
        film = judged(number).film_id
        films_of_it.append(film)
        with store.database.writing() as connection:
            row = connection.execute(select(films).where(films.c.public_id == film)).one()
            connection.execute(
                findings.insert().values(film_id=row.id, model=MODEL, score=score, parts="{}", made_us=0)
            )
    return films_of_it


def reported(store: Store, *names: str) -> None:
    """The films' studies are reported normal by somebody who has seen them."""
    for name in names:
        study = store.studies.page(StudyQuery(tab="all", text=name)).rows[0].study
        store.studies.claim(study, "ann")
        look_and_report(store, study, "ann", "normal")


def test_ranks_are_scipys(store: Store, judged: Judged) -> None:
    reported(store, *scored(store, judged, *SCORES))
    ranks = ScorePercentiles(store, loaded())
    for score in (0.0, 0.1, 0.15, 0.2, 0.9, 2.0):
        assert ranks.of(MODEL, score) == pytest.approx(percentileofscore(SCORES, score, kind="mean") / 100)
    assert ranks.of(None, 0.5) is ranks.of(MODEL, None) is ranks.of("b" * 64, 0.5) is None
    assert ranks.known(MODEL).words == f"{len(SCORES)} normals of this site"


def test_films_of_training_patients_are_no_reference(store: Store, judged: Judged) -> None:
    names = scored(store, judged, *SCORES, 0.01)
    reported(store, *names)
    with store.database.reading() as connection:
        taught = connection.execute(select(films.c.pixel_sha256).where(films.c.public_id == names[-1])).scalar_one()
    card = Card(kind="detector", name="pca", weights_sha256=MODEL, training_films=[taught])
    ranks = ScorePercentiles(store, lambda: Loaded(deciding=MODEL, named={MODEL: ("pca", card)}, calibrated={}))
    assert ranks.known(MODEL).scores == tuple(sorted(SCORES))


def test_the_reference_is_asked_for_once_a_while(store: Store, judged: Judged) -> None:
    reported(store, *scored(store, judged, *[0.1, 0.3] * 10))
    now = 0.0
    ranks = ScorePercentiles(store, loaded(), clock=lambda: now)
    assert ranks.of(MODEL, 0.2) == 0.5
    reported(store, *scored(store, judged, *[0.5] * 5, first=100))
    now = KEPT_S - 1
    assert ranks.of(MODEL, 0.2) == 0.5, "still the one that was asked for"
    now = KEPT_S
    assert ranks.of(MODEL, 0.2) == 0.4


def test_under_a_policy_every_model_is_compared_with_the_calibration_that_it_was_part_of(
    store: Store, judged: Judged
) -> None:
    """Every model but one had no percentile for good, once a policy was in force."""
    reported(store, *scored(store, judged, *SCORES))
    normals = tuple(number / 100 for number in range(50))
    drift = DriftReference(normals=normals, abnormals=(), prevalence=0.1, not_scored=0)
    other = policy(drift=drift.model_copy(update={"normals": tuple(2 * one for one in normals)}))
    ranks = ScorePercentiles(store, loaded(policy(drift=drift), **{"b" * 64: other}))
    assert ranks.known(MODEL).words == "50 normals of the calibration" and ranks.of(MODEL, 0.25) == 0.51
    assert ranks.known("b" * 64).words == "50 normals of the calibration" and ranks.of("b" * 64, 0.25) == 0.26
    assert ranks.is_of_site(MODEL) and ranks.is_of_site("b" * 64) and not ranks.is_of_site("c" * 64)
    few = ScorePercentiles(store, loaded(policy(drift=drift.model_copy(update={"normals": normals[:3]}))))
    assert few.of(MODEL, 0.25) is None
    assert "a percentile needs 20 normals of the calibration, and there are 3" in few.known(MODEL).words


def flags(ranks: ScorePercentiles, entry: ListedStudy, *, state: str = "clears") -> bool:
    promise = Promise(state=state, policy=None, why="")  # type: ignore[arg-type]
    return ranks.row(entry, promise, blind=True).flag


def test_a_blind_flag_is_of_what_waits_and_ends_while_something_stands_against_the_policy(
    store: Store, judged: Judged
) -> None:
    for number, (action, priority) in enumerate([("read", 0.97), ("read", 0.6), ("clear", 0.97), ("not_scored", 2.0)]):
        judged(number, action, priority)
    entries = [*store.studies.page(StudyQuery(limit=200)).rows, *store.studies.page(StudyQuery(tab="cleared")).rows]
    by = {(entry.state, entry.priority): entry for entry in entries}
    high, middle = by["to_read", 0.97], by["to_read", 0.6]
    conformal, likely = (
        ScorePercentiles(store, loaded(policy(drift=ENOUGH))),
        ScorePercentiles(store, loaded(policy(probability=SOME, drift=ENOUGH))),
    )
    assert [flags(ranks, high) for ranks in (conformal, likely)] == [True, True]
    assert [flags(ranks, middle) for ranks in (conformal, likely)] == [False, False], "0.6 is no limit of its own"
    assert [flags(ranks, high, state="stopped") for ranks in (conformal, likely)] == [False, False]
    assert not any(flags(likely, entry) for entry in entries if entry.state != "to_read")


def test_a_blind_flag_follows_the_place_in_the_list_alone(store: Store, judged: Judged) -> None:
    for number in range(6):
        judged(number, "read", 0.9)
    sampled = judged(50, "clear", 0.01, audit_share=1.0).study
    ranks = ScorePercentiles(store, loaded(policy(probability=SOME, drift=ENOUGH)))
    flagged = {entry.study: flags(ranks, entry) for entry in store.studies.page(StudyQuery()).rows}
    assert flagged[sampled] and set(flagged.values()) == {True}, "its score would not have flagged it"


ENOUGH = DriftReference(
    normals=tuple(number / 100 for number in range(100)), abnormals=(), prevalence=0.1, not_scored=0
)
SOME = ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.5)
