"""The benchmark of imaging runs, on the smallest sizes, and its page says what the committed figures say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks.imaging import inputs, racing
from benchmarks.imaging.bounds import bounds, times_as_fast
from benchmarks.imaging.inputs import STEPS
from benchmarks.imaging.page import page
from benchmarks.imaging.plain_side import joseph
from benchmarks.imaging.plain_unet import PlainUNet
from unseen.physics import FourierMask, Tomography

ROOT = Path(__file__).parents[2]


def quick(out: Path, *words: str) -> dict[str, Any]:  # Any: JSON
    """Return the figures of `python -m benchmarks.imaging --quick` with these words."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.imaging",
            "--quick",
            f"--out={out}",
            f"--page={out.parent / 'p.md'}",
            *words,
        ],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    figures: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return figures


@pytest.mark.slow
@pytest.mark.nightly
def test_a_problem_is_measured_anew_and_the_others_kept(tmp_path: Path) -> None:
    committed = json.loads((ROOT / "studies" / "results" / "bench-imaging.json").read_text(encoding="utf-8"))
    kept = [row for row in committed["rows"] if row["case"]["problem"] == "multi-coil"]
    (tmp_path / "bench.json").write_text(json.dumps(committed | {"rows": kept}), encoding="utf-8")
    rows = quick(tmp_path / "bench.json", "--only", "tomography")["rows"]
    assert kept and rows[: len(kept)] == kept
    anew = rows[len(kept) :]
    measured = {(row["case"]["problem"], row["operation"], row["contender"]) for row in anew if "s" in row}
    assert {("tomography", name, "unseen") for name in ("forward", "adjoint", "pinv")} <= measured
    assert {("tomography", "fbp", "scikit-image"), ("tomography", "pinv", "scipy")} <= measured
    assert max(row["residual"] for row in anew if row["operation"] == "pinv") < 1e-3, "whoever solves, solves"


@pytest.mark.nightly
def test_the_benchmark_runs_and_says_what_it_measured(tmp_path: Path) -> None:
    figures = quick(tmp_path / "bench.json")
    measured = {(row["case"]["problem"], row["operation"], row["contender"]) for row in figures["rows"] if "s" in row}
    for problem in ("tomography", "mri", "multi-coil", "mask", "blur"):
        assert {(problem, name, "unseen") for name in ("forward", "adjoint", "pinv")} <= measured
    assert {("steps", name, contender) for name in STEPS for contender in ("unseen", "bare")} <= measured
    assert {
        ("tomography", "fbp", "scikit-image"),
        ("tomography", "pinv", "scipy"),
        ("mri", "forward", "bare"),
    } <= measured
    assert ("deepinv" in figures["peers"]) == any(contender == "deepinv" for *_, contender in measured)
    assert all(row["s"] > 0 for row in figures["rows"] if "s" in row)
    solved = [row["residual"] for row in figures["rows"] if row["operation"] == "pinv"]
    assert solved and max(solved) < 1e-3, "whoever solves, solves"
    assert {bound["met"] for bound in figures["bounds"]} == {None}, "nothing is asked of such sizes"


def test_without_the_peers_the_page_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.imaging import __main__ as main

    monkeypatch.setattr(main, "PEERS", ROOT / "no such environment")
    assert main._peers() == {}
    figures = {"rows": [], "peers": {}, "threads": 1, "measured": {}}
    figures["bounds"] = bounds(figures)
    assert "deepinv and ASTRA not there to be measured: `make peers`" in page(figures)


def test_the_page_is_rendered_from_the_committed_figures() -> None:
    figures = json.loads((ROOT / "studies" / "results" / "bench-imaging.json").read_text(encoding="utf-8"))
    rendered = (ROOT / "docs" / "speed-imaging.md").read_text(encoding="utf-8")
    assert rendered == page(figures), "Run python -m benchmarks.imaging --render"


def test_the_ratio_of_turns_is_the_median_of_each_turns_ratio() -> None:
    """A machine that was twice as slow in one turn was so for both sides."""
    ours, theirs = {"s": 1.0, "turns_s": [1.0, 2.0, 1.0]}, {"s": 1.5, "turns_s": [1.5, 3.0, 4.0]}
    assert times_as_fast(ours, theirs) == 1.5
    assert times_as_fast({"s": 1.0}, theirs) == 1.5, "the shortest, where one side has no turns"


def test_a_bound_is_shown_below_the_target_alone() -> None:
    def row(contender: str, seconds: float) -> dict[str, object]:
        case = {"problem": "mask", "size": 256}
        return {"case": case, "operation": "forward", "batch": 8, "contender": contender, "s": seconds}

    def bound_of(ours: float) -> str:
        rows = [row("unseen", ours), row("deepinv", 1.1), row("bare", 0.88)]
        machine = {"cpu": "a processor", "cores": 2, "torch": "2.13.0", "unseen": "0.3"}
        here = {"date": "2026-11-29", "machine": machine, "clock": "cpu", "load": 7.0}
        figures = {"rows": rows, "peers": {}, "threads": 1, "measured": {"mask": here}, "bounds": []}
        assert "CPU time, load average in the 15 minutes before 7.0" in page(figures)
        here["other_cores"] = 0.25
        assert "CPU time, other programs used 0.25 cores meanwhile" in page(figures)
        line = next(line for line in page(figures).splitlines() if line.startswith("| 256² | forward"))
        return line.split(" | ")[-1].rstrip(" |")

    assert bound_of(1.0) == "1.25"
    assert bound_of(0.5) == "–"


def test_a_bound_is_met_by_the_least_that_is_asked_and_missed_below() -> None:
    def figures(ours_s: float, residual: float) -> dict[str, object]:
        case = {"problem": "tomography", "size": 256, "views": 50}
        row = {"case": case, "operation": "pinv", "batch": 1}
        rows = [
            row | {"contender": "unseen", "s": ours_s, "residual": residual},
            row | {"contender": "deepinv", "s": 2.0, "residual": 1e-4},
        ]
        return {"rows": rows}

    def met(ours_s: float, residual: float) -> list[bool]:
        return [bound["met"] for bound in bounds(figures(ours_s, residual)) if bound["met"] is not None]

    assert met(0.1, 1e-4) == [True, True]
    assert met(0.11, 1e-4) == [False, True]
    assert met(0.1, 2e-4) == [True, False]


def test_scipys_matrix_is_the_packages_projector() -> None:
    A = Tomography(20, 7)
    x = inputs.images(1, 20, seed=0)
    expected = joseph(20, np.arange(7) * 180 / 7) @ x.flatten().numpy()
    assert np.allclose(A(x).flatten().numpy(), expected, atol=1e-4)


def test_the_mask_keeps_a_quarter_of_the_lines_and_the_coils_see_everything() -> None:
    mask = inputs.sampled_columns(64)
    assert int(mask[0].sum()) == 16 and bool(mask[0, 32])
    maps = inputs.coil_maps(16)
    assert torch.allclose(maps.abs().square().sum(dim=0), torch.ones(16, 16))
    assert FourierMask(torch.fft.ifftshift(mask)).norm() == pytest.approx(1)


def test_the_unet_has_as_many_parameters_as_deepinvs() -> None:
    net = PlainUNet(2)
    assert sum(weight.numel() for weight in net.parameters()) == 8_563_522
    assert net(torch.rand(1, 2, 16, 16)).shape == (1, 2, 16, 16)


@pytest.mark.nightly
def test_a_side_that_ends_early_is_an_error() -> None:
    with (
        pytest.raises(RuntimeError, match="ended while it was asked"),
        racing.sides(["plain"], threads=1) as running,
    ):
        running["plain"].ask({"build": {"problem": "tomography"}})


def test_the_page_says_where_a_step_is_not_different_from_deepinvs() -> None:
    def line_of(theirs: list[float]) -> str:
        row = {"case": {"problem": "steps", "size": 64, "batch": 2}, "operation": "EI step", "batch": 2}
        turns = {"unseen": [1.0] * len(theirs), "deepinv": theirs}
        rows = [row | {"contender": name, "s": min(times), "turns_s": times} for name, times in turns.items()]
        machine = {"cpu": "a processor", "cores": 2, "torch": "2.13.0", "unseen": "0.3"}
        measured = {"steps": {"date": "2026-11-29", "machine": machine}}
        figures = {"rows": rows, "peers": {}, "threads": 1, "measured": measured, "bounds": []}
        return next(line for line in page(figures).splitlines() if line.startswith("| EI step | 1.00"))

    assert "| 1.1 [1.1, 1.1] |" in line_of([1.1] * 9)
    assert "| 1.1 [0.9, 1.3], not different from 1 |" in line_of([0.9, 0.8, 0.9, 1.1, 1.1, 1.1, 1.2, 1.3, 1.4])
    assert "| 1.1 (too few turns for an interval) |" in line_of([1.1] * 3)


def test_turns_are_paired_and_the_warming_one_counts_for_none_or_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(racing, "MOST", 8)

    class Timed(racing.Side):
        """A side of which the times are given: the n-th call takes `scale` · n."""

        def __init__(self, scale: float, order: list[float]) -> None:
            self.scale, self.order, self.calls = scale, order, 0

        def ask(self, request: Any) -> dict[str, Any]:  # Any: JSON
            self.calls += 1
            self.order.append(self.scale)
            return {"s": [self.scale * self.calls] * len(request["seeds"]), "residual": None}

    def raced(short: float, long: float) -> tuple[list[float], list[float], list[float]]:
        order: list[float] = []
        entered = {("unseen", "EI step"): Timed(short, order), ("deepinv", "EI step"): Timed(long, order)}
        rows = racing._laps({"problem": "steps"}, "EI step", 2, entered, quick=False)
        return rows[0]["turns_s"], rows[1]["turns_s"], order

    for short, long, first in ((0.9, 1.1, 2), (1.1, 1.2, 1)):
        ours, theirs, order = raced(short, long)
        assert ours == pytest.approx([short * n for n in range(first, 10)])
        assert [b / a for a, b in zip(ours, theirs, strict=True)] == pytest.approx([long / short] * len(ours))
        assert order[:4] == [short, long, long, short]
