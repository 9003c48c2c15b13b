"""Training of reconstructors by a recipe: images or measurements → run → bundle.

`train_reconstructor` trains a recipe `imaging/…`, resumes an interrupted run, or finds a finished one. Each image is
measured once, with noise of a fixed seed, and the network learns from these measurements; only supervised losses use
the images themselves.
"""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from unseen import __version__
from unseen.artifacts import bundle
from unseen.artifacts.recipe import Recipe, RecipeError, digest, validated
from unseen.artifacts.registry import did_you_mean
from unseen.artifacts.run_folder import Run, runs_root
from unseen.evaluation.reconstruction_quality import HIGH, LOW
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.reconstruction import RECONSTRUCTORS
from unseen.reconstruction.learner import operator_mark
from unseen.reconstruction.learning import learn
from unseen.reconstruction.measurements import MeasurementError
from unseen.reconstruction.reconstructor import Reconstructor
from unseen.reconstruction.saved import load
from unseen.reconstruction.tensor_digests import measurement_digest, with_digests
from unseen.runs.imaging_settings import ImageSettings, ImagingSettings, losses_of, process_of
from unseen.runs.reconstructor_images import PHANTOMS, ImageError, images_of
from unseen.training.history import History
from unseen.training.progress import Progress
from unseen.training.settings import Training

Report = Callable[[str, Progress], None]
"""Called after each step with the name of the training and its progress."""
_NOISE = 1000  # added to the recipe's seed: seed of the measurements' noise
_SUPERVISED = ("supervised", "supervised+ei")


@dataclass(frozen=True)
class TrainedReconstructor:
    """A finished run of a reconstructor.

    Example:
        >>> from unseen.artifacts.recipe import load as recipe
        >>> f, given = load("models/phantom-inpainting"), resolve(recipe("imaging/inpainting"))
        >>> TrainedReconstructor(f, given, Run(Path("runs/own")), None, found=True).found
        True
    """

    f: Reconstructor
    """Ready to reconstruct."""
    recipe: Recipe
    """With every default written out."""
    run: Run
    """Its folder."""
    history: History | None
    """The training's losses."""
    found: bool
    """True if the run had finished before, so that nothing was trained now."""


def resolve(recipe: Recipe) -> Recipe:
    """Return the recipe with every default written out.

    Args:
        recipe: of a reconstructor.

    Raises:
        RecipeError: another method, or a setting is unknown, missing or out of bounds.

    Example:
        >>> from unseen.artifacts.recipe import load as recipe
        >>> resolve(recipe("imaging/inpainting")).method.settings["losses"]
        'ei'
    """
    if recipe.method.key not in RECONSTRUCTORS:
        raise RecipeError(
            f"method.key: {recipe.method.key} is no reconstructor: {did_you_mean(recipe.method.key, RECONSTRUCTORS)}"
        )
    return recipe.resolved(method=ImagingSettings, view=ImageSettings, training=Training)


def train_reconstructor(
    recipe: Recipe,
    *,
    data: Path | str | None = None,
    array: str | None = None,
    measurements: Tensor | None = None,
    process: Measurement | Operator | None = None,
    start_from: Path | str | None = None,
    out: Path | None = None,
    origin: str = "",
    licence: str = "",
    root: Path | None = None,
    progress: Report | None = None,
) -> TrainedReconstructor:
    """Train a reconstructor by a recipe, resume its run, or find the finished run.

    Args:
        recipe: of a reconstructor.
        data: images that are measured: a folder, an array file, `phantoms`; None: phantoms, or no image where
            measurements are given.
        array: name of the images, where `data` is a file of several arrays.
        measurements: (n, *A.range), instead of simulated ones; with `data`, the i-th is that of the i-th image.
        process: what measured; None: that of `start_from`, else the recipe's.
        start_from: bundle of a reconstructor whose weights the training starts from (fine-tuning); its network and
            process replace the recipe's.
        out: a further copy of the bundle.
        origin: what the measurements show and where they are from, for the card.
        licence: what the weights may be used for, for the card.
        root: where runs are kept; None: `$UNSEEN_RUNS`.
        progress: called after each step.

    Raises:
        RecipeError: a setting is wrong, or a supervised loss has no images.
        ImageError: images cannot be used.
        BundleError: `out` holds something else, or `start_from` is no reconstructor.
        ValueError: measurements do not fit the process.

    Example:
        >>> import tempfile
        >>> from unseen.artifacts.recipe import load as recipe
        >>> given = recipe("imaging/inpainting")
        >>> small = given.model_copy(update={"view": {"number": 4}, "training": {"epochs": 1, "device": "cpu"}})
        >>> trained = train_reconstructor(small, root=Path(tempfile.mkdtemp()))
        >>> trained.run.bundle.is_dir(), len(trained.f.training_digests)
        (True, 4)
    """
    if out is not None:
        bundle.check_free(out)
    recipe = resolve(recipe)
    settings = validated(recipe.method.settings, ImagingSettings, where="method")
    view = validated(recipe.view, ImageSettings, where="view")
    f = None if start_from is None else load(start_from)
    measured = _process(settings, view, f, process)
    y, x = _measured(measured, view, data, measurements, seed=recipe.seed, array=array)
    if settings.losses in _SUPERVISED and x is None:
        raise RecipeError(f"method.losses: {settings.losses} needs the true images: give data besides measurements")
    name = _run_digest(recipe, f, measured, y, x)
    run = Run.named(recipe.name, fold=None, seed=recipe.seed, digest=name, root=runs_root() if root is None else root)
    run.write_recipe(recipe)
    found = run.bundle.is_dir()
    if found:
        f = load(run.bundle)
        history = History.from_log(run.log) if run.log.is_file() else None
    else:
        training = validated(recipe.training, Training, where="training")
        f = f or _network(recipe.method.key, settings, measured, seed=recipe.seed)
        count = measured.A.batch
        f = learn(
            y,
            measured,
            losses=losses_of(settings.losses, settings, measured, adversary=settings.adversary),
            truth=x if settings.losses in _SUPERVISED else None,
            operators=None if count is None else torch.arange(len(y)) % count,
            network=f,
            training=training,
            learning_rate=settings.learning_rate,
            hold_out=settings.hold_out,
            milestones=[max(1, math.ceil(settings.milestone * training.epochs))],
            folder=run.folder,
            progress=None if progress is None else lambda done: progress(recipe.name, done),
        )
        history = f.history
        if x is not None:
            f.training_images = with_digests(f.training_images, x)
        about = origin or ("simulated chest films; no film of a person" if x is not None and data is None else "")
        f.save(run.bundle, recipe_digest=name, data=about, licence=licence)
    if out is not None:
        about = origin or ("" if f.card is None else f.card.data)
        f.save(out, recipe_digest=name, data=about, licence=licence or ("" if f.card is None else f.card.licence))
    return TrainedReconstructor(f, recipe, run, history, found)


def _process(
    settings: ImagingSettings, view: ImageSettings, f: Reconstructor | None, given: Measurement | Operator | None
) -> Measurement:
    """Return the process: the given one, else that of the model to start from, else the recipe's."""
    if given is not None:
        return Measurement.of(given)
    if f is not None:
        if f.process is None:
            raise RecipeError("the model to start from was saved without its process: give the operator, too")
        return f.process
    return process_of(settings, channels=3 if view.colour else 1, size=(view.size, view.size))


def _measured(
    process: Measurement,
    view: ImageSettings,
    data: Path | str | None,
    measurements: Tensor | None,
    *,
    seed: int,
    array: str | None,
) -> tuple[Tensor, Tensor | None]:
    """Measurements, and their images where there are any."""
    channels, height, width = process.A.domain
    x = None
    if data is not None or measurements is None:
        source = PHANTOMS if data is None else data
        x = images_of(source, channels=channels, size=(height, width), number=view.number, seed=seed, array=array)
        x = x.to(torch.complex64) if process.A.complex_domain else x
        if measurements is None:
            _check_range(x, data, transmitted=process.link is not None)
    count = process.A.batch
    if measurements is not None:
        if count not in (None, len(measurements)):
            raise MeasurementError(
                f"A has {count} operators, and there are {len(measurements)} measurements: which one measured each is "
                "not known. Give one operator for each measurement, in order; or use Python: learn(…, operators=index)."
            )
        return measurements, x
    assert x is not None
    mine = process if count is None else process.select(torch.arange(len(x)) % count)
    return mine(x, generator=torch.Generator().manual_seed(seed + _NOISE)), x


def _check_range(x: Tensor, data: Path | str | None, *, transmitted: bool) -> None:
    """Warn where images to be measured are not from 0 to 1: noise and counts of a recipe are for that range.

    Raises:
        ImageError: the measurements are transmitted counts, of which negative images give more than without an object.
    """
    peak, least = float(x.abs().max()), 0.0 if x.is_complex() else float(x.min())
    if transmitted and least < -LOW:
        raise ImageError(
            f"{data}: has values from {least:.3g}, but transmitted counts need images from 0 (no attenuation) to 1. "
            "Map the images to that range"
        )
    if not LOW <= peak <= HIGH or least < -LOW:
        warnings.warn(
            f"Images are from 0 (black) to 1 (white), but those of {data} are from {least:.3g} to {peak:.3g}. The "
            "noise and the photon counts of a recipe are for images from 0 to 1. Map the images to that range.",
            stacklevel=3,
        )


def _run_digest(recipe: Recipe, f: Reconstructor | None, process: Measurement, y: Tensor, x: Tensor | None) -> str:
    """Return the digest that names a run: recipe, measurements, process, and the weights that it starts from."""
    about = hashlib.sha256(measurement_digest(y).encode())
    about.update(repr(process).encode())
    about.update(repr(operator_mark(process.A)).encode())
    if x is not None:
        about.update(measurement_digest(x).encode())
    if f is not None and f.card is not None:
        about.update(f.card.weights_sha256.encode())
    return digest(recipe, data_digest=about.hexdigest(), version=__version__)


def _network(key: str, settings: ImagingSettings, process: Measurement, *, seed: int) -> Reconstructor:
    """Return the recipe's network, untrained, with first weights of the seed."""
    kind: type[Reconstructor] = RECONSTRUCTORS.load(key)
    table = settings.model_dump()
    known = {name: table[name] for name in kind.Config.model_fields if name in table}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return kind.for_process(process, **known)
