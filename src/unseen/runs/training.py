"""Training of a detector by its recipe: one fold, one run, trained, resumed or found again.

A run's folder is named by the digest of the resolved recipe, its films and the version, so a finished run is found
rather than trained again, and an interrupted run is resumed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.anatomy.lung_finder import LungFinder
from unseen.anatomy.network_view import View
from unseen.artifacts import bundle
from unseen.artifacts.installed_models import shipped
from unseen.artifacts.recipe import Recipe, RecipeError, digest, validated
from unseen.artifacts.recipe import names as recipe_names
from unseen.artifacts.run_folder import Run, runs_root
from unseen.data.film import Film, NotRead
from unseen.detectors import METHODS
from unseen.detectors.architectures import DEFAULT, frozen_methods
from unseen.detectors.detector import Detector, check_devices
from unseen.detectors.gate_in_bundle import add_gate, gate_parts
from unseen.detectors.saved import load, save
from unseen.priors import GENERATORS
from unseen.reconstruction import RECONSTRUCTORS
from unseen.runs.cohort import cohort_of, of_unknown_label, own_normals, phantom_normals
from unseen.runs.lung_finders import finder_for
from unseen.runs.normal_scores import add_normal_scores
from unseen.screening.gate.gate import Gate, GateError
from unseen.screening.screener import gate_in
from unseen.training.history import History
from unseen.training.settings import Training
from unseen.training.tensorboard_log import Report

if TYPE_CHECKING:
    from unseen.data.manifest import Source
    from unseen.data.reading import Films

_log = logging.getLogger("unseen")


@dataclass(frozen=True)
class Trained:
    """A finished run; `train_recipe` returns it.

    >>> from unseen.artifacts.recipe import Recipe
    >>> from unseen.artifacts.run_folder import Run
    >>> from unseen.detectors import load
    >>> recipe = Recipe.from_toml('name = "own"\\n[method]\\nkey = "pca"')
    >>> Trained(Run(Path("runs/own")), load("models/pca"), recipe, "0123", None, (), found=True).detector.key
    'pca'
    """

    run: Run
    """Its folder."""
    detector: Detector
    """Ready to score."""
    recipe: Recipe
    """Resolved: every default written out."""
    digest: str
    """Names the run."""
    history: History | None
    """The training's losses; None for a method without a training loop."""
    not_read: tuple[NotRead, ...]
    """Training films that could not be read, where this call trained."""
    found: bool
    """True if the run had finished before, so that nothing was trained now."""


def resolve(recipe: Recipe) -> Recipe:
    """Return the recipe with every default written out and every section checked.

    Raises RecipeError, one sentence a mistake.
    """
    if recipe.method.key in RECONSTRUCTORS:
        raise RecipeError(
            f"{recipe.name} is about reconstruction, not about films. Train it by `unseen train`, without options of "
            "detectors"
        )
    if recipe.method.key in GENERATORS:
        raise RecipeError(f"{recipe.name} is about a generator, not about films. Train it by `unseen prior train`")
    method: type[Detector] = METHODS.load(recipe.method.key)
    return recipe.resolved(method=method.Config, view=View, training=Training, finder=LungFinder.Config)


def detector_of(recipe: Recipe, **settings: object) -> Detector:
    """Return the recipe's detector, untrained; `settings` replace the recipe's."""
    method: type[Detector] = METHODS.load(recipe.method.key)
    return method(
        validated({**recipe.method.settings, **settings}, method.Config, where="method"),
        view=validated(recipe.view, View, where="view"),
    )


def takes_unlabelled(recipe: Recipe) -> bool:
    """Return True if the method learns from more than normal films; its figures are then not comparable with others."""
    method: type[Detector] = METHODS.load(recipe.method.key)
    return method.learns_from_unlabelled


def check_normals_alone(recipe: Recipe, command: str) -> None:
    """Raise RecipeError for a method that learns from unlabelled films, where there are none to give it."""
    if takes_unlabelled(recipe):
        raise RecipeError(f"{command}: {recipe.method.key} learns from unlabelled films, too. Give another recipe")


def with_changes(
    recipe: Recipe,
    *,
    device: str | None = None,
    devices: int | None = None,
    nodes: int | None = None,
    seed: int | None = None,
    architecture: str | None = None,
) -> Recipe:
    """Return the recipe with another device, numbers of devices and machines, seed or architecture of a frozen network.

    Another architecture has blocks of its own, which replace the recipe's.

    Raises RecipeError for an architecture where the method has no frozen network.
    """
    if architecture is not None:
        recipe = _with_architecture(recipe, architecture)
    changes = {"device": device, "devices": devices, "nodes": nodes}
    training = {**recipe.training, **{name: value for name, value in changes.items() if value is not None}}
    return recipe.model_copy(update={"training": training, "seed": recipe.seed if seed is None else seed})


def _with_architecture(recipe: Recipe, architecture: str) -> Recipe:
    """Return the recipe with another frozen network; of an ensemble, in all members that have one."""

    def on(key: str, settings: Mapping[str, object]) -> dict[str, object]:
        if "architecture" not in METHODS.load(key).Config.model_fields:
            return dict(settings)
        before = settings.get("architecture", DEFAULT)
        kept = {name: value for name, value in settings.items() if name != "blocks" or before == architecture}
        return {**kept, "architecture": architecture}

    settings = recipe.method.settings
    members = settings.get("members")
    if isinstance(members, list) and all(isinstance(one, Mapping) for one in members):
        changed = [{**one, "settings": on(str(one.get("key")), one.get("settings", {}))} for one in members]
        found: dict[str, object] = {**settings, "members": changed}
        absent = not any("architecture" in one["settings"] for one in changed)
    else:
        found = on(recipe.method.key, settings)
        absent = "architecture" not in found
    if absent:
        raise RecipeError(
            f"architecture {architecture}: {recipe.method.key} has no frozen network. Leave it out, or give a recipe "
            f"of a method that has one ({frozen_methods()})"
        )
    return recipe.model_copy(update={"method": recipe.method.model_copy(update={"settings": found})})


def join(recipe: Recipe) -> None:
    """Join the processes of one training, such as torchrun's, and return in the first one alone.

    Raises RecipeError for a section [training] that is wrong, TrainingError where the processes cannot meet.
    """
    from unseen.training.joining import join as join_processes

    join_processes(validated(recipe.training, Training, where="training"))


def train_recipe(
    recipe: Recipe,
    *,
    fold: int | None = None,
    data: str | Films | None = None,
    finder: Path | None = None,
    unlabelled: Source | None = None,
    backbone: Path | None = None,
    out: Path | None = None,
    origin: str = "",
    licence: str = "",
    gate: bool = False,
    normal_folds: int = 0,
    root: Path | None = None,
    progress: Report | None = None,
    validate: Callable[[Detector], Callable[[int], Mapping[str, float]]] | None = None,
) -> Trained:
    """Train a recipe without the films of a fold, or find the finished run of it.

    Args:
        recipe: definition of the detector.
        fold: the fold whose films are left out; None: the detector is trained on all normal films.
        data: films instead of the recipe's: a folder, a glob, a manifest, or films of `own_films`. Abnormal films are
            left out.
        finder: bundle whose lung finder is used; None: one is trained on the films' own masks.
        unlabelled: films without a label. The epoch that separates them best from the normal films is used.
        backbone: initial weights of the network: safetensors, or a state dict in .pt or .pth.
        out: folder of a further copy of the bundle.
        origin: description of the films and their source, for the bundle's card.
        licence: permitted uses of the model, for the bundle's card.
        gate: whether the bundle also gets an input gate, trained on the same films; only where the detector finds
            lungs.
        normal_folds: number of detectors that cross-fit the scores of the training normals (`normal_scores`) for the
            bundle; 0: no such scores.
        root: folder of all runs; None: `$UNSEEN_RUNS`.
        progress: called with the name of the training and the loop's progress.
        validate: makes, from the detector, the function that `Detector.fit` calls after each epoch.

    Returns:
        The finished run.

    Raises:
        RecipeError: a section of the recipe or an option is wrong.
        UnknownName: there is no such method.

    Example:
        >>> from unseen.artifacts.recipe import Recipe
        >>> train_recipe(Recipe.from_toml('name = "own"\\n[method]\\nkey = "ganomoly"'))
        Traceback (most recent call last):
            ...
        unseen.artifacts.registry.UnknownName: detector "ganomoly": unknown; did you mean ganomaly?
    """
    if out is not None:
        bundle.check_free(out)
    recipe = resolve(recipe) if backbone is None else _beginning_with(resolve(recipe), backbone)
    films, data_digest = training_films(recipe, fold=fold, data=data)
    root = runs_root() if root is None else root
    others = None if unlabelled is None else of_unknown_label(unlabelled)
    identity = _joined(data_digest, finder) + ("" if others is None else f" unlabelled {others.digest}")
    name = digest(recipe, data_digest=identity, version=__version__)
    run = Run.named(recipe.name, fold=fold, seed=recipe.seed, digest=name, root=root)
    run.write_recipe(recipe)
    found = run.bundle.is_dir()
    if found:
        detector = load(run.bundle)
        history = History.from_log(run.log) if run.log.is_file() else None
    else:
        training = validated(recipe.training, Training, where="training")
        detector = detector_of(recipe)
        check_devices(detector, training)
        if isinstance(films, Sized):
            detector.check_number(len(films))
        detector.check_unlabelled(0 if others is None else len(others.films))
        lungs = (
            finder_for(
                detector, films, recipe, fold=fold, data_digest=data_digest, given=finder, root=root, progress=progress
            )
            if finder is not None or gate or looks_for_lungs(detector, recipe)
            else None
        )
        after_epoch = None if validate is None else validate(detector)
        detector.fit(
            films,
            finder=lungs,
            training=training,
            unlabelled=() if others is None else others.films,
            backbone=backbone,
            folder=run.folder,
            progress=progress,
            validate=after_epoch,
        )
        history = detector.history
    guard = gate_of(detector, films, bundle=run.bundle if found else None, seed=recipe.seed) if gate else None
    if normal_folds and not detector.normal_scores:
        add_normal_scores(
            detector, recipe, films, folds=normal_folds, backbone=backbone, folder=run.folder, progress=progress
        )
        if found and detector.normal_scores:
            bundle.add_normal_scores(run.bundle, detector.normal_scores, folds=detector.normal_folds)
    if not found:
        save(detector, run.bundle, recipe_digest=name, data=origin, licence=licence, gate=guard)
    elif guard is not None and gate_parts(run.bundle) is None:  # found from a time when no gate was asked for
        add_gate(run.bundle, guard)
    if out is not None:
        save(detector, out, recipe_digest=name, data=origin, licence=licence, gate=guard)
    return Trained(run, detector, recipe, name, history, tuple(detector.not_read), found)


def _beginning_with(recipe: Recipe, backbone: Path) -> Recipe:
    """Return the recipe with the digest of the weights that it begins with, so that its run is not that of others."""
    detector = detector_of(recipe)
    detector.begin_with(backbone)
    method = recipe.method.model_copy(update={"settings": detector.config.model_dump(mode="json")})
    return recipe.model_copy(update={"method": method})


def gate_of(
    detector: Detector, films: Iterable[Film | NotRead], *, bundle: Path | None = None, seed: int = 0
) -> Gate | None:
    """Return the input gate of the detector in `bundle`, or a new one that learns from `films`, which it was trained
    on; None where it finds no lungs, or the films are too few for a gate.
    """
    if bundle is not None and (kept := gate_in(bundle)) is not None:
        return kept
    if detector.finder is None:
        return None
    try:
        return Gate.fit(films, finder=detector.finder, seed=seed)
    except GateError as error:
        _log.warning("no input gate: %s", error)
        return None


def run_of(recipe: Recipe, *, fold: int | None = None, root: Path | None = None) -> tuple[Run, str]:
    """Return the folder of a recipe's run on its own films, trained or not, and the digest that names it."""
    recipe = resolve(recipe)
    _, data_digest = training_films(recipe, fold=fold, data=None)
    name = digest(recipe, data_digest=data_digest, version=__version__)
    return Run.named(recipe.name, fold=fold, seed=recipe.seed, digest=name, root=root), name


def training_films(
    recipe: Recipe, *, fold: int | None, data: str | Films | None
) -> tuple[Iterable[Film | NotRead], str]:
    """Return the films that a recipe learns from (or those of `data`), and a digest that identifies them."""
    if data is not None:
        if fold is not None:
            raise RecipeError(
                "fold: goes with the recipe's own films; the films of `data` are all trained on. Deal them into folds "
                "by `unseen manifest FOLDER --out manifest.csv --folds 5`, name manifest and split under [data] in a "
                "recipe of your own, and leave `data` out. Or leave the fold out; --crossfit 5 deals by itself"
            )
        given = own_normals(data)
        return given.films, given.digest
    if recipe.data.manifest is None:
        if fold is not None:
            raise RecipeError("fold: phantoms have no folds; leave it out")
        return phantom_normals(recipe)
    cohort = cohort_of(recipe)
    return cohort.training(fold), cohort.digest


def _joined(data_digest: str, finder: Path | None) -> str:
    """Return the data's digest, and which finder looks at it where one is given."""
    if finder is None:
        return data_digest
    return f"{data_digest} lungs {bundle.load(finder).card.weights_sha256}"


def ready_finder(recipe: Recipe) -> Path | None:
    """Return the installed model whose lung finder a recipe can use on a user's films, so that none is trained.

    Args:
        recipe: the recipe. The section ``[finder]`` of a user's own recipe is an order to train one.

    Returns:
        The model: for a shipped recipe with a section ``[finder]`` the model of the same name, else ``models/lungs``.
        None where the recipe needs no lungs, where it orders a training, and where the model is not installed.

    Example:
        >>> from unseen.artifacts import recipe as recipes
        >>> ready_finder(recipes.load("detectors/pca")).as_posix()
        'models/lungs'
        >>> ready_finder(recipes.load("detectors/ensemble-five")).as_posix()
        'models/ensemble-five'
    """
    if not looks_for_lungs(detector_of(recipe), recipe):
        return None
    if recipe.finder and recipe.name not in recipe_names():
        return None
    model = Path("models") / (recipe.short if recipe.finder else "lungs")
    return model if model in shipped() else None


def looks_for_lungs(detector: Detector, recipe: Recipe) -> bool:
    """Return whether a recipe needs a lung finder: for its method, for its view, or by its `data.lungs_from`.

    A whole-film GANomaly or PCA needs none; its score table then has no lung area.
    """
    return detector.needs_lungs or detector.view.needs_lungs or recipe.data.lungs_from is not None
