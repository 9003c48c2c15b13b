"""Nothing is reported unseen, nothing promised while an alarm stands, and one person alone starts nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.data.making import dicom
from tests.screening.test_screener import at
from tests.web.conftest import Api, MakeApi, activated, look_at, said
from tests.web.test_viewing import RAW, noise
from tests.worklist.test_safety import NOTE, alarmed
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.probability import ProbabilityMap
from unseen.screening.screener import Screener
from unseen_server.service.scoring_models import Models
from unseen_server.web.clearing_summary import NO_EVALUATION, NO_GATE
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.store import Store

NOT_A_FILM = b"this is a text file, and no film at all\n" * 8
PROMISES = ("at most", "% confidence", "probability of being abnormal", "a score as high or higher")


@pytest.fixture(scope="module")
def policy(models: Models) -> Policy:
    """A policy that clears nearly nothing from `ward`, and gives each of its films a probability."""
    return Policy(
        model="pca",
        weights_sha256=models.card.weights_sha256,
        model_parts=models.card.digests,
        max_miss_rate=0.05,
        confidence=0.95,
        level=0.95,
        sources={"ward": SourcePolicy(abnormals=59, normals=tuple(n / 1e6 for n in range(40)), threshold=1e-9)},
        probability=ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.2),
    )


def film(api: Api, number: int) -> tuple[str, str]:
    """Return a film that was sent, and its study."""
    answer = api.lead.post("/films", content=dicom(noise(number), bits=12), headers=RAW | {"X-Film-Source": "ward"})
    told = answer.raise_for_status().json()
    return told["film"], told["study"]


# nothing unseen -------------------------------------------------------------------------------------------------------


def test_films_and_a_text_file_cannot_be_reported_unopened(api: Api, store: Store, screener: Screener) -> None:
    studies = [film(api, number)[1] for number in range(4)]
    sent = api.lead.post("/films", content=NOT_A_FILM, headers=RAW | {"X-Film-Source": "ward"}).json()
    Worker(store, lambda: screener).drain()
    for study in (*studies, sent["study"]):
        api.reader.post(f"/studies/{study}/claim").raise_for_status()
        refused = api.reader.post(f"/studies/{study}/report", json={"outcome": "normal"})
        assert refused.status_code == 409 and "was not shown to ann yet" in said(refused)
    assert api.lead.get("/compare/labelled").json()["films"] == [], "none of them is a label"
    rows = api.reader.post("/studies/search", json={}).json()["rows"]
    assert len(rows) == 5 and not any(row["seen"] for row in rows)


def test_who_has_painted_the_pixels_can_report_and_nobody_else(api: Api, store: Store, judged: Any) -> None:
    receipt = judged(1)
    name, study = receipt.film_id, receipt.study
    ticket = api.reader.get(f"/films/{name}/pixels").headers["x-film-ticket"]
    for client, wrong in ((api.other, ticket), (api.reader, "x" * 64), (api.reader, "")):
        refused = client.post(f"/films/{name}/seen", json={"ticket": wrong})
        assert refused.status_code == 409 and "ticket" in said(refused)
    assert api.reader.post(f"/films/f-{'0' * 20}/seen", json={"ticket": ticket}).status_code == 404
    assert not api.reader.get(f"/studies/{study}").json()["entry"]["seen"], "fetched ahead is not seen"
    for _ in range(2):
        assert api.reader.post(f"/films/{name}/seen", json={"ticket": ticket}).status_code == 204
    assert api.reader.get(f"/studies/{study}").json()["films"][0]["seen"]
    assert not api.other.get(f"/studies/{study}").json()["films"][0]["seen"]
    api.reader.post(f"/studies/{study}/claim").raise_for_status()
    told = api.reader.post(f"/studies/{study}/report", json={"outcome": "normal"}).raise_for_status().json()
    assert (told["state"], told["how"]) == ("reported", "seen")
    assert store.studies.details(study).reports[0].how == "seen"


def test_what_cannot_be_shown_is_set_aside_with_a_reason(api: Api, store: Store, screener: Screener) -> None:
    sent = api.lead.post("/films", content=NOT_A_FILM, headers=RAW | {"X-Film-Source": "ward"}).json()
    good, study = film(api, 1)
    Worker(store, lambda: screener).drain()
    broken = sent["study"]
    assert api.reader.post(f"/studies/{broken}/set-aside", json={"how": "returned", "reason": "x"}).status_code == 409
    api.reader.post(f"/studies/{broken}/claim").raise_for_status()
    assert api.reader.post(f"/studies/{broken}/set-aside", json={"how": "returned", "reason": ""}).status_code == 422
    assert api.reader.post(f"/studies/{broken}/set-aside", json={"how": "lost", "reason": "x"}).status_code == 422
    told = api.reader.post(f"/studies/{broken}/set-aside", json={"how": "returned", "reason": "a text file"}).json()
    assert (told["state"], told["how"], told["outcome"]) == ("set_aside", "returned", None)
    assert api.reader.post(f"/studies/{broken}/undo").json()["state"] == "in_reading"
    api.reader.post(f"/studies/{study}/claim").raise_for_status()
    refused = api.reader.post(f"/studies/{study}/set-aside", json={"how": "discarded", "reason": "I do not like it"})
    assert refused.status_code == 409 and "can be shown" in said(refused)
    look_at(api.reader, study)
    api.reader.post(f"/studies/{study}/report", json={"outcome": "normal"}).raise_for_status()
    assert [one["film"] for one in api.lead.get("/compare/labelled").json()["films"]] == [good]


def test_reports_of_another_system_are_labels_only_where_asked_for(api: Api, judged: Any) -> None:
    judged(1, AccessionNumber="A1")
    api.lead.post("/reported-elsewhere", json={"accession": "A1", "outcome": "normal"}).raise_for_status()
    told = api.lead.get("/compare/labelled").json()
    assert told["films"] == [] and told["not_counted"] == {"elsewhere": 1, "unrecorded": 0}
    told = api.lead.get("/compare/labelled?others=true").json()
    assert [one["origin"] for one in told["films"]] == ["elsewhere"] and told["not_counted"] == {}


# two people, a note each, after a summary ----------------------------------------------------------------------------


def test_one_lead_alone_cannot_clear(clearing: Api, store: Store, policy: Policy) -> None:
    alarmed(store, policy.digest)
    (alarm,) = clearing.lead.get("/alarms").json()["alarms"]
    starts, stops = alarm["summary"]["starts"], alarm["summary"]["stops"]
    assert "at most 5 % of abnormal studies are missed" in starts[0] and "The alarm of" in stops[0]
    path, seen = f"/alarms/{policy.digest}/acknowledge", {"summary": alarm["summary"]["digest"]}
    for wrong in (seen, seen | {"note": " "}, {"note": NOTE}):
        assert clearing.lead.post(path, json=wrong).status_code == 422, wrong
    unread = clearing.lead.post(path, json={"note": NOTE, "summary": "0" * 64})
    assert unread.status_code == 409 and "Read them again" in said(unread)
    assert clearing.lead.post(path, json={"note": NOTE} | seen).json() == {"resumed": False}
    again = clearing.lead.post(path, json={"note": NOTE} | seen)
    assert again.status_code == 409 and "a second person must" in said(again)
    assert store.alarms.clearing_stopped(policy.digest) and clearing.reader.get("/promise").json()["state"] == "stopped"
    (alarm,) = clearing.lead.get("/alarms").json()["alarms"]
    assert (alarm["first_by"], alarm["first_note"], alarm["mine"]) == ("lea", NOTE, True)
    assert clearing.lead.post(f"/alarms/{policy.digest}/withdraw").status_code == 204
    assert clearing.lead.post(path, json={"note": NOTE} | seen).json() == {"resumed": False}
    assert clearing.admin.post(path, json={"note": NOTE} | seen).json() == {"resumed": True}
    assert clearing.reader.get("/promise").json()["state"] == "clears"


def test_a_withdrawal_starts_no_clearing_of_what_the_server_was_started_with(
    clearing: Api, store: Store, policy: Policy
) -> None:
    """Ranking alone was agreed on by two; that one person takes that back must not start the policy of the start."""
    number = clearing.lead.post("/models/propose", json={"model": policy.weights_sha256, "note": NOTE}).json()["number"]
    activated(clearing.admin, number).raise_for_status()
    assert store.alarms.clearing_stopped(policy.digest) and clearing.reader.get("/promise").json()["state"] == "ranks"
    clearing.lead.post(f"/activations/{number}/withdraw").raise_for_status()
    told = clearing.reader.get("/promise").json()
    assert told["state"] == "stopped" and "lea has withdrawn proposal" in told["words"]


def test_what_is_activated_was_read_and_what_is_lacking_needs_a_reason(
    make_api: MakeApi, models: Models, store: Store, policy: Policy
) -> None:
    api = make_api(
        models=dataclasses.replace(models, card=models.card.model_copy(update={"gate": None, "metrics": {}}))
    )
    number = store.activations.propose(policy.weights_sha256, "pca", policy, actor="lea", note=NOTE).number
    (proposal,) = api.admin.get("/activations").json()["activations"]
    assert proposal["summary"]["lacks"] == [NO_GATE, NO_EVALUATION]
    refused = activated(api.admin, number)
    assert refused.status_code == 422 and "Type the reason" in said(refused)
    stale = activated(api.admin, number, summary="0" * 64, despite="a pilot")
    assert stale.status_code == 409 and "have changed since" in said(stale)
    assert activated(api.admin, number, note=" ", despite="a pilot").status_code == 422
    assert activated(api.lead, number, despite="a pilot").status_code == 409, "who proposed it is no second person"
    assert store.activations.active() is None
    done = activated(api.admin, number, despite="a pilot").raise_for_status().json()
    assert (done["activated_note"], done["despite"]) == ("looked at the figures", "a pilot")


def test_the_summary_says_what_starts_and_what_stops(clearing: Api, store: Store, policy: Policy) -> None:
    other = policy.model_copy(update={"max_miss_rate": 0.1})
    store.activations.propose(policy.weights_sha256, "pca", other, actor="lea", note=NOTE)
    (proposal,) = clearing.admin.get("/activations").json()["activations"]
    starts, stops = " ".join(proposal["summary"]["starts"]), " ".join(proposal["summary"]["stops"])
    assert "at most 10 % of abnormal studies are missed, with 95 % confidence" in starts and "of ward" in starts
    assert f"The policy in force ({policy.digest[:8]}) no longer clears." in stops
    assert proposal["summary"]["lacks"] == []
    assert "Readers also read 5 % of the cleared studies, as the audit sample." in starts


def test_a_policy_that_clears_nothing_has_no_audit_sample(clearing: Api, store: Store, policy: Policy) -> None:
    bare = {
        name: source.model_copy(update={"threshold": None, "cleared_normals": 0, "refused": "refused: too few"})
        for name, source in policy.sources.items()
    }
    store.activations.propose(
        policy.weights_sha256, "pca", policy.model_copy(update={"sources": bare}), actor="lea", note=NOTE
    )
    (proposal,) = clearing.admin.get("/activations").json()["activations"]
    starts = " ".join(proposal["summary"]["starts"])
    assert "Nothing is cleared from ward: refused: too few." in starts and "audit" not in starts


# no promise while an alarm stands ------------------------------------------------------------------------------------


def every_word(api: Api, name: str, study: str) -> dict[str, str]:
    """Return all that readers and leads are told of a study and of what clears, as text."""
    found = {}
    for who, client in (("reader", api.reader), ("lead", api.lead)):
        for path in (f"/films/{name}", f"/films/{name}/look", f"/studies/{study}", "/models", "/promise"):
            found[f"{who} {path}"] = client.get(path).raise_for_status().text
        found[f"{who} search"] = client.post("/studies/search", json={"tab": "all"}).raise_for_status().text
    found["lead /activations"] = api.lead.get("/activations").text
    return found


def test_while_an_alarm_stands_there_is_no_probability_and_no_promise_and_readers_see_why(
    clearing: Api, store: Store, policy: Policy, screener_of: Screener
) -> None:
    number = store.activations.propose(policy.weights_sha256, "pca", policy, actor="lea", note=NOTE).number
    store.activations.activate(number, actor="ada", note=NOTE)
    name, study = film(clearing, 1)
    Worker(store, lambda: screener_of).drain()
    before = every_word(clearing, name, study)
    assert clearing.lead.get(f"/films/{name}/look").json()["probability"] is not None
    assert "The policy clears at most 5 % of the abnormal studies that pass" in before["reader /promise"]
    assert "Probability of being abnormal" in before[f"lead /films/{name}/look"]
    alarmed(store, policy.digest)
    clearing.app.state.served.active.look()
    for where, text in every_word(clearing, name, study).items():
        for promise in PROMISES:
            assert promise not in text.lower(), f"{where}: {promise}"
        assert '"probability":0' not in text and '"p_value":0' not in text, where
        assert '"max_miss_rate":0.05' not in text or where == "lead /activations"
    told = clearing.reader.get("/promise").json()
    assert told["state"] == "stopped" and "do not look like those of the calibration" in told["why"]
    (row,) = clearing.lead.post("/studies/search", json={"tab": "all"}).json()["rows"]
    assert row["probability"] is None and row["score"] is not None
    assert any("Clearing is stopped" in words for words in clearing.lead.get(f"/films/{name}/look").json()["words"])


def test_a_probability_of_a_policy_that_is_not_in_force_is_not_shown(
    api: Api, make_api: MakeApi, models: Models, policy: Policy, store: Store, screener_of: Screener
) -> None:
    name, _ = film(api, 1)
    Worker(store, lambda: screener_of).drain()
    other = policy.model_copy(update={"max_miss_rate": 0.1})
    for given in (None, other):
        client = make_api(models=dataclasses.replace(models, policy=given)).lead
        (row,) = client.post("/studies/search", json={"tab": "all"}).json()["rows"]
        assert row["probability"] is None and client.get(f"/films/{name}/look").json()["probability"] is None
        assert client.get(f"/films/{name}").json()["decision"]["p_value"] is None


def test_a_source_that_was_not_calibrated_has_no_probability(screener_of: Screener, policy: Policy) -> None:
    for source, wanted in (("ward", True), ("elsewhere", False)):
        decision = screener_of.decide(0.5, at(0.5, source=source))
        assert (decision.probability is not None) is wanted
