"""Every row of the results pages, timings apart, and every golden or shipped bundle is the file that was recorded.

`studies/results.sha256` holds their digests: renaming or moving code never changes a figure. A row that is made again
on purpose changes its line there, in the same commit (`sha256sum FILE`).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_row_and_no_bundle_has_changed() -> None:
    lines = (ROOT / "studies" / "results.sha256").read_text(encoding="utf-8").splitlines()
    recorded = {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}
    assert len(recorded) > 450
    changed = [
        name
        for name, digest in recorded.items()
        if not (ROOT / name).is_file() or hashlib.sha256((ROOT / name).read_bytes()).hexdigest() != digest
    ]
    assert not changed, "changed or missing; if on purpose, record the new digest in studies/results.sha256"
