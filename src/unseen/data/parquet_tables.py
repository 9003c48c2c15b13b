"""Tables of Parquet files, with their types, read by a child process (`parquet_child`) that a damaged file can end.

`parquet_manifest` reads the rows of a manifest, as text; `parquet_limits` has the limits.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import polars as pl

from unseen.artifacts.errors import UserError
from unseen.data import child_pipe, decoder_protocol
from unseen.data.parquet_child import TABLE_TYPES
from unseen.data.parquet_limits import ParquetLimits

_MESSAGE_BYTES: Final = 64 << 20
_CELL: Final = 8
_SIZE_PER_BYTE: Final = 1000  # characters of cells for each byte of the file
_SIZE_ANYWAY: Final = 64 << 20  # characters of cells that any file may give
_TYPES: Final = {name: getattr(pl, name) for name in TABLE_TYPES}


class TableError(UserError, ValueError):
    """A Parquet file cannot be read as a table; the message is the reason, as part of a sentence."""


class TableReader:
    """Reader of Parquet files in a child process, which starts with the first file and serves until it is lost.

    A file that crashes the child, or needs too much memory, gives an error; the next file starts a new child.

    Args:
        limits: on memory, time and sizes; None: the defaults.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "table.parquet"
        >>> pl.DataFrame({"file": ["a.png", "b.png"], "score": [0.5, None]}).write_parquet(path)
        >>> with TableReader() as tables:
        ...     tables.read(path, columns=("score",))["score"].to_list()
        [0.5, None]
    """

    def __init__(self, *, limits: ParquetLimits | None = None) -> None:
        self._limits = limits or ParquetLimits()
        self._child: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._process = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def read(self, path: Path, *, columns: Sequence[str] | None = None, most_rows: int | None = None) -> pl.DataFrame:
        """Return the table of a file.

        Args:
            path: the Parquet file; its columns are text, numbers or truth values.
            columns: the columns that are wanted; None: all.
            most_rows: a file with more rows is refused; None: any number.

        Raises:
            TableError: the file is damaged, no such table, or exceeds a limit.
            OSError: it cannot be opened.
        """
        if path.exists() and not path.is_file():
            raise TableError("this is no regular file")
        path.open("rb").close()  # a missing file gets the system's own reason
        request = {"path": os.path.abspath(path), "columns": columns and list(columns), "most_rows": most_rows}
        try:
            try:
                return self._asked(request, path.stat().st_size)
            except child_pipe.Gone:  # at this file, or before it and not noticed yet: a second child decides
                self.close()
                return self._asked(request, path.stat().st_size)
        except child_pipe.Late:
            late = f"reading took longer than {self._limits.timeout_s:g} s and was stopped"
            raise TableError(self._close_and_explain(late)) from None
        except child_pipe.Gone:
            cause = "" if self._child is None else f", {child_pipe.cause(self._child)}"
            raise TableError(self._close_and_explain(f"the file ended the reader{cause}")) from None
        except BaseException:  # half an answer is in the pipe
            self.close()
            raise

    def close(self) -> None:
        """End the child; the next file starts a new one."""
        child, self._child = self._child, None
        if self._errors is not None:
            self._errors.close()
            self._errors = None
        if child is None:
            return
        if self._process == os.getpid():
            child.kill()
        else:
            child.returncode = 0  # of the process that this one was forked from
        for stream in (child.stdin, child.stdout):
            if stream:
                stream.close()
        child.wait()

    def _close_and_explain(self, reason: str) -> str:
        """End the child that failed. Return the reason, or that memory was the cause."""
        if (
            self._child is not None
            and self._errors is not None
            and child_pipe.needed_more_memory(self._child, self._errors, self._limits.memory_mb)
        ):
            reason = self._limits.more_memory()
        self.close()
        return reason

    def _asked(self, request: decoder_protocol.Message, file_bytes: int) -> pl.DataFrame:
        child, wait_s = self._running()
        assert child.stdin and child.stdout
        try:
            child.stdin.write(decoder_protocol.frame(request))
        except BrokenPipeError:
            raise child_pipe.Gone from None
        schema: dict[str, pl.DataType] = {}
        frames: list[pl.DataFrame] = []
        left = _SIZE_ANYWAY + _SIZE_PER_BYTE * file_bytes
        while True:
            message = child_pipe.message(child.stdout.fileno(), time.monotonic() + wait_s, most=_MESSAGE_BYTES)
            wait_s = self._limits.timeout_s
            if "reason" in message:
                reason = str(message["reason"])
                if message.get("damaged"):
                    reason = self._close_and_explain(reason)
                self.close()  # what ran out of memory or panicked is not asked again
                raise TableError(reason)
            if "end" in message:
                return pl.concat(frames) if frames else pl.DataFrame(schema=schema)
            if "header" in message:
                kinds = [_TYPES[str(kind)] for kind in message["types"]]
                schema = dict(zip(map(str, message["header"]), kinds, strict=True))
                continue
            rows = message["rows"]
            left -= sum(_CELL + len(one) if isinstance(one, str) else _CELL for row in rows for one in row)
            if left < 0:
                self.close()
                raise TableError(f"its content is more than {_SIZE_PER_BYTE:,} times as long as the file")
            frames.append(pl.DataFrame(rows, schema=schema, orient="row"))

    def _running(self) -> tuple[subprocess.Popen[bytes], float]:
        """Return the child, and how many seconds its first answer may take."""
        if self._process != os.getpid():
            self.close()
            self._process = os.getpid()
        if self._child is not None and self._child.poll() is None:
            return self._child, self._limits.timeout_s
        self.close()
        self._errors = child_pipe.error_file()
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "unseen.data.parquet_child", self._limits.text()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,  # panics print there
            bufsize=0,
            env=child_pipe.environment(),
        )
        return self._child, child_pipe.START_S + self._limits.timeout_s
