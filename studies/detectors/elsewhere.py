"""A detector that learns from another set's own normals and is tested there, as the films came and matched for
resolution, beside the best shortcut of the same films.

Cross-fitted over folds 1 to 4. Lungs are found by the finder of the recipe's own normals without that fold, for the
other sets have no masks; or by the finder of a given model, which has seen no film of these sets. The scores of a
finished fold are kept in the folder of runs, so a study that is stopped continues.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studies.crossfit import TEST_FOLDS
from studies.detectors.generalisation import learnt_from, row_of_cells
from studies.detectors.preparations.comparing import carrying, moved
from studies.detectors.preparations.resolution import MatchedResolution
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe, digest
from unseen.artifacts.run_folder import runs_root
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.evaluation.table import score_table
from unseen.runs.cohort import cohort_of
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.process_pool import worker_processes
from unseen.runs.training import check_normals_alone, resolve

if TYPE_CHECKING:
    import polars as pl

    from unseen.anatomy.found_lungs import Finder

ROWS = "detectors/elsewhere/"
"""Prefix of the rows' names."""


def elsewhere_row(
    recipe: Recipe,
    place: str,
    *,
    finder: str = "",
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
    workers: int = 2,
) -> Row:
    """Train and score the recipe on the set `place`, `workers` folds at a time, one thread each.

    Args:
        recipe: the recipe.
        place: name of the set.
        finder: model whose lung finder is used for all folds; "": one is trained for each fold.
        folds: folds that are tested.
        root: folder of the runs.
        workers: number of processes.

    Returns:
        The row.
    """
    import polars as pl

    recipe = resolve(recipe)
    check_normals_alone(recipe, "elsewhere")
    root = runs_root() if root is None else root
    tables: dict[tuple[str, str, bool], list[pl.DataFrame]] = {}
    trained_on = ""
    with worker_processes(workers) as pool:
        futures = [pool.submit(_fold, recipe.to_toml(), place, finder, fold, str(root)) for fold in folds]
        for fold, future in zip(folds, futures, strict=True):
            found, trained_on = future.result()
            for matched, table in found.items():
                tables.setdefault((place, place, matched), []).append(table.with_columns(fold=pl.lit(fold, pl.Int64)))
            print(f"{recipe.name} on {place}: fold {fold}")
    row = row_of_cells(f"{ROWS}{place}/{recipe.short}", recipe, folds, trained_on, tables)
    return {**row, "finder": finder} if finder else row


def _fold(told: str, place: str, given: str, fold: int, root: str) -> tuple[dict[bool, pl.DataFrame], str]:
    """Return a worker's share: the scores of a fold by whether its films were matched, and what the detector was
    trained on."""
    import polars as pl
    import torch

    torch.set_num_threads(1)
    recipe = Recipe.from_toml(told)
    home, there = cohort_of(recipe), cohort_of(moved(recipe, place))
    name = digest(recipe, data_digest=f"{home.digest} {there.digest} {given}", version=__version__)
    folder = Path(root) / "elsewhere" / f"{recipe.short}-{place}-f{fold}-{name[:12]}"
    kept = {matched: folder / f"{'matched' if matched else 'as-read'}.arrow" for matched in (False, True)}
    facts = folder / "trained_on.txt"
    if facts.is_file():
        return {matched: pl.read_ipc(path) for matched, path in kept.items()}, facts.read_text(encoding="utf-8")
    finder: Finder | None
    if given:
        finder = finder_of(given)
        assert finder is not None, given
    else:
        finder = shared_lungs(home.training(fold), recipe, fold=fold, data_digest=home.digest, root=Path(root))
    normals, tested = carrying(there.training(fold), finder), carrying(there.testing(fold), finder)
    detector = learnt_from(normals, recipe, source=place, fold=fold, root=Path(root))
    matched = MatchedResolution.of(normals)
    found = {False: score_table(detector, tested, keep=0).table}
    found[True] = score_table(detector, map(matched, tested), keep=0).table
    folder.mkdir(parents=True, exist_ok=True)
    for sharpness, table in found.items():
        table.write_ipc(kept[sharpness])
    write_text(facts, detector.trained_on)
    return found, detector.trained_on
