"""Cross-fitted lungs: a training film's mask is predicted by a finder that never saw that film's manual mask.

Detectors train on predicted masks, as they are tested. A finder predicts its own training films better than new ones,
so the training films are halved: each half is found by the finder that learnt from the other; all new films by the
full one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.artifacts.folder_lock import locked
from unseen.data.film import Film, NotRead
from unseen.training.progress import reported

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from unseen.training.progress import Progress


@dataclass(frozen=True, eq=False)
class CrossFittedLungs:
    """Three finders, so that no film's lungs are found by one that has seen its manual mask.

    Args:
        full: learnt from every training film.
        halves: each learnt from one half of them; empty where they cannot be halved.

    >>> CrossFittedLungs(LungFinder(), ()).full.config.size
    64
    """

    full: LungFinder
    halves: tuple[LungFinder, ...]

    def find(self, film: Film) -> NDArray[np.bool_]:
        """Find the lungs as `LungFinder.find` does, by a finder that has not seen this film's manual mask."""
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

    Args:
        films: films; those with a manual lung mask are learnt from.
        config: settings of the finders; None: the defaults.
        seed: of the first weights and of the order of films.
        device: where training runs, such as "cpu"; "auto": the first GPU, where there is one.
        folder: for checkpoints; None: none are written.
        progress: called with the finder's name ("lungs", "lungs-half-1", …) and the loop's progress.

    Raises:
        NoMasksError: no film carries a lung mask.

    >>> from unseen.data import phantoms
    >>> films = list(phantoms.normals(2, size=64))
    >>> finder = cross_fitted(films, config=LungFinder.Config(size=32, features=4, depth=2, steps=1), device="cpu")
    >>> finder.find(films[0]).dtype
    dtype('bool')
    """
    config = config or LungFinder.Config()
    examples = LungExamples.of(reported(films, "reading films for the lung finder", progress), size=config.size)

    def fit(name: str, part: LungExamples) -> LungFinder:
        report = None if progress is None else (lambda state: progress(name, state))
        target = None if folder is None else folder / name
        return LungFinder(config).fit(part, seed=seed, device=device, folder=target, progress=report)

    # several trainings share the folder: the first one trains the finders, and the others then find them
    with nullcontext() if folder is None else locked(folder, wait=True):
        full = fit("lungs", examples)
        parts = [examples.half(which) for which in (0, 1)]
        if not all(part.digests for part in parts):
            return CrossFittedLungs(full, ())
        return CrossFittedLungs(full, tuple(fit(f"lungs-half-{i}", part) for i, part in enumerate(parts, start=1)))
