"""The reliability page is what the last `make soak` found, from its committed figures."""

from __future__ import annotations

import json
import runpy

from tests.docs.blocks import ROOT


def test_the_reliability_page_is_rendered_from_the_committed_figures() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "reliability_page.py"))["page"]
    soak = json.loads((ROOT / "studies" / "results" / "soak.json").read_text(encoding="utf-8"))
    committed = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert page(soak) == committed, "Run python docs/reliability_page.py"
