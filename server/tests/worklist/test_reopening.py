"""Studies that were cleared among the films that raised a drift alarm: known, counted, and reopened by two people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import select, update

from tests.worklist.conftest import (
    Clock,
    Place,
    brought_back,
    dicom_film,
    listed,
    on_postgresql,
    own_on_both_databases,
    png,
)
from tests.worklist.reporting import look_and_report
from tests.worklist.test_film_worker import clearing
from unseen.screening import DriftReference, DriftWatch
from unseen.screening.screener import Screener
from unseen_server.worklist.drift_counting import WatchedFilm, observe_all, watched
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.outbox import Destination
from unseen_server.worklist.parcels import SentInstance
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_decisions import REOPENED, enter_study, latest
from unseen_server.worklist.tables import decisions, outbox, studies, watches

OLD = """
INSERT INTO settings VALUES ('plain', '1'), ('key', '{key}'), ('waiting_cap_s', '86400.0');
INSERT INTO watches (policy, state, since_us, kind, reason)
    VALUES ('old', '{{}}', 1, 'scores', 'they differ'), ('quiet', '{{}}', 1, NULL, NULL)
"""
NOTE = "the tube was changed on Monday"


def drifting(*, audit_share: float = 0.0) -> Screener:
    """A policy that clears every film, and whose calibration had other scores: each window of 20 raises an alarm."""
    reference = DriftReference(
        normals=tuple(np.linspace(5, 6, 50)), abnormals=(7,), prevalence=0.1, not_scored=0, window=20, false_alarms=0.01
    )
    return clearing(1e9, drift=reference, audit_share=audit_share)


def alarmed(store: Store, films: int = 21, *, first: int = 0, screener: Screener | None = None) -> list[str]:
    """So many studies, of which the twentieth raises an alarm, in their order."""
    names = []
    for number in range(first, first + films):
        names.append(store.films.receive(png(number), name=f"{number}", source="ward").study)
    watched = screener or drifting()
    Worker(store, lambda: watched).drain()
    return names


@on_postgresql
def test_what_raised_an_alarm_is_counted_reopened_by_two_people_and_not_cleared_again(
    store: Store, clock: Clock
) -> None:
    names = alarmed(store)
    (alarm,) = store.alarms.raised()
    assert (alarm.studies, alarm.recorded, alarm.ended, alarm.kind) == (20, True, None, "scores")
    assert alarm.cleared == tuple(names[:20]), "the one after the alarm was not cleared"
    store.alarms.propose_reopening(alarm.number, actor="lea", note=NOTE)
    assert store.alarms.raised()[0].proposed_by == "lea" and len(listed(store, "cleared")) == 20
    for actor in ("lea", "lea"):
        with pytest.raises(NotAllowedError, match="a second person must confirm it"):
            store.alarms.reopen_cleared(alarm.number, actor=actor, note=NOTE)
    assert store.alarms.reopen_cleared(alarm.number, actor="leo", note="seen ten of them") == 20
    assert listed(store, "cleared") == [] and set(listed(store)) == set(names)
    study = store.studies.details(names[0], blind=False)
    assert (study.entry.state, study.reports) == ("to_read", ())
    assert study.decision is not None and study.decision.action == "read" and "drift alarm" in study.decision.reason
    assert [event.actor for event in study.history if event.action == "study.reopened_after_alarm"] == ["leo"]
    (alarm,) = store.alarms.raised()
    assert (alarm.cleared, alarm.reopened_by, alarm.reopened_studies) == ((), "leo", 20)
    with pytest.raises(NotAllowedError, match="leo has reopened these studies"):
        store.alarms.reopen_cleared(alarm.number, actor="ada", note=NOTE)
    assert store.audit.verify() is None and len(store.alarms.standing()) == 1, "the alarm itself stands"

    # and no policy clears a reopened study again
    for actor in ("lea", "leo"):
        store.alarms.acknowledge(alarm.policy, actor=actor, note=NOTE)
    (ended,) = store.alarms.raised()
    assert ended.ended is not None and store.alarms.standing() == []
    with store.writing() as writing:
        for study in writing.connection.execute(select(studies).where(studies.c.reopened_us.is_not(None))).all():
            whole = replace(drifting().study(latest(writing, study.id)), action="clear", reason="below the threshold")
            enter_study(writing, study, whole, "m" * 64, model_digest=None, audit_share=0.0, actor="worker")
    assert listed(store, "cleared") == []
    with store.database.reading() as connection:
        reasons = set(connection.execute(select(studies.c.reason).where(studies.c.reopened_us.is_not(None))).scalars())
    assert reasons == {REOPENED}


@on_postgresql
def test_a_correction_goes_out_where_cleared_was_sent(store: Store) -> None:
    store.outbox.set_destinations([Destination(name="archive")], actor="pacs")
    names = alarmed(store)
    with store.database.writing() as connection:  # as if these were DICOM, of which an archive has the study
        connection.execute(update(studies).values(uid="u-" + studies.c.public_id))
        for study in connection.execute(select(studies).where(studies.c.public_id.in_(names[:2]))).all():
            last = select(decisions.c.id).where(decisions.c.study_id == study.id, decisions.c.film_id.is_(None))
            connection.execute(
                outbox.insert().values(
                    study_id=study.id, decision_id=connection.execute(last).scalar_one(), destination="archive",
                    state="waiting", tries=0, due_us=0, reason="", instances="[]", made_us=0,
                )
            )  # fmt: skip
    parcel = store.outbox.take("archive")
    assert parcel is not None and parcel.decision.action == "clear"
    assert store.outbox.sent(parcel, [SentInstance(sop_class="1.2", instance="1.2.3", series="1.2.4")])
    number = store.alarms.raised()[0].number
    store.alarms.propose_reopening(number, actor="lea", note=NOTE)
    store.alarms.reopen_cleared(number, actor="leo", note=NOTE)
    corrected = next(one for one in store.outbox.list(state="waiting", most=100) if one.study == parcel.study)
    assert corrected.action == "read"
    waited = {one.state for one in store.outbox.list(most=100) if one.study == names[1] and one.action == "clear"}
    assert waited == {"superseded"} or parcel.study == names[1], "what was not sent yet is not sent any more"
    while (again := store.outbox.take("archive")) is not None:
        assert again.decision.action == "read"
        assert bool(again.replaces) == (again.study == parcel.study), "it names the objects that it replaces"


@on_postgresql
def test_what_a_reader_has_read_stays_and_what_they_have_in_hand_is_theirs(store: Store) -> None:
    names = alarmed(store)
    store.studies.claim(names[0], "ann")
    look_and_report(store, names[0], "ann", "normal")
    store.studies.claim(names[1], "ann")
    assert store.alarms.raised()[0].cleared == tuple(names[1:20])
    number = store.alarms.raised()[0].number
    store.alarms.propose_reopening(number, actor="lea", note=NOTE)
    assert store.alarms.reopen_cleared(number, actor="leo", note=NOTE) == 19
    assert store.studies.details(names[0]).entry.state == "reported"
    assert store.studies.details(names[1]).entry.claimed_by == "ann"
    store.studies.release(names[1], "ann")
    assert store.studies.details(names[1]).entry.state == "to_read", "it does not go back among the cleared"


def test_a_refused_film_that_is_tried_again_counts_once_in_the_watch(store: Store) -> None:
    screener = drifting()
    assert screener.policy is not None
    study = store.films.receive(b"no image", name="torn", source="ward").study
    for _ in range(3):
        assert Worker(store, lambda: screener).drain() == 1
        assert watched(store.database, screener.policy.digest).studies == 1
        store.jobs.requeue(study, actor="lea")


def counted(store: Store, policy: str) -> DriftWatch:
    with store.database.reading() as connection:
        state = connection.execute(select(watches.c.state).where(watches.c.policy == policy)).scalar_one()
    return DriftWatch.model_validate_json(state)


@on_postgresql
def test_the_watch_counts_a_study_with_its_highest_score(store: Store) -> None:
    """Films come in one batch and in several, also after those of another study. A calibration counts so, too."""
    screener = drifting()
    assert screener.policy is not None
    for drained, numbers in enumerate([(1, 2, 3), (4,), (5, 6)]):
        for number in numbers:
            for study in ("1.2.1", "1.2.2"):
                of_it = {"StudyInstanceUID": study, "SOPInstanceUID": f"{study}.{number}", "PatientID": study}
                store.films.receive(dicom_film(number + 10 * int(study[-1]), **of_it), name="film", source="ward")
        Worker(store, lambda: screener).drain()
        highest = []
        for study in [*listed(store), *listed(store, "cleared")]:
            films = store.studies.details(study, blind=False).films
            scores = [finding.score for film in films for finding in film.findings]
            assert len(scores) == len(films) == (3, 4, 6)[drained]
            highest.append(max(scores))
        watch = counted(store, screener.policy.digest)
        assert sorted(watch.scores) == sorted(highest) and (watch.refused, watch.windows) == (0, 0)


def test_a_further_film_revises_a_study_of_the_current_window_alone(store: Store) -> None:
    reference = DriftReference(normals=(0.1,), abnormals=(), prevalence=0.1, not_scored=1, window=20)

    def enter(*films: tuple[str, float | None, bool]) -> DriftWatch:
        with store.writing() as writing:
            scored = [WatchedFilm(study=study, score=score, further=further) for study, score, further in films]
            observe_all(writing, "p", scored, reference)
        return counted(store, "p")

    assert enter(("a", 0.2, False), ("b", None, False), ("a", 0.1, True)).scores == [0.2]
    assert enter(("a", 0.7, True), ("unknown", 0.9, True)).scores == [0.7]
    watch = enter(("b", 0.5, True))
    assert (watch.scores, watch.refused) == ([0.7], 1), "a film of it was not scored"
    watch = enter(("a", None, True))
    assert (watch.scores, watch.refused) == ([], 2)
    with store.database.writing() as connection:  # as an earlier release kept it
        connection.execute(update(watches).values(studies='["a", "b"]'))
    watch = enter(("a", 0.9, True), ("c", 0.3, False), ("c", 0.4, True))
    assert (watch.scores, watch.refused) == ([0.4], 2)
    watch = enter(*((f"s{number}", 0.5, False) for number in range(17)), ("c", 0.9, True), ("d", 0.5, False))
    assert (watch.windows, watch.scores, watch.refused) == (1, [0.5], 0), "its window is complete"


@on_postgresql
def test_studies_of_the_audit_sample_are_corrected_and_stay_in_the_sample(store: Store) -> None:
    names = alarmed(store, 20, screener=drifting(audit_share=0.5))
    before = store.reports.audit_sample().waiting
    assert 0 < before < 20
    number = store.alarms.raised()[0].number
    store.alarms.propose_reopening(number, actor="lea", note=NOTE)
    assert store.alarms.reopen_cleared(number, actor="leo", note=NOTE) == 20
    assert store.reports.audit_sample().waiting == before and set(listed(store)) == set(names)


def test_a_proposal_needs_a_note_can_be_withdrawn_and_may_come_after_the_alarm_has_ended(store: Store) -> None:
    names = alarmed(store)
    number = store.alarms.raised()[0].number
    with pytest.raises(NotFoundError, match="There is no drift alarm 99"):
        store.alarms.propose_reopening(99, actor="lea", note=NOTE)
    with pytest.raises(NotAllowedError, match="Nobody has proposed"):
        store.alarms.reopen_cleared(number, actor="leo", note=NOTE)
    with pytest.raises(WorklistError, match="why the studies are to be read"):
        store.alarms.propose_reopening(number, actor="lea", note=" \n")
    store.alarms.propose_reopening(number, actor="lea", note=NOTE)
    with pytest.raises(NotAllowedError, match="lea has proposed this already"):
        store.alarms.propose_reopening(number, actor="leo", note=NOTE)
    with pytest.raises(WorklistError, match="Write a note"):
        store.alarms.reopen_cleared(number, actor="leo", note="")
    store.alarms.withdraw_reopening(number, actor="leo")
    with pytest.raises(NotFoundError, match="nothing to take back"):
        store.alarms.withdraw_reopening(number, actor="leo")
    policy = store.alarms.standing()[0].policy
    for actor in ("lea", "leo"):
        store.alarms.acknowledge(policy, actor=actor, note=NOTE)
    alarmed(store, 19, first=100)
    first, *others = reversed(store.alarms.raised())
    assert first.cleared == tuple(names[:20]) and first.ended is not None
    assert [one.studies for one in others] == [20], "the next window begins after the last"
    store.alarms.propose_reopening(first.number, actor="lea", note=NOTE)
    assert store.alarms.reopen_cleared(first.number, actor="leo", note=NOTE) == 20


@on_postgresql
def test_of_a_window_that_an_earlier_release_began_it_says_so(store: Store) -> None:
    watched = drifting()
    assert watched.policy is not None
    alarmed(store, 10, screener=watched)
    with store.database.writing() as connection:
        connection.execute(update(watches).values(studies="[]"))
    names = alarmed(store, 10, first=50, screener=watched)
    (alarm,) = store.alarms.raised()
    assert (alarm.studies, alarm.recorded, alarm.cleared) == (10, False, tuple(names))


@own_on_both_databases
def test_of_an_alarm_that_stood_when_the_store_was_upgraded_the_films_are_not_known(own_place: Place) -> None:
    with own_place.open(pseudonymise=False) as made:  # for its key
        fingerprint = made.names.fingerprint
    with brought_back(own_place, "0009", OLD.format(key=fingerprint)).open(create=False) as store:
        (alarm,) = store.alarms.raised()
        assert (alarm.policy, alarm.reason, alarm.recorded, alarm.cleared) == ("old", "they differ", False, ())
        with pytest.raises(NotAllowedError, match="nothing to reopen"):
            store.alarms.propose_reopening(alarm.number, actor="lea", note=NOTE)
