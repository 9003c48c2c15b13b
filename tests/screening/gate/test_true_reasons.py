"""Statements of the shipped gate about real films are true, whether it refuses them or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from studies.gate_table import square
from unseen.anatomy.found_lungs import FoundLungs
from unseen.data.film import Film
from unseen.data.manifest import Entry
from unseen.data.reading import read_film
from unseen.screening.gate import Refusal
from unseen.screening.screener import Screener, load

UPRIGHT = [
    "person1504_bacteria_3931", "person462_bacteria_1968", "person680_bacteria_2575", "person696_bacteria_2594",
    "person737_bacteria_2640", "person884_virus_1534",
]  # fmt: skip


@pytest.fixture(scope="module")
def shipped() -> Screener:
    torch.set_num_threads(1)
    return load("models/pca")


def film(path: Path) -> Film:
    found = read_film(Entry(name=path.name, path=path, source="x", patient="p", study="s"))
    assert isinstance(found, Film)
    return found


def judged(shipped: Screener, one: Film) -> Refusal | None:
    assert shipped.gate is not None
    return shipped.gate.judge(one, FoundLungs.of(one, None).by(shipped.detector.finder))  # type: ignore[attr-defined, return-value]


@pytest.mark.parametrize("name", UPRIGHT)
def test_an_upright_chest_with_consolidations_is_not_called_turned(
    shipped: Screener, shared_data: Path, name: str
) -> None:
    (path,) = (shared_data / "kermany").rglob(f"{name}.*")
    upright = film(path)
    told = judged(shipped, upright)
    assert told is None or told.code != "turned", told
    over = judged(shipped, replace(upright, pixels=upright.pixels[::-1, ::-1].copy()))
    assert over is not None, "turned over it is refused, as before"


def test_a_chest_that_is_turned_over_is_called_so(shipped: Screener, shared_data: Path) -> None:
    for path in sorted((shared_data / "ms_cxr" / "images").glob("MCUCXR_000*_0.png"))[:5]:
        upright = film(path)
        told = judged(shipped, replace(upright, pixels=upright.pixels[::-1, ::-1].copy()))
        assert told is not None and told.code == "turned"


def test_a_film_with_opacities_that_is_stored_dark_is_not_called_blank(shipped: Screener, shared_data: Path) -> None:
    for path in sorted((shared_data / "ms_cxr" / "images").glob("MCUCXR_*_1.png"))[:5]:
        bright = film(path)
        told = judged(shipped, replace(bright, pixels=0.02 + bright.pixels / 16, bits=16))
        assert told is None or told.code != "blank", told


@pytest.mark.parametrize(
    ("name", "code", "cause"),
    [
        ("person53_bacteria_254", "lungs", "One lung may be opaque"),
        ("person22_bacteria_74", "unlike", "least in the place and shape of the lungs"),
        ("person124_virus_251", "cropped", "an opaque lung"),
    ],
)
def test_a_whole_film_with_an_opaque_lung_is_told_the_cause(
    shipped: Screener, shared_data: Path, name: str, code: str, cause: str
) -> None:
    (path,) = (shared_data / "kermany").rglob(f"{name}.*")
    told = judged(shipped, film(path))
    assert told is not None and told.code == code and cause in told.reason, told


@pytest.mark.parametrize("view", ["lateral", "frontal"])
def test_laterals_are_called_not_frontal_also_padded_and_frontal_adults_are_not(
    shipped: Screener, shared_data: Path, view: str
) -> None:
    paths = sorted((shared_data / "views" / "images").glob(f"{view}_*"))
    assert len(paths) == {"lateral": 24, "frontal": 40}[view]
    for path in paths:
        unpadded = film(path)
        for one in (unpadded, replace(unpadded, pixels=square(unpadded.pixels))):
            told = judged(shipped, one)
            assert (told is not None and told.code == "not-frontal") == (view == "lateral"), (path.name, told)
