"""A film is its SOP Instance UID with its pixels: copies, versions, and objects that are no film."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pydicom
import pytest

from tests.data.making import compressed
from tests.worklist.conftest import Judge, dicom_film, listed, on_postgresql
from unseen.screening.screener import Screener
from unseen_server.worklist.backup import back_up
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

UIDS: dict[str, Any] = {"StudyInstanceUID": "1.2.7", "SOPInstanceUID": "1.2.7.1", "PatientID": "p1"}
SR = "1.2.840.10008.5.1.4.1.1.88.33"
DX_FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"


def header_of(data: bytes) -> ReceivedHeader:
    return ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True))


def worker(store: Store, screener: Screener) -> Worker:
    return Worker(store, lambda: screener)


@pytest.mark.parametrize("at_the_door", [True, False], ids=["header", "no header"])
@on_postgresql
def test_one_instance_plain_compressed_and_corrected_is_one_film(
    store: Store, screener: Screener, at_the_door: bool
) -> None:
    plain = dicom_film(1, **UIDS)
    sent = [plain, compressed(plain), dicom_film(1, **UIDS, AccessionNumber="A7", BodyPartExamined="CHEST")]
    assert len(set(sent)) == 3
    receipts = [
        store.films.receive(data, name=f"{number}", header=header_of(data) if at_the_door else None)
        for number, data in enumerate(sent)
    ]
    worker(store, screener).drain()
    (row,) = store.studies.page(StudyQuery(tab="all", blind=False)).rows
    assert row.films == 1
    study = store.studies.details(row.study, blind=False)
    assert len(study.films) == 1
    copies = [event.body["changed"] for event in study.history if event.action == "film.copy"]
    assert [",".join(copy.changed) for copy in study.films[0].copies] == copies
    assert {copy.film for copy in study.films[0].copies} == {receipt.film_id for receipt in receipts[1:]}
    assert copies == ["", "BodyPartExamined"], "the accession number was not known before"
    assert {store.films.path(receipt.film_id).name for receipt in receipts} == {receipts[0].sha256}
    assert all(store.site.films.of(receipt.sha256).is_file() for receipt in receipts), "every byte is kept"
    assert store.films.receive(sent[1], name="again").already
    assert store.sweep() == 0 and store.audit.verify() is None


def test_a_copy_leaves_what_was_decided(store: Store, screener: Screener) -> None:
    plain = dicom_film(1, **UIDS)
    store.films.receive(plain, name="a", header=header_of(plain))
    worker(store, screener).drain()
    (before,) = store.studies.page(StudyQuery(tab="all", blind=False)).rows
    store.films.receive(compressed(plain), name="b", header=header_of(plain))
    worker(store, screener).drain()
    (after,) = store.studies.page(StudyQuery(tab="all", blind=False)).rows
    assert (after.study, after.state, after.score, after.films) == (before.study, before.state, before.score, 1)


def test_other_pixels_under_one_instance_are_a_version_and_the_study_is_read(
    store: Store, judge: Judge, screener: Screener
) -> None:
    store.settings.set_settle_s(0, actor="lea")
    first, second = (dicom_film(number, **UIDS) for number in (1, 2))
    store.films.receive(first, name="a", header=header_of(first))
    assert judge("clear", 0.1, **UIDS)
    assert len(listed(store, "cleared")) == 1
    store.films.receive(second, name="b", header=header_of(second))
    assert judge("clear", 0.1, **UIDS)
    (row,) = store.studies.page(StudyQuery(tab="to_read", blind=False)).rows
    assert row.films == 2 and row.versions
    decided = store.studies.details(row.study, blind=False).decision
    assert decided is not None and decided.action == "read" and decided.reason.startswith("two versions of a film")
    films = {film.sha256: film for film in store.studies.details(row.study).films}
    before, after = (films[hashlib.sha256(data).hexdigest()] for data in (first, second))
    assert (before.version_of, after.version_of) == (None, before.film)


@pytest.mark.parametrize(
    "sop_class, intent",
    [(SR, ""), (DX_FOR_PROCESSING, "FOR PROCESSING"), ("1.2.840.10008.5.1.4.1.1.1.1", "FOR PROCESSING")],
    ids=["report", "for processing", "DX with the wrong class"],
)
@pytest.mark.parametrize("comes", ["before", "after"])
def test_what_is_no_film_is_kept_with_its_study_and_never_listed(
    store: Store, screener: Screener, sop_class: str, intent: str, comes: str
) -> None:
    film = dicom_film(1, **UIDS)
    other = dicom_film(2, **UIDS | {"SOPInstanceUID": "1.2.7.2"}, sop_class=sop_class, PresentationIntentType=intent)
    sent = [film, other] if comes == "after" else [other, film]
    receipts = [store.films.receive(data, name="x", header=header_of(data)) for data in sent]
    worker(store, screener).drain()
    (row,) = store.studies.page(StudyQuery(tab="all", blind=False)).rows
    assert row.films == 1 and row.state != "not_scored"
    assert store.films.holds("1.2.7.1") and store.films.holds("1.2.7.2") and not store.films.holds("1.2.7.3")
    again = store.films.receive(other, name="y", header=header_of(other))
    assert again.already and again.study == row.study
    assert [store.site.films.of(receipt.sha256).is_file() for receipt in receipts] == [True, True]


@on_postgresql
def test_with_a_patient_go_copies_and_objects_too(store: Store, screener: Screener) -> None:
    film = dicom_film(1, **UIDS)
    report = dicom_film(2, **UIDS | {"SOPInstanceUID": "1.2.7.2"}, sop_class=SR)
    alone = dicom_film(3, **UIDS | {"SOPInstanceUID": "1.2.8.2", "StudyInstanceUID": "1.2.8"}, sop_class=SR)
    receipts = [
        store.films.receive(data, name="x", header=header_of(data)) for data in (film, compressed(film), report, alone)
    ]
    worker(store, screener).drain()
    store.removal.erase(patient="p1", actor="lea")
    assert not any(store.site.films.of(receipt.sha256).exists() for receipt in receipts)
    assert not any(store.films.holds(uid) for uid in ("1.2.7.1", "1.2.7.2", "1.2.8.2"))
    with pytest.raises(NotFoundError):
        store.films.path(receipts[1].film_id)


@pytest.mark.nightly
def test_a_backup_holds_copies_and_objects(store: Store, screener: Screener, tmp_path: Any) -> None:
    film = dicom_film(1, **UIDS)
    report = dicom_film(2, **UIDS | {"SOPInstanceUID": "1.2.7.2"}, sop_class=SR)
    for data in (film, compressed(film), report):
        store.films.receive(data, name="x", header=header_of(data))
    worker(store, screener).drain()
    assert back_up(store, tmp_path / "backup").films == 3


def test_a_draft_on_a_film_that_turns_out_to_be_a_copy_is_kept(store: Store, screener: Screener) -> None:
    plain = dicom_film(1, **UIDS)
    first = store.films.receive(plain, name="a").study
    worker(store, screener).drain()
    own = store.films.receive(compressed(plain), name="b").study
    assert own != first, "it stands on its own until it is read"
    store.reports.keep_draft(own, "ann", "a shadow in the left lung")
    worker(store, screener).drain()
    assert store.jobs.counts().dead == 0 and store.jobs.counts().waiting == 0
    assert store.studies.page(StudyQuery(tab="all")).total == 1 and store.studies.details(own).entry.study == first
    assert store.studies.details(own, reader="ann").draft == "a shadow in the left lung"


@on_postgresql
def test_a_copy_under_another_study_leaves_that_study_its_other_films(store: Store, screener: Screener) -> None:
    store.settings.set_settle_s(0, actor="lea")
    plain, elsewhere = dicom_film(1, **UIDS), UIDS | {"StudyInstanceUID": "1.2.9"}
    other = dicom_film(2, **elsewhere | {"SOPInstanceUID": "1.2.9.1"})
    for data in (plain, other):
        store.films.receive(data, name="x", header=header_of(data))
    worker(store, screener).drain()
    moved = dicom_film(1, **elsewhere)
    store.films.receive(moved, name="y", header=header_of(moved))
    worker(store, screener).drain()
    assert store.jobs.counts().dead == 0 and store.jobs.counts().waiting == 0
    assert sorted(row.films for row in store.studies.page(StudyQuery(tab="all")).rows) == [1, 1]
    assert all(
        len(store.studies.details(row.study).films) == 1 for row in store.studies.page(StudyQuery(tab="all")).rows
    )
    assert store.audit.verify() is None


def test_a_study_whose_first_film_becomes_a_copy_counts_for_the_source_of_its_next(
    store: Store, screener: Screener
) -> None:
    """It counted for no source, as after its first film was retired."""
    store.settings.set_settle_s(0, actor="lea")
    elsewhere = UIDS | {"StudyInstanceUID": "1.2.9"}
    films = {"ward": UIDS, "north": elsewhere, "south": elsewhere | {"SOPInstanceUID": "1.2.9.1"}}
    for number, (source, tags) in enumerate(films.items()):
        data = dicom_film(2 if source == "south" else 1, **tags)
        store.films.receive(data, name=f"{number}", source=source, header=header_of(data))
        if source == "ward":
            worker(store, screener).drain()
    worker(store, screener).drain()
    assert sorted((one.name, one.studies, one.films) for one in store.studies.by_source()) == [
        ("south", 1, 1),
        ("ward", 1, 1),
    ]
