"""The results page and the README's table are what the committed rows say, and nothing is typed in beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

from studies.rendering import render
from tests.docs.blocks import ROOT


def test_results_are_rendered_from_the_committed_rows(tmp_path: Path) -> None:
    readme = Path(shutil.copy(ROOT / "README.md", tmp_path))
    (tmp_path / "docs").mkdir()
    render(ROOT / "studies" / "results", docs=tmp_path / "docs", readme=readme)
    again = "Run python -m studies --render"
    assert readme.read_text(encoding="utf-8") == (ROOT / "README.md").read_text(encoding="utf-8"), again
    for page in (tmp_path / "docs").rglob("*.md"):
        committed = ROOT / "docs" / page.relative_to(tmp_path / "docs")
        assert page.read_text(encoding="utf-8") == committed.read_text(encoding="utf-8"), again
    for figure in (tmp_path / "docs").rglob("*.svg"):
        committed = ROOT / "docs" / figure.relative_to(tmp_path / "docs")
        assert figure.read_bytes() == committed.read_bytes(), again
