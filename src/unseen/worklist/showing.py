"""`Showing`: the part of `Store` that shows films and compares scores. It reads, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unseen.worklist import disagreement, generated, labelled, nearest, reference, renditions
from unseen.worklist.writing import find_film

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from unseen.worklist.database import Database
    from unseen.worklist.disagreement import Disagreement
    from unseen.worklist.labelled import LabelledFilm
    from unseen.worklist.nearest import Neighbour
    from unseen.worklist.reference import Reference
    from unseen.worklist.renditions import Rendition, RenditionFolder


class Showing:
    """What a store can show; films are named by their public id, models by the SHA-256 of their weights."""

    database: Database
    renditions: RenditionFolder

    def rendition(self, film: str, model: str) -> Rendition:
        """What a model saw of a film and made of it, on the network's grid.

        Raises NotFoundError where none is kept, WorklistError where it is damaged.
        """
        return renditions.read_rendition(self.renditions, self._digest(film), model)

    def thumbnail(self, film: str) -> bytes:
        """The film as a small grey PNG, its longer side 160 pixels or less.

        Raises NotFoundError before a worker has read it, and where it cannot be read.
        """
        return renditions.read_thumbnail(self.renditions, self._digest(film))

    def nearest(self, film: str, *, count: int = 5) -> list[Neighbour]:
        """The films that look most like this one among those of the latest 2000 studies that readers reported normal.

        Films of its own study are left out; there may be fewer than `count`, or none. Raises NotFoundError before a
        worker has read the film, WorklistError for a count outside 1 to 100.
        """
        with self.database.reading() as connection:
            return nearest.nearest(connection, film, count=count)

    def reference(self, model: str, *, source: str | None = None) -> Reference:
        """The model's scores of films of the latest 2000 studies that readers reported normal.

        source  films of this source alone

        Below 20 of them, those of the last films that it scored here, whatever they show; `words` says which.
        """
        with self.database.reading() as connection:
            return reference.reference(connection, model, source=source)

    def labelled(self, *, most: int = 20_000) -> list[LabelledFilm]:
        """Films of studies whose standing report says normal or abnormal, with all scores; the latest `most`.

        Films that came after the report are left out, for it does not speak of them.
        """
        with self.database.reading() as connection:
            return labelled.labelled(connection, most=most)

    def disagreements(self, first: str, second: str, *, limit: int = 50) -> list[Disagreement]:
        """The films on which two models disagree most, among the latest 5000 that both scored; most first.

        Raises WorklistError for a limit outside 1 to 500, and for one model named twice.
        """
        with self.database.reading() as connection:
            return disagreement.disagreements(connection, first, second, limit=limit)

    def generated(self) -> dict[str, NDArray[np.float32]]:
        """Pictures that models' generators made up, by model: (64, size, size), network units."""
        return {model: pictures for model, (pictures, _) in generated.read_generated(self.renditions).items()}

    def generated_inside(self) -> dict[str, NDArray[np.bool_] | None]:
        """Where those pictures typically show lung, by model: (size, size); None for models that see the whole film."""
        return {model: inside for model, (_, inside) in generated.read_generated(self.renditions).items()}

    def _digest(self, film: str) -> str:
        with self.database.reading() as connection:
            return str(find_film(connection, film).sha256)
