"""DICOM tags that speak against a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unseen.data import phantoms
from unseen.screening.gate import CODES, Gate, Refusal, refusal_code
from unseen.screening.gate.refusal_codes import short_reason
from unseen.screening.gate.tag_checks import age_years, judge_tags

SOUND = {"Modality": "DX", "BodyPartExamined": "CHEST", "PatientAge": "044Y"}


@pytest.mark.parametrize(
    ("tags", "code", "words"),
    [
        ({"Modality": "CT"}, "modality", "Modality is CT [modality]: "),
        ({"BodyPartExamined": "Abdomen"}, "body-part", "BodyPartExamined is ABDOMEN [body-part]: "),
        (
            {"PatientAge": "015Y"},
            "age",
            "the patient is younger than 16 years [age]: ",
        ),
        ({"PatientAge": "018M"}, "age", "the patient is younger than 16 years [age]: "),
    ],
)
def test_a_tag_that_speaks_against_a_film_refuses_it(tags: dict[str, str], code: str, words: str) -> None:
    told = judge_tags(SOUND | tags, least_age_years=16)
    assert told is not None and told.code == code and told.reason.startswith(words)


@pytest.mark.parametrize(
    "tags",
    [
        {},
        SOUND,
        SOUND | {"Modality": "CR", "BodyPartExamined": "THORAX"},
        SOUND | {"BodyPartExamined": "CHEST_TO_ABDOMEN"},
        SOUND | {"Modality": "", "BodyPartExamined": " ", "PatientAge": ""},
        SOUND | {"PatientAge": "016Y"},
        SOUND | {"PatientAge": "unknown"},
    ],
)
def test_sound_or_silent_tags_refuse_nothing(tags: dict[str, str]) -> None:
    assert judge_tags(tags, least_age_years=16) is None


def test_a_model_of_children_has_no_least_age() -> None:
    assert judge_tags({"PatientAge": "003Y"}, least_age_years=None) is None


def test_ages_are_read_in_days_weeks_months_and_years() -> None:
    found = [age_years(said) for said in ("010D", "010W", "006M", "080Y", "80", "")]
    assert found == pytest.approx([10 / 365.25, 70 / 365.25, 0.5, 80.0, None, None])


def test_the_gate_asks_the_tags_first(gate: Gate) -> None:
    film = replace(next(iter(phantoms.normals(1, size=64))), tags=SOUND | {"Modality": "MG"})
    told = gate.judge(replace(film, pixels=np.zeros_like(film.pixels)), None)
    assert told is not None and told.code == "modality"


def test_every_refusal_has_one_short_clause_with_its_code_and_no_unexplained_number() -> None:
    for code, known in CODES.items():
        refusal = Refusal(code, value=109970579527258.0, threshold=1.0, what="x")
        assert refusal_code(refusal.clause) == refusal_code(refusal.reason) == known
        assert short_reason(refusal.reason) == refusal.clause and len(refusal.clause) <= 100
        assert ": " not in refusal.clause and ". " not in refusal.clause, "a row's clause ends there"
        assert "1099" not in refusal.reason


@pytest.mark.parametrize("part", ["HAND [age]", "HAND: LEFT", "HAND. LEFT", "[]"])
def test_a_tag_cannot_change_the_code_of_its_refusal(part: str) -> None:
    told = judge_tags({"BodyPartExamined": part}, least_age_years=16)
    assert told is not None and (found := refusal_code(told.reason)) is not None and found.code == "body-part"
    assert ": " not in told.clause and ". " not in told.clause


def test_other_reasons_stay_whole() -> None:
    for reason in ("no policy: films are ranked", "clearing is stopped [why]: it drifts", ""):
        assert refusal_code(reason) is None and short_reason(reason) == reason
