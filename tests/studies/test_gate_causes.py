"""The study of the gate's causes: its shares, its judgements on the drawn films, and that the page shows its row."""

from __future__ import annotations

import math
from collections import Counter
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.stats import beta

from studies.gate_causes import (
    AIM,
    BEGIN,
    END,
    LATERALS,
    MODEL,
    NAME,
    Cause,
    Judgement,
    Ranged,
    Stratum,
    as_markdown,
    cause_of,
    chosen,
    counted,
    judgements,
    part_of,
    share,
    sheets,
)
from studies.row_files import read_study
from unseen.data import phantoms
from unseen.detectors.gate_in_bundle import gate_parts
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.screening.gate.features import VIEWS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return read_study("gate", ROOT / "studies" / "results")[NAME]


def test_the_interval_is_of_all_films_if_all_causes_were_inspected() -> None:
    whole: Any = share([Stratum(40, 40, 3)], 200)
    assert whole["value"] == 3 / 200
    assert whole["low"] == pytest.approx(beta.ppf(0.025, 3, 198))
    assert whole["high"] == pytest.approx(beta.ppf(0.975, 4, 197))


@pytest.mark.parametrize("draws", [100, pytest.param(400, marks=pytest.mark.nightly)])
def test_the_interval_holds_for_inspected_refusals_and_a_draw_of_the_remarks(draws: int) -> None:
    rng = np.random.default_rng(0)
    held, values = 0, []
    for _ in range(draws):
        refused, remarks, _ = rng.multinomial(300, [0.1, 0.4, 0.5])
        false = rng.binomial(refused, 0.5), rng.binomial(50, 0.1)
        one: Any = share([Stratum(refused, refused, int(false[0])), Stratum(remarks, 50, int(false[1]))], 300)
        held += one["low"] <= 0.1 * 0.5 + 0.4 * 0.1 <= one["high"]
        values.append(one["value"])
    assert held >= 0.95 * draws
    assert np.mean(values) == pytest.approx(0.09, abs=0.08 / draws**0.5)  # four standard errors


def test_all_refusals_and_a_draw_of_the_remarks_are_inspected() -> None:
    refused = [Cause("views", f"{i}.png", "cropped", "") for i in range(6)]
    remarks = [Cause("kermany", f"{i}.png", "differs", "exposure and contrast") for i in range(60)]
    some = chosen([*refused, *remarks], 20)
    assert sum(one.remark for one in some[:20]) > 0 and not any(one.remark for one in some[20:])
    assert [one for one in some if not one.remark] and {one.key for one in refused} <= {one.key for one in some}


def test_judgements_on_other_causes_than_the_drawn_ones_are_an_error() -> None:
    causes = [Cause("views", f"lateral_{i}.png", "cropped", "") for i in range(3)]
    judged = [Judgement("views", f"lateral_{i}.png", "cropped", "false", "whole film") for i in range(3)]
    row: Any = counted({LATERALS: 5, "kermany": 4}, causes, judged)
    shares = {name: one["share"]["value"] for name, one in row["sets"].items()}
    assert shares == {LATERALS: 3 / 5, "kermany": 0, "frontal": 0, "all": 3 / 9}
    assert row["causes"] == {"cropped": {"films": 3, "inspected": 3, "true": 0, "false": 3, "undecided": 0}}
    with pytest.raises(ValueError, match="2 judgements are not on the chosen films"):
        counted({LATERALS: 5}, causes, [*judged[:2], replace(judged[2], cause="lungs")])


def test_a_judgement_without_a_reason_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("dataset,file,cause,verdict,reason\nviews,a.png,cropped,false,\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"views/a\.png: a verdict of true, false, undecided and a reason are needed"):
        judgements(path)


def test_causes_and_contact_sheets_are_those_of_the_gate(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    parts, finder = gate_parts(MODEL), finder_of(MODEL)
    assert parts is not None and finder is not None
    gate = Ranged.of(*parts)
    assert isinstance(gate, Ranged)
    film = next(iter(phantoms.normals(1, seed=5, size=96)))
    over = replace(film, name="over", pixels=np.ascontiguousarray(film.pixels[::-1, ::-1]))
    cause, refusal = cause_of(gate, finder, "phantoms", over), gate.judge(over, finder.find(over))
    assert cause is not None and refusal is not None
    assert (cause.code, cause.what) == (refusal.code, refusal.what) and cause.key == "phantoms/over"
    (sheet,) = sheets(tmp_path / "sheets", [(cause, over, finder.find(over))])
    with Image.open(sheet) as opened:
        shown = np.asarray(opened)
    assert np.all(shown[40:136, 0:96, 0] == np.rint(255 * over.pixels)), "the film as it is"
    red = (shown == (255, 0, 0)).all(axis=2)
    assert red[40:136, 256:352].any() and red.sum() == red[40:136, 256:352].sum(), "the outline on the copy alone"
    lines = (tmp_path / "sheets" / "drawn.csv").read_text(encoding="utf-8").splitlines()
    assert lines[1].startswith("phantoms,over,")


def test_the_aim_is_reached_only_if_undecided_causes_counted_as_false_keep_to_it(found: dict[str, Any]) -> None:
    row = deepcopy(found)
    every = row["sets"]["all"]
    every["share"] = {"value": 0.001, "low": 0.0, "high": AIM / 2}
    for high, reached in ((AIM / 2, True), (AIM, False), (2 * AIM, False)):
        every["share_at_most"] = {"value": 0.001, "low": 0.0, "high": high}
        assert ("is **reached**." in as_markdown(row)) == reached
        assert ("is **not reached**: the interval with undecided" in as_markdown(row)) != reached


def test_the_distance_is_kept_where_the_gate_names_the_most_unlike_description() -> None:
    torch.set_num_threads(1)
    parts, finder = gate_parts(MODEL), finder_of(MODEL)
    assert parts is not None and finder is not None
    gate = Ranged.of(*parts)
    assert isinstance(gate, Ranged)
    cause = cause_of(gate, finder, "phantoms", next(iter(phantoms.normals(1, seed=5, size=96))))
    assert cause is not None and cause.code == "differs" and cause.what in VIEWS.values()
    assert 1 < gate.farthest < math.inf, "`Ranged` overrides the method that the gate calls"
    assert not cause.within


def test_row_judgements_and_page_agree(found: dict[str, Any]) -> None:
    judged, sets = judgements(), found["sets"]
    assert len(judged) == len({(one.dataset, one.file) for one in judged}) == sets["all"]["inspected"]
    assert sum(one.code != "differs" for one in judged) == sets["all"]["refused"], "all refusals were inspected"
    assert sum(one.verdict == "false" for one in judged) == sets["all"]["false"]
    for name, number in Counter(part_of(one.dataset, one.file) for one in judged).items():
        assert sets[name]["inspected"] == number, name
    page = (ROOT / "docs" / "theory" / "gate.md").read_text(encoding="utf-8")
    assert page.partition(BEGIN)[2].partition(END)[0].strip() == as_markdown(found)
