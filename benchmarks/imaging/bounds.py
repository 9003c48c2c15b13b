"""Required figures of the benchmark, each at its size."""

from __future__ import annotations

from math import comb
from statistics import median

from benchmarks.imaging.contender import Settings

LEAST = (
    [  # problem, what narrows it, operation, batch, times as fast as deepinv
        ("tomography", {"size": 256, "views": views}, operation, batch, least)
        for views in (50, 180)
        for operation, batch, least in (("forward", 8, 30.0), ("adjoint", 8, 80.0), ("pinv", 1, 20.0))
    ]
    + [
        ("multi-coil", {"size": 256}, "pinv", 1, 10.0),
        ("steps", {"size": 64}, "EI step", 2, 1.0),
        ("steps", {"size": 64}, "REI step", 2, 1.0),
        ("steps", {"size": 64}, "REI step, shared pass", 2, 1.5),
    ]
    + [
        (problem, {"size": 256}, operation, batch, 1.2)
        for problem in ("blur", "mask")
        for operation in ("forward", "adjoint")
        for batch in (1, 8)
    ]
)
MOST_BARE = 1.15  # times the bare transform's time
MOST_PSNR_DB = 0.1


def bounds(figures: Settings) -> list[Settings]:
    """Return each with what was seen, what is asked, and whether it is met; null: not measured."""
    rows = figures["rows"]
    asked = []
    for problem, narrowing, operation, batch, least in LEAST:
        ours = find(rows, problem, narrowing, operation, batch, "unseen")
        theirs = find(rows, problem, narrowing, operation, batch, "deepinv")
        what = f"{problem} {narrowing['size']}²{_views(narrowing)}, {operation}, batch {batch}"
        times = None if ours is None or theirs is None else times_as_fast(ours, theirs)
        asked.append(_bound(f"{what}: times as fast as deepinv", times, f">= {least:g}", least, at_least=True))
        if operation == "pinv" and ours is not None and theirs is not None:
            share = ours["residual"] / theirs["residual"]
            asked.append(_bound(f"{what}: residual over deepinv's", share, "<= 1", 1.0, at_least=False))
    for problem in ("mri", "mask", "blur"):
        for operation in ("forward", "adjoint"):
            ours, bare = (find(rows, problem, {"size": 256}, operation, 8, name) for name in ("unseen", "bare"))
            times = None if ours is None or bare is None else times_as_fast(bare, ours)
            what = f"{problem} 256², {operation}, batch 8: time over the bare transform's"
            asked.append(_bound(what, times, f"<= {MOST_BARE:g}", MOST_BARE, at_least=False))
    precision = figures.get("precision")
    lost = None
    if precision is not None and precision["steps"] >= 200:
        lost = precision["fp32_db"] - precision["bf16_db"]
    what = "REI after 200 steps: PSNR that bfloat16 loses, dB"
    return [*asked, _bound(what, lost, f"<= {MOST_PSNR_DB:g}", MOST_PSNR_DB, at_least=False)]


def times_as_fast(row: Settings, reference: Settings) -> float:
    """Return the reference's time over the row's: the median over turns, where both took turns, else of the shortest
    times.

    >>> times_as_fast({"s": 1, "turns_s": [1, 2, 4]}, {"s": 2, "turns_s": [2, 6, 8]})
    2.0
    """
    ratios = _ratios_of_turns(row, reference)
    return median(ratios) if ratios else float(reference["s"] / row["s"])


def interval(row: Settings, reference: Settings) -> tuple[float, float] | None:
    """Return an interval of at least 95 % for the median of the turns' ratios; None for fewer than six turns.

    Its ends are two of the sorted ratios. It holds for any distribution if the turns are independent.

    >>> interval({"s": 1, "turns_s": [1] * 9}, {"s": 1, "turns_s": [9, 8, 7, 6, 5, 4, 3, 2, 1]})
    (2.0, 8.0)
    >>> interval({"s": 1, "turns_s": [1] * 5}, {"s": 1, "turns_s": [1] * 5})
    """
    ratios = sorted(_ratios_of_turns(row, reference))
    n, outside, beyond = len(ratios), 0, 0.0
    while beyond + 2 * comb(n, outside) / 2**n <= 0.05:
        beyond += 2 * comb(n, outside) / 2**n
        outside += 1
    return (ratios[outside - 1], ratios[-outside]) if outside else None


def _ratios_of_turns(row: Settings, reference: Settings) -> list[float]:
    """Return the reference's time over the row's in each turn; empty where one of them took no turns."""
    pairs = zip(row.get("turns_s", ()), reference.get("turns_s", ()), strict=False)
    return [float(theirs / ours) for ours, theirs in pairs]


def seconds(row: Settings) -> float:
    """Return the median over turns, where it took turns, else the shortest time."""
    return float(median(row["turns_s"]) if "turns_s" in row else row["s"])


def find(
    rows: list[Settings], problem: str, narrowing: Settings, operation: str, batch: int, contender: str
) -> Settings | None:
    """Return the row that was measured so, if it was."""
    wanted = {"problem": problem, **narrowing}
    for row in rows:
        same = (row["operation"], row["batch"], row["contender"]) == (operation, batch, contender)
        if same and wanted.items() <= row["case"].items():
            return row
    return None


def _bound(what: str, seen: float | None, asked: str, limit: float, *, at_least: bool) -> Settings:
    met = None if seen is None else (seen >= limit if at_least else seen <= limit)
    return {"what": what, "seen": None if seen is None else float(f"{seen:.3g}"), "asked": asked, "met": met}


def _views(narrowing: Settings) -> str:
    return f", {narrowing['views']} views" if "views" in narrowing else ""
