"""No branch of the safety modules goes untested unless its reason is listed; the page shows what was measured.

`make coverage` measures, every night at the forge; here the committed figures are compared with the committed list.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from docs.coverage_page import FIGURES, PAGE, SAFETY, page, reasons, taken_in, unlisted

SOURCE = """\
def decided(n):
    if n:
        return 1
    return 2
"""


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return json.loads(FIGURES.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def test_every_uncovered_branch_of_the_safety_modules_is_listed(figures: dict[str, Any]) -> None:
    assert not unlisted(figures, reasons())


def test_an_exception_that_is_covered_now_is_taken_off_the_list(figures: dict[str, Any]) -> None:
    assert not set(reasons()) - set(figures["missed"])


def test_every_reason_is_a_sentence() -> None:
    for reason in set(reasons().values()):
        assert re.fullmatch(r"[A-Z].{20,}\.", reason), reason


def test_the_page_is_rendered_from_the_committed_figures(figures: dict[str, Any]) -> None:
    assert PAGE.read_text(encoding="utf-8") == page(figures, reasons()), "Run python docs/coverage_page.py"


def test_a_branch_that_was_not_run_is_named_by_its_function(tmp_path: Any) -> None:
    name = f"{SAFETY[0]}new.py"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).write_text(SOURCE)
    summary = {"num_statements": 4, "covered_lines": 3, "num_branches": 2, "covered_branches": 1}
    file = {"summary": summary, "missing_branches": [[2, 3]], "missing_lines": [3]}
    found = taken_in({"files": {name: file}, "meta": {"version": "7"}}, tests="tests/x", root=tmp_path)
    assert found["missed"] == {"unseen/screening/new.py:decided": {"branches": 1, "lines": 1}}
    assert found["packages"]["unseen/screening"] == {"files": 1, **summary}
    (sentence,) = unlisted(found, {})
    assert sentence.startswith("unseen/screening/new.py:decided: 1 branches, 1 lines are not covered.")
    assert unlisted(found, {"unseen/screening/new.py:decided": "a reason"}) == []
