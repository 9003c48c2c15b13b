"""The thesis's protocol on its own split: 311 normals, 70 epochs, 35 + 35 films to test on; the epoch chosen on those
very films beside the last one.

After each epoch every test film is scored; `epochs.csv` of the run keeps the AUROCs and the cosine between the two
encoders' weights, `epochs/` the scores. A row can therefore be written of a training that is still under way: it says
how many epochs are done.

GANomaly's authors score in train mode: BatchNorm normalises by the batch that a film happens to be tested in. Such
scores are kept, too, with the test films class after class and mixed, to see what that is worth.

Source: Wang, Anomaly detection in chest X-ray screening, MSc thesis, University of Birmingham, 2022, chapters 4 and 5.
"""

from __future__ import annotations

import io
import platform
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from studies.rows import Row, described
from unseen.artifacts import bundle
from unseen.artifacts.files import write_bytes
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run_folder import Run
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.ganomaly_family import Aim, EncoderDecoderEncoder
from unseen.detectors.saved import load
from unseen.evaluation.bootstrap import BootstrapCohort, Statistic, draw_all
from unseen.evaluation.epoch_peak import best_epoch
from unseen.evaluation.intervals import Json
from unseen.evaluation.roc import Auroc, Bools, Floats, auroc, folds_of
from unseen.losses.running_averages import running_averages_frozen
from unseen.runs.cohort import cohort_of
from unseen.runs.training import Trained, resolve, run_of, train_recipe
from unseen.training.history import History
from unseen.training.tensorboard_log import Report

Ints = NDArray[np.int64]
_BATCH = 35  # films scored at a time; in eval mode a film's score does not depend on its batch mates
_SCORES = ("auroc", "auroc_reconstruction", "auroc_train_mode_by_class", "auroc_train_mode_mixed")
_NOT_YET = "its run has not got through an epoch; train it first (make results-thesis)"


def train_thesis(recipe: Recipe, *, root: Path | None = None, progress: Report | None = None) -> Trained:
    """Train a recipe of the thesis, or go on with it, scoring the test films after each epoch."""
    recipe = resolve(recipe)
    run, _ = run_of(recipe, root=root)
    return train_recipe(recipe, root=root, progress=progress, validate=lambda d: _after_epoch(d, recipe, run))


def _after_epoch(detector: Detector, recipe: Recipe, run: Run) -> Callable[[int], Mapping[str, float]]:
    """Return the function that measures the detector after each epoch; it returns its figures by name.

    The figures are the AUROCs of ‖z − ẑ‖₂, of the mean |y − ŷ| on the support, and of ‖z − ẑ‖₂ in train mode with the
    films in two orders, and the cosine between the encoders.
    """
    if not isinstance(detector, EncoderDecoderEncoder):
        return lambda epoch: {}
    prepared: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, Bools]] = []

    def measure(epoch: int) -> Mapping[str, float]:
        if not prepared:  # not before: the lung finder is there once fitting has begun
            prepared.append(_tested(detector, recipe))
        images, inside, lungs, abnormal = prepared[0]
        device = next(detector.networks["e1"].parameters()).device

        def aimed(part: slice | Ints) -> Aim:
            return detector.aim(images[part].to(device), inside[part].to(device), lungs[part].to(device))

        latent, residual = [], []
        for start in range(0, len(images), _BATCH):
            aim = aimed(slice(start, start + _BATCH))
            distance, prediction = detector.distance(aim)
            off = ((aim.y - prediction.float()).abs() * aim.support).flatten(1).sum(1)
            latent.append(distance.cpu())
            residual.append((off / aim.support.flatten(1).sum(1).clamp(min=1)).cpu())
        batch = int(str(recipe.training["batch_size"]))
        by_batch = [_in_train_mode(detector, aimed, order, batch) for order in _orders(abnormal, epoch)]
        scores = np.stack([torch.cat(latent).numpy(), torch.cat(residual).numpy(), *by_batch]).astype(np.float64)
        keep_scores(run.folder / "epochs" / f"{epoch:03d}.npy", scores)
        return {name: auroc(abnormal, row) for name, row in zip(_SCORES, scores, strict=True)} | {
            "cosine": detector.encoders_cosine()
        }

    return measure


def _orders(abnormal: Bools, seed: int) -> tuple[Ints, Ints]:
    """The test films class after class, as a folder of classes is read, and mixed."""
    return np.argsort(abnormal, kind="stable"), np.random.default_rng(seed).permutation(len(abnormal))


def _in_train_mode(
    detector: EncoderDecoderEncoder, aimed: Callable[[Ints], Aim], order: Ints, batch: int
) -> NDArray[np.float32]:
    """‖z − ẑ‖₂ of each film, (n,), normalised by the batch that it is tested in; running averages stay as they are."""
    networks = [detector.networks[name] for name in ("e1", "de", "e2")]
    found = np.zeros(len(order), np.float32)
    for network in networks:
        network.train()
    try:
        with running_averages_frozen(*networks):
            for start in range(0, len(order), batch):
                part = order[start : start + batch]
                found[part] = detector.distance(aimed(part))[0].cpu().numpy()
    finally:
        for network in networks:
            network.eval()
    return found


def _tested(detector: Detector, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, Bools]:
    """The test films through the detector's view: image, inside, lungs (n, 1, size, size); abnormal (n,)."""
    films = [film for film in cohort_of(recipe).testing() if isinstance(film, Film)]
    viewed = [detector.look(film) for film in films]
    return (
        torch.stack([v.image for v in viewed]),
        torch.stack([v.inside for v in viewed]),
        torch.stack([v.inside if v.lungs is None else v.lungs for v in viewed]),
        np.array([film.label == "abnormal" for film in films]),
    )


def keep_scores(path: Path, scores: Floats) -> None:
    """Write scores, (films,) or (several, films) in the order of the test films, into the run, never into a row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    np.save(written, scores)
    write_bytes(path, written.getvalue())


def thesis_row(recipe: Recipe, *, root: Path | None = None) -> Row:
    """The row of a thesis recipe from its run, finished or not.

    Raises RecipeError where the run has not got through an epoch.
    """
    recipe = resolve(recipe)
    run, name = run_of(recipe, root=root)
    if not run.log.is_file() and not run.bundle.is_dir():
        raise RecipeError(f"{recipe.name}: {_NOT_YET}")
    row: Row = {
        **described(recipe, digest=name, device=_device_of(run), date=_date_of(run)),
        "protocol": "the thesis's split (column thesis): trained on its 311 normals, tested on its 35 + 35 films",
    }
    if run.log.is_file():
        row |= _by_epoch(recipe, run)
    if run.bundle.is_dir():
        from unseen.evaluation.metrics import metrics_from_table
        from unseen.evaluation.table import score_table

        detector = load(run.bundle)
        table = score_table(detector, cohort_of(recipe).testing(), keep=0).table
        row |= {
            "facts": detector.facts,
            "metrics": metrics_from_table(table, recipe=row["recipe_digest"], protocol=row["protocol"]),
        }
    return row


def beside_earlier(row: Row, earlier: Row | None) -> Row:
    """The row, with the figures of other finished trainings of its recipe and seed, which the row before it had.

    Processors round differently, and two adversarial trainings drift apart.
    """
    if earlier is None or "by_epoch" not in earlier or earlier["epochs_done"] < earlier["epochs"]:
        return row
    kept = list(earlier.get("earlier", []))
    if earlier["by_epoch"]["auroc"] != row["by_epoch"]["auroc"]:
        figures = {name: earlier["auroc"][name] for name in ("best_epoch", "last_epoch")}
        kept.append({"date": earlier["date"], "device": earlier["device"], **figures})
    return {**row, "earlier": kept} if kept else row


def _by_epoch(recipe: Recipe, run: Run) -> Row:
    """The curves, and what choosing an epoch by them would give."""
    history = History.from_log(run.log)
    curves = history.validation
    done = len(curves.get("auroc", []))
    if not done:
        raise RecipeError(f"{recipe.name}: {_NOT_YET}")
    tested = [entry for entry in cohort_of(recipe).testing().entries]
    abnormal = np.array([entry.label == "abnormal" for entry in tested])
    source = np.array([entry.source for entry in tested])
    scores = np.stack([np.load(run.folder / "epochs" / f"{epoch:03d}.npy")[0] for epoch in range(1, done + 1)])
    if scores.shape[1] != len(tested):
        raise RecipeError(f"{recipe.name}: {len(tested) - scores.shape[1]} test films could not be read")
    chosen = best_epoch(curves["auroc"])
    cohort = BootstrapCohort.of_one_fold(abnormal, source, scores[-1])
    statistics: dict[str, Statistic] = {
        name: Auroc(folds_of(scores[epoch - 1], abnormal, cohort.fold))
        for name, epoch in (("best_epoch", chosen.epoch), ("last_epoch", done))
    }
    drawn = draw_all(statistics, cohort, rng=np.random.default_rng(0))
    return {
        "epochs": recipe.training["epochs"],
        "epochs_done": done,
        "steps": done * history.steps_per_epoch,
        "seconds": round(history.seconds, 1),
        "convergence": "not converged" if history.converged("generator") is False else "converged",
        "curve": [round(value, 6) for value in history.by_epoch("generator")[:done]],
        "by_epoch": {name: [round(value, 6) for value in values] for name, values in curves.items()},
        "chosen": chosen.to_json(),
        "auroc": {
            **{name: figure.interval().to_json() for name, figure in drawn.items()},
            "chosen_on_one_half": _chosen_on_one_half(scores, abnormal),
        },
        "n": {"normal": int((~abnormal).sum()), "abnormal": int(abnormal.sum())},
    }


def _chosen_on_one_half(scores: Floats, abnormal: Bools, *, halvings: int = 500) -> Json:
    """The epoch chosen by the AUROC on a random half of the test films and measured on the other half: mean over the
    halvings. What is left of the best epoch's figure once the choice is not made on the films that are measured."""
    rng = np.random.default_rng(0)
    half = np.zeros((halvings, len(abnormal)))  # weights: 1 for the films that choose
    for row in half:
        for members in (np.flatnonzero(abnormal), np.flatnonzero(~abnormal)):
            row[rng.permutation(members)[: len(members) // 2]] = 1
    fold = np.zeros(len(abnormal), np.int64)
    areas = [Auroc(folds_of(score, abnormal, fold)) for score in scores]
    chosen = np.argmax([area(half) for area in areas], axis=0)  # (halvings,)
    measured = np.array([area(1 - half) for area in areas])  # (epochs, halvings)
    return round(float(measured[chosen, np.arange(halvings)].mean()), 4)


def _device_of(run: Run) -> str:
    card = bundle.load(run.bundle).card if run.bundle.is_dir() else None
    return f"cpu ({platform.machine()})" if card is None else card.trained_on


def _date_of(run: Run) -> str:
    newest = max(path.stat().st_mtime for path in (run.log, run.bundle, run.recipe) if path.exists())
    return datetime.fromtimestamp(newest, UTC).date().isoformat()
