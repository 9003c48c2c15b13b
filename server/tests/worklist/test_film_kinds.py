"""Projection and origin of a film, as the worklist keeps them: laterals and companion images do not decide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.worklist.conftest import Judge, listed, on_both_databases, png
from unseen_server.worklist.store import Store

STUDY = {"StudyInstanceUID": "1.2.3", "PatientID": "p1"}


def judged(store: Store, judge: Judge, number: int, action: str, **header: Any) -> str:
    store.settings.set_settle_s(0, actor="lea")
    receipt = store.films.receive(png(number), name=f"{number}", source="ward")
    assert judge(action, 0.1 if action == "clear" else 0.9, header=header, **STUDY, SOPInstanceUID=f"1.2.3.{number}")
    return store.studies.details(receipt.study).entry.study


@pytest.mark.parametrize(
    ("action", "header"),
    [
        ("read", {"origin": "processed"}),
        ("read", {"origin": "secondary"}),
        ("read", {"origin": "derived", "related": ("1.2.3.2", "1.2.3.1")}),
        ("not_scored", {"projection": "lateral", "view_position": None}),
        ("not_scored", {"origin": "processed"}),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_companions_and_laterals_do_not_keep_a_study_from_being_cleared(
    store: Store, judge: Judge, action: str, header: dict[str, Any], first: bool
) -> None:
    companion, original = (2, action, header), (1, "clear", {"related": ("1.2.3.1",)})
    for number, done, stated in (companion, original) if first else (original, companion):
        study = judged(store, judge, number, done, **stated)
    assert listed(store, "cleared") == [study] and store.studies.details(study).entry.films == 2


@on_both_databases
@pytest.mark.parametrize(
    "header",
    [
        {"projection": "uncertain"},
        {"projection": "uncertain", "view_position": "AXIAL"},
        {"origin": "derived", "related": ("1.2.3.9",), "projection": "uncertain"},
    ],
)
def test_a_film_of_uncertain_projection_keeps_its_study_from_being_cleared(
    store: Store, judge: Judge, header: dict[str, Any]
) -> None:
    study = judged(store, judge, 1, "clear")
    assert listed(store, "cleared") == [study]
    judged(store, judge, 2, "clear", **header)
    assert listed(store, "cleared") == []
    decided = store.studies.details(study, blind=False).decision
    assert decided is not None and "does not state for certain" in decided.reason


@on_both_databases
def test_a_derived_film_of_another_exposure_keeps_its_study_from_being_cleared(store: Store, judge: Judge) -> None:
    judged(store, judge, 1, "clear", related=("1.2.3.1", "1.9"))
    judged(store, judge, 2, "read", origin="derived", related=("1.2.3.2", "1.8"))
    assert listed(store, "cleared") == []
