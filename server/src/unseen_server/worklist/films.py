"""`WorklistFilms`: films as they were received: their bytes, their thumbnails, and who has seen them.

Tables: films, attachments, seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts import sha256_of
from unseen_server.worklist import receiving, renditions, seeing
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.states import NotFoundError

if TYPE_CHECKING:
    from unseen_server.worklist.received_header import ReceivedHeader
    from unseen_server.worklist.receiving import Receipt
    from unseen_server.worklist.site import Site


class WorklistFilms:
    """Received films of a worklist: `store.films`. A film is named by its public id."""

    site: Site

    def receive(
        self,
        chunks: Iterable[bytes] | bytes,
        *,
        name: str,
        source: str = "unknown",
        actor: str = "unseen",
        header: ReceivedHeader | None = None,
        settle_s: float | None = None,
    ) -> Receipt:
        """Store one film's bytes. When this returns, the film is on the disk and in the queue: it is not lost.

        chunks    the bytes, whole or in pieces; nothing but their digest decides where they lie
        name      as the sender calls it; kept as a pseudonym unless the store was made without, never part of a path
        source    the site or collection, by which policies and lists tell films apart
        actor     who sent it, for the audit trail
        header    of a DICOM object, where the door has read it: the film joins its study at once, and what is no film
                  is kept with its study and never listed
        settle_s  for how long no film of its study must come after this one, before the study is complete; None: as
                  the site has set for the source

        The same bytes again get the same receipt. Raises WorklistError (`NoRoomError`, `TooLargeError`, `BusyError`):
        nothing was stored then.
        """
        return receiving.receive(
            self.site, chunks, name=name, source=source, actor=actor, header=header, settle_s=settle_s
        )

    def holds(self, instance: str) -> bool:
        """Return True if the instance (its SOP Instance UID) was received and its bytes are on the disk."""
        return receiving.holds(self.site, instance)

    def film_path(self, film: str) -> Path:
        """Return the path of the film's bytes, as they were received.

        Raises NotFoundError; also for an imported film whose file was moved or changed since.
        """
        return film_path(self.site, film)

    def thumbnail(self, film: str) -> bytes:
        """The film as a small grey PNG, its longer side 160 pixels or less.

        Raises NotFoundError before a worker has read it, and where it cannot be read.
        """
        return renditions.read_thumbnail(self.site.renditions, film_path(self.site, film).name)

    def mark_seen(self, film: str, reader: str) -> None:
        """The film's pixels were painted for this reader, who can then report its study. Raises NotFoundError."""
        with self.site.database.reading() as connection:
            if seeing.is_seen(connection, find_film(connection, film).id, reader):
                return
        with self.site.writing() as writing:
            seeing.mark(writing, film, reader)


def film_path(site: Site, film: str) -> Path:
    """Return the path of the film's bytes. Raises NotFoundError, see `WorklistFilms.film_path`."""
    with site.database.reading() as connection:
        path = site.films.of(find_film(connection, film).sha256)
    if path.is_symlink():
        check_linked(path)
    return path


_KNOWN = 10_000  # files whose digest is kept in memory


def check_linked(path: Path) -> None:
    """Raise NotFoundError where the file behind a link is gone, or is not the one whose digest is the link's name."""
    try:
        found = os.stat(path)
        same = _digest_of(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) == path.name
    except OSError as error:
        raise NotFoundError(
            f"The imported film's file is not there ({error.strerror}). Bring it back to its place in the archive."
        ) from error
    if not same:
        raise NotFoundError(
            "The imported film's file has changed since it was scored. Bring the old file back to its place in the "
            "archive."
        )


@lru_cache(maxsize=_KNOWN)
def _digest_of(path: Path, *stated: int) -> str:
    """The file's digest; another file at the same place differs in `stated`."""
    return sha256_of(path)
