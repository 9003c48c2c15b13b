"""Timing of the sides: one process for each, a call from each in turn, in several rounds of new processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.imaging.contender import Settings

ROOT = Path(__file__).parents[2]
PEERS = ROOT / ".venv-peers" / "bin" / "python"
VISITORS = ("deepinv", "astra")  # these run in the peers' environment
AT_ONCE, TURN_S = 20, 0.2  # calls in one turn: as many as fit this time, so that short ones find their caches warm
LONG_S = 1.0  # calls that take so long need no warming up
LEAST, MOST, BUDGET_S = 3, 12, 6.0
ROUNDS = {"mask": 5, "blur": 5, "mri": 5, "multi-coil": 3}
"""Number of times that new processes are started for problems with short calls; once for the others. The same call, of
bare torch as well, takes 12 µs in one process and 20 µs in the next."""
STEPS_OF_A_TURN, TURNS_OF_STEPS = 2, 9
"""Steps in a turn of a training, and number of turns: enough for an interval of the median ratio."""
FREED_IS_KEPT = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(1 << 34)}
"""Environment in which glibc keeps freed memory. By default, an array of 2 MB causes page faults in some processes and
not in others, depending on what they freed before; the faults take longer than a product of two such arrays."""


@dataclass
class Side:
    """A running contender."""

    process: subprocess.Popen[str]
    operations: list[str] = field(default_factory=list)

    def ask(self, request: Mapping[str, Any]) -> Settings:  # Any: JSON
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args!r} ended while it was asked {request}; what it said is above.")
        result: Settings = json.loads(answer)
        return result


@contextmanager
def sides(names: list[str], *, threads: int, freed_is_kept: bool = False) -> Iterator[dict[str, Side]]:
    """Start a process for each of `unseen`, `deepinv`, `plain`, `astra`."""
    memory = FREED_IS_KEPT if freed_is_kept else {}
    running = {
        name: Side(
            subprocess.Popen(
                [str(PEERS) if name in VISITORS else sys.executable, "-m", f"benchmarks.imaging.{name}_side"],
                cwd=ROOT,
                env=os.environ | memory | {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        for name in names
    }
    try:
        if threads == 1:  # on one core: the load of other programs differs between cores
            core = max(os.sched_getaffinity(0))
            for side in running.values():
                os.sched_setaffinity(side.process.pid, {core})
        yield running
    finally:
        for side in running.values():
            assert side.process.stdin is not None
            side.process.stdin.close()
            side.process.wait()


def race(case: Settings, contenders: Mapping[str, Side], *, quick: bool = False) -> list[Settings]:
    """Return a row for each operation that any side has: least seconds of a call, those of each turn, and how wrong
    pinv is.

    case   "problem", "size", "batches" (or "batch", of a training), and what else the problem needs
    quick  as few calls as can be
    """
    settings = {name: value for name, value in case.items() if name != "batches"}
    built = {name: side.ask({"build": settings}) for name, side in contenders.items()}
    rows = [
        {"case": settings, "operation": "build", "batch": 1, "contender": name}
        | {key: round(value, 4) for key, value in answer.items() if key != "operations"}
        for name, answer in built.items()
        if {"forward", "EI step"} & set(answer["operations"])
    ]
    for operation in dict.fromkeys(_plain(name) for answer in built.values() for name in answer["operations"]):
        for batch in case.get("batches") or [case["batch"]]:
            if operation == "pinv" and batch > 1:
                continue
            entered = {
                (name, each): side
                for name, side in contenders.items()
                for each in built[name]["operations"]
                if _plain(each) == operation
            }
            rows += _laps(settings, operation, batch, entered, quick=quick)
    return rows


def pooled(rounds: Sequence[list[Settings]]) -> list[Settings]:
    """Return the rows of several races of the same operations as one: all turns in their order.

    >>> row = {"case": {}, "operation": "forward", "batch": 1, "contender": "unseen"}
    >>> first, second = ({"s": s, "turns_s": [s], "peak_mib": p} for s, p in ((2.0, 5), (1.0, 4)))
    >>> pooled([[row | first], [row | second]])[0]["turns_s"], pooled([[row | first], [row | second]])[0]["s"]
    ([2.0, 1.0], 1.0)
    """
    found: dict[str, Settings] = {}
    for row in (row for rows in rounds for row in rows):
        key = json.dumps([row["case"], row["operation"], row["batch"], row["contender"]])
        before = found.setdefault(key, row)
        if before is not row:
            joined = {"turns_s": before["turns_s"] + row["turns_s"]} if "turns_s" in row else {}
            least = {"s": min(before["s"], row["s"])} if "s" in row else {}
            most = {name: max(before[name], row[name]) for name in ("residual", "peak_mib") if name in row}
            found[key] = before | joined | least | most
    return list(found.values())


def _laps(
    settings: Settings, operation: str, batch: int, entered: Mapping[tuple[str, str], Side], *, quick: bool
) -> list[Settings]:
    """Turn by turn until there are enough, every other one in reverse; the first warms up, unless it was long for all.

    The i-th turn of one side is at the same time as the i-th of each other one: their ratio is taken.
    """
    spent: dict[tuple[str, str], list[float]] = {key: [] for key in entered}
    turns: dict[tuple[str, str], list[float]] = {key: [] for key in entered}
    residual: dict[tuple[str, str], float] = {}
    peak: dict[tuple[str, str], float] = {}
    training = settings["problem"] == "steps" and not quick
    fewest, turns_asked = (STEPS_OF_A_TURN, TURNS_OF_STEPS) if training else (1, LEAST)
    times = {key: fewest for key in entered}
    total, seed = 0.0, 0
    for lap in range(1 + (1 if quick else MOST)):
        answers: dict[tuple[str, str], Settings] = {}
        for key, side in list(entered.items())[:: -1 if lap % 2 else 1]:
            seeds = list(range(seed, seed + times[key]))
            answers[key] = answer = side.ask({"call": key[1], "batch": batch, "seeds": seeds})
            seed += times[key]
            total += sum(answer["s"])
            if answer["residual"] is not None:
                residual[key] = max(residual.get(key, 0.0), answer["residual"])
            if "peak_mib" in answer:
                peak[key] = max(peak.get(key, 0.0), answer["peak_mib"])
            times[key] = max(fewest, min(AT_ONCE, int(TURN_S / min(answer["s"]))))
        if lap > 0 or all(min(answer["s"]) > LONG_S for answer in answers.values()):
            for key, answer in answers.items():
                spent[key] += answer["s"]
                turns[key].append(median(answer["s"]))
        if total > BUDGET_S and min(len(each) for each in turns.values()) >= turns_asked:
            break
    return [
        {
            "case": settings,
            "operation": operation,
            "batch": batch,
            "contender": _owner(*key),
            "s": round(min(times_s), 7),
            "turns_s": [round(value, 7) for value in turns[key]],
            **({"residual": float(f"{residual[key]:.2g}")} if key in residual else {}),
            **({"peak_mib": round(peak[key])} if key in peak else {}),
        }
        for key, times_s in spent.items()
        if times_s
    ]


def _plain(name: str) -> str:
    """Return an operation's name without its owner's: `bare forward` is a forward."""
    return name.removeprefix("bare ").removeprefix("scikit-image ").removeprefix("scipy ")


def _owner(side: str, name: str) -> str:
    owner = name.removesuffix(_plain(name)).strip()
    return owner or side
