"""Choice of the faster precision, by the processor's own flags."""

from __future__ import annotations

import warnings

import pytest
import torch

from unseen.anatomy import lung_finder
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.data import phantoms
from unseen.training.placement import fabric_of
from unseen.training.precision import fastest_precision
from unseen.training.settings import Training


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_f": True, "avx512_bf16": True, "amx_bf16": False}, "bf16"),
        ({"amx_bf16": True}, "bf16"),
        ({"avx512_f": True, "avx512_bf16": False, "cpu_name": "some bf16"}, "fp32"),
        ({}, "fp32"),
    ],
)
def test_a_processor_is_taken_at_its_word(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object], expected: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert fastest_precision("cpu") == fastest_precision() == expected
    assert fastest_precision("mps") == fastest_precision("cuda:0") == "fp32"


@pytest.mark.parametrize(("capabilities", "warned"), [({"avx512_bf16": True}, False), ({"avx512_f": True}, True)])
def test_bfloat16_without_instructions_for_it_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, object], warned: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fabric_of(Training(precision="bf16", device="cpu"))
        fabric_of(Training(precision="fp32", device="cpu"))
    assert [str(one.message).partition(",")[0] for one in found] == warned * [
        'The training computes in bfloat16 (training.precision = "bf16")'
    ]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_lung_finder_trains_in_it(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    seen: list[Training] = []
    monkeypatch.setattr(lung_finder, "fastest_precision", lambda device: precision)
    monkeypatch.setattr(lung_finder, "train", lambda learner, data, settings, **rest: seen.append(settings))
    finder = LungFinder(LungFinder.Config(size=32, features=4, depth=2, steps=1))
    finder.fit(LungExamples.of(phantoms.normals(2, seed=0, size=64), size=32), device="cpu")
    assert [settings.precision for settings in seen] == [precision]
