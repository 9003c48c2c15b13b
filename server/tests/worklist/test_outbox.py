"""The outbox: each decision is sent to each destination once, and a newer one supersedes it."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pydicom
import pytest

from tests.worklist.conftest import Clock, Place, dicom_film, own_on_postgresql, png
from unseen.screening import Policy
from unseen.screening.drift_watch import DriftReference
from unseen.screening.probability import ProbabilityMap
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.parcels import Parcel, SentInstance
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import decisions

STUDY: dict[str, Any] = {"StudyInstanceUID": "1.2.7", "PatientID": "p1"}
OBJECT = SentInstance(sop_class="1.2.840.10008.5.1.4.1.1.88.33", instance="2.25.1", series="2.25.2")


@pytest.fixture
def timed(own_place: Place, clock: Clock) -> Store:
    store = own_place.open(clock=clock)
    store.outbox.set_destinations(
        [Destination(name="archive", sources=("ward",)), Destination(name="viewer")], actor="pacs"
    )
    return store


@pytest.fixture
def decided(timed: Store, clock: Clock, judge_with: Any) -> Callable[..., str]:
    """A film of study 1.2.7 comes, is judged, and the study settles; returns its study."""
    judge = judge_with(timed)

    def make(number: int, action: str = "read", *, source: str = "ward", settled: bool = True) -> str:
        data = dicom_film(number, **STUDY | {"SOPInstanceUID": f"1.2.7.{number}"})
        header = ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True))
        study = timed.films.receive(data, name=f"{number}", source=source, header=header).study
        assert judge(action, 0.1 * number, **STUDY)
        if settled:
            clock.now += 61
            timed.tidy()
        return study

    return make


def taken(store: Store, destination: str = "archive") -> Parcel:
    parcel = store.outbox.take(destination)
    assert parcel is not None
    return parcel


@own_on_postgresql
def test_a_decision_is_entered_when_its_study_is_complete(timed: Store, decided: Callable[..., str]) -> None:
    study = decided(1, settled=False)
    assert timed.outbox.list() == []
    timed.studies.mark_complete("1.2.7", source="ward", actor="ORTHANC")
    assert {(one.destination, one.study, one.state) for one in timed.outbox.list()} == {
        ("archive", study, "waiting"),
        ("viewer", study, "waiting"),
    }


def test_an_image_and_a_foreign_source_are_sent_nowhere(
    timed: Store, decided: Callable[..., str], judge_with: Any
) -> None:
    timed.films.receive(png(1), name="a")
    judge_with(timed)("read")
    decided(1, source="elsewhere")
    assert [one.destination for one in timed.outbox.list()] == ["viewer"]


def test_a_result_has_what_its_objects_need(timed: Store, decided: Callable[..., str]) -> None:
    study = decided(1, "clear")
    parcel = taken(timed)
    assert (parcel.study, parcel.decision.action, parcel.tries) == (study, "clear", 0)
    (film,) = parcel.films
    assert film.path.is_file() and parcel.replaces == () and parcel.awaiting == ()
    assert timed.outbox.take("archive") is None, "one sender has it"


@own_on_postgresql
def test_a_result_is_kept_only_when_it_is_confirmed(timed: Store, decided: Callable[..., str], clock: Clock) -> None:
    decided(1)
    parcel = taken(timed)
    assert timed.outbox.sent(parcel, [OBJECT])
    (row,) = timed.outbox.list(state="sent")
    assert row.kept is None and row.sent is not None
    assert timed.outbox.confirmed("viewer", ["2.25.1"]) == 0, "another destination"
    assert timed.outbox.confirmed("archive", ["2.25.99"]) == 0, "another object"
    clock.now += 61
    assert taken(timed).awaiting == (OBJECT,), "it is asked for again"
    assert timed.outbox.confirmed("archive", ["2.25.1", "2.25.99"]) == 1
    (row,) = timed.outbox.list(state="kept")
    assert row.kept is not None
    assert timed.outbox.take("archive") is None and timed.audit.verify() is None


@own_on_postgresql
@pytest.mark.parametrize(
    ("digest", "entered", "sent"), [(None, False, None), (None, True, 0.9), ("d" * 64, False, 0.9)]
)
def test_a_decision_from_before_the_upgrade_is_sent_without_a_probability_unless_a_prevalence_was_entered(
    timed: Store, decided: Callable[..., str], digest: str | None, entered: bool, sent: float | None
) -> None:
    """Policies of earlier versions took the prevalence of the labelled studies where none was entered."""
    abnormals = (0.6, 0.7, 0.8) if entered else (0.8,)
    policy = Policy(
        format=2,
        model="pca",
        weights_sha256="5" * 64,
        model_parts={"weights": "5" * 64},
        max_miss_rate=0.1,
        confidence=0.9,
        level=0.9,
        sources={},
        probability=ProbabilityMap(scores=(0.0, 1.0), probabilities=(0.1, 0.9), prevalence=0.5),
        drift=DriftReference(normals=(0.1,), abnormals=abnormals, prevalence=0.5, not_scored=0),
    )
    timed.activations.propose("5" * 64, "pca", policy, actor="ann", note="why")
    decided(1)
    with timed.database.writing() as connection:
        connection.execute(decisions.update().values(probability=0.9, policy_digest=policy.digest, model_digest=digest))
    assert taken(timed).decision.probability == sent


def test_a_late_film_supersedes_what_was_sent(timed: Store, decided: Callable[..., str]) -> None:
    decided(1, "clear")
    timed.outbox.sent(taken(timed), [OBJECT])
    timed.outbox.confirmed("archive", ["2.25.1"])
    decided(2, "read")
    parcel = taken(timed)
    assert parcel.decision.action == "read" and parcel.replaces == (OBJECT,) and len(parcel.films) == 2


def test_what_was_not_sent_is_overtaken(timed: Store, decided: Callable[..., str]) -> None:
    decided(1, "clear")
    decided(2, "read")
    assert sorted(one.state for one in timed.outbox.list() if one.destination == "archive") == ["superseded", "waiting"]
    assert taken(timed).decision.action == "read"


def test_the_same_decision_again_is_not_sent_again(timed: Store, decided: Callable[..., str], clock: Clock) -> None:
    study = decided(1)
    timed.outbox.sent(taken(timed), [OBJECT])
    with timed.writing() as writing:
        from sqlalchemy import select

        from unseen_server.worklist import outbox
        from unseen_server.worklist.tables import decisions, studies

        row = writing.connection.execute(select(studies).where(studies.c.public_id == study)).one()
        last = select(decisions).where(decisions.c.film_id.is_(None)).order_by(decisions.c.id.desc()).limit(1)
        outbox.enter(writing, row, writing.connection.execute(last).one())
    assert len([one for one in timed.outbox.list() if one.destination == "archive"]) == 1


def test_a_refusal_is_tried_again_later_each_time_and_then_given_up(
    timed: Store, decided: Callable[..., str], clock: Clock
) -> None:
    decided(1)
    for number in range(3):
        timed.outbox.failed(taken(timed), "0xA700: out of resources", most_tries=3)
        if number < 2:
            assert timed.outbox.take("archive") is None, "not at once"
            clock.now += 400
    (row,) = timed.outbox.list(state="dead")
    assert row.tries == 3 and row.reason.startswith("0xA700")
    clock.now += 10_000
    assert timed.outbox.take("archive") is None
    timed.outbox.again(row.number, actor="lea")
    assert taken(timed).tries == 0
    with pytest.raises(NotAllowedError):
        timed.outbox.again(row.number, actor="lea")
    with pytest.raises(NotFoundError):
        timed.outbox.again(99, actor="lea")


def test_what_was_accepted_and_not_kept_is_sent_once_more(
    timed: Store, decided: Callable[..., str], clock: Clock
) -> None:
    decided(1)
    timed.outbox.sent(taken(timed), [OBJECT])
    assert timed.outbox.not_kept("archive", ["2.25.99"], "no", most_tries=9) == 0
    assert timed.outbox.not_kept("archive", ["2.25.1"], "reason 0x0110", most_tries=9) == 1
    clock.now += 60
    parcel = taken(timed)
    assert parcel.awaiting == () and parcel.replaces == (), "it is the same result, not a later one"
    timed.outbox.sent(parcel, [OBJECT])
    assert timed.outbox.not_kept("archive", ["2.25.1"], "reason 0x0110", most_tries=2) == 1
    assert [one.reason for one in timed.outbox.list(state="dead")] == ["reason 0x0110"]


def test_an_outage_of_hours_costs_no_try(timed: Store, decided: Callable[..., str], clock: Clock) -> None:
    decided(1)
    for _ in range(50):
        timed.outbox.unreached(taken(timed), "connection refused", again_s=300)
        clock.now += 301
    assert taken(timed).tries == 0


@own_on_postgresql
def test_a_sender_that_was_killed_loses_its_claim_and_nothing_else(
    timed: Store, decided: Callable[..., str], clock: Clock
) -> None:
    decided(1)
    lost = taken(timed)
    clock.now += 121
    again = taken(timed)
    assert again.number == lost.number
    assert timed.outbox.sent(again, [OBJECT]) and not timed.outbox.sent(lost, [OBJECT])
    timed.outbox.failed(lost, "late", most_tries=1)
    assert [one.state for one in timed.outbox.list() if one.destination == "archive"] == ["sent"]


@own_on_postgresql
def test_two_senders_never_get_the_same_result(timed: Store, decided: Callable[..., str]) -> None:
    decided(1)
    with ThreadPoolExecutor(8) as threads:
        parcels = list(threads.map(lambda _: timed.outbox.take("archive"), range(8)))
    assert sum(parcel is not None for parcel in parcels) == 1


def test_a_destination_has_one_name(timed: Store) -> None:
    with pytest.raises(WorklistError, match="named twice"):
        timed.outbox.set_destinations([Destination(name="a"), Destination(name="a")], actor="pacs")


@own_on_postgresql
def test_erasing_a_study_empties_its_outbox(timed: Store, decided: Callable[..., str]) -> None:
    study = decided(1)
    timed.removal.erase(study=study, actor="lea")
    assert timed.outbox.list() == [] and timed.outbox.counts() == {}
