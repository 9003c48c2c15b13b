"""Films of ZhangLab's training split without exact duplicates, and the synthetic lesions that recipes are compared by.

The lesions are painted into the normal films of fold 0, within the lungs that a recipe's own finder sees: opacities of
`painted_lesions`, and an uneven haze with six nodules. The generator of a film is seeded by its pixels, so each recipe
has the same lesions where its finder sees the same lungs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from studies.detectors.frozen_cells import Lesion
from unseen.anatomy.lesion_shapes import smooth_noise
from unseen.data.film import Film, area
from unseen.detectors.painted_lesions import nodules, opacity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from unseen.runs.cohort import Cohort

SELECTION_FOLD = 0
"""Fold whose normal films get the synthetic lesions; its films have no part in the figures on real films."""


@dataclass(frozen=True, eq=False)
class LabelledSplit:
    """Folds and labels of the training split, without its exact duplicates.

    Args:
        folds: fold of each film (n,), assigned by patient.
        abnormal: label of each film (n,).
        dropped: number of exact duplicates that are left out.
    """

    folds: NDArray[np.int64]
    abnormal: NDArray[np.bool_]
    dropped: int

    def is_normal_of(self, fold: int) -> NDArray[np.bool_]:
        """Return the mask of the normal films of a fold (n,)."""
        mask: NDArray[np.bool_] = ~self.abnormal & (self.folds == fold)
        return mask

    def is_normal_without(self, fold: int) -> NDArray[np.bool_]:
        """Return the mask of the normal films of all folds but one (n,): the training films of that fold's model."""
        mask: NDArray[np.bool_] = ~self.abnormal & (self.folds != fold)
        return mask


@dataclass(frozen=True, eq=False)
class FilmsOfSplit(LabelledSplit):
    """Labelled films of the training split, each pixel content once."""

    films: Sequence[Film]

    @classmethod
    def of(cls, cohort: Cohort) -> FilmsOfSplit:
        """Read the films of a cohort."""
        films: dict[str, Film] = {}
        number = 0
        for film in cohort.films.select(lambda entry: entry.label is not None):
            assert isinstance(film, Film)
            films.setdefault(film.pixel_sha256, film)
            number += 1
        unique = list(films.values())
        return cls(
            folds=np.array([cohort.fold_of[film.name] for film in unique]),
            abnormal=np.array([film.label == "abnormal" for film in unique]),
            dropped=number - len(unique),
            films=unique,
        )

    def normals_without(self, fold: int) -> list[Film]:
        """Return the normal films of all folds but one."""
        return self._chosen(self.is_normal_without(fold))

    def normals_of(self, fold: int) -> list[Film]:
        """Return the normal films of a fold."""
        return self._chosen(self.is_normal_of(fold))

    def of_fold(self, fold: int) -> list[Film]:
        """Return all films of a fold."""
        return self._chosen(self.folds == fold)

    def _chosen(self, mask: NDArray[np.bool_]) -> list[Film]:
        return [film for film, chosen in zip(self.films, mask, strict=True) if chosen]


def opacities(film: Film, lungs: NDArray[np.bool_]) -> Film:
    """Paint one or two opacities of `painted_lesions` into a film."""
    rng, inside, image = _prepared(film, lungs, offset=7)
    changed, _ = opacity(image, inside, rng)
    if torch.rand((), generator=rng) < 0.5:
        changed, _ = opacity(changed, inside, rng)
    return _with(film, changed)


def haze(film: Film, lungs: NDArray[np.bool_]) -> Film:
    """Paint an uneven haze into both lungs, and six nodules."""
    rng, inside, image = _prepared(film, lungs, offset=3)
    soft = functional.avg_pool2d(inside.float()[None, None], 9, 1, 4)[0, 0] * inside
    strength = 0.08 + 0.25 * float(torch.rand((), generator=rng))
    changed = image + strength * (0.6 + 0.4 * smooth_noise(image.shape[0], image.shape[1], 10, rng)) * soft
    changed, _ = nodules(changed, inside, rng, number=6)
    return _with(film, changed)


LESIONS = (Lesion("opacity", 1, opacities), Lesion("haze", 1, haze))


def _prepared(
    film: Film, lungs: NDArray[np.bool_], *, offset: int
) -> tuple[torch.Generator, torch.Tensor, torch.Tensor]:
    """Return the film's own generator, its lungs on its pixels, and its image in network units."""
    rng = torch.Generator().manual_seed(int(film.pixel_sha256[:8], 16) % 2**31 + offset)
    inside = torch.from_numpy(area(lungs.astype(np.float32), *film.pixels.shape) > 0.5)
    if float(inside.float().mean()) < 0.02:
        inside = torch.ones_like(inside)
    return rng, inside, torch.from_numpy(film.pixels) * 2 - 1


def _with(film: Film, image: torch.Tensor) -> Film:
    return replace(film, pixels=((image + 1) / 2).clamp(0, 1).numpy().astype(np.float32))
