"""The time from a film to its score and map by the ensemble that ships, on each runtime, lungs found included."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.detector import Detector, Finding
from unseen.detectors.saved import Runtime, load

MODEL = "models/ensemble-five"
SIDE = 256  # pixels of a film, as of those that it learned from
RUNTIMES: tuple[Runtime, ...] = ("torch", "openvino")


def lungs_of(detector: Detector, film: Film) -> NDArray[np.bool_]:
    """The lungs that its own finder predicts."""
    if detector.finder is None:
        raise RuntimeError(f"{MODEL} has no lung finder")
    return detector.finder.find(film)


def shipped_ensemble(*, films: int, threads: int) -> dict[str, Any]:  # Any: JSON
    """Milliseconds a film by runtime, medians over `films` phantoms that each runtime sees in turn.

    Raises RuntimeError where a film is not scored, or its lungs differ.
    """
    torch.set_num_threads(threads)
    detectors = {runtime: load(MODEL, runtime=runtime) for runtime in RUNTIMES}
    seconds: dict[str, list[float]] = {runtime: [] for runtime in RUNTIMES}
    scores: dict[str, list[float]] = {runtime: [] for runtime in RUNTIMES}
    for place, film in enumerate(phantoms.normals(films + 1, seed=4, size=SIDE)):
        for runtime in RUNTIMES[:: 1 if place % 2 else -1]:  # each begins every other time
            began = time.perf_counter()
            found = detectors[runtime].score_film(film)
            took = time.perf_counter() - began
            if not isinstance(found, Finding):
                raise RuntimeError(found.reason)
            if place > 0:  # the first warms up
                seconds[runtime].append(took)
                scores[runtime].append(found.score)
        one, other = (lungs_of(detectors[runtime], film) for runtime in RUNTIMES)
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
