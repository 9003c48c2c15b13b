"""`unseen score --out parts/`: an archive in parts, whatever it is killed by and however many processes score it."""

from __future__ import annotations

import csv
import fcntl
import json
import random
import re
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import polars as pl
import psutil
import pytest

from tests.cli.conftest import LIMITS, Say, World, begin, run
from tests.warm_python import Started, warm_python
from unseen.artifacts.bundle import card_of
from unseen.data.manifest import entries
from unseen.runs.archive.plan import ArchiveError, ArchivePlan, read_parts
from unseen.screening.policy import Policy, SourcePolicy

FILMS = 41
FORKED = """
import multiprocessing

from unseen.runs import training

training.get_context = lambda _: multiprocessing.get_context("fork")  # no second import of torch; no thread runs yet
if __name__ == "__main__":
    from unseen.cli import main

    main()
"""
FULL = """
import resource

from unseen.cli import main

resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))  # a part has more bytes, the plan has fewer
main()
"""


@pytest.fixture(scope="module")
def manifest(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """41 rows: phantoms, some of them twice, with a torn file and a missing one among them."""
    folder = tmp_path_factory.mktemp("archive")
    films = [str(entry.path) for entry in entries(world.twins)]
    rows = [[path, "", f"site-{number % 3}"] for number, path in enumerate(islice(cycle(films), FILMS))]
    (folder / "torn.png").write_bytes(Path(films[0]).read_bytes()[:200])
    rows[7][0], rows[23][0] = "torn.png", "missing.png"
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "label", "source"], *rows])
    return folder / "manifest.csv"


@pytest.fixture(scope="module")
def whole(world: World, manifest: Path) -> Path:
    """The parts of a run that nothing disturbs."""
    out = manifest.parent / "whole"
    done = run("score", world.pca, "--data", manifest, "--out", f"{out}/", "--part-size", 2)
    assert done.code == 1, done.err
    return out


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".archive.lock"}


def kill(started: Started, folder: Path, *, parts: int) -> None:
    """Kill the command as soon as so many parts are there; returns once its workers have left, too."""
    family = []
    while started.poll() is None and len(list(folder.glob("part-*.parquet"))) < parts:
        time.sleep(0.002)
    if started.poll() is None:
        family = psutil.Process(started.pid).children(recursive=True)
        started.kill()
    started.wait(30)
    assert not psutil.wait_procs(family, timeout=30)[1], "a worker outlives its command"


def test_the_parts_hold_the_rows_of_one_table(say: Say, world: World, manifest: Path, whole: Path) -> None:
    table = manifest.parent / "table.parquet"
    assert say("score", world.pca, "--data", manifest, "--out", table).code == 1
    expected = pl.read_parquet(table)
    assert read_parts(whole).equals(expected)
    parts = pl.read_parquet(whole / "*.parquet")
    assert parts.drop("sha256").equals(expected), "other programs read the folder, in this order"
    assert (parts["sha256"].is_null() == (parts["status"] == "not_read")).all()
    unread = expected.filter(pl.col("status") == "not_read")
    assert unread["file"].to_list() == ["torn.png", "missing.png"] and unread["reason"].null_count() == 0
    sizes = [len(pl.read_parquet(path)) for path in sorted(whole.glob("part-*.parquet"))]
    assert sizes == [2] * 20 + [1]
    plan = json.loads((whole / "plan.json").read_text())
    assert plan["films"] == FILMS and plan["part_size"] == 2 and plan["limits"] == LIMITS
    assert len(plan["weights_sha256"]) == 64


def test_a_killed_run_loses_and_doubles_no_row(
    say: Say, world: World, manifest: Path, whole: Path, tmp_path: Path
) -> None:
    out, program = tmp_path / "parts", tmp_path / "forked.py"
    program.write_text(FORKED)
    words = ("score", world.pca, "--data", manifest, "--out", f"{out}/", "--part-size", 2, "--resume")
    first = warm_python().start(
        program, *words, "--workers", 2, cwd=tmp_path, environment={"OMP_NUM_THREADS": "1"},
        out=tmp_path / "out", err=tmp_path / "err",
    )  # fmt: skip
    kill(first, out, parts=3)
    (out / ".part-00000019.parquet.0000abcd.tmp").write_bytes(b"half a part")
    assert 3 <= len(list(out.glob("part-*.parquet"))) < 21, (tmp_path / "err").read_text()
    kept = {path: path.stat().st_mtime_ns for path in out.glob("part-*.parquet")}
    last = say(*words)
    assert last.code == 1 and "39 scored, 2 not read" in last.err, last.err
    assert re.search(rf"scored: {FILMS} of {FILMS}, \S+ films/s, \d+ s in all", last.err), last.err
    assert bytes_of(out) == bytes_of(whole)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "a part that is there is not scored again"
    assert say(*words).code == 1, "a complete run has nothing left to do, and still some that were not read"


@pytest.mark.nightly
@pytest.mark.slow
def test_two_processes_killed_at_any_moment_write_the_same_parts(
    world: World, manifest: Path, whole: Path, tmp_path: Path
) -> None:
    """Each worker is a new interpreter, as in use."""
    seed = random.randrange(2**32)
    moments, out = random.Random(seed), tmp_path / "parts"
    words = ("score", world.pca, "--data", manifest, "--out", f"{out}/", "--part-size", 2, "--resume", "--workers", 2)
    for number in range(2):
        kill(begin(*words, err=tmp_path / f"{number}"), out, parts=moments.randrange(1, 8) + 8 * number)
    last = run(*words)
    assert last.code == 1 and "39 scored, 2 not read" in last.err, (seed, last.err)
    assert bytes_of(out) == bytes_of(whole), seed


def test_other_input_is_refused_with_the_file_the_cause_and_the_cure(
    say: Say, world: World, manifest: Path, whole: Path, tmp_path: Path
) -> None:
    before = bytes_of(whole)
    usual = {"model": world.pca, "--data": manifest, "--out": f"{whole}/", "--part-size": 2, "--resume": None}
    for change, words in (
        ({"model": world.oracle}, "another model: pca with the digest"),
        ({"--data": world.twins}, "another manifest: "),
        ({"--part-size": 3}, "another part size: 2 films, not 3. Give --part-size 2"),
        ({"--maps": tmp_path / "maps"}, "another setting of --maps: without maps. Leave out --maps"),
    ):
        given = usual | change
        options = [word for name, value in given.items() if name != "model" for word in (name, value) if word]
        answer = say("score", given["model"], *options)
        assert answer.code == 2, answer.err
        assert f"{whole}/plan.json: the parts there were made with {words}" in answer.err, answer.err
    answer = say("score", world.pca, "--data", manifest, "--out", f"{whole}/", "--part-size", 2)
    assert answer.code == 2 and "there are parts in this folder. Add --resume, or give another" in answer.err
    assert bytes_of(whole) == before


def test_without_a_manifest_or_a_folder_of_parts_the_options_are_refused(
    say: Say, world: World, manifest: Path, tmp_path: Path
) -> None:
    answer = say("score", world.pca, "--data", world.bare, "--out", f"{tmp_path}/")
    assert answer.code == 2 and "parts are cut from a manifest. Give one with --data" in answer.err
    answer = say("score", world.pca, "--data", manifest, "--out", tmp_path / "s.parquet", "--resume")
    assert answer.code == 2 and "need a folder for the parts, such as --out parts/" in answer.err
    empty = tmp_path / "empty.csv"
    empty.write_text("file\n")
    answer = say("score", world.pca, "--data", empty, "--out", f"{tmp_path / 'parts'}/")
    assert answer.code == 2 and "empty.csv: lists no film" in answer.err
    answer = say("score", world.pca, "--data", tmp_path / "gone.parquet", "--out", f"{tmp_path / 'parts'}/")
    assert answer.code == 2 and "gone.parquet: the manifest cannot be read (No such file" in answer.err
    answer = say("score", world.pca, "--data", manifest, "--out", f"{tmp_path / 'strict'}/", "--strict")
    assert answer.code == 2 and "torn.png: " in answer.err and not list((tmp_path / "strict").glob("*.parquet"))


def test_a_full_disk_leaves_no_half_part(world: World, manifest: Path, tmp_path: Path) -> None:
    out, program = tmp_path / "parts", tmp_path / "full.py"
    program.write_text(FULL)
    done = run("score", world.pca, "--data", manifest, "--out", f"{out}/", program=program)
    assert done.code == 2 and "the disk is full" in done.err and "part-00000000.parquet" in done.err, done.err
    assert list(bytes_of(out)) == ["plan.json"]


def test_a_missing_or_torn_part_is_found(say: Say, world: World, manifest: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "parts"
    out.mkdir()
    for name, data in bytes_of(whole).items():
        (out / name).write_bytes(data)
    torn, words = out / "part-00000004.parquet", ("score", world.pca, "--data", manifest, "--out", out, "--resume")
    torn.write_bytes(torn.read_bytes()[:-40])
    answer = say(*words, "--part-size", 2)
    assert answer.code == 2 and f"{torn}: cannot be read" in answer.err and "Delete it and run" in answer.err
    torn.unlink()
    with pytest.raises(ArchiveError, match=r"part-00000004\.parquet: is missing, so the run is not complete"):
        read_parts(out)
    assert say(*words, "--part-size", 2).code == 1 and bytes_of(out) == bytes_of(whole)
    (out / "plan.json").unlink()
    answer = say(*words, "--part-size", 2)
    assert answer.code == 2 and "plan.json: is missing" in answer.err


def test_a_folder_is_used_by_one_run_at_a_time(say: Say, world: World, manifest: Path, tmp_path: Path) -> None:
    with (tmp_path / ".archive.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = say("score", world.pca, "--data", manifest, "--out", tmp_path)
    assert answer.code == 2 and "another run is writing into this folder" in answer.err


@pytest.fixture
def policy(world: World, whole: Path, tmp_path: Path) -> Iterator[Path]:
    """Clears two thirds of the films of one source."""
    scores = sorted(read_parts(whole)["score"].drop_nulls())
    source = SourcePolicy(abnormals=60, normals=tuple(scores[:30]), threshold=scores[26], allowed_misses=0)
    path = tmp_path / "policy.json"
    Policy(
        model="pca", weights_sha256=card_of(world.pca).weights_sha256, model_parts=card_of(world.pca).digests,
        max_miss_rate=0.1, confidence=0.95, level=0.95, sources={"ward": source},
    ).save(path)  # fmt: skip
    yield path


def test_a_study_whose_films_lie_in_several_parts_has_one_decision(
    say: Say, world: World, policy: Path, tmp_path: Path
) -> None:
    """Studies of three films that are 8 rows apart, and a film of one of them that is not read; as Parquet."""
    files = [str(entry.path) for entry in entries(world.twins)]
    files[3] = "missing.png"
    rows = {"file": files, "source": ["ward"] * 24, "patient": [f"p{n % 8}" for n in range(24)]}
    manifest, plain = tmp_path / "manifest.parquet", tmp_path / "manifest.csv"
    table = pl.DataFrame(rows | {"study": rows["patient"]})
    table.write_parquet(manifest)
    table.write_csv(plain)  # another process reads Parquet files, which takes half a second to start
    scored = ("score", world.pca, "--policy", policy)
    assert say(*scored, "--data", plain, "--out", tmp_path / "table.parquet").code == 1
    words = (*scored, "--data", manifest, "--out")
    answer = say(*words, f"{tmp_path / 'parts'}/", "--part-size", 9)
    assert answer.code == 1, answer.err
    expected = pl.read_parquet(tmp_path / "table.parquet")
    assert {"clear", "read", "not_scored"} == set(expected["decision"])
    assert "another film of its study is not cleared" in expected["reason"].to_list(), "else the test tests nothing"
    assert read_parts(tmp_path / "parts").equals(expected)
    part = pl.read_parquet(tmp_path / "parts" / "part-00000000.parquet")
    assert "decision" not in part.columns and part["film_decision"].null_count() == 0
    plan = ArchivePlan.load(tmp_path / "parts")
    assert plan is not None and plan.policy_sha256 == Policy.load(policy).digest
    again = say("score", world.pca, "--data", manifest, "--out", f"{tmp_path / 'parts'}/", "--part-size", 9, "--resume")
    assert again.code == 2 and "another policy: " in again.err and "Give the same policy" in again.err
