"""Administration of a worklist: settings with an effect, erasing as shown, retiring, searching the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy

from tests.worklist.conftest import Clock, Judge, MakePlace, dicom_film, listed, on_postgresql, png, remove_by_age
from tests.worklist.reporting import look_and_report
from unseen.screening.screener import Screener
from unseen_server.worklist import jobs as queue
from unseen_server.worklist.audit_search import MOST, AuditSearch
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.stored_time import moment
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import decisions, films, findings, jobs, seen, settings

DAY = 86_400.0


def events(store: Store, **sought: Any) -> list[tuple[str, str, str]]:
    return [(one.actor, one.action, one.subject) for one in store.audit.search(AuditSearch(**sought)).events]


@on_postgresql
def test_settings_remove_by_age_and_a_source_may_have_its_own_period(store: Store, judge: Judge, clock: Clock) -> None:
    for number, source in enumerate(["north", "north", "south", "west"]):
        store.films.receive(png(number), name="a", source=source)
        judge("clear" if number else "read")
    assert remove_by_age(store, clock, days=8) == 0, "nothing is set"
    store.settings.change(actor="ada", kept_days=6, kept_of={"south": 20, "west": 0})
    assert dict(store.settings.read().kept_of) == {"south": 20.0, "west": None} and store.settings.read().kept_days == 6
    assert store.removal.retire_by_age() == 1, "the cleared one of the north; the other waits for a reader"
    assert remove_by_age(store, clock, days=11) == 0
    assert remove_by_age(store, clock, days=3) == 1 and store.studies.by_source()[-1].name == "west", "kept for ever"
    store.settings.change(actor="ada", kept_of={"west": None})
    assert store.removal.retire_by_age() == 1 and [one.name for one in store.studies.by_source()] == ["north"]
    for wrong in (-1, 0.5, 1e300, float("nan")):
        with pytest.raises(WorklistError, match="give 1 to 36,500, or 0"):
            store.settings.change(actor="ada", kept_of={"south": wrong})
    assert store.audit.verify() is None
    with store.database.reading() as connection:
        names = connection.execute(sqlalchemy.select(settings.c.name)).scalars().all()
    assert "kept_days of west" not in names and ("ada", "setting.changed", "kept_days of west") in events(store)


@on_postgresql
def test_a_clock_that_jumps_ahead_removes_nothing_until_it_is_right_again(
    store: Store, judge: Judge, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store.films.receive(png(1), name="a")
    judge("clear")
    store.settings.change(actor="ada", kept_days=5)
    assert store.removal.retire_by_age() == 0
    clock.now += 365 * DAY
    assert store.removal.retire_by_age() == 0 and "retire.waits clock_days_since_last_check=365.0" in caplog.text
    waits = store.removal.waits_until()
    assert waits is not None and waits.timestamp() == pytest.approx(clock.now + 3 * DAY, abs=1)
    assert remove_by_age(store, clock, days=2) == 0, "the clock is still wrong"
    clock.now -= 367 * DAY
    assert store.removal.retire_by_age() == 0 and store.removal.waits_until() is None
    assert len(listed(store, "all")) == 1
    assert remove_by_age(store, clock, days=7) == 1, "the study is that old by a clock without a jump"


def test_a_first_check_is_compared_with_the_last_audit_event(store: Store, judge: Judge, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    judge("clear")
    store.settings.change(actor="ada", kept_days=30)
    clock.now += 365 * DAY
    assert store.removal.retire_by_age() == 0 and store.removal.waits_until() is not None


def test_a_server_that_runs_once_a_week_removes_by_age(store: Store, judge: Judge, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    judge("clear")
    store.settings.change(actor="ada", kept_days=30)
    removed = []
    for _ in range(7):
        clock.now += 7 * DAY
        removed.append(store.removal.retire_by_age())
    assert sum(removed) == 1 and not listed(store, "all")


def test_a_clock_that_jumps_ahead_during_a_wait_removes_nothing(store: Store, judge: Judge, clock: Clock) -> None:
    store.films.receive(png(1), name="a")
    judge("clear")
    store.settings.change(actor="ada", kept_days=30)
    assert store.removal.retire_by_age() == 0
    clock.now += 2.6 * DAY  # off over a weekend
    assert store.removal.retire_by_age() == 0 and store.removal.waits_until() is not None
    clock.now += 365 * DAY
    assert store.removal.retire_by_age() == 0
    waits = store.removal.waits_until()
    assert waits is not None and waits.timestamp() == pytest.approx(clock.now + 3 * DAY, abs=1)
    clock.now -= 365 * DAY
    assert store.removal.retire_by_age() == 0 and store.removal.waits_until() is None


@pytest.mark.parametrize("weekly_h", [[*range(0, 120, 24)], [0, 9, 24, 33, 48, 57, 72, 81, 96, 105], [0, 48, 96], [0]])
def test_a_server_that_is_off_at_weekends_removes_by_age(
    store: Store, judge: Judge, clock: Clock, weekly_h: list[int]
) -> None:
    store.films.receive(png(1), name="a")
    judge("clear")
    store.settings.change(actor="ada", kept_days=30)
    monday, removed = clock.now, 0
    for week in range(8):
        for hour in weekly_h:
            clock.now = monday + week * 7 * DAY + hour * 3600
            removed += store.removal.retire_by_age()
    assert removed == 1


def test_a_study_that_was_read_while_the_clock_was_behind_is_as_old_as_its_arrival(
    store: Store, judge: Judge, clock: Clock
) -> None:
    assert store.removal.retire_by_age() == 0
    store.films.receive(png(1), name="a")
    clock.now -= 20 * 365 * DAY
    store.tidy()
    assert judge("clear")
    clock.now += 20 * 365 * DAY
    store.settings.change(actor="ada", kept_days=30)
    assert remove_by_age(store, clock, days=10) == 0 and len(listed(store, "all")) == 1
    assert store.removal.count_old(older_than_days=30) == 0


@on_postgresql
def test_an_erasure_removes_what_was_shown_and_nothing_else(store: Store, screener: Screener) -> None:
    for number, study in enumerate(["1.1", "1.2"]):
        store.films.receive(dicom_film(number, PatientID="p1", StudyInstanceUID=study), name="a.dcm")
    Worker(store, lambda: screener).drain()
    reported, held = (entry.study for entry in store.studies.page(StudyQuery(tab="all", text="p1")).rows)
    store.studies.claim(reported, "ann")
    look_and_report(store, reported, "ann", "normal")
    store.studies.claim(held, "ben")
    store.reports.keep_draft(held, "ben", "half of a sen")
    shown = store.removal.foresee(patient="p1")
    assert (shown.studies, shown.films, shown.maps, shown.reports, shown.drafts) == (2, 2, 2, 1, 1)
    assert shown.holders == ("ben",) and shown.bytes == sum(one.bytes for one in store.studies.by_source())
    store.films.receive(dicom_film(9, PatientID="p1", StudyInstanceUID="1.3"), name="b.dcm")
    Worker(store, lambda: screener).drain()
    with pytest.raises(NotAllowedError, match="have changed since they were shown"):
        store.removal.erase(patient="p1", actor="ada", as_shown=shown.digest)
    assert len(listed(store, "all")) == 3
    assert (
        store.removal.erase(patient="p1", actor="ada", as_shown=store.removal.foresee(patient="p1").digest).studies == 3
    )
    left = {part.kind: part.bytes for part in store.storage().parts}
    assert left.pop("database") > 0
    assert left == {"films": 0, "maps": 0, "renditions": 0}


def test_an_erasure_that_is_cut_off_is_finished_by_the_next_start(
    make_place: MakePlace, screener: Screener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make_place("sqlite").open() as store:
        receipt = store.films.receive(dicom_film(1, PatientID="p1"), name="a.dcm")
        Worker(store, lambda: screener).drain()
        (film,) = store.studies.details(receipt.study).films

        def killed(*_: object) -> int:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(type(store.site), "remove_unknown", killed)
            with pytest.raises(KeyboardInterrupt):
                store.removal.erase(patient="p1", actor="ada")
        assert store.site.films.of(film.sha256).exists(), "cut off between rows and files"
        with pytest.raises(NotFoundError):
            store.films.path(film.film)
        assert store.sweep() == 3, "film, map and renditions"
        assert sum(part.files or 0 for part in store.storage().parts if part.kind != "database") == 0


def test_a_film_is_retired_and_the_study_is_judged_by_the_others(store: Store, judge: Judge) -> None:
    first = store.films.receive(png(1), name="a")
    judge("read", 0.9, StudyInstanceUID="1.1", PatientID="p")
    other = store.films.receive(png(2), name="b")
    judge("clear", 0.1, StudyInstanceUID="1.1", PatientID="p")
    assert store.studies.details(first.study).entry.films == 2
    store.studies.claim(first.study, "ann")
    with pytest.raises(NotAllowedError, match="is in reading"):
        store.removal.retire_film(other.film_id, actor="ada")
    store.studies.release(first.study, "ann")
    path = store.films.path(first.film_id)
    assert store.removal.retire_film(first.film_id, actor="ada").films == 1 and not path.exists()
    left = store.studies.details(first.study, blind=False)
    assert [film.film for film in left.films] == [other.film_id] and left.entry.films == 1
    assert left.entry.state == "to_read", "nobody clears by retiring a film"
    assert left.decision is not None and "was retired" in left.decision.reason
    with store.database.reading() as connection:
        there = {None, *connection.execute(sqlalchemy.select(films.c.id)).scalars()}
        for table in (findings, jobs, seen, decisions):
            assert set(connection.execute(sqlalchemy.select(table.c.film_id)).scalars()) <= there
    assert store.removal.retire_film(other.film_id, actor="ada").studies == 1, "its last film takes the study along"
    assert ("ada", "film.retired", other.film_id) in events(store) and store.audit.verify() is None
    with pytest.raises(NotFoundError):
        store.removal.retire_film(other.film_id, actor="ada")


@pytest.mark.parametrize("plain", [False, True])
def test_a_study_is_not_found_by_the_name_of_a_film_that_was_retired(
    make_place: MakePlace, judge_with: Callable[[Store], Judge], plain: bool
) -> None:
    with make_place("sqlite").open(pseudonymise=not plain) as store:
        names = ("MEIER HANS.png", "both.png", "both.png")
        films = [store.films.receive(png(n), name=name).film_id for n, name in enumerate(names)]
        for _ in films:
            judge_with(store)("read", 0.9, StudyInstanceUID="1.1", PatientID="p", AccessionNumber="A1")
        (study,) = listed(store)
        for film in films[:2]:
            store.removal.retire_film(film, actor="ada")
        for text, found in (("MEIER HANS.png", []), (films[0], []), (films[1], []), ("both.png", [study])):
            assert listed(store, text=text) == found, text
        for text in (films[2], "A1", "1.1", "p"):
            assert listed(store, text=text) == [study]


def test_a_study_whose_first_film_is_retired_counts_for_the_source_of_its_next(store: Store, judge: Judge) -> None:
    """It counted for no source, so metrics and the page showed fewer studies that wait than the list."""
    films = [store.films.receive(png(n), name=source, source=source) for n, source in enumerate(("north", "south"))]
    for _ in films:
        judge("read", StudyInstanceUID="1.1", PatientID="p")
    store.removal.retire_film(films[0].film_id, actor="ada")
    (source,) = store.studies.by_source()
    assert (source.name, source.studies, source.waiting, source.films) == ("south", 1, 1, 1)
    assert [row.source for row in store.studies.page(StudyQuery(source="south")).rows] == ["south"]


def test_a_model_is_retired_and_what_was_done_with_it_stays(store: Store, screener: Screener) -> None:
    receipt = store.films.receive(dicom_film(1), name="a.dcm")
    Worker(store, lambda: screener).drain()
    ((known,), model) = store.findings.models(), screener.detector.weights_sha256
    assert (known.model, known.findings, known.waiting) == (model, 1, 1)
    with pytest.raises(NotAllowedError, match="This server scores"):
        store.removal.retire_model(model, actor="ada", in_use=[model])
    with pytest.raises(WorklistError, match="this model made: 1"):
        store.removal.retire_model(model, actor="ada")
    store.studies.claim(receipt.study, "ann")
    look_and_report(store, receipt.study, "ann", "normal")
    for unknown in ("a" * 64, "../../x", ""):
        with pytest.raises(NotFoundError):
            store.removal.retire_model(unknown, actor="ada")
    assert store.removal.retire_model(model, actor="ada").maps == 1
    study = store.studies.details(receipt.study, blind=False)
    assert study.films[0].findings == () and study.decision is not None and study.reports[0].outcome == "normal"
    assert {path.name for path in store.site.renditions.of(study.films[0].sha256).iterdir()} == {"thumbnail.png"}
    assert store.findings.models() == [] and ("ada", "model.retired", model) in events(store)


@on_postgresql
def test_the_audit_trail_is_searched_by_who_what_when_and_study(store: Store, judge: Judge, clock: Clock) -> None:
    receipt = store.films.receive(png(1), name="a.png")
    judge("read", PatientID="p1", AccessionNumber="A1", StudyInstanceUID="1.1")
    store.studies.claim(receipt.study, "ann")
    look_and_report(store, receipt.study, "ann", "normal")
    store.films.receive(png(2), name="b.png")
    clock.now += DAY
    store.settings.change(actor="ada", identity="lead")
    assert events(store, actor="ada") == [("ada", "setting.changed", "identity")]
    assert [action for _, action, _ in events(store, action="study.", actor="ann")] == [
        "study.reported",
        "study.claimed",
    ]
    of_study = events(store, study="A1")
    assert of_study == events(store, study="p1") == events(store, study="a.png") == events(store, study=receipt.study)
    assert {subject for _, _, subject in of_study} == {receipt.study, receipt.film_id}
    today = moment(store.site.now_us()) - timedelta(hours=1)
    assert events(store, since=today) == events(store, actor="ada")
    assert ("ada", "setting.changed", "identity") not in events(store, until=today)
    everything = events(store, limit=200)
    first = store.audit.search(AuditSearch(limit=3))
    rest = store.audit.search(AuditSearch(limit=200, before=first.before))
    assert rest.before is None
    assert [(e.actor, e.action, e.subject) for e in (*first.events, *rest.events)] == everything
    assert events(store, study="%") == [] == events(store, action="%")
    with pytest.raises(WorklistError, match="between 1 and 200"):
        store.audit.search(AuditSearch(limit=201))
    assert store.audit.verify(actor="ada") is None
    assert events(store, limit=1) == [("ada", "audit.verified", "audit")]


def test_the_queue_shows_what_runs_and_what_failed(store: Store) -> None:
    store.films.receive(png(1), name="a")
    job = queue.claim(store.site)
    assert job is not None and (store.jobs.counts().waiting, store.jobs.counts().running) == (1, 1)
    queue.later(store.site, job, "the decoder ended")
    assert store.jobs.counts().running == 0
    (failed,) = store.jobs.failed()
    assert (failed.film, failed.given_up, failed.reason, failed.tries) == (job.film, False, "the decoder ended", 1)


@on_postgresql
def test_a_search_by_patient_finds_the_events_of_all_their_studies(store: Store, judge: Judge) -> None:
    """Also of more than a page of the audit trail holds."""
    films = [store.films.receive(png(number), name=f"{number}") for number in range(MOST + 5)]
    for number in range(len(films)):
        assert judge("read", PatientID="p1", StudyInstanceUID=f"1.{number}")
    found, page = [], store.audit.search(AuditSearch(study="p1", action="study.judged", limit=MOST))
    while page.before is not None:
        found += [event.subject for event in page.events]
        page = store.audit.search(AuditSearch(study="p1", action="study.judged", limit=MOST, before=page.before))
    found += [event.subject for event in page.events]
    assert sorted(found) == sorted(film.study for film in films)
