"""The outlook's questions on a small scale, and its sections, which say what its rows say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studies.outlook import page
from studies.outlook.ambient import MeasuredCritic, masks_of
from studies.outlook.images import inpainting, near_waves, random_sums, shapes
from studies.outlook.learning import (
    ADAPTED,
    DISTANCES,
    NUMBERS,
    STEPS,
    Task,
    at_the_source,
    dimension,
    row_of_task,
    trained,
)
from studies.outlook.rows import row_of, run_of
from studies.row_files import read_study
from tests.docs.blocks import ROOT
from unseen.priors.wgan_gp import WGANGP


def task(**changed: Any) -> Task:
    x = shapes(16)
    return dataclasses.replace(Task("shift", "a", inpainting(), x[:12], x[12:], "ei", steps=2), **changed)


def row(question: str, arm: str, psnr: list[float], *, seed: int = 0, steps: int = 300) -> dict[str, Any]:
    trained = {} if steps == 0 else {"steps": steps, "features": 8, "device": "cpu (x86_64), 1 thread(s)"}
    settings = {"losses": "ei", "transforms": 1}
    return row_of(
        question, arm, seed=seed, settings=settings, by_picture={"psnr": psnr}, n={"trained": 1}, facts=trained
    )


def test_a_training_gives_a_row_and_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path))
    first = row_of_task(task(), 0)
    assert first["steps"] == 2  # two epochs of one batch of eight
    assert first["n"] == {"trained": 12, "tested": 4} and len(first["by_picture"]["psnr"]) == 4
    again = row_of_task(task(), 0)
    assert again["by_picture"] == first["by_picture"] and again["recipe_digest"] == first["recipe_digest"]


def test_an_adaptation_begins_with_the_weights_of_the_other_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path))
    elsewhere = task(arm="elsewhere", losses="supervised", images=shapes(8))
    before, _ = trained(elsewhere, 0)
    kept = {name: weight.clone() for name, weight in before.state_dict().items()}
    after, _ = trained(task(arm="adapted", begins=elsewhere, steps=1), 0)
    changed = [(after.state_dict()[name] - weight).abs().max() for name, weight in kept.items() if weight.ndim > 1]
    assert 0 < max(changed) < 0.01, "one step of Adam at 1e-3 moves no weight by more than about 1e-3"


def test_a_training_at_the_sources_budget_has_its_steps_width_and_transforms(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSEEN_RUNS", str(tmp_path))
    elsewhere = task(arm="elsewhere", losses="supervised", steps=STEPS)
    long = at_the_source(task(arm="adapted", steps=ADAPTED, begins=elsewhere))
    assert (long.question, long.steps, long.features, long.transforms) == ("shift-source", 90_000, 64, 3)
    assert long.begins is not None and (long.begins.question, long.begins.steps) == ("shift-source", 180_000)
    assert long.settings["learning_rate"] == 5e-4 and run_of("shift", "a", 0, task().settings) != run_of(
        "shift", "a", 0, long.settings
    )
    drawn = dataclasses.replace(at_the_source(task()), steps=4, features=4)
    row = row_of_task(drawn, 0)
    assert row["recipe"] == "outlook/shift-source-a" and row["settings"]["transforms"] == 3
    one = row_of_task(dataclasses.replace(drawn, transforms=1), 0)
    assert one["by_picture"] != row["by_picture"], "further transforms change the step"


def test_settings_name_a_training() -> None:
    names = {run_of("shift", one.arm, 0, one.settings)[0] for one in (task(), task(steps=3), task(losses="supervised"))}
    assert len(names) == 3


def test_signals_are_as_far_from_the_waves_as_asked() -> None:
    waves, tested, none = near_waves(0.0)
    assert float(none) == 0 and waves.shape == (500, 1, 1, 64) and tested.shape == (100, 1, 1, 64)
    frequencies = torch.fft.rfft(waves.double()).abs()[..., 4:]
    assert float(frequencies.max()) < 1e-4, "sums of three waves have no higher frequency"
    for distance in DISTANCES[1:]:
        near, _, added = near_waves(distance)
        assert float((near - waves).square().mean().sqrt()) == pytest.approx(float(added), rel=0.02)
        assert float(added) == pytest.approx(
            distance * float((waves - waves.mean(-1, keepdim=True)).square().mean().sqrt()), rel=1e-5
        )
    assert random_sums().A.range[-1] == 20


def test_every_distance_has_its_untrained_row() -> None:
    rows, tasks = dimension()
    assert [one["distance"] for one in rows] == list(DISTANCES) and len(tasks) == len(DISTANCES)


def test_the_critic_sees_what_is_measured() -> None:
    masks = masks_of(3)
    G = WGANGP(size=32, latent=4, features=4)
    seen = MeasuredCritic(G, torch.nn.Linear(1, 1), masks, measured=True)._seen(6, torch.Generator().manual_seed(0))
    dropped = (seen == -1).float().mean(dim=(1, 2, 3))
    assert all(0.35 < share < 0.65 for share in dropped.tolist())
    whole = MeasuredCritic(G, torch.nn.Linear(1, 1), masks, measured=False)._seen(6, torch.Generator().manual_seed(0))
    assert not bool((whole == -1).any())
    assert masks.mean().item() == pytest.approx(0.5, abs=0.05) and not torch.equal(masks[0], masks[1])


def test_a_difference_is_paired_by_seed_and_image() -> None:
    mine = [row("shift", "ei-digits", [20.0, 30.0], seed=seed) for seed in (0, 1)]
    others = [row("shift", "supervised-shapes", [18.0, 28.0], seed=seed) for seed in (0, 1)]
    found = page.difference(mine, others)
    assert found is not None and (found.value, found.low, found.high) == (2.0, 2.0, 2.0)
    untrained = [row("shift", "direct", [10.0, 20.0], steps=0)]
    below = page.difference(untrained, others)
    assert below is not None and below.value == -8.0
    assert page.difference(mine, [row("shift", "supervised-shapes", [1.0, 1.0], seed=5)]) is None


def test_the_section_says_what_the_rows_say() -> None:
    rows = [
        row("shift", "direct", [10.0, 12.0], steps=0),
        row("shift", "supervised-shapes", [18.0, 19.0]),
        row("shift", "ei-digits", [22.0, 23.0]),
        row("shift", "supervised-digits", [30.0, 32.0]),
        *(row("samples", f"ei-{number}", [15.0 + number / 100, 17.0 + number / 100]) for number in NUMBERS),
    ]
    text = "\n".join(page.imaging_blocks(rows))
    assert "is significantly above the supervised network of the other set: +4.00" in text
    assert "300 steps, 0.17 % of the source's 180,000; 8 of 64 features; 1 of 3 transforms" in text
    assert page.imaging_blocks([]) == [] and page.prior_blocks([]) == []
    gap = page.gap_cell([rows[2]], [rows[0]], [rows[3]])
    assert gap.startswith(f"{(22.5 - 11) / (31 - 11):.2f}"[:3])


def gan(arm: str, recall: float) -> dict[str, Any]:
    figures = {name: {"value": value, "low": value, "high": value} for name, value in (("p", 0.9), ("r", recall))}
    compared = {"mmd": {"squared": figures["p"]}, "precision": figures["p"], "recall": figures["r"]}
    facts = {"steps": 500, "generator_steps": 100, "features": 8, "distribution": compared, "device": "cpu"}
    return row_of("ambient", arm, seed=0, settings={}, by_picture={}, n={"trained": 1}, facts=facts)


def test_gans_that_reach_no_test_image_are_not_compared() -> None:
    unripe = "\n".join(page.prior_blocks([gan("images", 0.0), gan("many-masks", 0.01)]))
    assert "all are far from converged" in unripe and "500 steps, 100 of the generator" in unripe
    assert "far from converged" not in "\n".join(page.prior_blocks([gan("images", 0.5), gan("many-masks", 0.01)]))


def test_every_committed_row_has_its_question_and_budget() -> None:
    rows = read_study("outlook", ROOT / "studies" / "results")
    assert rows
    for name, one in rows.items():
        assert name == f"outlook/{one['question']}-{one['arm']}-{one['seed']}"
        untrained = one["arm"].startswith("direct")
        assert untrained or one.get("steps") or one.get("trained_seconds"), name
        assert np.isfinite([value for values in one["by_picture"].values() for value in values]).all()
