"""Committed rows of the comparison of the frozen networks with their references, and the page that shows them.

The rows are not computed here: `tests/networks/test_published_networks.py` compares the maps with kept numbers.
"""

from __future__ import annotations

import re

import pytest

from studies.backbones import CASES, LIMIT
from studies.row_files import read_study
from tests.docs.blocks import ROOT
from unseen.detectors.architectures import ARCHITECTURES, DEFAULT

EVERY = read_study("backbones", ROOT / "studies" / "results")
ROWS = {name: row for name, row in EVERY.items() if name.startswith("backbones/equality/")}
PAGE = (ROOT / "docs" / "how-to" / "backbones.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ROWS)
def test_a_committed_row_of_equality_is_within_its_limit(name: str) -> None:
    row = ROWS[name]
    assert name.split("/")[2] == row["architecture"]
    assert row["largest"] == max(row["differences"].values()) <= LIMIT
    assert row["control"] > 100 * LIMIT  # changed weights are noticed
    assert min(row["spreads"].values()) > 0


def test_each_case_is_of_an_architecture_that_needs_a_file() -> None:
    assert {case.split("/")[0] for case in CASES} == set(ARCHITECTURES) - {DEFAULT}  # the default has a test of its own
    assert {name.removeprefix("backbones/equality/").removesuffix("-0") for name in ROWS} == set(CASES)


def test_the_page_shows_memory_and_time_of_the_committed_rows() -> None:
    for row in (row for name, row in EVERY.items() if name.startswith("backbones/speed/")):
        blocks = ", ".join(map(str, row["blocks"]))
        cells = (
            f"`{row['architecture']}`", row["px"], blocks, f"{row['parameters'] / 1e6:.1f}", row["memory_mb"],
            f"{row['milliseconds']:,.0f}",
        )  # fmt: skip
        assert f"| {' | '.join(map(str, cells))} |" in PAGE, row["architecture"]
        machine = row["device"].removeprefix("cpu, ")
        assert f"{machine}, torch {row['torch']}, {row['date']}" in PAGE
    assert {row["architecture"] for name, row in EVERY.items() if "/speed/" in name} == set(ARCHITECTURES)


def test_the_page_states_the_versions_and_differences_of_the_committed_rows() -> None:
    assert "equal bit by bit" in PAGE and all(row["largest"] == 0 for row in ROWS.values())
    assert "the difference is 0.01 or more" in PAGE and all(row["control"] >= 0.01 for row in ROWS.values())
    for row in ROWS.values():
        package = row["reference"].rpartition("/")[2]
        version = row["reference_version"][:7] if package == "dinov2" else row["reference_version"]
        assert re.search(rf"{package}( at)? {re.escape(version)}", PAGE), row["reference"]


def test_the_page_lists_the_default_blocks_of_each_architecture() -> None:
    for name, one in ARCHITECTURES.items():
        line = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}` | ") and line.count("|") == 6)
        blocks, default = line.split(" | ")[2:4]
        assert blocks.startswith(f"0–{len(one.channels) - 1}")
        assert default == ("of the method" if name == DEFAULT else ", ".join(map(str, one.blocks)))
