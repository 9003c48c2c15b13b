"""Films that are compared with: one that was refused is no reference, and one that is blank is no prior."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from tests.worklist.conftest import Judge, on_postgresql, png
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.appearance import SIDE
from unseen_server.worklist.own_films import own_films
from unseen_server.worklist.receiving import Receipt
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import films, findings

MODEL = "2" * 64
BLANK = "blank: on its own range of greys, too, the image holds noise at most (spread 0.001 of the grey scale)"
NO_LUNGS = "no lungs found: 0.1 % of the image looks like lung"
GIVEN_UP = "The film was tried five times"

Known = Callable[..., Receipt]


@pytest.fixture
def known(store: Store, judge: Judge) -> Known:
    """`known(3, "not_scored", BLANK)`: film 3 was decided so, looks like every other, and a second model scored it."""

    def make(
        number: int, action: str = "read", reason: str = "so", *, outcome: str | None = "normal", **named: str
    ) -> Receipt:
        receipt = store.films.receive(png(number), name=f"{number}.png", source="ward")
        assert judge(action, 0.5, reason=reason, **named)
        with store.database.writing() as connection:
            film = connection.execute(select(films.c.id).where(films.c.public_id == receipt.film_id)).scalar_one()
            connection.execute(films.update().where(films.c.id == film).values(look=bytes([100] * SIDE * SIDE)))
            scored = {"film_id": film, "model": MODEL, "score": float(number), "parts": "{}", "made_us": 0}
            connection.execute(findings.insert().values(**scored))
        if outcome is not None:
            study = store.studies.page(StudyQuery(tab="all", text=receipt.film_id)).rows[0].study
            store.studies.claim(study, "ann")
            look_and_report(store, study, "ann", outcome)
        return receipt

    return make


@on_postgresql
@pytest.mark.parametrize(
    "reason", [BLANK, *(pytest.param(one, marks=pytest.mark.nightly) for one in (NO_LUNGS, GIVEN_UP))]
)
def test_a_refused_film_is_no_reference_though_a_reader_reported_it_normal(
    store: Store, known: Known, reason: str
) -> None:
    own = known(0, outcome=None)
    good = known(1)
    known(2, "not_scored", reason)
    assert [one.film for one in store.findings.nearest(own.film_id)] == [good.film_id]
    assert store.findings.reference(MODEL).count == 1, "a second model has scored what the gate refused"
    with store.database.reading() as connection:
        assert own_films(connection, MODEL, enough=1).films == (good.film_id,)
        assert set(own_films(connection, MODEL, enough=5).films) == {own.film_id, good.film_id}


def test_the_latest_decision_on_a_film_counts(store: Store, known: Known, judge: Judge) -> None:
    own = known(0, outcome=None)
    refused_first = known(1, "not_scored", GIVEN_UP, outcome=None)
    study = store.studies.page(StudyQuery(tab="all", text=refused_first.film_id)).rows[0].study
    with store.database.writing() as connection:
        connection.execute(findings.delete().where(findings.c.model == "m" * 64))
    assert store.jobs.requeue(study, actor="lea") == 1
    assert judge("read", 0.5)
    store.studies.claim(study, "ann")
    look_and_report(store, study, "ann", "normal")
    assert [one.film for one in store.findings.nearest(own.film_id)] == [refused_first.film_id]


@on_postgresql
def test_a_blank_film_is_no_prior_and_another_film_of_its_study_takes_its_place(store: Store, known: Known) -> None:
    named = {"PatientID": "4711"}
    own = known(0, StudyInstanceUID="1.1", **named, outcome=None)
    known(1, "not_scored", BLANK, StudyInstanceUID="1.2", **named, outcome=None)
    alone = store.studies.priors(own.study)[0]
    assert (alone.film, alone.films) == (None, ()), "it is listed, and nothing of it can be shown beside"
    good = known(2, StudyInstanceUID="1.2", **named, outcome=None)
    (both,) = store.studies.priors(own.study)
    assert (both.film, both.films) == (good.film_id, ((good.film_id, "PA"),))


def test_a_prior_that_was_refused_for_another_reason_is_shown_beside(store: Store, known: Known) -> None:
    """A reader compares with what a model could not score: a child's film, or one that is cropped."""
    own = known(0, StudyInstanceUID="1.1", PatientID="4711", outcome=None)
    other = known(1, "not_scored", NO_LUNGS, StudyInstanceUID="1.2", PatientID="4711", outcome=None)
    (prior,) = store.studies.priors(own.study)
    assert (prior.film, prior.films) == (other.film_id, ((other.film_id, "PA"),))
