"""Shared by the tests of HL7 and FHIR: a store with one study to be read, the site's table, and a client for MLLP."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field

from tests.worklist.conftest import dicom_film
from unseen_server.service.outside_report_codes import ReportCodes, parsed
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.store import Store

CODES = """
[codes]
abnormal = ["ABN", "OBX-8=A"]
normal = ["NORM"]
[phrases]
abnormal = ["pneumothorax", "気胸", "Erguss rechts größer"]
normal = ["no pneumothorax", "no acute findings"]
"""


def table() -> ReportCodes:
    return parsed(CODES)


def study(store: Store, number: int = 1, *, accession: str = "A1", uid: str = "1.2", patient: str = "P1") -> str:
    """Return a film that came by DICOM; its study's name."""
    header = ReceivedHeader(
        sop_class="1.2.840.10008.5.1.4.1.1.1.1",
        instance=f"1.2.{number}.1",
        study=uid,
        patient=patient,
        issuer="",
        accession=accession,
        intent="FOR PRESENTATION",
    )
    return store.films.receive(dicom_film(number), name=f"{number}", source="ward", header=header).study


def outcomes(store: Store, name: str) -> list[str | None]:
    """Return the outcomes of the study's valid reports."""
    return [one.outcome for one in store.studies.details(name).reports if one.undone is None]


def oru(*segments: str, charset: str = "", message: str = "M1", kind: str = "ORU^R01^ORU_R01") -> str:
    """An HL7 message of these segments after MSH and PID."""
    header = f"MSH|^~\\&|RIS|NORTH|UNSEEN||20260102030405||{kind}|{message}|P|2.5.1||||||{charset}"
    return "\r".join([header, "PID|1||N7^^^STATE~P1^^^NORTH||RIGBY^ELEANOR", *segments]) + "\r"


def report(text: str, *, accession: str = "A1", status: str = "F", kind: str = "TX", message: str = "M1") -> str:
    """An ORU with one observation."""
    return oru(
        f"OBR|1||{accession}|36643-5^CHEST^LN{'|' * 21}{status}", f"OBX|1|{kind}|&GDT||{text}||||||F", message=message
    )


@dataclass
class Mllp:
    """A sender: `ask` sends a message in its frame and returns MSA-1 and MSA-3."""

    port: int
    source: str = "127.0.0.1"
    connection: socket.socket = field(init=False)
    got: bytes = b""

    def __post_init__(self) -> None:
        self.connection = socket.create_connection(("127.0.0.1", self.port), 20, source_address=(self.source, 0))

    def __enter__(self) -> Mllp:
        return self

    def __exit__(self, *error: object) -> None:
        self.connection.close()

    def ask(self, message: str | bytes, codec: str = "utf-8") -> tuple[str, str]:
        content = message.encode(codec) if isinstance(message, str) else message
        self.connection.sendall(b"\x0b" + content + b"\x1c\r")
        return self.answer()

    def answer(self) -> tuple[str, str]:
        """Return the next acknowledgement; ("", "") where the connection was closed instead."""
        while b"\x1c\r" not in self.got:
            piece = self.connection.recv(65536)
            if not piece:
                return "", ""
            self.got += piece
        frame, _, self.got = self.got.partition(b"\x1c\r")
        self.last = frame.removeprefix(b"\x0b").decode("ascii")
        msa = self.last.split("\r")[1].split("|")
        return msa[1], msa[3]
