"""The sizing model: its queues against Erlang's formula, and its page against the kept figures."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

import pytest

from benchmarks.queueing import (
    Stage,
    constant,
    erlang_c,
    exponential,
    log_normal,
    mean_wait_s,
    simulate,
    wait_quantile_s,
)
from benchmarks.sizing import KEPT, Inputs, archived, measured, site, sized
from benchmarks.sizing_page import render

ROOT = Path(__file__).parents[2]
REPEATS, FILMS = 30, 2500
BEYOND = 3.66  # of Student's t with 29 degrees of freedom: 99.9 % of the means lie within


def interval(values: list[float]) -> tuple[float, float]:
    """Return the 99.9 % confidence interval of the mean."""
    mean, error = statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values))
    return mean - BEYOND * error, mean + BEYOND * error


def test_erlangs_formula_gives_its_known_values() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7), "one server: films wait as often as it is busy"
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert mean_wait_s(1, per_s=0.5, mean_s=1.0) == pytest.approx(1.0), "M/M/1: ρ / (μ − λ)"
    with pytest.raises(ValueError, match="no steady state"):
        erlang_c(2, 2.0)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize(("servers", "busy"), [(1, 0.6), (3, 0.75)])
def test_simulated_waits_are_those_of_erlangs_formula(servers: int, busy: float) -> None:
    """30 runs of 2,500 films. Power: the interval excludes the wait of a service that takes a tenth longer."""
    mean_s = 2.0
    per_s = servers * busy / mean_s
    stage = Stage(name="workers", servers=servers, service=exponential(mean_s))
    runs = [
        [way.waited_s[0] for way in simulate([stage], per_s=per_s, films=FILMS, seed=seed, warm=500)]
        for seed in range(REPEATS)
    ]
    low, high = interval([statistics.fmean(run) for run in runs])
    assert low < mean_wait_s(servers, per_s=per_s, mean_s=mean_s) < high
    assert high < mean_wait_s(servers, per_s=per_s, mean_s=1.1 * mean_s), "else this test could not fail"
    low, high = interval([statistics.quantiles(run, n=20)[18] for run in runs])
    assert 0.98 * low < wait_quantile_s(servers, per_s=per_s, mean_s=mean_s, share=0.95) < 1.02 * high


def test_stages_follow_one_another_and_a_seed_repeats() -> None:
    stages = [Stage(name="a", servers=1, service=constant(1.0)), Stage(name="b", servers=2, service=constant(3.0))]
    ways = simulate(stages, per_s=0.01, films=50, seed=4)
    assert len(ways) == 50 and min(way.after_s[1] for way in ways) == pytest.approx(4.0)
    assert ways == simulate(stages, per_s=0.01, films=50, seed=4) != simulate(stages, per_s=0.01, films=50, seed=5)


def test_a_log_normal_service_has_its_quantiles() -> None:
    import random

    rng, draw = random.Random(1), log_normal(0.1, 0.3)
    cut = statistics.quantiles([draw(rng) for _ in range(20_000)], n=20)
    assert cut[9] == pytest.approx(0.1, rel=0.03) and cut[18] == pytest.approx(0.3, rel=0.05)


def inputs(**given: float) -> Inputs:
    usual = Inputs(
        intake_s=0.04, score_s=0.5, write=(0.1, 0.15), writes_per_s=200.0, delivery_s=(0.5, 0.6), film_bytes=8_000_000,
        map_bytes=16_000, rendition_bytes=20_000, row_bytes=5_000, part_bytes=60.0,
    )  # fmt: skip
    return Inputs(**(vars(usual) | given))  # type: ignore[arg-type]  # numbers of one of them


def test_more_work_needs_more_workers_and_names_its_bottleneck() -> None:
    def of(per_year: int, **given: float) -> dict[str, object]:
        return site("there", per_year, inputs(**given), films=500, target_s=60.0, price=2.0, seed=0)

    small, large = of(100_000), of(7_000_000, score_s=20.0)
    assert small["workers"] == 1 and small["films_in_peak_hour"] == pytest.approx(32.9, abs=0.05)
    assert large["workers"] > 13, "20 s per film, 0.64 films per s"  # type: ignore[operator]  # a number
    assert small["bottleneck"] == "workers" and of(100_000, score_s=0.01)["bottleneck"] == "sender of results"
    assert small["cost_per_year"] == pytest.approx(100_000 * 0.54 / 3600 * 2.0, abs=0.01)
    assert of(100_000, score_s=90.0)["target_met"] is False, "a score takes longer than the target"
    row = archived(10_000_000, 100, inputs(), price=None)
    assert row["core_hours"] == pytest.approx(1388.9) and row["hours"] == pytest.approx(13.9)
    assert row["read_megabytes_per_s"] == 1600 and row["read_terabytes"] == 80.0 and row["cost"] is None


def test_the_page_shows_the_kept_figures() -> None:
    figures = json.loads(KEPT.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    start, end = page.index("<!-- sizing tables -->"), page.index("<!-- end of the sizing tables -->")
    assert page[start:end].removeprefix("<!-- sizing tables -->").strip() == render(figures)


@pytest.mark.slow
def test_the_kept_figures_follow_from_their_inputs() -> None:
    figures = json.loads(KEPT.read_text(encoding="utf-8"))
    settings = figures["settings"]
    found, sources = measured(KEPT.parent)
    again = sized(
        found, sources, films=settings["films"], target_s=settings["target_s"], cores=settings["cores"],
        price=settings["price_per_core_hour"], seed=settings["seed"],
    )  # fmt: skip
    assert json.loads(json.dumps(again)) == figures, "run `make sizing` after `make bench-scale` or `make bench-pacs`"
