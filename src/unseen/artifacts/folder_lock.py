"""Lock on a folder, so that two processes never write the same log and checkpoint.

The operating system holds the lock (`flock`) and releases it when the process ends, however it ends. The empty file
`.lock` stays in the folder.
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
    """Another process writes into the folder; the message names it."""


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
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise FolderInUse(
                f"{folder}: another process writes into this folder. Wait until it ends, or use another folder."
            ) from None
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)  # releases the lock
