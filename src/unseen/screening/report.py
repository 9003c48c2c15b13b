"""A policy in words, a line a source: for the command line and for people."""

from __future__ import annotations

from collections.abc import Iterator

from unseen.evaluation.interval import Figure
from unseen.evaluation.proportion import proportion
from unseen.screening.policy import Policy, SourcePolicy


def lines(policy: Policy) -> Iterator[str]:
    """What was promised, and for each source what is cleared or why nothing is."""
    if not policy.sources:
        yield "No study has a source, so nothing is cleared. Give a column `source` in the manifest, or a source tag."
    for name, source in policy.sources.items():
        if source.threshold is None:
            yield f"{name}: nothing is cleared; {source.refused}."
        else:
            yield (
                f"{name}: {policy.guarantee}, from {source.abnormals} abnormal studies ({source.allowed_misses} may "
                f"lie below the threshold); of its normal studies {share(source)} are cleared."
            )
    lost = sum(source.not_scored for source in policy.sources.values())
    if lost:
        yield f"{lost} studies were not scored and calibrated nothing."
    if policy.probability is None:
        yield "No probabilities: they need normal and abnormal studies."
    else:
        yield f"Probabilities are for a prevalence of {policy.probability.prevalence:.3g}."
    yield f"Of what is cleared, {policy.audit_share:.3g} should be read all the same."


def share(source: SourcePolicy) -> Figure:
    """The share of normals that are cleared, with Clopper–Pearson's 95 % interval. The threshold comes from the
    abnormals alone, so that the normals are a sample that it has not seen.

    >>> str(share(SourcePolicy(abnormals=59, normals=tuple(range(100)), threshold=20.0, cleared_normals=20)))
    '0.20 (0.13 to 0.29)'
    """
    return proportion(source.cleared_normals, len(source.normals), without="no normal study is known")
