"""Limits of uploads: how many films may come in at the same time, in all and from one account.

A film may take minutes to come in. Without a limit for each account, slow uploads of one account would keep all others
out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from unseen.artifacts import number_of
from unseen_server.worklist.states import BusyError

AT_ONCE: Final = 64
"""Films that come in at the same time; further ones wait for their turn."""
OF_AN_ACCOUNT: Final = 16
"""The same, of one account."""
WAIT_S: Final = 10.0


class UploadPlaces:
    """Places of uploads; all calls come from the event loop.

    Args:
        at_once: Films that come in at the same time.
        of_an_account: The same, of one account.
    """

    def __init__(self, *, at_once: int = AT_ONCE, of_an_account: int = OF_AN_ACCOUNT) -> None:
        self._at_once, self._of_an_account = at_once, of_an_account
        self._taken: Counter[str] = Counter()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @property
    def taken(self) -> int:
        """Number of films that come in."""
        return self._taken.total()

    @contextlib.asynccontextmanager
    async def place(self, account: str, *, wait_s: float | None = None) -> AsyncIterator[None]:
        """Hold a place for a film of an account in a block; waits for one.

        Raises:
            BusyError: None became free in time.
        """
        await self._take(account, WAIT_S if wait_s is None else wait_s)
        try:
            yield
        finally:
            self._release(account)

    async def _take(self, account: str, wait_s: float) -> None:
        if self._may(account):
            self._taken[account] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((account, turn))
        try:
            async with asyncio.timeout(wait_s):
                await turn
        except BaseException as error:
            if (account, turn) in self._waiting:
                self._waiting.remove((account, turn))
            elif turn.done() and not turn.cancelled():
                self._release(account)  # the place came while the wait ended
            if isinstance(error, TimeoutError):
                raise BusyError(self._full(account)) from None
            raise

    def _full(self, account: str) -> str:
        if self._taken[account] >= self._of_an_account:
            are = "is" if self._of_an_account == 1 else "are"
            films = number_of(self._of_an_account, "film")
            return f"{films} of this account {are} coming in already. Nothing was stored; send it again."
        return "Too many films are coming in at once. Nothing was stored; send it again."

    def _may(self, account: str) -> bool:
        return self.taken < self._at_once and self._taken[account] < self._of_an_account

    def _release(self, account: str) -> None:
        self._taken[account] -= 1
        if not self._taken[account]:
            del self._taken[account]
        for one in list(self._waiting):  # the first that may come in; others of full accounts wait on
            if self._may(one[0]):
                self._waiting.remove(one)
                if not one[1].done():
                    self._taken[one[0]] += 1
                    one[1].set_result(None)
