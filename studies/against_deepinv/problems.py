"""The five problems: images, measurement, training, and what each library may choose from on validation images.

They are the recipes of the imaging results, on smaller images where a CPU needs that. Two measurements follow
deepinv's conventions, so that both libraries can be given the same: MRI of complex images, the zero frequency in the
middle, and the single-pixel camera's patterns from coarse to fine, at a number of patterns where both orders hold the
same set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from studies import recipe_files as recipes
from studies.imaging.problem import Problem
from studies.imaging.settings import resolved
from unseen.artifacts.recipe import Recipe, RecipeError
from unseen.physics.fourier_mask import FourierMask
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Operator
from unseen.physics.single_pixel_camera import SinglePixelCamera

LEARNING_RATE = 1e-3
"""Learning rate of both libraries, chosen by supervised learning on the validation images of all five recipes
(`studies.imaging.tuning`)."""
FEATURES, MILESTONE = 16, 0.75
TUNED_FOR = 3  # options are tried for a third of the steps


@dataclass(frozen=True)
class Contest:
    """One problem.

    Args:
        title: heading on the page.
        recipe: of the imaging results.
        size: pixels a side.
        objective: "ei" or "rei".
        epochs, batch, steps: of a training; `steps` is what the epochs come to with the measurements that `learn`
            does not hold out, and deepinv takes as many.
        ours, theirs: options of each library, two each; it chooses one by the validation images.
        views: of tomography, in place of the recipe's.
        attenuation: of a pixel, in place of the recipe's.
    """

    title: str
    recipe: str
    size: int
    objective: str
    epochs: int
    batch: int
    steps: int
    ours: tuple[Mapping[str, object], ...]
    theirs: tuple[Mapping[str, object], ...]
    views: int | None = None
    attenuation: float | None = None

    def options(self, library: str) -> tuple[Mapping[str, object], ...]:
        """Return the options that `library` chooses from."""
        return self.ours if library == "unseen" else self.theirs


CONTESTS: dict[str, Contest] = {
    "mri": Contest(
        "MRI ×4, σ = 0.1 in each real component, REI",
        "imaging/mri-x4-10",
        64,
        "rei",
        epochs=8,
        batch=2,
        steps=192,
        ours=({"losses": "rei", "consistency": "none"}, {"losses": "rei", "consistency": "project"}),
        theirs=({"consistency": "sure-gaussian", "weight": 1.0}, {"consistency": "r2r", "weight": 1.0}),
    ),
    "poisson-inpainting": Contest(
        "Inpainting, 30 % of the pixels dropped, Poisson noise of gain 0.1, REI",
        "imaging/poisson-inpainting",
        64,
        "rei",
        epochs=7,
        batch=2,
        steps=203,
        ours=({"losses": "rei", "consistency": "none"}, {"losses": "thinning", "consistency": "none"}),
        theirs=({"consistency": "sure-poisson", "weight": 1.0}, {"consistency": "r2r", "weight": 1.0}),
    ),
    "ct": Contest(
        "CT, 25 views, noise-free, EI",
        "imaging/ct",
        64,
        "ei",
        epochs=8,
        batch=2,
        steps=192,
        ours=({"losses": "pictures", "consistency": "none"}, {"losses": "measurements", "consistency": "none"}),
        theirs=(
            {"consistency": "mc", "weight": 1.0, "normalize": False},
            {"consistency": "mc", "weight": 0.01, "normalize": True},
        ),
        views=25,
    ),
    "single-pixel": Contest(
        "Single-pixel camera, 308 of 1,024 Hadamard patterns, digits, noise-free, EI",
        "imaging/single-pixel",
        32,
        "ei",
        epochs=4,
        batch=8,
        steps=300,
        ours=({"losses": "ei", "consistency": "none"}, {"losses": "ei", "consistency": "project"}),
        theirs=({"consistency": "mc", "weight": 1.0}, {"consistency": "mc", "weight": 0.1}),
    ),
    "low-dose-ct": Contest(
        "Low-dose CT, 25 views, 1e5 photons, read-out noise of 30 counts, REI",
        "imaging/low-dose-ct",
        64,
        "rei",
        epochs=8,
        batch=2,
        steps=176,
        ours=({"losses": "pictures", "consistency": "none"}, {"losses": "measurements", "consistency": "none"}),
        theirs=({"consistency": "sure-pg", "weight": 0.01}, {"consistency": "sure-pg", "weight": 0.001}),
        views=25,
        attenuation=0.0256,
    ),
}
NOISE_OF_ITS_OWN = ("ct", "single-pixel", "low-dose-ct")
"""Each library measures the images with its own operator (projectors differ); of the others deepinv is given y."""
PATTERNS = 308


class ContestProblem(Problem):
    """A contest's images and measurements, for `unseen` and for TV."""

    def __init__(self, name: str, *, data: Path | None = None) -> None:
        self.name, self.contest = name, contest_of(name)
        super().__init__(_recipe(self.contest), data=data)
        self.process = Measurement(self._operator(), link=self.process.link, noise=self.process.noise)

    def _operator(self) -> Operator:
        A = self.process.A
        if isinstance(A, FourierMask):
            return FourierMask(torch.fft.fftshift(A.mask, dim=(-2, -1)), centred=True)
        if isinstance(A, SinglePixelCamera):
            return SinglePixelCamera(self.contest.size, PATTERNS, patterns="hadamard")
        return A


def contest_of(name: str) -> Contest:
    """Return the contest of that name; raise RecipeError if there is none."""
    if name not in CONTESTS:
        raise RecipeError(f"{name}: no such problem; there are {', '.join(CONTESTS)}")
    return CONTESTS[name]


def _recipe(contest: Contest) -> Recipe:
    recipe = recipes.load(contest.recipe)
    settings = dict(recipe.method.settings) | {"features": FEATURES}
    for key, value in (("views", contest.views), ("attenuation", contest.attenuation)):
        if value is not None:
            settings[key] = value
    method = recipe.method.model_copy(update={"settings": settings})
    return resolved(recipe.model_copy(update={"method": method, "view": dict(recipe.view) | {"size": contest.size}}))
