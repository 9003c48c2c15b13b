"""The worklist: films come in and are not lost, workers score them, readers take them in order, and all is on record.

    Store            a folder (SQLite) or a PostgreSQL URL; its parts: studies, films, jobs, findings, reports, …
    StudyQuery       filters, order and page of the list: the argument of `Studies.page`
    Worker           takes films from the queue and scores them until it is stopped
    back_up          everything into a folder; `restore` brings it back, into either type of database
    export_tables    studies, findings, decisions, reports as Parquet and CSV
    import_elsewhere what other systems have reported

The only package that uses SQL. Patients, studies and accession numbers are stored as pseudonyms unless a site turns
this off.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
