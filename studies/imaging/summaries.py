"""Summary of a problem's rows: the network that is shown (by validation PSNR), its gain over TV, cost of stopping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from studies.imaging.arms import NETWORKS, PROJECTED, TRAINED, WITH_TRUTH
from studies.imaging.selection import of_arm
from studies.rows import Row
from unseen.evaluation.bootstrap import mean_of
from unseen.evaluation.intervals import Interval

SELF_SUPERVISED = tuple(arm for arm in TRAINED if arm not in (*WITH_TRUTH, *NETWORKS, "mc"))
"""Arms without truth that have validation figures of their own; those of `ei-projected` are EI's, before projection."""


def average(rows: Sequence[Row], name: str) -> Mapping[str, object]:
    """Return a figure's mean over images and seeds, with an interval over both."""
    values = [row["by_picture"][name] for row in rows if name in row["by_picture"]]
    return mean_of(values, rows[0]["units"]).to_json() if values else {"value": None}


def mean(rows: Sequence[Row], name: str = "psnr") -> float:
    """Return the mean of a figure over images and seeds, by default of the PSNR in dB."""
    return float(np.mean([row["by_picture"][name] for row in rows]))


def against(rows: Sequence[Row], others: Sequence[Row]) -> Interval | None:
    """Return PSNR less that of another arm in dB, paired by image; None where an arm has no row.

    Each training is compared with that of the other arm's same seed, or, where there is none, with the other arm's mean
    of each image over its seeds.
    """
    if not rows or not others:
        return None
    by_seed = {int(row["seed"]): np.asarray(row["by_picture"]["psnr"]) for row in others}
    usual = np.mean(list(by_seed.values()), axis=0)
    values = [(np.asarray(row["by_picture"]["psnr"]) - by_seed.get(int(row["seed"]), usual)).tolist() for row in rows]
    found = mean_of(values, rows[0]["units"])
    return found if isinstance(found, Interval) else None


@dataclass(frozen=True)
class Ahead:
    """The arm of a problem that learnt without truth and did best on validation images, and what it gains over TV.

    Args:
        arm: The arm.
        seeds: Number of its trainings.
        difference: PSNR less that of TV on the test images, in dB.
    """

    arm: str
    seeds: int
    difference: Interval


def best_without_truth(rows: Sequence[Row]) -> Ahead | None:
    """Return the arm with the highest mean PSNR on the validation images, which no test image chooses.

    None where no arm without truth has rows, or TV has none.
    """
    variation = of_arm(rows, "tv")
    found = {arm: of_arm(rows, arm) for arm in SELF_SUPERVISED}
    known = {arm: some for arm, some in found.items() if some}
    if not variation or not known:
        return None
    arm = max(known, key=lambda arm: float(np.mean([_on_validation(row) for row in known[arm]])))
    difference = against(known[arm], variation)
    return None if difference is None else Ahead(arm, len(known[arm]), difference)


def unrolled_against_others(rows: Sequence[Row]) -> Interval | None:
    """PSNR of the unrolled network less that of the best other one that learnt without truth, in dB, by test image.

    Neither is projected in training. None where either has no row, or another number of steps. Validation images choose
    the other one.
    """
    unrolled = of_arm(rows, "unrolled")
    other = best_without_truth([row for row in rows if row["arm"] != "unrolled" and row["arm"] not in PROJECTED])
    if not unrolled or other is None:
        return None
    others = of_arm(rows, other.arm)
    if {row["steps"] for row in [*unrolled, *others]} != {unrolled[0]["steps"]}:
        return None
    return against(unrolled, others)


def _on_validation(row: Row) -> float:
    """PSNR on the validation images at the epoch whose weights were kept, or else at the last one, in dB."""
    by_epoch = dict(row["validation_psnr"])
    return float(by_epoch[row.get("kept_epoch") or max(by_epoch)])


@dataclass(frozen=True)
class Stopped:
    """Test PSNR of the epoch whose weights were kept, compared with the best epoch on test images.

    Args:
        kept: Epoch whose weights were kept, from 1.
        best: Best epoch on test images, from 1.
        epochs: Number of epochs of the training.
        lost: Test PSNR of the best epoch less that of the kept one, in dB.
        at_the_end: Test PSNR of the best epoch less that of the last one, in dB.
    """

    kept: int
    best: int
    epochs: int
    lost: float
    at_the_end: float


def stopping(row: Row) -> Stopped | None:
    """Return what stopping cost in a training; None where nothing was held out."""
    if row.get("kept_epoch") is None:
        return None
    curve = dict(row["testing_psnr"])
    best = max(curve, key=lambda epoch: curve[epoch])
    last, kept = max(curve), row["kept_epoch"]
    return Stopped(kept, best, last, curve[best] - curve[kept], curve[best] - curve[last])
