"""Rows of the comparison of the frozen networks with their references."""

from __future__ import annotations

import pytest

from studies.backbones import CASES, LIMIT
from studies.row_files import read_study
from tests.docs.blocks import ROOT
from unseen.detectors.architectures import ARCHITECTURES, DEFAULT

ROWS = {
    name: row
    for name, row in read_study("backbones", ROOT / "studies" / "results").items()
    if name.startswith("backbones/equality/")
}


@pytest.mark.parametrize("name", ROWS)
def test_a_network_equals_its_reference_on_random_weights(name: str) -> None:
    row = ROWS[name]
    assert name.split("/")[2] == row["architecture"]
    assert row["largest"] == max(row["differences"].values()) <= LIMIT
    assert row["control"] > 100 * LIMIT  # changed weights are noticed
    assert min(row["spreads"].values()) > 0


def test_each_case_is_of_an_architecture_that_needs_a_file() -> None:
    assert {case.split("/")[0] for case in CASES} == set(ARCHITECTURES) - {DEFAULT}  # the default has a test of its own
    assert {name.removeprefix("backbones/equality/").removesuffix("-0") for name in ROWS} == set(CASES)
