"""The audit sample: a report counts by what the study was when it was reported, whatever was decided on it later."""

from __future__ import annotations

import pytest

from tests.worklist.conftest import Judge, Place, brought_back, dicom_film, on_both_databases, own_on_both_databases
from tests.worklist.reporting import look_and_report
from unseen.evaluation.intervals import Interval, proportion
from unseen_server.worklist.audit_sample import audited
from unseen_server.worklist.store import Store

STUDY = {"StudyInstanceUID": "1.2"}


def film(store: Store, judge: Judge, number: int, action: str) -> str:
    """Receive and judge a film of the one study, where all cleared studies are read; return the study."""
    receipt = store.films.receive(dicom_film(number), name=f"{number}.dcm", source="ward")
    assert judge(action, 0.1, audit_share=1.0, **STUDY)
    return store.studies.details(receipt.study).entry.study


def report(store: Store, study: str, outcome: str) -> None:
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", outcome)


def counted(store: Store) -> tuple[int, int, int]:
    """Return how many studies of the sample wait, were read, and were abnormal; the chart must agree."""
    sample = store.reports.audit_sample()
    assert [(point.read, point.abnormal) for point in audited(store.database)][-1:] == (
        [(sample.read, sample.abnormal)] if sample.read else []
    )
    return sample.waiting, sample.read, sample.abnormal


@on_both_databases
@pytest.mark.parametrize("later", ["read", "not_scored"])
def test_an_abnormal_cleared_study_stays_in_the_sample_when_a_later_film_is_not_cleared(
    store: Store, judge: Judge, later: str
) -> None:
    study = film(store, judge, 1, "clear")
    report(store, study, "abnormal")
    assert counted(store) == (0, 1, 1)
    film(store, judge, 2, later)
    assert store.studies.details(study).entry.state in ("to_read", "not_scored")
    assert counted(store) == (0, 1, 1), "the patient who comes again because of the finding is no miss less"
    report(store, study, "abnormal")
    assert counted(store) == (0, 1, 1), "a study counts once"


def test_a_report_before_the_study_was_cleared_does_not_count_while_the_study_waits(store: Store, judge: Judge) -> None:
    study = film(store, judge, 1, "not_scored")
    report(store, study, "normal")
    store.jobs.requeue(study, actor="lea")
    assert judge("clear", 0.1, audit_share=1.0, **STUDY)
    assert counted(store) == (0, 1, 0), "the report is about all films of a study that is cleared now"
    film(store, judge, 2, "clear")
    assert store.studies.details(study, blind=False).audit_sample
    assert counted(store) == (1, 0, 0), "it waits for a reader who sees the new film, too"


def test_a_report_on_a_cleared_study_counts_until_the_next_one_when_the_study_is_cleared_again(
    store: Store, judge: Judge
) -> None:
    study = film(store, judge, 1, "clear")
    report(store, study, "abnormal")
    film(store, judge, 2, "clear")
    assert counted(store) == (1, 1, 1), "a miss does not disappear while the study waits to be read again"
    report(store, study, "normal")
    assert counted(store) == (0, 1, 0)


def test_an_undone_report_does_not_count_and_the_next_one_does(store: Store, judge: Judge) -> None:
    study = film(store, judge, 1, "clear")
    report(store, study, "abnormal")
    store.reports.undo(study, "ann")
    assert counted(store) == (1, 0, 0)
    look_and_report(store, study, "ann", "normal")
    assert counted(store) == (0, 1, 0)


def test_the_interval_counts_patients_and_not_their_studies(store: Store, judge: Judge) -> None:
    for number in range(20):
        receipt = store.films.receive(dicom_film(number), name=f"{number}.dcm", source="ward")
        assert judge("clear", 0.1, audit_share=1.0, StudyInstanceUID=f"1.{number}", PatientID=f"P{number % 2}")
        report(store, receipt.study, "normal")
    sample = store.reports.audit_sample()
    assert sample.read == 20 and isinstance(sample.share, Interval)
    two = proportion(0, 2, without="")
    assert isinstance(two, Interval) and sample.share.value == 0 and sample.share.high == pytest.approx(two.high)
    assert audited(store.database)[-1].share == sample.share


BEFORE = """
INSERT INTO settings VALUES ('plain', '1'), ('key', '{key}'), ('waiting_cap_s', '86400.0');
INSERT INTO studies (id, public_id, source, state, standing, shelf, band, rank, received_us, changed_us, films,
    audit_sample, reason, score_rank) VALUES
    (1, 's-1', 'ward', 'reported', 'to_read', 'reported', 2, 0, 5, 5, 1, {no}, '', 0),
    (2, 's-2', 'ward', 'to_read', 'to_read', 'to_read', 2, 0, 5, 5, 1, {yes}, '', 0),
    (3, 's-3', 'ward', 'reported', 'to_read', 'reported', 2, 0, 5, 5, 1, {yes}, '', 0);
INSERT INTO merged VALUES ('s-0', 1);
INSERT INTO reports (id, study_id, reader, elsewhere, outcome, note, made_us, how) VALUES
    (1, 1, 'ann', {no}, 'abnormal', '', 20, 'seen'), (2, 2, 'ann', {no}, 'normal', '', 20, 'seen'),
    (3, 3, 'ann', {no}, 'normal', '', 20, 'seen');
INSERT INTO audit VALUES
    (1, 10, 'worker', 'study.judged', 's-0', '{{"audit_sample":true,"decision":"clear"}}', '', 'a'),
    (2, 10, 'worker', 'study.judged', 's-2', '{{"audit_sample":false,"decision":"read"}}', '', 'b'),
    (3, 10, 'worker', 'study.judged', 's-3', '{{"audit_sample":true,"decision":"clear"}}', '', 'c'),
    (4, 30, 'worker', 'study.judged', 's-1', '{{"audit_sample":false,"decision":"read"}}', '', 'd'),
    (5, 30, 'worker', 'study.judged', 's-2', '{{"audit_sample":true,"decision":"clear"}}', '', 'e')
"""


@own_on_both_databases
def test_reports_of_an_earlier_revision_count_by_what_was_decided_before_them(own_place: Place) -> None:
    with own_place.open(pseudonymise=False) as made:
        key = made.names.fingerprint
    yes, no = ("1", "0") if own_place.kind == "sqlite" else ("true", "false")
    rows = BEFORE.format(key=key, yes=yes, no=no)
    with brought_back(own_place, "0016", rows).open(create=False) as store:
        assert counted(store) == (1, 2, 1), "s-1 is abnormal, s-2 waits, s-3 is normal"
