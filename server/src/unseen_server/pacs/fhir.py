"""FHIR R4 DiagnosticReport in: a resource becomes the same report as an HL7 message does.

The study is named by an accession number (an identifier of type ACSN, of the report, its request or its imaging study)
or by a StudyInstanceUID (an identifier with the system urn:dicom:uid). http://hl7.org/fhir/R4/diagnosticreport.html
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from unseen.artifacts import UserError
from unseen_server.pacs.identifiers import is_our_uid
from unseen_server.pacs.report_intake import ReceivedReport

if TYPE_CHECKING:
    from unseen_server.pacs.report_settings import FhirSettings
    from unseen_server.worklist.outside_reports import Status

STATUS: Final[dict[str, Status]] = {
    "registered": "preliminary",
    "partial": "preliminary",
    "preliminary": "preliminary",
    "final": "final",
    "amended": "corrected",
    "corrected": "corrected",
    "appended": "corrected",
    "cancelled": "withdrawn",
    "entered-in-error": "withdrawn",
}
"""http://hl7.org/fhir/diagnostic-report-status"""
UID_SYSTEM: Final = "urn:dicom:uid"
_ACCESSION: Final = "ACSN"
_DEEPEST = 40
_Json = dict[str, Any]  # Any: a resource, checked by its model first


class FhirError(UserError, ValueError):
    """A resource that cannot be used; the sentence is for its sender, and repeats nothing of a patient."""


def report_of(content: bytes, settings: FhirSettings) -> ReceivedReport:
    """The report in a DiagnosticReport. Raises FhirError."""
    resource = _checked(content)
    status = STATUS.get(str(resource.get("status")))
    if status is None:
        raise FhirError(f"status is none of R4's: {', '.join(STATUS)}. Send one of them.")
    contained = {f"#{one.get('id')}": one for one in resource.get("contained", [])}
    about = [resource, *_referred(resource, "basedOn", contained), *_referred(resource, "imagingStudy", contained)]
    identifiers = [one for part in about for one in _identifiers(part)]
    if any(is_our_uid(_oid(one)) for one in _identifiers(resource)):
        raise FhirError("This is a result that this installation made itself. Do not send results back to it.")
    accession = next((one.get("value", "") for one in identifiers if _is_accession(one, settings.accession)), "")
    study_uid = next((_oid(one) for one in identifiers if one.get("system") == UID_SYSTEM), "")
    if not accession and not study_uid:
        raise FhirError(
            "The report names no study. Give an identifier of type ACSN (the accession number), or one with the system "
            f"{UID_SYSTEM} in imagingStudy (the StudyInstanceUID)."
        )
    codes, texts = _said(resource, contained)
    patients = [one for part in _referred(resource, "subject", contained) for one in _identifiers(part)]
    return ReceivedReport(
        system=settings.system,
        accession=accession,
        study_uid=study_uid,
        patients=tuple(one["value"] for one in patients if one.get("value")) if settings.match_patient else (),
        status=status,
        codes=tuple(codes),
        text="\n".join(texts),
        issued_us=_issued_us(resource),
    )


def _checked(content: bytes) -> _Json:
    """The resource as plain data, after its model has accepted it."""
    from fhir.resources.R4B.diagnosticreport import DiagnosticReport  # a second to import

    try:
        raw = json.loads(content)
        if not isinstance(raw, dict) or raw.get("resourceType") != "DiagnosticReport":
            raise FhirError("The content is no DiagnosticReport in JSON. Send the resource itself, in UTF-8.")
        _not_too_deep(raw)
        checked: _Json = json.loads(DiagnosticReport.model_validate(raw).model_dump_json())
    except FhirError:
        raise
    except (RecursionError, UnicodeDecodeError) as error:
        raise FhirError("The content is no DiagnosticReport in JSON. Send the resource itself, in UTF-8.") from error
    except (KeyError, TypeError) as error:  # the library's, for a contained resource without a known type
        raise FhirError("The content is no valid DiagnosticReport of FHIR R4: contained has no known type.") from error
    except ValueError as error:  # pydantic's, and json's; both repeat the content
        raise FhirError(f"The content is no valid DiagnosticReport of FHIR R4: {_where(error)}.") from error
    return checked


def _where(error: ValueError) -> str:
    """Which elements are wrong; not what stands in them."""
    if not hasattr(error, "errors"):
        return "it is no JSON"
    found = sorted({".".join(str(part) for part in one["loc"]) or "the resource" for one in error.errors()})
    return ", ".join(found[:5])[:300]


def _not_too_deep(value: object, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise FhirError(f"The resource is nested deeper than {_DEEPEST} levels.")
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _not_too_deep(one, depth + 1)


def _identifiers(part: _Json) -> list[_Json]:
    found = part.get("identifier", [])
    return found if isinstance(found, list) else [found]


def _referred(resource: _Json, key: str, contained: dict[str, _Json]) -> Iterator[_Json]:
    """What a reference names: itself with its identifier, and the contained resource that it points to."""
    references = resource.get(key, [])
    for one in references if isinstance(references, list) else [references]:
        yield one
        if (inside := contained.get(one.get("reference", ""))) is not None:
            yield inside


def _is_accession(identifier: _Json, system: str) -> bool:
    if system:
        return bool(identifier.get("system") == system)
    return any(one.get("code") == _ACCESSION for one in identifier.get("type", {}).get("coding", []))


def _oid(identifier: _Json) -> str:
    return str(identifier.get("value", "")).removeprefix("urn:oid:").strip()


def _said(resource: _Json, contained: dict[str, _Json]) -> tuple[list[str], list[str]]:
    """Codes and texts: of the conclusion, of plain text in presentedForm, of contained observations."""
    codes: list[str] = []
    texts = [resource.get("conclusion", "")]
    concepts = list(resource.get("conclusionCode", []))
    for one in _referred(resource, "result", contained):
        texts.append(one.get("valueString", ""))
        concepts += [
            *([one["valueCodeableConcept"]] if "valueCodeableConcept" in one else []),
            *one.get("interpretation", []),
        ]
    for concept in concepts:
        for coding in concept.get("coding", []):
            code, system = coding.get("code", ""), coding.get("system", "")
            codes += [code, f"{system}|{code}"] if system else [code]
        texts.append(concept.get("text", ""))
    texts += [_decoded(form) for form in resource.get("presentedForm", [])]
    return [code for code in codes if code], [text for text in texts if text]


def _decoded(form: _Json) -> str:
    if form.get("contentType", "").partition(";")[0].strip() != "text/plain" or not form.get("data"):
        return ""
    try:
        return base64.b64decode(form["data"], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise FhirError("presentedForm holds text that is not base64 of UTF-8. Send it so.") from error


def _issued_us(resource: _Json) -> int | None:
    issued = resource.get("issued")
    return None if issued is None else int(datetime.fromisoformat(issued).timestamp() * 1e6)
