"""`unseen serve` as a process of one's own: started on a free port, known by the link that it prints, ended cleanly."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

from unseen.web.serving import ServingError

_LINK: Final = re.compile(r"(http://\S+)/sign-in#link=(\S+)")
_START_S: Final = 120.0
_FINISH_S: Final = 60.0  # longer than the server gives its workers


class OwnServer:
    """A server with these words after `unseen serve`. Use it as a context manager.

    log  everything that it says; the link to sign in with is left out

    Raises ServingError where it does not start.
    """

    def __init__(self, words: Sequence[str | Path], *, log: Path) -> None:
        self.root = self.link = ""
        self._log = log
        self._latest: deque[str] = deque(maxlen=5)
        self._told = threading.Event()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from unseen.cli import main; main()", "serve", *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read, name="read", daemon=True)
        self._reading.start()
        if not self._told.wait(_START_S) or not self.link:
            status = self.stop()
            said = " ".join(self._latest) or "It said nothing."
            raise ServingError(f"The server did not start (status {status}): {said} See {log}.")

    def address(self, page: str) -> str:
        """Where a browser signs in and is led to `page`; good once, for ten minutes."""
        return f"{self.root}/sign-in?next={quote(page, safe='')}#link={self.link}"

    def wait(self) -> int:
        """Until it ends by itself; its status."""
        return self._process.wait()

    def stop(self) -> int:
        """Let it finish what is in hand, and end; its status, 0 where all went well."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(timeout=_FINISH_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._reading.join(timeout=_FINISH_S)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as said, self._log.open("w", encoding="utf-8") as log:
            for line in said:
                if found := _LINK.search(line):
                    self.root, self.link = found[1], found[2]
                    self._told.set()
                    continue
                self._latest.append(line.strip())
                log.write(line)
                log.flush()
        self._told.set()
