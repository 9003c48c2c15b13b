"""Figures in the text of theory pages are those of the committed rows."""

from __future__ import annotations

import json
from typing import Any

from studies.imaging.arms import STOPPED, WITH_TRUTH
from studies.rows import Row
from tests.docs.blocks import ROOT
from tests.studies.committed import RESULTS, committed_study

THEORY = ROOT / "docs" / "theory"
NEAR = 0.2  # dB
NUMBERS = {3: "Three", 4: "Four", 5: "Five", 6: "Six"}


def after_the_best(row: Row, curve: str) -> float:
    """Return by how many dB the last epoch is below the best one."""
    epochs: dict[int, float] = dict(row[curve])
    return max(epochs.values()) - epochs[max(epochs)]


def noise_free(row: Row) -> bool:
    """Return whether the measurements of a row have no noise."""
    settings = row["settings"]
    return not settings["sigma"] and not settings["gain"] and settings["photons"] is None


def test_the_loss_of_rei_after_its_best_epoch_is_that_of_the_rows() -> None:
    rows = committed_study("imaging").values()
    lost = [
        after_the_best(row, "testing_psnr")
        for row in rows
        if row["problem"] == "imaging/mri-x4-10" and row["arm"] == "rei"
    ]
    text = (THEORY / "stopping.md").read_text(encoding="utf-8")
    assert f"REI lost {min(lost):.1f} to {max(lost):.1f} dB between its best epoch and its last one" in text


def test_what_noise_free_trainings_lose_is_that_of_the_rows() -> None:
    rows = {
        (row["problem"].removeprefix("imaging/"), row["arm"], row["seed"]): row
        for row in committed_study("imaging").values()
        if row["arm"] not in WITH_TRUTH and row.get("validation_psnr") and noise_free(row)
    }
    lost = {where: after_the_best(row, "validation_psnr") for where, row in rows.items() if where[1] not in STOPPED}
    more = {where: value for where, value in lost.items() if value > NEAR}
    masks = [value for (problem, _, _), value in more.items() if problem == "multi-mri"]
    others = {where: value for where, value in more.items() if where[0] != "multi-mri"}
    assert len(masks) == 4 == sum(problem == "multi-mri" and arm != "mc" for problem, arm, _ in lost)
    assert all(arm.startswith("unrolled") for _, arm, _ in others)
    text = (THEORY / "stopping.md").read_text(encoding="utf-8")
    assert f"in all trainings without truth but {len(more)}." in text
    steps = [int(row["steps"]) for row in rows.values() if row["arm"] not in STOPPED]
    assert {row["features"] for row in rows.values()} == {16}
    assert f"They have {min(steps):,} to {max(steps):,} steps, at most 2.2 % of the sources', 16 of 64 features" in text
    assert f"{NUMBERS[len(others)]} of these are unrolled networks (up to {max(others.values()):.1f} dB" in text
    assert f"all trainings on MRI by 40 masks ({min(masks):.1f} to {max(masks):.1f} dB)" in text
    for arm, words in (
        ("multi-operator+project", "the multi-operator loss gave"),
        ("unrolled+project", "the unrolled network"),
    ):
        stopped, last = rows["multi-mri", f"{arm}+stopped", 0], rows["multi-mri", arm, 0]
        values = [row["metrics"]["psnr"]["value"] for row in (stopped, last)]
        assert f"{words} {values[0]:.1f} dB instead of {values[1]:.1f} dB" in text
        assert f"of {stopped['steps']} and {last['steps']} steps with {last['features']} features" in text


def test_the_price_of_the_shared_pass_is_that_of_the_benchmark() -> None:
    measured: Any = json.loads((RESULTS / "bench-imaging.json").read_text(encoding="utf-8"))["estimators"]  # Any: JSON
    less, (low, high) = -measured["difference_db"], measured["interval_db"]
    assert high < 0, "significantly worse"
    text = (THEORY / "learning-from-measurements.md").read_text(encoding="utf-8")
    assert (
        f"gave {less:.2f} dB less [{low:.2f}, {high:.2f}] over three seeds".replace("[-", "[−").replace(" -", " −")
        in text
    )
