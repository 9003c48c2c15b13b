"""`FilmAccess`: the part of a `Store` by which films are shown and scores compared.

Films are named by their public id, models by the SHA-256 of their weights.

Films that stay where they are: the worklist's folder has a link with the digest of the bytes as its name.

Such a file is not the worklist's own, so it may change. What is shown of it must be what was imported: it is hashed
again whenever its size, its time of change or its place on the disk is another one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts import sha256_of
from unseen_server.worklist import (
    details,
    labels,
    model_disagreements,
    reference_scores,
    renditions,
    seeing,
    similar_films,
)
from unseen_server.worklist.lookup import find_film
from unseen_server.worklist.states import NotFoundError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unseen.artifacts import ReferenceNormals
    from unseen_server.worklist.labels import LabelledFilm, Origin
    from unseen_server.worklist.model_disagreements import Disagreement
    from unseen_server.worklist.renditions import Rendition
    from unseen_server.worklist.similar_films import Neighbour
    from unseen_server.worklist.site import Site


class FilmAccess:
    """Films of one worklist."""

    site: Site

    def film_path(self, film: str) -> Path:
        """Return the path of the film's bytes, as they were received.

        Raises NotFoundError; also for an imported film whose file was moved or changed since.
        """
        with self.site.database.reading() as connection:
            path = self.site.films.of(find_film(connection, film).sha256)
        if path.is_symlink():
            check_linked(path)
        return path

    def map_path(self, film: str, model: str | None = None) -> Path:
        """Return the path of an anomaly map: `.npy`, float32 (size, size); the latest of a deciding model, or that of
        `model`.

        Raises NotFoundError where there is none.
        """
        with self.site.database.reading() as connection:
            return self.site.maps.of(details.map_of(connection, film, model))

    def rendition(self, film: str, model: str) -> Rendition:
        """Return the model's input from the film and its output, on the network's grid.

        Raises NotFoundError where none is kept, WorklistError where it is damaged.
        """
        return renditions.read_rendition(self.site.renditions, self.film_path(film).name, model)

    def thumbnail(self, film: str) -> bytes:
        """Return the film as a small grey PNG, its longer side 160 pixels or less.

        Raises NotFoundError before a worker has read it, and where it cannot be read.
        """
        return renditions.read_thumbnail(self.site.renditions, self.film_path(film).name)

    def nearest(self, film: str, *, count: int = 5) -> list[Neighbour]:
        """Return the films that look most like this one among those of the latest 2000 studies that readers reported
        normal.

        Films of its own study are left out; there may be fewer than `count`, or none. Raises NotFoundError before a
        worker has read the film, WorklistError for a count outside 1 to 100.
        """
        with self.site.database.reading() as connection:
            return similar_films.nearest(connection, film, count=count)

    def reference(self, model: str, *, source: str | None = None) -> ReferenceNormals:
        """Return the model's scores of films of the latest 2000 studies that readers reported normal.

        source  films of this source alone

        Below 20 of them there are no scores to compare with, and `words` gives their number.
        """
        with self.site.database.reading() as connection:
            return reference_scores.reference(connection, model, source=source)

    def labelled(self, *, most: int = 20_000, origins: Collection[Origin] = labels.SEEN) -> list[LabelledFilm]:
        """Return the films of studies whose standing report is normal or abnormal, with all scores; the latest `most`.

        origins  how the reports came to be that count: by default those on films that were shown to their reader

        Films that came after the report are left out, for it does not speak of them.
        """
        with self.site.database.reading() as connection:
            return labels.labelled(connection, most=most, origins=origins)

    def unseen_labels(self) -> Mapping[Origin, int]:
        """Count the reported studies that do not count as labels by themselves, by how their reports came to be."""
        with self.site.database.reading() as connection:
            return labels.unseen_labels(connection)

    def disagreements(self, first: str, second: str, *, limit: int = 50) -> list[Disagreement]:
        """Return the films on which two models disagree most, among the latest 5000 that both scored; most first.

        Raises WorklistError for a limit outside 1 to 500, and for one model named twice.
        """
        with self.site.database.reading() as connection:
            return model_disagreements.disagreements(connection, first, second, limit=limit)

    def generated(self) -> dict[str, NDArray[np.float32]]:
        """Return the images that models' generators made, by model: (64, size, size), network units."""
        return {model: images for model, (images, _) in renditions.read_generated(self.site.renditions).items()}

    def generated_inside(self) -> dict[str, NDArray[np.bool_] | None]:
        """Return where generated images typically show lung, by model: (size, size); None for models that see the whole
        film.
        """
        return {model: inside for model, (_, inside) in renditions.read_generated(self.site.renditions).items()}

    def mark_seen(self, film: str, reader: str) -> None:
        """Record that the film's pixels were painted for this reader, who can then report its study.

        Raises NotFoundError.
        """
        with self.site.database.reading() as connection:
            if seeing.is_seen(connection, find_film(connection, film).id, reader):
                return
        with self.site.writing() as writing:
            seeing.mark(writing, film, reader)


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
