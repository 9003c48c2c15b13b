"""Distribution match: are samples spread as test pictures are? MMD, precision and recall, in `study_features`.

Other real pictures, compared with the test pictures in the same way, say what a perfect generator would reach.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from unseen.evaluation.interval import Figure, Json
from unseen.evaluation.maximum_mean_discrepancy import MeanDiscrepancy, mmd
from unseen.evaluation.precision_recall_of_samples import NEIGHBOURS, precision_recall
from unseen.runs.generator_study.features import Features
from unseen.runs.generator_study.figures import share_of


@dataclass(frozen=True)
class Match:
    """One set of pictures against the test pictures.

    precision  the share of them that look like test pictures
    recall     the share of test pictures that they reach
    n, tested  how many pictures, of how many
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
    """samples     the generator's, against test pictures
    real        other real pictures against the same ones; None: there are none to spare
    components  in which they are compared, and by what these leave
    explained   their share of the training pictures' variance
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
    """Compare samples, and other real pictures, with test pictures, all (…, channels, height, width).

    As many samples, and as many other pictures, are taken as there are test pictures, or fewer where there are fewer.
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
    """Compare one set of pictures with the test pictures."""
    real, found = features.of(tested), features.of(made)
    support = precision_recall(real, found)
    return Match(
        mmd(real, found, seed=seed, units=units),
        share_of(support.precise),
        share_of(support.recalled, units),
        len(made),
        len(tested),
    )
