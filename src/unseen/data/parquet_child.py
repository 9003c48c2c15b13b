"""Child process that reads Parquet files: `python -P -m unseen.data.parquet_child LIMITS [MANIFEST]`.

`parquet_manifest` starts it for a manifest, `parquet_tables` for tables; `parquet_limits` has its limits.

A damaged file can make the Parquet reader panic, abort or request any amount of memory. So a child process with a
memory limit reads it, and writes messages to stdout: the header, the rows and the end, or the reason of a failure. A
reason has the field `damaged` where the reader failed at the file; lack of memory may be the cause.

With MANIFEST it reads that manifest and sends its cells as text. Without it, it reads each table that is requested on
stdin, and the cells keep their types. A request names the path, the columns and the largest number of rows.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO

from unseen.artifacts.errors import reason_of
from unseen.data import child_pipe, decoder_protocol
from unseen.data.parquet_limits import ParquetLimits

if TYPE_CHECKING:
    from polars import LazyFrame

TABLE_TYPES = frozenset(("String", "Boolean", "Float32", "Float64", "Null")) | {
    f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)
}
"""Polars types of the columns of a table. A file with a column of another type gives a reason."""
_CELL = 8  # characters added to the text of each cell when a row is measured
_MESSAGE = 2**20  # largest number of characters in a message of several rows


def messages(path: str, limits: ParquetLimits) -> Iterator[decoder_protocol.Message]:
    """Yield the header, the rows and the end of a manifest, or a reason."""
    import polars as pl
    from polars import selectors

    with_text = pl.all().cast(pl.String).fill_null("")

    def rows_of(table: LazyFrame) -> LazyFrame:
        return table.with_columns(selectors.float().fill_nan(None)).select(with_text)

    yield from _messages(path, limits, rows_of, cell=0)


def table_messages(
    path: str, limits: ParquetLimits, *, columns: Sequence[str] | None, most_rows: int | None
) -> Iterator[decoder_protocol.Message]:
    """Yield header, types, rows and end of a table, or a reason.

    Args:
        path: the Parquet file.
        limits: limits on memory and sizes.
        columns: names of the columns to read; None: all.
        most_rows: a file with more rows gives a reason; None: any number.
    """

    def rows_of(table: LazyFrame) -> LazyFrame:
        return table if columns is None else table.select(columns)

    yield from _messages(path, limits, rows_of, cell=_CELL, most_rows=most_rows)


def _messages(
    path: str,
    limits: ParquetLimits,
    rows_of: Callable[[LazyFrame], LazyFrame],
    *,
    cell: int,
    most_rows: int | None = None,
) -> Iterator[decoder_protocol.Message]:
    import polars as pl

    try:
        table = pl.scan_parquet(path, glob=False)
        header = table.collect_schema().names()
        if len(header) > limits.columns:
            yield {"reason": f"it has {len(header):,} columns, the limit is {limits.columns:,}"}
            return
        expected = int(table.select(pl.len()).collect().item())  # by the file's footer
        if most_rows is not None and expected > most_rows:
            yield {"reason": f"it has {expected:,} rows, and at most {most_rows:,} are expected"}
            return
        table = rows_of(table)
        schema = table.collect_schema()
        types = [str(one) for one in schema.dtypes()]
        if other := [
            f"`{name}` is {kind}" for name, kind in zip(schema, types, strict=True) if kind not in TABLE_TYPES
        ]:
            yield {"reason": f"column {other[0][:200]}, which is not text, numbers or truth values"}
            return
        yield {"header": schema.names(), "types": types}
        row_number = 0
        for batch in table.collect_batches(chunk_size=limits.rows_at_once, maintain_order=True):
            rows: list[tuple[object, ...]] = []
            characters = 0
            for row in batch.iter_rows():
                row_number += 1
                size = sum(cell + len(one) if isinstance(one, str) else cell for one in row)
                if size > limits.row_characters:
                    yield {"reason": f"row {row_number:,} has more than {limits.row_characters:,} characters"}
                    return
                if rows and (len(rows) >= limits.rows_at_once or characters + size > _MESSAGE):
                    yield {"rows": rows}
                    rows, characters = [], 0
                rows.append(row)
                characters += size
            if rows:
                yield {"rows": rows}
        if row_number != expected:  # a panic in one of the reader's threads ends the batches without an error
            yield {"reason": f"it is damaged: {row_number:,} of {expected:,} rows can be read", "damaged": True}
            return
        yield {"end": True}
    except pl.exceptions.PolarsError as error:
        yield {"reason": " ".join(str(error).split())[:200]}


def _next(ahead: Iterator[decoder_protocol.Message], limits: ParquetLimits) -> decoder_protocol.Message | None:
    """Return the next message, or the reason why there is none; None after the last.

    Memory is the reason of a failure at the limit of the address space. This process itself looks at its peak, since
    there is no peak of a process that has ended.
    """
    try:
        message = next(ahead, None)
    except MemoryError:
        return {"reason": limits.more_memory()}
    except OSError as error:
        return {"reason": reason_of(error)}
    except BaseException as error:  # system boundary: damaged files raise anything, even Rust's PanicException
        message = {"reason": f"it is damaged: {type(error).__name__}", "damaged": True}
    if message is not None and message.get("damaged") and child_pipe.near_limit(os.getpid(), limits.memory_mb):
        return {"reason": limits.more_memory()}
    return message


def serve(ahead: Iterator[decoder_protocol.Message], replies: BinaryIO, limits: ParquetLimits) -> None:
    """Write all messages. An alarm ends the process if a message takes too long; it is off while the parent reads.

    The alarm is for a child whose parent is gone: a parent waits less, and then reports why the child is late.
    """
    while True:
        signal.setitimer(signal.ITIMER_REAL, child_pipe.START_S + 2 * limits.timeout_s)
        message = _next(ahead, limits)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if message is None:
            return
        replies.write(decoder_protocol.frame(message))


def serve_tables(requests: int, replies: BinaryIO, limits: ParquetLimits) -> None:
    """Answer each request for a table, until the parent closes the pipe or ends."""
    while True:
        try:
            request = child_pipe.message(requests, math.inf)
        except child_pipe.Gone:
            return
        ahead = table_messages(request["path"], limits, columns=request["columns"], most_rows=request["most_rows"])
        serve(ahead, replies, limits)
        replies.flush()


def main() -> None:
    """Take over stdout, set the limits, write the messages."""
    limits = ParquetLimits(**json.loads(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # native libraries may print, but not into the replies
    limit = limits.memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (child_pipe.ERROR_BYTES, child_pipe.ERROR_BYTES))  # stderr is a file
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        if len(sys.argv) > 2:
            serve(messages(sys.argv[2], limits), replies, limits)
        else:
            serve_tables(0, replies, limits)
        replies.flush()
    except BrokenPipeError:  # the parent has read enough, or is gone
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
