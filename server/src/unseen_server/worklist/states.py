"""States of a study, the transitions between them, and the errors of the worklist.

A study has a *state*, and a *standing*: the state that it would have if no reader had touched it. Films and decisions
change the standing; readers change the state; `release` sets the state back to the standing.

    received ──judge──▶ scored, to_read, cleared, not_scored ──claim──▶ in_reading ──report──▶ reported ──undo──▶
    in_reading; any state but the last two ──elsewhere──▶ reported_elsewhere ──undo──▶ the standing;
    in_reading ──set_aside──▶ set_aside ──undo──▶ in_reading, for a study of which no film can be shown

The transitions are one table, with pure functions over it. The message of each error is a sentence for the person who
asked. `reading_order` has the position of a study in the list.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from unseen.artifacts import UserError


class WorklistError(UserError, RuntimeError):
    """The worklist cannot do what was asked; the message gives the problem, what was found and what to do."""


class NotFoundError(WorklistError):
    """There is no such study, film or account."""


class NotAllowedError(WorklistError):
    """The study's state, or another reader's claim, stands against it."""


class BusyError(WorklistError):
    """The database is locked, or cannot be reached or written; nothing was changed, and trying again is safe."""


class NotWritableError(BusyError):
    """The database can be read and not written: its disk is read-only or fails. It does not get well by itself."""


class DamagedError(WorklistError):
    """The database is empty or damaged, or does not belong to the files next to it; a backup must be restored."""


class NoRoomError(WorklistError):
    """The disk or the database is full; nothing was stored."""


class TooLargeError(WorklistError):
    """More bytes than a film may have; nothing was stored."""


STORE_FAULTS: Final = (BusyError, DamagedError, NoRoomError)
"""Faults of the worklist, not of what was sent to it: the same film or report can be sent again later."""


State = Literal[
    "received",
    "scored",
    "to_read",
    "cleared",
    "not_scored",
    "in_reading",
    "reported",
    "reported_elsewhere",
    "set_aside",
]
"""received: no film of it was judged; scored: nothing asks for reading so far, but films are still to be judged;
set_aside: none of its films can be shown, and a reader returned it to its sender or discarded it, with a reason."""

Act = Literal["judge", "reopen", "claim", "release", "report", "undo", "elsewhere", "set_aside"]
"""judge: a decision was made; reopen: one was made on a film that came after a report."""

Shelf = Literal["to_read", "cleared", "reported"]

STATES: Final[tuple[State, ...]] = get_args(State)
SHELVES: Final[tuple[Shelf, ...]] = get_args(Shelf)
STANDINGS: Final[tuple[State, ...]] = ("received", "scored", "to_read", "cleared", "not_scored")
DONE: Final[tuple[State, ...]] = ("cleared", "reported", "reported_elsewhere", "set_aside")
"""A study in one of these waits for nobody; only such studies are removed by age."""

_STANDING: Final = "standing"
_AFTER: Final[dict[Act, dict[State, State | Literal["standing"]]]] = {
    "judge": {
        **{state: _STANDING for state in STANDINGS},
        "in_reading": "in_reading",
        "reported": "reported",
        "reported_elsewhere": "reported_elsewhere",
        "set_aside": "set_aside",
    },
    "reopen": {
        **{state: _STANDING for state in STANDINGS},
        "in_reading": "in_reading",
        "reported": _STANDING,
        "reported_elsewhere": _STANDING,
        "set_aside": _STANDING,
    },
    "claim": {state: "in_reading" for state in ("scored", "to_read", "cleared", "not_scored", "in_reading")},
    "release": {"in_reading": _STANDING},
    "report": {"in_reading": "reported"},
    "undo": {"reported": "in_reading", "reported_elsewhere": _STANDING, "set_aside": "in_reading"},
    "elsewhere": {state: "reported_elsewhere" for state in (*STANDINGS, "in_reading")},
    "set_aside": {"in_reading": "set_aside"},
}
_DOING: Final[dict[Act, str]] = {
    "judge": "judged",
    "reopen": "opened again",
    "claim": "taken for reading",
    "release": "released",
    "report": "reported",
    "undo": "undone",
    "elsewhere": "marked as reported elsewhere",
    "set_aside": "set aside",
}
_INSTEAD: Final[dict[State, str]] = {
    "received": "Wait until a worker has scored it.",
    "scored": "Take it for reading first.",
    "to_read": "Take it for reading first.",
    "cleared": "Take it for reading first.",
    "not_scored": "Take it for reading first.",
    "in_reading": "Report it, or release it.",
    "reported": "Undo the report first.",
    "reported_elsewhere": "Undo that first, if it is wrong.",
    "set_aside": "Undo that first, if it is wrong.",
}


def after(state: State, act: Act, *, standing: State) -> State:
    """Return the state that follows.

    Raises NotAllowedError, a sentence, where `act` is not open to a study in `state`.

    >>> after("to_read", "claim", standing="to_read"), after("in_reading", "release", standing="cleared")
    ('in_reading', 'cleared')
    >>> after("reported", "claim", standing="to_read")
    Traceback (most recent call last):
    ...
    unseen_server.worklist.states.NotAllowedError: A study that is reported cannot be taken for reading. ...
    """
    following = _AFTER[act].get(state)
    if following is None:
        raise NotAllowedError(f"A study that is {state.replace('_', ' ')} cannot be {_DOING[act]}. {_INSTEAD[state]}")
    return standing if following == "standing" else following


def allowed(state: State) -> tuple[Act, ...]:
    """Return the actions that are allowed in `state`.

    >>> allowed("reported")
    ('judge', 'reopen', 'undo')
    """
    return tuple(act for act, table in _AFTER.items() if state in table)


def shelf_of(state: State) -> Shelf:
    """Return the list on which a study in `state` stands; every state stands on one.

    >>> shelf_of("received"), shelf_of("cleared"), shelf_of("reported_elsewhere")
    ('to_read', 'cleared', 'reported')
    """
    if state == "cleared":
        return "cleared"
    return "reported" if state in ("reported", "reported_elsewhere", "set_aside") else "to_read"


def standing_of(action: Literal["clear", "read", "not_scored"] | None, *, unjudged: int) -> State:
    """Return the standing of a study on which `action` was decided (None: nothing yet), with `unjudged` films to come.

    >>> standing_of("clear", unjudged=1), standing_of("clear", unjudged=0), standing_of("read", unjudged=1)
    ('scored', 'cleared', 'to_read')
    """
    if action is None:
        return "received"
    if action == "clear":
        return "scored" if unjudged else "cleared"
    return "to_read" if action == "read" else "not_scored"
