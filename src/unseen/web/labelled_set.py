"""The labelled set, for comparing models: the films of studies that readers reported, and who scored them.

Labels are what readers said, scores what workers kept. A model's scores of films that it learnt from are left out here,
once and for all: every figure, the page and the exported table stand on the same rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from unseen.worklist.errors import NotFoundError

if TYPE_CHECKING:
    import polars as pl

    from unseen.service.models import Models
    from unseen.worklist.labelled import LabelledFilm
    from unseen.worklist.store import Store

Part = Literal["decides", "compares", "earlier"]
MOST = 20_000
"""Films: the latest. More make no interval visibly narrower."""


@dataclass(frozen=True, kw_only=True)
class ComparedModel:
    """A model whose scores are compared.

    model       SHA-256 of its weights
    name        for people; no two are alike
    trained_on  films of the labelled set that it has learnt from: they say nothing of it, and are left out
    """

    model: str
    name: str
    part: Part
    normal: int
    abnormal: int
    trained_on: int


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledSet:
    """Films with a label, and the models that scored them: the one that decides first, earlier ones last."""

    films: Sequence[LabelledFilm] = field(repr=False)
    models: Sequence[ComparedModel]

    @cached_property
    def digest(self) -> str:
        """Of all that figures depend on."""
        told = hashlib.sha256()
        for film in self.films:
            row = (film.film, film.source, film.patient, film.abnormal, film.pixel_sha256)
            told.update(repr((row, sorted(film.scores.items()), sorted(film.statistics.items()))).encode())
        return told.hexdigest()

    def called(self, model: str) -> ComparedModel:
        """The model with this digest. Raises NotFoundError."""
        found = next((one for one in self.models if one.model == model), None)
        if found is None:
            raise NotFoundError(
                f"The model {model[:16]}… has scored none of the films that readers have reported. "
                "GET /api/v1/compare/labelled lists those that have."
            )
        return found

    def table(self, model: str, *, source: str | None = None) -> pl.DataFrame:
        """The model's score table, as the evaluation room reads it; of one source alone where one is named."""
        import polars as pl

        from unseen.evaluation.shortcuts import NAMES
        from unseen.evaluation.table import SCORED, schema

        types = schema()
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
                "patient": film.patient,
                "pixel_sha256": film.pixel_sha256,
                **{name: film.statistics.get(name) for name in NAMES},
            }
            for name, values in columns.items():
                values.append(row.get(name))
        return pl.DataFrame(columns, schema=types)

    def csv(self) -> str:
        """One row a film, one column a model; empty where it did not score the film. Numbers read back exactly."""
        written = io.StringIO()
        rows = csv.writer(written, lineterminator="\n")
        rows.writerow(["film", "study", "source", "label", *(model.name for model in self.models)])
        for film in self.films:
            scores = [film.scores.get(model.model) for model in self.models]
            rows.writerow(
                [film.film, film.study, film.source, label_of(film), *("" if s is None else repr(s) for s in scores)]
            )
        return written.getvalue()


def label_of(film: LabelledFilm) -> Literal["normal", "abnormal"]:
    """What the film's study was reported to be."""
    return "abnormal" if film.abnormal else "normal"


def labelled_set(store: Store, scoring: Models | None) -> LabelledSet:
    """The labelled set as it is now; `scoring` are the models that score now."""
    found = store.labelled(most=MOST)
    known = _known(scoring)
    learnt = {model: frozenset(films) for model, (_, _, films) in known.items()}
    fresh = [_fresh(film, learnt) for film in found]
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
    return LabelledSet(films=fresh, models=models)


def _known(scoring: Models | None) -> dict[str, tuple[str, Part, Sequence[str]]]:
    """The models of this server, the one that decides first: name, part, and the films that it learnt from."""
    if scoring is None:
        return {}
    return {
        model: (name, "decides" if card is scoring.card else "compares", card.training_films)
        for model, (name, card) in scoring.named.items()
    }


def _fresh(film: LabelledFilm, learnt: Mapping[str, frozenset[str]]) -> LabelledFilm:
    """The film without the scores of models that have learnt from it."""
    if not any(film.pixel_sha256 in learnt.get(model, ()) for model in film.scores):
        return film
    kept = {model: score for model, score in film.scores.items() if film.pixel_sha256 not in learnt.get(model, ())}
    return replace(film, scores=kept)


def _distinct(names: Mapping[str, str]) -> dict[str, str]:
    """The names by digest; where two are alike, each with the beginning of its digest.

    >>> _distinct({"ab12cd34ef": "pca", "0123456789": "pca", "99": "flow"})
    {'ab12cd34ef': 'pca ab12cd34', '0123456789': 'pca 01234567', '99': 'flow'}
    """
    every = list(names.values())
    return {
        model: name
        if every.count(name) == 1 and name not in ("film", "study", "source", "label")
        else f"{name} {model[:8]}"
        for model, name in names.items()
    }
