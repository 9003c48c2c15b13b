"""Sentences for clients, without paths and addresses of the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store


def without_places(sentence: str, store: Store) -> str:
    """Return the sentence without the server's own paths and addresses, which are nobody's business.

    Paths below the worklist's folder stay, relative to it.
    """
    shown = sentence.replace(f"{store.home}/", "").replace(store.database.name, "the database")
    shown = shown.replace(str(store.home), "the worklist's folder")
    if store.database.is_sqlite:  # its folder may be another
        shown = shown.replace(str(Path(store.database.name).parent), "the database's folder")
    return shown[:1].upper() + shown[1:] if shown.startswith("the ") else shown
