"""Search of the audit trail, with its filters, limit and SQL: who, what, when, on which study; the latest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import AwareDatetime, ConfigDict, Field
from sqlalchemy import ColumnElement, CompoundSelect, Connection, literal, select, union

from unseen_server.worklist.audit import Event, event_of
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_text import checked_text, clean
from unseen_server.worklist.stored_time import microseconds
from unseen_server.worklist.tables import audit, films, merged, studies, terms

if TYPE_CHECKING:
    from unseen_server.worklist.pseudonyms import Pseudonyms

MOST = 200


@dataclass(frozen=True, kw_only=True)
class AuditSearch:
    """Filters of the audit trail; empty fields do not count.

    Sent in the body, since a patient's number may stand in it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    actor: Annotated[str, Field(max_length=200, description="who did it, exactly")] = ""
    action: Annotated[str, Field(max_length=200, description="what, or how it begins: study.reported, study.")] = ""
    study: Annotated[str, Field(max_length=200, description="as in the search of the list; or a film, an account")] = ""
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    before: Annotated[int | None, Field(ge=0, lt=2**63, description="only rows before this number: the next page")] = (
        None
    )
    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Some rows, the latest first; `before` for the ones after them, None where there are none."""

    events: Sequence[Event]
    before: Annotated[int | None, Field(description="for the next page; null where there is none")]


def search(connection: Connection, names: Pseudonyms, sought: AuditSearch) -> Matches:
    """Return the rows that match; see `AuditTrail.search`."""
    if not 1 <= sought.limit <= MOST:
        raise WorklistError(f"{sought.limit} rows: between 1 and {MOST} can be asked for.")
    wanted = list(_conditions(names, sought))
    rows = connection.execute(select(audit).where(*wanted).order_by(audit.c.seq.desc()).limit(sought.limit + 1)).all()
    shown = rows[: sought.limit]
    return Matches(
        events=[event_of(row) for row in shown],
        before=shown[-1].seq if len(rows) > len(shown) else None,
    )


def _conditions(names: Pseudonyms, sought: AuditSearch) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for text in (sought.actor, sought.action, sought.study):
        checked_text(text, "What is searched for", most=200)
    if actor := sought.actor.strip():
        found.append(audit.c.actor == actor)
    if action := sought.action.strip():
        found.append(audit.c.action.startswith(action, autoescape=True))
    if study := sought.study.strip():
        found.append(audit.c.subject.in_(_subjects(names, study)))
    if sought.since is not None:
        found.append(audit.c.time_us >= microseconds(sought.since))
    if sought.until is not None:
        found.append(audit.c.time_us < microseconds(sought.until))
    if sought.before is not None:
        found.append(audit.c.seq < sought.before)
    return found


def _subjects(names: Pseudonyms, text: str) -> CompoundSelect[tuple[str]]:
    """Select the subjects of events on the matching studies: the studies, their films, and studies that joined them."""
    called = [clean(names.sealed(kind, text)) for kind in ("accession", "patient", "study", "name")] + [clean(text)]
    numbers = select(terms.c.study_id).where(terms.c.term.in_(called))
    return union(
        select(literal(text)),
        select(studies.c.public_id).where(studies.c.id.in_(numbers)),
        select(films.c.public_id).where(films.c.study_id.in_(numbers)),
        select(merged.c.public_id).where(merged.c.study_id.in_(numbers)),
    )
