"""Files that are whole or not there: written under a temporary name, flushed to the disk, then renamed.

A process killed at any moment leaves the old file, or the new one, and perhaps a temporary beside it
(``.<name>.<random>.tmp``), which `clear_leftovers` removes.
"""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

_CHUNK_BYTES = 1 << 20
_PROBE_BYTES = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_full(error: BaseException) -> TypeGuard[OSError]:
    """Whether a disk, a quota or a limit on the size of files has come to its end."""
    return isinstance(error, OSError) and error.errno in _FULL


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically; the folder must exist."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8 with the line ends as given."""
    write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Give a temporary path in ``path``'s folder; what is written there becomes ``path`` when the block ends well.

    The temporary is flushed to the disk before it is renamed, and the folder after, so that a power cut too leaves
    one whole file. If the block raises, the temporary is removed and ``path`` stays as it was; what a library raises
    on a full disk, in words of its own, becomes the OSError that it came from.

    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> with replacing(target) as temporary:
    ...     _ = temporary.write_text("whole")
    >>> target.read_text()
    'whole'
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        full = error if is_full(error) else None
        if isinstance(error, Exception) and getattr(error, "errno", None) is None:
            full = _takes_no_more(temporary)
        temporary.unlink(missing_ok=True)
        if full is not None:
            full.filename = str(path)
        if full is None or full is error:
            raise
        raise full from error
    _flush(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """Like `replacing`, for a folder: files written into the temporary folder appear under ``path`` all together.

    What was under ``path`` before is removed, whole. Between two renames ``path`` is absent for an instant, for no
    file system call exchanges two folders portably; it never holds some of the files.
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    aside = _temporary_beside(path)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _flush(file)
        _flush(temporary)
        if path.exists():
            os.replace(path, aside)
        os.replace(temporary, path)
    except BaseException:
        if aside.exists() and not path.exists():
            os.replace(aside, path)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _flush(path.parent)
    shutil.rmtree(aside, ignore_errors=True)


def leftovers(path: Path | str) -> list[Path]:
    """The temporaries of ``path`` that a killed process left, sorted."""
    path = Path(path)
    if not path.parent.is_dir():
        return []
    return sorted(p for p in path.parent.iterdir() if p.name.startswith(f".{path.name}.") and p.name.endswith(".tmp"))


def clear_leftovers(path: Path | str) -> None:
    """Remove what `leftovers` finds. Call it only where no other process can be writing ``path``."""
    for left in leftovers(path):
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink(missing_ok=True)


def sha256_of(path: Path | str) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits, read 1 MiB at a time."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _temporary_beside(path: Path) -> Path:
    # The same folder, so that the rename stays on one file system and is atomic.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _takes_no_more(path: Path) -> OSError | None:
    """Why the disk takes no more of a file, if it does not."""
    try:
        with path.open("ab") as file:
            file.write(bytes(_PROBE_BYTES))
        _flush(path)
    except OSError as error:
        return error if is_full(error) else None
    return None


def _flush(path: Path) -> None:
    """Ask the system to put a file's bytes, or a folder's names, on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows opens no folder; its renames are journalled
        return
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
