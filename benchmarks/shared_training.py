"""Difference between the losses of two processes and those of one: `python -m benchmarks.shared_training`.

Every detector that learns by epochs is trained on phantoms, three times from the same seed: by one process, by two that
share each batch, and by one with two threads. The third shows what rounding alone does, with nothing shared. Printed is
the largest relative difference of the first step's loss and of all steps'.

    --epochs 2      passes over the 24 phantoms, in batches of 8
    --only ganomaly roi-sure
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.detectors import METHODS
from unseen.detectors.detector import Detector, check_devices
from unseen.detectors.errors import FitError
from unseen.training.ranks import Ranks, keep
from unseen.training.settings import Training, TrainingError

VIEW = View(size=32, frame="whole")


def by_epochs() -> list[str]:
    """Return the detectors that take several devices, by their keys."""
    found = []
    for key in METHODS.own:
        kind: type[Detector] = METHODS.load(key)
        try:
            check_devices(kind(view=VIEW), Training(devices=2))
        except FitError:
            continue
        found.append(key)
    return found


def losses(key: str, films: Sequence[Film], training: Training) -> dict[str, list[float]]:
    """Train a detector and return the losses that it logs, by name."""
    kind: type[Detector] = METHODS.load(key)
    small: dict[str, Any] = {
        name: 4 for name in ("features", "latent") if name in kind.Config.model_fields
    }  # Any: as settings are
    detector = kind(view=VIEW, **small)
    others = films[:8] if detector.learns_from_unlabelled else ()
    detector.fit(films, training=training, finder="models/lungs", unlabelled=others)
    return {} if detector.history is None else detector.history.parts


def apart(one: dict[str, list[float]], other: dict[str, list[float]]) -> tuple[float, float]:
    """Return the largest relative difference of two histories: in their first step, and in all."""
    steps = [
        [abs(a - b) / max(abs(a), 1e-3) for a, b in zip(values, other[name], strict=True) if a == a]
        for name, values in one.items()
    ]
    return max(values[0] for values in steps if values), max(max(values) for values in steps if values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--only", nargs="*", help="detectors, by their keys")
    given = parser.parse_args()
    films = list(phantoms.normals(24, seed=3, size=64))
    one = Training(epochs=given.epochs, batch_size=8, device="cpu", threads=1)
    ranks = Ranks.started(2)
    keep(ranks)
    try:
        print("| detector | two processes: first step | all steps | two threads: first step | all steps |")
        print("|---|---|---|---|---|")
        for key in given.only or by_epochs():
            alone = losses(key, films, one)
            try:
                shared = apart(alone, losses(key, films, one.model_copy(update={"devices": 2})))
            except TrainingError as error:
                print(f"| `{key}` | refused: {error} | | | |", flush=True)
                continue
            rounded = apart(alone, losses(key, films, one.model_copy(update={"threads": 2})))
            print(f"| `{key}` | " + " | ".join(f"{value:.0e}" for value in (*shared, *rounded)) + " |", flush=True)
    finally:
        ranks.close()


if __name__ == "__main__":
    main()
