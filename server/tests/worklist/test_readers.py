"""Readers: one has a study at a time, reports can be taken back, and what was reported elsewhere leaves the list."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.worklist.conftest import Clock, Judge, Judged, dicom_film, listed, on_postgresql, png
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery


@on_postgresql
def test_of_readers_who_ask_at_once_one_gets_the_study(store: Store, judged: Judged) -> None:
    study = judged(1).study
    start = threading.Barrier(6)

    def ask(reader: str) -> str | None:
        start.wait()
        try:
            store.studies.claim(study, reader)
        except NotAllowedError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(6) as threads:
        answers = dict(zip("abcdef", threads.map(ask, "abcdef"), strict=True))
    (winner,) = [reader for reader, answer in answers.items() if answer is None]
    for answer in answers.values():
        assert answer is None or answer.startswith(f"{winner} has taken this study at ")
    (entry,) = store.studies.page(StudyQuery()).rows
    assert (entry.state, entry.claimed_by) == ("in_reading", winner)


def test_a_claim_holds_until_it_runs_out(store: Store, judged: Judged, clock: Clock) -> None:
    study = judged(1).study
    until = store.studies.claim(study, "ann")
    assert until.timestamp() == pytest.approx(clock.now + store.site.claim_s, abs=1)
    clock.now += store.site.claim_s - 60
    with pytest.raises(NotAllowedError, match=r"ann has taken this study at .* and has it until"):
        store.studies.claim(study, "bob")
    assert store.studies.claim(study, "ann") > until, "asking again lengthens it"
    clock.now += store.site.claim_s + 1
    assert store.studies.page(StudyQuery()).rows[0].claimed_by is None
    store.studies.claim(study, "bob")
    with pytest.raises(NotAllowedError, match="bob has taken this study"):
        look_and_report(store, study, "ann", "normal")
    look_and_report(store, study, "bob", "normal")


def test_a_claim_that_ran_out_still_reports_while_nobody_else_took_the_study(
    store: Store, judged: Judged, clock: Clock
) -> None:
    study = judged(1).study
    store.studies.claim(study, "ann")
    clock.now += store.site.claim_s + 1
    look_and_report(store, study, "ann", "abnormal", "seen")
    assert store.studies.page(StudyQuery(tab="reported")).rows[0].state == "reported"


@on_postgresql
def test_tidying_hands_back_what_ran_out(store: Store, judged: Judged, clock: Clock) -> None:
    cleared, waiting, held = judged(1, "clear").study, judged(2).study, judged(3).study
    for study in (cleared, waiting):
        store.studies.claim(study, "ann")
    clock.now += store.site.claim_s - 1
    store.studies.claim(held, "ann")
    clock.now += 2
    store.tidy()
    assert {entry.study: entry.state for entry in store.studies.page(StudyQuery(tab="all")).rows} == {
        cleared: "cleared",
        waiting: "to_read",
        held: "in_reading",
    }
    with pytest.raises(NotAllowedError, match=r"is to read cannot be reported"):
        look_and_report(store, waiting, "ann", "normal")


def test_a_report_keeps_outcome_note_and_time(store: Store, judged: Judged) -> None:
    study = judged(1).study
    note = """'; DROP TABLE reports; -- <img src=x onerror=alert(1)> ü 愛 \u2028"""
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", "unsure", note)
    (report,) = store.studies.details(study).reports
    assert (report.reader, report.outcome, report.note, report.elsewhere, report.undone) == (
        "ann",
        "unsure",
        note,
        False,
        None,
    )
    assert listed(store) == [] and listed(store, "reported") == [study]


def test_a_report_is_checked_before_anything_changes(store: Store, judged: Judged) -> None:
    study = judged(1).study
    with pytest.raises(NotAllowedError, match=r"is to read cannot be reported. Take it for reading first"):
        look_and_report(store, study, "ann", "normal")
    store.studies.claim(study, "ann")
    wrong = [
        ("perhaps", "", "no such outcome"),
        ("normal", "x" * 30_000, "limit is 20000"),
        ("normal", "\0", "no text"),
    ]
    for outcome, note, said in wrong:
        with pytest.raises(WorklistError, match=said):
            look_and_report(store, study, "ann", outcome, note)
    assert store.studies.details(study).reports == () and store.studies.page(StudyQuery()).rows[0].claimed_by == "ann"


@on_postgresql
def test_undo_gives_the_study_back_to_whoever_reported_it(store: Store, judged: Judged) -> None:
    study = judged(1).study
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", "normal")
    with pytest.raises(NotAllowedError, match=r"ann has reported this study. Only they, or a lead"):
        store.reports.undo(study, "bob")
    store.reports.undo(study, "ann")
    assert store.studies.page(StudyQuery()).rows[0].claimed_by == "ann"
    look_and_report(store, study, "ann", "abnormal")
    store.reports.undo(study, "lea", as_lead=True)
    assert store.studies.page(StudyQuery()).rows[0].claimed_by == "lea"
    assert [(one.outcome, one.undone is not None) for one in store.studies.details(study).reports] == [
        ("normal", True),
        ("abnormal", True),
    ]


def test_only_whoever_has_a_study_hands_it_back_or_a_lead(store: Store, judged: Judged) -> None:
    study = judged(1, "clear").study
    store.studies.claim(study, "ann")
    with pytest.raises(NotAllowedError, match="Only they can release it"):
        store.studies.release(study, "bob")
    store.studies.release(study, "lea", as_lead=True)
    assert listed(store, "cleared") == [study], "where it came from"


@on_postgresql
def test_reported_elsewhere_leaves_the_list_and_can_be_undone(store: Store, judge: Judge, judged: Judged) -> None:
    receipt = store.films.receive(dicom_film(1), name="a")
    judge("read", AccessionNumber="A1", StudyInstanceUID="1.2")
    plain = judged(2)
    store.studies.claim(plain.study, "ann")
    assert store.reports.reported_elsewhere(accession="A1 ", outcome="abnormal", note="PACS") == 1
    assert store.reports.reported_elsewhere(film_sha256=plain.sha256.upper()) == 1
    assert store.reports.reported_elsewhere(accession="A1") == 0, "it was already"
    assert listed(store) == [] and sorted(listed(store, "reported")) == sorted([receipt.study, plain.study])
    (report,) = store.studies.details(receipt.study).reports
    assert (report.elsewhere, report.outcome, report.note) == (True, "abnormal", "PACS")
    store.reports.undo(receipt.study, "lea", as_lead=True)
    assert listed(store) == [receipt.study]


def test_reported_elsewhere_names_what_it_cannot_do(store: Store, judged: Judged) -> None:
    receipt = judged(1)
    store.studies.claim(receipt.study, "ann")
    look_and_report(store, receipt.study, "ann", "normal")
    for how, kind, said in (
        ({"accession": "none"}, NotFoundError, "no study with this accession number"),
        ({"film_sha256": "0" * 64}, NotFoundError, "no study with this film"),
        ({"film_sha256": "0"}, WorklistError, "64 hexadecimal digits"),
        ({"accession": " "}, WorklistError, "is empty"),
        ({}, WorklistError, "either the accession number, or"),
        ({"accession": "a", "film_sha256": "0" * 64}, WorklistError, "either the accession number, or"),
        ({"film_sha256": receipt.sha256}, NotAllowedError, "is reported cannot be marked as reported elsewhere"),
    ):
        with pytest.raises(kind, match=said):
            store.reports.reported_elsewhere(**how)  # type: ignore[arg-type]


def test_a_film_that_comes_after_the_report_opens_the_study_again(store: Store, judge: Judge) -> None:
    ids = {"StudyInstanceUID": "1.2", "PatientID": "p"}
    study = store.films.receive(png(1), name="a").study
    judge("read", 0.8, **ids)
    store.studies.claim(study, "ann")
    store.films.receive(png(2), name="b")
    judge("read", 0.9, **ids)
    look_and_report(store, study, "ann", "normal")
    assert listed(store, "reported") == [study], "the film had joined before the report"
    store.films.receive(png(3), name="c")
    judge("read", 0.9, **ids)
    assert listed(store) == [study], "this one had not"
    assert len(store.studies.details(study).films) == 3 and len(store.studies.details(study).reports) == 1


def test_what_is_not_there_is_a_sentence(store: Store) -> None:
    for name in ("s-" + "0" * 20, "", "'; --", "\0", "s-\udcff", "x" * 10_000):
        with pytest.raises(NotFoundError, match="There is no study"):
            store.studies.claim(name, "ann")
        with pytest.raises(NotFoundError, match="There is no film"):
            store.films.path(name)
