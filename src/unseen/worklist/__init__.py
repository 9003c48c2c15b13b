"""The worklist: films come in and are not lost, workers score them, readers take them in order, and all is on record.

    Store            a folder (SQLite) or a PostgreSQL URL: receive, page, claim, report, audit, erase
    Worker           takes films from the queue and scores them until it is told to stop
    back_up          everything into a folder; `restore` brings it back, into either kind of database
    export_tables    studies, findings, decisions, reports as Parquet and CSV
    import_elsewhere what other systems have reported

The only room that speaks SQL. Patients, studies and accession numbers are stored as pseudonyms unless a site says
otherwise.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.worklist.accounts import Account as Account
    from unseen.worklist.accounts import Accounts as Accounts
    from unseen.worklist.activating import Activation as Activation
    from unseen.worklist.audit import Event as Event
    from unseen.worklist.audit import Head as Head
    from unseen.worklist.backup import Saved as Saved
    from unseen.worklist.backup import back_up as back_up
    from unseen.worklist.details import Report as Report
    from unseen.worklist.details import StoredFilm as StoredFilm
    from unseen.worklist.details import StoredFinding as StoredFinding
    from unseen.worklist.details import Study as Study
    from unseen.worklist.disagreement import Disagreement as Disagreement
    from unseen.worklist.drifting import StandingAlarm as StandingAlarm
    from unseen.worklist.errors import BusyError as BusyError
    from unseen.worklist.errors import NoRoomError as NoRoomError
    from unseen.worklist.errors import NotAllowedError as NotAllowedError
    from unseen.worklist.errors import NotFoundError as NotFoundError
    from unseen.worklist.errors import TooLargeError as TooLargeError
    from unseen.worklist.errors import WorklistError as WorklistError
    from unseen.worklist.exporting import export_tables as export_tables
    from unseen.worklist.importing import Imported as Imported
    from unseen.worklist.importing import Refusal as Refusal
    from unseen.worklist.importing import import_elsewhere as import_elsewhere
    from unseen.worklist.jobs import Queue as Queue
    from unseen.worklist.keeping import Removed as Removed
    from unseen.worklist.labelled import LabelledFilm as LabelledFilm
    from unseen.worklist.listing import Entry as Entry
    from unseen.worklist.listing import Page as Page
    from unseen.worklist.nearest import Neighbour as Neighbour
    from unseen.worklist.receiving import Receipt as Receipt
    from unseen.worklist.reference import Reference as Reference
    from unseen.worklist.renditions import Rendition as Rendition
    from unseen.worklist.restoring import restore as restore
    from unseen.worklist.sampling import AuditSample as AuditSample
    from unseen.worklist.store import Store as Store
    from unseen.worklist.worker import Worker as Worker

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "accounts": ["Account", "Accounts"],
        "activating": ["Activation"],
        "audit": ["Event", "Head"],
        "backup": ["Saved", "back_up"],
        "details": ["Report", "StoredFilm", "StoredFinding", "Study"],
        "disagreement": ["Disagreement"],
        "drifting": ["StandingAlarm"],
        "errors": ["BusyError", "NoRoomError", "NotAllowedError", "NotFoundError", "TooLargeError", "WorklistError"],
        "exporting": ["export_tables"],
        "importing": ["Imported", "Refusal", "import_elsewhere"],
        "jobs": ["Queue"],
        "keeping": ["Removed"],
        "labelled": ["LabelledFilm"],
        "listing": ["Entry", "Page"],
        "nearest": ["Neighbour"],
        "receiving": ["Receipt"],
        "reference": ["Reference"],
        "renditions": ["Rendition"],
        "restoring": ["restore"],
        "sampling": ["AuditSample"],
        "store": ["Store"],
        "worker": ["Worker"],
    },
)
