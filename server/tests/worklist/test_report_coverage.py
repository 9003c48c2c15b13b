"""A report covers the films that it is about: a film that joins later opens the study again, and has no label."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worklist.conftest import Clock, Judge, dicom_film, listed, on_both_databases, png
from tests.worklist.reporting import look, look_and_report
from tests.worklist.test_reports_elsewhere import A1, arrives, said
from unseen.screening import Guarantee
from unseen.screening.policy import Policy, SourcePolicy
from unseen_server.worklist.calibration import labels
from unseen_server.worklist.labels import EVERY
from unseen_server.worklist.reference_scores import normal_films
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import films

MODEL = "m" * 64
IDLE = Policy(
    model="m", weights_sha256="a" * 64, max_miss_rate=0.1, confidence=0.95, level=0.95, audit_share=0.0,
    sources={"ward": SourcePolicy(abnormals=1, normals=(0.1,), refused="refused: 1 of 29")},
)  # fmt: skip
REPORTS = ("seen", "elsewhere", "RIS")


@pytest.fixture
def study(store: Store, judge: Judge) -> str:
    """A1 with one film, to be read."""
    receipt = store.films.receive(png(1), name="1", source="ward")
    assert judge("read", 0.7, **A1)
    return receipt.study


def report(store: Store, study: str, how: str, outcome: Any = "normal") -> None:
    """Report a study that is to be read: by a reader here, by an import, or by another system."""
    if how == "seen":
        store.studies.claim(study, "ann")
        look_and_report(store, study, "ann", outcome)
    elif how == "elsewhere":
        assert store.reports.reported_elsewhere(accession="A1", outcome=outcome) == 1
    else:
        assert store.outside_reports.take(said(outcome)) == "closed"


def labelled(store: Store) -> set[str]:
    """Return the films that have a label, which every query of labels must agree on."""
    found = {one.film for one in store.reports.labelled(origins=EVERY)}
    counted = labels(store, MODEL, Guarantee(0.1, 0.95), policies={"p": IDLE}).studies
    own = {one.film for one in store.reports.labelled()}
    assert sum(len(one.films) for one in counted) == len(own)
    with store.database.reading() as connection:
        assert set(connection.execute(normal_films(films.c.public_id)).scalars()) == own
    return found


@on_both_databases
@pytest.mark.parametrize("how", REPORTS)
def test_a_film_that_was_queued_at_the_report_opens_the_study_again(
    store: Store, judge: Judge, clock: Clock, study: str, how: str
) -> None:
    first = store.studies.details(study).films[0].film
    store.films.receive(png(2), name="2", source="ward")
    clock.now += 60
    report(store, study, how)
    clock.now += 60
    assert judge("read", 0.99, **A1)
    joined = store.studies.details(study).films
    assert listed(store) == [study] and len(joined) == 2
    apart = joined[1].received - joined[0].received
    assert apart.total_seconds() < 1, "the second film was received before the report"
    assert labelled(store) == {first}


@on_both_databases
@pytest.mark.parametrize("how", REPORTS)
@pytest.mark.parametrize("door", ["upload", "archive"])
def test_a_film_after_the_report_opens_the_study_again_though_the_clock_was_set_back(
    store: Store, judge: Judge, clock: Clock, study: str, how: str, door: str
) -> None:
    first = store.studies.details(study).films[0].film
    report(store, study, how)
    clock.now -= 1800
    if door == "archive":
        arrives(store, 2, **A1)
    else:
        store.films.receive(dicom_film(2), name="2", source="ward")
    assert judge("read", 0.99, **A1)
    assert listed(store) == [study]
    assert labelled(store) == {first}
    report(store, study, "seen")
    assert listed(store) == [], "the clock is still behind"
    assert len(labelled(store)) == 2


@pytest.mark.parametrize("how", REPORTS)
def test_a_report_after_the_clock_was_set_back_covers_the_films_before(
    store: Store, judge: Judge, clock: Clock, study: str, how: str
) -> None:
    clock.now -= 1800
    report(store, study, how)
    assert len(labelled(store)) == 1


def test_a_film_that_was_only_shown_after_the_report_has_no_label(store: Store, judge: Judge, study: str) -> None:
    first = store.studies.details(study).films[0].film
    report(store, study, "seen")
    store.films.receive(png(2), name="2", source="ward")
    assert judge("read", 0.99, **A1)
    look(store, study, "ann")
    assert listed(store) == [study] and labelled(store) == {first}


def test_a_lateral_film_need_not_be_shown_and_opens_the_study_only_if_it_joins_later(
    store: Store, judge: Judge, study: str
) -> None:
    store.films.receive(png(2), name="2", source="ward")
    assert judge("read", 0.1, view="LL", **A1)
    store.studies.claim(study, "ann")
    store.films.mark_seen(store.studies.details(study).films[0].film, "ann")
    store.reports.enter(study, "ann", "normal")
    assert {one.film for one in store.reports.labelled()} == {one.film for one in store.studies.details(study).films}
    store.films.receive(png(3), name="3", source="ward")
    assert judge("read", 0.1, view="LL", **A1)
    assert listed(store) == [study]


def test_a_report_before_any_film_covers_films_that_were_received_before_it_closed_their_study(
    store: Store, judge: Judge, clock: Clock
) -> None:
    assert store.outside_reports.take(said("normal")) == "early"
    for number in (1, 2):
        store.films.receive(png(number), name=f"{number}", source="ward")
    clock.now += 3600
    assert judge("read", 0.9, **A1) and judge("read", 0.9, **A1)
    assert listed(store) == [], "the report is about the study, however long the queue is"
    store.films.receive(png(3), name="3", source="ward")
    assert judge("read", 0.9, **A1)
    assert len(listed(store)) == 1
