"""One side of the benchmark: a process that builds a case, and makes the calls that it is asked for, one by one.

It reads requests from stdin and answers on stdout, both one line of JSON at a time:

{"build": {"problem": "tomography", "size": 256, …}}       {"build_s": 0.3, "held_mib": 41.0, "operations": […]}
{"call": "forward", "batch": 8, "seeds": [1, 2, 3]}        {"s": [0.01, 0.01, 0.01], "residual": null}

Calls are timed by `clock`, the CPU time of the process: other work on the machine is not in it.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

Settings = dict[str, Any]  # Any: JSON
clock = time.process_time


@dataclass(frozen=True)
class Operation:
    """Timed operation, with the functions that make its input and check its output.

    Args:
        given: (batch, seed) ↦ a fresh input; not timed.
        run: Input ↦ output; timed.
        residual: (input, output) ↦ error of the output; not timed. None: the error is not computed.
    """

    given: Callable[[int, int], Any]  # Any: each operation's own
    run: Callable[[Any], Any]
    residual: Callable[[Any, Any], float] | None = None


@dataclass(frozen=True)
class Steps:
    """A training step: `run` makes so many from the seed, and says how long each took."""

    run: Callable[[int, int], list[float]]


Made = Mapping[str, Operation | Steps]


def serve(make: Callable[[Settings], Made]) -> None:
    """Answer until stdin ends."""
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    torch.set_num_threads(threads)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to stderr
    made: Made = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "build" in request:
            made = {}
            gc.collect()
            made, answer = _build(make, request["build"])
        else:
            answer = _call(made[request["call"]], request["batch"], request["seeds"])
        print(json.dumps(answer), file=answers, flush=True)


def relative(wrong: torch.Tensor, whole: torch.Tensor) -> float:
    """‖wrong‖ / ‖whole‖."""
    return float(torch.linalg.vector_norm(wrong) / torch.linalg.vector_norm(whole))


def _build(make: Callable[[Settings], Made], settings: Settings) -> tuple[Made, Settings]:
    """From nothing to the first measurement and its adjoint, as many build what they need when they first need it."""
    held = _resident_mib("VmRSS")
    _forget_peak()
    began = time.perf_counter()
    made = make(settings)
    seconds = time.perf_counter() - began
    for name in ("forward", "adjoint"):
        operation = made.get(name)
        if isinstance(operation, Operation):
            given = operation.given(1, 0)
            began = time.perf_counter()
            operation.run(given)
            seconds += time.perf_counter() - began
    gc.collect()
    return made, {
        "build_s": seconds,
        "held_mib": _resident_mib("VmRSS") - held,
        "peak_mib": _resident_mib("VmHWM") - held,
        "operations": list(made),
    }


def _call(operation: Operation | Steps, batch: int, seeds: list[int]) -> Settings:
    if isinstance(operation, Steps):
        held = _resident_mib("VmRSS")
        _forget_peak()
        spent_s = operation.run(len(seeds), seeds[0])
        return {"s": spent_s, "residual": None, "peak_mib": _resident_mib("VmHWM"), "before_mib": held}
    spent, residual = [], None
    for seed in seeds:
        given = operation.given(batch, seed)
        began = clock()
        output = operation.run(given)
        spent.append(clock() - began)
        if operation.residual is not None:
            residual = max(residual or 0.0, operation.residual(given, output))
    return {"s": spent, "residual": residual}


def _resident_mib(field: str) -> float:
    """This process's memory now (VmRSS) or at its highest (VmHWM); zero where Linux does not say."""
    status = Path("/proc/self/status")
    for line in status.read_text(encoding="utf-8").splitlines() if status.is_file() else []:
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return 0.0


def _forget_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        return  # the peak then counts from the process's start
