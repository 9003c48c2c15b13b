"""Reports of other systems close studies, are corrected and taken back, wait for films, and count where labels do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from tests.worklist.conftest import Clock, Judge, dicom_film, listed, on_both_databases, on_postgresql, remove_by_age
from tests.worklist.reporting import look_and_report
from unseen_server.worklist import labels
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.outside_reports import EARLY_DAYS, OutsideReport
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import audit, merged_patients, outside_reports, studies

A1 = {"AccessionNumber": "A1", "StudyInstanceUID": "1.2", "PatientID": "P1"}


def said(outcome: Any = "abnormal", **how: Any) -> OutsideReport:
    """Return a final report on A1."""
    settings = {"system": "RIS", "accession": "A1", "status": "final", "content": f"{outcome} {how.get('status')}"}
    return OutsideReport(**(settings | how), outcome=outcome)


def header(number: int, **tags: str) -> ReceivedHeader:
    return ReceivedHeader(
        sop_class="1.2.840.10008.5.1.4.1.1.1.1",
        instance=f"1.2.{number}.1",
        study=tags.get("StudyInstanceUID", ""),
        patient=tags.get("PatientID", ""),
        issuer="",
        accession=tags.get("AccessionNumber", ""),
        intent="FOR PRESENTATION",
    )


def arrives(store: Store, number: int, *, settle_s: float = 60.0, **tags: str) -> str:
    """Receive a film from the archive, and return its study."""
    receipt = store.films.receive(
        dicom_film(number), name=f"{number}", source="ward", header=header(number, **tags), settle_s=settle_s
    )
    return receipt.study


@pytest.fixture
def study(store: Store, judge: Judge) -> str:
    """A1, to be read."""
    receipt = store.films.receive(dicom_film(1), name="a", source="ward")
    assert judge("read", 0.7, **A1)
    return receipt.study


def outcomes(store: Store, study: str) -> list[tuple[str, str | None, bool]]:
    return [(one.reader, one.outcome, one.undone is None) for one in store.studies.details(study).reports]


@on_postgresql
def test_a_report_closes_its_study_by_accession_or_by_study_uid(store: Store, study: str, judge: Judge) -> None:
    other = store.films.receive(dicom_film(2), name="b", source="ward").study
    assert judge("clear", 0.1, AccessionNumber="A2", StudyInstanceUID="1.3")
    assert store.outside_reports.take(said("abnormal", accession=" A1 ")) == "closed"
    assert store.outside_reports.take(said("normal", accession="", study_uid="1.3", content="x")) == "closed"
    assert listed(store) == [] and sorted(listed(store, "reported")) == sorted([study, other])
    assert outcomes(store, study) == [("RIS", "abnormal", True)]
    with store.database.reading() as connection:
        found = {row.study: row.abnormal for row in labels.labelled(connection, most=9, origins=("elsewhere",))}
    assert found == {study: True, other: False}


def test_the_same_message_again_changes_nothing(store: Store, study: str) -> None:
    assert store.outside_reports.take(said("abnormal")) == "closed"
    head = store.audit.head()
    assert store.outside_reports.take(said("abnormal")) == "repeated"
    assert store.outside_reports.take(said("abnormal", content="the same in other words")) == "unchanged"
    assert store.audit.head() == head and outcomes(store, study) == [("RIS", "abnormal", True)]


def test_a_corrected_report_takes_the_place_of_the_earlier_one(store: Store, study: str) -> None:
    store.outside_reports.take(said("abnormal"))
    assert store.outside_reports.take(said("normal", status="corrected")) == "corrected"
    assert store.outside_reports.take(said("abnormal")) == "repeated", "a late repetition of what was corrected"
    assert outcomes(store, study) == [("RIS", "abnormal", False), ("RIS", "normal", True)]
    assert listed(store) == [] and store.outside_reports.counts().by_outcome == {"normal": 1}


def test_a_report_that_is_older_than_the_one_that_stands_changes_nothing(store: Store, study: str) -> None:
    store.outside_reports.take(said("normal", status="corrected", issued_us=2_000))
    assert store.outside_reports.take(said("abnormal", issued_us=1_000)) == "unchanged"
    assert outcomes(store, study) == [("RIS", "normal", True)]


def test_a_correction_that_no_rule_matches_takes_the_outcome_back_and_an_addendum_does_not(
    store: Store, study: str
) -> None:
    store.outside_reports.take(said("abnormal"))
    assert store.outside_reports.take(said(None, content="an addendum")) == "unchanged"
    assert outcomes(store, study) == [("RIS", "abnormal", True)]
    assert store.outside_reports.take(said(None, status="corrected")) == "corrected"
    assert outcomes(store, study)[-1] == ("RIS", None, True)


def test_a_preliminary_report_does_not_close_the_study(store: Store, study: str) -> None:
    assert store.outside_reports.take(said("abnormal", status="preliminary")) == "preliminary"
    assert listed(store) == [study] and outcomes(store, study) == []
    assert store.outside_reports.take(said("abnormal")) == "closed"


def test_a_withdrawn_report_gives_the_study_back(store: Store, study: str) -> None:
    store.outside_reports.take(said("abnormal"))
    assert store.outside_reports.take(said(None, status="withdrawn")) == "withdrawn"
    assert listed(store) == [study] and outcomes(store, study) == [("RIS", "abnormal", False)]
    assert store.outside_reports.take(said("normal", content="anew")) == "closed"


def test_a_withdrawn_report_gives_back_a_study_whose_earlier_films_were_reported_here(
    store: Store, study: str, judge: Judge
) -> None:
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", "normal")
    store.films.receive(dicom_film(2), name="b", source="ward")
    assert judge("read", 0.9, **A1)
    assert store.outside_reports.take(said("normal")) == "closed"
    assert store.outside_reports.take(said(None, status="withdrawn")) == "withdrawn"
    assert listed(store) == [study], "nobody has reported the second film"
    assert outcomes(store, study) == [("ann", "normal", True), ("RIS", "normal", False)]


@pytest.mark.parametrize("later_film", [False, True])
def test_another_systems_report_keeps_a_study_only_if_it_is_about_all_films(
    store: Store, study: str, judge: Judge, later_film: bool
) -> None:
    take = store.outside_reports.take
    assert take(said("normal", system="PACS")) == "closed"
    if later_film:
        store.films.receive(dicom_film(2), name="b", source="ward")
        assert judge("read", 0.9, **A1)
    assert take(said("normal")) == ("closed" if later_film else "beside")
    take(said(None, status="withdrawn"))
    assert listed(store) == ([study] if later_film else [])


def test_a_withdrawn_report_gives_back_a_study_of_which_a_film_was_set_aside(
    store: Store, study: str, judge: Judge
) -> None:
    store.films.receive(dicom_film(2), name="b", source="ward")
    assert judge("not_scored", **A1)
    store.studies.claim(study, "ann")
    broken = store.studies.details(study).films[1].film
    assert not store.reports.set_aside(study, "ann", "returned", "broken", films=[broken])
    store.studies.release(study, "ann")
    assert store.outside_reports.take(said("normal")) == "closed"
    assert store.outside_reports.take(said(None, status="withdrawn")) == "withdrawn"
    assert listed(store) == [study]


def test_a_second_withdrawal_takes_the_amended_report_back(store: Store, study: str) -> None:
    take = store.outside_reports.take
    assert take(said("normal", content="first", sent_us=1)) == "closed"
    withdrawn = {"status": "withdrawn", "content": "withdrawn"}
    assert take(said(None, sent_us=2, **withdrawn)) == "withdrawn"
    assert take(said("normal", content="amended", sent_us=3)) == "closed"
    assert take(said(None, sent_us=2, **withdrawn)) == "repeated", "a late repetition"
    assert take(said(None, sent_us=4, **withdrawn)) == "withdrawn"
    assert take(said(None, sent_us=4, **withdrawn)) == "repeated"
    assert listed(store) == [study]


def test_a_second_withdrawal_counts_without_times_and_with_the_time_of_the_first_report(
    store: Store, study: str
) -> None:
    take, day_us = store.outside_reports.take, 86_400_000_000
    withdrawn = {"status": "withdrawn", "content": "withdrawn"}
    for times in ([{}] * 4, [{"issued_us": 1, "sent_us": 1 + number * day_us} for number in range(4)]):
        amended = {"issued_us": 2 * day_us} if times[0] else {}
        assert take(said("normal", content=f"first {times[0]}", **times[0])) == "closed"
        assert take(said(None, **withdrawn, **times[1])) == "withdrawn"
        assert take(said("normal", status="corrected", content=f"{times[2]}", **times[2] | amended)) == "closed"
        assert take(said(None, **withdrawn, **times[3])) == "withdrawn"
        assert listed(store) == [study]


def test_a_study_reported_here_keeps_its_report_and_the_other_stands_beside_it(store: Store, study: str) -> None:
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", "normal")
    assert store.outside_reports.take(said("abnormal")) == "beside"
    assert store.outside_reports.take(said("normal", status="corrected")) == "beside"
    assert outcomes(store, study) == [("ann", "normal", True)]
    assert store.outside_reports.counts().by_outcome == {"normal": 1}
    with pytest.raises(NotAllowedError, match="is reported cannot be marked as reported elsewhere"):
        store.reports.reported_elsewhere(accession="A1")
    with store.database.reading() as connection:
        beside = select(audit).where(audit.c.action == "study.report_beside").order_by(audit.c.seq)
        rows = connection.execute(beside).all()
    assert [json.loads(row.body)["outcome"] for row in rows] == ["abnormal", "normal"]


def test_a_second_system_does_not_overrule_the_first_unless_that_did_not_know(store: Store, study: str) -> None:
    store.reports.reported_elsewhere(accession="A1", actor="list")
    assert store.outside_reports.take(said("normal")) == "corrected", "the list did not know how"
    assert store.outside_reports.take(said("abnormal", system="other RIS")) == "beside"
    assert outcomes(store, study) == [("list", None, True), ("RIS", "normal", True)]
    assert store.outside_reports.take(said(None, status="withdrawn")) == "withdrawn"
    assert listed(store) == [], "the list still says that it was reported"


def test_a_reader_at_work_loses_the_study_to_a_report(store: Store, study: str) -> None:
    store.studies.claim(study, "ann")
    assert store.outside_reports.take(said("abnormal")) == "closed"
    with pytest.raises(NotAllowedError, match="reported elsewhere"):
        look_and_report(store, study, "ann", "normal")


def test_a_report_that_a_person_has_undone_closes_the_study_only_when_it_changes(store: Store, study: str) -> None:
    store.outside_reports.take(said("abnormal"))
    store.reports.undo(study, "lea", as_lead=True)
    assert store.outside_reports.take(said("abnormal")) == "repeated" and listed(store) == [study]
    assert store.outside_reports.take(said("abnormal", status="corrected")) == "closed"
    assert outcomes(store, study) == [("RIS", "abnormal", False), ("RIS", "abnormal", True)]


def test_a_report_of_another_patient_closes_nothing(store: Store, study: str) -> None:
    assert store.outside_reports.take(said("abnormal", patients=("P2", "N7"))) == "other patient"
    assert listed(store) == [study]
    assert store.outside_reports.take(said("abnormal", patients=("N7", "P1"))) == "closed"


@pytest.mark.parametrize("door", ["archive", "upload"])
def test_a_film_that_comes_after_its_report_is_closed_too(store: Store, judge: Judge, door: str) -> None:
    assert store.outside_reports.take(said("abnormal", patients=("P1",))) == "early"
    assert store.outside_reports.take(said("abnormal", patients=("P1",))) == "repeated"
    assert store.outside_reports.take(said("normal", status="corrected", patients=("P1",))) == "early"
    assert store.outside_reports.counts().early == 1
    if door == "archive":
        arrives(store, 1, **A1)
        assert listed(store) == [], "closed before it is read"
    else:
        store.films.receive(dicom_film(1), name="a", source="ward")
    assert judge("read", 0.9, **A1)
    (entry,) = store.studies.page(StudyQuery(tab="reported")).rows
    assert outcomes(store, entry.study) == [("RIS", "normal", True)]
    counts = store.outside_reports.counts()
    assert (counts.early, counts.by_outcome) == (0, {"normal": 1})
    assert store.outside_reports.take(said("abnormal", status="corrected", content="third")) == "corrected"


def test_films_of_a_study_that_settles_share_the_report_that_came_before_them(
    store: Store, judge: Judge, clock: Clock
) -> None:
    store.outside_reports.take(said("normal"))
    study = arrives(store, 1, **A1)
    clock.now += 20
    assert arrives(store, 2, **A1) == study
    assert judge("read", 0.9, **A1) and judge("read", 0.9, **A1)
    assert listed(store) == [], "both films came before the study was complete"
    clock.now += 100
    store.tidy()
    arrives(store, 3, **A1)
    assert judge("read", 0.9, **A1)
    assert listed(store) == [study], "of a film that comes after that nobody has reported"
    assert store.outside_reports.take(said("normal", content="speaks of the third film, too")) == "closed"


@on_postgresql
def test_early_reports_are_forgotten_after_thirty_days(store: Store, judge: Judge, clock: Clock) -> None:
    store.outside_reports.take(said("normal"))
    clock.now += EARLY_DAYS * 86_400 + 1
    study = arrives(store, 1, **A1)
    assert listed(store) == [study], "not used, though its row is still there"
    remove_by_age(store, clock, days=4)
    assert store.outside_reports.counts().early == 0


@on_postgresql
def test_a_patient_is_erased_with_the_reports_that_wait(store: Store, study: str) -> None:
    store.outside_reports.take(said("normal"))
    store.outside_reports.take(said("normal", accession="A8", patients=("P1",)))
    store.outside_reports.take(said("normal", accession="A9", patients=("P2",)))
    store.removal.erase(patient="P1", actor="lea")
    with store.database.reading() as connection:
        assert len(connection.execute(select(outside_reports)).all()) == 1
    store.removal.erase(patient="P2", actor="lea")
    assert store.outside_reports.counts().early == 0
    with pytest.raises(NotFoundError):
        store.removal.erase(patient="P2", actor="lea")


@on_both_databases
def test_reports_count_in_the_audit_sample_and_for_every_cleared_study(store: Store, judge: Judge) -> None:
    for number, (share, outcome) in enumerate([(1.0, "abnormal"), (1.0, "normal"), (0.0, "abnormal"), (0.0, "unsure")]):
        store.films.receive(dicom_film(number), name=f"{number}", source="ward")
        tags = {"AccessionNumber": f"A{number}", "StudyInstanceUID": f"1.{number}"}
        assert judge("clear", 0.1, audit_share=share, **tags)
        assert store.reports.audit_sample().waiting == (number < 2)
        assert store.outside_reports.take(said(outcome, accession=f"A{number}")) == "closed"
    sample = store.reports.audit_sample()
    assert (sample.waiting, sample.read, sample.abnormal) == (0, 2, 1)
    counts = store.outside_reports.counts()
    assert (counts.cleared, counts.cleared_abnormal) == (3, 2), "whether it was sampled or not"
    assert counts.by_outcome == {"abnormal": 2, "normal": 1, "unsure": 1}


def test_what_names_no_study_or_is_no_text_is_refused_and_nothing_of_a_report_is_stored(
    store: Store, study: str
) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"accession": " "}, "names no study"),
        ({"accession": "A" * 201}, "limit is 200"),
        ({"accession": "A\0"}, "no text"),
        ({"outcome": "fine"}, "no such outcome"),
    ]
    for change, why in wrong:
        with pytest.raises(WorklistError, match=why):
            store.outside_reports.take(said(**change))
    store.outside_reports.take(said("normal", content="Eleanor Rigby has no pneumothorax", patients=("P1",)))
    with store.database.reading() as connection:
        row = connection.execute(select(outside_reports)).one()
    assert not any(word in str(row) for word in ("Rigby", "P1", "A1"))


@pytest.mark.nightly
def test_reports_and_merges_survive_a_backup(store: Store, study: str, tmp_path: Any) -> None:
    store.outside_reports.take(said("normal"))
    store.outside_reports.take(said("normal", accession="A7"))
    store.studies.merge_patients(prior="P9", surviving="P1", actor="HIS")
    back_up(store, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "again")
    with Store.open(tmp_path / "again") as again:
        assert again.outside_reports.counts() == store.outside_reports.counts()
        assert again.outside_reports.take(said("normal")) == "repeated"


def patients(store: Store) -> set[str | None]:
    with store.database.reading() as connection:
        return set(connection.execute(select(studies.c.patient)).scalars())


@on_postgresql
def test_merged_patients_are_one(store: Store, judge: Judge) -> None:
    one = arrives(store, 1, PatientID="P1", StudyInstanceUID="1.2")
    two = arrives(store, 2, PatientID="P2", StudyInstanceUID="1.3")
    store.outside_reports.take(said("normal", accession="A7", patients=("P1",)))
    done = store.studies.merge_patients(prior="P1", surviving="P2", actor="HIS")
    assert (done.studies, done.already) == (1, False)
    assert store.studies.merge_patients(prior="P1", surviving="P2", actor="HIS").already
    assert patients(store) == {store.names.of("patient", "P2")}
    assert [prior.study for prior in store.studies.priors(two)] == [one]
    assert (
        len(store.studies.page(StudyQuery(tab="all", text="P2")).rows) == 2
        and not store.studies.page(StudyQuery(tab="all", text="P1")).rows
    )
    late = arrives(store, 3, PatientID="P1", StudyInstanceUID="1.3")
    assert late == two, "the modality still sends the old number"
    closed = arrives(store, 4, PatientID="P2", StudyInstanceUID="1.4", AccessionNumber="A7")
    assert listed(store, "reported") == [closed], "the waiting report is of the same patient"
    assert store.outside_reports.take(said("normal", accession="", study_uid="1.2", patients=("P1",))) == "closed"
    with store.database.reading() as connection:
        bodies = [row.body for row in connection.execute(select(audit).where(audit.c.action.contains("merged")))]
    assert len(bodies) == 2 and not any("P1" in body or "P2" in body for body in bodies)
    assert store.removal.erase(patient="P1", actor="lea").studies == 3, "either number finds the patient"


def test_merges_chain_and_can_be_turned_round(store: Store) -> None:
    arrives(store, 1, PatientID="P1", StudyInstanceUID="1.2")
    store.studies.merge_patients(prior="P2", surviving="P3", actor="HIS")
    store.studies.merge_patients(prior="P1", surviving="P2", actor="HIS")
    assert patients(store) == {store.names.of("patient", "P3")}, "P2 had been given up before"
    store.studies.merge_patients(prior="P3", surviving="P1", actor="HIS")
    assert patients(store) == {store.names.of("patient", "P1")}
    arrives(store, 2, PatientID="P2", StudyInstanceUID="1.3")
    assert patients(store) == {store.names.of("patient", "P1")}
    with store.database.reading() as connection:
        rows = {(row.prior, row.patient) for row in connection.execute(select(merged_patients))}
    name = store.names.of
    assert rows == {(name("patient", prior), name("patient", "P1")) for prior in ("P2", "P3")}


def test_a_merge_needs_two_numbers_and_one_issuer(store: Store, judge: Judge) -> None:
    for prior, surviving in (("", "P1"), ("P1", " "), ("P1", "P1 ")):
        with pytest.raises(WorklistError, match=r"both numbers|are the same"):
            store.studies.merge_patients(prior=prior, surviving=surviving, actor="HIS")
    for number, issuer in enumerate(("north", "south")):
        store.films.receive(dicom_film(number), name=f"{number}", source="ward")
        judge("read", PatientID="P1", IssuerOfPatientID=issuer, StudyInstanceUID=f"1.{number}")
    with pytest.raises(NotAllowedError, match="Several issuers"):
        store.studies.merge_patients(prior="P1", surviving="P2", actor="HIS")
    assert store.studies.merge_patients(prior="P1", surviving="P2", issuer="north", actor="HIS").studies == 1
    assert len(patients(store)) == 2
