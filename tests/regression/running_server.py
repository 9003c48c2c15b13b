"""`unseen serve` in a process of its own, a fork of one that has imported its packages, asked over HTTP."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from tests.regression.command_line import UNSEEN
from tests.warm_python import warm_python

START_S = 90.0  # imports on a machine under load


class Server:
    """Server with these words after `unseen serve`; a context manager that ends it."""

    def __init__(self, *words: str) -> None:
        self._logs = tempfile.TemporaryDirectory()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UNSEEN_")}
        self._process = warm_python().start(
            UNSEEN, "serve", "--port", "0", *words,
            cwd=Path.cwd(), environment=environment | {"OMP_NUM_THREADS": "1"},
            out=Path(self._logs.name, "out"), err=Path(self._logs.name, "err"),
        )  # fmt: skip
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
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)
        self._logs.cleanup()

    @property
    def log(self) -> str:
        """Return the printed output of the server."""
        return "".join(path.read_text(encoding="utf-8") for path in sorted(Path(self._logs.name).iterdir()))

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
