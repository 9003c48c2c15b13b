"""The forge and pre-commit run this repository's own commands, on the Pythons that the package names."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECTS = ["pyproject.toml", "server/pyproject.toml", "models/pyproject.toml", "constraints.txt"]
SINCE = "e5fb0fb"  # the last commit before subjects were held to 72 characters
MOST = 72
LONGER = {"Make test fixtures once for all workers; measure one problem in make test"}  # 73, and history stays as it is


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    return loaded


def runs(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_forge_runs_our_own_commands_and_no_others(workflow: dict[str, Any]) -> None:
    jobs = workflow["jobs"]
    assert set(jobs) == {"lint", "test", "nightly"}
    assert runs(jobs["lint"]) == ["make lint"]
    assert runs(jobs["test"]) == [".ci/run"]
    assert "exec make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in (one for job in jobs.values() for one in runs(job)):
        assert command == ".ci/run" or command.removeprefix("make ") in targets(), command


def test_the_forges_pythons_are_those_of_the_package(workflow: dict[str, Any]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [one.rpartition(" ")[2] for one in project["classifiers"] if re.search(r":: 3\.\d+$", one)]
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == named
    assert project["requires-python"] == f">={named[0]}"


def test_each_job_ends_caches_its_installs_and_sees_the_history(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 180
        uses = {step["uses"].partition("@")[0]: step["with"] for step in job["steps"] if "uses" in step}
        assert uses["actions/checkout"]["fetch-depth"] == 0
        assert uses["actions/setup-python"]["cache"] == "pip"
        assert uses["actions/setup-python"]["cache-dependency-path"].split() == PROJECTS


def test_pre_commit_runs_installed_tools_and_fetches_nothing() -> None:
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for hook in repository["hooks"]:
        assert hook["language"] == "system", hook["id"]
        command = hook["entry"].removesuffix(" --force-exclude").replace(".venv/bin/", "$(BIN)/")
        assert f"\t{command}" in makefile, f"{hook['id']}: make lint does not run {command}"


def subjects() -> Iterator[str]:
    """Yield the subjects of the commits since `SINCE`; none without a history, as in a source archive."""
    done = subprocess.run(["git", "log", "--format=%s", f"{SINCE}..HEAD"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        yield from done.stdout.splitlines()


def test_commit_subjects_are_short() -> None:
    assert not [subject for subject in subjects() if len(subject) > MOST and subject not in LONGER]
