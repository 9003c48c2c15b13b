"""The DICOM conformance statement of this version, rendered from the tables that the node works by (PS3.2).

python -m unseen_server.pacs.conformance            prints it
python -m unseen_server.pacs.conformance FILE       writes it: docs/conformance.md, which a test compares
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from pydicom.uid import UID
from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

from unseen.artifacts import LIMITS, write_text
from unseen.data import EXTRA_SYNTAXES, readable_syntaxes
from unseen_server.pacs import certificates, fhir, offered_classes, request_reading
from unseen_server.pacs.check import RESULT_CLASSES
from unseen_server.pacs.config import Limits, PacsConfig, Tls
from unseen_server.pacs.fetching import GET, MOVE
from unseen_server.pacs.hl7_incoming import GONE, PRELIMINARY
from unseen_server.pacs.hl7_parsing import CHARSETS
from unseen_server.pacs.identifiers import IMPLEMENTATION
from unseen_server.pacs.non_dicom_settings import Hl7Settings
from unseen_server.pacs.peer_search import FIND
from unseen_server.pacs.report_intake import MOST_IDENTIFIERS, MOST_ORDERS

_KEPT: Final = (*offered_classes.IMAGES_KEPT, *offered_classes.DOCUMENTS_KEPT)
_OLDEST: Final = certificates.OLDEST.name.replace("v", " ").replace("_", ".")
_RESULTS: Final = {
    "sr": "structured report, preliminary and unverified: TID 1500, or TID 2000 if no film has a place",
    "capture": "the film with the anomaly map burnt in",
    "overlay": "presentation state with the place of the anomaly",
}


def statement() -> str:
    """Return the page in Markdown."""
    config, limits, commitment = PacsConfig(), Limits(), _named(offered_classes.COMMITMENT)
    hl7 = Hl7Settings(reports="codes.toml")
    parts = [
        "# DICOM conformance statement",
        f"*Rendered from the code by `python -m unseen_server.pacs.conformance`. {LIMITS}*",
        "`unseen pacs` is a node that receives chest X-rays, has them scored, and sends results back as DICOM objects. "
        "Reports come in by HL7 and FHIR. A site configures it in `pacs.toml` ([how](how-to/pacs.md)).",
        "## Network services",
        _table(("SOP class", "UID", "User (SCU)", "Provider (SCP)"), list(_services())),
        "Storage as a user sends result objects, and nothing else. The provider keeps objects that are no films "
        "together with their study, and neither lists nor scores them. Results of this software are recognised by "
        "their UIDs and are not scored.",
        "## Transfer syntaxes",
        _table(("Transfer syntax", "UID", "Films and other images", "All else"), list(_syntaxes())),
        "A presentation context with other transfer syntaxes only is declined. The node stores what it receives as it "
        "came, and does not convert. Result objects are sent uncompressed.",
        "## Associations",
        _table(
            ("Property", "Value"),
            [
                ("AE title", f"`{config.ae_title}`, configurable"),
                ("Port", f"{config.port}, configurable"),
                ("Port with TLS", f"{Tls.model_fields['port'].default}, configurable"),
                ("Who may associate", "peers in `pacs.toml`, by AE title and address; others are rejected (1, 1, 3)"),
                ("Connection from an address of no peer", "closed at accept, without an answer"),
                (
                    "Time for the A-ASSOCIATE-RQ",
                    f"{request_reading.IDENTIFY_S:g} s in total, the TLS handshake included; then the connection is "
                    "closed",
                ),
                ("Other first PDU", "A-ABORT (service provider, unexpected PDU)"),
                ("Called AE title", "must be ours; else rejected (1, 1, 7)"),
                (
                    "Associations at once",
                    f"{limits.associations} accepted ones, configurable; one more is rejected (2, 3, 2)",
                ),
                ("Largest PDU received", f"{limits.pdu_bytes} bytes, configurable"),
                ("Largest object", f"{limits.object_bytes} bytes, configurable; status C001 above it"),
                ("Idle time", f"{limits.idle_s:g} s, configurable"),
                ("Asynchronous operations", "not negotiated: one operation at a time"),
                ("Roles", f"SCU and SCP of {commitment}; SCP of storage when fetching by C-GET"),
                ("Implementation class UID, association", f"`{PYNETDICOM_IMPLEMENTATION_UID}`"),
                ("Implementation version name", f"`{PYNETDICOM_IMPLEMENTATION_VERSION}`"),
                ("Implementation class UID, result objects", f"`{IMPLEMENTATION}`"),
            ],
        ),
        "## Status of C-STORE",
        _table(
            ("Status", "When"),
            [
                ("0000", "The object is on the disk."),
                ("A700", "The disk is full."),
                ("A900", "The data set has another SOP class or instance than announced."),
                ("C000", "The data set cannot be parsed."),
                ("C001", "The object is above a limit."),
                ("C002", "The worklist is busy."),
                ("C003, C0FF", "The worklist refused the object, or the node failed."),
            ],
        ),
        "Success is reported after the object is durable: its bytes are flushed, and its row is committed.",
        "## Results",
        _table(
            ("`send`", "SOP class", "Content"),
            [(f"`{word}`", _named(kind), _RESULTS[word]) for word, kind in RESULT_CLASSES.items()],
        ),
        "A result counts as kept after storage commitment (N-EVENT-REPORT), or when C-FIND or QIDO-RS shows it.",
        "## Security",
        f"TLS by the BCP 195 profile (PS3.15, B.9): {_OLDEST} or later, with a certificate from each client. "
        f"Cipher suites of TLS 1.2: {', '.join(f'`{one}`' for one in certificates.CIPHERS.split(':'))}. "
        "The audit trail is sent as audit messages (PS3.15, A.5) to a syslog server over UDP, TCP or TLS.",
        "## DICOMweb",
        _table(
            ("Service", "User", "Provider"),
            [
                (
                    "STOW-RS",
                    "results, if a peer has no AE title",
                    "`unseen serve`, `/dicom-web/studies`",
                ),
                ("QIDO-RS", "studies; whether a result is kept", "no"),
                ("WADO-RS", "studies that are fetched", "no"),
            ],
        ),
        "## HL7 version 2",
        _table(
            ("Property", "Value"),
            [
                ("Transport", f"MLLP, port {hl7.port}, TLS by choice; only addresses in `pacs.toml`"),
                ("Messages", "ORU^R01 (reports), ADT^A40 (merges of patients); others get AA and are not used"),
                ("MSH-11", "T (training) and D (debugging) get AA and are not used"),
                (
                    "Acknowledgement",
                    "AA: durable, or not used; AE: wrong content; AR: send it again",
                ),
                ("Accession number", f"the first that is filled of {', '.join(hl7.accession)}, configurable"),
                ("StudyInstanceUID", f"the first that is filled of {', '.join(hl7.study_uid)}, configurable"),
                ("Preliminary", f"OBR-25 or OBX-11 is one of {', '.join(sorted(PRELIMINARY))}: closes nothing"),
                ("Corrected", "OBR-25 or an OBX-11 is C: replaces the earlier report of the same system"),
                (
                    "Withdrawn",
                    f"OBR-25 is X, or each OBX-11 is one of {', '.join(sorted(GONE))}: takes the report back",
                ),
                ("Character sets (MSH-18)", ", ".join(sorted(filter(None, CHARSETS)))),
                (
                    "Order of versions",
                    "a correction replaces its original; else OBR-22, then MSH-7, then the arrival decide; "
                    "an hour between two clocks does not count",
                ),
                (
                    "Limits",
                    f"{MOST_IDENTIFIERS} different numbers in PID-3 and MRG-1, {MOST_ORDERS} different OBR",
                ),
                ("Longest message", f"{hl7.message_bytes} bytes, configurable"),
            ],
        ),
        "Spaces in names of character sets do not count: `ISO IR87` and `ISO IR 87` are the same. `ISO8859-1`, "
        "`CP1252` and `UTF8` are read, too.",
        "## FHIR R4 and R5",
        _table(
            ("Interaction", "Resource", "Where"),
            [
                (
                    "create (not stored as a resource)",
                    "DiagnosticReport in JSON",
                    "`POST /fhir/DiagnosticReport`, with a token",
                ),
                (
                    "update (a correction; not stored as a resource)",
                    "DiagnosticReport in JSON",
                    "`PUT /fhir/DiagnosticReport/{id}`, with a token",
                ),
                (
                    "batch, transaction, history, notification of a subscription",
                    "Bundle of DiagnosticReport; with the ServiceRequest, ImagingStudy, Observation and Patient in it",
                    "`POST /fhir` or `POST /fhir/DiagnosticReport`, with a token",
                ),
                (
                    "written by functions of `unseen_server.pacs`",
                    "DiagnosticReport, Observation",
                    "preliminary, ids from the decision",
                ),
            ],
        ),
        f"Limits: {MOST_ORDERS} entries of a Bundle, {MOST_ORDERS} results and {MOST_IDENTIFIERS} different "
        "identifiers of a report. A report that is marked with the code HTEST in `meta` has no effect. R5's `study` is "
        "read.",
        _table(("`status`", "Meaning here"), [(f"`{status}`", meant) for status, meant in fhir.STATUS.items()]),
    ]
    return "\n\n".join(parts) + "\n"


def _services() -> Iterable[tuple[str, ...]]:
    """Yield each SOP class with its roles; those of the provider are what the listener negotiates."""
    provided = {str(context.abstract_syntax) for context in offered_classes.offered()}
    used = {offered_classes.VERIFICATION, offered_classes.COMMITMENT, FIND, MOVE, GET, *RESULT_CLASSES.values()}
    order = [
        offered_classes.VERIFICATION,
        *offered_classes.FILMS,
        *_KEPT,
        offered_classes.COMMITMENT,
        FIND,
        MOVE,
        GET,
    ]
    order += [one for one in RESULT_CLASSES.values() if one not in order]
    for kind in order:
        provides = str(kind) in provided
        how = "scored and listed" if kind in offered_classes.FILMS else "kept" if kind in _KEPT else "yes"
        yield _named(kind), f"`{kind}`", "yes" if kind in used else "no", how if provides else "no"


def _syntaxes() -> Iterable[tuple[str, ...]]:
    of_images = [UID(one) for one in readable_syntaxes() if one not in EXTRA_SYNTAXES]
    for one in (*of_images, *EXTRA_SYNTAXES):
        with_extra = "with the extra `dicom-lossless`" if one in EXTRA_SYNTAXES else "yes"
        yield one.name, f"`{one}`", with_extra, "yes" if one in offered_classes.UNCOMPRESSED else "no"


def _named(kind: UID) -> str:
    return UID(kind).name


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        write_text(Path(sys.argv[1]), statement())
    else:
        sys.stdout.write(statement())
