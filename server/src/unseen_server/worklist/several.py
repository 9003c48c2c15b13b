"""Acts on several studies in one transaction: assign, score again, return; lists of done and refused ones.

A server that is killed has done all or nothing. All of it is in the audit trail, and none of it reports a study.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select

from unseen_server.worklist import report_entry, rescoring, study_claims
from unseen_server.worklist.lookup import find_study
from unseen_server.worklist.statements import update_row
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.tables import accounts, studies
from unseen_server.worklist.transactions import Writing

MOST = 200
"""Studies at once: those of the largest page."""
_READER = select(accounts.c.id).where(
    accounts.c.name == bindparam("reader"), accounts.c.disabled_us.is_(None), accounts.c.role != "sender"
)


@dataclass(frozen=True, kw_only=True)
class NotDone:
    """A study that an act was refused for, and the sentence why."""

    study: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class OnSeveral:
    """Result of an act on several studies, in the order in which they were given."""

    done: tuple[str, ...]
    refused: tuple[NotDone, ...]


def assign(writing: Writing, names: Sequence[str], reader: str | None, *, actor: str) -> OnSeveral:
    """Assign studies to a reader, or to nobody; anybody may still read them.

    Raises NotFoundError where there is no such account, or it is disabled.
    """
    own = (None, actor)  # who signed in by the machine's own link may have no account
    if reader not in own and writing.connection.execute(_READER, {"reader": reader}).first() is None:
        raise NotFoundError(f"{reader[:64]!r}: nobody with this name can read here. Take another account.")

    def one(name: str) -> None:
        study = find_study(writing.connection, name)
        if study.shelf == "reported":
            raise NotAllowedError(f"It is {study.state.replace('_', ' ')}, and waits for nobody.")
        if study.assigned_to != reader:
            update_row(writing.connection, studies, study.id, {"assigned_to": reader})
            writing.log(actor, "study.assigned", study.public_id, to=reader, was=study.assigned_to)

    return _each(writing, names, one)


def requeue(writing: Writing, names: Sequence[str], *, actor: str) -> OnSeveral:
    """Have those films of the studies scored again that could not be."""
    return _each(writing, names, lambda name: rescoring.requeue(writing, name, actor=actor))


def send_back(
    writing: Writing, names: Sequence[str], reader: str, reason: str, *, broken: Mapping[str, Collection[str]],
    lasts_us: int,
) -> OnSeveral:  # fmt: skip
    """Take the studies and return those of their films to the sender that cannot be shown (`report_entry.set_aside`).

    Args:
        broken: by study, the films that cannot be shown, as the caller has found out.
        lasts_us: how long the claim of a study holds of which other films are left to be read.
    """

    def one(name: str) -> None:
        study_claims.claim(writing, name, reader, lasts_us=lasts_us)
        report_entry.set_aside(writing, name, reader, "returned", reason, films_of_it=broken.get(name, ()))

    return _each(writing, names, one)


def _each(writing: Writing, names: Sequence[str], act: Callable[[str], object]) -> OnSeveral:
    if not 1 <= len(names) <= MOST:
        raise WorklistError(f"{len(names)} studies: between 1 and {MOST} can be chosen at once.")
    done: list[str] = []
    refused: list[NotDone] = []
    for name in dict.fromkeys(names):
        entries = len(writing.entries)
        try:
            with writing.connection.begin_nested():  # what was begun for a study that refuses leaves no trace
                act(name)
        except (NotAllowedError, NotFoundError) as error:
            del writing.entries[entries:]
            refused.append(NotDone(study=name, reason=str(error)))
        else:
            done.append(name)
    return OnSeveral(done=tuple(done), refused=tuple(refused))
