"""Head of the audit trail, kept in a file next to the database."""

import os
from pathlib import Path

from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.file_lock import locked
from unseen_server.worklist.states import WorklistError

HEAD = "audit.head"


def keep_head(home: Path, head: AuditHead) -> None:
    """Write down where the audit trail ends, unless a later end is there already.

    Raises:
        WorklistError: the file holds something else, which is left there: somebody may have changed it.
        OSError: the file cannot be read or written.
    """
    with locked(home / "audit.lock"):
        path = home / HEAD
        kept = kept_head(home)
        if kept is not None and kept.seq >= head.seq:
            return
        temporary = path.with_suffix(".tmp")
        temporary.write_text(f"{head}\n", encoding="ascii")
        os.replace(temporary, path)  # not flushed: after a power cut it may be an earlier head, and is still a true one


def kept_head(home: Path) -> AuditHead | None:
    """Return the head that is kept beside the store; None where none is, or a power cut has emptied it.

    Raises:
        WorklistError: the file holds something else.
    """
    try:
        written = (home / HEAD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    if not written.strip(" \t\r\n\0"):  # some file systems leave zero bytes after a power cut
        return None
    try:
        return AuditHead.parse(written)
    except WorklistError as error:
        raise WorklistError(
            f"{home / HEAD}: holds no head of the audit trail, which is a number and 64 hexadecimal digits. If the "
            "disk was full or damaged, remove the file: the next change writes it again. Otherwise somebody changed "
            "it: compare the trail with a head that was kept elsewhere, `unseen audit verify --head`."
        ) from error
