"""Blocks that a step frees come without page faults in the next step, and go back to the system at the end.

In a process of its own, since the setting is the whole process's.
"""

import json
import os
from pathlib import Path

from tests.warm_python import warm_python

PAGES_OF_A_STEP = 4 * 24 * 256
"""Pages of 4 KiB that a step allocates."""

STEPS = """
import json, resource
from pathlib import Path
import torch
from unseen.training.freed_memory import freed_memory_kept

def step():
    return [torch.ones(6 << 20) for _ in range(4)]  # 24 MiB each

def faults_of_a_step():
    step()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        step()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 5

def pages_held():
    return int(Path("/proc/self/statm").read_text().split()[1])

found = {"begun": pages_held(), "without": faults_of_a_step()}
with freed_memory_kept():
    found["within"] = faults_of_a_step()
    found["kept"] = pages_held()
found["after"] = pages_held()
print(json.dumps(found))
"""


def test_a_steps_memory_is_kept_for_the_next_and_given_back(tmp_path: Path) -> None:
    program = tmp_path / "steps.py"
    program.write_text(STEPS, encoding="utf-8")
    done = warm_python().run(program, cwd=tmp_path, environment=os.environ)
    found = json.loads(done.out)
    assert found["without"] > PAGES_OF_A_STEP / 4  # or the test shows nothing
    assert found["within"] < PAGES_OF_A_STEP / 100
    assert found["kept"] - found["begun"] > PAGES_OF_A_STEP / 2
    assert found["kept"] - found["after"] > PAGES_OF_A_STEP / 2
