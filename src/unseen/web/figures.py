"""A labelled set's figures: the evaluation room's, at so many draws as a page can wait for, each computed once.

The same rows give the same figures, so what was computed is kept by the rows' digest, a bounded number of it. One
computation goes on at a time: they take whole seconds of a processor that reading films needs too.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread
import numpy as np

from unseen.evaluation.charts import Curve
from unseen.web.labelled_set import ComparedModel, LabelledSet, labelled_set
from unseen.worklist.errors import WorklistError

if TYPE_CHECKING:
    import polars as pl

    from unseen.evaluation.comparison import Comparison
    from unseen.evaluation.intervals import Json
    from unseen.service.models import Models
    from unseen.worklist.store import Store

T = TypeVar("T")

DRAWS: Final = 1000
"""Of an interval: 1000 films take a second, 5000 five."""
FEWER_DRAWS: Final = 200
"""Above `MANY` films, whose intervals are narrow: 20,000 take twelve seconds."""
MANY: Final = 5000
LEAST: Final = 2
"""Films of each class, as the evaluation room wants them."""
_KEPT: Final = 64
_GRID: Final = np.linspace(0, 1, 201)


@dataclass(frozen=True, kw_only=True, eq=False)
class Figures:
    """What is known of one model on the labelled set, or on its films of one source.

    metrics  in the shape of ``metrics.json``
    roc      with its pointwise 95 % band
    """

    metrics: dict[str, Json]
    roc: Curve


class ComputedFigures:
    """The latest figures of an application."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()  # Any: what a key's computation gave
        self._set: tuple[int, object, LabelledSet] | None = None
        self._lock = threading.Lock()
        self._turns = anyio.CapacityLimiter(1)

    def labelled(self, store: Store, scoring: Models | None) -> LabelledSet:
        """The labelled set; read again when anything in the worklist has changed."""
        seq = store.audit_head().seq  # asked for first: what comes in between is read twice, not missed
        with self._lock:
            if self._set is None or self._set[0] != seq or self._set[1] is not scoring:
                self._set = (seq, scoring, labelled_set(store, scoring))
            return self._set[2]

    async def of_model(
        self, store: Store, scoring: Models | None, model: str, source: str | None
    ) -> tuple[ComparedModel, Figures]:
        """A model and its figures. Raises WorklistError, which says what is missing, where there can be none."""
        found, digest = await anyio.to_thread.run_sync(self._read, store, scoring)
        called = found.called(model)
        return called, await self._once((digest, model, source), lambda: _of_model(found, model, source))

    async def difference(
        self, store: Store, scoring: Models | None, first: str, second: str
    ) -> tuple[str, str, Comparison]:
        """Two models' names, and their AUROCs on the films that both scored. Raises WorklistError likewise."""
        found, digest = await anyio.to_thread.run_sync(self._read, store, scoring)
        names = found.called(first).name, found.called(second).name
        if first == second:
            raise WorklistError("A model does not differ from itself. Name two models.")
        key = (digest, first, second, "difference")
        return *names, await self._once(key, lambda: _difference(found, first, second))

    def _read(self, store: Store, scoring: Models | None) -> tuple[LabelledSet, str]:
        found = self.labelled(store, scoring)
        return found, found.digest

    async def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What `compute` gives, in a thread; kept under `key`. Who waits for a turn takes no thread."""
        async with self._turns:
            if key not in self._kept:
                self._kept[key] = await anyio.to_thread.run_sync(compute)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            found: T = self._kept[key]
            return found


def _of_model(found: LabelledSet, model: str, source: str | None) -> Figures:
    from unseen.evaluation.bootstrap import cohort_of, draw_all
    from unseen.evaluation.metrics import metrics_from_table
    from unseen.evaluation.roc import RocAt, folds_of

    table = found.table(model, source=source)
    refuse(table, f"films of {source} that this model scored" if source is not None else "films that this model scored")
    draws = _draws(table)
    cohort = cohort_of(table)
    statistic = RocAt(folds_of(cohort.score, cohort.abnormal, cohort.fold), _GRID)
    drawn = draw_all({"roc": statistic}, cohort, draws=draws, rng=np.random.default_rng(0))["roc"]
    return Figures(metrics=metrics_from_table(table, draws=draws), roc=Curve(_GRID, drawn.value, *drawn.band()))


def _difference(found: LabelledSet, first: str, second: str) -> Comparison:
    import polars as pl

    from unseen.evaluation.comparison import compare

    tables = {model: found.table(model) for model in (first, second)}
    shared = set(tables[first]["file"]) & set(tables[second]["file"])
    alike = {model: table.filter(pl.col("file").is_in(list(shared))) for model, table in tables.items()}
    refuse(alike[first], "films that both models scored")
    return compare(alike, draws=_draws(alike[first]))


def refuse(table: pl.DataFrame, which: str) -> None:
    """Raise WorklistError where these films allow no ROC, which needs some of each class."""
    abnormal = int((table["label"] == "abnormal").sum())
    normal = len(table) - abnormal
    if min(normal, abnormal) < LEAST:
        raise WorklistError(
            f"Of the {which}, {normal} {_have(normal)} been reported normal and {abnormal} abnormal: a ROC needs "
            f"{LEAST} of each at least. Report further studies."
        )


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _draws(table: pl.DataFrame) -> int:
    return DRAWS if len(table) <= MANY else FEWER_DRAWS
