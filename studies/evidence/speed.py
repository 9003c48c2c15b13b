"""First screens of the five pages of speed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from studies.evidence.charts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    VIOLET,
    ChartRow,
    Mark,
    ReferenceLine,
    Series,
    bars,
    plane,
)
from studies.evidence.screen import Answer, Screen, best_first, rendered

Figures = Mapping[str, Any]  # Any: JSON
SERIES = {
    "training_step": "training step, bfloat16",
    "film_openvino": "film, OpenVINO",
    "film_torch": "film, torch",
    "screened_film": "screened film",
    "ensemble_openvino": "ensemble, OpenVINO",
    "imaging_blur": "blur of 8 images, deepinv",
    "imaging_mask": "mask of 8 images, deepinv",
    "imaging_ei": "EI step, deepinv",
    "imaging_rei": "REI step, deepinv",
    "imaging_rei_shared": "REI step with a shared pass, deepinv",
}
"""Ratio of a line of the history → what it is called."""
RECEIVERS = {
    "node": "`unseen pacs`: durable when acknowledged",
    "orthanc": "Orthanc with its database in SQLite, `SyncStorageArea`",
    "pynetdicom": "bare pynetdicom: written, not waited for",
}
"""Receiver of films by DICOM → what it is called."""
TARGETS_MS = {10_000: 1000, 1_000_000: 1500}
"""Studies in the list → the longest median time of its first page in the browser."""
LIVE_TARGETS_MS = {"one": 1000, "together": 10_000}
"""Longest time from the drop on Live to the scores of three models: of one film, and of the last of 24."""
_NO_GAIN = 1.05  # times as fast, below which a difference is noise


def _bar(label: str, value: float, *, strong: bool = False, colour: str = BLUE) -> ChartRow:
    return ChartRow(label, (Mark(value, colour=colour),), strong)


def bench_screen(figures: Figures) -> Screen:
    """`speed.md`: how many times as fast as plain PyTorch a training step, a film and a screened film are."""
    contenders = figures["inference"]["contenders"]
    ratios: dict[str, tuple[float, str, str]] = {
        "a film's score, OpenVINO": _inferred(contenders, "unseen_openvino"),
        "a film's score, torch": _inferred(contenders, "unseen_torch"),
    }
    if "training_step" in figures:
        step = figures["training_step"]
        ratios["a training step, bfloat16"] = (
            step["times_as_fast"], f"{step['unseen_bf16_s']:.2f} s", f"{step['plain_fp32_s']:.2f} s",
        )  # fmt: skip
    if "screening" in figures:
        took = figures["screening"]["median_ms"]
        ratios["a screened film, lungs found once"] = (
            1 / figures["screening"]["median_ratio"], f"{took['once']:.1f} ms", f"{took['by_each']:.1f} ms",
        )  # fmt: skip
    if "ensemble" in figures:
        spent = figures["ensemble"]["median_ms"]
        ratios["a film by the shipped ensemble, OpenVINO"] = (
            spent["torch"] / spent["openvino"], f"{spent['openvino']:.1f} ms", f"{spent['torch']:.1f} ms",
        )  # fmt: skip
    ordered = sorted(ratios, key=lambda name: -ratios[name][0])
    best, plain = ordered[0], ratios["a film's score, torch"][0]
    asked = [bound["met"] for bound in figures["bounds"].values() if bound["met"] is not None]
    return Screen(
        page="speed",
        figure=bars(
            "Speed relative to the reference",
            [_bar(name, ratios[name][0], strong=name == best) for name in ordered],
            axis="times as fast as the reference",
            rules=[ReferenceLine(1, "reference", ORANGE)],
        ),
        alt="Bars of ratios: " + ", ".join(f"{name} {ratios[name][0]:.2f}" for name in ordered) + " times as fast.",
        sentences=[
            f"The largest gain is {ratios[best][0]:.2f}: {best} takes {ratios[best][1]} instead of {ratios[best][2]}.",
            f"With the runtime torch, a film's score is {plain:.2f} times as fast as plain PyTorch"
            + (": the gain needs OpenVINO." if plain < _NO_GAIN else "."),
            f"{sum(asked)} of {len(asked)} targets are met.",
        ],
        head=["what", "times as fast", "`unseen`", "reference"],
        lines=best_first([name, f"{ratios[name][0]:.2f}", *ratios[name][1:]] for name in ordered),
        notes=[
            "The reference is plain PyTorch in float32; of the screened film, the lungs found twice; of the shipped "
            "ensemble, the runtime torch.",
            rendered("make bench", "studies/results/bench.json"),
        ],
        answer=Answer(
            "How much faster than plain PyTorch are training and scoring?",
            ", ".join(f"{name} × {ratios[name][0]:.2f}" for name in ordered[:2]),
            "make bench",
            max(
                [
                    figures["date"],
                    *(part["date"] for part in figures.values() if isinstance(part, dict) and "date" in part),
                ]
            ),
        ),
    )


def _inferred(contenders: Figures, name: str) -> tuple[float, str, str]:
    ours, plain = contenders[name], contenders["plain_fp32"]
    return ours["times_as_fast"], f"{ours['median_ms']:.1f} ms", f"{plain['median_ms']:.1f} ms"


_HISTORY_COLOURS = (BLUE, ORANGE, GREEN, VIOLET, RED)


def history_screen(lines: Sequence[Figures]) -> Screen:
    """`speed-history.md`: the ratios of every run."""
    names = SERIES
    found = {
        name: [
            (number + 1.0, float(line["ratios"][name])) for number, line in enumerate(lines) if name in line["ratios"]
        ]
        for name in names
    }
    found = {name: points for name, points in found.items() if points}
    plotted = {name: points for name, points in found.items() if not name.startswith("imaging_")} or found
    top = max(value for points in plotted.values() for _, value in points)
    ordered = sorted(found, key=lambda name: -found[name][-1][1])
    best = ordered[0]
    return Screen(
        page="speed-history",
        figure=plane(
            "Ratios of each run of make bench",
            [
                Series(names[name], tuple(found[name]), colour)
                for name, colour in zip(plotted, _HISTORY_COLOURS, strict=False)
            ],
            x="run, oldest first",
            y="times as fast as the reference",
            xs=(0.8, len(lines) + 0.2),
            ys=(0, top * 1.1),
            at=[number + 1.0 for number in range(len(lines))],
            rules=[ReferenceLine(1, "reference", GREY)],
            height=150,
        ),
        alt="Ratios over the runs of make bench, oldest first. Latest: "
        + ", ".join(f"{names[name]} {found[name][-1][1]:.2f}" for name in ordered if name in plotted)
        + ".",
        sentences=[
            f"{len(lines)} runs of `make bench` and `make bench-imaging` are recorded, "
            f"from {lines[0]['date']} to {lines[-1]['date']}.",
            f"The highest latest ratio is that of {names[best]}, {found[best][-1][1]:.2f} times as fast as its "
            f"reference.",
            _lowest(found),
        ],
        head=["what", "first", "latest", "runs"],
        lines=best_first(
            [names[name], f"{found[name][0][1]:.2f}", f"{found[name][-1][1]:.2f}", str(len(found[name]))]
            for name in ordered
        ),
        notes=[
            "A ratio compares two programs that take turns on one machine. Compare runs on the same processor only.",
            rendered("make bench", "studies/results/bench-history.jsonl"),
        ],
        answer=Answer(
            "Has a change made it slower?",
            f"{len(lines)} runs; latest: "
            + ", ".join(f"{names[name]} × {found[name][-1][1]:.2f}" for name in ordered[:2]),
            "make bench",
            str(lines[-1]["date"]),
        ),
    )


def _lowest(found: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    again = [points for points in found.values() if len(points) > 1]
    slower = sum(points[-1][1] < points[0][1] for points in again)
    return (
        f"Of the {len(again)} ratios that were measured more than once, {slower} fell between the first run and the "
        f"latest."
        if again
        else "No ratio was measured more than once yet."
    )


def imaging_speed_screen(figures: Figures) -> Screen | None:
    """Return the first screen of `speed-imaging.md`, ratios to deepinv's times; None without a row of deepinv's."""
    ratios = _against_deepinv(figures)
    if not ratios:
        return None
    ordered = sorted(ratios, key=lambda key: -median(ratios[key]))
    best = ordered[0]
    slower = [key for key in ordered if median(ratios[key]) < 1]
    met = [bound["met"] for bound in figures["bounds"] if bound["met"] is not None]
    called = {key: f"{_SHORT.get(key[0], key[0])}, {key[1]}" for key in ratios}
    return Screen(
        page="speed-imaging",
        figure=bars(
            "Speed relative to deepinv",
            [_bar(called[key], median(ratios[key]), strong=key == best, colour=ORANGE if key in slower else BLUE)
             for key in ordered],
            axis="times as fast as deepinv (logarithmic)",
            logarithmic=True,
            rules=[ReferenceLine(1, "deepinv", GREY)],
        ),
        alt="Bars of how many times as fast as deepinv each operation is, median over sizes: "
        + ", ".join(f"{called[key]} {median(ratios[key]):.3g}" for key in ordered)
        + ".",
        sentences=[
            f"The largest gain over deepinv is in {called[best]}: {median(ratios[best]):.3g} times as fast, median "
            f"over sizes ({min(ratios[best]):.3g} to {max(ratios[best]):.3g}).",
            f"Slower than deepinv: {', '.join(f'{called[key]} ({median(ratios[key]):.2f})' for key in slower)}."
            if slower
            else "No operation is slower than deepinv's in the median.",
            f"{sum(met)} of {len(met)} targets are met.",
        ],
        head=["operation", "times as fast as deepinv, median", "least", "most"],
        lines=best_first(
            [called[key], *(f"{value:.3g}" for value in (median(ratios[key]), min(ratios[key]), max(ratios[key])))]
            for key in ordered
        ),
        notes=[
            "Over image sizes, numbers of views and batches. The networks' training steps are the same U-Net on both "
            "sides. *Shared pass*: REI with another estimate of the risk, which needs two network passes and not three "
            "([equations](theory/learning-from-measurements.md#rei-with-two-passes-a-step)); deepinv's step has three.",
            rendered("make bench-imaging", "studies/results/bench-imaging.json"),
        ],
        answer=Answer(
            "How fast are the operators of imaging?",
            f"{called[best]}: × {median(ratios[best]):.3g} against deepinv; {sum(met)} of {len(met)} targets met",
            "make bench-imaging",
            max(str(here["date"]) for here in figures["measured"].values()),
        ),
    )  # fmt: skip


_SHORT = {"tomography": "tomography", "mri": "MRI, one coil", "multi-coil": "MRI, eight coils", "mask": "pixel mask",
          "blur": "circular blur", "steps": "training"}  # fmt: skip


def _against_deepinv(figures: Figures) -> dict[tuple[str, str], list[float]]:
    """Problem and operation → the ratios of deepinv's time to ours, over sizes and batches."""
    times: dict[tuple[str, ...], dict[str, Figures]] = {}
    for row in figures["rows"]:
        if "s" in row and row["contender"] in {"unseen", "deepinv"}:
            case = row["case"]
            key = (case["problem"], row["operation"], str(case["size"]), str(case.get("views")), str(row["batch"]))
            times.setdefault(key, {})[row["contender"]] = row
    found: dict[tuple[str, str], list[float]] = {}
    for (problem, operation, *_), both in times.items():
        if len(both) == 2 and operation != "build":
            found.setdefault((problem, operation), []).append(_paired(both["unseen"], both["deepinv"]))
    return found


def _paired(ours: Figures, theirs: Figures) -> float:
    """Their time over ours: the median over turns, where both took turns, else of the shortest times."""
    if "turns_s" in ours and "turns_s" in theirs:
        return float(median(b / a for a, b in zip(ours["turns_s"], theirs["turns_s"], strict=False)))
    return float(theirs["s"] / ours["s"])


def list_screen(figures: Figures, reading: Figures | None) -> Screen:
    """`speed-list.md`: what a reader waits for, in the browser."""
    lists = figures["lists"]
    small, large = lists[0], lists[-1]
    names = list(small["browser_ms"])
    sizes = [f"{one['studies']:,}" for one in lists]
    first = [one["browser_ms"]["first"]["median"] for one in lists]
    slowest = max(names, key=lambda name: float(large["browser_ms"][name]["median"]))
    met = [one for one in lists if one["browser_ms"]["first"]["median"] <= TARGETS_MS.get(one["studies"], 0)]
    ordered = sorted(names, key=lambda name: float(large["browser_ms"][name]["median"]))
    third = (
        f"The slowest page is *{slowest}*, {large['browser_ms'][slowest]['median']:,.0f} ms with {sizes[-1]} studies."
    )
    if reading is not None:
        third += (
            f" In the viewer, the next film is painted {reading['film_to_film']['median_ms']:.0f} ms after the report "
            f"(95th percentile {reading['film_to_film']['p95_ms']:.0f} ms)."
        )
    return Screen(
        page="speed-list",
        figure=bars(
            "Milliseconds until a page of the list is painted",
            [
                ChartRow(
                    name if one is small else "",
                    (Mark(one["browser_ms"][name]["median"], colour=colour),),
                    name == ordered[0],
                )
                for name in ordered
                for one, colour in ((small, GREEN), (large, BLUE))
            ],
            axis="ms in the browser, median",
            kinds={f"{sizes[0]} studies": GREEN, f"{sizes[-1]} studies": BLUE},
        ),
        alt="Bars of milliseconds until a page of the list is painted: "
        + "; ".join(
            f"{name} {small['browser_ms'][name]['median']:.0f} with {sizes[0]} studies, "
            f"{large['browser_ms'][name]['median']:.0f} with {sizes[-1]}"
            for name in ordered
        )
        + ".",
        sentences=[
            f"The first page of the list is painted after {first[0]:.0f} ms with {sizes[0]} studies and after "
            f"{first[-1]:.0f} ms with {sizes[-1]}.",
            f"{len(met)} of {sum(one['studies'] in TARGETS_MS for one in lists)} targets for the first page are met.",
            third,
        ],
        head=["page, in the browser", *(f"{size} studies, ms" for size in sizes)],
        lines=best_first([name, *(_spent(one["browser_ms"][name]) for one in lists)] for name in ordered),
        notes=[
            "Median, and in brackets the 95th percentile.",
            rendered("make bench-pages", "studies/results/worklist-pages.json"),
        ],
        answer=Answer(
            "How long does a reader wait for the list?",
            f"First page {first[0]:.0f} ms with {sizes[0]} studies, {first[-1]:.0f} ms with {sizes[-1]} (medians)",
            "make bench-pages",
            str(figures["date"]),
        ),
    )


def _spent(entry: Figures) -> str:
    return f"{entry['median']:.0f} ({entry['p95']:.0f})"


def pacs_screen(figures: Figures) -> Screen:
    """`speed-pacs.md`: films per second."""
    rates, after, grown = figures["intake"]["per_s"], figures["results"], figures["memory"]["rss_mb"]
    ordered = sorted(rates, key=lambda name: -float(rates[name]["median"]))
    short = {"node": "unseen pacs", "orthanc": "Orthanc", "pynetdicom": "bare pynetdicom"}
    share = rates["node"]["median"] / rates[ordered[0]]["median"]
    return Screen(
        page="speed-pacs",
        figure=bars(
            "Films per second into each receiver",
            [
                _bar(
                    short[name],
                    rates[name]["median"],
                    strong=name == ordered[0],
                    colour=BLUE if name == "node" else GREY,
                )
                for name in ordered
            ],
            axis=f"films of {figures['intake']['bytes'] / 1e6:.1f} MB per second, median",
        ),
        alt="Bars of films per second: "
        + ", ".join(f"{short[name]} {rates[name]['median']:.1f}" for name in ordered)
        + ".",
        sentences=[
            f"`unseen pacs` stores {rates['node']['median']:.1f} films per second, each on the disk before it is "
            f"acknowledged: {100 * share:.0f} % of the rate of the fastest, {short[ordered[0]]}.",
            f"A report is in the archive {after['median_s']:.2f} s after its study is complete (95th percentile "
            f"{after['p95_s']:.2f} s).",
            f"Memory went from {grown[0]:.0f} MB to {grown[-1]:.0f} MB over {figures['memory']['objects']:,} objects.",
        ],
        head=["Receiver", "films/s, median", "least–most"],
        lines=best_first(
            [
                RECEIVERS[name],
                f"{rates[name]['median']:.1f}",
                f"{min(rates[name]['turns']):.1f}–{max(rates[name]['turns']):.1f}",
            ]
            for name in ordered
        ),
        notes=[rendered("make bench-pacs", "studies/results/pacs-speed.json")],
        answer=Answer(
            "How fast does the DICOM node store films?",
            f"{rates['node']['median']:.1f} films/s ({min(rates['node']['turns']):.1f}–"
            f"{max(rates['node']['turns']):.1f}); "
            f"{short[ordered[0]]} {rates[ordered[0]]['median']:.1f}",
            "make bench-pacs",
            str(figures["date"]),
        ),
    )
