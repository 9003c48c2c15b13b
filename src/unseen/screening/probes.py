"""Probe films: eight synthetic films whose scores show that a machine computes what the calibrating machine did.

A policy stores the films' seeds and their scores. A screener that is loaded with the policy scores them again; where a
score differs by more than 1 % of the spread of the normal studies' scores, it clears nothing and gives the reason.

The films are drawn here, not by `data.phantoms`, and `probe_film` must never change: an update that changed it would
stop clearing at every site.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from unseen.data.film import Film, NotRead

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.detectors.finding import Finding

SEEDS: Final = tuple(range(8))
TOLERANCE: Final = 0.01
"""Largest difference of a probe's score, as a share of the standard deviation of the normal studies' scores."""
_SIDE = 256
_ROUNDING = 1e-6  # of a score, where all normal studies have the same one


class Probe(BaseModel):
    """A probe film and its score on the machine that calibrated.

    Example:
        >>> Probe(seed=3, score=0.25).seed
        3
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    seed: int = Field(ge=0, lt=2**32)
    score: float | None = Field(description="None: the detector gave no score")


class _Scores(Protocol):
    def score(self, films: Iterable[Film | NotRead], /) -> Iterator[Finding | NotRead]: ...


def probe_film(seed: int) -> Film:
    """Draw a probe film: a chest with two dark lungs and fine structure, the same on every machine.

    Args:
        seed: which film, 0 to 2³² - 1.

    Returns:
        A film of 256 x 256 pixels, 12 bits.

    Example:
        >>> probe_film(0).pixel_sha256 == probe_film(0).pixel_sha256, probe_film(0).pixels.shape
        (True, (256, 256))
    """
    return Film(
        name=f"probe {seed}",
        pixels=_drawn(seed).copy(),
        source="probe",
        patient=f"probe {seed}",
        study=f"probe {seed}",
        bits=12,
        view_position="PA",
        file_sha256="",
        pixel_sha256=f"{seed:064x}",
        file_bytes=0,
        file_format="phantom",
    )


@lru_cache(maxsize=len(SEEDS))  # each calibration, and each load with a policy, asks for the same ones
def _drawn(seed: int) -> NDArray[np.float32]:
    """Draw the pixels of a probe film."""
    # the raw stream, since numpy may change how it makes numbers of another distribution from it
    raw = np.random.PCG64(seed).random_raw(_SIDE * _SIDE + 16).astype(np.float64) / 2**64
    shape, grain = raw[:16], raw[16:].reshape(_SIDE, _SIDE)
    y, x = np.mgrid[-1 : 1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j]
    body = np.clip(1.6 - (x / 0.95) ** 2 - (y / 1.25) ** 2, 0, 1)
    lungs = np.zeros_like(x)
    for side, (dx, dy, wide, high) in zip((-1, 1), shape[:8].reshape(2, 4), strict=True):
        centre = side * (0.40 + 0.04 * (dx - 0.5)), -0.05 + 0.08 * (dy - 0.5)
        distance = ((x - centre[0]) / (0.27 + 0.05 * wide)) ** 2 + ((y - centre[1]) / (0.58 + 0.1 * high)) ** 2
        lungs += np.clip(1.5 * (1 - distance), 0, 1)
    ribs = 0.04 * np.sin((14 + 6 * shape[8]) * y + 3 * np.abs(x)) * lungs
    opacity = 0.25 * shape[9] * np.exp(-(((x - 0.4 * np.sign(shape[10] - 0.5)) / 0.12) ** 2 + (y / 0.15) ** 2))
    pixels = np.clip(0.72 * body - 0.45 * lungs * body + ribs + opacity + 0.03 * (grain - 0.5) + 0.08, 0, 1)
    stored = np.rint(4095 * pixels).astype(np.uint16)
    drawn: NDArray[np.float32] = (stored / np.float32(4095)).astype(np.float32)
    return drawn


def probes_of(detector: _Scores, seeds: Sequence[int] = SEEDS) -> tuple[Probe, ...]:
    """Score the probe films.

    Args:
        detector: a trained detector.
        seeds: which films.

    Returns:
        One probe per seed, in order.

    Example:
        >>> from unseen.detectors import load
        >>> len(probes_of(load("models/pca")))
        8
    """
    outcomes = detector.score([probe_film(seed) for seed in seeds])
    return tuple(
        Probe(seed=seed, score=None if isinstance(outcome, NotRead) else float(outcome.score))
        for seed, outcome in zip(seeds, outcomes, strict=True)
    )


def disagreement(seen: Sequence[Probe], stated: Sequence[Probe], scores: Sequence[float]) -> str:
    """State how far the scores of this machine are from those of the calibrating machine.

    Args:
        seen: the probes as scored here.
        stated: the probes of the policy, with the same seeds.
        scores: of the normal studies that the policy was calibrated with.

    Returns:
        A sentence; "" where all scores agree within 1 % of the standard deviation of `scores`.

    Example:
        >>> here, there = (Probe(seed=0, score=1.02),), (Probe(seed=0, score=1.0),)
        >>> disagreement(here, there, [0.0, 1.0, 2.0])
        'this machine scores probe film 0 at 1.02 and the calibrating machine at 1'
        >>> disagreement(there, there, [0.0, 1.0, 2.0])
        ''
    """
    spread = float(np.std(scores)) if len(scores) > 1 else 0.0
    for here, there in zip(seen, stated, strict=True):
        if here.score is None or there.score is None:
            agree = here.score is there.score
        else:
            agree = abs(here.score - there.score) <= max(TOLERANCE * spread, _ROUNDING * abs(there.score))
        if not agree:
            return (
                f"this machine scores probe film {here.seed} at {_number(here.score)} and the calibrating machine at "
                f"{_number(there.score)}"
            )
    return ""


def _number(score: float | None) -> str:
    return "none" if score is None else f"{score:.6g}"
