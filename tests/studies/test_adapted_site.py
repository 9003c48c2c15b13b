"""A site that teaches and calibrates with its own labels: who teaches, what sets a threshold, what the page shows."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.detectors.adapted_site import (
    BEFORE,
    CHOSEN,
    POOLED,
    ROWS,
    Counted,
    alone,
    beside_site,
    divided,
    drawn,
    over_draws,
    over_folds,
)
from studies.detectors.few_labels import LabelledFilms, Seen
from tests.studies.committed import committed_study
from unseen.cli.adapt import adapt
from unseen.data import phantoms
from unseen.screening.guarantee import Guarantee

RESULTS = Path(__file__).parents[2] / "studies" / "results"
FOLDS, EACH, RATE = 3, 80, 0.2


def films_of(*, swapped: bool = False) -> LabelledFilms:
    """Three folds of two sources, a patient's two films alike; features carry the label. Swapped: fold 0's labels are
    the other way round."""
    rng = np.random.default_rng(0)
    (film,) = phantoms.normals(1, seed=0, size=64)
    n = FOLDS * EACH
    fold, abnormal = np.arange(n) // EACH, np.arange(n) // 2 % 2 == 1
    base = rng.normal(size=n) + 0.5 * abnormal
    features = torch.from_numpy(rng.normal(size=(n, 12)) + abnormal[:, None])
    statistics: list[dict[str, float | None]] = [{"sharpness": float(value)} for value in rng.normal(size=n)]
    shown = np.where(fold == 0, ~abnormal, abnormal) if swapped else abnormal
    listed = [
        replace(
            film,
            name=f"film {i}",
            study=f"film {i}",
            patient=f"patient {i // 2}",
            source="east" if i % 8 < 4 else "west",
            label="abnormal" if sick else "normal",
        )
        for i, sick in enumerate(shown.tolist())
    ]
    return LabelledFilms(
        listed, fold, base, statistics, {number: Seen(features, base, np.full(n, 0.3)) for number in range(FOLDS)}
    )


def test_patients_teach_or_calibrate_and_those_of_the_tested_fold_do_neither() -> None:
    films = films_of()
    teaching, calibrating = divided(films, 1, 0.25, np.random.default_rng(0))
    assert sorted([*teaching, *calibrating]) == np.flatnonzero(films.fold != 1).tolist()
    first, second = ({films.films[i].patient for i in part.tolist()} for part in (teaching, calibrating))
    assert not first & second and len(first) == 0.25 * (len(first) + len(second))
    assert films.abnormal[teaching].mean() == 0.5 and set(films.source[teaching]) == {"east", "west"}


def test_labels_of_the_tested_fold_neither_teach_nor_calibrate() -> None:
    pair = [films_of(swapped=swapped) for swapped in (False, True)]
    for right, wrong in (
        [drawn(films, (0,), 0, 0.5, (RATE,)) for films in pair],
        [alone(films, (0,), (RATE,)) for films in pair],
    ):
        for key, (one,) in right.items():
            (other,) = wrong[key]
            assert (one.cleared, one.missed) == (other.missed, other.cleared), key
        (one,) = right[RATE, POOLED]
        assert not one.refused and one.cleared > one.missed


def test_fewer_films_calibrate_a_head_than_the_detector_alone() -> None:
    films, rates = films_of(), (RATE, 0.001)
    with_head, without = drawn(films, (0, 1), 0, 0.5, rates), alone(films, (0, 1), rates)
    for source, abnormals in (("east", 40), ("west", 40), (POOLED, 80)):
        for found, calibrating in ((with_head, abnormals // 2), (without, abnormals)):
            assert [one.calibrating for one in found[RATE, source]] == [calibrating] * 2
            for rate in rates:  # a patient has two films and counts once
                too_few = Guarantee(rate, 0.95).allowed_misses(calibrating // 2) is None
                assert [one.refused for one in found[rate, source]] == [too_few] * 2
    assert with_head[RATE, "east"][0].refused and not without[RATE, "east"][0].refused


def test_a_refused_threshold_clears_nothing_and_shares_are_of_all_folds() -> None:
    one = Counted(calibrating=9, normals=10, cleared=5, abnormals=10, missed=1, refused=False)
    none = replace(one, cleared=0, missed=0, refused=True)
    assert over_folds([one, none])["normals_cleared"] == 0.25
    row = over_draws([[one, none], [one, one]])
    assert row["refused"] == 0.25 and row["normals_cleared"]["value"] == pytest.approx((0.25 + 0.5) / 2)
    assert row["abnormals_missed"]["value"] == pytest.approx((0.05 + 0.1) / 2)


def test_the_command_divides_patients_as_fold_0_chose() -> None:
    assert inspect.signature(adapt).parameters["share"].default == CHOSEN


def test_the_page_has_what_a_site_gets_and_what_chose_the_share() -> None:
    rows = [row for name, row in committed_study("detectors").items() if name.startswith(ROWS)]
    page = "\n".join(beside_site(rows))
    (choice,) = (row for row in rows if row["folds"] == [0])
    assert {one["share"] for one in choice["shares"]} > {CHOSEN, BEFORE}
    assert "Fold 0 chose the share" in page
    for row in rows:
        if row is choice:
            continue
        (of,) = (one for one in row["shares"] if one["share"] == CHOSEN)
        (rate,) = (one for one in of["rates"] if one["max_miss_rate"] == 0.05)
        for source in rate["sources"].values():
            cleared = source["normals_cleared"]
            assert source["refused"] == 1 or f"| {cleared['value']:.2f} [{cleared['low']:.2f}," in page
            assert source["abnormals_missed"]["value"] <= 0.05
    assert "No row yet" in beside_site([])[1]
