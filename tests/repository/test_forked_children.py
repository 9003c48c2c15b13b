"""Children of a test that are forks of its process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.forked_children import PYTESTS_WORKER, begin, end

COMMAND = [sys.executable, "-u", "-c", PYTESTS_WORKER]


def test_once_the_helper_has_left_children_are_interpreters_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", subprocess.Popen)  # as it is now, afterwards
    if begin() is not None:
        os._exit(0)
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE) as forked:
        assert forked.stdin is not None and forked.wait() == 0, "the helper's child runs no Python command"
    end()
    own = subprocess.run(COMMAND, input="'print(5)'\n", capture_output=True, text=True, check=True)
    assert own.stdout == "5\n"
