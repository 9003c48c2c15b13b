"""Trainings as they go on: what a real training writes is what is told, and nothing else of the disk is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.web.conftest import Api, MakeApi, said
from unseen.training.history import History, Log
from unseen_server.web import runs as module

NAME = "ms_cxr/roi-sure-64-f0-0-01234567"


@pytest.fixture
def trainings(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def api(make_api: MakeApi, trainings: Path) -> Api:
    trainings.mkdir()
    return make_api(runs_folder=trainings)


def logged(trainings: Path, steps: int, name: str = NAME) -> Log:
    """Write what a training of ten steps an epoch has written so far, by the training's own log."""
    (trainings / name).mkdir(parents=True, exist_ok=True)
    history = History(parts={}, steps=steps, seconds=0, device="cpu", steps_per_epoch=10)
    log = Log(history, path=trainings / name / "log.csv")
    for step in range(steps):
        log.add({"generator": 1 / (step + 1), **({"critic": float(step)} if step % 5 == 4 else {})}, seconds=0.5 * step)
    return log


def test_a_training_that_goes_on_is_told_step_by_step(api: Api, trainings: Path) -> None:
    log = logged(trainings, 12)
    (run,) = api.lead.get("/runs").json()["runs"]
    assert (run["name"], run["steps"], run["epoch"], run["running"]) == (NAME, 12, 2, True)
    assert run["losses"] == {"generator": pytest.approx(1 / 12), "critic": None}
    log.add({"generator": 0.25}, seconds=9.0)
    with (trainings / NAME / "log.csv").open("a") as file:
        file.write("14,2,9.")  # half a line: the training is writing it
    told = api.lead.get(f"/runs/{NAME}/log").json()
    assert told["of"] == 13 and told["steps"] == list(range(1, 14)) and told["epochs"] == [1] * 10 + [2] * 3
    assert told["losses"]["generator"][-1] == 0.25 and told["losses"]["critic"][4] == 4.0
    assert told["losses"]["critic"][0] is None
    log.close()
    old = time.time() - 200
    os.utime(trainings / NAME / "log.csv", (old, old))
    assert api.lead.get("/runs").json()["runs"][0]["running"] is False


def test_a_long_log_is_thinned_and_keeps_its_end(api: Api, trainings: Path) -> None:
    rows = "".join(f"{step + 1},{step // 100 + 1},{step}.0,{step}\n" for step in range(4501))
    (trainings / "long").mkdir()
    (trainings / "long" / "log.csv").write_text("step,epoch,seconds,loss\n" + rows)
    told = api.lead.get("/runs/long/log").json()
    assert told["of"] == 4501 and len(told["steps"]) <= module.MOST_ROWS and told["steps"][-1] == 4501
    assert api.lead.get("/runs").json()["runs"][0]["steps"] == 4501


@pytest.mark.parametrize(
    "name",
    ["..", "../secret", "../../etc", "%2e%2e/secret", "..%2fsecret", "/etc", "//etc", "a/../../secret", "linked",
     "ms_cxr", ".hidden", "ms_cxr/roi-sure-64-f0-0-01234567/bundle", "a%00b", "deep/er/and/deeper/still"],
)  # fmt: skip
def test_no_name_leads_out_of_the_folder(api: Api, trainings: Path, tmp_path: Path, name: str) -> None:
    logged(trainings, 2).close()
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "log.csv").write_text("step,epoch,seconds,loss\n1,1,1,4711\n")
    for inside in (trainings / ".hidden", trainings / NAME / "bundle", trainings / "deep/er/and/deeper/still"):
        inside.mkdir(parents=True, exist_ok=True)
        (inside / "log.csv").write_text("step,epoch,seconds,loss\n1,1,1,4711\n")
    (trainings / "linked").symlink_to(secret)
    (trainings / "file").mkdir()
    (trainings / "file" / "log.csv").symlink_to(secret / "log.csv")
    for wanted in (name, "file"):
        answer = api.lead.get(f"/runs/{wanted}/log")
        assert answer.status_code == 404 and "4711" not in answer.text, answer.text
    assert [run["name"] for run in api.lead.get("/runs").json()["runs"]] == [NAME]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "step,epoch,seconds\n", "step,epoch,seconds,x\nx,1,2,3\n"])
def test_a_log_that_is_none_is_a_sentence_or_empty(api: Api, trainings: Path, text: str) -> None:
    (trainings / "odd").mkdir()
    (trainings / "odd" / "log.csv").write_text(text)
    (run,) = api.lead.get("/runs").json()["runs"]
    assert run["steps"] is None
    answer = api.lead.get("/runs/odd/log")
    assert answer.json().get("steps") == [] if text.startswith("step") else "not one that a training" in said(answer)


def test_a_server_without_a_folder_of_runs_says_so(make_api: MakeApi, tmp_path: Path) -> None:
    bare, gone = make_api(), make_api(runs_folder=tmp_path / "gone")
    assert bare.lead.get("/runs").json() == {"folder": False, "runs": []}
    assert gone.lead.get("/runs").json() == {"folder": True, "runs": []}
    assert "no run" in said(bare.lead.get("/runs/x/log"))
    assert bare.reader.get("/runs").status_code == 403
