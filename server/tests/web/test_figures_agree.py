"""The figures of a page agree: a probability names its prevalence, one study has one count of normals above it, and the
guide's steps follow one another."""

from __future__ import annotations

import dataclasses

import pytest

from tests.screening.test_screener import at
from tests.web.conftest import Api, MakeApi
from tests.web.test_safety import film
from tests.worklist.test_safety import alarmed
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.probability import ProbabilityMap
from unseen.screening.screener import Screener
from unseen_server.service.scoring_models import Models
from unseen_server.web.promise import Promise
from unseen_server.web.study_sentences import Reading, in_words
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store

WARD, NORTH = tuple(number / 100 for number in range(0, 60, 2)), tuple(number / 100 for number in range(1, 60, 2))


@pytest.fixture(scope="module")
def policy(models: Models) -> Policy:
    """A policy of two sources with thirty normal studies each; 20 % of the labelled were abnormal."""
    return Policy(
        model="pca",
        weights_sha256=models.card.weights_sha256,
        model_parts=models.card.digests,
        max_miss_rate=0.05,
        confidence=0.95,
        level=0.95,
        sources={
            name: SourcePolicy(abnormals=59, normals=normals, threshold=1e-9, allowed_misses=0)
            for name, normals in (("ward", WARD), ("north", NORTH))
        },
        probability=ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.2),
        drift=DriftReference(normals=tuple(sorted(WARD + NORTH)), abnormals=(0.8,), prevalence=0.2, not_scored=0),
    )


def gateless(models: Models, policy: Policy | None) -> Models:
    return dataclasses.replace(models, card=models.card.model_copy(update={"gate": None}), policy=policy)


def test_a_probability_stands_with_the_prevalence_that_it_assumes(
    clearing: Api, store: Store, policy: Policy, screener_of: Screener
) -> None:
    """It was 85.7 % "at this site's prevalence", where the labelled set held one abnormal study of two."""
    name, _ = film(clearing, 1)
    Worker(store, lambda: screener_of).drain()
    look = clearing.lead.get(f"/films/{name}/look").json()
    assert look["probability"] is not None and look["prevalence"] == 0.2
    (said,) = [words for words in look["words"] if words.startswith("Probability of being abnormal")]
    assert "if 20 % of the studies are abnormal, as was entered" in said and "this site" not in said
    assert "With fewer abnormal studies it is lower" in said
    assert clearing.lead.post("/studies/search", json={"tab": "all"}).json()["prevalence"] == 0.2
    assert clearing.reader.post("/studies/search", json={"tab": "all"}).json()["prevalence"] is None
    assert clearing.reader.get(f"/films/{name}/look").json()["prevalence"] is None
    alarmed(store, policy.digest)
    clearing.app.state.served.active.look()
    assert clearing.lead.get(f"/films/{name}/look").json()["prevalence"] is None
    assert clearing.lead.post("/studies/search", json={"tab": "all"}).json()["prevalence"] is None


@pytest.mark.parametrize("score", [0.0, 0.3, 0.58, 0.595, 7.0])
def test_sentence_and_chart_count_the_same_normal_studies(
    clearing: Api, policy: Policy, screener_of: Screener, score: float
) -> None:
    """A study was "higher than all of 60 normal studies", and "3.23 % of the calibration's … as high or higher"."""
    decision = screener_of.decide(score, at(score, source="ward"))
    assert decision.p_value is not None, "among its source's thirty, and one more"
    reference = clearing.app.state.served.ranks.known(policy.weights_sha256)
    at_least = sum(one >= score for one in WARD + NORTH)
    assert reference.count == 60
    words = in_words(
        dataclasses.replace(decision, action="read"),
        Reading(words="To be read in this order"),
        reference,
        promise=Promise(state="clears", policy=policy, why=""),
    )
    rank = reference.share(score)
    ties = (WARD + NORTH).count(score)
    assert rank is not None and 60 * (1 - rank) == pytest.approx(at_least - ties / 2), "what the chart draws"
    whole = int(100 * rank + 1e-9)  # half a tie, 0.5 of 60, is a share, but less than 1 %
    share = {0.0: "none", 1.0: "all"}.get(rank, f"{whole} %" if whole else "less than 1 %")
    assert f"Higher than {share} of 60 normals of the calibration." in words


def test_the_promise_is_of_the_studies_that_pass_the_gate_where_there_is_one(
    make_api: MakeApi, models: Models, policy: Policy
) -> None:
    gated = make_api(models=dataclasses.replace(models, policy=policy)).reader.get("/promise").json()["words"]
    assert "at most 5 % of the abnormal studies that pass the gate, with 95 % confidence" in gated
    ungated = make_api(models=gateless(models, policy)).reader.get("/promise").json()["words"]
    assert "at most 5 % of abnormal studies, with 95 % confidence" in ungated and "gate" not in ungated


def test_no_step_of_the_guide_is_done_before_the_one_that_it_rests_on(
    make_api: MakeApi, models: Models, policy: Policy
) -> None:
    """Without a gate, step 2 was "next" and step 3 "done": but a model that gets a gate needs another calibration."""
    steps = make_api(models=gateless(models, policy)).lead.get("/fit").json()["steps"]
    assert [step["state"] for step in steps] == ["done", "next", "waits"]
    assert steps[0]["words"] == "60 normals of the calibration."
    assert "A policy is in force" in steps[2]["words"] and "calibrate again" in steps[2]["words"]
    before = make_api(models=gateless(models, None)).lead.get("/fit").json()["steps"]
    assert [step["state"] for step in before] == ["next", "waits", "waits"]
