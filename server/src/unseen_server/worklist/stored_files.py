"""Files of the store on disk, named by their SHA-256: ``ab/abcd…`` in 256 subfolders.

A file is written under a temporary name, flushed, and renamed while the caller holds the database's writing
transaction. `sweep` removes files without a row under the same transaction. So no file is removed between its arrival
and its row, and a file that a killed process left without a row is removed at the next start.
"""

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from unseen_server.worklist.states import DamagedError, NoRoomError

_NAME = re.compile(r"[0-9a-f]{64}")
_SUBFOLDER = re.compile(r"[0-9a-f]{2}")
_STALE_S = 3600.0  # an upload that wrote nothing for an hour is over
_THREADS = 8  # that wait for the disk


class NotADigestError(DamagedError, ValueError):
    """A name of a file that is no digest."""


class ContentFolder:
    """The folder at `path`, made when missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._incoming = path / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)

    def of(self, sha256: str) -> Path:
        """Return the path of the file with this digest, which may not exist.

        Raises NotADigestError for what is no digest: nothing else ever becomes part of a path.
        """
        if not _NAME.fullmatch(str(sha256)):  # damage can leave bytes in its place
            raise NotADigestError(
                f"{self.path}: {str(sha256)[:80]!r} is not a SHA-256 in hexadecimal. If it is from the database, the "
                "database is damaged: restore a backup into a new folder."
            )
        return self.path / sha256[:2] / sha256

    def temporary(self) -> Path:
        """Return a new name for bytes that are coming in."""
        return self._incoming / f"{secrets.token_hex(8)}.tmp"

    def place(self, temporary: Path, sha256: str) -> None:
        """Give flushed bytes their name; the folder is flushed too. Within a writing transaction only."""
        self.place_several({sha256: temporary})

    def place_several(self, files: Mapping[str, Path]) -> None:
        """`place` of several files, by their digest."""
        targets = {self.of(sha256): temporary for sha256, temporary in files.items()}
        parents = {target.parent for target in targets}
        if missing := [parent for parent in parents if not parent.exists()]:
            for parent in missing:
                parent.mkdir(exist_ok=True, mode=0o700)
            _flush(self.path)
        for target, temporary in targets.items():
            os.replace(temporary, target)
        _at_once(_flush, list(parents))

    def digests(self) -> Iterator[list[str]]:
        """Yield the digests that are there, a subfolder at a time."""
        return self.digests_in(self.path)

    @staticmethod
    def digests_in(path: Path) -> Iterator[list[str]]:
        """Yield the digests of the folder at `path`, which is not made, a subfolder at a time."""
        try:
            subfolders = sorted(name for name in os.listdir(path) if _SUBFOLDER.fullmatch(name))
        except (FileNotFoundError, NotADirectoryError):
            return
        for subfolder in subfolders:
            try:
                names = os.listdir(os.path.join(path, subfolder))
            except (FileNotFoundError, NotADirectoryError):
                continue
            yield sorted(name for name in names if _NAME.fullmatch(name))

    def remove(self, sha256: str) -> None:
        """Remove a file; it may be gone already."""
        self.of(sha256).unlink(missing_ok=True)

    def sweep(self, known: Callable[[list[str]], set[str]], remove: Callable[[list[str]], int]) -> int:
        """Remove stale temporaries, and hand digests that the database does not know to `remove`.

        Args:
            known: of digests, those that the database has.
            remove: asks again under the writing transaction and removes; returns how many.

        Returns how many files were removed.
        """
        removed = 0
        for temporary in self._incoming.glob("*.tmp"):
            try:
                stale = time.time() - temporary.stat().st_mtime > _STALE_S
            except FileNotFoundError:
                continue
            if stale:
                temporary.unlink(missing_ok=True)
                removed += 1
        for digests in self.digests():
            if digests and (strangers := sorted(set(digests) - known(digests))):
                removed += remove(strangers)
        return removed


def write_flushed(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a new file for the owner alone, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def write_several(files: Mapping[Path, bytes]) -> None:
    """`write_flushed` of several files, at once: a disk flushes many in the time of a few."""
    _at_once(lambda path: write_flushed(path, [files[path]]), list(files))


def _at_once(act: Callable[[Path], None], paths: Sequence[Path]) -> None:
    """Call `act` for each path, from several threads where there is more than one."""
    if len(paths) <= 1:
        for path in paths:
            act(path)
        return
    with ThreadPoolExecutor(min(_THREADS, len(paths)), thread_name_prefix="flush") as threads:
        list(threads.map(act, paths))


@contextlib.contextmanager
def room(folder: ContentFolder) -> Iterator[None]:
    """Raise NoRoomError, a sentence, where the block finds the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise NoRoomError(
            f"{folder.path}: the disk is full ({error.strerror}). Nothing was stored. Free some space, and try again."
        ) from error


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
