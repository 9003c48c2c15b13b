"""`Store`: the worklist as one object. Each method describes its effect; the files that it names implement it.

A folder (SQLite) or a PostgreSQL URL, and beside the database: ``films/``, ``maps/`` and ``renditions/`` by digest,
``site.key``, and ``audit.head``. A store may be used by several threads, and by any number of processes at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from unseen_server.worklist import (
    audit_sample,
    clearing,
    clock_steps,
    completeness,
    details,
    drift_alarms,
    identity_review,
    outside_reports,
    overdue_updates,
    patient_merging,
    readers,
    receiving,
    reopening,
    rescoring,
    settle_time,
    study_claims,
    waiting_cap,
)
from unseen_server.worklist.accounts import Accounts
from unseen_server.worklist.activation import Activations
from unseen_server.worklist.administration import Administration
from unseen_server.worklist.database import PATIENCE_S, Database
from unseen_server.worklist.film_access import FilmAccess
from unseen_server.worklist.lists import Lists
from unseen_server.worklist.model_probes import ModelProbes
from unseen_server.worklist.opening import opened
from unseen_server.worklist.outbox import Outbox
from unseen_server.worklist.site import MAX_FILM_BYTES, Site
from unseen_server.worklist.study_claims import CLAIM_S

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from unseen_server.worklist.audit_sample import AuditSample
    from unseen_server.worklist.damage import Check
    from unseen_server.worklist.details import PriorStudy, StudyDetails
    from unseen_server.worklist.drift_alarms import StandingAlarm
    from unseen_server.worklist.outside_reports import OutsideCounts, OutsideReport, What
    from unseen_server.worklist.patient_merging import Merged
    from unseen_server.worklist.pseudonyms import Pseudonyms
    from unseen_server.worklist.readers import Aside, Outcome
    from unseen_server.worklist.received_header import ReceivedHeader
    from unseen_server.worklist.receiving import Receipt
    from unseen_server.worklist.reopening import RaisedAlarm
    from unseen_server.worklist.transactions import Writing


class Store(Lists, FilmAccess, Administration):
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

    # films in -------------------------------------------------------------------------------------------------------

    def receive(
        self,
        chunks: Iterable[bytes] | bytes,
        *,
        name: str,
        source: str = "unknown",
        actor: str = "unseen",
        header: ReceivedHeader | None = None,
        settle_s: float | None = None,
    ) -> Receipt:
        """Store one film's bytes. When this returns, the film is on the disk and in the queue: it is not lost.

        chunks    the bytes, whole or in pieces; nothing but their digest decides where they lie
        name      as the sender calls it; kept as a pseudonym unless the store was made without, never part of a path
        source    the site or collection, by which policies and lists tell films apart
        actor     who sent it, for the audit trail
        header    of a DICOM object, where the door has read it: the film joins its study at once, and what is no film
                  is kept with its study and never listed
        settle_s  for how long no film of its study must come after this one, before the study is complete; None: as
                  the site has set for the source

        The same bytes again get the same receipt. Raises WorklistError (`NoRoomError`, `TooLargeError`, `BusyError`):
        nothing was stored then.
        """
        return receiving.receive(
            self.site, chunks, name=name, source=source, actor=actor, header=header, settle_s=settle_s
        )

    def close_study(self, uid: str, *, source: str, actor: str) -> bool:
        """Close a study that its sender reports complete; False where nothing of it is waited for.

        uid  StudyInstanceUID
        """
        with self.writing() as writing:
            return completeness.close(writing, uid, source=source, actor=actor)

    def set_settle_s(
        self, seconds: float | None = None, *, of: Mapping[str, float | None] | None = None, actor: str
    ) -> None:
        """Set for how long no film of a study must come before it is complete.

        `of` has values by source; None there: as the site.
        """
        with self.writing() as writing:
            settle_time.set_settle_s(writing, seconds, of=of, actor=actor)

    def holds(self, instance: str) -> bool:
        """Return True if the instance (its SOP Instance UID) was received and its bytes are on the disk."""
        return receiving.holds(self.site, instance)

    def sweep(self) -> int:
        """Remove files that a killed process left without a row; returns how many. For the start of a server."""
        return self.site.sweep()

    # one study ------------------------------------------------------------------------------------------------------

    def priors(self, study: str) -> list[PriorStudy]:
        """Return other studies of the same patient, the latest first; none where no film names one.

        Raises NotFoundError.
        """
        with self.database.reading() as connection:
            return details.priors(connection, study)

    def study(self, study: str, *, blind: bool = True, reader: str | None = None) -> StudyDetails:
        """Return everything about one study; `reader` as for `page`. Raises NotFoundError."""
        with self.database.reading() as connection:
            return details.study(connection, study, now_us=self.now_us(), blind=blind, reader=reader)

    # readers --------------------------------------------------------------------------------------------------------

    def claim(self, study: str, reader: str) -> datetime:
        """Take a study for reading; returns until when. Raises NotAllowedError, with who has it since when."""
        with self.writing() as writing:
            return study_claims.claim(writing, study, reader, lasts_us=int(self.claim_s * 1e6))

    def release(self, study: str, reader: str, *, as_lead: bool = False) -> None:
        """Release a study unreported; a lead may release another reader's study."""
        with self.writing() as writing:
            study_claims.release(writing, study, reader, as_lead=as_lead)

    def report(
        self,
        study: str,
        reader: str,
        outcome: Outcome,
        note: str = "",
        *,
        simulated: bool = False,
        dwell_ms: int | None = None,
    ) -> None:
        """Report a study that one has taken: normal, abnormal or unsure.

        simulated  by a program that knows the truth, for demonstrations: films need not have been shown
        dwell_ms   milliseconds from the first display of a film of it to the report; None: no page has shown one

        Raises NotAllowedError where a frontal film was not shown to the reader (`mark_seen`), where `dwell_ms` is below
        `readers.LEAST_DWELL_MS`, or another has the study.
        """
        with self.writing() as writing:
            readers.report(writing, study, reader, outcome, note, simulated=simulated, dwell_ms=dwell_ms)

    def keep_draft(self, study: str, reader: str, note: str) -> None:
        """Keep what a reader has written of a study, until they report it; "" removes it. Raises NotFoundError."""
        with self.writing() as writing:
            readers.keep_draft(writing, study, reader, note)

    def set_aside(self, study: str, reader: str, how: Aside, reason: str, *, films: Collection[str]) -> bool:
        """Return the films that cannot be shown to their sender, or discard them; True where no film is left to report.

        films  those of the study that cannot be shown, as the caller has found out

        Raises NotAllowedError where one was shown to somebody, WorklistError without a reason.
        """
        with self.writing() as writing:
            return readers.set_aside(writing, study, reader, how, reason, films_of_it=films)

    def undo(self, study: str, reader: str, *, as_lead: bool = False) -> None:
        """Take one's report back, and the study in hand again; a lead may take back another's."""
        with self.writing() as writing:
            readers.undo(writing, study, reader, as_lead=as_lead, lasts_us=int(self.claim_s * 1e6))

    def reported_elsewhere(
        self,
        *,
        accession: str | None = None,
        film_sha256: str | None = None,
        outcome: Outcome | None = None,
        note: str = "",
        actor: str = "unseen",
    ) -> int:
        """Take studies off the list that another system has reported; returns how many were not so already.

        Raises NotFoundError, and NotAllowedError where one was reported here.
        """
        with self.writing() as writing:
            found = readers.studies_of(writing, accession=accession, film_sha256=film_sha256)
            return readers.elsewhere(writing, found, actor=actor, outcome=outcome, note=note)

    def confirm_report(self, study: str, reader: str) -> None:
        """Record that a reader has seen the films and agrees with another system's report; see `labels.confirmed`.

        Raises NotAllowedError where there is no such report, or a frontal film was not shown to the reader.
        """
        with self.writing() as writing:
            readers.confirm(writing, study, reader)

    def take_report(self, report: OutsideReport) -> What:
        """Enter another system's report on a study; returns what that led to. Raises WorklistError where it names none.

        When this returns, the report is not lost: one of a study that is not here waits 30 days for its films.
        """
        with self.database.reading() as connection:
            prepared = outside_reports.prepare(connection, self.names, report)
        if report.status == "preliminary":
            return "preliminary"
        with self.writing() as writing:
            return outside_reports.take(writing, prepared)

    def outside_counts(self) -> OutsideCounts:
        """Count the reports of other systems, by outcome.

        Counts also what they say of studies that were decided to be clear.
        """
        with self.database.reading() as connection:
            return outside_reports.counts(connection)

    def merge_patients(self, *, prior: str, surviving: str, issuer: str | None = None, actor: str) -> Merged:
        """Merge two numbers of one patient (`patient_merging.merge_patients`), and join the studies that then agree."""
        with self.writing() as writing:
            merged = patient_merging.merge_patients(
                writing, prior=prior, surviving=surviving, issuer=issuer, actor=actor
            )
            for uid in merged.uids:
                identity_review.review(writing, uid, actor=actor)
            return merged

    def requeue(self, study: str, *, actor: str) -> int:
        """Have the films of a study scored that could not be; returns how many."""
        with self.writing() as writing:
            return rescoring.requeue(writing, study, actor=actor)

    def set_waiting_cap_s(self, seconds: float, *, actor: str) -> None:
        """Set how long priorities may keep a study waiting; from then on it goes before them."""
        with self.writing() as writing:
            waiting_cap.set_cap(writing, seconds, actor=actor)

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

    # alarms and the audit sample --------------------------------------------------------------------------------------

    def alarms(self) -> list[StandingAlarm]:
        """Return drift alarms that two people have not acknowledged; while one stands, its policy clears nothing."""
        with self.database.reading() as connection:
            return drift_alarms.alarms(connection)

    def acknowledge_alarm(self, policy: str, *, actor: str, note: str) -> bool:
        """Record that a person has looked at a policy's drift alarm.

        With the second person clearing resumes; True then.

        Raises NotFoundError where none stands, NotAllowedError for the same person again, WorklistError without a note.
        """
        with self.writing() as writing:
            return drift_alarms.acknowledge(writing, policy, actor=actor, note=note)

    def withdraw_acknowledgement(self, policy: str, *, actor: str) -> None:
        """Take back the first acknowledgement of an alarm. Raises NotFoundError where there is none."""
        with self.writing() as writing:
            drift_alarms.withdraw_acknowledgement(writing, policy, actor=actor)

    def raised_alarms(self) -> list[RaisedAlarm]:
        """Return the latest drift alarms, also those that ended, with what was cleared of the studies that raised
        each.
        """
        with self.database.reading() as connection:
            return reopening.raised_alarms(connection)

    def propose_reopening(self, alarm: int, *, actor: str, note: str) -> None:
        """Propose to reopen what was cleared of the studies whose films raised an alarm; see `reopening.propose`."""
        with self.writing() as writing:
            reopening.propose(writing, alarm, actor=actor, note=note)

    def withdraw_reopening(self, alarm: int, *, actor: str) -> None:
        """Take that proposal back. Raises NotFoundError where there is none."""
        with self.writing() as writing:
            reopening.withdraw(writing, alarm, actor=actor)

    def reopen_cleared(self, alarm: int, *, actor: str, note: str) -> int:
        """Reopen what another person has proposed to reopen; returns how many studies. See `reopening.confirm`."""
        with self.writing() as writing:
            return reopening.confirm(writing, alarm, actor=actor, note=note)

    def clearing_stopped(self, policy: str) -> str:
        """Return the reason why the policy with this digest clears nothing; "" if it clears."""
        with self.database.reading() as connection:
            return clearing.stopped(connection, policy)

    def audit_sample(self) -> AuditSample:
        """Return readers' reports on the cleared studies that were read anyway."""
        with self.database.reading() as connection:
            return audit_sample.audit_sample(connection)
