"""Python code that repeats a figure of the page Compare from the saved table of scores.

All code uses public names alone and prints what the page shows, so
that whoever publishes a figure can publish how it was made. `server/tests/web/test_copied_code.py` runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from unseen.artifacts import LIMITS

FigureName = Literal["roc", "threshold", "sources", "shortcuts", "difference"]

_HEAD: Final = f"""# {LIMITS}
# Save the table first: Compare, Scores as CSV. Needs the package unseen.
import unseen as un

TABLE = "scores.csv"
"""

_ROC: Final = """
for model in {models}:
    scores = un.evaluation.read_scores(TABLE, model=model)
    auroc = un.evaluation.metrics_from_table(scores, draws={draws})["auroc"]["pooled"]
    curve = un.evaluation.roc_curve(scores, draws={draws})
    print(model, auroc)
    for point in zip(curve.grid, curve.sensitivity, curve.low, curve.high):
        print(*(round(float(value), 5) for value in point), sep=",")
"""

_THRESHOLD: Final = """
THRESHOLD, PREVALENCE = {threshold}, {prevalence}
scores = un.evaluation.read_scores(TABLE, model={model})
abnormal = scores["label"] == "abnormal"
read = scores["score"] >= THRESHOLD  # the others are cleared
caught, missed = (abnormal & read).sum(), (abnormal & ~read).sum()
alarms, right = (~abnormal & read).sum(), (~abnormal & ~read).sum()
sensitivity, specificity = caught / (caught + missed), right / (right + alarms)
print("true positives", caught, "false negatives", missed, "false positives", alarms, "true negatives", right)
print("sensitivity", sensitivity, "specificity", specificity)
if PREVALENCE is not None and (caught or alarms):
    read_abnormal, read_normal = sensitivity * PREVALENCE, (1 - specificity) * (1 - PREVALENCE)
    print("PPV", read_abnormal / (read_abnormal + read_normal))
"""

_SOURCES: Final = """
THRESHOLD = {threshold}
scores = un.evaluation.read_scores(TABLE, model={model})
auroc = un.evaluation.metrics_from_table(scores, draws={draws})["auroc"]
for source in sorted(set(scores["source"])):
    here = scores.filter(scores["source"] == source)
    cleared = here["score"] < THRESHOLD
    missed = (cleared & (here["label"] == "abnormal")).sum()
    print(source, auroc.get(source or "no source"), "cleared", cleared.sum(), "missed", missed)
"""

_SHORTCUTS: Final = """
scores = un.evaluation.read_scores(TABLE, model={model})
metrics = un.evaluation.metrics_from_table(scores, draws={draws})
print("the model", metrics["auroc"]["pooled"])
print("all statistics together", metrics["shortcuts"]["mix"]["pooled"])
for name, statistic in metrics["shortcuts"]["pooled"].items():
    print(name, statistic)  # the page shows 1 − value where the value is below 0.5
print(metrics["shortcuts"]["verdict"]["pooled"])
"""

_DIFFERENCE: Final = """
first, second = {models}
tables = {{model: un.evaluation.read_scores(TABLE, model=model) for model in (first, second)}}
shared = set(tables[first]["file"]) & set(tables[second]["file"])  # films that both scored
tables = {{model: table.filter(table["file"].is_in(list(shared))) for model, table in tables.items()}}
compared = un.evaluation.compare(tables, draws={draws})
pair = compared.pairs[0]
print(compared.films, "films", {{model: figure.to_json() for model, figure in compared.auroc.items()}})
print("difference", pair.difference.to_json(), "p", pair.delong.p)
"""

_BODIES: Final[dict[FigureName, str]] = {
    "roc": _ROC,
    "threshold": _THRESHOLD,
    "sources": _SOURCES,
    "shortcuts": _SHORTCUTS,
    "difference": _DIFFERENCE,
}


def code_of(
    figure: FigureName, models: Sequence[str], *, draws: int, threshold: float = 0.0, prevalence: float | None = None
) -> str:
    """Return the code of a figure.

    Args:
        models: names of columns of the table; "difference" takes two, "roc" any number, the others the first.
        draws: of the intervals, as the page's.
        threshold: a score; films below it are cleared.
        prevalence: share of abnormal studies, above 0 and below 1; None: none was entered, and no PPV is computed.

    >>> print(code_of("difference", ["pca", "flow"], draws=1000).splitlines()[6])
    first, second = ['pca', 'flow']
    """
    values = {
        "models": list(models),
        "model": repr(models[0]),
        "draws": draws,
        "threshold": repr(threshold),
        "prevalence": repr(prevalence),
    }
    return _HEAD + _BODIES[figure].format(**values)
