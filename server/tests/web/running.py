"""The server as its users start it: `unseen serve` in a process of its own, and whoever talks to it."""

from __future__ import annotations

import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.warm_python import warm_python

UNSEEN = Path(sys.executable).with_name("unseen")
START_S = 90.0  # imports on a machine under load


class Running:
    """`unseen serve` with these words; `link` is what it printed for the person at the machine."""

    def __init__(self, *words: str | Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._err = Path(self._folder.name) / "stderr"
        os.mkfifo(self._err)
        self.process = warm_python().start(
            UNSEEN,
            "serve",
            *words,
            cwd=Path.cwd(),
            environment=os.environ | {"OMP_NUM_THREADS": "1"},
            out=Path(os.devnull),
            err=self._err,
        )
        self.lines: list[str] = []
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        with self._err.open(encoding="utf-8") as written:
            for line in written:
                self.lines.append(line)

    @property
    def log(self) -> str:
        return "".join(self.lines)

    def started(self) -> Running:
        """Wait until it serves."""
        until(lambda: "unseen serves" in self.log or self.process.poll() is not None, START_S)
        assert self.process.poll() is None, self.log
        self.base = re.search(r"unseen serves (\S+)", self.log).group(1)  # type: ignore[union-attr]
        until(lambda: self._answers(), START_S)
        return self

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.base}/health", timeout=5, verify=False).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def link(self) -> str:
        until(lambda: "link=" in self.log, START_S)
        return re.search(r"link=(\S+)", self.log).group(1)  # type: ignore[union-attr]

    def client(self, token: str | None = None) -> httpx.Client:
        """Somebody who is signed in: with `token`, or as whoever sits at the machine."""
        if token is None:
            token = httpx.post(f"{self.base}/tokens/link", json={"link": self.link}, timeout=30, verify=False).json()[
                "token"
            ]
        return httpx.Client(base_url=self.base, headers={"Authorization": f"Bearer {token}"}, timeout=60, verify=False)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Tell it to stop; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(timeout=60)
        self._reading.join(timeout=10)
        return status

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *error: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._folder.cleanup()


def until(holds: Callable[[], Any], within_s: float) -> None:
    """Wait until `holds`; fail where that takes too long."""
    end = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < end, f"not within {within_s:g} s"
        time.sleep(0.05)
