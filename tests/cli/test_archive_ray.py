"""`unseen score --engine ray`: two nodes with a core each write the parts that one process writes, one lost or not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.cli.conftest import Say, World
from tests.cli.test_archive import bytes_of, manifest, whole
from tests.cli.test_mistakes import told
from tests.docs.blocks import ROOT
from unseen import __version__
from unseen.runs.archive import cluster as on_cluster
from unseen.runs.archive.plan import ArchiveError, ArchivePlan
from unseen.runs.archive.scoring import score_part
from unseen.runs.archive.task import ScoringTask

__all__ = ["manifest", "whole"]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lose_a_node() -> Iterator[Callable[[], None]]:
    """A Ray cluster: a head without a core, and two nodes with one each; what takes one of them away."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        few = {"include_dashboard": False, "object_store_memory": 80_000_000}
        running = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **few})
        nodes = [running.add_node(num_cpus=1, object_store_memory=80_000_000) for _ in range(2)]
        patch.setenv("RAY_ADDRESS", running.address)
        yield lambda: running.remove_node(nodes[0], allow_graceful=False)
        running.shutdown()  # type: ignore[no-untyped-call]


@pytest.mark.nightly  # the daemons of three nodes take a minute of processor time
def test_a_node_is_lost_in_the_middle_and_the_parts_are_those_of_one_process(
    say: Say,
    world: World,
    manifest: Path,
    whole: Path,
    lose_a_node: Callable[[], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = tmp_path / "parts"
    finished, lost = on_cluster._finished, [False]

    def lose_one(*words: Any) -> Any:
        done = finished(*words)
        if not any(lost) and len(list(out.glob("part-*.parquet"))) >= 4:
            lost[0] = True
            lose_a_node()
        return done

    monkeypatch.setattr(on_cluster, "_finished", lose_one)
    monkeypatch.chdir(manifest.parent)
    done = say("score", world.pca, "--data", manifest.name, "--out", f"{out}/", "--part-size", 2, "--engine", "ray")
    assert done.code == 1 and "2 not read" in done.err and any(lost)
    assert bytes_of(out) == bytes_of(whole)


def test_what_does_not_go_together_is_refused(say: Say, world: World, manifest: Path, tmp_path: Path) -> None:
    words = ("score", world.pca, "--data", manifest, "--engine", "ray")
    for more, sentence in (
        ((), "--engine need a folder for the parts"),
        (("--out", f"{tmp_path}/", "--workers", 2), "each core of the cluster has a process. Leave out --workers"),
        (("--out", f"{tmp_path}/", "--device", "cuda"), "--engine ray computes on CPUs. Leave out --device"),
    ):
        told(say(*words, *more), sentence)


@pytest.mark.nightly
def test_where_no_cluster_answers_it_says_so(
    say: Say, world: World, manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    done = say("score", world.pca, "--data", manifest, "--out", f"{tmp_path / 'parts'}/", "--engine", "ray")
    told(done, "RAY_ADDRESS=127.0.0.1:1: no Ray cluster answers there. Start one (ray start --head), or unset it")


def test_without_the_package_it_is_a_sentence(say: Say, world: World, manifest: Path, tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "ray", None)
        told(
            say("score", world.pca, "--data", manifest, "--out", f"{tmp_path / 'parts'}/", "--engine", "ray"),
            '--engine ray needs a package that is not installed (ray): pip install "unseen[cluster]" (in a clone: pip '
            'install ".[cluster]")',
        )


def test_a_node_that_is_not_like_the_first_says_what_it_lacks(tmp_path: Path) -> None:
    plan = ArchivePlan(manifest_sha256="ab" * 32, films=2, model="pca", model_sha256="cd" * 32, version=__version__)
    other = plan.model_copy(update={"version": "0.0.1"})
    for found, sentence in (
        (other, r"has unseen \S+, and the run 0\.0\.1\. Install the same on each node"),
        (plan, r"does not see \S+plan\.json of this run\. Give --out a folder that all nodes share"),
    ):
        task = ScoringTask(folder=tmp_path, model="models/pca")
        with pytest.raises(ArchiveError, match=sentence):
            on_cluster._part_on_a_node(score_part, Path("/no/such/folder"), task, found, 0, ())


def test_the_files_for_slurm_and_kubernetes_are_whole() -> None:
    """Read, not run: there is neither here."""
    subprocess.run(["bash", "-n", ROOT / "deploy" / "cluster" / "score.sbatch"], check=True)
    job = yaml.safe_load((ROOT / "deploy" / "cluster" / "rayjob.yaml").read_text(encoding="utf-8"))["spec"]
    assert job["rayClusterSpec"]["rayVersion"] == metadata.version("ray")
    assert job["entrypoint"].split()[:2] == ["unseen", "score"] and "--resume" in job["entrypoint"].split()
    pods = [job["rayClusterSpec"]["headGroupSpec"], *job["rayClusterSpec"]["workerGroupSpecs"]]
    for pod in pods:
        (container,), (volume,) = pod["template"]["spec"]["containers"], pod["template"]["spec"]["volumes"]
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"]
        assert container["volumeMounts"][0]["name"] == volume["name"]
