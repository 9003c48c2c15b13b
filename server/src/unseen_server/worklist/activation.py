"""`Activations`: which model and which policy a site scores with, proposed by one person and activated by another.

Rows are added, and only who activated or withdrew them is entered later. The activation made last is in force, unless
it was withdrawn: then each server scores with the model it was started with and clears nothing, and no earlier one
comes back by itself. One person stops clearing; two, each with a note, start it (`clearing`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import ValidationError
from sqlalchemy import Connection, func, select

from unseen.screening import Policy
from unseen_server.worklist.statements import rows_of
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.stored_time import moment, moment_or_none
from unseen_server.worklist.tables import activations
from unseen_server.worklist.transactions import Found, Writing
from unseen_server.worklist.two_person_rule import needs_another, needs_note

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site

Standing = Literal["proposed", "active", "superseded", "withdrawn"]

_MOST = 50  # listed, latest first
_MOST_NUMBER = 2**63


@dataclass(frozen=True, kw_only=True)
class Activation:
    """A model, and a policy for it, that somebody has proposed.

    Args:
        number: its name.
        model: SHA-256 of the weights.
        model_digest: of the whole model; None where it was not known, as before revision 0014.
        policy: None: films are ranked, and none is cleared.
        note: the proposer's, `activated_note` the second person's; a policy needs both.
        further: policies of models that were calibrated together with it: references of percentiles, which clear
            nothing.
        despite: why it was activated though the model has no input gate, or no evaluation.
    """

    number: int
    standing: Standing
    model: str
    model_name: str
    model_digest: str | None
    policy: Policy | None = field(repr=False)
    policy_digest: str
    note: str
    proposed_by: str
    proposed: datetime
    activated_by: str | None
    activated: datetime | None
    activated_note: str
    despite: str
    withdrawn_by: str | None
    withdrawn: datetime | None
    further: tuple[Policy, ...] = field(default=(), repr=False)


class Activations:
    """`store.activations`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def propose(
        self,
        model: str,
        model_name: str,
        policy: Policy | None = None,
        *,
        actor: str,
        note: str = "",
        model_digest: str | None = None,
        further: Sequence[Policy] = (),
    ) -> Activation:
        """Propose to score with a model from now on; nothing changes until another person activates it.

        Args:
            model: SHA-256 of the weights.
            policy: what films are cleared by; None: none is.
            model_digest: of the whole model; None: not known here.
            further: policies of models that were calibrated together with it.

        Raises WorklistError for a policy of another model, and for a policy without a note.
        """
        checked_text(note, "The note", most=2000)
        if policy is not None:
            needs_note(note)
        if policy is not None and policy.weights_sha256 != model:
            raise WorklistError(
                f"The policy was calibrated for the weights {policy.weights_sha256[:16]}…, and the model that is "
                f"proposed has {model[:16]}…. Calibrate this model."
            )
        if policy is not None and model_digest is not None and policy.model_digest != model_digest:
            raise WorklistError(
                f"The policy was calibrated for a model with the digest {policy.model_digest[:16] or 'unknown'}…, and "
                f"the model that is proposed has {model_digest[:16]}…. Calibrate this model."
            )
        digest = "" if policy is None else policy.digest
        with self._site.writing() as writing:
            number = writing.connection.execute(
                activations.insert()
                .values(
                    model=model,
                    model_name=model_name,
                    policy=None if policy is None else json.dumps(policy.model_dump(mode="json")),
                    policy_digest=digest,
                    note=note,
                    proposed_by=actor,
                    proposed_us=writing.now_us,
                    model_digest=model_digest,
                    further=json.dumps({one.digest: one.model_dump(mode="json") for one in further})
                    if further
                    else None,
                )
                .returning(activations.c.id)
            ).scalar_one()
            row = _row(writing.connection, number)
            more = {"further": " ".join(one.digest for one in further)} if further else {}
            _log(writing, actor, "model.proposed", row, note=writing.names.sealed("note", note), **more)
            return _one(writing.connection, number)

    def activate(self, number: int, *, actor: str, note: str = "", despite: str = "") -> Activation:
        """Put a proposal in force; whoever made it cannot.

        Args:
            note: what the second person has looked at; a policy needs one.
            despite: why, where the model has no input gate or no evaluation; whether one is needed, and that `actor` is
                a lead or an admin, is for whoever asks in their name to check.

        Raises NotFoundError; NotAllowedError for the proposer, and for what is no proposal any more; WorklistError
        for a policy without a note.
        """
        for text in (note, despite):
            checked_text(text, "The note", most=2000)
        with self._site.writing() as writing:
            row = _row(writing.connection, number)
            standing = _standing(writing.connection, row)
            if standing == "withdrawn":
                raise NotAllowedError(f"Proposal {number} was withdrawn. Propose the model again.")
            if standing != "proposed":
                raise NotAllowedError(f"Proposal {number} was activated by {row.activated_by} already.")
            needs_another(
                actor,
                first=row.proposed_by,
                sentence=f"{actor} has proposed this, and a second person must activate it: another lead or admin. "
                "Where there is none, an admin adds an account (POST /api/v1/accounts), and that person signs in with "
                "it.",
            )
            if row.policy is not None:
                needs_note(note)
            latest = writing.connection.execute(select(func.max(activations.c.activated_us))).scalar_one() or 0
            writing.connection.execute(
                activations.update()
                .where(activations.c.id == row.id)
                .values(
                    activated_by=actor,
                    activated_us=max(writing.now_us, latest + 1),  # clocks of two machines differ
                    activated_note=note,
                    despite=despite,
                )
            )
            said = {key: writing.names.sealed("note", text) for key, text in (("note", note), ("despite", despite))}
            _log(
                writing,
                actor,
                "model.activated",
                row,
                proposed_by=row.proposed_by,
                **{key: value for key, value in said.items() if (note if key == "note" else despite)},
            )
            return _one(writing.connection, number)

    def withdraw(self, number: int, *, actor: str) -> Activation:
        """Take back a proposal, or what is in force; for that no second person is needed.

        Raises NotFoundError; NotAllowedError for one that is neither.
        """
        with self._site.writing() as writing:
            row = _row(writing.connection, number)
            standing = _standing(writing.connection, row)
            if standing in ("withdrawn", "superseded"):
                raise NotAllowedError(f"Proposal {number} is {standing} already: there is nothing to take back.")
            writing.connection.execute(
                activations.update()
                .where(activations.c.id == row.id)
                .values(withdrawn_by=actor, withdrawn_us=writing.now_us)
            )
            _log(writing, actor, "model.withdrawn", row, was=standing)
            return _one(writing.connection, number)

    def get(self, number: int) -> Activation:
        """Return one activation. Raises NotFoundError."""
        with self._site.database.reading() as connection:
            return _one(connection, number)

    def listed(self) -> list[Activation]:
        """Return the proposals and activations, latest first, fifty at most."""
        with self._site.database.reading() as connection:
            last = _last(connection)
            rows = connection.execute(select(activations).order_by(activations.c.id.desc()).limit(_MOST)).all()
            return [_of(row, last) for row in rows]

    def active(self) -> Activation | None:
        """Return the activation in force; None if there is none, so that each server scores with what it was started
        with.
        """
        with self._site.database.reading() as connection:
            last = _last(connection)
            if last is None:
                return None
            found = _of(_row(connection, last), last)
        return found if found.standing == "active" else None

    def policies(self) -> dict[str, Policy]:
        """Return every policy that was ever in force by an activation, by its digest."""
        with self._site.database.reading() as connection:
            rows = connection.execute(
                select(activations).where(activations.c.activated_us.is_not(None), activations.c.policy.is_not(None))
            ).all()
        found = (_policy(row) for row in rows)
        return {policy.digest: policy for policy in found if policy is not None}


def entered_prevalence(connection: Connection, policy_digest: str) -> float | None:
    """Return the prevalence that was entered for a policy.

    Args:
        connection: a connection of the worklist's database.
        policy_digest: the policy's digest.

    Returns:
        None where none was entered, and for a policy that was never proposed here.
    """
    query = select(activations).where(activations.c.policy_digest == policy_digest, activations.c.policy.is_not(None))
    row = connection.execute(query.limit(1)).one_or_none()
    policy = None if row is None else _policy(row)
    return None if policy is None else policy.prevalence


def _last(connection: Connection) -> int | None:
    """Return the activation that was made last, withdrawn or not."""
    query = select(activations.c.id).where(activations.c.activated_us.is_not(None))
    return connection.execute(query.order_by(activations.c.activated_us.desc()).limit(1)).scalar_one_or_none()


def _row(connection: Connection, number: int) -> Found:
    known = 0 < number < _MOST_NUMBER  # of anything else no database is asked
    row = rows_of(connection, activations, id=number).one_or_none() if known else None
    if row is None:
        raise NotFoundError(f"There is no proposal {number}.")
    return row


def _one(connection: Connection, number: int) -> Activation:
    return _of(_row(connection, number), _last(connection))


def _standing(connection: Connection, row: Found) -> Standing:
    return _standing_of(row, _last(connection))


def _standing_of(row: Found, last: int | None) -> Standing:
    if row.withdrawn_us is not None:
        return "withdrawn"
    if row.activated_us is None:
        return "proposed"
    return "active" if row.id == last else "superseded"


def _of(row: Found, last: int | None) -> Activation:
    return Activation(
        number=row.id,
        standing=_standing_of(row, last),
        model=row.model,
        model_name=row.model_name,
        model_digest=row.model_digest,
        policy=_policy(row),
        policy_digest=row.policy_digest,
        note=row.note,
        proposed_by=row.proposed_by,
        proposed=moment(row.proposed_us),
        activated_by=row.activated_by,
        activated=moment_or_none(row.activated_us),
        activated_note=row.activated_note or "",
        despite=row.despite or "",
        withdrawn_by=row.withdrawn_by,
        withdrawn=moment_or_none(row.withdrawn_us),
        further=_further(row),
    )


def _policy(row: Found) -> Policy | None:
    """Return the policy that a row holds.

    Raises WorklistError where it is not the one that was proposed.
    """
    return None if row.policy is None else _checked(row, row.policy, row.policy_digest)


def _further(row: Found) -> tuple[Policy, ...]:
    known: dict[str, object] = {} if row.further is None else json.loads(row.further)
    return tuple(_checked(row, json.dumps(one), digest) for digest, one in known.items())


def _checked(row: Found, text: str, digest: str) -> Policy:
    try:
        policy = Policy.model_validate_json(text)
    except ValidationError:
        policy = None
    if policy is None or policy.digest != digest:
        raise WorklistError(
            f"The policy of proposal {row.id} is not the one that was proposed: the database was altered. Check the "
            "audit trail, and restore a backup."
        )
    return policy


def _log(writing: Writing, actor: str, action: str, row: Found, **more: str) -> None:
    digest = {} if row.model_digest is None else {"digest": row.model_digest}
    writing.log(actor, action, row.model, activation=row.id, policy=row.policy_digest, **digest, **more)
