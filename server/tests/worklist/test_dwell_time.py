"""The time that a film was shown before its report: kept with the report, and no label where it is too short."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.worklist.conftest import Judged
from tests.worklist.reporting import look
from tests.worklist.test_activating import LOOSE, MODEL, Reported, reported
from unseen_server.worklist.audit_sample import audited
from unseen_server.worklist.calibration import labels
from unseen_server.worklist.states import NotAllowedError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.table_export import export_labelled, export_tables

__all__ = ["reported"]


def report(store: Store, study: str, outcome: str, dwell_ms: int | None) -> None:
    store.studies.claim(study, "ann")
    look(store, study, "ann")
    store.reports.enter(study, "ann", outcome, dwell_ms=dwell_ms)  # type: ignore[arg-type]


def test_a_calibration_leaves_out_and_counts_reports_under_two_seconds(store: Store, reported: Reported) -> None:
    times: list[int | None] = [1000, 1400, 1999, 2000, 60_000, None]
    studies = [reported(number, 0.5, None) for number in range(6)]
    for study, dwell_ms in zip(studies, times, strict=True):
        report(store, study, "abnormal", dwell_ms)
    found = labels(store, MODEL, LOOSE)
    (ward,) = found.sources
    assert (ward.abnormals, found.hasty) == (3, 3), "a report without a time, as by another program, counts"
    assert {one.name for one in found.studies} == set(studies[3:])
    kept = [store.studies.details(study).reports[0].dwell_ms for study in studies]
    assert kept == times


def test_the_audit_sample_counts_no_report_under_two_seconds(store: Store, judged: Judged) -> None:
    times: list[int | None] = [1000, 1999, 2000, 60_000, None]
    for number, dwell_ms in enumerate(times):
        report(store, judged(number, "clear", 0.1, audit_share=1.0).study, "abnormal", dwell_ms)
    found = store.reports.audit_sample()
    assert (found.read, found.abnormal, found.waiting) == (3, 3, 0)
    assert [(point.read, point.abnormal) for point in audited(store.database)] == [(1, 1), (2, 2), (3, 3)]


def test_a_hasty_report_overrules_an_earlier_one_and_a_later_one_overrules_it(store: Store, reported: Reported) -> None:
    studies = [reported(number, 0.5, None) for number in range(2)]
    for study, (first, second) in zip(studies, [(5000, 1500), (1500, 5000)], strict=True):
        report(store, study, "abnormal", first)
        store.reports.undo(study, "ann")
        store.reports.enter(study, "ann", "abnormal", dwell_ms=second)
    found = labels(store, MODEL, LOOSE)
    assert ({one.name for one in found.studies}, found.hasty) == ({studies[1]}, 1)


def test_labels_for_other_programs_have_no_hasty_report(store: Store, reported: Reported, tmp_path: Path) -> None:
    """`unseen calibrate` reads the manifest that `unseen export` writes."""
    for number, dwell_ms in enumerate([1200, 4000]):
        report(store, reported(number, 0.5, None), "normal", dwell_ms)
    assert export_labelled(store, tmp_path / "labelled.csv").films == 1
    assert store.findings.reference(MODEL).count == 1
    export_tables(store, tmp_path)
    with (tmp_path / "reports.csv").open() as file:
        assert [row["dwell_ms"] for row in csv.DictReader(file)] == ["1200", "4000"]


@pytest.mark.parametrize("dwell_ms", [0, 150, 999])
def test_a_film_shown_for_less_than_a_second_is_not_reported(store: Store, reported: Reported, dwell_ms: int) -> None:
    study = reported(1, 0.5, None)
    with pytest.raises(NotAllowedError, match=f"was shown for {dwell_ms} ms"):
        report(store, study, "normal", dwell_ms)
    assert store.studies.details(study).reports == () and store.studies.details(study).entry.state == "in_reading"


@pytest.mark.parametrize("dwell_ms", [-1, 86_400_001])
def test_what_is_no_time_is_a_sentence(store: Store, reported: Reported, dwell_ms: int) -> None:
    with pytest.raises(WorklistError, match="give 0 to 86400000 ms"):
        report(store, reported(1, 0.5, None), "normal", dwell_ms)
