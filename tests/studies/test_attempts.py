"""Short experiments: painted lesions, methods that compare both sides, unread films, and the page of the rows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from studies.attempts.lesions import PAINTERS, UPPER, tuberculous, upper_zone
from studies.attempts.page import attempts_page
from studies.attempts.sided_cells import SidedCells
from studies.attempts.sides import EXPERIMENTS, SHADOWS, TUBERCULOUS, Candidate, Normals, chosen_by, of_films, scored
from studies.attempts.sides import ROWS as SIDES
from studies.attempts.stream import KNOWN, Stream, aurocs_of, settings
from studies.attempts.volume import AREA, CANDIDATES, combined, found_sides, in_deviations, members_of
from studies.attempts.volume import ROWS as VOLUME
from studies.attempts.volume import chosen_by as volume_chosen_by
from tests.studies.committed import committed_rows, committed_study
from unseen.detectors.feature_lda import FeatureLda
from unseen.evaluation.roc import auroc

ROOT = Path(__file__).parents[2]
GRID, CHANNELS, FILMS = 14, 6, 60


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def lungs(size: int = 112) -> torch.Tensor:
    mask = torch.zeros(size, size, dtype=torch.bool)
    mask[4 : size - 4, 4 : size // 2 - 6] = mask[4 : size - 4, size // 2 + 6 : size - 4] = True
    return mask


@pytest.mark.parametrize("number", range(len(PAINTERS)))
def test_each_lesion_is_drawn_inside_the_lungs_where_its_kind_lies(number: int) -> None:
    mask = lungs()
    x, inside = torch.full((6, 1, 112, 112), -0.4) * mask, mask.expand(6, 1, 112, 112)
    for seed in range(6):
        drawn = tuberculous(x[:1], inside[:1], generator=torch.Generator().manual_seed(seed), first=number)
        away = (drawn - x[:1]).abs()[0, 0]
        assert float(away.max()) > 0.05
        assert not bool(away[~mask].any())
        name = PAINTERS[number][0]
        right, left = (float(away[:, half].sum() / away.sum()) for half in (slice(0, 56), slice(56, 112)))
        if name in ("cavities", "apical fibrosis", "lobar consolidation"):
            assert max(right, left) > 0.9, name  # one lung
        if name == "miliary":
            assert min(right, left) > 0.4
        if name in ("cavities", "apical fibrosis"):
            assert float(away[: 4 + round((UPPER + 0.2) * 104)].sum() / away.sum()) > 0.9, name


def test_the_upper_zone_of_an_empty_mask_is_empty() -> None:
    assert not upper_zone(torch.zeros(8, 8, dtype=torch.bool)).any()


def sided(shift: float, *, seed: int, side: str = "") -> SidedCells:
    """Return random features with `shift` added at some cells of one side, as the network would see both images."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(FILMS, CHANNELS, GRID, GRID)).astype(np.float32)
    changed = np.zeros((FILMS, GRID, GRID), dtype=bool)
    if side:
        changed[:, 3:6, slice(2, 5) if side == "right" else slice(9, 12)] = True
        x += shift * changed[:, None]
    right, left = np.zeros((2, FILMS, GRID, GRID), dtype=bool)
    right[:, 1:13, 1:6], left[:, 1:13, 8:13] = True, True
    facts = [{"name": f"{i}", "fold": i % 5} for i in range(FILMS)]
    inside = (right | left).astype(np.float32)
    mirrored = x[..., ::-1].astype(np.float16)
    return SidedCells(facts, x.astype(np.float16), mirrored, inside, right, left, changed)


@pytest.fixture(scope="module")
def normals() -> Normals:
    plain = sided(0, seed=0)
    lesions = {name: sided(2, seed=i, side=side) for i, (name, side) in enumerate(
        zip((*SHADOWS, *TUBERCULOUS), ("right", "left", "right", "left"), strict=True), start=1)}  # fmt: skip
    return Normals({"plain": plain, "retaken": sided(0, seed=9), **lesions}, np.arange(FILMS))


METHODS = {name: one for candidates in EXPERIMENTS.values() for name, one in candidates.items()}


@pytest.mark.parametrize("name", METHODS)
def test_all_methods_find_the_lesion_and_all_with_a_sign_its_side(normals: Normals, name: str) -> None:
    method = METHODS[name]
    healthy, right, left = (
        scored(normals, method, cells)
        for cells in (sided(0, seed=20), sided(2, seed=21, side="right"), sided(2, seed=22, side="left"))
    )
    truth = np.repeat([False, True], [FILMS, 2 * FILMS])
    assert auroc(truth, np.concatenate([healthy[0], right[0], left[0]])) > 0.9
    side = auroc(np.repeat([True, False], FILMS), np.array([*right[1], *left[1]], dtype=float))
    if name in ("difference", "difference-residual"):
        assert 0.35 < side < 0.65  # |x − x′| is the same on both sides
    else:
        assert side > 0.9


def test_the_areas_of_both_found_lungs_are_compared_at_their_boundary() -> None:
    inside = np.zeros((GRID, GRID), np.float32)
    inside[2:12, 1:6], inside[2:12, 8:12], inside[2:12, 12] = 1, 1, 0.5
    right, left, ratio = found_sides(inside)
    assert ratio == pytest.approx(np.log(45 / 50))
    assert right[:, 1:6].sum() == 50 == right.sum() and left[:, 8:13].sum() == 40 == left.sum()
    mirrored = found_sides(inside[:, ::-1])
    assert mirrored[2] == pytest.approx(-ratio) and np.array_equal(mirrored[0], left[:, ::-1])
    right, left, ratio = found_sides(np.zeros((GRID, GRID), np.float32))
    assert ratio == 0 and right[:, :7].all() and left[:, 7:].all() and not (right & left).any()


@pytest.mark.parametrize("name", CANDIDATES)
def test_a_smaller_lung_with_a_lesion_is_the_ill_one_and_the_drawn_lungs_are_not_used(
    normals: Normals, name: str
) -> None:
    def smaller(cells: SidedCells, side: slice, rows: np.ndarray) -> SidedCells:
        inside = cells.inside.copy()
        for film, last in zip(inside, rows, strict=True):
            film[last:, side] = 0
        return replace(cells, inside=inside)

    rng = np.random.default_rng(4)
    healthy = smaller(sided(0, seed=30), slice(0, 7), rng.integers(11, 14, FILMS))
    own = members_of(normals, healthy)
    ill = {
        side: members_of(normals, smaller(sided(0.5, seed=31, side=side), half, rng.integers(8, 11, FILMS)))
        for side, half in (("right", slice(0, 7)), ("left", slice(7, 14)))
    }
    found = {side: combined(in_deviations(one, own), CANDIDATES[name]) for side, one in ill.items()}
    plain = combined(in_deviations(own, own), CANDIDATES[name])
    truth = np.repeat([True, False], FILMS)
    side = auroc(truth, np.array([*found["right"][1], *found["left"][1]]))
    maps = {one: combined(in_deviations(ill[one], own), [m for m in CANDIDATES[name] if m != AREA]) for one in ill}
    alone = auroc(truth, np.array([*maps["right"][1], *maps["left"][1]]))
    assert side > 0.95 and side > alone
    assert auroc(np.repeat([False, True], FILMS), np.concatenate([plain[0], found["right"][0]])) > 0.8
    blind = replace(healthy, right=np.zeros_like(healthy.right), left=np.zeros_like(healthy.left))
    again = members_of(normals, blind)
    assert all(np.array_equal(again[key][0], own[key][0]) for key in own)


def test_members_have_equal_weights_in_deviations_of_normal_films() -> None:
    normal = {AREA: (np.array([0.0, 2]), np.array([0.0, 2])), "m": (np.array([10.0, 30]), np.array([1.0, 3]))}
    found = in_deviations({AREA: (np.array([-3.0]),) * 2, "m": (np.array([40.0]), np.array([5.0]))}, normal)
    score, side = combined(found, (AREA, "m"))
    assert side == [-4 + 2] and score.tolist() == [4 + 3]  # a film's score has no sign


def test_the_discriminant_is_that_of_feature_lda(normals: Normals) -> None:
    found = normals.marks(Candidate("lda", SHADOWS), of_films(sided(2, seed=21, side="right"), np.arange(4)))
    plain, again = sided(0, seed=0), sided(0, seed=9)
    detector = FeatureLda(size=224, grid=GRID, blocks=(2,))
    placed = {}
    mean, scale = plain.maps.astype(np.float64).mean(0), None
    scale = np.sqrt(((plain.maps - mean) ** 2).mean(axis=(0, 2, 3)))
    for name, cells in {"plain": plain, "again": again, "one": sided(2, seed=1, side="right"),
                        "two": sided(2, seed=2, side="left")}.items():  # fmt: skip
        z = ((cells.maps - mean) / scale[:, None, None]).transpose(0, 2, 3, 1)
        placed[name] = z[(cells.inside > 0.5) & (cells.changed if name in ("one", "two") else True)]
    unchanged, lesion = (np.concatenate(some) for some in ((placed["plain"], placed["again"]),
                                                           (placed["one"], placed["two"])))  # fmt: skip
    within = sum(((z - z.mean(0)).T @ (z - z.mean(0))) for z in (unchanged, lesion)) / (len(unchanged) + len(lesion))
    shrinkage = detector.config.shrinkage
    shrunk = (1 - shrinkage) * within + shrinkage * np.eye(CHANNELS)
    w = np.linalg.solve(shrunk, lesion.mean(0) - unchanged.mean(0))
    w /= np.sqrt(w @ shrunk @ w)
    expected = ((sided(2, seed=21, side="right").maps[:4] - mean) / scale[:, None, None]).transpose(0, 2, 3, 1) @ w
    assert np.abs(found.numpy() - expected).max() < 1e-2 * np.abs(expected).max()


def test_unread_films_teach_more_where_more_of_them_are_abnormal() -> None:
    rng = np.random.default_rng(0)
    count = 2400
    abnormal, fold = np.arange(count) % 2 == 1, np.arange(count) // 2 % 5
    features = torch.from_numpy(rng.normal(size=(count, 2000)) + 0.1 * abnormal[:, None]).float()
    facts = [
        {"name": f"{i}", "label": "abnormal" if abnormal[i] else "normal", "source": "a", "sharpness": 1 + 0.001 * i}
        for i in range(count)
    ]
    found = aurocs_of(Stream(facts, fold, abnormal, features), 0)
    assert set(found) == set(settings())
    assert KNOWN + max(n - round(n * share) for n, share in settings()) < (~abnormal & (fold != 1)).sum()
    few, many = found[640, 0.05][0], found[640, 0.8][0]
    assert many > 0.9 and few < many - 0.1


def test_the_page_is_rendered_from_the_rows_and_has_no_other_figure() -> None:
    rows = committed_study("attempts")
    page = attempts_page(committed_rows())
    assert (ROOT / "docs" / "results-attempts.md").read_text(encoding="utf-8") == page
    assert "Research use only. Not a medical device. Not for diagnosis." in page
    assert not re.search(r"\d\.\d\d", attempts_page({}))
    for experiment in EXPERIMENTS:
        made = [row for name, row in rows.items() if name.startswith(SIDES) and row["experiment"] == experiment]
        assert len(made) == len(EXPERIMENTS[experiment])
        nominee = max(made, key=chosen_by)
        assert [row["recipe"] for row in made if row["nominated"]] == [nominee["recipe"]]
        opened = [row for row in made if "test" in row]
        assert all(row["openings"] == 1 for row in opened) and len(opened) in (0, len(made))
    volume = [row for name, row in rows.items() if name.startswith(VOLUME)]
    candidates = [row for row in volume if row["recipe"].removeprefix(VOLUME) in CANDIDATES]
    assert len(volume) == len(candidates) + 1 == len(CANDIDATES) + 1
    nominee = max(candidates, key=volume_chosen_by)
    assert [row["recipe"] for row in volume if row["nominated"]] == [nominee["recipe"]]
