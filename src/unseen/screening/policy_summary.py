"""Summary of a policy in words, one line per source."""

from collections.abc import Iterator
from typing import Final

from unseen.artifacts.number_words import number_of, verb_of
from unseen.evaluation.intervals import Figure, Missing, proportion
from unseen.screening.policy import Policy, SourcePolicy

NO_PREVALENCE: Final = "No probabilities: no prevalence was entered."
"""The line of a policy that could give probabilities."""


def policy_lines(policy: Policy) -> Iterator[str]:
    """Describe a policy in sentences: its guarantee, and each source's cleared share or why nothing is cleared.

    Args:
        policy: the policy.

    Yields:
        One line per source, then lines about studies that were not scored and the probabilities, and about the audit
        sample if anything is cleared.

    Example:
        >>> source = SourcePolicy(abnormals=29, normals=(0.1, 0.2), refused="there are too few abnormal studies")
        >>> policy = Policy(model="pca", weights_sha256="ab" * 32, max_miss_rate=0.05, confidence=0.95, level=0.95,
        ...                 sources={"ward": source})
        >>> next(policy_lines(policy))
        'ward: nothing is cleared; there are too few abnormal studies.'
        >>> ready = SourcePolicy(abnormals=59, normals=tuple(range(100)), threshold=20.0, cleared_normals=20)
        >>> next(policy_lines(policy.model_copy(update={"sources": {"ward": ready}}))).partition("; ")[2]
        '20 of its 100 normal studies are cleared: 20 % (95 % confidence interval 12.7 to 29.2 %).'
    """
    if not policy.sources:
        yield "No study has a source, so nothing is cleared. Give a column `source` in the manifest, or a source tag."
    for name, source in policy.sources.items():
        if source.threshold is None:
            yield f"{name}: nothing is cleared; {source.refused}."
        else:
            yield (
                f"{name}: {policy.guarantee}, from {number_of(source.abnormals, 'abnormal study')} "
                f"({source.allowed_misses} may lie below the threshold); {_of_normals(source)}."
            )
    lost = sum(source.not_scored for source in policy.sources.values())
    if lost:
        yield f"{number_of(lost, 'study', 'was')} not scored and not used for the calibration."
    if policy.prevalence is not None:
        yield f"Probabilities are for a prevalence of {100 * policy.prevalence:.3g} %, as entered."
    elif policy.drift is not None and policy.drift.normals and policy.drift.abnormals:
        yield NO_PREVALENCE
    else:
        yield f"No probabilities: they need normal and abnormal studies that were scored{_scored(policy)}."
    if policy.clears:
        share = f"{100 * policy.audit_share:.6g} %"
        yield f"{share} of the cleared studies should be read nevertheless, as an audit sample."


def _of_normals(source: SourcePolicy) -> str:
    cleared = cleared_share(source)
    if isinstance(cleared, Missing):
        return "none of its normal studies was scored, so the share that it clears is unknown"
    value, low, high = (f"{100 * share:.1f}".removesuffix(".0") for share in (cleared.value, cleared.low, cleared.high))
    count, studies = source.cleared_normals, number_of(len(source.normals), "normal study")
    interval = f"{value} % (95 % confidence interval {low} to {high} %)"
    return f"{count:,} of its {studies} {verb_of(count, 'is')} cleared: {interval}"


def _scored(policy: Policy) -> str:
    """Describe the number of studies of each label, if the policy has them."""
    seen = policy.drift
    return "" if seen is None else f"; here {len(seen.normals)} normal and {len(seen.abnormals)} abnormal ones were"


def cleared_share(source: SourcePolicy) -> Figure:
    """Compute the share of a source's normal studies that are cleared, with its exact 95 % confidence interval.

    The threshold depends only on the abnormal studies, so the normal studies are an independent sample.

    Args:
        source: the calibrated policy of the source.

    Returns:
        The share, 0 to 1, with its Clopper–Pearson interval; `Missing` if the source has no normal study.

    Example:
        >>> source = SourcePolicy(abnormals=59, normals=tuple(range(100)), threshold=20.0, cleared_normals=20)
        >>> str(cleared_share(source))
        '0.20 (0.13 to 0.29)'
    """
    return proportion(source.cleared_normals, len(source.normals), without="no normal study is known")
