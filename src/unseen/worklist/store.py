"""`Store`: the worklist as one object. Each method describes its effect; the files that it names implement it.

A folder (SQLite) or a PostgreSQL URL, and beside the database: ``films/``, ``maps/`` and ``renditions/`` by digest,
``site.key``, and ``audit.head``. A store may be used by several threads, and by any number of processes at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sqlalchemy import select

from unseen.worklist import (
    audit,
    details,
    jobs,
    labels,
    listing,
    monitoring,
    readers,
    receiving,
    renditions,
    retention,
    similar_films,
    transactions,
)
from unseen.worklist.accounts import Accounts
from unseen.worklist.activation import Activations
from unseen.worklist.database import PATIENCE_S, Database
from unseen.worklist.opening import HEAD, kept_head, opened
from unseen.worklist.site import MAX_FILM_BYTES, Site
from unseen.worklist.states import DONE
from unseen.worklist.tables import studies
from unseen.worklist.transactions import find_film

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unseen.worklist.audit import Head
    from unseen.worklist.details import Study
    from unseen.worklist.jobs import Queue
    from unseen.worklist.labels import Disagreement, LabelledFilm, Reference
    from unseen.worklist.listing import Page, Tab
    from unseen.worklist.monitoring import AuditSample, StandingAlarm
    from unseen.worklist.opening import Pseudonyms
    from unseen.worklist.readers import Outcome
    from unseen.worklist.receiving import Receipt
    from unseen.worklist.renditions import Rendition
    from unseen.worklist.retention import Removed
    from unseen.worklist.similar_films import Neighbour
    from unseen.worklist.states import State
    from unseen.worklist.transactions import Writing

CLAIM_S = 30 * 60.0
"""How long a claim holds without a report: a reader who walked away blocks a study for half an hour."""


class Store:
    """Open one with `Store.open`; use it as a context manager, or call `close`."""

    def __init__(
        self,
        database: Database,
        home: Path,
        names: Pseudonyms,
        *,
        clock: Callable[[], float] = time.time,
        max_film_bytes: int = MAX_FILM_BYTES,
        claim_s: float = CLAIM_S,
    ) -> None:
        self.site = site = Site(database, home, names, clock=clock, max_film_bytes=max_film_bytes)
        self.claim_s = claim_s
        self.database, self.home, self.names = site.database, site.home, site.names
        self.films, self.maps, self.renditions = site.films, site.maps, site.renditions
        self.accounts = Accounts(site)
        self.activations = Activations(site)

    @classmethod
    def open(
        cls,
        where: str | Path,
        *,
        films_folder: str | Path | None = None,
        pseudonymise: bool | None = None,
        create: bool = True,
        clock: Callable[[], float] = time.time,
        patience_s: float = PATIENCE_S,
        max_film_bytes: int = MAX_FILM_BYTES,
        claim_s: float = CLAIM_S,
    ) -> Store:
        """Open a worklist and bring its schema up to date; make it where there is none.

        where           a folder, for SQLite; or postgresql://user@host/name
        films_folder    where films, maps, key and head lie: by default the folder itself; with PostgreSQL it must be
                        given, and every process must see the same one
        pseudonymise    chosen once, when the store is made (default: true); it cannot be changed afterwards
        create          False: a store that is not there is an error
        clock           seconds since 1970; machines that share a PostgreSQL must agree within seconds
        patience_s      how long to wait for the database's lock before `BusyError`
        max_film_bytes  a film of more is refused
        claim_s         how long a reader's claim holds

        Raises WorklistError: a newer schema, another site's key, a URL that is none, no store where one must be.
        """
        database, home, names = opened(
            where, films_folder=films_folder, pseudonymise=pseudonymise, create=create, patience_s=patience_s
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
        """Microseconds since 1970."""
        return self.site.now_us()

    def writing(self) -> AbstractContextManager[Writing]:
        """A change of studies and its audit events: kept together when the block ends well, or not at all."""
        return self.site.writing()

    @property
    def max_film_bytes(self) -> int:
        """A film of more is refused."""
        return self.site.max_film_bytes

    # films in -------------------------------------------------------------------------------------------------------

    def receive(
        self, chunks: Iterable[bytes] | bytes, *, name: str, source: str = "unknown", actor: str = "unseen"
    ) -> Receipt:
        """Store one film's bytes. When this returns, the film is on the disk and in the queue: it is not lost.

        chunks  the bytes, whole or in pieces; nothing but their digest decides where they lie
        name    as the sender calls it; kept as a pseudonym unless the store was made without, never part of a path
        source  the site or collection, by which policies and lists tell films apart
        actor   who sent it, for the audit trail

        The same bytes again get the same receipt. Raises WorklistError (`NoRoomError`, `TooLargeError`, `BusyError`):
        nothing was stored then.
        """
        return receiving.receive(self.site, chunks, name=name, source=source, actor=actor)

    def sweep(self) -> int:
        """Remove files that a killed process left without a row; returns how many. For the start of a server."""
        return self.site.sweep()

    # the list -------------------------------------------------------------------------------------------------------

    def page(
        self,
        tab: Tab = "to_read",
        *,
        source: str | None = None,
        text: str | None = None,
        after: str | None = None,
        before: str | None = None,
        last: bool = False,
        limit: int = 50,
        blind: bool = True,
    ) -> Page:
        """Some rows of the list, in its order.

        tab     to_read (what was not scored first, then what waits too long, then by priority), not_scored (its top),
                cleared, reported (both: latest first), all (latest received first). Every study is on one of to_read,
                cleared, reported, and on `all`
        source  of this source alone
        text    whose accession number, patient, StudyInstanceUID, file name or own name is this, exactly
        after, before, last   a cursor of an earlier page, or the last page; none: the first
        blind   leave out what would tell a sampled study from the others; for readers, where a policy clears

        Raises WorklistError for a damaged cursor, no such tab, a limit outside 1 to 200.
        """
        wanted = listing.Wanted(
            tab=tab, source=source, text=text, after=after, before=before, last=last, limit=limit, blind=blind
        )
        now_us = due_us = self.now_us()
        while True:
            with self.database.reading() as connection:
                page = listing.page(connection, self.names, wanted, now_us=now_us, due_us=due_us)
            if page is not None:
                return page
            self.site.age()
            due_us = 0  # with another writer in the way, the page is in the order of a moment ago

    def sources(self) -> list[str]:
        """The sources that studies have, by name."""
        with self.database.reading() as connection:
            return listing.sources(connection)

    def study(self, study: str, *, blind: bool = True) -> Study:
        """Everything about one study. Raises NotFoundError."""
        with self.database.reading() as connection:
            return details.study(connection, study, now_us=self.now_us(), blind=blind)

    def film_path(self, film: str) -> Path:
        """Where the film's bytes lie, as they were received. Raises NotFoundError."""
        with self.database.reading() as connection:
            return self.films.of(find_film(connection, film).sha256)

    def map_path(self, film: str, model: str | None = None) -> Path:
        """Where an anomaly map of the film lies: `.npy`, float32 (size, size); the latest of a model that decided, or
        the one of `model`.

        Raises NotFoundError where there is none.
        """
        with self.database.reading() as connection:
            return self.maps.of(details.map_of(connection, film, model))

    # showing films, comparing scores: films by their public id, models by the SHA-256 of their weights ----------------

    def rendition(self, film: str, model: str) -> Rendition:
        """What a model saw of a film and made of it, on the network's grid.

        Raises NotFoundError where none is kept, WorklistError where it is damaged.
        """
        return renditions.read_rendition(self.renditions, self.film_path(film).name, model)

    def thumbnail(self, film: str) -> bytes:
        """The film as a small grey PNG, its longer side 160 pixels or less.

        Raises NotFoundError before a worker has read it, and where it cannot be read.
        """
        return renditions.read_thumbnail(self.renditions, self.film_path(film).name)

    def nearest(self, film: str, *, count: int = 5) -> list[Neighbour]:
        """The films that look most like this one among those of the latest 2000 studies that readers reported normal.

        Films of its own study are left out; there may be fewer than `count`, or none. Raises NotFoundError before a
        worker has read the film, WorklistError for a count outside 1 to 100.
        """
        with self.database.reading() as connection:
            return similar_films.nearest(connection, film, count=count)

    def reference(self, model: str, *, source: str | None = None) -> Reference:
        """The model's scores of films of the latest 2000 studies that readers reported normal.

        source  films of this source alone

        Below 20 of them, those of the last films that it scored here, whatever they show; `words` names the choice.
        """
        with self.database.reading() as connection:
            return labels.reference(connection, model, source=source)

    def labelled(self, *, most: int = 20_000) -> list[LabelledFilm]:
        """Films of studies whose standing report is normal or abnormal, with all scores; the latest `most`.

        Films that came after the report are left out, for it does not speak of them.
        """
        with self.database.reading() as connection:
            return labels.labelled(connection, most=most)

    def disagreements(self, first: str, second: str, *, limit: int = 50) -> list[Disagreement]:
        """The films on which two models disagree most, among the latest 5000 that both scored; most first.

        Raises WorklistError for a limit outside 1 to 500, and for one model named twice.
        """
        with self.database.reading() as connection:
            return labels.disagreements(connection, first, second, limit=limit)

    def generated(self) -> dict[str, NDArray[np.float32]]:
        """Images that models' generators made, by model: (64, size, size), network units."""
        return {model: images for model, (images, _) in renditions.read_generated(self.renditions).items()}

    def generated_inside(self) -> dict[str, NDArray[np.bool_] | None]:
        """Where those images typically show lung, by model: (size, size); None for models that see the whole film."""
        return {model: inside for model, (_, inside) in renditions.read_generated(self.renditions).items()}

    # readers --------------------------------------------------------------------------------------------------------

    def claim(self, study: str, reader: str) -> datetime:
        """Take a study for reading; returns until when. Raises NotAllowedError, with who has it since when."""
        with self.writing() as writing:
            return readers.claim(writing, study, reader, lasts_us=int(self.claim_s * 1e6))

    def release(self, study: str, reader: str, *, as_lead: bool = False) -> None:
        """Release a study unreported; a lead may release another reader's study."""
        with self.writing() as writing:
            readers.release(writing, study, reader, as_lead=as_lead)

    def report(self, study: str, reader: str, outcome: Outcome, note: str = "") -> None:
        """Report a study that one has taken: normal, abnormal or unsure."""
        with self.writing() as writing:
            readers.report(writing, study, reader, outcome, note)

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

    def requeue(self, study: str, *, actor: str) -> int:
        """Have the films of a study scored that could not be; returns how many."""
        with self.writing() as writing:
            return jobs.requeue(writing, study, actor=actor)

    def set_waiting_cap_s(self, seconds: float, *, actor: str) -> None:
        """How long priorities may keep a study waiting; from then on it goes before them."""
        with self.writing() as writing:
            transactions.set_cap(writing, seconds, actor=actor)

    def tidy(self) -> None:
        """Move up studies that wait too long, and release claims that ran out; workers call this regularly."""
        self.site.age()
        with self.database.reading() as connection:
            lapsed = select(studies.c.id).where(studies.c.claimed_until_us <= self.now_us()).limit(1)
            if connection.execute(lapsed).first() is None:
                return
        with self.writing() as writing:
            readers.lapse(writing)

    # health, audit, keeping -----------------------------------------------------------------------------------------

    def queue(self) -> Queue:
        """How many films wait for a worker, are done, could not be scored; how old the oldest waiting one is."""
        with self.database.reading() as connection:
            return jobs.queue(connection, now_us=self.now_us())

    def alarms(self) -> list[StandingAlarm]:
        """Drift alarms that nobody has acknowledged; while one stands, its policy clears nothing."""
        with self.database.reading() as connection:
            return monitoring.alarms(connection)

    def acknowledge_alarm(self, policy: str, *, actor: str, note: str = "") -> None:
        """A person has looked at a policy's drift alarm; clearing resumes. Raises NotFoundError where none stands."""
        with self.writing() as writing:
            monitoring.acknowledge(writing, policy, actor=actor, note=note)

    def clearing_stopped(self, policy: str) -> str:
        """Why the policy with this digest clears nothing; "" where nothing stands against it."""
        with self.database.reading() as connection:
            return monitoring.stopped(connection, policy)

    def audit_sample(self) -> AuditSample:
        """Readers' reports on the cleared studies that were read anyway."""
        with self.database.reading() as connection:
            return monitoring.audit_sample(connection)

    def audit_head(self) -> Head:
        """Where the audit trail ends; written down elsewhere, it proves the trail up to there."""
        with self.database.reading() as connection:
            return audit.head(connection)

    def verify_audit(self, head: Head | None = None) -> str | None:
        """None where the trail is whole up to the head kept beside the store and up to `head`; else a sentence."""
        heads: Mapping[str, Head] = {} if head is None else {"the head that was given": head}
        if (kept := kept_head(self.home)) is not None:
            heads = {**heads, str(self.home / HEAD): kept}
        with self.database.reading() as connection:
            return audit.broken(connection, heads)

    def erase(
        self, *, patient: str | None = None, issuer: str | None = None, study: str | None = None, actor: str
    ) -> Removed:
        """Remove all films, maps, rows of a patient (PatientID, and its issuer where several use it), or of a study."""
        return retention.erase(self.site, patient=patient, issuer=issuer, study=study, actor=actor)

    def retire(self, *, older_than_days: float, states: Sequence[State] = DONE, actor: str) -> Removed:
        """Remove studies that have been cleared, reported or reported elsewhere for longer than this."""
        return retention.retire(self.site, older_than_days=older_than_days, states=states, actor=actor)
