"""One Study Instance UID under two patient numbers or issuers: nothing is cleared, films are named, a merge rejoins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.worklist.conftest import Judge, dicom_film, listed, on_postgresql, png
from tests.worklist.reporting import look_and_report
from unseen_server.web.study_sentences import conflict_in_words
from unseen_server.worklist.identity_conflicts import CONFLICT
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.parcels import SentInstance
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.receiving import Receipt
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import decisions, findings

UID = {"StudyInstanceUID": "1.2.3"}
FILM = "1.2.840.10008.5.1.4.1.1.1"

Half = Callable[..., Receipt]


@pytest.fixture
def half(store: Store, judge: Judge) -> Half:
    """`half(1, patient="p1")`: film 1 of the study is received, and judged under this number."""
    store.settings.set_settle_s(0, actor="lea")
    store.outbox.set_destinations([Destination(name="pacs")], actor="lea")

    def of(
        number: int,
        action: str = "clear",
        *,
        patient: str = "",
        issuer: str = "",
        door: bool = True,
        uid: str = "1.2.3",
    ) -> Receipt:
        names = {"PatientID": patient, "IssuerOfPatientID": issuer}
        named = {"StudyInstanceUID": uid, "SOPInstanceUID": f"{uid}.{number}"} | {k: v for k, v in names.items() if v}
        header = ReceivedHeader(sop_class=FILM, instance=f"{uid}.{number}", study=uid, patient=patient, issuer=issuer)
        receipt = store.films.receive(png(number), name=f"{number}", source="ward", header=header if door else None)
        assert judge(action, 0.1 if action == "clear" else 0.7, **named)
        return receipt

    return of


CONFLICTS: list[Any] = [
    ({"patient": "123"}, {"patient": "000123"}),
    ({"patient": "TRAUMA-7"}, {"patient": "4711"}),
    ({"patient": "4711", "issuer": "NORTH"}, {"patient": "4711", "issuer": "SOUTH"}),
    ({"patient": "4711"}, {"patient": "4711 B"}),
]


@pytest.mark.parametrize(
    ("first", "second", "door"),
    [
        pytest.param(*pair, door, marks=[pytest.mark.nightly] * (number % 2 != door))
        for number, pair in enumerate(CONFLICTS)
        for door in (True, False)
    ],
)
def test_no_part_of_a_study_with_two_identities_is_cleared(
    store: Store, half: Half, first: dict[str, str], second: dict[str, str], door: bool
) -> None:
    one = half(1, door=door, **first)
    assert listed(store, "cleared") == [one.study]
    two = half(2, door=door, **second)
    assert listed(store, "cleared") == [] and sorted(listed(store)) == sorted([one.study, two.study])
    third = half(3, door=door, **second)  # a further film of the second identity is not cleared either
    assert listed(store, "cleared") == [] and store.studies.details(third.study).entry.study == two.study
    for study in (one.study, two.study):
        decided = store.studies.details(study, blind=False).decision
        assert decided is not None and (decided.action, decided.reason) == ("read", CONFLICT)


def test_the_row_and_the_study_name_the_films_that_disagree(store: Store, half: Half) -> None:
    one, two = half(1, patient="p1"), half(2, patient="p2")
    (row,) = [row for row in store.studies.page(StudyQuery()).rows if row.study == one.study]
    assert [(claim.study, claim.films) for claim in row.claims] == [
        (one.study, (one.film_id,)),
        (two.study, (two.film_id,)),
    ]
    words = conflict_in_words(store.studies.details(two.study).entry.claims)
    assert words == (
        f"Conflicting patient numbers: film {two.film_id} of this study, film {one.film_id} of study {one.study}"
    )
    undisputed = half(9, patient="p1", uid="9.9")
    assert store.studies.details(undisputed.study).entry.claims == ()


def test_a_film_without_a_patient_number_raises_no_conflict(store: Store, half: Half) -> None:
    one = half(1, patient="p1")
    half(2)
    assert listed(store, "cleared") == [one.study] and store.studies.details(one.study).entry.films == 2


def test_a_result_that_was_sent_is_corrected_when_the_second_identity_comes(store: Store, half: Half) -> None:
    one = half(1, patient="p1")
    cleared = store.outbox.take("pacs")
    assert cleared is not None and cleared.decision.action == "clear"
    sent = SentInstance(sop_class="1.2", instance="1.9", series="1.8")
    assert store.outbox.sent(cleared, [sent])
    two = half(2, "read", patient="p2")
    found = {}
    while (parcel := store.outbox.take("pacs")) is not None:
        found[parcel.study] = parcel
        if not parcel.awaiting:
            assert store.outbox.sent(parcel, [SentInstance(sop_class="1.2", instance=f"2.{parcel.number}", series="2")])
    assert set(found) == {one.study, two.study}
    correction = found[one.study]
    assert correction.decision.action == "read" and correction.decision.reason == CONFLICT
    assert correction.replaces == (sent,)
    assert found[two.study].decision.reason.startswith(CONFLICT)


def test_a_reported_study_is_opened_again_when_the_second_identity_comes(store: Store, half: Half) -> None:
    one = half(1, "read", patient="p1")
    store.studies.claim(one.study, "ann")
    look_and_report(store, one.study, "ann", "normal")
    assert listed(store, "reported") == [one.study]
    two = half(2, patient="p2")
    assert listed(store, "reported") == [] and sorted(listed(store)) == sorted([one.study, two.study])
    assert [report.outcome for report in store.studies.details(one.study).reports] == ["normal"]


@on_postgresql
@pytest.mark.parametrize(
    ("first", "second"), [("p1", "p2"), pytest.param("p2", "p1", marks=pytest.mark.nightly), ("123", "000123")]
)
def test_a_merge_of_the_numbers_rejoins_the_study_and_decides_again(
    store: Store, half: Half, first: str, second: str
) -> None:
    one, two = half(1, patient=first), half(2, patient=second)
    assert listed(store, "cleared") == []
    store.studies.merge_patients(prior=second, surviving=first, actor="his")
    (study,) = {store.studies.details(name).entry.study for name in (one.study, two.study)}
    whole = store.studies.details(study, blind=False)
    assert whole.entry.films == 2 and whole.entry.claims == ()
    assert whole.decision is not None and whole.decision.action == "clear"
    assert listed(store, "cleared") == [study] or whole.audit_sample
    later = half(3, patient=second)  # a modality sends the old number for a while
    assert store.studies.details(later.study).entry.study == study and store.studies.details(study).entry.claims == ()
    assert store.audit.verify() is None


def test_a_merge_of_two_reported_halves_keeps_the_labels_of_both(store: Store, half: Half) -> None:
    """Both reports were dated before all films, which then had no label and opened the study when judged again."""
    one, two = half(1, "read", patient="p1"), half(2, "read", patient="p2")
    received = [store.studies.details(each.study).films[0].received for each in (one, two)]
    for each in (one, two):
        store.studies.claim(each.study, "ann")
        look_and_report(store, each.study, "ann", "normal")
    assert len(store.reports.labelled()) == 2
    store.studies.merge_patients(prior="p2", surviving="p1", actor="his")
    whole = store.studies.details(one.study)
    assert whole.entry.films == 2 and listed(store) == []
    assert len(store.reports.labelled()) == 2
    assert sorted(film.received for film in whole.films) == sorted(received)


@on_postgresql
def test_a_decision_after_a_merge_keeps_the_digest_of_the_model(store: Store, half: Half) -> None:
    """Without it the decision would count as one of a version before digests, and lose its probability when sent."""
    one, _ = half(1, patient="p1"), half(2, patient="p2")
    with store.database.writing() as connection:
        for table in (findings, decisions):
            connection.execute(table.update().values(model_digest="d" * 64))
        before = connection.execute(select(func.max(decisions.c.id))).scalar_one()
    store.studies.merge_patients(prior="p2", surviving="p1", actor="his")
    with store.database.reading() as connection:
        made = connection.execute(select(decisions).where(decisions.c.id > before)).all()
    assert store.studies.details(one.study).entry.films == 2
    assert made and {row.model_digest for row in made} == {"d" * 64}


def test_a_rejoined_study_is_read_where_one_of_its_films_is(store: Store, half: Half) -> None:
    one, two = half(1, patient="p1"), half(2, "read", patient="p2")
    store.studies.merge_patients(prior="p1", surviving="p2", actor="his")
    study = store.studies.details(one.study).entry.study
    assert study == store.studies.details(two.study).entry.study
    whole = store.studies.details(study, blind=False)
    assert whole.decision is not None and whole.decision.action == "read" and CONFLICT not in whole.decision.reason
    assert listed(store, "cleared") == []


def test_a_merge_of_two_of_three_numbers_leaves_the_third_in_conflict(store: Store, half: Half) -> None:
    one, two, three = half(1, patient="p1"), half(2, patient="p2"), half(3, patient="p3")
    store.studies.merge_patients(prior="p2", surviving="p1", actor="his")
    assert store.studies.details(two.study).entry.study == store.studies.details(one.study).entry.study
    assert listed(store, "cleared") == []
    assert {claim.study for claim in store.studies.details(three.study).entry.claims} == {one.study, three.study}
    store.studies.merge_patients(prior="p3", surviving="p1", actor="his")
    assert (
        store.studies.details(three.study).entry.study == one.study
        and store.studies.details(one.study).entry.claims == ()
    )


def test_a_merge_before_the_second_half_comes_leaves_no_conflict(store: Store, half: Half) -> None:
    one = half(1, patient="p1")
    store.studies.merge_patients(prior="p2", surviving="p1", actor="his")
    two = half(2, patient="p2")
    assert (
        store.studies.details(two.study).entry.study == one.study
        and store.studies.details(one.study).entry.claims == ()
    )


def test_a_reported_half_and_an_unread_half_are_read_after_the_merge(store: Store, half: Half) -> None:
    one = half(1, "read", patient="p1")
    half(2, patient="p2")
    store.studies.claim(one.study, "ann")
    look_and_report(store, one.study, "ann", "normal")
    assert listed(store, "reported") == [one.study]
    store.studies.merge_patients(prior="p2", surviving="p1", actor="his")
    assert listed(store, "reported") == [] and listed(store) == [one.study]


@on_postgresql
def test_the_same_film_under_a_reconciled_number_is_a_conflict_until_the_merge(store: Store, judge: Judge) -> None:
    store.settings.set_settle_s(0, actor="lea")
    tags = UID | {"SOPInstanceUID": "1.2.3.4"}
    first = store.films.receive(dicom_film(1, **tags, PatientID="TRAUMA"), name="a", source="ward")
    assert judge("clear", 0.1, pixel_sha256="ab" * 32, **tags, PatientID="TRAUMA")
    assert listed(store, "cleared") == [first.study]
    again = store.films.receive(dicom_film(1, **tags, PatientID="4711"), name="b", source="ward")
    judge("clear", 0.1, pixel_sha256="ab" * 32, **tags, PatientID="4711")
    assert listed(store, "cleared") == [] and listed(store) == [first.study]
    (claim,) = store.studies.details(first.study).entry.claims
    assert claim.films == (first.film_id, again.film_id)
    store.studies.merge_patients(prior="TRAUMA", surviving="4711", actor="his")
    assert store.studies.details(first.study).entry.claims == ()
    whole = store.studies.details(first.study, blind=False)
    assert whole.decision is not None and whole.decision.action == "clear"
