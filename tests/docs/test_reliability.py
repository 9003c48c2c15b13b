"""The reliability page is what the last `make nightly` found, from its committed figures."""

from __future__ import annotations

import json
import runpy

from tests.cli import test_memory
from tests.docs.blocks import ROOT
from tests.pacs import test_kills
from tests.training import test_kill
from tests.web import test_nothing_is_lost


def test_the_reliability_page_is_rendered_from_the_committed_figures() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "reliability_page.py"))["page"]
    soak = json.loads((ROOT / "studies" / "results" / "soak.json").read_text(encoding="utf-8"))
    committed = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert page(soak) == committed, "Run python -m docs.reliability_page"


def test_the_page_names_the_short_forms_that_make_test_runs() -> None:
    films = test_memory.USUAL
    assert runpy.run_path(str(ROOT / "docs" / "reliability_page.py"))["SHORT_FORMS"] == {
        "kills": test_kill.USUAL,
        "pacs_kills": test_kills.USUAL,
        "serving_kills": test_nothing_is_lost.USUAL,
        "films": films,
        "margin_bytes": test_memory.MARGINS[films],
    }
