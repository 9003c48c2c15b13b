"""Row files keep one line per row, whatever else is written at the same time, and merge without losing a row."""

from __future__ import annotations

import json
import shutil
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from studies.row_files import Conflict, Origin, file_of, merge_rows, read_rows, read_study, write_row

if TYPE_CHECKING:
    from studies.rows import Row

RESULTS = Path(__file__).parents[2] / "studies" / "results"


def row(name: str, seed: int = 0, *, digest: str = "a" * 64, version: str = "1", auroc: float = 0.7) -> Row:
    return {"recipe": name, "seed": seed, "recipe_digest": digest, "version": version, "auroc": auroc}


def lines_of(folder: Path, study: str) -> list[str]:
    return file_of(study, folder).read_text(encoding="utf-8").splitlines()


def write_many(folder: Path, worker: int) -> None:
    for i in range(20):
        write_row(row(f"pairs/worker-{worker}-{i}"), folder)


def test_a_row_is_one_line_of_its_study_that_begins_with_its_name(tmp_path: Path) -> None:
    one = row("pairs/pca") | {"says": "not plain: é, –, \u2028 and\na line break"}
    assert write_row(one, tmp_path) == "pairs/pca-0"
    assert write_row(row("unfinished"), tmp_path) == "unfinished-0"
    assert write_row({"comparison": []}, tmp_path, name="pairs/comparison-64") == "pairs/comparison-64"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.jsonl", "unfinished.jsonl"]
    text = file_of("pairs", tmp_path).read_text(encoding="utf-8")
    assert text.count("\n") == 2 and text.split("\n")[1].startswith('{"name": "pairs/pca-0", "recipe": "pairs/pca"')
    assert read_study("pairs", tmp_path) == {"pairs/comparison-64": {"comparison": []}, "pairs/pca-0": one}
    assert list(read_rows(tmp_path)) == ["pairs/comparison-64", "pairs/pca-0", "unfinished-0"]


def test_writing_a_row_again_replaces_its_line_alone(tmp_path: Path) -> None:
    for name in ("pairs/fold-0/b", "pairs/fold-0-other/a", "pairs/c", "pairs/fold-0/a"):
        write_row(row(name), tmp_path)
    before = lines_of(tmp_path, "pairs")
    names = [json.loads(line)["name"] for line in before]
    assert names == ["pairs/c-0", "pairs/fold-0/a-0", "pairs/fold-0/b-0", "pairs/fold-0-other/a-0"]
    write_row(row("pairs/fold-0/a", auroc=0.8), tmp_path)
    after = lines_of(tmp_path, "pairs")
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, True, True]
    assert read_study("pairs", tmp_path)["pairs/fold-0/a-0"]["auroc"] == 0.8


def test_processes_that_write_at_the_same_time_lose_no_row(tmp_path: Path) -> None:
    context = get_context("spawn")
    workers = [context.Process(target=write_many, args=(tmp_path, worker)) for worker in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert set(read_study("pairs", tmp_path)) == {f"pairs/worker-{n}-{i}-0" for n in range(3) for i in range(20)}
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_the_committed_files_are_as_a_write_leaves_them(tmp_path: Path) -> None:
    assert not [path for path in RESULTS.iterdir() if path.is_dir()], "a row in a file of its own is not read"
    for path in RESULTS.glob("*.jsonl"):
        if path.stem != "bench-history":
            copy = Path(shutil.copy(path, tmp_path))
            name, row = next(iter(read_study(path.stem, tmp_path).items()))
            write_row(row, tmp_path, name=name)
            unchanged = copy.read_bytes() == path.read_bytes()  # not in the assertion: its report takes minutes
            assert unchanged, f"{path.name}: the lines are not sorted by name"


def test_the_history_of_the_benchmark_is_no_study(tmp_path: Path) -> None:
    (tmp_path / "bench-history.jsonl").write_text('{"commit": "abc"}\n', encoding="utf-8")
    (tmp_path / "bench.json").write_text("{}", encoding="utf-8")
    assert read_rows(tmp_path) == {} == read_rows(tmp_path / "missing")
    with pytest.raises(ValueError, match="bench-history"):
        write_row({}, tmp_path, name="bench-history/x")


def test_a_row_that_cannot_be_read_back_is_refused(tmp_path: Path) -> None:
    write_row(row("pairs/pca"), tmp_path)
    before = file_of("pairs", tmp_path).read_bytes()
    with pytest.raises(ValueError, match="reserved"):
        write_row(row("pairs/other") | {"name": "mine"}, tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_row(row("pairs/other", auroc=float("nan")), tmp_path)
    with pytest.raises(ValueError, match="not a name of a study"):
        write_row(row("../pairs/other"), tmp_path)
    assert file_of("pairs", tmp_path).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]


def test_a_merge_adds_and_replaces_rows_and_keeps_those_in_conflict(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for name in ("same", "again", "other-recipe", "other-version", "only-here"):
        write_row(row(f"pairs/{name}"), here)
    write_row(row("pairs/same"), there)
    write_row(row("pairs/again", auroc=0.8), there)
    write_row(row("pairs/other-recipe", digest="b" * 64, auroc=0.9), there)
    write_row(row("pairs/other-version", version="2", auroc=0.9), there)
    write_row(row("pairs/only-there"), there)
    merged = merge_rows("pairs", file_of("pairs", there).read_text(encoding="utf-8").splitlines(keepends=True), here)
    assert merged.added == ("pairs/only-there-0",)
    assert merged.replaced == ("pairs/again-0",)
    assert merged.unchanged == ("pairs/same-0",)
    assert merged.conflicts == (
        Conflict("pairs/other-recipe-0", Origin("a" * 64, "1"), Origin("b" * 64, "1")),
        Conflict("pairs/other-version-0", Origin("a" * 64, "1"), Origin("a" * 64, "2")),
    )
    assert str(merged.conflicts[0]).startswith(
        "pairs/other-recipe-0: the committed row has recipe digest aaaaaaaa, version 1, "
        "the incoming row recipe digest bbbbbbbb, version 1"
    )
    rows = read_study("pairs", here)
    assert {name: one["auroc"] for name, one in rows.items()} == {
        "pairs/again-0": 0.8,
        "pairs/only-here-0": 0.7,
        "pairs/only-there-0": 0.7,
        "pairs/other-recipe-0": 0.7,
        "pairs/other-version-0": 0.7,
        "pairs/same-0": 0.7,
    }


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"name": "pairs/b-0", "version": "1"', ""], "line 1: not JSON"),
        (['{"name": "pairs/b-0"}', "", '{"name": "pairs/b-0"}'], "line 3: a second row"),
        (['{"name": "others/b-0"}'], "line 1: the name is 'others/b-0'"),
        (['{"recipe": "pairs/b"}'], "line 1: the name is None"),
        (["[1]"], "line 1: the name is None"),
    ],
)
def test_an_invalid_line_stops_a_merge_before_anything_is_written(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    write_row(row("pairs/pca"), tmp_path)
    before = file_of("pairs", tmp_path).read_bytes()
    with pytest.raises(ValueError, match=message):
        merge_rows("pairs", lines, tmp_path)
    with pytest.raises(ValueError, match="incoming rows"):
        merge_rows("pairs", ['{"name": "pairs/a-0"}', *lines], tmp_path)
    assert file_of("pairs", tmp_path).read_bytes() == before
