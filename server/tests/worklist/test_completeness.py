"""Nothing is cleared before its study is complete, and a late film takes a clearing back at once."""

from __future__ import annotations

import io
from typing import Any

import pydicom
import pytest

from tests.worklist.conftest import Clock, Place, dicom_film, listed, own_on_postgresql, png
from tests.worklist.test_safety import MODEL, NOTE, entering, policy
from unseen.screening.screener import Screener
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

STUDY: dict[str, Any] = {"StudyInstanceUID": "1.2.7", "PatientID": "p1"}


def film(number: int, **tags: Any) -> tuple[bytes, ReceivedHeader]:
    """Film `number` of the study, and its header as a door reads it."""
    data = dicom_film(number, **STUDY | {"SOPInstanceUID": f"1.2.7.{number}"} | tags)
    return data, ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True))


@pytest.fixture
def timed(own_place: Place, clock: Clock) -> Store:
    return own_place.open(clock=clock)


def send(store: Store, number: int, *, settle_s: float | None = None, **tags: Any) -> str:
    data, header = film(number, **tags)
    return store.films.receive(data, name=f"{number}", header=header, settle_s=settle_s).study


def test_a_study_is_cleared_when_no_film_came_for_a_while_and_not_before(
    timed: Store, clock: Clock, judge_with: Any
) -> None:
    judge = judge_with(timed)
    send(timed, 1)
    judge("clear", 0.1, **STUDY)
    clock.now += 50
    assert listed(timed, "cleared") == [] and len(listed(timed)) == 1
    send(timed, 2)
    judge("clear", 0.1, **STUDY)
    clock.now += 50
    timed.tidy()
    assert listed(timed, "cleared") == [], "a film came 50 s ago"
    clock.now += 11
    timed.tidy()
    assert len(listed(timed, "cleared")) == 1 and listed(timed) == []
    assert timed.audit.verify() is None


def test_that_a_film_is_to_be_read_is_said_at_once(timed: Store, judge_with: Any) -> None:
    send(timed, 1)
    judge_with(timed)("read", 0.6, **STUDY)
    (row,) = timed.studies.page(StudyQuery(blind=False)).rows
    assert row.state == "to_read"


@own_on_postgresql
def test_a_late_film_takes_a_clearing_back_before_it_is_scored(timed: Store, clock: Clock, judge_with: Any) -> None:
    study = send(timed, 1)
    judge_with(timed)("clear", 0.1, **STUDY)
    clock.now += 61
    timed.tidy()
    assert listed(timed, "cleared") == [study]
    assert send(timed, 2) == study
    assert listed(timed, "cleared") == [] and listed(timed) == [study]
    assert timed.studies.details(study, blind=False).history[-1].action == "study.reopened"
    judge_with(timed)("read", 0.6, **STUDY)
    clock.now += 61
    timed.tidy()
    (row,) = timed.studies.page(StudyQuery(blind=False)).rows
    assert row.state == "to_read"


def test_a_sender_that_closes_a_study_is_not_waited_for(timed: Store, judge_with: Any) -> None:
    send(timed, 1)
    judge_with(timed)("clear", 0.1, **STUDY)
    assert timed.studies.mark_complete("1.2.7", source="ward", actor="ORTHANC")
    assert len(listed(timed, "cleared")) == 1
    assert not timed.studies.mark_complete("1.2.7", source="ward", actor="ORTHANC")
    assert not timed.studies.mark_complete("1.2.99", source="ward", actor="ORTHANC")


def test_a_study_closed_before_it_is_scored_is_decided_on_when_it_is(timed: Store, judge_with: Any) -> None:
    send(timed, 1)
    assert timed.studies.mark_complete("1.2.7", source="ward", actor="ORTHANC")
    judge_with(timed)("clear", 0.1, **STUDY)
    assert len(listed(timed, "cleared")) == 1


def test_each_source_has_its_own_time(timed: Store, clock: Clock, judge_with: Any) -> None:
    timed.settings.set_settle_s(600, of={"slow": 3600.0}, actor="lea")
    judge = judge_with(timed)
    data, _ = film(1)
    timed.films.receive(data, name="a", source="slow")
    judge("clear", 0.1, **STUDY)
    timed.films.receive(png(2), name="b")
    judge("clear", 0.1, StudyInstanceUID="1.2.8")
    timed.films.receive(png(3), name="an image has no study")
    judge("clear", 0.1)
    assert len(listed(timed, "cleared")) == 1
    for later, cleared in ((601, 2), (3000, 3)):
        clock.now += later
        timed.tidy()
        assert len(listed(timed, "cleared")) == cleared
    timed.settings.set_settle_s(of={"slow": None}, actor="lea")
    for wrong in (-1, float("nan"), 1e9):
        with pytest.raises(WorklistError, match="settles after 0 to 86,400"):
            timed.settings.set_settle_s(wrong, actor="lea")


@own_on_postgresql
def test_nothing_settles_into_the_cleared_list_when_clearing_was_stopped_meanwhile(
    timed: Store, clock: Clock, screener: Screener
) -> None:
    agreed = policy()
    number = timed.activations.propose(MODEL, "pca", agreed, actor="lea", note=NOTE).number
    timed.activations.activate(number, actor="leo", note=NOTE)
    send(timed, 1)
    entering(timed, screener)("clear", agreed, **STUDY)
    timed.activations.withdraw(number, actor="lea")
    clock.now += 61
    timed.tidy()
    (row,) = timed.studies.page(StudyQuery(blind=False)).rows
    assert row.state == "to_read" and listed(timed, "cleared") == []
    decided = timed.studies.details(row.study, blind=False).decision
    assert decided is not None and decided.reason.startswith("clearing is stopped: ")


def test_a_study_that_a_reader_has_in_hand_settles_there(timed: Store, clock: Clock, judge_with: Any) -> None:
    study = send(timed, 1)
    judge_with(timed)("clear", 0.1, **STUDY)
    timed.studies.claim(study, "ann")
    clock.now += 61
    timed.tidy()
    (row,) = timed.studies.page(StudyQuery(blind=False)).rows
    assert row.state == "in_reading"
    timed.studies.release(study, "ann")
    assert listed(timed, "cleared") == [study]
