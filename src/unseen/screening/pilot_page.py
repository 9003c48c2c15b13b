"""The pilot on one page: HTML without scripts and without outside requests."""

from __future__ import annotations

from collections import Counter

from unseen.artifacts.limits import LIMITS
from unseen.evaluation.interval import Figure, Interval
from unseen.screening.pilot import Pilot
from unseen.screening.policy import Policy

SHOWN = 200
"""Missed studies, and reasons, that are listed."""


def pilot_html(pilot: Pilot, *, policy: Policy | None, model: str) -> str:
    """The page as text. `policy`: None where films were only ranked; `model`: its name, for people."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("unseen.screening", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    reasons = Counter(study.decision.reason for study in pilot.studies if study.decision.action == "not_scored")
    return environment.get_template("pilot.html.j2").render(
        limits=LIMITS,
        pilot=pilot,
        policy=policy,
        model=model,
        percent=percent,
        missed=pilot.missed[:SHOWN],
        reasons=reasons.most_common(SHOWN),
    )


def percent(figure: Figure) -> str:
    """A share with its interval, for people.

    >>> percent(Interval(0.205, 0.12, 0.321))
    '20.5 % (12.0 to 32.1)'
    """
    if isinstance(figure, Interval):
        return f"{100 * figure.value:.1f} % ({100 * figure.low:.1f} to {100 * figure.high:.1f})"
    return str(figure)
