"""Sentences for clients, without paths and addresses of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store


def without_places(sentence: str, store: Store) -> str:
    """The sentence without the server's own paths and addresses, which are nobody's business."""
    return sentence.replace(f"{store.home}/", "").replace(store.database.name, "the database")
