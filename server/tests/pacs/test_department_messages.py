"""Messages of real departments are answered so that a sender's queue continues and no correction is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.pacs.reports_in import Mllp, oru, outcomes, report, study, table
from unseen_server.pacs.hl7_incoming import reports_of
from unseen_server.pacs.hl7_listener import Hl7Listener
from unseen_server.pacs.hl7_parsing import parsed
from unseen_server.pacs.non_dicom_settings import Hl7Fields, Hl7Settings
from unseen_server.pacs.report_intake import ReportIntake
from unseen_server.worklist.store import Store

SETTINGS = {"host": "127.0.0.1", "port": 0, "reports": "codes.toml"}


@pytest.fixture
def sender(store: Store) -> Iterator[Mllp]:
    listener = Hl7Listener(Hl7Settings.model_validate(SETTINGS), ReportIntake(store, table()))
    listener.start()
    with Mllp(listener.port) as made:
        yield made
    listener.stop()


# frames -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [b"\x1c", b"\x1c\n"])
def test_a_frame_that_ends_without_a_carriage_return_is_answered(sender: Mllp, end: bytes) -> None:
    sender.connection.sendall(b"\x0b" + report("no acute findings").encode() + end)
    assert sender.answer() == ("AA", "Taken: early.")
    assert sender.ask(report("no acute findings")) == ("AA", "Taken: repeated."), "the connection continues"


def test_frames_without_a_carriage_return_that_follow_each_other_are_answered_each(sender: Mllp) -> None:
    sender.connection.sendall((b"\x0b" + report("no acute findings").encode() + b"\x1c") * 3)
    assert [sender.answer()[1] for _ in range(3)] == ["Taken: early.", "Taken: repeated.", "Taken: repeated."]


def test_a_frame_without_a_carriage_return_is_answered_where_the_sender_has_closed_its_side(sender: Mllp) -> None:
    sender.connection.sendall(b"\x0b" + report("no acute findings").encode() + b"\x1c")
    sender.connection.shutdown(socket.SHUT_WR)
    assert sender.answer() == ("AA", "Taken: early.")


def test_a_frame_end_inside_a_text_does_not_cut_the_report(sender: Mllp, store: Store) -> None:
    name = study(store)
    sender.ask(report("No pneumothorax right. \x1c A pneumothorax left."))
    assert outcomes(store, name) == ["abnormal"]


# character sets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("ISO-8859-1", "latin-1", "größer"),
        ("WINDOWS-1252", "cp1252", "größer – 3 €"),
        ("iso8859-15", "iso8859-15", "größer 3 €"),
        ("CP1252", "cp1252", "œdème"),
        ("windows-1251", "cp1251", "пневмоторакс"),
        ("ISO_8859-2", "iso8859-2", "łuk"),
        ("UTF8", "utf-8", "größer"),
    ],
)
def test_names_of_character_sets_outside_of_the_hl7_table_are_read(charset: str, codec: str, text: str) -> None:
    message = oru("OBR|1||A1", f"OBX|1|TX|&GDT||{text}||||||F", charset=charset)
    (found,) = reports_of(parsed(message.encode(codec)), Hl7Fields())
    assert found.text == text


# types and processing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ORU", "ADT^A08", "ADT^A47", "ADT^A18", "ORM^O01", "SIU^S12"])
def test_a_type_that_is_not_used_is_acknowledged_and_has_no_effect(sender: Mllp, store: Store, kind: str) -> None:
    name = study(store)
    message = report("A pneumothorax.").replace("ORU^R01^ORU_R01", kind)
    code, sentence = sender.ask(message)
    assert code == "AA" and sentence.startswith("Not used: ")
    assert kind.replace("^", "\\S\\") in sentence and outcomes(store, name) == []


@pytest.mark.parametrize("kind", ["", "^R01", "O^R01", "?"])
def test_a_message_without_a_type_is_refused(sender: Mllp, kind: str) -> None:
    assert sender.ask(report("x").replace("ORU^R01^ORU_R01", kind))[0] == "AE"


@pytest.mark.parametrize("processing", ["T", "D", "T^A", "d"])
def test_a_message_of_training_or_debugging_is_acknowledged_and_has_no_effect(
    sender: Mllp, store: Store, processing: str
) -> None:
    name = study(store)
    code, sentence = sender.ask(report("A pneumothorax.").replace("|P|2.5.1", f"|{processing}|2.5.1"))
    assert code == "AA" and sentence.startswith("Not used: MSH-11 is ")
    assert outcomes(store, name) == [] and store.outside_reports.counts().by_outcome == {}
    assert sender.ask(report("A pneumothorax.")) == ("AA", "Taken: closed."), "the same in production counts"


def test_a_merge_of_training_has_no_effect(sender: Mllp, store: Store) -> None:
    one, other = study(store, 1, uid="1.2"), study(store, 2, accession="A2", uid="1.3", patient="P2")
    merge = "MSH|^~\\&|HIS|N|||||ADT^A40|1|T|2.5\rPID|1||P2^^^N\rMRG|P1^^^N\r"
    assert sender.ask(merge)[0] == "AA"
    assert store.studies.priors(other) == store.studies.priors(one) == []


@pytest.mark.parametrize("status", ["M", "N"])
def test_a_part_of_a_result_is_acknowledged_as_preliminary(sender: Mllp, store: Store, status: str) -> None:
    name = study(store)
    assert sender.ask(report("A pneumothorax.", status=status)) == ("AA", "Taken: preliminary.")
    assert outcomes(store, name) == []
    assert sender.ask(report("A pneumothorax.")) == ("AA", "Taken: closed.")


# merges -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pid", "mrg"),
    [
        ("P1^^^N", "P1^^^N"),
        ("P1", "P1 "),
        ("P1^^^N~X9^^^S", "P1^^^N~X9^^^S"),
    ],
)
def test_a_merge_of_a_patient_with_itself_is_acknowledged_and_changes_nothing(
    sender: Mllp, store: Store, pid: str, mrg: str
) -> None:
    study(store)
    head = store.audit.head()
    message = f"MSH|^~\\&|HIS|N|||||ADT^A40|1|P|2.5\rPID|1||{pid}\rMRG|{mrg}\r"
    assert sender.ask(message) == ("AA", "Unchanged: the patient was merged with itself.")
    assert store.audit.head() == head
