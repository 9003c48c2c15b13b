"""The mutants of `tests.mutants`: each is valid Python, differs from its source, and is drawn anew by the same seed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutants import drawn, mutants_of

SOURCE = '''
def share(part: int, whole: int = 1) -> float:
    """The part in "ä" of the whole, at most 1."""
    if part < 0 or not whole:
        raise ValueError(f"{part + 1} of {whole}")
    return min(part / whole, 1.0)
'''


def test_each_place_of_a_function_is_changed_once(tmp_path: Path) -> None:
    (tmp_path / "share.py").write_text(SOURCE, encoding="utf-8")
    mutants = mutants_of(Path("share.py"), tmp_path)
    assert {(mutant.before, mutant.after) for mutant in mutants} == {
        ("part < 0 or not whole", "(part < 0 and (not whole))"),
        ("part < 0", "(part <= 0)"),
        ("0", "(1)"),
        ("not whole", "(whole)"),
        ("min(part / whole, 1.0)", "(None)"),
        ("part / whole", "(part * whole)"),
        ("1.0", "(2.0)"),
    }
    for mutant in mutants:
        changed = mutant.source(SOURCE)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))
        assert '"""The part in "ä" of the whole' in changed


@pytest.mark.nightly
def test_a_seed_draws_the_same_mutants_of_both_packages() -> None:
    mutants = drawn(3, 6)
    assert mutants == drawn(3, 6)
    assert [mutant.path.startswith("src/unseen/") for mutant in mutants] == [True, False] * 3
