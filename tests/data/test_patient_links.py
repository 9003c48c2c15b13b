"""Patients linked by shared films: who is one person, and what links nobody."""

from __future__ import annotations

import math

import pytest

from unseen.data import linked_patients, training_patients


def test_films_of_unknown_patients_link_nobody() -> None:
    """Before, A and B were one person, since each shares a film with a patient of no name."""
    films = [("", "ab"), ("A", "ab"), ("", "cd"), ("B", "cd"), ("C", "cd"), ("", "")]
    person = linked_patients(films)
    assert person[""] == "" and person["A"] == "A" and person["B"] == person["C"] != "A"
    assert training_patients(films, ["ab"]) == {"A"}


@pytest.mark.parametrize("films", [[("A", math.nan), ("B", math.nan)], [(math.nan, "ab"), ("B", "cd")]])
def test_empty_cells_of_pandas_are_refused(films: list[tuple[str, str]]) -> None:
    """Before, all patients with such a digest were one person."""
    with pytest.raises(TypeError, match=r"texts, '' where one is not known, but got .*nan.*fillna"):
        linked_patients(films)
    with pytest.raises(TypeError, match="fillna"):
        training_patients(films, ["ab"])
