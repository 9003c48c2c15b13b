"""Results go back: a structured report in the film's study, once, kept only when the archive has confirmed it."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pynetdicom import evt

from tests.pacs.conftest import (
    Archive,
    Running,
    StartNode,
    after_answer,
    archive,
    film,
    free_port,
    in_bytes,
    peer,
    soon,
    store_films,
)
from tests.pacs.orthanc_server import start_orthanc
from tests.worklist.conftest import Judge
from unseen_server.pacs.delivery import _film
from unseen_server.worklist.outbox import Sending
from unseen_server.worklist.parcels import ParcelFilm
from unseen_server.worklist.study_query import StudyQuery

SR = "1.2.840.10008.5.1.4.1.1.88.33"
COMMITMENT = "1.2.840.10008.1.20.1"


@pytest.fixture
def ward_and(start_node: StartNode) -> Callable[..., Running]:
    """A node that takes films from WARD, and sends results to the archive."""

    def start(**of_archive: Any) -> Running:
        running = start_node(
            settle_s=0,
            peers=[
                peer(),
                {"name": "archive", "ae_title": "ARCHIVE", "host": "127.0.0.1", "send": ["sr"]} | of_archive,
            ],
            node={"on_report": None},
        )
        running.node.delivery.asked_s = 2.0  # an archive under load may answer after the association has ended
        return running

    return start


@pytest.mark.parametrize("inner", [(0, 0, 8, 6), (2, 1, 4, 5), (5, 0, 3, 2)])
def test_an_objects_map_is_the_part_that_lies_on_the_film(tmp_path: Path, inner: tuple[int, int, int, int]) -> None:
    whole = np.arange(48, dtype=np.float32).reshape(8, 6)
    np.save(tmp_path / "map.npy", whole)
    (tmp_path / "film.dcm").write_bytes(in_bytes(film(1)))
    top, left, height, width = inner
    made = _film(
        ParcelFilm(
            film="film",
            path=tmp_path / "film.dcm",
            score=1.0,
            box=None,
            inner=inner,
            map_path=tmp_path / "map.npy",
        ),
        pixels=False,
    )
    assert made.anomaly_map is not None and made.anomaly_map.shape == (height, width)
    assert made.anomaly_map[0, 0] == whole[top, left]
    assert made.anomaly_map[-1, -1] == whole[top + height - 1, left + width - 1]


def rows(running: Running, state: str | None = None) -> list[Sending]:
    return running.store.outbox.list(state=state)


def decided(running: Running, judge_with: Any, number: int = 1, action: str = "read", **tags: Any) -> None:
    """A film of one study comes by C-STORE, and is judged."""
    (status,) = store_films(running.port, [film(number, **tags)])
    assert status.Status == 0x0000
    judge: Judge = judge_with(running.store)
    assert judge(action, 0.1 * number, StudyInstanceUID="1.2.3.1", SOPInstanceUID=f"1.2.3.4.{number}", PatientID="P1")


@pytest.mark.slow
@pytest.mark.parametrize("confirm", ["commitment", pytest.param("find", marks=pytest.mark.nightly), "qido"])
def test_a_film_from_orthanc_comes_back_as_a_report_in_its_study(
    start_node: StartNode, judge_with: Any, tmp_path: Path, program: Callable[..., str], confirm: str
) -> None:
    port = free_port()
    modalities = {"triage": ("TRIAGE", "127.0.0.1", port)}
    with start_orthanc(tmp_path / "orthanc", program=program("Orthanc"), modalities=modalities) as orthanc:
        running = start_node(
            port=port,
            settle_s=0,
            node={"on_report": None},
            peers=[
                {
                    "name": "archive",
                    "ae_title": "ORTHANC",
                    "host": "127.0.0.1",
                    "port": orthanc.dicom_port,
                    "dicomweb": orthanc.dicomweb,
                    "send": ["sr", "overlay"],
                    "confirm": confirm,
                    "source": "ward",
                }
            ],
        )
        sent = orthanc.put(in_bytes(film(1, PatientName="Phantom^One", PatientID="P1")))
        orthanc.json("/modalities/triage/store", data=json.dumps([sent["ID"]]).encode())
        judge_with(running.store)("read", 0.6, StudyInstanceUID="1.2.3.1", SOPInstanceUID="1.2.3.4.1", PatientID="P1")
        soon(lambda: rows(running, "kept"), "the report to be kept")
        (report,) = [
            found
            for uid in orthanc.instances()
            if (found := pydicom.dcmread(io.BytesIO(orthanc.file(uid)))).SOPClassUID == SR
        ]
        assert report.StudyInstanceUID == "1.2.3.1" and report.PatientID == "P1"
        assert report.VerificationFlag == "UNVERIFIED" and report.PreliminaryFlag == "PRELIMINARY"
        # what the archive forwards to us of our own making is no film
        identifiers = list(orthanc.instances().values())
        orthanc.json("/modalities/triage/store", data=json.dumps(identifiers).encode())
        assert running.store.studies.page(StudyQuery(tab="all")).total == 1


def committing(*, fail: Callable[[], int] = lambda: 0, at_all: bool = True) -> Any:
    """Handlers of an archive that reports storage commitment on the same association, or never."""

    def action(event: evt.Event) -> tuple[int, None]:
        if at_all:
            information = event.action_information
            reason = fail()
            report = pydicom.Dataset()
            report.TransactionUID = information.TransactionUID
            if reason:
                report.FailedSOPSequence = information.ReferencedSOPSequence
                for item in report.FailedSOPSequence:
                    item.FailureReason = reason
            else:
                report.ReferencedSOPSequence = information.ReferencedSOPSequence

            def later() -> None:
                event.assoc.send_n_event_report(report, 2 if reason else 1, COMMITMENT, "1.2.840.10008.1.20.1.1")

            after_answer(event.assoc, later)
        return 0x0000, None

    return [(evt.EVT_N_ACTION, action)]


@pytest.fixture
def archives() -> Iterator[Callable[..., Archive]]:
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(archive(classes=(SR, COMMITMENT), **how))


def test_a_result_is_sent_once_and_kept_when_the_archive_commits(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    there = archives(handlers=committing())
    running = ward_and(port=there.port)
    decided(running, judge_with)
    soon(lambda: rows(running, "kept"), "the commitment")
    assert len(there.stored) == 1 and there.stored[0].StudyInstanceUID == "1.2.3.1"


def test_a_later_film_supersedes_the_report_that_was_sent(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    there = archives(handlers=committing())
    running = ward_and(port=there.port)
    decided(running, judge_with, 1, "clear")
    soon(lambda: rows(running, "kept"), "the first commitment")
    decided(running, judge_with, 2, "read")
    soon(lambda: len(rows(running, "kept")) == 2, "the second commitment")
    first, second = there.stored
    predecessor = second.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert predecessor.ReferencedSOPInstanceUID == first.SOPInstanceUID
    assert len(there.stored) == 2


def reasons(report: pydicom.Dataset) -> list[str]:
    """Return the texts of a report under "Reason"."""
    (findings,) = [one for one in report.ContentSequence if "ContentSequence" in one][-1:]
    return [
        str(one.TextValue)
        for one in findings.ContentSequence
        if one.ValueType == "TEXT" and one.ConceptNameCodeSequence[0].CodeMeaning == "Reason"
    ]


def test_reports_of_a_study_under_two_patient_numbers_state_the_conflict_until_they_are_merged(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    there = archives(handlers=committing())
    running = ward_and(port=there.port)
    decided(running, judge_with, 1, "clear")
    soon(lambda: len(rows(running, "kept")) == 1, "the first commitment")
    (status,) = store_films(running.port, [film(2, PatientID="000P1")])
    assert status.Status == 0x0000
    judge: Judge = judge_with(running.store)
    assert judge("clear", 0.2, StudyInstanceUID="1.2.3.1", SOPInstanceUID="1.2.3.4.2", PatientID="000P1")
    soon(lambda: len(rows(running, "kept")) == 3, "the correction, and the report of the other part")
    first, *later = there.stored
    assert "conflicting identities" not in reasons(first)[0]
    assert {str(one.PatientID) for one in later} == {"P1", "000P1"}
    assert all(reasons(one)[0].startswith("conflicting identities") for one in later)
    running.store.studies.merge_patients(prior="000P1", surviving="P1", actor="his")
    soon(lambda: len(rows(running, "kept")) == 4, "the report of the whole study")
    last = there.stored[-1]
    assert "conflicting identities" not in reasons(last)[0]
    superseded = {
        one.ReferencedSOPInstanceUID
        for study in last.PredecessorDocumentsSequence
        for series in study.ReferencedSeriesSequence
        for one in series.ReferencedSOPSequence
    }
    assert superseded == {one.SOPInstanceUID for one in there.stored[:-1]}


def test_an_archive_that_does_not_keep_what_it_took_gets_the_same_object_again(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    reasons = iter([0x0110])
    there = archives(handlers=committing(fail=lambda: next(reasons, 0)))
    running = ward_and(port=there.port)
    decided(running, judge_with)
    soon(lambda: rows(running, "kept"), "the commitment after the second try")
    assert len(there.stored) == 2 and len({one.SOPInstanceUID for one in there.stored}) == 1


def test_a_refusal_is_no_success_and_is_tried_again(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    statuses = iter([0xA700])
    there = archives(handlers=committing(), store_status=lambda: next(statuses, 0x0000))
    running = ward_and(port=there.port)
    decided(running, judge_with)
    soon(lambda: any("0xA700" in one.reason for one in rows(running)), "the refusal")
    assert rows(running, "sent") == rows(running, "kept") == []
    soon(lambda: rows(running, "kept"), "the second try")
    assert len(there.stored) == 1


def test_an_archive_that_commits_never_leaves_the_result_unconfirmed(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    there = archives(handlers=committing(at_all=False))
    running = ward_and(port=there.port)
    running.node.delivery.asked_s = 0.2  # for which it would wait in vain
    decided(running, judge_with)
    soon(lambda: rows(running, "sent"), "the archive to accept it")
    time.sleep(0.5)
    assert rows(running, "kept") == [] and len(there.stored) == 1


def test_an_archive_that_is_down_costs_nothing_but_time(
    ward_and: Callable[..., Running], archives: Callable[..., Archive], judge_with: Any
) -> None:
    port = free_port()
    running = ward_and(port=port)
    decided(running, judge_with)
    (row,) = soon(lambda: [one for one in rows(running, "waiting") if one.reason], "the first try")
    assert row.tries == 0 and "cannot be reached" in row.reason
    there = archives(handlers=committing(), port=port)
    soon(lambda: rows(running, "kept"), "the archive to have it")
    assert len(there.stored) == 1


def test_a_film_that_is_gone_is_a_dead_letter_with_its_reason(
    archives: Callable[..., Archive], ward_and: Callable[..., Running], judge_with: Any
) -> None:
    there = archives(handlers=committing())
    running = ward_and(port=there.port)
    store_films(running.port, [film(1)])
    (stored,) = [path for path in running.store.site.films.path.rglob("*") if path.is_file()]
    stored.unlink()
    judge_with(running.store)("read", 0.6, StudyInstanceUID="1.2.3.1", SOPInstanceUID="1.2.3.4.1", PatientID="P1")
    (row,) = soon(lambda: rows(running, "dead"), "the result to be given up")
    assert row.reason.startswith("The objects of the result cannot be made") and there.stored == []
