"""The benchmarks of serving and of reading run, and say what they measured."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks import film_transfer
from tests.docs.blocks import ROOT
from unseen_server.web.film_residuals import residuals


def figures_of(benchmark: str, words: str) -> Any:  # Any: JSON
    """Run a benchmark as its users do, and return the figures that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", benchmark, *words.split()],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.nightly
@pytest.mark.slow
def test_the_benchmark_of_serving_runs() -> None:
    figures = figures_of("benchmarks.serving", "--seconds 2")
    assert 0 < figures["median_s"] <= figures["p95_s"] and figures["films_per_second"] >= 0
    assert min(figures["rss_start_bytes"], figures["rss_end_bytes"]) > 0


@pytest.mark.nightly
def test_the_benchmark_of_reading_runs(program: Callable[..., str]) -> None:
    program("chromium", "chromium-headless-shell")
    words = "--studies 200 --readers 2 --loads 1 --films 2 --drops 1 --look 0.5 --side 256 --drop-side 512"
    figures = figures_of("benchmarks.reading", words)
    counts = {name: figures[name]["count"] for name in ("first_page", "film_to_film", "windowing", "drop_to_score")}
    assert counts == {"first_page": 2, "film_to_film": 4, "windowing": 480, "drop_to_score": 1}
    for name in counts:
        assert 0 < figures[name]["median_ms"] <= figures[name]["p95_ms"] <= figures[name]["most_ms"]
    assert {"cpu", "cores"} <= set(figures["machine"]) and figures["studies"] == 200


@pytest.mark.nightly
def test_the_benchmark_of_live_measures_films_with_scores_of_three_models(program: Callable[..., str]) -> None:
    program("chromium", "chromium-headless-shell")
    words = "--drops 2 --at-once 3 --side 512"
    figures = figures_of("benchmarks.live", words)
    assert {name: figures[name]["count"] for name in ("first", "one", "together")} == {
        "first": 1,
        "one": 2,
        "together": 3,
    }
    for name in ("first", "one", "together"):
        assert 0 < figures[name]["median_ms"] <= figures[name]["most_ms"]
    assert figures["models"][0] == "models/phantom-screener" and len(figures["models"]) == 3


@pytest.mark.parametrize(("bits", "dtype"), [(8, np.uint8), (12, np.uint16)])
def test_the_benchmark_of_film_transfer_encodes_each_form_without_loss(
    bits: int, dtype: type[np.uint8] | type[np.uint16]
) -> None:
    samples = np.random.default_rng(0).integers(0, 2**bits, (48, 31), dtype=dtype)
    encoded = {form: encode(samples, bits) for form, encode in film_transfer.FORMS.items()}
    assert encoded["samples"] == samples.astype("<u2").tobytes() == gzip.decompress(encoded["gzip"])
    assert gzip.decompress(encoded["residuals"]) == residuals(samples, bits=bits).tobytes()
    low, high = np.split(np.array(Image.open(io.BytesIO(encoded["png"]))).astype(int), 2)
    assert (low + 256 * high == samples).all()
    red, green, _ = np.moveaxis(np.array(Image.open(io.BytesIO(encoded["webp"]))).astype(int), 2, 0)
    assert (red + 256 * green == samples).all()


@pytest.mark.nightly
def test_the_benchmark_of_film_transfer_runs(program: Callable[..., str], tmp_path: Path) -> None:
    program("chromium", "chromium-headless-shell")
    film = tmp_path / "film.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 200), dtype=np.uint8)).save(film)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.film_transfer", film, "--turns", "2"],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (figures,) = json.loads(done.stdout)["films"]
    assert set(figures["forms"]) == set(film_transfer.FORMS) and (figures["height"], figures["width"]) == (300, 200)
