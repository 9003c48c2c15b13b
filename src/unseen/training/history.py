"""Losses of a training at every step, and whether they had come to rest."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import TextIO

from unseen.artifacts.files import clear_leftovers, replacing, write_text
from unseen.artifacts.installing import install_command
from unseen.artifacts.training_words import CONVERGED, STEPS
from unseen.artifacts.training_words import EPOCHS as EPOCHS_TRAINED
from unseen.training.settings import TrainingError

EPOCHS = "epochs.csv"
_REST = 0.05  # "not converged" is a last tenth more than 5 % under the tenth before


_FEWEST = 20  # two tenths of two steps each: with fewer, a mean is one batch


@dataclass(frozen=True)
class History:
    """The losses of a training, step by step.

    Args:
        parts: name → one value a step, NaN where the step had none; the weighted losses bear the optimisers' names.
        steps: batches trained on.
        seconds: time spent training, over all resumed pieces.
        device: such as ``"cpu"`` or ``"cuda:0"``.
        steps_per_epoch: batches an epoch.
        clock_s: seconds spent up to the end of each step.
        validation: name → one value an epoch, from the caller's ``validate``.
    """

    parts: dict[str, list[float]]
    steps: int
    seconds: float
    device: str
    steps_per_epoch: int = 1
    clock_s: list[float] = field(default_factory=list)
    validation: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def from_log(cls, path: Path) -> History:
        """Return the history in a finished run's ``log.csv``, and in ``epochs.csv`` beside it where there is one.

        Its device is not in them and is given as ``""``.

        Raises:
            OSError: no such file.
        """
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        names = [name for name in (rows[0] if rows else {}) if name not in ("step", "epoch", "seconds")]
        clock_s = [float(row["seconds"]) for row in rows]
        return cls(
            parts={name: [float(row[name] or "nan") for row in rows] for name in names},
            steps=len(rows),
            seconds=clock_s[-1] if clock_s else 0.0,
            device="",
            steps_per_epoch=max(1, sum(row["epoch"] == "1" for row in rows)),
            clock_s=clock_s,
            validation=_read_epochs(path.with_name(EPOCHS)),
        )

    def write_epochs(self, folder: Path) -> None:
        """Write ``epochs.csv`` into ``folder``: one line an epoch, every value that ``validate`` gave."""
        rows = [[str(i + 1), *map(_cell, column)] for i, column in enumerate(zip_longest(*self.validation.values()))]
        write_text(folder / EPOCHS, _lines([["epoch", *self.validation], *rows]))

    def budget_facts(self, part: str = "generator") -> dict[str, float]:
        """Return the budget as facts of a card: steps, epochs, and whether ``part`` converged where that is known.

        >>> flat = {"loss": [1.0] * 40}
        >>> History(parts=flat, steps=40, seconds=1, device="cpu", steps_per_epoch=4).budget_facts("loss")
        {'training_steps': 40, 'training_epochs': 10, 'converged': 1}
        """
        rest = self.converged(part)
        known = {} if rest is None else {CONVERGED: int(rest)}
        return {STEPS: self.steps, EPOCHS_TRAINED: self.steps // self.steps_per_epoch, **known}

    def card_facts(self, part: str = "generator") -> dict[str, float]:
        """Return the training's seconds and its budget, as facts of a card."""
        return {"training_seconds": round(self.seconds, 3), **self.budget_facts(part)}

    def converged(self, part: str = "generator") -> bool | None:
        """Return True if ``part`` had come to rest: the mean of its last tenth is at most 5 % under the tenth before.

        Returns:
            None where there is no such part, or fewer than 20 steps of it: too few to decide.

        >>> History(parts={"generator": [1.0] * 100}, steps=100, seconds=1, device="cpu").converged()
        True
        >>> falling = [0.9**i for i in range(100)]
        >>> History(parts={"generator": falling}, steps=100, seconds=1, device="cpu").converged()
        False
        """
        values = [value for value in self.parts.get(part, []) if not math.isnan(value)]
        tenth = len(values) // 10
        if len(values) < _FEWEST:
            return None
        last = sum(values[-tenth:]) / tenth
        before = sum(values[-2 * tenth : -tenth]) / tenth
        return last >= before - _REST * abs(before)  # abs: an unbiased risk may be estimated below zero

    def best_epoch(self, judge: str = "held-out risk") -> int | None:
        """Return the epoch, from 1, whose weights judged best; None where nothing judged.

        >>> History({}, 3, 1, "cpu", validation={"held-out risk": [0.3, 0.1, 0.2]}).best_epoch()
        2
        """
        values = self.validation.get(judge, [])
        known = [(value, epoch) for epoch, value in enumerate(values, 1) if not math.isnan(value)]
        return min(known)[1] if known else None

    def plot(self, path: Path | str) -> None:
        """Draw the losses by epoch, and next to them what measurements held out show, into a .png, .svg or .pdf.

        Raises:
            TrainingError: matplotlib is not installed.
        """
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise TrainingError(f"plots need matplotlib: {install_command('unseen[plots]')}") from error
        figure = Figure(figsize=(9, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        for name in self.parts:
            means = self.by_epoch(name)
            left.plot(range(1, len(means) + 1), means, label=name)
        for name, values in self.validation.items():
            right.plot(range(1, len(values) + 1), values, label=name)
        best = self.best_epoch()
        if best is not None:
            right.axvline(best, color="black", linestyle=":", label=f"epoch {best}: returned")
        for axes, title in ((left, "trained on"), (right, "held out, validation")):
            axes.set(title=title, xlabel="epoch")
            if axes.lines:
                axes.legend(fontsize="small")
        path = Path(path)
        with replacing(path) as temporary:
            figure.savefig(temporary, format=path.suffix.removeprefix(".") or "png")

    def by_epoch(self, part: str) -> list[float]:
        """Return the mean of ``part`` over each epoch: the curve that a results row carries.

        An epoch in which it took no step (a generator that waits for its critic) is left out.

        >>> history = History(parts={"d": [1.0, 3.0, 5.0, 7.0]}, steps=4, seconds=1, device="cpu", steps_per_epoch=2)
        >>> history.by_epoch("d")
        [2.0, 6.0]
        """
        values = self.parts[part]
        means: list[float] = []
        for start in range(0, len(values), self.steps_per_epoch):
            epoch = [value for value in values[start : start + self.steps_per_epoch] if not math.isnan(value)]
            means += [sum(epoch) / len(epoch)] if epoch else []
        return means


class Log:
    """The running history, and ``log.csv`` (step, epoch, seconds, every part), one line a step.

    Opening rewrites the file from the history. So after a resume, lines past the checkpoint are gone, and a line that
    a kill cut short with them.

    Args:
        history: what was logged so far; it grows in place.
        path: the file, or None to keep the history alone.
    """

    def __init__(self, history: History, *, path: Path | None) -> None:
        self.history = history
        self._path = path
        self._file: TextIO | None = None
        self._open()

    def add(self, parts: Mapping[str, float], *, seconds: float) -> None:
        """Log one step: ``parts`` after ``seconds`` of training."""
        known = self.history.parts
        step = len(self.history.clock_s)
        new = [name for name in parts if name not in known]
        for name in new:
            known[name] = [math.nan] * step
        for name, values in known.items():
            values.append(parts.get(name, math.nan))
        self.history.clock_s.append(seconds)
        if new:  # a part that was not there before (the first step, or a critic's fifth): the header changes
            self._open()
        elif self._file is not None:
            self._file.write(_lines([self._row(step)]))

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        if self._path is None:
            return
        self.close()
        clear_leftovers(self._path)
        header = ["step", "epoch", "seconds", *self.history.parts]
        write_text(self._path, _lines([header, *(self._row(step) for step in range(len(self.history.clock_s)))]))
        self._file = self._path.open("a", encoding="utf-8", newline="", buffering=1)  # by line: `tail -f` follows

    def _row(self, step: int) -> list[str]:
        losses = (values[step] for values in self.history.parts.values())
        return [
            str(step + 1),
            str(step // self.history.steps_per_epoch + 1),
            f"{self.history.clock_s[step]:.3f}",
            *map(_cell, losses),
        ]


def _read_epochs(path: Path) -> dict[str, list[float]]:
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name] or "nan") for row in rows] for name in (rows[0] if rows else {}) if name != "epoch"}


def _cell(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.9g}"


def _lines(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
