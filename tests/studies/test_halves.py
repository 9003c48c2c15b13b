"""Halves of labelled studies, and the page of what they show."""

from __future__ import annotations

import numpy as np
import pytest

from studies.halves import halves, halves_row
from studies.pages.screening_page import screening_page
from studies.recipe_files import load
from unseen.artifacts.research_only import LIMITS
from unseen.screening import Study


def studies(*, normals: int, abnormals: int, source: str, seed: int) -> list[Study]:
    rng = np.random.default_rng(seed)
    scores = np.concatenate([rng.normal(size=normals), rng.normal(1.5, 1, size=abnormals)])
    return [
        Study(name=f"{source}{i}", patient=f"{source}{i // 2}", source=source, abnormal=i >= normals, score=float(s))
        for i, s in enumerate(scores)
    ]


def test_halves_share_no_patient_and_lose_nothing() -> None:
    every = studies(normals=40, abnormals=30, source="a", seed=0) + studies(normals=9, abnormals=6, source="b", seed=1)
    first, second = halves(every, np.random.default_rng(0))
    assert not {s.patient for s in first} & {s.patient for s in second}
    assert sorted(s.name for s in first + second) == sorted(s.name for s in every)
    assert abs(len(first) - len(second)) <= 8


@pytest.mark.slow
def test_the_row_clears_where_there_are_abnormals_enough_and_refuses_elsewhere() -> None:
    many = [s for s in studies(normals=300, abnormals=400, source="large", seed=0)]
    some = [s for s in studies(normals=60, abnormals=48, source="small", seed=1)]
    row = halves_row(load("shipped/pca"), many + some, splits=6)
    tenth = next(entry for entry in row["rates"] if entry["max_miss_rate"] == 0.10)["sources"]
    assert tenth["large"]["halves"]["normals_cleared"]["value"] > 0.2
    assert tenth["large"]["halves"]["abnormals_missed"]["value"] < 0.10
    assert tenth["small"]["halves"]["reason"].startswith("refused: ")
    assert row["n"]["small"] == {"normal": 60, "abnormal": 48}
    page = screening_page({"screening/shipped/pca-0": row})
    assert "scored by the weights" not in page
    own = screening_page({"screening/shipped/pca-0": {**row, "scored_by": "weights"}})
    assert "448 abnormal films and only the 360 normal films of fold 4" in own
    assert LIMITS in page and tenth["small"]["halves"]["reason"] in page and "No row yet" in page


def test_without_rows_the_page_says_so() -> None:
    assert screening_page({}).count("*No row yet.*") == 3
