"""A relative path is that of the folder in which the program is now, not in which its decoder was started."""

from __future__ import annotations

from pathlib import Path

import pytest

from unseen.data import Film, films, phantoms


def test_relative_paths_are_read_after_a_change_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seed in (("one", 1), ("two", 2)):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        phantoms.write(phantoms.normals(1, seed=seed, size=64), "set")
        (film,) = films("set/films")
        assert isinstance(film, Film), film.reason
        assert film.name.startswith("set/films/")
