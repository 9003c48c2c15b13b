# ruff: noqa: F811  fixtures are taken by their names
"""FHIR subscribers send Bundles, updates and resources of R5; each is taken as a DiagnosticReport of R4 is."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.pacs.reports_in import outcomes, study
from tests.pacs.test_fhir import ACSN, SETTINGS, UID, read, resource
from tests.pacs.test_http import FHIR, TOKEN, client  # noqa: F401  a fixture
from unseen_server.pacs.fhir import FhirError, reports_of
from unseen_server.pacs.non_dicom_settings import FhirSettings
from unseen_server.worklist.store import Store


def bundle(*resources: dict[str, Any], kind: str = "transaction", **entry: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": one} | entry for one in resources]}


def said(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.json()['issue'][0]['diagnostics']}"


@pytest.mark.parametrize("kind", ["transaction", "message", "history", "collection"])
@pytest.mark.parametrize("path", ["/fhir", pytest.param(FHIR, marks=pytest.mark.nightly)])
def test_the_reports_of_a_bundle_are_taken(client: httpx.Client, store: Store, kind: str, path: str) -> None:
    name = study(store)
    other = resource(basedOn=[{"identifier": ACSN | {"value": "A2"}}])
    sent = bundle(resource(), other, {"resourceType": "SubscriptionStatus", "type": "event-notification"}, kind=kind)
    assert said(client.post(path, content=json.dumps(sent), headers=TOKEN)) == "200 Taken: closed, early."
    assert outcomes(store, name) == ["normal"]


def test_references_are_followed_to_other_entries(store: Store) -> None:
    imaging = {"resourceType": "ImagingStudy", "id": "i", "status": "available", "identifier": [UID]}
    imaging["subject"] = {"reference": "Patient/p"}
    patient = {"resourceType": "Patient", "id": "p", "identifier": [{"value": "P7"}]}
    report = resource(basedOn=None, imagingStudy=[{"reference": "ImagingStudy/i"}], subject={"reference": "urn:uuid:1"})
    sent = bundle(report, imaging)
    sent["entry"].append({"fullUrl": "urn:uuid:1", "resource": patient})
    (found,) = reports_of(json.dumps(sent).encode(), FhirSettings.model_validate(SETTINGS)).reports
    assert (found.study_uid, found.patients) == ("1.2.3", ("P7",))


def test_a_bundle_without_a_report_is_acknowledged(client: httpx.Client) -> None:
    handshake = bundle({"resourceType": "SubscriptionStatus", "type": "handshake"}, kind="subscription-notification")
    for sent in (handshake, {"resourceType": "Bundle", "type": "history"}):
        assert said(client.post("/fhir", content=json.dumps(sent), headers=TOKEN)).startswith("200 Not used: ")


def test_one_wrong_entry_is_named_and_nothing_of_the_bundle_is_taken(client: httpx.Client, store: Store) -> None:
    name = study(store)
    answer = said(client.post("/fhir", content=json.dumps(bundle(resource(), resource(code=None))), headers=TOKEN))
    assert answer.startswith("422 Entry 2 of the Bundle: The content is no valid DiagnosticReport of FHIR R4: code")
    assert outcomes(store, name) == []


def test_an_update_corrects_the_report(client: httpx.Client, store: Store) -> None:
    name = study(store)
    client.post(FHIR, content=json.dumps(resource(id="r1")), headers=TOKEN)
    changed = json.dumps(resource(id="r1", conclusion="A pneumothorax.", issued="2026-01-02T03:04:05+01:00"))
    assert said(client.put(f"{FHIR}/r1", content=changed, headers=TOKEN)) == "200 Taken: corrected."
    assert said(client.put(f"{FHIR}/r1", content=changed, headers=TOKEN)) == "200 Taken: repeated."
    assert outcomes(store, name) == ["abnormal"]
    late = json.dumps(resource(id="r1"))
    assert said(client.post(FHIR, content=late, headers=TOKEN)) == "200 Taken: repeated.", "a late repetition"
    assert outcomes(store, name) == ["abnormal"]


def test_an_update_by_a_bundle_corrects_the_report(client: httpx.Client, store: Store) -> None:
    name = study(store)
    client.post(FHIR, content=json.dumps(resource(id="r1")), headers=TOKEN)
    sent = bundle(resource(id="r1", conclusion="A pneumothorax."), request={"method": "PUT", "url": "x"})
    assert said(client.post("/fhir", content=json.dumps(sent), headers=TOKEN)) == "200 Taken: corrected."
    assert outcomes(store, name) == ["abnormal"]


@pytest.mark.parametrize(("sent", "words"), [(resource(id="r2"), "not that in the address"), (bundle(), "A Bundle")])
def test_an_update_of_another_resource_is_refused(client: httpx.Client, sent: dict[str, Any], words: str) -> None:
    answer = said(client.put(f"{FHIR}/r1", content=json.dumps(sent), headers=TOKEN))
    assert answer.startswith("422 ") and words in answer
    assert client.put(f"{FHIR}/r1", content=json.dumps(sent)).status_code == 401


def test_a_resource_of_r5_is_read(client: httpx.Client) -> None:
    sent = resource(basedOn=None, study=[{"identifier": UID}], note=[{"text": "n"}])
    assert (read(sent).study_uid, read(sent).status) == ("1.2.3", "final")
    assert read(sent | {"status": "modified"}).status == "preliminary"
    with pytest.raises(FhirError, match="no valid DiagnosticReport of FHIR R5: study"):
        read(resource(study="x"))


@pytest.mark.parametrize("label", ["security", "tag"])
def test_a_report_that_is_test_data_has_no_effect(client: httpx.Client, store: Store, label: str) -> None:
    name = study(store)
    sent = resource(meta={label: [{"code": "HTEST"}]})
    answer = said(client.post(FHIR, content=json.dumps(sent), headers=TOKEN))
    assert answer == "200 Not used: a report is marked as test data (HTEST)." and outcomes(store, name) == []


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (resource(identifier=[ACSN | {"value": f"A{number}"} for number in range(51)]), "identifier has 51 different"),
        (
            resource(basedOn=[{"identifier": {"value": f"A{number}"}} for number in range(51)]),
            "51 different identifiers",
        ),
        (
            resource(result=[{"reference": f"Observation/{number}"} for number in range(501)]),
            "result has 501 different",
        ),
        (bundle(*[resource()] * 501), "501 entries, the limit is 500"),
    ],
)
def test_more_than_a_report_has_is_refused(sent: dict[str, Any], words: str) -> None:
    with pytest.raises(FhirError, match=words):
        reports_of(json.dumps(sent).encode(), FhirSettings.model_validate(SETTINGS))


def test_repetitions_are_counted_and_read_once() -> None:
    seen = {"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}, "valueString": "y"}
    sent = resource(
        identifier=[ACSN] * 9_000, basedOn=[{"identifier": ACSN}] * 9_000, contained=[seen],
        result=[{"reference": "#o", "display": f"{number}"} for number in range(400)],
    )  # fmt: skip
    found = read(sent)
    assert found.accession == "A1" and found.text == "No pneumothorax.\ny"
