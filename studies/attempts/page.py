"""`docs/results-attempts.md`: targets of detection and short experiments, from rows alone, also without a gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.attempts.adapt_heads import ROWS as ADAPT
from studies.attempts.adapt_heads import adapt_section
from studies.attempts.head_comparison import ROWS as COMPARED
from studies.attempts.head_comparison import comparison_section
from studies.attempts.heads import CLEARED, COUNTS, FINDER, looks_of, nominating
from studies.attempts.heads import ROWS as HEADS
from studies.attempts.joined_heads import INSIDE, LOWEST, MEAN, ROUND, SIX
from studies.attempts.kept_lesions import KEEPING, OWN
from studies.attempts.kept_lesions import ROWS as KEPT
from studies.attempts.label_check import ROWS as CHECKED
from studies.attempts.label_check import false_acceptances, label_check_section
from studies.attempts.label_covariates import ROW as COVARIATES
from studies.attempts.label_covariates import covariates_section
from studies.attempts.label_curves import ROWS as CURVES
from studies.attempts.label_curves import curve_section
from studies.attempts.sides import EXPERIMENTS, ROWS, chosen_by
from studies.attempts.soft_share import ROWS as SOFT
from studies.attempts.soft_share import soft_share_section
from studies.attempts.stream import ROW as STREAM
from studies.attempts.targets import targets_section
from studies.attempts.volume import ROWS as VOLUME
from studies.attempts.volume import volume_section
from studies.pages import budgets
from studies.pages.cells import Entry, table, three_digits
from unseen.artifacts.research_only import LIMITS
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.lung_sides import LUNG_SHORTCUTS

_TITLES = {"lesions": "Synthetic lesions like tuberculosis and pneumonia", "sides": "Difference of the two sides"}
_TEXTS = {
    "lesions": "`feature-lda` learns from soft shadows and spots. Here it learns from cavities, apical fibrosis, "
    "miliary disease, acinar nodules and lobar consolidations instead, or from all of them. They are drawn after "
    "Nachiappan et al., RadioGraphics 37 (2017) 52, and the Fleischner Society's glossary (Hansell et al., Radiology "
    "246 (2008) 697); no film was used to draw them (`studies/attempts/lesions.py`).",
    "sides": "The aligned crop is mirrored, and each cell's features are compared with those of the same cell of the "
    "mirror image: d = x − x′. `difference` has no sign, so nearly the same value on both sides. Three methods have a "
    "sign: `side-distance`, `difference-lda` and `paired-lda` (formulas in `studies/attempts/sides.py`).",
}
_MAIN = "all statistics"


def attempts_page(every: Mapping[str, Entry]) -> str:
    """Return the page as Markdown; an experiment without a row is said to have none.

    Args:
        every: rows of all studies by name: those of the experiments, those of the shipped models, which tell how long
            their GANs were trained, and those that the targets are compared with.
    """
    rows = {name: row for name, row in every.items() if name.startswith("attempts/")}
    blocks = [
        "# Targets of detection, and short experiments",
        "The targets of detection with what was tried, and experiments that take minutes of one core, on frozen "
        "features or on shipped models. Detectors of normal films are measured by the instruments that no property of "
        "the whole film can pass ([why](decisions/0035-instruments.md)): *laterality* (which lung is ill) and *pairs "
        "of similar films*. The heads that learn from labels are measured by AUROC and by normal films cleared, which "
        "such a property can raise. None of these was registered as a detector; the head that fold 0 nominated for few "
        "labels is `unseen adapt --head normals-covariance`.",
        *_summary(rows, every),
        f"*Rendered by `python -m studies.attempts render` from `studies/results/*.jsonl`, which hold every figure. "
        f"{LIMITS}*",
        *targets_section(every),
        *_sides(rows, "lesions"),
        *_sides(rows, "sides"),
        *volume_section([row for name, row in rows.items() if name.startswith(VOLUME)]),
        *_stream(rows.get(f"{STREAM}-0")),
        *_kept([row for name, row in rows.items() if name.startswith(KEPT)], every),
        *_heads([row for name, row in rows.items() if name.startswith(HEADS)]),
        *adapt_section([row for name, row in rows.items() if name.startswith(ADAPT)]),
        *comparison_section([row for name, row in rows.items() if name.startswith(COMPARED)]),
        *label_check_section([row for name, row in rows.items() if name.startswith(CHECKED)]),
        *soft_share_section([row for name, row in rows.items() if name.startswith(SOFT)]),
        *curve_section([row for name, row in rows.items() if name.startswith(CURVES)]),
        *covariates_section(rows.get(f"{COVARIATES}-0")),
        *_cleared([row for name, row in rows.items() if name.startswith(CLEARED)]),
    ]
    return "\n\n".join(blocks) + "\n"


def _summary(rows: Mapping[str, Entry], every: Mapping[str, Entry]) -> list[str]:
    said = []
    for experiment in EXPERIMENTS:
        made = _of(rows, experiment)
        best = next((row for row in made if row["nominated"]), None)
        if best is None:
            continue
        if "test" not in best:
            plain = best["baseline"]
            gained = 0.0 if plain is None else chosen_by(best) - chosen_by(rows[f"{ROWS}{plain}-0"])
            said.append(
                f"**{_TITLES[experiment]}**: fold 0 nominated `{_name(best)}`, {gained:+.3f} in the mean of its four "
                f"figures against `{plain}`, the same without the idea. Fold 0 chooses and does not measure; folds 1 "
                "to 4 are not opened, so nothing is claimed."
            )
            continue
        name, baseline = _name(best), best["baseline"]
        side, text = best["test"]["laterality"], f"**{_TITLES[experiment]}**: fold 0 nominated `{name}`"
        text += f", with a laterality of {figure(side)} on folds 1 to 4"
        if baseline is None:
            text += "; this is the recipe without the idea, so the idea is not used."
        else:
            gap, area = side["differences"]["baseline"], side["differences"][side_shortcut(side)]
            text += f", {_verdict(gap)} `{baseline}` ({figure(gap, sign=True)})"
            text += f" and {_verdict(area)} {LUNG_SHORTCUTS[side_shortcut(side)]} ({figure(area, sign=True)})."
        said.append(text)
    volume = next((row for name, row in rows.items() if name.startswith(VOLUME) and row["nominated"]), None)
    if volume is not None and "test" in volume:
        side = volume["test"]["laterality"]
        gaps = side["differences"]
        said.append(
            f"**Which lung is smaller**: fold 0 nominated `{_name(volume)}`, a side score that contains lung area, "
            f"with a laterality of {figure(side)} on folds 1 to 4, {_verdict(gaps['baseline'])} the same without area "
            f"({figure(gaps['baseline'], sign=True)}) and {_verdict(gaps['area'])} lung area alone "
            f"({figure(gaps['area'], sign=True)})."
        )
    stream = rows.get(f"{STREAM}-0")
    if stream is not None:
        said.append(f"**A stream of unread films**: {_stream_verdict(stream)}")
    kept = [row for name, row in rows.items() if name.startswith(KEPT)]
    if kept:
        better = [_name(row) for row in kept if row["difference"]["low"] > 0]
        worse = [_name(row) for row in kept if row["difference"]["high"] < 0]
        shipped = [row for one in kept if (row := every.get(f"shipped/{_name(one)}-0")) is not None]
        finder = every.get("lungs/open-masks-inside-0", {}).get("finder")
        learnt = f" ({finder['steps']:,} steps, {finder['features']} features, {finder['size']} px)" if finder else ""
        said.append(
            f"**The finder that keeps lesions{learnt}, in {len(kept)} shipped models**{budgets.in_brackets(shipped)}: "
            f"laterality is significantly higher in {_listed(better)} and significantly lower in {_listed(worse)}."
        )
    best = next((row for name, row in rows.items() if name.startswith(HEADS) and row["nominated"]), None)
    if best is not None:
        both = " and ".join(f"{three_digits(best['test'][str(count)])} with {count}" for count in COUNTS)
        said.append(f"**Heads for ten labels**: fold 0 nominated *{best['head']}*, with an AUROC of {both} films.")
    ours = rows.get(f"{ADAPT}normals-covariance-0")
    if ours is not None:
        both = " and ".join(
            f"{three_digits(ours['test'][str(count)]['adapted'])} with {count} (head alone "
            f"{three_digits(ours['test'][str(count)]['head alone'])})"
            for count in COUNTS
        )
        said.append(f"**This head in `unseen adapt`**, with a share that follows the check of the labels: {both}.")
    checked = rows.get(f"{CHECKED}normals-covariance-0")
    if checked is not None:
        ten = next(one for one in checked["settings"] if one["disease"] and one["abnormals"] == 10)
        before, after = false_acceptances(checked)
        said.append(
            "**The check of the labels** (`normals-covariance`, more than one standard error) passes those of ten "
            f"films with a disease in {100 * ten['after']['value']:.0f} % of the draws (the earlier check: "
            f"{100 * ten['before']['value']:.0f} %), and labels without a disease, such as those that show a film "
            f"statistic alone, in {100 * after:.0f} % ({100 * before:.0f} %); these draws chose its settings."
        )
    made = [row for name, row in rows.items() if name.startswith(CLEARED) and row["nominated"] and "test" in row]
    if made:
        first, *later = sorted(made, key=lambda row: int(row.get("round", 1)))
        said.append(
            f"**Normal films cleared by these heads**: fold 0 nominated *{first['head']}*, which clears "
            f"{three_digits(first['test']['normals_cleared'])} of the normal films at Shenzhen"
            + "".join(
                f"; of the heads that were designed after these figures, *{row['head']}*, which clears "
                f"{three_digits(row['test']['normals_cleared'])}"
                for row in later
            )
            + "."
        )
    return ["\n".join(f"- {one}" for one in said)] if said else ["*No row yet.*"]


def _sides(rows: Mapping[str, Entry], experiment: str) -> list[str]:
    made = _of(rows, experiment)
    title = [f"## {_TITLES[experiment]}", _TEXTS[experiment]]
    if not made:
        return [*title, "*No row yet: `python -m studies.attempts choose test` makes them.*"]
    first = made[0]
    tested = [row for row in made if "test" in row]
    choice = table(
        ["Recipe", "lesion found", "its side", "fold 0: laterality", "fold 0: pairs", "mean of the four"],
        [
            [
                f"**`{_name(row)}`**" if row["nominated"] else f"`{_name(row)}`",
                f"{row['synthetic']['auroc']:.2f}",
                f"{row['synthetic']['laterality']:.2f}",
                figure(row["fold_0"]["laterality"]),
                figure(row["fold_0"]["like_pairs"]["sharpness"]),
                f"{chosen_by(row):.3f}",
            ]
            for row in sorted(made, key=lambda row: -chosen_by(row))
        ],
    )
    side = first["fold_0"]["laterality"]
    blocks = [
        *title,
        f"Films of Shenzhen. {first['features']}; lungs by the finder of `models/ensemble-five`, which has seen none "
        f"of these films. Closed forms, seed {first['seed']} (of the painted lesions), {first['device']}, "
        f"{first['date']}. The choice, by fold 0 alone: {first['synthetic']['films']} normal films with and without an "
        "opacity in one lung (AUROC of the film, and of the side), which no recipe learns from, and the real films "
        f"({side['right']} ill on the right, {side['left']} on the left; pairs of like sharpness). In bold: the "
        "recipe with the highest mean of these four figures, fixed by a commit before folds 1 to 4 were opened.",
        choice,
    ]
    if not tested:
        return [*blocks, "*Folds 1 to 4 are not opened yet.*"]
    test = tested[0]["test"]
    shortcuts = ", ".join(
        f"{LUNG_SHORTCUTS[name]} {figure(one)}"
        for name, one in test["laterality"]["shortcuts"].items()
        if name in LUNG_SHORTCUTS
    )
    lines = [
        [
            f"**`{_name(row)}`**" if row["nominated"] else f"`{_name(row)}`",
            figure(row["test"]["laterality"]),
            _above_baseline(row),
            figure(row["test"]["laterality"]["differences"][side_shortcut(row["test"]["laterality"])], sign=True),
            figure(row["test"]["like_pairs"]["sharpness"]),
            figure(row["test"]["like_pairs"][_MAIN]),
            figure(row["test"]["auroc"]),
        ]
        for row in sorted(tested, key=lambda row: -float(row["test"]["laterality"]["value"]))
    ]
    return [
        *blocks,
        f"Folds 1 to 4, each by models of the other folds' normal films: {test['n']['normal']} normal and "
        f"{test['n']['abnormal']} abnormal films; laterality on the {test['laterality']['right']} films ill on the "
        f"right and {test['laterality']['left']} on the left. {tested[0]['draws']:,} bootstrap draws over films. "
        f"Opened {_times(tested[0]['openings'])}, for all recipes of both experiments together. Each lung's own "
        f"statistics: {shortcuts}.",
        table(
            [
                "Recipe", "laterality (AUROC of the side)", "minus the baseline", "minus the best lung statistic",
                "pairs of like sharpness", "pairs alike in all statistics", "AUROC",
            ],
            lines,
        ),
    ]  # fmt: skip


def _stream(row: Entry | None) -> list[str]:
    title = [
        "## A stream of unread films",
        "A site has films that are known to be normal, and N unread films of which a share π is abnormal. A ridge "
        "regression on frozen features separates the two groups; no abnormal film is labelled. Does its AUROC depend "
        "on N·π² alone?",
    ]
    if row is None:
        return [*title, "*No row yet: `python -m studies.attempts stream` makes it.*"]
    lines = [
        [
            f"{one['unread']}", f"{one['share']:.0%}", f"{one['abnormal']}", f"{one['product']:g}",
            f"{one['finite_product']:.1f}", figure(one["auroc"]), figure(one["like_pairs"]),
        ]
        for one in sorted(row["curve"], key=lambda one: (one["product"], one["unread"]))
    ]  # fmt: skip
    equal = [
        [
            f"{one['product']:g}",
            "; ".join(f"N = {n}, π = {share:.0%}" for n, share in one["settings"]),
            "; ".join(f"{value:.2f}" for value in one["aurocs"]),
            figure(one["difference"], sign=True),
        ]
        for one in row["equal"]
    ]
    return [
        *title,
        f"ZhangLab's training split: {row['n']['normal']:,} normal and {row['n']['abnormal']:,} abnormal films without "
        f"duplicates, drawn. {row['known']} known normal films, λ = {row['shrinkage']:g}, "
        f"{row['draws']} draws, each tested on one of folds {row['folds'][0]} to {row['folds'][-1]} in turn (opened "
        f"{_times(row['openings'])}; nothing was chosen). {row['features']}; {row['device']}, {row['seconds']:.0f} s "
        f"after the features, {row['date']}. These films have no side, so laterality cannot be measured.",
        f"Result: {_stream_verdict(row)}",
        "Mean over the draws, and in brackets the smallest and the largest draw; these ranges are no confidence "
        "intervals. *Finite*: π² N N0 / (N + N0), with the N0 known films.",
        table(["N", "π", "abnormal", "N·π²", "finite", "AUROC", "pairs of like sharpness"], lines),
        "Settings of equal N·π²: AUROC with the largest N minus AUROC with the smallest, with a bootstrap interval "
        "over the draws.",
        table(["N·π²", "settings", "AUROC", "difference"], equal),
    ]


def _stream_verdict(row: Entry) -> str:
    gaps = [one["difference"] for one in row["equal"]]
    apart = [one for one in row["equal"] if one["difference"]["low"] > 0 or one["difference"]["high"] < 0]
    widest = max((abs(one["value"]) for one in gaps), default=0.0)
    values = [one["auroc"]["value"] for one in row["curve"]]
    return (
        f"over {len(row['curve'])} settings AUROC goes from {min(values):.2f} to {max(values):.2f}. Settings of equal "
        f"N·π² differ by up to {widest:.2f}; in {len(apart)} of {len(gaps)} comparisons the interval of the difference "
        f"(over draws of one set's films) excludes 0, so N·π² alone "
        f"{'does not decide' if apart else 'is not contradicted'}."
    )


def _shipped(name: str, shipped: Mapping[str, Entry]) -> str:
    row = shipped.get(f"shipped/{name}-0")
    return f"`{name}`" if row is None else budgets.named(row, name)


def _kept(rows: Sequence[Entry], shipped: Mapping[str, Entry]) -> list[str]:
    title = [
        "## The finder that keeps lesions, for all shipped models",
        "`models/ensemble-five` has a lung finder that keeps consolidations and effusions inside the lungs ([how "
        "much](results-lungs.md)). Here the other shipped models score the same films with it, in the place of their "
        "own. They are not trained again, so they know normal lungs by their own finder's outlines.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts kept-lesions` makes them.*"]
    first = rows[0]
    lines = [
        [
            _shipped(_name(row), shipped),
            name,
            figure(row[name]["laterality"]),
            figure(row["difference"], sign=True) if name == KEEPING else "",
            figure(row[name]["like_pairs"]["sharpness"]),
            figure(row[name]["like_pairs"]["all"]),
            figure(row[name]["auroc"]["pooled"]),
        ]
        for row in rows
        for name in (OWN, KEEPING)
    ]
    side = first[OWN]["laterality"]
    return [
        *title,
        f"{first[OWN]['n']['abnormal']} abnormal films of folds 1 to 4 and {first[OWN]['n']['normal']} normal films of "
        f"fold 4, on which no shipped model was trained; laterality on {side['right']} films of Shenzhen ill on the "
        f"right and {side['left']} on the left. 2,000 bootstrap draws, {first['device']}, {first['date']}. Opened "
        f"{_times(first['openings'])}; nothing was chosen. *Difference*: laterality with the finder that keeps lesions "
        "minus with the own one, on the same films.",
        table(
            [
                "Model", "finder", "laterality", "difference", "pairs of like sharpness",
                "pairs alike in all statistics", "AUROC",
            ],
            lines,
        ),
    ]  # fmt: skip


def _heads(rows: Sequence[Entry]) -> list[str]:
    title = [
        "## Heads for ten labels",
        "A head on frozen features learns from all normal films of the other folds and from 10 or 25 abnormal films. "
        "Here the ridge head of `unseen adapt` is compared with others on the same features "
        "(`studies/attempts/heads.py`), each alone and combined with the score from normal films by a [fixed share]"
        "(results-detectors.md#few-labels-with-fixed-shrinkage-and-share); that section also has pairs of similar "
        "films.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts heads` makes them.*"]
    first = rows[0]
    n = first["n"]
    lines = [
        [
            f"**{row['head']}**" if row["nominated"] else row["head"],
            f"{nominating(row['fold_0']):.3f}",
            *(three_digits(row["test"][str(count)]) for count in COUNTS),
            *(f"{row['test'][str(count)]['least']:.2f} to {row['test'][str(count)]['most']:.2f}" for count in COUNTS),
        ]
        for row in sorted(rows, key=lambda row: -nominating(row["fold_0"]))
    ]
    return [
        *title,
        f"Montgomery + Shenzhen, {first['features']}; {n['normal']} normal and {n['abnormal']} abnormal films of folds "
        f"{first['folds'][0]} to {first['folds'][-1]}. Mean AUROC over {first['draws']} draws of the abnormal films, "
        f"with its interval over films ({first['bootstrap_draws']} bootstrap draws), and the range of the draws. Lungs "
        f"by the finder of `{FINDER.rpartition('/')[2]}`, cross-fitted. The second column alone nominates (in bold): "
        "the mean AUROC of 10 and 25 abnormal films on fold 0. All heads were tested on folds 1 to 4 in one run. "
        f"{first['device']}, {first['seconds_all']:.0f} s after the features, {first['date']}.",
        table(
            ["head", "fold 0: mean of both", *(f"{count} abnormal films" for count in COUNTS),
             *(f"{count}: draws" for count in COUNTS)],
            lines,
        ),
    ]  # fmt: skip


def _cleared(rows: Sequence[Entry]) -> list[str]:
    title = [
        "## Normal films cleared by these heads",
        "The head is trained on a share of the site's abnormal patients and calibrated by the others, as in [the study "
        "of a site](results-detectors.md#a-site-that-teaches-and-calibrates-with-its-own-labels). All normal films of "
        "the other folds and the other hospital's abnormal films are training films, too.",
    ]
    if not rows:
        return [*title, "*No row yet: `python -m studies.attempts cleared` makes them.*"]
    later = [row for row in rows if row.get("round") == ROUND]
    first = next(row for row in rows if row not in later)
    return [
        *title,
        f"{first['site'].capitalize()}, at most {100 * first['max_miss_rate']:g} % missed, confidence "
        f"{100 * first['confidence']:g} %: the threshold is exact, because one head scores the films that calibrate "
        f"and the tested ones. Folds {first['folds'][0]} to {first['folds'][-1]}; mean over {first['splits']} "
        "divisions of the patients, and 2.5th to 97.5th percentile. Share and head (in bold) have the highest figure "
        f"on fold 0. *25 and 60*: 25 abnormal films teach, 60 calibrate. *Looks*: how often a head was tested on these "
        f"folds; a head with fewer was added after the others had been. {first['device']}, {first['date']}.",
        _cleared_table([row for row in rows if row not in later]),
        *_joined(later),
    ]


def _joined(rows: Sequence[Entry]) -> list[str]:
    """Return the blocks on the heads that were designed after the others had been tested."""
    if not rows:
        return []
    first = rows[0]
    said = (
        f"Further heads were designed after the figures above were known: `{MEAN}` ({', '.join(SIX)}), alone and "
        f"combined with the score from normal films, and `{INSIDE}`: each division chooses among these heads and "
        "their mean by five-fold cross-validation on the films that teach (share of the normal films below the "
        f"{100 * LOWEST:.0f} % of the abnormal films with the lowest scores), so that no person chooses. Heads, the "
        f"share that teaches ({100 * first['share']:g} %) and the rule were fixed by a commit before any of their "
        "figures on folds 1 to 4 was computed; fold 0 nominates (in bold), and the nominee is the figure of the target "
        "above, whichever it is"
    )
    if any("test" not in row for row in rows):
        lines = [[_head(row), f"{max(row['fold_0'].values()):.3f}"] for row in rows]
        return [f"{said}.", table(["head", "fold 0: cleared"], lines), "*Folds 1 to 4 are not opened yet.*"]
    return [
        f"{said}. {first['features']}; a lung finder trained without fold "
        f"{first['finder_fold']}, cross-fitted; {first['device']}, {first['date']}.",
        _cleared_table(rows),
    ]


def _cleared_table(rows: Sequence[Entry]) -> str:
    lines = [
        [
            _head(row),
            f"{100 * row['share']:g} %",
            f"{max(row['fold_0'].values()):.3f}",
            three_digits(row["test"]["normals_cleared"]),
            three_digits(row["test"]["abnormals_missed"]),
            three_digits(row["25 and 60"]["normals_cleared"]),
            three_digits(row["25 and 60"]["abnormals_missed"]),
            f"{looks_of(row)}",
        ]
        for row in sorted(rows, key=lambda row: -max(row["fold_0"].values()))
    ]
    return table(
        [
            "head",
            "share that teaches",
            "fold 0: cleared",
            "cleared",
            "missed",
            "25 and 60: cleared",
            "missed",
            "looks",
        ],
        lines,
    )


def _head(row: Entry) -> str:
    return f"**{row['head']}**" if row["nominated"] else str(row["head"])


def _above_baseline(row: Entry) -> str:
    if row["baseline"] is None:
        return "–"
    return f"{figure(row['test']['laterality']['differences']['baseline'], sign=True)} (`{row['baseline']}`)"


def side_shortcut(side: Entry) -> str:
    """Return the lung statistic with the highest laterality, a baseline recipe left out."""
    known = {name: one["value"] for name, one in side["shortcuts"].items() if name in LUNG_SHORTCUTS}
    return str(max(known, key=lambda name: float(known[name])))


def _of(rows: Mapping[str, Entry], experiment: str) -> list[Entry]:
    return [row for name, row in rows.items() if name.startswith(ROWS) and row["experiment"] == experiment]


def _name(row: Entry) -> str:
    return str(row["recipe"]).rpartition("/")[2]


def _verdict(gap: Entry) -> str:
    return (
        "significantly above"
        if gap["low"] > 0
        else "significantly below"
        if gap["high"] < 0
        else "not significantly different from"
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join(f"`{name}`" for name in names) or "none"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
