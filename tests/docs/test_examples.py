"""The examples are as short as they say. That they run, and what they find, is `test_site`'s: its gallery runs them."""

from __future__ import annotations

from tests.docs.blocks import ROOT

EXAMPLE = ROOT / "examples" / "get_started.py"


def test_get_started_is_as_short_as_it_says() -> None:
    code = EXAMPLE.read_text(encoding="utf-8").split('"""', 2)[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
