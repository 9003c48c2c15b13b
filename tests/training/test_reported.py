"""Progress of long work around a training: films that are read, parts that are cross-fitted."""

from __future__ import annotations

from unseen.anatomy.network_view import View
from unseen.artifacts.recipe import Recipe
from unseen.data import phantoms
from unseen.detectors.pca import Pca
from unseen.runs.normal_scores import add_normal_scores
from unseen.training.progress import Progress, reported


def test_each_film_that_is_read_and_each_part_is_reported() -> None:
    films = list(phantoms.normals(20, seed=5, size=64))
    seen: dict[str, list[tuple[int, int]]] = {}

    def progress(name: str, state: Progress) -> None:
        seen.setdefault(name, []).append((state.step, state.steps))

    detector = Pca(view=View(size=32, frame="whole"), components=4).fit(films, progress=progress)
    recipe = Recipe.from_toml('name = "own"\n[method]\nkey = "pca"\ncomponents = 4')
    add_normal_scores(detector, recipe, films, folds=2, progress=progress)
    every = [(step, 20) for step in range(1, 21)]
    assert seen == {
        "reading films": every,
        "reading films for the normals' scores": every,
        "scores of the training normals": [(1, 2), (2, 2)],
    }


def test_progress_without_epochs_names_none() -> None:
    state = Progress(step=3, steps=9, epoch=0, losses={}, seconds=1.0, remaining_s=62.0)
    assert str(state) == "step 3/9  1:02 left"


def test_an_iterator_of_unknown_length_is_passed_on_unreported() -> None:
    films = iter(phantoms.normals(2, size=64))
    assert reported(films, "reading films", lambda name, state: None) is films
