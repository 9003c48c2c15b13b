"""Python programs in forks of one process that has imported torch and its like, and the server and worker of `unseen`.

A program finds what it would find in an interpreter of its own: `sys.argv`, the folder, the environment and the three
standard streams are its own, and it ends as an interpreter ends: threads are waited for, and what `atexit` holds is
done. Only the seconds are saved that imports take, and taking apart what was imported: a module of `unseen` keeps
nothing of the environment that it is imported in. Passwords are hashed with argon2id's smallest settings
(`quick_passwords`); the usual ones are tested by `server/tests/worklist/test_accounts.py`. Browsers keep a server's
scripts (`kept_scripts`); that they ask as a rule is tested by `server/tests/web/test_shell.py`. A server's decoders of
films are forks, too (`forked_decoders`). Interpreters of their own are started by `tests/repository/test_wheel.py` (the
command, and that packages are declared), `server/tests/web/test_page_checks.py` (the server and its worker) and
`server/tests/web/test_lab_supervisor.py` (the lab's process).
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tests import forked_decoders
from tests.engines import share_compiled_statements
from tests.forked_children import COMMAND, begin

if TYPE_CHECKING:
    import argon2

PACKAGES = (
    "numpy",
    "torch",
    "torch.utils.data",
    "torch._dynamo",
    "lightning_fabric",
    "scipy.linalg",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.sparse.linalg",
    "scipy.stats",
    "sklearn.metrics",
    "skimage.metrics",
    "PIL.Image",
    "pydicom",
    "polars",
    "pydantic",
    "typer",
    "rich.console",
    "safetensors.torch",
    "fastapi",
    "sqlalchemy",
    "uvicorn",
    "alembic",
    "unseen_server.web.server",
    "unseen_server.web.lab_process",
    "unseen_server.service.worker_main",
    "unseen.detectors.saved",
    "unseen.screening.screener",
    "unseen_server.worklist.film_worker",
)
"""Modules that take long to import and start no thread that a fork would lose; an optimiser imports `torch._dynamo`."""

_USUAL_GC = gc.get_threshold()
"""Thresholds of garbage collection in an interpreter of its own; tests' processes change theirs after this import."""

_SERVERS = {"serve", "demo"}
"""Words of the commands whose children are forks."""


@dataclass(frozen=True)
class Ended:
    """A program's exit status, and what it printed."""

    code: int
    out: str
    err: str


class WarmPython:
    """The process to fork from; one for each pytest process."""

    def __init__(self, orders: IO[str], answers: IO[str], wait: Callable[[], object]) -> None:
        self._orders, self._answers, self._wait = orders, answers, wait
        self._asking = threading.Lock()
        assert self._answers.readline() == "ready\n"

    def ask(self, order: object) -> int | None:
        """Return the answer to one order."""
        with self._asking:
            self._orders.write(json.dumps(order) + "\n")
            self._orders.flush()
            answer: int | None = json.loads(self._answers.readline())
            return answer

    def start(
        self, program: Path, *words: object, cwd: Path, environment: Mapping[str, str], out: Path, err: Path
    ) -> Started:
        """Return the program with these words after its name, as `python PROGRAM WORDS…` would start it."""
        for stream in (out, err):
            stream.touch()  # there before the child is
        streams = [os.devnull, str(out), str(err)]
        return self.start_on(program, *words, cwd=cwd, environment=environment, streams=streams)

    def start_on(
        self, program: Path, *words: object, cwd: Path, environment: Mapping[str, str], streams: list[str]
    ) -> Started:
        """Return the same on these three streams, files or pipes by their paths."""
        argv = [str(program), *map(str, words)]
        pid = self.ask({"argv": argv, "cwd": str(cwd), "environment": dict(environment), "streams": streams})
        assert pid is not None
        return Started(self, pid, argv)

    def run(
        self, program: Path, *words: object, cwd: Path, environment: Mapping[str, str], timeout_s: float = 540
    ) -> Ended:
        """Return the same, until it ends; killed where that takes too long."""
        with tempfile.TemporaryDirectory() as folder:
            out, err = Path(folder) / "out", Path(folder) / "err"
            started = self.start(program, *words, cwd=cwd, environment=environment, out=out, err=err)
            try:
                code = started.wait(timeout_s)
            except subprocess.TimeoutExpired:
                started.kill()
                code = started.wait()
            return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))

    def close(self) -> None:
        self._orders.close()
        self._wait()


class Started:
    """A program that runs; the methods are those of `subprocess.Popen`."""

    def __init__(self, server: WarmPython, pid: int, args: list[str]) -> None:
        self.pid, self.args = pid, args
        self.returncode: int | None = None
        self._server = server

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._server.ask({"ended": self.pid})
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        end = None if timeout is None else time.monotonic() + timeout
        pause_s = 0.002
        while (code := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, 0.05)  # each look takes both processes a fraction of a millisecond
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:  # until it is asked for, an ended child keeps its number
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@functools.cache
def warm_python() -> WarmPython:
    """This process's own, which ends with it: the fork that `forked` made, else an interpreter that imports first."""
    if _forked:
        made = _forked[0]
    else:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_python"],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"},
        )
        assert process.stdin is not None and process.stdout is not None
        made = WarmPython(process.stdin, process.stdout, lambda: process.wait(timeout=30))
    atexit.register(made.close)
    return made


_forked: list[WarmPython] = []


def forked() -> bool:
    """Fork what `warm_python` will give, from a process that has called `warm` and has no threads; False in the fork,
    and in each program that it runs, when that has come to its end."""
    orders, answers = os.pipe(), os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(orders[0])
        os.close(answers[1])
        _forked.append(WarmPython(os.fdopen(orders[1], "w"), os.fdopen(answers[0]), lambda: os.waitpid(pid, 0)))
        return True
    for number, (own, others) in enumerate((orders, reversed(answers))):
        os.dup2(own, number)
        os.close(own)
        os.close(others)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - for the whole process
    os.environ.setdefault("MPLBACKEND", "Agg")
    answer()
    return False


@contextmanager
def quick_passwords() -> Iterator[Callable[[], argon2.PasswordHasher]]:
    """Passwords are hashed with argon2id's smallest settings; gives what makes the usual hasher.

    The usual settings take a fifth of a second of processor time for each password.
    """
    import argon2

    from unseen_server.worklist import accounts

    usual = accounts._hasher
    accounts._nobody.cache_clear()
    accounts._hasher = lambda: argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    try:
        yield usual
    finally:
        accounts._hasher = usual
        accounts._nobody.cache_clear()


@contextmanager
def kept_scripts() -> Iterator[None]:
    """A browser keeps scripts and styles, instead of asking whether they have changed, which is 45 requests a page."""
    from unseen_server.web import pages

    usual = pages.KEPT
    pages.KEPT = "max-age=3600"
    try:
        yield
    finally:
        pages.KEPT = usual


def _serve() -> list[str] | None:
    """Fork a child for each order, or report a child's status; in a child, return what it is to run; else None."""
    for line in sys.stdin:
        order = json.loads(line)
        if "ended" in order:
            pid, status = os.waitpid(order["ended"], os.WNOHANG)
            print(os.waitstatus_to_exitcode(status) if pid else "null", flush=True)
            continue
        if _SERVERS & set(order["argv"]):
            forked_decoders.start()
        child = os.fork()
        if child == 0:
            for number, path in enumerate(order["streams"]):
                opened = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
                os.dup2(opened, number)
                os.close(opened)
            os.chdir(order["cwd"])
            before = _from_environment()
            os.environ.clear()
            os.environ.update(order["environment"])
            sys.path[1:] = [*_from_environment(), *(path for path in sys.path[1:] if path not in before)]
            words: list[str] = order["argv"]
            return words
        print(child, flush=True)
    return None


_left_with: list[int] = []  # a program's status, once it has come to its end


def _leave() -> None:
    """The last of a program's `atexit` functions: end without taking apart what was imported, a third of a second."""
    if _left_with:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_left_with[0])


def to_its_end(program: Callable[[], object]) -> None:
    """Run it, and note the status that it leaves with; errors are the interpreter's to report."""
    try:
        program()
    except SystemExit as left:
        if left.code is None or isinstance(left.code, int):
            _left_with.append(left.code or 0)
        raise
    _left_with.append(0)


def _from_environment() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def warm() -> None:
    """Import what takes long, for forks."""
    atexit.register(_leave)  # before all imports that register something
    for package in PACKAGES:
        importlib.import_module(package)
    share_compiled_statements()
    from tests.kept_routes import share_routes, work_out_routes
    from unseen.cli.program import app, built

    share_routes()
    work_out_routes()
    built(app)
    gc.freeze()  # else each child looks through all that is imported once more as it ends, which takes 1.4 s


def answer() -> None:
    """Fork a child for each order; in a child, the program that it is to run."""
    with quick_passwords(), kept_scripts():
        print("ready", flush=True)
        asked = _serve()
        if asked is None:
            _left_with.append(0)
        else:
            gc.set_threshold(*_USUAL_GC)
            gc.enable()
            sys.argv = asked
            sys.path[0] = str(Path(asked[0]).parent)
            module = None
            if _SERVERS & set(asked):
                forked_decoders.use()
                module = begin()
            serving = module == COMMAND
            if serving:
                module = begin()
            if module is not None:
                to_its_end(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))
            elif serving:
                to_its_end(lambda: exec(COMMAND))
            else:
                to_its_end(lambda: runpy.run_path(asked[0], run_name="__main__"))


if __name__ == "__main__":
    warm()
    answer()
