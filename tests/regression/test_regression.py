"""Compare the surfaces that users rely on with their records; an intended change shows as a diff of a record."""

from __future__ import annotations

import difflib

import pytest

from tests.regression.places import RECORDED
from tests.regression.surfaces import SLOW, SURFACES

_MOST_LINES = 200
NIGHTLY = {"postgresql", "mistakes"}
"""`sqlite` has the same description and routes as `postgresql`; tests/cli has the most frequent mistakes."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(one, marks=pytest.mark.nightly if one in NIGHTLY else pytest.mark.slow if one in SLOW else ())
        for one in SURFACES
    ],
)
def test_a_surface_is_as_it_was_recorded(name: str) -> None:
    differences: list[str] = []
    for file, content in SURFACES[name]().items():
        recorded = (RECORDED / file).read_text(encoding="utf-8")
        differences += difflib.unified_diff(
            recorded.splitlines(), content.splitlines(), f"recorded/{file}", f"{file} now", lineterm=""
        )
    shown = "\n".join(differences[:_MOST_LINES])
    assert not differences, f"{shown}\nA change on purpose: python -m tests.regression.record {name}"
