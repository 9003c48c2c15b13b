"""From films to report: one row per input, bounded memory, a page that asks nothing of the network."""

from __future__ import annotations

import dataclasses
import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from unseen.data.film import Film, NotRead
from unseen.evaluation.assessment import evaluate
from unseen.evaluation.localisation import localise, on_grid_lesion
from unseen.evaluation.report import LIMITS, report_html
from unseen.evaluation.table import Scored, Scorer, score_schema, score_table

FilmMaker = Callable[..., Film]


def mixed(make_film: FilmMaker, n: int = 40) -> list[Film]:
    return [make_film(i, abnormal=i % 2 == 1) for i in range(n)]


def test_one_row_per_input_in_order(brightness: Scorer, make_film: FilmMaker, unread: NotRead) -> None:
    films = [*mixed(make_film, 6), unread, make_film(9, abnormal=False, fold="3")]
    table = score_table(brightness, films).table
    assert table.schema == pl.Schema(score_schema())
    assert table["file"].to_list() == [f.name for f in films]
    assert table["status"].to_list() == ["scored"] * 6 + ["not_read", "scored"]
    assert table["reason"][6] == "It ends after 12 bytes." and table["score"][6] is None
    assert table["fold"].to_list()[-1] is None, "one detector is one model, whatever a manifest's columns say"
    assert table["kind"].to_list()[:2] == [None, "nodule"]


def test_maps_are_the_callers_and_progress_is_told(brightness: Scorer, make_film: FilmMaker) -> None:
    seen: list[int] = []
    scored = score_table(
        brightness, mixed(make_film, 3), progress=seen.append, on_finding=lambda i, f: f"{i}-{f.anomaly_map.shape[0]}"
    )
    assert seen == [1, 2, 3]
    assert scored.table["map"].to_list() == ["0-32", "1-32", "2-32"]


def test_the_worst_films_are_kept_and_training_films_are_not_among_them(
    brightness: Scorer, make_film: FilmMaker
) -> None:
    films = mixed(make_film)
    trained = frozenset(f.pixel_sha256 for f in films[:10])
    scored = score_table(brightness, films, keep=3, exclude=trained)
    rest = scored.table.tail(30)
    worst = rest.filter(pl.col("label") == "abnormal").sort("score").head(3)["file"].to_list()
    loudest = rest.filter(pl.col("label") == "normal").sort("score", descending=True).head(3)["file"].to_list()
    assert [e.file for e in scored.misses] == worst
    assert [e.file for e in scored.false_alarms] == loudest


@pytest.mark.parametrize("order", [1, -1])
def test_films_of_training_patients_are_no_examples_in_any_order(
    brightness: Scorer, make_film: FilmMaker, order: int
) -> None:
    films = [dataclasses.replace(film, patient=f"p{i % 10}") for i, film in enumerate(mixed(make_film, 20))]
    trained = frozenset(film.pixel_sha256 for film in films[:2])
    done = evaluate(brightness, films[::order], exclude=trained, draws=20)
    expected = {film.name for film in films if film.patient not in ("p0", "p1")}
    assert {example.file for example in (*done.scored.misses, *done.scored.false_alarms)} == expected
    assert (done.trained_on, done.of_training_patients) == (2, 2)
    page = report_html(done.metrics, done.scored, exclude=trained)
    assert "2 training films and 2 other films of their patients left out" in page


def test_films_of_training_patients_that_come_first_leave_room_for_examples(
    brightness: Scorer, make_film: FilmMaker
) -> None:
    films = sorted(mixed(make_film, 12), key=lambda film: -float(film.pixels.mean()))
    normal = [film for film in films if film.label == "normal"]
    taught = dataclasses.replace(normal[0], patient="p")
    trained = dataclasses.replace(normal[1], patient="p")
    table = score_table(brightness, [taught, *normal[2:], trained], keep=1, exclude=frozenset([trained.pixel_sha256]))
    assert [one.file for one in table.false_alarms] == [normal[2].name]


def test_a_score_that_is_no_number_is_a_row_not_read(brightness: Any, make_film: FilmMaker) -> None:
    class Broken:
        def score(self, films: Any) -> Iterator[Any]:
            for finding in brightness.score(films):
                yield dataclasses.replace(finding, score=float("nan"))

    table = score_table(Broken(), mixed(make_film, 2)).table
    assert table["status"].to_list() == ["not_read"] * 2 and "score of nan" in table["reason"][0]


def test_many_films_keep_no_pixels(brightness: Scorer, make_film: FilmMaker) -> None:
    def peak(n: int) -> int:
        tracemalloc.start()
        score_table(brightness, (make_film(i, abnormal=i % 2 == 1) for i in range(n)), keep=2)
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(10)
    assert peak(60) - peak(20) < 40 * 4000  # bytes a row; a film's pixels alone are 9,216


def test_localisation_of_a_perfect_an_empty_and_a_tiny_lesion() -> None:
    lesion = np.zeros((8, 8), dtype=bool)
    lesion[2:4, 2:4] = True
    found = localise(lesion.astype(np.float32), lesion)
    assert found is not None and found.average_precision == 1.0 and found.hit and found.share == 4 / 64
    missed = localise(np.flip(lesion.astype(np.float32)).copy(), lesion)
    assert missed is not None and not missed.hit and missed.average_precision < 0.1
    assert localise(lesion.astype(np.float32), np.zeros((8, 8), dtype=bool)) is None
    flat = localise(np.zeros((8, 8), dtype=np.float32), lesion)
    assert flat is not None and not flat.hit and flat.average_precision == pytest.approx(4 / 64)
    coverage = np.zeros((8, 8), dtype=np.float32)
    coverage[1, 1] = 0.3
    assert on_grid_lesion(coverage).sum() == 1 and on_grid_lesion(coverage * 0).sum() == 0


def test_evaluate_writes_three_files(brightness: Scorer, make_film: FilmMaker, unread: NotRead, tmp_path: Path) -> None:
    films = [*mixed(make_film, 60), unread]
    trained = frozenset({films[0].pixel_sha256}) if isinstance(films[0], Film) else frozenset()
    done = evaluate(brightness, films, exclude=trained, out=tmp_path / "new", draws=100)
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["metrics.json", "report.html", "scores.parquet"]
    written = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert written == done.metrics and written["excluded_training_films"] == 1 and done.not_read == 1
    assert set(written["localisation"]) == {"pooled", "nodule"}
    assert pl.read_parquet(tmp_path / "new" / "scores.parquet").equals(done.table)


def test_the_report_is_one_file_that_says_what_it_is_not_for(
    brightness: Scorer, make_film: FilmMaker, unread: NotRead, tmp_path: Path
) -> None:
    evaluate(brightness, [*mixed(make_film, 60), unread], out=tmp_path, draws=100)
    page = (tmp_path / "report.html").read_text()
    assert page.index(LIMITS) < page.index("<main>")
    assert not re.search(r"https?:|//[a-z]|<script|@import|<link", re.sub(r"base64,[A-Za-z0-9+/=]+", "", page))
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert "<b>1</b>.png" not in page and "&lt;b&gt;1&lt;/b&gt;.png" in page
    assert "broken.png" in page and "It ends after 12 bytes." in page
    assert "Worst misses" in page and "False alarms" in page and "prefers-color-scheme: dark" in page


@pytest.mark.nightly
def test_a_detector_that_gives_no_image_back_has_none_in_the_report(brightness: Any, make_film: FilmMaker) -> None:
    class Tells:
        def score(self, films: Any) -> Iterator[Any]:
            for finding in brightness.score(films):
                yield dataclasses.replace(finding, reconstruction=None)

    done = [evaluate(scorer, mixed(make_film), draws=20) for scorer in (brightness, Tells())]
    pages = [report_html(one.metrics, one.scored) for one in done]
    assert [page.count('alt="Reconstruction"') > 0 for page in pages] == [True, False]
    assert [page.count('alt="Residual"') > 0 for page in pages] == [True, True]


def test_a_report_of_almost_nothing_still_reads(brightness: Scorer, make_film: FilmMaker, unread: NotRead) -> None:
    for films in ([], [unread], [make_film(0, abnormal=True)], [make_film(i, abnormal=False) for i in range(3)]):
        done = evaluate(brightness, films, draws=20)
        page = report_html(done.metrics, done.scored)
        assert "No AUROC" in page and LIMITS in page


def test_a_report_can_be_made_of_a_table_alone(make_table: Callable[..., pl.DataFrame]) -> None:
    from unseen.evaluation.metrics import metrics_from_table

    table = make_table(200, folds=4)
    page = report_html(metrics_from_table(table, draws=50), Scored(table))
    assert "mean of 4 folds" in page and "montgomery or shenzhen" in page


@pytest.mark.parametrize(("shift", "title"), [(0.0, "Read this before"), (2.0, "Above every trivial statistic")])
def test_the_title_of_the_verdict_states_above_only_where_the_detector_is(
    make_table: Callable[..., pl.DataFrame], shift: float, title: str
) -> None:
    from unseen.evaluation.metrics import entry_at, metrics_from_table, text_at

    table = make_table(200, shift=shift)
    metrics = metrics_from_table(table, draws=50)
    page = report_html(metrics, Scored(table))
    assert text_at(metrics, "shortcuts", "verdict", "pooled").startswith("No strong shortcut")
    assert f"<strong>{title}" in page
    above = entry_at(metrics, "shortcuts", "above_all", "pooled")
    assert ("<strong>Above every trivial statistic" in page) == above


def test_text_contrast_is_wcag_aa_in_light_and_dark() -> None:
    from importlib.resources import files

    style = (files("unseen.evaluation") / "templates" / "report.html.j2").read_text(encoding="utf-8")

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    blocks = [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", b)) for b in re.findall(r":root \{(.*?)\}", style, re.S)]
    assert len(blocks) == 3  # the last is for print, which always lies on white
    for theme in blocks[:2]:
        pairs = [(t, g) for t in ("ink", "soft") for g in ("page", "card")]
        pairs += [(k, f"{k}-bg") for k in ("good", "warn", "unknown")] + [("ink", f"{k}-bg") for k in ("good", "warn")]
        for text, ground in [*pairs, ("page", "ink")]:
            light, dark = sorted((luminance(theme[text]), luminance(theme[ground])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)
