"""Flag, sentence and number of a row never disagree, in any state and for any role; every score has a reference."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from studies.replayed import Replayed, replayed_film
from tests.web.conftest import Api, MakeApi
from tests.worklist.conftest import Judged
from tests.worklist.reporting import look_and_report
from tests.worklist.test_showing import FIRST, Scored, scored  # noqa: F401  a fixture
from unseen.artifacts import FLAGGED_FROM, ReferenceNormals
from unseen.screening.decision import Decision
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.probability import ProbabilityMap
from unseen.screening.screener import Screener
from unseen_server.service.scoring_models import Models
from unseen_server.web.listed_study import Listed
from unseen_server.web.promise import Promise
from unseen_server.web.shapes import Decided
from unseen_server.web.study_sentences import in_words, reading_of
from unseen_server.worklist.listing import ListedStudy
from unseen_server.worklist.patient_identities import IdentityClaim
from unseen_server.worklist.states import STATES
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

THEN = datetime(2026, 11, 24, tzinfo=UTC)
BASE = ListedStudy(
    study="s-1", state="to_read", source="ward", films=1, received=THEN, changed=THEN, priority=0.5, overdue=False,
    reason="", claimed_by=None, claimed=None, probability=None, score=1.0, film=None, model="m", policy="p",
    outcome=None, reported_by=None, how=None, seen=False,
)  # fmt: skip
share = st.none() | st.floats(0, 1)


@st.composite
def entries(draw: Any) -> ListedStudy:
    state = draw(st.sampled_from(STATES))
    refused = state in ("not_scored", "in_reading") and (state == "not_scored" or draw(st.booleans()))
    how = draw(st.sampled_from(["seen", "elsewhere", "returned", "discarded"])) if state == "set_aside" else None
    outcome = draw(st.sampled_from([None, "normal", "abnormal", "unsure"])) if state.startswith("reported") else None
    return replace(
        BASE, state=state, reason="blank: nothing can be seen" if refused else "", outcome=outcome, how=how,
        reported_by=draw(st.sampled_from([None, "ann"])), score=None if refused else draw(st.floats(-1e6, 1e6)),
        priority=draw(share), overdue=draw(st.booleans()), versions=draw(st.booleans()),
        claims=draw(st.sampled_from([(), (IdentityClaim(study="s-1", films=("f-1", "f-2")),)])),
    )  # fmt: skip


POLICY: dict[str, Any] = {
    "model": "pca", "weights_sha256": "ab" * 32, "max_miss_rate": 0.1, "confidence": 0.95, "level": 0.95,
    "sources": {"ward": SourcePolicy(abnormals=29, normals=(0.1, 0.2), threshold=0.15, allowed_misses=0)},
}  # fmt: skip
MAPPED = ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.5)
HALVES = DriftReference(normals=(0.1, 0.2), abnormals=(0.3, 0.4), prevalence=0.5, not_scored=0)
POLICIES = {
    "none entered": Policy(**POLICY),
    "entered": Policy(**POLICY, probability=MAPPED),
    "as labelled, of an earlier format": Policy(**POLICY, probability=MAPPED, drift=HALVES, format=2),
}


@given(entries(), share, st.booleans(), st.booleans())
def test_flag_sentence_and_number_agree_in_every_state_for_every_role(
    entry: ListedStudy, rank: float | None, blind: bool, early: bool
) -> None:
    if entry.score is None:
        rank = None
    reading = reading_of(entry, rank=rank, blind=blind, early=early)
    waits = entry.state in ("to_read", "in_reading") and not entry.reason
    said = reading.words.lower()
    assert reading.flag == ("read earlier" in said), "the flag and the sentence"
    assert waits or not reading.flag, "only what waits is flagged"
    assert (reading.number is None) == (reading.measure is None)
    if blind:
        assert reading.number is None, "a number would tell which studies are sampled"
        assert reading.flag == (waits and early)
    else:
        assert reading.number == rank, "a score that is known is shown in every state, reported ones included"
        high = reading.number is not None and reading.number >= FLAGGED_FROM
        assert reading.flag == (waits and high), "the number and the flag"
        assert not (high and "does not stand out" in said) and not ("differs from" in said and not high)
    if entry.state == "cleared" and not entry.claims and not entry.versions:
        assert "cleared" in said
    if entry.outcome != "normal":
        assert "reported normal" not in said and "is normal" not in said and "looks normal" not in said


@given(
    entries(),
    share,
    st.sampled_from(["clears", "stopped", "ranks"]),
    st.sampled_from(sorted(POLICIES)),
    st.booleans(),
)
def test_no_probability_is_shown_unless_a_prevalence_was_entered_and_the_policy_clears(
    entry: ListedStudy, probability: float | None, state: Any, which: str, covered: bool
) -> None:
    """A policy took the labelled studies' own share, and 13 of 25 films were more likely abnormal than not."""
    policy = POLICIES[which]
    promise = Promise(state=state, policy=policy, why="" if state == "clears" else "Nothing is cleared.")
    entry = replace(entry, probability=probability, policy=policy.digest if covered else "another")
    row = Listed.made(entry, promise)
    decision = Decision(
        action="read", score=1.0, probability=probability, p_value=None, priority=0.5, reason="so",
        policy_digest=entry.policy,
    )  # fmt: skip
    decided = Decided.of(decision, promise)
    assert decided is not None
    shown = probability if which == "entered" and covered and state == "clears" else None
    assert row.probability == decided.probability == shown
    reading = reading_of(entry, rank=0.4, blind=False, early=False)
    text = " ".join(in_words(decision, reading, None, promise=promise)).lower()
    assert ("probability of being abnormal" in text) == (shown is not None)
    assert (promise.prevalence is not None) == (which == "entered" and state == "clears")


@given(entries(), share, st.sampled_from(["clears", "stopped", "ranks"]))
def test_the_panel_begins_with_the_sentence_of_the_row_and_compares_the_score(
    entry: ListedStudy, rank: float | None, state: Any
) -> None:
    promise = Promise(state=state, policy=None, why="" if state == "clears" else "Nothing is cleared.")
    reading = reading_of(entry, rank=rank, blind=False, early=False)
    action: Any = "not_scored" if entry.reason else "clear" if entry.state == "cleared" else "read"
    decision = Decision(
        action=action, score=entry.score, probability=None, p_value=None, priority=0.5, reason="so",
        policy_digest="p",
    )  # fmt: skip
    words = in_words(decision, reading, ReferenceNormals.of([0.0] * 20, "normals of this site"), promise=promise)
    text = " ".join(words).lower()
    if action == "read":
        assert words[0] == f"{reading.words}."
        assert (" of 20 normals of this site." in text) == (entry.score is not None)
    assert ("read earlier" in text) == (reading.flag and action == "read")


def test_before_twenty_normals_of_the_site_scores_are_compared_with_the_training_normals(
    make_api: MakeApi,
    models: Models,
    store: Store,
    scored: Scored,  # noqa: F811
) -> None:
    """Every card, row and panel had "–" until twenty normal films were reported at the site."""
    api = make_api(models=models)
    own = models.card.weights_sha256
    for number in range(4):
        scored(number, {own: 100.0 * number, FIRST: float(number)})
    for row in store.studies.page(StudyQuery(tab="to_read", limit=3, blind=False)).rows:
        store.studies.claim(row.study, "ann")
        look_and_report(store, row.study, "ann", "normal")
    page = api.lead.post("/studies/search", json={"tab": "all"}).json()
    words = f"the model's {len(models.card.normal_scores)} training normals (of Montgomery and Shenzhen)"
    assert page["reference"]["words"] == words and page["reference"]["of_site"] is False
    for row in page["rows"]:
        listed = next(one for one in row["models"] if one["model"] == own)
        look = api.lead.get(f"/films/{row['film']}/look").json() if row["film"] else {"models": []}
        by = {model["model"]: model for model in look["models"]}
        assert listed["sentence"].endswith(words) and listed["rank"] is not None
        if by:
            assert by[own]["sentence"] == listed["sentence"] and by[own]["rank"] == listed["rank"]
            assert by[FIRST]["rank"] is None
            assert by[FIRST]["sentence"] == (
                "no reference: this server was not given this model; a percentile needs 20 normals of this site, and "
                "there are 3"
            )
    assert {row["state"] for row in page["rows"]} == {"to_read", "reported"}, "reported rows keep their scores"


def test_a_wall_of_refusals_is_one_group_with_its_films_behind(api: Api, store: Store, judged: Judged) -> None:
    why = "unlike the films that the model learnt from: the place and shape of the lungs differs most. Have it read"
    for number in range(25):
        judged(number, "not_scored", reason=why)
    for number in range(25, 28):
        judged(number, "not_scored", reason=f"blank: spread {number}")
    judged(40, "read", 0.7)
    page = api.reader.post("/studies/search", json={"grouped": True}).json()
    (group,) = page["groups"]
    assert group["words"] == "25 studies not scored: unlike the films that the model learnt from. Look at the set-up"
    assert [row["clause"] for row in page["rows"]] == ["blank"] * 3 + [""] and page["total"] == 4
    behind = api.reader.post("/studies/search", json={"refusal": group["clause"], "limit": 200}).json()
    assert len(behind["rows"]) == 25 and {row["clause"] for row in behind["rows"]} == {group["clause"]}
    assert behind["rows"][0]["why"].startswith("the place and shape of the lungs differs most")
    assert api.reader.post("/studies/search", json={}).json()["total"] == 29, "ungrouped, nothing is left out"
    for row in behind["rows"][:6]:
        store.studies.claim(row["study"], "ann")
        look_and_report(store, row["study"], "ann", "abnormal")
    page = api.reader.post("/studies/search", json={"grouped": True}).json()
    assert page["groups"] == [] and page["total"] == 23, "below twenty they stand in the list one by one"


def test_the_guide_begins_with_films_and_names_what_is_missing(api: Api) -> None:
    told = api.lead.get("/fit").json()
    assert told["steps"][0]["state"] == "next" and told["model_name"] == ""


def test_a_film_of_the_time_without_a_policy_does_not_deny_the_policy_in_force() -> None:
    """The list stated what the policy clears, and the panel "No policy: films are ranked, and none is cleared"."""
    policy = POLICIES["entered"]
    reading = reading_of(BASE, rank=None, blind=False, early=False)
    for screener, remark in ((Screener(Replayed()), ""), (Screener(Replayed()), "it differs [differs]")):
        decision = screener.decide(3.0, replayed_film("new", 3.0, source="ward"), remark)
        stands = [
            in_words(decision, reading, None, promise=Promise(state=state, policy=of, why="Stopped."))
            for state, of in (("ranks", None), ("clears", policy), ("stopped", policy))
        ]
        said = [" ".join(words).lower() for words in stands]
        assert "none is cleared" in said[0]
        for later in said[1:]:
            assert "no policy" not in later and "none is cleared" not in later
            assert f"{remark and remark + ': '}it was scored before the policy in force, so it is not cleared" in later
