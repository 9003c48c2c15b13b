"""A film through a screener: its lungs found once for the input gate and the detector, and found by each of them."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.turns import in_turns
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load
from unseen.screening.gate.gate import Gate
from unseen.screening.screener import Screener, gate_in

MODEL = "models/pca"
SIDE = 512  # pixels of a film


class _LettingThrough:
    """A bundle's gate, asked in full; phantoms, which it refuses, are scored all the same."""

    def __init__(self, gate: Gate) -> None:
        self._gate, self.thresholds = gate, gate.thresholds

    def judge(self, film: Film, lungs: NDArray[np.bool_] | None, /) -> None:
        self._gate.judge(film, lungs)


def screening(*, films: int, threads: int) -> dict[str, Any]:  # Any: JSON
    """Milliseconds a film of both ways, medians over `films` phantoms that each way sees in turn.

    Raises RuntimeError where the two ways differ in a score.
    """
    torch.set_num_threads(threads)
    gate, detector = gate_in(MODEL), load(MODEL)
    if gate is None:
        raise RuntimeError(f"{MODEL} has no gate")
    open_gate = _LettingThrough(gate)
    screener = Screener(detector, gate=open_gate)

    def once(film: Film) -> float | None:
        return screener(film).score

    def by_each(film: Film) -> float | None:
        return _by_each(film, open_gate, detector)

    ways: dict[str, Callable[[Film], float | None]] = {"once": once, "by_each": by_each}
    seconds, given = in_turns(ways, phantoms.normals(films + 1, seed=3, size=SIDE))
    if given["once"] != given["by_each"]:
        raise RuntimeError("the scores of the two ways differ")
    pairs = zip(seconds["once"], seconds["by_each"], strict=True)
    return {
        "model": MODEL,
        "film_px": SIDE,
        "films": films,
        "threads": threads,
        "median_ms": {name: round(1000 * statistics.median(spent), 2) for name, spent in seconds.items()},
        "median_ratio": round(statistics.median(new / old for new, old in pairs), 3),
    }


def _by_each(film: Film, gate: _LettingThrough, detector: Detector) -> float | None:
    assert detector.finder is not None
    gate.judge(film, detector.finder.find(film))
    (outcome,) = detector.score([film])
    return outcome.score if isinstance(outcome, Finding) else None
