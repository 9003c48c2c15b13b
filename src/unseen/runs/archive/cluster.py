"""An archive's parts on a Ray cluster: one task a part, one core a task, as many at once as the cluster has cores.

Nothing but paths, manifest rows and counts goes over the network: each node reads the films and the model, and writes
its parts, in folders that all nodes share. A part that a lost node was scoring is scored again by another one.

`RAY_ADDRESS` names the cluster; without it Ray starts on this machine, for the time of the run.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseen import __version__
from unseen.artifacts.files import clear_leftovers
from unseen.runs.archive.plan import PLAN, ArchiveError, ArchivePlan, part_path

if TYPE_CHECKING:
    from unseen.data.manifest import Entry
    from unseen.runs.archive.task import ScoringTask

    Part = tuple[int, tuple[Entry, ...]]
    ScorePart = Callable[[ScoringTask, ArchivePlan, int, tuple[Entry, ...]], Counter[str]]

_HOST_PORT = re.compile(r"(?:ray://)?\[?([^\]/]+?)\]?:(\d+)")
_AHEAD = 2  # parts that wait or run, for each core: more would only hold more of the manifest in memory
_RETRIES = 20  # of a part whose node or process vanished
_STORE_BYTES = 100_000_000  # of memory for Ray's objects, of which this run has none; otherwise it takes a third


def scored_on_cluster(
    score_part: ScorePart, task: ScoringTask, plan: ArchivePlan, parts: Iterator[Part]
) -> Iterator[tuple[int, Counter[str]]]:
    """Yield each part's number and counts, as soon as it is written; parts of nodes that vanish are scored by others.

    Raises ArchiveError where no cluster can be reached, and where a node does not see the run's folder or has another
    version of the package; whatever `score_part` raises.
    """
    with _connected() as ray:
        remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(_part_on_a_node)
        running: dict[Any, int] = {}  # Any: Ray's reference to what a task will return
        for number, entries in parts:
            running[remote.remote(score_part, Path.cwd(), task, plan, number, entries)] = number
            while len(running) >= _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 0))):
                yield _finished(ray, task, running)
        while running:
            yield _finished(ray, task, running)


def _finished(ray: Any, task: ScoringTask, running: dict[Any, int]) -> tuple[int, Counter[str]]:
    """Wait until a part is written; returns it, and removes it from `running`."""
    (done,), _ = ray.wait(list(running), num_returns=1)
    number = running.pop(done)
    try:
        counts: Counter[str] = ray.get(done)
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # Ray's own message is the traceback of the other process
    except ray.exceptions.RayError as error:
        raise ArchiveError(
            f"{part_path(task.folder, number)}: its process ended {_RETRIES + 1} times before it was written "
            f"({str(error).splitlines()[0]}). See Ray's logs for the cause, and add --resume"
        ) from error
    clear_leftovers(part_path(task.folder, number))  # of a node that was lost while it wrote this part
    return number, counts


def _part_on_a_node(
    score_part: ScorePart, place: Path, task: ScoringTask, plan: ArchivePlan, number: int, entries: tuple[Entry, ...]
) -> Counter[str]:
    """Run one task: check that this node has what the run needs, and write one part.

    Args:
        place: the folder that the command was given in, from which relative paths count.
    """
    node = os.uname().nodename
    if __version__ != plan.version:
        raise ArchiveError(
            f"{node}: has unseen {__version__}, and the run {plan.version}. Install the same on each node"
        )
    with contextlib.chdir(place) if place.is_dir() else contextlib.nullcontext():
        if ArchivePlan.load(task.folder) != plan:
            raise ArchiveError(
                f"{node}: does not see {task.folder / PLAN} of this run. Give --out a folder that all nodes share, by "
                "its full path"
            )
        return score_part(task, plan, number, entries)


@contextlib.contextmanager
def _connected() -> Iterator[Any]:
    """Connect Ray to the cluster that `RAY_ADDRESS` names, or start it here; at the end, disconnect or stop it."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report each cluster to Ray's makers
    import ray

    address = os.environ.get("RAY_ADDRESS")
    own: dict[str, Any] = {} if address else {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        if address and (named := _HOST_PORT.fullmatch(address)):  # Ray would try for minutes
            socket.create_connection((named[1], int(named[2])), timeout=10).close()
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except OSError as error:  # Ray's ConnectionError, too
        raise ArchiveError(
            f"RAY_ADDRESS={address}: no Ray cluster answers there. Start one (ray start --head), or unset it"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()
