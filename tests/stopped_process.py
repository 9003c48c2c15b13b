"""A process that is stopped, so that a test can act while another waits for its answer, however busy the machine is."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any  # a process's pipes may be of text or of bytes


def stop(pid: int) -> None:
    """Stop the process; it stands still when this returns."""
    os.kill(pid, signal.SIGSTOP)
    while state(pid) != "T":
        time.sleep(0.001)


def kill(pid: int) -> None:
    """Kill a child of this process; it is over, but not yet waited for, when this returns."""
    os.kill(pid, signal.SIGKILL)
    while state(pid) not in ("Z", ""):
        time.sleep(0.001)


def once_asked(child: subprocess.Popen[Any], act: Callable[[], None]) -> None:
    """Act, in a thread, as soon as a question waits in the pipe to the stopped process."""

    def wait() -> None:
        assert child.stdin is not None
        while fcntl.ioctl(child.stdin, termios.FIONREAD, bytes(4)) == bytes(4):
            time.sleep(0.001)
        act()

    threading.Thread(target=wait, daemon=True).start()


def state(pid: int) -> str:
    """Its state as /proc has it, such as "T" for stopped; "" where there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""
