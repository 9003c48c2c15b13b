"""The study of the gate's rules: its counts, its halves, and that the page shows its row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from studies.gate_rules import BEGIN, END, HALVES, MODEL, NAME, RULES, Image, as_markdown, half_of, measured
from studies.row_files import read_study
from unseen.data import phantoms
from unseen.data.film import NotRead
from unseen.detectors.gate_in_bundle import gate_parts
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.screening.gate import Gate

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return read_study("gate", ROOT / "studies" / "results")[NAME]


def test_no_image_passes_that_did_not_before(found: dict[str, Any]) -> None:
    assert found["pass_now_and_not_before"] == 0
    for kinds in found["halves"].values():
        for kind, by in kinds.items():
            earlier, present = by["earlier"], by["present"]
            assert earlier["refused"] + earlier["remarks"] == present["refused"] + present["remarks"], kind
            assert all(by[name]["refused"] <= present["refused"] <= earlier["refused"] for name in RULES[2:]), kind


def test_every_kind_is_in_the_half_that_chose_nothing_and_on_the_page(found: dict[str, Any]) -> None:
    of = {half: {kind: by["present"]["films"] for kind, by in kinds.items()} for half, kinds in found["halves"].items()}
    assert sum(films["adults (views): frontal"] for films in of.values()) == 40
    assert sum(films["adults (views): lateral"] for films in of.values()) == 24
    assert set(of["chosen"]) == set(of["reported"])
    page = (ROOT / "docs" / "theory" / "gate.md").read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == as_markdown(found)


def test_images_are_judged_by_all_rules() -> None:
    torch.set_num_threads(1)
    parts, finder = gate_parts(MODEL), finder_of(MODEL)
    assert parts is not None and finder is not None
    film = next(iter(phantoms.normals(1, seed=5, size=96)))
    over = replace(film, pixels=np.ascontiguousarray(film.pixels[::-1, ::-1]))
    missing = NotRead(name="a.png", reason="There is no such file.", source="s", patient="p")
    some = [Image("whole", "a", film), Image("turned", "a", over), Image("missing", "a", missing)]
    row = measured(Gate.of(*parts), finder, some)
    half = half_of("a")
    (empty,) = set(HALVES) - {half}
    halves: Any = row["halves"]
    assert halves[empty] == {} and list(halves[half]) == ["whole", "turned", "missing"]
    assert all(set(by) == set(RULES) and by["present"]["films"] == 1 for by in halves[half].values())
    assert halves[half]["missing"]["present"]["by"] == {"not-read": 1}
    assert halves[half]["turned"]["present"]["refused"] == halves[half]["turned"]["earlier"]["refused"] == 1
