"""docs/speed.md, from the figures of studies/results/bench.json alone."""

from __future__ import annotations

from typing import Any

from studies.evidence.screen import folded
from studies.evidence.speed import bench_screen

_NAMES = {
    "plain_fp32": "plain PyTorch, float32",
    "plain_bf16_autocast": "plain PyTorch, bfloat16 autocast",
    "unseen_torch": "`unseen`, runtime torch",
    "unseen_openvino": "`unseen`, runtime openvino",
}


def page(figures: dict[str, Any]) -> str:  # Any: JSON
    """Return the whole page as Markdown."""
    machine = figures["machine"]
    blocks = [
        "## Machine and method",
        f"Measured on {_processor(machine)}; torch {machine['torch']}, OpenVINO {machine['openvino']}, unseen "
        f"{machine['unseen']}; {figures['date']}. Other machines give other figures: without bfloat16 instructions "
        "above all. The candidates take turns in one process, so that load affects all of them equally. "
        "*Plain PyTorch* is GANomaly as one would write it from torch's own layers "
        "(`benchmarks/plain_ganomaly.py`), with the same first weights.",
        "## A training step",
        *(_training(figures) if "training_step" in figures else [f"*Not measured: {figures['skipped']}.*"]),
        "## A film's score",
        *_inference(figures["inference"], figures["date"]),
        *(["## A screened film", *_screening(figures["screening"], figures["date"])] if "screening" in figures else []),
        *(
            ["## The shipped ensemble", *_ensemble(figures["ensemble"], figures["date"])]
            if "ensemble" in figures
            else []
        ),
        "## Targets",
        _table(
            ["`ganomaly` at 256 px, 64 features; `pca` and the ensemble as they ship", "measured", "target", "met"],
            [
                [name, f"{bound['seen']:.3g}", bound["asked"], {True: "yes", False: "no", None: "–"}[bound["met"]]]
                for name, bound in figures["bounds"].items()
            ],
        ),
    ]
    return "\n\n".join(["# Speed of training and scoring", *bench_screen(figures).blocks(), *folded(blocks)]) + "\n"


def _training(figures: dict[str, Any]) -> list[str]:
    step, keeping, losses = (figures[name] for name in ("training_step", "keeping_memory", "losses"))
    recipe, bf16, fp32 = step["recipe"], losses["bf16"], losses["fp32"]
    variables = " ".join(f"{name}={value}" for name, value in keeping["environment"].items())
    return [
        f"`ganomaly`, {recipe['px']} px, {recipe['features']} features, {recipe['batch']} films per step, "
        f"threads: {recipe['threads']}. Seconds per step, median of {step['steps']} after one to warm up."
        f"{_later(step, figures['date'])}",
        _table(
            ["", "s", "times as fast"],
            [
                ["plain PyTorch, float32", f"{step['plain_fp32_s']:.2f}", "1.00"],
                ['`unseen`, `precision = "bf16"`', f"{step['unseen_bf16_s']:.2f}", f"{step['times_as_fast']:.2f}"],
            ],
        ),
        f"With `{variables}` in the environment, the C library of Linux keeps large blocks of memory from step to step "
        "instead of handing them back to the system. The package's step, alone in its process, then takes "
        f"{keeping['with_s']:.2f} s instead of {keeping['without_s']:.2f} s (median of {keeping['steps']}, threads: "
        f"{keeping['recipe']['threads']}), {1 - keeping['with_s'] / keeping['without_s']:.0%} less.",
        f"Rounding does not change the training: over the first {losses['steps']} steps, at "
        f"{losses['recipe']['px']} px and {losses['recipe']['features']} features, from the same weights on the same "
        f"batches, the weighted generator loss in bfloat16 lies {bf16['mean_relative_difference']:+.2%} from that of "
        f"plain float32 on average, {bf16['mean_absolute_relative_difference']:.2%} where the signs are left out. Two "
        "GANs diverge in any case: the package's own step in float32, which differs from the plain one in the order of "
        f"its sums alone, comes to {fp32['mean_relative_difference']:+.2%} and "
        f"{fp32['mean_absolute_relative_difference']:.2%}.",
    ]


def _processor(machine: dict[str, Any]) -> str:
    flags = ", ".join(f"`{flag}`" for flag in machine["flags"]) or "none that matter here"
    return f"{machine['cpu']}, {machine['cores']} cores, with the instructions {flags}"


def _later(part: dict[str, Any], date: str) -> str:
    """Return a sentence with the date, and machine, of a part that was measured apart from the others; otherwise ""."""
    if "machine" in part:
        return f" Measured on {part['date']} on {_processor(part['machine'])}."
    return f" Measured on {part['date']}." if part.get("date", date) != date else ""


def _inference(figures: dict[str, Any], date: str) -> list[str]:
    recipe = figures["recipe"]
    return [
        f"`ganomaly`, {recipe['px']} px, {recipe['features']} features, one film at a time, threads: "
        f"{recipe['threads']}; median over {figures['films']} films, from the network's input on. Compiling for "
        f"OpenVINO takes {figures['openvino_compiling_s']:.0f} s once.{_later(figures, date)}",
        _table(
            ["", "ms per film", "times as fast", "scores differ by at most"],
            [
                [
                    _NAMES[name],
                    f"{row['median_ms']:.1f}",
                    f"{row['times_as_fast']:.2f}",
                    f"{row['largest_difference_of_scores']:.3%}",
                ]
                for name, row in figures["contenders"].items()
            ],
        ),
    ]


def _screening(figures: dict[str, Any], date: str) -> list[str]:
    took = figures["median_ms"]
    return [
        f"`{figures['model']}` with its input gate, phantoms of {figures['film_px']} px, threads: "
        f"{figures['threads']}; medians over {figures['films']} films, which both ways see in turn. The screener finds "
        "a film's lungs once and hands them to the gate and the detector; in the other way each of the two finds them. "
        f"The scores are the same bit for bit.{_later(figures, date)}",
        _table(
            ["", "ms per film", "share of the time"],
            [
                ["lungs found by the gate and by the detector", f"{took['by_each']:.1f}", "1.00"],
                ["lungs found once", f"{took['once']:.1f}", f"{figures['median_ratio']:.2f}"],
            ],
        ),
    ]


def _ensemble(figures: dict[str, Any], date: str) -> list[str]:
    took = figures["median_ms"]
    return [
        f"`{figures['model']}`, phantoms of {figures['film_px']} px, threads: {figures['threads']}; from the film to "
        f"its score and map, lungs found included; medians over {figures['films']} films, which both runtimes see in "
        "turn. The lungs are the same pixel for pixel; the scores differ by at most "
        f"{figures['largest_difference_of_scores']:.1g} of themselves.{_later(figures, date)}",
        _table(
            ["", "ms per film", "times as fast"],
            [[_NAMES[f"unseen_{name}"], f"{ms:.1f}", f"{took['torch'] / ms:.2f}"] for name, ms in took.items()],
        ),
    ]


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
