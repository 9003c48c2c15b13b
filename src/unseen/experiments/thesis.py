"""The thesis's protocol on its own split: 311 normals, 70 epochs, 35 + 35 films to test on; the epoch chosen on those
very films beside the last one.

After each epoch every test film is scored; `epochs.csv` of the run keeps the AUROCs and the cosine between the two
encoders' weights, `epochs/` the scores. A row can therefore be written of a training that is still under way: it says
how many epochs are done.

Source: Wang, Anomaly detection in chest X-ray screening, MSc thesis, University of Birmingham, 2022, chapters 4 and 5.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from unseen.artifacts.files import write_bytes
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run import Run
from unseen.data.film import Film
from unseen.detectors.detector import Detector
from unseen.detectors.encoder_decoder_encoder import EncoderDecoderEncoder
from unseen.evaluation.roc import auroc
from unseen.experiments.cohort import cohort_of
from unseen.experiments.running import Report, Trained, resolve, run_of, train_recipe

_BATCH = 35  # films scored at a time; in eval mode a film's score does not depend on its batch mates


def train_thesis(recipe: Recipe, *, root: Path | None = None, progress: Report | None = None) -> Trained:
    """Train a recipe of the thesis, or go on with it, scoring the test films after each epoch."""
    recipe = resolve(recipe)
    run = run_of(recipe, root=root)
    return train_recipe(recipe, root=root, progress=progress, validate=lambda d: _after_epoch(d, recipe, run))


def _after_epoch(detector: Detector, recipe: Recipe, run: Run) -> Callable[[int], Mapping[str, float]]:
    """What is measured after each epoch, by name: AUROCs of ‖z − ẑ‖₂ and of the mean |y − ŷ| on the support, and the
    cosine between the encoders."""
    if not isinstance(detector, EncoderDecoderEncoder):
        return lambda epoch: {}
    prepared: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]] = []

    def measure(epoch: int) -> Mapping[str, float]:
        if not prepared:  # not before: the lung finder is there once fitting has begun
            prepared.append(_tested(detector, recipe))
        images, inside, lungs, abnormal = prepared[0]
        latent, residual = [], []
        for start in range(0, len(images), _BATCH):
            part = slice(start, start + _BATCH)
            device = next(detector.networks["e1"].parameters()).device
            aim = detector.aim(images[part].to(device), inside[part].to(device), lungs[part].to(device))
            distance, prediction = detector.distance(aim)
            off = ((aim.y - prediction.float()).abs() * aim.support).flatten(1).sum(1)
            latent.append(distance.cpu())
            residual.append((off / aim.support.flatten(1).sum(1).clamp(min=1)).cpu())
        scores = np.stack([torch.cat(latent).numpy(), torch.cat(residual).numpy()]).astype(np.float64)
        _keep(run.folder / "epochs" / f"{epoch:03d}.npy", scores)
        return {
            "auroc": auroc(scores[0], abnormal),
            "auroc_reconstruction": auroc(scores[1], abnormal),
            "cosine": detector.encoders_cosine(),
        }

    return measure


def _tested(detector: Detector, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, np.ndarray]:
    """The test films through the detector's view: image, inside, lungs (n, 1, size, size); abnormal (n,)."""
    films = [film for film in cohort_of(recipe).testing() if isinstance(film, Film)]
    viewed = [detector.look(film) for film in films]
    return (
        torch.stack([v.image for v in viewed]),
        torch.stack([v.inside for v in viewed]),
        torch.stack([v.inside if v.lungs is None else v.lungs for v in viewed]),
        np.array([film.label == "abnormal" for film in films]),
    )


def _keep(path: Path, scores: np.ndarray) -> None:
    """One epoch's scores, (2, films): latent and reconstruction, in the order of the test films."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    np.save(written, scores)
    write_bytes(path, written.getvalue())
