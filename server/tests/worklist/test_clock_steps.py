"""After the clock was set back by hours nothing waits for those hours."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest

from tests.worklist.conftest import Clock, Judge, dicom_film, listed, on_postgresql, png
from unseen_server.worklist import clock_steps, jobs
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import NotAllowedError
from unseen_server.worklist.store import Store

HOURS = 5 * 3600.0
STUDY: dict[str, Any] = {"StudyInstanceUID": "1.2.7", "PatientID": "p1"}


def send(store: Store, number: int = 1) -> str:
    """Receive a DICOM film of study 1.2.7; returns its study."""
    data = dicom_film(number, **STUDY | {"SOPInstanceUID": f"1.2.7.{number}"})
    header = ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True))
    return store.films.receive(data, name=f"{number}", source="ward", header=header).study


def settled(store: Store, clock: Clock, judge: Judge, action: str = "read") -> str:
    """Send and score a film, complete its study, and return the study."""
    study = send(store)
    assert judge(action, 0.5, **STUDY)
    clock.now += 61
    store.tidy()
    return study


def test_a_film_that_waits_is_due_at_once(store: Store, clock: Clock) -> None:
    film = store.films.receive(png(1), name="a").film_id
    clock.now -= HOURS
    assert jobs.claim(store.site) is None
    store.tidy()
    job = jobs.claim(store.site)
    assert job is not None and job.film == film


def test_the_film_of_a_killed_worker_is_free_after_one_lease(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    first = jobs.claim(store.site)
    assert first is not None
    clock.now -= HOURS
    store.tidy()
    assert jobs.claim(store.site) is None, "its worker may live"
    clock.now += jobs.LEASE_S + 1
    second = jobs.claim(store.site)
    assert second is not None and second.film == first.film


def test_the_film_of_a_living_worker_stays_with_it(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    job = jobs.claim(store.site)
    assert job is not None
    clock.now -= HOURS
    store.tidy()
    clock.now += jobs.LEASE_S / 3
    assert jobs.lengthen(store.site, job)
    clock.now += jobs.LEASE_S - 1
    assert jobs.claim(store.site) is None


def test_a_film_that_failed_is_tried_again(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    job = jobs.claim(store.site)
    assert job is not None
    jobs.later(store.site, job, "it failed")
    clock.now -= HOURS
    store.tidy()
    again = jobs.claim(store.site)
    assert again is not None and again.film == job.film


@pytest.mark.parametrize("how", ["new", "refused", "taken", "sent"])
def test_a_result_is_sent_or_confirmed(store: Store, clock: Clock, judge: Judge, how: str) -> None:
    store.outbox.set_destinations([Destination(name="archive")], actor="pacs")
    study = settled(store, clock, judge)
    if how != "new":
        parcel = store.outbox.take("archive")
        assert parcel is not None
        if how == "refused":
            store.outbox.failed(parcel, "out of resources", most_tries=8)
        if how == "sent":
            assert store.outbox.sent(parcel, [], confirm_s=3600.0)
    clock.now -= HOURS
    assert store.outbox.take("archive") is None
    store.tidy()
    if how == "taken":
        clock.now += 121  # its sender may live
    again = store.outbox.take("archive")
    assert again is not None and again.study == study


def test_a_claim_ends_in_its_usual_time(store: Store, clock: Clock, judge: Judge) -> None:
    study = settled(store, clock, judge)
    store.studies.claim(study, "ann")
    clock.now -= HOURS
    store.tidy()
    with pytest.raises(NotAllowedError, match="ann has taken"):
        store.studies.claim(study, "ben")
    clock.now += store.site.claim_s + 1
    store.tidy()
    store.studies.claim(study, "ben")
    assert store.audit.verify() is None


def test_a_study_is_complete_after_its_usual_time(store: Store, clock: Clock, judge: Judge) -> None:
    study = send(store)
    assert judge("clear", 0.1, **STUDY)
    clock.now -= HOURS
    store.tidy()
    assert listed(store, "cleared") == [], "another film may come"
    clock.now += 61
    store.tidy()
    assert listed(store, "cleared") == [study]


def test_a_wait_that_a_site_has_set_is_no_step(store: Store, clock: Clock, judge: Judge) -> None:
    store.settings.set_settle_s(7200.0, actor="admin")
    study = send(store)
    assert judge("clear", 0.1, **STUDY)
    store.settings.set_settle_s(60.0, actor="admin")
    store.tidy()
    clock.now += 3600
    store.tidy()
    assert listed(store, "cleared") == [], "the study waits as long as was set when its film came"
    clock.now += 3601
    store.tidy()
    assert listed(store, "cleared") == [study]


@on_postgresql
def test_with_a_right_clock_nothing_changes(store: Store, clock: Clock, judge: Judge) -> None:
    store.outbox.set_destinations([Destination(name="archive")], actor="pacs")
    study = settled(store, clock, judge)
    store.studies.claim(study, "ann")
    parcel = store.outbox.take("archive")
    assert parcel is not None and store.outbox.sent(parcel, [], confirm_s=3600.0)
    for number in range(2, 4):
        store.films.receive(png(number), name=f"{number}")
    job = jobs.claim(store.site)
    assert job is not None
    for tries in range(1, 13):  # the longest waits
        jobs.later(store.site, jobs.Job(**{**vars(job), "tries": tries}), "it failed")
    send(store, 5)
    assert clock_steps.correct(store.site, claim_s=store.site.claim_s) == 0
    clock.now += 3600
    assert clock_steps.correct(store.site, claim_s=store.site.claim_s) == 0


def test_small_differences_between_clocks_change_nothing(store: Store, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    assert jobs.claim(store.site) is not None
    clock.now -= clock_steps.MARGIN_S - 5
    assert clock_steps.correct(store.site, claim_s=store.site.claim_s) == 0
