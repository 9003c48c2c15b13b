"""Threads for sign-ins and session look-ups, apart from those of other requests.

Clients that are not identified can wait for each other there, and keep no thread from anybody else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import anyio
import anyio.to_thread

from unseen_server.worklist.states import BusyError

AT_ONCE: Final = 2
"""Passwords that are hashed at the same time: argon2id takes 64 MiB each."""
WAITING: Final = 64
"""Sign-ins that wait for their turn; further ones are refused."""
_PARSING: Final = 4
_LOOKS: Final = 4
PROVIDER: Final = 8
"""Sign-ins that wait for the identity provider at the same time; each of its answers has a limit on time and size."""

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class SignInPlaces:
    """Threads of sign-ins, apart from those of other requests.

    Args:
        parsers: for bodies that are parsed.
    """

    def __init__(self) -> None:
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self._provider = anyio.CapacityLimiter(PROVIDER)
        self.parsers = anyio.CapacityLimiter(_PARSING)
        self._looks = anyio.CapacityLimiter(_LOOKS)

    @property
    def waiting(self) -> int:
        """Number of sign-ins that wait for a thread."""
        return self._limiter.statistics().tasks_waiting

    async def run(
        self, work: Callable[Parameters, Result], *arguments: Parameters.args, **more: Parameters.kwargs
    ) -> Result:
        """Run a sign-in in a thread. Raises BusyError if too many wait."""
        return await _turn(self._limiter, lambda: work(*arguments, **more))

    async def by_provider(
        self, work: Callable[Parameters, Result], *arguments: Parameters.args, **more: Parameters.kwargs
    ) -> Result:
        """Run a sign-in that asks the identity provider, which may be slow. Raises BusyError if too many wait."""
        return await _turn(self._provider, lambda: work(*arguments, **more))

    async def look(
        self, work: Callable[Parameters, Result], *arguments: Parameters.args, **more: Parameters.kwargs
    ) -> Result:
        """Look a session up in a thread."""
        return await anyio.to_thread.run_sync(lambda: work(*arguments, **more), limiter=self._looks)


async def _turn(limiter: anyio.CapacityLimiter, work: Callable[[], Result]) -> Result:
    if limiter.statistics().tasks_waiting >= WAITING:
        raise BusyError("Too many people sign in at once. Try again in a moment.")
    return await anyio.to_thread.run_sync(work, limiter=limiter)
