"""Folder of a run, which is defined by a recipe, a fold and a seed.

The folder is ``$UNSEEN_RUNS/<name>-f<fold>-<seed>-<digest8>/``; ``$UNSEEN_RUNS`` is ``runs`` by default. It contains
``recipe.toml`` (resolved), ``log.csv``, ``checkpoint.pt``, ``bundle/`` and ``metrics.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import Recipe


def runs_root() -> Path:
    """Return the folder of all runs: ``$UNSEEN_RUNS``, or ``runs`` in the working folder."""
    return Path(os.environ.get("UNSEEN_RUNS") or "runs")


@dataclass(frozen=True)
class Run:
    """Folder of a run and the files in it; creating the object does not access the disk.

    Args:
        folder: folder of the run.

    >>> run = Run.named("ms_cxr/pca-64-lungs", fold=1, seed=0, digest="0123456789abcdef", root=Path("runs"))
    >>> run.folder.as_posix()
    'runs/ms_cxr/pca-64-lungs-f1-0-01234567'
    >>> run.log.name
    'log.csv'
    """

    folder: Path

    @classmethod
    def named(cls, name: str, *, fold: int | None, seed: int, digest: str, root: Path | None = None) -> Run:
        """Return the run of a recipe called ``name``.

        If ``fold`` is None (no folds in the data), the folder's name has no fold.
        """
        part = "" if fold is None else f"-f{fold}"
        return cls((root or runs_root()) / f"{name}{part}-{seed}-{digest[:8]}")

    @property
    def recipe(self) -> Path:
        """Resolved recipe, TOML."""
        return self.folder / "recipe.toml"

    @property
    def log(self) -> Path:
        """Log with one row per training step, CSV."""
        return self.folder / "log.csv"

    @property
    def checkpoint(self) -> Path:
        """File from which a killed training resumes; not for inference."""
        return self.folder / "checkpoint.pt"

    @property
    def bundle(self) -> Path:
        """Trained model, for inference."""
        return self.folder / "bundle"

    @property
    def metrics(self) -> Path:
        """Figures of the evaluation, JSON."""
        return self.folder / "metrics.json"

    def write_recipe(self, recipe: Recipe) -> None:
        """Create the folder and write the resolved recipe into it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.recipe, recipe.to_toml())

    def write_metrics(self, metrics: Mapping[str, object]) -> None:
        """Create the folder and write ``metrics`` into it as JSON. NaN is an error, because JSON has none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.metrics, json.dumps(metrics, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
