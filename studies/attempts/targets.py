"""Targets of detection performance: our figure, whether it is reached, and what was tried where it is not.

Everything is read from committed rows. A target is reached where the figure is, before rounding; a bound where one is
part of the target. Attempts are listed with their figures, the highest first, also where they are of other films.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from studies import recipe_files
from studies.attempts.adapt_heads import ROWS as ADAPT
from studies.attempts.heads import CLEARED, SITE, looks_of
from studies.attempts.heads import ROWS as HEADS
from studies.attempts.joined_heads import ROUND
from studies.attempts.kept_lesions import KEEPING
from studies.attempts.kept_lesions import ROWS as KEPT
from studies.attempts.sides import ROWS as SIDES
from studies.attempts.volume import AREA
from studies.attempts.volume import ROWS as VOLUME
from studies.pages import budgets
from studies.pages.cells import Entry, dagger_note, table, three_digits
from studies.zhanglab.page import AIM, AIM_OF_PAIRS, entry_rows
from studies.zhanglab.trained import TRAINED
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS

TESTED = "detectors/folds-1-4/"
"""Prefix of the rows on the test folds."""
FEW_LABELS = "detectors/few-labels/ensemble-features-0"
"""Row of `unseen adapt`."""
LOCKED = "ensemble-five"
"""Recipe trained on normal films only that was chosen before the test folds were opened for it, and ships."""
MOST = 6
"""Attempts that are listed for a target."""


@dataclass(frozen=True)
class Target:
    """Target, our figure and the attempts.

    Args:
        text: the target.
        ours: name of the recipe and its figure.
        reached: whether the figure reaches the target.
        attempts: other approaches with their figures, highest first.
        note: sentence on the films of the attempts; "": none.
        second_round: whether our approach was designed after the figures of others on the same films were known.
    """

    text: str
    ours: tuple[str, Entry]
    reached: bool
    attempts: Sequence[tuple[str, Entry]]
    note: str = ""
    second_round: bool = False

    @property
    def outcome(self) -> str:
        """Return in words whether the target is reached."""
        if not self.reached:
            return "**not reached**"
        return "reached in a second round (below)" if self.second_round else "reached"


def targets(rows: Mapping[str, Entry]) -> list[Target]:
    """Return the targets whose rows are there.

    Args:
        rows: rows of all studies by name.
    """
    found: list[Target] = []
    for made in (_laterality, _pairs, _pooled, _ten, _site, _zhanglab):
        found += made(rows)
    return found


def targets_section(rows: Mapping[str, Entry]) -> list[str]:
    """Return the section of the page; empty where no target has its rows."""
    made = targets(rows)
    if not made:
        return []
    lines = [
        [
            one.text,
            f"{one.ours[0]}: {three_digits(one.ours[1])}",
            one.outcome,
            "; ".join(f"{name} {three_digits(entry)}" for name, entry in one.attempts[:MOST]) or "–",
        ]
        for one in made
    ]
    notes = [f"- {one.text}: {one.note}" for one in made if one.note]
    return [
        "## Targets, and what was tried",
        "Targets of detection, the figure that is reached, and the other approaches; the rows of each are committed. "
        "*Reached* compares unrounded values, with the bounds that a target names. The attempts "
        "were compared on films that they are tested on, so the first of them is partly chance; none of them replaces "
        "the figure of the second column. *Reached* and *not reached* are statements about the trainings in brackets; "
        "a method without brackets has no network that was trained here.",
        table(["target", "ours", "", f"other approaches (the best {MOST} with rows)"], lines),
        *dagger_note(row for name, row in rows.items() if name.startswith((TESTED, "shipped/"))),
        *(["\n".join(notes)] if notes else []),
    ]


def _trained(rows: Mapping[str, Entry], recipe: str, *, folder: str = "") -> str:
    """Return a recipe's name as code with the training of its network or its members, and the mark of convergence.

    Args:
        rows: Rows of all studies by name.
        recipe: Name without its folder.
        folder: "models/" for a pretrained model; else the recipe's row on the test folds counts.
    """
    kinds = ("shipped/", TESTED) if folder else (TESTED, "shipped/")
    row = next((found for kind in kinds if (found := rows.get(f"{kind}{recipe}-0")) is not None), None)
    return f"`{folder}{recipe}`" if row is None else budgets.named(row, f"{folder}{recipe}")


def _on_zhanglab(recipe: str) -> str:
    """Return a recipe of ZhangLab's study as code, with the epochs and the width of its members."""
    name = recipe.rpartition("/")[2]
    trained = budgets.of_recipe(recipe_files.load(TRAINED[name].recipe)) if name in TRAINED else ""
    return f"`{name}`{trained}"


def _laterality(rows: Mapping[str, Entry]) -> list[Target]:
    row = rows.get(f"laterality/{LOCKED}-0")
    if row is None:
        return []
    side = row["laterality"]
    others = _others(rows, lambda figures: figures["laterality"])
    return [
        Target(
            "which lung is ill (AUROC of the side), folds 1 to 4: 0.80, lower bound 0.70, above each lung statistic",
            (_trained(rows, LOCKED, folder="models/"), side),
            _shows_the_side(side),
            others,
            f"minus {_above_lungs(side)}. {_films(rows)}{_volume(rows)}",
        )
    ]


def _shows_the_side(side: Entry) -> bool:
    """Return True if a laterality reaches the target with all its conditions."""
    above = all(side["differences"][name]["low"] > 0 for name in LUNG_SHORTCUTS)
    return bool(side["value"] >= 0.8 and side["low"] >= 0.7 and above)


def _above_lungs(side: Entry) -> str:
    """Return the differences of a laterality from those of each lung statistic, in words."""
    return ", ".join(
        f"{words} {figure(side['differences'][name], sign=True)}" for name, words in LUNG_SHORTCUTS.items()
    )


def _volume(rows: Mapping[str, Entry]) -> str:
    """Return the sentence on the side score that contains lung area; it is no registered detector."""
    nominee = next((row for name, row in rows.items() if name.startswith(VOLUME) and row["nominated"]), None)
    if nominee is None or "test" not in nominee:
        return ""
    side = nominee["test"]["laterality"]
    return (
        f" `{nominee['recipe'].removeprefix(VOLUME)}`, nominated by fold 0, is no shipped detector, and lung area is "
        f"part of its score: {three_digits(side)}, minus {_above_lungs(side)}. It would "
        f"{'reach the target' if _shows_the_side(side) else 'not reach the target with all its conditions'}; it was "
        "designed after the figures of the others on these films were known."
    )


def _films(rows: Mapping[str, Entry]) -> str:
    """Return the sentence on the films on which the approaches' lateralities are measured."""
    numbers = sorted({int(one["right"]) + int(one["left"]) for _, one in _others(rows, lambda one: one["laterality"])})
    if len(numbers) == 1:
        return f"The approaches have the same {numbers[0]} films."
    return f"The approaches have {' or '.join(map(str, numbers))} films." if numbers else ""


def _pairs(rows: Mapping[str, Entry]) -> list[Target]:
    row = rows.get(f"laterality/{LOCKED}-0")
    if row is None:
        return []
    ours = row["like_pairs"]["all"]
    return [
        Target(
            "pairs alike in all statistics, folds 1 to 4: 0.80, lower bound 0.70",
            (_trained(rows, LOCKED, folder="models/"), ours),
            bool(ours["value"] >= 0.8 and ours["low"] >= 0.7),
            _others(rows, lambda figures: figures["like_pairs"]),
            "the approaches of this page's first three experiments have the films of Shenzhen alone, with the normal "
            "films of four folds; the others those of both hospitals, with the normal films of fold 4.",
        )
    ]


def _pooled(rows: Mapping[str, Entry]) -> list[Target]:
    row = rows.get(f"{TESTED}{LOCKED}-0")
    if row is None:
        return []
    ours = row["metrics"]["auroc"]["pooled"]
    others = [
        (_trained(rows, one["recipe"].rpartition("/")[2]), one["metrics"]["auroc"]["pooled"])
        for name, one in rows.items()
        if name.startswith(TESTED) and LOCKED not in name
    ]
    return [
        Target(
            "pooled AUROC, folds 1 to 4: 0.80", (_trained(rows, LOCKED), ours), ours["value"] >= 0.8, _ordered(others)
        )
    ]


def _ten(rows: Mapping[str, Entry]) -> list[Target]:
    row = rows.get("ten_labels/ms_cxr-0")
    if row is None:
        return []
    found = []
    for count, aim in ((10, 0.88), (25, 0.90)):
        (at,) = (one for one in row["curve"] if one["abnormals"] == count)
        name = max(("head", "combined"), key=lambda one: float(at[one]["auroc"]["value"]))
        heads = [
            (str(one["head"]), one["test"][str(count)])
            for key, one in rows.items()
            if key.startswith(HEADS) and not one["nominated"]
        ]
        nominee = [one for one in rows.values() if str(one.get("recipe", "")).startswith(HEADS) and one["nominated"]]
        ours = (f"`studies.ten_labels`, {name}", at[name]["auroc"])
        if nominee:
            heads.append(ours)
            ours = (f"{nominee[0]['head']}, nominated by fold 0", nominee[0]["test"][str(count)])
        of = rows.get(f"{ADAPT}normals-covariance-0")
        if of is not None:
            heads.append(ours)
            heads.append(("`unseen adapt`, ridge", rows[f"{ADAPT}ridge-0"]["test"][str(count)]["adapted"]))
            ours = ("`unseen adapt --head normals-covariance`", of["test"][str(count)]["adapted"])
        found.append(
            Target(
                f"`unseen adapt`, {count} labelled abnormal films of Montgomery + Shenzhen, folds 1 to 4: {aim:.2f}",
                ours,
                bool(ours[1]["value"] >= aim),
                _ordered(heads),
                f"{_adapt(rows, count)}Intervals of the heads are over films, of the mean over the draws; the range in "
                "`studies.ten_labels` is that of the draws. Another lung finder found the lungs of the heads.",
            )
        )
    return found


def _adapt(rows: Mapping[str, Entry], count: int) -> str:
    """Return the sentence on `unseen adapt` itself, which chooses its two settings by the labelled films."""
    row = rows.get(FEW_LABELS)
    if row is None:
        return ""
    one = min(row["curve"], key=lambda one: abs((one["abnormals"] or 10**6) - count))
    return (
        "the figures have the features of `studies.ten_labels` at 224 px and its score from normal films. With "
        f"`ensemble-features` at 256 px `unseen adapt` with the ridge head, its default, has "
        f"{three_digits(one['adapted'])} with {one['abnormals']} abnormal films (range of the draws); the other head "
        "was not measured there. "
    )


def _site(rows: Mapping[str, Entry]) -> list[Target]:
    row = rows.get("detectors/adapted-site/ensemble-features-0")
    if row is None:
        return []

    def at(rates: Sequence[Entry]) -> Entry:
        (one,) = (one for one in rates if one["max_miss_rate"] == 0.05)
        found: Entry = one["sources"][SITE]["normals_cleared"]
        return found

    first = row["shares"][0]
    alone = next(one for one in row["normals_only"] if one["max_miss_rate"] == 0.05)["sources"][SITE]
    others: list[tuple[str, Entry]] = [
        (f"{100 * one['share']:g} % of the patients teach", at(one["rates"])) for one in row["shares"][1:]
    ]
    heads = [one for name, one in rows.items() if name.startswith(CLEARED) and "test" in one]
    nominee = max((one for one in heads if one["nominated"]), key=lambda one: int(one.get("round", 1)), default=None)
    others += [
        (
            f"{one['head']}, {100 * one['share']:g} % of the abnormal patients and all normal films teach",
            one["test"]["normals_cleared"],
        )
        for one in heads
        if one is not nominee
    ]
    others.append(("normal films alone", {"value": alone["normals_cleared"]}))
    ours: tuple[str, Entry] = (f"{100 * first['share']:g} % of the patients teach", at(first["rates"]))
    note = "brackets: 2.5th to 97.5th percentile over the divisions of the patients."
    if nominee is not None:
        small = nominee["25 and 60"]
        note += (
            f" With 25 abnormal films that teach and 60 that calibrate (`{nominee['head']}`): "
            f"{three_digits(small['normals_cleared'])} cleared, {three_digits(small['abnormals_missed'])} missed."
        )
        if nominee.get("round") == ROUND:
            earlier = max(looks_of(one) for one in heads if one.get("round") != ROUND)
            number = looks_of(nominee)
            note += (
                " This head and its share were designed after the figures of the earlier heads, which had been tested "
                f"up to {earlier} times on these folds, were known, and were fixed before their own figures were "
                f"computed; these folds were opened {'once' if number == 1 else f'{number} times'} for them. "
                "The features' precision and the lung finder are not those of the earlier heads, so the difference "
                "between both is not that of the heads alone."
            )
        others.append(ours)
        ours = (
            f"{nominee['head']}, {100 * nominee['share']:g} % of the abnormal patients teach, nominated by fold 0",
            nominee["test"]["normals_cleared"],
        )
    return [
        Target(
            "normal films cleared at Shenzhen, at most 5 % missed, exact guarantee: 0.40",
            ours,
            bool(ours[1]["value"] >= 0.4),
            _ordered(others),
            note,
            second_round=nominee is not None and nominee.get("round") == ROUND,
        )
    ]


def _zhanglab(rows: Mapping[str, Entry]) -> list[Target]:
    entries = entry_rows(rows)
    if not entries:
        return []
    others = [one for name, one in rows.items() if name.startswith("zhanglab/") and one not in entries]

    def named(of: Callable[[Entry], Entry]) -> list[tuple[str, Entry]]:
        return _ordered([(_on_zhanglab(str(one["recipe"])), of(one)) for one in others])

    def pooled(row: Entry) -> Entry:
        found: Entry = row["auroc"]
        return found

    def alike(row: Entry) -> Entry:
        found: Entry = row["like_pairs"]["sharpness"]
        return found

    note = (
        f"`{LOCKED}` (one training of each fold) is no candidate: it was scored before the entry was put together from "
        "its members."
    )
    films = "folds 1 to 4 of the training split"
    aims = (
        (f"ZhangLab, entry, AUROC on {films}: {AIM:.2f}", pooled, AIM),
        (f"ZhangLab, entry, pairs of like sharpness on the same films: {AIM_OF_PAIRS:.2f}", alike, AIM_OF_PAIRS),
    )
    return [
        Target(
            words,
            (f"{_on_zhanglab('zhanglab/entry').replace('`', '`zhanglab/', 1)}, {_seeds(entries)}", of(lowest)),
            of(lowest)["value"] >= aim,
            named(of),
            note if any(one["recipe"] == f"zhanglab/{LOCKED}" for one in others) else "",
        )
        for words, of, aim in aims
        for lowest in [min(entries, key=lambda row: float(of(row)["value"]))]
    ]


def _seeds(entries: Sequence[Entry]) -> str:
    """Return the number of seeds of the entry in words."""
    return "seed 0" if len(entries) == 1 else f"lowest of {len(entries)} seeds"


def _others(rows: Mapping[str, Entry], of: Callable[[Entry], Entry]) -> list[tuple[str, Entry]]:
    """Return a figure of all recipes but the locked one that both instruments have measured on folds 1 to 4."""
    found = []
    for name, row in rows.items():
        recipe = str(row.get("recipe", "")).rpartition("/")[2]
        if name.startswith("laterality/") and recipe != LOCKED:
            found.append(
                (_trained(rows, recipe, folder="models/"), of({**row, "like_pairs": row["like_pairs"]["all"]}))
            )
        elif name.startswith("nominate/") and "folds-1-4" in row:
            figures = row["folds-1-4"]
            found.append((_trained(rows, recipe), of({**figures, "like_pairs": figures["like_pairs"]["all"]})))
        elif name.startswith((SIDES, VOLUME)) and "test" in row:
            figures = row["test"]
            part = ", lung area in the score" if AREA in row.get("members", ()) else ""
            found.append((f"`{recipe}`{part}", of({**figures, "like_pairs": figures["like_pairs"]["all statistics"]})))
        elif name.startswith(KEPT):
            figures = row[KEEPING]
            words = f"{_trained(rows, recipe, folder='models/')}, lesions kept"
            found.append((words, of({**figures, "like_pairs": figures["like_pairs"]["all"]})))
    return _ordered(found)


def _ordered(found: Sequence[tuple[str, Entry]]) -> list[tuple[str, Entry]]:
    return sorted(found, key=lambda one: -float(one[1]["value"]))
