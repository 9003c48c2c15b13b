"""Rounds of "real or generated?", and the responses about them.

`Round`: real or generated?, some images long. Which is which stays on the server until all answers are given.

Nothing but what lies inside the lungs may give an image away. So all images of a round go one way: one outline,
inside which every real film has lung and the generator typically has; one grey scale, from an image's own 0.5th
percentile in there to its 99.5th; one size; PNG without compression, so that all files have the same length. What lies
outside the outline is gone before an image is enlarged.

What the visual Turing test answers with: pydantic models, and a result in words.
"""

from __future__ import annotations

import io
import random
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from unseen.evaluation import Interval, proportion
from unseen_server.worklist.similar_films import MOST_OWN as MOST
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError

if TYPE_CHECKING:
    from unseen_server.worklist.renditions import Rendition

COUNTS: Final = (10, 20, 40)
"""Images of a round. Of 10, nine right answers differ from guessing; of 20 fifteen; of 40 twenty-seven."""
MOST_BYTES: Final = 64 * 2**20
"""Of the images of all rounds: thousands of rounds at 64 × 64 pixels, a dozen at 512 × 512."""
_SHOWN = 512  # pixels of the longer side, about
_LOW, _HIGH = 0.5, 99.5
_USUAL = 0.9  # of the films have lung there: what a film with another outline is left out by
_LEAST = 0.05  # of the grid


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawn:
    """What is shown.

    images  uint8 (count, height, width), the outline's surroundings cut off
    inside    (height, width): the outline; what an image holds outside it is its own edge, drawn out
    real      which are films
    """

    pictures: NDArray[np.uint8] = field(repr=False)
    inside: NDArray[np.bool_] = field(repr=False)
    real: tuple[bool, ...] = field(repr=False)

    def png(self, place: int) -> bytes:
        """An image, enlarged, black outside the outline; as many bytes as any other of these."""
        from scipy.ndimage import gaussian_filter, zoom

        height, width = self.inside.shape
        times = max(1, round(_SHOWN / max(height, width)))
        grey = zoom(self.pictures[place].astype(np.float32), times, order=3, mode="nearest", grid_mode=True)
        edge = zoom(gaussian_filter(self.inside.astype(np.float32), 1), times, order=1, mode="nearest", grid_mode=True)
        soft = np.clip((edge - 0.5) * times + 0.5, 0, 1)  # a pixel of the enlarged image wide
        written = io.BytesIO()
        shown = Image.fromarray(np.asarray(np.clip(grey, 0, 255) * soft + 0.5, dtype=np.uint8))
        shown.save(written, format="PNG", compress_level=0)
        return written.getvalue()


@dataclass(eq=False, kw_only=True)
class Round:
    """A round of one reader.

    model    SHA-256 of the weights; `name` for people
    words    whose films the real ones are
    answers  by image, from 1: True for "real"
    """

    number: str
    account: str
    model: str
    name: str
    words: str
    drawn: Drawn = field(repr=False)
    answers: dict[int, bool] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def count(self) -> int:
        return len(self.drawn.real)

    @property
    def is_finished(self) -> bool:
        return len(self.answers) == self.count

    def picture(self, k: int) -> bytes:
        """The k-th image as PNG, from 1. Raises NotFoundError."""
        return self.drawn.png(self._place(k))

    def answer(self, k: int, *, real: bool, finish: Callable[[Round], None]) -> None:
        """Take an answer down; the same again changes nothing. `finish` keeps the result, once, with the last answer:
        where it raises, that answer was not taken down.

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
        """Right answers, and how many images: of all, or of the real or the generated ones alone."""
        asked = [k for k in range(1, self.count + 1) if of_real is None or self.drawn.real[k - 1] is of_real]
        return sum(self.answers.get(k) is self.drawn.real[k - 1] for k in asked), len(asked)

    def _place(self, k: int) -> int:
        if not 1 <= k <= self.count:
            raise NotFoundError(f"There is no image {k}: this round has {self.count}.")
        return k - 1


class Rounds:
    """The rounds that go on, in memory; the longest untouched are forgotten when they take too much of it."""

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._rounds: OrderedDict[str, Round] = OrderedDict()
        self._lock = threading.Lock()

    def begin(self, drawn: Drawn, *, account: str, model: str, name: str, words: str) -> Round:
        """A new round; it is its reader's alone."""
        begun = Round(
            number=f"r-{secrets.token_hex(10)}", account=account, model=model, name=name, words=words, drawn=drawn
        )
        with self._lock:
            self._rounds[begun.number] = begun
            while len(self._rounds) > 1 and self._size() > self._most_bytes:
                self._rounds.popitem(last=False)
        return begun

    def find(self, number: str, account: str) -> Round:
        """The reader's round. Raises NotFoundError."""
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
        return sum(one.drawn.pictures.nbytes for one in self._rounds.values())


def drawn(
    own: Sequence[Rendition],
    generated: NDArray[np.float32],
    *,
    count: int,
    typical: NDArray[np.bool_] | None,
    blur: float | None,
    rng: random.Random,
) -> Drawn:
    """`count` images, each real or generated by a fair coin; none twice.

    own        what the model saw of the site's films; `count` or more
    generated  (n, size, size), network units; `count` or more
    typical    (size, size): where generated images typically show lung; None for a model of whole films
    blur       the Gaussian σ, pixels of the grid, with which the method smooths what it sees; None: it does not

    Raises WorklistError where the lungs of so many films hardly overlap, and where films were removed meanwhile.
    """
    if min(len(own), len(generated)) < count:
        raise WorklistError(
            f"A round of {count} needs {count} films and {count} generated images; there are {len(own)} and "
            f"{len(generated)}. Choose fewer images."
        )
    real = tuple(rng.random() < 0.5 for _ in range(count))
    films = _alike(own, sum(real), rng)
    inside = np.logical_and.reduce([film.inside for film in films] or [np.ones(generated.shape[1:], dtype=bool)])
    if typical is not None:
        inside = _within(inside & typical)
    if inside.mean() < _LEAST:
        raise WorklistError(
            "The lungs of this site's films hardly overlap on this model's grid, so that no outline fits them all. "
            "Choose fewer images, or another model."
        )
    shown = np.empty((count, *generated.shape[1:]), dtype=np.float32)  # (count, size, size)
    coins = np.array(real)
    if films:
        shown[coins] = [_seen(film, blur) for film in films]
    shown[~coins] = generated[rng.sample(range(len(generated)), count - sum(real))]
    cut = _around(inside)
    pictures = [_in_grey(image, inside)[cut] for image in shown]
    return Drawn(pictures=np.stack(pictures), inside=inside[cut], real=real)


def _alike(own: Sequence[Rendition], count: int, rng: random.Random) -> list[Rendition]:
    """`count` films by lot among those whose lungs fill the usual outline best: half of all, or more if need be."""
    if not count:
        return []
    usual = np.mean([film.inside for film in own], axis=0) >= _USUAL
    filled = [float((film.inside & usual).sum()) for film in own]
    best = sorted(range(len(own)), key=lambda place: -filled[place])[: max(count, (len(own) + 1) // 2)]
    return [own[place] for place in rng.sample(best, count)]


def _within(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without its rim, where generated lungs fade away and real ones end, and without thin ends."""
    from scipy.ndimage import binary_erosion, binary_opening

    step = max(1, inside.shape[0] // 64)
    eroded = binary_erosion(inside, iterations=step)
    opened: NDArray[np.bool_] = binary_opening(eroded, structure=np.ones((3, 3)), iterations=2 * step)
    return opened


def _seen(film: Rendition, blur: float | None) -> NDArray[np.float32]:
    """What the network saw, and its generator learnt from."""
    masked = film.image * film.inside
    if blur is None:
        return masked
    from scipy.ndimage import gaussian_filter

    smoothed: NDArray[np.float32] = gaussian_filter(masked, blur)
    return smoothed


def _in_grey(picture: NDArray[np.float32], inside: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """In 256 steps; what lies outside takes the value of the nearest pixel inside: enlarging mixes nothing else in."""
    from scipy.ndimage import distance_transform_edt

    low, high = np.percentile(picture[inside], (_LOW, _HIGH))
    grey = np.clip((picture - low) / max(float(high - low), 1e-6), 0, 1) * 255 + 0.5
    nearest = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    return np.asarray(grey[tuple(nearest)], dtype=np.uint8)


def _around(inside: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The outline's box, with a small margin."""
    ends = [(np.flatnonzero(inside.any(axis=axis))[[0, -1]]) for axis in (1, 0)]
    rows, columns = (slice(max(0, int(low) - 2), int(high) + 3) for low, high in ends)
    return rows, columns


Kind = Literal["real", "generated"]


class Offered(BaseModel):
    """A model whose images can be judged, or the reason why not."""

    model: str = Field(description="SHA-256 of its weights")
    name: str
    generated: int = Field(description="images of its generator; 0 where it has none")
    own: int = Field(description=f"films of this site that it scored, {MOST} at most")
    counts: list[int] = Field(description="how long a round may be")
    missing: str = Field(description='what is missing for a round; "" where nothing is')


class Offer(BaseModel):
    """What there is to be judged."""

    models: list[Offered]
    missing: str = Field(description='why there is no round with any of them; "" where there is one')


class Wanted(BaseModel):
    """A round that is wanted."""

    model_config = ConfigDict(extra="forbid")

    model: str = Field(pattern="^[0-9a-f]{64}$")
    count: Literal[10, 20, 40] = 20


class RoundResponse(BaseModel):
    """A round, as far as its reader may know."""

    round: str
    model: str
    name: str
    pictures: list[int] = Field(description="from 1, in the order in which they are shown")
    answered: list[int]
    words: str = Field(description="whose films the real ones are")


class Answer(BaseModel):
    """What the reader takes an image for."""

    model_config = ConfigDict(extra="forbid")

    k: int = Field(ge=1, le=max(COUNTS))
    answer: Kind


class Share(BaseModel):
    """Right answers of so many, with the exact 95 % interval (Clopper & Pearson 1934)."""

    right: int
    of: int
    value: float | None = Field(description="null for none of none")
    low: float | None
    high: float | None

    @classmethod
    def of_answers(cls, right: int, of: int) -> Share:
        found = proportion(right, of, without="no such image came")
        if not isinstance(found, Interval):
            return cls(right=right, of=of, value=None, low=None, high=None)
        return cls(right=right, of=of, value=found.value, low=found.low, high=found.high)


class Revealed(BaseModel):
    """An image, what it was taken for, and what it is."""

    k: int
    answer: Kind
    truth: Kind


class Result(BaseModel):
    """How a round ended."""

    round: str
    name: str
    words: str = Field(description="whether this differs from guessing")
    all: Share
    real: Share
    generated: Share
    pictures: list[Revealed]


class Earlier(BaseModel):
    """A round that is in the audit trail."""

    time: datetime
    reader: str
    model: str
    name: str
    all: Share


class Finished(BaseModel):
    """Rounds that were finished, latest first: one's own; a lead's list has everybody's."""

    rounds: list[Earlier]


def in_words(share: Share) -> str:
    """Whether a share differs from guessing.

    >>> in_words(Share.of_answers(12, 20))
    'This does not differ from guessing: the interval, 36 % to 81 %, holds 50 %.'
    >>> in_words(Share.of_answers(18, 20)).partition(":")[0]
    'This is better than guessing'
    """
    if share.low is None or share.high is None:
        return "Nothing was answered."
    ends = f"the interval, {100 * share.low:.0f} % to {100 * share.high:.0f} %,"
    if share.low > 0.5:
        return f"This is better than guessing: {ends} lies above 50 %. The generated images differ visibly from films."
    if share.high < 0.5:
        return f"This is worse than guessing: {ends} lies below 50 %. A difference was seen, the wrong way round."
    return f"This does not differ from guessing: {ends} holds 50 %."
