"""Studies, findings, decisions and reports as Parquet and CSV, for whoever counts, plots or audits.

What names a patient stays the pseudonym that is stored. Notes are text as readers wrote them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, select

from unseen.artifacts.files import replacing, write_text
from unseen.artifacts.installation import LIMITS
from unseen.worklist.tables import decisions, films, findings, reports, studies

if TYPE_CHECKING:
    import polars as pl

    from unseen.worklist.store import Store

_STUDY = studies.c.public_id.label("study")
_FILM = films.c.public_id.label("film")


def export_tables(store: Store, folder: Path | str) -> dict[str, int]:
    """Write `studies`, `findings`, `decisions` and `reports` into `folder`, each as .parquet and .csv, of one moment.

    Returns how many rows each has. Times are UTC; `findings` and `decisions` name films and studies as the list does,
    and a decision without a film is the one on the study.
    """
    import polars as pl

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    with store.database.reading() as connection:
        for name, query in _queries().items():
            frame = _frame(connection.execute(query).all(), query)
            told = frame.with_columns(pl.selectors.datetime().dt.to_string("iso:strict"))
            with replacing(folder / f"{name}.parquet") as temporary:
                frame.write_parquet(temporary, metadata={"limits": LIMITS})
            with replacing(folder / f"{name}.csv") as temporary:
                told.write_csv(temporary)
            counts[name] = len(frame)
    write_text(folder / "README.txt", f"{LIMITS}\n\nA worklist's tables, written by `unseen export`. Times are UTC.\n")
    return counts


def _queries() -> dict[str, Select[Any]]:
    """The tables by name; every column but the database's own numbers."""
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
            _STUDY, reports.c.reader, reports.c.elsewhere, reports.c.outcome, reports.c.note, reports.c.made_us,
            reports.c.undone_us,
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
