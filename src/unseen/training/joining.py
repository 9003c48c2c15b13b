"""Joining a training that another process leads; and the program of a process that was started for that.

Several machines: the same command on each, with MASTER_ADDR (and MASTER_PORT) naming the first and NODE_RANK counting
them from 0. Or torchrun, which sets RANK, WORLD_SIZE and LOCAL_RANK for each process. The first process reads films and
writes results; the others need neither the films nor a common disk.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import Any

from unseen.training import ranks as groups
from unseen.training.loop import take_part
from unseen.training.ranks import ProcessPlace, Ranks, asked, check, keep, start
from unseen.training.settings import Training, TrainingError


def join(training: Training) -> None:
    """Join the processes of several machines, or of torchrun, for all trainings of this program.

    Returns at once on one machine without torchrun, where `train` itself starts further processes. In the first process
    it returns once all have joined. In the others it does not return: they compute their shares until the first process
    ends, and then exit.

    Args:
        training: its `devices` on each of `nodes` machines.

    Raises:
        TrainingError: the environment does not name this process, or names another number of them.
        SystemExit: in every process but the first, at the end.

    >>> join(Training(devices=2))  # one machine: nothing to do
    """
    place, listens = _place(training)
    if place is None:
        return
    check(training)
    launched = "TORCHELASTIC_RUN_ID" in os.environ
    further = {} if launched else {place.rank + i: start(place, place.rank + i, i) for i in range(1, training.devices)}
    ranks = Ranks.joined(place, listens=listens, children=further)
    if place.first:
        keep(ranks)
        atexit.register(ranks.close)
        return
    sys.exit(_serve(ranks))


def _place(training: Training) -> tuple[ProcessPlace | None, bool]:
    """Return this process's place, by the environment, and whether it holds the store of keys; None: one machine."""
    size, given = asked(training), os.environ
    if "TORCHELASTIC_RUN_ID" in given and size > 1:
        rank, seen, local = (int(given[name]) for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
        if seen != size:
            raise TrainingError(
                f"torchrun has started {seen} processes, but devices × nodes is {training.devices} × {training.nodes}. "
                "Give --nproc-per-node and --nnodes the same numbers as --devices and --nodes."
            )
        place = ProcessPlace(rank, size, local, given["MASTER_ADDR"], int(given["MASTER_PORT"]))
        return place, rank == 0 and given.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    if training.nodes == 1:
        return None, False
    try:
        address, node = given["MASTER_ADDR"], int(given["NODE_RANK"])
        port = int(given.get("MASTER_PORT", "29500"))
    except (KeyError, ValueError) as error:
        raise TrainingError(
            f"nodes is {training.nodes}: set MASTER_ADDR to the first machine's address and NODE_RANK to 0, 1, … "
            f"on each ({error} is missing or no number); or use torchrun."
        ) from error
    if not 0 <= node < training.nodes:
        raise TrainingError(f"NODE_RANK is {node}, but nodes is {training.nodes}: number the machines from 0.")
    return ProcessPlace(node * training.devices, size, 0, address, port), node == 0


def _serve(ranks: Ranks) -> int:
    """Take part in every training of rank 0; an exit status."""
    try:
        while (work := ranks.receive()) is not None:
            _take_part(ranks, *work)
    except groups.LostProcess as error:
        print(f"unseen: {error}", file=sys.stderr)
        return 1
    finally:
        ranks.close()
    return 0


def _take_part(ranks: Ranks, *work: Any) -> None:  # Any: the learner, the films, and more
    try:
        take_part(ranks, *work)
    except groups.LostProcess:
        raise
    except (TrainingError, KeyboardInterrupt):
        pass  # such as a loss that is NaN, or Ctrl-C in rank 0, which reports it and may begin another training


def _main() -> None:
    rank, size, local, address, port, timeout_s = sys.argv[1:]
    groups.TIMEOUT_S = float(timeout_s)
    with contextlib.suppress(ImportError):  # rank 0 reports it
        import lightning_fabric  # noqa: F401  takes seconds, for which the others would wait in the first step
    place = ProcessPlace(int(rank), int(size), int(local), address, int(port))
    sys.exit(_serve(Ranks.joined(place, listens=False, children={})))


if __name__ == "__main__":
    _main()
