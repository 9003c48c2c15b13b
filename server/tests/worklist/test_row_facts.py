"""Facts in a row of the list beside the study's own columns."""

from __future__ import annotations

from sqlalchemy import update

from tests.worklist.conftest import Clock, Judge, Judged, dicom_film, on_postgresql
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import films


def seen(store: Store, *names: str) -> None:
    """A worker has read these films, and kept how they look."""
    with store.database.writing() as connection:
        connection.execute(update(films).where(films.c.public_id.in_(names)).values(look=bytes(256)))


def test_the_film_to_look_at_is_the_first_frontal_one_that_could_be_read(store: Store, judge: Judge) -> None:
    number = {"StudyInstanceUID": "1.2.3"}
    names = []
    for view, at in (("LL", 1), ("PA", 2), ("PA", 3)):
        names.append(store.films.receive(dicom_film(at), name=f"{at}").film_id)
        assert judge("read", 0.5, view=view, **number)
    (row,) = store.studies.page(StudyQuery()).rows
    assert row.films == 3 and row.film is None, "none was read"
    seen(store, names[0])
    assert store.studies.page(StudyQuery()).rows[0].film == names[0], "a lateral film rather than none"
    seen(store, names[1], names[2])
    assert store.studies.page(StudyQuery()).rows[0].film == names[1]
    assert store.studies.details(row.study).entry.film == names[1]


@on_postgresql
def test_the_report_that_stands_is_told_with_its_reader(store: Store, judged: Judged, clock: Clock) -> None:
    study, other = judged(1).study, judged(2).study
    (entry,) = store.studies.page(StudyQuery(text=study)).rows
    assert (entry.outcome, entry.reported_by) == (None, None)
    for reader, outcome in (("ann", "abnormal"), ("ben", "unsure")):
        store.studies.claim(study, reader)
        look_and_report(store, study, reader, outcome)
        (entry,) = store.studies.page(StudyQuery(tab="reported")).rows
        assert (entry.study, entry.outcome, entry.reported_by) == (study, outcome, reader)
        store.reports.undo(study, reader)
        store.studies.release(study, reader)
    (entry,) = store.studies.page(StudyQuery(text=study)).rows
    assert (entry.outcome, entry.reported_by) == (None, None), "it was taken back"
    assert other in {row.study for row in store.studies.page(StudyQuery()).rows}


def test_the_model_is_told_with_the_score_and_not_on_a_blind_page(store: Store, judged: Judged) -> None:
    judged(1, "read", 0.7)
    judged(2, "not_scored")
    assert [row.model for row in store.studies.page(StudyQuery(blind=False)).rows] == [None, "m" * 64]
    assert [row.model for row in store.studies.page(StudyQuery(blind=True)).rows] == [None, None]
