"""A worklist as data: its lists, its studies, the end of its audit trail; what a later release must show of it too."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

TABS = ("to_read", "cleared", "reported", "not_scored", "all")


def described(store: Store, at: float) -> dict[str, Any]:
    """Return the store as it is `at` this time (seconds since 1970), as JSON."""
    pages = {tab: store.studies.page(StudyQuery(tab=tab, limit=200, blind=False)).rows for tab in TABS}  # type: ignore[arg-type]
    return {
        "at": at,
        "head": str(store.audit.head()),
        "sources": store.studies.sources(),
        "lists": {tab: [row.study for row in rows] for tab, rows in pages.items()},
        "studies": {row.study: _study(store, row.study) for row in pages["all"]},
        "queue": {name: count for name, count in asdict(store.jobs.counts()).items() if name != "running"},
        "audit_sample": asdict(store.reports.audit_sample()),
        "policy": [one.policy_digest for one in store.activations.listed()],
    }


def _study(store: Store, name: str) -> dict[str, Any]:
    study = store.studies.details(name, blind=False)
    return {
        "state": study.entry.state,
        "priority": study.entry.priority,
        "overdue": study.entry.overdue,
        "claimed_by": study.entry.claimed_by,
        "decision": None if study.decision is None else asdict(study.decision),
        "audit_sample": study.audit_sample,
        "scores": [[finding.score for finding in film.findings] for film in study.films],
        "reports": [[one.reader, one.outcome, one.elsewhere, one.note, one.undone is None] for one in study.reports],
        "history": [f"{event.actor} {event.action}" for event in study.history],
    }
