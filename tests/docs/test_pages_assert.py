"""A page whose Python computes a result asserts its quality: a residual, a PSNR, a score, an error."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, blocks, named

RESULTS = {
    "adjoint",
    "by_discrepancy",
    "calibrate",
    "compare",
    "estimate",
    "fbp",
    "learn",
    "like_pairs",
    "mixed_sure",
    "pinv",
    "pseudo_inverse",
    "psnr",
    "score",
    "solve",
    "sure",
    "within_noise",
}
"""Functions and methods whose result is an image, a score or an estimate; a class body that defines one is no call."""


def results_of(page: Path) -> tuple[set[str], int]:
    """Return the functions of `RESULTS` that a page's runnable blocks call, and the number of their assertions."""
    called, assertions = set(), 0
    for block in blocks(page):
        if block.language != "python" or block.excused:
            continue
        for node in ast.walk(ast.parse(block.text)):
            assertions += isinstance(node, ast.Assert)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RESULTS:
                called.add(node.func.attr)
    return called, assertions


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_that_computes_a_result_asserts_its_quality(page: Path) -> None:
    called, assertions = results_of(page)
    assert assertions or not called, f"it calls {', '.join(sorted(called))} and asserts nothing about the result"


def test_a_page_without_an_assertion_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nx = A.pinv(y)\n```\n\n```bash\nassert\n```\n", encoding="utf-8")
    assert results_of(page) == ({"pinv"}, 0)
    page.write_text("```python\nx = A.pinv(y)\nassert abs(x - 1) < 0.1\n```\n", encoding="utf-8")
    assert results_of(page) == ({"pinv"}, 1)
