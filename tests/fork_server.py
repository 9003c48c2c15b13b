"""A script that forks one child a line, so that processes to be killed cost no imports; how tests talk to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, Self


class ForkServer:
    """`python WORDS…`, which says "ready" and then answers each line of words with one line of numbers."""

    def __init__(self, *words: str, cwd: Path | None = None, stderr: IO[str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *words],
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
        )
        assert self.line() == "ready", words

    def ask(self, *words: object) -> int:
        """The answer to a line: a child's process id, or the status of one that has ended."""
        assert self._process.stdin is not None
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        self._process.stdin.flush()
        return int(self.line())

    def line(self) -> str:
        """The next line that it says."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
