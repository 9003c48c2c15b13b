"""A score's place among the reference set, and which rows are flagged; on a blind page that tells no sampled study."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import percentileofscore
from sqlalchemy import select

from tests.worklist.conftest import Judged
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.probability import ProbabilityMap
from unseen.web.state import KEPT_S, Ranks
from unseen.worklist.store import Store
from unseen.worklist.tables import films, findings

MODEL = "a" * 64
SCORES = [0.1, 0.2, 0.2, 0.4, 0.9]


def policy(**more: Any) -> Policy:
    ward = SourcePolicy(abnormals=29, normals=(0.1, 0.2), threshold=0.15, allowed_misses=0)
    rates: Any = {"max_miss_rate": 0.1, "confidence": 0.95, "level": 0.95}
    return Policy(model="pca", weights_sha256=MODEL, sources={"ward": ward}, **rates, **more)


def scored(store: Store, judged: Judged, *scores: float) -> None:
    """`MODEL` has scored a film each."""
    for number, score in enumerate(scores):
        film = judged(1000 + int(1000 * score) + number).film_id
        with store.database.writing() as connection:
            row = connection.execute(select(films).where(films.c.public_id == film)).one()
            connection.execute(
                findings.insert().values(film_id=row.id, model=MODEL, score=score, parts="{}", made_us=0)
            )


def test_ranks_are_scipys(store: Store, judged: Judged) -> None:
    scored(store, judged, *SCORES)
    ranks = Ranks(store, lambda: None)
    for score in (0.0, 0.1, 0.15, 0.2, 0.9, 2.0):
        assert ranks.of(MODEL, score) == pytest.approx(percentileofscore(SCORES, score, kind="mean") / 100)
    assert ranks.of(None, 0.5) is ranks.of(MODEL, None) is ranks.of("b" * 64, 0.5) is None


def test_the_reference_set_is_asked_for_once_a_while(store: Store, judged: Judged) -> None:
    scored(store, judged, 0.1, 0.3)
    now = 0.0
    ranks = Ranks(store, lambda: None, clock=lambda: now)
    assert ranks.of(MODEL, 0.2) == 0.5
    scored(store, judged, 0.5, 0.6)
    now = KEPT_S - 1
    assert ranks.of(MODEL, 0.2) == 0.5, "still the one that was asked for"
    now = KEPT_S
    assert ranks.of(MODEL, 0.2) == 0.25


def test_a_flag_says_that_a_waiting_study_differs_from_the_reference_set(store: Store, judged: Judged) -> None:
    for number, (action, priority) in enumerate([("read", 0.97), ("read", 0.6), ("clear", 0.97), ("not_scored", 2.0)]):
        judged(number, action, priority)
    entries = [*store.page(limit=200).rows, *store.page("cleared").rows]
    by = {(entry.state, entry.priority): entry for entry in entries}
    high, middle = by["to_read", 0.97], by["to_read", 0.6]
    by_rank = Ranks(store, lambda: None)
    assert by_rank.flags(middle, 0.95, blind=False) and not by_rank.flags(high, 0.94, blind=False)
    assert not by_rank.flags(high, None, blind=False)
    conformal, likely = Ranks(store, policy), Ranks(store, lambda: policy(probability=SOME))
    assert [ranks.flags(high, None, blind=True) for ranks in (conformal, likely)] == [True, True]
    assert [ranks.flags(middle, None, blind=True) for ranks in (conformal, likely)] == [False, True]
    for entry in entries:
        if entry.state != "to_read":
            assert not likely.flags(entry, 0.99, blind=True) and not likely.flags(entry, 0.99, blind=False)


def test_a_blind_flag_follows_the_place_in_the_list_alone(store: Store, judged: Judged) -> None:
    for number in range(6):
        judged(number, "read", 0.9)
    sampled = judged(50, "clear", 0.01, audit_share=1.0).study
    ranks = Ranks(store, lambda: policy(probability=SOME))
    flags = {entry.study: ranks.flags(entry, None, blind=True) for entry in store.page().rows}
    assert flags[sampled] and set(flags.values()) == {True}, "its score would not have flagged it"


SOME = ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.5)
