"""Models compared over the API: figures are scikit-learn's on the exported table; who may ask; what is refused."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve
from sqlalchemy import select

from tests.web.conftest import LOCAL, Api, said
from tests.worklist.conftest import Clock, Judged
from tests.worklist.kept_store import KeptStores
from tests.worklist.reporting import look_and_report
from unseen.artifacts.card import Card
from unseen.artifacts.research_only import LIMITS
from unseen.evaluation.simple_statistics import STATISTIC_NAMES
from unseen_server.service.scoring_models import FurtherModel, Models
from unseen_server.web.labelled_set import ComparedModel, LabelledSet
from unseen_server.worklist.labels import LabelledFilm
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import films, findings, studies

FIRST, SECOND, OLD = "a" * 64, "b" * 64, "c" * 64


def card(model: str, *learnt: str) -> Card:
    return Card(kind="detector", name="pca", weights_sha256=model, training_films=list(learnt))


def models(*learnt: str) -> Models:
    """Return two models in folders of their own; the first has learnt from films with these pixels."""
    further = FurtherModel(folder=Path("/models/whole"), card=card(SECOND))
    return Models(folder=Path("/models/lungs"), card=card(FIRST, *learnt), further=(further,))


@dataclass
class Labelled:
    """Films that were received, scored and reported."""

    store: Store
    judged: Judged
    number: int = 0

    def film(self, label: str | None, *, source: str = "ward", statistics: float | None = None, **scores: float) -> str:
        """A film in a study of its own, scored by the models `first`, `second`, `old`, reported so; its public id."""
        self.number += 1
        receipt = self.judged(self.number, source=source)
        digests = {"first": FIRST, "second": SECOND, "old": OLD}
        given = {} if statistics is None else dict.fromkeys(STATISTIC_NAMES, statistics)
        with self.store.database.writing() as connection:
            here = films.c.public_id == receipt.film_id
            number = connection.execute(films.select().where(here)).one().id
            values = {"pixel_sha256": f"{self.number:064x}", "statistics": json.dumps(given)}
            connection.execute(films.update().where(here).values(**values))
            for name, score in scores.items():
                row = {"film_id": number, "model": digests[name], "score": score, "parts": "{}", "made_us": self.number}
                connection.execute(findings.insert().values(**row))
        if label is not None:
            self.store.studies.claim(receipt.study, "ann")
            look_and_report(self.store, receipt.study, "ann", label)
        return receipt.film_id


@pytest.fixture
def labelled(store: Store, judged: Judged) -> Labelled:
    return Labelled(store, judged)


Fill = Callable[[], None]


@pytest.fixture
def fill(labelled: Labelled, kept_stores: KeptStores, clock: Clock) -> Fill:
    """40 films of two sources with ties; the second model is the better one, the first missed three films."""

    def run() -> int:
        rng = np.random.default_rng(3)
        for number in range(40):
            ill = number % 5 < 2
            first = round(float(rng.normal() + ill), 1)
            scores = {"second": round(float(rng.normal() + 3 * ill), 1)} | ({} if number < 3 else {"first": first})
            source = "ward" if number % 3 else "clinic"
            labelled.film(
                "abnormal" if ill else "normal", source=source, statistics=float(rng.random() + 0.1), **scores
            )
        return labelled.number

    def kept() -> None:
        labelled.number = kept_stores.fill(labelled.store, clock, "compared", run)

    return kept


def rows_of(api: Api) -> list[dict[str, str]]:
    answer = api.lead.get("/compare/scores.csv")
    assert answer.status_code == 200 and answer.headers["intended-use"] == LIMITS
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


def of_model(rows: list[dict[str, str]], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Scores and labels of the films that a model scored."""
    own = [row for row in rows if row[name]]
    return np.array([float(row[name]) for row in own]), np.array([row["label"] == "abnormal" for row in own])


def test_the_figures_are_scikit_learns_on_the_exported_table(make_api: Callable[..., Api], fill: Fill) -> None:
    fill()
    api = make_api(models=models())
    rows = rows_of(api)
    assert len(rows) == 40 and {row["source"] for row in rows} == {"ward", "clinic"}
    for model, name in ((FIRST, "lungs"), (SECOND, "whole")):
        score, ill = of_model(rows, name)
        told = api.lead.get("/compare/metrics", params={"model": model}).json()
        assert told["name"] == name and told["normal"] == (~ill).sum() and told["abnormal"] == ill.sum()
        assert told["auroc"]["value"] == pytest.approx(roc_auc_score(ill, score), abs=1e-6)
        assert told["average_precision"]["value"] == pytest.approx(average_precision_score(ill, score), abs=1e-6)
        assert told["auroc"]["low"] < told["auroc"]["value"] < told["auroc"]["high"]
        fpr, tpr, _ = roc_curve(ill, score, drop_intermediate=False)
        curve = told["roc"]
        assert np.allclose(np.interp(curve["false_positive_rate"], fpr, tpr)[1:], curve["sensitivity"][1:], atol=1e-4)
        assert all(low <= high for low, high in zip(curve["low"], curve["high"], strict=True))
        for source in told["sources"]:
            among = np.array([row["source"] == source["source"] for row in rows if row[name]])
            expected = roc_auc_score(ill[among], score[among])
            assert source["auroc"]["value"] == pytest.approx(expected, abs=1e-6)
            alone = api.lead.get("/compare/metrics", params={"model": model, "source": source["source"]}).json()
            assert alone["auroc"]["value"] == pytest.approx(expected, abs=1e-6)
        assert told["verdict"] and told["shortcuts"], "every film has its statistics"
        above = "is above every single statistic" in told["verdict"]
        assert told["verdict_kind"] == ("good" if above and told["verdict"].startswith("No strong") else "warn")
        for one in told["shortcuts"]:  # an interval that includes 0.5 shows no direction
            assert (one["direction"] == "no direction shown") == (one["strength"]["low"] <= 0.5), one
        assert told["shortcuts"] == sorted(told["shortcuts"], key=lambda one: -one["strength"]["value"])


def test_the_labelled_set_holds_what_the_table_holds(make_api: Callable[..., Api], fill: Fill) -> None:
    fill()
    api = make_api(models=models())
    told = api.lead.get("/compare/labelled").json()
    assert [(one["name"], one["part"], one["normal"] + one["abnormal"]) for one in told["models"]] == [
        ("lungs", "decides", 37),
        ("whole", "compares", 40),
    ]
    for film, row in zip(told["films"], rows_of(api), strict=True):
        assert film["film"] == row["film"] and film["label"] == row["label"] and film["study"] == row["study"]
        assert [None if not row[name] else float(row[name]) for name in ("lungs", "whole")] == film["scores"]
    assert not told["selected"]


def test_no_source_or_model_begins_a_formula_in_the_exported_set() -> None:
    film = LabelledFilm(
        film="f-1", study="s-1", patient="p", source="=HYPERLINK(1)", abnormal=True, scores={FIRST: -0.5},
        statistics={}, pixel_sha256=None,
    )  # fmt: skip
    model = ComparedModel(model=FIRST, name="@lungs", part="decides", normal=0, abnormal=1, trained_on=0)
    found = LabelledSet(films=[film], models=[model])
    (row,) = csv.DictReader(io.StringIO(found.csv()))
    assert (row["source"], row["'@lungs"], row["label"]) == ("'=HYPERLINK(1)", "-0.5", "abnormal")


def test_the_difference_is_on_the_films_that_both_scored(make_api: Callable[..., Api], fill: Fill) -> None:
    fill()
    api = make_api(models=models())
    both = [row for row in rows_of(api) if row["lungs"] and row["whole"]]
    one, ill = of_model(both, "lungs")
    other, _ = of_model(both, "whole")
    told = api.lead.get("/compare/difference", params={"first": FIRST, "second": SECOND}).json()
    assert told["films"] == 37
    expected = roc_auc_score(ill, one) - roc_auc_score(ill, other)
    assert told["difference"]["value"] == pytest.approx(expected, abs=1e-6)
    assert told["delong"]["value"] == pytest.approx(expected, abs=1e-6) and told["p"] < 0.05
    assert told["difference"]["high"] < 0 and told["words"].endswith("whole is better than lungs.")
    back = api.lead.get("/compare/difference", params={"first": SECOND, "second": FIRST}).json()
    assert back["difference"]["value"] == pytest.approx(-expected, abs=1e-6)
    assert back["words"].endswith("whole is better than lungs.")


def test_what_a_reader_takes_back_or_adds_changes_the_figures(make_api: Callable[..., Api], labelled: Labelled) -> None:
    api = make_api(models=models())
    for number in range(6):
        labelled.film("abnormal" if number % 2 else "normal", first=float(number))
    first = api.lead.get("/compare/metrics", params={"model": FIRST}).json()
    assert (first["normal"], first["abnormal"]) == (3, 3)
    labelled.film("abnormal", first=-1.0)
    second = api.lead.get("/compare/metrics", params={"model": FIRST}).json()
    assert second["abnormal"] == 4 and second["auroc"]["value"] < first["auroc"]["value"]
    labelled.film("unsure", first=9.0)
    labelled.film(None, first=9.0)
    assert api.lead.get("/compare/metrics", params={"model": FIRST}).json() == second, "unsure and unread say nothing"


def test_films_that_a_model_has_learnt_from_say_nothing_of_it(make_api: Callable[..., Api], labelled: Labelled) -> None:
    kept = [labelled.film("abnormal" if n % 2 else "normal", first=float(n), second=float(n)) for n in range(6)]
    api = make_api(models=models(f"{1:064x}", f"{2:064x}"))
    told = api.lead.get("/compare/labelled").json()
    assert [(one["trained_on"], one["normal"], one["abnormal"]) for one in told["models"]] == [(2, 2, 2), (0, 3, 3)]
    rows = {row["film"]: row for row in rows_of(api)}
    assert [rows[film]["lungs"] == "" for film in kept] == [True, True, False, False, False, False]
    assert api.lead.get("/compare/metrics", params={"model": FIRST}).json()["trained_on"] == 2


def test_films_of_patients_on_whose_films_a_model_was_trained_are_left_out(
    make_api: Callable[..., Api], labelled: Labelled
) -> None:
    kept = [labelled.film("abnormal" if n % 2 else "normal", first=float(n), second=float(n)) for n in range(6)]
    first = select(films.c.study_id).where(films.c.public_id.in_(kept[:3]))
    with labelled.store.database.writing() as connection:
        connection.execute(studies.update().where(studies.c.id.in_(first)).values(patient="4711"))
    api = make_api(models=models(f"{1:064x}"))
    told = api.lead.get("/compare/labelled").json()
    assert [(one["trained_on"], one["normal"], one["abnormal"]) for one in told["models"]] == [(3, 1, 2), (0, 3, 3)]
    rows = {row["film"]: row for row in rows_of(api)}
    assert [rows[film]["lungs"] == "" for film in kept] == [True, True, True, False, False, False]


def test_training_patients_are_known_by_films_without_a_report_and_by_copies(
    make_api: Callable[..., Api], labelled: Labelled
) -> None:
    kept = [labelled.film("abnormal" if n % 2 else "normal", first=float(n), second=float(n)) for n in range(6)]
    unread = [labelled.film(None, first=9.0), labelled.film(None, first=9.0), labelled.film(None, first=9.0)]
    patients = {kept[0]: "4711", unread[0]: "4711", unread[1]: "4711", unread[2]: "4712", kept[1]: "4712"}
    with labelled.store.database.writing() as connection:
        for film, patient in patients.items():
            of_film = select(films.c.study_id).where(films.c.public_id == film)
            connection.execute(studies.update().where(studies.c.id.in_(of_film)).values(patient=patient))
        copy = films.update().where(films.c.public_id == unread[2])
        connection.execute(copy.values(pixel_sha256=f"{8:064x}"))  # that of the second
    api = make_api(models=models(f"{7:064x}"))  # trained on the first unread film
    told = api.lead.get("/compare/labelled").json()
    assert [(one["trained_on"], one["normal"], one["abnormal"]) for one in told["models"]] == [(2, 2, 2), (0, 3, 3)]
    rows = {row["film"]: row for row in rows_of(api)}
    assert [rows[film]["lungs"] == "" for film in kept] == [True, True, False, False, False, False]


def test_patients_who_share_a_film_are_one_and_films_of_one_patient_allow_no_interval(
    make_api: Callable[..., Api], labelled: Labelled
) -> None:
    kept = [labelled.film("abnormal" if n % 2 else "normal", first=float(n)) for n in range(8)]
    with labelled.store.database.writing() as connection:
        for film, digest in zip(kept[1::2], "abab", strict=True):  # four abnormal studies without a patient, two films
            copy = films.update().where(films.c.public_id == film)
            connection.execute(copy.values(pixel_sha256=digest * 64))
    api = make_api(models=models())
    patients = {row["film"]: row["patient"] for row in rows_of(api)}
    assert len(set(patients.values())) == 6 and patients[kept[1]] == patients[kept[5]] != patients[kept[3]]
    figures = api.lead.get("/compare/metrics", params={"model": FIRST}).json()
    assert "films of a patient drawn as one" in figures["intervals"]
    with labelled.store.database.writing() as connection:
        connection.execute(films.update().where(films.c.pixel_sha256 == "b" * 64).values(pixel_sha256="a" * 64))
    api = make_api(models=models())
    refused = api.lead.get("/compare/metrics", params={"model": FIRST})
    assert refused.status_code == 422 and "all abnormal ones are of one patient" in said(refused)


def test_a_model_that_is_no_longer_here_keeps_its_scores(make_api: Callable[..., Api], labelled: Labelled) -> None:
    for number in range(4):
        labelled.film("abnormal" if number % 2 else "normal", first=float(number), old=float(-number))
    found = make_api(models=models()).lead.get("/compare/labelled").json()["models"]
    assert [(one["name"], one["part"]) for one in found] == [
        ("lungs", "decides"),
        ("whole", "compares"),
        ("c" * 12, "earlier"),
    ]


def test_two_folders_of_one_name_are_told_apart(make_api: Callable[..., Api]) -> None:
    further = FurtherModel(folder=Path("/others/lungs"), card=card(SECOND))
    api = make_api(models=Models(folder=Path("/models/lungs"), card=card(FIRST), further=(further,)))
    names = [one["name"] for one in api.lead.get("/compare/labelled").json()["models"]]
    assert names == ["lungs aaaaaaaa", "lungs bbbbbbbb"]


def test_one_class_alone_allows_no_roc_and_that_is_said(make_api: Callable[..., Api], labelled: Labelled) -> None:
    api = make_api(models=models())
    for number in range(12):
        labelled.film("normal", first=float(number), second=float(number))
    refused = api.lead.get("/compare/metrics", params={"model": FIRST})
    assert refused.status_code == 422
    assert said(refused) == (
        "Of the films that this model scored, 12 have been reported normal and 0 abnormal: a ROC needs 2 of each at "
        "least. Report further studies."
    )
    refused = api.lead.get("/compare/difference", params={"first": FIRST, "second": SECOND})
    assert refused.status_code == 422 and "both models scored, 12 have been reported normal and 0" in said(refused)


def test_what_is_not_there_is_a_sentence(make_api: Callable[..., Api], fill: Fill) -> None:
    fill()
    api = make_api(models=models())
    unknown = api.lead.get("/compare/metrics", params={"model": "0" * 64})
    assert unknown.status_code == 404 and "has scored none of the films" in said(unknown)
    nowhere = api.lead.get("/compare/metrics", params={"model": FIRST, "source": "nowhere"})
    assert nowhere.status_code == 422 and "Of the films of nowhere that this model scored, 0 have" in said(nowhere)
    for way in ("difference", "disagreements"):
        itself = api.lead.get(f"/compare/{way}", params={"first": FIRST, "second": FIRST})
        assert itself.status_code == 422 and "itself. Name two models" in said(itself)
    assert api.lead.get("/compare/metrics", params={"model": "pca"}).status_code == 422


def test_disagreements_are_the_worklists(make_api: Callable[..., Api], labelled: Labelled) -> None:
    api = make_api(models=models())
    agreed = [labelled.film(None, first=float(n), second=float(n)) for n in range(8)]
    odd = labelled.film(None, first=100.0, second=-100.0)
    told = api.lead.get("/compare/disagreements", params={"first": FIRST, "second": SECOND, "limit": 3}).json()["films"]
    assert len(told) == 3 and told[0]["film"] == odd and told[0]["film"] not in agreed
    assert told[0]["first_rank"] > 0.9 and told[0]["second_rank"] < 0.1 and told[0]["first_score"] == 100.0


WAYS = ("labelled", "scores.csv", f"metrics?model={FIRST}", f"difference?first={FIRST}&second={SECOND}",
        f"disagreements?first={FIRST}&second={SECOND}")  # fmt: skip


def test_readers_are_blind_where_a_policy_clears(
    make_api: Callable[..., Api], labelled: Labelled, judged: Judged
) -> None:
    for number in range(6):
        labelled.film("abnormal" if number % 2 else "normal", first=float(number), second=float(number % 3))
    api = make_api(models=models())
    for way in WAYS:
        assert api.nobody.get(f"/compare/{way}").status_code == 401, way
        assert api.reader.get(f"/compare/{way}").status_code == 200, way
    judged(100, "clear", 0.0)
    late = make_api(models=models())
    for way in WAYS:
        blind = late.reader.get(f"/compare/{way}")
        assert blind.status_code == 403 and "audit sample" in said(blind), way
        answer = late.lead.get(f"/compare/{way}")
        assert answer.status_code == 200, way
        if way == "labelled":
            assert answer.json()["selected"]


PAGES = ("/compare", "/compare/f-00000000000000000000")


def test_a_blind_readers_page_asks_for_nothing(make_api: Callable[..., Api], judged: Judged) -> None:
    api = make_api(models=models())

    def shown(client: TestClient, page: str) -> str:
        answer = client.get(LOCAL + page)
        assert answer.status_code == 200
        return str(answer.text)

    for page in PAGES:
        assert "js/compare" in shown(api.reader, page)
    judged(1, "clear", 0.0)
    late = make_api(models=models())
    for page in PAGES:
        assert "js/compare" not in shown(late.reader, page) and "audit sample" in shown(late.reader, page)
        assert "js/compare" in shown(late.lead, page)
