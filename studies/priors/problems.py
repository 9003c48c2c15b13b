"""The problems of the generators' results: images of one kind, an operator at several levels, noise.

Every image is measured once. The noise is Gaussian; its standard deviation is a share of the measurements' root mean
square, so that one share means the same for every operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from studies import recipe_files as recipes
from unseen.artifacts.recipe import RecipeError
from unseen.lab.operators import Blurred, FourierSpokes, Made, MaskedPixels, RandomMixtures, Views
from unseen.physics.operator import Operator
from unseen.priors.real_images import of_real_images
from unseen.runs.generator_training import Images

KINDS = ("vae", "ae", "wgan-gp")
_OPERATOR, _NOISE = 0, 1000  # seeds


@dataclass(frozen=True)
class Problem:
    """Images and how they are measured.

    Args:
        name: such as "digits-tomography".
        words: for people.
        generators: the recipes of its generators begin so: "priors/mnist" for priors/mnist-vae.
        levels: by name, from the fewest measurements to the most.
        everywhere: the levels at which every kind of generator is tried; at the others the VAE alone.
        noise: of the measurements' root mean square.
    """

    name: str
    words: str
    generators: str
    levels: Mapping[str, Made]
    everywhere: tuple[str, ...]
    noise: float

    def recipe_of(self, kind: str) -> str:
        """Return the recipe of one of its generators."""
        return f"{self.generators}-{kind}"

    @property
    def view(self) -> Mapping[str, object]:
        """View of the images, from the recipes of the problem's generators."""
        return recipes.load(self.recipe_of(KINDS[0])).view

    def kinds_at(self, level: str) -> tuple[str, ...]:
        """Return the kinds of generator that are tried."""
        return KINDS if level in self.everywhere else KINDS[:1]


def _on(pictures: str, generators: str, words: str) -> list[Problem]:
    """Four operators for small images."""
    mixtures = {f"{m} mixtures": RandomMixtures(measured=m / 1024) for m in (16, 32, 64, 128, 256)}
    views = {f"{n} views": Views(views=n) for n in (3, 5, 10, 20)}
    operators: list[tuple[str, str, dict[str, Made], tuple[str, ...]]] = [
        ("deblurring", "deblurring", {"σ = 2 pixels": Blurred(sigma=2.0)}, ("σ = 2 pixels",)),
        ("inpainting", "inpainting", {"80 % dropped": MaskedPixels(dropped=0.8)}, ("80 % dropped",)),
        ("compressed-sensing", "compressed sensing", {**mixtures}, ("64 mixtures",)),
        ("tomography", "tomography", {**views}, ("5 views",)),
    ]
    return [
        Problem(f"{pictures}-{name}", f"{words}: {told}", generators, levels, everywhere, noise=0.05)
        for name, told, levels, everywhere in operators
    ]


PROBLEMS = (
    Problem(
        "brain-mri",
        "Axial T1 slices: MRI by radial spokes",
        "priors/mri",
        {f"{n} spokes": FourierSpokes(spokes=n) for n in (5, 10, 20, 30, 50)},
        ("10 spokes", "30 spokes"),
        noise=0.02,
    ),
    *_on("digits", "priors/mnist", "Digits"),
    *_on("shapes", "priors/shapes", "A square and a disc"),
)


def named(name: str) -> Problem:
    """Raises RecipeError: there is no such problem."""
    for problem in PROBLEMS:
        if problem.name == name:
            return problem
    raise RecipeError(f"{name} is no problem; there are {', '.join(problem.name for problem in PROBLEMS)}")


@dataclass(frozen=True, eq=False)
class Measured:
    """Some images and what was measured of them.

    Args:
        x: (n, 1, size, size) in [0, 1].
        y: (n, *A.range).
        sigma: the noise's standard deviation, per real component.
    """

    x: Tensor
    y: Tensor
    A: Operator
    sigma: float


def measured(problem: Problem, level: str, pictures: Images, *, tested: int, validating: int) -> list[Measured]:
    """So many validation images, and so many test images, measured by one operator: [validation, test].

    They are spread evenly over what there is.
    """
    size = pictures.testing.shape[-1]
    A = of_real_images(problem.levels[level].operator(size, torch.Generator().manual_seed(_OPERATOR)))
    chosen = [_spread(pictures.validation, validating), _spread(pictures.testing, tested)]
    clean = [A(x) for x in chosen]
    components = 2 if clean[0].is_complex() else 1
    seen = A.observed()
    numbers = float(clean[0].numel() if seen is None else seen.counts().sum() * len(clean[0]))
    sigma = problem.noise * float((clean[0].abs().square().sum() / (components * numbers)).sqrt())
    found = []
    for part, (x, u) in enumerate(zip(chosen, clean, strict=True)):
        generator = torch.Generator().manual_seed(_NOISE + part)
        e = torch.view_as_complex(torch.randn(*u.shape, 2, generator=generator)) if components == 2 else None
        y = u + sigma * (torch.randn(u.shape, generator=generator) if e is None else e)
        found.append(Measured(x, y if seen is None else seen(y), A, sigma))
    return found


def spread_over(n: int, number: int) -> list[int]:
    """`number` places of 0 … n − 1, evenly; all of them where there are no more.

    >>> spread_over(10, 4), spread_over(2, 4)
    ([0, 2, 5, 7], [0, 1])
    """
    number = min(n, number)
    return [i * n // number for i in range(number)]


def _spread(pictures: Tensor, number: int) -> Tensor:
    return pictures[spread_over(len(pictures), number)]
