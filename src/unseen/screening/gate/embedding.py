"""Position of a film among the training normals, in one subspace for each description.

For a view v with training mean μ, per-entry scale s, principal directions V (rows) and variances λ:

    a = (v − μ)/s,   c = V a/√λ,   r = ‖a‖² − ‖V a‖²
    entries: clip(c, ±6), clip(c, ±6)², log(1 + ‖c‖²), ρ, ρ²   with ρ = log(r / mean r)

Squares let a *linear* rule on the entries draw a closed boundary round the normals. ‖c‖² + r/(mean r/(d − k)) is the
distance of probabilistic principal components (Tipping & Bishop, JRSS-B 61(3), 1999), the smallest variances pooled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from unseen.screening.gate.features import Floats

COMPONENTS = {"picture": 20, "crop": 10, "shape": 12, "grey": 8, "levels": 8, "lung-grain": 5, "grain": 10}
"""Principal directions of each view, at most; chosen on fold 0 of the Montgomery + Shenzhen films and on phantoms."""

_PIXELS = ("picture", "crop")  # already on one scale


_CLIP = 6.0
_ADDED = 1e-6  # to each scale; an entry that did not vary has a scale below twice this
_CONSTANT = 2 * _ADDED


@dataclass(frozen=True, eq=False)
class Subspace:
    """One view's training normals: mean (d,), scale (d,), directions (k, d), variances (k,), rest: the mean of r."""

    mean: Floats
    scale: Floats
    directions: Floats
    variances: Floats
    rest: Floats  # (1,)

    @classmethod
    def fit(cls, rows: Floats, *, components: int, scaled: bool) -> Subspace:
        """Fit to rows (n, d); `scaled` brings each entry to unit spread first."""
        mean = rows.mean(axis=0)
        scale = rows.std(axis=0) + _ADDED if scaled else np.ones(rows.shape[1])
        _, singular, directions = np.linalg.svd((rows - mean) / scale, full_matrices=False)
        variances = singular**2 / len(rows)
        kept = max(1, min(components, len(rows) // 4, int((variances > 1e-6 * variances.sum()).sum()), len(mean) - 1))
        rest = np.array([max(variances[kept:].sum(), 1e-6)])
        return cls(mean, scale, directions[:kept], np.maximum(variances[:kept], 1e-12), rest)

    def coordinates(self, rows: Floats) -> tuple[Floats, Floats]:
        """c (n, k) and r (n,)."""
        offset = (rows - self.mean) / self.scale
        along = offset @ self.directions.T
        return along / np.sqrt(self.variances), np.maximum((offset**2).sum(axis=1) - (along**2).sum(axis=1), 1e-9)

    def distance(self, rows: Floats) -> Floats:
        """Return the squared distance to the normals, (n,)."""
        return self._distance(*self.coordinates(rows))

    def distance_of_varied(self, rows: Floats) -> Floats:
        """Return the squared distance to the normals by the entries that varied among them, (n,).

        An entry that was the same in all training films has no scale: a film that differs in it alone lies some 10¹²
        away, however small the difference.
        """
        return self._distance(*self.coordinates(np.where(self.scale < _CONSTANT, self.mean, rows)))

    def _distance(self, along: Floats, off: Floats) -> Floats:
        pooled = self.rest[0] / max(1, len(self.mean) - len(self.variances))
        return np.asarray((along**2).sum(axis=1) + off / pooled)

    def entries(self, rows: Floats) -> Floats:
        """(n, 2k + 3), by the formula above."""
        along, off = self.coordinates(rows)
        near = np.log1p((along**2).sum(axis=1, keepdims=True))
        along = np.clip(along, -_CLIP, _CLIP)
        away = np.log(off / self.rest[0])[:, None]
        return np.concatenate([along, along**2, near, away, away**2], axis=1)


@dataclass(frozen=True, eq=False)
class Embedding:
    """A subspace for each view."""

    subspaces: Mapping[str, Subspace]

    @classmethod
    def fit(cls, views: Mapping[str, Floats]) -> Embedding:
        """Fit to each view's rows, (n, d)."""
        return cls(
            {
                name: Subspace.fit(rows, components=COMPONENTS[name], scaled=name not in _PIXELS)
                for name, rows in views.items()
            }
        )

    def __call__(self, views: Mapping[str, Floats]) -> Floats:
        """Return all views' entries side by side, (n, entries)."""
        return np.concatenate([self.subspaces[name].entries(views[name]) for name in self.subspaces], axis=1)

    def distance(self, name: str, views: Mapping[str, Floats]) -> Floats:
        """Return one view's squared distance to the normals, (n,)."""
        return self.subspaces[name].distance(views[name])

    def distance_of_varied(self, name: str, views: Mapping[str, Floats]) -> Floats:
        """Return one view's squared distance to the normals by the entries that varied among them, (n,)."""
        return self.subspaces[name].distance_of_varied(views[name])
