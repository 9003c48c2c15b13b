"""DICOM tags that speak against a film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unseen.data import phantoms
from unseen.screening.gate import Gate
from unseen.screening.gate.refusal import age_years, judge_tags

SOUND = {"Modality": "DX", "BodyPartExamined": "CHEST", "PatientAge": "044Y"}


@pytest.mark.parametrize(
    ("tags", "kind", "words"),
    [
        ({"Modality": "CT"}, "modality", "no X-ray film: Modality is CT, and CR or DX is scored"),
        ({"BodyPartExamined": "Abdomen"}, "body-part", "no chest film: BodyPartExamined is ABDOMEN"),
        (
            {"PatientAge": "015Y"},
            "age",
            "a child by its age or birth date: the patient is 15 years old, this model learnt from films of adults",
        ),
        ({"PatientAge": "018M"}, "age", "a child by its age or birth date: the patient is 18 months old"),
    ],
)
def test_a_tag_that_speaks_against_a_film_refuses_it(tags: dict[str, str], kind: str, words: str) -> None:
    told = judge_tags(SOUND | tags, least_age_years=16)
    assert told is not None and told.kind == kind and told.reason.startswith(words)


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
    assert told is not None and told.kind == "modality"
