"""`import unseen` and `unseen --help` come at once: by what they import, which neither clock nor load changes."""

from __future__ import annotations

import subprocess
import sys

SLOW = {"torch", "numpy", "scipy", "pandas", "pydicom", "PIL", "sqlalchemy", "fastapi", "matplotlib", "sklearn"}


def modules_after(code: str) -> set[str]:
    """What a new interpreter has imported at its end."""
    ending = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n{code}"
    done = subprocess.run([sys.executable, "-c", ending], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_import_unseen_adds_next_to_nothing() -> None:
    """41 modules today, most of the standard library; each public name is imported when it is first asked for."""
    added = modules_after("import unseen") - modules_after("pass")
    assert "unseen" in added and len(added) <= 60
    assert not SLOW & added


def test_help_needs_no_library_that_computes() -> None:
    """394 modules today, most of them the command line's own (Typer and Rich)."""
    run = "import sys, runpy; sys.argv = ['unseen', '--help']; runpy.run_module('unseen', run_name='__main__')"
    found = modules_after(run)
    assert "unseen.cli" in found and len(found) <= 480
    assert not SLOW & found
