"""The child process that reads a Parquet manifest: `python -P -m unseen.data.parquet_child PATH LIMITS`.

A damaged file can make the Parquet reader panic, abort or ask for any amount of memory. So a child reads it, with a
limit on its memory, and writes messages to stdout: the header, then rows as text, then the end; or the reason why not.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

from unseen.data import decoder_protocol

_MESSAGE = 2**20  # characters of cells in a message, but for its last row


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetLimits:
    """Limits for a Parquet manifest.

    Attributes:
        memory_mb: of the child's address space, its code included (1 GB).
        timeout_s: from one message to the next, while the parent waits for it.
        row_characters: of a row's cells together.
        columns: columns of the table.
        rows_at_once: rows in a message.
    """

    memory_mb: int = 4096
    timeout_s: float = 60.0
    row_characters: int = 2**20
    columns: int = 4096
    rows_at_once: int = 10_000

    def text(self) -> str:
        """Return the limits as JSON, for the child's command line."""
        return json.dumps(asdict(self))


def messages(path: str, limits: ParquetLimits) -> Iterator[decoder_protocol.Message]:
    """Yield the header, the rows and the end, or a reason."""
    import polars as pl
    from polars import selectors

    try:
        table = pl.scan_parquet(path, glob=False)
        header = table.collect_schema().names()
        if len(header) > limits.columns:
            yield {"reason": f"it has {len(header):,} columns, the limit is {limits.columns:,}"}
            return
        expected = int(table.select(pl.len()).collect().item())  # by the file's footer
        yield {"header": header}
        table = table.with_columns(selectors.float().fill_nan(None)).select(pl.all().cast(pl.String).fill_null(""))
        row_number = 0
        for batch in table.collect_batches(chunk_size=limits.rows_at_once, maintain_order=True):
            rows: list[tuple[str, ...]] = []
            characters = 0
            for row in batch.iter_rows():
                row_number += 1
                size = sum(map(len, row))
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
            yield {"reason": f"it is damaged: {row_number:,} of {expected:,} rows can be read"}
            return
        yield {"end": True}
    except MemoryError:
        yield {"reason": f"it needs more than {limits.memory_mb:,} MB of memory"}
    except pl.exceptions.PolarsError as error:
        yield {"reason": " ".join(str(error).split())[:200]}
    except BaseException as error:  # the edge: damaged files raise anything, even Rust's PanicException
        yield {"reason": f"it is damaged: {type(error).__name__}"}


def serve(path: str, replies: BinaryIO, limits: ParquetLimits) -> None:
    """Write all messages. An alarm ends a child that the parent has not ended; it rests while the parent reads."""
    ahead = messages(path, limits)
    while True:
        signal.setitimer(signal.ITIMER_REAL, 2 * limits.timeout_s + 5)
        message = next(ahead, None)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if message is None:
            return
        replies.write(decoder_protocol.frame(message))


def main() -> None:
    """Take over stdout, set the limits, write the messages."""
    path, limits = sys.argv[1], ParquetLimits(**json.loads(sys.argv[2]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # native libraries may print: never into the replies
    limit = limits.memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        serve(path, replies, limits)
        replies.flush()
    except BrokenPipeError:  # the parent has read enough, or is gone
        os._exit(1)
    os._exit(0)


if __name__ == "__main__":
    main()
