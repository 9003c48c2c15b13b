"""Watched folder: each film that is put there is received, and the file is moved aside.

`<folder>/film.dcm` has the source `unknown`; `<folder>/ward-3/film.dcm` has the source `ward-3`. A file is taken when
its size and time have not changed for a while. It is moved to `.done/<date>/`; a refused file is moved to
`.refused/<date>/`, with the reason in a `.txt` file. Hidden files, a system's own files (`Thumbs.db`), links and
special files are left alone. A server that is killed between receiving and moving receives the file again, which
changes nothing.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unseen.data import is_system_file
from unseen_server.worklist.states import STORE_FAULTS, WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store

_log = logging.getLogger("unseen")

SETTLED_S = 2.0
"""Time for which a file must be unchanged before it is taken; a copy over a slow network pauses less."""
_SCANS: Final = 2
"""Scans of the folder within that time."""
ACTOR: Final = "watch"
_PIECE = 2**20
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
_NO_NAME = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Sight = tuple[int, int, int, int]
"""Device, inode, size, time: as long as these stand, it is the same file."""


def scan_interval_s(settled_s: float = SETTLED_S) -> float:
    """Return the time between two scans of a folder in which files must be unchanged for `settled_s`.

    >>> scan_interval_s(2.0)
    1.0
    """
    return settled_s / _SCANS


class _Changed(Exception):
    """The file changed while it was read."""


@dataclass
class _SeenFile:
    sight: Sight
    since: float
    put_off: float = 0.0  # until when it is left alone
    received: bool = False


class FolderWatch:
    """Looks at `folder`; each `look` takes what has settled.

    Raises WorklistError at once for a folder that is none, or cannot be written in.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        *,
        settled_s: float = SETTLED_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise WorklistError(f"{folder}: not a folder that can be read and written. Make it, then watch it.")
        self._store = store
        self._folder = folder.resolve()
        self._settled_s = settled_s
        self._clock = clock
        self._seen: dict[tuple[str, str], _SeenFile] = {}

    def look(self) -> int:
        """Take the films that have settled; returns how many were received."""
        found: dict[tuple[str, str], _SeenFile] = {}
        received = 0
        with _opened(self._folder) as top:
            for source in ("", *sorted(_folders(top))):
                with contextlib.suppress(OSError), _opened(source or ".", top) as within:  # gone, or a link by now
                    for name, sight in sorted(_files(within)):
                        received += self._meet(within, source, name, sight, found)
        self._seen = found
        return received

    def _meet(self, within: int, source: str, name: str, sight: Sight, found: dict[tuple[str, str], _SeenFile]) -> bool:
        """Look at one file; True where it was received now."""
        now = self._clock()
        seen = self._seen.get((source, name))
        if seen is None or seen.sight != sight:
            seen = _SeenFile(sight, now)
        found[(source, name)] = seen
        if sight[2] == 0 or now - seen.since < self._settled_s or now < seen.put_off:
            return False
        try:
            new = not seen.received and self._receive(within, source, name, sight)
            seen.received = True
            self._move(within, source, name, ".done")
            return new
        except _Changed:
            del found[(source, name)]
        except (*STORE_FAULTS, OSError) as error:  # not the film's fault: later
            seen.put_off = now + 30 * max(1.0, self._settled_s)
            _log.warning("watch.waits %s", type(error).__name__)
        except WorklistError as error:
            self._refuse(within, source, name, str(error))
        return False

    def _receive(self, within: int, source: str, name: str, sight: Sight) -> bool:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=within)
        with os.fdopen(descriptor, "rb") as file:

            def pieces() -> Iterator[bytes]:
                if _sight(os.fstat(descriptor)) != sight:
                    raise _Changed
                while piece := file.read(_PIECE):
                    yield piece
                if _sight(os.fstat(descriptor)) != sight:
                    raise _Changed

            receipt = self._store.films.receive(
                pieces(), name=_shown(name)[:1000], source=_shown(source)[:200] or "unknown", actor=ACTOR
            )
        if receipt.already:  # a new film is logged by the store
            _log.info("watch.known id=%s", receipt.film_id)
        return not receipt.already

    def _move(self, within: int, source: str, name: str, kind: str) -> tuple[Path, str]:
        """Move a file aside; returns the folder that it is in now, and its name there."""
        date = datetime.now(UTC).date().isoformat()
        target = self._folder / kind / date / source if source else self._folder / kind / date
        with _made(self._folder, [kind, date, *([source] if source else [])]) as folder:
            free = next(one for one in _names(name) if not _there(folder, one))
            os.rename(name, free, src_dir_fd=within, dst_dir_fd=folder)
        return target, free

    def _refuse(self, within: int, source: str, name: str, sentence: str) -> None:
        try:
            folder, called = self._move(within, source, name, ".refused")
            path = folder / f"{called[:200]}.txt"
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NO_LINK, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(sentence + "\n")
        except OSError as error:
            _log.warning("watch.cannot_move %s", type(error).__name__)
        _log.warning("watch.refused")


def _opened(path: Path | str, within: int | None = None) -> contextlib.AbstractContextManager[int]:
    """Open a folder's descriptor, never through a link."""
    return _closing(os.open(path, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=within))


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _made(folder: Path, steps: list[str]) -> Iterator[int]:
    """Make the folder `steps` below `folder` where it is missing; no step may be a link."""
    with contextlib.ExitStack() as stack:
        descriptor = stack.enter_context(_opened(folder))
        for step in steps:
            with contextlib.suppress(FileExistsError):
                os.mkdir(step, 0o700, dir_fd=descriptor)
            descriptor = stack.enter_context(_opened(step, descriptor))
        yield descriptor


def _folders(top: int) -> list[str]:
    with os.scandir(top) as entries:
        return [one.name for one in entries if one.name[0] != "." and one.is_dir(follow_symlinks=False)]


def _files(within: int) -> list[tuple[str, Sight]]:
    """Return regular files with their present state; one that has gone meanwhile is left out."""
    found = []
    with os.scandir(within) as entries:
        for one in entries:
            if is_system_file(one.name) or not one.is_file(follow_symlinks=False):
                continue
            with contextlib.suppress(FileNotFoundError):
                found.append((one.name, _sight(one.stat(follow_symlinks=False))))
    return found


def _sight(status: os.stat_result) -> Sight:
    if not stat.S_ISREG(status.st_mode):
        raise _Changed
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _names(name: str) -> Iterator[str]:
    """`name`, then others that begin so."""
    yield name
    stem, dot, ending = name.rpartition(".")
    number = 2
    while True:
        yield f"{stem[:200]}-{number}{dot}{ending}" if dot and len(ending) < 20 else f"{name[:200]}-{number}"
        number += 1


def _there(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _shown(name: str) -> str:
    """Return a file's name as a label: bytes and signs that are none become �."""
    return _NO_NAME.sub("\ufffd", name)
