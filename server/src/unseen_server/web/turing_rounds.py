"""Rounds of "real or generated?" in memory.

The server does not reveal which images are real until the reader has answered for all of them.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from unseen_server.web.turing_images import RoundImages
from unseen_server.worklist.states import NotAllowedError, NotFoundError

Count = Literal[10, 20, 40]
"""Images of a round. Of 10, nine right answers differ from guessing; of 20 fifteen; of 40 twenty-seven."""
COUNTS: Final[tuple[Count, ...]] = get_args(Count)
DEFAULT_COUNT: Final[Count] = 20
"""Images of a round where nothing else is chosen."""
MOST_BYTES: Final = 64 * 2**20
"""Limit of the images of all rounds: thousands of rounds at 64 × 64 pixels, a dozen at 512 × 512."""


@dataclass(eq=False, kw_only=True)
class Round:
    """Round of one reader.

    Attributes:
        number: its name.
        account: the reader.
        model: SHA-256 of the weights.
        name: the model's name for people.
        words: source of the real films, in words.
        drawn: the images.
        answers: by image, from 1: True for "real".
    """

    number: str
    account: str
    model: str
    name: str
    words: str
    drawn: RoundImages = field(repr=False)
    answers: dict[int, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def count(self) -> int:
        return len(self.drawn.real)

    @property
    def is_finished(self) -> bool:
        return len(self.answers) == self.count

    def picture(self, k: int) -> bytes:
        """Return the k-th image as PNG, from 1. Raises NotFoundError."""
        return self.drawn.png(self._place(k))

    def answer(self, k: int, *, real: bool, finish: Callable[[Round], None]) -> None:
        """Record an answer; the same again changes nothing.

        `finish` stores the result, once, with the last answer. If it raises, that answer is not recorded.

        Raises NotFoundError, and NotAllowedError for another answer than was given before.
        """
        self._place(k)
        with self._lock:
            if (given := self.answers.get(k)) is not None:
                if given != real:
                    raise NotAllowedError(f"Image {k} was answered already; an answer is final.")
                return
            self.answers[k] = real
            try:
                if self.is_finished:
                    finish(self)
            except Exception:
                del self.answers[k]
                raise

    def right(self, *, of_real: bool | None = None) -> tuple[int, int]:
        """Return right answers and number of images: of all, or of the real or the generated images only."""
        asked = [k for k in range(1, self.count + 1) if of_real is None or self.drawn.real[k - 1] is of_real]
        return sum(self.answers.get(k) is self.drawn.real[k - 1] for k in asked), len(asked)

    def _place(self, k: int) -> int:
        if not 1 <= k <= self.count:
            raise NotFoundError(f"There is no image {k}: this round has {self.count}.")
        return k - 1


class Rounds:
    """Rounds in progress, in memory; the least recently used are dropped when they take too much of it."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._rounds: OrderedDict[str, Round] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, drawn: RoundImages, *, account: str, model: str, name: str, words: str) -> Round:
        """Start a round that only its reader can see."""
        begun = Round(
            number=f"r-{secrets.token_hex(10)}", account=account, model=model, name=name, words=words, drawn=drawn
        )
        with self._lock:
            self._rounds[begun.number] = begun
            while len(self._rounds) > 1 and self._size() > self._most_bytes:
                self._rounds.popitem(last=False)
        return begun

    def find(self, number: str, account: str) -> Round:
        """Return the reader's round. Raises NotFoundError."""
        with self._lock:
            found = self._rounds.get(number)
            if found is None or found.account != account:
                raise NotFoundError(
                    "This round no longer exists: the server was restarted, or many rounds came after it. Finished "
                    "rounds are kept in the audit trail. Begin another."
                )
            self._rounds.move_to_end(number)
            return found

    def _size(self) -> int:
        return sum(one.drawn.images.nbytes for one in self._rounds.values())
