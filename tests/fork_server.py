"""A script that forks one child a line, so that processes to be killed cost no imports; how tests talk to it.

The script is itself a fork of what `warm_python` has imported.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Self

from tests.warm_python import warm_python

ROOT = Path(__file__).parents[1]


class ForkServer:
    """`python SCRIPT`, which says "ready" and then answers each line of words with one line of numbers."""

    def __init__(self, script: Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        orders, answers, self._err = (Path(self._folder.name) / name for name in ("in", "out", "err"))
        os.mkfifo(orders)
        os.mkfifo(answers)
        paths = os.pathsep.join(filter(None, (str(ROOT), str(ROOT / "server"), os.environ.get("PYTHONPATH"))))
        self._process = warm_python().start_on(
            script,
            cwd=ROOT,
            environment=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
            streams=[str(orders), str(answers), str(self._err)],
        )
        self._orders, self._answers = orders.open("w", encoding="utf-8"), answers.open(encoding="utf-8")
        assert self.line() == "ready", script

    def ask(self, *words: object) -> int:
        """Return the answer to a line: a child's process id, or the status of one that has ended."""
        self._orders.write("\t".join(map(str, words)) + "\n")
        self._orders.flush()
        return int(self.line())

    def line(self) -> str:
        """Return the next line that it says."""
        said = self._answers.readline()
        assert said, f"it has ended: {self.log()}"
        return said.strip()

    def log(self) -> str:
        """Return the text that the server and its children wrote to standard error."""
        return self._err.read_text(encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._orders.close()
        self._process.wait(timeout=30)
        self._answers.close()
        self._folder.cleanup()
