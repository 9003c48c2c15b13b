"""The gate's table: what is counted, that its figures follow from its counts, and that the page says what it says."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from studies.gate_table import (
    BEGIN,
    END,
    LEAST_OTHERS,
    MOST_PROPER,
    NAME,
    Guard,
    as_markdown,
    as_text,
    foreign_rows,
    row,
)
from studies.pages.cells import put_between
from studies.row_files import read_study
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.data import phantoms
from unseen.data.film import NotRead
from unseen.screening.gate import CODES, Gate

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "studies" / "results"
PAGE = ROOT / "docs" / "theory" / "gate.md"


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return read_study("gate", RESULTS)[NAME]


def wilson(k: int, n: int) -> tuple[float, float]:
    """Wilson 1927, in closed form."""
    z = 1.959963984540054
    centre, half = k / n + z * z / (2 * n), z * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
    return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def test_every_figure_follows_from_its_counts(found: dict[str, Any]) -> None:
    for one in found["rows"]:
        low, high = wilson(one["refused"], one["films"])
        assert one["rate"] == pytest.approx(one["refused"] / one["films"], abs=1e-4), one["name"]
        assert (one["low"], one["high"]) == pytest.approx((max(low, 0), min(high, 1)), abs=2e-4), one["name"]
        least, most = wilson(one["refused"] + one["remarks"], one["films"])
        expected = {None: None, "proper": most <= MOST_PROPER, "other": least >= LEAST_OTHERS}[one["rule"]]
        assert one["holds"] == expected, one["name"]
        ends = (one["never_cleared_low"], one["never_cleared_high"])
        assert ends == pytest.approx((max(least, 0), min(most, 1)), abs=2e-4)
        assert sum(one["by"].values()) == one["refused"] + one["remarks"] and set(one["by"]) <= {*CODES, "not-read"}
        assert one["by"].get("differs", 0) == one["remarks"]


def test_no_kind_is_left_out(found: dict[str, Any]) -> None:
    films = {one["name"]: one["films"] for one in found["rows"] if one["rule"] == "other"}
    assert films["CT slices"] == 77 and films["natural images"] == 170 and films["children"] == 800
    assert films["MR slices"] == 258
    altered = {
        "turned by 90°",
        "turned by 180°",
        "flipped left to right",
        "flipped top to bottom",
        "inverted",
        "cropped",
    }
    assert all(films.pop(name) == 300 for name in altered)
    views = [one["films"] for one in found["rows"] if str(one["name"]).startswith("adults (views): ")]
    assert sorted(views) == [24, 24, 40, 40]
    assert set(films) == {"CT slices", "MR slices", "natural images", "children", "blank", "noise"}
    (proper,) = (one for one in found["rows"] if one["rule"] == "proper")
    parts = [one for one in found["rows"] if str(one["name"]).startswith("proper: ")]
    assert len(parts) == 4 and sum(one["films"] for one in parts) == proper["films"] > 500
    assert sum(one["refused"] for one in parts) == proper["refused"]
    assert found["folds"] == [1, 2, 3, 4] and set(found["thresholds"]) == set(found["training_normals"])


def test_the_page_says_what_was_measured(found: dict[str, Any], tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text.partition(BEGIN)[2].partition(END)[0].strip() == as_markdown(found)
    copy = tmp_path / "gate.md"
    copy.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n", encoding="utf-8")
    put_between(copy, BEGIN, END, as_markdown(found))
    assert copy.read_text(encoding="utf-8") == f"Before.\n{BEGIN}\n{as_markdown(found)}\n{END}\nAfter.\n"


def test_a_row_that_misses_its_rule_says_so() -> None:
    rows = [row("a", ["cropped"] * 80 + [None] * 20, rule="other"), row("b", [None] * 200, rule="proper")]
    assert [one["holds"] for one in rows] == [False, True]
    text = as_text(rows).splitlines()
    assert "FAILS" in text[1] and "80 / 100" in text[1] and "{'cropped': 80}" in text[1]
    assert "holds" in text[2]


def test_a_file_that_was_not_read_counts_as_refused() -> None:
    guard = Guard(gate=None, finder=None)  # type: ignore[arg-type]  # neither is asked
    assert guard.refused(NotRead(name="a", reason="no", source="s", patient="p")) == "not-read"


@pytest.mark.nightly
@pytest.mark.slow
def test_each_different_image_is_judged_once(tmp_path: Path) -> None:
    normals = list(phantoms.normals(24, seed=1, size=64))
    finder = LungFinder(LungFinder.Config(size=32, features=8, depth=2, steps=40)).fit(
        LungExamples.of(normals, size=32), device="cpu"
    )
    guard = Guard(Gate.fit(normals, finder=finder), finder)
    rng = np.random.default_rng(0)
    slices = rng.integers(-1000, 1000, (5, 80, 80)).astype(np.int16)
    slices[4] = slices[0]
    for folder in ("ct100", "mri", "brain_t1/images", "natural/a", "natural/b"):
        (tmp_path / folder).mkdir(parents=True)
    np.savez(tmp_path / "ct100" / "ct256.npz", images=slices)
    for name, n in (("chest", 3), ("brain", 2)):
        np.savez(tmp_path / "mri" / f"{name}.npz", images=rng.random((n, 80, 80), dtype=np.float32))
    image = Image.fromarray(rng.integers(0, 255, (80, 90, 3), dtype=np.uint8))
    for name in ("brain_t1/images/s.png", "natural/a/1.png", "natural/b/2.png"):
        image.save(tmp_path / name)
    for folder in ("kermany", "nih_cxr8", "cxr_raw", "views"):
        phantoms.write([*phantoms.normals(2, size=64), *phantoms.abnormals(1, size=64)], tmp_path / folder)
    listed = (tmp_path / "views" / "manifest.csv").read_text(encoding="utf-8").splitlines()
    views = ["view", "frontal", "frontal", "lateral"]
    lines = [f"{line},{view}" for line, view in zip(listed, views, strict=True)]
    (tmp_path / "views" / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = {one["name"]: one for one in foreign_rows(tmp_path, {1: guard, 2: guard})}
    assert {name: one["films"] for name, one in rows.items() if one["rule"] == "other"} == {
        "CT slices": 4,
        "MR slices": 6,
        "natural images": 1,
        "children": 3,
        "blank": 100,
        "noise": 100,
    }
    views = [one["films"] for name, one in rows.items() if name.startswith("adults (views): ")]
    assert sorted(views) == [1, 1, 2, 2]
    assert rows["blank"]["by"] == {"blank": 100} and rows["noise"]["refused"] == 100
    assert rows["chest films in original files (cxr_raw)"]["films"] == 3
