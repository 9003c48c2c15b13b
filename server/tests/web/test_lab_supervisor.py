"""The lab's process: it can be late, die, or be wanted twice."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.forked_children import begin, end
from tests.stopped_process import once_asked, stop
from tests.web.running import until
from tests.web.test_lab import ASKED
from unseen_server.web import lab_supervisor as lab_asking
from unseen_server.web.lab_supervisor import Laboratory
from unseen_server.worklist.states import BusyError, WorklistError


@pytest.fixture
def laboratory() -> Iterator[Callable[..., Laboratory]]:
    made: list[Laboratory] = []

    def make(**settings: Any) -> Laboratory:
        made.append(Laboratory(None, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()


SLOW = {"setup": {"size": 128, "operator": {"kind": "tomography", "views": 180}}, "group": "rotations"}


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The lab's processes are forks. `test_an_idle_process_is_ended` has an interpreter of its own."""
    monkeypatch.setattr(subprocess, "Popen", subprocess.Popen)  # as it is now, afterwards
    module = begin()
    if module is not None:
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except SystemExit as left:
            os._exit(left.code if isinstance(left.code, int) else 0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    yield
    end()


@pytest.mark.slow
@pytest.mark.usefixtures("forks")
def test_the_process_is_ended_when_it_is_late_or_dies_and_comes_back(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    told = fetched(lab)
    first = pid_of(lab)
    assert fetched(lab) == told and lab.child_pid == first, "one process answers all"
    stop(first)  # it never answers
    lab.answer_s = 0.3
    with pytest.raises(WorklistError, match=r"took longer than 0\.3 s and was stopped"):
        fetched(lab, "verdict", SLOW)
    assert lab.child_pid is None and not alive(first)
    lab.answer_s = 90
    assert fetched(lab) == told
    child = lab._child
    assert child is not None
    stop(child.pid)
    once_asked(child, child.kill)
    with pytest.raises(WorklistError, match="ended before it had an answer"):
        fetched(lab, "verdict", SLOW)
    assert fetched(lab) == told
    last = pid_of(lab)
    stop(last)
    lab.answer_s = 3600  # whoever waits for the answer waits too long for a test
    with pytest.raises(BusyError):
        lab.ask("verdict", SLOW)
    lab.close()  # in the middle of an answer
    assert not alive(last)
    with pytest.raises(BusyError, match="stopping"):
        lab.ask("measurement", ASKED)


@pytest.mark.slow
def test_an_idle_process_is_ended(laboratory: Callable[..., Laboratory], monkeypatch: pytest.MonkeyPatch) -> None:
    lab = laboratory()
    fetched(lab)
    lab.tidy()
    assert alive(pid_of(lab))
    monkeypatch.setattr(lab_asking, "_IDLE_S", 0)
    time.sleep(0.01)
    lab.tidy()
    assert lab.child_pid is None


@pytest.mark.slow
@pytest.mark.usefixtures("forks")
def test_the_process_leaves_when_its_server_does(laboratory: Callable[..., Laboratory]) -> None:
    lab = laboratory()
    fetched(lab)
    child = lab._child
    assert child is not None and child.stdin is not None
    child.stdin.close()
    until(lambda: child.poll() is not None, 30)
    assert child.returncode == 0


class Held(Laboratory):
    """Its answers come when they are let go; `questions` were begun."""

    def __init__(self) -> None:
        super().__init__(None)
        self.go = threading.Event()
        self.questions: list[str] = []

    def _replied(self, question: str) -> dict[str, Any]:
        what = json.loads(question)["what"]
        self.questions.append(what)
        assert self.go.wait(300)
        if what == "verdict":
            raise WorklistError("no")
        return {"answer": {"what": what}}


def test_nobody_waits_for_long_and_no_question_is_answered_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_asking, "_WAIT_S", 0.2)
    lab = Held()
    with pytest.raises(BusyError, match="This is being computed"):
        lab.ask("measurement", {})
    with pytest.raises(BusyError, match="This is being computed"):
        lab.ask("measurement", {})
    with pytest.raises(BusyError, match="computes for others"):
        lab.ask("verdict", {})
    lab.go.set()
    monkeypatch.setattr(lab_asking, "_WAIT_S", 300)  # from here on answers come, however busy the machine
    assert lab.ask("measurement", {}) == {"what": "measurement"}
    assert lab.questions == ["measurement"], "its answer was kept until it was fetched"
    with pytest.raises(WorklistError, match=r"^no$"):
        lab.ask("verdict", {})
    lab.close()


def test_few_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_asking, "_WAIT_S", 3600)  # whoever waits, waits too long for a test
    lab = Held()
    told: list[dict[str, Any]] = []
    waiting = [threading.Thread(target=lambda n=n: told.append(lab.ask("measurement", {"n": n}))) for n in range(4)]
    for one in waiting:
        one.start()
    until(lambda: lab._places._value == 0, 10)  # type: ignore[attr-defined]  # all places are taken
    with pytest.raises(BusyError, match="computes for others"):
        lab.ask("measurement", {})
    lab.go.set()
    for one in waiting:
        one.join(60)
    assert len(told) == 4
    lab.close()


def fetched(lab: Laboratory, what: str = "measurement", question: dict[str, Any] = ASKED) -> dict[str, Any]:
    """Return an answer, as the page gets it: by asking again while there is none."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        try:
            return lab.ask(what, question)
        except BusyError:
            continue
    raise AssertionError("no answer within 240 s")


def pid_of(lab: Laboratory) -> int:
    assert lab.child_pid is not None
    return lab.child_pid


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
