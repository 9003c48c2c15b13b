"""`WorklistFilms`: films as they were received: their bytes, their thumbnails, and who has seen them.

Tables: films, attachments, seen; reads studies.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from unseen.artifacts import sha256_of
from unseen_server.worklist import receiving, renditions, seeing
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.tables import studies

if TYPE_CHECKING:
    from unseen_server.worklist.received_header import ReceivedHeader
    from unseen_server.worklist.receiving import Receipt
    from unseen_server.worklist.site import Site


class WorklistFilms:
    """Received films of a worklist: `store.films`. A film is named by its public id.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     receipt = store.films.receive(b"the bytes of a file", name="1.png", source="ward")
    ...     store.films.path(receipt.film_id).read_bytes()
    b'the bytes of a file'
    """

    def __init__(self, site: Site) -> None:
        self._site = site

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

        Args:
            chunks: the bytes, whole or in pieces; their digest alone decides where they are stored.
            name: the sender's name of the film; stored as a pseudonym unless the store has none, never part of a path.
            source: the site or collection, by which policies and lists distinguish films.
            actor: who sent it, for the audit trail.
            header: of a DICOM object, if it was read already: the film joins its study at once; an object that is not
                a film is kept with its study and never listed.
            settle_s: seconds in which no film of the study must follow this one before the study is complete; None:
                the site's setting for the source.

        Returns:
            The receipt; the same bytes again get the same one.

        Raises:
            WorklistError: nothing was stored (`NoRoomError`, `TooLargeError`, `BusyError`).
        """
        return receiving.receive(
            self._site, chunks, name=name, source=source, actor=actor, header=header, settle_s=settle_s
        )

    def holds(self, instance: str) -> bool:
        """Return True if the instance (its SOP Instance UID) was received and its bytes are on the disk."""
        return receiving.holds(self._site, instance)

    def path(self, film: str) -> Path:
        """Return the path of the film's bytes, as they were received.

        Raises NotFoundError; also for an imported film whose file was moved or changed since.
        """
        return film_path(self._site, film)

    def study(self, film: str) -> str:
        """Return the public id of the film's study. Raises NotFoundError."""
        with self._site.database.reading() as connection:
            study = find_film(connection, film).study_id
            name: str = connection.execute(select(studies.c.public_id).where(studies.c.id == study)).scalar_one()
            return name

    def thumbnail(self, film: str) -> bytes:
        """Return the film as a small grey PNG, its longer side 160 pixels or less.

        Raises NotFoundError before a worker has read it, and where it cannot be read.
        """
        return renditions.read_thumbnail(self._site.renditions, film_path(self._site, film).name)

    def mark_seen(self, film: str, reader: str) -> None:
        """Record that the film was shown to this reader, who can then report its study. Raises NotFoundError."""
        with self._site.database.reading() as connection:
            if seeing.is_seen(connection, find_film(connection, film).id, reader):
                return
        with self._site.writing() as writing:
            seeing.mark(writing, film, reader)


def film_path(site: Site, film: str) -> Path:
    """Return the path of the film's bytes. Raises NotFoundError, see `WorklistFilms.path`."""
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
    """Return the file's digest; another file at the same place differs in `stated`."""
    return sha256_of(path)
