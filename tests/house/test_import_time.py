"""`import unseen` adds at most 0.3 s to `import torch`; `unseen --help` takes at most 0.5 s (least of several). Of the
processor, which is what they take by the clock on a machine that does nothing else: other tests run beside them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path


def least_of(measure: Callable[[], float], *, bound: float) -> float:
    """The least of up to thirty, ended by the first within the bound; spread over a minute or two, since what other
    workers do beside it, which costs this one too, comes and goes."""
    seconds = [measure()]
    while min(seconds) > bound and len(seconds) < 30:
        time.sleep(3)
        seconds.append(measure())
    return min(seconds)


def test_import_unseen_adds_little_to_import_torch() -> None:
    code = "import torch, time; begin = time.process_time(); import unseen; print(time.process_time() - begin)"

    def measure() -> float:
        return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    assert least_of(measure, bound=0.3) <= 0.3


def test_help_comes_at_once() -> None:
    unseen = Path(sys.executable).with_name("unseen")

    def measure() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([str(unseen), "--help"], capture_output=True, check=True, env=os.environ | {"COLUMNS": "120"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert least_of(measure, bound=0.5) <= 0.5
