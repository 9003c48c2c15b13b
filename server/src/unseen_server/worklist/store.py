"""`Store`: the worklist as one object. Each method describes its effect; the files that it names implement it.

A folder (SQLite) or a PostgreSQL URL, and beside the database: ``films/``, ``maps/`` and ``renditions/`` by digest,
``site.key``, and ``audit.head``. A store may be used by several threads, and by any number of processes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from unseen_server.worklist import (
    clock_steps,
    overdue_updates,
    schema,
    storage_used,
    study_claims,
)
from unseen_server.worklist.accounts import Accounts
from unseen_server.worklist.activation import Activations
from unseen_server.worklist.alarms import DriftAlarms
from unseen_server.worklist.audit_trail import AuditTrail
from unseen_server.worklist.database import PATIENCE_S, Database
from unseen_server.worklist.films import WorklistFilms
from unseen_server.worklist.findings import Findings
from unseen_server.worklist.job_queue import JobQueue
from unseen_server.worklist.model_probes import ModelProbes
from unseen_server.worklist.opening import opened
from unseen_server.worklist.outbox import Outbox
from unseen_server.worklist.outside_reports import OutsideReports
from unseen_server.worklist.removal import Removal
from unseen_server.worklist.reports import Reports
from unseen_server.worklist.saved_views import SavedViews
from unseen_server.worklist.site import MAX_FILM_BYTES, Site
from unseen_server.worklist.stored_settings import StoredSettings
from unseen_server.worklist.studies import Studies
from unseen_server.worklist.study_claims import CLAIM_S

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from unseen_server.worklist.damage import Check
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.storage_used import Storage
    from unseen_server.worklist.transactions import Writing


class Store(
    Studies,
    WorklistFilms,
    JobQueue,
    Findings,
    Reports,
    OutsideReports,
    SavedViews,
    DriftAlarms,
    StoredSettings,
    AuditTrail,
    Removal,
):
    """Open one with `Store.open`; use it as a context manager, or call `close`.

    database  its connection
    home      the folder of films, maps, key and head
    names     the pseudonyms of patients and studies
    clock     the time, in seconds; see `open`
    max_film_bytes  larger films are refused
    claim_s   seconds after which a claim ends by itself

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.queue().waiting
    0
    """

    def __init__(
        self,
        database: Database,
        home: Path,
        names: Pseudonyms,
        *,
        clock: Callable[[], float] | None = None,
        max_film_bytes: int = MAX_FILM_BYTES,
        claim_s: float = CLAIM_S,
    ) -> None:
        self.site = site = Site(database, home, names, clock=clock, max_film_bytes=max_film_bytes)
        self.claim_s = claim_s
        self.database, self.home, self.names = site.database, site.home, site.names
        self.films, self.maps, self.renditions = site.films, site.maps, site.renditions
        self.accounts = Accounts(site)
        self.activations = Activations(site)
        self.model_probes = ModelProbes(site)
        self.outbox = Outbox(site)

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        films_folder: str | Path | None = None,
        pseudonymise: bool | None = None,
        create: bool = True,
        clock: Callable[[], float] | None = None,
        patience_s: float = PATIENCE_S,
        max_film_bytes: int = MAX_FILM_BYTES,
        claim_s: float = CLAIM_S,
        check: Check = "tables",
    ) -> Store:
        """Open a worklist and bring its schema up to date; make it where there is none.

        where           a folder, for SQLite; or postgresql://user@host/name
        films_folder    where films, maps, key and head lie: by default the folder itself; with PostgreSQL it must be
                        given, and every process must see the same one
        pseudonymise    chosen once, when the store is made (default: true); it cannot be changed afterwards
        create          False: a store that is not there is an error
        clock           seconds since 1970; None: the machine's, and the database's for what is written to PostgreSQL
        patience_s      how long to wait for the database's lock before `BusyError`
        max_film_bytes  a film of more is refused
        claim_s         how long a reader's claim holds
        check           "tables": that all tables exist; "database": and that SQLite's pages are whole, which reads the
                        whole file; "files": and that the folder's films and audit.head are those that the tables know

        Raises DamagedError where the check finds damage, and where films lie next to an empty database.
        Raises WorklistError: a newer schema, another site's key, a URL that is none, no store where one must be.
        """
        database, home, names = opened(
            where,
            films_folder=films_folder,
            pseudonymise=pseudonymise,
            create=create,
            patience_s=patience_s,
            check=check,
        )
        return cls(database, home, names, clock=clock, max_film_bytes=max_film_bytes, claim_s=claim_s)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def now_us(self) -> int:
        """Return the microseconds since 1970."""
        return self.site.now_us()

    def lease_clock(self) -> ColumnElement[int]:
        """Return the time of a statement, for use in it: the database's clock on PostgreSQL, unless `clock` was
        given.
        """
        return self.site.lease_clock()

    def writing(self) -> AbstractContextManager[Writing]:
        """Open a change of studies and its audit events: kept together when the block ends well, or not at all."""
        return self.site.writing()

    @property
    def max_film_bytes(self) -> int:
        """A film of more is refused."""
        return self.site.max_film_bytes

    def sweep(self) -> int:
        """Remove files that a killed process left without a row; returns how many. For the start of a server."""
        return self.site.sweep()

    def tidy(self) -> None:
        """Correct moments that a step of the clock left in the future, move up studies that wait too long, and release
        claims that ran out; workers call this regularly."""
        clock_steps.correct(self.site, claim_s=self.claim_s)
        overdue_updates.bring_up_to_date(self.site)
        with self.database.reading() as connection:
            if not study_claims.any_expired(connection, self.now_us()):
                return
        with self.writing() as writing:
            study_claims.end_expired(writing)

    def storage(self) -> Storage:
        """Return the disk space in use by type, in bytes, and the free space of the disk. Looks at every file."""
        return storage_used.measure(self.site)

    def schema(self) -> str:
        """The revision of the database's schema."""
        with self.site.database.reading() as connection:
            return schema.revision(connection) or ""
