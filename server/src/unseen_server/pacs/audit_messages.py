"""An event of the worklist's audit trail as a DICOM audit message (PS3.15, A.5), in a syslog message (RFC 5424).

Who and what are as the trail has them: accounts and peers, and the worklist's own names of studies and films, which
are pseudonyms. The trail holds no patient data, so neither do these.
"""

from __future__ import annotations

import base64
from datetime import UTC
from typing import TYPE_CHECKING, Final, Literal
from xml.etree import ElementTree

if TYPE_CHECKING:
    from unseen_server.worklist.audit import Event

Action = Literal["C", "R", "U", "D", "E"]
Code = tuple[str, str, str]
_DCM: Final = "DCM"
_OWN: Final = "99UNSEEN"
IMPORT: Final[Code] = ("110107", _DCM, "Import")
ACCESSED: Final[Code] = ("110103", _DCM, "DICOM Instances Accessed")
DELETED: Final[Code] = ("110105", _DCM, "DICOM Study Deleted")
TRANSFERRED: Final[Code] = ("110104", _DCM, "DICOM Instances Transferred")
AUTHENTICATION: Final[Code] = ("110114", _DCM, "User Authentication")
SECURITY: Final[Code] = ("110113", _DCM, "Security Alert")
QUERY: Final[Code] = ("110101", _DCM, "Audit Log Used")
RECORD: Final[Code] = ("110110", _DCM, "Patient Record")
ACTIVITY: Final[Code] = ("110100", _DCM, "Application Activity")

_EVENTS: Final[tuple[tuple[str, Code, Action], ...]] = (
    ("film.received", IMPORT, "C"),
    ("object.received", IMPORT, "C"),
    ("film.seen", ACCESSED, "R"),
    ("film.retired", DELETED, "D"),
    ("study.erased", DELETED, "D"),
    ("study.retired", DELETED, "D"),
    ("result.", TRANSFERRED, "R"),
    ("session.", AUTHENTICATION, "E"),
    ("link.", AUTHENTICATION, "E"),
    ("account.", SECURITY, "U"),
    ("setting.", SECURITY, "U"),
    ("audit.", QUERY, "R"),
    ("study.", RECORD, "U"),
    ("patient.", RECORD, "U"),
    ("film.", RECORD, "U"),
)
"""By how the trail's action begins, the first that fits; PS3.16, CID 400 names the codes."""

_PROGRAMS: Final = ("unseen", "worker", "watch")
_FACILITY: Final = 10  # security and authorisation
_NOTICE: Final = 5
_MESSAGE_ID: Final = "DICOM+RFC3881"
_MOST_VALUE: Final = 300


def code_of(action: str) -> tuple[Code, Action]:
    """Return the DICOM event and the action for an action of the trail.

    >>> code_of("film.received")[0][2], code_of("study.reported")[0][2], code_of("model.proposed")[0][2]
    ('Import', 'Patient Record', 'Application Activity')
    """
    return next(((code, done) for begins, code, done in _EVENTS if action.startswith(begins)), (ACTIVITY, "E"))


def audit_message(event: Event, *, source: str) -> bytes:
    """Return the event in XML; `source` is what this installation is called."""
    code, action = code_of(event.action)
    root = ElementTree.Element("AuditMessage")
    identification = ElementTree.SubElement(
        root,
        "EventIdentification",
        EventActionCode=action,
        EventDateTime=event.time.astimezone(UTC).isoformat(timespec="milliseconds"),
        EventOutcomeIndicator="0",
    )
    _coded(identification, "EventID", code)
    _coded(identification, "EventTypeCode", (event.action, _OWN, event.action))
    participant = ElementTree.SubElement(
        root,
        "ActiveParticipant",
        UserID=_clean(event.actor) or "unknown",
        UserIsRequestor="false" if event.actor in _PROGRAMS else "true",
    )
    _coded(participant, "RoleIDCode", ("110153", _DCM, "Source Role ID"))
    ElementTree.SubElement(root, "AuditSourceIdentification", AuditSourceID=_clean(source)).append(
        _element("AuditSourceTypeCode", ("4", _DCM, "Application Server"))
    )
    described = ElementTree.SubElement(
        root,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_clean(event.subject),
        ParticipantObjectTypeCode="2",
        ParticipantObjectTypeCodeRole="3",
    )
    _coded(described, "ParticipantObjectIDTypeCode", ("pseudonym", _OWN, "Name within the worklist"))
    ElementTree.SubElement(described, "ParticipantObjectName").text = _clean(event.subject)
    for key, value in [("seq", event.seq), *sorted(event.body.items())]:
        if value is not None:
            written = base64.b64encode(_clean(str(value)).encode()).decode("ascii")
            ElementTree.SubElement(described, "ParticipantObjectDetail", type=_clean(str(key)), value=written)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + ElementTree.tostring(root, encoding="unicode").encode()


def syslog_message(event: Event, *, source: str, host: str, process: int) -> bytes:
    """Return the whole message, without its framing."""
    priority = _FACILITY * 8 + _NOTICE
    time = event.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    name = "".join(letter if "!" <= letter <= "~" else "-" for letter in host)[:255] or "-"
    head = f"<{priority}>1 {time} {name} unseen {process} {_MESSAGE_ID} - "
    return head.encode("ascii") + b"\xef\xbb\xbf" + audit_message(event, source=source)


def _coded(parent: ElementTree.Element, name: str, code: Code) -> None:
    parent.append(_element(name, code))


def _element(name: str, code: Code) -> ElementTree.Element:
    return ElementTree.Element(
        name, {"csd-code": code[0], "codeSystemName": code[1], "originalText": code[2], "displayName": code[2]}
    )


def _clean(text: str) -> str:
    """Return the text that XML can hold, of bounded length."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:_MOST_VALUE]
