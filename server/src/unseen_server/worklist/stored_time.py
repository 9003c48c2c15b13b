"""Times as the tables have them: microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(time_us: int) -> datetime:
    """A stored time.

    >>> moment(1_500_000).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    seconds, micro = divmod(time_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)
