"""Accounts that only ever sent films: named, since their tokens can do more."""

from __future__ import annotations

import pytest

from tests.worklist.conftest import png
from unseen_server.worklist.sender_accounts import NarrowableAccount
from unseen_server.worklist.store import Store

PASSWORD = "correct horse battery"


def test_accounts_that_only_ever_sent_films_are_named(store: Store) -> None:
    for name, role in (("ct-room", "reader"), ("dx-room", "lead"), ("ann", "reader"), ("ben", "reader")):
        store.accounts.add(name, PASSWORD, role, actor="ada")  # type: ignore[arg-type]
    store.accounts.add("sid", PASSWORD, "sender", actor="ada", sources=["ward"])
    store.accounts.add("gone", PASSWORD, "reader", actor="ada")
    token = store.accounts.sign_in("ct-room", PASSWORD)
    assert token is not None
    store.accounts.sign_in("ct-room", PASSWORD)
    store.accounts.sign_out(token)
    sent = [("ct-room", "ward"), ("ct-room", "clinic"), ("dx-room", "ward"), ("ann", "ward"), ("sid", "ward")]
    films = [
        store.films.receive(png(number), name="a", source=source, actor=actor).film_id
        for number, (actor, source) in enumerate([*sent, ("gone", "ward")])
    ]
    store.films.mark_seen(films[0], "ann")
    with store.accounts._site.writing() as writing:
        writing.log("dx-room", "link.opened", "dx-room", role="lead")  # the name of `link.made` in version 0.2
    store.accounts.change("gone", actor="ada", disabled=True)
    store.accounts.choose(store.accounts.invite("dx-room", actor="ada"), PASSWORD + "!")
    assert store.accounts.narrowable() == [
        NarrowableAccount(name="ct-room", role="reader", sent=2, sources=("clinic", "ward"), tokens=1),
        NarrowableAccount(name="dx-room", role="lead", sent=1, sources=("ward",), tokens=1),
    ]


@pytest.mark.parametrize("did", ["setting", "view", "account"])
def test_an_account_that_did_something_else_is_not_named(store: Store, did: str) -> None:
    store.accounts.add("ann", PASSWORD, "admin", actor="ada")
    store.films.receive(png(1), name="a", source="ward", actor="ann")
    assert [one.name for one in store.accounts.narrowable()] == ["ann"]
    if did == "setting":
        store.settings.set_waiting_cap_s(3600, actor="ann")
    elif did == "view":
        store.saved_views.save("ann", "Mine", {})
    else:
        store.accounts.add("ben", PASSWORD, "reader", actor="ann")
    assert store.accounts.narrowable() == []
