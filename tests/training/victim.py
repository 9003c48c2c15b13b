"""A small GAN-like training that another process kills and resumes; run as a server that forks one child a line.

Forking from a process that has imported torch (and computed nothing) saves the seconds that each import would take.
Line in: ``folder<TAB>epochs<TAB>last``; lines out: the child's process id, then its wait status and peak memory in KiB.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from unseen.training.learner import Step
from unseen.training.loop import train
from unseen.training.progress import Progress
from unseen.training.settings import Training

FILMS, BATCH = 48, 4
STEPS_AN_EPOCH = FILMS // BATCH


class SmallGan:
    """Everything that a resume can get wrong: BatchNorm, dropout, Adam, own draws, alternation, re-initialisation."""

    def __init__(self, *, seed: int = 3, ballast: int = 0) -> None:
        torch.manual_seed(seed)
        self.modules: dict[str, nn.Module] = {
            "g": nn.Sequential(
                nn.Conv2d(1, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2), nn.Dropout(0.3),
                nn.ConvTranspose2d(8, 1, 4, 2, 1), nn.Tanh(),
            ),
            "d": nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.BatchNorm2d(8), nn.LeakyReLU(0.2), nn.Conv2d(8, 1, 8)),
        }  # fmt: skip
        if ballast:  # makes the checkpoint's write as long as that of a real network
            self.modules["ballast"] = nn.Linear(ballast, 1, bias=False)
        self.optimisers: dict[str, torch.optim.Optimizer] = {
            "generator": torch.optim.Adam(self.modules["g"].parameters(), lr=2e-3, betas=(0.5, 0.999)),
            "discriminator": torch.optim.Adam(self.modules["d"].parameters(), lr=2e-3, betas=(0.5, 0.999)),
        }

    def steps(self, batch: tuple[Tensor, ...], rng: torch.Generator) -> Iterator[Step]:
        x, mask = batch  # (batch, 1, 16, 16) each
        noisy = x + 0.1 * torch.randn(x.shape, generator=rng).to(x.device)
        fake = self.modules["g"](noisy)
        residual = (mask * (fake - x)).square().mean()
        fooled = F.softplus(-self.modules["d"](fake)).mean()
        yield Step("generator", 10 * residual + fooled, {"residual": residual, "fooled": fooled})
        real = F.softplus(-self.modules["d"](x)).mean()
        told = F.softplus(self.modules["d"](fake.detach())).mean()
        yield Step("discriminator", real + told)

    def after_step(self, parts: Mapping[str, float], rng: torch.Generator) -> None:
        if torch.rand((), generator=rng) < 0.05:
            with torch.no_grad():
                weight = self.modules["d"].get_parameter("3.weight")
                weight.copy_(0.02 * torch.randn(weight.shape, generator=rng))


def films() -> tuple[Tensor, Tensor]:
    """Images and masks, ``(48, 1, 16, 16)`` each."""
    generator = torch.Generator().manual_seed(1)
    x = torch.rand((FILMS, 1, 16, 16), generator=generator)
    return x, (x > 0.3).float()


def run(folder: Path, *, epochs: int, last: int = 0) -> None:
    """The training, with a checkpoint after every step. After the step `last` it waits to be killed; 0: it goes on."""

    def wait(progress: Progress) -> None:
        if progress.step == last:
            signal.pause()

    settings = Training(epochs=epochs, batch_size=BATCH, device="cpu", threads=1, checkpoint_every_steps=1)
    train(SmallGan(ballast=300_000), films(), settings, folder=folder, progress=wait)


def _serve() -> None:
    import lightning_fabric  # noqa: F401  imported before the fork

    print("ready", flush=True)
    for line in sys.stdin:
        folder, epochs, last = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            run(Path(folder), epochs=int(epochs), last=int(last))
            os._exit(0)
        print(child, flush=True)
        _, status, usage = os.wait4(child, 0)
        print(status, usage.ru_maxrss, flush=True)


if __name__ == "__main__":
    _serve()
