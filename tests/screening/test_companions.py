"""Companion images, such as a bone-suppressed copy of a film, neither decide about a study nor block it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydicom.dataset import Dataset

from studies.replayed import Replayed, replayed_film
from tests.data.making import data_set
from unseen.data import Film
from unseen.data.image_origin import origin_of_header, related_uids
from unseen.screening import Screener, calibrate
from unseen.screening.companions import PROCESSED
from unseen.screening.film_rows_of_parts import film_rows
from unseen.screening.labelled_studies import studies_of
from unseen.screening.screener import decision_rows
from unseen.screening.study_decisions import with_study_decisions

PIXELS = np.zeros((48, 48), np.uint16)


def header(**tags: Any) -> Dataset:
    return data_set(PIXELS, bits=12, **tags)


@pytest.mark.parametrize(
    ("tags", "origin"),
    [
        ({}, "original"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", ""]}, "original"),
        ({"ImageType": ["DERIVED", "PRIMARY"]}, "derived"),
        ({"ImageType": ["DERIVED", "PRIMARY", "POST_PROCESSED"]}, "derived"),
        ({"ImageType": ["DERIVED", "SECONDARY"]}, "secondary"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "BONE_SUPPRESSED"]}, "processed"),
        ({"ImageType": ["DERIVED", "SECONDARY"], "SeriesDescription": "Chest PA Bone Suppression"}, "processed"),
        ({"ImageType": ["DERIVED", "PRIMARY"], "DerivationDescription": "rib suppression"}, "processed"),
        ({"ImageType": ["DERIVED", "PRIMARY"], "SeriesDescription": "Soft tissue image"}, "processed"),
        ({"ImageType": ["DERIVED", "PRIMARY"], "DerivationDescription": "Catheter enhanced"}, "processed"),
        ({"ImageType": ["ORIGINAL", "PRIMARY"], "SeriesDescription": "Chest PA, ribs and bones"}, "original"),
        ({"ImageType": ["DERIVED", "PRIMARY"], "DerivationDescription": "Lossy compression"}, "derived"),
    ],
)
def test_the_header_states_the_origin(tags: dict[str, Any], origin: str) -> None:
    assert origin_of_header(header(**tags)) == origin


def test_images_of_one_exposure_have_a_uid_in_common() -> None:
    source = Dataset()
    source.ReferencedSOPInstanceUID = "1.2.3.4"
    made = header(SOPInstanceUID="1.2.3.5", SourceImageSequence=[source], IrradiationEventUID="1.9")
    assert related_uids(made) == ["1.2.3.5", "1.9", "1.2.3.4"]
    assert related_uids(header()) == ["1.2.3.4"]


def labelled() -> list[Film]:
    rng = np.random.default_rng(0)
    normals = [
        replayed_film(f"n{i}", float(s), label="normal", source="ward") for i, s in enumerate(rng.normal(size=99))
    ]
    abnormals = [
        replayed_film(f"a{i}", float(s), label="abnormal", source="ward")
        for i, s in enumerate(rng.normal(2, 1, size=60))
    ]
    return normals + abnormals


@pytest.fixture(scope="module")
def screener() -> Screener:
    return calibrate(Replayed(), labelled(), 0.10, 0.95)


def film(name: str, score: float, **more: Any) -> Film:
    return replace(replayed_film(name, score, source="ward", study="s", patient="p"), **more)


def of(screener: Screener, *films: Film) -> tuple[str, float | None]:
    decision = screener.study(list(screener.screen(films)))
    return decision.action, decision.score


ORIGINAL = film("pa", -9.0, related=("1.1",))
HIGH = film("high", 9.0, related=("1.1",))


@pytest.mark.parametrize(
    "companion",
    [
        film("bone", 9.0, origin="processed"),
        film("capture", 9.0, origin="secondary"),
        film("copy", 9.0, origin="derived", related=("1.2", "1.1")),
    ],
)
def test_a_companion_neither_blocks_a_study_nor_clears_it(screener: Screener, companion: Film) -> None:
    assert of(screener, ORIGINAL, companion) == of(screener, companion, ORIGINAL) == ("clear", -9.0)
    low = replace(companion, columns={"score": "-9.0"})
    assert of(screener, HIGH, low) == ("read", 9.0)


@pytest.mark.parametrize("origin", ["derived", "secondary"])
def test_a_study_whose_only_film_is_derived_is_decided_by_it(screener: Screener, origin: Any) -> None:
    assert of(screener, film("only", -9.0, origin=origin)) == ("clear", -9.0)
    assert of(screener, film("only", 9.0, origin=origin)) == ("read", 9.0)


def test_a_derived_film_of_another_exposure_decides(screener: Screener) -> None:
    other = film("second exposure", 9.0, origin="derived", related=("1.5", "1.6"))
    assert of(screener, ORIGINAL, other) == ("read", 9.0)


def test_a_processed_image_alone_is_scored_and_never_cleared(screener: Screener) -> None:
    alone = film("bone", -9.0, origin="processed")
    decision = screener(alone)
    assert (decision.action, decision.score, decision.reason) == ("read", -9.0, PROCESSED)
    assert of(screener, alone)[0] == "read"


def test_calibration_leaves_companions_out() -> None:
    screened = list(
        Screener(Replayed()).screen(
            [replace(ORIGINAL, label="normal"), film("bone", 9.0, origin="processed", label="normal")]
        )
    )
    (study,) = studies_of(screened, source_tag=None)
    assert study.score == -9.0 and len(study.films) == 1


@pytest.mark.parametrize(
    "films",
    [
        [ORIGINAL, film("bone", 9.0, origin="processed")],
        [ORIGINAL, film("copy", 9.0, origin="derived", related=("1.1",))],
        [ORIGINAL, film("other", 9.0, origin="derived", related=("1.9",))],
        [HIGH, film("bone", -9.0, origin="processed")],
        [film("bone", -9.0, origin="processed")],
        [film("capture", -9.0, origin="secondary"), film("side", 9.0, view_position="LL")],
    ],
)
def test_parts_of_an_archive_give_the_same_decisions(screener: Screener, films: Sequence[Film]) -> None:
    together = [row.decision for row in decision_rows(screener, films)]
    rows = pl.DataFrame([vars(row) for row in film_rows(screener, films)])
    assert with_study_decisions(rows)["decision"].to_list() == together
    earlier = with_study_decisions(rows.drop("origin", "related"))
    assert len(earlier) == len(films)
