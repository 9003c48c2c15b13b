"""Samples and their nearest training images: does a generator make images that it should not, or copies?

The distances of held-out images to their nearest training image show the usual distance. Samples that are much farther
are unlike the data. Samples that are nearer are copies, or smoother than images: a smooth average is near to all of
them. The images show which.

Source: arXiv 2107.11191, section 4; the comparison of the two distances is the statistic of Meehan, Chaudhuri &
Dasgupta, "A non-parametric test to detect data-copying in generative models", AISTATS 2020, over all of space.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from unseen.evaluation.bootstrap import BootstrapCohort, codes, draw_all, listed, mean_over, quantile_of
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.roc import Auroc, Floats, folds_of

SHOWN = 8
_TOGETHER = 4096  # training images compared at a time


@dataclass(frozen=True, eq=False)
class Unfeasible:
    """Samples with their nearest training images. Distances are root mean squares over pixels, in shares of white.

    Args:
        samples: (n, channels, height, width).
        nearest: (n, channels, height, width), training image nearest to each sample.
        distance: (n,), distance to it.
        held_out: (m,), distance of each test image to its nearest training image.
        units: (m,), units of the bootstrap of the test images, such as the subjects.
        training: number of images that were searched.
        known: whether the generator was trained on these images.
    """

    samples: Tensor
    nearest: Tensor
    distance: Floats
    held_out: Floats
    units: tuple[int, ...]
    training: int
    known: bool

    @cached_property
    def nearer(self) -> Figure:
        """Probability that a sample is nearer to its training image than a held-out image to its own; ½ for real
        images."""
        score = -np.concatenate([self.held_out, self.distance])
        made = np.arange(len(score)) >= len(self.held_out)
        none = np.zeros(len(score), np.int64)
        groups = codes(np.asarray(self.units))
        units = np.concatenate([groups, groups.max() + 1 + np.arange(len(self.distance))])
        cohort = BootstrapCohort(score, made, none, np.full(len(score), ""), units, made.astype(np.int64))
        statistic = Auroc(folds_of(score, made, none))
        return draw_all({"nearer": statistic}, cohort, rng=np.random.default_rng(0))["nearer"].interval()

    @cached_property
    def figures(self) -> dict[str, Figure]:
        """Mean distances of samples and of held-out images, and the probability `nearer`."""
        return {
            "distance": mean_over(self.distance),
            "held_out_distance": mean_over(self.held_out, self.units),
            "median_distance": quantile_of(self.distance, 0.5),
            "nearer": self.nearer,
        }

    @property
    def shown(self) -> tuple[int, ...]:
        """Samples from the nearest to the farthest, evenly by rank."""
        order = np.argsort(self.distance, kind="stable")
        places = np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int)
        return tuple(int(order[place]) for place in places)

    def to_json(self) -> dict[str, Json]:
        """Figures, and each distance."""
        return {
            "n": len(self.distance),
            "held_out": len(self.held_out),
            "training": self.training,
            "learnt_from_these": self.known,
            **{name: figure.to_json() for name, figure in self.figures.items()},
            "by_sample": [*listed(self.distance)],
            "by_held_out_picture": [*listed(self.held_out)],
        }


def unfeasible(samples: Tensor, tested: Tensor, units: tuple[int, ...], training: Tensor, *, known: bool) -> Unfeasible:
    """Compare samples, and test images, with training images; all (…, channels, height, width)."""
    place, distance = nearest_of(samples, training)
    _, held_out = nearest_of(tested, training)
    return Unfeasible(samples, training[place], distance.numpy(), held_out.numpy(), units, len(training), known)


def nearest_of(x: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """Return the index of the nearest training image of each image (n,), and their root mean square difference (n,).

    >>> nearest_of(torch.full((1, 1, 2, 2), 0.4), torch.tensor([0.0, 0.5, 1.0]).reshape(3, 1, 1, 1).expand(3, 1, 2, 2))
    (tensor([1]), tensor([0.1000], dtype=torch.float64))
    """
    flat, known = x.flatten(1), training.flatten(1)
    best = torch.full((len(x),), torch.inf)
    place = torch.zeros(len(x), dtype=torch.int64)
    for start in range(0, len(known), _TOGETHER):
        part = known[start : start + _TOGETHER]
        squares = part.square().sum(1) - 2 * flat @ part.T  # (n, part), but for ‖x‖²
        least, where = squares.min(1)
        lower = least < best
        best, place = torch.where(lower, least, best), torch.where(lower, where + start, place)
    # the winner's distance computed again: the product above rounds
    return place, (flat.double() - known[place].double()).square().mean(1).sqrt()
