"""One recipe of a generator, one run: train it, or go on, or find it trained; its bundle lies in the run's folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.recipe import Recipe, RecipeError, digest, validated
from unseen.artifacts.run import Run
from unseen.artifacts.unknown import unknown
from unseen.evaluation.psnr import psnr
from unseen.runs.generator_images import PictureSettings, load
from unseen.priors import GENERATORS
from unseen.priors.autoencoding import Autoencoder
from unseen.priors.saved import REGISTRY, save
from unseen.priors.saved import load as load_generator
from unseen.priors.trained import TrainedGenerator
from unseen.training.loop import Progress
from unseen.training.settings import Training

Report = Callable[[str, Progress], None]

_BATCH = 128  # pictures encoded and decoded at a time


@dataclass(frozen=True)
class TrainedRun:
    """A finished run: its generator, the resolved recipe, and where its bundle lies.

    metrics  `validation_psnr`: the mean PSNR of G(E(x)) on validation pictures, in dB, where G has an encoder
    found    whether the run had finished before, so that nothing was trained now
    """

    G: TrainedGenerator
    recipe: Recipe
    run: Run
    metrics: Mapping[str, object]
    found: bool


def resolve(recipe: Recipe) -> Recipe:
    """The recipe with every default written out and every section checked.

    Raises RecipeError, one sentence a mistake.
    """
    if recipe.method.key not in GENERATORS:
        raise RecipeError(
            f"method.key: {recipe.method.key} is no generator: {unknown(recipe.method.key, GENERATORS)}. "
            "Detectors are trained by `unseen train`."
        )
    kind: type[TrainedGenerator] = REGISTRY.load(recipe.method.key)
    return recipe.resolved(method=kind.Config, view=PictureSettings, training=Training)


def train_generator(
    recipe: Recipe,
    *,
    data: Path | None = None,
    out: Path | None = None,
    licence: str = "",
    root: Path | None = None,
    progress: Report | None = None,
) -> TrainedRun:
    """Train `recipe`, or go on with it where it was stopped, or find it trained.

    data     the folder of public pictures; None: `$UNSEEN_DATA`
    out      a further copy of the bundle
    licence  what the weights may be used for, for its card
    root     where runs are kept; None is `$UNSEEN_RUNS`
    """
    if out is not None:
        bundle.check_free(out)
    recipe = resolve(recipe)
    view = validated(recipe.view, PictureSettings, where="view")
    pictures = load(view, data=data)
    name = digest(recipe, data_digest=pictures.digest, version=__version__)
    run = Run.named(recipe.name, fold=None, seed=recipe.seed, digest=name, root=root)
    run.write_recipe(recipe)
    about = f"{view.pictures}, {pictures.split}"
    found = run.bundle.is_dir()
    if found:
        G = load_generator(run.bundle)
        metrics: Mapping[str, object] = {} if G.card is None else G.card.metrics
        licence = licence or ("" if G.card is None else G.card.licence)
    else:
        kind: type[TrainedGenerator] = REGISTRY.load(recipe.method.key)
        G = kind(validated(recipe.method.settings, kind.Config, where="method"))
        training = validated(recipe.training, Training, where="training")

        def after_step(done: Progress) -> None:
            if progress is not None:
                progress(f"{recipe.name}-{recipe.seed}", done)

        def measure(G: TrainedGenerator, epochs: int) -> Mapping[str, float]:
            return {"psnr": reconstruction_psnr(G, pictures.validation)} if isinstance(G, Autoencoder) else {}

        G.fit(pictures.training, training=training, folder=run.folder, validate=measure, progress=after_step)
        measured = measure(G, training.epochs)
        metrics = {f"validation_{key}": round(value, 3) for key, value in measured.items()}
        save(G, run.bundle, recipe_digest=name, metrics=metrics, data=about, licence=licence)
        run.write_metrics(metrics)
    if out is not None:
        save(G, out, recipe_digest=name, metrics=metrics, data=about, licence=licence)
    return TrainedRun(G, recipe, run, metrics, found)


@torch.no_grad()
def reconstruction_psnr(G: Autoencoder, pictures: Tensor) -> float:
    """The mean over pictures of the PSNR of G(E(x)), in dB."""
    device = next(G.parameters()).device
    found = torch.cat([G(G.encode(part.to(device))).cpu() for part in torch.split(pictures, _BATCH)])
    return float(psnr(found, pictures).mean())
