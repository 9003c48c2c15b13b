"""docs/speed-imaging.md, from the figures of studies/results/bench-imaging.json alone."""

from __future__ import annotations

from benchmarks.imaging.bounds import find, interval, seconds, times_as_fast
from benchmarks.imaging.contender import Settings
from benchmarks.imaging.inputs import STEPS
from studies.evidence.screen import folded, rendered
from studies.evidence.speed import imaging_speed_screen

TITLES = {
    "tomography": "Tomography",
    "mri": "MRI, one coil, a quarter of the lines",
    "multi-coil": "MRI, eight coils, a quarter of the lines",
    "mask": "A mask of pixels",
    "blur": "Circular blur",
}
CONTENDERS = ("unseen", "deepinv", "astra", "scikit-image", "scipy", "bare")
NAMES = {"unseen": "`unseen`", "astra": "ASTRA", "scipy": "SciPy", "bare": "bare torch"}
SAID = {
    "tomography": "Milliseconds. Parallel beam, ⌈√2 · size⌉ detectors. deepinv's adjoint is its default, the exact one "
    "by autograd; its pseudo-inverse conjugate gradients. SciPy multiplies by the projector as one sparse matrix, and "
    "solves by LSMR; scikit-image and ASTRA (on the CPU) take images one by one. *Residual*: ‖A*(y − A x)‖ / ‖A* y‖ "
    "of what the pseudo-inverse gave, the largest of all calls, each by its own A; y has 1 % of noise.",
    "mri": "Milliseconds. *Bare torch* is the Fourier transform alone, without a mask; so is SciPy.",
    "multi-coil": "Milliseconds. *Bare torch* is the coils' product and the Fourier transform, without a mask.",
    "mask": "Milliseconds. *Bare torch* is the product of two tensors.",
    "blur": "Milliseconds. Gaussian kernel of sigma 2, 17 × 17; deepinv's `BlurFFT`. *Bare torch* is the Fourier "
    "transform of the whole batch, the product with the spectrum of the kernel, and the transform back.",
}


NEEDS_NO_BOUND = 1.2
"""Times as fast as deepinv, from which on no bound is shown."""


def page(figures: Settings) -> str:
    """Return the whole page as Markdown."""
    peers = figures["peers"]
    there = [f"{name} {peers[key]}" for key, name in (("deepinv", "deepinv"), ("astra", "ASTRA")) if key in peers]
    missing = [name for key, name in (("deepinv", "deepinv"), ("astra", "ASTRA")) if key not in peers]
    beside = f"{' and '.join(there)} in an environment of their own (torch {peers['torch']})" if there else ""
    if missing:
        beside += f"{'; ' if there else ''}{' and '.join(missing)} not there to be measured: `make peers`"
    blocks = [
        "## Machine and method",
        f"Threads: {figures['threads']}; {beside}. {_where(figures['measured'])}. Each library has a process of its "
        "own, and they take turns call by call; every call gets an input that it has not seen. Times are the shortest "
        "of at least three calls, after one to warm up: other work on the machine only adds. Where *CPU time* is "
        "noted, times are medians over turns of the CPU time of the process, and ratios are medians of the ratios "
        "of each turn. *Bound*: the ratio that bare torch has in the same run, for operations below 1.2; "
        "a pseudo-inverse has that of the bare adjoint, which computes the same transforms.",
    ]
    for problem, title in TITLES.items():
        rows = [row for row in figures["rows"] if row["case"]["problem"] == problem and "s" in row]
        if rows:
            blocks += [f"## {title}", SAID[problem], _operations(rows)]
    blocks += _building(figures["rows"])
    blocks += _steps(figures)
    blocks += [
        "## Targets",
        _table(
            ["", "measured", "target", "met"],
            [
                [bound["what"], _figure(bound["seen"]), bound["asked"], _met(bound["met"])]
                for bound in figures["bounds"]
            ],
        ),
    ]
    first = imaging_speed_screen(figures)
    screen = [rendered("make bench-imaging", "studies/results/bench-imaging.json")] if first is None else first.blocks()
    return "\n\n".join(["# Speed of imaging", *screen, *folded(blocks)]) + "\n"


def _where(measured: Settings) -> str:
    """On which machine, and when, which problems were measured: a figure compares within one machine alone."""
    places: dict[str, list[str]] = {}
    for problem, here in measured.items():
        machine = here["machine"]
        place = (
            f"{machine['cpu']}, {machine['cores']} cores, torch {machine['torch']}, unseen {machine['unseen']}, "
            f"{here['date']}{_conditions(here)}"
        )
        places.setdefault(place, []).append(problem)
    return "; ".join(f"{', '.join(problems)}: {place}" for place, problems in places.items())


def _conditions(here: Settings) -> str:
    if "clock" not in here:
        return ""
    if "other_cores" in here:
        busy = f", other programs used {here['other_cores']:.2f} cores meanwhile"
    else:
        busy = f", load average in the 15 minutes before {here['load']:.1f}" if here["load"] > 1.5 else ""
    kept = ", freed memory kept by every process, so that no call pays for page faults" if here.get("kept") else ""
    again = f", in {here['rounds']} rounds of new processes" if here.get("rounds", 1) > 1 else ""
    return f", CPU time{busy}{kept}{again}"


def _operations(rows: list[Settings]) -> str:
    """Return a line for each operation at each size, a column for each contender."""
    there = [name for name in CONTENDERS if any(row["contender"] == name for row in rows)]
    keys = sorted(
        {(row["case"]["size"], row["case"].get("views", 0), row["operation"], row["batch"]) for row in rows},
        key=lambda key: (key[0], key[1], ("forward", "adjoint", "pinv", "fbp").index(key[2]), key[3]),
    )
    lines = []
    for size, views, operation, batch in keys:
        narrowing = {"size": size, **({"views": views} if views else {})}
        found = {name: find(rows, rows[0]["case"]["problem"], narrowing, operation, batch, name) for name in there}
        cells = [_milliseconds(found[name]) for name in there]
        ours, theirs = found.get("unseen"), found.get("deepinv")
        bare = found.get("bare")
        if bare is None and operation == "pinv":
            bare = find(rows, rows[0]["case"]["problem"], narrowing, "adjoint", batch, "bare")
        times, bound = _ratio(ours, theirs), _bound(ours, theirs, bare)
        where = f"{size}²" + (f", {views} views" if views else "")
        lines.append([where, operation, str(batch), *cells, times, *([bound] if "bare" in there else [])])
    head = ["", "", "batch", *(NAMES.get(name, name) for name in there), "times as fast as deepinv"]
    return _table([*head, *(["bound"] if "bare" in there else [])], lines)


def _ratio(ours: Settings | None, theirs: Settings | None) -> str:
    return f"{times_as_fast(ours, theirs):.3g}" if ours and theirs else "–"


def _spread(ours: Settings | None, theirs: Settings | None) -> str:
    """Return the interval of the ratio, and whether 1 lies in it."""
    if ours is None or theirs is None:
        return ""
    found = interval(ours, theirs)
    if found is None:
        return " (too few turns for an interval)"
    low, high = found
    return f" [{low:.3g}, {high:.3g}]{', not different from 1' if low <= 1 <= high else ''}"


def _bound(ours: Settings | None, theirs: Settings | None, bare: Settings | None) -> str:
    """Return the ratio of deepinv's time to bare torch's, where the package is not 1.2 times as fast as deepinv."""
    if ours is None or theirs is None or bare is None or times_as_fast(ours, theirs) >= NEEDS_NO_BOUND:
        return "–"
    return _ratio(bare, theirs)


def _building(rows: list[Settings]) -> list[str]:
    built = [row for row in rows if row["operation"] == "build" and row["case"]["problem"] != "steps"]
    if not built:
        return []
    lines = []
    for row in sorted(
        built, key=lambda row: (row["case"]["problem"], row["case"]["size"], row["case"].get("views", 0))
    ):
        case, contender = row["case"], str(row["contender"])
        where = f"{case['problem']} {case['size']}²" + (f", {case['views']} views" if "views" in case else "")
        lines.append(
            [
                where,
                NAMES.get(contender, contender),
                f"{row['build_s']:.2f}",
                f"{max(0, row['held_mib']):.0f}",
                f"{max(0, row['peak_mib']):.0f}",
            ]
        )
    return [
        "## Construction time and memory",
        "From nothing to the first measurement of one image and its adjoint, libraries already imported: seconds, "
        "and the memory that the process holds afterwards and held at most, beyond what it had before. It includes the "
        "pages of torch's code that an operation is the first to use.",
        _table(["", "", "s", "MiB held", "MiB at most"], lines),
    ]


def _steps(figures: Settings) -> list[str]:
    rows = [row for row in figures["rows"] if row["case"]["problem"] == "steps" and "s" in row]
    blocks = []
    if rows:
        case, lines = rows[0]["case"], []
        for operation in STEPS:
            ours, theirs, bare = (
                find(rows, "steps", {}, operation, case["batch"], name) for name in ("unseen", "deepinv", "bare")
            )
            cells = [f"{seconds(row):.2f}" if row else "–" for row in (ours, theirs, bare)]
            peaks = [str(row["peak_mib"]) if row and "peak_mib" in row else "–" for row in (ours, theirs)]
            times = f"{_ratio(ours, theirs)}{_spread(ours, theirs)}"
            lines.append([operation, *cells, times, _bound(ours, theirs, bare), *peaks])
        blocks += [
            "## A training step",
            f"Seconds. MRI at {case['size']}², batch {case['batch']}, a quarter of the lines, sigma 0.1 (REI); "
            "deepinv's default U-Net on both sides, layer by layer the same (8.6 M parameters; "
            "`benchmarks/imaging/plain_unet.py`), in float32; one rotation, bilinear. *Network alone*: the passes of "
            "the network in such a step, back through all of them, and Adam, in torch without this package: weights "
            "channels-last, Adam with torch's defaults. deepinv's side is its model and its losses in a plain loop, "
            "with torch's defaults: no memory format is set, and Adam is not fused. `unseen` is `learn` as it comes: "
            "channels-last, Adam fused, and freed memory kept for the next step. In brackets: the interval that holds "
            "the median of the turns' ratios at 95 %. *Shared pass*: `RecorruptedEquivariance`, two passes; deepinv's "
            "step is its REI, three passes. MiB: the largest memory of the process, after all three steps were built, "
            "in the order of the table.",
            _table(
                ["", "`unseen`", "deepinv", "network alone", "times as fast", "bound", "`unseen`, MiB", "deepinv, MiB"],
                lines,
            ),
        ]
    if precision := figures.get("precision"):
        blocks.append(
            f"The effect of bfloat16 on quality: after {precision['steps']} REI steps of the package's default network "
            f"at {precision['size']}², from the same weights, PSNR over 16 images that were not trained on is "
            f"{precision['bf16_db']:.2f} dB in bfloat16 and {precision['fp32_db']:.2f} dB in float32."
        )
    if estimators := figures.get("estimators"):
        low, high = estimators["interval_db"]
        found = {name: ", ".join(f"{value:.2f}" for value in estimators[f"{name}_db"]) for name in ("sure", "shared")}
        blocks.append(
            f"The effect of the shared pass on quality: after {estimators['steps']} steps of the package's default "
            f"network at {estimators['size']}², PSNR over 16 images that were not trained on is {found['shared']} dB "
            f"with the shared pass and {found['sure']} dB with SURE (seeds 0 to {estimators['seeds'] - 1}). The "
            f"difference is {estimators['difference_db']:+.2f} dB [{low:+.2f}, {high:+.2f}] (95 % interval over seeds; "
            "`python -m benchmarks.imaging.estimators`)."
        )
    return blocks


def _milliseconds(row: Settings | None) -> str:
    if row is None:
        return "–"
    wrong = f" (residual {row['residual']:.0e})" if "residual" in row else ""
    return f"{1000 * seconds(row):.3g}{wrong}"


def _figure(seen: float | None) -> str:
    return "–" if seen is None else f"{seen:.3g}"


def _met(met: bool | None) -> str:
    return {True: "yes", False: "no", None: "not measured"}[met]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
