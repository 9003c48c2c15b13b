"""Files that are whole or not there: written under a temporary name, flushed to the disk, then renamed.

A process killed at any moment leaves the old file, or the new one, and perhaps a temporary beside it
(``.<name>.<random>.tmp``), which `clear_leftovers` removes.
"""

import contextlib
import ctypes
import errno
import os
import re
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TypeGuard

_PROBE_BYTES = 1 << 16
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)
_RENAME_EXCHANGE, _AT_FDCWD = 2, -100  # of renameat2(2)


def is_full(error: BaseException) -> TypeGuard[OSError]:
    """Return True if the error means a full disk, quota or file size limit."""
    return isinstance(error, OSError) and error.errno in _FULL


def write_bytes(path: Path | str, data: bytes) -> None:
    """Write bytes to a file atomically: the file has its old content or all of the new content.

    Args:
        path: the file; its folder must exist. An existing file is replaced.
        data: the content.

    Raises:
        OSError: the file cannot be written, for example because the disk is full. The old file is unchanged.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "data.bin"
        >>> write_bytes(target, b"abc")
        >>> target.read_bytes()
        b'abc'
    """
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path | str, text: str) -> None:
    """Write text to a file atomically, as UTF-8.

    Args:
        path: the file; its folder must exist. An existing file is replaced.
        text: the content. Line ends are written as they are given.

    Raises:
        OSError: the file cannot be written, for example because the disk is full. The old file is unchanged.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "note.txt"
        >>> write_text(target, "σ = 0.1")
        >>> target.read_text(encoding="utf-8")
        'σ = 0.1'
    """
    write_bytes(path, text.encode("utf-8"))


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Provide a temporary path and rename the file written there to `path` when the block ends without an error.

    The temporary file is in the folder of `path`. The file is flushed to the disk before it is renamed, and the folder
    after that, so that one whole file is left even after a power cut. If the block raises an error, the temporary file
    is removed and `path` is unchanged.

    Args:
        path: the file to write; its folder must exist. An existing file is replaced.

    Yields:
        The temporary path. The block must write a file there.

    Raises:
        OSError: the file cannot be written; the error names `path`. If the disk is full or read-only, this error
            replaces the one that a library raised in the block.

    Example:
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
        refused = error if isinstance(error, OSError) and error.errno is not None else None
        if isinstance(error, Exception) and refused is None:
            found = _takes_no_more(temporary)
            if found is not None and (isinstance(error, OSError) or is_full(found) or found.errno in _NOT_WRITABLE):
                refused = found
        with contextlib.suppress(OSError):  # where nothing can be written, nothing can be removed
            temporary.unlink(missing_ok=True)
        if refused is not None and (is_full(refused) or str(refused.filename) == str(temporary)):
            refused.filename, refused.filename2 = str(path), None
        if refused is None or refused is error:
            raise
        raise refused from error
    _flush(path.parent)


@contextlib.contextmanager
def replacing_folder(path: Path | str) -> Iterator[Path]:
    """Provide a temporary folder and rename it to `path` when the block ends without an error.

    All files appear under `path` together. An existing folder is removed with all its files. On Linux the two folders
    are exchanged in one step. Elsewhere, and on file systems without that step, `path` is absent for an instant between
    two renames; `path` never contains only some of the files. If the block raises an error, `path` is unchanged.

    Args:
        path: the folder to write. An existing folder is replaced.

    Yields:
        The temporary folder, which exists and is empty.

    Raises:
        OSError: the folder cannot be made or renamed.

    Example:
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "films"
        >>> with replacing_folder(target) as temporary:
        ...     _ = (temporary / "a.txt").write_text("a")
        ...     _ = (temporary / "b.txt").write_text("b")
        >>> sorted(file.name for file in target.iterdir())
        ['a.txt', 'b.txt']
    """
    path = Path(path)
    temporary = _temporary_beside(path)
    aside = _temporary_beside(path)
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        if str(error.filename) == str(temporary):
            error.filename = str(path)
        raise
    try:
        yield temporary
        for file in temporary.rglob("*"):
            _flush(file)
        _flush(temporary)
        if path.exists() and _exchange(temporary, path):
            aside = temporary
        else:
            if path.exists():
                os.replace(path, aside)
            os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and (name := str(error.filename)).startswith(str(temporary)):
            error.filename = str(path) + name.removeprefix(str(temporary))
        if aside.exists() and not path.exists():
            os.replace(aside, path)
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    _flush(path.parent)
    with contextlib.suppress(OSError):
        _remove(aside)


def leftovers(path: Path | str) -> list[Path]:
    """Return the temporaries of ``path`` that a killed process left, sorted."""
    path = Path(path)
    if not path.parent.is_dir():
        return []
    own = re.compile(re.escape(f".{path.name}.") + r"[0-9a-f]{8}\.tmp")  # not those of `<name>.<more>`
    return sorted(p for p in path.parent.iterdir() if own.fullmatch(p.name))


def clear_leftovers(path: Path | str) -> None:
    """Remove what `leftovers` finds. Call it only where no other process can be writing ``path``."""
    for left in leftovers(path):
        _remove(left)


def _remove(path: Path) -> None:
    """Remove a folder with its files, or a file; of a link, the link alone."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; return False where the system cannot, and nothing has changed."""
    exchange = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    if exchange is None:
        return False
    exchange.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)
    return bool(exchange(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)


def _temporary_beside(path: Path) -> Path:
    # The same folder, so that the rename stays on one file system and is atomic.
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def _takes_no_more(path: Path) -> OSError | None:
    """Return the error that keeps the system from writing to a file; None where it writes."""
    try:
        with path.open("ab") as file:
            file.write(bytes(_PROBE_BYTES))
        _flush(path)
    except OSError as error:
        return error
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
