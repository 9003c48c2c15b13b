"""A worker process that is told to stop while it loads: it leaves before it opens the worklist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unseen_server.service.worker_main import WorkerSettings
from unseen_server.worklist.store import Store


def test_a_worker_that_is_stopped_while_it_loads_leaves_without_a_word(tmp_path: Path) -> None:
    home = tmp_path / "worklist"
    Store.open(home).close()
    settings = WorkerSettings(where=str(home), films_folder=str(home), model="models/pca", further=("models/roi-sure",))
    command = [sys.executable, "-P", "-m", "unseen_server.service.worker_main"]
    found = subprocess.run(
        command,
        input=settings.to_json() + "\n",  # and its end: the server is gone
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, ""), found.stderr
