"""Scores of an archive come into a worklist, a part of `unseen score --out parts/` in one transaction.

A part is in or not at all, with one row of the audit trail that holds the part's SHA-256. A film is known by the
SHA-256 of its bytes, and one that the worklist holds already stays as it is; so importing again changes nothing. Films
stay where they are: the worklist's folder gets a symbolic link to each.

An import ranks and never clears. A film that joins a study which the worklist has from elsewhere opens that study
again, and the study is read.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen.artifacts import sha256_of
from unseen.data import TableReader, ViewContradictions, stream_manifest
from unseen.runs import ArchiveError, ArchivePlan, cut_parts, part_path, read_part
from unseen.screening import study_decision
from unseen_server.worklist.archive_films import RANKED, ArchiveFilm, Row, look_at
from unseen_server.worklist.imported_rows import ImportedRows
from unseen_server.worklist.instances import reopen
from unseen_server.worklist.receiving import join
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.states import after
from unseen_server.worklist.stored_files import room
from unseen_server.worklist.study_decisions import judge_rest
from unseen_server.worklist.tables import attachments, audit, films, studies

if TYPE_CHECKING:
    from unseen.data import Entry
    from unseen.screening import Decision, Screened
    from unseen_server.worklist.store import Store
    from unseen_server.worklist.transactions import Found, Writing

ACTION = "scores.imported"
_NAMED = 100  # refusals that are returned with their sentence: an archive may have millions


@dataclass(frozen=True, kw_only=True)
class RefusedFilm:
    """A film that stays out.

    Args:
        name: in the manifest.
        reason: a sentence.

    >>> RefusedFilm(name="a.dcm", reason="It is no DICOM file.").name
    'a.dcm'
    """

    name: str
    reason: str


@dataclass(kw_only=True)
class ImportedScores:
    """The result of an import.

    Args:
        parts: that were entered now.
        films: that came in with them, unscored ones included.
        not_scored: of these, films without a score; they stand on top of the list with the reason.
        already: films that the worklist held.
        missing: parts that the run has not written yet.
        refused: films that stay out, counted by their sentence.
        named: the first of these.
        contradictions: films whose DICOM header states another view than the manifest.

    >>> ImportedScores(films=2).refused
    Counter()
    """

    parts: int = 0
    films: int = 0
    not_scored: int = 0
    already: int = 0
    missing: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    named: list[RefusedFilm] = field(default_factory=list)
    contradictions: ViewContradictions = field(default_factory=ViewContradictions)


def import_scores(
    store: Store,
    folder: Path | str,
    manifest: Path | str,
    *,
    actor: str,
    progress: Callable[[int, int, int], None] | None = None,
) -> ImportedScores:
    """Bring the films of an archive's parts into a worklist, each with its score, ranked and not cleared.

    Args:
        store: the store.
        folder: what `unseen score --out FOLDER/` wrote; parts that are not there yet are counted.
        manifest: the manifest of that run, where its files can be found.
        actor: for the audit trail.
        progress: called after each part with the films that were looked at now, those that are done, and all films.

    Raises ArchiveError for a folder without a plan, a part that cannot be read, and another manifest; WorklistError
    where the store cannot take a part: those before it are in.

    >>> import tempfile
    >>> from unseen_server.worklist.store import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     import_scores(store, folder + "/parts", folder + "/films.csv", actor="ann")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    unseen.runs.archive.plan.ArchiveError: ...: holds no parts. Give the folder that `unseen score --out FOLDER/` wrote
    """
    folder, manifest = Path(folder), Path(manifest)
    plan = ArchivePlan.load(folder) if folder.is_dir() else None
    if plan is None:
        raise ArchiveError(f"{folder}: holds no parts. Give the folder that `unseen score --out FOLDER/` wrote")
    if plan.weights_sha256 is None:
        raise ArchiveError(
            f"{folder}: the parts were written by unseen {plan.version}, which did not keep the digests of films. "
            "Score again with this version"
        )
    if not manifest.is_file() or sha256_of(manifest) != plan.manifest_sha256:
        raise ArchiveError(
            f"{manifest}: not the manifest of the parts in {folder}. Give the file that `unseen score --data` had"
        )
    found = ImportedScores()
    looked = done = 0
    with TableReader() as tables:
        for number, entries in cut_parts(stream_manifest(manifest), plan.part_size):
            done += len(entries)
            if not part_path(folder, number).exists():
                found.missing += 1
            else:
                looked += _import_part(store, folder, number, plan, entries, found, tables, actor=actor)
            if progress is not None:
                progress(looked, done, plan.films)
    return found


def _import_part(
    store: Store,
    folder: Path,
    number: int,
    plan: ArchivePlan,
    entries: Sequence[Entry],
    found: ImportedScores,
    tables: TableReader,
    *,
    actor: str,
) -> int:
    """Enter what is new of a part; returns how many of its films were looked at."""
    path = part_path(folder, number)
    digest = sha256_of(path)
    with store.database.reading() as connection:
        events = connection.execute(select(audit.c.body).where(audit.c.subject == digest, audit.c.action == ACTION))
        if any(json.loads(body)["refused"] == 0 for body in events.scalars()):
            found.already += len(entries)
            return 0
    rows = _rows(folder, number, plan, entries, tables)
    looked = look_at(entries, rows, most_bytes=store.site.max_film_bytes)
    refused = [RefusedFilm(name=entry.name, reason=one) for entry, one in zip(entries, looked, strict=True)
               if isinstance(one, str)]  # fmt: skip
    with _entering(store, [one for one in looked if isinstance(one, ArchiveFilm)]) as (writing, new, doubled):
        refused += doubled
        if new:
            assert plan.weights_sha256 is not None
            joining = ImportedRows(writing, plan.weights_sha256).enter(new)
            for film, one in joining:
                _join(writing, film, one, plan.weights_sha256, actor=actor)
            writing.log(
                actor, ACTION, digest, part=path.name, films=len(new), refused=len(refused),
                model=plan.weights_sha256, manifest=plan.manifest_sha256,
            )  # fmt: skip
    for entry, seen in zip(entries, looked, strict=True):
        if isinstance(seen, ArchiveFilm):
            found.contradictions.add(
                entry.name, manifest=entry.view_position, view_position=seen.view, projection=seen.projection
            )
    found.parts += bool(new)
    found.films += len(new)
    found.not_scored += sum(one.decision.action == "not_scored" for one in new)
    found.already += len(entries) - len(new) - len(refused)
    found.refused.update(one.reason for one in refused)
    found.named += refused[: _NAMED - len(found.named)]
    return len(entries)


def _rows(folder: Path, number: int, plan: ArchivePlan, entries: Sequence[Entry], tables: TableReader) -> list[Row]:
    """Return the rows of a part, which must be those of the manifest's films."""
    path = part_path(folder, number)
    rows: list[Row] = read_part(folder, number, plan, tables).to_dicts()
    if [row["file"] for row in rows] != [entry.name for entry in entries] or "sha256" not in rows[0]:
        raise ArchiveError(
            f"{path}: its films are not those of the manifest. Delete it and run `unseen score` with --resume"
        )
    return rows


@contextlib.contextmanager
def _entering(
    store: Store, given: Sequence[ArchiveFilm]
) -> Iterator[tuple[Writing, list[ArchiveFilm], list[RefusedFilm]]]:
    """Open the transaction of a part, with those of its films that the worklist does not hold, and those that are
    another film's instance. Links to the new ones are in their place before their rows are kept.
    """
    new: list[ArchiveFilm] = []
    try:
        with store.writing() as writing, room(store.site.films):
            new, doubled = _new(writing, given)
            links = {one.sha256: store.site.films.temporary() for one in new}
            for one in new:
                os.symlink(one.path, links[one.sha256])
            if links:
                store.site.films.place_several(links)
            yield writing, new, doubled
    except BaseException:
        for some in _some([one.sha256 for one in new]):
            store.site.remove_unknown(store.site.films, some)
        raise


def _new(writing: Writing, given: Sequence[ArchiveFilm]) -> tuple[list[ArchiveFilm], list[RefusedFilm]]:
    """Return the films that are not there, each once; and those whose SOP Instance UID another film has."""
    names, connection = writing.names, writing.connection
    instance_of = {one.sha256: names.of("instance", one.header.instance) for one in given
                   if one.header is not None and one.header.instance}  # fmt: skip
    held: set[str] = set()
    instances: set[str] = set()
    for table in (films, attachments):
        for some in _some(sorted({one.sha256 for one in given})):
            held.update(connection.execute(select(table.c.sha256).where(table.c.sha256.in_(some))).scalars())
        for some in _some(sorted(set(instance_of.values()))):
            found = select(table.c.instance).where(table.c.instance.in_(some))
            instances.update(str(one) for one in connection.execute(found).scalars())
    new: list[ArchiveFilm] = []
    doubled: list[RefusedFilm] = []
    for one in given:
        if one.sha256 in held:
            continue
        held.add(one.sha256)
        instance = instance_of.get(one.sha256)
        if instance in instances:
            doubled.append(RefusedFilm(name=one.name, reason=_DOUBLED))
            continue
        if instance is not None:
            instances.add(instance)
        new.append(one)
    return new, doubled


_DOUBLED = (
    "Another film has its SOP Instance UID. Send it to the worklist by DICOM or by the upload: "
    "both compare the two films."
)
_PARAMETERS = 500  # of one statement


def _some(values: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(values)
    while some := list(islice(rest, _PARAMETERS)):
        yield some


def _join(writing: Writing, film: Found, one: ArchiveFilm, model: str, *, actor: str) -> None:
    """Bring a film to the study that has its StudyInstanceUID, or waits for it; that study is then read."""
    assert one.header is not None
    study = reopen(writing, join(writing, film, one.header.identifiers, actor=actor), actor=actor)
    if study.state in ("reported", "reported_elsewhere", "set_aside"):  # the report does not speak of this film
        opened = after(study.state, "reopen", standing=study.standing)
        writing.move(study, opened, actor=actor, action="study.reopened")
        study = rows_of(writing.connection, studies, id=study.id).one()
    judge_rest(writing, study, model, judge=_read_all, audit_share=0.0, worker=actor)


def _read_all(judged: Sequence[Screened]) -> Decision:
    """Return the decision on a study with an imported film: that of all its films, which clears nothing."""
    whole = study_decision(judged, policy_digest="")
    return replace(whole, action="read", reason=RANKED) if whole.action == "clear" else whole
