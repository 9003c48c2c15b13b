"""`Store`: a worklist that is open: its database, its transactions, and its parts, each in a file of its own.

A worklist is a folder (SQLite) or a PostgreSQL URL, and beside the database: ``films/``, ``maps/`` and ``renditions/``
by digest, ``site.key``, and ``audit.head``. A store may be used by several threads, and by any number of processes at
once. Each part owns tables and opens the transactions; the functions that it calls work inside one, so that one
transaction can use several of them.
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
from unseen_server.worklist.audit_trail import AuditTrail
from unseen_server.worklist.database import PATIENCE_S, Database
from unseen_server.worklist.drift_alarms import DriftAlarms
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
    from unseen_server.worklist.damage import Check
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.storage_used import Storage
    from unseen_server.worklist.transactions import Writing


class Store:
    """An open worklist. Open one with `Store.open`; use it as a context manager, or call `close`.

    Args:
        database: the connection; `open` makes it, and the two that follow.
        home: the folder of films, maps, renditions, key and audit head.
        names: pseudonyms of patients and studies.
        clock: as for `open`; so are `max_film_bytes` and `claim_s`.
        max_film_bytes: a film of more is refused.
        claim_s: seconds after which a reader's claim ends.

    Attributes:
        studies: list, details, claims, assignment, merging of patients (`Studies`).
        films: received bytes, thumbnails, and who has seen a film (`WorklistFilms`).
        jobs: the queue of films to be scored (`JobQueue`).
        findings: scores, anomaly maps, renditions and their comparison (`Findings`).
        reports: readers' reports, drafts and labels (`Reports`).
        outside_reports: reports of other systems (`OutsideReports`).
        saved_views: views of the list that people keep (`SavedViews`).
        alarms: drift alarms and reopening (`DriftAlarms`).
        settings: of the site (`StoredSettings`).
        audit: the audit trail (`AuditTrail`).
        removal: erasing and retiring (`Removal`).
        outbox: results for other systems (`Outbox`).
        activations: the model and policy in force (`Activations`).
        model_probes: scores of probe films (`ModelProbes`).
        accounts: people, senders and their sessions (`Accounts`).
        site: what all parts share: clock, folders, limits.
        database: the connection.
        home: the folder of films, maps, renditions, key and audit head.
        names: pseudonyms of patients and studies.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.jobs.counts().waiting
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
        self.site = site = Site(database, home, names, clock=clock, max_film_bytes=max_film_bytes, claim_s=claim_s)
        self.database, self.home, self.names = site.database, site.home, site.names
        self.studies = Studies(site)
        self.films = WorklistFilms(site)
        self.jobs = JobQueue(site)
        self.findings = Findings(site)
        self.reports = Reports(site)
        self.outside_reports = OutsideReports(site)
        self.saved_views = SavedViews(site)
        self.alarms = DriftAlarms(site)
        self.settings = StoredSettings(site)
        self.audit = AuditTrail(site)
        self.removal = Removal(site)
        self.outbox = Outbox(site)
        self.activations = Activations(site)
        self.model_probes = ModelProbes(site)
        self.accounts = Accounts(site)

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

        Args:
            where: a folder, for SQLite; or postgresql://user@host/name.
            films_folder: of films, maps, key and head: by default the folder itself. With PostgreSQL it must be given,
                and every process must see the same one.
            pseudonymise: chosen once, when the store is made (default: true); it cannot be changed afterwards.
            create: False: a store that is not there is an error.
            clock: seconds since 1970; None: the machine's, and the database's for what is written to PostgreSQL.
            patience_s: how long to wait for the database's lock before `BusyError`.
            max_film_bytes: a film of more is refused.
            claim_s: seconds after which a reader's claim ends.
            check: "tables": that all tables exist; "database": also that SQLite's pages are whole, which reads the
                whole file; "files": also that the folder's films and audit.head are those in the tables.

        Raises:
            DamagedError: the check finds damage, or films lie next to an empty database.
            WorklistError: a newer schema, another site's key, an invalid URL, or no store where one must be.
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
        """Close the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def writing(self) -> AbstractContextManager[Writing]:
        """Begin a transaction: changes of studies and their audit events, committed together or not at all."""
        return self.site.writing()

    def sweep(self) -> int:
        """Remove files that a killed process left without a row; return how many. Servers call this when they start."""
        return self.site.sweep()

    def tidy(self) -> None:
        """Do what is due: workers call this regularly.

        It corrects times that a step of the clock left in the future, moves up studies that wait too long, and ends
        claims that have expired.
        """
        clock_steps.correct(self.site, claim_s=self.site.claim_s)
        overdue_updates.bring_up_to_date(self.site)
        with self.database.reading() as connection:
            if not study_claims.any_expired(connection, self.site.now_us()):
                return
        with self.writing() as writing:
            study_claims.end_expired(writing)

    def storage(self) -> Storage:
        """Return the disk space in use by type, in bytes, and the free space of the disk. Looks at every file."""
        return storage_used.measure(self.site)

    def schema(self) -> str:
        """Return the revision of the database's schema."""
        with self.site.database.reading() as connection:
            return schema.revision(connection) or ""
