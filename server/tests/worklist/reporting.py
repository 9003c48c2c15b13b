"""A reader who looks at every film before reporting, for tests that are about something else."""

from __future__ import annotations

from typing import Any

from unseen_server.worklist.store import Store


def look(store: Store, study: str, reader: str) -> None:
    """Every film of the study is shown to `reader`."""
    for film in store.studies.details(study).films:
        store.films.mark_seen(film.film, reader)


def look_and_report(store: Store, study: str, reader: str, outcome: Any, note: str = "") -> None:
    """Look, then report."""
    look(store, study, reader)
    store.reports.enter(study, reader, outcome, note)
