"""`docs/results-detectors.md` from rows alone: the detectors on equal terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

from studies import recipe_files
from studies.detectors.adapted_site import ROWS as SITE
from studies.detectors.adapted_site import beside_site
from studies.detectors.adjusted_by_finder import ROWS as ADJUSTED
from studies.detectors.adjusted_by_finder import beside_adjusted
from studies.detectors.contamination import ROWS as DIRTY
from studies.detectors.development import GIVEN, ROWS, TWINS
from studies.detectors.elsewhere import ROWS as ELSEWHERE
from studies.detectors.few_labels import HOME, beside_labels
from studies.detectors.few_labels import ROWS as FEW_LABELS
from studies.detectors.fine_tuning import ROWS as FINE_TUNING
from studies.detectors.fine_tuning import beside_fine_tuning
from studies.detectors.finer import ROWS as FINER
from studies.detectors.generalisation import ROWS as MATRICES
from studies.detectors.labelled import ROWS as LABELLED
from studies.detectors.nomination import FLOOR, TESTED, Candidate, candidates, nominated, openings
from studies.detectors.page_studies import (
    dirty,
    elsewhere,
    finer,
    matrices,
    tested,
    twins,
    unlabelled,
    ways,
    with_labels,
)
from studies.detectors.preparations.comparing import ROWS as WAYS
from studies.detectors.published import beside_published
from studies.evidence.detectors import detectors_screen
from studies.evidence.references import trained_supervised
from studies.evidence.repeats import repeats
from studies.evidence.screen import folded, rendered
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, pooled_auroc, table, unrecorded
from studies.pages.instruments import claim
from studies.pages.noise import noise_study
from studies.pages.sections import SOURCES, aurocs
from studies.pages.training_cost import ENSEMBLE, ensemble_line
from studies.peers.anomalib_rows import ROWS as ANOMALIB
from studies.peers.anomalib_rows import beside_anomalib
from studies.ten_labels import ten_labels_section
from studies.zhanglab.page import zhanglab_conclusion, zhanglab_section
from unseen.evaluation.intervals import interval_text as figure

_HEAD = [
    "Recipe",
    *SOURCES,
    "site",
    "minus the best shortcut",
    "training, s",
    "ms per film",
    "parameters",
    "steps and width",
]

AIM = 0.82
"""AUROC on folds 1 to 4 that was aimed at with normal films alone."""
FROZEN, PIXELS = "ensemble-features", "ensemble-aligned"
"""The ensemble on frozen features, and the one on pixels that it is compared with."""
_BEST = 10  # recipes on fold 0 that are looked at apart
_ALIGNED = "-aligned"
_ALL_MASKS = "-all"  # the same, on lungs whose finder learnt from the drawn masks of both hospitals
COUNTS = "robustness/counts/"
"""Prefix of the names of the rows of robustness to count noise."""
_NOISES = {"poisson": "### Poisson", "mixed": "### Poisson and Gaussian"}
"""Their headings, in order."""


def detectors_page(rows: Mapping[str, Entry]) -> str:
    """Return the whole page as Markdown; what has no row yet is said to have none."""

    def of(prefix: str) -> list[Entry]:
        return [row for name, row in rows.items() if name.startswith(prefix)]

    picked = [one.name for one in (nominated(rows), nominated(rows, single=True)) if one is not None]
    blocks = [
        "## Conclusions",
        "Every method has the same films, lungs, grid and audit ([what each method is](theory/detectors.md)).",
        *_conclusions(
            of(ROWS),
            [row for row in of(TESTED) if not unlabelled(row)],
            of(LABELLED),
            of(FINER),
            of(ELSEWHERE),
            picked,
            zhanglab_conclusion(rows),
        ),
        *(
            [f"{said} No AUROC of this page is by itself evidence of detecting disease."]
            if (said := claim(rows))
            else []
        ),
        *_development(of(ROWS), rows),
        *repeats(rows),
        *twins(of(TWINS)),
        *_nomination(rows),
        *tested(of(TESTED), picked),
        *_aim(of(ROWS), of(TESTED), of(FEW_LABELS), of(FINE_TUNING), of(ELSEWHERE)),
        *with_labels(of(LABELLED)),
        *beside_labels(of(FEW_LABELS)),
        *ten_labels_section(rows),
        *zhanglab_section(rows),
        *beside_site(of(SITE)),
        *beside_anomalib(of(ANOMALIB)),
        *beside_fine_tuning(of(FINE_TUNING), rows.get(f"{ROWS}{FROZEN}-0")),
        *beside_adjusted(of(ADJUSTED)),
        *finer(of(FINER)),
        *beside_published(rows),
        *dirty(of(DIRTY)),
        *ways(of(WAYS)),
        *elsewhere(of(ELSEWHERE), rows),
        *matrices(of(MATRICES)),
        *_counts(of(COUNTS)),
    ]
    first = detectors_screen(rows)
    source = "studies/results/detectors.jsonl"
    screen = [rendered("make results-detectors", source)] if first is None else first.blocks()
    return "\n\n".join(["# Detectors compared", *screen, *folded(blocks)]) + "\n"


def _conclusions(
    rows: Sequence[Entry],
    opened: Sequence[Entry],
    labelled: Sequence[Entry],
    twice: Sequence[Entry],
    moved: Sequence[Entry],
    picked: Sequence[str],
    children: Sequence[str],
) -> list[str]:
    """Return the conclusions for the reader: each sentence is computed from the rows."""
    if not rows:
        return []
    strongest = rows[0]["above_shortcut"]["pooled"]
    above = [row for row in rows if row["above_shortcut"]["pooled"]["low"] > 0]
    below = [row for row in rows if row["above_shortcut"]["pooled"]["high"] < 0]
    of_name = {row["recipe"]: row for row in rows}
    names = {name: row["metrics"]["auroc"]["pooled"]["value"] for name, row in of_name.items()}
    pairs = {
        name.removeprefix(ROWS): (value, names[f"{name}{_ALIGNED}"])
        for name, value in names.items()
        if f"{name}{_ALIGNED}" in names
    }
    low = [row for row in rows if row["metrics"]["auroc"]["pooled"]["low"] <= 0.5]
    said = [
        f"on fold 0, {len(above) or 'none'} of the {len(rows)} recipes{budgets.in_brackets(rows)} "
        + ("is" if len(above) <= 1 else "are")
        + f" significantly better than {strongest['words']} alone (AUROC {strongest['strength']:.2f})"
        + (f": {_list(above)}" if above else "")
        + f"; {len(below)} are significantly worse"
        + (f" ({_list(below)})" if below else "")
        + f", and {len(rows) - len(above) - len(below)} are inconclusive",
    ]
    if pairs:
        told = ", ".join(
            f"{budgets.named(of_name[f'{ROWS}{name}'], name)} {plain:.2f} and {turned:.2f}"
            for name, (plain, turned) in pairs.items()
        )
        said.append(
            f"on fold 0, AUROC without and with alignment, one training each: {told} (paired differences of the quick "
            "ones: below)"
        )
    said += [*_by_masks(rows, "fold 0"), *_by_masks(opened, "the test folds")]
    if low:
        said.append(f"not significantly better than chance on fold 0: {_list(low)}{_of_networks(low)}")
    said += [_reached(row) for row in opened if row["recipe"].removeprefix(TESTED) in picked]
    if opened:
        verdicts = []
        for name, words in (("floor", f"`{FLOOR}`"), ("shortcut", "the best shortcut")):
            over = [row for row in opened if row["above"][name]["pooled"]["low"] > 0]
            under = [row for row in opened if row["above"][name]["pooled"]["high"] < 0]
            verdicts.append(
                f"{len(over) or 'none'} {'is' if len(over) <= 1 else 'are'} significantly better than {words}"
                + (f" ({_list(over)})" if over else "")
                + f", {len(under)} are significantly worse"
                + (f" ({_list(under)})" if under else "")
            )
        said.append(
            f"of the {len(opened)} recipes on the test folds{budgets.in_brackets(opened)}, {'; '.join(verdicts)}"
        )
    said += [
        f"on `{cell['seen']}`, trained on it and blur-harmonised, {_elsewhere(row)} reaches "
        f"{figure(cell['auroc'])}, and {_is(cell['shortcut'])} than the best shortcut of the same pixels "
        f"({figure(cell['shortcut'], sign=True)})"
        for row in moved
        if "kind" not in row
        for cell in row["cells"]
        if cell["matched"]
    ]
    said += children
    if labelled:
        best = max(labelled, key=pooled_auroc)
        said.append(
            f"the supervised reference, on these films the best of {len(labelled)} classifiers of the same crops at "
            f"their size{trained_supervised(best)}, reaches {figure(best['metrics']['auroc']['pooled'])} on the test "
            "folds"
        )
    said += [_at_twice_the_size(twice)] if twice else []
    return ["\n".join(f"- {one[0].upper()}{one[1:]}." for one in said)]


def _elsewhere(row: Entry) -> str:
    """Return the name of a recipe that was trained on another set, with its epochs and width."""
    name = str(row["recipe"]).rpartition("/")[2]
    folder = "elsewhere" if f"elsewhere/{name}" in recipe_files.names() else "detectors"
    return f"`{name}`{budgets.of_recipe(recipe_files.load(f'{folder}/{name}'))}"


def _of_networks(rows: Sequence[Entry]) -> str:
    """Return the training of the networks among recipes, behind a list of these."""
    told = budgets.of_networks(rows)
    return f"; {told}" if told else ""


def _by_masks(rows: Sequence[Entry], films: str) -> list[str]:
    """Compare each recipe with the same recipe whose lung model learnt from all drawn masks."""
    of = {row["recipe"].rpartition("/")[2]: row["metrics"] for row in rows}
    return [
        f"lungs by a model that learnt from the drawn masks of both hospitals, not of Montgomery and phantoms: "
        f"on {films} `{name}` has {figure(found['auroc']['pooled'])} and `{name}{_ALL_MASKS}` "
        f"{figure(other['auroc']['pooled'])}"
        for name, found in of.items()
        if (other := of.get(f"{name}{_ALL_MASKS}")) is not None
    ]


def _reached(row: Entry) -> str:
    """Return the claim for a recipe on the test folds: its AUROC and its differences from floor and best shortcut."""
    pooled, floor, shortcut = (
        row["metrics"]["auroc"]["pooled"],
        *(row["above"][name]["pooled"] for name in ("floor", "shortcut")),
    )
    return (
        f"on the test folds {budgets.named(row, row['recipe'].removeprefix(TESTED))} reaches {figure(pooled)}; "
        f"it {_is(floor)} than "
        f"`{FLOOR}` ({figure(floor, sign=True)}) and {_is(shortcut)} than the best shortcut "
        f"({figure(shortcut, sign=True)}){_by_source(row['above'])}"
    )


def _is(difference: Entry) -> str:
    """Return the words that state whether a recipe is significantly better than its comparison."""
    return "is significantly better" if difference["low"] > 0 else "is not significantly better"


def _at_twice_the_size(rows: Sequence[Entry]) -> str:
    """Return the effect of a higher resolution on the recipes and on the supervised reference."""
    own, finer = rows[0]["px"]
    changes = [
        (
            f"the supervised reference{trained_supervised(row)}"
            if "kind" in row
            else f"`{row['sees']}`{budgets.of_recipe(recipe_files.load('detectors/' + row['sees']))}",
            f"{figure(row['above']['itself']['pooled'], sign=True)} to {figure(row['metrics']['auroc']['pooled'])}",
        )
        for row in sorted(rows, key=lambda row: "kind" in row)
    ]
    return f"at {finer} px instead of {own}: " + "; ".join(f"{name} {change}" for name, change in changes)


def _by_source(above: Entry) -> str:
    """At which source it is significantly better or worse than its comparison."""
    names = {"floor": f"`{FLOOR}`", "shortcut": "the best shortcut"}
    said = []
    for source in SOURCES[1:]:
        higher = [words for name, words in names.items() if above[name][source]["low"] > 0]
        lower = [words for name, words in names.items() if above[name][source]["high"] < 0]
        ways = (("better", higher), ("worse", lower))
        found = [f"significantly {way} than {' and '.join(some)}" for way, some in ways if some]
        said += [f"; at {source} {', '.join(found)}"] if found else []
    return "".join(said)


def _counts(rows: Sequence[Entry]) -> list[str]:
    title = "## Noise of counts"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only counts` makes them.*"]
    of = {row["noise"]: row for row in rows}
    return [title, *(block for kind in _NOISES if kind in of for block in (_NOISES[kind], *noise_study(of[kind])))]


def _list(rows: Sequence[Entry]) -> str:
    return ", ".join(f"`{row['recipe'].removeprefix(ROWS).removeprefix(TESTED)}`{dagger(row)}" for row in rows)


def _development(rows: Sequence[Entry], every: Mapping[str, Entry]) -> list[str]:
    title = "## Fold 0: selection"
    if not rows:
        return [title, "*No row yet: `make results-detectors` makes them.*"]
    first = rows[0]
    n = first["metrics"]["n"]["pooled"]
    strongest = first["above_shortcut"]["pooled"]
    ordered = sorted(rows, key=pooled_auroc, reverse=True)
    return [
        title,
        f"Montgomery + Shenzhen, lung crop, trained on the normals of folds 1 to 4, tested on fold 0: {n['normal']} "
        f"normal and {n['abnormal']} abnormal films; seed {first['seed']}, {first['device']}, "
        f"{max(row['date'] for row in rows)}. AUROC with its 95 % interval. *Site*: how well the score separates the "
        "two hospitals' normals (0.5 is good). *Minus the best shortcut*: the AUROC minus that of the best label-free "
        f"statistic of these films ({strongest['words']}, {strongest['strength']:.2f}), by DeLong, paired. Training, "
        "and a film's score with lungs and map, are wall time of one thread under other load: an order of magnitude. "
        "Settings were tried on this fold, so the estimates are optimistic, and its few films make them "
        f"uncertain.{unrecorded(rows)}",
        table(_HEAD, [*map(_line, ordered), *_ensemble(rows, every)]),
        *(
            [
                "‡ With the lung finder of the model that ships, which learnt from the drawn masks of Montgomery's "
                "normal films of folds 0 to 3, some of which are tested here: it cannot be nominated, and is not among "
                "the recipes that the conclusions count. This fold chose it, so its figure is optimistic; on folds 1 "
                "to 4 it has a lower one ([table](#the-test-folds))."
            ]
            if f"{GIVEN}ensemble-five-0" in every
            else []
        ),
    ]


def _ensemble(rows: Sequence[Entry], every: Mapping[str, Entry]) -> list[list[str]]:
    """Return the line of `ensemble-five` in the table of fold 0, where it has no row of its own finder."""
    if any(row["recipe"] == f"{ROWS}ensemble-five" for row in rows):
        return []
    given = every.get(f"{GIVEN}ensemble-five-0")
    if given is not None:
        name, *cells = _line({**given, "recipe": f"{ROWS}ensemble-five"})
        return [[f"{name}‡", *cells]]
    normals = every.get(ENSEMBLE, {}).get("metrics", {}).get("n", {}).get("pooled", {}).get("normal", 0)
    return ensemble_line(every, int(normals), len(_HEAD))


def _nomination(rows: Mapping[str, Entry]) -> list[str]:
    listed = candidates(rows)
    if not listed:
        return []
    chosen, quick, opened = nominated(rows), nominated(rows, single=True), openings(rows)
    fold_0 = {one.name: rows.get(f"{ROWS}{one.name}-0", {}) for one in listed}
    lines = [
        [
            budgets.named(fold_0[one.name], one.name),
            f"{one.index:.3f}",
            "; ".join(one.against) or "–",
        ]
        for one in listed
    ]
    return [
        "## Selecting one recipe for the test folds",
        "We wrote the rule before we evaluated any of its candidates on the test folds "
        f"(`studies/detectors/nomination.py`; the baseline `{FLOOR}` was known). It selects the highest index, the "
        "mean of the AUROC on fold 0 and of an AUROC adjusted for sharpness, which is withdrawn since "
        f"([why](decisions/0035-instruments.md)), among the recipes that are at no source below `{FLOOR}` and that "
        "separate matched pairs, which differ in the lesion only, better than chance. It selects nothing while a "
        f"recipe with a higher index has no row of matched pairs.{unrecorded(fold_0.values())}",
        table(["Recipe", "index", "reason against"], lines),
        f"**Selected: {_named(chosen)}; of single methods: {_named(quick)}.** We have evaluated on folds 1 to 4 for "
        f"{len(opened)} recipe{'' if len(opened) == 1 else 's'}"
        f"{': ' + ', '.join(f'`{name}`' for name in opened) if opened else ''}. {_further(rows)}",
    ]


def _further(rows: Mapping[str, Entry]) -> str:
    """Return a sentence that counts the other rows of the test folds, by which no recipe was chosen."""
    kinds = {
        "of the thesis's recipes": ("ms_cxr/", "shipped/roi-sure-"),
        "of classifiers given labels": (LABELLED,),
        "of adaptation with labels": (FEW_LABELS, SITE),
        "at twice the size": (FINER,),
        "of anomalib's detectors": (ANOMALIB,),
        "on other lungs": (ADJUSTED,),
    }
    found = {
        words: sum(
            name.startswith(prefixes) and row.get("folds", [0]) != [0] and row.get("set", HOME) == HOME
            for name, row in rows.items()
        )
        for words, prefixes in kinds.items()
    }
    said = ", ".join(f"{number} {words}" for words, number in found.items() if number)
    return f"Other rows of the same films, by which no recipe was chosen: {said}." if said else ""


def _aim(
    chosen: Sequence[Entry],
    opened: Sequence[Entry],
    few_labels: Sequence[Entry],
    tuned: Sequence[Entry],
    moved: Sequence[Entry],
) -> list[str]:
    """Report whether a detector of normal films alone reaches the aim on the test folds, with related evidence."""
    there, here = (
        {row["recipe"].rpartition("/")[2]: row["metrics"]["auroc"]["pooled"] for row in rows}
        for rows in (chosen, [row for row in opened if not unlabelled(row)])
    )
    both = sorted(set(there) & set(here), key=lambda name: float(there[name]["value"]), reverse=True)
    if len(both) < 2 * _BEST:
        return []
    best, top = max(here, key=lambda name: float(here[name]["value"])), both[:_BEST]
    within = [name for name, one in here.items() if one["low"] <= AIM <= one["high"]]
    said = [
        f"The aim for a detector of normal films alone was an AUROC of {AIM:g} on folds 1 to 4. "
        + ("It is reached by" if here[best]["value"] >= AIM else "No recipe reaches it; the highest is")
        + f" `{best}`, {figure(here[best])}. {AIM:g} lies within the interval of {len(within)} of "
        f"{len(here)} recipes."
    ]
    agree = [
        float(spearmanr([there[name]["value"] for name in some], [here[name]["value"] for name in some]).statistic)
        for some in (both, top)
    ]
    spread = float(there[top[0]]["value"] - there[top[-1]]["value"])
    lost = float(np.mean([there[name]["value"] - here[name]["value"] for name in top]))
    width = float(np.mean([there[name]["high"] - there[name]["low"] for name in top])) / 2
    said.append(
        f"- *Fold 0 as the judge.* Its ranks and those of the test folds agree over {len(both)} recipes (Spearman "
        f"{agree[0]:.2f}); over the {_BEST} best on fold 0 the correlation is {agree[1]:.2f}. These {_BEST} lie within "
        f"{spread:.2f} of each other there, their intervals are ± {width:.2f} wide, and on the test folds they lose "
        f"{lost:.2f} on average."
    )
    if (row := next((row for row in few_labels if row.get("set", HOME) == HOME), None)) is not None:
        said.append(
            f"- *The same frozen features* have {figure(row['all']['auroc']['pooled'])} with all labels, and "
            f"{row['curve'][-1]['normals_only']['value']:.2f} from normal films alone."
        )
    if tuned and FROZEN in there:
        last = float(np.mean([row["curve"][-1] for row in tuned]))
        said.append(
            f"- *The same network, trained further on synthetic lesions* ([below](#fine-tuning-on-synthetic-lesions)), "
            f"has {last:.2f} at the end of training on fold 0 (mean of {len(tuned)} trainings), where `{FROZEN}` has "
            f"{there[FROZEN]['value']:.2f}."
        )
    matched = {
        (cell["seen"], row["recipe"].rpartition("/")[2]): figure(cell["auroc"])
        for row in moved
        for cell in row["cells"]
        if cell["matched"]
    }
    beside = [
        f"`{name}` has {found} on `{place}`, where `{PIXELS}` has {matched[place, PIXELS]}"
        for (place, name), found in sorted(matched.items())
        if name.startswith(FROZEN) and (place, PIXELS) in matched
    ]
    if beside:
        said.append(f"- *Other sets*, films matched in resolution: {'; '.join(beside)}.")
    return [f"## The aim of {AIM:g}", said[0], "\n".join(said[1:])]


def _named(one: Candidate | None) -> str:
    return "nothing yet" if one is None else f"`{one.name}`"


def _line(row: Entry) -> list[str]:
    metrics = row["metrics"]
    return [
        f"`{row['recipe'].removeprefix(ROWS)}`, {row['px']} px"
        + (f", and {row['unlabelled']} unlabelled films" if row["unlabelled"] else ""),
        *aurocs(row),
        figure(next(iter(metrics["site"].values()), None)),
        figure(row["above_shortcut"]["pooled"], sign=True),
        f"{row['seconds']:.0f}",
        f"{row['milliseconds']:.0f}",
        f"{row['kept']:,}",
        budgets.spent(row),
    ]
