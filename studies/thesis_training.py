"""Training by the thesis's protocol (numbers: `studies/recipes/thesis`): the test films scored after each epoch.

`epochs.csv` of the run contains the AUROCs and the cosine between the weights of both encoders, `epochs/` the scores.
The authors of GANomaly score in train mode, where BatchNorm normalises by the batch of a film. Such scores are kept,
too, with the test films in order of class and mixed, to measure the effect.

Source: Wang, Anomaly detection in chest X-ray screening, MSc thesis, University of Birmingham, 2022, chapters 4 and 5.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from unseen.artifacts.files import write_bytes
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run_folder import Run
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.ganomaly_family import Aim, EncoderDecoderEncoder
from unseen.evaluation.roc import Bools, Floats, auroc
from unseen.losses.running_averages import running_averages_frozen
from unseen.runs.cohort import cohort_of
from unseen.runs.training import Trained, resolve, run_of, train_recipe
from unseen.training.tensorboard_log import Report

Ints = NDArray[np.int64]
_BATCH = 35  # films scored at a time; in eval mode a film's score does not depend on its batch mates
_SCORES = ("auroc", "auroc_reconstruction", "auroc_train_mode_by_class", "auroc_train_mode_mixed")


def train_thesis(recipe: Recipe, *, root: Path | None = None, progress: Report | None = None) -> Trained:
    """Train a recipe of the thesis, or resume its training; the test films are scored after each epoch."""
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
    """Return two orders of the test films: by class, as a folder of classes is read, and mixed."""
    return np.argsort(abnormal, kind="stable"), np.random.default_rng(seed).permutation(len(abnormal))


def _in_train_mode(
    detector: EncoderDecoderEncoder, aimed: Callable[[Ints], Aim], order: Ints, batch: int
) -> NDArray[np.float32]:
    """Return ‖z − ẑ‖₂ of each film, (n,), normalised by its batch; running averages are unchanged."""
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
    """Return the test films in the view of the detector: image, inside, lungs (n, 1, size, size); abnormal (n,)."""
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
