"""anomalib's own PaDiM, PatchCore and GANomaly on our films and folds, by its code and its engine.

Cross-fitted over folds 1 to 4, with the recipe's lungs: each detector sees the whole film as it came, and the masked,
aligned lung crop that our own detectors see. It runs in an environment of its own (`make peers-anomalib`); what comes
back is a score a film, which is judged as our scores are. EfficientAD is not among them: its teacher and the images
that it learns beside are downloaded while it runs.
"""

from __future__ import annotations

import csv
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studies.crossfit import TEST_FOLDS, cross_fit, tables_of
from studies.pages.cells import Entry, pooled_auroc, table, unrecorded
from studies.rows import Row, study_of_folds
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film, area
from unseen.detectors.frozen_features import published_file
from unseen.detectors.saved import load
from unseen.evaluation.intervals import interval_text as figure
from unseen.evaluation.metrics import metrics_from_table
from unseen.runs.cohort import cohort_of
from unseen.runs.training import resolve, train_recipe

if TYPE_CHECKING:
    import polars as pl

    from unseen.detectors.detector import Detector

ROWS = "detectors/anomalib/"
"""Prefix of the rows' names."""
RECIPE = "detectors/pca-aligned"
"""Whose lungs and folds are taken."""
MODELS: dict[str, tuple[str, ...]] = {
    "padim": ("--size", "256"),
    "patchcore": ("--size", "256"),
    "ganomaly": ("--size", "64"),
}
"""With how many pixels a side; GANomaly at 256 px would take days on a CPU."""
SEEN = ("whole", "lungs")
Seen = Literal["whole", "lungs"]
PYTHON = Path(".venv-anomalib/bin/python")
_SCRIPT = Path(__file__).with_name("anomalib_scores.py")
_MADE = {
    "padim": "PaDiM: on the same EfficientNet-lite0 weights, 100 of their channels.",
    "patchcore": "PatchCore: on these weights, with a hundredth of the patches in the place of its default of a tenth.",
    "ganomaly": "GANomaly: at 64 px, with 32 features and 70 epochs, as our own row of it.",
}
_PRINTED = re.compile(r"fitted ([\d.]+) s, ([\d.]+) ms a film, (\d+) MiB")


def anomalib_rows(
    recipe: Recipe,
    *,
    python: Path = PYTHON,
    models: Sequence[str] = tuple(MODELS),
    folds: Sequence[int] = TEST_FOLDS,
    root: Path | None = None,
) -> Iterator[Row]:
    """Yield a row for each model and each of `SEEN`; what is there already is found again.

    Raises RecipeError where anomalib's environment is missing.
    """
    if not python.is_file():
        raise RecipeError(f"{python} is missing. `make peers-anomalib` installs anomalib, in an environment of its own")
    recipe = resolve(recipe)
    root = runs_root() if root is None else root
    scored = tables_of(cross_fit([recipe], folds=folds, root=root, workers=1)[recipe.name])
    for name in models:
        for seen in SEEN:
            found, spent = {}, []
            for fold in folds:
                folder = root / "anomalib" / f"{seen}-f{fold}-{recipe.seed}"
                if not (folder / "written").exists():
                    _write(recipe, fold, "lungs" if seen == "lungs" else "whole", folder, root)
                found.update(_scores(name, folder, python))
                spent.append(_printed(folder / f"{name}.txt"))
                print(f"anomalib {name}, {seen}: fold {fold}")
            yield _row(recipe, name, seen, _with_scores(scored, found), spent, folds)


def _write(recipe: Recipe, fold: int, seen: Seen, folder: Path, root: Path) -> None:
    """The fold's films as PNG files, in the folders that anomalib asks for, each named by its digest."""
    cohort = cohort_of(recipe)
    detector = load(train_recipe(recipe, fold=fold, root=root).run.bundle)
    parts = (("train", cohort.training(fold)), ("test", cohort.testing(fold)))
    for part, films in parts:
        for film in films:
            if isinstance(film, Film):
                path = folder / part / (film.label or "normal") / f"{film.pixel_sha256}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(_image(film, detector, seen)).save(path)
    write_text(folder / "written", "all films of this fold\n")


def _image(film: Film, detector: Detector, seen: Seen) -> NDArray[np.uint8]:
    """Return anomalib's input image: the film at 256 px, or its masked, aligned lung crop; 8 bit."""
    if seen == "whole":
        values: NDArray[np.float32] = area(film.pixels, 256, 256)
    else:
        view = detector.view.model_copy(update={"size": 256})
        found = None if detector.finder is None else detector.finder.find(film)
        values = ((view(film, found).masked[0] + 1) / 2).numpy()
    return np.asarray(np.round(255 * np.clip(values, 0, 1)), dtype=np.uint8)


def _scores(name: str, folder: Path, python: Path) -> dict[str, float]:
    """Return each tested film's score, by digest."""
    out = folder / f"{name}.csv"
    if not out.is_file():
        said = [str(python.absolute()), "-W", "ignore", str(_SCRIPT), "--films", str(folder), "--model", name]
        part = out.with_suffix(".part")
        said += [*MODELS[name], "--weights", str(published_file()), "--out", str(part)]
        done = subprocess.run(said, capture_output=True, text=True)
        if done.returncode:
            raise RecipeError(f"anomalib's {name} failed: {done.stderr.strip().splitlines()[-1]}")
        write_text(folder / f"{name}.txt", done.stdout)
        part.rename(out)
    with out.open(newline="", encoding="utf-8") as file:
        return {row["film"]: float(row["score"]) for row in csv.DictReader(file)}


def _printed(path: Path) -> tuple[float, float, float]:
    """Seconds of fitting, milliseconds a film, MiB."""
    found = _PRINTED.search(path.read_text(encoding="utf-8"))
    if found is None:
        raise RecipeError(f"{path} names no time. Delete it and its .csv, and run again")
    fitted, asked, peak = map(float, found.groups())
    return fitted, asked, peak


def _with_scores(scored: pl.DataFrame, found: dict[str, float]) -> pl.DataFrame:
    import polars as pl

    digests = scored["pixel_sha256"].to_list()
    missing = [digest for digest in digests if digest not in found]
    if missing:
        raise RecipeError(f"anomalib: {len(missing)} films have no score. Delete its folder below the runs, run again")
    return scored.with_columns(score=pl.Series([found[digest] for digest in digests], dtype=pl.Float64))


def _row(
    recipe: Recipe, name: str, seen: str, scores: pl.DataFrame, spent: Sequence[tuple[float, ...]], folds: Sequence[int]
) -> Row:
    fitted, asked, peak = np.mean(spent, axis=0)
    return {
        **study_of_folds(f"{ROWS}{name}-{seen}", recipe, folds),
        "model": name,
        "seen": seen,
        "px": int(MODELS[name][1]),
        "fit_s": round(float(fitted), 1),
        "ms_a_film": round(float(asked), 1),
        "peak_mib": round(float(peak)),
        "metrics": metrics_from_table(scores),
    }


_TRAINED = {"ganomaly": " (70 epochs, 32 of 64 features)"}
"""Training of the GAN, which is the same in all rows."""


def beside_anomalib(rows: Sequence[Entry]) -> list[str]:
    """Return the section of the page, from the rows."""
    title = "## anomalib's detectors on the same films"
    if not rows:
        return [title, "*No row yet: `python -m studies.detectors --only anomalib` makes them.*"]
    ordered = sorted(rows, key=pooled_auroc, reverse=True)
    groups = list(ordered[0]["metrics"]["auroc"])
    lines = [
        [
            f"`{row['model']}`{_TRAINED.get(row['model'], '')}, "
            f"{'lung crop' if row['seen'] == 'lungs' else 'whole film'}, {row['px']} px",
            *(figure(row["metrics"]["auroc"][group]) for group in groups),
            f"{row['fit_s']:.0f}",
            f"{row['ms_a_film']:.0f}",
            f"{row['peak_mib']:,.0f}",
        ]
        for row in ordered
    ]
    first, models = ordered[0], {row["model"] for row in rows}
    missing = [f"`{model}`" for model in MODELS if model not in models]
    return [
        title,
        "anomalib 2.7.0, its own code and engine, cross-fitted over the same folds. "
        + " ".join(said for model, said in _MADE.items() if model in models)
        + (f" No row yet: {', '.join(missing)}." if missing else "")
        + " *Lung crop*: the masked, aligned crop that our detectors see. Its EfficientAD downloads its teacher and "
        f"further images while it runs, so it has no row. Processor time of one core. Seed 0, CPU, {first['date']}."
        + unrecorded(rows),
        table(
            ["Detector, input", *groups, "fit, s a fold", "ms a film", "peak, MiB"],
            lines,
        ),
    ]
