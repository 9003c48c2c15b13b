"""Heads that are trained on few labels: independence of the tested films, and the section of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from studies.detectors.frozen_cells import DEEP, FINE, GRID, VIEWS, FrozenCells
from studies.row_files import read_study
from studies.ten_labels import SETS, Labels, ten_labels_section
from unseen.networks.efficientnet_lite import CHANNELS

RESULTS = Path(__file__).parents[2] / "studies" / "results"


def cells() -> FrozenCells:
    """Return features of 40 films that differ between normal and abnormal ones."""
    rng = np.random.default_rng(0)
    shift = 0.3 * (np.arange(40) % 2)[:, None, None, None]

    def drawn(channels: int, side: int) -> dict[str, NDArray[np.float16]]:
        return {view: (rng.normal(size=(40, channels, side, side)) + shift).astype(np.float16) for view in VIEWS}

    fine, deep = drawn(sum(CHANNELS[block] for block in FINE), GRID), drawn(CHANNELS[DEEP], GRID // 2)
    return FrozenCells([{} for _ in range(40)], fine, deep, np.ones((40, GRID, GRID), np.float16))


@pytest.fixture(scope="module")
def features() -> FrozenCells:
    return cells()


def labels(found: FrozenCells) -> Labels:
    return Labels.of(found, np.arange(40) // 2 % 5, np.arange(40) % 2 == 1)


def test_scores_do_not_depend_on_other_tested_films_or_on_abnormal_films_that_are_not_drawn(
    features: FrozenCells,
) -> None:
    found = labels(features)
    tested, before = found.scores(1, 5, 0)
    ill = np.flatnonzero(found.abnormal & (found.fold != 1))
    drawn = np.random.default_rng([0, 1]).choice(ill, 5, replace=False)
    changed = np.concatenate([tested[1:], np.setdiff1d(ill, drawn)])

    def moved(maps: Mapping[str, NDArray[np.float16]]) -> dict[str, NDArray[np.float16]]:
        out = {view: one.copy() for view, one in maps.items()}
        for one in out.values():
            one[changed] = 2 - 3 * one[changed]
        return out

    _, after = labels(replace(features, fine=moved(features.fine), deep=moved(features.deep))).scores(1, 5, 0)
    for name in ("normals_only", "head", "combined"):
        assert after[name][0] == pytest.approx(before[name][0], rel=1e-6), name
        assert after[name][1] != pytest.approx(before[name][1], rel=1e-3), name


def test_section_has_the_figures_of_the_committed_rows() -> None:
    rows = read_study("ten_labels", RESULTS)
    page = "\n".join(ten_labels_section(rows))
    for row in rows.values():
        ten = next(one for one in row["curve"] if one["abnormals"] == 10)
        assert f"| `{row['set']}` | 10 | " in page and f"{ten['combined']['auroc']['value']:.2f} [" in page
        assert "low" not in ten["normals_only"]["auroc"]
        assert f"| `{row['set']}` | 10 | {ten['normals_only']['auroc']['value']:.2f} | " in page
    assert {row["set"] for row in rows.values()} == set(SETS)
    assert ten_labels_section({}) == []
