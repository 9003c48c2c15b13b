"""At the level of the protocol: one instance is one film, no study is cleared too early, no report is listed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from pydicom import uid
from pydicom.dataset import Dataset

from tests.pacs.conftest import Running, StartNode, dcmtk, film, in_bytes, store_films
from unseen.screening.screener import Screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.study_query import StudyQuery

FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.1.1"
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"


def storescu(running: Running, files: list[tuple[Path, str]]) -> None:
    """Send each file by DCMTK, with the flag that proposes its own transfer syntax."""
    for path, flag in files:
        sent = dcmtk("storescu", flag, "-aet", "WARD", "-aec", "TRIAGE", "127.0.0.1", running.port, path)
        assert sent.returncode == 0, sent.stderr


def score(running: Running, screener: Screener) -> None:
    Worker(running.store, lambda: screener).drain()


def test_one_instance_sent_plain_as_jpeg_2000_and_with_a_corrected_header_is_one_film(
    start_node: StartNode, screener: Screener, tmp_path: Path
) -> None:
    running = start_node()
    plain = film(1)
    compressed, corrected = copy.deepcopy(plain), copy.deepcopy(plain)
    compressed.compress(uid.JPEG2000Lossless, generate_instance_uid=False)
    corrected.AccessionNumber, corrected.BodyPartExamined = "A2", "CHEST"
    files = []
    for name, one, flag in (("a", plain, "-xe"), ("b", compressed, "-xv"), ("c", corrected, "-xe")):
        (tmp_path / name).write_bytes(in_bytes(one))
        files.append((tmp_path / name, flag))
    storescu(running, files)
    score(running, screener)
    (row,) = running.store.studies.page(StudyQuery(tab="all", blind=False)).rows
    assert row.films == 1 and len(running.store.studies.details(row.study).films) == 1
    changes = [
        event.body["changed"]
        for event in running.store.studies.details(row.study, blind=False).history
        if event.action == "film.copy"
    ]
    assert changes == ["", "AccessionNumber,BodyPartExamined"]


def test_a_study_whose_first_film_is_normal_is_not_cleared_before_its_second_comes(
    start_node: StartNode, judge_with: Any
) -> None:
    running = start_node(settle_s=3600)
    judge = judge_with(running.store)

    def arrive(number: int, action: str) -> None:
        (status,) = store_films(running.port, [film(number)])
        assert status.Status == 0x0000
        assert judge(action, 0.1 * number, StudyInstanceUID="1.2.3.1", SOPInstanceUID=f"1.2.3.4.{number}")

    arrive(1, "clear")
    running.store.tidy()
    assert running.store.studies.page(StudyQuery(tab="cleared")).total == 0
    arrive(2, "read")
    (row,) = running.store.studies.page(StudyQuery(tab="to_read")).rows
    assert row.films == 2 and row.state == "to_read"


@pytest.mark.parametrize("kind", ["report", "for processing"])
def test_what_comes_with_a_film_and_is_none_is_never_listed(
    start_node: StartNode, screener: Screener, kind: str
) -> None:
    running = start_node()
    beside = film(2, SOPClassUID=BASIC_TEXT_SR if kind == "report" else FOR_PROCESSING)
    if kind == "report":
        for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit"):
            delattr(beside, keyword)
        beside.Modality, beside.ContentSequence = "SR", [Dataset()]
    else:
        beside.PresentationIntentType = "FOR PROCESSING"
    statuses = store_films(running.port, [beside, film(1)])
    assert [one.Status for one in statuses] == [0x0000, 0x0000]
    score(running, screener)
    (row,) = running.store.studies.page(StudyQuery(tab="all", blind=False)).rows
    assert row.films == 1 and all(running.store.films.holds(f"1.2.3.4.{number}") for number in (1, 2))
