"""Figures in the text of theory pages are those of the committed rows."""

from __future__ import annotations

import json
from typing import Any

from studies.rows import Row
from tests.docs.blocks import ROOT
from tests.studies.committed import RESULTS, committed_study

THEORY = ROOT / "docs" / "theory"
NEAR = 0.2  # dB


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
    lost: dict[tuple[str, str], list[float]] = {}
    for row in committed_study("imaging").values():
        if row["arm"] != "supervised" and row.get("validation_psnr") and noise_free(row):
            lost.setdefault((row["problem"], row["arm"]), []).append(after_the_best(row, "validation_psnr"))
    more = {where: max(values) for where, values in lost.items() if max(values) > NEAR}
    unrolled = [value for (_, arm), value in more.items() if arm == "unrolled"]
    assert len(more) == 5 and len(unrolled) == 4 and more["imaging/multi-mri", "multi-operator"] > NEAR
    text = (THEORY / "stopping.md").read_text(encoding="utf-8")
    assert f"unrolled networks ({min(unrolled):.1f} to {max(unrolled):.1f} dB)" in text
    assert f"MRI by 40 masks ({more['imaging/multi-mri', 'multi-operator']:.1f} dB)" in text


def test_the_price_of_the_shared_pass_is_that_of_the_benchmark() -> None:
    measured: Any = json.loads((RESULTS / "bench-imaging.json").read_text(encoding="utf-8"))["estimators"]  # Any: JSON
    less, (low, high) = -measured["difference_db"], measured["interval_db"]
    assert high < 0, "significantly worse"
    text = (THEORY / "learning-from-measurements.md").read_text(encoding="utf-8")
    assert (
        f"gave {less:.2f} dB less [{low:.2f}, {high:.2f}] over three seeds".replace("[-", "[−").replace(" -", " −")
        in text
    )
