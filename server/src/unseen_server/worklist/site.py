"""`Site`: what every part of a worklist stands on: its database, its clock, its folders, and the transaction by which
studies change. `Store` owns one.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Select, bindparam, cast, func, select

from unseen_server.worklist import audit, waiting_cap
from unseen_server.worklist.audit_head import keep_head
from unseen_server.worklist.database import end_of_trail
from unseen_server.worklist.renditions import RenditionFolder
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_files import ContentFolder
from unseen_server.worklist.study_claims import CLAIM_S
from unseen_server.worklist.tables import attachments, films, findings
from unseen_server.worklist.transactions import Writing

if TYPE_CHECKING:
    from unseen_server.worklist.database import Database
    from unseen_server.worklist.pseudonyms import Pseudonyms

_log = logging.getLogger("unseen")

MAX_FILM_BYTES = 256 * 2**20
"""Largest file that the decoder opens (`unseen.data.DecoderLimits`)."""


def time_of_statement(clock_is_databases: bool) -> ColumnElement[int]:
    """Return the time at which a statement begins, in microseconds, for use in it.

    It is the time of the database (PostgreSQL), or the parameter `now_us` (`Site.clock_parameters`).
    """
    if clock_is_databases:
        return cast(func.extract("epoch", func.statement_timestamp()) * 1_000_000, BigInteger)
    return bindparam("now_us", type_=BigInteger)


@functools.cache
def _cap_and_time(clock_is_databases: bool) -> Select[Any]:  # Any: both
    return select(waiting_cap.CAP, time_of_statement(clock_is_databases).label("now_us"))


@dataclass(eq=False)
class Site:
    """One worklist's database and folders.

    Args:
        home: the folder of films, maps, renditions, key and audit head.
        names: pseudonyms of patients and of files' names.
        clock: seconds since 1970; None: the machine's, and on PostgreSQL the database's for whatever is written, leases
            among it, so that machines whose clocks differ agree on when a lease ends.
        max_film_bytes: a film of more is refused.
        claim_s: seconds after which a reader's claim of a study ends.
    """

    database: Database
    home: Path
    names: Pseudonyms
    clock: Callable[[], float] | None = None
    max_film_bytes: int = MAX_FILM_BYTES
    claim_s: float = CLAIM_S
    films: ContentFolder = field(init=False)
    maps: ContentFolder = field(init=False)
    renditions: RenditionFolder = field(init=False)

    def __post_init__(self) -> None:
        self.films = ContentFolder(self.home / "films")
        self.maps = ContentFolder(self.home / "maps")
        self.renditions = RenditionFolder(self.home / "renditions")

    def now_us(self) -> int:
        """Return the microseconds since 1970."""
        return int((time.time if self.clock is None else self.clock)() * 1e6)

    def clock_parameters(self) -> dict[str, int]:
        """Return the parameters that a statement with `time_of_statement` needs."""
        return {} if self.clock_is_databases else {"now_us": self.now_us()}

    @property
    def clock_is_databases(self) -> bool:
        """True if times of leases are those of the database."""
        return self.clock is None and not self.database.is_sqlite

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writing]:
        """Open a change of studies and its audit events: kept together when the block ends well, or not at all."""
        with self.database.writing() as connection:
            writing = self._begun(connection)
            yield writing
            head = audit.append(connection, writing.entries) if writing.entries else None
        self._ended(writing, head)

    @contextlib.contextmanager
    def writing_together(self, keys: Collection[str]) -> Iterator[Writing]:
        """Open a change like `writing`, next to others that name other keys.

        The block locks the rows that it changes; the audit trail's end is locked for the time of the append alone.
        """
        with self.database.writing_together(keys) as connection:
            writing = self._begun(connection)
            yield writing
            head = None
            if writing.entries:
                end_of_trail(connection)
                head = audit.append(connection, writing.entries, in_time=not self.database.is_sqlite)
        self._ended(writing, head)

    def _begun(self, connection: Connection) -> Writing:
        cap, now_us = connection.execute(_cap_and_time(self.clock_is_databases), self.clock_parameters()).one()
        return Writing(connection, self.names, now_us, int(float(cap) * 1e6))

    def _ended(self, writing: Writing, head: audit.AuditHead | None) -> None:
        """Keep the head of the audit trail beside the database, and log what was done."""
        if head is not None:
            try:
                keep_head(self.home, head)
            except OSError as error:  # what was written is kept all the same; the next head covers it
                _log.warning("audit.head cannot be written: %s", error.strerror)
            except WorklistError as error:
                _log.warning("audit.head is left as it is: %s", error)
        for entry in writing.entries:
            _log.info("%s id=%s", entry.action, entry.subject)

    def sweep(self) -> int:
        """Remove files that a killed process left without a row; returns how many."""
        total = 0
        for folder in (self.films, self.maps, self.renditions):
            total += folder.sweep(
                lambda digests, folder=folder: self._known(folder, digests),  # type: ignore[misc]
                lambda digests, folder=folder: self.remove_unknown(folder, digests),  # type: ignore[misc]
            )
        if total:
            _log.info("store.swept files=%d", total)
        return total

    def remove_unknown(self, folder: ContentFolder, digests: Sequence[str]) -> int:
        """Remove those of these files that no row names, or a film's renditions; returns how many."""
        if not digests:
            return 0
        with self.database.writing() as connection:
            known = {
                digest
                for column in self._named(folder)
                for digest in connection.execute(select(column).where(column.in_(digests))).scalars()
            }
            strangers = [digest for digest in set(digests) - known if folder.of(digest).exists()]
            for digest in strangers:
                folder.remove(digest)
        return len(strangers)

    def _known(self, folder: ContentFolder, digests: list[str]) -> set[str]:
        with self.database.reading() as connection:
            return {
                digest
                for column in self._named(folder)
                for digest in connection.execute(
                    select(column).where(column.between(digests[0], digests[-1]))
                ).scalars()
            }

    def _named(self, folder: ContentFolder | RenditionFolder) -> list[Column[Any]]:  # Any: text
        """Return the columns that name files of this folder."""
        if folder is self.maps:
            return [findings.c.map_sha256]
        return [films.c.sha256] if folder is self.renditions else [films.c.sha256, attachments.c.sha256]
