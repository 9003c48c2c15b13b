"""Every row, every kept figure of a benchmark (timings apart) and every golden or shipped bundle is as recorded.

`studies/results.sha256` has the digests of files (`sha256sum FILE`), `studies/rows.sha256` those of rows by name:
renaming or moving code never changes a figure. A row that is made again on purpose changes its line there, in the same
commit; the failing test prints the new line.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from studies.row_files import read_rows
from studies.rows import Row

ROOT = Path(__file__).parents[2]


def recorded(name: str) -> dict[str, str]:
    lines = (ROOT / "studies" / name).read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split(maxsplit=1) for line in lines)}


def digest_of(row: Row) -> str:
    """Return the digest of a row's JSON with an indent of 1, which was a file of its own before there were lines."""
    return hashlib.sha256((json.dumps(row, indent=1, ensure_ascii=False) + "\n").encode()).hexdigest()


def test_no_file_and_no_bundle_has_changed() -> None:
    files = recorded("results.sha256")
    assert len(files) >= 25
    changed = [
        name
        for name, digest in files.items()
        if not (ROOT / name).is_file() or hashlib.sha256((ROOT / name).read_bytes()).hexdigest() != digest
    ]
    assert not changed, "changed or missing; if on purpose, record the new digest in studies/results.sha256"


def test_no_row_has_changed() -> None:
    digests, rows = recorded("rows.sha256"), read_rows(ROOT / "studies" / "results")
    assert len(digests) > 450
    missing = [name for name in digests if name not in rows]
    assert not missing, "no longer in studies/results; if on purpose, delete the lines from studies/rows.sha256"
    changed = [f"{found}  {name}" for name, digest in digests.items() if (found := digest_of(rows[name])) != digest]
    assert not changed, "changed; if on purpose, put these lines into studies/rows.sha256"
