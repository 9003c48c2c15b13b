"""The imaging results: problems end to end on a small scale, the share of a gap, and a page that says what rows say."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studies import recipe_files as recipes
from studies.evidence.reconstruction import ProblemGains, imaging_screen
from studies.imaging import __main__ as command
from studies.imaging import budgets, image_sets, variation
from studies.imaging.arms import WITHOUT_TRUTH, directly, loss_of_unrolled, losses_of
from studies.imaging.by_steps import chart
from studies.imaging.consistency import consistency_blocks
from studies.imaging.gaps import gap_of
from studies.imaging.image_sets import load, training_subjects
from studies.imaging.longer import LONGER, of_longest, of_recipe
from studies.imaging.page import imaging_page, write_page
from studies.imaging.problem import Problem
from studies.imaging.problem_section import problem_blocks
from studies.imaging.published import NEAR, PUBLISHED
from studies.imaging.rows import training_facts
from studies.imaging.running import reconstructed, run_of, train_arm
from studies.imaging.settings import ImageSetSettings, method_of, resolved
from studies.imaging.summaries import against, average, best_without_truth, mean, stopping, unrolled_against_others
from studies.imaging.tuning import Tuned, tuned
from studies.imaging.variation import searched
from studies.row_files import read_rows, read_study
from tests.docs.blocks import ROOT
from tests.once import made_once, shared_folder
from tests.studies.committed import committed_rows, committed_study
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.evaluation.bootstrap import mean_of, share
from unseen.evaluation.intervals import Interval, Missing
from unseen.evaluation.psnr_ssim import psnr

KNOWN = [name for name in recipes.names() if name.startswith("imaging/")]
DATA = Path(os.environ["UNSEEN_DATA"]) if "UNSEEN_DATA" in os.environ else None
on_real_data = pytest.mark.skipif(DATA is None, reason="$UNSEEN_DATA is not set")

TOY = """
seed = 0
[view]
pictures = "triangles"
size = 32
limit = 48
[method]
key = "artifact-removal"
title = "a toy"
arms = ["direct", "tv", "supervised", "mc", "ei"]
gap = ["ei", "mc"]
operator = "mask"
kept = 0.5
features = 8
depth = 2
learning_rates = [1e-3, 3e-3]
[training]
epochs = 12
batch_size = 8
threads = 1
"""


def toy(**method: object) -> Recipe:
    recipe = Recipe.from_toml(TOY, name="imaging/toy")
    settings = {**recipe.method.settings, **method}
    return resolved(recipe.model_copy(update={"method": recipe.method.model_copy(update={"settings": settings})}))


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy, run by the command itself, twice, with fewer test images and weights of TV than a study has; rows, docs
    and runs lie in the folder."""
    return made_once(shared_folder(tmp_path_factory) / "imaging-toy", run_toy)


def run_toy(folder: Path) -> None:
    (folder / "toy.toml").write_text(TOY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_RUNS", str(folder / "runs"))
        patch.setattr(image_sets, "_TOYS_TESTED", 24)
        patch.setattr(variation, "POWERS", variation.POWERS[::4])
        said = ["--only", folder / "toy.toml", "--rows", folder / "rows", "--docs", folder / "docs", "--seeds", 0]
        command.main([str(word) for word in said])
        first = {path.name: path.read_text() for path in (folder / "rows").glob("*.jsonl")}
        command.main([str(word) for word in said])
        again = {path.name: path.read_text() for path in (folder / "rows").glob("*.jsonl")}
        (folder / "same").write_text(json.dumps(first == again))


def rows_in(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["arm"]: row for row in read_rows(folder / "rows").values()}


@pytest.mark.nightly
def test_a_problem_runs_from_recipe_to_rows(ran: Path) -> None:
    rows = rows_in(ran)
    assert set(rows) == {"direct", "tv", "supervised", "mc", "ei"}
    for row in rows.values():
        assert row["n"]["tested"] == len(row["by_picture"]["psnr"]) == len(row["units"]) >= 20
        assert row["metrics"]["psnr"]["value"] == pytest.approx(np.mean(row["by_picture"]["psnr"]), abs=1e-4)
        assert row["metrics"]["psnr"]["low"] < row["metrics"]["psnr"]["value"] < row["metrics"]["psnr"]["high"]
    for arm in ("supervised", "mc", "ei"):
        row = rows[arm]
        assert row["steps"] == 12 * 6
        assert f"{row['learning_rate']:g}" == max(row["learning_rates"], key=row["learning_rates"].get)
        assert row["cpu_seconds"] > 0 and row["weights"] < 1_000_000
    assert (ran / "runs" / "imaging" / "figures" / "toy.png").is_file()


@pytest.mark.parametrize("best", [-5.0, -1.62, -1.0, -0.62, 0.9])
def test_the_weight_of_total_variation_is_found_between_and_above_those_of_the_grid(best: float) -> None:
    tried = searched(lambda weight: -abs(np.log10(weight) - best), variation.POWERS)
    weight = max(tried, key=lambda weight: tried[weight])
    assert abs(np.log10(weight) - best) < 0.13
    assert list(tried) == sorted(tried) and len(tried) < 22


def test_the_search_of_a_weight_ends_and_an_unused_weight_keeps_the_smallest() -> None:
    tried = searched(lambda weight: weight, variation.POWERS)
    assert max(tried, key=lambda weight: tried[weight]) == max(tried) == 1000
    tried = searched(lambda weight: 0.0, variation.POWERS)
    assert max(tried, key=lambda weight: tried[weight]) == 1e-6


@pytest.mark.parametrize("study", ["imaging", "curves", "against-deepinv"])
def test_no_committed_row_of_total_variation_has_the_largest_weight_that_was_tried(study: str) -> None:
    """The comparison with learning would be unfair to total variation."""
    rows = [row for row in committed_study(study).values() if row.get("arm") == "tv"]
    assert len(rows) >= 5
    assert not [row["recipe"] for row in rows if row["weight"] >= max(map(float, row["weights_tried"]))]


@pytest.mark.nightly
def test_the_truth_helps_and_consistency_alone_teaches_nothing(ran: Path) -> None:
    reached = {arm: row["metrics"]["psnr"]["value"] for arm, row in rows_in(ran).items()}
    assert reached["mc"] == pytest.approx(reached["direct"], abs=0.5)  # f = A⁺ descends it to zero already
    assert reached["supervised"] > reached["mc"] + 3
    assert reached["ei"] > reached["mc"] + 1


@pytest.mark.nightly
def test_what_was_trained_is_found_again(ran: Path) -> None:
    assert json.loads((ran / "same").read_text()), "the second run changed a row"


def test_every_arm_learns_from_the_same_measurements_and_none_sees_the_tested() -> None:
    problem, again = Problem(toy()), Problem(toy(arms=["mc"]))
    assert torch.equal(problem.training.y, again.training.y) and problem.digest == again.digest
    rows = {tuple(x.flatten().tolist()) for x in problem.training.x}
    assert not any(tuple(x.flatten().tolist()) in rows for x in problem.testing.x)


def test_only_what_changes_a_training_names_it(tmp_path: Path) -> None:
    names = {
        settings: run_of(Problem(toy(**dict(settings))), "ei", seed=0, learning_rate=1e-3, root=tmp_path)[0]
        for settings in ((), (("title", "another"),), (("equivariance", 3.0),), (("kept", 0.4),))
    }
    first, renamed, weighted, masked = names.values()
    assert first == renamed and len({first, weighted, masked}) == 3


@pytest.mark.nightly
def test_a_training_that_was_stopped_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    problem = Problem(toy())
    whole = train_arm(problem, "ei", seed=0, learning_rate=1e-3, root=tmp_path / "a")

    class Stopped(Exception):
        pass

    recipe = problem.recipe
    hurried = recipe.model_copy(update={"training": {**recipe.training, "checkpoint_every_steps": 10}})
    stopping = Problem(resolved(hurried))

    def stop(name: str, progress: Any) -> None:
        if progress.step == 31:
            raise Stopped

    with pytest.raises(Stopped):
        train_arm(stopping, "ei", seed=0, learning_rate=1e-3, root=tmp_path / "b", progress=stop)
    seen: list[int] = []
    done = train_arm(
        stopping, "ei", seed=0, learning_rate=1e-3, root=tmp_path / "b", progress=lambda name, p: seen.append(p.step)
    )
    assert seen[0] == 31
    assert all(
        torch.equal(a, b) for a, b in zip(whole.f.state_dict().values(), done.f.state_dict().values(), strict=True)
    )


def test_a_share_is_paired_and_by_units() -> None:
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 5, 40)  # what images have in common must not widen the interval
    mc, ei, best = (20 + hard, 28 + hard + rng.normal(0, 0.2, 40), 30 + hard)
    found = share(ei.tolist(), mc.tolist(), best.tolist(), range(40))
    assert isinstance(found, Interval)
    assert found.value == pytest.approx((ei - mc).mean() / (best - mc).mean())
    assert found.high - found.low < 0.03
    apart = mean_of(mc.tolist(), range(40))
    together = mean_of(np.repeat(mc[:8], 5).tolist(), np.repeat(np.arange(8), 5).tolist())
    assert isinstance(apart, Interval) and isinstance(together, Interval)
    assert together.high - together.low > apart.high - apart.low
    assert isinstance(share([20.0, 21.0], [20.0, 21.0], [20.1, 21.0], [0, 1]), Missing)


def made_row(arm: str, seed: int, psnr: list[float]) -> dict[str, Any]:
    return {"problem": "imaging/toy", "arm": arm, "seed": seed, "by_picture": {"psnr": psnr}, "units": [0, 1]}


def test_a_gap_takes_the_seeds_that_all_three_arms_have() -> None:
    rows = [
        made_row("mc", 0, [10.0, 12.0]), made_row("mc", 1, [12.0, 14.0]),
        made_row("ei", 0, [18.0, 20.0]), made_row("ei", 1, [20.0, 22.0]), made_row("ei", 2, [99.0, 99.0]),
        made_row("supervised", 1, [22.0, 24.0]), made_row("supervised", 0, [20.0, 22.0]),
    ]  # fmt: skip
    gap = gap_of(rows, "imaging/toy", "ei", "mc")
    assert gap is not None and gap.seeds == 2
    assert isinstance(gap.share, Interval) and gap.share.value == pytest.approx(0.8)
    assert gap_of(rows[:5], "imaging/toy", "ei", "mc") is None
    assert gap.at_best is None, "the test images were not watched"
    for row in rows:
        last = sum(row["by_picture"]["psnr"]) / 2
        row["testing_psnr"] = [[1, last - 3], [2, last + (1 if row["arm"] == "ei" else 0)], [3, last]]
    watched = gap_of(rows, "imaging/toy", "ei", "mc")
    assert watched is not None and watched.share == gap.share
    assert watched.at_best == pytest.approx(0.9), "(21 - 12) / (22 - 12), over the seeds 0 and 1"


def test_an_image_is_described_by_what_it_was_drawn_with() -> None:
    rows = [
        row
        for row in read_study("imaging", ROOT / "studies" / "results").values()
        if row["problem"] == "imaging/single-pixel"
    ]
    known = [recipes.load("imaging/single-pixel")]
    page = imaging_page(rows, known, pictures={"single-pixel": ("truth", "ei")})
    assert ": the truth, EI, from left to right](images/imaging/single-pixel.png)" in page
    assert "images/imaging/single-pixel.png" not in imaging_page(rows, known)


def test_validation_images_choose_the_network_of_a_problem() -> None:
    rows = consistent_rows(tv=[[20.0, 21.0]], ei=[[22.0, 23.0]], unrolled=[[21.0, 22.0]])
    found = best_without_truth(rows)
    assert found is not None and found.arm == "ei"
    rows[2]["validation_psnr"] = [[1, 30.0], [2, 24.0], [3, 10.0]]
    rows[2]["kept_epoch"] = 2
    found = best_without_truth(rows)
    assert found is not None and found.arm == "unrolled", "24 dB at the epoch that was kept, and 22.5 of the other"
    assert found.difference.value == pytest.approx(1.0), "on the test images"
    rows[2]["kept_epoch"] = None
    found = best_without_truth(rows)
    assert found is not None and found.arm == "ei", "10 dB at the last epoch"


def test_the_unrolled_network_is_compared_with_the_best_other_of_as_many_steps_by_seed() -> None:
    rows = consistent_rows(tv=[[20.0, 21.0]], ei=[[22.0, 23.0], [22.5, 23.5]], unrolled=[[23.25, 24.25]])
    found = unrolled_against_others(rows)
    assert found is not None and found.value == found.low == found.high == pytest.approx(1.25)
    projected = consistent_rows(**{"ei+project": [[24.0, 25.0]], "unrolled+project": [[25.0, 26.0]]})
    projected[0]["steps"] = 104
    assert unrolled_against_others([*rows, *projected]) == found, "networks without projection are compared"
    rows[-1]["steps"] = 104
    assert unrolled_against_others(rows) is None
    assert unrolled_against_others(rows[:-1]) is None and unrolled_against_others([rows[0], rows[-1]]) is None


@pytest.mark.nightly
def test_the_page_says_what_the_rows_say(ran: Path) -> None:
    rows = rows_in(ran)
    for row in rows.values():
        row["problem"] = "imaging/toy"
    page = imaging_page(list(rows.values()), [toy()])
    assert "the best network of each problem beats total variation significantly on" in page
    ahead = best_without_truth(list(rows.values()))
    assert ahead is not None and ahead.arm == "ei" and ahead.seeds == 1
    reached = {arm: row["metrics"]["psnr"]["value"] for arm, row in rows.items()}
    assert ahead.difference.value == pytest.approx(reached["ei"] - reached["tv"], abs=1e-3)
    assert f"{ahead.difference.value:+.2f} [".replace("-", "−") in page
    for arm in rows:
        value = rows[arm]["metrics"]["psnr"]["value"]
        assert f"{value:.2f} [" in page, arm
    found = gap_of(list(rows.values()), "imaging/toy", "ei", "mc")
    assert found is not None and isinstance(found.share, Interval) and f"{found.share.value:.2f} [" in page
    assert "no row" not in page
    del rows["ei"]
    assert "no row yet" in imaging_page(list(rows.values()), [toy()])


def test_what_stopping_costs_is_read_off_the_test_curve() -> None:
    row = {"kept_epoch": 2, "testing_psnr": [[1, 10.0], [2, 14.5], [3, 15.0], [4, 11.0]]}
    found = stopping(row)
    assert found is not None
    assert (found.kept, found.best, found.epochs, found.lost, found.at_the_end) == (2, 3, 4, 0.5, 4.0)
    assert stopping({"kept_epoch": None}) is None and stopping({}) is None


def test_an_interval_is_over_seeds_too() -> None:
    apart = [made_row("ei", seed, [value, value + 0.1]) for seed, value in enumerate((10.0, 12.0, 14.0))]
    alike = [made_row("ei", seed, [12.0, 12.1]) for seed in range(3)]
    wide, narrow = (average(rows, "psnr") for rows in (apart, alike))
    assert wide["value"] == pytest.approx(narrow["value"]) == pytest.approx(12.05)
    assert wide["high"] - wide["low"] > 2 > narrow["high"] - narrow["low"]  # type: ignore[operator]


@pytest.mark.nightly
def test_a_training_under_noise_is_stopped_and_says_where(tmp_path: Path) -> None:
    problem = Problem(toy(sigma=0.1, arms=["rei", "supervised"]))
    done = train_arm(problem, "rei", seed=0, learning_rate=3e-3, root=tmp_path)
    facts = training_facts(problem, done, Tuned(3e-3, None, {}, {}))
    assert 1 <= facts["kept_epoch"] <= 12  # type: ignore[operator]
    assert len(facts["held_out_risk"]) == len(facts["testing_psnr"]) == 12  # type: ignore[arg-type]
    reached = float(psnr(reconstructed(done.f, problem.testing, problem), problem.testing.x).mean())
    assert reached == pytest.approx(dict(facts["testing_psnr"])[facts["kept_epoch"]], abs=2e-3)  # type: ignore[call-overload]
    assert facts["machine"]


@pytest.mark.parametrize(
    ("arm", "kind", "terms"),
    [
        pytest.param("unrolled", "unrolled", ["MeasurementConsistency", "Equivariance"], marks=pytest.mark.nightly),
        ("supervised+ei", "artifact-removal", ["Supervised", "Equivariance"]),
        ("ei+adversarial", "artifact-removal", ["MeasurementConsistency", "Equivariance", "EquivariantAdversarial"]),
    ],
)
def test_a_further_arm_trains_its_network_by_its_losses(tmp_path: Path, arm: Any, kind: str, terms: list[str]) -> None:
    problem = Problem(toy(operator="mask"))
    if arm == "ei+adversarial":  # its critic halves an image four times; the toy's signals have one row
        assert [type(loss).__name__ for loss in losses_of(arm, problem)] == terms
        return
    done = train_arm(problem, arm, seed=0, learning_rate=1e-3, epochs=1, root=tmp_path)
    assert done.f.key == kind and set(terms) <= set(done.history.parts)
    assert reconstructed(done.f, problem.testing, problem).shape == problem.testing.x.shape


def test_projected_images_measure_exactly_what_was_measured(tmp_path: Path) -> None:
    problem = Problem(toy())
    plain = train_arm(problem, "ei", seed=0, learning_rate=1e-3, epochs=1, root=tmp_path)
    afterwards = train_arm(problem, "ei-projected", seed=0, learning_rate=1e-3, epochs=1, root=tmp_path)
    within = train_arm(problem, "ei+project", seed=0, learning_rate=1e-3, epochs=1, root=tmp_path)
    assert afterwards.digest == plain.digest != within.digest, "projected afterwards: the networks of EI"
    A, y = problem.process.A, problem.testing.y
    found = {
        "plain": reconstructed(plain.f, problem.testing, problem),
        "afterwards": reconstructed(afterwards.f, problem.testing, problem, consistency="project"),
        "within": reconstructed(within.f, problem.testing, problem),
    }
    residual = {name: float((A(x) - y).abs().max()) for name, x in found.items()}
    assert max(residual["afterwards"], residual["within"]) < 1e-5 < residual["plain"]
    assert within.f.config.consistency == "project" and plain.f.config.consistency == "none"


@pytest.mark.parametrize(
    ("arm", "kind", "terms"),
    [
        ("multi-operator+project", "artifact-removal", {"MeasurementConsistency", "MultiOperator"}),
        ("unrolled+project", "unrolled", {"MeasurementConsistency", "Equivariance"}),
        ("unrolled+project+stopped", "unrolled", {"MeasurementConsistency", "Equivariance"}),
    ],
)
def test_a_projected_arm_has_network_and_losses_of_the_arm_without(
    tmp_path: Path, arm: Any, kind: str, terms: set[str]
) -> None:
    several = arm == "multi-operator+project"
    problem = Problem(toy(operator="mask", **({"operators": 4, "arms": ["multi-operator"]} if several else {})))
    done = train_arm(problem, arm, seed=0, learning_rate=1e-3, epochs=1, root=tmp_path)
    assert done.f.key == kind and terms <= set(done.history.parts)
    assert (done.history.best_epoch() is not None) == arm.endswith("+stopped")
    found = reconstructed(done.f, problem.testing, problem)
    A = problem.testing.process_of(problem.process, slice(0, len(found))).A
    assert float((A(found) - problem.testing.y).abs().max()) < 1e-5


def consistent_rows(**arms: list[list[float]]) -> list[dict[str, Any]]:
    recipe = resolved(recipes.load("imaging/mri-x4-00"))
    return [
        {
            "problem": recipe.name,
            "arm": arm.replace("_plus_", "+"),
            "seed": seed,
            "by_picture": {"psnr": psnrs},
            "validation_psnr": [[1, 0.0], [2, sum(psnrs) / len(psnrs)]],
            "units": [0, 1],
            "settings": recipe.method.settings,
            "steps": 1300,
            "features": 16,
        }
        for arm, by_seed in arms.items()
        for seed, psnrs in enumerate(by_seed)
    ]


def test_consistency_is_compared_by_image_and_seed_and_with_total_variation() -> None:
    rows = consistent_rows(
        tv=[[26.0, 25.0]], ei=[[23.0, 24.0], [23.5, 24.5]], ei_plus_project=[[24.0, 25.0], [24.5, 25.5]]
    )
    known = [resolved(recipes.load("imaging/mri-x4-00"))]
    text = "\n".join(consistency_blocks(rows, known))
    assert "+1.00 [+1.00, +1.00]" in text and "(over 23.54)" in text
    assert "after 1,300 steps, 0.58 % of the source's 225,000" in text and "which needs no training" in text
    assert consistency_blocks(rows[:3], known) == []
    further = against(rows[3:], rows[1:2])
    assert further is not None and further.value == pytest.approx(1.25), "seed 1 has no pair: EI's seed 0 stands in"
    assert against(rows[3:], []) is None


def test_a_longer_training_stands_for_its_problem_once_it_has_rows() -> None:
    """It is compared with the problem's total variation, and the shorter training keeps its own rows."""
    (longer, problem), *_ = LONGER.items()
    short, long = (resolved(recipes.load(name)) for name in (problem, longer))
    rows = [
        row | {"problem": short.name, "steps": 2250 if row["arm"] == "ei" else None}
        for row in consistent_rows(tv=[[26.0, 25.0]], ei=[[23.0, 24.0]])
    ]
    assert of_longest(rows, short) == rows and of_recipe(rows, long) == rows[:1]
    further = [row | {"problem": long.name, "steps": 4500} for row in consistent_rows(ei_plus_project=[[24.5, 25.0]])]
    every = rows + further
    assert of_longest(every, short) == every, "an arm that the longer training lacks is the problem's own"
    assert of_recipe(every, long) == [rows[0], *further]
    again = [row | {"problem": long.name, "steps": 4500} for row in consistent_rows(ei=[[23.5, 24.0]])]
    assert of_longest([*every, *again], short) == [rows[0], *further, *again]
    assert of_recipe(every, short) == rows
    ahead = best_without_truth(of_longest(every, short))
    assert ahead is not None and ahead.arm == "ei+project"
    assert ahead.difference.value == pytest.approx(-0.75)
    text = "\n".join(consistency_blocks(every, [short, long]))
    assert "+0.75 [" in text and "(over 24.00)" in text and "4,500 steps; 16 features" in text
    assert "EI projected in training has 24.75 [24.50, 25.00] dB (EI without projection has no row)" in text


def test_a_longer_training_has_the_settings_of_its_problem_but_for_length_levels_images_and_precision() -> None:
    def differing(one: Any, other: Any) -> set[str]:
        return {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}

    for names in LONGER.items():
        longer, problem = (resolved(recipes.load(name)).model_dump() for name in names)
        methods = longer["method"].pop("settings"), problem["method"].pop("settings")
        assert differing(*methods) == {"title", "arms", "learning_rates", "tuning_epochs", "depth"}
        assert differing(longer, problem) == {"name", "view", "training"}
        assert differing(longer["view"], problem["view"]) == {"pictures"}
        assert differing(longer["training"], problem["training"]) == {"epochs", "precision"}


def test_one_rate_and_one_length_leave_nothing_to_choose(tmp_path: Path) -> None:
    problem = Problem(toy(learning_rates=[2e-3], tuning_epochs=12))
    assert tuned(problem, tmp_path, root=tmp_path) == Tuned(2e-3, None, {}, {})
    assert not list(tmp_path.iterdir()), "nothing is trained"


def test_a_problem_with_several_learning_rates_lists_them_by_network() -> None:
    recipe = resolved(recipes.load("imaging/single-pixel-4500-steps"))
    rows = [row for row in committed_study("imaging").values() if row.get("problem") == recipe.name]
    trained = [row | {"learning_rate": 2e-3} for row in rows]
    slower = [row | {"learning_rate": 1e-3, "arm": "unrolled"} for row in trained if row["arm"] == "supervised"]
    others = [row for row in trained if row["arm"] != "unrolled"]
    said = "\n".join(problem_blocks([*others, *slower], recipe, shown=()))
    assert "Learning rates by network: 0.001: unrolled; 0.002: supervised, EI, projected in training." in said
    assert "Learning rates" not in "\n".join(problem_blocks(others, recipe, shown=()))


def test_the_chart_by_steps_has_the_mean_over_seeds_of_each_arm() -> None:
    row = {"arm": "ei", "seed": 0, "steps": 20, "testing_psnr": [[1, 21.0], [2, 22.0]], "validation_psnr": [[2, 20.0]]}
    drawn = chart("a problem", [row, row | {"seed": 1, "testing_psnr": [[1, 22.0], [2, 23.0]]}])
    assert drawn is not None and drawn[0].startswith("<svg")
    assert "EI, test images: 21.5 dB after 10 steps, 22.5 dB after 20" in drawn[1]
    assert "EI, validation images: 20.0 dB after 20 steps" in drawn[1]
    assert chart("a problem", []) is None


def test_the_committed_page_is_rendered_from_the_committed_rows(tmp_path: Path) -> None:
    if (ROOT / "docs" / "images" / "imaging").is_dir():
        shutil.copytree(ROOT / "docs" / "images" / "imaging", tmp_path / "images" / "imaging")
    page = write_page(ROOT / "studies" / "results", docs=tmp_path)
    committed = ROOT / "docs" / "results-imaging.md"
    again = "Run python -m studies.imaging --render"
    assert page.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8"), again
    figure = "images/evidence/results-imaging.svg"
    drawn, kept = tmp_path / figure, ROOT / "docs" / figure
    assert drawn.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), again


def test_no_noise_free_problem_waits_for_early_stopping() -> None:
    """`learn` returns the last epoch there, so that these rows are what it makes by default."""
    _, *sections = (ROOT / "docs" / "results-imaging.md").read_text(encoding="utf-8").split("\n## ")
    free = [section for section in sections if "noise-free" in section.partition("\n")[0]]
    assert len(free) >= 5 and not any("not yet trained again" in section for section in free)


@pytest.mark.parametrize("name", KNOWN)
def test_every_recipe_is_whole(name: str) -> None:
    recipe = resolved(recipes.load(name))
    asked = method_of(recipe)
    assert {"supervised", "unrolled"} <= set(asked.arms) and len(set(asked.arms)) == len(asked.arms)
    assert loss_of_unrolled(asked.arms) in WITHOUT_TRUTH
    if asked.gap is not None:
        assert set(asked.gap) <= set(asked.arms)


def test_a_mistake_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"method\.operater: unknown; did you mean operator"):
        toy(operater="mask")
    with pytest.raises(RecipeError, match=r"Set \$UNSEEN_DATA to the folder that holds mri/chest\.npz"):
        load(ImageSetSettings(pictures="mri", size=64), data=tmp_path)


@on_real_data
@pytest.mark.parametrize(
    ("pictures", "size", "tested"),
    [("ct", 64, 20), ("mri", 64, 20), ("urban", 64, 20), ("digits", 32, 100), ("digits-6000", 32, 100)],
)
def test_the_splits_of_the_real_images(pictures: Any, size: int, tested: int) -> None:
    found = load(ImageSetSettings(pictures=pictures, size=size), data=DATA)
    assert len(found.testing) >= tested and len(found.units) == len(found.testing)
    every = torch.cat([found.training, found.validation, found.testing])
    assert len({image.numpy().tobytes() for image in every}) == len(every), "an image comes twice"
    assert float(every.min()) >= 0 and float(every.max()) <= 1


@on_real_data
def test_more_digits_leave_those_to_validate_and_to_test() -> None:
    some, more = (load(ImageSetSettings(pictures=name, size=32), data=DATA) for name in ("digits", "digits-6000"))
    assert torch.equal(some.training, more.training[:600]) and len(more.training) == 6000
    assert torch.equal(some.validation, more.validation) and torch.equal(some.testing, more.testing)


@on_real_data
def test_the_slices_of_a_patient_are_held_out_together() -> None:
    settings = ImageSetSettings(pictures="ct", size=64)
    subjects = training_subjects(settings, data=DATA)
    again = training_subjects(ImageSetSettings(pictures="ct-again", size=64), data=DATA)
    assert subjects is not None and again == 25 * subjects
    assert len(subjects) == len(load(settings, data=DATA).training) and len(set(subjects)) == 27
    assert training_subjects(ImageSetSettings(pictures="mri", size=64), data=DATA) is None


@pytest.mark.nightly
@on_real_data
def test_measured_again_is_the_same_images_under_other_noise() -> None:
    once, again = (load(ImageSetSettings(pictures=name, size=64), data=DATA) for name in ("ct", "ct-again"))
    assert torch.equal(again.training, torch.cat([once.training] * 25))
    assert torch.equal(again.testing, once.testing) and torch.equal(again.validation, once.validation)
    recipe = recipes.load("imaging/low-dose-ct-again")
    small = recipe.model_copy(update={"view": {**recipe.view, "size": 32}})
    y = Problem(resolved(small), data=DATA).training.y.unflatten(0, (25, len(once.training)))
    assert not torch.equal(y[0], y[1]), "each time under noise of its own"
    assert float((y - y.mean(0)).std() / y.std()) < 0.5, "of the same images"


@on_real_data
@pytest.mark.parametrize(
    "name",
    [
        "imaging/ct",
        pytest.param("imaging/low-dose-ct", marks=pytest.mark.nightly),
        "imaging/mri",
        pytest.param("imaging/inpainting", marks=pytest.mark.nightly),
    ],
)
def test_the_problems_of_the_gap_begin_where_they_should(name: str) -> None:
    """Measured once, with the right operator: A⁺ or FBP is far from the truth, and not absurdly."""
    problem = Problem(resolved(recipes.load(name)), data=DATA)
    part = problem.validation
    found = directly(part.y[:2], problem, None)
    low, high = {"imaging/inpainting": (8, 16), "imaging/mri": (15, 24)}.get(name, (22, 33))
    assert low < float(psnr(found, part.x[:2]).mean()) < high


@pytest.mark.parametrize("name", [name for name in KNOWN if method_of(recipes.load(name)).papers])
def test_every_published_figure_names_its_source_and_metric(name: str) -> None:
    source = PUBLISHED[name.removeprefix("imaging/")]
    assert source.where and source.tested and source.budget.steps > 10_000
    assert source.converted(6.33) == pytest.approx(6.33 if source.channels == 1 else 11.10, abs=0.005)
    page = (ROOT / "docs" / "results-imaging.md").read_text(encoding="utf-8")
    for printed in method_of(recipes.load(name)).papers.values():
        assert source.cell(printed) in page


@pytest.mark.parametrize("name", [name for name in KNOWN if "direct" in method_of(recipes.load(name)).papers])
def test_untrained_arm_agrees_with_the_published_one_or_the_page_explains_the_difference(name: str) -> None:
    source, rows = PUBLISHED[name.removeprefix("imaging/")], committed_rows()
    ours = mean(
        [row for row in rows.values() if (row.get("problem"), row.get("arm")) == (name, "direct")], "psnr_papers"
    )
    difference = ours - source.converted(method_of(recipes.load(name)).papers["direct"])
    if abs(difference) > NEAR:
        assert source.explanation
        assert f"{ours:.2f} dB" in source.explanation, "the explanation is of another figure"
        assert source.explanation in (ROOT / "docs" / "results-imaging.md").read_text(encoding="utf-8")
    else:
        assert not source.explanation, "the figures agree: nothing is to be explained"


def test_figures_of_another_metric_fail_the_check() -> None:
    """The printed inpainting figure, read as a mean over channels, differs by 4.9 dB from ours."""
    rows = committed_rows()
    ours = mean([rows["imaging/inpainting-direct-0"]], "psnr_papers")
    printed = method_of(recipes.load("imaging/inpainting")).papers["direct"]
    assert ours - printed > 4 > NEAR > abs(ours - PUBLISHED["inpainting"].converted(printed))


@pytest.mark.nightly
@on_real_data
def test_the_explanation_of_low_dose_ct_is_measured() -> None:
    """FBP with the authors' resolution, pixel size, photons and noise has the PSNR that the page states."""
    recipe = resolved(recipes.load("imaging/low-dose-ct"))
    method = recipe.method.model_copy(update={"settings": {**recipe.method.settings, "attenuation": 0.0064}})
    problem = Problem(recipe.model_copy(update={"view": {**recipe.view, "size": 256}, "method": method}))
    found = directly(problem.testing.y, problem)
    assert f"{float(psnr(found, problem.testing.x, peak=None).mean()):.2f} dB" in PUBLISHED["low-dose-ct"].explanation


def test_every_conclusion_of_the_first_screen_has_its_budget() -> None:
    """The first screen, the figure's text and the overview state steps, features and transforms with each count."""
    docs = ROOT / "docs"
    first = (docs / "results-imaging.md").read_text(encoding="utf-8").partition("## ")[0]
    for text in (first, (docs / "evidence.md").read_text(encoding="utf-8")):
        told = [line for line in text.splitlines() if "of 23 problems" in line]
        assert told
        assert all("steps" in line and "features" in line and "transforms" in line for line in told)
    sentences = [line for line in first.splitlines() if line.startswith("- ")]
    assert len(sentences) == 4
    assert all(re.search(r"\d steps.* features.* transforms?", line) for line in sentences)
    rows = [line for line in first.splitlines() if line.startswith("| ") and "dB [95" not in line]
    assert rows and all("steps" in row for row in rows)


@pytest.mark.parametrize("name", [name for name in KNOWN if method_of(recipes.load(name)).papers])
def test_no_difference_from_a_source_whose_problem_differs(name: str) -> None:
    recipe = recipes.load(name)
    page = (ROOT / "docs" / "results-imaging.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {method_of(recipe).title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    differs = bool(PUBLISHED[recipe.short].explanation)
    told = [line[6] for line in lines if line[5] != "–"]
    assert told and all((cell == "not comparable") == differs for cell in told)
    [share] = [line for line in page.splitlines() if line.startswith(f"| {method_of(recipe).title} | (")] or [""]
    assert ("not comparable" in share) == (differs and bool(share))


def test_a_training_that_still_falls_is_marked() -> None:
    falling, resting, short = ({"curve": curve} for curve in ([0.9**i for i in range(40)], [1.0] * 40, [3.0, 1.0]))
    assert budgets.dagger([resting, falling]) == "†"
    assert budgets.dagger([resting, short]) == ""


def test_a_budget_is_a_share_of_the_sources() -> None:
    row = {"arm": "ei", "steps": 1920, "features": 16, "settings": {"transforms": 1}}
    assert budgets.spent([row], PUBLISHED["inpainting"].budget) == (
        "1,920 steps, 1.1 % of the source's 180,000; 16 of 64 features; 1 of 3 transforms"
    )
    assert budgets.spent([{**row, "arm": "mc"}], None) == "1,920 steps; 16 features; no source budget"
    assert budgets.spent([{"arm": "tv"}], None) == "–"


def test_the_first_table_lists_each_problem_once() -> None:
    """A gain that is significant may be smaller than one that is not."""
    gains = [(1.0, 0.5, 1.5), (0.4, -0.1, 0.9), (0.3, 0.2, 0.4), (0.2, -0.1, 0.5), (0.1, -0.1, 0.3), (-2.0, -3.0, -1.0)]
    problems = [
        ProblemGains(f"p{place}", f"Problem {place}", "EI", {"free": Interval(*gain)})
        for place, gain in enumerate(gains)
    ]
    screen = imaging_screen(problems, (0, 0, 0), "2026-11-30", "10 steps")
    assert screen is not None
    listed = [re.findall(r"Problem \d", line[0]) for line in screen.lines]
    assert listed == [[f"Problem {place}"] for place in range(6)]
