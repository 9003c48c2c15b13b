"""The search over a generator's latents, all images and starts in one batch, against the loop over both.

python -m benchmarks.priors               64 images × 10 starts (minutes: the loop is slow)
python -m benchmarks.priors --looped 32   the loop over so many of the 640 only, and its time in proportion
python -m benchmarks.priors --recipe priors/mnist-vae   that generator, trained or found in $UNSEEN_RUNS, and its test
                                                        images; else a decoder drawn at random, and images by it

Exit status 1: at 64 × 10 the batch is less than three times as fast, or ends at other objectives.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.kept_figures import as_json
from benchmarks.machine import described
from unseen.artifacts import recipe as recipes
from unseen.artifacts.files import write_text
from unseen.artifacts.recipe import validated
from unseen.networks.dcgan import DcganDecoder
from unseen.physics.operator import Mask
from unseen.priors.generative import Range
from unseen.priors.generator import Generator
from unseen.priors.search_settings import Search
from unseen.runs.generator_training import PictureSettings, load_images, train_generator
from unseen.training.progress_display import shown_on

LEAST = 3.0  # times as fast
SAME = (
    1e-2  # objectives of the same start are at most this far apart, relative, for most of the starts: rounding differs
)
MOST = 0.95  # of the starts, that are no farther apart
LATENT, SIZE = 8, 32


class Drawn:
    """The DCGAN decoder, randomly drawn: what its calls cost does not depend on its weights. BatchNorm's averages are
    those of its own activations, so that its images differ."""

    latent_shape: tuple[int, ...] = (LATENT,)

    def __init__(self, features: int) -> None:
        torch.manual_seed(0)
        self.network = DcganDecoder(SIZE, features=features, latent=LATENT)
        for layer in self.network.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = None  # the plain average
        with torch.no_grad():
            for _ in range(10):
                self.network(torch.randn(64, LATENT, 1, 1))
        self.network.eval().requires_grad_(False)

    def __call__(self, z: Tensor) -> Tensor:
        images: Tensor = (self.network(z[..., None, None]) + 1) / 2
        return images

    def latents(self, n: int, *, generator: torch.Generator) -> Tensor:
        return torch.randn(n, LATENT, generator=generator)

    def sample(self, n: int, *, generator: torch.Generator) -> Tensor:
        return self(self.latents(n, generator=generator))

    def penalty(self, z: Tensor) -> Tensor:
        return z.square().sum(1)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.priors", description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=64)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--looped", type=int, help="of the images × restarts; left out: all")
    parser.add_argument("--recipe", help="a generator's recipe, of images of 32 x 32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("studies/results/bench-priors.json"))
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    figures = {"date": datetime.now(UTC).date().isoformat(), "machine": described()} | measured(given)
    write_text(given.out, as_json(figures))
    print(json.dumps({key: value for key, value in figures.items() if key != "machine"}, indent=1))
    print("wrote", given.out)
    if (given.images, given.restarts) == (64, 10) and not figures["met"]:
        sys.exit(f"benchmarks.priors: less than {LEAST:g} times as fast, or other objectives; see {given.out}")


def measured(given: argparse.Namespace) -> dict[str, object]:
    """Both at equal iterations from equal starts: processor and wall seconds, and how far their objectives differ."""
    rng = torch.Generator().manual_seed(1)
    A = Mask(torch.rand(1, SIZE, SIZE, generator=rng) < 0.3)
    G, x = _trained(given) if given.recipe else _drawn(given, rng)
    y = A(x + 0.05 * torch.randn(x.shape, generator=rng))
    starts = G.latents(given.restarts, generator=rng).expand(given.images, -1, -1)
    search = Search(restarts=given.restarts, iterations=given.iterations, tolerance=0)
    prior = Range(G)
    prior.solve(y[:1], A, start=starts[:1], search=Search(iterations=2))  # warms up

    clock = _Clock()
    batched = prior.solve(y, A, start=starts, search=search)
    batch_s, batch_wall_s = clock.read()

    pairs = [(i, r) for i in range(given.images) for r in range(given.restarts)]
    looped = pairs[:: max(1, len(pairs) // (given.looped or len(pairs)))]
    apart = []
    clock = _Clock()
    for i, r in looped:
        alone = prior.solve(y[i : i + 1], A, start=starts[i : i + 1, r : r + 1], search=search)
        ours = float(batched.values[i, r])
        apart.append(abs(float(alone.value) - ours) / ours)
    loop_s, loop_wall_s = (seconds * len(pairs) / len(looped) for seconds in clock.read())
    same = sum(share <= SAME for share in apart) / len(apart)
    return {
        "pictures": given.images,
        "restarts": given.restarts,
        "iterations": given.iterations,
        "generator": given.recipe or f"drawn, {given.features} features",
        "threads": given.threads,
        "looped": len(looped),
        "batch_s": batch_s,
        "loop_s": loop_s,
        "batch_wall_s": batch_wall_s,
        "loop_wall_s": loop_wall_s,
        "times_as_fast": loop_s / batch_s,
        "times_as_fast_by_the_wall": loop_wall_s / batch_wall_s,
        "median_difference": sorted(apart)[len(apart) // 2],
        "same_objective": same,
        "met": loop_s / batch_s >= LEAST and same >= MOST,
    }


def _drawn(given: argparse.Namespace, rng: torch.Generator) -> tuple[Generator, Tensor]:
    G = Drawn(given.features)
    return G, G.sample(given.images, generator=rng)


def _trained(given: argparse.Namespace) -> tuple[Generator, Tensor]:
    run = train_generator(recipes.load(given.recipe), progress=shown_on())
    view = validated(run.recipe.view, PictureSettings, where="view")
    return run.G, load_images(view).testing[: given.images]


class _Clock:
    """Seconds since it was made: the processor's, which a busy machine changes little, and the wall's."""

    def __init__(self) -> None:
        self.processor, self.wall = time.process_time(), time.perf_counter()

    def read(self) -> tuple[float, float]:
        return time.process_time() - self.processor, time.perf_counter() - self.wall


if __name__ == "__main__":
    main()
