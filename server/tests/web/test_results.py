"""Results for other systems over HTTP: counted by destination, and one that could not be sent is sent again."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pydicom
import pytest

from tests.web.conftest import Api, said
from tests.worklist.conftest import Clock, Judge, dicom_film
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.parcels import SentInstance
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.store import Store

OBJECT = SentInstance(sop_class="1.2.840.10008.5.1.4.1.1.88.33", instance="2.25.1", series="2.25.2")


@pytest.fixture
def decided(store: Store, judge: Judge, clock: Clock) -> Callable[[int], str]:
    """`decided(1)`: study 1 is received, judged and complete."""

    def make(number: int) -> str:
        uids: dict[str, Any] = {"StudyInstanceUID": f"1.2.{number}", "SOPInstanceUID": f"1.2.{number}.1"}
        data = dicom_film(number, **uids)
        header = ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data)))
        study = store.films.receive(data, name="a", source="ward", header=header, settle_s=0).study
        assert judge("read", 0.5, **uids)
        clock.now += 1
        return study

    return make


def test_without_destinations_nothing_is_listed(api: Api, decided: Callable[[int], str]) -> None:
    decided(1)
    found = api.lead.get("/results").json()
    assert (found["destinations"], found["dead"], found["longest"]) == ([], [], [])
    assert "Research use only" in found["limits"]
    assert api.reader.get("/results").status_code == 403
    assert api.reader.post("/results/1/again").status_code == 403


def test_results_are_counted_by_destination_and_state(api: Api, store: Store, decided: Callable[[int], str]) -> None:
    store.outbox.set_destinations(
        [Destination(name="archive"), Destination(name="viewer", sources=("north",))], actor="pacs"
    )
    oldest, latest = decided(1), decided(2)
    parcel = store.outbox.take("archive")
    assert parcel is not None
    store.outbox.sent(parcel, [OBJECT])
    found = api.lead.get("/results").json()
    none = dict.fromkeys(("waiting", "sent", "kept", "dead", "superseded"), 0)
    assert [(one["name"], one["sources"], one["counts"]) for one in found["destinations"]] == [
        ("archive", [], none | {"waiting": 1, "sent": 1}),
        ("viewer", ["north"], none),
    ]
    assert [(one["study"], one["state"]) for one in found["longest"]] == [(oldest, "sent"), (latest, "waiting")]
    store.outbox.confirmed("archive", [OBJECT.instance])
    store.outbox.set_destinations([], actor="pacs")
    (archive,) = api.admin.get("/results").json()["destinations"]
    assert (archive["configured"], archive["counts"]["kept"]) == (False, 1)


def test_what_could_not_be_sent_is_sent_again(api: Api, store: Store, decided: Callable[[int], str]) -> None:
    store.outbox.set_destinations([Destination(name="archive")], actor="pacs")
    study = decided(1)
    parcel = store.outbox.take("archive")
    assert parcel is not None
    waits = api.lead.post(f"/results/{parcel.number}/again")
    assert waits.status_code == 409 and "given up" in said(waits)
    store.outbox.failed(parcel, "The peer has refused it (0x0122).", most_tries=5, dead=True)
    (dead,) = api.lead.get("/results").json()["dead"]
    assert (dead["study"], dead["reason"], dead["tries"]) == (study, "The peer has refused it (0x0122).", 1)
    again = api.lead.post(f"/results/{dead['number']}/again").json()
    assert (again["dead"], [one["study"] for one in again["longest"]]) == ([], [study])
    assert store.outbox.take("archive") is not None
    assert api.lead.post("/results/999/again").status_code == 404
    assert [
        event.actor for event in store.studies.details(study, blind=False).history if event.action == "result.again"
    ] == ["lea"]
