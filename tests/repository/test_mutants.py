"""Mutants are valid Python and differ from their source, and a test kills one if it passes without it."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from tests.mutants import Checkout, TestFiles, drawn, mutants_of, summary

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
    assert mutants == drawn(3, 6) and len(set(mutants)) == 6
    assert [mutant.path.startswith("src/unseen/") for mutant in mutants] == [True, False] * 3


TEST_OF_SHARE = """
from unseen.share import share


def test_a_share_of_nothing_is_zero() -> None:
    assert share(0, 2) == 0


def test_half_is_half() -> None:
    assert share(1, 2) == 0.5
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one module, with tests that fail, or do not concern it."""
    for name, text in {
        "src/unseen/__init__.py": "",
        "src/unseen/share.py": SOURCE,
        "server/src/unseen_server/__init__.py": "",
        "tests/test_ahead.py": "def test_nothing_else() -> None:\n    assert len('whole') == 5\n",
        "tests/test_broken.py": "from unseen.share import share\n\n\ndef test_share() -> None:\n    assert not share\n",
        "tests/test_share.py": TEST_OF_SHARE,
        "server/tests/test_server.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-A"], cwd=tmp_path, check=True)
    return tmp_path


def test_related_tests_come_first(repository: Path) -> None:
    mutant = mutants_of(Path("src/unseen/share.py"), repository)[0]
    assert mutant.function == "share"
    related = TestFiles(repository).related(mutant)
    assert set(related[:2]) == {"tests/test_broken.py", "tests/test_share.py"}
    assert "server/tests/test_server.py" not in related


@pytest.mark.nightly
@pytest.mark.slow
def test_a_mutant_is_killed_by_a_test_that_passes_without_it(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    checkout = Checkout(tmp_path_factory.mktemp("mutants") / "checkout", repository)
    mutants = {mutant.after: mutant for mutant in mutants_of(Path("src/unseen/share.py"), repository)}
    rows = {after: checkout.tried(mutants[after], 60, {}) for after in ("(part * whole)", "(2.0)")}
    assert {after: row["outcome"] for after, row in rows.items()} == {"(part * whole)": "killed", "(2.0)": "survived"}
    assert "test_half_is_half" in str(rows["(part * whole)"]["by"])
    assert checkout.broken == {"tests/test_broken.py::test_share"}
    assert (checkout.folder / "src/unseen/share.py").read_text(encoding="utf-8") == SOURCE


def test_the_summary_counts_the_outcomes_and_names_who_lives() -> None:
    row = {"path": "src/unseen/share.py", "line": 4, "function": "share", "before": "1", "after": "(2)"}
    lines = summary([row | {"number": 0, "outcome": "killed"}, row | {"number": 2, "outcome": "survived"}])
    assert lines[:2] == ["library: 2 tried, 1 killed, 1 survived", "server: 0 tried"]
    assert lines[2:] == ["  2 survived: src/unseen/share.py:4 share: '1' -> '(2)'"]
