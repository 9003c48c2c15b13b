"""`import unseen` and `unseen --help` come at once: by what they import, which neither clock nor load changes."""

from __future__ import annotations

import subprocess
import sys

SLOW = {"torch", "numpy", "scipy", "pandas", "pydicom", "PIL", "sqlalchemy", "fastapi", "matplotlib", "sklearn"}


def modules_after(code: str) -> set[str]:
    """Return the modules that a new interpreter has imported after `code`."""
    ending = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n{code}"
    done = subprocess.run([sys.executable, "-c", ending], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_import_unseen_adds_next_to_nothing() -> None:
    """Each public name is imported when it is first used."""
    added = modules_after("import unseen") - modules_after("pass")
    assert {name for name in added if name.split(".")[0] == "unseen"} == {"unseen"}
    assert not SLOW & added


def test_help_needs_no_library_that_computes() -> None:
    run = "import sys, runpy; sys.argv = ['unseen', '--help']; runpy.run_module('unseen', run_name='__main__')"
    found = modules_after(run)
    assert "unseen.cli" in found
    assert not SLOW & found
