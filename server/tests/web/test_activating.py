"""Activations over HTTP: the second person, what a server then scores with, and what several servers make of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.web.conftest import Api, MakeApi, activated, said
from tests.web.running import Running, until
from tests.web.test_serving import judged, phantom, send
from tests.worklist.conftest import Clock, png
from tests.worklist.kept_store import KeptStores
from tests.worklist.test_activating import Reported, reported  # noqa: F401  a fixture
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy
from unseen.screening.probes import Probe
from unseen_server.service.scoring_models import Models
from unseen_server.service.worker_main import WorkerSettings
from unseen_server.service.workers import Workers
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import activations, decisions, films, findings

FOLDERS = (Path("models/pca"), Path("models/roi-sure"))
LOOSE = {"max_miss_rate": 0.3, "confidence": 0.9}


@pytest.fixture
def models() -> Models:
    return Models.of(FOLDERS[0], further=[FOLDERS[1]])


@pytest.fixture
def workers(store: Store) -> Workers:
    """Stand-in for the process to be started: these tests look at its arguments."""
    return Workers(WorkerSettings(where=str(store.home), films_folder=str(store.home), model=str(FOLDERS[0])), 1)


@pytest.fixture
def api(make_api: MakeApi, models: Models, workers: Workers) -> Api:
    return make_api(models=models, workers=workers)


@pytest.fixture
def labelled(
    reported: Reported,  # noqa: F811
    models: Models,
    store: Store,
    clock: Clock,
    kept_stores: KeptStores,
) -> list[str]:
    """Twenty studies, every other one abnormal, that the model that decides has scored."""
    weights = models.card.weights_sha256

    def make() -> list[str]:
        store.model_probes.keep(models.card.digest, [Probe(seed=0, score=1.0)], worker="worker")
        return [
            reported(n, 0.5 + 0.01 * n * (-1) ** n, "abnormal" if n % 2 == 0 else "normal", model=weights)
            for n in range(20)
        ]

    return kept_stores.fill(store, clock, "twenty labelled", make)


def test_the_cards_say_what_is_known_of_each_model(api: Api, models: Models) -> None:
    first, second = api.reader.get("/models/cards").json()["models"]
    assert (first["name"], first["role"], second["name"], second["role"]) == ("pca", "decides", "roi-sure", "compares")
    card = models.card
    assert (first["weights_bytes"], first["training_films"]) == (card.weights_bytes, len(card.training_films))
    assert first["data"] == card.data and first["licence"] == card.licence and first["limits"] == card.limits
    assert first["training"] == "" and second["training"] == models.named[second["weights_sha256"]][1].budget
    assert second["training"].endswith("Training steps are not recorded in this bundle.")
    pooled = next(f for f in first["figures"] if (f["measure"], f["group"]) == ("auroc", "pooled"))
    told: Any = card.metrics["cross_fitted_twin"]
    assert {name: pooled[name] for name in ("value", "low", "high")} == told["auroc"]["pooled"]
    assert (pooled["normals"], pooled["abnormals"]) == (277, 267)


def test_a_lead_proposes_and_another_activates(
    api: Api, models: Models, workers: Workers, store: Store, labelled: list[str]
) -> None:
    weights = models.card.weights_sha256
    far = api.lead.get("/calibration", params={"model": weights} | LOOSE).json()
    (ward,) = far["sources"]
    assert (ward["abnormals"], ward["normals"], far["ready"]) == (10, 10, True)
    assert [one["abnormals"] for one in far["needed"]] == [7, 12, 16]
    made = api.lead.post("/calibration/propose", json={"model": weights, "note": "why", "prevalence": 0.2} | LOOSE)
    assert made.status_code == 201, made.text
    number = made.json()["number"]
    assert (made.json()["standing"], made.json()["mine"], made.json()["policy"]["prevalence"]) == (
        "proposed",
        True,
        0.2,
    )
    assert made.json()["further"] == [], "no other model has scored a labelled film"
    assert "second person" in said(activated(api.lead, number))
    assert api.reader.post(f"/activations/{number}/activate", json={"note": "x", "summary": "x"}).status_code == 403
    assert workers.settings.policy is None and not api.app.state.served.is_blind("reader")
    done = activated(api.admin, number).json()
    assert (done["standing"], done["activated_by"]) == ("active", "ada")
    assert api.app.state.served.is_blind("reader")
    assert workers.settings.policy is not None
    policy = Policy.load(workers.settings.policy)
    assert policy.digest == done["policy"]["digest"]
    assert policy.gate == models.card.gate["thresholds"]  # type: ignore[index]
    scoring = api.lead.get("/models").json()["models"][0]
    assert scoring["policy"]["digest"] == policy.digest
    api.lead.post(f"/activations/{number}/withdraw").raise_for_status()
    assert workers.settings.policy is None and api.lead.get("/models").json()["models"][0]["policy"] is None
    assert store.alarms.clearing_stopped(policy.digest), "a worker that still has it clears no more"


def test_one_calibration_covers_all_loaded_models(
    api: Api,
    models: Models,
    store: Store,
    reported: Reported,  # noqa: F811
) -> None:
    """Before, one of two models was calibrated, and the other never had a percentile."""
    weights, other = models.card.weights_sha256, models.further[0].card.weights_sha256
    store.model_probes.keep(models.card.digest, [Probe(seed=0, score=1.0)], worker="worker")
    for n in range(30):
        reported(n, 0.01 * n, "abnormal" if n < 10 else "normal", model=weights)
    with store.database.writing() as connection:
        for n, film in enumerate(connection.execute(sqlalchemy.select(films.c.id).order_by(films.c.id)).scalars()):
            connection.execute(
                findings.insert().values(film_id=film, model=other, score=5.0 + n, parts="{}", made_us=0)
            )
    made = api.lead.post("/calibration/propose", json={"model": weights, "note": "why"} | LOOSE)
    assert made.status_code == 201, made.text
    assert made.json()["further"] == [{"model": other, "name": "roi-sure", "normals": 20}]
    assert made.json()["policy"]["prevalence"] is None, "nobody entered one"
    ranks = api.app.state.served.ranks
    assert ranks.reference_now(other).words == "20 normals of this site"
    activated(api.admin, made.json()["number"]).raise_for_status()
    for model in (weights, other):
        assert ranks.reference_now(model).words == "20 normals of the calibration"
    assert ranks.reference_now(other).share(5.0 + 30) == 1.0
    with store.database.writing() as connection:
        connection.execute(activations.update().values(further=activations.c.further + " "))
        altered = connection.execute(sqlalchemy.select(activations.c.further)).scalar_one().replace("34.0", "35.0")
        connection.execute(activations.update().values(further=altered))
    with pytest.raises(WorklistError, match="is not the one that was proposed"):
        store.activations.active()


def test_another_model_decides_when_it_was_activated(api: Api, models: Models, workers: Workers) -> None:
    other = models.further[0].card
    number = api.lead.post("/models/propose", json={"model": other.weights_sha256, "note": "why"}).json()["number"]
    activated(api.admin, number).raise_for_status()
    assert (workers.settings.model, workers.settings.further) == ("models/roi-sure", ("models/pca",))
    assert [one["role"] for one in api.reader.get("/models/cards").json()["models"]] == ["decides", "compares"]
    assert api.reader.get("/models/cards").json()["models"][0]["name"] == "roi-sure"
    told = api.lead.get("/activations").json()
    assert (told["scoring"], told["problem"]) == (number, "")


def test_every_server_on_a_worklist_follows_and_one_without_the_model_says_so(
    make_api: MakeApi, api: Api, models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    other = models.further[0].card
    without = make_api(models=Models.of(FOLDERS[0]))
    number = api.lead.post("/models/propose", json={"model": other.weights_sha256, "note": "why"}).json()["number"]
    activated(api.admin, number).raise_for_status()
    later = make_api(models=dataclasses.replace(models))
    assert later.app.state.served.models.card == other, "a server that starts later follows from the start"
    without.app.state.served.active.look()
    told = without.lead.get("/activations").json()
    assert told["scoring"] is None and "this server does not have that model" in told["problem"]
    assert "activation.not_here" in caplog.text
    assert without.app.state.served.models.card == models.card


def test_a_policy_of_another_gate_is_not_followed(api: Api, store: Store, models: Models, workers: Workers) -> None:
    weights, parts = models.card.weights_sha256, models.card.digests | {"gate": "0" * 64}
    rates = {"max_miss_rate": 0.1, "confidence": 0.9, "level": 0.9}
    policy = Policy(model="pca", weights_sha256=weights, model_parts=parts, **rates)
    store.activations.propose(weights, "pca", policy, actor="lea", note="why")
    store.activations.activate(1, actor="ada", note="looked at it")
    told = api.lead.get("/activations").json()
    assert "another gate" in told["problem"] and workers.settings.policy is None


def test_what_cannot_be_calibrated_is_a_sentence(api: Api, models: Models, labelled: list[str]) -> None:
    weights = models.card.weights_sha256
    strict = api.lead.post("/calibration/propose", json={"model": weights, "note": "why", "max_miss_rate": 0.01})
    assert strict.status_code == 422 and "ward: 10 of 299 abnormal studies are reported" in said(strict)
    for wrong in (
        {"note": " "},
        {"max_miss_rate": 0},
        {"max_miss_rate": 1},
        {"confidence": 1.5},
        {"prevalence": 0},
        {"x": 1},
    ):
        assert (
            api.lead.post("/calibration/propose", json={"model": weights, "note": "why"} | wrong).status_code == 422
        ), wrong
    tiny = api.lead.get("/calibration", params={"model": weights, "max_miss_rate": 1e-9})
    assert tiny.status_code == 422 and "more than 1000000 abnormal studies" in said(tiny)
    unknown = api.lead.get("/calibration", params={"model": "0" * 64})
    assert unknown.status_code == 404 and "was not given a model" in said(unknown)
    other = api.lead.post(
        "/calibration/propose", json={"model": models.further[0].card.weights_sha256, "note": "why"} | LOOSE
    )
    assert "None is labelled yet" in said(other), "that model has not seen the films"
    assert api.lead.get("/activations").json()["activations"] == []


def test_late_scores_are_beside_the_calibrations(api: Api, store: Store, models: Models, labelled: list[str]) -> None:
    told = api.lead.get("/drift").json()
    assert told["policy"] is None and told["reference"] is None, "ten normal films are too few to compare with"
    assert [block["scored"] for block in told["blocks"]] == [20]
    weights = models.card.weights_sha256
    number = api.lead.post("/calibration/propose", json={"model": weights, "note": "why"} | LOOSE).json()["number"]
    activated(api.admin, number).raise_for_status()
    told = api.lead.get("/drift").json()
    drift = store.activations.active().policy.drift  # type: ignore[union-attr]
    assert isinstance(drift, DriftReference)
    assert told["reference"] is None and told["window"] == drift.window and len(drift.normals) == 10
    assert api.lead.get("/audit/sample/growth").json() == {"points": []}


def test_a_server_without_models_says_so(make_api: MakeApi, store: Store) -> None:
    bare = make_api()
    assert bare.reader.get("/models/cards").json() == {"models": []}
    assert bare.lead.get("/drift").json()["model"] is None
    assert bare.lead.post("/models/propose", json={"model": "0" * 64, "note": "why"}).status_code == 404
    weights = "a" * 64
    policy = Policy(model="pca", weights_sha256=weights, max_miss_rate=0.1, confidence=0.9, level=0.9)
    store.activations.propose(weights, "pca", policy, actor="lea", note="why")
    store.activations.activate(1, actor="ada", note="looked at it")
    assert json.dumps(bare.lead.get("/activations").json()["problem"]) == '""'
    assert bare.app.state.served.is_blind("reader"), "workers elsewhere may clear by it"
    assert store.films.receive(png(1), name="a").study


@pytest.mark.slow
def test_workers_finish_what_they_have_and_then_score_by_what_was_activated(tmp_path: Path, models: Models) -> None:
    """Activated elsewhere, while films wait: none is lost."""
    home, other = tmp_path / "worklist", models.further[0].card.weights_sha256
    words = ("--folder", home, "--port", "0", "--model", "models/pca")
    with Running(*words, "--also", "models/roi-sure") as running:
        with running.started().client() as client, Store.open(home) as store:
            films = [send(client, phantom(number)) for number in range(8)]
            until(lambda: store.jobs.counts().done >= 2, 90)
            store.activations.propose(other, "roi-sure", actor="lea")
            store.activations.activate(1, actor="ada")
            until(lambda: "worker.changes number=0" in running.log, 30)
            films.append(send(client, phantom(99)))
            for film in films:
                judged(client, film)
            with store.database.reading() as connection:
                of_films = sqlalchemy.select(decisions.c.model).where(decisions.c.film_id.is_not(None))
                by = connection.execute(of_films.order_by(decisions.c.id)).scalars().all()
            assert len(by) == 9 and by[0] == models.card.weights_sha256 and by[-1] == other
            until(lambda: client.get("health").json()["workers"]["ready"] == 1, 60)
        assert "worker.died" not in running.log and running.stop() == 0


@pytest.mark.nightly  # in one process: test_every_server_on_a_worklist_follows_and_one_without_the_model_says_so
def test_a_server_that_starts_later_scores_by_what_was_activated(tmp_path: Path, models: Models) -> None:
    home = tmp_path / "worklist"
    with Store.open(home) as store:
        store.activations.propose(models.further[0].card.weights_sha256, "roi-sure", actor="lea")
        store.activations.activate(1, actor="ada")
    words = ("--folder", home, "--port", "0", "--model", "models/pca")
    with Running(*words, "--also", "models/roi-sure") as running, running.started().client() as client:
        assert [one["name"] for one in client.get("models").json()["models"]] == ["roi-sure", "pca"]
        assert "warning:" not in running.log
        assert judged(client, send(client, phantom(100)))["state"] in ("to_read", "not_scored")
    with Running(*words) as running, running.started().client() as client:
        until(lambda: "warning: roi-sure with the weights" in running.log, 10)
        assert [one["name"] for one in client.get("models").json()["models"]] == ["pca"]
