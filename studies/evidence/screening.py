"""First screens of `results-screening.md` and `results-lungs.md`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from studies.adapted_hospitals import RECIPE as ADAPTED
from studies.adapted_hospitals import WATCHED
from studies.evidence.charts import BLUE, GREEN, GREY, ORANGE, ChartRow, Mark, ReferenceLine, Series, forest, plane
from studies.evidence.screen import Answer, Screen, best_first, rendered
from studies.hospitals import held
from studies.pages import budgets
from studies.pages.cells import Entry, dagger, dagger_note, pooled_auroc
from studies.pages.cells import exact_interval as exact
from unseen.evaluation.intervals import interval_text as figure

_COLOURS = {"shipped/pca": BLUE, "ms_cxr/roi-sure-64-lungs": ORANGE}
_RATE = 0.05  # the miss rate of the table's best row and of the overview


def _halves(row: Entry, source: str) -> list[tuple[float, Entry]]:
    """The rates at which a source has a threshold on one half of its patients, with what it does on the other."""
    found = ((entry["max_miss_rate"], entry["sources"].get(source, {}).get("halves", {})) for entry in row["rates"])
    return [(rate, half) for rate, half in found if "normals_cleared" in half]


def screening_screen(rows: Mapping[str, Entry], products: Sequence[tuple[str, str, str]]) -> Screen | None:
    """Share cleared against share missed; `products`: published ones, with their rates in per cent. None without "
    "rows."""
    halves = [row for name, row in rows.items() if name.startswith("screening/") and "splits" in row]
    hospitals = next((row for name, row in rows.items() if name.startswith("screening/hospitals")), None)
    known = [
        (_name(row), source, rate, half) for row in halves for source in row["n"] for rate, half in _halves(row, source)
    ]
    if not known:
        return None
    largest = max(halves[0]["n"], key=lambda source: sum(halves[0]["n"][source].values()))
    series = [
        Series(
            f"{_label(row)}, {largest.capitalize()}",
            tuple((_at(half, "abnormals_missed"), _at(half, "normals_cleared")) for _, half in found),
            _COLOURS.get(_name(row), GREEN),
            y_ends=tuple(_ends(half, "normals_cleared") for _, half in found),
            x_ends=tuple(_ends(half, "abnormals_missed") for _, half in found),
            labels=tuple(f"α {100 * rate:g} %" for rate, _ in found),
        )
        for row in halves
        if (found := _halves(row, largest))
    ]
    points = tuple((float(missed.rstrip(" %")), float(cleared.rstrip(" %"))) for _, missed, cleared in products)
    series.append(Series("supervised products, as published", points, GREY, joined=False, dashed=True))
    chart = plane(
        "Share of normals cleared against share of abnormals missed",
        series,
        x="abnormal studies missed, %",
        y="normal studies cleared, %",
        xs=(0, 26),
        ys=(0, 80),
    )
    own = {_name(row): sum(n["normal"] for n in row["n"].values()) for row in halves if "scored_by" in row}

    def place(one: tuple[str, str, float, Entry]) -> tuple[float, bool, float]:
        """Return the key of an order: rate, cross-validated models first (their films are the same), most cleared."""
        return (one[2], one[0] in own, -_cleared(one))

    ordered = sorted(known, key=place)
    first = next((one for one in ordered if one[2] == _RATE), ordered[0])
    sentences = [
        f"With a promised miss rate of {100 * first[2]:g} %, `{_called(first[0])}`{_mark(first[0], rows)} clears "
        f"{_percent(first[3]['normals_cleared'])} of the normal studies of {first[1].capitalize()} and misses "
        f"{_percent(first[3]['abnormals_missed'])} of its abnormal ones.",
    ]
    if hospitals is not None:
        whole = held(hospitals["rates"], hospitals["confidence"])
        most = max(float(entry["broken_share"]) for entry in hospitals["rates"])
        by_roc = min(float(entry["roc_broken_share"]) for entry in hospitals["rates"])
        sentences.append(
            f"In simulated hospitals without adapted scores the promise {'held' if whole else 'was broken'}: at most "
            f"{100 * most:.1f} % of the calibrations miss more than promised, where 5 % may; a threshold read off "
            f"the ROC misses more in {100 * by_roc:.0f} % or more."
        )
    if f"{ADAPTED}-0" in rows:
        sentences.append(_drifted(rows[f"{ADAPTED}-0"]))
    refused = sorted(
        {source for row in halves for source in row["n"] if _RATE not in {rate for rate, _ in _halves(row, source)}}
    )
    sentences.append(
        f"{' and '.join(name.capitalize() for name in refused)} {'has' if len(refused) == 1 else 'have'} too few "
        f"abnormal studies for {100 * _RATE:g} %, and the calibration refuses there."
        if refused
        else "Every source has enough abnormal studies for each rate."
    )
    return Screen(
        page="results-screening",
        figure=chart,
        alt=f"Share of normal studies cleared against share of abnormal studies missed, with intervals. At "
        f"α = {100 * first[2]:g} %, {_called(first[0])} clears {_percent(first[3]['normals_cleared'])}"
        f"{_published(products)}.",
        sentences=sentences,
        head=["Model and source", "α", "normals cleared [95 %]", "abnormals missed [95 %]"],
        lines=best_first(
            [
                f"`{_called(name)}`{_mark(name, rows)}{'‡' if name in own else ''}, {source.capitalize()}",
                f"{100 * rate:g} %",
                figure(half["normals_cleared"]),
                figure(half["abnormals_missed"]),
            ]
            for name, source, rate, half in ordered
        ),
        notes=[
            f"Calibrated on one half of the patients and tested on the other, {halves[0]['splits']} times: mean, and "
            "2.5th to 97.5th percentile over the splits. α is the miss rate that the policy promises not to exceed, "
            "with 95 % confidence. The products are supervised and were tested on other films, off which their "
            f"thresholds were read. *Best*: the highest share of normals cleared at {100 * first[2]:g} %, of the "
            "cross-validated models of which this was measured; the order was seen on these films."
            + _unmeasured(rows, {_name(row) for row in halves})
            + _trained([_name(row) for row in halves], rows),
            *(
                f"‡ By the weights of the package, not cross-validated: all abnormal films, and only the {normals} "
                "normal films that they did not learn from; not comparable with the other models."
                for normals in own.values()
            ),
            *dagger_note([rows[f"{_name(row)}-0"] for row in halves if f"{_name(row)}-0" in rows]),
            rendered("make results-screening", "studies/results/screening.jsonl"),
        ],
        answer=Answer(
            "How many normal studies are cleared at a bounded miss rate?",
            f"α = {100 * first[2]:g} %: {figure(first[3]['normals_cleared'])} of the normals cleared, "
            f"{figure(first[3]['abnormals_missed'])} of the abnormals missed (`{_called(first[0])}`"
            f"{_mark(first[0], rows)}, {first[1].capitalize()})",
            "make results-screening",
            next(str(row["date"]) for row in halves if _name(row) == first[0]),
        ),
    )


def _drifted(row: Entry) -> str:
    """Return a sentence with the share of thresholds that break the bound after a drift, and of those with an alarm."""
    (drift,) = (one for one in row["settings"] if one["setting"] == "drift")
    (entry,) = (one for one in drift["rates"] if one["max_miss_rate"] == _RATE)
    broken, silent = int(entry["broken"]), int(entry["broken_without_alarm"])
    return (
        f"After a drift the promise "
        f"{'does not hold' if float(entry['broken_low']) > 1 - row['confidence'] else 'held here'}: when "
        f"all scores fall by a fifth of a normal score's deviation, {broken} of {entry['thresholds']} thresholds for "
        f"{100 * _RATE:g} % miss more ({100 * broken / entry['thresholds']:.1f} %), and the drift watch gives an alarm "
        f"within {WATCHED:,} studies in {broken - silent} of these {broken}."
    )


def _mark(name: str, rows: Mapping[str, Entry]) -> str:
    """A GAN's training, and the mark of a recipe whose training had not converged."""
    row = rows.get(f"{name}-0", {})
    return f"{budgets.beside(row)}{dagger(row)}"


def _trained(names: Sequence[str], rows: Mapping[str, Entry]) -> str:
    """Return the training of the GANs among some recipes, next to the source's."""
    gans = [(name, row) for name in names if (row := rows.get(f"{name}-0")) is not None and budgets.is_gan(row)]
    return "".join(f" Training of `{_called(name)}`: {budgets.spent(row)}." for name, row in gans)


def _unmeasured(rows: Mapping[str, Entry], measured: set[str]) -> str:
    """Says that no share was measured for the pretrained model with the highest AUROC, where that is so."""
    models = [row for name, row in rows.items() if name.startswith("shipped/") and "metrics" in row]
    best = max(models, key=pooled_auroc, default=None)
    if best is None or best["recipe"] in measured:
        return ""
    return (
        f" For `{_called(str(best['recipe']))}`, the pretrained model with the highest AUROC ([results](results.md)), "
        "no cleared share was measured."
    )


def _name(row: Entry) -> str:
    return str(row["recipe"]).removeprefix("screening/")


def _label(row: Entry) -> str:
    return _called(_name(row))


def _called(name: str) -> str:
    """Return a recipe of a pretrained model by the model's folder."""
    return name.replace("shipped/", "models/").removeprefix("ms_cxr/")


def _cleared(one: tuple[str, str, float, Entry]) -> float:
    return float(one[3]["normals_cleared"]["value"])


def _at(half: Entry, name: str) -> float:
    return 100 * float(half[name]["value"])


def _ends(half: Entry, name: str) -> tuple[float, float]:
    return 100 * float(half[name]["low"]), 100 * float(half[name]["high"])


def _percent(entry: Entry) -> str:
    return f"{100 * float(entry['value']):.0f} %"


_MEASURES = (("Dice, normal films", BLUE), ("consolidation kept", ORANGE), ("effusion kept", GREEN))


def _measured(row: Entry) -> list[Entry]:
    return [row["dice"]["normal, pooled"], row["kept"]["consolidation"], row["kept"]["effusion"]]


def _published(products: Sequence[tuple[str, str, str]]) -> str:
    """Return what published products clear and miss on films of their own; "" without products.

    >>> _published([("one", "0.1 %", "24.5 %"), ("another", "2 %", "53 %")])
    '; published supervised products, on other films, clear 24.5 to 53 % and miss 0.1 to 2 %'
    """
    if not products:
        return ""
    missed, cleared = ([float(one[place].removesuffix(" %")) for one in products] for place in (1, 2))
    return f"; published supervised products, on other films, clear {_ends_of(cleared)} % and miss {_ends_of(missed)} %"


def _ends_of(values: Sequence[float]) -> str:
    return " to ".join(dict.fromkeys(f"{end:g}" for end in (min(values), max(values))))


def _spent(row: Entry) -> str:
    """Return the trainings of a lung segmentation model: seeds, steps, pixels and width."""
    finder, seeds = row["finder"], len(row["seeds"])
    times = "" if seeds == 1 else f"{seeds} × "
    return f"{times}{finder['steps']:,} steps; {finder['size']} px; {finder['features']} features"


def lungs_screen(rows: Sequence[Entry], verdict: Mapping[str, str], least: tuple[float, float]) -> Screen | None:
    """Dice and the share of lesions kept, by finder.

    Args:
        rows: of `studies.lung_finder`.
        verdict: recipe → which targets its means reach.
        least: the targets: Dice, and the share kept.
    """
    if not rows:
        return None
    targets = (least[0], least[1], least[1])

    def margin(row: Entry) -> float:
        """Return the smallest of the row's three distances above its targets; negative if a target is missed."""
        return min(float(entry["value"]) - target for entry, target in zip(_measured(row), targets, strict=True))

    ordered = sorted(rows, key=margin, reverse=True)
    best = ordered[0]
    chart = forest(
        "Dice of the lung outlines and share of lesions kept, by lung segmentation model",
        [
            ChartRow(
                _finder(row) if number == 1 else "",
                (Mark(float(entry["value"]), entry["low"], entry["high"], _MEASURES[number][1]),),
                row is best,
            )
            for row in ordered
            for number, entry in enumerate(_measured(row))
        ],
        axis="mean over films and trainings [95 % interval]",
        span=(0.0, 1.0),
        rules=[
            ReferenceLine(least[0], f"target, Dice {least[0]:g}", BLUE),
            ReferenceLine(least[1], f"target, kept {least[1]:g}", GREY),
        ],
        kinds=dict(_MEASURES),
    )
    dice, consolidation, effusion = _measured(best)
    highest = max(rows, key=lambda row: float(row["dice"]["normal, pooled"]["value"]))
    said = [
        f"{_trained_finder(best)} has a Dice of {exact(dice)} on normal films, and "
        f"keeps {exact(consolidation)} of the consolidations and {exact(effusion)} of the effusions inside the "
        "lungs: of their visible area within the true lungs. (Of the whole visible area, which also covers heart and "
        f"diaphragm: {exact(best['whole']['consolidation'])} and {exact(best['whole']['effusion'])}.) "
        + ("It reaches all three targets." if margin(best) >= 0 else "No model reaches all three targets."),
    ]
    free = next((row for row in ordered if row["masks"] and "shenzhen" not in row["masks"]), None)
    if free is not None and free is not best:
        said.append(
            f"Of the models that learn from masks which may be redistributed, {_trained_finder(free)} is best: Dice "
            f"{exact(_measured(free)[0])}, and {exact(_measured(free)[2])} of the effusions."
        )
    if highest is not best:
        said.append(
            f"{_trained_finder(highest)} has the highest Dice, {exact(highest['dice']['normal, pooled'])}, and keeps "
            f"{exact(_measured(highest)[2])} of the effusions."
        )
    return Screen(
        page="results-lungs",
        figure=chart,
        alt="Dice and share of lesions kept for each lung segmentation model. "
        + " ".join(
            f"{_finder(row)} ({_spent(row)}): Dice {_measured(row)[0]['value']:.2f}, "
            f"consolidation {_measured(row)[1]['value']:.2f}, effusion {_measured(row)[2]['value']:.2f}."
            for row in ordered
        ),
        sentences=said,
        head=["Model", "Dice, normal films [95 %]", "consolidation kept", "effusion kept", "training", "targets"],
        lines=best_first(
            [
                f"`{_finder(row)}`",
                *(exact(entry) for entry in _measured(row)),
                _spent(row),
                verdict[str(row["recipe"])],
            ]
            for row in ordered
        ),
        notes=[
            "*Best*: the one whose least margin above its three targets is highest. Intervals cover films and, where "
            "there are several, trainings.",
            rendered("make results-lungs", "studies/results/lungs.jsonl"),
        ],
        answer=Answer(
            "Do the lungs that are found include the lesions?",
            f"{_trained_finder(best)}: Dice {exact(dice)}, {exact(consolidation)} of consolidations and "
            f"{exact(effusion)} of effusions kept",
            "make results-lungs",
            max(str(row["date"]) for row in rows),
        ),
    )


def _finder(row: Entry) -> str:
    return str(row["recipe"]).removeprefix("lungs/")


def _trained_finder(row: Entry) -> str:
    """Return the name of a lung segmentation model as code, with its trainings in brackets."""
    return f"`{_finder(row)}` ({_spent(row)})"
