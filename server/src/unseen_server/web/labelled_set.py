"""The labelled set for comparing models, and its figures: films of studies that readers reported, with their scores.

Labels come from readers' reports on films that were shown to them, scores from workers; reports of other origins count
only where they are asked for. A model's scores of its training films, and of other films of their patients, are left
out here, once and for all, so every figure, the page and the exported table use the same rows. The patients are those
that a calibration leaves out: of any scored training film, reported or not.

The package `evaluation` computes the figures, with as many draws as a page can wait for. The same rows give the same
figures, so a bounded number of results is kept by the rows' digest. Only one computation runs at a time: each takes
seconds of a processor that reading films needs too.
"""

from __future__ import annotations

import csv
import hashlib
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import anyio
import anyio.to_thread
from pydantic import Field

from unseen.artifacts import verb_of
from unseen.data import linked_patients, safe_row
from unseen.evaluation import ABOUT, STATISTIC_NAMES
from unseen_server.worklist.labels import EVERY, SEEN
from unseen_server.worklist.states import NotFoundError, WorklistError

if TYPE_CHECKING:
    import polars as pl

    from unseen.evaluation import Comparison, Curve, Json
    from unseen_server.service.scoring_models import Models
    from unseen_server.worklist.labels import LabelledFilm, Origin
    from unseen_server.worklist.store import Store

Part = Literal["decides", "compares", "earlier"]
MOST = 20_000
"""Films: the latest. More make no interval visibly narrower."""


@dataclass(frozen=True, kw_only=True)
class ComparedModel:
    """A model whose scores are compared."""

    model: Annotated[str, Field(description="SHA-256 of its weights")]
    name: Annotated[str, Field(description="its bundle's folder; no two are alike")]
    part: Annotated[Part, Field(description="earlier: it is no longer in use here")]
    normal: int
    abnormal: int
    trained_on: Annotated[int, Field(description="films left out: of patients on whose films it was trained")]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledSet:
    """Films with a label, and the models that scored them: the one that decides first, earlier ones last."""

    films: Sequence[LabelledFilm] = field(repr=False)
    models: Sequence[ComparedModel]
    not_counted: Mapping[Origin, int] = field(default_factory=dict)
    """Reported studies of other origins, which are left out."""

    @cached_property
    def digest(self) -> str:
        """Return the digest of everything that figures depend on."""
        digest = hashlib.sha256()
        for film in self.films:
            row = (film.film, film.source, film.patient, film.abnormal, film.pixel_sha256)
            digest.update(repr((row, sorted(film.scores.items()), sorted(film.statistics.items()))).encode())
        return digest.hexdigest()

    @cached_property
    def patients(self) -> Mapping[str, str]:
        """Pseudonym → "1", "2", …, the earliest reported first: folds need to know which films are one patient's, and
        nobody needs to know more. Patients who share a film, by its pixels, have one number. A later report changes
        the numbers only if its film links two patients."""
        numbers: dict[str, str] = {}
        person = linked_patients((film.patient, film.pixel_sha256 or "") for film in reversed(self.films))
        return {patient: numbers.setdefault(first, str(len(numbers) + 1)) for patient, first in person.items()}

    def called(self, model: str) -> ComparedModel:
        """Return the model with this digest. Raises NotFoundError."""
        found = next((one for one in self.models if one.model == model), None)
        if found is None:
            raise NotFoundError(
                f"The model {model[:16]}… has scored none of the films that readers have reported. "
                "GET /api/v1/compare/labelled lists those that have."
            )
        return found

    def table(self, model: str, *, source: str | None = None) -> pl.DataFrame:
        """Return the model's score table, as the package `evaluation` reads it.

        It is of one source alone where one is named.
        """
        import polars as pl

        from unseen.evaluation import SCORED, STATISTIC_NAMES, score_schema

        types = score_schema()
        columns: dict[str, list[object]] = {name: [] for name in types}
        for film in self.films:
            if model not in film.scores or source not in (None, film.source):
                continue
            row: dict[str, object] = {
                "file": film.film,
                "status": SCORED,
                "score": film.scores[model],
                "label": label_of(film),
                "source": film.source,
                "patient": self.patients[film.patient],
                "pixel_sha256": film.pixel_sha256,
                **{name: film.statistics.get(name) for name in STATISTIC_NAMES},
            }
            for name, values in columns.items():
                values.append(row.get(name))
        return pl.DataFrame(columns, schema=types)

    def csv(self) -> str:
        """Return one row a film: what it is, its trivial statistics, and one column a model; empty where it did not
        score the film. Numbers read back exactly, by `evaluation.read_scores`.
        """
        written = io.StringIO()
        rows = csv.writer(written, lineterminator="\n")
        rows.writerow(safe_row([*ABOUT, *(model.name for model in self.models)]))
        for film in self.films:
            named = [film.film, film.study, film.source, label_of(film), film.origin, self.patients[film.patient]]
            values = [film.statistics.get(name) for name in STATISTIC_NAMES]
            values += [film.scores.get(model.model) for model in self.models]
            rows.writerow(safe_row([*named, *("" if value is None else repr(value) for value in values)]))
        return written.getvalue()


def label_of(film: LabelledFilm) -> Literal["normal", "abnormal"]:
    """Return the reported outcome of the film's study."""
    return "abnormal" if film.abnormal else "normal"


def labelled_set(store: Store, scoring: Models | None, *, others: bool = False) -> LabelledSet:
    """Return the labelled set as it is now; `scoring` are the models that score now.

    Args:
        others: count also reports of which nothing shows that their films were seen.
    """
    found = store.reports.labelled(most=MOST, origins=EVERY if others else SEEN)
    known = _known(scoring)
    taught = store.reports.training_patients({model: films for model, (_, _, films) in known.items()})
    fresh = [_fresh(film, taught) for film in found]
    seen = {model for film in found for model in film.scores}
    names = _distinct({model: known[model][0] if model in known else model[:12] for model in [*known, *seen]})
    models = [
        ComparedModel(
            model=model,
            name=names[model],
            part=known[model][1] if model in known else "earlier",
            normal=sum(model in film.scores and not film.abnormal for film in fresh),
            abnormal=sum(model in film.scores and film.abnormal for film in fresh),
            trained_on=sum(
                model in film.scores and model not in kept.scores for film, kept in zip(found, fresh, strict=True)
            ),
        )
        for model in [*known, *sorted(seen - set(known))]
    ]
    return LabelledSet(films=fresh, models=models, not_counted={} if others else store.reports.unseen_labels())


def _known(scoring: Models | None) -> dict[str, tuple[str, Part, Sequence[str]]]:
    """Return the models of this server, the one that decides first: name, part, and the films that it learnt from."""
    if scoring is None:
        return {}
    return {
        model: (name, "decides" if card is scoring.card else "compares", card.training_films)
        for model, (name, card) in scoring.named.items()
    }


def _fresh(film: LabelledFilm, taught: Mapping[str, frozenset[str]]) -> LabelledFilm:
    """Return the film without the scores of models that were trained on films of its patient."""
    if not any(film.patient in taught.get(model, ()) for model in film.scores):
        return film
    return replace(film, scores={m: score for m, score in film.scores.items() if film.patient not in taught.get(m, ())})


def _distinct(names: Mapping[str, str]) -> dict[str, str]:
    """Return the names by digest; where two are alike, each with the beginning of its digest.

    >>> _distinct({"ab12cd34ef": "pca", "0123456789": "pca", "99": "flow"})
    {'ab12cd34ef': 'pca ab12cd34', '0123456789': 'pca 01234567', '99': 'flow'}
    """
    every = list(names.values())
    return {
        model: name if every.count(name) == 1 and name not in ABOUT else f"{name} {model[:8]}"
        for model, name in names.items()
    }


T = TypeVar("T")

DRAWS: Final = 1000
"""Bootstrap draws of an interval: 1,000 films take a second, 5,000 take five."""
FEWER_DRAWS: Final = 200
"""Above `MANY` films, whose intervals are narrow: 20,000 take twelve seconds."""
MANY: Final = 5000
LEAST: Final = 2
"""Fewest films of each class that the package `evaluation` accepts."""
_KEPT: Final = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Figures:
    """Figures of one model on the labelled set, or on its films of one source.

    Args:
        metrics: in the shape of ``metrics.json``.
        roc: with its pointwise 95 % band.
    """

    metrics: dict[str, Json]
    roc: Curve


class ComputedFigures:
    """The latest figures of an application."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()  # Any: what a key's computation gave
        self._set: tuple[int, object, bool, LabelledSet] | None = None
        self._lock = threading.Lock()
        self._turns = anyio.CapacityLimiter(1)

    def labelled(self, store: Store, scoring: Models | None, *, others: bool = False) -> LabelledSet:
        """Return the labelled set; read again when anything in the worklist has changed."""
        seq = store.audit.head().seq  # asked for first: what comes in between is read twice, not missed
        with self._lock:
            if self._set is None or self._set[0] != seq or self._set[1] is not scoring or self._set[2] != others:
                self._set = (seq, scoring, others, labelled_set(store, scoring, others=others))
            return self._set[3]

    async def of_model(
        self, store: Store, scoring: Models | None, model: str, source: str | None, *, others: bool = False
    ) -> tuple[ComparedModel, Figures]:
        """Return a model and its figures. Raises WorklistError, with what is missing, where there can be none."""
        found, digest = await anyio.to_thread.run_sync(self._read, store, scoring, others)
        called = found.called(model)
        return called, await self._once((digest, model, source), lambda: _of_model(found, model, source))

    async def difference(
        self, store: Store, scoring: Models | None, first: str, second: str, *, others: bool = False
    ) -> tuple[str, str, Comparison]:
        """Return two models' names, and their AUROCs on the films that both scored. Raises WorklistError likewise."""
        found, digest = await anyio.to_thread.run_sync(self._read, store, scoring, others)
        names = found.called(first).name, found.called(second).name
        if first == second:
            raise WorklistError("A model does not differ from itself. Name two models.")
        key = (digest, first, second, "difference")
        return *names, await self._once(key, lambda: _difference(found, first, second))

    def _read(self, store: Store, scoring: Models | None, others: bool) -> tuple[LabelledSet, str]:
        found = self.labelled(store, scoring, others=others)
        return found, found.digest

    async def _once(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Run `compute` in a thread and cache the result. Who waits for a turn takes no thread."""
        async with self._turns:
            if key not in self._kept:
                self._kept[key] = await anyio.to_thread.run_sync(compute)
                if len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            found: T = self._kept[key]
            return found


def _of_model(found: LabelledSet, model: str, source: str | None) -> Figures:
    from unseen.evaluation import metrics_from_table, roc_curve

    table = found.table(model, source=source)
    refuse(table, f"films of {source} that this model scored" if source is not None else "films that this model scored")
    draws = draws_of(len(table))
    return Figures(metrics=metrics_from_table(table, draws=draws), roc=roc_curve(table, draws=draws))


def _difference(found: LabelledSet, first: str, second: str) -> Comparison:
    import polars as pl

    from unseen.evaluation import compare

    tables = {model: found.table(model) for model in (first, second)}
    shared = set(tables[first]["file"]) & set(tables[second]["file"])
    alike = {model: table.filter(pl.col("file").is_in(list(shared))) for model, table in tables.items()}
    refuse(alike[first], "films that both models scored")
    return compare(alike, draws=draws_of(len(alike[first])))


def refuse(table: pl.DataFrame, which: str) -> None:
    """Raise WorklistError where these films allow no ROC, which needs some of each class."""
    abnormal = int((table["label"] == "abnormal").sum())
    normal = len(table) - abnormal
    if min(normal, abnormal) < LEAST:
        raise WorklistError(
            f"Of the {which}, {normal} {verb_of(normal, 'has')} been reported normal and {abnormal} abnormal: a ROC "
            f"needs {LEAST} of each at least. Report further studies."
        )
    for label in ("normal", "abnormal"):
        if table.filter(table["label"] == label)["patient"].n_unique() < LEAST:
            raise WorklistError(
                f"Of the {which}, all {label} ones are of one patient: an interval needs {LEAST} patients of each at "
                "least. Report further studies."
            )


def draws_of(films: int) -> int:
    """Return the number of bootstrap draws, as many as a page can wait for."""
    return DRAWS if films <= MANY else FEWER_DRAWS
