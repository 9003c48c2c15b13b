"""The films of an archive's part, as an import finds them: the bytes that were scored, and what their headers name.

A score belongs to bytes, and its row holds their SHA-256. A film whose file has other bytes by now is refused. Patient
and study come from the DICOM header of those bytes, never from a path or a column of the manifest; an image names
neither. The view position is that of the header, and where this has none that of the manifest, as for the score; but
ViewCodeSequence, which comes after the part of the header that is read here, does not count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseen.data import LEADING_BYTES, Projection, Refused, leading_header, projection_of_header, stated_view
from unseen.screening import FIRST_PRIORITY, Decision, squashed_score
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_text import checked_text, clean

if TYPE_CHECKING:
    from unseen.data import Entry

RANKED = "imported from an archive's run: ranked by its score. An import clears nothing"
"""Reason for reading a film whose score was imported from an archive's run."""

_CHUNK = 2**20
_THREADS = 8  # that wait for the disk, or hash
_PREAMBLE = 128  # bytes before DICM (PS3.10, 7.1)

Row = dict[str, Any]  # Any: a cell of a part


class _RefusedFilmError(Exception):
    """Reason why a film is refused, as a sentence."""


@dataclass(frozen=True, kw_only=True)
class ArchiveFilm:
    """A film that may come in.

    Args:
        path: absolute; the worklist refers to it.
        header: None of an image, and of a DICOM file that cannot be read.
        view: ViewPosition, or the manifest's.
        projection: by the first part of the header, or the manifest's view position; frontal for an image without one.
        decision: to read, or not scored; never to clear.
    """

    name: str
    source: str
    path: Path
    sha256: str
    size: int
    header: ReceivedHeader | None
    view: str | None
    decision: Decision
    projection: Projection = "frontal"


def look_at(entries: Sequence[Entry], rows: Sequence[Row], *, most_bytes: int) -> list[ArchiveFilm | str]:
    """Return for each row its film, or a sentence why it stays out; the files are read, several at once.

    Args:
        most_bytes: a larger file is refused.
    """
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="look") as threads:
        return list(threads.map(lambda entry, row: _look(entry, row, most_bytes), entries, rows))


def _look(entry: Entry, row: Row, most_bytes: int) -> ArchiveFilm | str:
    try:
        for text, what, most in ((entry.source, "The source", 200), (entry.name, "The film's name", 1000)):
            checked_text(text, what, most=most)
        sha256, size, leading = _digest(entry.path, most_bytes)
        if row["sha256"] is not None and row["sha256"] != sha256:
            raise _RefusedFilmError("The file has changed since it was scored. Score it again.")
        header, written, by_header = _header(leading, was_read=row["sha256"] is not None)
        view, projection = stated_view(view_position=written, projection=by_header, manifest=entry.view_position)
    except (_RefusedFilmError, WorklistError) as refused:
        return str(refused)
    return ArchiveFilm(
        name=entry.name,
        source=entry.source,
        path=entry.path.resolve(),
        sha256=sha256,
        size=size,
        header=header,
        view=view,
        decision=decision_of(row),
        projection=projection or "frontal",
    )


def _digest(path: Path, most_bytes: int) -> tuple[str, int, bytes]:
    """Return the SHA-256 and the size of a file, and its first bytes."""
    digest, size, leading = hashlib.sha256(), 0, b""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise _RefusedFilmError("There is no such file. Check the manifest's folder.")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > most_bytes:
                    raise _RefusedFilmError(f"The file has more than {most_bytes} bytes, which is the limit.")
                digest.update(chunk)
                leading += chunk[: max(0, LEADING_BYTES - len(leading))]
    except OSError as error:
        raise _RefusedFilmError(f"The file cannot be read ({error.strerror}). Check its permissions.") from error
    if not size:
        raise _RefusedFilmError("The file has no bytes.")
    return digest.hexdigest(), size, leading


def _header(leading: bytes, *, was_read: bool) -> tuple[ReceivedHeader | None, str | None, Projection | None]:
    """Read identifiers, ViewPosition and projection from the header of a DICOM file; nothing of an image."""
    if leading[_PREAMBLE : _PREAMBLE + 4] != b"DICM":
        return None, None, None
    try:
        dataset = leading_header(leading)
        view = str(dataset.get("ViewPosition") or "").strip()
        header = ReceivedHeader.of(dataset)
    except Exception as error:  # the edge: damaged values make pydicom raise nearly anything
        if not was_read and isinstance(error, Refused):
            return None, None, "uncertain"
        raise _RefusedFilmError("The DICOM header cannot be read, so its study is not known.") from error
    if not header.is_film:
        raise _RefusedFilmError("The DICOM object is no film: not a CR or DX For Presentation.")
    return header, clean(view) or None, projection_of_header(dataset)


def decision_of(row: Row) -> Decision:
    """Return the decision on a film that an import enters: ranked by its score alone, whatever the policy of the run
    decided.

    >>> decision_of({"status": "scored", "score": 0.0, "reason": None, "film_decision": "clear"}).action
    'read'
    """
    # without a policy each film was scored, and the reason is why the gate would have refused it
    refused = row["status"] != "scored" or (row["reason"] is not None and "film_decision" not in row)
    score = None if refused else row["score"]
    return Decision(
        action="not_scored" if score is None else "read",
        score=score,
        probability=None,
        p_value=None,
        priority=FIRST_PRIORITY if score is None else squashed_score(score),
        reason=RANKED if score is not None else clean(row["reason"] or "the archive's run gave no score"),
        policy_digest="",
    )
