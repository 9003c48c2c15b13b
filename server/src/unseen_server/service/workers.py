"""Worker processes: started, watched, restarted when they die or when the models change, and stopped at the end."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from unseen_server.service.worker_main import WorkerSettings

_log = logging.getLogger("unseen")

_POLL_INTERVAL_S = 0.5  # between two checks of the workers' processes
_STOP_SIGNAL_DELAY_S = 0.5  # the signal that ended a worker can reach the server so much later
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 60.0
_SETTLED_S = 60.0  # a worker that has lived so long was well: the next one is not kept waiting
_FINISH_S = 30.0  # longer than any film takes


@dataclass
class _Place:
    """One worker's place: its process, and when it may be filled again.

    Args:
        settings: the settings that the process was started with.
        leaving: when it was asked to finish, since other settings hold; None while it may stay.
    """

    number: int
    process: subprocess.Popen[str] | None = None
    settings: WorkerSettings | None = None
    leaving: float | None = None
    started: float = 0.0
    due: float = 0.0
    deaths: int = 0
    ready: bool = False
    refused: str = ""
    stopped: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """Number of workers that are ready, and the last problem.

    Args:
        problem: why one of them cannot score; "" if none reports a problem.
        stopped: why one of them clears nothing; "" if none reports that.
    """

    wanted: int
    running: int
    ready: int
    problem: str
    stopped: str = ""


@dataclass(eq=False)
class Workers:
    """`count` processes that score as `settings` say.

    Args:
        stopping: set when the server begins to stop: from then on no worker is started, and one that ends is not
            reported, since a service manager and Ctrl-C signal the workers together with the server.
    """

    settings: WorkerSettings
    count: int
    stopping: threading.Event = field(default_factory=threading.Event)
    _places: list[_Place] = field(default_factory=list)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Start them, and watch over them from a thread."""
        self._places = [_Place(number=number) for number in range(self.count)]
        self._thread = threading.Thread(target=self._watch, name="workers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let each finish its film; whoever takes too long is ended."""
        self.stopping.set()
        if self._thread is not None:
            self._thread.join()
        running = [place.process for place in self._places if place.process is not None]
        for process in running:
            if process.stdin is not None:
                process.stdin.close()
        until = time.monotonic() + _FINISH_S
        for process in running:
            try:
                process.wait(timeout=max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def change(self, settings: WorkerSettings) -> None:
        """Score as `settings` say from now on: each worker finishes its film, and a new one takes its place."""
        self.settings = settings

    def status(self) -> WorkerStatus:
        """Return the present state; a worker that was asked to leave is not ready."""
        running = [place for place in self._places if place.process is not None and place.process.poll() is None]
        return WorkerStatus(
            wanted=self.count,
            running=len(running),
            ready=sum(place.ready and place.settings == self.settings for place in running),
            problem=next((place.refused for place in self._places if place.refused), ""),
            stopped=next((place.stopped for place in self._places if place.stopped), ""),
        )

    def _watch(self) -> None:
        while not self.stopping.is_set():
            for place in self._places:
                if not self.stopping.is_set():
                    self._look(place)
            self.stopping.wait(_POLL_INTERVAL_S)

    def _look(self, place: _Place) -> None:
        now = time.monotonic()
        if place.process is not None and (place.leaving is not None or place.settings != self.settings):
            self._see_off(place, now)
        elif place.process is not None and (code := place.process.poll()) is not None:
            if self.stopping.wait(_STOP_SIGNAL_DELAY_S):  # the whole service is being stopped: no death to report
                return
            place.deaths = 1 if now - place.started > _SETTLED_S else place.deaths + 1
            wait_s = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** (place.deaths - 1))
            _log.warning("worker.died number=%d status=%d again_s=%.1f %s", place.number, code, wait_s, place.refused)
            if place.process.stdin is not None:
                place.process.stdin.close()
            place.process, place.ready, place.due = None, False, now + wait_s
        if place.process is None and (now >= place.due or place.settings != self.settings):
            place.settings = self.settings
            place.process, place.started = self._started(place.settings), now
            threading.Thread(target=self._listen, args=(place, place.process), name="listen", daemon=True).start()

    def _see_off(self, place: _Place, now: float) -> None:
        """Have a worker that knows other settings finish its film and leave; its place is free as soon as it has."""
        assert place.process is not None
        if place.leaving is None:
            place.leaving = now
            if place.process.stdin is not None:
                place.process.stdin.close()
            _log.info("worker.changes number=%d", place.number)
        elif now - place.leaving > _FINISH_S:
            place.process.kill()
        if place.process.poll() is not None:
            place.process.wait()
            place.process, place.leaving, place.ready, place.refused = None, None, False, ""
            place.stopped = ""
            place.due, place.deaths = now, 0

    def _started(self, settings: WorkerSettings) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "unseen_server.service.worker_main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(part or os.getcwd() for part in sys.path)},
        )
        assert process.stdin is not None
        process.stdin.write(settings.to_json() + "\n")  # not an argument: a URL may hold a password
        process.stdin.flush()
        return process

    def _listen(self, place: _Place, process: subprocess.Popen[str]) -> None:
        """Record the worker's output until it leaves."""
        assert process.stdout is not None
        with process.stdout as said:
            for line in said:
                try:
                    words = json.loads(line)
                except ValueError:  # a library that prints
                    continue
                if place.process is process and place.leaving is None:
                    place.ready = "ready" in words
                    place.refused = str(words.get("refused", ""))
                    place.stopped = str(words.get("stopped", ""))
