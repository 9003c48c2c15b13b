"""Pilot on an archive: figures of a screener's decisions per source, and their page.

`pilot` counts what would have been ranked, cleared and missed, with intervals. Studies of one patient are not
independent, so intervals count patients (`proportion`; the bootstrap draws patients). Studies with a film that
calibrated the policy or trained the model are left out. All studies of the same patients are left out, too, also where
a patient has two names that share a film. `pilot_html` writes one page without scripts and without outside requests.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from unseen.artifacts.page_templates import template
from unseen.artifacts.research_only import LIMITS
from unseen.data.film import Film, NotRead
from unseen.data.patient_links import linked_patients, training_patients
from unseen.evaluation.bootstrap import BootstrapCohort, codes, draw_all
from unseen.evaluation.group_names import group_names
from unseen.evaluation.intervals import Figure, Interval, Json, Missing, proportion
from unseen.evaluation.roc import Auroc, folds_of
from unseen.screening.decision import Decision
from unseen.screening.policy import UNKNOWN_SOURCE, Policy, claimed_source
from unseen.screening.probability_check import Reliability, reliability
from unseen.screening.screened import Screened, without_companions
from unseen.screening.screener import Screener

SHARES = (0.1, 0.25, 0.5)
"""Shares of the list, from its top, in which the abnormal studies are counted."""
ALL = "all"
"""Name of the group of all studies."""


@dataclass(frozen=True)
class PilotStudy:
    """One study of the archive: its films' names, the report's outcome, and the decision that a model would make.

    `source` is that of its threshold: with a policy of a source tag, the tag's value; "unknown" for films of several
    sources. `patient` is one name for all patients who share a film: the film is a copy under another name.
    """

    files: tuple[str, ...]
    patient: str
    source: str
    abnormal: bool
    decision: Decision


@dataclass(frozen=True)
class PilotGroup:
    """Outcome of the studies of one source, or of all: k of n, with Clopper–Pearson's 95 % interval.

    `name` is "all", or the source; a source that is itself called "all" is "source all".
    """

    name: str
    normals: int
    abnormals: int
    normals_cleared: Figure
    abnormals_cleared: Figure
    not_scored: int


@dataclass(frozen=True, eq=False)
class Pilot:
    """A pilot's findings.

    Args:
        studies: in the order of the list: what was not scored first, then by priority. Studies of one priority are in
            an order that does not depend on their labels.
        groups: all studies, then each source.
        auroc: of the priority, over the scored studies.
        top: share of the list from its top → share of the abnormal studies in it.
        reliability: of the probabilities, over the studies that have one; None: the policy gives none.
        left_out: studies left out: calibrated on or trained on, or of such a patient; `unlabelled` films of studies
            without a label.
    """

    studies: tuple[PilotStudy, ...]
    groups: tuple[PilotGroup, ...]
    auroc: Figure
    top: dict[float, Figure]
    reliability: Reliability | None
    left_out: int
    unlabelled: int

    @property
    def missed(self) -> tuple[PilotStudy, ...]:
        """Abnormal studies that would have been cleared."""
        return tuple(study for study in self.studies if study.abnormal and study.decision.action == "clear")

    def to_json(self) -> dict[str, Json]:
        """Return the figures; of films only the missed ones' names."""
        return {
            "studies": len(self.studies),
            "left_out": self.left_out,
            "unlabelled_films": self.unlabelled,
            "groups": {
                group.name: {
                    "normals": group.normals,
                    "abnormals": group.abnormals,
                    "normals_cleared": group.normals_cleared.to_json(),
                    "abnormals_cleared": group.abnormals_cleared.to_json(),
                    "not_scored": group.not_scored,
                }
                for group in self.groups
            },
            "auroc": self.auroc.to_json(),
            "abnormals_in_top": {f"{share:g}": figure.to_json() for share, figure in self.top.items()},
            "reliability": None if self.reliability is None else self.reliability.to_json(),
            "missed": [list(study.files) for study in self.missed],
        }


def pilot(
    screener: Screener,
    archive: Iterable[Film | NotRead],
    *,
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> Pilot:
    """Send `archive`, films labelled by their reports, through `screener`.

    A study is labelled if any of its films is, abnormal if any is abnormal, and decided by all its films.

    Args:
        seed: of the bootstrap.
        progress: called with the number of films done.
    """
    films: dict[tuple[str, str], list[Screened]] = {}
    seen, used = set[tuple[str, str]](), set[str]()
    known = set() if screener.policy is None else set(screener.policy.films)
    trained = frozenset(getattr(screener.detector, "training_films", ()))
    for done, one in enumerate(screener.screen(archive), start=1):
        film = one.film
        if isinstance(film, Film):
            seen.add((film.patient, film.pixel_sha256))
            if film.pixel_sha256 in trained or film.pixel_sha256[:16] in known:
                used.add(film.pixel_sha256)
        films.setdefault(one.study, []).append(one.without_images())
        if progress:
            progress(done)
    labelled = {name: some for name, some in films.items() if any(one.label is not None for one in some)}
    barred = training_patients(sorted(seen), used)
    person = linked_patients(sorted(seen))
    studies = [
        PilotStudy(
            files=tuple(one.film.name for one in some),
            patient=person.get(patient, patient),
            source=_source(some, screener),
            abnormal=any(one.label == "abnormal" for one in some),
            decision=screener.study(some),
        )
        for (patient, _), some in labelled.items()
        if patient not in barred
    ]
    ordered = tuple(sorted(studies, key=_place))
    sources = sorted({study.source for study in ordered})
    names = group_names(sources, {ALL})
    cohort = _cohort([study for study in ordered if study.decision.action != "not_scored"])
    rng = np.random.default_rng(seed)
    prevalence = (
        None if screener.policy is None or screener.policy.prevalence is None else float(screener.policy.prevalence)
    )
    return Pilot(
        studies=ordered,
        groups=(
            _group(ALL, ordered),
            *(_group(names[one], [s for s in ordered if s.source == one]) for one in sources if len(sources) > 1),
        ),
        auroc=_auroc(cohort, rng),
        top={share: _in_top(ordered, share) for share in SHARES},
        reliability=None if prevalence is None else _reliability(ordered, prevalence=prevalence, rng=rng),
        left_out=len(labelled) - len(studies),
        unlabelled=sum(len(some) for name, some in films.items() if name not in labelled),
    )


def _place(study: PilotStudy) -> tuple[float, str]:
    """Return the key of the order: by priority; of one priority by a digest of the names, which knows no label."""
    return -study.decision.priority, hashlib.sha256("\n".join(study.files).encode()).hexdigest()


def _source(some: Sequence[Screened], screener: Screener) -> str:
    """Return the source of a study, as the calibration counts it: that of its deciding films, "unknown" if several.

    A study without a frontal film has the source of its other films. The header of an unread file is not known.
    """
    tag = None if screener.policy is None else screener.policy.source_tag
    films = [one.film for one in without_companions([one for one in some if not one.lateral]) or some]
    read = [film for film in films if isinstance(film, Film)]
    claimed = {claimed_source(film.tags, film.source, tag=tag, fixed=screener.fixed_sources) for film in read}
    if not read and tag is None:
        claimed = {claimed_source({}, film.source) for film in films}
    return claimed.pop() if len(claimed) == 1 else UNKNOWN_SOURCE


def _cohort(studies: Sequence[PilotStudy]) -> BootstrapCohort:
    """Return scored studies as a cohort of their priorities, whose patients are drawn."""
    score = np.array([study.decision.priority for study in studies], dtype=np.float64)
    abnormal = np.array([study.abnormal for study in studies], dtype=bool)
    source = np.array([study.source for study in studies], dtype=np.str_)
    patient = np.array([study.patient for study in studies], dtype=np.str_)
    cohort = BootstrapCohort.of_one_fold(abnormal, source, score)
    return replace(cohort, unit=codes(patient, source, abnormal))


def _reliability(studies: Sequence[PilotStudy], *, prevalence: float, rng: np.random.Generator) -> Reliability:
    """Return the reliability of the studies that have a probability: a scored study of a source without calibration
    has a priority alone.
    """
    known = [(study, study.decision.probability) for study in studies]
    probable = [(study, probability) for study, probability in known if probability is not None]
    probabilities = np.array([probability for _, probability in probable], dtype=np.float64)
    return reliability(probabilities, _cohort([study for study, _ in probable]), prevalence=prevalence, rng=rng)


def _auroc(cohort: BootstrapCohort, rng: np.random.Generator) -> Figure:
    if short := cohort.shortfall():
        return Missing(short)
    statistic = Auroc(folds_of(cohort.score, cohort.abnormal, cohort.fold))
    return draw_all({"auroc": statistic}, cohort, rng=rng)["auroc"].interval()


def _group(name: str, studies: Sequence[PilotStudy]) -> PilotGroup:
    normal = [study for study in studies if not study.abnormal]
    abnormal = [study for study in studies if study.abnormal]
    return PilotGroup(
        name=name,
        normals=len(normal),
        abnormals=len(abnormal),
        normals_cleared=_share(_cleared(normal), normal, without="no normal study"),
        abnormals_cleared=_share(_cleared(abnormal), abnormal, without="no abnormal study"),
        not_scored=sum(study.decision.action == "not_scored" for study in studies),
    )


def _cleared(studies: Sequence[PilotStudy]) -> int:
    return sum(study.decision.action == "clear" for study in studies)


def _share(count: int, studies: Sequence[PilotStudy], *, without: str) -> Figure:
    return proportion(count, len(studies), without=without, units=[study.patient for study in studies])


def _in_top(studies: Sequence[PilotStudy], share: float) -> Figure:
    first = studies[: round(share * len(studies))]
    abnormal = [study for study in studies if study.abnormal]
    return _share(sum(study.abnormal for study in first), abnormal, without="no abnormal study")


SHOWN = 200
"""Missed studies, and reasons, that are listed."""


def pilot_html(pilot: Pilot, *, policy: Policy | None, model: str) -> str:
    """Return the page as text. `policy`: None where films were only ranked; `model`: its name, for people."""
    reasons = Counter(study.decision.reason for study in pilot.studies if study.decision.action == "not_scored")
    return template("unseen.screening", "pilot.html.j2").render(
        limits=LIMITS,
        pilot=pilot,
        policy=policy,
        model=model,
        percent=percent,
        missed=pilot.missed[:SHOWN],
        reasons=reasons.most_common(SHOWN),
    )


def percent(figure: Figure) -> str:
    """Return a share with its interval, for people.

    >>> percent(Interval(0.205, 0.12, 0.321))
    '20.5 % (12.0 to 32.1)'
    >>> percent(Interval(1 / 3000, 0.00001, 0.0019)), percent(Interval(2999 / 3000, 0.998, 1.0))
    ('0.03 % (0.001 to 0.2)', '99.97 % (99.8 to 100.0)')
    """
    if isinstance(figure, Interval):
        return f"{_digits(figure.value)} % ({_digits(figure.low)} to {_digits(figure.high)})"
    return str(figure)


def _digits(share: float) -> str:
    """Return a share in per cent with one decimal, or more where it would round to an exact 0 or 100."""
    for decimals in range(1, 7):
        text = f"{100 * share:.{decimals}f}"
        if float(text) not in (0, 100) or share in (0, 1):
            return text
    return text
