"""Percentiles of all models' scores, each among its reference, and the rows of the list that follow from them.

The reference is the first with enough normals: of a policy in force its calibration's normals, else the normals of this
site, else the model's own training normals. The computation and the words are the library's (`unseen.artifacts`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

from unseen.artifacts import FEWEST_NORMALS, FLAGGED_FROM, ReferenceNormals, least_score
from unseen_server.web.listed_study import Listed, ModelScore
from unseen_server.web.study_sentences import reading_of
from unseen_server.worklist.study_query import FlagRule

if TYPE_CHECKING:
    from unseen.artifacts import Card
    from unseen.screening import Policy
    from unseen_server.web.promise import Promise
    from unseen_server.worklist.listing import ListedStudy
    from unseen_server.worklist.store import Store

KEPT_S: Final = 30.0
_NEVER: Final = 1e308  # no priority
_OF_ANOTHER_MODEL: Final = ReferenceNormals(scores=(), words="the calibration had no scores of this model", count=0)
_NOT_HERE: Final = ReferenceNormals(scores=(), words="this server was not given this model", count=0)


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The models that score now.

    Attributes:
        deciding: SHA-256 of the weights that decide; None without a model.
        policy: the policy that is in force, if any is.
        named: each model's name and card, by SHA-256 of its weights, the one that decides first.
        calibrated: policies of further models that were calibrated together with the one in force.
    """

    deciding: str | None = None
    policy: Policy | None = None
    named: Mapping[str, tuple[str, Card]]
    calibrated: Mapping[str, Policy]


@dataclass(frozen=True, kw_only=True)
class _KnownReference:
    asked: float
    reference: ReferenceNormals
    of_site: bool


class ScorePercentiles:
    """Percentiles among the reference of each model, which is at most `KEPT_S` old, and the rows that follow from them.

    Args:
        store: the worklist.
        loaded: the models that score now.
        clock: seconds, for tests.
    """

    def __init__(
        self, store: Store, loaded: Callable[[], Loaded], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._loaded, self._clock = store, loaded, clock
        self._lock = Lock()
        self._kept: dict[str, _KnownReference] = {}

    def of(self, model: str | None, score: float | None) -> float | None:
        """Return the share of the model's reference below the score; None without a model, a score or a reference."""
        return None if model is None or score is None else self.known(model).share(score)

    def sentence(self, model: str, score: float | None) -> str:
        """Compare a score with the model's reference in words; "" without a score."""
        return self.known(model).sentence(score)

    def row(self, entry: ListedStudy, promise: Promise, *, blind: bool) -> Listed:
        """Return a row of the list."""
        early = self._early(entry, stopped=promise.state == "stopped")
        reading = reading_of(entry, rank=self.of(entry.model, entry.score), blind=blind, early=early)
        size = self.known(entry.model).count if entry.model and reading.number is not None else None
        return Listed.made(entry, promise, reading, of=size, models=[] if blind else self._models(entry))

    def _models(self, entry: ListedStudy) -> list[ModelScore]:
        """Return each loaded model's score of the study: that of the film which is least like its normals."""
        loaded = self._loaded()
        scores = dict(entry.scores)
        if entry.model is not None and entry.score is not None:
            scores[entry.model] = entry.score
        named = {model: name for model, (name, _) in loaded.named.items()}
        if entry.model is not None and entry.model not in named:
            named[entry.model] = entry.model[:12]
        return [
            ModelScore(
                model=model,
                name=name,
                score=scores[model],
                rank=self.of(model, scores[model]),
                sentence=self.sentence(model, scores[model]),
            )
            for model, name in named.items()
            if model in scores
        ]

    def _early(self, entry: ListedStudy, *, stopped: bool) -> bool:
        """Return whether a blind page flags a study: by its place in the list alone, which a sampled study has from
        another one. While something stands against the policy, the priority does not follow from the calibration.
        """
        return not stopped and entry.priority is not None and entry.priority >= self._early_from()

    def _early_from(self) -> float:
        """Return the priority that a study at `FLAGGED_FROM` of the calibration's normals has.

        It follows from the probability where a prevalence was entered, else from the number of lower normals.
        """
        policy = self._loaded().policy
        if policy is None:
            return FLAGGED_FROM
        reference = policy.reference
        if not reference.scores:
            return _NEVER
        if policy.prevalence is not None and policy.probability is not None:
            return policy.probability.priority(least_score(reference.scores, FLAGGED_FROM)[0])
        sizes = [len(source.normals) for source in policy.sources.values() if len(source.normals) >= FEWEST_NORMALS]
        sizes = sizes or [reference.count]
        return max(math.ceil(FLAGGED_FROM * size - 1e-9) / (size + 1) for size in sizes)

    def flag_rule(self, promise: Promise, *, blind: bool) -> FlagRule:
        """Return the rule by which the worklist finds the rows that `row` flags."""
        if blind:
            return FlagRule(priority=_NEVER if promise.state == "stopped" else self._early_from())
        known = {model: self.known(model).scores for model in self._store.findings.weights()}
        return FlagRule(
            scores={model: least_score(scores, FLAGGED_FROM) for model, scores in known.items() if scores},
        )

    def known(self, model: str) -> ReferenceNormals:
        """Return the scores with which a model's are compared; they are asked for once a while."""
        return self._known(model).reference

    def is_of_site(self, model: str) -> bool:
        """Return whether the reference is of this site or its calibration, and not the model's own training normals."""
        return self._known(model).of_site

    def _known(self, model: str) -> _KnownReference:
        with self._lock:
            found = self._kept.get(model)
            if found is None or self._clock() - found.asked >= KEPT_S:
                reference, of_site = self._asked(model)
                found = _KnownReference(asked=self._clock(), reference=reference, of_site=of_site)
                self._kept[model] = found
            return found

    def reference_now(self, model: str) -> ReferenceNormals:
        """Return what `known` returns once it is asked for again."""
        return self._asked(model)[0]

    def _asked(self, model: str) -> tuple[ReferenceNormals, bool]:
        """Return the reference, and whether it is of this site."""
        site = self.of_site(model)
        card = self._loaded().named.get(model)
        own = _NOT_HERE if card is None else ReferenceNormals.of_training(card[1].normal_scores, card[1])
        return ReferenceNormals.first_of(site, own), bool(site.scores)

    def of_site(self, model: str) -> ReferenceNormals:
        """Return the normals of the calibration where a policy is in force, else the normals of this site.

        Films that readers report normal where a policy clears are those that it did not clear: among them all others
        would look usual.
        """
        loaded = self._loaded()
        if loaded.policy is None:
            card = loaded.named.get(model)
            learnt = () if card is None else card[1].training_films
            return self._store.findings.reference(model, training_films=learnt)
        if model == loaded.deciding:
            return loaded.policy.reference
        calibrated = loaded.calibrated.get(model)
        return _OF_ANOTHER_MODEL if calibrated is None else calibrated.reference
