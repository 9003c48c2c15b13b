"""A worklist that was restored from a backup: what it sends again is the same, and what is new is not taken for it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pydicom

from tests.pacs.conftest import film, in_bytes, peer
from tests.worklist.conftest import Clock, Judge
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.delivery import objects_of
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.store import Store

CONFIG = PacsConfig.model_validate({"peers": [peer("archive", ae_title="ARCHIVE", port=104, send=["sr"])]})


def decide(store: Store, judge: Judge, clock: Clock, number: int) -> None:
    """A film of study 1.2.3.NUMBER comes, is judged, and the study is complete."""
    study = {"StudyInstanceUID": f"1.2.3.{number}", "PatientID": "P1"}
    data = in_bytes(film(number, study=study["StudyInstanceUID"]))
    store.films.receive(data, name="film", source="ward", header=ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data))))
    clock.now += 1
    assert judge("read", 0.5, SOPInstanceUID=f"1.2.3.4.{number}", **study)
    clock.now += 100
    store.tidy()


def results(store: Store) -> dict[str, tuple[int, str]]:
    """StudyInstanceUID of each result that is to be sent: its decision's number, and the UID of its report."""
    found = {}
    while (parcel := store.outbox.take("archive")) is not None:
        (report,) = objects_of(parcel, CONFIG, CONFIG.peer("archive"), site=store.names.fingerprint, models={})
        found[str(report.StudyInstanceUID)] = (parcel.decision_number, str(report.SOPInstanceUID))
    return found


def test_a_restored_worklist_repeats_a_report_and_never_gives_its_uid_to_another(
    tmp_path: Path, judge_with: Callable[[Store], Judge]
) -> None:
    clock = Clock()
    with Store.open(tmp_path / "before", clock=clock) as before:
        before.outbox.set_destinations([Destination(name="archive")], actor="pacs")
        decide(before, judge_with(before), clock, 1)
        back_up(before, tmp_path / "backup")
        decide(before, judge_with(before), clock, 2)
        sent = results(before)
    restore(tmp_path / "backup", tmp_path / "after")
    with Store.open(tmp_path / "after", clock=clock) as after:
        decide(after, judge_with(after), clock, 3)
        again = results(after)
    assert again["1.2.3.1"] == sent["1.2.3.1"], "the archive keeps it once"
    assert again["1.2.3.3"][0] == sent["1.2.3.2"][0], "the number is given again"
    assert again["1.2.3.3"][1] != sent["1.2.3.2"][1], "an archive would take it for the report that it has"
