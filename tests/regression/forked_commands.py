"""Program that runs `unseen` commands, each in a fork of one process that has imported the command line.

The arguments name packages of other projects that are imported before the forks, those that are installed.

Standard input holds a JSON list of commands, each a list of words. Standard output gets a JSON list: exit status,
standard output and standard error of each. The console script is called as an installed one calls it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

PRINTING = ("typer.rich_utils", "rich.markdown", "rich.panel", "rich.table")
"""Packages that `--help` imports."""


def run(words: list[str]) -> tuple[int, str, str]:
    """Run one command in a fork."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / "out", Path(folder) / "err"]
        child = os.fork()
        if child == 0:
            _become(words, streams)
        _, status = os.waitpid(child, 0)
        out, err = (path.read_text(encoding="utf-8") for path in streams)
        return os.waitstatus_to_exitcode(status), out, err


def _become(words: list[str], streams: list[Path]) -> None:
    """Be the command, and end as it ends."""
    for number, path in enumerate(streams, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["unseen", *words]
    code: object = 0
    try:
        main()
    except SystemExit as left:
        code = left.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


if __name__ == "__main__":
    (script,) = {entry.value: entry for entry in entry_points(group="console_scripts", name="unseen")}.values()
    main = script.load()
    for package in (*PRINTING, *sys.argv[1:]):
        if importlib.util.find_spec(package.partition(".")[0]) is not None:
            importlib.import_module(package)
    print(json.dumps([run(words) for words in json.load(sys.stdin)]))
