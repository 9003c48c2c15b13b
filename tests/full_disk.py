"""A command on a disk that takes no more: a limit on the size of files, which the system keeps as it does space."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence


def on_a_full_disk(words: Sequence[str], *, kilobytes: int) -> subprocess.CompletedProcess[str]:
    """Run a command of which no file may grow beyond so many kB; it writes no bytecode, which would be kept cut."""
    return subprocess.run(
        ["bash", "-c", f"ulimit -f {kilobytes}; exec {shlex.join(words)}"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
