"""Runs the steps of a page as its reader would: one Python, one shell and one folder for the whole page.

The shell is bash. `unseen` and `python FILE` in it are forks of the tests' warm Python, which saves their imports and
nothing else: each has the arguments, the folder, the environment and the streams that the shell gives it. A command
that runs until it is stopped (`unseen serve`, `worker`, `pacs`) returns when it is ready, as if the reader went to
another terminal, and is stopped at the end of the page. The page's ports are replaced by free ones.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tests.docs.blocks import ROOT, named
from tests.docs.page_steps import shows, steps
from tests.docs.stand_ins import STAND_INS
from tests.warm_python import Started, warm_python

UNSEEN = Path(sys.executable).with_name("unseen")
STEP_S = 300.0
READY = {
    "serve": re.compile("unseen serves"),
    "worker": re.compile("scoring what comes into"),
    "pacs": re.compile("listens"),
}
PORTS = ("8080", "8081", "8082", "8083", "8043", "8042", "11112", "4242", "2575")
SHELL = "#!/bin/sh\n"
MODULE = f'[ "$1" != -m ] || exec "{sys.executable}" "$@"\n'
# the program asks for a fork of the warm Python: its own process id is all that is needed
SHIM = 'mkfifo "$ORDERS.$$" && echo $$ > "$ORDERS" && read -r status < "$ORDERS.$$" && exit "$status"\n'


class PageRunner:
    """`with PageRunner(page, folder, beside, program) as running: running.all()`; `folder` is empty at the start."""

    def __init__(self, page: Path, folder: Path, beside: Path, program: Callable[..., str]) -> None:
        """`beside`: an empty folder for what the runner needs; `program` finds a system program (a fixture)."""
        self.page, self.folder, self._beside, self._program = page, folder, beside, program
        self._steps = steps(page)
        self._ports = {port: str(_free_port()) for port in PORTS}
        self._sites: dict[str, ExitStack] = {}
        self._stands_for: dict[str, str] = {}
        self._services: list[Started] = []
        self._python: _Python | None = None
        (beside / "bin").mkdir(parents=True)
        for name in ("unseen", "python"):
            shim = beside / "bin" / name
            shim.write_text(SHELL + (MODULE if name == "python" else "") + SHIM, encoding="utf-8")
            shim.chmod(0o755)
        os.mkfifo(beside / "orders")
        # both ends, so that it is not at its end between two orders
        self._orders = os.fdopen(os.open(beside / "orders", os.O_RDWR), buffering=1)
        paths = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(ROOT))))
        self._environment = os.environ | {
            "OMP_NUM_THREADS": "1",
            "MPLBACKEND": "Agg",
            "NO_COLOR": "1",
            "COLUMNS": "200",
            "TERM": "dumb",
            "PYTHONPATH": paths,  # the pages on studies say that they need a checkout, which is found beside it
            "UNSEEN_RUNS": "runs",
            "ORDERS": str(beside / "orders"),
            "PATH": f"{beside / 'bin'}{os.pathsep}{UNSEEN.parent}{os.pathsep}{os.environ['PATH']}",
        }
        self._environment.pop("UNSEEN_DATA", None)  # a reader has no public films
        self._shell = _Shell(folder, beside, self._environment)
        threading.Thread(target=self._serve_orders, daemon=True).start()

    def all(self) -> None:
        """Every step, in order. Raises AssertionError with the place in the page."""
        for step in self._steps:
            place = f"{named(self.page)}:{step.line}"
            text, message = self._as_here(step.text), self._as_here(step.message)
            if step.kind == "starts":
                self._start_site(step.text)
            elif step.kind == "ends":
                self._sites.pop(step.text).close()
                self._stands_for.clear()
            elif step.kind == "file":
                (self.folder / step.name).write_text(text, encoding="utf-8")
            elif step.kind == "python":
                self._python = self._python or _Python(self.page, self.folder, self._beside, self._environment)
                error = self._python.run(text, step.line, expected=bool(message))
                _as_shown(message, place, error or "", error is None)
            else:
                status, printed = self._shell.run(f"{self._pasted()}{text}")
                _as_shown(message, place, printed, status == 0, text)

    def _start_site(self, name: str) -> None:
        with ExitStack() as started:
            stand_in = STAND_INS[name](self._beside / name, self._ports, self._program)
            self._stands_for |= started.enter_context(stand_in)
            self._sites[name] = started.pop_all()

    def _as_here(self, text: str) -> str:
        """Replace ports by free ones, and addresses by those of the servers of the test."""
        for written, port in self._ports.items():
            text = re.sub(rf"(?<![0-9]){written}(?![0-9])", port, text)
        for written, here in self._stands_for.items():
            text = text.replace(written, here)
        return text

    def _pasted(self) -> str:
        """Return the link that the first server printed, which the reader pastes, as the variable LINK; "" if none."""
        for log in sorted(self._beside.glob("service-*"), key=lambda path: path.stat().st_ctime):
            if found := re.search(r"#link=(\S+)", log.read_text(encoding="utf-8")):
                return f"LINK='{found.group(1)}'\n"
        return ""

    def _serve_orders(self) -> None:
        for line in self._orders:
            threading.Thread(target=self._run, args=(int(line),), daemon=True).start()

    def _run(self, shim: int) -> None:
        """Run the command of a shim in a fork; then send the exit status to the shim."""
        status = 70
        try:
            status = self._forked(shim)
        finally:
            reply = Path(f"{self._environment['ORDERS']}.{shim}")
            reply.write_text(f"{status}\n", encoding="utf-8")
            reply.unlink()

    def _forked(self, shim: int) -> int:
        words = Path(f"/proc/{shim}/cmdline").read_text(encoding="utf-8").split("\0")[1:-1]
        given = Path(f"/proc/{shim}/environ").read_text(encoding="utf-8").split("\0")
        environment = dict(pair.split("=", 1) for pair in given if "=" in pair)
        cwd = Path(f"/proc/{shim}/cwd").resolve()
        program, arguments = (UNSEEN, words[1:]) if Path(words[0]).name == "unseen" else (cwd / words[1], words[2:])
        if arguments[:1] == ["serve"] and "--port" not in arguments:
            arguments += ["--port", self._ports["8080"]]  # the usual port, which may be taken on this machine
        streams = [f"/proc/{shim}/fd/{number}" for number in range(3)]
        until_stopped = READY.get(arguments[0]) if arguments else None
        if arguments[:1] == ["pacs"] and not arguments[1].startswith("-"):
            until_stopped = None
        if until_stopped is None or "--help" in arguments:
            return warm_python().start_on(program, *arguments, cwd=cwd, environment=environment, streams=streams).wait()
        log = self._beside / f"service-{shim}"
        log.touch()
        service = warm_python().start_on(
            program, *arguments, cwd=cwd, environment=environment, streams=[os.devnull, str(log), str(log)]
        )
        self._services.append(service)
        end = time.monotonic() + STEP_S
        while service.poll() is None and time.monotonic() < end:
            if until_stopped.search(log.read_text(encoding="utf-8")):
                break
            time.sleep(0.02)
        with open(streams[2], "w", encoding="utf-8") as err:
            err.write(log.read_text(encoding="utf-8"))
        return service.returncode if service.returncode is not None else 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for service in self._services:
            if service.poll() is None:
                service.send_signal(signal.SIGTERM)
        if self._python is not None:
            self._python.close()
        self._shell.close()
        for service in self._services:
            try:
                service.wait(60)
            except subprocess.TimeoutExpired:
                service.kill()
                service.wait()
        for site in self._sites.values():
            site.close()


def _as_shown(message: str, place: str, printed: str, fine: bool, text: str = "") -> None:
    if message:
        assert shows(printed, message), f"{place}: not what the page shows\n{message}\nbut\n{text}\n{printed[-4000:]}"
    else:
        assert fine, f"{place} (line numbers are the page's):\n{text}\n{printed[-4000:]}"


class _Shell:
    """One bash; each block is sourced, so that variables and functions stay for the next."""

    def __init__(self, folder: Path, beside: Path, environment: dict[str, str]) -> None:
        self._beside, self._number = beside, 0
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        self._printed = bytearray()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._in: IO[bytes] = self._process.stdin
        self._out: IO[bytes] = self._process.stdout
        self._in.write(b"set -u -o pipefail\n")

    def run(self, text: str) -> tuple[int, str]:
        """Return the status, which is the first failed command's, and what was printed."""
        self._number += 1
        block, mark = self._beside / f"block-{self._number}.sh", f"<{os.urandom(8).hex()}>"
        block.write_text(text + "\n", encoding="utf-8")
        ended = f"trap - ERR; set +E; echo '{mark}'$failed"
        # the first failed command ends the block, and not the shell
        self._in.write(
            f"failed=0; set -E; trap 'failed=$?; trap - ERR; return $failed' ERR; "
            f"source '{block}' </dev/null; {ended}\n".encode()
        )
        self._in.flush()
        end = time.monotonic() + STEP_S
        found = None
        while found is None:
            ready, _, _ = select.select([self._out], [], [], max(0.0, end - time.monotonic()))
            part = os.read(self._out.fileno(), 65536) if ready else b""
            if not part:
                return 124 if not ready else 1, self._printed.decode(errors="replace")
            self._printed += part
            found = re.search(rb"(.*?)" + mark.encode() + rb"([0-9]+)\n", self._printed, re.DOTALL)
        printed, status = found.group(1).decode(errors="replace"), int(found.group(2))
        self._printed = self._printed[found.end() :]
        return status, printed

    def close(self) -> None:
        self._in.close()
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)  # and what it has in the background
        self._process.wait()
        self._out.close()


class _Python:
    """`page_program.py` for this page."""

    def __init__(self, page: Path, folder: Path, beside: Path, environment: dict[str, str]) -> None:
        orders, answers = beside / "python-orders", beside / "python-answers"
        self._out, self._err = beside / "python-out", beside / "python-err"
        os.mkfifo(orders)
        os.mkfifo(answers)
        self._process = warm_python().start(
            Path(__file__).with_name("page_program.py"),
            page,
            orders,
            answers,
            cwd=folder,
            environment=environment,
            out=self._out,
            err=self._err,
        )
        self._orders = orders.open("w", encoding="utf-8")
        self._answers = answers.open(encoding="utf-8")

    def run(self, text: str, line: int, *, expected: bool) -> str | None:
        """None, or the error."""
        self._orders.write(json.dumps({"text": text, "line": line, "expected": expected}) + "\n")
        self._orders.flush()
        answer = self._answers.readline()
        if not answer:
            return f"Python ended: {self._err.read_text(encoding='utf-8')[-4000:]}"
        error: Any = json.loads(answer)
        return error if error is None or expected else f"{error}\n{self._err.read_text(encoding='utf-8')[-2000:]}"

    def close(self) -> None:
        self._orders.close()
        self._answers.close()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
