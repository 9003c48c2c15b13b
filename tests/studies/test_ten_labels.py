"""Heads that learn from few labels: what they may see, and the section of the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.detectors.frozen_cells import FrozenCells
from studies.row_files import read_study
from studies.ten_labels import Labels, ten_labels_section

RESULTS = Path(__file__).parents[2] / "studies" / "results"


def labels() -> Labels:
    rng = np.random.default_rng(0)
    fold = np.arange(200) % 5
    abnormal = np.arange(200) % 2 == 1
    features = torch.from_numpy(rng.normal(size=(200, 400)) + 0.3 * abnormal[:, None])
    cells = FrozenCells([{} for _ in fold], {}, {}, np.zeros((0, 14, 14), np.float16))
    return Labels(cells, fold, abnormal, features, rng.normal(size=(5, 200)))


def test_scores_do_not_depend_on_films_that_do_not_teach() -> None:
    found = labels()
    tested, before = found.judged(0, 5, 0)
    changed = found.features.clone()
    changed[tested[1:]] += 100  # all tested films but the first
    rng = np.random.default_rng([0, 0])
    taught = rng.choice(np.flatnonzero(found.abnormal & (found.fold != 0)), 5, replace=False)
    untaught = np.setdiff1d(np.flatnonzero(found.abnormal & (found.fold != 0)), taught)
    changed[untaught] -= 100
    _, after = replace(found, features=changed).judged(0, 5, 0)
    assert after["combined"][0] == pytest.approx(before["combined"][0])
    assert after["head"][1] != pytest.approx(before["head"][1])


def test_section_has_the_figures_of_the_committed_rows() -> None:
    rows = read_study("ten_labels", RESULTS)
    page = "\n".join(ten_labels_section(rows))
    for row in rows.values():
        ten = next(one for one in row["curve"] if one["abnormals"] == 10)
        assert f"| `{row['set']}` | 10 | " in page and f"{ten['combined']['auroc']['value']:.2f} [" in page
    assert ten_labels_section({}) == []
