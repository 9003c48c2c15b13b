"""A training of the study, tested after each epoch, and its row."""

from __future__ import annotations

import math
import platform
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from studies.adversarial.arms import ARMS, REFERENCES, WIDE_ARMS, Arm
from studies.imaging.spent import Spent
from studies.rows import Row, convergence_of, described
from studies.thesis_training import keep_scores
from unseen import __version__
from unseen.artifacts.recipe import Recipe, digest, validated
from unseen.artifacts.run_folder import Run, runs_root
from unseen.data.film import Film
from unseen.data.reading import Films
from unseen.detectors.detector import Detector
from unseen.detectors.f_anogan import FAnoGan
from unseen.detectors.fitting import Fitting
from unseen.detectors.ganomaly_family import EncoderDecoderEncoder, reinitialisations
from unseen.detectors.normals import Normals
from unseen.evaluation.bootstrap import BootstrapCohort, Statistic, draw_all
from unseen.evaluation.epoch_peak import best_epoch
from unseen.evaluation.roc import Auroc, Bools, Floats, auroc, folds_of, roc_curve
from unseen.runs.cohort import Cohort, cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import detector_of, looks_for_lungs
from unseen.training.history import History
from unseen.training.progress import Progress
from unseen.training.settings import Training
from unseen.training.tensorboard_log import Report

NIH_TESTED = (0, 1)
"""Folds of NIH's normal films that are tested; its abnormal films all are, but those of a patient trained on."""
_AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Prepared:
    """Detector with its films on the network's grid.

    Args:
        detector: Untrained, with its lung finder where it needs one.
        normals: What it learns from.
        tested: Test films, as `normals` are; with labels.
        abnormal: (n,).
        source: (n,), of each test film.
        projection: (n,), of each test film: cell of the manifest's column `view`; "" where it has none.
        run: Folder of the training.
        digest: Names the training.
    """

    detector: Detector
    normals: Normals
    tested: Normals
    abnormal: Bools
    source: np.ndarray[tuple[int], np.dtype[np.str_]]
    projection: np.ndarray[tuple[int], np.dtype[np.str_]]
    run: Run
    digest: str

    @property
    def cohort(self) -> BootstrapCohort:
        """Test films as the bootstrap takes them: films are drawn within source and label."""
        return BootstrapCohort.of_one_fold(self.abnormal, self.source)

    @property
    def n(self) -> dict[str, int]:
        """Numbers of films."""
        abnormal = int(self.abnormal.sum())
        return {"trained": len(self.normals.images), "normal": len(self.abnormal) - abnormal, "abnormal": abnormal}

    @property
    def projections(self) -> dict[str, dict[str, int]]:
        """Numbers of tested films by label and projection; empty where the manifest has no projections."""
        if not self.projection.all():
            return {}
        return {
            label: dict(sorted(Counter(self.projection[self.abnormal == ill].tolist()).items()))
            for label, ill in (("normal", False), ("abnormal", True))
        }


def prepared(recipe: Recipe) -> Prepared:
    """Read the films of a recipe of the study."""
    cohort = cohort_of(recipe)
    run, name = run_of(recipe, cohort)
    training, testing, fold = _parts(recipe, cohort)
    detector = detector_of(recipe)
    if looks_for_lungs(detector, recipe):
        detector.finder = shared_lungs(training, recipe, fold=fold, data_digest=cohort.digest, root=runs_root())
    normals = detector.prepare(training)
    seen = set(normals.digests)
    films = [film for film in testing if isinstance(film, Film) and film.pixel_sha256 not in seen]
    projection = {entry.name: entry.columns.get("view", "") for entry in testing.entries}
    return Prepared(
        detector,
        normals,
        Normals.of([detector.look(film) for film in films], [film.pixel_sha256 for film in films]),
        np.array([film.label == "abnormal" for film in films]),
        np.array([str(film.source) for film in films]),
        np.array([projection[film.name] for film in films]),
        run,
        name,
    )


def run_of(recipe: Recipe, cohort: Cohort) -> tuple[Run, str]:
    """Return the folder of a recipe's training, and the digest that names it."""
    name = digest(recipe, data_digest=cohort.digest, version=__version__)
    return Run.named(recipe.name, fold=None, seed=recipe.seed, digest=name), name


def _parts(recipe: Recipe, cohort: Cohort) -> tuple[Films, Films, int | None]:
    """Return the films to train on and to test, and the fold that is tested; None: it has no number."""
    if recipe.data.column is not None:
        return cohort.training(None), cohort.testing(), None
    if recipe.data.split is not None:
        return cohort.training(0), cohort.testing(0), 0
    fold = cohort.fold_of
    training = cohort.films.select(lambda e: e.label == "normal" and fold[e.name] not in NIH_TESTED)
    patients = {entry.patient for entry in training.entries}
    testing = cohort.films.select(lambda e: e.label is not None and e.patient not in patients)
    return training, testing, None


def trained(
    given: Prepared,
    recipe: Recipe,
    validate: Callable[[int], Mapping[str, float]] | None,
    *,
    progress: Report | None = None,
) -> float:
    """Train the detector in its run's folder, or resume it; return the processor seconds spent."""
    spent = Spent(given.run.folder / "spent.json")

    def report(step: Progress) -> None:
        spent.step()
        if progress is not None:
            progress(recipe.name, step)

    given.run.write_recipe(recipe)
    given.detector.learn(
        given.normals,
        Fitting(
            validated(recipe.training, Training, where="training"),
            folder=given.run.folder,
            progress=report,
            validate=validate,
        ),
    )
    return spent.total_s()


def scores_of(detector: Detector, films: Normals) -> Floats:
    """Return the score of each film, (n,), computed in batches: as `judge` gives it."""
    found = []
    for start in range(0, len(films.images), _AT_ONCE):
        image, inside, lungs = (part[start : start + _AT_ONCE] for part in (films.images, films.inside, films.lungs))
        with torch.inference_mode():
            found.append(_scores(detector, image, inside, lungs).double().cpu().numpy())
    return np.concatenate(found)


def _scores(detector: Detector, image: torch.Tensor, inside: torch.Tensor, lungs: torch.Tensor) -> torch.Tensor:
    """(films,), with the networks in eval mode."""
    if isinstance(detector, EncoderDecoderEncoder):
        return detector.distance(detector.aim(image, inside, lungs))[0]
    networks, x = detector.modules(), image * inside
    if isinstance(detector, FAnoGan):
        restored = networks["g"](detector.encoded(x, networks))
        square, features = detector.misfit(x, restored, networks, kappa=detector.config.kappa)
        return square + features
    z, restored = networks["u"](x)
    apart: torch.Tensor = torch.linalg.vector_norm((z - networks["e2"](restored)).flatten(1), dim=1)
    return apart


def arm_row(arm: Arm, seed: int, *, progress: Report | None = None) -> Row:
    """Train an arm, or resume it, test it after each epoch, and return its row."""
    recipe = arm.recipe(seed)
    given = prepared(recipe)
    detector, kept = given.detector, given.run.folder / "epochs"

    def measure(epoch: int) -> Mapping[str, float]:
        found = scores_of(detector, given.tested)
        keep_scores(kept / f"{epoch:03d}.npy", found)
        return {"auroc": auroc(given.abnormal, found)}

    seconds = trained(given, recipe, measure, progress=progress)
    history = detector.history
    assert history is not None
    return {
        **described_training(recipe, given, history, seconds),
        "question": arm.question,
        "arm": arm.name,
        "source": arm.source,
        **_by_epoch(given, history, kept),
        **_compared(arm, seed, given),
    }


def completed(row: Row, arm: Arm, seed: int) -> Row:
    """Return an arm's row with the fields that need no training: projections, and the difference from another arm.

    Raises:
        ValueError: The films are not those of the row, or the kept scores are missing or of another training.
    """
    given = prepared(arm.recipe(seed))
    if given.n != row["n"]:
        raise ValueError(f"{row['recipe']}: the row is of the films {row['n']}, the data set has {given.n}")
    return {**row, **_projections(given), **_compared(arm, seed, given, row)}


def _compared(arm: Arm, seed: int, given: Prepared, row: Row | None = None) -> Row:
    """Return the difference of an arm from its question's reference at their last epochs, on the same films.

    Args:
        arm: Arm of any question.
        seed: Seed of both trainings.
        given: Films and folder of the arm.
        row: Row of the arm whose AUROC the kept scores must have; None: the arm was trained just now.

    Returns:
        `minus`: the difference by name of the reference. Empty for a reference, for questions without one, and for an
        arm trained just now whose reference has no kept scores here.
    """
    reference = REFERENCES.get(arm.question, arm.name)
    if reference == arm.name:
        return {}
    asked = (arm.question, reference)
    other = next(one for one in (*ARMS, *WIDE_ARMS) if (one.question, one.name) == asked).recipe(seed)
    own = _last_scores(given.run.folder, arm.recipe(seed))
    others = _last_scores(run_of(other, cohort_of(other))[0].folder, other)
    if row is None and not others.is_file():
        return {}
    for path in (own, others):
        if not path.is_file():
            raise ValueError(f"{path} is not there. Train {arm.question} again, or set UNSEEN_RUNS to its runs.")
    cohort = given.cohort
    statistics: dict[str, Statistic] = {
        "own": Auroc(folds_of(np.load(own), given.abnormal, cohort.fold)),
        "other": Auroc(folds_of(np.load(others), given.abnormal, cohort.fold)),
    }
    drawn = draw_all(statistics, cohort, rng=np.random.default_rng(0))
    if row is not None and drawn["own"].interval().to_json() != row["auroc"]["last_epoch"]:
        raise ValueError(f"{row['recipe']}: the kept scores are not those of the row")
    return {"minus": {reference: (drawn["own"] - drawn["other"]).interval().to_json()}}


def _last_scores(folder: Path, recipe: Recipe) -> Path:
    """Return the file of the scores of the test films after the last epoch."""
    return folder / "epochs" / f"{recipe.training['epochs']:03d}.npy"


def _projections(given: Prepared) -> Row:
    return {"projections": given.projections} if given.projections else {}


def described_training(recipe: Recipe, given: Prepared, history: History, seconds: float) -> Row:
    """Return what each row of the study begins with."""
    detector = given.detector
    known = described(
        recipe,
        digest=given.digest,
        device=f"{history.device} ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        date=datetime.now(UTC).date().isoformat(),
    )
    verdict = history.converged(detector.converges_by)
    return {
        **known,
        "n": given.n,
        **_projections(given),
        "epochs": recipe.training["epochs"],
        "steps": history.steps,
        "seconds": round(history.seconds, 1),
        "cpu_seconds": None if math.isnan(seconds) else round(seconds, 1),
        "convergence": convergence_of(recipe, True, [verdict]),
        "facts": {name: round(value, 6) for name, value in detector.facts.items()},
    }


def _by_epoch(given: Prepared, history: History, kept: Path) -> Row:
    """Return the curves, the AUROCs with their intervals, and the ROC curves."""
    curve = history.validation["auroc"]
    scores = [np.load(kept / f"{epoch:03d}.npy") for epoch in range(1, len(curve) + 1)]
    chosen = best_epoch(curve)
    cohort = given.cohort
    found = {"best_epoch": scores[chosen.epoch - 1], "last_epoch": scores[-1]}
    statistics: dict[str, Statistic] = {
        name: Auroc(folds_of(score, given.abnormal, cohort.fold)) for name, score in found.items()
    }
    drawn = draw_all(statistics, cohort, rng=np.random.default_rng(0))
    side = next(name for name in ("discriminator", "critic", "generator") if name in history.parts)
    row: Row = {
        "curve": [float(f"{value:.6g}") for value in history.by_epoch("generator")],
        "by_epoch": {"auroc": [round(value, 6) for value in curve]},
        "chosen": chosen.to_json(),
        "auroc": {name: figure.interval().to_json() for name, figure in drawn.items()},
        "roc": {name: [_rounded(rates) for rates in roc_curve(given.abnormal, score)] for name, score in found.items()},
    }
    if side != "generator":
        row["discriminator"] = [float(f"{value:.6g}") for value in history.by_epoch(side)]
    if isinstance(given.detector, EncoderDecoderEncoder):
        row["reinitialisations"] = reinitialisations(history)
        row["least_discriminator_loss"] = float(f"{min(history.parts['discriminator']):.3g}")
    return row


def _rounded(values: Floats) -> list[float]:
    return [round(float(value), 4) for value in values]
