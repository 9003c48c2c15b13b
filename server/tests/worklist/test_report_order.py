"""A later correction is never lost, and an earlier version that comes later never replaces it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from tests.worklist.conftest import Judge, dicom_film
from tests.worklist.test_reports_elsewhere import A1, arrives, outcomes, said
from unseen_server.worklist.store import Store

HOUR_US = 3_600_000_000


def at(hour: int, minute: int) -> int:
    """Microseconds of a time on one day."""
    return hour * HOUR_US + minute * 60_000_000


@pytest.fixture
def study(store: Store, judge: Judge) -> str:
    receipt = store.films.receive(dicom_film(1), name="a", source="ward")
    assert judge("read", 0.7, **A1)
    return receipt.study


def standing(store: Store, study: str) -> list[str | None]:
    return [outcome for _, outcome, stands in outcomes(store, study) if stands]


FINAL, CORRECTED = {"status": "final"}, {"status": "corrected"}
Version = tuple[str, dict[str, Any]]  # outcome, and how it was sent


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        # the night on which the clock was set back
        (("normal", FINAL | {"issued_us": at(2, 50)}), ("abnormal", FINAL | {"issued_us": at(2, 10)}), "abnormal"),
        (("normal", FINAL | {"issued_us": at(2, 50)}), ("abnormal", CORRECTED | {"issued_us": at(2, 10)}), "abnormal"),
        (
            ("normal", CORRECTED | {"issued_us": at(2, 50), "sent_us": at(2, 51)}),
            ("abnormal", CORRECTED | {"issued_us": at(2, 10), "sent_us": at(2, 11)}),
            "abnormal",
        ),
        (
            ("normal", FINAL | {"issued_us": at(12, 0)}),
            ("abnormal", CORRECTED | {"issued_us": at(3, 0)}),
            "abnormal",
        ),
        # no time of the observation
        (("abnormal", CORRECTED), ("normal", FINAL), "abnormal"),
        (("abnormal", CORRECTED | {"sent_us": at(9, 0)}), ("normal", FINAL | {"sent_us": at(12, 0)}), "abnormal"),
        (("abnormal", CORRECTED | {"issued_us": at(9, 0)}), ("normal", FINAL), "abnormal"),
        (("normal", FINAL), ("abnormal", FINAL), "abnormal"),
        (
            ("abnormal", FINAL | {"sent_us": at(12, 0)}),
            ("normal", FINAL | {"sent_us": at(9, 0)}),
            "abnormal",
        ),
        (("normal", CORRECTED), ("abnormal", CORRECTED), "abnormal"),
        # the same time: the message's own time decides, or its arrival
        (
            ("abnormal", FINAL | {"issued_us": at(9, 0), "sent_us": at(12, 0)}),
            ("normal", FINAL | {"issued_us": at(9, 0), "sent_us": at(10, 0)}),
            "abnormal",
        ),
        (("normal", FINAL | {"issued_us": at(9, 0)}), ("abnormal", FINAL | {"issued_us": at(9, 0)}), "abnormal"),
        # order of the observations where clocks are right
        (("abnormal", FINAL | {"issued_us": at(12, 0)}), ("normal", FINAL | {"issued_us": at(9, 0)}), "abnormal"),
        (("normal", CORRECTED | {"issued_us": at(9, 0)}), ("abnormal", FINAL | {"issued_us": at(12, 0)}), "abnormal"),
        (("abnormal", CORRECTED | {"issued_us": at(9, 30)}), ("normal", FINAL | {"issued_us": at(9, 0)}), "abnormal"),
    ],
)
@pytest.mark.parametrize("films", ["before", "after"])
def test_the_later_version_stands(
    store: Store, judge: Judge, first: Version, second: Version, stands: str, films: str
) -> None:
    name = ""
    if films == "before":
        name = arrives(store, 1, **A1)
    for number, (outcome, how) in enumerate((first, second)):
        store.outside_reports.take(said(outcome, content=f"version {number}", **how))
    if films == "after":
        name = arrives(store, 1, **A1)
    assert standing(store, name) == [stands]


def test_the_original_again_after_its_correction_changes_nothing(store: Store, study: str) -> None:
    for films in ("original", "correction", "original", "original with another number"):
        outcome, status = ("normal", "final") if films.startswith("original") else ("abnormal", "corrected")
        store.outside_reports.take(said(outcome, status=status, content=films))
    assert standing(store, study) == ["abnormal"]


def test_a_correction_back_to_an_earlier_correction_counts(store: Store, study: str) -> None:
    first = said("abnormal", status="corrected", content="one", sent_us=at(9, 0))
    assert store.outside_reports.take(first) == "closed"
    assert (
        store.outside_reports.take(said("normal", status="corrected", content="two", sent_us=at(10, 0))) == "corrected"
    )
    assert store.outside_reports.take(first) == "repeated", "a late repetition"
    again = said("abnormal", status="corrected", content="one", sent_us=at(11, 0))
    assert store.outside_reports.take(again) == "corrected"
    assert store.outside_reports.take(again) == "repeated"
    assert standing(store, study) == ["abnormal"]


def test_patients_are_looked_up_before_the_change_and_by_a_fixed_number_of_queries(store: Store, study: str) -> None:
    statements: list[str] = []
    engine = store.database.engine

    @event.listens_for(engine, "before_cursor_execute")
    def count(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    counts = []
    for number in (1, 50):
        patients = (*(f"X{one}" for one in range(number - 1)), "P1")
        statements.clear()
        store.outside_reports.take(said("normal", status="corrected", content=f"{number}", patients=patients))
        begins = next(place for place, one in enumerate(statements) if "merged_patients" in one)
        writes = next(place for place, one in enumerate(statements) if one.startswith(("UPDATE", "INSERT")))
        assert begins < writes
        counts.append(sum("merged_patients" in one for one in statements))
    assert counts[0] == counts[1] <= 2


def test_a_merge_between_the_look_up_and_the_change_is_seen(store: Store, judge: Judge) -> None:
    name = arrives(store, 1, **A1)
    with store.database.reading() as connection:
        from unseen_server.worklist import outside_reports

        prepared = outside_reports.prepare(connection, store.names, said("normal", patients=("P1",)))
    store.studies.merge_patients(prior="P1", surviving="P9", actor="HIS")
    with store.writing() as writing:
        assert outside_reports.take(writing, prepared) == "closed"
    assert standing(store, name) == ["normal"]
