"""Identifiers far longer than DICOM allows (64 characters in LO, 16 in SH) are taken, found and erased."""

from __future__ import annotations

import hmac
import io
import random
import string

import pydicom
import pytest

from tests.worklist.conftest import MakePlace, dicom_film
from unseen.screening.screener import Screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.outside_reports import OutsideReport
from unseen_server.worklist.pseudonyms import Pseudonyms
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.study_query import StudyQuery

LONG = "".join(random.Random(4).choices(string.ascii_letters + string.digits, k=10_000))
OTHER = LONG[:-1] + "!"


@pytest.mark.parametrize("patient", ["4711-" + "x" * 65, "47\\\\11"], ids=["70 characters", "a backslash"])
def test_a_slightly_wrong_number_is_one_patient_to_the_receiver_and_to_the_decoder(
    make_place: MakePlace, screener: Screener, patient: str
) -> None:
    with make_place("sqlite").open(pseudonymise=False) as store:
        for number in range(2):
            tags = {"StudyInstanceUID": "1.2.7", "SOPInstanceUID": f"1.2.7.{number}", "PatientID": patient}
            data = dicom_film(number, **tags)
            header = ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data)))
            store.films.receive(data, name=f"{number}.dcm", header=header if number else None)
        Worker(store, lambda: screener).drain()
        (row,) = store.studies.page(StudyQuery(tab="all", text=patient)).rows
        assert row.films == 2 and not row.claims


@pytest.mark.parametrize("plain", [False, True], ids=["pseudonyms", "plain"])
def test_a_patient_of_an_earlier_version_whose_number_was_cut_is_joined_by_a_merge(
    make_place: MakePlace, screener: Screener, plain: bool
) -> None:
    whole = "4711-" + "x" * 65
    with make_place("sqlite").open(pseudonymise=not plain) as store:
        for number, patient in enumerate((whole[:64], whole)):
            tags = {"StudyInstanceUID": "1.2.7", "SOPInstanceUID": f"1.2.7.{number}", "PatientID": patient}
            store.films.receive(dicom_film(number, **tags), name=f"{number}.dcm")
            Worker(store, lambda: screener).drain()
        rows = store.studies.page(StudyQuery(tab="all")).rows
        assert len(rows) == 2 and all(row.claims for row in rows)
        assert store.removal.foresee(patient=whole).studies == store.removal.foresee(patient=whole[:64]).studies == 1
        store.studies.merge_patients(prior=whole[:64], surviving=whole, actor="ada")
        (row,) = store.studies.page(StudyQuery(tab="all", text=whole)).rows
        assert row.films == 2 and not row.claims
        assert store.removal.foresee(patient=whole).films == 2


@pytest.mark.parametrize("value", ["1234", "1234 ", " 12 34", "x" * 64, "x" * 200, "47\\11", "äö^=", ""])
def test_identifiers_of_earlier_versions_have_the_same_pseudonyms(value: str) -> None:
    """Another pseudonym would make two patients of one."""
    pinned = hmac.new(bytes(32), b"patient\0" + value.strip().encode(), "sha256").hexdigest()
    assert Pseudonyms(bytes(32), plain=False).of("patient", value) == pinned
    assert Pseudonyms(bytes(32), plain=True).of("patient", value) == value.strip()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
@pytest.mark.parametrize("plain", [False, True], ids=["pseudonyms", "plain"])
def test_identifiers_of_any_length(make_place: MakePlace, screener: Screener, kind: str, plain: bool) -> None:
    with make_place(kind).open(pseudonymise=not plain) as store:
        for number, patient in enumerate((LONG, OTHER)):
            tags = {"PatientID": patient, "AccessionNumber": patient[::-1], "IssuerOfPatientID": LONG}
            data = dicom_film(number, StudyInstanceUID=f"1.2.{number}", SOPInstanceUID=f"1.2.{number}.1", **tags)
            header = ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data)))
            store.films.receive(data, name=f"{number}.dcm", header=header if number else None)
        Worker(store, lambda: screener).drain()
        first, second = (store.studies.page(StudyQuery(tab="all", text=text)).rows for text in (LONG, OTHER))
        assert len(first) == len(second) == 1 and first[0].study != second[0].study
        report = OutsideReport(
            system="RIS", accession=LONG[::-1], patients=(LONG,), status="final", outcome="normal", content="m"
        )
        with pytest.raises(WorklistError, match="accession number has 10000 characters, the limit is 200"):
            store.outside_reports.take(report)
        assert store.removal.erase(patient=LONG, actor="ada").studies == 1
        assert [row.study for row in store.studies.page(StudyQuery(tab="all")).rows] == [second[0].study]
