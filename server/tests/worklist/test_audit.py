"""The audit trail: every change adds a row, nobody changes one unnoticed, and what was cut off is missed."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy
from sqlalchemy.exc import DBAPIError

from tests.worklist.conftest import (
    Clock,
    Judge,
    MakePlace,
    Place,
    on_both_databases,
    on_postgresql,
    own_on_postgresql,
    png,
)
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.audit import GENESIS, AuditHead, first_break
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import audit

UNLOCK = {
    "sqlite": ("DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"),
    "postgresql": ("ALTER TABLE audit DISABLE TRIGGER USER",),
}


@pytest.fixture
def own_store(own_place: Place, clock: Clock) -> Store:
    """A store with twelve events, whose triggers are gone."""
    store = own_place.open(clock=clock)
    for number in range(12):
        store.films.receive(png(number), name=f"{number}")
    with store.database.writing() as connection:
        for statement in UNLOCK[own_place.kind]:
            connection.exec_driver_sql(statement)
    return store


def tamper(store: Store, statement: str) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql(statement)


def test_the_chain_can_be_checked_with_nothing_but_a_hash_function(store: Store) -> None:
    for number in range(3):
        store.films.receive(png(number), name=f"{number}")
    with store.database.reading() as connection:
        rows = connection.execute(sqlalchemy.select(audit).order_by(audit.c.seq)).all()
    previous = "0" * 64
    for number, row in enumerate(rows, start=1):
        text = json.dumps(
            [row.seq, row.time_us, row.actor, row.action, row.subject, row.body, previous],
            separators=(",", ":"),
            ensure_ascii=False,
        )
        assert (row.seq, row.previous) == (number, previous)
        assert row.hash == hashlib.sha256(text.encode()).hexdigest()
        previous = row.hash
    assert store.audit.verify() is None
    assert store.audit.head() == AuditHead(seq=3, hash=previous)


def test_an_empty_trail_is_whole(store: Store) -> None:
    assert store.audit.verify() is None
    assert store.audit.head() == AuditHead(seq=0, hash=GENESIS)


@on_both_databases
def test_the_database_itself_refuses_changes(store: Store) -> None:
    store.films.receive(png(1), name="a")
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 1"):
        with pytest.raises(DBAPIError, match="append-only"):
            tamper(store, statement)
    assert store.audit.verify() is None


def test_postgresql_refuses_to_empty_the_table(make_place: MakePlace) -> None:
    with make_place("postgresql").open() as store:
        store.films.receive(png(1), name="a")
        with pytest.raises(DBAPIError, match="append-only"):
            tamper(store, "TRUNCATE audit")


BROKEN = {
    "UPDATE audit SET actor = 'nobody' WHERE seq = 5": "Row 5 .* was changed after it was written",
    "UPDATE audit SET body = '{}' WHERE seq = 7": "Row 7 .* was changed",
    "UPDATE audit SET time_us = time_us + 1 WHERE seq = 1": "Row 1 .* was changed",
    "UPDATE audit SET subject = 'f-0' WHERE seq = 12": "Row 12 .* was changed",
    "UPDATE audit SET hash = previous WHERE seq = 3": "Row 3 .* was changed",
    "UPDATE audit SET previous = hash WHERE seq = 3": "Row 3 .* does not follow from row 2",
    "DELETE FROM audit WHERE seq = 6": "Row 6 .* is missing: row 5 is followed by row 7",
    "DELETE FROM audit WHERE seq <= 2": "Row 1 .* is missing",
    "DELETE FROM audit WHERE seq > 9": "ends at row 9, but the file beside knows row 12: the rows after 9 are gone",
    "DELETE FROM audit": "ends at row 0, but the file beside knows row 12",
    "INSERT INTO audit SELECT 0, time_us, actor, action, subject, body, previous, hash FROM audit WHERE seq = 1": (
        "Row 0 .* was inserted: the trail begins with row 1"
    ),
    "INSERT INTO audit SELECT -9, time_us, actor, action, subject, body, previous, hash FROM audit WHERE seq = 1": (
        "Row -9 .* was inserted"
    ),
}


@own_on_postgresql
def test_whoever_breaks_the_chain_is_found_out(own_store: Store) -> None:
    kept = {"the file beside": own_store.audit.head()}
    for statement, said in BROKEN.items():
        with own_store.database.engine.connect() as connection, connection.begin() as undone:
            assert first_break(connection, kept) is None
            connection.exec_driver_sql(statement)
            assert re.search(said, str(first_break(connection, kept))), statement
            undone.rollback()


@pytest.mark.parametrize("change", ["body = x'00'", "time_us = 9e999"])
def test_a_value_that_is_no_json_is_a_changed_row(make_place: MakePlace, change: str) -> None:
    with make_place("sqlite").open() as store:  # PostgreSQL stores no such values
        store.films.receive(png(1), name="a")
        for statement in (*UNLOCK["sqlite"], f"UPDATE audit SET {change}"):
            tamper(store, statement)
        assert store.audit.verify() == "Row 1 of the audit trail was changed after it was written."


def test_a_tail_that_was_cut_off_is_missed_by_the_file_beside_the_store(own_store: Store) -> None:
    tamper(own_store, "DELETE FROM audit WHERE seq > 9")
    assert re.search(r"ends at row 9, but .*audit\.head knows row 12", str(own_store.audit.verify()))


def rewritten(store: Store) -> None:
    """Row 4 changed, and every hash from there on computed anew: a chain that is whole in itself."""
    with store.database.writing() as connection:
        previous = None
        for row in connection.execute(sqlalchemy.select(audit).order_by(audit.c.seq)).all():
            values = dict(row._mapping)
            if row.seq == 4:
                values["actor"] = "nobody"
            values["previous"] = previous or row.previous
            fields = [values[name] for name in ("seq", "time_us", "actor", "action", "subject", "body", "previous")]
            text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
            previous = values["hash"] = hashlib.sha256(text.encode()).hexdigest()
            connection.execute(audit.update().where(audit.c.seq == row.seq).values(**values))


def test_a_chain_that_was_written_anew_is_found_out_by_a_head_kept_elsewhere(own_store: Store) -> None:
    earlier = own_store.audit.head()
    own_store.films.receive(png(99), name="one more")
    rewritten(own_store)
    assert "rewritten" in str(own_store.audit.verify())
    (own_store.home / "audit.head").unlink()
    assert own_store.audit.verify() is None, "nothing in the database tells"
    found = own_store.audit.verify(AuditHead.parse(str(earlier)))
    assert (
        found == "Row 12 of the audit trail is not the one that the head that was given knows: the trail was rewritten."
    )


def test_the_head_beside_the_store_is_the_last_row(store: Store) -> None:
    for number in range(5):
        store.films.receive(png(number), name=f"{number}")
        assert AuditHead.parse((store.home / "audit.head").read_text()) == store.audit.head()


@pytest.mark.parametrize("written", [b"", bytes(67), b" \n"])
def test_a_head_that_a_power_cut_emptied_is_written_again(store: Store, written: bytes) -> None:
    (store.home / "audit.head").write_bytes(written)
    store.films.receive(png(1), name="a")
    assert AuditHead.parse((store.home / "audit.head").read_text()) == store.audit.head()
    assert store.audit.verify() is None


def test_a_head_that_is_none_stops_no_work_and_is_named_with_its_remedy(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.home / "audit.head"
    path.write_text("rubbish")
    receipt = store.films.receive(png(1), name="a")
    assert not receipt.already and store.jobs.counts().waiting == 1
    assert path.read_text() == "rubbish", "it is left for whoever looks into it"
    assert f"audit.head is left as it is: {path}: holds no head" in caplog.text
    with pytest.raises(WorklistError, match=rf"^{re.escape(str(path))}: holds no head .* remove the file"):
        store.audit.verify()


def test_what_is_no_head_is_refused() -> None:
    for written in ("", "12", "x " + "0" * 64, "12 abc", "² " + "0" * 64, "9" * 5000 + " " + "0" * 64):
        with pytest.raises(WorklistError, match="is no head"):
            AuditHead.parse(written)


@on_postgresql
def test_writers_at_once_make_one_chain(store: Store) -> None:
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda n: store.films.receive(png(n), name=f"{n}"), range(30)))
    assert store.audit.head().seq == 30
    assert store.audit.verify() is None


def test_a_change_that_fails_leaves_no_event(store: Store) -> None:
    with pytest.raises(RuntimeError, match="power cut"), store.writing() as writing:
        writing.log("ann", "study.claimed", "s-1")
        raise RuntimeError("power cut")
    assert store.audit.head().seq == 0


def test_the_history_of_a_study_tells_who_did_what(store: Store, judge: Judge) -> None:
    receipt = store.films.receive(png(1), name="a", actor="upload")
    judge("read", 0.7)
    store.studies.claim(receipt.study, "ann")
    look_and_report(store, receipt.study, "ann", "abnormal", "a shadow; <b>Doe^Jane</b>")
    store.reports.undo(receipt.study, "ann")
    events = store.studies.details(receipt.study, blind=False).history
    assert [(event.actor, event.action, event.body.get("to")) for event in events] == [
        ("upload", "film.received", None),
        ("worker", "film.scored", None),
        ("worker", "study.judged", "to_read"),
        ("ann", "study.claimed", "in_reading"),
        ("ann", "film.seen", None),
        ("ann", "study.reported", "reported"),
        ("ann", "study.undone", "in_reading"),
    ]
    assert all("Doe" not in str(event.body) for event in events), "a note may name the patient"
    assert events[5].body["note"] == store.names.sealed("note", "a shadow; <b>Doe^Jane</b>"), (
        "and is proved all the same"
    )
