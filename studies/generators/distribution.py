"""Distances between samples and images, and what a generator does outside its training set.

Distribution match: are samples spread as test images are? MMD, precision and recall, in `study_features`.

Other real images, compared with the test images in the same way, say what a perfect generator would reach.

Unfeasible: does the generator make images that it should not? Samples, and the training image nearest to each.

Held-out images have a nearest training image too, and their distance to it shows which distance is usual. Samples
that lie much farther are unlike the data. Samples that lie nearer are copies, or blander than images are: a smooth
average is near to everything. The images show which.

Source: arXiv 2107.11191, section 4; the comparison of the two distances is the statistic of Meehan, Chaudhuri &
Dasgupta, "A non-parametric test to detect data-copying in generative models", AISTATS 2020, over all of space.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from studies.generators.feasible import Features
from unseen.evaluation.bootstrap import BootstrapCohort, codes, draw_all, listed, mean_over, quantile_of, share_of
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.mean_discrepancy import MeanDiscrepancy, mmd
from unseen.evaluation.roc import Auroc, Floats, folds_of
from unseen.evaluation.sample_precision import NEIGHBOURS, precision_recall


@dataclass(frozen=True)
class Match:
    """One set of images against the test images.

    Args:
        precision: the share of them that look like test images.
        recall: the share of test images that they reach.
        n, tested: how many images, of how many.
    """

    discrepancy: MeanDiscrepancy
    precision: Figure
    recall: Figure
    n: int
    tested: int

    def to_json(self) -> dict[str, Json]:
        """Every field by its name."""
        return {
            "n": self.n,
            "tested": self.tested,
            "mmd": self.discrepancy.to_json(),
            "precision": self.precision.to_json(),
            "recall": self.recall.to_json(),
        }


@dataclass(frozen=True)
class Distribution:
    """Distances of samples and of real images to the test images.

    Args:
        samples: samples of the generator against the test images.
        real: other real images against the test images; None: there are too few images.
        components: number of principal components in which images are compared, with the residual of these.
        explained: share of the variance of the training images in the components.
    """

    samples: Match
    real: Match | None
    components: int
    explained: float

    def to_json(self) -> dict[str, Json]:
        """Every field by its name."""
        return {
            "samples": self.samples.to_json(),
            "real": None if self.real is None else self.real.to_json(),
            "components": self.components,
            "explained": round(self.explained, 6),
            "neighbours": NEIGHBOURS,
        }


def distribution(
    samples: Tensor, tested: Tensor, units: tuple[int, ...], other: Tensor, *, features: Features, seed: int
) -> Distribution:
    """Compare samples, and other real images, with test images, all (…, channels, height, width).

    As many samples, and as many other images, are taken as there are test images, or fewer where there are fewer.
    """
    return Distribution(
        samples=match(samples[: len(tested)], tested, units, features=features, seed=seed),
        real=match(other[: len(tested)], tested, units, features=features, seed=seed)
        if len(other) > NEIGHBOURS
        else None,
        components=len(features.rows),
        explained=features.explained,
    )


def match(made: Tensor, tested: Tensor, units: tuple[int, ...], *, features: Features, seed: int) -> Match:
    """Compare one set of images with the test images."""
    real, found = features.of(tested), features.of(made)
    support = precision_recall(real, found)
    return Match(
        mmd(real, found, seed=seed, units=units),
        share_of(support.precise),
        share_of(support.recalled, units),
        len(made),
        len(tested),
    )


SHOWN = 8
_TOGETHER = 4096  # training images compared at a time


@dataclass(frozen=True, eq=False)
class Unfeasible:
    """Distances are root mean squares over pixels, in shares of white.

    Args:
        samples: (n, channels, height, width).
        nearest: (n, …), the training image nearest to each.
        distance: (n,), to it.
        held_out: (m,), of test images to their nearest training image.
        units: (m,), such as the subjects.
        training: how many images were looked through.
        known: whether they are the very ones that the generator has learnt from.
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
        """The chance that a sample is nearer to its training image than a held-out image to its own; ½ is what
        real images have."""
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
        """Means over samples and over held-out images, and how they compare."""
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
    """For each image the number of its nearest training image (n,), and their root mean square difference (n,).

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
