"""Curves of PSNR against steps: one training gives every point, also after a stop; the page says what the rows say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studies import recipe_files as recipes
from studies.curves.page import charts, curve_blocks, curves_of, said, to_the_source, trend
from studies.curves.training import THREE_QUARTERS, names, points_of, recipe_of, trained
from studies.gpu_queue.entries import Work, queue
from studies.imaging.settings import images_of, method_of, resolved, training_of
from studies.row_files import write_row
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_study
from unseen.artifacts.recipe import Recipe
from unseen.training.settings import TrainingError

TOY = """
[view]
pictures = "triangles"
size = 32
limit = 16
[method]
key = "artifact-removal"
title = "a toy"
arms = ["direct", "tv", "ei"]
operator = "mask"
kept = 0.5
features = 4
depth = 1
learning_rates = [1e-3]
[training]
epochs = 5
batch_size = 8
threads = 1
checkpoint_every_steps = 3
"""


def toy() -> Recipe:
    return resolved(Recipe.from_toml(TOY, name="curves/toy-32"))


def points(root: Path, *, stop_at: int | None = None) -> dict[str, dict[str, Any]]:
    """Rows by name, of a training that is stopped by an error after a step, and resumed, where `stop_at` is given."""
    rows: dict[str, dict[str, Any]] = {}

    def keep(row: dict[str, Any]) -> None:
        rows[row["recipe"]] = row

    class Stopped(Exception):
        pass

    def stop(name: str, done: Any) -> None:
        if done.step == stop_at:
            raise Stopped

    if stop_at is not None:
        with pytest.raises(Stopped):
            trained(toy(), seed=0, keep=keep, root=root, progress=stop)
    trained(toy(), seed=0, keep=keep, root=root)
    return rows


def test_a_stopped_training_gives_the_points_of_an_unbroken_one(tmp_path: Path) -> None:
    whole, resumed = points(tmp_path / "whole"), points(tmp_path / "stopped", stop_at=5)
    assert list(whole) == [f"curves/toy-32-ei-{2 * epochs}" for epochs in (1, 2, 4, 5)] and set(whole) == set(resumed)
    for name, row in whole.items():
        assert row["by_picture"] == resumed[name]["by_picture"], name
        assert (row["steps"], row["epochs_of_training"], row["features"]) == (int(name.rpartition("-")[2]), 5, 4)
    assert len({json.dumps(row["by_picture"]) for row in whole.values()}) == 4, "the network did not change"


def test_a_point_of_a_noisy_problem_counts_the_steps_without_the_measurements_held_out(tmp_path: Path) -> None:
    noisy = TOY.replace("kept = 0.5", "kept = 0.5\nsigma = 0.1\ntau = 0.05").replace("batch_size = 8", "batch_size = 2")
    recipe = resolved(Recipe.from_toml(noisy.replace("epochs = 5", "epochs = 1"), name="curves/toy-32"))
    rows: list[dict[str, Any]] = []
    seen: list[int] = []
    trained(
        recipe, seed=0, keep=rows.append, arm="rei", root=tmp_path, progress=lambda _, done: seen.append(done.steps)
    )
    assert [row["steps"] for row in rows] == [7] == seen[:1], "two of 16 measurements choose the epoch"
    assert rows[0]["recipe"] == "curves/toy-32-rei-7" and rows[0]["arm"] == "rei"


def test_a_loss_that_grows_without_bound_ends_the_training_also_when_it_is_resumed(tmp_path: Path) -> None:
    recipe = resolved(Recipe.from_toml(TOY.replace("1e-3", "1.0"), name="curves/toy-32"))
    for _ in range(2):
        with pytest.raises(TrainingError, match=r"the loss grew from .* at a learning rate of 1\. Lower"):
            trained(recipe, seed=0, keep=lambda row: None, root=tmp_path)


def test_points_are_logarithmic_and_begin_and_end_with_the_training() -> None:
    assert points_of(600) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 450, 512, 600]
    assert points_of(1) == [1] and points_of(4) == [1, 2, 3, 4]
    assert points_of(2100, 0.688)[-3:] == [1445, 2048, 2100]


@pytest.mark.parametrize("name", names())
def test_a_curve_is_the_problem_of_the_results_with_ten_times_the_steps(name: str) -> None:
    recipe = recipe_of(name)
    problem, _, px = recipe.short.rpartition("-")
    asked = resolved(recipes.load(f"imaging/{'mri-x4-00' if problem == 'mri' else problem}"))
    rows = committed_study("imaging")
    today = rows[f"{asked.name}-ei-0"]
    assert images_of(recipe).size == int(px) and method_of(recipe).features == 32
    known = committed_study("curves")
    per_epoch = {"inpainting": 32, "ct": 24, "mri": 27}[problem]
    for row in known.values():
        if row["problem"] == name and row["arm"] == "ei":
            assert row["steps"] == row["epoch"] * per_epoch and row["epoch"] in points_of(
                row["epochs_of_training"], row.get("milestone", THREE_QUARTERS)
            )
    assert training_of(recipe).epochs * per_epoch >= 10 * today["steps"]
    rate = 5e-4 if problem == "inpainting" else today["learning_rate"]  # else the one that validation images chose
    assert method_of(recipe).learning_rates[0] == rate
    for setting in ("operator", "kept", "sigma", "group", "compared", "equivariance", "transforms", "depth"):
        assert getattr(method_of(recipe), setting) == getattr(method_of(asked), setting), setting


def test_the_section_says_what_the_rows_say() -> None:
    def row(arm: str, values: list[float], **facts: Any) -> dict[str, Any]:
        mean = {"value": sum(values) / 2, "low": min(values), "high": max(values)}
        return {
            "problem": "curves/inpainting-64", "arm": arm, "seed": 0, "px": 64, "units": [0, 1], "date": "2026-01-01",
            "metrics": {"psnr_papers": mean}, "by_picture": {"psnr_papers": values}, "device": "cpu", **facts,
        }  # fmt: skip

    def point(epoch: int, values: list[float]) -> dict[str, Any]:
        facts = {"epoch": epoch, "steps": 32 * epoch, "epochs_of_training": 600, "validation_psnr": 20.0}
        return row("ei", values, cpu_seconds=3.2 * epoch, **facts)

    rows = [row("tv", [24.0, 26.0]), point(4, [20.0, 22.0]), point(1, [10.0, 11.0]), row("direct", [5.0, 6.0])]
    (curve,) = curves_of(rows)
    text = said(curve)
    assert "from 32 to 128 steps (0.071 % of the source's 180,000), the PSNR goes from 10.50 to 21.00" in text
    assert "it still rises: +10.50" in text and "from TV by −4.00" in text
    assert "19,072 of the planned 19,200 steps remain" in text
    whole = "\n".join(curve_blocks(rows))
    assert "inpainting-64 0.10" in whole and "| 64 px | 128 | 0.67 % | 0.071 % |" in whole
    ((path, (drawing, alternative)),) = charts(rows).items()
    assert path == "images/curves/inpainting.svg" and drawing.startswith("<svg")
    assert "21.0 dB after 128" in alternative and "the source 31.5 dB after 180,000 steps" in alternative
    assert curve_blocks([]) == []
    whole_training = [*rows, point(600, [20.0, 22.0])]
    assert "does not change significantly" in said(curves_of(whole_training)[0])
    assert "remain" not in said(curves_of(whole_training)[0])
    broken = {**point(8, [-90.0, -91.0]), "learning_rate": 1e-3}
    text = said(curves_of([*rows, broken])[0])
    assert "goes from 10.50 to 21.00" in text and "diverged**, between 128 and 256 steps" in text
    assert charts([*rows, broken]) == charts(rows), "a diverged point is not drawn"
    earlier = [{**one, "problem": "curves/inpainting-64-1e-3"} for one in (point(2, [12.0, 13.0]), broken)]
    first, second = curves_of([*rows, *earlier])
    assert first == curve and second.words == "64 px, rate 1e-3" and second.references == curve.references
    assert "diverged**, between 64 and 256 steps at a learning rate of 0.001" in said(second)
    whole = "\n".join(curve_blocks([*rows, *earlier]))
    assert whole.count("A†, no training") == 1 and "| 64 px, rate 1e-3 | 64 |" in whole


def test_the_trend_is_the_slope_at_the_full_rate_and_the_remaining_steps_are_those_to_the_source() -> None:
    def point(epoch: int, values: list[float]) -> dict[str, Any]:
        mean = {"value": sum(values) / 2, "low": min(values), "high": max(values)}
        return {
            "problem": "curves/inpainting-64", "arm": "ei", "seed": 0, "px": 64, "units": [0, 1], "epoch": epoch,
            "metrics": {"psnr_papers": mean}, "by_picture": {"psnr_papers": values}, "steps": 32 * epoch,
            "epochs_of_training": 600, "cpu_seconds": 5.12 * epoch,
        }  # fmt: skip

    # one image rises by 1 dB per doubling, the other by 2, and after the fall of the rate (epoch 450) by 10 dB more
    rising = [point(32 * 2**k, [20.0 + k, 20.0 + 2 * k]) for k in range(4)]
    outside, after = point(8, [0.0, 0.0]), point(512, [34.0, 24.06])
    (curve,) = curves_of([outside, *rising, after])
    found = trend(curve)
    assert found is not None and (found.first, found.last) == (1024, 8192)
    assert found.per_doubling.value == pytest.approx(1.5)
    assert found.per_doubling.low == pytest.approx(1.0) and found.per_doubling.high == pytest.approx(2.0)
    text = to_the_source(curve)
    assert "from 1,024 to 8,192 steps, at the full learning rate, the PSNR rises: +1.50 [+1.00, +2.00] dB per" in text
    assert "31.53 dB in this metric (as printed 26.76, in the three-channel sum)" in text
    assert "−2.50 dB at 16,384 steps, as a mean over 2 test images of 64 px." in text
    assert "**163,616 steps remain to the source's number of steps**, 3.5 doublings and 7.3 core-hours" in text
    assert trend(curves_of(rising[:2])[0]) is None and to_the_source(curves_of(rising[:2])[0]) == ""
    assert trend(curves_of([*rising, point(256, [-90.0, -90.0])])[0]) is None, "a diverged training has no trend"
    ct = [{**row, "problem": "curves/ct-64"} for row in rising]
    assert "The source has 35.64 dB in this metric (as printed)" in to_the_source(curves_of(ct)[0])
    early = curves_of([{**row, "problem": "curves/ct-128", "px": 128, "milestone": 0.3} for row in rising])[0]
    found = trend(early)
    assert found is not None and (found.first, found.last) == (1024, 4096)
    assert "**Its rate falls after 5,760 steps**" in said(early) and "Its rate falls" not in said(curve)
    mri = [{**row, "problem": "curves/mri-64"} for row in rising]
    assert to_the_source(curves_of(mri)[0]).endswith("dB per doubling of the steps."), "no source prints a figure"


def test_the_queue_has_every_curve_and_is_done_with_its_last_point(tmp_path: Path) -> None:
    entries = {entry.recipe: entry for entry in queue() if entry.recipe.startswith("curves/")}
    assert set(entries) == set(names())
    entry, work = entries["curves/mri-64"], Work(tmp_path)
    row = {"recipe": "curves/mri-64-ei-1", "problem": "curves/mri-64", "seed": 0, "epoch": 362}
    write_row(row, tmp_path)
    assert not entry.trained(work)
    write_row({**row, "recipe": "curves/mri-64-ei-2", "epoch": 482}, tmp_path)
    assert entry.trained(work) and not entries["curves/mri-128"].trained(work)


def test_the_committed_charts_are_drawn_from_the_committed_rows() -> None:
    rows = committed_study("curves").values()
    page = (ROOT / "docs" / "results-imaging.md").read_text(encoding="utf-8")
    for path, (drawing, alternative) in charts(rows).items():
        assert (ROOT / "docs" / path).read_text(encoding="utf-8") == drawing, "Run python -m studies.curves --render"
        assert f"![{alternative}]({path})" in page
