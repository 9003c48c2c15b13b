"""`unseen serve` in a process of its own, asked over HTTP."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.regression.command_line import UNSEEN

START_S = 90.0  # imports on a machine under load


class Server:
    """Server with these words after `unseen serve`; a context manager that ends it."""

    def __init__(self, *words: str) -> None:
        self._log = tempfile.NamedTemporaryFile(suffix=".log")  # noqa: SIM115  closed with the server
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UNSEEN_")}
        self._process = subprocess.Popen(
            [sys.executable, UNSEEN, "serve", "--port", "0", *words],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=environment | {"OMP_NUM_THREADS": "1"},
        )
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Server:
        end = time.monotonic() + START_S
        while not (found := re.search(r"unseen serves (http://[^/\s]+)", self.log)):
            assert self._process.poll() is None, self.log
            assert time.monotonic() < end, f"no server within {START_S:g} s\n{self.log}"
            time.sleep(0.05)
        self.client = httpx.Client(base_url=found[1], timeout=60)
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(timeout=60)
        self._log.close()

    @property
    def log(self) -> str:
        """Return the printed output of the server."""
        return Path(self._log.name).read_text(encoding="utf-8")

    def ask(self, account: str | None, method: str, path: str, **how: Any) -> httpx.Response:
        """Send a request as an account whose password is `a long password of NAME`; None: signed in as nobody."""
        headers = dict(how.pop("headers", {}))
        if account is not None:
            if account not in self._tokens:
                given = {"name": account, "password": f"a long password of {account}"}
                answer = self.client.post("/api/v1/tokens", json=given)
                assert answer.status_code == 200, answer.text
                self._tokens[account] = answer.json()["token"]
            headers["Authorization"] = f"Bearer {self._tokens[account]}"
        return self.client.request(method, path, headers=headers, **how)
