"""Times as the tables have them: microseconds since 1970."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moment(time_us: int) -> datetime:
    """Return a stored time.

    >>> moment(1_500_000).isoformat()
    '1970-01-01T00:00:01.500000+00:00'
    """
    seconds, micro = divmod(time_us, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micro)


def moment_or_none(time_us: int | None) -> datetime | None:
    """Return a stored time; None where there is none.

    >>> moment_or_none(None) is None
    True
    """
    return None if time_us is None else moment(time_us)


def microseconds(time: datetime) -> int:
    """Return a time as it is stored: the inverse of `moment`. A time without a zone is local.

    >>> microseconds(moment(1_500_001))
    1500001
    """
    aware = time if time.tzinfo is not None else time.astimezone()
    return (aware - _EPOCH) // timedelta(microseconds=1)
