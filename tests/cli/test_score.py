"""`unseen score`: one row per input in input order, whatever became of it."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tests.cli.conftest import LIMITS, Say, World, run
from unseen.cli.score import _explain
from unseen.data.reading import films
from unseen.screening.gate import CODES
from unseen.screening.policy import Policy
from unseen.screening.screener import load

COLUMNS = ["file", "status", "score", "reason", "map", "percentile", "reference"]


@pytest.fixture
def mixed(world: World, tmp_path: Path) -> list[Path]:
    """Three films with a broken file and a missing one among them."""
    good = sorted(world.bare.iterdir())[:3]
    broken = tmp_path / "broken.png"
    broken.write_bytes(good[0].read_bytes()[:200])
    return [good[2], broken, good[0], tmp_path / "missing.png", good[1]]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_one_row_per_input_in_order_with_the_reason_where_one_is_broken(
    say: Say, world: World, mixed: list[Path], tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / "deep" / f"scores.{suffix}"
    answer = say("score", world.pca, *mixed, "--out", out)
    assert answer.code == 1, answer.err
    assert "3 scored, 2 not read" in answer.err and LIMITS in answer.err
    assert [line.split(": ")[1] for line in answer.err.splitlines() if line.startswith("  not read: ")] == [
        str(mixed[1]), str(mixed[3])
    ]  # fmt: skip
    table = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
    assert table.columns == COLUMNS
    assert table["file"].to_list() == [str(path) for path in mixed]
    assert table["status"].to_list() == ["scored", "not_read", "scored", "not_read", "scored"]
    assert [score is None for score in table["score"]] == [False, True, False, True, False]
    assert [reason is None for reason in table["reason"]] == [True, False, True, False, True]
    assert "no such file" in table["reason"][3]
    assert table["map"].null_count() == 5
    assert sorted(path.name for path in out.parent.iterdir()) == [out.name], "nothing else is left there"


def test_maps_are_named_by_digest_and_lie_on_the_networks_grid(
    say: Say, world: World, mixed: list[Path], tmp_path: Path
) -> None:
    maps = tmp_path / "maps"
    assert say("score", world.pca, *mixed, "--out", tmp_path / "s.parquet", "--maps", maps).code == 1
    named = pl.read_parquet(tmp_path / "s.parquet")["map"].to_list()
    digests = [getattr(film, "pixel_sha256", None) for film in films([str(path) for path in mixed])]
    assert named == [digest and f"{digest[:16]}.npy" for digest in digests]
    assert sorted(path.name for path in maps.iterdir()) == sorted(name for name in named if name)
    for name in filter(None, named):
        image = np.load(maps / name, allow_pickle=False)
        assert image.shape == (32, 32) and image.dtype == np.float32 and (image >= 0).all()


@pytest.mark.parametrize(("count", "start"), [(1, "[differs] 1 film: "), (6, "[differs] 6 films; for each: ")])
def test_the_explanation_of_a_remark_names_how_many_films_have_it(
    count: int, start: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _explain(Counter({"differs": count}))
    assert f"{start}The film is scored, and it is never cleared." in capsys.readouterr().err


def test_without_out_the_rows_are_printed(say: Say, world: World, mixed: list[Path]) -> None:
    answer = say("score", world.pca, *mixed)
    assert answer.code == 1
    lines = answer.out.splitlines()
    assert len(lines) == 5 and lines[1].startswith("not read\t") and lines[3].startswith("not read\t")
    assert [line.split("\t")[2] for line in lines] == [str(path) for path in mixed]
    assert float(lines[0].split("\t")[0]) > 0
    assert answer.err.count("columns, separated by tabs: score, percentile, file, reason\n") == 1, answer.err
    for option in ("--quiet", "--json"):
        assert "columns" not in (quiet := say("score", world.pca, *mixed, option)).out + quiet.err


def test_a_score_does_not_depend_on_what_else_is_scored(say: Say, world: World, mixed: list[Path]) -> None:
    rows = [line.split("\t") for line in say("score", world.oracle, *mixed).out.splitlines()]
    together = {file: score for score, _, file, *_ in rows}
    alone = say("score", world.oracle, mixed[2])
    assert alone.code == 0 and alone.out.split("\t")[0] == together[str(mixed[2])]


def test_a_manifest_a_folder_and_a_glob_are_scored_too(say: Say, world: World, tmp_path: Path) -> None:
    for source, count in ((world.twins, 24), (world.bare, 12), (world.bare / "*.png", 12)):
        assert say("score", world.pca, "--data", source, "--out", tmp_path / "s.csv").code == 0
        assert len(pl.read_csv(tmp_path / "s.csv")) == count


def test_a_folder_with_a_manifest_is_scored_file_by_file_with_a_warning(say: Say, world: World) -> None:
    folder = world.twins.parent
    answer = say("score", world.pca, folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(answer.out.splitlines()) == len(files), "no file is dropped"
    said = " ".join(answer.err.split())
    assert (
        f"warning: {folder} holds a manifest.csv, which is not used: each file of the folder is taken, masks and all. "
        f"For the films of the manifest alone, give {world.twins}" in said
    )
    for given in (("--data", world.twins), (world.bare,)):
        assert "which is not used" not in say("score", world.pca, *given).err


def test_a_film_named_twice_is_two_rows(say: Say, world: World) -> None:
    film = next(iter(sorted(world.bare.iterdir())))
    lines = say("score", world.pca, film, film).out.splitlines()
    assert len(lines) == 2 and lines[0] == lines[1]


def test_strict_stops_at_the_first_input_that_is_not_read(
    say: Say, world: World, mixed: list[Path], tmp_path: Path
) -> None:
    answer = say("score", world.pca, *mixed, "--strict", "--out", tmp_path / "s.parquet")
    assert answer.code == 2
    assert "broken.png" in answer.err and "Traceback" not in answer.err
    assert not (tmp_path / "s.parquet").exists(), "half a table is never left"
    assert say("score", world.pca, *mixed[::2], "--strict").code == 0


@pytest.mark.nightly
@pytest.mark.slow
def test_exit_statuses_of_the_installed_command(world: World, mixed: list[Path], tmp_path: Path) -> None:
    done = run("score", world.pca, mixed[0], "--out", tmp_path / "s.parquet")
    assert done.code == 0 and LIMITS in done.err, done.err
    some = run("score", world.pca, *mixed)
    assert some.code == 1 and len(some.out.splitlines()) == 5
    mistake = run("score", tmp_path / "no-model", mixed[0])
    assert mistake.code == 2 and "Traceback" not in mistake.err and "no-model" in mistake.err


def test_films_that_the_gate_would_refuse_are_warned_of_and_with_a_policy_counted(
    say: Say, world: World, tmp_path: Path
) -> None:
    """Noise is no chest film: without a policy it is scored, and the score is worth nothing."""
    noise = tmp_path / "noise"
    noise.mkdir()
    for seed in range(3):
        grey = np.random.default_rng(seed).integers(0, 256, (300, 300), dtype=np.uint8)
        Image.fromarray(grey).save(noise / f"{seed}.png")
    out = tmp_path / "s.csv"
    answer = say("score", "models/pca", noise, "--out", out)
    assert answer.code == 0 and "0 scored, 3 refused (the reason is in its row), 0 not read" in answer.err
    assert "warning: 3 of 3 films are refused by the input gate" in answer.err
    rows = pl.read_csv(out)
    assert set(rows["status"]) == {"scored"} and rows["reason"].null_count() == 0
    printed = say("score", "models/pca", noise)
    assert "warning: 3 of 3" in printed.err and len(printed.out.splitlines()) == 3
    codes = {line.rpartition(" [")[2].removesuffix("]") for line in printed.out.splitlines()}
    for code in codes:
        assert printed.err.count(f"[{code}] ") == 1 and CODES[code].explanation in " ".join(printed.err.split())
        assert CODES[code].explanation not in printed.out, "once under the table, not in each row"

    screener = load("models/pca")
    assert screener.gate is not None
    Policy(
        model="pca",
        weights_sha256=screener.detector.weights_sha256,
        model_parts=screener.parts,
        max_miss_rate=0.1,
        confidence=0.95,
        level=0.95,
        gate=screener.gate.thresholds,
    ).save(tmp_path / "policy.json")
    answer = say("score", "models/pca", noise, "--policy", tmp_path / "policy.json", "--out", out)
    assert "0 scored, 3 refused (the reason is in its row), 0 not read" in answer.err
    assert "warning" not in answer.err
    quiet = say("score", world.pca, noise, "--out", out)
    assert "warning" not in quiet.err, "a model without a gate cannot know"


@pytest.mark.parametrize("out", [False, True], ids=["printed", "written"])
def test_a_folder_without_films_is_a_mistake(say: Say, world: World, tmp_path: Path, out: bool) -> None:
    folders = tmp_path / "incoming", tmp_path / "other"
    for folder in folders:
        folder.mkdir()
    answer = say("score", world.pca, *folders, *(("--out", tmp_path / "s.csv") if out else ()))
    assert answer.code == 2 and answer.out == "" and not (tmp_path / "s.csv").exists()
    assert f"{folders[0]}, {folders[1]}: no film was found there. Give" in " ".join(answer.err.split())


def test_a_name_that_does_not_print_is_quoted_and_one_that_is_no_utf8_is_written(
    say: Say, world: World, tmp_path: Path
) -> None:
    some = next(world.bare.glob("*.png"))
    for name in (b"a\nb.png", b"\x1b[31mc.png", b"d\xff.png"):
        shutil.copy(some, os.path.join(os.fsencode(tmp_path), name))
    printed = say("score", world.pca, tmp_path)
    assert printed.code == 0 and len(printed.out.splitlines()) == 3, printed.err
    assert r"a\nb.png'" in printed.out and "\x1b[31m" not in printed.out and r"d\xff.png" in printed.out
    for ending in ("csv", "parquet"):
        out = tmp_path / "tables" / f"scores.{ending}"
        assert say("score", world.pca, tmp_path, "--out", out).code in (0, 1)
        files = (pl.read_csv if ending == "csv" else pl.read_parquet)(out)["file"].to_list()
        assert rf"{tmp_path}/d\xff.png" in files


def test_a_table_that_cannot_be_written_is_a_sentence(say: Say, world: World, tmp_path: Path) -> None:
    out = tmp_path / ("a" * 250 + ".csv")
    done = say("score", world.pca, next(world.bare.glob("*.png")), "--out", out)
    assert done.code == 2 and f"{out}: file name too long. Check the path" in " ".join(done.err.split())
