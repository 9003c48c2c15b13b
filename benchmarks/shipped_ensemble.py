"""The time from a film to its score and map by the ensemble that ships, on each runtime, lungs found included."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.turns import in_turns
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.saved import Runtime, load

MODEL = "models/ensemble-five"
SIDE = 256  # pixels of a film, as of those that it learned from
RUNTIMES: tuple[Runtime, ...] = ("torch", "openvino")


def shipped_ensemble(*, films: int, threads: int) -> dict[str, Any]:  # Any: JSON
    """Milliseconds a film by runtime, medians over `films` phantoms that each runtime sees in turn.

    Raises RuntimeError where a film is not scored, or its lungs differ.
    """
    torch.set_num_threads(threads)
    detectors = [load(MODEL, runtime=runtime) for runtime in RUNTIMES]
    ways: dict[str, Callable[[Film], float]] = {
        runtime: partial(_score, detector) for runtime, detector in zip(RUNTIMES, detectors, strict=True)
    }
    seen = list(phantoms.normals(films + 1, seed=4, size=SIDE))
    seconds, scores = in_turns(ways, seen)
    for film in seen:
        one, other = (_lungs(detector, film) for detector in detectors)
        if not np.array_equal(one, other):
            raise RuntimeError(f"the lungs of {film.name} differ between {' and '.join(RUNTIMES)}")
    apart = zip(*scores.values(), strict=True)
    return {
        "model": MODEL,
        "film_px": SIDE,
        "films": films,
        "threads": threads,
        "median_ms": {runtime: round(1000 * statistics.median(spent), 1) for runtime, spent in seconds.items()},
        "largest_difference_of_scores": max(abs(a / b - 1) for a, b in apart),
    }


def _score(detector: Detector, film: Film) -> float:
    found = detector.score_film(film)
    if not isinstance(found, Finding):
        raise RuntimeError(found.reason)
    return found.score


def _lungs(detector: Detector, film: Film) -> NDArray[np.bool_]:
    if detector.finder is None:
        raise RuntimeError(f"{MODEL} has no lung finder")
    return detector.finder.find(film)
