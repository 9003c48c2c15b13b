"""Patient identities of a study: which films came under which patient number and issuer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from unseen_server.worklist.bulk import among
from unseen_server.worklist.tables import attachments, films, studies
from unseen_server.worklist.transactions import Found


@dataclass(frozen=True, kw_only=True)
class IdentityClaim:
    """Films of one study that came under one patient number and issuer, as the page names them.

    Attributes:
        study: the study under which they are listed.
        films: names of the films, copies included.

    >>> IdentityClaim(study="s-1", films=("f-1",)).films
    ('f-1',)
    """

    study: str
    films: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PatientClaim:
    """Patient and issuer that a study or a copy names; None: not named."""

    patient: str | None
    issuer: str | None

    def agrees(self, other: PatientClaim) -> bool:
        """Return True if all claims can be of one patient."""
        pairs = ((self.patient, other.patient), (self.issuer, other.issuer))
        return all(one is None or two is None or one == two for one, two in pairs)


def claims_of(connection: Connection, rows: Iterable[Found]) -> dict[int, tuple[IdentityClaim, ...]]:
    """Return the films that disagree, by study, for those of the studies whose identity is disputed.

    Args:
        connection: a connection.
        rows: studies as they are stored.

    Returns:
        For each disputed study its own films first, then those of the studies with the same UID. Other films than its
        own are missing where they were erased.
    """
    wanted = {row.id: row for row in rows if row.disputed_uid is not None}
    if not wanted:
        return {}
    uids = {row.disputed_uid for row in wanted.values()}
    members = connection.execute(
        select(studies).where(among(connection, studies.c.disputed_uid, uids)).order_by(studies.c.id)
    ).all()
    numbers = [one.id for one in members]
    of_studies: dict[int, list[str]] = {}
    query = select(films.c.study_id, films.c.public_id).where(among(connection, films.c.study_id, numbers))
    for number, film in connection.execute(query.order_by(films.c.id)):
        of_studies.setdefault(number, []).append(film)
    for copy in disagreeing_copies(connection, members):
        of_studies.setdefault(copy.study_id, []).append(copy.public_id)
    return {
        number: tuple(
            IdentityClaim(study=one.public_id, films=tuple(of_studies.get(one.id, ())))
            for one in sorted(members, key=lambda one: one.id != number)
            if one.disputed_uid == row.disputed_uid
        )
        for number, row in wanted.items()
    }


def claim_of(row: Found) -> PatientClaim:
    """Return the claim of a study or a copy, as it is stored."""
    return PatientClaim(patient=row.patient, issuer=row.issuer)


def disagreeing_copies(connection: Connection, members: Sequence[Found]) -> list[Found]:
    """Return the copies of the studies' films that came under another patient number or issuer, with `study_id`."""
    if not members:
        return []
    rows: Iterable[Found] = connection.execute(
        select(attachments.c.public_id, attachments.c.patient, attachments.c.issuer, films.c.study_id)
        .join(films, films.c.id == attachments.c.film_id)
        .where(among(connection, films.c.study_id, [one.id for one in members]))
        .order_by(attachments.c.id)
    )
    own = {one.id: claim_of(one) for one in members}
    return [row for row in rows if not own[row.study_id].agrees(claim_of(row))]
