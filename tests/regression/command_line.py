"""Command line: options of each command as `--help` prints them, and the exit status of mistakes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.help_texts import help_text

UNSEEN = Path(sys.executable).with_name("unseen")
DATABASE = ("sqlalchemy", "alembic.command", "polars", "pydantic", "argon2")
SCORING = ("torch", "pydicom", "scipy.ndimage", "sklearn.metrics", "PIL.Image", "fastapi", "uvicorn")
"""Packages that take long to import."""
_SHOWN = re.compile(r"\[(?:required|default: [^]]*|env var: [^]]*)\]")

MISTAKES = """\
--version
recipes
recipes no/such-recipe
info
info gone
info models/none
nonsense
--no-such-option
score
score models/pca gone.png
score models/pca film.png --runtime none
manifest gone
suspects gone
train no/such-recipe --data gone
evaluate models/pca --data gone.csv --out report
compare models/none models/pca --data gone.csv
adapt models/none --data gone.csv --out adapted
gate models/none --data gone --out gated
pilot models/none
reconstruct gone --out done
identify gone
onnx models/none --out gone
prior
prior train no/such-recipe
demo --normals 1
serve
serve --folder list --port 70000
serve --folder list --policy policy.json
serve --folder list --also models/pca
serve --folder list --model models/none
serve --folder list --lab gone
worker models/none --folder list
audit verify --folder list
audit nonsense --folder list
export tables --folder list
import-scores parts --data gone.csv --folder list-of-scores
backup copy --folder list --keep 0
restore gone --folder list
invite ann --role owner --folder list-of-people
erase --folder list
retire --folder list
pacs
pacs --folder list
pacs check --config gone.toml
pacs --config gone.toml --folder list check
pacs query archive --config gone.toml
pacs phantom .
pacs nonsense
"""


def run(commands: list[list[str]], folder: Path, *, warm: tuple[str, ...] = ()) -> list[tuple[int, str, str]]:
    """Run each command in a process of its own; return exit status, standard output and standard error of each.

    Args:
        commands: the words after `unseen`, of each command.
        folder: where they run.
        warm: packages of other projects that are imported once, before the processes are forked.
    """
    program = Path(__file__).with_name("forked_commands.py")
    given = {"OMP_NUM_THREADS": "1", "NO_COLOR": "1", "COLUMNS": "400", "TERMINAL_WIDTH": "400", "PYTHONSAFEPATH": "1"}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNSEEN_")} | given
    done = subprocess.run(
        [sys.executable, program, *warm],
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]


@cache
def commands() -> dict[str, Any]:  # Any: JSON
    """Return each command's usage, arguments and options, those of groups under their full name."""
    found: dict[str, Any] = {}
    waiting = [""]
    while waiting:
        after: list[str] = []
        for name in waiting:
            out = help_text(*name.split(), width=400)
            panels = _panels(out)
            groups = [title for title in panels if title.startswith("Commands")]
            inside = [row.split()[0] for title in groups for row in panels.pop(title)]
            found[f"unseen {name}".strip()] = {
                "usage": next(line.strip() for line in out.splitlines() if line.strip().startswith("Usage:")),
                **{title: [_row(text) for text in rows] for title, rows in panels.items()},
                **({"Commands": inside} if inside else {}),
            }
            after += [f"{name} {one}".strip() for one in inside]
        waiting = after
    return dict(sorted(found.items()))


def _panels(printed: str) -> dict[str, list[str]]:
    """Return the rows of each box that `--help` prints, continued rows as one."""
    panels: dict[str, list[str]] = {}
    rows: list[str] | None = None
    for line in printed.splitlines():
        if line.startswith("╭─"):
            rows = panels.setdefault(line.strip("╭─╮ "), [])
        elif line.startswith("│") and rows is not None:
            text = line.strip("│").rstrip()
            if text[:6].strip() or not rows:  # a continued row has no name
                rows.append(text.strip())
            else:
                rows[-1] += f" {text.strip()}"
    return panels


def _row(text: str) -> str:
    """Return a row without its prose: name, type, whether it must be given, default, environment variable."""
    mark, _, rest = text.partition(" ") if text.startswith("*") else ("", "", text)
    cells = re.split(r" {2,}", rest.strip())
    last = next((number for number, cell in enumerate(cells) if cell.startswith("<")), 0)
    return " ".join([*([mark] if mark else []), *cells[: last + 1], *_SHOWN.findall(text)])


def exit_statuses() -> dict[str, str]:
    """Return the exit status of each command in `MISTAKES`, and what it answered with."""
    given = MISTAKES.splitlines()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "film.png").write_bytes(b"\x89PNG\r\n\x1a\n")
        (folder / "policy.json").write_text("{}", encoding="utf-8")
        done = run([line.split() for line in given], folder, warm=(*DATABASE, *SCORING))
    return {f"unseen {line}": f"{code} {_answer(out, err)}" for line, (code, out, err) in zip(given, done, strict=True)}


def _answer(out: str, err: str) -> str:
    """Return what a command answered with: a traceback, its usage, a sentence, or its output."""
    if "Traceback" in err:
        return "traceback"
    if "Usage:" in out + err:
        return "usage"
    return "sentence" if err.startswith("unseen: ") or "\nunseen: " in err else "output"
