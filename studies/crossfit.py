"""Cross-fitting: train on the normals of the other folds, test on a fold's normals and abnormals, for folds 1 to 4.

The row (a line of `studies/results/<study>.jsonl`) holds what made it (recipe digest, device, flags, steps, seconds,
loss curves), each fold's figures and the pooled ones. Fold 0 is for development and is never tested. A method that
learns from unlabelled films is given all those of the other folds, without what is known of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run_folder import runs_root
from unseen.evaluation.intervals import Json
from unseen.runs.process_pool import worker_processes

if TYPE_CHECKING:
    import polars as pl

TEST_FOLDS = (1, 2, 3, 4)


@dataclass(frozen=True)
class FoldResult:
    """One fold's run, small enough to cross a process boundary.

    Args:
        table: the score table in Arrow's file format.
        trained: the day on which the bundle was made; device: what trained it.
        leaked: tested films whose pixels were among the training films; they are left out.
    """

    fold: int
    digest: str
    table: bytes
    steps: int
    seconds: float
    curve: tuple[float, ...]
    converged: bool | None
    facts: Mapping[str, float]
    metrics: Mapping[str, Json]
    device: str
    trained: str
    bundle: Path
    leaked: int


def cross_fit(
    recipes: Sequence[Recipe],
    *,
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
    workers: int = 2,
    say: Callable[[str], None] = print,
) -> dict[str, list[FoldResult]]:
    """Train and score every recipe on every fold, `workers` at a time, one thread each; finished runs are found
    again.

    Raises RecipeError for two recipes of one name.
    """
    root = runs_root() if root is None else root
    if len({recipe.name for recipe in recipes}) < len(recipes):
        raise RecipeError(f"cross-fitting: a recipe is given twice among {', '.join(r.name for r in recipes)}")
    done: dict[str, list[FoldResult]] = {recipe.name: [] for recipe in recipes}
    with worker_processes(workers) as pool:
        # all recipes of a fold go to one worker in turn, so that its lung finders are trained by one process alone
        texts = [recipe.to_toml() for recipe in recipes]
        futures = {fold: pool.submit(_fold, texts, fold, str(root)) for fold in folds}
        for fold, future in futures.items():
            for recipe, result in zip(recipes, future.result(), strict=True):
                done[recipe.name].append(result)
            say(f"fold {fold}: {len(recipes)} recipes trained and scored")
    return done


def tables_of(results: Sequence[FoldResult]) -> pl.DataFrame:
    """Return the folds' score tables as one, with the column `fold`."""
    import io

    import polars as pl

    return pl.concat([pl.read_ipc(io.BytesIO(r.table)).with_columns(fold=pl.lit(r.fold, pl.Int64)) for r in results])


def _fold(recipes: Sequence[str], fold: int, root: str) -> list[FoldResult]:
    """Return a worker's share: every recipe on one fold."""
    import torch

    torch.set_num_threads(1)
    return [_one(Recipe.from_toml(recipe), fold, Path(root)) for recipe in recipes]


def _one(recipe: Recipe, fold: int, root: Path) -> FoldResult:
    import io

    from unseen.artifacts.bundle import load
    from unseen.evaluation.metrics import metrics_from_table
    from unseen.evaluation.table import score_table
    from unseen.runs.cohort import cohort_of
    from unseen.runs.training import takes_unlabelled, train_recipe

    cohort = cohort_of(recipe)
    unlabelled = cohort.unlabelled(fold) if takes_unlabelled(recipe) else None
    trained = train_recipe(recipe, fold=fold, unlabelled=unlabelled, root=root)
    parts: list[Mapping[str, float]] = []
    films = cohort.testing(fold)
    table = score_table(trained.detector, films, keep=0, on_finding=lambda _, found: parts.append(found.parts)).table
    table = _with_parts(table, parts)
    learnt = table["pixel_sha256"].is_in(list(trained.detector.training_films)).fill_null(False)
    table, leaked = table.filter(~learnt), int(learnt.sum())
    metrics = metrics_from_table(table, recipe=trained.digest)
    trained.run.write_metrics(metrics)
    written = io.BytesIO()
    table.write_ipc(written)
    history = trained.history
    return FoldResult(
        fold=fold,
        digest=trained.digest,
        table=written.getvalue(),
        steps=0 if history is None else history.steps,
        seconds=trained.detector.facts["training_seconds"],
        curve=() if history is None else tuple(round(value, 6) for value in history.by_epoch("generator")),
        converged=None if history is None else history.converged(trained.detector.converges_by),
        facts=trained.detector.facts,
        metrics=metrics,
        device=trained.detector.trained_on,
        trained=load(trained.run.bundle).card.created[:10],
        bundle=trained.run.bundle,
        leaked=leaked,
    )


def _with_parts(table: pl.DataFrame, parts: Sequence[Mapping[str, float]]) -> pl.DataFrame:
    """Return the table with a column `part_<name>` for each part of the score; rows that were not scored have none."""
    import polars as pl

    names = parts[0].keys() if parts else ()
    found = iter(parts)
    rows = [next(found) if status == "scored" else None for status in table["status"]]
    return table.with_columns(
        pl.Series(f"part_{name}", [None if row is None else row[name] for row in rows], dtype=pl.Float64)
        for name in names
    )
