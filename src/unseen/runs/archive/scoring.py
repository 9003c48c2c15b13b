"""Score an archive: the parts of a manifest, by one process, several, or a Ray cluster's, from where a run stopped.

Films are decoded ahead by processes of their own, a bounded number, while this one computes.

Law: the parts depend on the plan alone. The number of processes, and the moments at which a run was killed, change no
byte of them: each part is scored by one thread, film by film, as `unseen score` does it.
"""

from __future__ import annotations

import fcntl
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import torch

from unseen import __version__
from unseen.artifacts.file_digest import sha256_of
from unseen.artifacts.files import clear_leftovers
from unseen.data.manifest import Entry, stream_manifest
from unseen.data.parquet_tables import TableReader
from unseen.data.reading import Films, decoders_for
from unseen.evaluation.exported_scores import write_scores
from unseen.runs.archive.plan import (
    PART_SIZE,
    PLAN,
    ArchiveError,
    ArchivePlan,
    cut_parts,
    model_digest,
    part_path,
    part_tally,
)
from unseen.runs.archive.task import ScoringTask
from unseen.runs.process_pool import worker_processes
from unseen.screening.film_rows_of_parts import FilmRow, RankedFilmRow, film_rows, ranked_film_rows
from unseen.screening.policy import Policy
from unseen.screening.screener import Screener, load

Engine = Literal["local", "ray"]
"""Processes that score the parts: those of this machine, or of a Ray cluster."""

_LOCK = ".archive.lock"


_AHEAD = 2  # parts that wait or run, for each process: more would only hold more of the manifest in memory


def score_archive(
    task: ScoringTask,
    manifest: Path,
    *,
    part_size: int = PART_SIZE,
    workers: int = 1,
    engine: Engine = "local",
    resume: bool = False,
    progress: Callable[[int, int, int], None] | None = None,
) -> Counter[str]:
    """Write the parts that are not there yet; returns the counts of all parts, as `part_tally` gives them.

    Args:
        task: what to score with, and where to.
        manifest: a CSV or Parquet file; it is read row by row.
        part_size: films of a part.
        workers: processes on this machine, with one thread each; 1: this process alone.
        engine: local: those; ray: the processes of a Ray cluster, one for each of its cores (`cluster`).
        resume: keep the parts that an earlier run wrote into the folder.
        progress: called after each part with the films that this run scored, those that are done, and all films.

    Raises ArchiveError for a folder that holds parts which this run would not make, or that another run is using;
    whatever `screening.load` and `data.films` raise for a model, a policy or a manifest that cannot be used.
    """
    task = replace(task, decoders=decoders_for(workers) if engine == "local" else 1)
    task.folder.mkdir(parents=True, exist_ok=True)
    with _alone(task.folder), closing(_tables()):
        found = ArchivePlan.load(task.folder)
        if found is not None and not resume:
            raise ArchiveError(f"{task.folder / PLAN}: there are parts in this folder. Add --resume, or give another")
        plan = _plan_of(task, manifest, part_size, found)
        if found is None:
            plan.save(task.folder)
        else:
            plan.check_same(found, task.folder, manifest)
        done = [number for number in range(plan.parts) if part_path(task.folder, number).exists()]
        counts: Counter[str] = Counter()
        for number in done:
            counts += part_tally(task.folder, number, plan, _tables())
        kept = sum(plan.films_of(number) for number in done)
        scored = 0
        if progress is not None:
            progress(0, kept, plan.films)
        for number, tally in _scored(task, plan, _missing(manifest, plan, frozenset(done)), workers, engine):
            counts += tally
            scored += plan.films_of(number)
            if progress is not None:
                progress(scored, kept + scored, plan.films)
        if scored and sha256_of(manifest) != plan.manifest_sha256:
            raise ArchiveError(
                f"{manifest}: changed while it was scored, so the parts in {task.folder} may hold other films. Delete "
                "the folder and score again"
            )
        return counts


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second run away from the folder, and remove what a killed one left half written."""
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ArchiveError(
                f"{folder}: another run is writing into this folder. Wait until it ends, or give another"
            ) from None
        for left in folder.glob(".*.tmp"):
            clear_leftovers(folder / left.name.removeprefix(".").rsplit(".", 2)[0])
        yield


def _plan_of(task: ScoringTask, manifest: Path, part_size: int, found: ArchivePlan | None) -> ArchivePlan:
    """Return the plan of this run.

    The films are counted only where `found`, the folder's plan, does not hold their number.
    """
    model_sha256 = model_digest(task.model)
    policy_sha256 = None if task.policy is None else Policy.load(task.policy).digest
    with _one_thread():  # what cannot be loaded is refused before anything is written
        weights_sha256 = _screener(task, model_sha256, policy_sha256).detector.weights_sha256
    digest = sha256_of(manifest) if manifest.is_file() else ""
    if found is not None and digest == found.manifest_sha256:
        films = found.films
    else:
        films = sum(1 for _ in stream_manifest(manifest))  # a missing manifest raises here, with its sentence
    if not films:
        raise ArchiveError(f"{manifest}: lists no film. Give a manifest with at least one row")
    return ArchivePlan(
        manifest_sha256=digest,
        films=films,
        part_size=part_size,
        model=Path(task.model).name,
        model_sha256=model_sha256,
        weights_sha256=weights_sha256,
        policy_sha256=policy_sha256,
        runtime=task.runtime,
        device=task.device,
        maps=task.maps is not None,
        version=__version__,
    )


def _missing(manifest: Path, plan: ArchivePlan, done: frozenset[int]) -> Iterator[tuple[int, tuple[Entry, ...]]]:
    """Yield the parts that are to be scored, lazily."""
    for number, entries in cut_parts(stream_manifest(manifest), plan.part_size):
        if number not in done:
            yield number, entries


def _scored(
    task: ScoringTask, plan: ArchivePlan, parts: Iterator[tuple[int, tuple[Entry, ...]]], workers: int, engine: Engine
) -> Iterator[tuple[int, Counter[str]]]:
    """Yield each part's number and counts, as soon as it is written."""
    if engine == "ray":
        from unseen.runs.archive.cluster import scored_on_cluster

        yield from scored_on_cluster(score_part, task, plan, parts)
        return
    if workers == 1:
        for number, entries in parts:
            yield number, score_part(task, plan, number, entries)
        return
    with worker_processes(workers) as pool:
        running: dict[Future[Counter[str]], int] = {}
        for number, entries in parts:
            running[pool.submit(score_part, task, plan, number, entries)] = number
            if len(running) >= _AHEAD * workers:
                yield from _finished(running)
        while running:
            yield from _finished(running)


def _finished(running: dict[Future[Counter[str]], int]) -> Iterator[tuple[int, Counter[str]]]:
    """Wait until a part is written; returns what is, and removes it from `running`."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield running.pop(future), future.result()


def score_part(task: ScoringTask, plan: ArchivePlan, number: int, entries: tuple[Entry, ...]) -> Counter[str]:
    """Write one part with one thread; returns its counts."""
    with _one_thread(), closing(Films(entries=entries, strict=task.strict).read_ahead(task.decoders)) as films:
        screener = _screener(task, plan.model_sha256, plan.policy_sha256)
        if task.policy is None:
            rows = ranked_film_rows(screener, films, maps=task.maps)
            write_scores(rows, part_path(task.folder, number), kind=RankedFilmRow)
        else:
            decided = film_rows(screener, films, maps=task.maps)
            write_scores(decided, part_path(task.folder, number), kind=FilmRow)
    return part_tally(task.folder, number, plan, _tables())


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch compute with one thread, and OpenVINO: it takes as many as torch has when a network is compiled."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@lru_cache(maxsize=1)
def _tables() -> TableReader:
    """Return the reader of parts of this process; its child ends with the run, or with the process."""
    return TableReader()


@lru_cache(maxsize=1)
def _screener(task: ScoringTask, model_sha256: str, policy_sha256: str | None) -> Screener:
    """Return the model and the policy, loaded once in each process.

    Raises ArchiveError where one of them was replaced since the run began.
    """
    screener = load(task.model, task.policy, device=task.device, runtime=task.runtime)
    if model_digest(task.model) != model_sha256:
        raise ArchiveError(f"{task.model}: changed while films were scored. Put the model back, and add --resume")
    if screener.policy is not None and screener.policy.digest != policy_sha256:
        raise ArchiveError(f"{task.policy}: changed while films were scored. Put the policy back, and add --resume")
    return screener
