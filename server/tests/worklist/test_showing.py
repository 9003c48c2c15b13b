"""Comparisons of a score: reported normals, similar films, the labelled set, other models."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from sqlalchemy import select

from tests.worklist.conftest import Clock, Judge, on_both_databases, on_postgresql, png
from tests.worklist.reporting import look_and_report
from unseen.data import read_manifest
from unseen_server.worklist import reference_scores
from unseen_server.worklist.appearance import SIDE
from unseen_server.worklist.labels import EVERY
from unseen_server.worklist.own_films import own_films
from unseen_server.worklist.receiving import Receipt
from unseen_server.worklist.score_blocks import blocks
from unseen_server.worklist.statements import insert_row
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.table_export import export_labelled
from unseen_server.worklist.tables import films, findings, reports, seen, studies

FIRST, SECOND = "1" * 64, "2" * 64

Scored = Callable[..., Receipt]


@pytest.fixture
def scored(store: Store, judge: Judge) -> Scored:
    """`scored(3, {FIRST: 0.5}, outcome="normal", look=7)`: film 3 was read, scored so, and reported."""

    def make(
        number: int,
        scores: Mapping[str, float | None],
        *,
        outcome: str | None = None,
        source: str = "ward",
        look: int | None = None,
        **identifiers: str,
    ) -> Receipt:
        receipt = store.films.receive(png(number), name=f"{number}.png", source=source)
        assert judge("read", 0.5, **identifiers)
        with store.database.writing() as connection:
            row = connection.execute(select(films).where(films.c.public_id == receipt.film_id)).one()
            kept = None if look is None else bytes([look] * SIDE * SIDE)
            connection.execute(
                films.update().where(films.c.id == row.id).values(look=kept, statistics=json.dumps({"mean": 0.5}))
            )
            for model, score in scores.items():
                connection.execute(
                    findings.insert().values(film_id=row.id, model=model, score=score, parts="{}", made_us=0)
                )
        if outcome is not None:
            report(store, receipt.study, outcome)
        return receipt

    return make


def report(store: Store, study: str, outcome: str) -> None:
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", outcome)


def test_a_reference_is_the_scores_of_reported_normals(store: Store, scored: Scored) -> None:
    for number in range(22):
        scored(number, {FIRST: 100.0 - number, SECOND: 0.0}, outcome="normal", source="ward" if number else "clinic")
    scored(50, {FIRST: 1e6}, outcome="abnormal")
    scored(51, {FIRST: 1e6})
    scored(52, {FIRST: None}, outcome="normal")
    found = store.findings.reference(FIRST)
    assert found.scores == tuple(sorted(100.0 - number for number in range(22)))
    assert found.words == "22 normals of this site"
    of_ward = store.findings.reference(FIRST, source="ward")
    assert len(of_ward.scores) == 21 and of_ward.words == "21 normals of ward"


@on_postgresql
def test_patients_of_training_films_are_no_reference_and_copies_count_once(store: Store, scored: Scored) -> None:
    for number in range(24):
        scored(number, {FIRST: float(number)}, outcome="normal", PatientID=f"P{number // 2}")
    digest = {row: f"{row:064x}" for row in range(24)} | {3: f"{2:064x}"}  # films 2 and 3 are copies
    with store.database.writing() as connection:
        for number, film in enumerate(connection.execute(select(films.c.id).order_by(films.c.id)).scalars().all()):
            connection.execute(films.update().where(films.c.id == film).values(pixel_sha256=digest[number]))
    found = store.findings.reference(FIRST, training_films=[digest[0]])
    assert found.scores == (2.0, *map(float, range(4, 24))), "films 0 and 1 are of a training patient"
    late = blocks(store.database, FIRST, above=None, training_films=[digest[0]])
    assert sum(block.scored for block in late) == 22
    assert sum(block.scored for block in blocks(store.database, FIRST, above=None)) == 24


def insert_normal(store: Store, number: int, score: float, *, model: str = FIRST, **of_film: str | None) -> None:
    """Insert a study that a reader reported normal, with one film, directly: many of them in little time."""
    patient, source = of_film.pop("patient", None), of_film.pop("source", "ward")
    digest = f"{number:064x}"
    states = {"state": "reported", "standing": "to_read", "shelf": "reported", "band": 2, "rank": 0.0, "reason": ""}
    row = {"public_id": f"study-{number}", "source": source, "patient": patient, "received_us": 0, "changed_us": 0}
    film = {
        "public_id": f"film-{number}",
        "sha256": digest,
        "pixel_sha256": digest,
        "bytes": 1,
        "name": "",
        "source": source,
    }
    film |= {"received_us": 0, "judged": True, "tags": "{}", "look": bytes(SIDE * SIDE)}
    by = {"reader": "ann", "elsewhere": False, "outcome": "normal", "note": "", "made_us": 1, "how": "seen"}
    with store.database.writing() as connection:
        study = insert_row(connection, studies, row | states | {"films": 1, "audit_sample": False})
        film_id = insert_row(connection, films, film | of_film | {"study_id": study})
        found = {"film_id": film_id, "model": model, "score": score, "parts": "{}", "made_us": number}
        connection.execute(findings.insert().values(found))
        connection.execute(reports.insert().values(by | {"study_id": study}))
        connection.execute(seen.insert().values(film_id=film_id, account="ann", seen_us=1))


@on_both_databases
def test_films_that_do_not_count_take_no_place_among_the_latest(
    store: Store, scored: Scored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_scores, "LATEST", 22)
    for number in range(24):
        insert_normal(store, number, float(number), source="clinic" if number < 21 else "ward")
    for number in range(30, 80):  # the latest: of one patient, on whose films the model was trained
        insert_normal(store, number, 1e6, patient="4711")
    for number in range(80, 110):  # later still: lateral films, which another model scored as well
        insert_normal(store, number, 1e6, projection="lateral")
    for number in range(110, 140):
        insert_normal(store, number, 1e6, model=SECOND, look=None)
    taught = [f"{30:064x}"]
    found = store.findings.reference(FIRST, training_films=taught)
    assert found.scores == tuple(map(float, range(2, 24))), "the latest 22 of other patients"
    assert len(store.findings.reference(FIRST).scores) == 22
    assert store.findings.reference(FIRST, source="clinic", training_films=taught).count == 21
    assert store.findings.reference(FIRST, source="nowhere", training_films=taught).count == 0
    late = blocks(store.database, FIRST, above=0.0, most=10, size=5, training_films=taught)
    assert [(block.scored, block.quartiles) for block in late] == [(5, (15.0, 16.0, 17.0)), (5, (20.0, 21.0, 22.0))]
    assert sum(block.scored for block in blocks(store.database, FIRST, above=None, training_films=taught)) == 24
    assert len(store.findings.nearest(scored(200, {}, look=0).film_id, count=100)) == 22
    with store.database.reading() as connection:
        assert len(own_films(connection, SECOND, enough=22).films) == 22


def test_with_few_reported_normals_nothing_stands_in_for_them(store: Store, scored: Scored) -> None:
    for number in range(5):
        scored(number, {FIRST: float(number)}, outcome="normal" if number else None, source=f"s{number % 2}")
    found = store.findings.reference(FIRST)
    assert (found.scores, found.count, found.words) == (
        (),
        4,
        "no reference: a percentile needs 20 normals of this site, and there are 4",
    )
    assert store.findings.reference(FIRST, source="s1").count == 2
    assert store.findings.reference("9" * 64).count == 0 == store.findings.reference(FIRST, source="nowhere").count


@on_postgresql
def test_the_nearest_are_the_normals_that_look_most_alike(store: Store, scored: Scored) -> None:
    own = scored(0, {}, look=100, StudyInstanceUID="1.2", PatientID="p")
    scored(1, {}, look=100, StudyInstanceUID="1.2", PatientID="p")  # its own study
    alike = [scored(number, {}, look=100 + number, outcome="normal") for number in (5, 3, 9, 4)]
    scored(20, {}, look=100, outcome="abnormal")
    scored(21, {}, look=100, outcome="unsure")
    scored(22, {}, look=100)
    scored(23, {}, outcome="normal")  # nothing is known of its look
    report(store, own.study, "normal")
    found = store.findings.nearest(own.film_id, count=3)
    assert [one.film for one in found] == [alike[1].film_id, alike[3].film_id, alike[0].film_id]
    assert [one.study for one in found] == [alike[1].study, alike[3].study, alike[0].study]
    assert [one.distance for one in found] == pytest.approx([3 / 255, 4 / 255, 5 / 255], rel=1e-5)
    assert len(store.findings.nearest(own.film_id, count=100)) == 4
    for count in (0, 101):
        with pytest.raises(WorklistError, match="Ask for 1 to 100"):
            store.findings.nearest(own.film_id, count=count)
    blank = scored(30, {})
    with pytest.raises(NotFoundError, match="how this film looks"):
        store.findings.nearest(blank.film_id)


def test_distances_are_root_mean_squares(store: Store, scored: Scored) -> None:
    rng = np.random.default_rng(5)
    looks = rng.integers(0, 256, (6, SIDE * SIDE), dtype=np.uint8)
    receipts = [scored(number, {}, outcome="normal" if number else None) for number in range(6)]
    with store.database.writing() as connection:
        for receipt, look in zip(receipts, looks, strict=True):
            connection.execute(films.update().where(films.c.public_id == receipt.film_id).values(look=look.tobytes()))
    wanted = [float(np.linalg.norm((look.astype(float) - looks[0]) / 255) / SIDE) for look in looks[1:]]
    found = {one.film: one.distance for one in store.findings.nearest(receipts[0].film_id)}
    assert [found[receipt.film_id] for receipt in receipts[1:]] == pytest.approx(wanted, rel=1e-5)
    assert list(found.values()) == sorted(found.values())


def test_the_labelled_set_is_what_readers_said_last(store: Store, scored: Scored, judge: Judge, clock: Clock) -> None:
    normal = scored(1, {FIRST: 1.0, SECOND: 2.0}, outcome="normal", source="clinic", PatientID="p1")
    abnormal = scored(2, {FIRST: 3.0, SECOND: None}, outcome="abnormal", StudyInstanceUID="1.2", PatientID="p2")
    scored(3, {FIRST: 3.0}, outcome="unsure")
    scored(4, {FIRST: 3.0})
    undone = scored(5, {FIRST: 3.0}, outcome="normal")
    store.reports.undo(undone.study, "ann")
    changed = scored(6, {FIRST: 4.0}, outcome="normal")
    store.reports.undo(changed.study, "ann")
    look_and_report(store, changed.study, "ann", "abnormal")
    elsewhere = scored(7, {FIRST: 5.0}, AccessionNumber="A7")
    store.reports.reported_elsewhere(accession="A7", outcome="normal")
    unknown = scored(8, {FIRST: 5.0}, AccessionNumber="A8")
    store.reports.reported_elsewhere(accession="A8")
    late = scored(9, {FIRST: 9.0}, StudyInstanceUID="1.2", PatientID="p2")  # of a study that was reported before
    assert elsewhere.film_id not in {one.film for one in store.reports.labelled()}, (
        "nothing shows that its film was seen"
    )
    found = {one.film: one for one in store.reports.labelled(origins=EVERY)}
    assert set(found) == {one.film_id for one in (normal, abnormal, changed, elsewhere)}
    assert unknown.film_id not in found and late.film_id not in found
    one = found[normal.film_id]
    assert (one.study, one.source, one.abnormal, one.pixel_sha256) == (normal.study, "clinic", False, normal.sha256)
    assert one.scores == {FIRST: 1.0, SECOND: 2.0} and one.statistics == {"mean": 0.5}
    assert one.patient == store.names.of("patient", "p1") and "p1" not in repr(one)
    assert found[abnormal.film_id].abnormal and found[abnormal.film_id].scores == {FIRST: 3.0}
    assert found[changed.film_id].abnormal and not found[elsewhere.film_id].abnormal
    assert found[changed.film_id].patient == changed.study, "nobody said whose it is"
    assert [one.film for one in store.reports.labelled(most=2, origins=EVERY)] == [elsewhere.film_id, changed.film_id]
    with pytest.raises(WorklistError, match="Ask for 1 or more"):
        store.reports.labelled(most=0)


def test_a_manifest_of_labelled_films_has_no_formula_and_reads_back(
    store: Store, scored: Scored, tmp_path: Path
) -> None:
    receipt = scored(1, {FIRST: 1.0}, outcome="normal", source="=HYPERLINK(1)", PatientID="p1")
    export_labelled(store, tmp_path / "labelled.csv", with_selected=True)
    assert ",normal,'=HYPERLINK(1)," in (tmp_path / "labelled.csv").read_text(encoding="utf-8")
    (entry,) = read_manifest(tmp_path / "labelled.csv")
    assert entry.source == "=HYPERLINK(1)" and entry.path is not None
    assert entry.path.resolve() == store.films.path(receipt.film_id).resolve()


@on_postgresql
def test_models_disagree_where_their_ranks_differ(store: Store, scored: Scored) -> None:
    first = [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
    second = [600.0, 200.0, 300.0, 400.0, 500.0, 100.0]
    receipts = [
        scored(number, {FIRST: one, SECOND: other}, source=f"s{number}")
        for number, (one, other) in enumerate(zip(first, second, strict=True))
    ]
    scored(10, {FIRST: 99.0})
    scored(11, {FIRST: 99.0, SECOND: None})
    found = store.findings.disagreements(FIRST, SECOND)
    assert len(found) == 6 and [one.film for one in found[:2]] == [receipts[0].film_id, receipts[5].film_id]
    ranks = {one.film: (one.first_rank, one.second_rank) for one in found}
    wanted = np.stack([(scipy.stats.rankdata(values) - 0.5) / 6 for values in (first, second)], axis=1)
    np.testing.assert_allclose([ranks[receipt.film_id] for receipt in receipts], wanted)
    top = found[0]
    assert (top.study, top.source, top.first_score, top.second_score) == (receipts[0].study, "s0", 1.0, 600.0)
    assert top.difference == pytest.approx(-5 / 6)
    turned = store.findings.disagreements(SECOND, FIRST, limit=1)
    assert [one.film for one in turned] == [top.film] and turned[0].difference == pytest.approx(5 / 6)
    assert store.findings.disagreements(FIRST, "9" * 64) == []
    for first_model, second_model, limit, said in (
        (FIRST, FIRST, 5, "Name two models"),
        (FIRST, SECOND, 0, "Ask for 1 to 500"),
        (FIRST, SECOND, 501, "Ask for 1 to 500"),
    ):
        with pytest.raises(WorklistError, match=said):
            store.findings.disagreements(first_model, second_model, limit=limit)
