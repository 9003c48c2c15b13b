"""Entries of the queue: the trainings for a GPU, in the order in which they are worth its minutes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from studies import recipe_files as recipes
from studies.adversarial.arms import NOISE_WIDE, SIGMAS, WIDE_ARMS
from studies.adversarial.arms import STUDY as ADVERSARIAL
from studies.adversarial.arms import Arm as GanArm
from studies.adversarial.noise import CELLS, cell, noise_row
from studies.adversarial.training import arm_row
from studies.crossfit import TEST_FOLDS
from studies.curves import training as curves
from studies.detectors.development import FOLD, development_row
from studies.gpu_queue import costs
from studies.imaging.arms import TRAINED
from studies.imaging.image_sets import files_of
from studies.imaging.problem import Problem
from studies.imaging.rows import row_of, training_facts
from studies.imaging.running import reconstructed, train_arm
from studies.imaging.selection import of_problem
from studies.imaging.settings import Arm, ImageSetSettings, images_of, method_of, training_of
from studies.imaging.settings import resolved as resolved_imaging
from studies.imaging.tuning import tuned
from studies.outlook import whole
from studies.outlook.ambient import ARMS as AMBIENT
from studies.outlook.ambient import WIDE, ambient_row
from studies.outlook.learning import DISTANCES, NUMBERS, QUESTIONS, at_the_source, row_of_task
from studies.outlook.rows import STUDY
from studies.packs import Needed, films_needed
from studies.pages.training_cost import SourceTraining
from studies.row_files import read_row, read_study
from studies.rows import Row
from studies.thesis_rows import thesis_row
from studies.thesis_training import train_thesis
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.runs.training import resolve, run_of, train_recipe, with_changes
from unseen.training.tensorboard_log import Report

THESIS = ("ganomaly", "roi-oracle", "roi-sure", "ganomaly-sure")
SEEDS = (0, 1, 2)
IMAGING = ("inpainting", "ct")
DETECTORS = ("f-anogan-dcgan", "anogan", "bigan", "alpha-gan", "randgan", "resunet-ganomaly")
PAPERS = ("randgan", "f-anogan")
SOURCES = "sources/"
"""Prefix of the names of recipes with the training steps and the width of their source."""
OUTLOOK = {
    "shift": ("supervised-shapes", "ei-digits", "adapted", "supervised-digits"),
    "samples": tuple(f"ei-{number}" for number in NUMBERS),
    "dimension": tuple(f"ei-{distance:g}" for distance in DISTANCES),
}
"""Trainings of the outlook's questions."""
AMBIENT_FEATURES, AMBIENT_EPOCHS = 64, 400


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
        pack: name of the pack with its data; "": it reads no file.
        gives: names of its rows, such as ``thesis/ganomaly-0``; none: a row needs further trainings, or has a name
            that depends on the data.
        needed: returns the files that it reads.
        made: trains, and yields each row as soon as it is there; a finished training is found again.
        costs: its trainings, next to the rows whose rate is the nearest.
        arm: what is trained, where the recipe has several arms that are entries of their own.
        trained: returns whether the training has finished, for an entry without a row.
    """

    recipe: str
    seed: int
    fold: int | None
    pack: str
    gives: tuple[str, ...]
    needed: Callable[[], Needed]
    made: Callable[[Work], Iterator[Row]]
    costs: tuple[SourceTraining, ...]
    arm: str = ""
    trained: Callable[[Work], bool] = lambda work: False

    @property
    def name(self) -> str:
        """Name with arm or fold and seed, such as ``thesis/ganomaly-0`` or ``ms_cxr/ganomaly-128-whole-f1-0``."""
        part = f"-{self.arm}" if self.arm else "" if self.fold is None else f"-f{self.fold}"
        return f"{self.recipe}{part}-{self.seed}"

    @property
    def command(self) -> str:
        """The command that runs it alone, and goes on with it where it was stopped."""
        return f"python -m studies.gpu_queue run {self.name} --device cuda --out gpu-out"

    def is_done(self, known: Mapping[str, Row], work: Work, kind: str) -> bool:
        """Return whether its rows are there, whole and computed on this type of device (cpu, cuda)."""
        if not self.gives:
            return f"{self.recipe}-{self.seed}" in known or (not self.needed().missing() and self.trained(work))
        return all(_is_whole(known.get(name), kind) for name in self.gives)


def _is_whole(row: Row | None, kind: str) -> bool:
    if row is None or not str(row.get("device", "")).startswith(kind):
        return False
    epochs = row.get("epochs")
    return bool(row.get("epochs_done", epochs) == epochs)  # only rows of the thesis are written before the end


def queue() -> list[QueueEntry]:
    """Return all entries, in their order."""
    return [
        *(thesis_entry(recipes.load(f"thesis/{name}"), seed) for name in THESIS for seed in SEEDS),
        *(imaging_entry(recipes.load(f"imaging/{name}"), seed) for name in IMAGING for seed in SEEDS),
        *(imaging_entry(recipes.load(name), 0, "unrolled") for name in _other_problems()),
        *(curve_entry(recipes.load(name)) for px in (64, 128) for name in curves.names(px)),
        *source_entries(),
        *(adversarial_entry(arm) for arm in WIDE_ARMS),
        *(noise_entry(sigma) for sigma in SIGMAS),
        *(detector_entry(recipes.load(f"detectors/{name}")) for name in DETECTORS),
        *(detector_entry(recipes.load(f"papers/{name}")) for name in PAPERS),
        *(fold_entry(recipes.load(name), fold) for name in _wide() for fold in TEST_FOLDS),
        *(outlook_entry(question, arm) for question, arms in OUTLOOK.items() for arm in arms),
        *(ambient_entry(arm) for arm in AMBIENT),
        *(generator_entry(images, kind) for images in whole.IMAGES for kind in whole.KINDS),
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
    needed = partial(films_needed, seeded)
    return QueueEntry(recipe.name, seed, None, "thesis", (name,), needed, made, costs.of_thesis(recipe))


def imaging_entry(recipe: Recipe, seed: int, only: Arm | None = None) -> QueueEntry:
    """Return the entry of an imaging problem: every arm that is trained, each a row; or one arm alone."""
    recipe = resolved_imaging(recipe)
    arms = [arm for arm in method_of(recipe).arms if arm in TRAINED and only in (None, arm)]

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
        costs.of_imaging(recipe, arms),
        only or "",
    )


def curve_entry(recipe: Recipe, arm: Arm | None = None) -> QueueEntry:
    """Return the entry of a curve of PSNR against steps: its points, each a row; it is done with the last one.

    Args:
        recipe: of a curve, or of a problem with the training of its source.
        arm: what is trained, as an entry of its own; None: EI.
    """
    recipe = resolved_imaging(recipe)
    epochs, trains, study = training_of(recipe).epochs, arm or curves.ARM, recipe.name.partition("/")[0]

    def made(work: Work) -> Iterator[Row]:
        if arm is None and read_row(f"{recipe.name}-tv-0", work.rows) is None:
            yield from curves.references(recipe)
        points: list[Row] = []
        try:
            curves.trained(
                recipe, seed=recipe.seed, keep=points.append, arm=trains, root=work.root, progress=work.progress
            )
        finally:
            yield from points  # also those before the time was up
        # total variation of 256 px takes longer than a slot on a CPU, and leaves no checkpoint: it must not come first
        if arm is not None and read_row(f"{recipe.name}-tv-0", work.rows) is None:
            yield from curves.references(recipe)

    def trained(work: Work) -> bool:
        points = of_problem(read_study(study, work.rows).values(), recipe.name)
        return any(
            (row.get("epoch"), row.get("arm", curves.ARM), row["seed"]) == (epochs, trains, recipe.seed)
            for row in points
        )

    return QueueEntry(
        recipe.name,
        recipe.seed,
        None,
        recipe.name.replace("/", "-"),
        (),
        lambda: Needed(files_of(images_of(recipe))),
        made,
        costs.of_curve(recipe, arm),
        arm or "",
        trained,
    )


def source_entries() -> Iterator[QueueEntry]:
    """Yield the entries of the recipes `sources/…`: of an imaging problem one for each arm that is trained."""
    for name in recipes.names():
        if not name.startswith(SOURCES):
            continue
        recipe = recipes.load(name)
        if recipe.method.key == "artifact-removal":
            arms = method_of(resolved_imaging(recipe)).arms
            yield from (curve_entry(recipe, arm) for arm in arms if arm in TRAINED)
        elif recipe.data.column is not None:
            yield thesis_entry(recipe, recipe.seed)
        else:
            yield detector_entry(recipe)


def adversarial_entry(arm: GanArm) -> QueueEntry:
    """Return the entry of a GAN of the thesis with its width, pixels and steps, tested after each epoch."""
    recipe = arm.recipe(0)

    def made(work: Work) -> Iterator[Row]:
        with _runs_in(work.root):
            yield arm_row(arm, 0, progress=work.progress)

    needed = partial(films_needed, recipe)
    gives = (f"{recipe.name}-0",)
    return QueueEntry(recipe.name, 0, None, "thesis", gives, needed, made, costs.of_adversarial(recipe))


def noise_entry(sigma: float) -> QueueEntry:
    """Return the entry of f-AnoGAN under added noise of one σ, without SURE and then with it: two trainings.

    The row of the second has its difference from the first on the same films, so that they are one entry.
    """
    arms = [arm for arm, level in CELLS if level == sigma]
    wide = [cell(arm, sigma, NOISE_WIDE).recipe(0) for arm in arms]

    def made(work: Work) -> Iterator[Row]:
        with _runs_in(work.root):
            for arm in arms:
                yield noise_row(arm, sigma, 0, question=NOISE_WIDE, progress=work.progress)

    name = f"{ADVERSARIAL}/{NOISE_WIDE}-{sigma:g}"
    cost = tuple(costs.of_noise(recipe, arm, sigma) for recipe, arm in zip(wide, arms, strict=True))
    gives = tuple(f"{recipe.name}-0" for recipe in wide)
    return QueueEntry(name, 0, None, f"ms_cxr-f{FOLD}", gives, partial(films_needed, wide[0], FOLD), made, cost)


def outlook_entry(question: str, arm: str) -> QueueEntry:
    """Return the entry of a question of the outlook's arm, with the steps, features and transforms of EI's source."""

    def made(work: Work) -> Iterator[Row]:
        _, tasks = QUESTIONS[question](None)
        with _runs_in(work.root):
            yield row_of_task(at_the_source(next(task for task in tasks if task.arm == arm)), 0)

    needed = Needed(()) if question == "dimension" else _digits()
    return _of_outlook(f"{question}-source", arm, needed, made, costs.of_outlook(question, arm))


def ambient_entry(arm: str) -> QueueEntry:
    """Return the entry of a GAN from measurements by several operators, wider and longer than in the committed row."""

    def made(work: Work) -> Iterator[Row]:
        with _runs_in(work.root):
            yield ambient_row(arm, epochs=AMBIENT_EPOCHS, features=AMBIENT_FEATURES)

    return _of_outlook(WIDE, arm, _digits(), made, costs.of_ambient(arm, AMBIENT_EPOCHS, AMBIENT_FEATURES))


def generator_entry(images: str, kind: str) -> QueueEntry:
    """Return the entry of a VAE or a GAN of digits or shapes by its whole recipe, and of its study."""

    def made(work: Work) -> Iterator[Row]:
        yield whole.whole_row(images, kind, root=work.root, progress=work.progress)

    needed = _digits() if images == "digits" else Needed(())
    return _of_outlook(whole.QUESTION, f"{images}-{kind}", needed, made, costs.of_generator(images, kind))


def _of_outlook(
    question: str, arm: str, needed: Needed, made: Callable[[Work], Iterator[Row]], cost: tuple[SourceTraining, ...]
) -> QueueEntry:
    name = f"{STUDY}/{question}-{arm}"
    # rows of generators name no device, so that `gives` would never find them whole
    return QueueEntry(
        name, 0, None, f"{STUDY}-digits" if needed.read else "", (), lambda: needed, made, cost,
        trained=lambda work: read_row(f"{name}-0", work.rows) is not None,
    )  # fmt: skip


def _digits() -> Needed:
    return Needed(files_of(ImageSetSettings(pictures="digits", size=32)))


@contextmanager
def _runs_in(root: Path | None) -> Iterator[None]:
    """Let `$UNSEEN_RUNS` be the folder of the runs: what is trained here takes no other."""
    before = os.environ.get("UNSEEN_RUNS")
    if root is not None:
        os.environ["UNSEEN_RUNS"] = str(root)
    try:
        yield
    finally:
        if before is not None:
            os.environ["UNSEEN_RUNS"] = before
        elif root is not None:
            del os.environ["UNSEEN_RUNS"]


def detector_entry(recipe: Recipe) -> QueueEntry:
    """Return the entry of a detector on the fold for choosing."""
    # papers and sources are no candidates of the choice on fold 0: a row under their own name
    own_name = recipe.name.startswith(("papers/", SOURCES))
    row_name = recipe.name if own_name else f"detectors/fold-0/{recipe.short}"
    films = str(recipe.data.manifest).partition("/")[0]

    def made(work: Work) -> Iterator[Row]:
        yield {**development_row(recipe, root=work.root), "recipe": row_name}

    return QueueEntry(
        recipe.name,
        recipe.seed,
        FOLD,
        f"{films}-f{FOLD}",
        (f"{row_name}-{recipe.seed}",),
        partial(films_needed, recipe, FOLD),
        made,
        costs.of_detector(recipe),
    )


def fold_entry(recipe: Recipe, fold: int) -> QueueEntry:
    """Return the entry of one fold of a cross-fitted recipe: a training alone, since the row needs all folds."""

    def made(work: Work) -> Iterator[Row]:
        train_recipe(recipe, fold=fold, root=work.root, progress=work.progress)
        yield from ()

    def trained(work: Work) -> bool:
        return run_of(recipe, fold=fold, root=work.root)[0].bundle.is_dir()

    return QueueEntry(
        recipe.name,
        recipe.seed,
        fold,
        f"ms_cxr-f{fold}",
        (),
        partial(films_needed, recipe, fold),
        made,
        costs.of_fold(recipe),
        trained=trained,
    )


def _other_problems() -> list[str]:
    """Return the problems of images, without those of `IMAGING`, that have the arm of the unrolled network."""
    found = []
    for name in recipes.names():
        if name.startswith("imaging/") and name.removeprefix("imaging/") not in IMAGING:
            recipe = resolved_imaging(recipes.load(name))
            if "unrolled" in method_of(recipe).arms and images_of(recipe).pictures not in ("triangles", "sparse"):
                found.append(name)
    return found


def _wide() -> list[str]:
    """Return the recipes at 128 pixels that learn by epochs."""
    return [
        name
        for name in recipes.names()
        if name.startswith("ms_cxr/") and "-128-" in name and not name.startswith("ms_cxr/pca")
    ]
