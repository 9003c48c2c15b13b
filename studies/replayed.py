"""`Replayed`: detector with given scores, by which studies examine calibration and screening without a model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import numpy as np
import torch

from unseen.anatomy.network_view import Viewed
from unseen.data.film import Film, Label, NotRead
from unseen.detectors.finding import Finding

_SEEN = torch.zeros(1, 1, 1)
_VIEWED = Viewed(_SEEN, _SEEN > -1, None, (0.0, 0.0, 1.0, 1.0), None, (0, 0, 1, 1))
_NOTHING = np.zeros((1, 1), np.float32)


class Replayed:
    """Gives each film the score in its column `score`.

    >>> [finding] = Replayed().score([replayed_film("a", 0.25)])
    >>> finding.score
    0.25
    """

    key = "replayed"
    weights_sha256 = hashlib.sha256(b"replayed").hexdigest()

    def score(self, films: Iterable[Film | NotRead]) -> Iterator[Finding | NotRead]:
        """Yield one finding per film, in order; no image is looked at."""
        for film in films:
            if isinstance(film, NotRead):
                yield film
            else:
                yield Finding(film, float(film.columns.get("score", 0.0)), {}, _NOTHING, _NOTHING, _VIEWED)


def replayed_film(
    name: str,
    score: float,
    *,
    label: Label | None = None,
    source: str = "site",
    patient: str | None = None,
    study: str | None = None,
    view_position: str | None = "PA",
) -> Film:
    """Return a film without pixels that `Replayed` gives `score`; by default a patient and a study of its own."""
    return Film(
        name=name,
        pixels=_NOTHING,
        label=label,
        source=source,
        patient=patient or name,
        study=study or name,
        bits=8,
        view_position=view_position,
        file_sha256=name,
        pixel_sha256=name,
        file_bytes=0,
        file_format="none",
        columns={"score": repr(float(score))},
    )
