"""Identifiers in the headers of films, as the database may store them, and the rows that they touch.

A film is *ordinary* when its header changes nothing but the film's own study: no other study takes it in, no other film
is the same, no report waits for it. Results of ordinary films are entered in batches (`result_batch`); the others one
by one, alone in the database (`receiving.join`, `instances.become_copy`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select

from unseen.data import Film
from unseen_server.worklist import outside_reports, patient_merging
from unseen_server.worklist.bulk import among
from unseen_server.worklist.stored_text import clean
from unseen_server.worklist.tables import films, studies, terms
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from unseen.data import NotRead
    from unseen_server.worklist.pseudonyms import Kind, Pseudonyms

_COLUMNS: Final[tuple[tuple[str, str, Kind], ...]] = (
    ("patient", "PatientID", "patient"),
    ("issuer", "IssuerOfPatientID", "issuer"),
    ("accession", "AccessionNumber", "accession"),
    ("uid", "StudyInstanceUID", "study"),
)


@dataclass(frozen=True, kw_only=True)
class FilmIdentity:
    """Identifiers in a film's header, as pseudonyms.

    Args:
        columns: of the study's row: patient (before any merge of patients), issuer, accession, uid; those that are
            named.
        instance: of the film; None for images.
        terms: by which the study is found, the patient aside.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    instance: str | None = None
    terms: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Pseudonyms, identifiers: Mapping[str, str]) -> FilmIdentity:
        """Make the identity from `Film.identifiers`."""
        given = {column: clean(identifiers.get(keyword, "")).strip() for column, keyword, _ in _COLUMNS}
        instance = clean(identifiers.get("SOPInstanceUID", "")).strip()
        return cls(
            columns={column: names.of(kind, given[column]) for column, _, kind in _COLUMNS if given[column]},
            instance=names.of("instance", instance) if instance else None,
            terms=tuple(
                names.sealed(kind, given[column])
                for column, _, kind in _COLUMNS
                if given[column] and column in ("accession", "uid")
            ),
        )

    @classmethod
    def of_film(cls, names: Pseudonyms, film: Film | NotRead) -> FilmIdentity:
        """Return the identifiers of a film that was read; of another one nothing is known."""
        return cls.of(names, film.identifiers) if isinstance(film, Film) else cls()

    def is_of(self, study: Found) -> bool:
        """Return True if the study's row has all identifiers of the film, and so is found by it."""
        return all(getattr(study, name) == value for name, value in self.columns.items())

    @property
    def keys(self) -> set[str]:
        """Keys that two transactions must not enter at once: films of one study, and one instance twice."""
        return {key for key in (self.columns.get("uid"), self.instance) if key is not None}


class Identities:
    """Identifiers of a batch of films, and the rows of the database that match, read at once."""

    def __init__(self, writing: Writing, identities: Mapping[int, FilmIdentity], of_films: Mapping[int, Any]) -> None:
        """Take the identity and the study of each film, by number (Any: rows)."""
        self._identities = identities
        self._names = writing.names
        self._now_us = writing.now_us
        self.terms: list[dict[str, Any]] = []  # rows to be inserted
        connection = writing.connection
        # a film whose header was read on arrival is in its study already, with all that it names
        new = {number: one for number, one in identities.items() if not one.is_of(of_films[number])}
        uids = {one.columns["uid"] for one in new.values() if "uid" in one.columns}
        instances = {one.instance for one in identities.values() if one.instance is not None}
        patients = {one.columns["patient"] for one in new.values() if "patient" in one.columns}
        self._targets: dict[str, int] = {}
        self._pixels: dict[str, set[tuple[int, str]]] = {}
        self._known: dict[int, set[str]] = {}
        if uids:
            found = select(studies.c.uid, studies.c.id).where(among(connection, studies.c.uid, uids))
            self._targets = {row.uid: row.id for row in connection.execute(found)}
        if instances:
            same = (among(connection, films.c.instance, instances), films.c.pixel_sha256.is_not(None))
            for row in connection.execute(select(films.c.instance, films.c.id, films.c.pixel_sha256).where(*same)):
                self._pixels.setdefault(row.instance, set()).add((row.id, row.pixel_sha256))
        if new := {number: one for number, one in new.items() if one.columns}:
            numbers = [of_films[number].id for number in new]
            of_them = select(terms.c.study_id, terms.c.term).where(among(connection, terms.c.study_id, numbers))
            for number, term in connection.execute(of_them):
                self._known.setdefault(number, set()).add(term)
        self._new = set(new)
        self._merged = patient_merging.patients_of(connection, patients)
        held = [one.columns for one in identities.values()]
        held += [{"uid": one.uid, "accession": one.accession} for one in of_films.values()]
        self._waited_for = outside_reports.waited_for(
            connection,
            uids={one["uid"] for one in held if one.get("uid")},
            accessions={one["accession"] for one in held if one.get("accession")},
            now_us=writing.now_us,
        )

    def is_ordinary(self, film: Found, study: Found, read: Film | NotRead) -> bool:
        """Return True if the film's header touches nothing but its own study."""
        identity = self._identities[film.id]
        uid = identity.columns.get("uid")
        if self._targets.get(uid or "", study.id) != study.id:
            return False
        held = {study.uid, study.accession, uid, identity.columns.get("accession")}
        if not self._waited_for.isdisjoint(held - {None}):
            return False
        if film.instance is None and study.settles_us is not None and study.settles_us > self._now_us:
            return False  # an early report may have to speak of this film, too
        if isinstance(read, Film) and identity.instance is not None:
            same = self._pixels.get(identity.instance, set())
            return not any(number != film.id and pixels == read.pixel_sha256 for number, pixels in same)
        return True

    def enter(self, film: Any, study: Any, read: Film | NotRead) -> None:  # Any: rows that change here
        """Let an ordinary film's study have what its header names."""
        identity = self._identities[film.id]
        if identity.instance is not None:
            film.instance = film.instance or identity.instance
            if isinstance(read, Film):
                self._pixels.setdefault(identity.instance, set()).add((film.id, read.pixel_sha256))
        if film.id not in self._new:
            return
        columns = dict(identity.columns)
        found = list(identity.terms)
        if "patient" in columns:
            columns["patient"] = self._merged.get(columns["patient"], columns["patient"])
            found.append(patient_merging.term_of(self._names, columns["patient"]))
        for name, value in columns.items():
            if getattr(study, name) is None:
                setattr(study, name, value)
        if "uid" in columns:
            self._targets[columns["uid"]] = study.id
        known = self._known.setdefault(study.id, set())
        self.terms += [{"term": term, "study_id": study.id} for term in sorted(set(found) - known)]
        known.update(found)
