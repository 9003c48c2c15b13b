"""`Screener`: detector, input gate and policy of a site; decides what is cleared and which films have a probability.

Law: the decision about a film depends on that film, the model and the policy alone; a study is cleared only if all its
frontal films are. Without a policy everything is read: films are ranked, and nothing is hidden.

`load` makes a screener from a model's bundle, with the input gate in it, and a site's policy file. `decision_rows`
gives one row per input, in input order, each with its study's decision.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeGuard

import numpy as np

from unseen.anatomy.found_lungs import FoundLungs
from unseen.artifacts.model_digest import canonical_json, digest_of_parts
from unseen.artifacts.percentile import FEWEST_NORMALS, NO_REFERENCE, ReferenceNormals
from unseen.data.film import Film, NotRead
from unseen.data.film_projection import projection_of
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.gate_in_bundle import HasSettings, gate_parts
from unseen.detectors.saved import detector_parts
from unseen.detectors.saved import load as load_detector
from unseen.evaluation.exported_scores import ScoreRow, map_of
from unseen.screening.conformal import p_value
from unseen.screening.decision import FIRST_PRIORITY, Decision, squashed_score
from unseen.screening.gate.gate import Gate
from unseen.screening.gate.refusal_codes import short_reason
from unseen.screening.policy import UNKNOWN_SOURCE, Policy, PolicyError
from unseen.screening.probes import Probe, disagreement, probes_of
from unseen.screening.screened import SEVERAL_SOURCES, Screened, never_cleared, study_decision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.anatomy.found_lungs import Finder
    from unseen.detectors.finding import Finding
    from unseen.detectors.saved import Runtime

_LATERAL = "a lateral film: it is not scored, and is carried along with the frontal films of its study"
OTHER_SOURCE = "its source is not among the calibrated ones"
"""Begins the reason why a film of no calibrated source is read."""
KEPT_BY_STUDY = "another film of its study is not cleared"
_NOT_FINITE = "the detector gave a score of {}; a score is finite"


class ScoringDetector(Protocol):
    """Interface of a detector that a screener can use.

    Example:
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import load
        >>> detector: ScoringDetector = load("models/pca")
        >>> len(list(detector.score(phantoms.normals(1, size=64)))), len(detector.weights_sha256)
        (1, 64)
    """

    def score(self, films: Iterable[Film | NotRead], /) -> Iterator[Finding | NotRead]:
        """Return one finding per film, in order, each depending on its film alone."""
        ...

    @property
    def weights_sha256(self) -> str:
        """Digest of the weights, 64 hexadecimal digits; a policy is bound to it."""
        ...


class TakesLungs(Protocol):
    """A detector that scores a film with the lungs that were found in it already, as every `Detector` does."""

    finder: Finder | None

    def score_film(self, film: Film, lungs: FoundLungs, /) -> Finding | NotRead:
        """Return the same finding as `score`."""
        ...


class Refuses(Protocol):
    """A gate's refusal of a film, or its remark on one."""

    @property
    def reason(self) -> str:
        """A sentence: what was seen, and what to do."""
        ...


class Guards(Protocol):
    """All that a screener asks of an input gate."""

    @property
    def thresholds(self) -> dict[str, float]:
        """Thresholds by name, for the policy."""
        ...

    def judge(self, film: Film, lungs: NDArray[np.bool_] | None, /) -> Refuses | None:
        """Return why `film` must not be scored, or not be cleared, or None.

        Args:
            lungs: as the detector's finder predicts them; None without one.
        """
        ...


class Screener:
    """Decides about films and studies.

    >>> from unseen.data import phantoms
    >>> from unseen.detectors import load
    >>> screener = Screener(load("models/pca"))
    >>> screener(next(iter(phantoms.normals(1, size=64)))).action
    'read'

    Args:
        detector: a trained detector, such as `un.detectors.load("models/pca")`.
        policy: what `screening.calibrate` made, or a file of `unseen calibrate`; None: rank, never clear.
        gate: refuses films unlike the training films; None: every film is scored. `screening.load` brings a bundle's
            own.

    Raises PolicyError for a policy that was made for another model: other settings, weights, runtime or gate.
    """

    def __init__(self, detector: ScoringDetector, policy: Policy | None = None, *, gate: Guards | None = None) -> None:
        self.detector, self.policy, self.gate = detector, policy, gate
        self.parts = model_parts(detector, gate)
        """SHA-256 of each part of the model."""
        if policy is not None and (mismatch := policy.mismatch(self.parts)):
            raise PolicyError(mismatch)
        self.disagreement = ""
        """Difference of this machine's scores from those of the calibrating machine, in words; "" where they agree."""
        self.stopped = ""
        """Reason why nothing is cleared at present, such as a drift alarm; "" if there is none."""
        self.fixed_sources: Collection[str] = ()
        """Sources that senders were authenticated for: their films' headers name no other source."""
        self._digest = "" if policy is None else policy.digest
        self._all_normals = sorted(s for source in policy.sources.values() for s in source.normals) if policy else []

    def __call__(self, film: Film | NotRead) -> Decision:
        """Return the decision about one film, as if it were its study's only one."""
        return next(self.screen([film])).decision

    def screen(
        self, films: Iterable[Film | NotRead], *, scores: Mapping[str, float] | None = None
    ) -> Iterator[Screened]:
        """Decide film by film, lazily and in order; every input comes out once.

        Args:
            scores: scores that the detector has given before, by the films' pixel digests; such a film is not scored
                again and has no finding.
        """
        for film in films:
            known = None if scores is None or isinstance(film, NotRead) else scores.get(film.pixel_sha256)
            yield self.screen_film(film) if known is None else self._known(film, known)

    def screen_film(self, film: Film | NotRead, lungs: FoundLungs | None = None) -> Screened:
        """Decide about one input; the gate and the detector look for its lungs once between them.

        Args:
            lungs: what was found in this film so far, which is not looked for again.

        Raises ValueError for another film's lungs.
        """
        if isinstance(film, NotRead):
            return Screened(film=film, decision=self._not_scored(film.reason))
        lungs = FoundLungs.of(film, lungs)
        refusal, remark = self._judged(film, lungs)
        if refusal:
            return Screened(film=film, decision=self._not_scored(refusal))
        outcome = scored_film(self.detector, film, lungs)
        if isinstance(outcome, NotRead):
            return Screened(film=film, decision=self._not_scored(outcome.reason))
        if outcome.reference is not (reference := self.reference):
            outcome = replace(outcome, reference=reference)
        return Screened(film=film, decision=self.decide(outcome.score, outcome.film, remark), finding=outcome)

    def _known(self, film: Film | NotRead, score: float) -> Screened:
        """Decide about a film whose score is known; the gate judges it as always."""
        assert isinstance(film, Film)
        refusal, remark = self._judged(film, FoundLungs.of(film, None))
        decision = self._not_scored(refusal) if refusal else self.decide(score, film, remark)
        return Screened(film=film, decision=decision)

    @property
    def reference(self) -> ReferenceNormals:
        """The normals with which scores are compared: the policy's if they are enough, else the model's training
        normals."""
        own = getattr(self.detector, "reference_normals", NO_REFERENCE)
        return own if self.policy is None else ReferenceNormals.first_of(self.policy.reference, own)

    def study(self, films: Sequence[Screened]) -> Decision:
        """Return the decision about one study from all its films; see `study_decision`."""
        return study_decision(films, policy_digest=self._digest)

    def decide(self, score: float, film: Film, remark: str = "") -> Decision:
        """Return the decision about a score, of a film that the gate let through; a score is finite.

        Args:
            remark: the gate's, of a film that differs from the training films: it is never cleared.
        """
        if not math.isfinite(score):
            return self._not_scored(_NOT_FINITE.format(score))
        if self.policy is None:
            return Decision(
                action="read", score=score, probability=None, p_value=None, priority=squashed_score(score),
                reason=f"{remark or 'no policy'}: films are ranked by their score, and none is cleared",
                policy_digest="",
            )  # fmt: skip
        policy = self.policy
        source = policy.source_of(film, fixed=self.fixed_sources)
        own = policy.sources[source] if source != UNKNOWN_SOURCE else None
        normals: Sequence[float] = own.normals if own is not None else ()
        # one map is for all sources; a source without studies of both classes in it has no probability
        calibrated = own is not None and own.abnormals > 0 and len(own.normals) > 0
        if len(normals) < FEWEST_NORMALS:  # of its source: then those of all sources
            normals = self._all_normals
        unusual = p_value(score, normals) if normals else None
        entered = policy.prevalence is not None
        mapped = policy.probability if entered else None
        # of scores between the same two normals, the higher one comes first
        unlike = None if unusual is None else 1 - unusual + squashed_score(score) / (len(normals) + 1)
        in_order = (None if mapped is None else mapped.priority(score), unlike, squashed_score(score))
        priority = next(value for value in in_order if value is not None)
        stays = f"{remark}: it is never cleared" if remark else self._reason_to_read(score, source, film)
        return Decision(
            action="read" if stays else "clear",
            score=score,
            # the gate remarks on films that differ
            probability=None if mapped is None or remark or not calibrated else float(mapped(score)),
            p_value=unusual,
            priority=priority,
            reason=stays or f"cleared: below the threshold of {source}",
            policy_digest=self._digest,
        )

    def _reason_to_read(self, score: float, source: str, film: Film) -> str:
        """Return why a scored film is read; "" where it is cleared."""
        assert self.policy is not None
        if source == UNKNOWN_SOURCE:
            names = ", ".join(sorted(self.policy.sources)[:5]) or "none"
            return f"{OTHER_SOURCE} ({names}), so it is never cleared"
        calibrated = self.policy.sources[source]
        if calibrated.threshold is None:
            return f"nothing is cleared from {source}: {calibrated.refused}"
        if score >= calibrated.threshold:
            at = f"the threshold of {source} ({calibrated.threshold:.4g})"
            return f"its score is at or above {at}, so it is not cleared"
        if reason := never_cleared(film):
            return reason
        stopped = self.stopped or self.disagreement
        return f"clearing is stopped: {stopped}" if stopped else ""

    @property
    def model_digest(self) -> str:
        """Digest of the model with its gate, 64 hexadecimal digits."""
        return digest_of_parts(self.parts)

    def probe(self) -> str:
        """Score the policy's probe films and compare the scores with those of the calibrating machine.

        Where they differ, nothing is cleared from now on; see `probes.disagreement`. `screening.load` calls this.

        Returns:
            The difference, a sentence; "" where the scores agree, and without a policy.

        Example:
            >>> load("models/pca").probe()
            ''
        """
        if self.policy is not None:
            stated = self.policy.probes
            self.compare_probes(probes_of(self.detector, [probe.seed for probe in stated]), stated)
        return self.disagreement

    def compare_probes(self, seen: Sequence[Probe], stated: Sequence[Probe]) -> None:
        """Clear nothing from now on where this machine's scores of the probe films differ from those stated.

        They are compared with the spread of the normal studies of the policy, or else of the training normals; without
        either, nothing is compared.

        Args:
            seen: the probe films, scored here.
            stated: the same films, scored by another machine.
        """
        scores = self._all_normals or list(getattr(self.detector, "normal_scores", ()))
        if scores and (found := disagreement(seen, stated, scores)):
            self.disagreement = f"{found}. Calibrate on this machine, or repair its installation"

    def refusal(self, film: Film, lungs: FoundLungs) -> str | None:
        """Return why a film would not be scored: it is lateral, or the gate refuses it; else None."""
        return self._judged(film, lungs)[0] or None

    def _judged(self, film: Film, lungs: FoundLungs) -> tuple[str, str]:
        """Return why the film must not be scored, and the clause of the gate's remark; "" where there is none."""
        if projection_of(film) == "lateral":
            return _LATERAL, ""
        if self.gate is None:
            return "", ""
        found = self.gate.judge(film, lungs.by(getattr(self.detector, "finder", None)))
        if found is None:
            return "", ""
        remark = getattr(found, "scored", False)  # a gate of another package may only refuse
        return ("", short_reason(found.reason)) if remark else (found.reason, "")

    def _not_scored(self, reason: str) -> Decision:
        return Decision(
            action="not_scored", score=None, probability=None, p_value=None, priority=FIRST_PRIORITY, reason=reason,
            policy_digest=self._digest,
        )  # fmt: skip


def scored_film(detector: ScoringDetector, film: Film, lungs: FoundLungs) -> Finding | NotRead:
    """Score one film, with lungs that were already found if the detector accepts them.

    Args:
        detector: the detector.
        film: the film.
        lungs: the lungs found in this film so far; the detector's finder adds its own.

    Returns:
        The finding; `NotRead` with the reason if the detector does not score the film, or its score is not finite.

    Raises:
        PluginError: a detector of another package raised an error that is no UserError.

    Example:
        >>> from unseen.data import phantoms
        >>> from unseen.detectors import load
        >>> detector, film = load("models/pca"), phantoms.normals(1, size=64)[0]
        >>> scored_film(detector, film, FoundLungs(film)).score == next(detector.score([film])).score
        True
    """
    with METHODS.blaming(detector, film.name):
        found = detector.score_film(film, lungs) if _takes_lungs(detector) else next(iter(detector.score([film])))
    if isinstance(found, NotRead) or math.isfinite(found.score):
        return found
    reason = _NOT_FINITE.format(found.score)
    return NotRead(name=film.name, reason=reason, label=film.label, source=film.source, patient=film.patient)


def _takes_lungs(detector: ScoringDetector) -> TypeGuard[TakesLungs]:
    """Return whether a detector scores with given lungs; `isinstance` with a protocol takes ten times as long."""
    return hasattr(detector, "score_film") and hasattr(detector, "finder")


@dataclass(frozen=True, kw_only=True)
class DecisionRow(ScoreRow):
    """A score's row, and what becomes of the film: its probability of being abnormal, and its study's decision."""

    probability: float | None
    decision: Literal["clear", "read", "not_scored"]


def ranked_rows(
    screener: Screener,
    films: Iterable[Film | NotRead],
    *,
    maps: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[ScoreRow]:
    """Yield one row per film, lazily and in order, each scored; `reason` is the gate's refusal or remark.

    Args:
        maps: a folder for `<digest16>.npy`, float32 on the network's grid.
        progress: called with the number of rows done, after each.
    """
    if maps is not None:
        maps.mkdir(parents=True, exist_ok=True)
    for done, film in enumerate(films, start=1):
        yield _ranked(screener, film, maps)
        if progress is not None:
            progress(done)


def _ranked(screener: Screener, film: Film | NotRead, maps: Path | None) -> ScoreRow:
    if isinstance(film, NotRead):
        return ScoreRow(film.name, "not_read", None, film.reason, None)
    lungs = FoundLungs.of(film, None)
    refusal, remark = screener._judged(film, lungs)
    outcome = scored_film(screener.detector, film, lungs)
    if isinstance(outcome, NotRead):
        return ScoreRow(outcome.name, "not_read", None, outcome.reason, None)
    reason = short_reason(refusal) or remark or None
    drawn = map_of(outcome, maps) if maps else None
    return ScoreRow(film.name, "scored", outcome.score, reason, drawn, outcome.percentile, outcome.reference.words)


def decision_rows(
    screener: Screener,
    films: Iterable[Film | NotRead],
    *,
    maps: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[DecisionRow]:
    """Yield one row per film, in order.

    All films are screened before the first row comes out: a film is cleared only if its whole study is. Arguments as
    for `ranked_rows`.
    """
    if maps is not None:
        maps.mkdir(parents=True, exist_ok=True)
    screened: list[Screened] = []
    names: list[str | None] = []
    for done, one in enumerate(screener.screen(films), start=1):
        names.append(map_of(one.finding, maps) if maps is not None and one.finding is not None else None)
        screened.append(one.without_images())
        if progress is not None:
            progress(done)
    studies: dict[tuple[str, str], list[Screened]] = {}
    for one in screened:
        studies.setdefault(one.study, []).append(one)
    for one, name in zip(screened, names, strict=True):
        yield _row(one, screener, studies[one.study], name)


def _row(one: Screened, screener: Screener, study: list[Screened], name: str | None) -> DecisionRow:
    own = one.decision
    if own.action == "clear" and (whole := screener.study(study)).action != "clear":
        own = replace(own, action="read", reason=SEVERAL_SOURCES if whole.reason == SEVERAL_SOURCES else KEPT_BY_STUDY)
    share = screener.reference.share(own.score)
    return DecisionRow(
        file=one.film.name,
        status=_status(one),
        score=own.score,
        reason=short_reason(own.reason),
        map=name,
        percentile=None if share is None else 100 * share,
        reference=None if own.score is None else screener.reference.words,
        probability=own.probability,
        decision=own.action,
    )


def _status(one: Screened) -> Literal["scored", "not_read", "not_scored"]:
    if isinstance(one.film, NotRead):
        return "not_read"
    return "not_scored" if one.decision.score is None else "scored"


def load(
    model: Path | str, policy: Path | str | None = None, *, device: str = "cpu", runtime: Runtime = "torch"
) -> Screener:
    """Read a model, its gate where its bundle has one, and a policy.

    Args:
        model: the bundle, or the name of one of unseen-models, such as "models/pca".
        policy: the file of `unseen calibrate`; None: rank, never clear.
        device: as for `detectors.load`.
        runtime: as for `detectors.load`.

    Raises BundleError, DeviceError and GateError for a model that cannot be used, PolicyError for a policy that cannot
    be read or is another model's.

    >>> screener = load("models/pca")
    >>> screener.policy is None
    True
    """
    detector = load_detector(model, device=device, runtime=runtime)
    screener = Screener(detector, None if policy is None else Policy.load(policy), gate=gate_in(model))
    screener.probe()
    return screener


def model_parts(detector: ScoringDetector, gate: Guards | None = None) -> dict[str, str]:
    """Compute the digests of a model's parts: the detector and its gate; see `artifacts.part_digests`.

    Args:
        detector: a trained detector. Of a detector that is no `Detector`, only the weights are known.
        gate: the input gate that it is used with.

    Returns:
        By part's name, 64 hexadecimal digits.

    Example:
        >>> from unseen.detectors import load
        >>> len(model_parts(load("models/pca"))["weights"])
        64
    """
    if isinstance(detector, Detector):
        return detector_parts(detector, None if gate is None else _Settings(gate))
    known = None if gate is None else _Settings(gate).settings()
    return {"weights": detector.weights_sha256, "gate": hashlib.sha256(canonical_json(known)).hexdigest()}


def model_digest(detector: ScoringDetector, gate: Guards | None = None) -> str:
    """Compute a model's digest. That of a detector that was loaded is its card's, unless another gate is given.

    Args:
        detector: a trained detector.
        gate: the input gate that it is used with; None: its bundle's own.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> from unseen.artifacts import card_of
        >>> from unseen.detectors import load
        >>> model_digest(load("models/pca")) == card_of("models/pca").digest
        True
    """
    card = detector.card if gate is None and isinstance(detector, Detector) and detector.runtime == "torch" else None
    return digest_of_parts(model_parts(detector, gate)) if card is None else card.digest


@dataclass(frozen=True)
class _Settings:
    """The settings of a gate; of one that states none, its thresholds."""

    gate: Guards

    def settings(self) -> dict[str, object]:
        return self.gate.settings() if isinstance(self.gate, HasSettings) else dict(self.gate.thresholds)


def gate_in(model: Path | str) -> Gate | None:
    """Return the input gate of a bundle; None for one without."""
    parts = gate_parts(model)
    return None if parts is None else Gate.of(*parts)
