"""The image of each imaging problem: all are there, small, described with their PSNR, and drawn by the command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studies.imaging.__main__ import main
from studies.imaging.problem_images import IMAGES, STUDY, alternative
from studies.row_files import file_of, read_study
from tests.docs.blocks import ROOT
from tests.studies.committed import committed_study

ROWS, DOCS = ROOT / "studies" / "results", ROOT / "docs"
EACH, ALL = 30_000, 700_000  # bytes


def problems() -> set[str]:
    """Return the problems of the results: those with a row of total variation."""
    return {row["problem"] for row in committed_study("imaging").values() if row["arm"] == "tv"}


def test_every_problem_of_the_results_has_a_small_image_with_its_psnr_on_the_page() -> None:
    page = (DOCS / "results-imaging.md").read_text(encoding="utf-8")
    rows = {row["image_of"]: row for row in committed_study(STUDY).values()}
    assert len(problems()) == 23 and set(rows) == problems()
    sizes = []
    for problem, row in rows.items():
        path = f"{IMAGES}/{problem.removeprefix('imaging/')}.png"
        assert f"![{alternative(row)}]({path})" in page
        sizes.append((DOCS / path).stat().st_size)
    assert max(sizes) < EACH and sum(sizes) < ALL
    assert len(list((DOCS / IMAGES).iterdir())) == len(rows), "an image of no problem"


def test_the_weight_is_that_of_the_problems_row() -> None:
    known = committed_study("imaging")
    for row in committed_study(STUDY).values():
        assert row["weight"] == known[row["weight_of"]]["weight"], row["image_of"]


def test_the_command_draws_the_committed_images(tmp_path: Path) -> None:
    file_of("imaging", tmp_path).write_bytes(file_of("imaging", ROWS).read_bytes())
    drawn = ["single-pixel", "triangles"]
    main(["--images", "--only", *drawn, "--rows", str(tmp_path), "--docs", str(tmp_path / "docs")])
    made = read_study(STUDY, tmp_path)
    assert set(made) == {f"{STUDY}/{short}-0" for short in drawn}
    for short in drawn:
        here, committed = (
            np.asarray(Image.open(docs / IMAGES / f"{short}.png"), dtype=np.int16) for docs in (tmp_path / "docs", DOCS)
        )
        assert here.shape == committed.shape and np.abs(here - committed).max() <= 1, short
        name = f"{STUDY}/{short}-0"
        assert made[name]["psnr"] == pytest.approx(committed_study(STUDY)[name]["psnr"], abs=0.05)
