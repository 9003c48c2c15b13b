"""Accounts and sessions: passwords as argon2id, tokens as digests, links that work once."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import argon2
import pytest
import sqlalchemy

from tests.worklist.conftest import Clock, on_both_databases, on_postgresql
from unseen_server.worklist import accounts as module
from unseen_server.worklist.accounts import Account
from unseen_server.worklist.audit import canonical
from unseen_server.worklist.database import Database
from unseen_server.worklist.schema import upgrade
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.tables import accounts, audit, metadata

PASSWORD = "correct horse battery"
Hasher = Callable[[], argon2.PasswordHasher]


@on_postgresql
@pytest.mark.parametrize("changes", [{"password": "another " + PASSWORD}, {"role": "lead"}, {"disabled": True}])
def test_the_audit_says_what_was_changed_of_an_account_and_no_password(store: Store, changes: dict[str, Any]) -> None:
    store.accounts.add("ann", PASSWORD, "reader", actor="admin")
    store.accounts.change("ann", actor="admin", **changes)
    event = store.audit.after(0, most=1000)[-1]
    assert (event.action, event.subject) == ("account.changed", "ann")
    unchanged = {"password": False, "role": None, "disabled": None}
    assert event.body == unchanged | changes | {"password": "password" in changes}


def test_a_guess_is_made_expensive(usual_hasher: Hasher) -> None:
    found = argon2.extract_parameters(usual_hasher().hash(PASSWORD))
    assert found.type is argon2.Type.ID and found.memory_cost >= 64 * 1024 and found.time_cost >= 3
    assert argon2.extract_parameters(module._hashed(PASSWORD)).memory_cost == 8, "another one hashes the accounts'"


@on_postgresql
def test_a_password_opens_a_session_and_nothing_of_it_is_kept(store: Store) -> None:
    store.accounts.add("ann", PASSWORD, "reader", actor="admin")
    token = store.accounts.sign_in("ann", PASSWORD)
    assert token is not None and store.accounts.session(token) == Account(name="ann", role="reader")
    with store.database.reading() as connection:
        kept = connection.execute(sqlalchemy.select(accounts.c.password)).scalar_one()
        cells = str([connection.execute(sqlalchemy.select(table)).all() for table in metadata.sorted_tables])
    assert kept.startswith("$argon2id$") and argon2.PasswordHasher().verify(kept, PASSWORD)
    assert token not in cells and PASSWORD not in cells
    for wrong in ("ann", "Ann", "nobody", "", "\0", "'; --", "x" * 1000, "\udcff"):
        assert store.accounts.sign_in(wrong, "wrong " + PASSWORD) is None
        assert store.accounts.session(wrong) is None
    assert store.accounts.sign_in("nobody", PASSWORD) is None
    with store.database.reading() as connection:
        actions = connection.execute(sqlalchemy.text("SELECT action FROM audit ORDER BY seq")).scalars().all()
    assert actions == ["account.added", "session.opened", "account.refused"], "a name that is none may be a password"


def test_sessions_end(store: Store, clock: Clock) -> None:
    store.accounts.add("ann", PASSWORD, "reader", actor="admin")
    first, second, third = (store.accounts.sign_in("ann", PASSWORD, lasts_s=3600) for _ in range(3))
    assert first and second and third
    store.accounts.sign_out(first)
    store.accounts.sign_out("no token")
    assert store.accounts.session(first) is None and store.accounts.session(second) is not None
    clock.now += 3601
    assert store.accounts.session(second) is None


@on_postgresql
def test_a_change_signs_out_and_holds_from_then_on(store: Store) -> None:
    store.accounts.add("ann", PASSWORD, "reader", actor="admin")
    token = store.accounts.sign_in("ann", PASSWORD)
    assert token
    assert store.accounts.change("ann", role="lead", actor="admin").role == "lead"
    assert store.accounts.session(token) is None
    store.accounts.change("ann", password="another long one", actor="admin")
    assert store.accounts.sign_in("ann", PASSWORD) is None
    token = store.accounts.sign_in("ann", "another long one")
    assert token and store.accounts.session(token) == Account(name="ann", role="lead")
    store.accounts.change("ann", disabled=True, actor="admin")
    assert store.accounts.sign_in("ann", "another long one") is None
    assert store.accounts.listed() == [Account(name="ann", role="lead", disabled=True)]
    store.accounts.change("ann", disabled=False, actor="admin")
    assert store.accounts.sign_in("ann", "another long one")
    with pytest.raises(NotFoundError, match="no account 'bob'"):
        store.accounts.change("bob", role="lead", actor="admin")


@pytest.mark.parametrize(
    ("changes", "opens"), [({"disabled": True}, None), ({"password": "x" * 12}, None), ({"role": "reader"}, "reader")]
)
def test_a_change_during_a_sign_in_counts(
    store: Store, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], opens: str | None
) -> None:
    store.accounts.add("ada", PASSWORD, "admin", actor="admin")
    store.accounts.add("ann", PASSWORD, "lead", actor="admin")
    verify = argon2.PasswordHasher.verify

    def verified(hasher: argon2.PasswordHasher, *given: Any) -> bool:
        found = verify(hasher, *given)
        store.accounts.change("ann", actor="ada", **changes)  # as by an admin, while the hash is computed
        return found

    monkeypatch.setattr(argon2.PasswordHasher, "verify", verified)
    token = store.accounts.sign_in("ann", PASSWORD)
    account = store.accounts.session(token) if token else None
    assert (account and account.role) == opens


@on_both_databases
def test_a_link_signs_in_once(store: Store, clock: Clock) -> None:
    link = store.accounts.one_time_link("local", "admin")
    assert store.accounts.session(link) is None, "a link is no session"

    def redeem(_: int) -> str | None:
        try:
            return store.accounts.redeem(link)
        except NotAllowedError:
            return None

    with ThreadPoolExecutor(4) as threads:
        (token,) = [found for found in threads.map(redeem, range(4)) if found]
    assert store.accounts.session(token) == Account(name="local", role="admin")
    with store.database.reading() as connection:
        actions = connection.execute(sqlalchemy.text("SELECT action FROM audit ORDER BY seq")).scalars().all()
    assert actions == ["link.made", "session.opened"]
    for used in (link, token, "", "x"):
        with pytest.raises(NotAllowedError, match="used already, or is too old"):
            store.accounts.redeem(used)
    late = store.accounts.one_time_link("local", "admin", lasts_s=60)
    clock.now += 61
    with pytest.raises(NotAllowedError, match="too old"):
        store.accounts.redeem(late)


@on_postgresql
def test_what_makes_no_account_is_a_sentence(store: Store) -> None:
    store.accounts.add("ann", PASSWORD, "reader", actor="admin")
    for name, password, role, said in (
        ("ann", PASSWORD, "reader", "an account ann already"),
        ("Ann", PASSWORD, "reader", "an account ann already"),
        ("a b", PASSWORD, "reader", "1 to 64 of the characters"),
        ("<script>", PASSWORD, "reader", "1 to 64 of the characters"),
        ("bob", "short", "reader", "has 5 characters; 12 to 1024"),
        ("bob", "x" * 2000, "reader", "has 2,000 characters"),
        ("bob", PASSWORD, "root", "no such role"),
        ("Local", PASSWORD, "reader", "signs in on the machine itself"),
    ):
        with pytest.raises(WorklistError, match=said):
            store.accounts.add(name, password, role, actor="admin")  # type: ignore[arg-type]
    assert [account.name for account in store.accounts.listed()] == ["ann"]


@on_postgresql
def test_accounts_of_an_earlier_version_that_differ_in_capitals_stay_apart(store: Store) -> None:
    store.accounts.add("ann", PASSWORD, "reader", actor="admin")
    store.accounts.add("other", "another " + PASSWORD, "lead", actor="admin")
    with store.database.writing() as connection:
        connection.execute(accounts.update().where(accounts.c.name == "other").values(name="Ann"))
    assert store.accounts.sign_in("ann", PASSWORD) and store.accounts.sign_in("Ann", "another " + PASSWORD)
    assert store.accounts.sign_in("Ann", PASSWORD) is None
    assert store.accounts.change("Ann", role="reader", password="a third " + PASSWORD, actor="admin").role == "reader"
    assert store.accounts.sign_in("ann", PASSWORD) and store.accounts.sign_in("Ann", "a third " + PASSWORD)
    store.accounts.change("ann", disabled=True, actor="admin")
    assert {one.name: one.disabled for one in store.accounts.listed()} == {"ann": True, "Ann": False}
    assert store.accounts.sign_in("Ann", "a third " + PASSWORD)
    with pytest.raises(WorklistError, match=r"There is an account (ann|Ann) already"):
        store.accounts.add("ANN", PASSWORD, "reader", actor="admin")


def test_a_reader_of_an_earlier_version_keeps_the_sources_that_it_has_sent_under(tmp_path: Path) -> None:
    database = Database(tmp_path / "old.sqlite")
    upgrade(database, to="0009")
    sent = [
        ("ct-room", "film.received", "ward"),
        ("ct-room", "film.received", "ward"),
        ("ct-room", "object.received", "ct-röom"),
        ("lea", "film.received", "north"),
        ("archive", "film.received", "south"),
        ("ann", "film.seen", "east"),
    ]
    with database.writing() as connection:
        for name, role in (("ct-room", "reader"), ("ann", "reader"), ("lea", "lead")):
            connection.exec_driver_sql(
                f"INSERT INTO accounts (name, role, password, created_us) VALUES ('{name}', '{role}', '', 1)"
            )
        for seq, (actor, action, source) in enumerate(sent, start=1):
            body = canonical({"source": source, "bytes": 5})
            row = {"seq": seq, "time_us": seq, "actor": actor, "action": action, "body": body}
            connection.execute(audit.insert().values(**row, subject="f-1", previous="", hash=""))
    upgrade(database)
    with database.reading() as connection:
        rows = connection.execute(sqlalchemy.select(accounts.c.name, accounts.c.sources))
        found = {row.name: row.sources and json.loads(row.sources) for row in rows}
    assert found == {"ct-room": ["ct-röom", "ward"], "ann": None, "lea": None}
    with database.writing() as connection:
        connection.execute(accounts.insert().values(name="sid", role="sender", password="", created_us=1))
    with pytest.raises(sqlalchemy.exc.IntegrityError), database.writing() as connection:
        connection.execute(accounts.insert().values(name="root", role="root", password="", created_us=1))
    database.close()


@on_postgresql
def test_a_senders_session_holds_its_sources(store: Store) -> None:
    store.accounts.add("sid", PASSWORD, "sender", actor="admin", sources=["ward", "ward", " north "])
    token = store.accounts.sign_in("sid", PASSWORD)
    assert token is not None
    account = Account(name="sid", role="sender", sources=("ward", "north"))
    assert store.accounts.session(token) == account
    assert store.accounts.listed() == [account]
    store.accounts.change("sid", actor="admin", role="reader")
    store.accounts.change("sid", actor="admin", sources=[])
    assert store.accounts.listed() == [Account(name="sid", role="reader")]
    with pytest.raises(WorklistError, match="needs at least one source"):
        store.accounts.change("sid", actor="admin", role="sender")
