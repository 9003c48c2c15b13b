"""Plan of an archive's run, `plan.json` in the folder of the parts, and the parts read back.

The plan is written before any part. Part *k* has the films from *k* × `part_size` to (*k* + 1) × `part_size` of the
manifest, counted from zero, in the manifest's order: `part-00000000.parquet`, `part-00000001.parquet`, …. The same
manifest and part size give the same parts, whatever the number of worker processes. A run resumes only where all fields
of the plan are the same.

`read_parts` joins all parts in one table; `part_tally` counts one part for the summary.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Literal, TypeVar

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unseen.artifacts.bundle import card_of
from unseen.artifacts.errors import UserError, reason_of
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS
from unseen.data.parquet_tables import TableError, TableReader
from unseen.evaluation.exported_scores import ScoreRow
from unseen.screening.screener import OTHER_SOURCE
from unseen.screening.study_decisions import with_study_decisions

PLAN = "plan.json"
PART_SIZE = 1_000
"""Films of a part: a lost machine costs this much work, and ten million films are 10,000 files."""
_PARTS = "part-*.parquet"
_SHA256 = r"^[0-9a-f]{64}$"

T = TypeVar("T")


class ArchiveError(UserError, ValueError):
    """A folder of parts that cannot be used: which file, why, and what to do."""


class ArchivePlan(BaseModel):
    """Plan of an archive's parts: what they are made from.

    >>> plan = ArchivePlan(manifest_sha256="ab" * 32, films=2500, model="pca", model_sha256="cd" * 32, version="0.4.0")
    >>> plan.parts, plan.films_of(2)
    (3, 500)
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    manifest_sha256: str = Field(pattern=_SHA256, description="of the manifest's bytes")
    films: int = Field(ge=1, description="rows of the manifest")
    part_size: int = Field(default=PART_SIZE, ge=1, description="films of a part; the last part may have fewer")
    model: str = Field(description="the detector's name, for people")
    model_sha256: str = Field(pattern=_SHA256, description="of the bundle's card, which holds the weights' digest")
    weights_sha256: str | None = Field(
        default=None, pattern=_SHA256, description="of the weights, by which a worklist knows a model"
    )
    policy_sha256: str | None = Field(default=None, pattern=_SHA256, description="the policy's digest; None: no policy")
    runtime: str = Field(default="torch", description="what computes: torch or openvino")
    device: str = Field(default="cpu", description="where torch computes")
    maps: bool = Field(default=False, description="whether anomaly maps are written, and the column `map` names them")
    version: str = Field(description="of the package")
    limits: str = LIMITS

    @property
    def parts(self) -> int:
        """Number of parts when the run is complete."""
        return -(-self.films // self.part_size)

    def films_of(self, number: int) -> int:
        """Return the number of films of part `number`."""
        return min(self.part_size, self.films - number * self.part_size)

    def save(self, folder: Path) -> None:
        """Write the folder's plan, whole or not at all."""
        write_text(folder / PLAN, json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def load(cls, folder: Path) -> ArchivePlan | None:
        """Return the folder's plan; None for a folder without parts.

        Raises ArchiveError for parts without a plan, and for a plan that cannot be read.
        """
        path = folder / PLAN
        if not path.exists():
            if any(folder.glob(_PARTS)):
                raise ArchiveError(
                    f"{path}: is missing, so that nothing shows what the parts of {folder} were made from. Give "
                    "another folder to --out"
                )
            return None
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise ArchiveError(
                f"{path}: not the plan of an archive's run ({where or 'JSON'}: {first['msg']}). Give another folder to "
                "--out"
            ) from error

    def check_same(self, found: ArchivePlan, folder: Path, manifest: Path) -> None:
        """Raise ArchiveError where the parts of `folder` were made from something else than this run's input."""
        for field, what, cure in (
            ("manifest_sha256", f"manifest: {manifest} has changed, or is another one", "Give the same manifest"),
            ("part_size", f"part size: {found.part_size:,} films, not {self.part_size:,}",
             f"Give --part-size {found.part_size}"),
            ("model_sha256", f"model: {found.model} with the digest {found.model_sha256[:16]}…, and this one is "
             f"{self.model} with {self.model_sha256[:16]}…", "Give the same model"),
            ("policy_sha256", f"policy: {_named(found.policy_sha256)}, not {_named(self.policy_sha256)}",
             "Give the same policy"),
            ("runtime", f"runtime: {found.runtime}, not {self.runtime}", f"Give --runtime {found.runtime}"),
            ("device", f"device: {found.device}, not {self.device}", f"Give --device {found.device}"),
            ("maps", f"setting of --maps: {'with' if found.maps else 'without'} maps",
             "Give --maps FOLDER" if found.maps else "Leave out --maps"),
            ("version", f"version of the package: {found.version}, not {self.version}",
             f"Install unseen {found.version}"),
        ):  # fmt: skip
            if getattr(found, field) != getattr(self, field):
                raise ArchiveError(
                    f"{folder / PLAN}: the parts there were made with another {what}. {cure}, or another folder to "
                    "--out"
                )


def _named(digest: str | None) -> str:
    return "none" if digest is None else f"{digest[:16]}…"


def model_digest(model: Path | str) -> str:
    """Return the SHA-256 of a bundle's card: its weights' digest, its settings and its gate's.

    Raises `artifacts.BundleError` for a folder that is no bundle.
    """
    return hashlib.sha256(card_of(model).model_dump_json().encode()).hexdigest()


def part_path(folder: Path, number: int) -> Path:
    """Return the path of one part of an archive.

    Args:
        folder: the folder of the archive.
        number: the part's number, from 0.

    Example:
        >>> part_path(Path("parts"), 7).name
        'part-00000007.parquet'
    """
    return folder / f"part-{number:08d}.parquet"


def cut_parts(films: Iterable[T], size: int) -> Iterator[tuple[int, tuple[T, ...]]]:
    """Divide films into parts of equal size, lazily and in order; the last part may have fewer films.

    Args:
        films: the films, or their entries.
        size: films per part, 1 or more.

    Yields:
        The number of each part, from 0, and its films.

    Example:
        >>> list(cut_parts("abcde", 2))
        [(0, ('a', 'b')), (1, ('c', 'd')), (2, ('e',))]
    """
    rest, number = iter(films), 0
    while part := tuple(islice(rest, size)):
        yield number, part
        number += 1


def read_parts(folder: Path | str) -> pl.DataFrame:
    """Return all rows of an archive, in the manifest's order: the table that `unseen score --out scores.parquet`
    writes.

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
    folder = Path(folder)
    plan = ArchivePlan.load(folder) if folder.is_dir() else None
    if plan is None:
        raise ArchiveError(f"{folder}: holds no parts. Give the folder that `unseen score --out FOLDER/` wrote")
    missing = next((number for number in range(plan.parts) if not part_path(folder, number).exists()), None)
    if missing is not None:
        raise ArchiveError(
            f"{part_path(folder, missing)}: is missing, so the run is not complete. Run `unseen score` with --resume"
        )
    with TableReader() as tables:
        rows = pl.concat(
            [read_part(folder, number, plan, tables) for number in range(plan.parts)],
            how="diagonal",  # parts of an earlier version have no percentiles
        )
    if plan.policy_sha256 is None:
        return rows.select([name for name in ScoreRow.__dataclass_fields__ if name in rows.columns])
    return with_study_decisions(rows)


def read_part(
    folder: Path, number: int, plan: ArchivePlan, tables: TableReader, *, columns: Sequence[str] | None = None
) -> pl.DataFrame:
    """Return the rows of one part, which a child process reads.

    Args:
        folder: the folder of the archive.
        number: the part's number, from 0.
        plan: the archive's plan, which states how many rows the part has.
        tables: reads the file.
        columns: the columns that are wanted; None: all.

    Raises:
        ArchiveError: the part cannot be read, or has another number of rows than the plan states.

    Example:
        >>> with TableReader() as tables:
        ...     read_part(Path("no-such-archive"), 0, ArchivePlan.model_construct(films=1, part_size=1), tables)
        Traceback (most recent call last):
        unseen.runs.archive.plan.ArchiveError: no-such-archive/part-00000000.parquet: cannot be read ...
    """
    path, films = part_path(folder, number), plan.films_of(number)
    try:
        rows = tables.read(path, columns=columns, most_rows=max(films, PART_SIZE))
    except (TableError, OSError) as error:
        raise ArchiveError(
            f"{path}: cannot be read ({reason_of(error)}). Delete it and run `unseen score` with --resume"
        ) from error
    if len(rows) != films:
        raise ArchiveError(
            f"{path}: has {len(rows)} rows, and the plan gives it {films}. Delete it and run `unseen score` with "
            "--resume"
        )
    return rows


def part_tally(folder: Path, number: int, plan: ArchivePlan, tables: TableReader | None = None) -> Counter[str]:
    """Count the rows of one part by status.

    Args:
        folder: the folder of the archive.
        number: the part's number, from 0.
        plan: the archive's plan, which states how many rows the part has.
        tables: reads the file; None: one that is for this part alone.

    Returns:
        Status → number of rows, with two further counts: `doubted`, scored rows that have a reason, and `other_source`,
        rows that are read because the policy does not contain their source.

    Raises:
        ArchiveError: the part cannot be read, or has another number of rows than the plan states.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> rows = pl.DataFrame({"status": ["scored", "not_read"], "reason": [None, "no such file"]})
        >>> rows.write_parquet(part_path(folder, 0))
        >>> plan = ArchivePlan(manifest_sha256="ab" * 32, films=2, model="pca", model_sha256="cd" * 32, version="0.4.0")
        >>> sorted(part_tally(folder, 0, plan).items())
        [('doubted', 0), ('not_read', 1), ('other_source', 0), ('scored', 1)]
    """
    with nullcontext(tables) if tables is not None else TableReader() as reader:
        rows = read_part(folder, number, plan, reader, columns=("status", "reason"))
    counts = Counter(rows["status"].to_list())
    doubted = (rows["status"] == "scored") & rows["reason"].is_not_null()
    counts["doubted"] = int(doubted.sum())
    counts["other_source"] = int(rows["reason"].str.starts_with(OTHER_SOURCE).sum())
    return counts
