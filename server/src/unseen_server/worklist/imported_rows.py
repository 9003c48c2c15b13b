"""The rows of films that an import brings: films, studies, findings, decisions, and by what studies are found.

What touches new studies alone is decided in memory and written by one statement per table, on PostgreSQL by COPY. A
film whose header names a study that is there, or that a report waits for, first stands as a study of its own, and the
caller joins the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from unseen.data import NotRead
from unseen.screening import Screened, study_decision
from unseen_server.worklist.bulk import among, copy_rows, new_numbers
from unseen_server.worklist.identities import FilmIdentity, Identities
from unseen_server.worklist.states import after
from unseen_server.worklist.study_decisions import columns_of, film_of, settled
from unseen_server.worklist.tables import decisions, films, findings, jobs, studies, terms

if TYPE_CHECKING:
    from unseen_server.worklist.archive_films import ArchiveFilm
    from unseen_server.worklist.transactions import Found, Writing

Kept = Any  # a row before it is written


class ImportedRows:
    """Rows of films that the worklist does not have, scored by the model with these weights."""

    def __init__(self, writing: Writing, model: str) -> None:
        self._writing, self._model = writing, model

    def enter(self, given: Sequence[ArchiveFilm]) -> list[tuple[Found, ArchiveFilm]]:
        """Enter them; returns the films' rows that have still to be joined to the study that their header names."""
        connection, names = self._writing.connection, self._writing.names
        numbers = new_numbers(connection, films, len(given))
        study_numbers = new_numbers(connection, studies, len(given))
        rows = [self._film(number, one) for number, one in zip(numbers, given, strict=True)]
        named = {film.id: FilmIdentity.of(names, one.header.identifiers if one.header is not None else {})
                 for film, one in zip(rows, given, strict=True)}  # fmt: skip
        own = {film.id: self._study(number, film) for number, film in zip(study_numbers, rows, strict=True)}
        together: dict[tuple[str | None, ...], Kept] = {}  # films of this part that name the same study and patient
        of_film = {
            film.id: together.setdefault(_key(named[film.id]), own[film.id]) if named[film.id].columns.get("uid")
            else own[film.id]
            for film in rows
        }  # fmt: skip
        identities = Identities(self._writing, named, of_film)
        joining = []
        for film, one in zip(rows, given, strict=True):
            nothing = NotRead(name=one.name, reason="", source=one.source, patient="")  # of its pixels nothing is known
            if identities.is_ordinary(film, of_film[film.id], nothing):
                identities.enter(film, of_film[film.id], nothing)
            else:
                of_film[film.id] = own[film.id]
                joining.append((film.id, one))
        of_study: dict[int, list[tuple[Kept, ArchiveFilm]]] = {}
        for film, one in zip(rows, given, strict=True):
            film.study_id = of_film[film.id].id
            of_study.setdefault(film.study_id, []).append((film, one))
        self._write(of_study, {study.id: study for study in of_film.values()}, identities.terms)
        found = select(films).where(among(connection, films.c.id, [number for number, _ in joining]))
        by_number = {row.id: row for row in connection.execute(found)} if joining else {}
        return [(by_number[number], one) for number, one in joining]

    def _write(
        self,
        of_study: Mapping[int, Sequence[tuple[Kept, ArchiveFilm]]],
        of_number: Mapping[int, Kept],
        identified: Sequence[Mapping[str, Any]],  # Any: values of whatever column
    ) -> None:
        connection, now_us = self._writing.connection, self._writing.now_us
        decided: list[dict[str, Any]] = []  # Any: values of whatever column
        named: list[Mapping[str, Any]] = list(identified)
        for number, of_it in of_study.items():
            study, rows = of_number[number], [film for film, _ in of_it]
            study.films = len(rows)
            entry = {"study_id": number, "model": self._model, "made_us": now_us}
            decided += [{"film_id": film.id, **entry, **columns_of(one.decision)} for film, one in of_it]
            decided.append({"film_id": None, **entry, **columns_of(self._decide(study, of_it))})
            sealed = {self._writing.names.sealed("name", one.name) for _, one in of_it}
            sealed |= {film.public_id for film in rows} | {study.public_id}
            named += [{"term": term, "study_id": number} for term in sorted(sealed)]
        every = [pair for of_it in of_study.values() for pair in of_it]
        copy_rows(connection, studies, [vars(of_number[number]) for number in of_study])
        copy_rows(connection, films, [vars(film) for film, _ in every])
        copy_rows(connection, terms, named)
        copy_rows(
            connection,
            findings,
            [
                {
                    "film_id": film.id,
                    "model": self._model,
                    "score": one.decision.score,
                    "parts": "{}",
                    "made_us": now_us,
                }
                for film, one in every
            ],
        )
        copy_rows(connection, decisions, decided)
        done = {"state": "done", "tries": 0, "due_us": now_us, "reason": ""}
        copy_rows(connection, jobs, [{"film_id": film.id, **done} for film, _ in every])

    def _decide(self, study: Kept, of_it: Sequence[tuple[Kept, ArchiveFilm]]) -> Any:  # Any: the decision
        """Decide on a new study from its films, and give it its place; returns the decision."""
        judged = [Screened(film=film_of(film), decision=one.decision) for film, one in of_it]
        found = settled(
            self._writing,
            study,
            study_decision(judged, policy_digest=""),
            self._model,
            of_study=[film for film, _ in of_it],
            apart=None,
            audit_share=0.0,
        )
        state = after(study.state, "judge", standing=found.standing)
        placed = self._writing.placed(study, state, standing=found.standing, columns=found.columns)
        for name, value in placed.items():
            setattr(study, name, value)
        return found.whole

    def _film(self, number: int, one: ArchiveFilm) -> Kept:
        names = self._writing.names
        return SimpleNamespace(
            id=number,
            public_id=f"f-{names.sealed('film', one.sha256)[:20]}",
            study_id=0,
            sha256=one.sha256,
            bytes=one.size,
            name=names.of("name", one.name),
            source=one.source,
            received_us=self._writing.now_us,
            judged=True,
            view_position=one.view,
            projection=one.projection,
            origin=None,
            related=None,
            pixel_sha256=None,
            tags="{}",
            instance=None,
        )

    def _study(self, number: int, film: Kept) -> Kept:
        """Return a film's own study."""
        now_us = self._writing.now_us
        study = SimpleNamespace(
            **dict.fromkeys(("uid", "patient", "issuer", "accession", "settles_us", "priority", "disputed_uid"))
        )
        vars(study).update(
            id=number,
            public_id=f"s-{film.public_id[2:]}",
            source=film.source,
            state="received",
            standing="received",
            received_us=now_us,
            changed_us=now_us,
            films=1,
        )
        return study


def _key(identity: FilmIdentity) -> tuple[str | None, ...]:
    return tuple(identity.columns.get(name) for name in ("uid", "patient", "issuer"))
