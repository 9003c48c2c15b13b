"""The outbox: what is decided on a study, to be sent to each destination once.

A row is entered in the transaction that makes the decision: no decision is lost between the two, and none is entered
twice. A row is `kept` only when the destination has confirmed it (storage commitment) or was seen to have it.

A decision with the same content as the one before is not entered. One that overtakes another that was not sent yet
takes its place; what was sent already is superseded by what comes, which names it.
"""

from __future__ import annotations

import builtins
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import Field
from sqlalchemy import Connection, Integer, Select, bindparam, func, select

from unseen_server.worklist.parcels import Parcel, SentInstance, instances_of, parcel_of, written
from unseen_server.worklist.retry_delay import wait_s
from unseen_server.worklist.statements import insert_row, rows_of, update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.stored_text import checked_text
from unseen_server.worklist.stored_time import moment, moment_or_none
from unseen_server.worklist.tables import decisions, outbox, settings, studies
from unseen_server.worklist.transactions import Found, Writing

if TYPE_CHECKING:
    from unseen_server.worklist.site import Site

LEASE_S: Final = 120.0
"""Longer than sending the objects of one study takes; what a killed sender had is then sent again, with the same
UIDs."""
CONFIRM_S: Final = 60.0
"""Longest time that an accepted result waits for its confirmation before the server asks again."""
LONGEST_WAIT_S: Final = 3600.0
"""Longest wait of a result until it is sent, or its confirmation asked for, again."""
_SETTING: Final = "destinations"
_CONTENT: Final = ("action", "score", "probability", "reason", "policy_digest", "model")
_TO_BE_KEPT: Final = outbox.c.state.in_(("waiting", "sent"))
_BEFORE: Final = (
    select(outbox.c.id, outbox.c.state, *(decisions.c[name] for name in _CONTENT))
    .join(decisions, decisions.c.id == outbox.c.decision_id)
    .where(
        outbox.c.study_id == bindparam("study"),
        outbox.c.destination == bindparam("peer"),
        outbox.c.state != "superseded",
    )
    .order_by(outbox.c.id.desc())
)
_DUE: Final = (
    select(outbox.c.id)
    .where(_TO_BE_KEPT, outbox.c.due_us <= bindparam("now_us"), outbox.c.destination == bindparam("peer"))
    .order_by(outbox.c.due_us, outbox.c.id)
    .limit(1)
)
_TAKE: Final = (
    outbox.update()
    .where(outbox.c.id == _DUE.with_for_update(skip_locked=True).scalar_subquery())
    .values(lease=bindparam("new_lease"), due_us=bindparam("until_us"))
    .returning(*outbox.c)
)
_WITH_STUDY: Final = select(outbox, studies.c.public_id).join(studies, studies.c.id == outbox.c.study_id)
_ONE: Final = _WITH_STUDY.where(outbox.c.id == bindparam("number"))
_ACCEPTED: Final = _WITH_STUDY.where(outbox.c.destination == bindparam("peer"), outbox.c.state == "sent")
_HELD: Final = select(outbox).where(
    outbox.c.id == bindparam("number"), outbox.c.lease == bindparam("held_lease"), _TO_BE_KEPT
)
_ROWS: Final = (
    select(outbox, studies.c.public_id, decisions.c.action)
    .join(studies, studies.c.id == outbox.c.study_id)
    .join(decisions, decisions.c.id == outbox.c.decision_id)
)
_LONGEST: Final = _ROWS.where(_TO_BE_KEPT).order_by(outbox.c.made_us, outbox.c.id).limit(10)
_LATEST: Final = _ROWS.order_by(outbox.c.id.desc()).limit(bindparam("most", type_=Integer))
_LATEST_IN: Final = _LATEST.where(outbox.c.state == bindparam("wanted"))
_OLDEST: Final = select(func.min(outbox.c.made_us)).where(_TO_BE_KEPT)
_COUNTS: Final = select(outbox.c.destination, outbox.c.state, func.count().label("results")).group_by(
    outbox.c.destination, outbox.c.state
)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Destination of results.

    Args:
        name: of the peer.
        sources: whose studies; none: those of every source.
    """

    name: str
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A row of the outbox, as the page shows it."""

    number: int
    study: str
    destination: str
    action: str
    state: str
    tries: int
    reason: Annotated[str, Field(description='why the last try failed; "" where none did')]
    made: datetime
    sent: datetime | None
    kept: datetime | None


def destinations(connection: Connection) -> list[Destination]:
    """Return the destinations of results."""
    found = rows_of(connection, settings, name=_SETTING).one_or_none()
    kept = None if found is None else found.value
    return [Destination(name=one["name"], sources=tuple(one["sources"])) for one in json.loads(kept or "[]")]


def enter(writing: Writing, study: Found, decision: Found) -> None:
    """Enter a decision on a complete study for each destination that takes results of its source."""
    connection = writing.connection
    if study.uid is None and study.disputed_uid is None:  # an image: no archive has its study
        return
    for destination in destinations(connection):
        if destination.sources and study.source not in destination.sources:
            continue
        before = connection.execute(_BEFORE, {"study": study.id, "peer": destination.name}).all()
        if before and all(getattr(before[0], name) == getattr(decision, name) for name in _CONTENT):
            continue
        for row in before:
            if row.state in ("waiting", "dead"):
                update_row(connection, outbox, row.id, {"state": "superseded", "lease": None, "reason": ""})
        new = {
            "study_id": study.id,
            "decision_id": decision.id,
            "destination": destination.name,
            "state": "waiting",
            "tries": 0,
            "due_us": writing.now_us,
            "reason": "",
            "instances": "[]",
            "made_us": writing.now_us,
        }
        insert_row(connection, outbox, new)
        writing.log("unseen", "result.entered", study.public_id, destination=destination.name, action=decision.action)


class Outbox:
    """`store.outbox`."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def set_destinations(self, wanted: Sequence[Destination], *, actor: str) -> None:
        """Send results of decisions from now on there. Raises WorklistError for a name that is given twice."""
        names = [checked_text(one.name, "A destination's name", most=200) for one in wanted]
        if len(set(names)) < len(names):
            raise WorklistError(f"{', '.join(names)}: a destination is named twice. Give each a name of its own.")
        value = json.dumps([{"name": one.name, "sources": list(one.sources)} for one in wanted])
        with self._site.writing() as writing:
            if destinations(writing.connection) == list(wanted):
                return
            writing.connection.execute(settings.delete().where(settings.c.name == _SETTING))
            writing.connection.execute(settings.insert().values(name=_SETTING, value=value))
            writing.log(actor, "setting.changed", _SETTING, value=",".join(names))

    def take(self, destination: str, *, lease_s: float = LEASE_S) -> Parcel | None:
        """Return the result for `destination` that has been due longest, or None.

        Two senders never get the same one.
        """
        site = self._site
        now_us = site.now_us()
        lease = secrets.token_hex(8)
        due = {"now_us": now_us, "peer": destination}
        with site.database.reading() as connection:  # an empty outbox is asked often, and locks nobody out
            if connection.execute(_DUE, due).first() is None:
                return None
        with site.database.writing(alone=False) as connection:
            leased = {"new_lease": lease, "until_us": now_us + int(lease_s * 1e6)}
            taken = connection.execute(_TAKE, due | leased).one_or_none()
            return None if taken is None else parcel_of(self._site, connection, taken, lease)

    def sent(self, parcel: Parcel, instances: Sequence[SentInstance], *, confirm_s: float = CONFIRM_S) -> bool:
        """Record that the destination has accepted these; they are asked for again when no confirmation came by then.

        False where the claim was lost to another sender meanwhile.
        """
        with self._site.writing() as writing:
            row = _held(writing, parcel)
            if row is None:
                return False
            first = row.state == "waiting"
            change = {
                "state": "sent",
                "lease": None,
                "tries": row.tries + 1,
                "due_us": writing.now_us + int(min(confirm_s, LONGEST_WAIT_S) * 1e6),
                "instances": written(instances),
                "sent_us": writing.now_us if first else row.sent_us,
            }
            update_row(writing.connection, outbox, row.id, change)
            if first:
                writing.log(
                    "unseen", "result.sent", parcel.study, destination=parcel.destination, objects=len(instances)
                )
            return True

    def confirmed(self, destination: str, instances: Sequence[str]) -> int:
        """Record that the destination keeps these instances; return how many results are kept whole by that.

        Raises nothing for instances that are not known: a peer may confirm what others have sent.
        """
        wanted = set(instances)
        kept = 0
        with self._site.writing() as writing:
            for row in _accepted(writing, destination):
                own = {one.instance for one in instances_of(row.instances)}
                if not own or not own <= wanted:
                    continue
                change = {"state": "kept", "lease": None, "kept_us": writing.now_us, "reason": ""}
                update_row(writing.connection, outbox, row.id, change)
                writing.log("unseen", "result.kept", row.public_id, destination=destination)
                kept += 1
        return kept

    def not_kept(self, destination: str, instances: Sequence[str], reason: str, *, most_tries: int) -> int:
        """Record that the destination does not keep these instances, which it had accepted: their results are sent once
        more, with the same UIDs, or given up. Returns how many results that are.
        """
        wanted = set(instances)
        found = 0
        with self._site.writing() as writing:
            for row in _accepted(writing, destination):
                if not wanted & {one.instance for one in instances_of(row.instances)}:
                    continue
                tries = row.tries + 1
                _enter_try(writing, row, reason, "dead" if tries >= most_tries else "waiting")
                writing.log("unseen", "result.not_kept", row.public_id, destination=destination, tries=tries)
                found += 1
        return found

    def failed(self, parcel: Parcel, reason: str, *, most_tries: int, dead: bool = False) -> None:
        """Record that the destination did not take it: it is tried again later, each time after a longer wait, or given
        up.

        Args:
            dead: trying again cannot help: a person has to look.
        """
        with self._site.writing() as writing:
            row = _held(writing, parcel)
            if row is None:
                return
            tries = row.tries + 1
            given_up = dead or tries >= most_tries
            _enter_try(writing, row, reason, "dead" if given_up else row.state)
            if given_up:
                writing.log("unseen", "result.given_up", parcel.study, destination=parcel.destination, tries=tries)

    def unreached(self, parcel: Parcel, reason: str, *, again_s: float) -> None:
        """Record that the destination cannot be reached, which is not the result's fault: it waits, however long that
        lasts.
        """
        with self._site.writing() as writing:
            row = _held(writing, parcel)
            if row is not None:
                due_us = writing.now_us + int(min(again_s, LONGEST_WAIT_S) * 1e6)
                change = {"lease": None, "due_us": due_us, "reason": reason[:500]}
                update_row(writing.connection, outbox, row.id, change)

    def again(self, number: int, *, actor: str) -> None:
        """Send a result that was given up, at once. Raises NotFoundError, and NotAllowedError for any other."""
        with self._site.writing() as writing:
            row = writing.connection.execute(_ONE, {"number": number}).one_or_none()
            if row is None:
                raise NotFoundError(f"There is no result {number} in the outbox. Its study may have been erased.")
            if row.state != "dead":
                raise NotAllowedError(f"Result {number} is {row.state}, and only one that was given up is sent again.")
            change = {"state": "waiting", "tries": 0, "due_us": writing.now_us}
            update_row(writing.connection, outbox, number, change)
            writing.log(actor, "result.again", row.public_id, destination=row.destination)

    def destinations(self) -> tuple[Destination, ...]:
        """Return the destinations of results."""
        with self._site.database.reading() as connection:
            return tuple(destinations(connection))

    def longest(self) -> builtins.list[Sending]:
        """Return the ten oldest of those that are to be sent or confirmed."""
        return self._rows(_LONGEST, {})

    def list(self, *, state: str | None = None, most: int = 100) -> list[Sending]:
        """Return the rows of the outbox, the latest first; in one state, or in all."""
        if state is None:
            return self._rows(_LATEST, {"most": most})
        return self._rows(_LATEST_IN, {"most": most, "wanted": state})

    def _rows(
        self, query: Select[Any], parameters: Mapping[str, object]
    ) -> builtins.list[Sending]:  # `list` is the method here
        with self._site.database.reading() as connection:
            rows = connection.execute(query, parameters).all()
        return [
            Sending(
                number=row.id,
                study=row.public_id,
                destination=row.destination,
                action=row.action,
                state=row.state,
                tries=row.tries,
                reason=row.reason,
                made=moment(row.made_us),
                sent=moment_or_none(row.sent_us),
                kept=moment_or_none(row.kept_us),
            )
            for row in rows
        ]

    def oldest_s(self) -> float | None:
        """Return for how long, in seconds, the oldest result that is not kept yet has waited.

        Returns None where there is none.
        """
        with self._site.database.reading() as connection:
            made_us = connection.execute(_OLDEST).scalar_one()
        return None if made_us is None else max(0.0, (self._site.now_us() - made_us) / 1e6)

    def counts(self) -> dict[tuple[str, str], int]:
        """Return the number of results by destination and state."""
        with self._site.database.reading() as connection:
            rows = connection.execute(_COUNTS).all()
        return {(row.destination, row.state): row.results for row in rows}


def _accepted(writing: Writing, destination: str) -> Sequence[Found]:
    """Return results that the destination has accepted and not confirmed."""
    return writing.connection.execute(_ACCEPTED, {"peer": destination}).all()


def _held(writing: Writing, parcel: Parcel) -> Found | None:
    """Return the parcel's row while the claim holds."""
    return writing.connection.execute(_HELD, {"number": parcel.number, "held_lease": parcel.lease}).one_or_none()


def _enter_try(writing: Writing, row: Found, reason: str, state: str) -> None:
    """Enter a failed try; each further one waits longer."""
    tries = row.tries + 1
    due_us = writing.now_us + int(wait_s(row.id, tries) * 1e6)
    change = {"state": state, "lease": None, "tries": tries, "due_us": due_us, "reason": reason[:500]}
    update_row(writing.connection, outbox, row.id, change)
