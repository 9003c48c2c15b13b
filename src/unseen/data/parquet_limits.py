"""Limits for Parquet files, which `parquet_manifest` and `parquet_tables` give to their child (`parquet_child`)."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ParquetLimits:
    """Limits for a Parquet file.

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

    def more_memory(self) -> str:
        """Return the reason of a file that needs more memory, as part of a sentence."""
        return f"it needs more than {self.memory_mb:,} MB of memory"

    def text(self) -> str:
        """Return the limits as JSON, for the child's command line."""
        return json.dumps(asdict(self))
