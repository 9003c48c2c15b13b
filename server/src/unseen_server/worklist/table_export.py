"""Export of the worklist's tables, and of labelled films, as CSV and Parquet.

Patients are exported as the pseudonyms that are stored. Notes are exported as readers wrote them.
"""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, select

from unseen.artifacts import LIMITS, replacing, write_text
from unseen.data import safe_row, safe_table
from unseen.screening import SELECTED_BY_POLICY
from unseen_server.worklist.calibration import counted_studies
from unseen_server.worklist.tables import decisions, films, findings, reports, studies

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from unseen.screening import Policy
    from unseen_server.worklist.pseudonyms import Kind
    from unseen_server.worklist.store import Store


_STUDY = studies.c.public_id.label("study")
_FILM = films.c.public_id.label("film")


def export_tables(store: Store, folder: Path | str, *, named: bool | None = None) -> dict[str, int]:
    """Write `studies`, `findings`, `decisions` and `reports`, each as .parquet and .csv, of one moment.

    Args:
        store: the store.
        folder: where they are written; it is made if needed.
        named: False: patients and accession numbers as keyed hashes, in a store without pseudonyms, too; None: so where
            the site shows names to nobody.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(f"{folder}/site") as store:
    ...     export_tables(store, f"{folder}/tables")["studies"]
    0

    Returns how many rows each has. Times are UTC; `findings` and `decisions` name films and studies as the list does,
    and a decision without a film is the one on the study. In a CSV file a text that a spreadsheet would take for a
    formula begins with an apostrophe.
    """
    import polars as pl

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    named = store.settings.read().identity != "nobody" if named is None else named
    with store.database.reading() as connection:
        for name, query in _queries().items():
            frame = _frame(connection.execute(query).all(), query)
            if not named:
                frame = _without_numbers(frame, store)
            plain = frame.with_columns(pl.selectors.datetime().dt.to_string("iso:strict"))
            with replacing(folder / f"{name}.parquet") as temporary:
                frame.write_parquet(temporary, metadata={"limits": LIMITS})
            with replacing(folder / f"{name}.csv") as temporary:
                safe_table(plain).write_csv(temporary)
            counts[name] = len(frame)
    write_text(folder / "README.txt", f"{LIMITS}\n\nA worklist's tables, written by `unseen export`. Times are UTC.\n")
    return counts


@dataclass(frozen=True, kw_only=True)
class ExportedLabels:
    """Result of `export_labelled`.

    Args:
        films: films in the manifest.
        selected: studies that were read because of their score. They are left out, or marked.
    """

    films: int
    selected: int


def export_labelled(
    store: Store, path: Path | str, *, with_selected: bool = False, policies: Iterable[Policy] = ()
) -> ExportedLabels:
    """Write a manifest of the labelled films (`Reports.labelled`), for `unseen calibrate`, `adapt` and `gate`.

    Paths are relative to the manifest and lead into the worklist's folder. Patients are pseudonyms, or keyed hashes
    where the site shows names to nobody. A study that was read because of its score under a policy that clears is left
    out, as in a calibration here (`calibration.counted_studies`).

    Args:
        store: the store.
        path: the manifest.
        with_selected: whether such studies are exported, too; the column `selected_by_policy` marks them with "yes",
            and `unseen calibrate` refuses the manifest.
        policies: further policies that decided here; activated policies are known.
    """
    path = Path(path)
    labelled = store.reports.labelled()
    counted = counted_studies(store, {film.study for film in labelled}, policies={one.digest: one for one in policies})
    hides = store.settings.read().identity == "nobody"
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(["file", "label", "source", "patient", "study", *([SELECTED_BY_POLICY] if with_selected else [])])
    found = labelled if with_selected else [film for film in labelled if film.study in counted]
    for film in found:
        file = os.path.relpath(store.films.path(film.film), path.parent)
        patient = store.names.hidden("patient", film.patient) if hides else film.patient
        row = [file, "abnormal" if film.abnormal else "normal", film.source, patient, film.study]
        rows.writerow(safe_row([*row, *(["" if film.study in counted else "yes"] if with_selected else [])]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, written.getvalue())
    return ExportedLabels(films=len(found), selected=len({film.study for film in labelled} - counted))


def _without_numbers(frame: pl.DataFrame, store: Store) -> pl.DataFrame:
    """Return a table with the numbers of patients and accessions as keyed hashes."""
    import polars as pl

    kinds: tuple[Kind, ...] = ("patient", "accession")
    for kind in kinds:
        if kind in frame.columns:
            shown = [store.names.hidden(kind, number) for number in frame[kind].to_list()]
            frame = frame.with_columns(pl.Series(kind, shown, dtype=pl.String))
    return frame


def _queries() -> dict[str, Select[Any]]:
    """Return the tables by name; every column but the database's own numbers."""
    of_study = (studies.c.state, studies.c.source, studies.c.patient, studies.c.accession)
    judged = ("action", "score", "probability", "p_value", "priority", "reason")
    decided = [decisions.c[name] for name in (*judged, "policy_digest", "model", "made_us")]
    return {
        "studies": select(
            _STUDY,
            *of_study,
            studies.c.films,
            studies.c.received_us,
            studies.c.changed_us,
            *(studies.c[name] for name in judged),
            studies.c.audit_sample,
        ).order_by(studies.c.id),
        "findings": select(
            _STUDY, _FILM, films.c.sha256, films.c.view_position, films.c.received_us, findings.c.model,
            findings.c.score, findings.c.parts, findings.c.map_sha256, findings.c.made_us,
        )
        .join(films, films.c.id == findings.c.film_id)
        .join(studies, studies.c.id == films.c.study_id)
        .order_by(findings.c.id),
        "decisions": select(_STUDY, _FILM, *decided)
        .join(studies, studies.c.id == decisions.c.study_id)
        .outerjoin(films, films.c.id == decisions.c.film_id)
        .order_by(decisions.c.id),
        "reports": select(
            _STUDY, reports.c.reader, reports.c.elsewhere, reports.c.how, reports.c.outcome, reports.c.note,
            reports.c.made_us, reports.c.undone_us, reports.c.dwell_ms, reports.c.audited,
        )
        .join(studies, studies.c.id == reports.c.study_id)
        .order_by(reports.c.id),
    }  # fmt: skip


def _frame(rows: Any, query: Select[Any]) -> pl.DataFrame:  # Any: rows of whatever columns
    import polars as pl

    kinds: dict[type, Any] = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}
    columns: list[ColumnElement[Any]] = list(query.selected_columns)
    names = [str(column.key) for column in columns]
    types = {name: kinds[column.type.python_type] for name, column in zip(names, columns, strict=True)}
    frame = pl.DataFrame([tuple(row) for row in rows], schema=types, orient="row")
    times = [name for name in names if name.endswith("_us")]
    return frame.with_columns(pl.col(times).cast(pl.Datetime("us", "UTC"))).rename(
        {name: name.removesuffix("_us") for name in times}
    )
