"""Nomination by like pairs and laterality: lesions in one lung, a shared network, figures over trainings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.nominate import (
    DRAWN,
    LESIONS,
    Asked,
    chosen_figures,
    one_sided_lesions,
    over_seeds,
    report_figures,
    scored,
    share_network,
    with_lesion,
)
from studies.one_sided import halves, kept_films
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors import Dct, Ensemble, Mahalanobis
from unseen.detectors.detector import Detector
from unseen.detectors.ensemble import Member
from unseen.detectors.feature_pca import FeaturePca
from unseen.evaluation.laterality_auroc import laterality

MEMBERS = (Member(key="pca", settings={"components": 4}), Member(key="dct"))


@pytest.fixture(scope="module")
def films() -> list[Film]:
    torch.set_num_threads(1)
    return list(phantoms.normals(24, seed=3, size=96))


@pytest.mark.parametrize("kind", LESIONS)
@pytest.mark.parametrize("side", ["right", "left"])
def test_a_lesion_changes_one_lung_only_and_is_the_same_each_time(films: list[Film], kind: str, side: str) -> None:
    changed = 0
    for film in films[:8]:
        ill = with_lesion(film, kind, side)
        assert film.lungs is not None and ill.label == "abnormal" and film.label == "normal"
        both = halves(film.lungs)
        assert both is not None
        lung = both[0] if side == "right" else both[1]
        other = ~lung
        np.testing.assert_allclose(ill.pixels[other], film.pixels[other], atol=1e-6)
        np.testing.assert_array_equal(with_lesion(film, kind, side).pixels, ill.pixels)
        changed += bool((np.abs(ill.pixels - film.pixels) > 0.02).any())
    assert changed >= 4


def test_each_film_has_a_lesion_in_each_lung_and_both_kinds_come_on_both_sides(films: list[Film]) -> None:
    found = [one for film in films for one in one_sided_lesions(film, 0)]
    assert len(found) == 2 * len(films)
    assert [one.side for one in found].count("right") == len(films)
    assert {(one.file.partition(DRAWN)[2], one.side) for one in found} == {
        (kind, side) for kind in LESIONS for side in ("right", "left")
    }
    assert not list(one_sided_lesions(replace(films[0], lungs=None), 0))


def test_a_shared_network_changes_no_score(films: list[Film]) -> None:
    view = View(frame="whole", size=64)

    def made() -> list[Detector]:
        return [FeaturePca(view=view, blocks=(2,), grid=8, components=6), Mahalanobis(view=view, blocks=(4,), grid=4)]

    alone = [one.fit(films[:16]) for one in made()]
    together = made()
    share_network(together)
    assert together[0].backbone is together[1].backbone  # type: ignore[attr-defined]
    for first, second in zip(alone, [one.fit(films[:16]) for one in together], strict=True):
        assert [one.score for one in first.score(films[16:])] == [one.score for one in second.score(films[16:])]  # type: ignore[union-attr]


def test_scores_are_those_of_the_detector_and_are_kept(films: list[Film], tmp_path: Path) -> None:
    view = View(frame="whole", size=32)
    detectors: dict[str, Detector] = {
        "dct": Dct(view=view).fit(films[:20]),
        "ensemble": Ensemble(members=MEMBERS, view=view).fit(films[:20]),
    }
    kept = {name: tmp_path / f"{name}.jsonl" for name in detectors}
    asked = [Asked(film, film.name, 0, "") for film in films[20:]]
    scored(detectors, asked[:3], kept)
    scored(detectors, asked, kept)
    for name, detector in detectors.items():
        found = list(kept_films(kept[name]))
        assert [one.file for one in found] == [one.file for one in asked]
        expected = [detector.score_film(film).score for film in films[20:]]  # type: ignore[union-attr]
        assert [one.score for one in found] == pytest.approx(expected)


def test_one_training_has_the_figure_of_laterality_and_more_trainings_their_mean() -> None:
    rng = np.random.default_rng(1)
    side = np.arange(40) < 25
    ratios = rng.normal(size=(3, 40)) + 0.8 * side
    alone = laterality(ratios[0], side).figure.to_json()
    assert over_seeds(ratios[:1], side)["value"] == pytest.approx(alone["value"])
    means = np.mean([laterality(one, side, draws=2).figure.to_json()["value"] for one in ratios])
    found = over_seeds(ratios, side)
    assert found["value"] == pytest.approx(means)
    assert found["low"] < found["value"] < found["high"]  # type: ignore[operator]
    assert over_seeds(np.exp(3 * ratios), side) == found


def test_the_index_is_the_mean_of_both_figures(films: list[Film], tmp_path: Path) -> None:
    twins = list(phantoms.normals(30, seed=9, size=64))
    view = View(frame="whole", size=32)
    detectors: dict[str, Detector] = {"dct": Dct(view=view).fit(films)}
    kept = {"dct": tmp_path / "dct.jsonl"}
    asked = [one for film in twins for one in (Asked(film, film.name, 0, ""), *one_sided_lesions(film, 0))]
    scored(detectors, asked, kept)
    lines = list(kept_films(kept["dct"]))
    found = chosen_figures(lines)
    assert found["n"] == {"normal": 30, "synthetic": 60, "real": 0}
    blind = chosen_figures([replace(one, ratio=0.0) for one in lines])
    seeing = chosen_figures([replace(one, ratio={"right": 0.5, "left": -0.5}.get(one.side, 0.0)) for one in lines])
    assert (blind["laterality"]["value"], seeing["laterality"]["value"]) == (0.5, 1.0)
    assert seeing["index"] == pytest.approx(blind["index"] + 0.25)
    assert found["like_pairs"]["all"]["value"] == blind["like_pairs"]["all"]["value"]
    twice = report_figures({0: lines, 1: lines})
    assert twice["laterality_each"][0] == twice["laterality_each"][1]
    assert twice["seeds"] == [0, 1]
