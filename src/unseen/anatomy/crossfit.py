"""Cross-fitted lungs: a training film's predicted mask comes from a finder that never saw that film's manual mask.

Detectors train on predicted masks, as they are tested. A finder predicts its own training films better than new ones,
so the training films are halved: each half is found by the finder that learnt from the other; all new films by the
full one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unseen.anatomy.lungs import LungExamples, LungFinder
from unseen.data.film import Film, NotRead

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from unseen.training.loop import Progress


@dataclass(frozen=True, eq=False)
class CrossFittedLungs:
    """`full` learnt from every training film, each of `halves` from one half of them."""

    full: LungFinder
    halves: tuple[LungFinder, ...]

    def find(self, film: Film) -> NDArray[np.bool_]:
        """As `LungFinder.find`, by a finder that has not seen this film's manual mask."""
        if film.pixel_sha256 not in self.full.training_films:
            return self.full.find(film)
        for half in self.halves:
            if film.pixel_sha256 not in half.training_films:
                return half.find(film)
        return self.full.find(film)


def cross_fitted(
    films: Iterable[Film | NotRead],
    *,
    config: LungFinder.Config | None = None,
    seed: int = 0,
    device: str = "auto",
    folder: Path | None = None,
    progress: Callable[[str, Progress], None] | None = None,
) -> CrossFittedLungs:
    """Train the three finders. Films are halved by their pixels' digest, so a film is in the same half whatever its
    order.

    `progress` is called with the finder's name ("lungs", "lungs-half-1", …) and the loop's progress.
    """
    config = config or LungFinder.Config()
    examples = LungExamples.of(films, size=config.size)

    def fit(name: str, part: LungExamples) -> LungFinder:
        report = None if progress is None else (lambda state: progress(name, state))
        target = None if folder is None else folder / name
        return LungFinder(config).fit(part, seed=seed, device=device, folder=target, progress=report)

    full = fit("lungs", examples)
    parts = [examples.half(which) for which in (0, 1)]
    if not all(part.digests for part in parts):
        return CrossFittedLungs(full, ())
    return CrossFittedLungs(full, tuple(fit(f"lungs-half-{i}", part) for i, part in enumerate(parts, start=1)))
