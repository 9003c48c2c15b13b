"""A detector that aligns: a turned film has the score it had, and its map lies on the film as it came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.anatomy.test_alignment import turned
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors.dct import Dct
from unseen.detectors.detector import Detector
from unseen.detectors.errors import FitError
from unseen.detectors.finding import Finding
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load, save
from unseen.evaluation.localisation import localise, on_grid_lesion

DEGREES = 9.0


class TrueLungs:
    """A finder that is never wrong, so that only alignment is asked about; training films' and tests' alike."""

    def find(self, film: Film) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
        """Return the film's own mask."""
        assert film.lungs is not None
        return film.lungs


def turn(film: Film, degrees: float) -> Film:
    assert film.lungs is not None and film.lesion is not None
    return replace(
        film,
        pixels=np.clip(turned(film.pixels, degrees), 0, 1),
        lungs=turned(film.lungs, degrees) > 0.5,
        lesion=turned(film.lesion, degrees) > 0.5,
    )


@pytest.fixture(scope="module")
def learnt() -> dict[bool, Detector]:
    normals = list(phantoms.normals(40, seed=21, size=128))
    return {
        align: Pca(view=View(size=64, align=align), components=10).fit(normals, finder=TrueLungs())
        for align in (False, True)
    }


@pytest.fixture(scope="module")
def films() -> list[Film]:
    return [film for film in phantoms.twins(12, seed=22, size=128) if film.label == "abnormal"]


def findings(detector: Detector, films: list[Film]) -> list[Finding]:
    return [found for found in detector.score(films) if isinstance(found, Finding)]


def test_a_turned_film_keeps_its_score(learnt: dict[bool, Detector], films: list[Film]) -> None:
    moved = {}
    for align, detector in learnt.items():
        before, after = (
            np.log([one.score for one in findings(detector, some)])
            for some in (films, [turn(film, DEGREES) for film in films])
        )
        moved[align] = float(np.abs(after - before).mean())
    assert moved[True] < 0.25 * moved[False]


def test_the_map_lies_on_the_film_as_it_came(learnt: dict[bool, Detector], films: list[Film]) -> None:
    """A turned film's lesions are found where they are, as well as an upright one's."""

    def precision(some: list[Film]) -> float:
        values = []
        for one in findings(learnt[True], some):
            assert one.film.lesion is not None and one.viewed.aligned is None
            found = localise(one.anomaly_map, on_grid_lesion(one.viewed.on_grid(one.film.lesion.astype(np.float32))))
            if found:
                values.append(found.average_precision)
        return float(np.mean(values))

    upright, askew = precision(films), precision([turn(film, DEGREES) for film in films])
    assert askew > 0.85 * upright > 0.1


def test_what_is_saved_aligns_too(learnt: dict[bool, Detector], films: list[Film], tmp_path: Path) -> None:
    from unseen.anatomy.lung_finder import LungExamples, LungFinder

    normals = list(phantoms.normals(14, seed=21, size=64))
    finder = LungFinder(LungFinder.Config(size=32, features=4, depth=2, steps=4)).fit(LungExamples.of(normals, size=32))
    detector = Dct(view=View(size=32, align=True)).fit(normals, finder=finder)
    card = save(detector, tmp_path / "model")
    assert card.view is not None and card.view["align"] is True
    again = load(tmp_path / "model")
    for one, two in zip(findings(detector, films[:3]), findings(again, films[:3]), strict=True):
        assert one.score == two.score and (one.anomaly_map == two.anomaly_map).all()


def test_a_whole_film_is_not_aligned_without_lungs(films: list[Film]) -> None:
    bare = [replace(film, lungs=None) for film in phantoms.normals(20, seed=3, size=64)]
    with pytest.raises((FitError, ValueError), match="none of the films carries a lung mask"):
        Pca(view=View(size=32, frame="whole", align=True), components=4).fit(bare)
