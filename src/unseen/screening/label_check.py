"""Check that labels teach a head more than simple image statistics: scores of pairs of films that it has not seen.

    r_i = (s_i − m_i(c_i)) / deviation_i,    difference = mean of r_i over the abnormal films
    error² = max(V, Σ_p m_p² / n₁²) + c̄ᵀ (Cᵀ C + P)⁻¹ c̄,    V = G / (G − 1) Σ_p (Σ_{i of p} (r_i − r̄))² / n₁²

s_i is the score of abnormal film i by heads that learnt without it. m_i is a regression of the normal films' scores by
the same heads, which learnt without these films either, on their statistics and the squares of these; deviation_i is
that of its residuals. Normal films alone fit it, so it is precise where few films are abnormal, and a head that has
learnt nothing but the statistics has a difference of 0. Statistics enter as normal quantiles of their ranks among the
normal films (van der Waerden), so that between these an increasing transform of one changes nothing. The second term of
the error is that of the regression at the abnormal films' mean c̄: it is large where their statistics are unlike those
of all normal films, so that such films cannot show a difference. The first is that of a mean over G patients p with m_p
films each, which are not independent; with one film a patient it is max(var r, 1) / n₁.

Source: analysis of covariance, Fisher, Statistical Methods for Research Workers (1932); leave-pair-out, Airola et al.,
Computational Statistics & Data Analysis 55 (2011) 1828; the variance of clusters, Liang & Zeger, Biometrika 73 (1986)
13.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Solve = Callable[[Floats, Bools], Floats]
"""Weights of films (n,) from their inner products (n, n) and labels (n,)."""
PARTS = 5
"""Parts of the normal films, and of all films in `adaptation`, which chooses a head's shrinkage and share by them."""
_ABNORMAL_PARTS, _PARTS_OF_MANY, _MANY = 10, 5, 50
"""Parts of the abnormal films: at most 10, and 5 from 50 films on."""
_LARGEST, _UNKNOWN = 8.0, 3.0
_PENALTY = 1.0
_LEAST_FREEDOM = 5.0


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Scores of films by heads that have not seen them.

    Args:
        abnormal: score of each abnormal film (n1,).
        normal: scores of the normal films, a row for each part of the abnormal films that is left out (parts, n0).
        part: part of each abnormal film (n1,).
        patient: number of each abnormal film's patient (n1,); None: each film is of another one.
    """

    abnormal: Floats
    normal: Floats
    part: Ints
    patient: Ints | None = None


def dealt(patient: str, purpose: str) -> float:
    """Return a number in [0, 1) that goes by the patient alone."""
    return int(hashlib.sha256(f"{purpose} {patient}".encode()).hexdigest()[:12], 16) / 16**12


def left_out(gram: Floats, abnormal: Bools, patients: Sequence[str], solve: Solve) -> LeftOut | None:
    """Score pairs of a normal and an abnormal film by heads that have seen neither, nor another film of their patients.

    Args:
        gram: inner products of the films' features (n, n).
        abnormal: label of each film (n,).
        patients: n names.
        solve: fits a head.

    Returns:
        The scores; None where the abnormal films are of one patient.
    """
    names = np.array(patients)
    ill = sorted(set(names[abnormal].tolist()), key=lambda one: dealt(one, "pairs"))
    number = min(len(ill), _ABNORMAL_PARTS if int(abnormal.sum()) < _MANY else _PARTS_OF_MANY)
    if number < 2:
        return None
    group = {one: index % number for index, one in enumerate(ill)}
    part = np.array([group[one] for one in names[abnormal].tolist()], dtype=np.int64)
    of = np.array([int(dealt(one, "part") * PARTS) for one in names[~abnormal].tolist()])
    at, sick = np.flatnonzero(~abnormal), np.flatnonzero(abnormal)
    normal, scores = np.zeros((number, len(at))), np.zeros((len(np.unique(of)), len(sick)))
    known, person = np.unique(names, return_inverse=True)
    for row, one in enumerate(np.unique(of)):
        held = at[of == one]
        for left in range(number):
            out = sick[part == left]
            excluded = np.zeros(len(known), dtype=bool)
            excluded[person[held]] = excluded[person[out]] = True
            rest = np.flatnonzero(~excluded[person])
            if abnormal[rest].all() or not abnormal[rest].any():
                return None
            columns = gram.take(rest, axis=1)
            weights = solve(columns.take(rest, axis=0), abnormal[rest])
            normal[left, of == one] = columns.take(held, axis=0) @ weights
            scores[row, part == left] = columns.take(out, axis=0) @ weights
    return LeftOut(scores.mean(axis=0), normal, part, person[sick])


def beyond_statistics(found: LeftOut, statistics: Floats | None, abnormal: Bools) -> tuple[float, float]:
    """Return how much higher abnormal films score than normal ones of like statistics, and its standard error.

    Args:
        found: scores of the films.
        statistics: statistics of each film (n, k); None: none are known.
        abnormal: label of each film (n,).

    Returns:
        Both in deviations of normal films of like statistics.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> sharpness, abnormal = rng.normal(size=200), np.arange(200) < 20
        >>> sharpness[abnormal] += 1
        >>> score = sharpness + rng.normal(size=200)  # knows the sharpness alone
        >>> known = LeftOut(score[abnormal], score[None, ~abnormal], np.zeros(20, int))
        >>> difference, error = beyond_statistics(known, sharpness[:, None], abnormal)
        >>> abs(difference) < 2 * error < 0.7
        True
        >>> beyond_statistics(known, None, abnormal)[0] > 0.5
        True
    """
    r, ill, system = residuals(found, statistics, abnormal)
    centre = ill.mean(axis=0)
    _, of = np.unique(np.arange(len(r)) if found.patient is None else found.patient, return_inverse=True)
    sums, films = np.bincount(of, weights=r - r.mean()), np.bincount(of)
    between = float((sums**2).sum()) * len(films) / (len(films) - 1)
    variance = max(between, float((films**2).sum())) / len(r) ** 2 + float(centre @ np.linalg.solve(system, centre))
    return float(r.mean()), float(np.sqrt(variance))


def residuals(found: LeftOut, statistics: Floats | None, abnormal: Bools) -> tuple[Floats, Floats, Floats]:
    """Return r of the abnormal films (n1,), their columns (n1, p), and the regression's system Cᵀ C + P (p, p).

    Args:
        found: scores of the films.
        statistics: statistics of each film (n, k); None: none are known.
        abnormal: label of each film (n,).
    """
    columns = np.ones((len(abnormal), 1))
    if statistics is not None:
        columns = np.concatenate([columns, _columns(statistics, ~abnormal)], axis=1)
    normal, ill = columns[~abnormal], columns[abnormal]
    penalty = np.full(columns.shape[1], _PENALTY)
    penalty[0] = 0
    system = normal.T @ normal + np.diag(penalty)
    fitted = np.linalg.solve(system, normal.T)
    slopes = found.normal @ fitted.T
    remaining = found.normal - slopes @ normal.T
    freedom = max(_LEAST_FREEDOM, len(normal) - float((normal * fitted.T).sum()))
    deviation = np.maximum(np.sqrt((remaining**2).sum(axis=1) / freedom), 1e-12)[found.part]
    return (found.abnormal - (slopes[found.part] * ill).sum(axis=1)) / deviation, ill, system


def _columns(statistics: Floats, normal: Bools) -> Floats:
    """Return the regression's columns but the constant: quantiles of the statistics, and their squares (n, 2 k).

    A value's quantile is the normal one of its rank among the normal films, ties in the middle. Beyond
    the extreme normal values it grows linearly, by the deviation of that side. A statistic that does not vary among
    normal films has no square.
    """
    from scipy.stats import norm

    found, squares = np.zeros(statistics.shape), np.zeros(statistics.shape)
    for index, column in enumerate(statistics.T):
        known = np.sort(column[normal])
        if known[0] == known[-1]:
            found[:, index] = _UNKNOWN * np.sign(column - known[0])
            continue
        rank = (np.searchsorted(known, column, "left") + np.searchsorted(known, column, "right")) / 2
        z = norm.ppf((rank + 0.5) / (len(known) + 1))
        middle = float(np.median(known))
        for edge, tail, sign in ((known[-1], 0.95, 1.0), (known[0], 0.05, -1.0)):
            beyond = np.maximum(sign * (column - edge), 0)
            spread = sign * (float(np.quantile(known, tail)) - middle) / float(norm.ppf(0.95))
            z += sign * beyond / max(spread, 0.1 * float(known.std()))
        found[:, index] = np.clip(z, -_LARGEST, _LARGEST)
        squares[:, index] = found[:, index] ** 2
    return np.concatenate([found, squares - squares[normal].mean(axis=0)], axis=1)
