"""Locks on a folder and on an output, so that two processes never write the same files.

The operating system holds a lock (`flock`) and releases it when the process ends, however it ends. The empty file
`.lock` stays in a locked folder; that of an output is next to it, and is deleted.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from unseen.artifacts.errors import UserError

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


class FolderInUse(UserError, RuntimeError):
    """Another process writes into the folder, or the same output; the message names it."""


@contextlib.contextmanager
def locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a folder's lock while the block runs.

    A file system without locks, such as some network folders, gives no protection and no error.

    Args:
        folder: the folder; made if missing.
        wait: wait for another process that holds the lock.

    Raises:
        FolderInUse: another process holds the lock, and `wait` is False.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with locked(folder), locked(folder):  # doctest: +ELLIPSIS
        ...     pass
        Traceback (most recent call last):
        ...
        unseen.artifacts.folder_lock.FolderInUse: ...: another process writes into this folder. Wait until it ends, ...
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = _opened(folder / ".lock")
    try:
        if not _lock(descriptor, wait=wait):
            raise FolderInUse(
                f"{folder}: another process writes into this folder. Wait until it ends, or use another folder."
            )
        yield
    finally:
        os.close(descriptor)  # releases the lock


@contextlib.contextmanager
def sole_writer(output: Path) -> Iterator[None]:
    """Be the only process that writes an output, while the block runs.

    Args:
        output: a file or a folder that is written whole at the end of the block, and may be missing before.

    Raises:
        FolderInUse: another process writes it.

    Example:
        >>> import tempfile
        >>> model = Path(tempfile.mkdtemp()) / "model"
        >>> with sole_writer(model), sole_writer(model):  # doctest: +ELLIPSIS
        ...     pass
        Traceback (most recent call last):
        ...
        unseen.artifacts.folder_lock.FolderInUse: ...model: another command is writing it. Wait until it ends, ...
    """
    output = output.absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    lock = output.with_name(f".{output.name}.lock")
    while True:
        try:
            descriptor = _opened(lock)
        except OSError as error:
            error.filename = str(output)
            raise
        try:
            if not _lock(descriptor, wait=False):
                raise FolderInUse(f"{output}: another command is writing it. Wait until it ends, or give another path.")
            if _is_at(descriptor, lock):  # else the process that held it has deleted the file meanwhile
                try:
                    yield
                finally:
                    with contextlib.suppress(OSError):  # in /tmp, another user's file cannot be deleted
                        lock.unlink()
                return
        finally:
            os.close(descriptor)


def _opened(lock: Path) -> int:
    """Open the file of a lock, also another user's, whose command runs or has ended."""
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except PermissionError:
        if not lock.exists():
            raise
        return os.open(lock, os.O_RDONLY | os.O_CLOEXEC)


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file; return False if another process holds the lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    """Return True if an open file is the one at a path."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
