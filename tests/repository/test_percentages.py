"""One spelling of percentages, in pages, reports and messages: a number, a space, the sign."""

from __future__ import annotations

import re

from tests.docs.blocks import ROOT

STYLES = re.compile(r"style|\.(width|left|height|top)\b|width:|table \{|u00a0")
CLOSE = re.compile(r":\.\d%\}|\}%|\d%(?![\w(])|\bpercent of\b")


def test_a_percentage_is_a_number_a_space_and_the_sign() -> None:
    shown = [path for kind in ("*.py", "*.js", "*.j2") for path in sorted((ROOT / "src").rglob(kind))]
    assert shown
    wrong = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in shown
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if CLOSE.search(line) and not STYLES.search(line)
    ]
    assert not wrong, "\n".join(wrong)
