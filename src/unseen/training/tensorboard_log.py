"""Losses of a training for TensorBoard, next to the `log.csv` that every training writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseen.artifacts.installing import install_command
from unseen.training.settings import TrainingError

if TYPE_CHECKING:
    from unseen.training.progress import Progress

Report = Callable[[str, "Progress"], None]


def tensorboard_curves(folder: Path, *, then: Report) -> Report:
    """Return a callback for `fit` that writes each step's losses below `folder`, in a folder for each training.

    Calls `then`.

    Raises TrainingError where TensorBoard or Lightning Fabric is not installed.
    """
    try:
        import tensorboard  # noqa: F401  Fabric's logger asks for it
        from lightning_fabric.loggers.tensorboard import TensorBoardLogger
    except ImportError as error:
        raise TrainingError(
            f"tensorboard is not installed here. {install_command('unseen[train,tensorboard]')}"
        ) from error
    loggers: dict[str, Any] = {}  # Any: Fabric's logger has untyped methods

    def report(name: str, state: Progress) -> None:
        if name not in loggers:
            loggers[name] = TensorBoardLogger(folder, name=name, version="")
        loggers[name].log_metrics(dict(state.losses), step=state.step)
        if state.step == state.steps:
            loggers[name].finalize("success")
        then(name, state)

    return report
