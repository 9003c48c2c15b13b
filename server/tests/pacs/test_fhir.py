"""A DiagnosticReport becomes a report, or a sentence that repeats nothing of its content."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen_server.pacs.fhir import STATUS, FhirError, reports_of
from unseen_server.pacs.identifiers import uid_of
from unseen_server.pacs.non_dicom_settings import FhirSettings
from unseen_server.pacs.report_intake import ReceivedReport

ACSN = {
    "type": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "ACSN"}]},
    "value": "A1",
}
UID = {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}
SETTINGS = {"token": "t" * 16, "reports": "codes.toml"}


def resource(**change: Any) -> dict[str, Any]:
    whole = {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Chest X-ray"},
        "basedOn": [{"identifier": ACSN}],
        "subject": {"reference": "Patient/1", "identifier": {"value": "P1"}},
        "issued": "2026-01-02T03:04:05+01:00",
        "conclusion": "No pneumothorax.",
    }
    return {key: value for key, value in (whole | change).items() if value is not None}


def read(found: dict[str, Any], **change: Any) -> ReceivedReport:
    (report,) = reports_of(json.dumps(found).encode(), FhirSettings.model_validate(SETTINGS | change)).reports
    return report


def test_a_resource_is_read_as_a_report() -> None:
    assert read(resource()) == ReceivedReport(
        system="FHIR",
        accession="A1",
        patients=("P1",),
        status="final",
        text="No pneumothorax.",
        issued_us=int(datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC).timestamp() * 1e6),
    )
    assert read(resource(), match_patient=False, system="RIS").patients == ()


def test_a_leap_second_which_fhir_allows_is_read() -> None:
    """Such a report was answered with status 500, and sent again for ever."""
    moment = datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert read(resource(issued="2016-12-31T23:59:60Z")).issued_us == int(moment.timestamp() * 1e6)


@pytest.mark.parametrize(
    ("change", "accession", "uid"),
    [
        ({"identifier": [ACSN]}, "A1", ""),
        ({"imagingStudy": [{"identifier": UID}]}, "", "1.2.3"),
        ({"imagingStudy": [{"identifier": ACSN}]}, "A1", ""),
        ({"imagingStudy": [{"reference": "#s"}]}, "A1", "1.2.3"),
    ],
)
def test_the_study_is_named_by_accession_or_by_uid(change: dict[str, Any], accession: str, uid: str) -> None:
    inside = {"resourceType": "ImagingStudy", "id": "s", "status": "available", "identifier": [ACSN, UID]}
    inside["subject"] = {"reference": "Patient/1"}
    if "#s" in str(change):
        change = change | {"contained": [inside]}
    found = read(resource(basedOn=None, **change))
    assert (found.accession, found.study_uid) == (accession, uid)


def test_a_site_may_name_the_system_of_its_accession_numbers() -> None:
    own = {"system": "urn:north:accession", "value": "N1"}
    assert read(resource(identifier=[own]), accession="urn:north:accession").accession == "N1"


def test_codes_and_texts_are_those_of_conclusions_observations_and_plain_text() -> None:
    seen = {
        "resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
        "valueCodeableConcept": {"coding": [{"code": "V"}]}, "interpretation": [{"coding": [{"code": "A"}]}],
    }  # fmt: skip
    form = {"contentType": "text/plain; charset=utf-8", "data": base64.b64encode("größer".encode()).decode()}
    found = read(
        resource(
            contained=[seen],
            result=[{"reference": "#o"}, {"reference": "Observation/7"}],
            conclusionCode=[{"coding": [{"system": "http://s", "code": "C"}], "text": "said"}],
            presentedForm=[form, {"contentType": "application/pdf", "data": "AAAA"}],
        )
    )
    assert found.codes == ("C", "http://s|C", "V", "A")
    assert found.text == "No pneumothorax.\nsaid\ngrößer"


@pytest.mark.parametrize(("status", "meant"), STATUS.items())
def test_each_status_of_r4_is_known(status: str, meant: str) -> None:
    assert read(resource(status=status)).status == meant


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON"),
        (b"\xff", "no DiagnosticReport in JSON"),
        (b"[]", "no DiagnosticReport in JSON"),
        (b'{"resourceType": "Patient"}', "no DiagnosticReport in JSON"),
        (b"[" * 100_000, "no DiagnosticReport in JSON"),
        (json.dumps(resource(code=None)).encode(), "no valid DiagnosticReport of FHIR R4: code"),
        (json.dumps(resource(colour="Rigby")).encode(), "no valid DiagnosticReport of FHIR R4: colour"),
        (json.dumps(resource(contained=[{"resourceType": ""}])).encode(), "contained has no known type"),
        (json.dumps(resource(contained=[{"resourceType": None}])).encode(), "contained has no known type"),
        (json.dumps(resource(status="unknown")).encode(), "status is none of R4's"),
        (json.dumps(resource(basedOn=None)).encode(), "names no study"),
        (json.dumps(resource(presentedForm=[{"contentType": "text/plain", "data": "/w=="}])).encode(), "not base64 of"),
    ],
)
def test_what_cannot_be_used_is_a_sentence_without_its_content(content: bytes, words: str) -> None:
    with pytest.raises(FhirError, match=words) as raised:
        reports_of(content, FhirSettings.model_validate(SETTINGS))
    assert "Rigby" not in str(raised.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(resource())), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from([*resource(), "contained", "imagingStudy", "result"]), JSON, max_size=3))
def test_any_json_is_a_report_or_a_sentence(change: dict[str, Any]) -> None:
    try:
        assert isinstance(read(resource(**change)), ReceivedReport)
    except FhirError as error:
        assert str(error)


def test_our_own_results_are_not_taken_for_reports() -> None:
    own = {"system": "urn:ietf:rfc:3986", "value": f"urn:oid:{uid_of('fhir', 'report', 'north', '7')}"}
    with pytest.raises(FhirError, match="made itself"):
        read(resource(identifier=[own], status="preliminary"))


@pytest.mark.parametrize("levels", [41, 60, 400])
def test_a_resource_of_too_many_levels_is_refused_as_such(levels: int) -> None:
    nested: list[Any] = []
    for _ in range(levels - 1):
        nested = [nested]
    with pytest.raises(FhirError, match="nested deeper than 40 levels"):
        read(resource(extension=nested))
