"""Percentile of a score among normal films: one computation, one choice of the reference, and one wording.

The command line, Python and every page of the server use these names. A score is therefore compared with the same
normals, and described with the same words, everywhere. The pages format percentages and percentiles with the server's
`static/js/percent_words.js`, from the shares computed here.

    share = (normals that score lower + half of those that score the same) / normals
"""

from __future__ import annotations

import contextlib
import functools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from unseen.artifacts.installed_models import located, shipped

if TYPE_CHECKING:
    from unseen.artifacts.card import Card

FEWEST_NORMALS: Final = 20
"""Fewest normals among which a percentile is shown."""
FLAGGED_FROM: Final = 0.95
"""Share of normals that score lower, from which a film is flagged."""


def share_below(score: float, normals: Sequence[float]) -> float | None:
    """Compute the share of normals that score lower; ties count one half.

    Args:
        score: the score.
        normals: the normals' scores, increasing.

    Returns:
        The share, 0 to 1; None without normals.

    Example:
        >>> share_below(2.0, [1.0, 2.0, 3.0, 4.0])
        0.375
    """
    return (bisect_left(normals, score) + bisect_right(normals, score)) / 2 / len(normals) if normals else None


def least_score(normals: Sequence[float], share: float) -> tuple[float, bool]:
    """Find the score from which `share_below` is at least `share`.

    Args:
        normals: the normals' scores, increasing, at least one.
        share: the share, 0 to 1.

    Returns:
        The score, and True if the score itself is included.

    Example:
        >>> least_score([1.0, 2.0, 3.0, 4.0], 0.5), least_score([1.0, 2.0, 3.0, 4.0], 0.6)
        ((2.0, False), (3.0, True))
    """
    at = min(len(normals) - 1, max(0, math.ceil(share * len(normals)) - 1))
    while at > 0 and normals[at - 1] == normals[at]:
        at -= 1
    for score in normals[max(0, at - 1) :]:
        if bisect_left(normals, score) / len(normals) >= share:  # so have all scores above the previous one
            below = bisect_left(normals, score) - 1
            return (normals[below], False) if below >= 0 else (score, True)
        if (share_below(score, normals) or 0.0) >= share:
            return score, True
    return normals[-1], False


def whole_percent(share: float) -> str:
    """Write a share in whole per cent, rounded down: 95 % is never written for a film that is not flagged.

    Args:
        share: the share, 0 to 1.

    Returns:
        The text, such as "84 %".

    Example:
        >>> whole_percent(0.9499), whole_percent(0.29), whole_percent(1.0)
        ('94 %', '29 %', '100 %')
    """
    return f"{math.floor(100 * share + 1e-9)} %"


def percentile_in_words(share: float, normals: str) -> str:
    """Write a percentile in the wording of all pages and programs.

    Args:
        share: the share of normals that score lower, 0 to 1.
        normals: the normals in words, such as "35 normals of this site".

    Returns:
        The clause, without a full stop.

    Example:
        >>> percentile_in_words(0.84, "35 normals of this site")
        'higher than 84 % of 35 normals of this site'
        >>> percentile_in_words(1.0, "35 normals of this site"), percentile_in_words(0.0, "35 normals of this site")
        ('higher than all of 35 normals of this site', 'higher than none of 35 normals of this site')
        >>> percentile_in_words(1 / 400, "400 normals")
        'higher than less than 1 % of 400 normals'
    """
    ends = {0.0: "none", 1.0: "all"}  # 0 % and 100 % would be statements about normals that were not measured
    whole = whole_percent(share)
    return f"higher than {ends.get(share) or ('less than 1 %' if whole == '0 %' else whole)} of {normals}"


@dataclass(frozen=True, kw_only=True)
class ReferenceNormals:
    """Scores of normal films with which a score is compared.

    Attributes:
        scores: increasing, in the model's own unit; none if there are fewer than `FEWEST_NORMALS`.
        words: the normals in words, such as "the model's 279 training normals (of Montgomery and Shenzhen)"; without
            scores, the reason.
        count: the number of normals, also if there are too few.

    Example:
        >>> reference = ReferenceNormals.of([float(score) for score in range(35)], "normals of this site")
        >>> reference.sentence(30.0)
        'higher than 87 % of 35 normals of this site'
    """

    scores: tuple[float, ...] = field(repr=False)
    words: str
    count: int

    @classmethod
    def of(cls, scores: Sequence[float], whose: str) -> Self:
        """Take normals as the reference if they are enough.

        Args:
            scores: their scores, in any order.
            whose: the normals in words, such as "normals of this site".

        Returns:
            The reference; without scores if there are fewer than `FEWEST_NORMALS`.

        Example:
            >>> ReferenceNormals.of([0.1, 0.2, 0.3], "normals of this site")
            ReferenceNormals(words='no reference: a percentile needs 20 normals of this site, and there are 3', count=3)
        """
        count = len(scores)
        if count < FEWEST_NORMALS:
            there = "is 1" if count == 1 else f"are {count}"
            words = f"no reference: a percentile needs {FEWEST_NORMALS} {whose}, and there {there}"
            return cls(scores=(), words=words, count=count)
        return cls(scores=tuple(sorted(scores)), words=f"{count} {whose}", count=count)

    @classmethod
    def of_training(cls, scores: Sequence[float], card: Card | None = None) -> Self:
        """Take a model's cross-fitted training normals as the reference.

        Args:
            scores: `Card.normal_scores`.
            card: the model's card; None for a model that was not loaded from a bundle.

        Returns:
            The reference; without scores if the model stores too few.

        Example:
            >>> from unseen.artifacts import card_of
            >>> card = card_of("models/pca")
            >>> ReferenceNormals.of_training(card.normal_scores, card).words
            "the model's 279 training normals (of Montgomery and Shenzhen)"
            >>> card = card_of("models/phantom-screener")
            >>> ReferenceNormals.of_training(card.normal_scores, card).words
            '400 normal films that the model was not trained on'
            >>> ReferenceNormals.of_training([]).sentence(0.5)[:63]
            'no reference: this model keeps no scores of its training normal'
        """
        count = len(scores)
        if not count:
            words = "no reference: this model keeps no scores of its training normals"
            return cls(scores=(), words=words, count=0)
        # one fold: one detector scored films outside its training; more folds: each detector left out a part of it
        held_out = card is not None and card.normal_folds == 1
        whose = "normal films that the model was not trained on" if held_out else "training normals"
        found = cls.of(scores, whose)
        if not found.scores:
            return found
        hospitals = " and ".join(() if card is None else _hospitals(card))
        owner = "" if held_out else "the model's "
        of = f" (of {hospitals})" if hospitals else ""
        return cls(scores=found.scores, words=f"{owner}{count} {whose}{of}", count=count)

    @classmethod
    def first_of(cls, *references: Self) -> Self:
        """Choose the first reference that has enough normals.

        Args:
            references: from the preferred one to the last one.

        Returns:
            The chosen one; if none has enough, a reference without scores that states all reasons.

        Example:
            >>> few = ReferenceNormals.of([0.1], "normals of this site")
            >>> ReferenceNormals.first_of(few, ReferenceNormals.of_training([])).words
            'no reference: this model keeps no scores of its training normals; a percentile needs 20 normals of this \
site, and there is 1'
        """
        for one in references:
            if one.scores:
                return one
        reasons = [one.words.removeprefix("no reference: ") for one in reversed(references) if one.words]
        return cls(scores=(), words=f"no reference: {'; '.join(reasons)}", count=max(one.count for one in references))

    def share(self, score: float | None) -> float | None:
        """Compute the share of these normals that score lower; None without a score or without enough normals."""
        return None if score is None else share_below(score, self.scores)

    def sentence(self, score: float | None) -> str:
        """Compare a score with these normals, in words.

        Args:
            score: the score; None for a film without one.

        Returns:
            Such as "higher than 84 % of the model's 279 training normals (of Montgomery and Shenzhen)", without a full
            stop; the reason if there is no reference; "" without a score.

        Example:
            >>> ReferenceNormals.of([0.5] * 20, "normals of this site").sentence(0.5)
            'higher than 50 % of 20 normals of this site'
        """
        if score is None:
            return ""
        share = self.share(score)
        return self.words if share is None else percentile_in_words(share, self.words)


NO_REFERENCE: Final = ReferenceNormals.of_training(())
"""The reference of a model that keeps no scores of its training normals."""


_HOSPITALS: Final = ("Montgomery", "Shenzhen")
"""Hospitals whose films the installed models were trained on, as their cards name them."""


def _hospitals(card: Card) -> list[str]:
    """Return the hospitals of an installed model's training normals; none for a user's model, its card is free text.

    The text from "Lung finder" on names the hospitals of the lung finder's masks.
    """
    films, _, _ = card.data.partition("Lung finder")
    return [name for name in _HOSPITALS if name in films and card.weights_sha256 in _shipped_weights()]


@functools.cache
def _shipped_weights() -> frozenset[str]:
    from unseen.artifacts.bundle import BundleError, card_of

    found = set()
    for path in shipped():
        with contextlib.suppress(BundleError):  # reported when that model is loaded
            found.add(card_of(located(path)).weights_sha256)
    return frozenset(found)
