"""Films that stay where they are: the worklist's folder has a link with the digest of the bytes as its name.

Such a file is not the worklist's own, so it may change. What is shown of it must be what was imported: it is hashed
again whenever its size, its time of change or its place on the disk is another one.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from unseen.artifacts.files import sha256_of
from unseen.worklist.states import NotFoundError

_KNOWN = 10_000  # files whose digest is kept in memory


def check_linked(path: Path) -> None:
    """Raise NotFoundError where the file behind a link is gone, or is not the one whose digest is the link's name."""
    try:
        found = os.stat(path)
        same = _digest_of(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) == path.name
    except OSError as error:
        raise NotFoundError(
            f"The imported film's file is not there ({error.strerror}). Bring it back to its place in the archive."
        ) from error
    if not same:
        raise NotFoundError(
            "The imported film's file has changed since it was scored. Bring the old file back to its place in the "
            "archive."
        )


@lru_cache(maxsize=_KNOWN)
def _digest_of(path: Path, *stated: int) -> str:
    """The file's digest; another file at the same place differs in `stated`."""
    return sha256_of(path)
