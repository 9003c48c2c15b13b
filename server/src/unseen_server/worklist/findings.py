"""`Findings`: what models have found on films: scores, anomaly maps, and what is kept for comparison.

Table: findings. A film is named by its public id, a model by the SHA-256 of its weights.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unseen_server.worklist import (
    details,
    listing,
    model_disagreements,
    model_findings_removal,
    reference_scores,
    renditions,
    similar_films,
)
from unseen_server.worklist.films import film_path
from unseen_server.worklist.tables import findings

if TYPE_CHECKING:
    from collections.abc import Collection

    import numpy as np
    from numpy.typing import NDArray

    from unseen.artifacts import ReferenceNormals
    from unseen_server.worklist.model_disagreements import Disagreement
    from unseen_server.worklist.model_findings_removal import KnownModel
    from unseen_server.worklist.renditions import Rendition
    from unseen_server.worklist.similar_films import Neighbour
    from unseen_server.worklist.site import Site


class Findings:
    """Models' findings on the films of a worklist: `store.findings`.

    Args:
        site: the store's own.

    >>> import tempfile
    >>> from unseen_server.worklist import Store
    >>> with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
    ...     store.findings.models()
    []
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def map_path(self, film: str, model: str | None = None) -> Path:
        """Return the path of an anomaly map: `.npy`, float32 (size, size); the latest of a deciding model, or that of
        `model`.

        Raises NotFoundError where there is none.
        """
        with self._site.database.reading() as connection:
            return self._site.maps.of(details.map_of(connection, film, model))

    def rendition(self, film: str, model: str) -> Rendition:
        """Return the model's input from the film and its output, on the network's grid.

        Raises NotFoundError where none is kept, WorklistError where it is damaged.
        """
        return renditions.read_rendition(self._site.renditions, film_path(self._site, film).name, model)

    def nearest(self, film: str, *, count: int = 5) -> list[Neighbour]:
        """Return the films most similar to this one among those of the latest 2000 other studies reported normal.

        Films of its own study are left out; there may be fewer than `count`, or none. Raises NotFoundError before a
        worker has read the film, WorklistError for a count outside 1 to 100.
        """
        with self._site.database.reading() as connection:
            return similar_films.nearest(connection, film, count=count)

    def reference(
        self, model: str, *, source: str | None = None, training_films: Collection[str] = ()
    ) -> ReferenceNormals:
        """Return the model's scores of films of the latest 2000 studies that readers reported normal and that count.

        Below 20 of them there are no scores to compare with, and `words` gives their number. Films with the same pixels
        count once; refused and lateral films, and those left out by an argument, do not count.

        Args:
            model: SHA-256 of its weights.
            source: films of this source alone.
            training_films: pixel digests of the films that the model was trained on; all films of their patients are
                left out.
        """
        with self._site.database.reading() as connection:
            return reference_scores.reference(connection, model, source=source, training_films=training_films)

    def disagreements(self, first: str, second: str, *, limit: int = 50) -> list[Disagreement]:
        """Return the films on which two models disagree most, among the latest 5000 that both scored; most first.

        Raises WorklistError for a limit outside 1 to 500, and for one model named twice.
        """
        with self._site.database.reading() as connection:
            return model_disagreements.disagreements(connection, first, second, limit=limit)

    def generated(self) -> dict[str, NDArray[np.float32]]:
        """Return images that models' generators made, by model: (64, size, size), network units."""
        return {model: images for model, (images, _) in renditions.read_generated(self._site.renditions).items()}

    def generated_inside(self) -> dict[str, NDArray[np.bool_] | None]:
        """Return where generated images typically show lung, by model: (size, size); None for models that see the whole
        film.
        """
        return {model: inside for model, (_, inside) in renditions.read_generated(self._site.renditions).items()}

    def weights(self) -> list[str]:
        """Return the SHA-256 of the weights of each model that has scored films here."""
        with self._site.database.reading() as connection:
            return listing.values(connection, findings.c.model)

    def models(self) -> list[KnownModel]:
        """Return the models that have scored films here, the latest first."""
        with self._site.database.reading() as connection:
            return model_findings_removal.models(connection)
