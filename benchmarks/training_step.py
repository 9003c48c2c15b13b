"""A step of `ganomaly` through the package's own loop against the plain float32 step, in turn.

python -m benchmarks.training_step --size 256 …    the times and losses of both as JSON, in a process of its own
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

import torch

from benchmarks.plain_ganomaly import PlainGanomaly
from unseen.anatomy.network_view import View
from unseen.data import phantoms
from unseen.detectors.ganomaly import Ganomaly
from unseen.detectors.ganomaly_family import _Adversaries
from unseen.training.learner import Step
from unseen.training.loop import train
from unseen.training.progress import Progress
from unseen.training.settings import Training


@dataclass(frozen=True)
class Race:
    """Seconds and weighted generator losses of each step of both, in order, from the first."""

    unseen_s: list[float]
    plain_s: list[float]
    unseen_loss: list[float]
    plain_loss: list[float]


class _Watched(_Adversaries):
    """The package's learner, which shows the batch that it was given."""

    def steps(self, batch: tuple[torch.Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        self.batch = batch
        return super().steps(batch, rng)


def race(
    *,
    size: int,
    features: int,
    batch: int,
    batches: int,
    epochs: int,
    threads: int,
    precision: Literal["bf16", "fp32"] = "bf16",
    alone: bool = False,
) -> Race:
    """Return both from the same weights, on the same batches of phantoms, step by step in turn.

    batches    a pass over the films; each pass deals them anew
    precision  of the package's steps; the plain ones are float32
    alone      the package's steps only: the plain lists stay empty
    """
    detector = Ganomaly(view=View(frame="whole", size=size), features=features)
    detector.modules()
    films = phantoms.normals(batch * batches, seed=1, size=max(64, size))
    viewed = [detector.look(film) for film in films]
    images = torch.stack([one.image for one in viewed])  # (n, 1, size, size)
    inside = torch.stack([one.inside for one in viewed])
    plain = PlainGanomaly(detector.networks, size=size, features=features, latent=detector.config.latent)
    learner = _Watched(detector, steps=epochs * batches)
    result = Race([], [], [], [])
    mark = time.perf_counter()

    def plain_step(state: Progress) -> None:
        nonlocal mark
        result.unseen_s.append(time.perf_counter() - mark)
        result.unseen_loss.append(state.losses["generator"])
        if not alone:
            image, mask, _ = learner.batch
            x = (image * mask).clone(memory_format=torch.contiguous_format)
            began = time.perf_counter()
            result.plain_loss.append(plain.step(x))
            result.plain_s.append(time.perf_counter() - began)
        print(f"\r  step {state.step} of {state.steps}", end="", file=sys.stderr, flush=True)
        mark = time.perf_counter()

    settings = Training(epochs=epochs, batch_size=batch, precision=precision, device="cpu", threads=threads)
    train(learner, (images, inside, inside), settings, progress=plain_step)
    print(file=sys.stderr)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("size", "features", "batch", "batches", "epochs", "threads"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    parser.add_argument("--alone", action="store_true")
    print(json.dumps(asdict(race(**vars(parser.parse_args())))))


if __name__ == "__main__":
    main()
