"""Entries of the queue: the trainings for a GPU, in the order in which they are worth its minutes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.curves import training as curves
from studies.detectors.development import FOLD, development_row
from studies.imaging.arms import TRAINED
from studies.imaging.image_sets import files_of
from studies.imaging.problem import Problem
from studies.imaging.rows import row_of, training_facts
from studies.imaging.running import reconstructed, train_arm
from studies.imaging.settings import images_of, method_of, training_of
from studies.imaging.settings import resolved as resolved_imaging
from studies.imaging.tuning import tuned
from studies.packs import Needed, films_needed
from studies.row_files import read_row, read_study
from studies.rows import Row
from studies.thesis import thesis_row, train_thesis
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.runs.training import resolve, run_of, train_recipe, with_changes
from unseen.training.tensorboard_log import Report

THESIS = ("ganomaly", "roi-oracle", "roi-sure", "ganomaly-sure")
SEEDS = (0, 1, 2)
IMAGING = ("inpainting", "ct")
DETECTORS = ("f-anogan-dcgan", "anogan", "bigan", "alpha-gan", "randgan", "resunet-ganomaly")
PAPERS = ("randgan", "f-anogan")


@dataclass(frozen=True)
class Work:
    """Folders and the progress display of a run.

    Args:
        rows: folder of the committed rows.
        root: folder of the runs; None: `$UNSEEN_RUNS`.
        progress: called with the training's name and its progress.
    """

    rows: Path
    root: Path | None = None
    progress: Report | None = None


@dataclass(frozen=True)
class QueueEntry:
    """One training, or the trainings of one problem, and the rows that they give.

    Args:
        recipe: name of the recipe.
        seed: seed of the training.
        fold: the fold that is left out; None: the recipe has no folds.
        pack: name of the pack with its data.
        gives: names of its rows, such as ``thesis/ganomaly-0``; none: a row needs further trainings, or has a name
            that depends on the data.
        needed: returns the files that it reads.
        made: trains, and yields each row as soon as it is there; a finished training is found again.
        trained: returns whether the training has finished, for an entry without a row.
    """

    recipe: str
    seed: int
    fold: int | None
    pack: str
    gives: tuple[str, ...]
    needed: Callable[[], Needed]
    made: Callable[[Work], Iterator[Row]]
    trained: Callable[[Work], bool] = lambda work: False

    @property
    def name(self) -> str:
        """Name with fold and seed, such as ``thesis/ganomaly-0`` or ``ms_cxr/ganomaly-128-whole-f1-0``."""
        return self.recipe + ("" if self.fold is None else f"-f{self.fold}") + f"-{self.seed}"

    def is_done(self, known: Mapping[str, Row], work: Work, kind: str) -> bool:
        """Return whether its rows are there, whole and computed on this type of device (cpu, cuda)."""
        if not self.gives:
            return f"{self.recipe}-{self.seed}" in known or (not self.needed().missing() and self.trained(work))
        return all(_is_whole(known.get(name), kind) for name in self.gives)


def _is_whole(row: Row | None, kind: str) -> bool:
    if row is None or not str(row.get("device", "")).startswith(kind):
        return False
    return bool(row.get("epochs_done") == row.get("epochs"))  # other rows than the thesis's have neither


def queue() -> list[QueueEntry]:
    """Return all entries, in their order."""
    return [
        *(thesis_entry(recipes.load(f"thesis/{name}"), seed) for name in THESIS for seed in SEEDS),
        *(imaging_entry(recipes.load(f"imaging/{name}"), seed) for name in IMAGING for seed in SEEDS),
        *(curve_entry(recipes.load(name)) for px in (64, 128) for name in curves.names(px)),
        *(detector_entry(recipes.load(f"detectors/{name}")) for name in DETECTORS),
        *(detector_entry(recipes.load(f"papers/{name}")) for name in PAPERS),
        *(fold_entry(recipes.load(name), fold) for name in _wide() for fold in TEST_FOLDS),
    ]


def chosen(names: Sequence[str]) -> list[QueueEntry]:
    """Return the entries of these recipes, or with these names; all entries where no name is given.

    Raises:
        RecipeError: the queue has no such entry.
    """
    listed = queue()
    for name in names:
        if not any(name in (entry.recipe, entry.name) for entry in listed):
            raise RecipeError(f"{name}: not in the queue. `python -m studies.gpu_queue list` prints its entries")
    return [entry for entry in listed if not names or entry.recipe in names or entry.name in names]


def thesis_entry(recipe: Recipe, seed: int) -> QueueEntry:
    """Return the entry of a recipe of the thesis's protocol."""
    seeded = resolve(with_changes(recipe, seed=seed))

    def made(work: Work) -> Iterator[Row]:
        train_thesis(seeded, root=work.root, progress=work.progress)
        yield thesis_row(seeded, root=work.root)

    name = f"{recipe.name}-{seed}"
    return QueueEntry(recipe.name, seed, None, "thesis", (name,), partial(films_needed, seeded), made)


def imaging_entry(recipe: Recipe, seed: int) -> QueueEntry:
    """Return the entry of an imaging problem: every arm that is trained, each a row."""
    recipe = resolved_imaging(recipe)
    arms = [arm for arm in method_of(recipe).arms if arm in TRAINED]

    def made(work: Work) -> Iterator[Row]:
        problem = Problem(recipe)
        choice = tuned(problem, work.rows, root=work.root, progress=work.progress)
        for arm in arms:
            done = train_arm(
                problem,
                arm,
                seed=seed,
                learning_rate=choice.rate,
                epochs=choice.epochs_of(arm),
                root=work.root,
                progress=work.progress,
            )
            images = reconstructed(done.f, problem.testing, problem)
            yield row_of(problem, arm, images, seed=seed, facts=training_facts(problem, done, choice))

    gives = tuple(f"{recipe.name}-{arm}-{seed}" for arm in arms)
    return QueueEntry(
        recipe.name,
        seed,
        None,
        recipe.name.replace("/", "-"),
        gives,
        lambda: Needed(files_of(images_of(recipe))),
        made,
    )


def curve_entry(recipe: Recipe) -> QueueEntry:
    """Return the entry of a curve of PSNR against steps: its points, each a row; it is done with the last one."""
    recipe = resolved_imaging(recipe)
    epochs = training_of(recipe).epochs

    def made(work: Work) -> Iterator[Row]:
        if read_row(f"{recipe.name}-tv-0", work.rows) is None:
            yield from curves.references(recipe)
        points: list[Row] = []
        try:
            curves.trained(recipe, seed=recipe.seed, keep=points.append, root=work.root, progress=work.progress)
        finally:
            yield from points  # also those before the time was up

    def trained(work: Work) -> bool:
        points = [row for row in read_study("curves", work.rows).values() if row["problem"] == recipe.name]
        return any(row.get("epoch") == epochs and row["seed"] == recipe.seed for row in points)

    pack = recipe.name.replace("/", "-")
    return QueueEntry(
        recipe.name, recipe.seed, None, pack, (), lambda: Needed(files_of(images_of(recipe))), made, trained
    )


def detector_entry(recipe: Recipe) -> QueueEntry:
    """Return the entry of a detector on the fold for choosing."""
    papers = recipe.name.startswith("papers/")  # not a candidate of the choice on fold 0: a row under its own name
    row_name = recipe.name if papers else f"detectors/fold-0/{recipe.short}"

    def made(work: Work) -> Iterator[Row]:
        yield {**development_row(recipe, root=work.root), "recipe": row_name}

    return QueueEntry(
        recipe.name,
        recipe.seed,
        FOLD,
        f"ms_cxr-f{FOLD}",
        (f"{row_name}-{recipe.seed}",),
        partial(films_needed, recipe, FOLD),
        made,
    )


def fold_entry(recipe: Recipe, fold: int) -> QueueEntry:
    """Return the entry of one fold of a cross-fitted recipe: a training alone, since the row needs all folds."""

    def made(work: Work) -> Iterator[Row]:
        train_recipe(recipe, fold=fold, root=work.root, progress=work.progress)
        yield from ()

    def trained(work: Work) -> bool:
        return run_of(recipe, fold=fold, root=work.root)[0].bundle.is_dir()

    return QueueEntry(
        recipe.name, recipe.seed, fold, f"ms_cxr-f{fold}", (), partial(films_needed, recipe, fold), made, trained
    )


def _wide() -> list[str]:
    """Return the recipes at 128 pixels that learn by epochs."""
    return [
        name
        for name in recipes.names()
        if name.startswith("ms_cxr/") and "-128-" in name and not name.startswith("ms_cxr/pca")
    ]
