"""Help texts of the command `unseen`, printed by this process: its commands are built once."""

from __future__ import annotations

import contextlib
import io
import os

import pytest
from typer import rich_utils

from unseen.cli.program import app, built


def help_text(*words: str, width: int = 300) -> str:
    """Return the text that `unseen WORDS --help` prints on a terminal of this width, without a user's settings."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as changed:
        for name in [name for name in os.environ if name.startswith("UNSEEN_")]:
            changed.delenv(name)
        changed.setenv("NO_COLOR", "1")
        changed.setenv("COLUMNS", str(width))
        changed.setattr(rich_utils, "MAX_WIDTH", width)
        with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as left:
            built(app)([*words, "--help"], prog_name="unseen")
    assert not left.value.code, f"unseen {' '.join(words)} --help: exit {left.value.code}\n{out.getvalue()[-2000:]}"
    return out.getvalue()
