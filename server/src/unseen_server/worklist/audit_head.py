"""Head of the audit trail, kept in a file next to the database."""

import os
from pathlib import Path

from unseen_server.worklist.audit import AuditHead
from unseen_server.worklist.file_lock import locked

HEAD = "audit.head"


def keep_head(home: Path, head: AuditHead) -> None:
    """Write down where the audit trail ends, unless a later end is there already."""
    with locked(home / "audit.lock"):
        path = home / HEAD
        kept = kept_head(home)
        if kept is not None and kept.seq >= head.seq:
            return
        temporary = path.with_suffix(".tmp")
        temporary.write_text(f"{head}\n", encoding="ascii")
        os.replace(temporary, path)  # not flushed: after a power cut it may be an earlier head, and is still a true one


def kept_head(home: Path) -> AuditHead | None:
    """Return the head that is kept beside the store; None where none is, or a power cut has emptied it."""
    try:
        written = (home / HEAD).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None
    return AuditHead.parse(written) if written.strip() else None
