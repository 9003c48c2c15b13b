"""A node runs what its pacs.toml has tables for: HL7, FHIR, metrics and syslog, each by TLS where it is asked for."""

from __future__ import annotations

import contextlib
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.pacs.conftest import StartNode, film, peer, soon, store_films
from tests.pacs.reports_in import CODES, Mllp, outcomes, report
from tests.pacs.test_audit_sender import listening
from tests.pacs.test_fhir import resource
from tests.pacs.test_http import metrics_of
from tests.pacs.test_node_tls import certificates, tls  # noqa: F401  a fixture
from unseen_server.pacs.config import PacsConfigError, load
from unseen_server.pacs.hl7_listener import Hl7Listener
from unseen_server.pacs.http import HttpServer
from unseen_server.worklist.study_query import StudyQuery

TOKEN = {"Authorization": f"Bearer {'t' * 16}", "Content-Type": "application/json"}


@pytest.fixture
def codes(tmp_path: Path) -> str:
    path = tmp_path / "codes.toml"
    path.write_text(CODES)
    return str(path)


def ports(node: Any) -> tuple[int, int]:
    """Ports of HL7 and of HTTP."""
    (hl7,) = [part for part in node.neighbours if isinstance(part, Hl7Listener)]
    (http,) = [part for part in node.neighbours if isinstance(part, HttpServer)]
    return hl7.port, http.port


def test_a_film_by_dicom_is_closed_by_a_report_by_hl7_and_corrected_by_fhir(start_node: StartNode, codes: str) -> None:
    with listening("udp") as syslog:
        running = start_node(
            hl7={"host": "127.0.0.1", "port": 0, "reports": codes, "system": "RIS"},
            fhir={"token": "t" * 16, "reports": codes, "system": "RIS"},
            http={"port": 0},
            syslog={"host": "127.0.0.1", "port": syslog.port, "every_s": 0.05},
        )
        assert store_films(running.port, [film(1)])[0].Status == 0x0000
        hl7, http = ports(running.node)
        with Mllp(hl7) as sender:
            assert sender.ask(report("no acute findings")) == ("AA", "Taken: closed.")
        corrected = json.dumps(resource(status="amended", conclusion="A pneumothorax.", issued=None))
        with httpx.Client(base_url=f"http://127.0.0.1:{http}", timeout=20, verify=False) as client:
            assert client.post("/fhir/DiagnosticReport", content=corrected, headers=TOKEN).status_code == 200
            assert client.get("/ready").text == "ready\n"
            seen = metrics_of(client)
        (entry,) = running.store.studies.page(StudyQuery(tab="reported")).rows
        assert outcomes(running.store, entry.study) == ["abnormal"]
        assert seen["unseen_pacs_objects_total", "ward", "yes"] == 1
        assert seen["unseen_hl7_messages_total", "AA"] == 1
        assert seen["unseen_report_messages_total", "corrected", "abnormal"] == 1
        soon(lambda: running.store.audit.head().seq in syslog.rows(), "the trail")


def test_each_uses_the_nodes_certificate_where_it_is_asked_to(
    start_node: StartNode,
    codes: str,
    certificates: Path,  # noqa: F811
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificates / "ward.crt", certificates / "ward.key")
    server.load_verify_locations(certificates / "ca.crt")
    server.verify_mode = ssl.CERT_REQUIRED
    with listening("tls", secure=server) as syslog:
        running = start_node(
            tls=tls(certificates),
            hl7={"host": "127.0.0.1", "port": 0, "reports": codes, "tls": True},
            http={"port": 0, "tls": True},
            syslog={"host": "127.0.0.1", "port": syslog.port, "transport": "tls", "every_s": 0.05},
        )
        hl7, http = ports(running.node)
        ward = ssl.create_default_context(cafile=str(certificates / "ca.crt"))
        assert httpx.get(f"https://127.0.0.1:{http}/live", verify=ward).text == "live\n"
        with Mllp(hl7) as plain:
            plain.connection.sendall(b"\x0bMSH|^~\\&|\x1c\r")
            with contextlib.suppress(ConnectionError):
                assert plain.answer() == ("", "")
        ward.load_cert_chain(certificates / "ward.crt", certificates / "ward.key")
        with Mllp(hl7) as sender:
            sender.connection = ward.wrap_socket(sender.connection, server_hostname="127.0.0.1")
            assert sender.ask(report("x")) == ("AA", "Taken: early.")
        running.store.settings.set_settle_s(5, actor="lea")
        soon(lambda: running.store.audit.head().seq in syslog.rows(), "the trail")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[hl7]\nport = 1", "hl7.reports: missing"),
        ('[hl7]\nreports = "c.toml"\naddresses = ["here"]', "hl7.addresses.*here is neither an IP address"),
        ('[hl7]\nreports = "c.toml"\naccession = ["OBR-99"]', r"hl7.accession"),
        ('[hl7]\nreports = "c.toml"\ntls = true', r"\[hl7\] uses TLS, but there is no table \[tls\]"),
        ('[fhir]\ntoken = "short"\nreports = "c.toml"', r"fhir.*token needs 16"),
        (f'[fhir]\ntoken = "{"t" * 16}"\nreports = "c.toml"', r"there is no such table: add \[http\]"),
        ('[syslog]\nhost = "log"\ntransport = "carrier pigeon"', r"syslog.transport"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_key(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pacs.toml").write_text(text)
    with pytest.raises(PacsConfigError, match=words) as raised:
        load(tmp_path / "pacs.toml")
    assert "short" not in str(raised.value)


def test_a_table_of_codes_that_cannot_be_used_stops_the_start(start_node: StartNode, tmp_path: Path) -> None:
    from unseen_server.service.outside_report_codes import ReportCodesError

    with pytest.raises(ReportCodesError, match=r"none.toml: cannot be read"):
        start_node(peers=[peer()], hl7={"reports": str(tmp_path / "none.toml")})
