"""The parts of an archive, read back: counted for the summary, or all together as one table."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.evaluation.table import ScoreRow
from unseen.runs.archive.plan import ArchiveError, Plan, path_of
from unseen.screening.screener import OTHER_SOURCE
from unseen.screening.study_decisions import with_study_decisions

if TYPE_CHECKING:
    import polars as pl


def read_parts(folder: Path | str) -> pl.DataFrame:
    """All rows of an archive, in the manifest's order: the table that `unseen score --out scores.parquet` writes.

    With a policy, each row has its study's decision, which needs the films of all parts. The table is in memory: some
    100 bytes per film.

    Args:
        folder: what `unseen score --out FOLDER/` wrote.

    Raises:
        ArchiveError: the folder holds no parts, a part is missing, or one cannot be read.

    >>> import tempfile
    >>> read_parts(tempfile.mkdtemp())
    Traceback (most recent call last):
    unseen.runs.archive.plan.ArchiveError: ...: holds no parts. Give the folder that `unseen score --out FOLDER/` wrote
    """
    import polars as pl

    folder = Path(folder)
    plan = Plan.load(folder) if folder.is_dir() else None
    if plan is None:
        raise ArchiveError(f"{folder}: holds no parts. Give the folder that `unseen score --out FOLDER/` wrote")
    missing = next((number for number in range(plan.parts) if not path_of(folder, number).exists()), None)
    if missing is not None:
        raise ArchiveError(
            f"{path_of(folder, missing)}: is missing, so the run is not complete. Run `unseen score` with --resume"
        )
    for number in range(plan.parts):
        tally_of(folder, number, plan)
    rows = pl.concat([pl.read_parquet(path_of(folder, number), glob=False) for number in range(plan.parts)])
    if plan.policy_sha256 is None:
        return rows.select(list(ScoreRow.__dataclass_fields__))
    return with_study_decisions(rows)


def tally_of(folder: Path, number: int, plan: Plan) -> Counter[str]:
    """How many rows of a part have each status; `doubted`: scored, with a reason; `other_source`: kept since the policy
    does not know their source.

    Raises ArchiveError for a part that cannot be read, or has another number of rows than the plan gives it.
    """
    import polars as pl

    path = path_of(folder, number)
    try:
        rows = pl.read_parquet(path, columns=["status", "reason"], glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise ArchiveError(
            f"{path}: cannot be read ({str(error).splitlines()[0]}). Delete it and run `unseen score` with --resume"
        ) from error
    if len(rows) != plan.films_of(number):
        raise ArchiveError(
            f"{path}: has {len(rows)} rows, and the plan gives it {plan.films_of(number)}. Delete it and run `unseen "
            "score` with --resume"
        )
    counts = Counter(rows["status"].to_list())
    doubted = (rows["status"] == "scored") & rows["reason"].is_not_null()
    counts["doubted"] = int(doubted.sum())
    counts["other_source"] = int(rows["reason"].str.starts_with(OTHER_SOURCE).sum())
    return counts
