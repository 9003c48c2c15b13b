"""A film with the decision about it, and the decision about a study from its films: when a study is cleared.

Apart from the screener, which needs torch: a worklist reads these without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from unseen.data.film import Film, Label, NotRead
from unseen.data.film_projection import projection_of
from unseen.screening.companions import PROCESSED, deciding
from unseen.screening.decision import FIRST_PRIORITY, Decision
from unseen.screening.frontal_check import UNCERTAIN

if TYPE_CHECKING:
    from unseen.detectors.finding import Finding


SEVERAL_SOURCES = "its films are of several sources, and no threshold was calibrated for such a study"
"""Reason why a study is read, although each of its films is below the threshold of its own source."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Screened:
    """One input, and what became of it; `Screener.screen` gives them.

    Args:
        film: the input.
        decision: what was decided.
        finding: the detector's; None where the film was not scored.

    >>> from unseen.data import phantoms
    >>> from unseen.screening import load
    >>> next(load("models/pca").screen(phantoms.normals(1, size=64))).label
    'normal'
    """

    film: Film | NotRead
    decision: Decision
    finding: Finding | None = field(default=None, repr=False)

    @property
    def label(self) -> Label | None:
        """The label in the manifest."""
        return self.film.label

    @property
    def lateral(self) -> bool:
        """True if the film is a lateral view, which decides nothing."""
        return isinstance(self.film, Film) and projection_of(self.film) == "lateral"

    @property
    def decided(self) -> Decision:
        """The decision; a film of uncertain projection and a processed image are never cleared."""
        reason = never_cleared(self.film) if isinstance(self.film, Film) else ""
        if reason and self.decision.action == "clear":
            return replace(self.decision, action="read", reason=reason)
        return self.decision

    @property
    def study(self) -> tuple[str, str]:
        """Patient and study; a file that was not read is a study of its own."""
        return study_of(self.film)

    def without_images(self) -> Screened:
        """Return the same without pixels and maps, for thousands of them to be kept."""
        film = self.film
        if isinstance(film, Film):
            film = replace(film, pixels=np.zeros((0, 0), np.float32), lungs=None, lesion=None)
        return replace(self, film=film, finding=None)


def never_cleared(film: Film) -> str:
    """Return why a film is not cleared, whatever its score; "" where only its score decides."""
    if projection_of(film) == "uncertain":
        return UNCERTAIN
    return PROCESSED if film.origin == "processed" else ""


def study_of(film: Film | NotRead) -> tuple[str, str]:
    """Return the patient and study; a file that was not read is a study of its own."""
    return (film.patient, film.study if isinstance(film, Film) else film.name)


def without_companions(frontal: Sequence[Screened]) -> list[Screened]:
    """Return the frontal images of one study that decide about it; a file that was not read does.

    Args:
        frontal: all frontal images of the study, screened.

    Returns:
        Those that decide, in their order; see `deciding`.

    Example:
        >>> from dataclasses import replace
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import load
        >>> from unseen.screening import Screener
        >>> first, second = phantoms.normals(2, size=64)
        >>> suppressed = replace(second, origin="processed")
        >>> screened = list(Screener(load("models/pca")).screen([first, suppressed]))
        >>> [one.film is first for one in without_companions(screened)]
        [True]
    """
    images = [one.film for one in frontal]
    known = [(film.origin, film.related) if isinstance(film, Film) else ("original", ()) for film in images]
    return [one for one, decides in zip(frontal, deciding(known), strict=True) if decides]


def study_decision(films: Sequence[Screened], *, policy_digest: str) -> Decision:
    """Decide about one study from the decisions about all its films. Lateral films have no effect.

    The study is not scored if it has no frontal film or any frontal film was not scored. Otherwise the decision is that
    of the frontal film with the highest score; the study is cleared only if all its frontal films are, and are of one
    source: the calibration counts a study of several sources for none of them. A film of uncertain projection counts as
    frontal, and is never cleared. Companion images have no effect (`deciding`).

    Args:
        films: all films of the study, screened.
        policy_digest: digest of the policy, for a study without a frontal film; "" without a policy.

    Returns:
        The decision about the study.

    Example:
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import load
        >>> from unseen.screening import Screener
        >>> films = list(Screener(load("models/pca")).screen(phantoms.normals(2, size=64)))
        >>> study_decision(films, policy_digest="").score == max(film.decision.score for film in films)
        True
        >>> study_decision([], policy_digest="").reason
        'there is no frontal film in this study'
    """
    frontal = [one.decided for one in without_companions([one for one in films if not one.lateral])]
    if not frontal:
        return Decision(
            action="not_scored", score=None, probability=None, p_value=None, priority=FIRST_PRIORITY,
            reason="there is no frontal film in this study", policy_digest=policy_digest,
        )  # fmt: skip
    if unscored := [decision for decision in frontal if decision.action == "not_scored"]:
        return unscored[0]
    highest = max(frontal, key=lambda decision: decision.priority)
    if highest.action == "clear" and (kept := [decision for decision in frontal if decision.action == "read"]):
        return replace(kept[0], priority=highest.priority)
    # the reason of a cleared film names its source
    if highest.action == "clear" and len({decision.reason for decision in frontal}) > 1:
        return replace(highest, action="read", reason=SEVERAL_SOURCES)
    return highest
