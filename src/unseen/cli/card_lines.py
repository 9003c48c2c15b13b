"""Settings and evaluation figures of a model's card as text, for lines that `info.py` lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

_EVALUATIONS: Final = {
    "cross_fitted_twin": "cross-fitted: detectors trained like this one, each on other patients than those it scores",
    "crossfit": "cross-fitted: detectors trained like this one, each on other patients than those it scores",
    "fold_4": "this model, on films of fold 4, which it was not trained on",
    "shenzhen_folds_1_to_4": "finders trained like this one, on Shenzhen films that they were not trained on",
}
_MEASURES: Final = {
    "auroc": "AUROC",
    "like_pairs": "share of pairs, similar in {group}, in which the abnormal film scores higher",
    "laterality": "AUROC of the side of the lesion in the anomaly map",
    "site": "AUROC between the normal films of {group}; 0.5: the score does not separate them",
    "dice": "Dice of the lungs, {group}",
    "lost": "loss of Dice by training without the Shenzhen masks",
    "validation_psnr": "mean PSNR of G(E(x)) on validation images, in dB",
}
_GROUPS: Final = {
    "pooled": "all sources",
    "open": "trained without the Shenzhen masks",
    "all": "trained with the Shenzhen masks",
}


def setting_lines(settings: Mapping[str, object]) -> Iterator[str]:
    """Yield one line for each setting, and for each member of an ensemble.

    Example:
        >>> list(setting_lines({"sigma": None, "members": [{"key": "dae", "settings": {"features": 16}}]}))
        ['sigma = not set', 'member 1: key = dae, settings: features = 16']
    """
    for name, value in settings.items():
        if isinstance(value, list) and value and all(isinstance(entry, Mapping) for entry in value):
            for number, entry in enumerate(value, 1):
                yield f"{name.removesuffix('s')} {number}: {_value(entry)}"
        else:
            yield _setting(name, value)


def _setting(name: str, value: object) -> str:
    return f"{name}: {_value(value)}" if isinstance(value, Mapping) and value else f"{name} = {_value(value)}"


def _value(value: object) -> str:
    """Write a value: a table as its settings, a number with at most six digits."""
    if isinstance(value, Mapping):
        return ", ".join(_setting(name, part) for name, part in value.items()) or "defaults"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "not set" if value is None else str(value)


def figure_lines(metrics: Mapping[str, object]) -> Iterator[str]:
    """Yield the evaluations of a card with their figures, in words; counts are next to the figure that they explain.

    Example:
        >>> print("\\n".join(figure_lines({"auroc": {"pooled": {"value": 0.75, "low": 0.7, "high": 0.8}}, "fold": 1})))
        figures [95 % confidence interval]
          0.750 [0.700, 0.800]  AUROC, all sources
    """
    evaluations = {
        name: found for name, found in metrics.items() if isinstance(found, Mapping) and _is_evaluation(name, found)
    }
    lines = list(_measures({name: found for name, found in metrics.items() if name not in evaluations}))
    for name, found in evaluations.items():
        if inner := list(_measures(found)):
            lines += [f"  {_EVALUATIONS.get(name, _plain(name))}", *(f"  {line}" for line in inner)]
    if lines:
        yield "figures [95 % confidence interval]"
        yield from lines


def _is_evaluation(name: str, found: Mapping[str, object]) -> bool:
    """Return whether an entry holds measures, not the groups of one measure."""
    if name == "n":
        return False
    return name in _EVALUATIONS or any(isinstance(one, Mapping) and "value" not in one for one in found.values())


def _measures(found: Mapping[str, object]) -> Iterator[str]:
    """Yield the figures that stand directly under the names of measures."""
    counts = found.get("n")
    for name, groups in found.items():
        if (figure := _figure(groups)) is not None:
            yield f"  {figure}  {_words(name)}"
        elif isinstance(groups, Mapping):
            for group, value in groups.items():
                if (figure := _figure(value)) is not None:
                    of = counts.get(group) if isinstance(counts, Mapping) else None
                    yield f"  {figure}  {_words(name, group)}{_films(of)}"


def _figure(value: object) -> str | None:
    """Return a figure, with its interval if it has one; None where the value is no figure."""
    if isinstance(value, float):
        return f"{value:.3f}{'':15}"
    if isinstance(value, Mapping) and isinstance(value.get("value"), float):
        ends = value.get("low"), value.get("high")
        interval = "[{:.3f}, {:.3f}]".format(*ends) if all(isinstance(end, float) for end in ends) else f"{'':14}"
        return f"{value['value']:.3f} {interval}"
    return None


def _words(measure: str, group: str = "") -> str:
    """Return a figure's name: the measure, and the group of films if it has one."""
    words = _MEASURES.get(measure, _plain(measure))
    where = " and ".join(_GROUPS.get(part, _plain(part)) for part in group.split("|"))
    if "{group}" in words:
        return words.format(group=where)
    return f"{words}, {where}" if group else words


def _films(counts: object) -> str:
    if not isinstance(counts, Mapping) or not {"normal", "abnormal"} <= counts.keys():
        return ""
    return f" ({counts['normal']:,} normal, {counts['abnormal']:,} abnormal films)"


def _plain(name: str) -> str:
    return name.replace("_", " ")
