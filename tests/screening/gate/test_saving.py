"""A gate through JSON and tensors, and through a detector's bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from unseen.anatomy.lung_finder import LungFinder
from unseen.anatomy.network_view import View
from unseen.artifacts import bundle
from unseen.artifacts.bundle import BundleError
from unseen.data.film import Film
from unseen.detectors.finding import Finding
from unseen.detectors.gate_in_bundle import gate_parts
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load, save
from unseen.screening.gate import Gate, GateError


@pytest.fixture(scope="module")
def detector(normals: list[Film], finder: LungFinder) -> Pca:
    return Pca(view=View(size=32), components=8).fit(normals, finder=finder)


def test_settings_and_tensors_give_back_the_very_same_gate(
    gate: Gate, finder: LungFinder, incoming: list[Film]
) -> None:
    again = Gate.of(json.loads(json.dumps(gate.settings())), gate.tensors())
    assert again.settings() == gate.settings() and again.thresholds == gate.thresholds
    for film in incoming:
        lungs = finder.find(film)
        assert again.values(film, lungs) == gate.values(film, lungs)
        assert again.judge(film, lungs) == gate.judge(film, lungs)


def test_a_gate_is_small_and_its_tensors_bear_its_name(gate: Gate) -> None:
    tensors = gate.tensors()
    assert all(name.startswith("gate.") and tensor.dtype == torch.float32 for name, tensor in tensors.items())
    assert sum(tensor.numel() * 4 for tensor in tensors.values()) <= 2**20


@pytest.mark.parametrize("half", [False, True])
def test_a_bundle_carries_the_gate_and_scores_as_before(
    half: bool, gate: Gate, detector: Pca, incoming: list[Film], tmp_path: Path
) -> None:
    save(detector, tmp_path / "plain", half=half)
    save(detector, tmp_path / "gated", half=half, gate=gate)
    parts = gate_parts(tmp_path / "gated")
    assert parts is not None
    again = Gate.of(*parts)
    assert again.settings() == gate.settings()
    assert all((again.tensors()[name] == tensor).all() for name, tensor in gate.tensors().items())
    scores = [
        [found.score for found in load(tmp_path / name).score(incoming) if isinstance(found, Finding)]
        for name in ("plain", "gated")
    ]
    assert scores[0] == scores[1] and len(scores[0]) == len(incoming)


def test_a_bundle_without_a_gate_has_none(detector: Pca, tmp_path: Path) -> None:
    card = save(detector, tmp_path / "plain")
    assert card.gate is None and gate_parts(tmp_path / "plain") is None
    assert gate_parts("models/pca") is None or isinstance(Gate.of(*gate_parts("models/pca") or ({}, {})), Gate)


def test_gate_tensors_that_no_card_announces_are_strays(detector: Pca, gate: Gate, tmp_path: Path) -> None:
    save(detector, tmp_path / "gated", gate=gate)
    read = bundle.load(tmp_path / "gated")
    bundle.save(tmp_path / "silent", read.tensors, read.card.model_copy(update={"gate": None}))
    with pytest.raises(BundleError, match=r"holds weights that pca does not know \(gate\."):
        load(tmp_path / "silent")


def test_a_gate_that_is_not_whole_is_a_sentence(gate: Gate) -> None:
    some = gate.tensors()
    del some["gate.rule.unlike.weights"]
    with pytest.raises(GateError, match=r"not whole \('rule.unlike.weights'\). Copy the bundle again"):
        Gate.of(gate.settings(), some)
    with pytest.raises(GateError, match=r"the gate.s format is 2, and this version reads 1\. Update unseen"):
        Gate.of(gate.settings() | {"format": 2}, gate.tensors())
    with pytest.raises(GateError, match="not whole"):
        Gate.of({"format": 1}, gate.tensors())
    with pytest.raises(GateError, match="not whole"):
        Gate.of(gate.settings() | {"typical": [1.0]}, gate.tensors())
    assert repr(Gate.of(gate.settings(), gate.tensors())) == repr(gate)
