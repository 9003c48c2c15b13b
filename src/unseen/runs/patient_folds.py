"""Training films dealt into parts by patient: a detector scores films of patients that it did not learn from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unseen.data.film import Film, NotRead
from unseen.data.patient_links import linked_patients
from unseen.detectors.detector import Detector
from unseen.detectors.normals import Normals

PARTS = 5


@dataclass(frozen=True)
class Known:
    """Attributes of a film besides its pixels."""

    name: str
    source: str
    patient: str
    abnormal: bool


def seen(detector: Detector, films: Iterable[Film | NotRead]) -> tuple[Normals, list[Known]]:
    """Return the films on the network's grid, whatever their labels, and what else is known of each."""
    known: list[Known] = []

    def noted() -> Iterable[Film | NotRead]:
        for film in films:
            if isinstance(film, Film):
                known.append(Known(film.name, film.source, film.patient, film.label == "abnormal"))
            yield film

    return detector.prepare(noted(), any_label=True), known


def dealt(digests: Sequence[str], patients: Sequence[str], parts: int = PARTS) -> NDArray[np.int64]:
    """Return each film's part, 0 to `parts` - 1: patients in the order of their films' digests, one to each part in
    turn.

    Patients who share a film are one: the film is a copy under another name.

    >>> dealt(["c", "a", "b", "d"], ["eve", "joe", "eve", "ann"]).tolist()
    [1, 0, 1, 2]
    >>> dealt(["c", "a", "b", "b"], ["eve", "joe", "eve", "eve (copy)"]).tolist()
    [1, 0, 1, 1]
    """
    films = sorted(zip(digests, patients, strict=True))
    person = linked_patients((patient, digest) for digest, patient in films)
    place: dict[str, int] = {}
    for _, patient in films:
        place.setdefault(person[patient], len(place))
    return np.array([place[person[patient]] % parts for patient in patients], dtype=np.int64)
