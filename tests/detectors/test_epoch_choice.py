"""An epoch chosen without labels: by how well it tells unlabelled films from training normals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from tests.detectors.conftest import Make
from unseen.anatomy.cross_fitted_lungs import CrossFittedLungs
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector
from unseen.detectors.epoch_choice import EpochChoice
from unseen.detectors.errors import FitError
from unseen.detectors.even_choice import evenly
from unseen.detectors.finding import Finding
from unseen.detectors.judgement import Judgement
from unseen.training.progress import Progress
from unseen.training.settings import Training, TrainingError

FIVE = Training(epochs=5, batch_size=8, seed=3, device="cpu", threads=1, checkpoint_every_steps=1)


ONE = FIVE.model_copy(update={"epochs": 1})


@pytest.fixture(scope="module")
def unlabelled() -> list[Film]:
    return [*phantoms.normals(6, seed=31, size=64), *phantoms.abnormals(6, seed=32, size=64)]


def aucp(detector: Detector, normals: list[Film], others: list[Film]) -> float:
    scores = [found.score for found in detector.score([*normals, *others]) if isinstance(found, Finding)]
    return float(roc_auc_score([False] * len(normals) + [True] * len(others), scores))


GANS_OF_PRIORS = ("alpha-gan", "anogan", "bigan", "randgan")
"""GANs for which a processor's rounding decides whether five epochs change a rank: if not, the first epoch is kept."""
BY_EPOCHS = [
    key
    for key in sorted(METHODS.keys())
    if METHODS.load(key).learns_by_epochs and not METHODS.load(key).learns_from_unlabelled
]


# The base class chooses for all: `make test` asks one, `make nightly` every one.
QUICK = {"deep-svdd"}


def test_the_one_that_is_asked_learns_by_epochs() -> None:
    assert set(BY_EPOCHS) >= QUICK


@pytest.mark.parametrize(
    "key", [key if key in QUICK else pytest.param(key, marks=pytest.mark.nightly) for key in BY_EPOCHS]
)
def test_the_epoch_kept_is_the_first_with_the_highest(
    key: str, make: Make, normals: list[Film], unlabelled: list[Film], finder: CrossFittedLungs, whole: Detector
) -> None:
    settings: dict[str, object] = {"score": "density"} if key == "anatpaste" else {}
    if key in ("anogan", "bigan", "randgan"):
        settings = {"learning_rate": 0.01}  # at their own, five epochs of three steps change no rank
    if key == "dae":
        detector = whole
    else:
        detector = make(key, **settings).fit(normals, finder=finder, training=FIVE, unlabelled=unlabelled)
    assert detector.history is not None
    curve = detector.history.validation["aucp"]
    chosen = int(detector.facts["chosen_epoch"])
    assert len(curve) == 5 and curve.index(max(curve)) + 1 == chosen
    assert detector.facts["chosen_aucp"] == max(curve) == pytest.approx(aucp(detector, normals, unlabelled), abs=1e-9)
    if key not in GANS_OF_PRIORS:
        assert len({round(value, 6) for value in curve}) > 1, "there was something to choose"


@pytest.fixture(scope="module")
def whole(make: Make, normals: list[Film], unlabelled: list[Film], finder: CrossFittedLungs) -> Detector:
    """A training that nothing disturbs, for tests that leave it as it is."""
    return make("dae").fit(normals, finder=finder, training=FIVE, unlabelled=unlabelled)


@pytest.mark.nightly
def test_an_interrupted_fit_chooses_alike(
    make: Make,
    normals: list[Film],
    unlabelled: list[Film],
    finder: CrossFittedLungs,
    whole: Detector,
    tmp_path: Path,
) -> None:
    def stop(name: str, state: Progress) -> None:
        if state.step == 11:
            raise KeyboardInterrupt

    given = {"finder": finder, "training": FIVE, "unlabelled": unlabelled}
    with pytest.raises(KeyboardInterrupt):
        make("dae").fit(normals, **given, folder=tmp_path, progress=stop)
    again = make("dae").fit(normals, **given, folder=tmp_path)
    assert again.facts["chosen_epoch"] == whole.facts["chosen_epoch"]
    states = (detector.modules()["network"].state_dict() for detector in (whole, again))
    assert all(torch.equal(a, b) for a, b in zip(*(state.values() for state in states), strict=True))


@pytest.mark.nightly
def test_a_training_does_not_go_on_with_other_films_to_choose_by(
    make: Make, normals: list[Film], unlabelled: list[Film], finder: CrossFittedLungs, tmp_path: Path
) -> None:
    """It would choose among the epochs that are left, or among none."""
    given = {"finder": finder, "training": ONE}
    for folder, before, after in ((tmp_path / "none", [], unlabelled), (tmp_path / "some", unlabelled[:6], unlabelled)):
        make("dae").fit(normals, **given, unlabelled=before, folder=folder)
        with pytest.raises(TrainingError, match=r"belongs to another training: .*Use another folder"):
            make("dae").fit(normals, **given, unlabelled=after, folder=folder)


def test_what_was_chosen_is_forgotten_where_a_detector_learns_again(
    make: Make, normals: list[Film], unlabelled: list[Film], finder: CrossFittedLungs
) -> None:
    detector = make("dae").fit(normals, finder=finder, training=ONE, unlabelled=unlabelled)
    assert "chosen_epoch" in detector.facts
    again = detector.fit(normals, finder=finder, training=ONE).facts
    assert set(again) == {"training_seconds", "training_steps", "training_epochs"}


def test_of_many_films_those_that_are_asked_lie_all_over_the_list(
    make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    """Films of one hospital lie together: the first so many would choose by where a film is from."""
    view = make("dae").fit(normals, finder=finder, training=ONE).look(normals[0])
    many = [replace(view, image=torch.full_like(view.image, number / 1000)) for number in range(1000)]
    chooser = EpochChoice(make("dae"), many, many[::2], None)
    for asked, among in ((chooser.normals, many), (chooser.unlabelled, many[::2])):
        places = [among.index(one) for one in asked]
        assert len(places) == 128 and min(np.diff(places)) > 0 and max(np.diff(places)) <= 2 * len(among) / 128 + 1
        assert places[0] == 0 and places[-1] >= 0.98 * len(among)
    for n in (256, 384, 1024):
        turns = evenly([place % 2 for place in range(n)], 128)
        assert 48 < sum(turns) < 80, "normal and abnormal films that take turns are both asked"


@pytest.mark.nightly
def test_a_training_that_begins_anew_chooses_anew(
    make: Make, normals: list[Film], unlabelled: list[Film], finder: CrossFittedLungs, tmp_path: Path
) -> None:
    given = {"finder": finder, "unlabelled": unlabelled}
    make("dae").fit(normals, **given, training=FIVE, folder=tmp_path)
    (tmp_path / "checkpoint.pt").unlink()
    other = FIVE.model_copy(update={"seed": 4, "epochs": 1})
    anew = make("dae").fit(normals, **given, training=other, folder=tmp_path)
    alone = make("dae").fit(normals, **given, training=other)
    assert anew.facts["chosen_aucp"] == alone.facts["chosen_aucp"]
    states = (detector.modules()["network"].state_dict() for detector in (anew, alone))
    assert all(torch.equal(a, b) for a, b in zip(*(state.values() for state in states), strict=True))


def test_a_film_that_ranks_below_every_normal_is_an_answer_too(
    make: Make, normals: list[Film], finder: CrossFittedLungs
) -> None:
    """AUCp is 0 after every epoch where the one unlabelled film looks most like the normals; an epoch is kept."""
    detector = make("deep-svdd").fit(normals, finder=finder, training=ONE, unlabelled=[normals[0]])
    assert detector.facts["chosen_epoch"] >= 1 and 0 <= detector.facts["chosen_aucp"] <= 1
    chooser = EpochChoice(detector, [detector.look(film) for film in normals], [detector.look(normals[0])], None)
    detector.judge = lambda viewed: Judgement(float(viewed is not chooser.unlabelled[0]), {}, np.zeros(1), None)  # type: ignore[method-assign, arg-type]
    assert chooser(1) == {"aucp": 0.0}
    chooser.restore()
    assert detector.facts["chosen_epoch"] == 1


def test_what_unlabelled_films_are_called_does_not_matter(
    make: Make, normals: list[Film], unlabelled: list[Film], finder: CrossFittedLungs
) -> None:
    assert {film.label for film in unlabelled} == {"normal", "abnormal"}, "an abnormal label is no error here"
    with pytest.raises(FitError, match="pca has no epochs to choose from"):
        make("pca").fit(normals, finder=finder, training=FIVE, unlabelled=unlabelled)
