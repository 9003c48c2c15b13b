"""Conclusions of the README, from rows alone: on detection, on its table, and on imaging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.evidence.references import CHOSEN, called, taught
from studies.evidence.screen import Screen
from studies.pages import budgets
from studies.pages.cells import Entry, shortcut
from studies.pages.instruments import claim
from studies.zhanglab.page import zhanglab_conclusion
from unseen.evaluation.intervals import interval_text as figure

GROUPS = (("pooled", "pooled"), ("shenzhen", "at Shenzhen"), ("montgomery", "at Montgomery"))
_NONE = "*No row yet.*"


def answer(rows: Mapping[str, Entry]) -> str:
    """Return the answer to the question whether detection works, from the row of the model that fold 0 chose."""
    row = rows.get(f"shipped/{CHOSEN}-0")
    if row is None:
        return _NONE
    counts = row["metrics"]["n"]["pooled"]
    above = _above([row], "pooled")
    statistic = f"{shortcut(row, 'pooled', 'sharpness')['value']:.2f}"
    verdict = (
        f"Image sharpness alone reaches {statistic}, and the model is significantly better than every image statistic"
        if above
        else f"Image sharpness alone reaches {statistic}, so this is *not yet* evidence that it detects disease"
    )
    head = taught(rows)
    labelled = (
        f"; a classifier that also learns from labelled abnormal films reaches {head['auroc']['pooled']['value']:.2f}"
        if head is not None
        else ""
    )
    spent = budgets.beside(row)
    children = "".join(f" {one[0].upper()}{one[1:]}." for one in zhanglab_conclusion(rows))
    return (
        f"**Does it work?** On two public sets, mostly of adults ({sum(counts.values())} tested films; trained "
        f"on the normal films of the other folds only) `models/{CHOSEN}`{spent} reaches an AUROC of "
        f"{figure(row['metrics']['auroc']['pooled'])}. {verdict}{labelled}.{children} "
        "[All results, including the failures](docs/evidence.md)."
    )


def table_shows(rows: Mapping[str, Entry], shown: Sequence[Entry]) -> str:
    """Return what the README's table shows, as a list; "" without rows.

    Args:
        rows: all rows.
        shown: rows of the table.
    """
    said = _against_statistics(shown) if shown else []
    disease = claim(rows)
    lines = [*said, *([disease] if disease else [])]
    return "What the table shows:\n\n" + "\n".join(f"- {line}" for line in lines) if lines else ""


def imaging(screen: Screen | None) -> str:
    """Return the conclusion on learning from measurements, with its training, from the page's first screen."""
    if screen is None:
        return _NONE
    return f"{screen.sentences[0]} [When learning pays](docs/results-imaging.md#when-learning-pays)."


def _against_statistics(shown: Sequence[Entry]) -> list[str]:
    """Return which detectors are significantly better than every image statistic, by group of films."""
    above = {words: _above(shown, group) for group, words in GROUPS}
    without = [words for words, names in above.items() if not names]
    said = [
        f"{_capital(words)}, {_listed(names)} {'is' if len(names) == 1 else 'are'} significantly better than every "
        "single image statistic."
        for words, names in above.items()
        if names
    ]
    if without:
        none = "no detector is significantly better than every single image statistic"
        said.insert(0, f"{_capital(' and '.join(without))}, {none}{budgets.in_brackets(shown)}.")
    return said


def _listed(names: Sequence[str]) -> str:
    """Return names with commas, and "and" before the last."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _above(shown: Sequence[Entry], group: str) -> list[str]:
    found = [row for row in shown if row["metrics"]["shortcuts"]["above_all"].get(group)]
    return [budgets.named(row, called(row)) for row in found]
