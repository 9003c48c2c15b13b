"""`Laboratory`: the lab's process, and its answers to questions.

A computation does not block the server and does not exceed its time limit: a process that is late is killed, and the
next question starts another. A request waits for a few seconds at most. Then the response asks to send the request
again, and the answer is kept meanwhile. Only few requests may wait, so that the server's threads stay available to
readers.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from unseen_server.worklist.states import BusyError, WorklistError

_log = logging.getLogger("unseen")

ANSWER_S: Final = 90.0
"""Time limit of one answer."""
_START_S: Final = 180.0  # for imports on a machine under load
_WAIT_S: Final = 4.0
_WAITING: Final = 4
_KEPT: Final = 16  # answers that nobody has fetched yet
_IDLE_S: Final = 900.0
_STARTS: Final = "The lab's process does not start. See the server's log."


class _Job(threading.Thread):
    """Thread that gets the answer to one question."""

    def __init__(self, lab: Laboratory, question: str) -> None:
        super().__init__(name="lab", daemon=True)
        self.lab, self.question = lab, question

    def run(self) -> None:
        try:
            reply = self.lab._replied(self.question)
        except WorklistError as error:
            reply = {"refused": str(error)}
        except Exception as error:  # the caller gets the error, and the next question is answered
            _log.error("lab.failed %s", type(error).__name__)
            reply = {"refused": "The lab's answer made no sense. Ask again."}
        self.lab._keep(self.question, reply)


class Laboratory:
    """Client of the lab's process.

    Args:
        folder: folder of the bundles that the lab offers; None: no bundles.
        answer_s: time limit of one answer.
    """

    def __init__(self, folder: Path | None, *, answer_s: float = ANSWER_S) -> None:
        self.folder = folder
        self.answer_s = answer_s
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(_WAITING)
        self._job: _Job | None = None
        self._kept: OrderedDict[str, dict[str, Any]] = OrderedDict()  # Any: JSON
        self._child: subprocess.Popen[str] | None = None
        self._asked = time.monotonic()
        self._closed = False

    # Any: the model of the response defines the types
    def ask(self, what: str, asked: dict[str, Any], *, pixels: list[list[float]] | None = None) -> dict[str, Any]:
        """Return the answer, as JSON.

        Args:
            what: name of the computation.
            asked: its settings.
            pixels: rows of pixels of an image; None: no image is sent.

        Raises:
            BusyError: the answer is not ready; the same question may be sent again.
            WorklistError: the question was refused, took too long, or the process ended; the message gives the cause.
        """
        question = json.dumps({"what": what, "asked": asked, "pixels": pixels}, sort_keys=True)
        if not self._places.acquire(blocking=False):
            raise BusyError("The lab computes for others. Ask again in a few seconds.")
        try:
            reply = self._waited(question, time.monotonic() + _WAIT_S)
        finally:
            self._places.release()
        if "refused" in reply:
            raise WorklistError(str(reply["refused"]))
        answer: dict[str, Any] = reply["answer"]
        return answer

    def tidy(self) -> None:
        """End the process if nobody has used it for a while."""
        with self._lock:
            if self._job is None and time.monotonic() - self._asked > _IDLE_S:
                self._stop()

    def close(self) -> None:
        """Kill the process at once, and take no more questions. Safe to call twice."""
        with self._lock:
            self._closed = True
            child, job = self._child, self._job
        if child is not None:
            child.kill()
        if job is not None:
            job.join()
        with self._lock:
            self._stop()

    @property
    def child_pid(self) -> int | None:
        """Id of the process; None if there is none."""
        return self._child.pid if self._child else None

    def _waited(self, question: str, end: float) -> dict[str, Any]:
        while True:
            with self._lock:
                if self._closed:
                    raise BusyError("The server is stopping.")
                self._asked = time.monotonic()
                if question in self._kept:
                    return self._kept.pop(question)
                if self._job is None:
                    self._job = _Job(self, question)
                    self._job.start()
                job = self._job
            job.join(max(0.0, end - time.monotonic()))
            if job.is_alive():
                whose = "This is being computed" if job.question == question else "The lab computes for others"
                raise BusyError(f"{whose}. Ask again in a few seconds.")

    def _keep(self, question: str, reply: dict[str, Any]) -> None:
        with self._lock:
            self._kept[question] = reply
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
            self._job, self._asked = None, time.monotonic()

    def _replied(self, question: str) -> dict[str, Any]:
        """Return the process's reply. Only a job calls this."""
        child = self._running()
        late, line = _line(child, question + "\n", self.answer_s)
        if line:
            reply: dict[str, Any] = json.loads(line)
            return reply
        self._stop()
        if late:
            raise WorklistError(
                f"This took longer than {self.answer_s:g} s and was stopped. Choose a smaller image, or fewer "
                "measurements."
            )
        _log.error("lab.ended status=%s", child.returncode)
        raise WorklistError("The lab's process ended before it had an answer. Ask again, or choose a smaller image.")

    def _running(self) -> subprocess.Popen[str]:
        if self._child is not None and self._child.poll() is None:
            return self._child
        self._stop()
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "unseen_server.web.lab_process", str(self.folder or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path)},
            start_new_session=True,  # Ctrl-C reaches the server only, which then ends the process
        )
        with self._lock:
            self._child = child
            if self._closed:
                child.kill()
        _, line = _line(child, "", _START_S)
        if not line:
            self._stop()
            raise WorklistError(_STARTS)
        return child

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # a question that was still in the buffer
                    stream.close()


def _line(child: subprocess.Popen[str], question: str, limit_s: float) -> tuple[bool, str]:
    """Send a question and read one line. Return whether the time ran out, and the line: "" if the process ended."""
    late = threading.Event()

    def end() -> None:
        late.set()
        child.kill()

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
    assert child.stdin and child.stdout
    try:
        child.stdin.write(question)
        child.stdin.flush()
        line = child.stdout.readline()
    except BrokenPipeError:
        line = ""
    finally:
        timer.cancel()
    return late.is_set(), line if line.endswith("\n") else ""
