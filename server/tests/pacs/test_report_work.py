"""Work on a message grows as its length: the lines of Python that run are counted, not seconds.

Identifiers and orders are counted before anything is looked up, and other senders are answered meanwhile.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest

from tests.pacs.reports_in import Mllp, report, table
from tests.pacs.test_fhir import SETTINGS as FHIR_SETTINGS
from tests.pacs.test_fhir import resource
from tests.worklist.conftest import Place
from unseen_server.pacs.fhir import FhirError
from unseen_server.pacs.fhir import reports_of as fhir_reports
from unseen_server.pacs.hl7_acknowledgement import acknowledgement
from unseen_server.pacs.hl7_incoming import merges_of, not_used, reports_of
from unseen_server.pacs.hl7_listener import Hl7Listener
from unseen_server.pacs.hl7_parsing import Hl7Error, parsed
from unseen_server.pacs.mllp import MllpFrames
from unseen_server.pacs.non_dicom_settings import FhirSettings, Hl7Fields, Hl7Settings
from unseen_server.pacs.report_intake import ReportIntake

HEADER = "MSH|^~\\&|RIS|N|||20260102030405||{}|1|P|2.5.1\r"
ORU, MERGE = HEADER.format("ORU^R01"), HEADER.format("ADT^A40")
LONG = 100_000

MESSAGES: dict[str, Callable[[int], str]] = {
    "numbers of a patient": lambda n: f"{ORU}PID|1||{'~'.join(f'{i}' for i in range(n // 7))}\rOBR|1||A9\r",
    "the same number": lambda n: f"{ORU}PID|1||{'~'.join(['P1'] * (n // 3))}\rOBR|1||A9\r",
    "the same order": lambda n: ORU + "OBR|1||A9\r" * (n // 10),
    "different orders": lambda n: ORU + "".join(f"OBR|1||A{i}\r" for i in range(n // 14)),
    "the same order with study UIDs": lambda n: ORU + "OBR|1||A9\rZDS|1.2\r" * (n // 18),
    "observations": lambda n: f"{ORU}OBR|1||A9\r" + "OBX|1|TX|&GDT||no pneumothorax||||||F\r" * (n // 38),
    "repeated values": lambda n: f"{ORU}OBR|1||A9\rOBX|1|CWE|&GDT||{'~'.join(['A^B'] * (n // 4))}\r",
    "one sentence": lambda n: f"{ORU}OBR|1||A9\rOBX|1|TX|&GDT||{'no pneumothorax ' * (n // 16)}\r",
    "findings": lambda n: f"{ORU}OBR|1||A9\rOBX|1|TX|&GDT||{'mass, ' * (n // 6)} no acute findings\r",
    "full stops": lambda n: f"{ORU}OBR|1||A9\rOBX|1|TX|&GDT||{'. ' * (n // 2)} pneumothorax\r",
    "escapes": lambda n: f"{ORU}OBR|1||A9\rOBX|1|TX|&GDT||{'pneumothorax.br' * (n // 16)}\r",
    "fields": lambda n: f"{ORU}OBR|1||A9{'|' * n}\r",
    "segments": lambda n: ORU + "NTE\r" * (n // 4),
    "patients": lambda n: ORU + "PID|1||P1~P2\rOBR|1||A9\r" * (n // 23),
    "merges": lambda n: f"{MERGE}PID|1||P1\r" + "".join(f"MRG|Q{i}\r" for i in range(n // 11)),
    "numbers of a merge": lambda n: f"{MERGE}PID|1||P1\rMRG|{'~'.join(f'{i}' for i in range(n // 7))}\r",
    "merges of one with itself": lambda n: f"{MERGE}PID|1||P1\r" + "MRG|P1\r" * (n // 7),
    "no message": lambda n: "\n" * n,
    "a header": lambda n: ORU[:-1] + "~" * n,
}
RESOURCES: dict[str, Callable[[int], dict[str, Any]]] = {
    "identifiers": lambda n: resource(identifier=[{"value": f"{i}"} for i in range(n // 20)]),
    "the same identifier": lambda n: resource(identifier=[{"value": "1"}] * (n // 16)),
    "references": lambda n: resource(result=[{"reference": f"#{i}"} for i in range(n // 22)]),
    "text": lambda n: resource(conclusion="no pneumothorax " * (n // 16)),
    "entries": lambda n: {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {}}] * (n // 16)},
}


def work(action: Callable[[], object]) -> int:
    """Return the number of lines of Python that `action` runs, with calls and returns; each turn of a loop is one."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def read_hl7(content: bytes) -> None:
    frames = MllpFrames()
    for start in range(0, len(content), 4096):
        frames.feed((b"\x0b" if not start else b"") + content[start : start + 4096])
        assert frames.next() is None
    frames.feed(b"\x1c\r")
    found = frames.next()
    assert found == content
    try:
        message = parsed(found)
        if not_used(message):
            return
        if message.kind[0] == "ADT":
            merges_of(message, Hl7Fields())
            return
        for one in reports_of(message, Hl7Fields()):
            TABLE.read(codes=one.codes, text=one.text)
    except Hl7Error:
        pass
    acknowledgement(content, code="AE", sentence="x", application="U", now=NOW)


def read_fhir(content: bytes) -> None:
    try:
        for one in fhir_reports(content, FhirSettings.model_validate(FHIR_SETTINGS)).reports:
            TABLE.read(codes=one.codes, text=one.text)
    except FhirError:
        pass


TABLE = table()
NOW = datetime(2026, 1, 2, tzinfo=UTC)
SMALL, LARGE = 5_000, 20_000


@pytest.mark.parametrize("name", MESSAGES)
def test_work_on_a_message_grows_as_its_length(name: str) -> None:
    small, large = (MESSAGES[name](size).encode() for size in (SMALL, LARGE))
    read_hl7(small)  # what is imported or compiled once
    least, most = work(lambda: read_hl7(small)), work(lambda: read_hl7(large))
    assert most <= 1.2 * least * len(large) / len(small) + 1_000, f"{least} and {most} lines"
    assert most <= 50 * len(large)


@pytest.mark.parametrize("name", RESOURCES)
def test_work_on_a_resource_grows_as_its_length(name: str) -> None:
    small, large = (json.dumps(RESOURCES[name](size)).encode() for size in (SMALL, LARGE))
    read_fhir(small)
    least, most = work(lambda: read_fhir(small)), work(lambda: read_fhir(large))
    assert most <= 1.2 * least * len(large) / len(small) + 1_000, f"{least} and {most} lines"


@pytest.fixture
def listener(own_place: Place) -> Iterator[tuple[Hl7Listener, Any]]:
    with own_place.open() as store:
        made = Hl7Listener(
            Hl7Settings.model_validate({"host": "127.0.0.1", "port": 0, "reports": "c"} | {"message_bytes": 2**21}),
            ReportIntake(store, table()),
        )
        made.start()
        yield made, store
        made.stop()


@pytest.mark.parametrize(
    "name, named",
    [
        ("numbers of a patient", "PID-3 has 14285 different numbers, the limit is 50"),
        ("different orders", "more than 500 different OBR"),
        ("merges", "more than 50 merges"),
        ("numbers of a merge", "MRG-1 has 14285 different numbers, the limit is 50"),
    ],
)
def test_a_message_with_too_many_is_refused_without_the_database(
    listener: tuple[Hl7Listener, Any], name: str, named: str
) -> None:
    with Mllp(listener[0].port) as sender, listener[1].database.writing():
        code, sentence = sender.ask(MESSAGES[name](LONG))
        assert code == "AE" and named in sentence, "the reader of the message refuses it, before the worklist would"


def test_other_senders_are_answered_while_long_messages_are_read(listener: tuple[Hl7Listener, Any]) -> None:
    port = listener[0].port
    names = ["one sentence", "observations", "the same order", "segments"]
    with ThreadPoolExecutor(len(names)) as threads, Mllp(port) as other:
        senders = [Mllp(port) for _ in names]
        asked = [threads.submit(sender.ask, MESSAGES[name](LONG)) for sender, name in zip(senders, names, strict=True)]
        answered = 0
        while not all(one.done() for one in asked):
            assert other.ask(report("x", accession=f"B{answered}")) == ("AA", "Taken: early.")
            answered += 1
        answers = [one.result() for one in asked]
        assert answered > 0
        for code, sentence in answers:  # where another transaction holds the lock for long, the sender tries again
            assert code in ("AA", "AE") or (code == "AR" and sentence.endswith("Send it again later.")), sentence
        for sender in senders:
            sender.connection.close()
