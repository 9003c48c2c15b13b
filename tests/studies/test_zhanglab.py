"""ZhangLab study: equality with the shipped ensemble, one definition of its recipe, folders of its features."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.detectors.frozen_cells import LUNGS, FrozenCells, Lesion, folder_of, frozen_cells
from studies.row_files import read_study
from studies.zhanglab import (
    ALIKE,
    CANDIDATES,
    ENTRY,
    SHORTCUTS,
    ZhangLab,
    cross_validated,
    standardised,
    zhanglab_section,
)
from tests.studies.test_ten_labels import cells
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.artifacts.recipe import validated
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors import Ensemble
from unseen.training.settings import Training

RESULTS = Path(__file__).parents[2] / "studies" / "results"
MEMBERS = (
    {"key": "feature-pca", "blocks": (2,), "grid": 14, "components": 8},
    {"key": "mahalanobis", "blocks": (10,), "grid": 14, "places": 2},
)


@pytest.fixture(scope="module")
def many() -> list[Film]:
    return list(phantoms.twins(40, seed=5, size=96))


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return list(phantoms.twins(4, seed=5, size=96))


def finder_of(films: list[Film], *, steps: int) -> LungFinder:
    torch.set_num_threads(1)
    return LungFinder(LungFinder.Config(size=32, features=8, depth=2, steps=steps)).fit(
        LungExamples.of(films, size=32), seed=3, device="cpu"
    )


@pytest.fixture(scope="module")
def finder(films: list[Film]) -> LungFinder:
    return finder_of(films, steps=2)


@pytest.fixture(scope="module")
def able(many: list[Film]) -> LungFinder:
    return finder_of(many, steps=20)


@pytest.fixture(scope="module")
def data(many: list[Film], able: LungFinder, tmp_path_factory: pytest.TempPathFactory) -> ZhangLab:
    films, finder = many, able
    cells = frozen_cells(films, finder, tmp_path_factory.mktemp("runs"), "phantoms", report=lambda _: None)
    abnormal = np.array([film.label == "abnormal" for film in films])
    fold = np.arange(len(films)) // 2 % 5
    return ZhangLab(cells, fold, abnormal, {}, 0, "")


@pytest.mark.nightly
def test_standardised_scores_equal_those_of_the_shipped_ensemble(
    many: list[Film], able: LungFinder, data: ZhangLab
) -> None:
    films, finder = many, able
    normals = [film for film, ill, fold in zip(films, data.abnormal, data.fold, strict=True) if not ill and fold != 1]
    members = [
        {"key": one["key"], "settings": {name: value for name, value in one.items() if name != "key"}}
        for one in MEMBERS
    ]
    detector = Ensemble(validated({"members": members}, Ensemble.Config, where="method"), view=LUNGS)
    detector.fit(normals, finder=finder, training=Training(device="cpu", threads=1))
    some = np.arange(0, len(films), 3)
    expected = detector.decision_function([films[i] for i in some])
    found = standardised(MEMBERS, data, 1, [(data.cells, some)], 0)[0]
    # The study computes the features in bfloat16, the detector in float32: the scores agree within 5 % of their spread
    # in the median, and their order agrees.
    assert np.median(np.abs(found - expected)) < 0.05 * expected.std()
    assert spearmanr(found, expected).statistic > 0.99
    assert np.polyfit(expected, found, 1)[0] == pytest.approx(1, abs=0.1)


def test_tested_films_are_of_folds_1_to_4_and_do_not_train_their_own_fold() -> None:
    numbers = np.arange(40)
    made = replace(cells(), facts=[{"pixel_sha256": f"{number:x}"} for number in numbers])
    data = ZhangLab(made, numbers // 2 % 5, numbers % 2 == 1, {}, 0, "")
    score = cross_validated(MEMBERS, data, 0)
    assert score.shape == (int(np.isin(data.fold, TEST_FOLDS).sum()),) and 0 not in TEST_FOLDS
    fine = {view: maps.copy() for view, maps in data.cells.fine.items()}
    fine["lungs"][np.flatnonzero(data.fold == 2)[1:]] += 1
    changed = cross_validated(MEMBERS, replace(data, cells=replace(data.cells, fine=fine)), 0)
    first = int(np.flatnonzero(data.fold[np.isin(data.fold, TEST_FOLDS)] == 2)[0])
    assert changed[first] == pytest.approx(score[first])


def test_entry_has_the_members_of_its_recipe() -> None:
    listed = recipes.load(ENTRY).method.settings["members"]
    assert isinstance(listed, list)
    assert [{"key": one["key"], **one["settings"]} for one in listed] == [dict(one) for one in CANDIDATES["entry"]]


def test_features_of_another_finder_view_or_lesion_are_not_read(
    films: list[Film], finder: LungFinder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = LungFinder(LungFinder.Config(size=32, features=8, depth=2, steps=60))
    folders = [
        folder_of(tmp_path, "set", finder),
        folder_of(tmp_path, "set", other),
        folder_of(tmp_path, "set", finder, Lesion("spot", 1, _spot)),
        folder_of(tmp_path, "set", finder, Lesion("spot", 2, _spot)),
        folder_of(tmp_path, "set", finder, Lesion("dot", 1, _spot)),
        folder_of(tmp_path, "other", finder),
    ]
    assert folder_of(tmp_path, "set", finder) == folders[0]
    monkeypatch.setattr("studies.detectors.frozen_cells.VIEWS", {"whole": LUNGS, "lungs": LUNGS})
    assert len({*folders, folder_of(tmp_path, "set", finder)}) == 7


def test_features_are_computed_once_and_again_for_a_new_version_of_the_lesion(
    films: list[Film], finder: LungFinder, tmp_path: Path
) -> None:
    reports: list[str] = []

    def found(lesion: Lesion | None) -> FrozenCells:
        return frozen_cells(films[:2], finder, tmp_path, "set", lesion=lesion, report=reports.append)

    plain, again = found(None), found(None)
    assert len(reports) == 1 and np.array_equal(plain.inside, again.inside)
    drawn = found(Lesion("spot", 1, _spot))
    found(Lesion("spot", 2, _spot))
    assert len(reports) == 3
    assert not np.array_equal(drawn.fine["whole"], plain.fine["whole"])


def test_section_shows_each_row_with_its_number_of_looks() -> None:
    rows = {name: row for name, row in read_study("zhanglab", RESULTS).items() if name != "zhanglab/ensemble-five-0"}
    page = "\n".join(zhanglab_section(rows))
    assert set(rows) == {f"zhanglab/{name}-0" for name in CANDIDATES}
    for row in rows.values():
        assert row["folds"] == list(TEST_FOLDS) and row["looks"] >= 3
        assert set(row["shortcuts"]) == set(SHORTCUTS) and set(row["like_pairs"]) == set(ALIKE)
        line = next(
            one for one in page.splitlines() if one.startswith(f"| `{row['recipe'].removeprefix('zhanglab/')}`")
        )
        assert f"{row['auroc']['value']:.2f} [" in line and line.endswith(f"| {row['looks']} |")
    assert zhanglab_section({}) == []


def test_the_ensemble_of_five_is_in_the_table_and_is_no_candidate() -> None:
    rows = {name: row for name, row in read_study("zhanglab", RESULTS).items() if name != "zhanglab/ensemble-five-0"}
    without = zhanglab_section(rows)
    five = {key: value for key, value in rows["zhanglab/mahalanobis-0"].items() if key not in ("synthetic", "members")}
    five |= {"recipe": "zhanglab/ensemble-five", "px": 256, "finder": "models/ensemble-five", "looks": 1}
    shown = zhanglab_section(rows | {"zhanglab/ensemble-five-0": five})
    [line] = [line for line in "\n".join(shown).splitlines() if line.startswith("| `ensemble-five`, 256 px | –")]
    assert f"{five['auroc']['value']:.2f} [" in line and line.endswith("| 1 |")
    said = shown[2].partition(" `ensemble-five` is no candidate")
    assert said[0] == without[2], "the same candidates, and the same best one"
    assert "its lung finder is that of `models/ensemble-five`. It misses the aim" in said[2]
    assert "its interval does not lie above those of all shortcuts" in said[2] and "painted" not in said[2]


def test_the_ensembles_aim_shortcuts_and_lesions_are_read_from_its_row() -> None:
    rows = read_study("zhanglab", RESULTS)
    five = rows["zhanglab/ensemble-five-0"]
    higher = five | {
        "synthetic": {"opacity": 0.8, "haze": 0.7},
        "auroc": {"value": 0.95, "low": 0.94, "high": 0.96},
        "shortcuts": {"sharpness": {"value": 0.9, "low": 0.88, "high": 0.92}},
    }
    shown = zhanglab_section(rows | {"zhanglab/ensemble-five-0": higher})
    assert "It reaches the aim, and its interval lies above those of all shortcuts." in shown[2]
    assert "one of its members learns from painted opacities" in shown[2]
    assert "| `ensemble-five`, 256 px | 0.80 / 0.70 | 0.95 [0.94, 0.96] |" in "\n".join(shown)


def _spot(film: Film, lungs: NDArray[np.bool_]) -> Film:
    pixels = film.pixels.copy()
    pixels[40:50, 20:30] = 1
    return replace(film, pixels=pixels)
