"""Storage commitment both ways: with plain pynetdicom peers, on one association or two, over restarts; with Orthanc."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pynetdicom import evt
from pynetdicom.association import Association

from tests.pacs.conftest import (
    DX,
    PATIENCE_S,
    PLAIN,
    Archive,
    Running,
    StartNode,
    after_answer,
    archive,
    associated,
    film,
    free_port,
    in_bytes,
    peer,
    soon,
    store_films,
)
from tests.pacs.orthanc_server import free_ports, start_orthanc
from unseen_server.pacs import commitment
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.commitment import FOLDER, CommitmentReport
from unseen_server.pacs.config import Peer
from unseen_server.pacs.offered_classes import COMMITMENT, COMMITMENT_INSTANCE

Program = Callable[..., str]


def request(*instances: str, transaction: str = "1.2.3.900", sop_class: str = DX) -> Dataset:
    """Return the information of an N-ACTION."""
    items = []
    for instance in instances:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
        items.append(item)
    asked = Dataset()
    asked.TransactionUID, asked.ReferencedSOPSequence = transaction, DicomSequence(items)
    return asked


def without_transaction() -> Dataset:
    asked = request("1.2.3")
    del asked.TransactionUID
    return asked


def ask(association: Association, asked: Dataset, action: int = 1) -> int:
    status, _ = association.send_n_action(asked, action, COMMITMENT, COMMITMENT_INSTANCE)
    return int(status.Status)


def instances_of(report: Dataset, keyword: str) -> list[str]:
    return [str(item.ReferencedSOPInstanceUID) for item in report.get(keyword) or ()]


@contextmanager
def listening() -> Iterator[Archive]:
    """Yield a modality that takes reports: it listens as WARD, and lets whoever calls be the SCP of commitment."""
    with archive(ae_title="WARD", roles=[COMMITMENT]) as running:
        yield running


def test_a_commitment_is_answered_on_the_same_association(start_node: StartNode) -> None:
    node = start_node()
    store_films(node.port, [film(1)])
    reports: list[Dataset] = []

    def report(event: evt.Event) -> tuple[int, None]:
        reports.append(event.event_information)
        return 0x0000, None

    handlers = [(evt.EVT_N_EVENT_REPORT, report)]
    with associated(node.port, [(COMMITMENT, PLAIN)], evt_handlers=handlers) as association:
        assert ask(association, request("1.2.3.4.1")) == 0x0000
        # pynetdicom's peer would release before it has answered: the node has the answer when the request is gone
        soon(lambda: not list((node.store.home / FOLDER).iterdir()), "the request to be done with")
    (found,) = reports
    assert found.TransactionUID == "1.2.3.900"
    assert instances_of(found, "ReferencedSOPSequence") == ["1.2.3.4.1"]
    assert "FailedSOPSequence" not in found


def test_a_peer_that_releases_instead_of_answering_is_answered_and_gets_a_new_report(start_node: StartNode) -> None:
    def release(event: evt.Event) -> tuple[int, None]:
        event.assoc.acse.negotiate_release()
        return 0x0000, None

    with listening() as ward:
        node = start_node(peers=[peer(port=ward.port)], limits={"idle_s": 3600})
        store_films(node.port, [film(1)])
        handlers = [(evt.EVT_N_EVENT_REPORT, release)]
        with associated(node.port, [(COMMITMENT, PLAIN)], evt_handlers=handlers) as association:
            assert ask(association, request("1.2.3.4.1")) == 0x0000
            soon(lambda: association.is_released or association.is_aborted, "the end of the association")
        assert association.is_released and not association.is_aborted
        found = soon(lambda: ward.events, "the report")[0]
    assert instances_of(found, "ReferencedSOPSequence") == ["1.2.3.4.1"]


def test_a_report_is_not_sent_before_the_request_is_answered(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start_node()
    commitments = node.node.commitments
    reports: list[bool] = []
    asked = commitments.asked

    def late(event: evt.Event, peer: Peer) -> tuple[int, None]:
        status = asked(event, peer)
        soon(lambda: looked, "the thread that reports")
        time.sleep(0.1)  # it would have sent the report by now
        answered.append(True)
        return status

    looked: list[bool] = []
    answered: list[bool] = []
    is_quiet = commitment._is_quiet
    monkeypatch.setattr(commitment, "_is_quiet", lambda association: looked.append(is_quiet(association)) or looked[-1])
    monkeypatch.setattr(commitments, "asked", late)

    def report(event: evt.Event) -> tuple[int, None]:
        reports.append(bool(answered))
        return 0x0000, None

    handlers = [(evt.EVT_N_EVENT_REPORT, report)]
    with associated(node.port, [(COMMITMENT, PLAIN)], evt_handlers=handlers) as association:
        assert ask(association, request("1.2.3.4.1")) == 0x0000
        soon(lambda: not list((node.store.home / FOLDER).iterdir()), "the request to be done with")
    assert reports == [True]


def test_a_commitment_is_answered_on_a_new_association(start_node: StartNode) -> None:
    with listening() as ward:
        node = start_node(peers=[peer(port=ward.port)])
        store_films(node.port, [film(1)])
        with associated(node.port, [(COMMITMENT, PLAIN)]) as association:
            assert ask(association, request("1.2.3.4.1")) == 0x0000
        found = soon(lambda: ward.events, "the report")[0]
    assert instances_of(found, "ReferencedSOPSequence") == ["1.2.3.4.1"]


def test_an_unknown_instance_is_reported_as_such(start_node: StartNode) -> None:
    with listening() as ward:
        node = start_node(peers=[peer(port=ward.port)])
        store_films(node.port, [film(1)])
        with associated(node.port, [(COMMITMENT, PLAIN)]) as association:
            ask(association, request("1.2.3.4.1", "1.2.3.4.2"))
        found = soon(lambda: ward.events, "the report")[0]
    assert instances_of(found, "ReferencedSOPSequence") == ["1.2.3.4.1"]
    assert instances_of(found, "FailedSOPSequence") == ["1.2.3.4.2"]
    assert found.FailedSOPSequence[0].FailureReason == 0x0112


def test_what_is_kept_with_a_study_is_committed_too(start_node: StartNode) -> None:
    with listening() as ward:
        node = start_node(peers=[peer(port=ward.port)])
        report = film(1, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.33", PixelData=None)
        store_films(node.port, [report])
        with associated(node.port, [(COMMITMENT, PLAIN)]) as association:
            ask(association, request("1.2.3.4.1", sop_class="1.2.840.10008.5.1.4.1.1.88.33"))
        assert instances_of(soon(lambda: ward.events, "the report")[0], "ReferencedSOPSequence") == ["1.2.3.4.1"]


@pytest.mark.parametrize(
    ("asked", "action", "status"),
    [
        (request("1.2.3"), 2, 0x0123),
        (request(), 1, 0x0115),
        (without_transaction(), 1, 0x0115),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    start_node: StartNode, asked: Dataset, action: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with associated(start_node().port, [(COMMITMENT, PLAIN)]) as association:
        assert ask(association, asked, action) == status
    logged = [one for one in caplog.messages if one.startswith("pacs.commitment_not_understood peer=ward why=")]
    assert len(logged) == (status == 0x0115)


def test_an_answer_that_the_peer_does_not_take_is_given_after_a_restart(start_node: StartNode) -> None:
    port = free_port()
    first = start_node(peers=[peer(port=port)])
    store_films(first.port, [film(1)])
    with associated(first.port, [(COMMITMENT, PLAIN)]) as association:
        assert ask(association, request("1.2.3.4.1")) == 0x0000
    soon(lambda: first.node.commitments._again, "the first attempt to fail")
    first.node.stop()
    kept = list((first.store.home / FOLDER).iterdir())
    assert len(kept) == 1 and "1.2.3" not in kept[0].name
    with listening() as ward:
        second = start_node(peers=[peer(port=ward.port)])
        assert instances_of(soon(lambda: ward.events, "the report")[0], "ReferencedSOPSequence") == ["1.2.3.4.1"]
        soon(lambda: not list((second.store.home / FOLDER).iterdir()), "the request to be done with")
    assert len(ward.events) == 1


def test_after_a_step_back_of_the_clock_an_answer_does_not_wait_for_the_hours(start_node: StartNode) -> None:
    port, hours = free_port(), [10.0]
    node = start_node(peers=[peer(port=port)])
    node.node.commitments._clock = lambda: time.time() + 3600 * hours[0]
    store_films(node.port, [film(1)])
    with associated(node.port, [(COMMITMENT, PLAIN)]) as association:
        assert ask(association, request("1.2.3.4.1")) == 0x0000
    soon(lambda: node.node.commitments._again, "the first attempt to fail")
    hours[0] = 0.0
    with archive(ae_title="WARD", roles=[COMMITMENT], port=port) as ward:
        assert instances_of(soon(lambda: ward.events, "the report")[0], "ReferencedSOPSequence") == ["1.2.3.4.1"]


def test_a_damaged_request_on_the_disk_does_not_stop_the_node(start_node: StartNode, folder: Path) -> None:
    (folder / "worklist" / FOLDER).mkdir(parents=True)
    (folder / "worklist" / FOLDER / "x.json").write_text("{")
    with associated(start_node().port, [(COMMITMENT, PLAIN)]) as association:
        assert association.is_established


def test_a_request_of_a_peer_that_is_none_any_more_is_dropped(start_node: StartNode) -> None:
    first = start_node(peers=[peer(port=free_port())])
    with associated(first.port, [(COMMITMENT, PLAIN)]) as association:
        ask(association, request("1.2.3.4.1"))
    soon(lambda: first.node.commitments._again, "the first attempt to fail")
    first.node.stop()
    second = start_node(peers=[peer("other")])
    soon(lambda: not list((second.store.home / FOLDER).iterdir()), "the request to be dropped")


# we ask ---------------------------------------------------------------------------------------------------------------

Asked = Callable[[evt.Event], tuple[int, None]]


@contextmanager
def committing(answer: Callable[[Archive, evt.Event], tuple[int, None]]) -> Iterator[Archive]:
    """Yield an archive that takes requests, and answers them as the test says."""
    made: list[Archive] = []
    handlers = [(evt.EVT_N_ACTION, lambda event: answer(made[0], event))]
    with archive(handlers=handlers, classes=[COMMITMENT]) as running:
        made.append(running)
        yield running


def committed(asked: Dataset) -> Dataset:
    report = Dataset()
    report.TransactionUID, report.ReferencedSOPSequence = asked.TransactionUID, asked.ReferencedSOPSequence
    return report


def node_of(start_node: StartNode, running: Archive, **more: Any) -> Running:
    return start_node(peers=[peer("archive", port=running.port, **more)])


def test_a_report_on_the_same_association_is_taken_and_answered(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(running: Archive, event: evt.Event) -> tuple[int, None]:
        report = committed(event.action_information)
        association = event.assoc

        def send() -> None:
            status, _ = association.send_n_event_report(report, 1, COMMITMENT, COMMITMENT_INSTANCE)
            statuses.append(status.get("Status"))

        reporting.append(after_answer(association, send))
        return 0x0000, None

    statuses: list[int | None] = []
    reporting: list[Thread] = []
    with committing(answer) as running:
        node = node_of(start_node, running)
        reported = node.node.commitments.reported

        def late(event: evt.Event, peer: Peer) -> tuple[int, None]:
            status = reported(event, peer)
            time.sleep(0.1)  # `ask` knows of the report before it is answered
            return status

        monkeypatch.setattr(node.node.commitments, "reported", late)
        archive_peer = node.node.config.peer("archive")
        transaction = node.node.commitments.ask(archive_peer, [(DX, "1.2.3.4.1")], wait_s=PATIENCE_S)
        reporting[0].join()
    assert statuses == [0x0000], "the archive has got our answer"
    assert node.reports == [
        CommitmentReport(peer="archive", transaction=transaction, committed=((DX, "1.2.3.4.1"),), failed=())
    ]


def returns(act: Callable[[], object]) -> bool:
    """Return True if the call returns, in a thread of its own."""
    thread = Thread(target=act, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return not thread.is_alive()


def test_a_report_on_another_association_ends_the_wait_for_it(start_node: StartNode) -> None:
    def answer(running: Archive, event: evt.Event) -> tuple[int, None]:
        report = committed(event.action_information)
        Thread(target=report_to, args=(node.port, report, 1), daemon=True).start()
        return 0x0000, None

    with committing(answer) as running:
        node = node_of(start_node, running)
        archive_peer = node.node.config.peer("archive")
        assert returns(lambda: node.node.commitments.ask(archive_peer, [(DX, "1.2.3.4.1")], wait_s=3600))
    assert len(node.reports) == 1


def test_an_archive_that_does_not_answer_a_release_holds_up_nobody(start_node: StartNode) -> None:
    """Send a report and wait for the answer."""

    def answer(running: Archive, event: evt.Event) -> tuple[int, None]:
        event.assoc._reactor_checkpoint.clear()  # it looks at nothing more that comes
        return 0x0000, None

    with committing(answer) as running:
        node = node_of(start_node, running, timeout_s=3600)
        archive_peer = node.node.config.peer("archive")
        assert returns(lambda: node.node.commitments.ask(archive_peer, [(DX, "1.2.3.4.1")], wait_s=0.1))


def report_to(port: int, report: Dataset, event_type: int) -> int:
    """Report on an association of its own, as an archive does; return the status of the node's answer."""
    from pynetdicom.presentation import build_role

    roles = [build_role(COMMITMENT, scp_role=True)]
    with associated(port, [(COMMITMENT, PLAIN)], ae_title="ARCHIVE", ext_neg=roles) as association:
        status, _ = association.send_n_event_report(report, event_type, COMMITMENT, COMMITMENT_INSTANCE)
        return int(status.Status)


def test_a_report_on_a_new_association_is_taken(start_node: StartNode) -> None:
    asked: list[Dataset] = []

    def answer(running: Archive, event: evt.Event) -> tuple[int, None]:
        asked.append(event.action_information)
        return 0x0000, None

    with committing(answer) as running:
        node = node_of(start_node, running)
        transaction = node.node.commitments.ask(node.node.config.peer("archive"), [(DX, "1.2.3.4.1")], wait_s=0)
        report = committed(asked[0])
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID, item.FailureReason = DX, "1.2.3.4.2", 0x0110
        report.FailedSOPSequence = DicomSequence([item])
        assert report_to(node.port, report, 2) == 0x0000
    assert node.reports == [
        CommitmentReport(
            peer="archive",
            transaction=transaction,
            committed=((DX, "1.2.3.4.1"),),
            failed=((DX, "1.2.3.4.2", 0x0110),),
        )
    ]


def test_a_report_that_cannot_be_kept_is_asked_for_again(start_node: StartNode) -> None:
    from unseen_server.worklist.states import BusyError

    def busy(report: CommitmentReport) -> None:
        raise BusyError("The database is locked.")

    node = start_node(peers=[peer("archive")], node={"on_report": busy})
    assert report_to(node.port, committed(request("1.2.3.4.1")), 1) == 0x0110


@pytest.mark.parametrize(
    ("report", "event_type", "status"), [(without_transaction(), 1, 0x0115), (request("1.2.3"), 9, 0x0113)]
)
def test_a_report_that_makes_no_sense_is_refused(
    start_node: StartNode, report: Dataset, event_type: int, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    node = start_node(peers=[peer("archive")])
    assert report_to(node.port, report, event_type) == status
    assert node.reports == []
    logged = [one for one in caplog.messages if one.startswith("pacs.report_not_understood peer=archive why=")]
    assert logged == ["pacs.report_not_understood peer=archive why=AttributeError"][: status == 0x0115]


def test_an_archive_that_refuses_to_commit_is_a_sentence(start_node: StartNode) -> None:
    with committing(lambda running, event: (0x0213, None)) as running:
        node = node_of(start_node, running)
        with pytest.raises(NotReachedError, match=r"refused to commit \(status 0x0213\)"):
            node.node.commitments.ask(node.node.config.peer("archive"), [(DX, "1.2.3.4.1")])


def test_an_archive_without_commitment_is_a_sentence(start_node: StartNode) -> None:
    with archive() as running:
        node = node_of(start_node, running)
        with pytest.raises(NotReachedError, match="accepts none of the SOP classes"):
            node.node.commitments.ask(node.node.config.peer("archive"), [(DX, "1.2.3.4.1")])


def test_an_archive_that_never_answers_is_a_sentence(start_node: StartNode) -> None:
    let_go = Event()

    def silent(running: Archive, event: evt.Event) -> tuple[int, None]:
        let_go.wait(PATIENCE_S)
        return 0x0000, None

    with committing(silent) as running:
        node = node_of(start_node, running, timeout_s=0.3)
        with pytest.raises(NotReachedError, match=r"did not answer the request for storage commitment within 0\.3 s"):
            node.node.commitments.ask(node.node.config.peer("archive"), [(DX, "1.2.3.4.1")])
        let_go.set()


# Orthanc --------------------------------------------------------------------------------------------------------------


def test_orthanc_commits_to_us_and_we_to_orthanc(start_node: StartNode, program: Program, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    modalities = {"node": ("TRIAGE", "127.0.0.1", port)}
    with start_orthanc(tmp_path / "orthanc", modalities=modalities, program=program("Orthanc")) as orthanc:
        node = start_node(port=port, peers=[peer("archive", ae_title="ORTHANC", port=orthanc.dicom_port)])
        orthanc.put(in_bytes(film(1)))
        # Orthanc asks us, and we report to Orthanc
        instance = orthanc.instances()["1.2.3.4.1"]
        orthanc.request("/modalities/node/store", data=instance.encode())
        body = json.dumps({"DicomInstances": [{"SOPClassUID": DX, "SOPInstanceUID": "1.2.3.4.1"}]}).encode()
        asked = orthanc.json("/modalities/node/storage-commitment", data=body)
        report = soon(lambda: _done(orthanc.json(asked["Path"])), "Orthanc to hear of it")
        assert report["Status"] == "Success"
        # we ask Orthanc, and it reports to us
        transaction = node.node.commitments.ask(node.node.config.peer("archive"), [(DX, "1.2.3.4.1"), (DX, "1.2.3")])
        found = soon(lambda: node.reports, "Orthanc's report")[0]
    assert found.transaction == transaction
    assert found.committed == ((DX, "1.2.3.4.1"),)
    assert [(uid, reason) for _, uid, reason in found.failed] == [("1.2.3", 0x0112)]


def _done(report: dict[str, Any]) -> dict[str, Any] | None:
    time.sleep(0.05)
    return None if report["Status"] == "Pending" else report
