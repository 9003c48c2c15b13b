"""Nothing is reported unseen, what cannot be shown is never a label, and clearing starts with two people and notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy

from tests.worklist.conftest import Judge, Judged, decision, film_of, listed, on_postgresql, png
from tests.worklist.reporting import look, look_and_report
from tests.worklist.test_activating import LOOSE, MODEL, policy
from unseen.screening.drift_watch import DriftReference
from unseen.screening.policy import Policy, SourcePolicy
from unseen.screening.screened import Screened
from unseen.screening.screener import Screener
from unseen_server.worklist import jobs
from unseen_server.worklist.calibration import labels
from unseen_server.worklist.drift_counting import WatchedFilm, observe_all
from unseen_server.worklist.film_result import FilmScreening
from unseen_server.worklist.labels import EVERY, SEEN
from unseen_server.worklist.result_batch import EntryRules
from unseen_server.worklist.result_record import record_alone
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import reports, seen

NOTE = "the films are well exposed"


# nothing is reported unseen ------------------------------------------------------------------------------------------


def test_studies_claimed_and_reported_unopened_are_all_refused(store: Store, judged: Judged) -> None:
    studies = [judged(number).study for number in range(5)]
    for study in studies:
        store.studies.claim(study, "ann")
        with pytest.raises(NotAllowedError, match=r"Frontal film 1 of 1 of this study was not shown to ann yet"):
            store.reports.enter(study, "ann", "normal")
    assert listed(store, "reported") == [] and store.reports.labelled() == []


@on_postgresql
def test_every_frontal_film_must_be_shown_to_the_very_reader(store: Store, judged: Judged, judge: Judge) -> None:
    first = judged(1, StudyInstanceUID="1.2")
    second, lateral = (store.films.receive(png(number), name=f"{number}.png", source="ward") for number in (2, 3))
    assert judge("read", 0.5, StudyInstanceUID="1.2") and judge("not_scored", view="LL", StudyInstanceUID="1.2")
    study = store.studies.details(second.study).entry.study
    assert study == store.studies.details(lateral.study).entry.study
    store.studies.claim(study, "ann")
    store.films.mark_seen(first.film_id, "ann")
    store.films.mark_seen(second.film_id, "ben")
    (entry,) = store.studies.page(StudyQuery(reader="ann")).rows
    assert not entry.seen and not store.studies.page(StudyQuery()).rows[0].seen
    needed = {film.film: (film.needed, film.seen) for film in store.studies.details(study, reader="ann").films}
    assert needed == {first.film_id: (True, True), second.film_id: (True, False), lateral.film_id: (False, False)}
    with pytest.raises(NotAllowedError, match="Frontal film 2 of 2"):
        store.reports.enter(study, "ann", "normal")
    store.films.mark_seen(second.film_id, "ann")
    assert (
        store.studies.page(StudyQuery(reader="ann")).rows[0].seen
        and not store.studies.page(StudyQuery(reader="ben")).rows[0].seen
    )
    store.reports.enter(study, "ann", "normal")
    (report,) = store.studies.details(study).reports
    assert (report.outcome, report.how) == ("normal", "seen")


def test_of_a_study_of_laterals_alone_a_film_is_looked_at_all_the_same(store: Store, judged: Judged) -> None:
    study = judged(1, "not_scored", view="LL").study
    store.studies.claim(study, "ann")
    with pytest.raises(NotAllowedError, match="was not shown"):
        store.reports.enter(study, "ann", "normal")
    look_and_report(store, study, "ann", "unsure")


def test_showing_a_film_twice_is_recorded_once(store: Store, judged: Judged) -> None:
    receipt = judged(1)
    for _ in range(3):
        store.films.mark_seen(receipt.film_id, "ann")
    events = [event.action for event in store.studies.details(receipt.study, blind=False).history]
    assert events.count("film.seen") == 1
    with pytest.raises(NotFoundError):
        store.films.mark_seen("f-" + "0" * 20, "ann")
    store.removal.erase(study=receipt.study, actor="ada")
    with store.database.reading() as connection:
        assert connection.execute(sqlalchemy.select(seen)).all() == []


@on_postgresql
def test_labels_are_reports_on_films_that_were_seen_and_others_only_where_asked_for(
    store: Store, judged: Judged
) -> None:
    mine, simulated, other, old = (judged(number, AccessionNumber=f"A{number}").study for number in range(4))
    store.studies.claim(mine, "ann")
    look_and_report(store, mine, "ann", "abnormal")
    store.studies.claim(simulated, "demo")
    store.reports.enter(simulated, "demo", "normal", simulated=True)
    store.reports.reported_elsewhere(accession="A2", outcome="normal")
    store.studies.claim(old, "ann")
    look_and_report(store, old, "ann", "normal")
    with store.writing() as writing:  # as a release wrote it that did not record what was shown
        last = sqlalchemy.select(sqlalchemy.func.max(reports.c.id)).scalar_subquery()
        writing.connection.execute(reports.update().where(reports.c.id == last).values(how="unrecorded"))
    assert {film.study: film.origin for film in store.reports.labelled()} == {mine: "seen", simulated: "simulated"}
    every = {film.study: film.origin for film in store.reports.labelled(origins=EVERY)}
    assert every == {mine: "seen", simulated: "simulated", other: "elsewhere", old: "unrecorded"}
    assert store.reports.unseen_labels() == {"elsewhere": 1, "unrecorded": 1}
    idle = policy(sources={"ward": SourcePolicy(abnormals=1, normals=(0.1,), refused="1 of 29")})
    strict, loose = (labels(store, "m" * 64, LOOSE, policies={"p": idle}, origins=origins) for origins in (SEEN, EVERY))
    assert ({one.name for one in strict.studies}, {one.name for one in loose.studies}) == (
        {mine, simulated},
        {mine, simulated, old},
    )
    assert strict.not_counted == {"elsewhere": 1, "unrecorded": 1} and loose.not_counted == {"elsewhere": 1}
    assert "another system" not in strict.caution
    assert "Reports of an earlier release count here" in loose.caution


# what cannot be shown ------------------------------------------------------------------------------------------------


@on_postgresql
def test_what_cannot_be_shown_is_returned_or_discarded_and_never_labelled(store: Store, judged: Judged) -> None:
    receipt = judged(1, "not_scored", reason="a text file")
    study = receipt.study
    store.studies.claim(study, "ann")
    with pytest.raises(NotAllowedError, match="recorded as returned to its sender, or discarded"):
        store.reports.enter(study, "ann", "normal")
    with pytest.raises(WorklistError, match="Give the reason"):
        store.reports.set_aside(study, "ann", "returned", " ", films=[receipt.film_id])
    with pytest.raises(WorklistError, match="returned or discarded"):
        store.reports.set_aside(study, "ann", "lost", "x", films=[receipt.film_id])  # type: ignore[arg-type]
    with pytest.raises(NotAllowedError, match="can be shown"):
        store.reports.set_aside(study, "ann", "returned", "a text file", films=[])
    with pytest.raises(NotAllowedError, match="ann has taken this study"):
        store.reports.set_aside(study, "ben", "returned", "a text file", films=[receipt.film_id])
    assert store.reports.set_aside(study, "ann", "returned", "a text file", films=[receipt.film_id])
    (entry,) = store.studies.page(StudyQuery(tab="reported")).rows
    assert (entry.state, entry.how, entry.outcome, entry.reported_by) == ("set_aside", "returned", None, "ann")
    assert listed(store) == [] and store.reports.labelled(origins=EVERY) == []
    (event,) = [one for one in store.studies.details(study, blind=False).history if one.action == "study.set_aside"]
    assert event.body["how"] == "returned" and "text" not in str(event.body)
    store.reports.undo(study, "ann")
    assert (
        store.studies.details(study).entry.state == "in_reading" and store.studies.details(study).films[0].aside is None
    )
    assert store.reports.set_aside(study, "ann", "discarded", "nothing in it", films=[receipt.film_id])
    assert store.studies.page(StudyQuery(tab="reported")).rows[0].how == "discarded"
    store.reports.undo(study, "ann")
    assert store.audit.verify() is None


def test_a_film_that_was_shown_to_anybody_is_not_set_aside(store: Store, judged: Judged) -> None:
    receipt = judged(1)
    store.films.mark_seen(receipt.film_id, "ben")
    store.studies.claim(receipt.study, "ann")
    with pytest.raises(NotAllowedError, match="was shown to ben"):
        store.reports.set_aside(receipt.study, "ann", "discarded", "too abnormal", films=[receipt.film_id])


def test_the_other_films_of_its_study_are_reported_then(store: Store, judged: Judged, judge: Judge) -> None:
    good = judged(1, StudyInstanceUID="1.2")
    bad = store.films.receive(png(2), name="2.png", source="ward")
    assert judge("not_scored", StudyInstanceUID="1.2")
    study = store.studies.details(good.study).entry.study
    store.studies.claim(study, "ann")
    store.films.mark_seen(good.film_id, "ann")
    with pytest.raises(NotAllowedError, match="Frontal film 2 of 2"):
        store.reports.enter(study, "ann", "normal")
    assert not store.reports.set_aside(study, "ann", "discarded", "cut short", films=[bad.film_id])
    assert (
        store.studies.details(study).entry.state == "in_reading"
        and store.studies.page(StudyQuery(reader="ann")).rows[0].seen
    )
    store.reports.enter(study, "ann", "normal")
    assert {film.study for film in store.reports.labelled()} == {study}


def test_a_later_film_opens_a_study_again_that_was_set_aside(store: Store, judged: Judged, judge: Judge) -> None:
    bad = judged(1, "not_scored", StudyInstanceUID="1.2")
    store.studies.claim(bad.study, "ann")
    assert store.reports.set_aside(bad.study, "ann", "returned", "cut short", films=[bad.film_id])
    store.films.receive(png(2), name="2.png", source="ward")
    assert judge("read", 0.5, StudyInstanceUID="1.2")
    (entry,) = store.studies.page(StudyQuery()).rows
    assert entry.study == bad.study and entry.state == "not_scored"


# two people ----------------------------------------------------------------------------------------------------------


def alarmed(store: Store, digest: str) -> None:
    scores = tuple(number / 100 for number in range(100))
    reference = DriftReference(normals=scores, abnormals=scores, prevalence=0.5, not_scored=0, window=20)
    with store.writing() as writing:
        for _ in range(reference.window):
            observe_all(writing, digest, [WatchedFilm(study=None, score=50.0)], reference)


@on_postgresql
def test_one_lead_alone_cannot_end_an_alarm(store: Store) -> None:
    digest = policy().digest
    alarmed(store, digest)
    for note in ("", "  \n"):
        with pytest.raises(WorklistError, match="Write a note"):
            store.alarms.acknowledge(digest, actor="lea", note=note)
    assert store.alarms.acknowledge(digest, actor="lea", note=NOTE) is False
    (alarm,) = store.alarms.standing()
    assert (alarm.first_by, alarm.first_note) == ("lea", NOTE) and store.alarms.clearing_stopped(digest)
    with pytest.raises(NotAllowedError, match="a second person must"):
        store.alarms.acknowledge(digest, actor="lea", note=NOTE)
    store.alarms.withdraw_acknowledgement(digest, actor="leo")
    assert store.alarms.standing()[0].first_by is None
    with pytest.raises(NotFoundError, match="Nobody has acknowledged"):
        store.alarms.withdraw_acknowledgement(digest, actor="leo")
    assert store.alarms.acknowledge(digest, actor="leo", note=NOTE) is False
    with pytest.raises(WorklistError, match="Write a note"):
        store.alarms.acknowledge(digest, actor="lea", note="")
    assert store.alarms.acknowledge(digest, actor="lea", note=NOTE) is True
    assert store.alarms.standing() == [] and store.alarms.clearing_stopped(digest) == ""
    alarmed(store, digest)
    assert store.alarms.standing()[0].first_by is None, "another alarm needs two again"


def test_a_policy_needs_a_note_of_both(store: Store) -> None:
    with pytest.raises(WorklistError, match="Write a note"):
        store.activations.propose(MODEL, "pca", policy(), actor="lea")
    number = store.activations.propose(MODEL, "pca", policy(), actor="lea", note=NOTE).number
    with pytest.raises(WorklistError, match="Write a note"):
        store.activations.activate(number, actor="leo", note=" ")
    assert store.activations.active() is None
    done = store.activations.activate(number, actor="leo", note=NOTE, despite="no gate fits these films")
    assert (done.activated_note, done.despite) == (NOTE, "no gate fits these films")


@on_postgresql
def test_what_two_people_activated_last_is_all_that_clears(store: Store) -> None:
    given, agreed = policy(max_miss_rate=0.2), policy()
    assert store.alarms.clearing_stopped(given.digest) == "", (
        "as a worker was started, while nobody has agreed on anything"
    )
    number = store.activations.propose(MODEL, "pca", agreed, actor="lea", note=NOTE).number
    assert store.alarms.clearing_stopped(given.digest) == "", "a proposal changes nothing"
    store.activations.activate(number, actor="leo", note=NOTE)
    assert store.alarms.clearing_stopped(agreed.digest) == ""
    assert f"two people have activated proposal {number}" in store.alarms.clearing_stopped(given.digest)
    store.activations.withdraw(number, actor="lea")
    for one in (given, agreed):
        assert f"lea has withdrawn proposal {number}" in store.alarms.clearing_stopped(one.digest), (
            "one person stops clearing"
        )
    again = store.activations.propose(MODEL, "pca", given, actor="lea", note=NOTE).number
    assert store.alarms.clearing_stopped(given.digest)
    store.activations.activate(again, actor="leo", note=NOTE)
    assert store.alarms.clearing_stopped(given.digest) == ""


Entered = Callable[..., None]


@pytest.fixture
def enter(store: Store, screener: Screener) -> Entered:
    """`entering` into this test's store."""
    return entering(store, screener)


def entering(store: Store, screener: Screener) -> Entered:
    """`enter("clear", policy)`: the film that waits is judged so by that policy, as a worker had decided earlier."""

    def of(action: str, by: Policy, *, view: str = "PA", **identifiers: Any) -> None:
        job = jobs.claim(store.site)
        assert job is not None
        made = replace(decision(action, 0.1), policy_digest=by.digest)
        film = film_of(job, view=view, identifiers=identifiers)
        with store.writing() as writing:
            result = FilmScreening(screened=Screened(film=film, decision=made), model=MODEL, map_sha256=None)
            assert record_alone(writing, job, result, EntryRules(judge=screener.study, worker="w"))

    return of


@pytest.mark.parametrize("how", ["alarm", "withdrawn"])
def test_a_film_in_hand_is_not_cleared_when_clearing_stops_meanwhile(store: Store, enter: Entered, how: str) -> None:
    store.settings.set_settle_s(0, actor="lea")
    agreed = policy()
    number = store.activations.propose(MODEL, "pca", agreed, actor="lea", note=NOTE).number
    store.activations.activate(number, actor="leo", note=NOTE)
    for film in range(3):
        store.films.receive(png(film), name=f"{film}", source="ward")
    enter("clear", agreed)
    enter("clear", agreed, StudyInstanceUID="1.2")
    assert len(listed(store, "cleared")) == 2
    if how == "alarm":
        alarmed(store, agreed.digest)
    else:
        store.activations.withdraw(number, actor="lea")
    enter("clear", agreed)
    (entry,) = store.studies.page(StudyQuery(blind=False)).rows
    assert entry.state == "to_read"
    (film,) = store.studies.details(entry.study, blind=False).films
    assert film.decision is not None and film.decision.action == "read"
    assert film.decision.reason.startswith("clearing is stopped: ")
    store.films.receive(png(9), name="lateral", source="ward")
    enter("not_scored", agreed, view="LL", StudyInstanceUID="1.2")
    assert len(listed(store, "cleared")) == 1, "a lateral that comes late does not clear its study now"


def test_looking_is_all_that_a_reader_needs_besides_the_claim(store: Store, judged: Judged) -> None:
    study = judged(1).study
    look(store, study, "ann")
    with pytest.raises(NotAllowedError):
        store.reports.enter(study, "ann", "normal")
    store.studies.claim(study, "ann")
    store.reports.enter(study, "ann", "normal")
