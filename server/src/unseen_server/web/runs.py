"""Trainings that are going on, or went on, in a folder of runs: which there are, and their losses as they are written.

Only `log.csv` is read, below the folder that `unseen serve --runs` names; links are not followed out of it.
"""

import contextlib
import csv
import logging
import math
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, Field

from unseen.artifacts import Run
from unseen_server.web.authentication import Lead
from unseen_server.web.errors import answers
from unseen_server.web.state import Parts, ServerState
from unseen_server.worklist.states import NotFoundError

_log = logging.getLogger("unseen")

router = APIRouter(tags=["runs"])

RUNNING_S: Final = 120.0
"""A log that was written within two minutes belongs to a running training."""
MOST_ROWS: Final = 2000
"""Most rows of a log that are sent, evenly spread over a longer log, with its last row."""
_MOST_RUNS = 200
_DEEP = 3  # folders below the root: <collection>/<name>-f<fold>-<seed>-<digest>
_MOST_BYTES = 64 * 2**20
_TAIL = 2**16
_KNOWN: Final = ("step", "epoch", "seconds")


class RunResponse(BaseModel):
    """One run."""

    name: str = Field(description="its folder, below the folder of runs")
    steps: int | None = Field(description="batches trained on; null where the log's last line cannot be read")
    epoch: int | None = Field(description="the current one, from 1")
    seconds: float | None = Field(description="spent training")
    losses: dict[str, float | None] = Field(description="at the last step; null where that step had none")
    written: datetime = Field(description="when the log was last written")
    running: bool = Field(description="it was written within two minutes")


class RunsResponse(BaseModel):
    """The runs, last written first."""

    folder: bool = Field(description="whether this server was given a folder of runs")
    runs: list[RunResponse]


class LogResponse(BaseModel):
    """A run's losses, step by step; of a long log some rows evenly along it."""

    name: str
    running: bool
    written: datetime
    steps: list[int]
    epochs: list[int]
    seconds: list[float | None]
    losses: dict[str, list[float | None]] = Field(description="name → one value a step; null where a step had none")
    of: int = Field(description="rows in the log")


@router.get("/runs", responses=answers(401, 403, 503))
def runs(parts: Parts, account: Lead) -> RunsResponse:
    """Return the trainings in the folder of runs."""
    if parts.runs is None:
        return RunsResponse(folder=False, runs=[])
    runs = []
    for path in _logs(parts.runs):
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            runs.append(_run(parts.runs, path))
    runs.sort(key=lambda run: (run.written, run.name), reverse=True)
    return RunsResponse(folder=True, runs=runs[:_MOST_RUNS])


@router.get("/runs/{name:path}/log", responses=answers(401, 403, 404, 422, 503))
def log(parts: Parts, account: Lead, name: Annotated[str, InPath(max_length=400)]) -> LogResponse:
    """Return the losses of one run."""
    path = _found(parts, name)
    header, rows = _rows(path)
    kept = _thinned(rows)
    column = {title: index for index, title in enumerate(header)}
    return LogResponse(
        name=name,
        running=_is_running(path),
        written=_written(path),
        steps=[int(row[column["step"]]) for row in kept],
        epochs=[int(row[column["epoch"]]) for row in kept],
        seconds=[_number(row[column["seconds"]]) for row in kept],
        losses={title: [_number(row[index]) for row in kept] for title, index in column.items() if title not in _KNOWN},
        of=len(rows),
    )


def _logs(root: Path) -> Iterator[Path]:
    """Yield the logs below `root`, a few folders deep."""
    folders = [root]
    for _ in range(_DEEP + 1):
        below: list[Path] = []
        for folder in folders:
            if folder is not root and _holds_log(folder):
                yield Run(folder).log
                continue  # a run holds no runs
            try:
                with os.scandir(folder) as entries:
                    below += sorted(Path(one) for one in entries if one.is_dir(follow_symlinks=False))
            except OSError as error:
                _log.warning("runs.unreadable %s", type(error).__name__)
        folders = [one for one in below if not one.name.startswith(".")]


def _found(parts: ServerState, name: str) -> Path:
    """Return the log of the run called `name`: each step a folder's plain name and no link, so that none leads
    outside.
    """
    steps = name.split("/")
    plain = all(step and not step.startswith(".") and "\0" not in step for step in steps) and len(steps) <= _DEEP
    if parts.runs is not None and plain:
        folder = parts.runs
        for depth, step in enumerate(steps, start=1):
            folder = folder / step
            if folder.is_symlink() or not folder.is_dir() or (depth < len(steps) and _holds_log(folder)):
                break
        else:
            if _holds_log(folder):
                return Run(folder).log
    raise NotFoundError(f"There is no run {name[:80]!r} in this server's folder of runs.")


def _holds_log(folder: Path) -> bool:
    path = Run(folder).log
    return path.is_file() and not path.is_symlink()


def _name(root: Path | None, path: Path) -> str:
    assert root is not None
    return path.parent.relative_to(root).as_posix()


def _run(root: Path, path: Path) -> RunResponse:
    last = _last(path)
    return RunResponse(
        name=_name(root, path),
        steps=None if last is None else int(last["step"]),
        epoch=None if last is None else int(last["epoch"]),
        seconds=None if last is None else _number(last["seconds"]),
        losses={} if last is None else {title: _number(cell) for title, cell in last.items() if title not in _KNOWN},
        written=_written(path),
        running=_is_running(path),
    )


def _last(path: Path) -> dict[str, str] | None:
    """Return the last whole line of a log by its header; None where there is none.

    Of a long log only its end is read.
    """
    with path.open("rb") as file:
        header = file.readline(_TAIL).decode(errors="replace")
        file.seek(max(file.tell(), path.stat().st_size - _TAIL))
        lines = file.read().decode(errors="replace").splitlines(keepends=True)
    titles = next(csv.reader([header]), [])
    for line in reversed(lines):
        cells = next(csv.reader([line]), [])
        if line.endswith("\n") and _is_row(titles, cells):
            return dict(zip(titles, cells, strict=True))
    return None


def _rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return header and whole rows. Raises NotFoundError for a file that is no log of a training."""
    if path.stat().st_size > _MOST_BYTES:
        raise NotFoundError(f"The log of this run has more than {_MOST_BYTES // 2**20} MB. Look at the file itself.")
    text = path.read_text(encoding="utf-8", errors="replace")
    read = csv.reader(text[: text.rfind("\n") + 1].splitlines())  # the last line may be half written
    header = next(read, [])
    if header[:3] != list(_KNOWN):
        raise NotFoundError("This run's log.csv is not one that a training wrote: step, epoch, seconds were expected.")
    return header, [row for row in read if _is_row(header, row)]


def _is_row(header: list[str], row: list[str]) -> bool:
    whole = header[:3] == list(_KNOWN) and len(row) == len(header)
    return whole and all(cell.isascii() and cell.isdigit() and len(cell) < 16 for cell in row[:2])


def _thinned(rows: list[list[str]]) -> list[list[str]]:
    """Return at most `MOST_ROWS` of the rows, evenly spread, the last among them."""
    step = -(-len(rows) // MOST_ROWS) or 1
    return rows[::-1][::step][::-1]


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _is_running(path: Path) -> bool:
    return abs(time.time() - path.stat().st_mtime) < RUNNING_S
