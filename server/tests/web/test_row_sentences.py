"""Flag, sentence and number of a row never disagree, in any state; three reference films give no percentile."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import Api
from tests.worklist.conftest import Judged, MakePlace, Place
from tests.worklist.reporting import look_and_report
from tests.worklist.test_showing import FIRST, Scored, scored  # noqa: F401  a fixture
from unseen.screening.policy import Decision
from unseen_server.web.promise import Promise
from unseen_server.web.sentences import EARLIER, LIKELY, Reading, in_words, reading_of
from unseen_server.worklist.labels import FEWEST, Reference
from unseen_server.worklist.listing import Entry
from unseen_server.worklist.states import STATES
from unseen_server.worklist.store import Store

LIMITS = {"probability": LIKELY, "percentile": EARLIER}
THEN = datetime(2026, 11, 24, tzinfo=UTC)
BASE = Entry(
    study="s-1", state="to_read", source="ward", films=1, received=THEN, changed=THEN, priority=0.5, overdue=False,
    reason="", claimed_by=None, claimed=None, probability=None, score=1.0, film=None, model="m", policy="p",
    outcome=None, reported_by=None, how=None, seen=False,
)  # fmt: skip
share = st.none() | st.floats(0, 1)


@st.composite
def entries(draw: Any) -> Entry:
    state = draw(st.sampled_from(STATES))
    refused = state in ("not_scored", "in_reading") and (state == "not_scored" or draw(st.booleans()))
    how = draw(st.sampled_from(["seen", "elsewhere", "returned", "discarded"])) if state == "set_aside" else None
    outcome = draw(st.sampled_from([None, "normal", "abnormal", "unsure"])) if state.startswith("reported") else None
    return replace(
        BASE, state=state, reason="blank: nothing can be seen" if refused else "", outcome=outcome, how=how,
        reported_by=draw(st.sampled_from([None, "ann"])), score=None if refused else draw(st.floats(-1e6, 1e6)),
        priority=draw(share), overdue=draw(st.booleans()),
    )  # fmt: skip


@given(entries(), share, share, st.booleans(), st.booleans())
def test_flag_sentence_and_number_agree_in_every_state(
    entry: Entry, rank: float | None, probability: float | None, blind: bool, early: bool
) -> None:
    if entry.score is None:
        rank = probability = None
    reading = reading_of(entry, rank=rank, probability=probability, blind=blind, early=early)
    waits = entry.state in ("to_read", "in_reading") and not entry.reason
    said = reading.words.lower()
    assert reading.flag == ("read earlier" in said), "the flag and the sentence"
    assert waits or not reading.flag, "only what waits is flagged"
    assert (reading.number is None) == (reading.measure is None)
    if blind:
        assert reading.number is None, "a number would tell which studies are sampled"
    if reading.number is not None and reading.measure is not None:
        high = reading.number >= LIMITS[reading.measure]
        assert high == reading.flag, "the number and the flag"
        assert not (high and "does not stand out" in said) and not ("differs from" in said and not high)
    if entry.state == "cleared":
        assert "cleared" in said
    if entry.outcome != "normal":
        assert "reported normal" not in said and "is normal" not in said and "looks normal" not in said


@given(entries(), share, share, st.sampled_from(["clears", "stopped", "ranks"]))
def test_the_panel_begins_with_the_sentence_of_the_row(
    entry: Entry, rank: float | None, probability: float | None, state: Any
) -> None:
    promise = Promise(state=state, policy=None, why="" if state == "clears" else "Nothing is cleared.")
    shown = None  # no policy covers it
    reading = reading_of(entry, rank=rank, probability=shown, blind=False, early=False)
    action: Any = "not_scored" if entry.reason else "clear" if entry.state == "cleared" else "read"
    decision = Decision(
        action=action, score=entry.score, probability=probability, p_value=probability, priority=0.5, reason="so",
        policy_digest="p",
    )  # fmt: skip
    words = in_words(decision, reading, Reference.of([0.0] * 3, "films"), promise=promise)
    text = " ".join(words).lower()
    assert "probability of being abnormal" not in text and "at least as unusual" not in text
    if action == "read":
        assert words[0] == f"{reading.words}." and "no percentile yet: it needs 20 films, and there are 3" in text
    assert ("read earlier" in text) == (reading.flag and action == "read")


def test_what_is_likely_abnormal_is_not_said_to_stand_out_little() -> None:
    """Release 0.1 wrote "does not stand out" beside "probability 61 %"."""
    reading = reading_of(BASE, rank=0.4, probability=0.61, blind=False, early=False)
    assert reading == Reading(
        words="More likely abnormal than not: read earlier", flag=True, number=0.61, measure="probability"
    )


@pytest.fixture
def place(make_place: MakePlace) -> Place:
    return make_place("sqlite")


def test_three_reference_films_give_no_percentile(api: Api, store: Store, scored: Scored) -> None:  # noqa: F811
    """Release 0.1 placed a score among the last three films, whatever they showed, as "the reference set"."""
    for number in range(4):
        scored(number, {FIRST: float(number)})
    for row in store.page("to_read", limit=3, blind=False).rows:
        store.claim(row.study, "ann")
        look_and_report(store, row.study, "ann", "normal")
    found = store.reference(FIRST)
    assert (found.scores, found.count, found.words) == (
        (),
        3,
        "no percentile yet: it needs 20 normal films from this site, and there are 3",
    )
    page = api.lead.post("/studies/search", json={"tab": "all"}).json()
    assert {row["number"] for row in page["rows"]} == {None} and not any(row["flag"] for row in page["rows"])
    for row in page["rows"]:
        look = api.lead.get(f"/films/{row['film']}/look").json() if row["film"] else None
        for model in look["models"] if look else []:
            assert model["rank"] is None and model["reference"]["count"] == 3
            assert model["reference"]["needed"] == FEWEST


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
        store.claim(row["study"], "ann")
        look_and_report(store, row["study"], "ann", "abnormal")
    page = api.reader.post("/studies/search", json={"grouped": True}).json()
    assert page["groups"] == [] and page["total"] == 23, "below twenty they stand in the list one by one"


def test_the_guide_begins_with_films_and_names_what_is_missing(api: Api) -> None:
    told = api.lead.get("/fit").json()
    assert told["steps"][0]["state"] == "next" and told["model_name"] == ""
