"""Fine-tuning on synthetic lesions: EfficientNet-lite0 from its ImageNet weights, on the lung crops.

The network, its deepest used block averaged over the lungs and a linear layer learn "normal or the same with a
lesion", lesions of six types, as `anatpaste` does from scratch. Asked on fold 0 alone, several seeds, after every so
many steps: it would be opened on folds 1 to 4 if it were better there than the frozen ensemble.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from studies.pages.cells import Entry, pooled_auroc, table
from studies.rows import Row, study_of_folds
from unseen import __version__
from unseen.artifacts.recipe import Recipe, digest
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film
from unseen.detectors.classifier_lesions import ALL
from unseen.detectors.frozen_features import published
from unseen.detectors.lesion_classifier import varied
from unseen.detectors.normals import Normals
from unseen.evaluation.roc import auroc
from unseen.networks.efficientnet_lite import CHANNELS, EfficientNetLite
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import detector_of, resolve
from unseen.training.learner import Step, steps_taken
from unseen.training.loop import train
from unseen.training.settings import Training

ROWS = "detectors/fine-tuning/"
"""Prefix of the rows' names."""
FOLD, SEEDS, EPOCHS, BATCH, RATE = 0, (0, 1, 2, 3, 4), 12, 8, 1e-4
_LAST = 14


class Tuned(nn.Module):
    """(batch, 2, size, size), the image and its mask → logits (batch,)."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNetLite(last=_LAST)
        self.network.fill(published())
        self.network.requires_grad_(True)
        self.head = nn.Linear(CHANNELS[_LAST], 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, given: Tensor) -> Tensor:
        image, inside = given[:, :1], given[:, 1:]
        (maps,) = self.network(image * inside, (_LAST,))
        weights = functional.adaptive_avg_pool2d(inside, maps.shape[-1])
        pooled = (maps * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3)).clamp(min=1e-3)
        logits: Tensor = self.head(pooled)[:, 0]
        return logits


class _Learner:
    """Adam at a rate that falls to zero as half a cosine, so that the last steps do not decide by chance."""

    def __init__(self, network: Tuned, *, rate: float, steps: int) -> None:
        self.modules: dict[str, nn.Module] = {"tuned": network}
        self.optimisers: dict[str, torch.optim.Optimizer] = {"tuned": torch.optim.Adam(network.parameters(), lr=rate)}
        self.rate, self.total = rate, steps

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, inside = batch
        done = steps_taken(self.optimisers["tuned"]) / self.total
        for group in self.optimisers["tuned"].param_groups:
            group["lr"] = self.rate * (1 + math.cos(math.pi * done)) / 2
        changed = torch.cat(
            [ALL[int(torch.randint(len(ALL), (), generator=rng))](x[i : i + 1], inside[i : i + 1], generator=rng)
             for i in range(len(x))]
        )  # fmt: skip
        both, masks = torch.cat([x, changed]), torch.cat([inside, inside])
        both = varied(both, masks, generator=rng)
        logit = self.modules["tuned"](torch.cat([both, masks.to(both)], dim=1)).float()
        strange = torch.cat([torch.zeros(len(x)), torch.ones(len(x))]).to(logit)
        yield Step("tuned", functional.binary_cross_entropy_with_logits(logit, strange))

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        """Nothing to do."""


def fine_tuning_row(
    recipe: Recipe,
    *,
    seed: int,
    epochs: int = EPOCHS,
    root: Path | None = None,
) -> Row:
    """AUROC on fold 0 after each epoch of one training, which goes on where it was stopped; films as the recipe's
    detector sees them."""
    recipe = resolve(recipe)
    root = runs_root() if root is None else root
    cohort = cohort_of(recipe)
    detector = detector_of(recipe)
    detector.finder = shared_lungs(cohort.training(FOLD), recipe, fold=FOLD, data_digest=cohort.digest, root=root)
    normals: Normals = detector.prepare(cohort.training(FOLD))
    tested = [film for film in cohort.testing(FOLD) if isinstance(film, Film)]
    seen = [detector.look(film) for film in tested]
    abnormal = np.array([film.label == "abnormal" for film in tested])
    given = torch.stack([torch.cat([viewed.masked, viewed.inside.float()]) for viewed in seen])
    torch.manual_seed(seed)
    network = Tuned()

    def measured(epoch: int) -> Mapping[str, float]:
        with torch.inference_mode():
            logits = torch.cat([network(part) for part in torch.split(given, 16)])
        found = round(auroc(abnormal, logits.double().numpy()), 4)
        print(f"fine-tuning, seed {seed}, epoch {epoch}: {found:.3f}")
        return {"auroc": found}

    history = train(
        _Learner(network, rate=RATE, steps=epochs * (len(normals.digests) // BATCH)),
        (normals.images * normals.inside, normals.inside),
        Training(epochs=epochs, batch_size=BATCH, seed=seed, precision="fp32", device="cpu", threads=1),
        identity=digest(recipe, data_digest=cohort.digest, version=__version__),
        folder=root / "fine-tuning" / f"{recipe.short}-f{FOLD}-{seed}",
        validate=measured,
    )
    return {
        **study_of_folds(f"{ROWS}{recipe.short}", recipe, [FOLD]),
        "seed": seed,
        "steps_an_epoch": history.steps_per_epoch,
        "seconds": round(history.seconds, 1),
        "losses": [round(value, 4) for value in history.by_epoch("tuned")],
        "curve": history.validation["auroc"],
        "n": {"normal": int((~abnormal).sum()), "abnormal": int(abnormal.sum())},
    }


def beside_fine_tuning(rows: Sequence[Entry], frozen: Entry | None) -> list[str]:
    """Return the section of the page; `frozen`: the row of fold 0 that it is compared with."""
    title = "## Fine-tuning on synthetic lesions"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only fine-tuning` makes it.*"]
    row, *_ = rows = sorted(rows, key=lambda one: int(one["seed"]))
    curves = np.array([one["curve"] for one in rows])
    epochs = sorted({1, 2, 4, 8, curves.shape[1]} & set(range(1, curves.shape[1] + 1)))
    lines = [
        [
            f"{epoch * row['steps_an_epoch']:,}",
            f"{curves[:, epoch - 1].mean():.2f}",
            ", ".join(f"{value:.2f}" for value in curves[:, epoch - 1]),
        ]
        for epoch in epochs
    ]
    said = ""
    if frozen is not None:
        there = pooled_auroc(frozen)
        better = float(curves[:, -1].mean()) > there
        said = (
            f" The frozen ensemble `{frozen['recipe'].rpartition('/')[2]}` has {there:.2f} there, so folds 1 to 4 "
            + ("are opened for it by the rule." if better else "are not opened for it.")
        )
    return [
        title,
        f"EfficientNet-lite0 trained further from its ImageNet weights: normal lung crops against the same with a "
        f"synthetic lesion, {BATCH} of each a step. AUROC on fold 0 ({row['n']['normal']} normal and "
        f"{row['n']['abnormal']} abnormal films); seeds {', '.join(str(one['seed']) for one in rows)}.{said} "
        f"CPU, {max(one['date'] for one in rows)}.",
        table(["steps", "mean AUROC", "each seed"], lines),
        *_falling(rows, curves.mean(axis=0)),
    ]


def _falling(rows: Sequence[Entry], mean: NDArray[np.float64]) -> list[str]:
    """Return a sentence where the figure was highest before the end although the losses fell on; `mean`: (epochs,)."""
    losses = np.mean([row["losses"] for row in rows], axis=0)
    best = int(mean.argmax())
    if best + 1 == len(mean) or losses[-1] >= losses[best]:
        return []
    return [
        f"The mean AUROC is highest after {(best + 1) * rows[0]['steps_an_epoch']:,} steps ({mean[best]:.2f}) and "
        f"{mean[-1]:.2f} at the end, while the training loss on synthetic lesions falls on from {losses[best]:.2f} to "
        f"{losses[-1]:.2f}; the AUROC on abnormal films does not rise with it."
    ]
