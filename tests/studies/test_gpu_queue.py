"""The queue for a GPU, on the CPU: packs, limits, kills, what is returned, and the merge."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from studies import recipe_files as recipes
from studies.gpu_queue import returned
from studies.gpu_queue.__main__ import main as command
from studies.gpu_queue.__main__ import parsed
from studies.gpu_queue.entries import OUTLOOK, Work, chosen, queue, source_entries
from studies.gpu_queue.packing import write_packs
from studies.gpu_queue.page import BEGIN, END, cost_cell, costs_of, costs_table
from studies.gpu_queue.returned import _extract, changed_files, merge, times
from studies.gpu_queue.slot import DONE, FOUND, STOPPED, run
from studies.imaging.published import PUBLISHED
from studies.imaging.settings import images_of, method_of, resolved
from studies.outlook.learning import QUESTIONS
from studies.packs import Needed, films_needed, unpack, write_pack
from studies.pages.budgets import NIH_ORIGINAL_STEPS, NIH_STEPS
from studies.pages.training_cost import core_seconds, two_digits
from studies.row_files import read_rows, write_row
from studies.rows import Row
from tests.studies.committed import committed_rows
from tests.studies.queue_victim import RECIPE, STEPS, entry
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.runs.cohort import cohort_of
from unseen.runs.training import run_of
from unseen.training.limits import RunLimits, limited, under_limits
from unseen.training.settings import Training

ROOT = Path(__file__).parents[2]
NAME = "thesis/small-1"


@pytest.fixture
def data(split_set: Path) -> Path:
    return split_set


@pytest.fixture(autouse=True)
def named(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSEEN_DATA", str(data))


def small_run(tmp_path: Path, *, out: str = "out", stop_after_s: float | None = None, packs: str = "packs") -> str:
    """Run the entry in `tmp_path`, and return its state."""
    work = Work(tmp_path / "rows", root=tmp_path / "runs", progress=lambda name, progress: None)
    limits = RunLimits(device="cpu", checkpoint_every_s=0, stop_after_s=stop_after_s)
    outcome = run([entry()], limits=limits, out=tmp_path / out, work=work, packs=tmp_path / packs)
    return outcome.entries[NAME]


def returned_rows(out: Path) -> list[Row]:
    path = out / "rows.jsonl"
    if not path.is_file():
        return []
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    return [{field: value for field, value in row.items() if field != "name"} for row in rows]


def untimed(row: Row) -> Row:
    """Return the row without what the clock decides."""
    facts = {name: value for name, value in row["facts"].items() if name != "training_seconds"}
    return {name: value for name, value in row.items() if name not in ("seconds", "date")} | {"facts": facts}


@pytest.fixture(scope="module")
def whole(split_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Row:
    """The row of the training without a stop."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNSEEN_DATA", str(split_set))
        assert small_run(folder) == DONE
    [row] = returned_rows(folder / "out")
    return row


@pytest.mark.nightly  # in short: the next test
def test_a_killed_training_resumes_and_its_row_is_that_of_an_unbroken_one(
    data: Path, whole: Row, tmp_path: Path
) -> None:
    environment = os.environ | {"UNSEEN_DATA": str(data), "UNSEEN_RUNS": str(tmp_path / "runs")}
    first = []
    for last in (5, 0):
        command = [sys.executable, "-m", "tests.studies.queue_victim", str(last), tmp_path / "out", tmp_path / "rows"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == (-signal.SIGKILL if last else 0), done.stderr
        first.append(int(done.stdout))
    # killed after step 5 and before its checkpoint: step 5 is computed again, and no earlier one
    assert first == [1, 5]
    [row] = returned_rows(tmp_path / "out")
    assert untimed(row) == untimed(whole) and row["epochs_done"] == 3 and row["steps"] == STEPS


@pytest.mark.parametrize("stops", [1, pytest.param(STEPS - 1, marks=pytest.mark.nightly)])
def test_a_run_whose_time_is_up_stops_with_a_checkpoint_that_another_machine_resumes(
    stops: int, whole: Row, tmp_path: Path
) -> None:
    """Each run has no time, so it computes one step; its files are merged into the runs of the next one."""
    here, there = tmp_path / "here", tmp_path / "there"
    for step in range(1, stops + 1):
        assert small_run(there, stop_after_s=0.0).startswith(f"{STOPPED}: the training stopped at step {step} of")
        assert returned_rows(there / "out") == []
        (there / "runs").rename(tmp_path / f"gone-{step}")  # the next machine is bare
        merged = merge(there / "out", rows=here / "rows", root=there / "runs")
        assert merged.rows == () and len(merged.replaced) == 1
    assert small_run(there) == DONE
    [row] = returned_rows(there / "out")
    assert untimed(row) == untimed(whole)


def test_returned_rows_and_runs_are_merged_and_the_entry_is_then_done(
    whole: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small_run(tmp_path) == DONE
    out = tmp_path / "out"
    home = tmp_path / "home"
    for _ in range(2):  # the same folder twice
        merged = merge(out, rows=home / "rows", root=home / "runs")
        assert merged.rows == (NAME,)
    assert untimed(read_rows(home / "rows")[NAME]) == untimed(whole)
    write_row(whole | {"version": "0.0.1"}, tmp_path / "older")
    refused = merge(out, rows=tmp_path / "older", root=home / "runs")
    assert refused.rows == () and refused.conflicts[0].startswith(f"{NAME}: the committed row has")
    monkeypatch.setenv("UNSEEN_RUNS", str(home / "runs"))
    with pytest.raises(SystemExit, match="1"):
        command(["merge", str(out), "--rows", str(tmp_path / "older")])
    merge(out, rows=tmp_path / "rows", root=tmp_path / "runs")
    assert small_run(tmp_path, out="second") == FOUND
    found, _ = run_of(Recipe.from_toml(RECIPE).model_copy(update={"seed": 1}), root=home / "runs")
    assert (found.folder / "epochs" / "003.npy").is_file() and found.bundle.is_dir()
    with pytest.raises(RecipeError, match=r"has neither rows\.jsonl nor runs"):
        merge(tmp_path / "nothing", rows=home / "rows", root=home / "runs")


def test_a_run_that_is_further_here_is_kept(tmp_path: Path) -> None:
    assert small_run(tmp_path, stop_after_s=0.0).startswith(STOPPED)
    root = tmp_path / "home"
    merge(tmp_path / "out", rows=tmp_path / "rows", root=root)
    [log] = root.rglob("log.csv")
    log.write_text(log.read_text(encoding="utf-8") * 3, encoding="utf-8")
    before = times(root)
    merged = merge(tmp_path / "out", rows=tmp_path / "rows", root=root)
    assert merged.replaced == () and len(merged.kept) == 1 and not changed_files(root, before)


def test_returned_files_keep_to_the_limits_and_the_smallest_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(returned, "MOST_BYTES", 2**20)
    monkeypatch.setattr(returned, "_MARGIN", 2**16)
    root, out = tmp_path / "runs", tmp_path / "out"
    out.mkdir()
    for name, size in (("a/checkpoint.pt", 3 * 2**20), ("b/bundle/weights", 4 * 2**20)):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.urandom(size))
    (root / "a" / "log.csv").write_text("step\n1\n", encoding="utf-8")
    left_out = returned.add_runs(out, root, times(root))
    assert left_out == ["b/bundle/weights (4.0 MiB)"]
    files = sorted(out.iterdir())
    assert 2 <= len(files) <= 6 and all(path.stat().st_size <= 2**20 for path in files)
    merge(out, rows=tmp_path / "rows", root=tmp_path / "home")
    for name in ("a/checkpoint.pt", "a/log.csv"):
        assert (tmp_path / "home" / name).read_bytes() == (root / name).read_bytes()


def test_a_row_from_a_pack_is_the_row_from_the_data_set(
    data: Path, whole: Row, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(path, size)] = write_packs([entry()], tmp_path / "packs")
    assert path.stat().st_size == size
    digest = cohort_of(Recipe.from_toml(RECIPE)).digest
    monkeypatch.delenv("UNSEEN_DATA")
    assert small_run(tmp_path) == DONE
    [row] = returned_rows(tmp_path / "out")
    assert untimed(row) == untimed(whole) and row["recipe_digest"] == whole["recipe_digest"]

    unpack(path, tmp_path / "unpacked")
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path / "unpacked"))
    assert cohort_of(Recipe.from_toml(RECIPE)).digest == digest
    needed = films_needed(Recipe.from_toml(RECIPE))
    assert needed.noted and not needed.missing()
    for name in needed.read:
        assert (tmp_path / "unpacked" / name).read_bytes() == (data / name).read_bytes()
    assert not any((tmp_path / "unpacked" / name).exists() for name in needed.noted)


def test_png_files_become_smaller_and_have_their_bytes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    smooth = np.cumsum(rng.integers(-2, 3, (64, 64)), axis=1) + 128
    images = {
        "grey.png": smooth.astype(np.uint8),
        "colour.png": np.stack([smooth, smooth + 9, smooth], axis=2).astype(np.uint8),
        "deep.png": smooth.astype(np.uint16),
    }
    for name, pixels in images.items():
        Image.fromarray(pixels).save(tmp_path / name, optimize=True)
    Image.fromarray(images["grey.png"]).save(tmp_path / "other.png", compress_level=1)  # written in another way
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    names = (*images, "other.png")
    write_pack(Needed(names), tmp_path / "pack.npz")
    with np.load(tmp_path / "pack.npz") as pack:
        assert pack["forms"].tolist() == ["webp", "webp", "bytes", "bytes"]
        assert pack["lengths"][0] < (tmp_path / "grey.png").stat().st_size
    unpack(tmp_path / "pack.npz", tmp_path / "unpacked")
    for name in names:
        assert (tmp_path / "unpacked" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_without_data_and_pack_the_entry_fails_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSEEN_DATA")
    assert "Make the pack where the data are (make gpu-pack)" in small_run(tmp_path)
    monkeypatch.setenv("UNSEEN_DATA", str(tmp_path))
    assert "is not there. Set UNSEEN_DATA" in small_run(tmp_path)


def test_a_pack_that_is_too_large_is_refused(data: Path, tmp_path: Path) -> None:
    (data / "noise").write_bytes(os.urandom(13 * 2**20))
    with pytest.raises(RecipeError, match=r"13\.\d\d MiB, the limit is 12"):
        write_pack(Needed(("noise",)), tmp_path / "pack.npz")
    (data / "noise").unlink()


def test_limits_replace_auto_and_the_interval_for_the_block_alone() -> None:
    settings, named = Training(checkpoint_every_s=900), Training(device="cuda:1")
    with limited(RunLimits(device="cpu", checkpoint_every_s=60)):
        assert under_limits(settings).checkpoint_every_s == 60 and under_limits(settings).device == "cpu"
        assert under_limits(named).device == "cuda:1"
    assert under_limits(settings) == settings


def test_every_entry_has_a_recipe_a_command_that_selects_it_alone_and_a_cost() -> None:
    rows, known = committed_rows(), recipes.names()
    entries = queue()
    assert len({one.name for one in entries}) == len(entries) > 120
    for one in entries:
        question, _, arm = one.recipe.removeprefix("outlook/").partition("-source-")
        if question in QUESTIONS:
            assert arm in OUTLOOK[question], one.name
        else:
            rows_alone = ("outlook/ambient-wide-", "outlook/generators-", "adversarial/")
            assert one.recipe in known or one.recipe.startswith(rows_alone)
        words = shlex.split(one.command)
        given = parsed(words[3:])
        assert words[:3] == ["python", "-m", "studies.gpu_queue"] and (given.command, given.device) == ("run", "cuda")
        assert given.entries == [one.name]
        assert [other for other in entries if one.name in (other.recipe, other.name)] == [one], "chosen alone"
        assert re.fullmatch(r"[\d.,]+(, up to [\d.,]+)?", cost_cell(costs_of(one, rows))), one.name
    with pytest.raises(ValueError, match=r"thesis/ganomaly-0: its cost is not known without the rows thesis/ganomaly"):
        costs_of(entries[0], {})


def test_the_table_of_costs_is_rendered_from_the_committed_rows() -> None:
    page = (ROOT / "docs" / "how-to" / "gpu.md").read_text(encoding="utf-8")
    told = page.partition(BEGIN)[2].partition(END)[0].strip()
    rows = committed_rows()
    assert told == costs_table(queue(), rows), "Run python -m studies.gpu_queue render"
    slower = rows | {"thesis/ganomaly-0": rows["thesis/ganomaly-0"] | {"seconds": 1e6}}
    assert told != costs_table(queue(), slower)


def test_three_pages_state_the_same_core_seconds_of_a_step_of_the_curves() -> None:
    rows = committed_rows()
    queued, curves, training = (
        (ROOT / "docs" / name).read_text(encoding="utf-8")
        for name in ("how-to/gpu.md", "results-imaging.md", "how-to/train-imaging.md")
    )
    each = {}
    for problem in ("inpainting", "ct"):
        longest = max(
            (name for name in rows if name.startswith(f"curves/{problem}-64-ei-")), key=lambda name: rows[name]["steps"]
        )
        each[problem] = two_digits(core_seconds(rows[longest]))
        assert f"{each[problem]} s each in `{longest}`" in queued
        assert f" {problem}-64 {each[problem]};" in curves
    assert f"takes {each['inpainting']} core-seconds (inpainting) or {each['ct']} (CT)" in training


@pytest.mark.parametrize(
    "name", [name for name in recipes.names() if name.startswith("sources/") and "nih" not in name]
)
def test_a_source_recipe_trains_as_long_and_as_wide_as_its_source(name: str) -> None:
    recipe = recipes.load(name)
    [*entries] = [one for one in source_entries() if one.recipe == name]
    if recipe.method.key != "artifact-removal":
        assert recipe.method.settings["features"] == 64 and [one.costs[0].amount for one in entries] == [15 * 4]
        return
    problem = {"mri-x4-01": "mri", "mri-x4-10": "mri"}.get(recipe.short, recipe.short)
    budget, asked = PUBLISHED[problem].budget, method_of(resolved(recipe))
    assert (asked.features, asked.transforms) == (budget.features, budget.transforms)
    assert images_of(resolved(recipe)).size == min(PUBLISHED[problem].px, 256)
    assert {one.arm for one in entries} == set(asked.arms) - {"direct", "tv"} >= {"ei", "supervised", "unrolled"}
    for one in entries:
        amount = one.costs[0].amount
        assert amount is not None and budget.steps <= amount < 1.01 * budget.steps


def test_appendix_a_is_queued_with_its_steps() -> None:
    found = {one.recipe.removeprefix("sources/nih-"): one for one in source_entries() if "nih" in one.recipe}
    assert set(found) == {
        "f-anogan", "f-anogan-dcgan", "ganomaly", "ganomaly-original", "roi-sure", "unet-dcgan-64", "unet-dcgan-256",
    }  # fmt: skip
    for name, one in found.items():
        steps = NIH_ORIGINAL_STEPS if name == "ganomaly-original" else NIH_STEPS
        assert steps <= (one.costs[0].amount or 0) < 1.01 * steps, name
        assert one.pack == "nih_cxr8-f0" and one.gives == (f"sources/nih-{name}-0",)


def test_gans_of_the_thesis_are_queued_with_its_width_pixels_and_steps() -> None:
    found = {one.name.removeprefix("adversarial/"): one for one in queue() if one.name.startswith("adversarial/")}
    assert set(found) == {
        "norms-wide-mean-squares-0", "norms-wide-norms-0", "noise-wide-0-0", "noise-wide-0.1-0", "noise-wide-0.2-0",
        "instance-noise-wide-0-0", "instance-noise-wide-0.1-0", "instance-noise-wide-0.5-0",
    }  # fmt: skip
    for name, one in found.items():
        under_noise = name.startswith("noise")
        for training in one.costs:
            assert training.features == 64 and training.px == (64 if under_noise else 256)
            steps = NIH_STEPS if under_noise else 70 * (311 // 32)
            assert steps <= (training.amount or 0) < 1.01 * steps
        assert len(one.gives) == len(one.costs) == (2 if under_noise and name != "noise-wide-0-0" else 1)


def test_every_training_without_its_row_is_in_the_queue() -> None:
    names = {one.name for one in queue()}
    row = committed_rows()["unfinished-0"]
    folds = [(one["recipe"], training["fold"]) for one in row["unfinished"] for training in one["trainings"]]
    missing = [f"{recipe}-0" if fold is None else f"{recipe}-f{fold}-0" for recipe, fold in folds]
    assert missing and set(missing) <= names
    assert {f"thesis/ganomaly-sure-{seed}" for seed in (0, 1, 2)} <= names


def test_an_entry_of_the_outlook_trains_as_its_source_and_stops_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNSEEN_DATA")  # its signals are drawn: it needs neither the data sets nor a pack
    assert list(write_packs(chosen(["outlook/dimension-source-ei-0.1-0"]), tmp_path)) == []
    [one] = chosen(["outlook/dimension-source-ei-0.1-0"])
    work = Work(tmp_path / "rows", root=tmp_path / "runs")
    limits = RunLimits(device="cpu", checkpoint_every_s=0, stop_after_s=0.0)
    outcome = run([one], limits=limits, out=tmp_path / "out", work=work, packs=tmp_path)
    assert outcome.entries[one.name].startswith(f"{STOPPED}: the training stopped at step 1 of"), outcome
    assert len(list((tmp_path / "runs" / "outlook").glob("dimension-source-ei-0.1-0-*/checkpoint.pt"))) == 1
    assert not one.trained(work)
    write_row({"recipe": one.recipe, "seed": 0}, work.rows)
    assert one.trained(work)


def test_the_queue_begins_with_the_thesis_and_takes_recipes_and_entries_by_name() -> None:
    names = [one.name for one in queue()]
    assert len(set(names)) == len(names)
    assert names[0] == "thesis/ganomaly-0" and all(name.startswith("thesis/") for name in names[:12])
    assert [one.name for one in chosen(["thesis/roi-sure"])] == [f"thesis/roi-sure-{seed}" for seed in (0, 1, 2)]
    assert [one.name for one in chosen(["ms_cxr/ganomaly-128-whole-f2-0"])] == ["ms_cxr/ganomaly-128-whole-f2-0"]
    with pytest.raises(RecipeError, match=r"thesis/none: not in the queue"):
        chosen(["thesis/none"])


@pytest.mark.parametrize("filtered", [True, False] if hasattr(tarfile, "data_filter") else [False])
def test_no_member_of_a_returned_archive_leads_out_of_the_folder(
    filtered: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not filtered:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    for name, safe in (("run/log.csv", True), ("../log.csv", False)):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            member = tarfile.TarInfo(name)
            member.size = 1
            archive.addfile(member, io.BytesIO(b"x"))
        packed.seek(0)
        folder = tmp_path / f"found-{safe}" / "inner"
        folder.mkdir(parents=True)
        with tarfile.open(fileobj=packed, mode="r:gz") as archive:
            if safe:
                _extract(archive, folder)
            else:
                with pytest.raises(tarfile.TarError):
                    _extract(archive, folder)
        assert [path.name for path in folder.parent.rglob("*") if path.is_file()] == (["log.csv"] if safe else [])
