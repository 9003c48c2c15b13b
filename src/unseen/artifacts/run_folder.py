"""Folder of a run: one for a recipe, a fold and a seed.

``$UNSEEN_RUNS`` (default ``runs``) ``/<name>-f<fold>-<seed>-<digest8>/`` holds ``recipe.toml`` (resolved), ``log.csv``,
``checkpoint.pt``, ``bundle/`` and ``metrics.json``.
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
    """The folder of all runs: ``$UNSEEN_RUNS``, or ``runs`` below the working folder."""
    return Path(os.environ.get("UNSEEN_RUNS") or "runs")


@dataclass(frozen=True)
class Run:
    """A run's folder and the files that it holds; making the object touches no disk.

    Args:
        folder: the run's own.

    >>> run = Run.named("ms_cxr/pca-64-lungs", fold=1, seed=0, digest="0123456789abcdef", root=Path("runs"))
    >>> run.folder.as_posix()
    'runs/ms_cxr/pca-64-lungs-f1-0-01234567'
    >>> run.log.name
    'log.csv'
    """

    folder: Path

    @classmethod
    def named(cls, name: str, *, fold: int | None, seed: int, digest: str, root: Path | None = None) -> Run:
        """The run of a recipe called ``name``; ``fold=None`` (no folds in the data) leaves that part out."""
        part = "" if fold is None else f"-f{fold}"
        return cls((root or runs_root()) / f"{name}{part}-{seed}-{digest[:8]}")

    @property
    def recipe(self) -> Path:
        """The recipe as resolved, TOML."""
        return self.folder / "recipe.toml"

    @property
    def log(self) -> Path:
        """One row a training step, CSV."""
        return self.folder / "log.csv"

    @property
    def checkpoint(self) -> Path:
        """File from which a killed training resumes; not for inference."""
        return self.folder / "checkpoint.pt"

    @property
    def bundle(self) -> Path:
        """The trained model, for inference."""
        return self.folder / "bundle"

    @property
    def metrics(self) -> Path:
        """The evaluation's figures, JSON."""
        return self.folder / "metrics.json"

    def write_recipe(self, recipe: Recipe) -> None:
        """Make the folder, and write the resolved recipe into it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.recipe, recipe.to_toml())

    def write_metrics(self, metrics: Mapping[str, object]) -> None:
        """Make the folder, and write ``metrics`` into it as JSON (NaN is an error: JSON has none)."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_text(self.metrics, json.dumps(metrics, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
