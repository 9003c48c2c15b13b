"""Rows of a Parquet manifest, as text, read by a child process (`parquet_child`) that a damaged file can end.

`parquet_tables` reads other Parquet files, with the types of their columns; `parquet_limits` has the limits.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from unseen.data import child_pipe
from unseen.data.parquet_limits import ParquetLimits
from unseen.data.source_errors import ManifestError

_MESSAGE_BYTES = 64 << 20  # of a message: 2^21 characters, each at most 12 bytes in JSON, and its commas
_TEXT_PER_BYTE = 1000  # characters of text for each byte of the file
_TEXT_ANYWAY = 64 << 20  # characters of text that any file may give


def parquet_rows(path: Path, *, limits: ParquetLimits | None = None) -> Iterator[list[str]]:
    """Yield the header of a Parquet file, then its rows as text, some at a time.

    Numbers and dates become their text; null and NaN become an empty cell.

    Args:
        path: the Parquet file.
        limits: on memory, time and sizes; None: the defaults.

    Raises:
        ManifestError: the file is damaged, no Parquet file, or exceeds a limit.
        OSError: it cannot be opened.

    Example:
        >>> import tempfile
        >>> import polars as pl
        >>> table = Path(tempfile.mkdtemp()) / "table.parquet"
        >>> pl.DataFrame({"file": ["a.png", "b.png"], "age": [61.0, float("nan")]}).write_parquet(table)
        >>> list(parquet_rows(table))
        [['file', 'age'], ['a.png', '61.0'], ['b.png', '']]
    """
    limits = limits or ParquetLimits()
    if path.exists() and not path.is_file():
        raise ManifestError(f"{path}: this is no regular file. Copy its content into a file.")
    path.open("rb").close()  # a missing file gets the system's own reason
    errors = child_pipe.error_file()
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "unseen.data.parquet_child", limits.text(), os.fspath(path)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,  # panics print there
        bufsize=0,
        env=child_pipe.environment(),
    )
    try:
        yield from _rows(child, errors, path, limits)
    finally:
        child.kill()
        errors.close()
        if child.stdout:
            child.stdout.close()
        child.wait()


def _rows(child: subprocess.Popen[bytes], errors: IO[bytes], path: Path, limits: ParquetLimits) -> Iterator[list[str]]:
    assert child.stdout

    def failed(reason: str) -> ManifestError:
        more = child_pipe.needed_more_memory(child, errors, limits.memory_mb)
        return _refused(path, limits.more_memory() if more else reason)

    left = _TEXT_ANYWAY + _TEXT_PER_BYTE * path.stat().st_size
    wait_s = child_pipe.START_S + limits.timeout_s
    while True:
        try:
            message = child_pipe.message(child.stdout.fileno(), time.monotonic() + wait_s, most=_MESSAGE_BYTES)
        except child_pipe.Late:
            raise failed(f"reading took longer than {wait_s:g} s and was stopped") from None
        except child_pipe.Gone:
            raise failed(f"the file ended the reader, {child_pipe.cause(child)}") from None
        except ValueError as error:
            raise _refused(path, f"the reader sent {error}") from error
        wait_s = limits.timeout_s
        if "reason" in message:
            reason = str(message["reason"])
            raise failed(reason) if message.get("damaged") else _refused(path, reason)
        if "end" in message:
            return
        if "header" in message:
            yield [str(name) for name in message["header"]]
        for row in message.get("rows", ()):
            left -= sum(map(len, row))
            if left < 0:
                raise _refused(path, f"its text is more than {_TEXT_PER_BYTE:,} times as long as the file")
            yield row


def _refused(path: Path, reason: str) -> ManifestError:
    return ManifestError(
        f"{path}: the manifest cannot be read as Parquet ({reason}). Write it again, with cells of text, numbers or "
        "dates; or give a CSV file."
    )
