"""FHIR R4 out: a decision about a study as a DiagnosticReport with its Observation, for systems that read no DICOM.

Both are preliminary, and say that they are for research use only. Their ids follow from the installation, the decision
and the study: the same result is the same resource at every attempt (`PUT`), a later decision is another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from unseen.artifacts import LIMITS
from unseen.pacs.fhir import UID_SYSTEM
from unseen.pacs.identifiers import CODING_SCHEME, uid_of
from unseen.pacs.study_result import DECISIONS

if TYPE_CHECKING:
    from fhir.resources.R4B.diagnosticreport import DiagnosticReport
    from fhir.resources.R4B.observation import Observation

    from unseen.pacs.study_result import StudyResult

_OWN: Final = f"urn:oid:{CODING_SCHEME}"
_Json = dict[str, Any]  # Any: a resource, checked by its model


def diagnostic_report(result: StudyResult) -> DiagnosticReport:
    """The report on the study; its `result` is `observation(result)`."""
    from fhir.resources.R4B.diagnosticreport import DiagnosticReport

    return DiagnosticReport.model_validate(
        _common(result, "report")
        | {
            "resourceType": "DiagnosticReport",
            "code": _concept("Prioritisation of a chest X-ray study", "triage"),
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD"}]}],
            "imagingStudy": [{"identifier": _uid(str(result.films[0].header.StudyInstanceUID))}],
            "result": [{"reference": f"Observation/{uid_of('fhir', 'observation', result.site, result.decision)}"}],
            "conclusion": f"{DECISIONS[result.action]}. {result.reason} {LIMITS}",
        }
    )


def observation(result: StudyResult) -> Observation:
    """What the decision rests on: probability, rank, the model and the policy."""
    from fhir.resources.R4B.observation import Observation

    parts: list[_Json] = [
        {"code": _concept("Rank in the reading list", "rank"), "valueString": result.rank},
        {"code": _concept("SHA-256 of the model's weights", "model"), "valueString": result.model_sha256},
        {"code": _concept("SHA-256 of the policy", "policy"), "valueString": result.policy_digest},
    ]
    parts += [
        {
            "code": _concept(f"Score of film {number}, in the model's unit", "score"),
            "valueQuantity": {"value": film.score},
        }
        for number, film in enumerate(result.films, start=1)
        if film.score is not None
    ]
    likely: _Json
    if result.probability is None:
        likely = {"dataAbsentReason": _absent()}
    else:
        likely = {
            "valueQuantity": {
                "value": round(result.probability, 4), "unit": "1", "code": "1",
                "system": "http://unitsofmeasure.org",
            }
        }  # fmt: skip
    return Observation.model_validate(
        _common(result, "observation")
        | likely
        | {
            "resourceType": "Observation",
            "code": _concept("Probability that a reader would call the study abnormal", "probability"),
            "method": {"text": f"{result.model_name}, unseen {result.version}"},
            "component": [part for part in parts if part.get("valueString", "-")],
            "note": [{"text": f"{DECISIONS[result.action]}. {result.reason} {LIMITS}"}],
        }
    )


def _common(result: StudyResult, kind: str) -> _Json:
    """What both resources have alike."""
    header = result.films[0].header
    made = result.made if result.made.tzinfo is not None else result.made.astimezone()
    uid = str(uid_of("fhir", kind, result.site, result.decision))
    found: _Json = {
        "id": uid,
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{uid}"}],
        "status": "preliminary",
        "issued": made.isoformat(timespec="seconds"),
    }
    if number := str(header.get("PatientID") or "").strip():
        issuer = str(header.get("IssuerOfPatientID") or "").strip()
        assigner = {"assigner": {"display": issuer}} if issuer else {}
        found["subject"] = {"type": "Patient", "identifier": {"value": number} | assigner}
    if accession := str(header.get("AccessionNumber") or "").strip():
        kind_of = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]}
        found["basedOn"] = [{"type": "ServiceRequest", "identifier": {"type": kind_of, "value": accession}}]
    return found


def _uid(value: str) -> _Json:
    return {"system": UID_SYSTEM, "value": f"urn:oid:{value}"}


def _concept(text: str, code: str) -> _Json:
    return {"coding": [{"system": _OWN, "code": code, "display": text}], "text": text}


def _absent() -> _Json:
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return {"coding": [{"system": system, "code": "not-performed"}], "text": "Not calibrated, or not scored"}
