"""Training of the gate's linear rules, from normal films and their transforms; `gate` decides what is refused.

A rule asks whether a film is a proper one or an altered one: it is a logistic regression between the training normals
and their own transforms. Its value is a log-odds; its limit is an upper quantile of the values of *out-of-fold*
normals, for handling and the mirror never under even odds.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unseen.data.film import area
from unseen.screening.gate.embedding import Embedding, Subspace
from unseen.screening.gate.features import VIEWS, Floats, Look, mirror_difference
from unseen.screening.gate.transforms import TRANSFORMS, disturbed

if TYPE_CHECKING:
    from unseen.anatomy.found_lungs import Finder
    from unseen.data.film import Film


@dataclass(frozen=True, eq=False)
class Rule:
    """value = weights · entries + offset; weights (entries,), offset (1,)."""

    weights: Floats
    offset: Floats

    @classmethod
    def fit(cls, proper: Floats, altered: Floats, *, penalty: float = 10.0) -> Rule:
        """Fit a rule between rows of proper films and rows of altered ones, with equal weight; `penalty` is 1/C."""
        from sklearn.linear_model import LogisticRegression

        rows = np.concatenate([proper, altered])
        mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-6
        labels = np.r_[np.zeros(len(proper)), np.ones(len(altered))]
        model = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=300)
        model.fit((rows - mean) / spread, labels)
        weights = model.coef_[0] / spread
        return cls(weights, np.array([float(model.intercept_[0]) - float(weights @ mean)]))

    @classmethod
    def odd(cls, proper: Floats, mirrored: Floats, *, directions: int = 100, penalty: float = 0.1) -> Rule:
        """Return a rule without an offset on entries that change their sign when the film is flipped.

        Each row flipped is a row of the other kind, and adds the same again to the likelihood, whence 2/penalty.
        """
        from sklearn.linear_model import LogisticRegression

        rows = np.concatenate([proper, mirrored])
        labels = np.repeat([0, 1], [len(proper), len(mirrored)])
        _, singular, along = np.linalg.svd(rows, full_matrices=False)
        along = along[: min(directions, len(proper) // 2)]
        scale = max(float(singular[0]) / np.sqrt(len(rows)), 1e-9)
        model = LogisticRegression(C=2 / penalty, fit_intercept=False, max_iter=2000)
        model.fit(rows @ along.T / scale, labels)
        return cls(along.T @ model.coef_[0] / scale, np.zeros(1))

    def __call__(self, rows: Floats) -> Floats:
        """(n, entries) → (n,) log-odds."""
        return np.asarray(rows @ self.weights + self.offset[0])


def upper_limit(values: NDArray[np.float64], *, share: float) -> float:
    """Return the limit that a new value of the same kind exceeds with a chance of at most `share`, in sample-split
    terms.

    Of n values and a new one, all in random order, the new one is among the ⌊share · (n + 1)⌋ largest with at most that
    chance. With fewer than 1/share values it is the largest, and the chance 1/(n + 1).

    >>> upper_limit(np.arange(99.0), share=0.02)
    97.0
    """
    allowed = max(1, math.floor(share * (len(values) + 1) + 1e-9))
    return float(np.sort(values)[-min(allowed, len(values))])


FOLDS = 5
DISTURBANCES = 6
"""Disturbed copies of each training film."""
HANDLING = tuple(name for name in TRANSFORMS if name != "mirrored")
_SIDE = 256  # training films are brought to this size before they are altered
_SUBSPACE = ("mean", "scale", "directions", "variances", "rest")

Views = Mapping[str, Floats]


@dataclass(frozen=True, eq=False)
class Reduced:
    """A training film at no more than 256 pixels a side, which is all that is learnt from, and the shorter side that it
    came with."""

    film: Film
    side: int

    @classmethod
    def of(cls, film: Film) -> Reduced:
        """Return the film without its masks."""
        height, width = film.pixels.shape
        pixels = area(film.pixels, min(_SIDE, height), min(_SIDE, width))
        return cls(replace(film, pixels=pixels, lungs=None, lesion=None), min(height, width))

    def order(self, seed: int) -> int:
        """Return the key by which some are drawn from many: independent of the others."""
        return _number(f"{seed} {self.film.pixel_sha256}")


@dataclass(frozen=True, eq=False)
class Examples:
    """n training normals: their views as they are, altered by each of `HANDLING`, and disturbed (n · DISTURBANCES).

    Args:
        odd: mirror differences of the films and of the films flipped left to right.
        areas: of the lungs, as shares of the film; spreads: of grey; sides: the shorter side, pixels.
        folds: by patient, 0 to FOLDS − 1.
    """

    proper: Views
    altered: Mapping[str, Views]
    disturbed: Views
    odd: tuple[Floats, Floats]
    areas: Floats
    spreads: Floats
    sides: Floats
    folds: NDArray[np.int64]

    @classmethod
    def of(cls, films: Iterable[Reduced], finder: Finder, *, seed: int) -> Examples:
        """Make a film's examples; its alterations depend on the seed and its pixels alone."""
        proper: list[Views] = []
        other: dict[str, list[Views]] = {name: [] for name in (*HANDLING, "disturbed")}
        odd: tuple[list[Floats], list[Floats]] = ([], [])
        facts, patients = [], []
        for one in films:
            film, small = one.film, one.film.pixels
            rng = np.random.default_rng([seed, _number(film.pixel_sha256)])

            def look(pixels: NDArray[np.float32], film: Film = film) -> Look:
                return Look.at(pixels, finder.find(replace(film, pixels=pixels)))

            upright = look(small)
            proper.append(upright.views())
            odd[0].append(mirror_difference(upright))
            odd[1].append(mirror_difference(look(TRANSFORMS["mirrored"](small, rng))))
            for name in HANDLING:
                other[name].append(look(TRANSFORMS[name](small, rng)).views())
            other["disturbed"] += [look(disturbed(small, rng)).views() for _ in range(DISTURBANCES)]
            facts.append((upright.lung_area, upright.spread, float(one.side)))
            patients.append(film.patient)
        areas, spreads, sides = np.array(facts, dtype=float).T
        return cls(
            proper=_stacked(proper),
            altered={name: _stacked(other[name]) for name in HANDLING},
            disturbed=_stacked(other["disturbed"]),
            odd=(np.array(odd[0]), np.array(odd[1])),
            areas=areas,
            spreads=spreads,
            sides=sides,
            folds=_dealt(patients, seed=seed),
        )


@dataclass(frozen=True, eq=False)
class Rules:
    """Rules that have been learnt: where the normals lie, where the images of their crops lie, and a rule for each of
    `HANDLING`, for "mirrored" and "unlike"."""

    embedding: Embedding
    crops: Subspace
    rules: Mapping[str, Rule]

    @classmethod
    def fit(cls, examples: Examples, rows: NDArray[np.bool_]) -> Rules:
        """Fit to the normals that `rows` (n,) picks, and their own alterations."""
        embedding = Embedding.fit(_picked(examples.proper, rows))
        proper = embedding(_picked(examples.proper, rows))
        altered = {name: embedding(_picked(examples.altered[name], rows)) for name in HANDLING}
        strange = embedding(_picked(examples.disturbed, np.repeat(rows, DISTURBANCES)))
        rules = {name: Rule.fit(proper, altered[name]) for name in HANDLING}
        rules["unlike"] = Rule.fit(proper, np.concatenate([strange, *altered.values()]))
        rules["mirrored"] = Rule.odd(examples.odd[0][rows], examples.odd[1][rows])
        crops = Subspace.fit(examples.altered["cropped"]["picture"][rows], components=20, scaled=False)
        return cls(embedding, crops, rules)

    def values(self, views: Views, odd: Floats) -> dict[str, Floats]:
        """Return each rule's log-odds, and the lungs' distance from the normals' ("lungs"): (n,) each."""
        entries = self.embedding(views)
        found = {name: rule(odd if name == "mirrored" else entries) for name, rule in self.rules.items()}
        return found | {"lungs": self.embedding.distance("shape", views)}

    def arrays(self) -> dict[str, Floats]:
        """Return everything learnt, by name."""
        found = {}
        for view, subspace in (*self.embedding.subspaces.items(), ("crops", self.crops)):
            for name in _SUBSPACE:
                found[f"{view}.{name}"] = getattr(subspace, name)
        for rule, learnt in self.rules.items():
            found |= {f"rule.{rule}.weights": learnt.weights, f"rule.{rule}.offset": learnt.offset}
        return found

    @classmethod
    def of(cls, arrays: Mapping[str, Floats]) -> Rules:
        """Return the rules of `arrays`; KeyError where one is missing."""
        subspaces = {view: Subspace(*(arrays[f"{view}.{name}"] for name in _SUBSPACE)) for view in (*VIEWS, "crops")}
        crops = subspaces.pop("crops")
        rules = {
            rule: Rule(arrays[f"rule.{rule}.weights"], arrays[f"rule.{rule}.offset"])
            for rule in (*HANDLING, "unlike", "mirrored")
        }
        return cls(Embedding(subspaces), crops, rules)


def out_of_fold(examples: Examples) -> dict[str, Floats]:
    """Compute for each normal, by rules that were learnt without its patient: every rule's value; each view's distance
    ("view …"); and the image distance of its crop ("cropped image")."""
    n = len(examples.folds)
    found: dict[str, Floats] = {}
    for fold in range(FOLDS):
        held = examples.folds == fold
        if not held.any():
            continue
        rules = Rules.fit(examples, ~held)
        views = _picked(examples.proper, held)
        values = rules.values(views, examples.odd[0][held])
        values |= {f"view {name}": rules.embedding.distance(name, views) for name in VIEWS}
        crops = _picked(examples.altered["cropped"], held)
        values["cropped image"] = rules.crops.distance(crops["picture"])
        for name, some in values.items():
            found.setdefault(name, np.zeros(n))[held] = some
    return found


def _picked(views: Views, rows: NDArray[np.bool_]) -> Views:
    return {name: values[rows] for name, values in views.items()}


def _stacked(rows: Sequence[Views]) -> Views:
    return {name: np.array([row[name] for row in rows]) for name in VIEWS}


def _dealt(patients: Sequence[str], *, seed: int) -> NDArray[np.int64]:
    """Return a fold for each film: patients in the order of a seeded digest are dealt in turn, so that folds are
    even.
    """
    order = sorted(set(patients), key=lambda patient: hashlib.sha256(f"{seed} {patient}".encode()).hexdigest())
    fold_of = {patient: place % FOLDS for place, patient in enumerate(order)}
    return np.array([fold_of[patient] for patient in patients])


def _number(digest: str) -> int:
    return int(hashlib.sha256(digest.encode()).hexdigest()[:8], 16)
