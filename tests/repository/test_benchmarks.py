"""The benchmarks run, on the smallest sizes, and the page of speed says what the committed figures say."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.machine import computes_bfloat16
from benchmarks.page import page
from benchmarks.training_step import race
from tests.warm_python import warm_python

ROOT = Path(__file__).parents[2]
SMALL = {"size": 32, "features": 4, "batch": 2, "steps": 2, "films": 2, "threads": 1}
SMALL_LOSSES = {"loss-size": 16, "loss-features": 4, "loss-epochs": 1}


def test_a_training_step_is_timed_beside_the_plain_one_from_equal_losses() -> None:
    found = race(size=32, features=4, batch=2, batches=2, epochs=1, threads=1, precision="fp32")
    assert len(found.unseen_s) == len(found.plain_s) == 2
    assert found.unseen_loss == pytest.approx(found.plain_loss, rel=1e-3)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("openvino") is None and not os.environ.get("CI"), reason='No OpenVINO: pip install "unseen[openvino]".'
)
def test_one_part_is_measured_again_and_the_others_are_kept(tmp_path: Path) -> None:
    committed = (ROOT / "studies" / "results" / "bench.json").read_text(encoding="utf-8")
    (tmp_path / "bench.json").write_text(committed, encoding="utf-8")
    figures = measured(tmp_path, "--only=inference")
    before = json.loads(committed)
    assert figures["inference"] != before["inference"]
    assert figures["machine"] == before["machine"] and "cpu" in figures["inference"]["machine"], "where it was measured"
    assert figures["training_step"] == before["training_step"] and figures["screening"] == before["screening"]


def measured(folder: Path, *more: str) -> dict[str, Any]:
    words = [*(f"--{name}={value}" for name, value in (SMALL | SMALL_LOSSES).items()), *more]
    kept = {"out": "bench.json", "page": "p.md", "history": "history.jsonl", "history-page": "history.md"}
    words += [f"--{name}={folder / file}" for name, file in kept.items()]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = warm_python().run(ROOT / "benchmarks" / "__main__.py", *words, cwd=ROOT, environment=environment)
    assert done.code == 0, done.err[-2000:]
    figures: dict[str, Any] = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
    return figures


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("openvino") is None and not os.environ.get("CI"), reason='No OpenVINO: pip install "unseen[openvino]".'
)
def test_the_benchmarks_run_and_say_what_they_measured(tmp_path: Path) -> None:
    figures = measured(tmp_path)
    assert {"date", "machine", "inference", "bounds"} <= set(figures)
    assert {"cpu", "cores", "flags", "torch", "openvino"} <= set(figures["machine"])
    assert set(figures["inference"]["contenders"]) == {
        "plain_fp32",
        "plain_bf16_autocast",
        "unseen_torch",
        "unseen_openvino",
    }
    assert {bound["met"] for bound in figures["bounds"].values()} == {None}, "nothing is asked of such sizes"
    if not computes_bfloat16():
        assert "bfloat16" in figures["skipped"]
        return
    assert {"recipe", "unseen_bf16_s", "plain_fp32_s", "times_as_fast"} <= set(figures["training_step"])
    assert {"environment", "without_s", "with_s"} <= set(figures["keeping_memory"])
    losses = figures["losses"]
    assert len(losses["bf16"]["unseen"]) == len(losses["bf16"]["plain"]) == 10
    first = losses["fp32"]
    assert first["unseen"][0] == pytest.approx(first["plain"][0], rel=1e-4), "the same weights, the same losses"


def test_the_page_is_rendered_from_the_committed_figures() -> None:
    figures = json.loads((ROOT / "studies" / "results" / "bench.json").read_text(encoding="utf-8"))
    rendered = (ROOT / "docs" / "speed.md").read_text(encoding="utf-8")
    assert rendered == page(figures), "Run python -m benchmarks --render"
