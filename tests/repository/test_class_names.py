"""No two classes of the library have the same name, so that a search for a name ends at one file."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
CLASS = re.compile(r"^ *class (\w+)(?:\[[^\n]*\])?(?:\(|:)", re.MULTILINE)
NESTED = {"Config"}
"""Names of classes inside others: `Dct.Config` holds the settings of `Dct`."""


def test_class_names_are_unique() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "src" / "unseen").rglob("*.py")):
        for found in CLASS.findall(path.read_text(encoding="utf-8")):
            if found not in NESTED:
                places[found].append(str(path.relative_to(ROOT)))
    assert len(places) > 300
    assert not {name: paths for name, paths in places.items() if len(paths) > 1}
