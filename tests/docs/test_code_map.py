"""The code map has a row for each source file, with the purpose that the file states."""

from __future__ import annotations

from docs import code_map


def test_the_code_map_is_rendered_from_the_files() -> None:
    assert code_map.PAGE.read_text(encoding="utf-8") == code_map.page(), "Run python -m docs.code_map"


def test_every_file_states_its_purpose() -> None:
    files = [
        path
        for tree in code_map.TREES.values()
        for _, found in code_map.folders(code_map.ROOT / tree)
        for path in found
    ]
    assert not [path for path in files if not code_map.purpose(path)]
    assert len(files) > 700
