"""Children of a program that `warm_python` started, or of a test: `python -P -m MODULE`, and the server that the
demonstration starts, as forks, without the seconds of imports. The same for pytest's workers (`forked_workers`).

Before such a program begins, it forks a helper, which has no threads and waits for orders on a socket. When the program
starts a child by `subprocess.Popen`, the helper forks the child, which gets the streams, the folder and the environment
that `Popen` would give it. All other commands are started as always. The helper leaves when the program ends, and the
children's own standard input ends with the program, as it would. A server's decoders of films, and readers of Parquet
files, come from lighter processes (`forked_decoders`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

COMMAND = "from unseen.cli import main; main()"  # the server of `unseen_server.web.server.OwnServer`; has children, too
PYTESTS_WORKER = "import sys;exec(eval(sys.stdin.readline()))"  # as execnet starts one
_KNOWN = [
    ["-P", "-m", "unseen_server.service.worker_main"],
    ["-P", "-m", "unseen_server.web.lab_process"],
    ["-P", "-c", COMMAND],
    ["-u", "-c", PYTESTS_WORKER],
    ["-P", "-m", "pytest"],  # the doctests
]


class _Helper:
    """The program's end of the socket."""

    def __init__(self, connected: socket.socket, pid: int) -> None:
        self._socket, self._pid = connected, pid
        self._asking = threading.Lock()

    def ask(self, order: object, streams: tuple[int, ...] = ()) -> Any:  # Any: a number, a status or None
        with self._asking:
            socket.send_fds(self._socket, [json.dumps(order).encode()], streams)
            return json.loads(self._socket.recv(64))

    def close(self) -> None:
        """Let the process leave, and wait until it has."""
        self._socket.close()
        os.waitpid(self._pid, 0)


class _Popen(subprocess.Popen[Any]):
    """`subprocess.Popen` with children of the helper for the commands above; the overridden methods are those that
    start a process and ask for its end."""

    helper: _Helper | None = None
    _from: _Helper | None = None  # which has forked it

    def _execute_child(self, args: Any, *rest: Any) -> None:
        words = [str(word) for word in args] if isinstance(args, list) else []
        helper = _helper_for(words)
        if helper is None:
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        cwd, env = rest[4], rest[5]
        pipes = rest[9:15]  # the child's end and ours of standard input, then ours and the child's of the other two
        streams = tuple(own if given == -1 else given for own, given in enumerate((pipes[0], pipes[3], pipes[5])))
        order = {"module": words[3], "words": words[4:], "cwd": cwd or os.getcwd(), "env": dict(env or os.environ)}
        self.pid = helper.ask(order, streams)
        self._child_created, self._from = True, helper
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if self._from is None:
            return super()._try_wait(flags)  # type: ignore[misc, no-any-return]
        while (status := self._from.ask(self.pid)) is None:
            if flags & os.WNOHANG:
                return 0, 0
            time.sleep(0.01)
        return self.pid, status

    def _internal_poll(self, *rest: Any, **words: Any) -> int | None:
        if self._from is None:
            return super()._internal_poll(*rest, **words)  # type: ignore[misc, no-any-return]
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


def _helper_for(words: list[str]) -> _Helper | None:
    if words[:1] != [sys.executable]:
        return None
    if words[1:3] == ["-P", "-m"] and words[3] in _addresses:
        return _readers(words[3])
    return _Popen.helper if words[1:4] in _KNOWN else None


_addresses: dict[str, Callable[[], str]] = {}  # by the module that a reader of files runs
_connected: dict[tuple[int, str], _Helper] = {}  # by process, too: a fork makes a connection of its own


def _readers(module: str) -> _Helper:
    if (os.getpid(), module) not in _connected:
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connected.connect(_addresses[module]())
        _connected[os.getpid(), module] = _Helper(connected, 0)
    return _connected[os.getpid(), module]


def take_from(module: str, address: Callable[[], str] | None) -> None:
    """Take children of this process and its forks that run `module` from the process that listens at an address; None:
    they are interpreters of their own again."""
    if address is None:
        del _addresses[module]
        return
    _addresses[module] = address
    subprocess.Popen = _Popen  # type: ignore[misc]


def begin(prepare: Callable[[], None] | None = None) -> str | None:
    """Start the helper: the children of this program are forks from now on.

    Args:
        prepare: function that the helper calls before its first child.

    Returns:
        In the program, None; in a child, the module that it is to run, or the text of one.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid != 0:
        theirs.close()
        _Popen.helper = _Helper(ours, pid)
        subprocess.Popen = _Popen  # type: ignore[misc]
        return None
    ours.close()
    os.setsid()  # Ctrl-C is for the program
    if prepare is not None:
        prepare()
    module = orders(theirs)
    if module is None:
        os._exit(0)
    return module


def end() -> None:
    """Stop the helper of a test.

    The helper has a copy of each pipe of the test's process. A program that waits for the end of such a pipe, such as
    the driver of a browser, would wait forever.
    """
    assert _Popen.helper is not None
    _Popen.helper.close()
    _Popen.helper = None  # later children are interpreters of their own


def orders(connected: socket.socket) -> str | None:
    """Fork a child for each order, or tell a child's status; in a child, the module that it is to run; None at the
    end."""
    ended: dict[int, int] = {}
    while True:
        message, streams, _, _ = socket.recv_fds(connected, 2**20, 3)
        if not message:
            return None
        order = json.loads(message)
        if isinstance(order, int):
            if order not in ended:
                pid, status = os.waitpid(order, os.WNOHANG)
                if pid:
                    ended[pid] = status
            connected.send(json.dumps(ended.get(order)).encode())
            continue
        child = os.fork()
        if child == 0:
            connected.close()
            return _become(order, streams)
        for stream in streams:
            os.close(stream)
        connected.send(json.dumps(child).encode())


def _become(order: dict[str, Any], streams: list[int]) -> str:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - for the whole process
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    module: str = order["module"]
    name = {COMMAND: "unseen", PYTESTS_WORKER: "pytest"}.get(module, module)
    sys.argv = [name, *order["words"]]
    Path("/proc/self/comm").write_text(name.rpartition(".")[2], encoding="utf-8")
    return module
