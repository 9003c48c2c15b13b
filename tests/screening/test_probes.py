"""Probe films: they are the same everywhere, and a machine that scores them otherwise clears nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from unseen.data import phantoms
from unseen.detectors import load
from unseen.screening.calibration import calibrate
from unseen.screening.policy import Policy
from unseen.screening.probes import SEEDS, Probe, disagreement, probe_film, probes_of
from unseen.screening.screener import Screener
from unseen.screening.screener import load as load_screener

FILMS = [*phantoms.normals(12, seed=1, size=64), *phantoms.abnormals(12, seed=2, size=64)]
PIXELS = "3d29c661ca7a33f83dac4c3b90694678c572357e6e7caebb4e5e627246d180dd"


@pytest.fixture(scope="module")
def policy() -> Policy:
    made = calibrate(load("models/pca"), FILMS, 0.5, 0.9).policy
    assert made is not None
    return made


def test_the_films_never_change() -> None:
    """Another digest here means that every site would have to calibrate again."""
    stored = b"".join(np.rint(4095 * probe_film(seed).pixels).astype("<u2").tobytes() for seed in SEEDS)
    assert hashlib.sha256(stored).hexdigest() == PIXELS


def test_a_detector_scores_all_of_them_and_finds_them_different() -> None:
    scores = [probe.score for probe in probes_of(load("models/pca"))]
    assert len(set(scores)) == len(SEEDS) and None not in scores


def test_the_tolerance_is_one_percent_of_the_spread() -> None:
    scores = [0.0, 2.0]  # a standard deviation of 1
    stated = (Probe(seed=3, score=5.0),)
    assert disagreement((Probe(seed=3, score=5.0099),), stated, scores) == ""
    assert "probe film 3 at 5.0101" in disagreement((Probe(seed=3, score=5.0101),), stated, scores)
    assert "at none and the calibrating machine at 5" in disagreement((Probe(seed=3, score=None),), stated, scores)
    assert disagreement((Probe(seed=3, score=None),), (Probe(seed=3, score=None),), scores) == ""


@pytest.mark.parametrize(
    "shift, clears",
    [
        (0.005, True),
        pytest.param(-0.005, True, marks=pytest.mark.nightly),
        (0.02, False),
        pytest.param(-0.02, False, marks=pytest.mark.nightly),
    ],
)
def test_a_machine_that_scores_otherwise_clears_nothing(shift: float, clears: bool, policy: Policy) -> None:
    assert policy.drift is not None and len(policy.probes) == 8
    source = next(name for name, one in policy.sources.items() if one.threshold is not None)
    spread = float(np.std(policy.sources[source].normals))
    shifted = tuple(Probe(seed=one.seed, score=(one.score or 0) + shift * spread) for one in policy.probes)
    other = Screener(load("models/pca"), policy.model_copy(update={"probes": shifted}))
    assert (other.probe() == "") is clears
    high = policy.sources[source].model_copy(update={"threshold": 1e9})
    everything = policy.model_copy(update={"probes": shifted, "sources": {source: high}})
    screener = Screener(load("models/pca"), everything)
    screener.probe()
    decision = screener(FILMS[0])
    assert (decision.action == "clear") is clears
    assert clears or "clearing is stopped: this machine scores probe film 0 at" in decision.reason


def test_a_model_that_is_loaded_with_a_policy_is_probed_before_its_first_film(policy: Policy, tmp_path: Path) -> None:
    same = Screener(load("models/pca"), gate=load_screener("models/pca").gate).parts
    policy = policy.model_copy(update={"model_parts": same, "gate": load_screener("models/pca").gate.thresholds})
    changed = tuple(one.model_copy(update={"score": (one.score or 0) + 1.0}) for one in policy.probes)
    for name, probes, found in (("same", policy.probes, ""), ("other", changed, "this machine scores probe film 0 at")):
        path = tmp_path / f"{name}.json"
        policy.model_copy(update={"probes": probes}).save(path)
        assert load_screener("models/pca", path).disagreement[: len(found) or None] == found
