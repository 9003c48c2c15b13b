"""Evaluations of reconstructors whose total variation takes a few iterations, for tests of everything else in them.

To its tolerance it takes a second of processor time for a few small images, most of an evaluation. That it is given
the noise and converges is tested by `tests/cli/test_imaging_recipes.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from torch import Tensor

from unseen.evaluation import reconstruction_quality
from unseen.physics import Operator
from unseen.priors.solvers.solution import Solution
from unseen.priors.tv import TV


class _ShortTV:
    @staticmethod
    def within_noise(y: Tensor, A: Operator, *, sigma: float | Tensor) -> Solution:
        return TV.within_noise(y, A, sigma=sigma, iterations=20)


@contextmanager
def short_tv() -> Iterator[None]:
    """Within it, evaluations stop total variation after 20 iterations."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconstruction_quality, "TV", _ShortTV)
        yield
