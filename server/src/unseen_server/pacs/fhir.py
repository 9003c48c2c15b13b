"""DiagnosticReports of FHIR R4 and R5, alone or in a Bundle: a resource gives the same report as an HL7 message.

An accession number or a StudyInstanceUID identifies the study. The accession number is an identifier of type ACSN, of
the report, its request or its imaging study. The StudyInstanceUID is an identifier with the system urn:dicom:uid.
References to contained resources and to other entries of the Bundle are followed.

http://hl7.org/fhir/R4/diagnosticreport.html, http://hl7.org/fhir/R5/bundle.html
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from unseen.artifacts import UserError
from unseen_server.pacs.identifiers import is_our_uid
from unseen_server.pacs.report_intake import MOST_IDENTIFIERS, MOST_ORDERS, ReceivedReport
from unseen_server.worklist.stored_time import microseconds

if TYPE_CHECKING:
    from unseen_server.pacs.non_dicom_settings import FhirSettings
    from unseen_server.worklist.outside_reports import Status

STATUS: Final[dict[str, Status]] = {
    "registered": "preliminary",
    "partial": "preliminary",
    "preliminary": "preliminary",
    "modified": "preliminary",
    "final": "final",
    "amended": "corrected",
    "corrected": "corrected",
    "appended": "corrected",
    "cancelled": "withdrawn",
    "entered-in-error": "withdrawn",
}
"""Status in the worklist by FHIR status (http://hl7.org/fhir/diagnostic-report-status); only R5 has "modified"."""
UID_SYSTEM: Final = "urn:dicom:uid"
_ACCESSION: Final = "ACSN"
_TRIAL: Final = "HTEST"
"""Code of http://terminology.hl7.org/CodeSystem/v3-ActReason for test health data."""
_REFERRED: Final = ("ServiceRequest", "ImagingStudy", "Observation", "Patient")
_COUNTED: Final = ("identifier", "basedOn", "imagingStudy", "study", "result", "contained")
_DEEPEST = 40
_LEAP = re.compile(r":60(?=[.Z+-])")
_Json = dict[str, Any]  # Any: a resource, checked by its model first


class FhirError(UserError, ValueError):
    """Error: a resource cannot be used. The message is for its sender and contains nothing about a patient."""


@dataclass(frozen=True, kw_only=True)
class ReceivedResources:
    """Reports of a DiagnosticReport or of a Bundle, and the number of test reports.

    Attributes:
        reports: the reports in the order of the Bundle.
        trials: number of reports that are marked as test data (HTEST); they have no effect.
    """

    reports: tuple[ReceivedReport, ...]
    trials: int = 0


def reports_of(content: bytes, settings: FhirSettings, *, replaced: str | None = None) -> ReceivedResources:
    """Return the reports in a DiagnosticReport or a Bundle.

    Args:
        content: the resource, JSON in UTF-8.
        settings: settings of the FHIR interface.
        replaced: id in the address of an update (PUT): the resource replaces the one that was sent before.

    Returns:
        The reports, and the number of test reports.

    Raises:
        FhirError: the content cannot be used.
    """
    raw = _parsed(content)
    if raw.get("resourceType") != "Bundle":
        if replaced is not None and raw.get("id") != replaced:
            raise FhirError("The id of the resource is not that in the address. Send both alike.")
        return _received([(raw, replaced is not None, "")], {}, settings)
    if replaced is not None:
        raise FhirError("A Bundle replaces no DiagnosticReport. Send the resource itself.")
    entries = _dicts(raw.get("entry"))
    if len(entries) > MOST_ORDERS:
        raise FhirError(f"The Bundle has {len(entries)} entries, the limit is {MOST_ORDERS}. Send several Bundles.")
    index: dict[str, _Json] = {}
    found: list[tuple[_Json, bool, str]] = []
    for number, entry in enumerate(entries, start=1):
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            continue
        kind = resource.get("resourceType")
        if kind == "DiagnosticReport":
            request = entry.get("request")
            updates = isinstance(request, dict) and request.get("method") == "PUT"
            found.append((resource, updates, f"Entry {number} of the Bundle: "))
        elif kind in _REFERRED:
            checked = _validated(resource, f"Entry {number} of the Bundle: ")
            index |= {str(name): checked for name in (entry.get("fullUrl"), f"{kind}/{resource.get('id')}") if name}
    return _received(found, index, settings)


def _received(
    found: Sequence[tuple[_Json, bool, str]], index: dict[str, _Json], settings: FhirSettings
) -> ReceivedResources:
    live = [(raw, updates, where) for raw, updates, where in found if not _is_trial(raw)]
    reports = tuple(_report(_validated(raw, where), updates, where, index, settings) for raw, updates, where in live)
    return ReceivedResources(reports=reports, trials=len(found) - len(reports))


def _is_trial(raw: _Json) -> bool:
    """Return True if a resource is marked as test data, as MSH-11 marks a message."""
    meta = raw.get("meta")
    labels = [*_dicts(meta.get("security")), *_dicts(meta.get("tag"))] if isinstance(meta, dict) else []
    return any(one.get("code") == _TRIAL for one in labels)


def _report(
    resource: _Json, updates: bool, where: str, index: dict[str, _Json], settings: FhirSettings
) -> ReceivedReport:
    status = STATUS.get(str(resource.get("status")))
    if status is None:
        raise FhirError(f"{where}status is none of R4's: {', '.join(STATUS)}. Send one of them.")
    if updates and status == "final":
        status = "corrected"
    named = index | {f"#{one.get('id')}": one for one in resource.get("contained", [])}
    about = [
        resource,
        *(one for key in ("basedOn", "imagingStudy", "study") for one in _referred(resource, key, named)),
    ]
    identifiers = _few([one for part in about for one in _identifiers(part)], where)
    if any(is_our_uid(_oid(one)) for one in _identifiers(resource)):
        raise FhirError(f"{where}This is a result that this installation made itself. Do not send results back to it.")
    accession = next((one.get("value", "") for one in identifiers if _is_accession(one, settings.accession)), "")
    study_uid = next((_oid(one) for one in identifiers if one.get("system") == UID_SYSTEM), "")
    if not accession and not study_uid:
        raise FhirError(
            f"{where}The report names no study. Give an identifier of type ACSN (the accession number), or one with "
            f"the system {UID_SYSTEM} in imagingStudy, in R5 study (the StudyInstanceUID)."
        )
    codes, texts = _said(resource, named)
    numbers = [one for part in _referred(resource, "subject", named) for one in _identifiers(part)]
    patients = dict.fromkeys(one["value"] for one in _few(numbers, where) if one.get("value"))
    return ReceivedReport(
        system=settings.system,
        accession=accession,
        study_uid=study_uid,
        patients=tuple(patients) if settings.match_patient else (),
        status=status,
        codes=tuple(codes),
        text="\n".join(texts),
        issued_us=_time_us(resource.get("issued")),
        sent_us=_time_us(resource.get("meta", {}).get("lastUpdated")),
    )


def _few(identifiers: list[_Json], where: str) -> list[_Json]:
    """Return the distinct identifiers. Raises FhirError if there are more than `MOST_IDENTIFIERS`."""
    found = _distinct(identifiers)
    if len(found) > MOST_IDENTIFIERS:
        raise FhirError(
            f"{where}The report has {len(found)} different identifiers of its study or of its patient, the limit is "
            f"{MOST_IDENTIFIERS}. Send those of one."
        )
    return found


def _distinct(values: Iterable[Any]) -> list[Any]:
    """Return the distinct JSON values, in their order."""
    return list({json.dumps(one, sort_keys=True): one for one in reversed(list(values))}.values())[::-1]


def _parsed(content: bytes) -> _Json:
    """Parse the resource as plain data; its model does not check it yet."""
    try:
        raw = json.loads(content)
        if not isinstance(raw, dict) or raw.get("resourceType") not in ("DiagnosticReport", "Bundle"):
            raise FhirError("The content is no DiagnosticReport in JSON. Send the resource itself, in UTF-8.")
        _not_too_deep(raw)
    except FhirError:
        raise
    except (RecursionError, UnicodeDecodeError) as error:
        raise FhirError("The content is no DiagnosticReport in JSON. Send the resource itself, in UTF-8.") from error
    except ValueError as error:
        raise FhirError("The content is no valid DiagnosticReport of FHIR R4: it is no JSON.") from error
    return raw


def _validated(raw: _Json, where: str = "") -> _Json:
    """Check the resource with its model of R4, or else of R5, after repetitions in lists are dropped; return it."""
    kind = str(raw.get("resourceType"))
    for key in _COUNTED:
        if isinstance(raw.get(key), list):
            raw = raw | {key: _distinct(raw[key])}
            if len(raw[key]) > (MOST_IDENTIFIERS if key == "identifier" else MOST_ORDERS):
                raise FhirError(f"{where}{key} has {len(raw[key])} different entries. Send those of one report.")
    try:
        return _by_model(raw, "fhir.resources.R4B", kind)
    except ValueError as error:  # from pydantic or json; both messages repeat the content
        first = error
    except (KeyError, TypeError) as error:  # from the library, for a contained resource without a known type
        raise FhirError(f"{where}The content is no valid {kind} of FHIR R4: contained has no known type.") from error
    try:
        return _by_model(raw, "fhir.resources", kind)
    except ValueError as error:
        is_r5 = "study" in raw and kind == "DiagnosticReport"
        wrong, edition = (error, "R5") if is_r5 else (first, "R4")
        raise FhirError(f"{where}The content is no valid {kind} of FHIR {edition}: {_where(wrong)}.") from error
    except (KeyError, TypeError) as error:
        raise FhirError(f"{where}The content is no valid {kind} of FHIR R5: contained has no known type.") from error


def _by_model(raw: _Json, package: str, kind: str) -> _Json:
    model = getattr(import_module(f"{package}.{kind.lower()}"), kind)  # the import takes a second
    checked: _Json = json.loads(model.model_validate(raw).model_dump_json())
    return checked


def _dicts(value: object) -> list[_Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _where(error: ValueError) -> str:
    """Name the elements that are wrong, without their content."""
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


def _referred(resource: _Json, key: str, named: dict[str, _Json]) -> Iterator[_Json]:
    """Yield each target of a reference once: the reference with its identifier, and the resource that it points to."""
    references = resource.get(key, [])
    pointed: set[str] = set()
    for one in references if isinstance(references, list) else [references]:
        yield one
        target = one.get("reference", "")
        if target not in pointed and (inside := named.get(target)) is not None:
            pointed.add(target)
            yield inside


def _is_accession(identifier: _Json, system: str) -> bool:
    if system:
        return bool(identifier.get("system") == system)
    return any(one.get("code") == _ACCESSION for one in identifier.get("type", {}).get("coding", []))


def _oid(identifier: _Json) -> str:
    return str(identifier.get("value", "")).removeprefix("urn:oid:").strip()


def _said(resource: _Json, named: dict[str, _Json]) -> tuple[list[str], list[str]]:
    """Return codes and texts of the conclusion, of plain text in presentedForm, and of contained observations."""
    codes: list[str] = []
    texts = [resource.get("conclusion", "")]
    concepts = list(resource.get("conclusionCode", []))
    for one in _referred(resource, "result", named):
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


def _time_us(written: str | None) -> int | None:
    """Return the time of an instant; a leap second, which the schema allows, counts as the second before it."""
    return None if written is None else microseconds(datetime.fromisoformat(_LEAP.sub(":59", written)))
