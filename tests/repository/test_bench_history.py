"""The history of the benchmarks: lines are added and never changed, and its page and figure show all of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.history import append, entry, imaging_entry, page, read
from studies.evidence.speed import SERIES, history_screen

ROOT = Path(__file__).parents[2]
HISTORY = ROOT / "studies" / "results" / "bench-history.jsonl"
MACHINE = {"cpu": "a processor", "cores": 2, "torch": "2.13.0"}


def run(px: int = 256, **more: Any) -> dict[str, Any]:
    contenders = {"unseen_openvino": {"times_as_fast": 5.0}, "unseen_torch": {"times_as_fast": 1.0}}
    inference = {"recipe": {"px": px, "features": 64}, "contenders": contenders}
    return {"date": "2026-01-02", "machine": MACHINE, "inference": inference} | more


def test_a_run_is_a_line_of_date_machine_and_ratios() -> None:
    training = {"recipe": {"px": 256, "features": 64}, "times_as_fast": 2.5}
    figures = run(training_step=training, screening={"median_ratio": 0.5})
    figures |= {"ensemble": {"median_ms": {"torch": 90.0, "openvino": 60.0}}}
    assert entry(figures, {"training_step", "inference", "screening", "ensemble"}) == {
        "date": "2026-01-02",
        "machine": MACHINE,
        "ratios": {
            "training_step": 2.5,
            "film_openvino": 5.0,
            "film_torch": 1.0,
            "screened_film": 2.0,
            "ensemble_openvino": 1.5,
        },
    }
    only = entry(figures, {"inference"})
    later = entry(run(screening={"median_ratio": 0.5, "date": "2026-02-03"}), {"screening"})
    assert later is not None and later["date"] == "2026-02-03", "a part that was measured alone has its own date"
    assert only is not None and set(only["ratios"]) == {"film_openvino", "film_torch"}, "the rest is of earlier runs"


def test_a_run_of_the_imaging_benchmark_is_a_line_of_ratios_to_deepinv() -> None:
    def row(problem: str, operation: str, contender: str, *turns_s: float) -> dict[str, Any]:
        case = {"problem": problem, "size": 256}
        return {"case": case, "operation": operation, "batch": 8, "contender": contender, "s": 9, "turns_s": turns_s}

    rows = [
        row("blur", "forward", "unseen", 1.0, 4.0, 1.0),
        row("blur", "forward", "deepinv", 2.0, 6.0, 2.0),
        row("steps", "EI step", "unseen", 1.0),
        row("steps", "EI step", "deepinv", 1.0),
        row("mask", "forward", "unseen", 1.0),
    ]
    here = {"date": "2026-01-02", "machine": MACHINE}
    figures = {"rows": rows, "measured": {"blur": here, "mask": here, "steps": here}}
    line = imaging_entry(figures, {"blur", "mask"})
    assert line == here | {"ratios": {"imaging_blur": 2.0}}, "one of them alone has no deepinv, the other is not new"
    assert imaging_entry(figures, {"mask"}) is None


def test_a_small_run_leaves_no_line() -> None:
    assert entry(run(px=32), {"inference"}) is None
    assert entry(run(), {"training_step"}) is None


def test_a_line_is_added_behind_the_others(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append({"n": 1}, path)
    before = path.read_bytes()
    append({"n": 2}, path)
    assert path.read_bytes().startswith(before)
    assert read(path) == [{"n": 1}, {"n": 2}]


def test_the_committed_page_and_figure_show_every_committed_line() -> None:
    lines = read(HISTORY)
    rendered = (ROOT / "docs" / "speed-history.md").read_text(encoding="utf-8")
    assert rendered == page(lines), "Run python -m benchmarks --render"
    assert rendered.count(lines[-1]["machine"]["torch"]) == len(lines)
    svg = (ROOT / "docs" / history_screen(lines).image).read_text(encoding="utf-8")
    for name in {name for line in lines for name in line["ratios"]}:
        assert SERIES[name] in rendered
        assert name.startswith("imaging_") or SERIES[name] in svg


def test_lines_stand_in_the_order_of_their_dates_and_none_is_later_than_the_figures() -> None:
    figures, imaging = (
        json.loads((ROOT / "studies" / "results" / name).read_text(encoding="utf-8"))
        for name in ("bench.json", "bench-imaging.json")
    )
    dates = [line["date"] for line in read(HISTORY)]
    measured = [
        figures["date"],
        *(part["date"] for part in figures.values() if isinstance(part, dict) and "date" in part),
        *(here["date"] for here in imaging["measured"].values()),
    ]
    assert dates == sorted(dates) and dates[-1] <= max(measured)


def test_the_same_lines_draw_the_same_figure(tmp_path: Path) -> None:
    line = entry(run(), {"inference"})
    assert line is not None
    first, second = (history_screen([line, line]).write(tmp_path / name).read_bytes() for name in ("a", "b"))
    assert first == second and len(first) < 50_000
