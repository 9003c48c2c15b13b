"""Proposals and activations: two people, one in force, all of it on record; and calibrations from readers' reports."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.worklist.conftest import (
    Place,
    decision,
    film_of,
    listed,
    on_postgresql,
    png,
)
from tests.worklist.reporting import look_and_report
from unseen.data.patient_links import training_patients
from unseen.screening.audit_draw import is_sampled
from unseen.screening.calibration import policy_of
from unseen.screening.guarantee import Guarantee
from unseen.screening.labelled_studies import Study
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.screened import Screened
from unseen.screening.screener import Screener
from unseen_server.worklist import jobs
from unseen_server.worklist.audit_sample import audited
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.calibration import labels, policy_from
from unseen_server.worklist.film_result import FilmScreening
from unseen_server.worklist.result_batch import EntryRules
from unseen_server.worklist.result_record import record_alone
from unseen_server.worklist.score_blocks import blocks
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.table_export import export_labelled
from unseen_server.worklist.tables import activations, audit, films, reports, studies

MODEL, OTHER = "a" * 64, "b" * 64
LOOSE = Guarantee(0.3, 0.9)  # needs 7 abnormals


def policy(weights: str = MODEL, **more: Any) -> Policy:
    ward = SourcePolicy(abnormals=29, normals=(0.1, 0.2), threshold=0.15, allowed_misses=0)
    given = {"max_miss_rate": 0.1, "confidence": 0.95, "level": 0.95, "sources": {"ward": ward}} | more
    return Policy(model="pca", weights_sha256=weights, **given)


def events(store: Store) -> list[tuple[str, str, str]]:
    with store.database.reading() as connection:
        rows = connection.execute(sqlalchemy.select(audit).where(audit.c.action.like("model.%")).order_by(audit.c.seq))
        return [(row.actor, row.action, row.subject) for row in rows]


@on_postgresql
def test_a_proposal_changes_nothing_until_a_second_person_activates_it(store: Store) -> None:
    made = store.activations.propose(MODEL, "pca", policy(), actor="lea", note="<b>enough labels</b>")
    assert (made.standing, made.activated_by, made.note) == ("proposed", None, "<b>enough labels</b>")
    assert store.activations.active() is None
    with pytest.raises(NotAllowedError, match=r"lea has proposed this.*second person.*POST /api/v1/accounts"):
        store.activations.activate(made.number, actor="lea", note="looked at it")
    assert store.activations.active() is None and store.activations.listed() == [made]
    done = store.activations.activate(made.number, actor="leo", note="looked at it")
    assert (done.standing, done.proposed_by, done.activated_by) == ("active", "lea", "leo")
    assert store.activations.active() == done and done.policy == policy()
    with store.database.reading() as connection:
        (row,) = connection.execute(sqlalchemy.select(activations)).all()
    assert (row.model, row.policy_digest, row.activated_by) == (MODEL, policy().digest, "leo")
    assert events(store) == [("lea", "model.proposed", MODEL), ("leo", "model.activated", MODEL)]
    assert store.audit.verify() is None


def test_the_last_activation_counts_and_a_withdrawn_one_brings_no_earlier_one_back(store: Store) -> None:
    first = store.activations.propose(MODEL, "pca", policy(), actor="lea", note="enough labels").number
    second = store.activations.propose(OTHER, "roi-sure", actor="lea").number
    store.activations.activate(second, actor="leo", note="looked at it")
    store.activations.activate(first, actor="leo", note="looked at it")
    active = store.activations.active()
    assert active is not None and active.number == first
    assert [one.standing for one in store.activations.listed()] == ["superseded", "active"]
    with pytest.raises(NotAllowedError, match="superseded already"):
        store.activations.withdraw(second, actor="lea")
    store.activations.withdraw(first, actor="leo")
    assert store.activations.active() is None
    for number, said in ((first, "was withdrawn"), (second, "activated by leo already")):
        with pytest.raises(NotAllowedError, match=said):
            store.activations.activate(number, actor="ada", note="looked at it")
    with pytest.raises(NotAllowedError, match="nothing to take back"):
        store.activations.withdraw(first, actor="leo")
    assert [action for _, action, _ in events(store)][-1] == "model.withdrawn"


def test_of_two_clocks_that_differ_the_later_activation_still_wins(store: Store, clock: Any) -> None:
    first = store.activations.propose(MODEL, "pca", actor="lea").number
    second = store.activations.propose(OTHER, "roi-sure", actor="lea").number
    store.activations.activate(first, actor="leo", note="looked at it")
    clock.now -= 3600
    store.activations.activate(second, actor="leo", note="looked at it")
    active = store.activations.active()
    assert active is not None and active.number == second


def test_what_is_no_proposal_is_a_sentence(store: Store) -> None:
    for number in (1, 0, -1, 2**63, 10**30):
        with pytest.raises(NotFoundError, match="no proposal"):
            store.activations.activate(number, actor="leo", note="looked at it")
    with pytest.raises(WorklistError, match="calibrated for the weights bbbb"):
        store.activations.propose(MODEL, "pca", policy(OTHER), actor="lea", note="enough labels")
    with pytest.raises(WorklistError, match="The note has 2001"):
        store.activations.propose(MODEL, "pca", actor="lea", note="x" * 2001)
    assert store.activations.listed() == [] and events(store) == []


@on_postgresql
def test_of_many_who_activate_at_once_one_does(store: Store) -> None:
    number = store.activations.propose(MODEL, "pca", actor="lea").number

    def activate(name: str) -> bool:
        try:
            store.activations.activate(number, actor=name)
        except NotAllowedError:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        assert sum(threads.map(activate, [f"lead{number}" for number in range(12)])) == 1
    assert len(events(store)) == 2


@on_postgresql
def test_a_policy_that_was_changed_in_the_database_is_not_followed(store: Store) -> None:
    number = store.activations.propose(MODEL, "pca", policy(), actor="lea", note="enough labels").number
    store.activations.activate(number, actor="leo", note="looked at it")
    looser = policy(max_miss_rate=0.9)
    with store.database.writing() as connection:
        connection.execute(activations.update().values(policy=looser.model_dump_json()))
    with pytest.raises(WorklistError, match="not the one that was proposed"):
        store.activations.active()


@pytest.mark.nightly
def test_activations_are_in_a_backup(place: Place, store: Store, tmp_path: Any) -> None:
    number = store.activations.propose(MODEL, "pca", policy(), actor="lea", note="enough labels").number
    store.activations.activate(number, actor="leo", note="looked at it")
    back_up(store, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again")
    with Store.open(tmp_path / "again") as again:
        assert again.activations.active() == store.activations.active()
        assert again.activations.propose(MODEL, "pca", actor="lea").number == number + 1


# calibrations ------------------------------------------------------------------------------------------------------


Reported = Callable[..., str]


@pytest.fixture
def reported(store: Store, screener: Screener) -> Reported:
    """`reported(3, 0.7, "abnormal")`: film 3 was scored so by MODEL and its study reported so; returns the study."""

    def make(
        number: int,
        score: float | None,
        outcome: Any,  # None: not reported
        *,
        source: str = "ward",
        patient: str = "",
        digest: str = "",
        view: str = "PA",
        model: str = MODEL,
        decided: str = "",
    ) -> str:
        store.films.receive(png(number), name=f"{number}.png", source=source)
        job = jobs.claim(store.site)
        assert job is not None
        named = {"PatientID": patient} if patient else {}
        film = film_of(job, view=view, identifiers=named, pixel_sha256=digest or f"{number:064x}")
        made = replace(decision("not_scored" if score is None else "read", score or 0.0), policy_digest=decided)
        with store.writing() as writing:
            result = FilmScreening(screened=Screened(film=film, decision=made), model=model, map_sha256=None)
            assert record_alone(writing, job, result, EntryRules(judge=screener.study, worker="w"))
            if score is not None:  # the result above has no finding, whose score is what counts
                writing.connection.execute(
                    sqlalchemy.text("UPDATE findings SET score = :score WHERE film_id = :film"),
                    {"score": score, "film": job.number},
                )
        with store.database.reading() as connection:
            joined = sqlalchemy.select(studies.c.public_id).join(films, films.c.study_id == studies.c.id)
            study = str(connection.execute(joined.where(films.c.id == job.number)).scalar_one())
        if outcome is not None:
            store.studies.claim(study, "ann")
            store.films.mark_seen(job.film, "ann")
            store.reports.enter(study, "ann", outcome, "")
        return study

    return make


def test_a_calibration_counts_what_readers_reported_and_is_what_calibrate_makes(
    store: Store, reported: Reported
) -> None:
    wanted = []
    for number in range(20):
        abnormal, score = number % 2 == 0, 0.5 + 0.01 * number * (1 if number % 2 == 0 else -1)
        study = reported(number, score, "abnormal" if abnormal else "normal")
        wanted.append(
            Study(name=study, patient=study, source="ward", abnormal=abnormal, score=score, films=(f"{number:064x}",))
        )
    found = labels(store, MODEL, LOOSE)
    assert list(found.studies) == wanted
    (ward,) = found.sources
    assert (ward.source, ward.abnormals, ward.normals, ward.unread, ward.refused) == ("ward", 10, 10, 0, "")
    assert found.needed == tuple(LOOSE.abnormals_needed(misses) for misses in (0, 1, 2))
    assert ward.allowed_misses == LOOSE.allowed_misses(10)
    made = policy_from(found, name="pca", model_parts={}, probes=(), prevalence=0.1, gate={"small": 64.0})
    same = policy_of(wanted, LOOSE, model="pca", weights_sha256=MODEL, prevalence=0.1)
    assert made.sources == same.sources and made.drift == same.drift and made.probability == same.probability
    assert (made.gate, made.audit_share, bool(made.created)) == ({"small": 64.0}, 0.05, True)
    abnormals = sorted(one.score for one in wanted if one.abnormal and one.score is not None)
    assert made.sources["ward"].threshold == abnormals[ward.allowed_misses or 0]


def test_what_does_not_count_is_left_out(store: Store, reported: Reported) -> None:
    reported(1, 0.5, "abnormal")
    reported(2, 0.6, "unsure")
    undone = reported(3, 0.7, "abnormal")
    store.reports.undo(undone, "ann")
    reported(4, 0.8, "abnormal", digest="f" * 64)  # trained on
    reported(5, 0.9, "abnormal", view="LL")
    reported(6, None, "abnormal")  # refused
    reported(7, 0.4, "abnormal", model=OTHER)  # MODEL has not seen it
    reported(8, 0.3, None)  # not read, though it came before others that were
    for number in (10, 11):
        reported(number, 0.2, "normal", patient="4711")
    reported(12, 0.1, "abnormal", source="unknown")
    found = labels(store, MODEL, LOOSE, trained_on=["f" * 64])
    ward, unknown = found.sources
    assert (ward.abnormals, ward.normals, ward.not_scored, ward.unread) == (1, 1, 1, 2)
    assert (found.trained_on, found.not_seen, found.selected, found.unsure) == (1, 1, 0, 1)
    assert "1 study was reported unsure and does not count" in found.caution
    assert unknown.source == "unknown" and unknown.allowed_misses is None and "no source" in unknown.refused


def test_unread_studies_are_counted_for_the_source_that_their_films_name(store: Store, reported: Reported) -> None:
    for number, outcome in enumerate([None, None, "abnormal"]):
        reported(number, 0.5, outcome)
    with store.database.writing() as connection:
        for station, film in enumerate(connection.execute(sqlalchemy.select(films.c.id)).scalars().all()):
            tags = json.dumps({"StationName": "CR1" if station != 1 else "CR2"})
            connection.execute(films.update().where(films.c.id == film).values(tags=tags))
    (one,) = labels(store, MODEL, LOOSE, source_tag="StationName").sources
    assert "CR1" in one.source and (one.abnormals, one.unread) == (1, 1)
    (ward,) = labels(store, MODEL, LOOSE).sources
    assert (ward.source, ward.unread) == ("ward", 2)


@pytest.mark.parametrize("tag", [None, "StationName"])
def test_unread_studies_that_could_not_count_are_not_counted(store: Store, reported: Reported, tag: str | None) -> None:
    for number, view in enumerate(["LL", "PA"]):
        reported(number, 0.5, None, view=view)
    reported(2, 0.5, None, patient="4711")
    reported(3, 0.5, None, patient="4711", digest="f" * 64)  # trained on
    reported(4, 0.5, None, decided="0" * 64)  # a policy had decided whether it is read
    reported(5, 0.5, "abnormal")
    found = labels(store, MODEL, LOOSE, source_tag=tag, trained_on=["f" * 64])
    assert (found.unread, [source.unread for source in found.sources]) == (1, [1]), (
        "the frontal film of another patient"
    )
    assert found.caution.startswith("1 study received in the same time was not read yet")


def test_studies_reported_unsure_or_in_haste_count_once_as_left_out(store: Store, reported: Reported) -> None:
    reported(1, 0.5, "abnormal")
    made = [
        reported(2, 0.6, "unsure"),
        reported(3, 0.6, "unsure", digest="f" * 64),  # trained on
        reported(4, 0.6, "unsure", view="LL"),
        reported(5, 0.6, "unsure", model=OTHER),  # MODEL has not seen it
        reported(6, 0.6, "unsure", decided="0" * 64),  # a policy had decided whether it is read
        reported(7, 0.6, "normal"),
        reported(8, 0.6, "normal", view="LL"),
    ]
    with store.database.writing() as connection:
        hasty = sqlalchemy.select(studies.c.id).where(studies.c.public_id.in_(made[-2:]))
        connection.execute(reports.update().where(reports.c.study_id.in_(hasty)).values(dwell_ms=100))
    found = labels(store, MODEL, LOOSE, trained_on=["f" * 64])
    assert (found.unsure, found.hasty) == (1, 1)
    assert (found.trained_on, found.not_seen, found.selected) == (0, 0, 0), "among the reported normal and abnormal"
    assert "1 study was reported unsure and does not count" in found.caution


def test_patients_on_whose_films_the_model_was_trained_do_not_count(store: Store, reported: Reported) -> None:
    reported(1, 0.8, "abnormal", digest="f" * 64, patient="4711")  # trained on
    reported(2, 0.9, "abnormal", patient="4711")
    counted = reported(3, 0.5, "abnormal", patient="4712")
    found = labels(store, MODEL, LOOSE, trained_on=["f" * 64])
    assert [study.name for study in found.studies] == [counted] and found.trained_on == 2


def test_patients_of_training_films_without_a_report_do_not_count(store: Store, reported: Reported) -> None:
    reported(1, 0.8, None, digest="f" * 64, patient="4711")  # trained on
    reported(2, 0.9, "abnormal", patient="4711")
    counted = reported(3, 0.5, "abnormal", patient="4712")
    many = [f"{number:064x}" for number in range(100, 40_000)]
    found = labels(store, MODEL, LOOSE, trained_on=[*many, "f" * 64])
    assert [study.name for study in found.studies] == [counted] and found.trained_on == 1


def test_patients_with_copies_of_films_of_training_patients_do_not_count(store: Store, reported: Reported) -> None:
    reported(1, 0.8, None, digest="f" * 64, patient="4711")  # trained on
    reported(2, 0.8, None, digest="e" * 64, patient="4711")
    reported(3, 0.8, None, digest="e" * 64, patient="4712")  # the same film under another name
    reported(4, 0.7, "abnormal", digest="d" * 64, patient="4712")
    reported(5, 0.6, "abnormal", digest="d" * 64)  # and again, in a study without a patient
    counted = [reported(6, 0.5, "abnormal", patient="4713"), reported(7, 0.5, "abnormal")]
    found = labels(store, MODEL, LOOSE, trained_on=["f" * 64])
    assert [study.name for study in found.studies] == counted and found.trained_on == 2
    pairs = [("4711", "f"), ("4711", "e"), ("4712", "e"), ("4712", "d"), ("5", "d"), ("4713", "6"), ("7", "7")]
    assert training_patients(pairs, ["f"]) == {"4711", "4712", "5"}, "as the command's"
    several = store.reports.training_patients({"one": ["f" * 64], "other": [f"{6:064x}"], "none": ["0" * 64]})
    assert {model: len(patients) for model, patients in several.items()} == {"one": 3, "other": 1, "none": 0}
    assert not several["one"] & several["other"]


def test_too_few_labels_are_a_sentence_that_says_how_many_are_missing(store: Store, reported: Reported) -> None:
    with pytest.raises(WorklistError, match="None is labelled yet"):
        policy_from(labels(store, MODEL, LOOSE), name="pca", model_parts={}, probes=())
    for number in range(4):
        reported(number, 0.5, "abnormal")
    with pytest.raises(WorklistError, match="ward: 4 of 7 abnormal studies are reported, 3 more are needed"):
        policy_from(labels(store, MODEL, LOOSE), name="pca", model_parts={}, probes=())
    for number in range(4, 7):
        reported(number, 0.5, "abnormal")
    with pytest.raises(WorklistError, match=r"prevalence is 1\.5"):
        policy_from(labels(store, MODEL, LOOSE), name="pca", model_parts={}, probes=(), prevalence=1.5)
    assert (
        policy_from(labels(store, MODEL, LOOSE), name="pca", model_parts={}, probes=()).sources["ward"].threshold == 0.5
    )


def by_a_clearing_policy(store: Store, reported: Reported) -> list[str]:
    """Return 12 reported abnormal studies that an activated policy decided, half of them for the audit sample."""
    clearing = policy(audit_share=0.5)
    number = store.activations.propose(MODEL, "pca", clearing, actor="lea", note="enough labels").number
    store.activations.activate(number, actor="leo", note="looked at it")
    return [reported(film, 0.5, "abnormal", decided=clearing.digest) for film in range(12)]


def test_studies_that_a_policy_chose_for_reading_count_only_as_the_audit_sample_would_have_taken_them(
    store: Store, reported: Reported
) -> None:
    """Else each calibration would see the abnormals above the last threshold alone, and raise it."""
    made = by_a_clearing_policy(store, reported)
    free = reported(20, 0.5, "abnormal")
    unknown = reported(21, 0.5, "abnormal", decided="0" * 64)
    found = labels(store, MODEL, LOOSE)
    sampled = [study for study in made if is_sampled(study, share=0.5, key=store.names.key)]
    assert 0 < len(sampled) < 12
    assert {study.name for study in found.studies} == {*sampled, free}
    assert found.selected == 12 - len(sampled) + 1 and unknown not in {study.name for study in found.studies}
    given = policy(sources={"ward": SourcePolicy(abnormals=1, normals=(0.1,), refused="refused: 1 of 29")})
    assert reported(22, 0.5, "abnormal", decided=given.digest) in {
        study.name for study in labels(store, MODEL, LOOSE, policies={given.digest: given}).studies
    }, "a policy that clears nothing chooses nothing"


def test_an_export_for_a_calibration_leaves_out_what_a_policy_chose_for_reading(
    store: Store, reported: Reported, tmp_path: Path
) -> None:
    made = by_a_clearing_policy(store, reported)
    free = reported(20, 0.5, "normal")
    idle = policy(sources={"ward": SourcePolicy(abnormals=1, normals=(0.1,), refused="refused: 1 of 29")})
    unknown = reported(21, 0.5, "abnormal", decided=idle.digest)
    sampled = {study for study in made if is_sampled(study, share=0.5, key=store.names.key)}
    table = tmp_path / "labelled.csv"

    def studies() -> dict[str, str | None]:
        with table.open(encoding="utf-8") as file:
            return {row["study"]: row.get("selected_by_policy") for row in csv.DictReader(file)}

    counted = {one.name for one in labels(store, MODEL, LOOSE).studies}
    done = export_labelled(store, table)
    assert studies() == dict.fromkeys(counted) == dict.fromkeys({*sampled, free})
    assert (done.films, done.selected) == (len(sampled) + 1, 12 - len(sampled) + 1)
    done = export_labelled(store, table, policies=[idle])
    assert studies() == dict.fromkeys({*sampled, free, unknown}) and done.selected == 12 - len(sampled)
    done = export_labelled(store, table, with_selected=True)
    chosen = {*made, unknown} - sampled
    assert studies() == dict.fromkeys({*sampled, free}, "") | dict.fromkeys(chosen, "yes")
    assert (done.films, done.selected) == (14, len(chosen))


def test_what_an_equal_gate_refused_is_not_scored_for_a_model_that_was_compared(
    store: Store, reported: Reported
) -> None:
    study = reported(1, None, "abnormal", model=OTHER)
    film = store.studies.details(study).films[0].film
    with store.writing() as writing:
        writing.connection.execute(
            sqlalchemy.text(
                "INSERT INTO findings (film_id, model, score, parts, made_us) "
                "SELECT id, :model, 0.1, '{}', 1 FROM films WHERE public_id = :film"
            ),
            {"model": MODEL, "film": film},
        )
    (ward,) = labels(store, MODEL, LOOSE).sources
    assert (ward.abnormals, ward.not_scored) == (1, 0)
    (ward,) = labels(store, MODEL, LOOSE, gated_alike=[OTHER, MODEL]).sources
    assert (ward.abnormals, ward.not_scored) == (0, 1)


@on_postgresql
def test_late_scores_come_in_blocks(store: Store, reported: Reported) -> None:
    scores = [0.1 * number for number in range(12)]
    for number, score in enumerate(scores):
        reported(number, score, None)
    reported(20, None, None)
    reported(21, None, None, view="LL")
    reported(22, 9.0, None, model=OTHER)
    found = blocks(store.database, MODEL, above=0.75, size=5)
    assert [(block.scored, block.refused, block.above) for block in found] == [(5, 0, 0), (5, 0, 2), (2, 1, 2)]
    assert found[0].quartiles == pytest.approx((0.1, 0.2, 0.3))
    assert [block.scored for block in blocks(store.database, MODEL, above=None, most=4, size=5)] == [3]


def test_the_audit_sample_grows(store: Store, judged: Any) -> None:
    for number in range(6):
        judged(number, "clear", 0.1, audit_share=1.0)
    assert audited(store.database) == []
    for number, study in enumerate(listed(store)):
        store.studies.claim(study, "ann")
        look_and_report(store, study, "ann", "abnormal" if number == 2 else "unsure" if number == 4 else "normal")
    found = audited(store.database)
    assert [(point.read, point.abnormal) for point in found] == [(1, 0), (2, 0), (3, 1), (4, 1), (5, 1)]
    assert found[-1].share == store.reports.audit_sample().share
