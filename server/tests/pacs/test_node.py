"""The node as its peers meet it: who may associate, what is taken, and that what it acknowledged is there."""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dul import DULServiceProvider

from tests.pacs.conftest import (
    CR,
    DX,
    PATIENCE_S,
    PLAIN,
    VERIFICATION,
    StartNode,
    associated,
    dcmtk,
    film,
    in_bytes,
    peer,
    request_for_verification,
    soon,
    store_films,
    threads_of,
)
from tests.warm_python import warm_python
from unseen.data.dicom import readable_syntaxes
from unseen_server.pacs import listener, request_reading
from unseen_server.pacs.config import PacsConfigError
from unseen_server.pacs.identifiers import instance_uid
from unseen_server.pacs.request_reading import ABORT
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

ROOT = Path(__file__).parents[3]
Program = Callable[..., str]
TITLES = ("-aet", "WARD", "-aec", "TRIAGE")
REJECTED_CALLING, REJECTED_CALLED, REJECTED_FULL = (1, 1, 3), (1, 1, 7), (2, 3, 2)


def rejection(port: int, *, ae_title: str = "WARD", called: str = "TRIAGE") -> tuple[int, ...]:
    """Result, source and diagnostic of the answer to an association that is to be rejected.

    The bytes are read here: pynetdicom reports a rejection that comes at once as an abort, now and then.
    """
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as opened:
        opened.sendall(request_for_verification(calling=ae_title, called=called))
        answer = opened.recv(10)
    assert answer[:7] == b"\x03\x00\x00\x00\x00\x04\x00", "A-ASSOCIATE-RJ (PS3.8, table 9-21)"
    return tuple(answer[7:])


def test_echoscu_is_answered(start_node: StartNode, program: Program) -> None:
    node = start_node()
    done = dcmtk(program("echoscu"), "-aet", "WARD", "-aec", "TRIAGE", "127.0.0.1", node.port)
    assert done.returncode == 0, done.stderr


def test_an_unknown_title_is_rejected(start_node: StartNode) -> None:
    assert rejection(start_node().port, ae_title="STRANGER") == REJECTED_CALLING


def test_a_known_title_from_another_peers_address_is_rejected(start_node: StartNode) -> None:
    node = start_node(peers=[peer(addresses=["192.0.2.1", "198.51.100.0/24"]), peer("other")])
    assert rejection(node.port) == REJECTED_CALLING


def test_whoever_calls_another_title_is_rejected(start_node: StartNode) -> None:
    assert rejection(start_node().port, called="ELSEWHERE") == REJECTED_CALLED


def test_more_associations_than_the_limit_are_rejected(start_node: StartNode) -> None:
    node = start_node(limits={"associations": 2})
    ask = [(VERIFICATION, PLAIN)]
    with associated(node.port, ask) as first, associated(node.port, ask) as second:
        assert first.is_established and second.is_established
        assert rejection(node.port) == REJECTED_FULL
    soon(lambda: not threads_of(node.node), "both associations to end")
    with associated(node.port, ask) as again:
        assert again.is_established


def test_each_syntax_that_is_decoded_is_taken_by_its_name(start_node: StartNode) -> None:
    port = start_node().port
    for syntax in readable_syntaxes():
        with associated(port, [(CR, [syntax]), (DX, [syntax])]) as association:
            assert [context.transfer_syntax for context in association.accepted_contexts] == [[syntax], [syntax]]


def test_other_syntaxes_and_classes_are_declined_at_negotiation(start_node: StartNode) -> None:
    port = start_node().port
    for syntax in (uid.DeflatedExplicitVRLittleEndian, uid.MPEG2MPML):
        with associated(port, [(DX, [syntax]), (VERIFICATION, PLAIN)]) as association:
            assert [context.abstract_syntax for context in association.accepted_contexts] == [VERIFICATION]
            declined = association.rejected_contexts[0]
            assert (declined.abstract_syntax, declined.result) == (DX, 4)  # PS3.8, table 9-18: the syntaxes
    with associated(port, [(uid.CTImageStorage, PLAIN), (VERIFICATION, PLAIN)]) as association:
        assert [context.abstract_syntax for context in association.accepted_contexts] == [VERIFICATION]


@pytest.mark.parametrize(
    ("flag", "made_by"),
    [
        ("-xe", "dcmconv +te"),
        pytest.param("-xi", "dcmconv +ti", marks=pytest.mark.nightly),
        pytest.param("-xb", "dcmconv +tb", marks=pytest.mark.nightly),
        ("-xr", "dcmcrle"),
        ("-xt", "dcmcjpls"),
        ("-xs", "dcmcjpeg +e1"),
    ],
)
def test_storescu_stores_a_film_and_its_bytes_are_kept(
    start_node: StartNode, program: Program, tmp_path: Path, flag: str, made_by: str
) -> None:
    node = start_node()
    plain, sent = tmp_path / "plain.dcm", tmp_path / "sent.dcm"
    plain.write_bytes(in_bytes(film(1)))
    name, *options = made_by.split()
    done = dcmtk(program(name), *options, plain, sent)
    assert done.returncode == 0, done.stderr
    done = dcmtk(program("storescu"), flag, *TITLES, "127.0.0.1", node.port, sent)
    assert done.returncode == 0, done.stderr
    (kept,) = (path for path in node.store.site.films.path.rglob("*") if path.is_file())
    assert dcmread(kept) == dcmread(sent)
    assert dcmread(kept).file_meta.TransferSyntaxUID == dcmread(sent).file_meta.TransferSyntaxUID


def test_storescu_is_declined_a_deflated_film_and_inflates_it(
    start_node: StartNode, program: Program, tmp_path: Path
) -> None:
    node = start_node()
    (tmp_path / "plain.dcm").write_bytes(in_bytes(film(1)))
    assert dcmtk(program("dcmconv"), "+td", tmp_path / "plain.dcm", tmp_path / "sent.dcm").returncode == 0
    done = dcmtk(program("storescu"), "-xd", *TITLES, "127.0.0.1", node.port, tmp_path / "sent.dcm")
    assert done.returncode == 0, done.stderr
    (kept,) = (path for path in node.store.site.films.path.rglob("*") if path.is_file())
    assert not dcmread(kept).file_meta.TransferSyntaxUID.is_deflated


def test_the_same_film_again_is_acknowledged_and_kept_once(start_node: StartNode) -> None:
    node = start_node()
    for _ in range(2):
        assert [answer.Status for answer in store_films(node.port, [film(1)])] == [0x0000]
    assert node.films() == 1


def test_films_of_a_peer_have_its_source_and_its_settling_time(start_node: StartNode) -> None:
    node = start_node(peers=[peer(source="east wing", settle_s=7)])
    store_films(node.port, [film(1)])
    waits = node.store.studies.page(StudyQuery(tab="to_read")).rows[0]
    assert waits.source == "east wing"


@pytest.mark.parametrize(
    ("kind", "tags"),
    [
        (uid.DigitalXRayImageStorageForProcessing, {"PresentationIntentType": "FOR PROCESSING"}),
        (uid.SecondaryCaptureImageStorage, {}),
        (uid.ComprehensiveSRStorage, {"PixelData": None}),
        (uid.GrayscaleSoftcopyPresentationStateStorage, {"PixelData": None}),
    ],
)
def test_what_comes_with_a_study_is_kept_and_not_listed(start_node: StartNode, kind: str, tags: dict[str, str]) -> None:
    node = start_node()
    sent = film(1, SOPClassUID=str(kind), **tags)
    assert [answer.Status for answer in store_films(node.port, [sent])] == [0x0000]
    assert node.store.films.holds("1.2.3.4.1")
    assert not node.store.studies.page(StudyQuery(tab="to_read")).rows


def test_a_film_with_our_own_identifier_is_acknowledged_and_not_scored(start_node: StartNode) -> None:
    node = start_node()
    ours = film(1, SOPInstanceUID=instance_uid(site="here", decision="1", kind="capture"))
    assert [answer.Status for answer in store_films(node.port, [ours])] == [0x0000]
    assert node.films() == 0


def status_of(port: int, sent: Dataset) -> tuple[int, str]:
    answer = store_films(port, [sent])[0]
    return int(answer.Status), str(answer.get("ErrorComment", ""))


def test_another_instance_than_announced_is_refused(start_node: StartNode) -> None:
    node = start_node()
    with associated(node.port, [(DX, PLAIN)]) as association:
        sent = film(1)
        original = association.dimse.send_msg

        def lie(primitive: object, context: int) -> None:
            primitive.AffectedSOPInstanceUID = "1.2.3.4.99"  # type: ignore[attr-defined]
            original(primitive, context)  # type: ignore[arg-type]

        association.dimse.send_msg = lie  # type: ignore[method-assign, assignment]
        answer = association.send_c_store(sent)
    assert answer.Status == 0xA900 and "differs" in answer.ErrorComment
    assert node.films() == 0


def test_what_is_no_data_set_is_refused_in_words(start_node: StartNode) -> None:
    node = start_node()

    with associated(node.port, [(DX, PLAIN)]) as association:
        request = C_STORE()
        request.MessageID, request.Priority = 1, 2
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = DX, "1.2.3"
        request.DataSet = io.BytesIO(b"\x08\x00\x05\x00CS\xff\xffxx")
        association._reactor_checkpoint.clear()
        association.dimse.send_msg(request, 1)
        _, answer = association.dimse.get_msg(block=True)
        association._reactor_checkpoint.set()
    assert answer is not None and answer.Status in (0xC000, 0xA900)
    assert node.films() == 0


def test_an_object_above_the_limit_is_refused_and_the_association_goes_on(start_node: StartNode) -> None:
    node = start_node(limits={"object_bytes": 100_000})
    large = film(1, ImageComments="x" * 10_000)
    large.PixelData = bytes(200_000)
    large.Rows, large.Columns = 250, 400
    answers = store_films(node.port, [large, film(2)])
    assert [answer.Status for answer in answers] == [0xC001, 0x0000]
    assert answers[0].ErrorComment == "The object is above object_bytes of the node."
    assert node.films() == 1


def test_a_locked_worklist_is_a_failure_in_words(start_node: StartNode, caplog: pytest.LogCaptureFixture) -> None:
    node = start_node(patience_s=0.1)
    with Store.open(node.store.home) as other, other.writing():
        assert status_of(node.port, film(1)) == (0xC002, "The worklist is busy. Send it again.")
    assert any(one.startswith("pacs.refused") and one.endswith("cause=BusyError") for one in caplog.messages)
    assert status_of(node.port, film(1)) == (0x0000, "")


def test_a_failure_that_nobody_foresaw_is_no_end_of_the_association(start_node: StartNode) -> None:
    node = start_node()
    incoming = node.store.site.films.path / "incoming"
    with associated(node.port, [(DX, PLAIN)]) as association:
        incoming.rmdir()
        assert association.send_c_store(film(1)).Status == 0xC0FF
        incoming.mkdir()
        assert association.send_c_store(film(1)).Status == 0x0000


FULL = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1500 * 1024, 1500 * 1024))
sys.dont_write_bytecode = True  # which would be kept cut
from tests.pacs.conftest import film, peer, store_films
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.node import Node
from unseen_server.worklist.store import Store

config = PacsConfig.model_validate({"host": "127.0.0.1", "port": 0, "peers": [peer()]})
with Store.open(sys.argv[1]) as store, Node(config, store) as node:
    large = film(1)
    large.PixelData, large.Rows, large.Columns = bytes(2_000_000), 1000, 1000
    for answer in store_films(node.listener.port, [large, film(2)]):
        print(f"{answer.Status:04X}", answer.get("ErrorComment", ""))
    print(store.films.holds("1.2.3.4.1"), store.films.holds("1.2.3.4.2"))
"""


def test_a_full_disk_is_out_of_resources_and_smaller_films_still_come(folder: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands in for the disk's space, as in `full_disk`; the program is a fork."""
    program = tmp_path / "full.py"
    program.write_text(FULL, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "server")))}
    done = warm_python().run(program, folder / "worklist", cwd=ROOT, environment=environment)
    assert done.out.splitlines() == ["A700 The disk is full. Send it again later.", "0000 ", "False True"], done.err


def test_an_association_aborted_in_the_middle_loses_and_doubles_nothing(start_node: StartNode) -> None:
    node = start_node()
    with associated(node.port, [(DX, PLAIN)]) as association:
        assert association.send_c_store(film(1)).Status == 0x0000
        encoded = in_bytes(film(2))
        # half of a C-STORE, then the cable is cut
        import io

        from pynetdicom.dimse_messages import C_STORE_RQ
        from pynetdicom.dimse_primitives import C_STORE

        request = C_STORE()
        request.MessageID, request.Priority = 2, 2
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = DX, "1.2.3.4.2"
        request.DataSet = io.BytesIO(encoded)
        message = C_STORE_RQ()
        message.primitive_to_message(request)
        message.context_id = 1
        parts = list(message.encode_msg(1, 1024))
        for part in parts[: len(parts) // 2]:
            association.dul.send_pdu(part)
        association.abort()
    soon(lambda: not threads_of(node.node), "the acceptor to end")
    assert node.films() == 1 and node.store.films.holds("1.2.3.4.1") and not node.store.films.holds("1.2.3.4.2")
    answers = store_films(node.port, [film(1), film(2)])  # what a sender does then
    assert [answer.Status for answer in answers] == [0x0000, 0x0000]
    assert node.films() == 2


def closed(node: object, study: str) -> bool:
    """Return True if the study is complete."""
    return not node.store.studies.mark_complete(study, source="ward", actor="test")  # type: ignore[attr-defined]


def test_the_end_of_an_association_closes_studies_where_the_peer_says_so(start_node: StartNode) -> None:
    node = start_node(peers=[peer(closes="association", settle_s=3600), peer("quiet", settle_s=3600)])
    store_films(node.port, [film(1, study="1.2.3.1")])
    store_films(node.port, [film(2, study="1.2.3.2")], ae_title="QUIET")
    soon(lambda: not threads_of(node.node), "both associations to end")
    assert closed(node, "1.2.3.1")
    assert not closed(node, "1.2.3.2"), "it was closed though its peer says nothing by an association's end"


def test_an_aborted_association_closes_no_study(start_node: StartNode) -> None:
    node = start_node(peers=[peer(closes="association", settle_s=3600)])
    with associated(node.port, [(DX, PLAIN)]) as association:
        association.send_c_store(film(1))
        association.abort()
    soon(lambda: not threads_of(node.node), "the acceptor to end")
    assert not closed(node, "1.2.3.1")


def test_a_stop_with_open_associations_ends_every_thread(start_node: StartNode) -> None:
    before = set(threading.enumerate())
    node = start_node()
    with socket.create_connection(("127.0.0.1", node.port)), associated(node.port, [(DX, PLAIN)]) as association:
        soon(lambda: len(threads_of(node.node)) == node.node.listener.unidentified == 1, "both connections")
        mine = set(threading.enumerate()) - before - {association, association.dul}
        assert mine
        node.node.stop()
        assert not [thread for thread in mine if thread.is_alive()]
        soon(lambda: association.is_aborted, "the peer to hear of it")


def test_a_stop_ends_an_association_whose_threads_have_not_started_yet(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = start_node()
    reached, let_go = threading.Event(), threading.Event()
    start = DULServiceProvider.start

    def late(dul: DULServiceProvider) -> None:
        reached.set()
        let_go.wait()
        start(dul)

    monkeypatch.setattr(DULServiceProvider, "start", late)
    with socket.create_connection(("127.0.0.1", node.port)) as opened, ThreadPoolExecutor(1) as threads:
        opened.sendall(request_for_verification())
        try:
            assert reached.wait(PATIENCE_S)
            (association,) = threads_of(node.node)
            ending = threads.submit(listener._end, association)
            soon(lambda: association._kill, "the end to begin")  # type: ignore[attr-defined]
        finally:
            let_go.set()
        ending.result()
        soon(lambda: not threads_of(node.node), "the acceptor to end")


def test_a_stop_waits_for_the_film_in_hand_and_answers_it(start_node: StartNode) -> None:
    node = start_node()
    answers: list[int] = []
    sender = threading.Thread(target=lambda: answers.extend(one.Status for one in store_films(node.port, [film(1)])))
    stopping = threading.Thread(target=node.node.stop)
    with Store.open(node.store.home) as other:
        with other.writing():
            sender.start()
            soon(lambda: any((node.store.site.films.path / "incoming").iterdir()), "the film")
            stopping.start()
        stopping.join()
    sender.join()
    assert answers == [0x0000]
    assert node.store.films.holds("1.2.3.4.1")


def test_a_stop_waits_for_no_answer_to_a_peer_that_has_gone(
    start_node: StartNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_GRACE_S", 600.0)
    node = start_node()
    with Store.open(node.store.home) as other, associated(node.port, [(DX, PLAIN)]) as association:
        with other.writing():
            threading.Thread(target=association.send_c_store, args=(film(1),), daemon=True).start()
            soon(lambda: any((node.store.site.films.path / "incoming").iterdir()), "the film")
            association.dul.socket.close()
        soon(lambda: node.store.films.holds("1.2.3.4.1"), "the film in the worklist")
        node.node.stop()
    assert not threads_of(node.node)


def test_the_connection_of_a_silent_peer_is_closed(start_node: StartNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_reading, "IDENTIFY_S", 0.5)
    node = start_node(limits={"idle_s": 0.2})
    with socket.create_connection(("127.0.0.1", node.port)) as silent:
        silent.sendall(b"\x01\x00\x00\x00\x10")  # less than the head of a PDU
        silent.settimeout(30)
        assert silent.recv(100) == b""
    with associated(node.port, [(DX, PLAIN)]) as association:
        soon(lambda: association.is_aborted, "the idle association to be aborted")


def test_a_pdu_of_any_length_is_not_read(start_node: StartNode) -> None:
    node = start_node()
    with socket.create_connection(("127.0.0.1", node.port)) as hostile:
        hostile.sendall(b"\x01\x00\xff\xff\xff\xff")
        hostile.settimeout(30)
        assert hostile.recv(100) == ABORT and hostile.recv(100) == b""


def test_a_host_that_is_none_of_this_machine_is_named_as_the_mistake(start_node: StartNode) -> None:
    for host in ("999.1.1.1", "203.0.113.1"):
        with pytest.raises(
            PacsConfigError, match=rf"of {host} cannot .* Correct host: give an address of this machine"
        ):
            start_node(host=host)


def test_two_nodes_cannot_have_one_port(start_node: StartNode) -> None:
    node = start_node()
    with pytest.raises(PacsConfigError, match=f"Port {node.port} of 127.0.0.1 cannot be listened on"):
        start_node(port=node.port)
