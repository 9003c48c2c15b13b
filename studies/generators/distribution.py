"""Distribution of samples compared with that of test images: MMD, precision and recall, on principal components.

Other real images are compared with the test images in the same way; their figures are those of a perfect generator.

Source: arXiv 2107.11191, section 4.
"""

from dataclasses import dataclass

from torch import Tensor

from studies.generators.components import Features
from unseen.evaluation.bootstrap import share_of
from unseen.evaluation.intervals import Figure, Json
from unseen.evaluation.mean_discrepancy import MeanDiscrepancy, mmd
from unseen.evaluation.sample_precision import NEIGHBOURS, precision_recall


@dataclass(frozen=True)
class Match:
    """Comparison of a set of images with the test images.

    Args:
        discrepancy: squared MMD of the features.
        precision: share of the images that are like test images.
        recall: share of the test images that are like one of the images.
        n: number of images.
        tested: number of test images.
    """

    discrepancy: MeanDiscrepancy
    precision: Figure
    recall: Figure
    n: int
    tested: int

    def to_json(self) -> dict[str, Json]:
        """Return every field by its name."""
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
        """Return every field by its name."""
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

    The numbers of samples and of other images are at most that of the test images.
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
